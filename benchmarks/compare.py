"""Seconds per step in minigen and in other libraries, taking turns: ratios, memory, time to import, size on disk.

python -m benchmarks.compare                                          # everything; about ten minutes on two cores
python -m benchmarks.compare --workloads dcgan ring --peers torch     # some of it; dcgan stands for both batches
python -m benchmarks.compare --quick                                  # three short rounds, for a first look
python -m benchmarks.compare --threads 1 --out results-one-thread

Every library runs in a process of its own.  Within a round each runs for about a second, one after the other, in an
order that rotates; a ratio is minigen's time over another library's in the same round, so that what the machine does
to both cancels.  The median over the rounds counts.  A workload that is run again replaces its entry in compare.json.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import compare_table, machine
from benchmarks.machine import ROOT
from benchmarks.worker import KERNEL_CHOICE, Worker, WorkerError, environment
from benchmarks.workloads import PEERS, WORKLOADS, taking_part
from minigen import console
from minigen.errors import DataError, SettingError

RESULTS = Path(__file__).parent / "results"
PAUSE = 0.06  # seconds between turns, in which the last one's threads stop waiting for work and sleep
IMPORTS = {"nothing": "pass", "numpy": "import numpy"}  # for orientation, beside each library's own import
ALL = (*WORKLOADS, "import", "size")


# Taking turns ---------------------------------------------------------------------------------------------------------


def take_turns(turns: Mapping[str, Callable[[], float]], rounds: int, pause: float = PAUSE) -> dict[str, list[float]]:
    """What each turn answers, round by round; who begins rotates."""
    names = list(turns)
    answers: dict[str, list[float]] = {name: [] for name in names}
    for i in range(rounds):
        first = i % len(names)
        for name in names[first:] + names[:first]:
            time.sleep(pause)
            answers[name].append(turns[name]())
    return answers


def summary(seconds: Mapping[str, Sequence[float]], per: int = 1) -> dict[str, dict[str, Any]]:
    """For each library the median time and, against minigen's in the same round, the ratio's median and quartiles."""
    found: dict[str, dict[str, Any]] = {}
    for peer, theirs in seconds.items():
        found[peer] = {"median": statistics.median(theirs) / per, "rounds": [s / per for s in theirs]}
        if peer != "minigen":
            ratios = [ours / other for ours, other in zip(seconds["minigen"], theirs, strict=True)]
            low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
            found[peer].update(ratio=middle, quartiles=[low, high])
    return found


# The parts ------------------------------------------------------------------------------------------------------------


def steps(name: str, peers: Iterable[str], threads: int, rounds: int, length: float) -> dict[str, Any]:
    """One workload in all libraries that can do it, with the peak of their memory."""
    workload = WORKLOADS[name]
    able, skipped = taking_part(peers, name)
    failed = {}
    with contextlib.ExitStack() as stack:
        workers: dict[str, Worker] = {}
        for peer in able:
            try:
                workers[peer] = Worker(peer, workload.builder, workload.settings, threads)
                stack.callback(workers[peer].close)
            except WorkerError as error:
                if peer == "minigen":
                    raise
                failed[peer] = str(error)
        turns = {peer: turn(worker, length) for peer, worker in workers.items()}
        found = summary(take_turns(turns, rounds), workload.per)
        for peer, worker in workers.items():
            found[peer]["peak"] = worker.peak()
    return {"peers": found, "skipped": skipped, "failed": failed}


def turn(worker: Worker, length: float) -> Callable[[], float]:
    """A turn of about so many seconds."""
    count = max(1, round(length / worker.step))
    return lambda: worker.run(count)


def imports(peers: Iterable[str], threads: int, rounds: int) -> dict[str, Any]:
    """Seconds until a fresh Python that imports a library has ended; beside it, one that imports nothing."""
    able, skipped = taking_part(peers, "import")
    codes = {**{peer: f"import {PEERS[peer].package}" for peer in able}, **IMPORTS}

    def started(code: str) -> float:
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=environment(threads))
        return time.perf_counter() - begin

    for code in codes.values():
        started(code)  # once before, so that every file has been read
    turns = {name: lambda code=code: started(code) for name, code in codes.items()}
    return {"peers": summary(take_turns(turns, rounds)), "skipped": skipped, "failed": {}}


def sizes(peers: Iterable[str]) -> dict[str, Any]:
    """Bytes on disk of each library, by itself and with what it requires."""
    able, skipped = taking_part(peers, "size")
    return {
        "peers": {peer: machine.installed_size(PEERS[peer].package) for peer in able},
        "skipped": skipped,
        "failed": {},
    }


def measured(name: str, peers: Sequence[str], threads: int, rounds: int, length: float) -> dict[str, Any]:
    """The entry of one workload: its figures, and when, where and with what they were taken."""
    load, watch = machine.load(), machine.Watch()
    if name == "import":
        figures = imports(peers, threads, rounds)
    elif name == "size":
        figures = sizes(peers)
    else:
        figures = steps(name, peers, threads, rounds, length)
    packages = dict.fromkeys(PEERS[peer].package for peer in figures["peers"] if peer in PEERS)
    taken = machine.taken((*packages, "numpy"), threads, rounds, load, watch, environment(threads))
    return {"taken": taken, **figures}


# The command ----------------------------------------------------------------------------------------------------------


def stored(path: Path) -> dict[str, Any]:
    """The entries measured before, by workload; none where there is no file.  DataError where it is not ours."""
    if not path.exists():
        return {}
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["workloads"]
        assert isinstance(entries, dict)
    except (ValueError, KeyError, TypeError, AssertionError) as error:
        raise DataError(f"--out {path.parent}: {path.name} is no result of this command; move it away.") from error
    return entries


def merge(path: Path, name: str, entry: dict[str, Any]) -> dict[str, Any]:
    """Put one workload's entry into the file, in place of an older one, and leave the others as they are."""
    entries = {**stored(path), name: entry}
    entries = {key: entries[key] for key in (*ALL, *entries) if key in entries}  # in the order of the table
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"workloads": entries}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return entries


def chosen(flag: str, given: Sequence[str] | None, known: Iterable[str]) -> list[str]:
    """The names that were asked for, a bare `dcgan` being all that begin so; SettingError where one is unknown."""
    known = list(known)
    found: list[str] = []
    for name in given if given is not None else known:
        matches = [k for k in known if k == name] or [k for k in known if k.startswith(f"{name}-")]
        if not matches:
            raise SettingError(f"{flag} {name}: there is no such name; choose from {', '.join(known)}.")
        found += matches
    return list(dict.fromkeys(found))


def run(given: argparse.Namespace) -> int:
    """Measure what was asked for; the exit status: 1 where a library failed."""
    names = chosen("--workloads", given.workloads, ALL)
    peers = ["minigen", *chosen("--peers", given.peers, [peer for peer in PEERS if peer != "minigen"])]
    if given.threads < 1 or given.rounds < 1:
        raise SettingError(f"--threads {given.threads} and --rounds {given.rounds} must be at least 1.")
    rounds, length = (3, 0.3) if given.quick else (given.rounds, 1.0)
    path = given.out / "compare.json"
    stored(path)  # refuse a wrong file now, not after the first measurement
    if KERNEL_CHOICE in os.environ:
        print(f"{KERNEL_CHOICE}={os.environ[KERNEL_CHOICE]} is not passed on: each BLAS chooses its own kernels")
    failed = False
    for name in names:
        entry = measured(name, peers, given.threads, rounds, length)
        entries = merge(path, name, entry)
        print(compare_table.section(name, entry), flush=True)
        failed = failed or bool(entry["failed"])
        path.with_suffix(".md").write_text(compare_table.page(entries), encoding="utf-8")
    print(f"written to {path} and {path.with_suffix('.md')}")
    return int(failed)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--workloads", nargs="+", metavar="NAME", help=f"of {', '.join(ALL)} (default: all)")
    parser.add_argument("--peers", nargs="+", metavar="NAME", help=f"of {', '.join(PEERS)} (default: all)")
    parser.add_argument("--threads", type=int, default=2, help="threads for every library (default: 2)")
    parser.add_argument("--rounds", type=int, default=7, help="how often each has its turn (default: 7)")
    parser.add_argument("--quick", action="store_true", help="three rounds of a third of a second")
    parser.add_argument(
        "--out", type=Path, default=RESULTS, help="folder for the figures (default: benchmarks/results)"
    )
    given = parser.parse_args(arguments)
    return console.run(lambda: run(given), "--workloads")


if __name__ == "__main__":
    sys.exit(main())

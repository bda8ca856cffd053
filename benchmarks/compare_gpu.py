"""Seconds per step on one NVIDIA GPU: minigen on CuPy beside PyTorch, both eager and as a CUDA graph, taking turns.

python -m benchmarks.compare_gpu                                    # everything, in fp32 and in tf32; about 15 minutes
python -m benchmarks.compare_gpu --workloads ring vae --precision tf32
python -m benchmarks.compare_gpu --quick                            # three short rounds, for a first look
python -m benchmarks.compare_gpu --dry-run                          # what would run; needs no GPU

Every contender runs in a process of its own, warm before the first round: kernels compiled, pools grown, graphs
recorded.  Within a round each runs for about a second, one after the other, in an order that rotates.  Time is told by
marks in the GPU's own queue (CUDA events).  Products and convolutions are in one stated precision for all.  A ratio is
minigen's time over another's in the same round; the median over the rounds counts.  What is run again replaces its
entry in compare_gpu.json.
"""

import argparse
import contextlib
import json
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import minigen
from benchmarks import compare_gpu_table, machine
from benchmarks.compare import RESULTS, chosen, stored, summary, take_turns, turn
from benchmarks.gpu_worker import CONTENDERS, GpuWorker
from benchmarks.worker import WorkerError
from benchmarks.workloads import Workload
from minigen import backend, console, doctor
from minigen.errors import BackendError, SettingError

PRECISIONS = ("fp32", "tf32")
WORKLOADS = {
    "dcgan": Workload("the article's GAN, batch 256", "dcgan", {"batch": 256}),
    "dcgan64": Workload("a DCGAN of 64×64×3, 512-256-128-64, kernels 4×4, batch 128", "dcgan64", {"batch": 128}),
    "ring": Workload("a GAN of points, 2-128-128, batch 256", "ring", {"batch": 256}),
    "vae": Workload("a VAE, 784-500-20, batch 128", "vae", {"batch": 128}),
    "iwae": Workload("the same with IWAE's bound, k = 50, batch 20", "iwae", {"batch": 20, "k": 50}),
}


def plan(names: Sequence[str], contenders: Sequence[str], precisions: Sequence[str], rounds: int, length: float) -> str:
    """What would run, a line each."""
    lines = [f"{len(names) * len(precisions)} tables, {rounds} rounds, about {length:g} s a turn:"]
    for name in names:
        for precision in precisions:
            lines.append(f"  {name} in {precision}: {WORKLOADS[name].title}")
    lines.append("in each, taking turns:")
    lines += [f"  {contender}: {CONTENDERS[contender].title}" for contender in contenders]
    return "\n".join(lines)


def measured(name: str, contenders: Sequence[str], precision: str, rounds: int, length: float) -> dict[str, Any]:
    """The entry of one workload in one precision.  What cannot be measured stands under "failed", with its reason."""
    workload = WORKLOADS[name]
    failed: dict[str, str] = {}
    with contextlib.ExitStack() as stack:
        workers: dict[str, GpuWorker] = {}
        for contender in contenders:
            try:
                workers[contender] = GpuWorker(contender, workload.builder, workload.settings, precision)
                stack.callback(workers[contender].close)
            except WorkerError as error:
                failed[contender] = str(error)
        if "minigen" not in workers:
            return {"taken": taken(precision, rounds), "peers": {}, "failed": failed}
        found = summary(take_turns({peer: turn(worker, length) for peer, worker in workers.items()}, rounds))
        for contender, worker in workers.items():
            told = worker.told()
            found[contender].update(host=told["host"] / told["step"], losses=told["losses"], about=told["about"])
            found[contender]["memory"] = worker.memory()
    return {"taken": taken(precision, rounds), "peers": found, "failed": failed}


def taken(precision: str, rounds: int) -> dict[str, Any]:
    """When, where and how: what every entry says of itself."""
    return {
        "date": machine.today(),
        "precision": precision,
        "rounds": rounds,
        **doctor.gpu(),
        "driver": driver(),
        "minigen": minigen.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "system": platform.platform(),
    }


def driver() -> str:
    """The driver's version, clocks and power limit of each visible GPU, in nvidia-smi's words; empty without it."""
    if shutil.which("nvidia-smi") is None:
        return ""
    asked = ["nvidia-smi", "--query-gpu=driver_version,clocks.max.sm,power.limit", "--format=csv,noheader"]
    return "; ".join(subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split("\n")).strip("; ")


def merge(path: Path, key: str, entry: dict[str, Any]) -> dict[str, Any]:
    """Put one entry into the file, in place of an older one, and leave the others as they are."""
    entries = {**stored(path), key: entry}
    order = [f"{name} {precision}" for name in WORKLOADS for precision in PRECISIONS]
    entries = {key: entries[key] for key in dict.fromkeys([*order, *entries]) if key in entries}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"workloads": entries}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return entries


def run(given: argparse.Namespace) -> int:
    """Measure what was asked for; the exit status: 1 where a contender failed.  BackendError without a GPU."""
    names = chosen("--workloads", given.workloads, WORKLOADS)
    contenders = ["minigen", *chosen("--peers", given.peers, [peer for peer in CONTENDERS if peer != "minigen"])]
    precisions = chosen("--precision", given.precision, PRECISIONS)
    if given.rounds < 1:
        raise SettingError(f"--rounds {given.rounds} must be at least 1.")
    rounds, length = (3, 0.3) if given.quick else (given.rounds, 1.0)
    intended = plan(names, contenders, precisions, rounds, length)
    if given.dry_run:
        print(f"{intended}\ndry run: nothing was measured")
        return 0
    if why_not := backend.probe():
        raise BackendError(
            f"{why_not.partition(chr(10))[0]}\nNothing was measured; python -m minigen.doctor says what is missing. "
            f"With a GPU this command runs {intended}"
        )
    path = given.out / "compare_gpu.json"
    stored(path)  # refuse a wrong file now, not after the first measurement
    backend.use("cupy")
    failed = False
    for name in names:
        for precision in precisions:
            entry = measured(name, contenders, precision, rounds, length)
            entries = merge(path, f"{name} {precision}", entry)
            print(compare_gpu_table.section(f"{name} {precision}", entry), flush=True)
            failed = failed or bool(entry["failed"])
            path.with_suffix(".md").write_text(compare_gpu_table.page(entries), encoding="utf-8")
    print(f"written to {path} and {path.with_suffix('.md')}")
    return int(failed)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--workloads", nargs="+", metavar="NAME", help=f"of {', '.join(WORKLOADS)} (default: all)")
    parser.add_argument("--peers", nargs="+", metavar="NAME", help=f"of {', '.join(CONTENDERS)} (default: all)")
    parser.add_argument("--precision", nargs="+", metavar="NAME", help="of fp32, tf32 (default: both)")
    parser.add_argument("--rounds", type=int, default=7, help="how often each has its turn (default: 7)")
    parser.add_argument("--quick", action="store_true", help="three rounds of a third of a second")
    parser.add_argument("--dry-run", action="store_true", help="print what would run, and run nothing")
    parser.add_argument(
        "--out", type=Path, default=RESULTS, help="folder for the figures (default: benchmarks/results)"
    )
    given = parser.parse_args(arguments)
    return console.run(lambda: run(given), "--workloads")


if __name__ == "__main__":
    sys.exit(main())

"""One library on one workload in a process of its own, which runs steps when it is told to.

python -m benchmarks.worker torch dcgan '{"batch": 64}' --threads 2     # then: run 5, peak, on lines of their own

A process each, because libraries share neither thread pools nor allocators, and the peak of memory is a process's.
`Worker` is the other end: what `benchmarks.compare` holds of such a process.
"""

import argparse
import contextlib
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.machine import ROOT

WARM = 0.2  # seconds that a stretch of steps must take before its length is believed
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
KERNEL_CHOICE = "OPENBLAS_CORETYPE"  # makes OpenBLAS take another processor's kernels: no library is asked to


class WorkerError(RuntimeError):
    """A worker that ended before it answered; the text says which, and the last line that it wrote."""


class Worker:
    """A running worker: it is built and warm when this returns, and `step` is about how long one step takes."""

    def __init__(self, peer: str, builder: str, settings: Mapping[str, Any], threads: int):
        self.name = f"{peer} {builder}"
        self.errors = tempfile.TemporaryFile("w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [sys.executable, "-m", __name__, peer, builder, json.dumps(dict(settings)), "--threads", str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            cwd=ROOT,
            env=environment(threads),
        )
        self.step: float = self._answer()["step"]

    def run(self, steps: int) -> float:
        """Seconds per step over so many steps."""
        return self._ask(f"run {steps}")["step"]

    def peak(self) -> int:
        """The most memory that the process has held so far, in bytes."""
        return self._ask("peak")["peak"]

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None and self.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):  # where it has ended by itself
            self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.errors.close()

    def _ask(self, command: str) -> dict[str, Any]:
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # there will be no answer, and that is an error
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            status = self.process.wait()
            self.errors.seek(0)
            told = self.errors.read().strip().splitlines() or [f"no word of why, status {status}"]
            self.close()
            raise WorkerError(f"{self.name}: {told[-1]}")
        return json.loads(line)


def environment(threads: int) -> dict[str, str]:
    """What workers find in their environment: as many threads for every pool, and OpenBLAS's own choice of kernels."""
    kept = {name: value for name, value in os.environ.items() if name != KERNEL_CHOICE}
    return {**kept, **{name: str(threads) for name in THREADS}}


# In the worker's process ----------------------------------------------------------------------------------------------


def timed(step: Any, wait: Any, steps: int) -> float:
    """Seconds per step; `wait` makes a library that answers ahead of its work finish it."""
    last = None
    started = time.perf_counter()
    for _ in range(steps):
        last = step()
    wait(last)
    return (time.perf_counter() - started) / steps


def warm_up(step: Any, wait: Any) -> float:
    """Seconds per step, once the first step is done and a stretch is long enough; the better of two such stretches."""
    timed(step, wait, 1)
    steps = 1
    while (seconds := timed(step, wait, steps)) * steps < WARM:
        steps *= 2
    return min(seconds, timed(step, wait, steps))


def peak() -> int:
    """The most memory this process has held, in bytes.

    From Linux itself where it can be had: what getrusage says begins with the size of the process that started us.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource  # Unix only

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def use_cores(n: int) -> None:
    """Keep to the first n cores, for pools that no variable limits."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        if n < len(cores):
            os.sched_setaffinity(0, cores[:n])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("peer")
    parser.add_argument("builder")
    parser.add_argument("settings", type=json.loads, nargs="?", default={})
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()

    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no answer
    use_cores(given.threads)

    from benchmarks.workloads import PEERS

    peer = PEERS[given.peer]
    library = importlib.import_module(f"benchmarks.workloads.{peer.module}")
    if hasattr(library, "use_threads"):
        library.use_threads(given.threads)
    wait = getattr(library, "wait", lambda last: None)
    step = getattr(library, given.builder)(**given.settings, **peer.given).step
    print(json.dumps({"step": warm_up(step, wait)}), file=answers, flush=True)
    for line in sys.stdin:
        command, _, count = line.strip().partition(" ")
        answer = {"step": timed(step, wait, int(count))} if command == "run" else {"peak": peak()}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()

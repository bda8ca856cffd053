"""One library on one workload on the GPU, in a process of its own, which runs steps when it is told to.

python -m benchmarks.gpu_worker torch_graph dcgan '{"batch": 256}' tf32     # then: run 5, memory, on lines of their own

`Running` is what such a process holds, `GpuWorker` is the other end: what `benchmarks.compare_gpu` holds of it.
"""

import argparse
import importlib
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from benchmarks.machine import ROOT
from benchmarks.worker import Worker
from minigen.errors import AnomalyError, MinigenError

WARM = 0.5  # seconds that a stretch of steps must take before its length is believed
FIRST = 10  # steps, after which the losses are told
FORCING = ("NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE", "CUPY_TF32")  # would undo a stated precision


class Contender(NamedTuple):
    """A library, or a way of using it: its package, its module among the workloads, what `made` is told there."""

    title: str
    package: str
    module: str
    given: Mapping[str, Any] = {}


CONTENDERS = {
    "minigen": Contender("minigen", "cupy", "gpu_minigen"),
    "minigen_graph": Contender(
        "minigen, the step as one CUDA graph, noise drawn on the GPU", "cupy", "gpu_minigen", {"graph": True}
    ),
    "minigen_plain": Contender("minigen without its CUDA kernels", "cupy", "gpu_minigen", {"kernels": False}),
    "torch": Contender("PyTorch eager, as installed", "torch", "gpu_torch"),
    "torch_graph": Contender(
        "PyTorch, the step as one CUDA graph, fused Adam, cuDNN's search", "torch", "gpu_torch", {"graph": True}
    ),
}


class Running:
    """A workload built, its first steps done and its kernels compiled; `step` is about how long one step takes.

    losses: after ten steps.  host: seconds per step by the host's clock, which the GPU's marks must agree with.
    AnomalyError where a loss is no number.
    """

    def __init__(self, contender: str, builder: str, settings: Mapping[str, Any], precision: str):
        chosen = CONTENDERS[contender]
        self.library = importlib.import_module(f"benchmarks.workloads.{chosen.module}")
        self.library.prepare(precision)
        self.one = self.library.made(builder, settings, **chosen.given)
        last: Any = None
        for _ in range(FIRST):
            last = self.one()
        self.losses = [loss.item() for loss in (last if isinstance(last, tuple) else (last,))]
        if not all(map(math.isfinite, self.losses)):
            raise AnomalyError(f"{contender}: the losses of {builder} after {FIRST} steps are {self.losses}.")
        steps = 1
        while self.run(steps) * steps < WARM:
            steps *= 2
        begun = time.perf_counter()
        self.step = self.run(steps)
        self.host = (time.perf_counter() - begun) / steps

    def run(self, steps: int) -> float:
        """Seconds per step over so many steps."""
        return self.library.timed(self.one, steps)

    def memory(self) -> int:
        """Bytes of the GPU's memory that the library has taken."""
        return self.library.memory()

    def told(self) -> dict[str, Any]:
        """What is known when it is warm."""
        return {"step": self.step, "host": self.host, "losses": self.losses, "about": self.library.about()}

    def close(self) -> None:
        """Nothing to end: the counterpart of a worker's."""


class GpuWorker(Worker):
    """A process that holds a `Running`, warm when this returns.  WorkerError with its last line where it ended."""

    def __init__(self, contender: str, builder: str, settings: Mapping[str, Any], precision: str):
        self.name = f"{contender} {builder}"
        self.errors = tempfile.TemporaryFile("w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [sys.executable, "-m", __name__, contender, builder, json.dumps(dict(settings)), precision],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if name not in FORCING},
        )
        self._told = self._answer()
        self.step = self._told["step"]

    def told(self) -> dict[str, Any]:
        """What is known when it is warm."""
        return self._told

    def memory(self) -> int:
        """Bytes of the GPU's memory that the library has taken."""
        return self._ask("memory")["memory"]


def serve(running: Running, commands: Iterable[str], answer: Callable[[dict[str, Any]], None]) -> None:
    """Answer first what is known, then every command."""
    answer(running.told())
    for line in commands:
        command, _, count = line.strip().partition(" ")
        answer({"step": running.run(int(count))} if command == "run" else {"memory": running.memory()})


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("contender", choices=CONTENDERS)
    parser.add_argument("builder")
    parser.add_argument("settings", type=json.loads)
    parser.add_argument("precision", choices=["fp32", "tf32"])
    given = parser.parse_args(arguments)
    own = os.dup(1)
    os.dup2(2, 1)  # what a library prints is no answer
    try:
        running = Running(given.contender, given.builder, given.settings, given.precision)
    except MinigenError as error:
        print(str(error).partition("\n")[0], file=sys.stderr)
        return 2
    with os.fdopen(own, "w", encoding="utf-8") as answers:
        serve(running, sys.stdin, lambda answer: print(json.dumps(answer), file=answers, flush=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())

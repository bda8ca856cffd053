"""Where the time of a step of minigen goes: by operation, forward and backward, and the optimisers.

python -m benchmarks.profile_step dcgan --batch 256 --steps 5
python -m benchmarks.profile_step ring --top 12

Every call of an operation and of its derivative is timed, the outermost where one calls another, so that the parts add
up.  The rest is what is in none of them: drawing noise; the engine's walk, which undoes broadcasts and adds gradients
that meet; the Python of layers and losses; and this timing itself.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from benchmarks.worker import THREADS, use_cores, warm_up

FORWARD, BACKWARD, OPTIMISER = "forward", "backward", "optimiser"


def _named(operation: Any, _: Any) -> str:
    """The name of an operation, or of the function that Python's `@` stands for."""
    return getattr(operation, "name", operation.__name__)


class Profile:
    """Seconds and calls by (part, name); only the outermost of nested calls counts."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter):
        self.clock = clock
        self.seconds: dict[tuple[str, str], float] = {}
        self.calls: dict[tuple[str, str], int] = {}
        self.inside = False

    def timed(self, part: str, called: Callable[[Any], str], function: Callable[..., Any]) -> Callable[..., Any]:
        """`function`, a method, timed under what `called` says of its object."""

        def wrapped(self_: Any, *inputs: Any, **settings: Any) -> Any:
            if self.inside:
                return function(self_, *inputs, **settings)
            self.inside = True
            begun = self.clock()
            try:
                return function(self_, *inputs, **settings)
            finally:
                key = part, called(self_)
                self.seconds[key] = self.seconds.get(key, 0.0) + self.clock() - begun
                self.calls[key] = self.calls.get(key, 0) + 1
                self.inside = False

        return wrapped

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Within, every operation, derivative and update of minigen is timed."""
        from minigen.autograd.op import Fused, Op
        from minigen.autograd.tensor import Tensor
        from minigen.ops.methods import BINARY, COMPARISONS
        from minigen.optim.optimiser import Optimiser

        plan: list[tuple[type, str, str, Callable[[Any], str]]] = [
            *((kind, "__call__", FORWARD, lambda op: op.name) for kind in (Op, Fused)),
            *((kind, "pull_back", BACKWARD, lambda op: op.name) for kind in (Op, Fused)),
            (Optimiser, "update", OPTIMISER, lambda optimiser: type(optimiser).__name__),
        ]
        # Python's operators hold the bound methods of operations, which were taken when minigen was imported.
        operators = [(f"__{name}__", op) for name, _, op in (*BINARY, *COMPARISONS)]
        operators += [(f"__r{name}__", op) for name, _, op in BINARY]
        plan += [(Tensor, method, FORWARD, partial(_named, op)) for method, op in operators]
        own = [(kind, method, vars(kind)[method]) for kind, method, _, _ in plan]
        for kind, method, part, called in plan:
            setattr(kind, method, self.timed(part, called, vars(kind)[method]))
        try:
            yield
        finally:
            for kind, method, function in own:
                setattr(kind, method, function)

    def table(self, total: float, steps: int, top: int) -> str:
        """The parts of a step, the longest first; `total`: seconds of all steps."""
        rows = [(part, name, self.seconds[part, name], self.calls[part, name]) for part, name in self.seconds]
        rows.sort(key=lambda row: -row[2])
        lines = [f"{'':<10} {'':<22} {'ms a step':>10} {'calls':>7} {'share':>6}"]

        def line(part: str, name: str, seconds: float, calls: str) -> None:
            share = f"{seconds / total:.1%}"
            lines.append(f"{part:<10} {name:<22} {1e3 * seconds / steps:>10.3f} {calls:>7} {share:>6}")

        for part, name, seconds, calls in rows[:top]:
            line(part, name, seconds, f"{calls / steps:g}")
        if others := rows[top:]:
            line("", f"{len(others)} more", sum(row[2] for row in others), f"{sum(r[3] for r in others) / steps:g}")
        for kind in (FORWARD, BACKWARD, OPTIMISER):
            line("all", kind, sum(row[2] for row in rows if row[0] == kind), "")
        line("rest", "in none of these", total - sum(row[2] for row in rows), "")
        line("", "a step", total, "")
        return "\n".join(lines)


def profiled(step: Callable[[], Any], steps: int) -> tuple[Profile, float]:
    """So many steps, watched, and the seconds they took together."""
    profile = Profile()
    with profile.watching():
        begun = time.perf_counter()
        for _ in range(steps):
            step()
        return profile, time.perf_counter() - begun


def main(arguments: Sequence[str] | None = None) -> int:
    builders = ("dcgan", "ring", "vae", "iwae", "wgan_gp")
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("workload", choices=builders)
    parser.add_argument("--batch", type=int, help="items a batch (default: the workload's own)")
    parser.add_argument("--steps", type=int, help="steps to take (default: as many as fit into about 3 seconds)")
    parser.add_argument("--threads", type=int, default=2, help="threads of the BLAS (default: 2)")
    parser.add_argument("--top", type=int, default=25, help="how many operations to list (default: 25)")
    given = parser.parse_args(arguments)
    for flag in ("batch", "steps", "threads", "top"):
        value = getattr(given, flag)
        if value is not None and value < 1:
            parser.error(f"--{flag} {value} must be at least 1.")
    os.environ.update({name: str(given.threads) for name in THREADS})  # before NumPy is imported
    use_cores(given.threads)

    from benchmarks.workloads import minigen_

    step = getattr(minigen_, given.workload)(**({"batch": given.batch} if given.batch else {})).step
    plain = warm_up(step, lambda last: None)
    steps = given.steps or max(3, round(3 / plain))
    profile, total = profiled(step, steps)
    print(f"{given.workload}, {steps} steps, {given.threads} threads; unwatched, a step took {1e3 * plain:.3g} ms")
    print(profile.table(total, steps, given.top))
    return 0


if __name__ == "__main__":
    sys.exit(main())

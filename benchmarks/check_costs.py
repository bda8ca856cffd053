"""What a check costs: exercises of a lesson, and one layer beside PyTorch's gradcheck, taking turns."""

import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import planted_errors
from minigen import ops
from minigen.check import grad_check, grad_report


def timed(act: Callable[[], Any], at_least: float = 0.5) -> float:
    """The least of several runs, in seconds."""
    best, spent = float("inf"), 0.0
    while spent < at_least:
        started = time.perf_counter()
        act()
        seconds = time.perf_counter() - started
        best, spent = min(best, seconds), spent + seconds
    return best


def exercises() -> list[dict[str, Any]]:
    """Milliseconds and evaluations of the eight functions of planted_errors.py with their right backwards."""
    rows = []
    for name, exercise in planted_errors.exercises().items():

        def check(exercise=exercise):
            return grad_report(exercise.f, exercise.inputs, backward=exercise.backward)

        entries = sum(x.size for x in exercise.inputs.values())
        ms = round(1e3 * timed(check), 2)
        rows.append({"what": name, "entries": entries, "ms": ms, "evaluations": check().evaluations})
        print(json.dumps(rows[-1], ensure_ascii=False), flush=True)
    return rows


def beside_pytorch() -> list[dict[str, Any]]:
    """Seconds of both checks on tanh(x w + b) of several sizes; PyTorch's full mode where it ends within minutes."""
    rng = np.random.default_rng(0)
    rows = []
    for n, i, o in ((4, 3, 2), (20, 30, 20), (20, 60, 30), (300, 1500, 300)):
        x, w, b = rng.normal(size=(n, i)), rng.normal(size=(i, o)) / i**0.5, rng.normal(size=o)
        rows.append({"shape": [n, i, o], "entries": x.size + w.size + b.size, **by_turns(x, w, b)})
        print(json.dumps(rows[-1], ensure_ascii=False), flush=True)
    return rows


def by_turns(x: Any, w: Any, b: Any) -> dict[str, float]:
    """The least of three turns of each, in seconds.  CheckError where grad_check rejects this right function."""
    import torch

    tensors = [torch.from_numpy(a.copy()).requires_grad_() for a in (x, w, b)]

    def theirs(fast):
        torch.autograd.gradcheck(lambda x, w, b: torch.tanh(x @ w + b), tensors, fast_mode=fast)

    acts: dict[str, Callable[[], Any]] = {
        "minigen": lambda: grad_check(lambda x, w, b: ops.tanh(x @ w + b), [x, w, b], quiet=True),
        "torch fast": lambda: theirs(True),
    }
    if x.size + w.size + b.size < 10_000:
        acts["torch"] = lambda: theirs(False)
    seconds = dict.fromkeys(acts, float("inf"))
    for _ in range(3):
        for name, act in acts.items():
            seconds[name] = min(seconds[name], timed(act, 0.1))
    return {name: round(s, 5) for name, s in seconds.items()}

"""Right derivatives at random: every operation, losses and compositions, at every shape and scale, by number and seed.

case(number, seed) is one function with a right derivative, and the point at which to check it.  Each input has a scale
of its own, from 1e-6 to 1e6, a dtype of its own, and now and then an offset or nothing but zeros.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import minigen
from benchmarks import right_compositions, right_operations  # noqa: F401 (they register the families)
from benchmarks.drawing import FAMILIES, Draw
from minigen import Tensor

GRAPH_ONLY = {"sign", "gradient penalty", "r1"}  # what does not work on bare arrays


class Case(NamedTuple):
    """f and the inputs of one check, `backward` where the rule is no graph's, and settings of grad_check."""

    family: str
    f: Callable[..., Any]
    inputs: dict[str, Any]
    backward: Callable[..., Any] | None
    settings: dict[str, Any]


def case(number: int, seed: int = 0) -> Case:
    """The case of this number: the same one whenever it is asked for."""
    d = Draw(np.random.default_rng([seed, number]))
    names = sorted(FAMILIES)
    name = names[number % len(names)]
    f, inputs, *more = FAMILIES[name](d)
    backward = more[0] if more else None
    settings = {"seed": number, "order": 1, **(more[1] if len(more) > 1 else {})}
    if backward is None and d.chance(0.3):
        settings["order"] = 2
    elif backward is None and "rng" not in settings and name not in GRAPH_ONLY and d.chance(0.4):
        backward = as_rule(f)
    return Case(name, f, inputs, backward, settings)


def as_rule(f: Callable[..., Any]) -> Callable[..., Any]:
    """The engine's gradient in the form of a rule written by hand."""

    def backward(dy: Any, y: Any, *inputs: Any) -> tuple[Any, ...]:
        leaves = [Tensor(x, requires_grad=True) if x.dtype.kind == "f" else x for x in inputs]
        free = [x for x in leaves if isinstance(x, Tensor)]
        found = minigen.grad(f(*leaves), free, dy, allow_unused=True)
        return tuple(np.zeros_like(x.data) if dx is None else dx.data for x, dx in zip(free, found, strict=True))

    return backward

"""Does a backward glide as a formula does?  Finite differences or float32 inside it make it jump.

A formula in float64 is uneven by its rounding, about 1e-16 of its size.  A difference quotient divides the rounding of
f by its step, which makes it 1e3 to 1e10 times as uneven; float32 inside a rule, 1e9 times.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minigen.backend import Array, array_module, to_host
from minigen.check.hints import hint
from minigen.check.numeric import EPS, NOISE_ORDER, NOISE_POINTS
from minigen.check.verdict import Finding, Found

UNEVEN = 50.0  # times f's own unevenness; formulas reach 10, difference quotients with steps up to 1e-4 start at 300
STEP = 3 * 2.0**-26  # of an entry's power of two: what is smooth is a straight line, float32 a flight of stairs


def rough(problem: Any, arrays: list[Array], c: Array, rng: np.random.Generator, say: Callable[..., Finding]) -> None:
    """Raise Found if the backward is more uneven than a formula can be, on one short line through a point nearby."""
    points, steps = zip(*[_grid(x, rng) for x in arrays], strict=True)
    values, gradients = [], []
    for j in range(-(NOISE_POINTS // 2), NOISE_POINTS // 2 + 1):
        at = [x + j * step for x, step in zip(points, steps, strict=True)]
        values.append(to_host(problem.value(at) * c).copy())
        gradients.append([to_host(dx).copy() for dx in problem.gradient(at, c.copy())])
    middle = NOISE_POINTS // 2
    own = max(_uneven(values), EPS * float((values[middle] ** 2).sum()) ** 0.5)
    for k, variable in enumerate(problem.variables):
        x = np.abs(to_host(points[k]))
        weighed = [g[k] * x for g in gradients]  # in the unit of f, as f's own unevenness is
        if not x.size or not np.isfinite(weighed).all():
            continue
        size = float(np.abs(weighed[middle]).max())
        uneven = float(_noise(weighed).max())
        if uneven > UNEVEN * max(own, EPS * size):
            kind = "noise" if size and uneven > 1e-9 * size and _is_single(gradients[middle][k]) else "uneven"
            text = f"the backward is uneven: with respect to {variable.name} it jumps where a formula glides"
            numbers = f"jumps {uneven / (size or 1.0):.0e} of the gradient's size; rounding alone makes {EPS:.0e}"
            raise Found(say(text, "broken", numbers=numbers, hint=hint(kind)))


def _grid(x: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """A point beside x and a step for each entry, such that the point and ten steps on are exact in float64."""
    xp = array_module(x)
    host = to_host(x)
    finite = host[np.isfinite(host)]
    typical = float(np.sqrt((finite * finite).mean())) if finite.size else 0.0
    shift = np.where(host == 0, typical or 1.0, host) * rng.uniform(-0.003, 0.003, host.shape)
    moved = (host + shift).astype(np.float32).astype(np.float64)  # 24 bits leave room for the steps
    step = STEP * 2.0 ** np.floor(np.log2(np.maximum(np.abs(moved), np.finfo(np.float32).tiny)))
    step = np.where(np.isfinite(moved), step, 0.0) * rng.choice((-1.0, 1.0), host.shape)
    return xp.asarray(moved), xp.asarray(step)


def _noise(values: list[np.ndarray]) -> np.ndarray:
    """σ of the rounding in each entry, from its seventh differences along the line (Moré & Wild 2011's idea)."""
    bends = np.diff(np.stack(values), n=NOISE_ORDER, axis=0)
    k = math.factorial(NOISE_ORDER) ** 2 / math.factorial(2 * NOISE_ORDER)
    return np.sqrt(k * (bends**2).mean(axis=0))


def _uneven(values: list[np.ndarray]) -> float:
    """σ of the rounding of a sum of all entries; 0 where one of them is not finite."""
    noise = _noise(values)
    return float(np.sqrt((noise**2).sum())) if np.isfinite(noise).all() else 0.0


def _is_single(g: np.ndarray) -> bool:
    """Does every entry fit float32?"""
    return bool((g == g.astype(np.float32)).all())

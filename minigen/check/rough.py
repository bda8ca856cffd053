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
from minigen.check.lines import EPS, NOISE_ORDER, NOISE_POINTS, norm
from minigen.check.verdict import Finding, Found

UNEVEN = 50.0  # times f's own unevenness; formulas reach 10, difference quotients with steps up to 1e-4 start at 300
FINE = 2.0**-36  # of an entry's power of two: so short that whatever is smooth is a straight line
STAIRS = (3 * 2.0**-26, 2.0**-26)  # steps on which float32 is a flight of stairs
STAIR = 1e-9  # of the gradient: float32's are 1e-8 and more; what merely bends falls below on the shorter step


def rough(problem: Any, arrays: list[Array], c: Array, rng: np.random.Generator, say: Callable[..., Finding]) -> None:
    """Raise Found if the backward is more uneven than a formula can be, on a short line through a point nearby."""
    moved = [_beside(x, rng) for x in arrays]

    def walk(step: float) -> tuple[list[np.ndarray], list[list[np.ndarray]]]:
        values, gradients = [], []
        for j in range(-(NOISE_POINTS // 2), NOISE_POINTS // 2 + 1):
            at = [x + j * step * unit for x, unit in moved]
            values.append(to_host(problem.value(at) * c).copy())
            gradients.append([to_host(dx).copy() for dx in problem.gradient(at, c.copy())])
        return values, gradients

    values, gradients = walk(FINE)
    middle = NOISE_POINTS // 2
    height = norm(values[middle])
    own = max(_uneven(values), EPS * height)
    finite = [x[array_module(x).isfinite(x)] for x, _ in moved]
    largest = max([1.0, *(float(abs(x).max()) for x in finite if x.size)])
    flights = [gradients]  # and those of the longer steps, walked when they are asked for
    coarse = [own]  # f's own by those steps, no more than numbers near 1 make: a p near 1 stands still by a shorter one
    for k, variable in enumerate(problem.variables):
        x = np.abs(to_host(moved[k][0]))
        size = float(np.abs(gradients[middle][k] * x).max(initial=0.0))
        if not x.size or not np.isfinite(size):
            continue
        # what a formula's own rounding may come to: f's, its share of the gradient where f cancels, that of the inputs
        rounding = max(own, EPS * size, own / (height or 1.0) * size, EPS * height * float(x.max()) * largest)
        fine = _jumps(gradients, k, x)
        stairs = 0.0
        if not fine > UNEVEN * rounding:
            for i, step in enumerate(STAIRS, start=1):
                if len(flights) == i:
                    farther, flight = walk(step)
                    flights.append(flight)
                    coarse.append(min(_uneven(farther), EPS * norm(c)))
                stairs = _jumps(flights[i], k, x)
                rounding = max(rounding, coarse[i], coarse[i] / (height or 1.0) * size)
                if not stairs > max(STAIR * size, UNEVEN * rounding):
                    break
            else:
                fine = stairs
        if fine > UNEVEN * rounding:
            text = f"the backward is uneven: with respect to {variable.name} it jumps where a formula glides"
            numbers = f"jumps {fine / (size or 1.0):.0e} of the gradient's size; rounding alone makes {EPS:.0e}"
            raise Found(say(text, "broken", numbers=numbers, hint=hint("uneven")))


def _jumps(gradients: list[list[np.ndarray]], k: int, x: np.ndarray) -> float:
    """The unevenness of the k-th gradient in the unit of f, as f's own is; 0 where it is not finite."""
    noise = _noise([g[k] * x for g in gradients])
    return float(noise.max(initial=0.0)) if np.isfinite(noise).all() else 0.0


def _beside(x: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """A point beside x and its entries' powers of two with a sign: some steps of it away, all is exact in float64."""
    xp = array_module(x)
    host = to_host(x)
    finite = host[np.isfinite(host)]
    typical = float(np.sqrt((finite * finite).mean())) if finite.size else 0.0
    shift = np.where(host == 0, typical or 1.0, host) * rng.uniform(-0.003, 0.003, host.shape)
    moved = (host + shift).astype(np.float32).astype(np.float64)  # 24 bits leave room for the steps
    unit = 2.0 ** np.floor(np.log2(np.maximum(np.abs(moved), np.finfo(np.float32).tiny)))
    unit = np.where(np.isfinite(moved), unit, 0.0) * rng.choice((-1.0, 1.0), host.shape)
    return xp.asarray(moved), xp.asarray(unit)


def _noise(values: list[np.ndarray]) -> np.ndarray:
    """σ of the rounding in each entry, from its seventh differences along the line (Moré & Wild 2011's idea)."""
    bends = np.diff(np.stack(values), n=NOISE_ORDER, axis=0)
    k = math.factorial(NOISE_ORDER) ** 2 / math.factorial(2 * NOISE_ORDER)
    return np.sqrt(k * (bends**2).mean(axis=0))


def _uneven(values: list[np.ndarray]) -> float:
    """σ of the rounding of a sum of all entries; 0 where one of them is not finite."""
    noise = _noise(values)
    return float(np.sqrt((noise**2).sum())) if np.isfinite(noise).all() else 0.0

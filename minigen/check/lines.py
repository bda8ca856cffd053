"""Where differences are taken: a problem at one point, and the lines through it along an entry or a direction."""

import contextlib
import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minigen.backend import Array, array_module

EPS = 2.0**-52
NOISE_POINTS, NOISE_ORDER = 11, 7  # σ of f from its seventh differences, whose smooth part is nothing at h


class Point:
    """A problem at one point, weighed by one cotangent: L = Σ c · f."""

    def __init__(self, problem: Any, arrays: list[Array], c: Array, least: float = 0.0):
        self.problem = problem
        self.arrays = arrays
        self.c = c
        self.sizes = [_size(x) for x in arrays]
        self.steps: list[Any] = [None for _ in arrays]
        # What L's rounding error is proportional to.  A gradient made by cancellation, as where softmax saturates, is
        # as uncertain as the values it was made from: `least` is their scale, one order below.
        self.scale = max(norm(problem.value(arrays) * c), least)

    def value(self, k: int, x: Array) -> Array:
        """f with x in place of the k-th array."""
        return self.problem.value([*self.arrays[:k], x, *self.arrays[k + 1 :]])

    def rises(self, k: int, above: Array, below: Array) -> Array:
        """c · (f(above) − f(below)), entry by entry: subtracted first, weighed afterwards."""
        y = self.value(k, above).copy()  # f may use its array again
        return self.c * (y - self.value(k, below))

    def rise(self, k: int, above: Array, below: Array) -> float:
        """L(above) − L(below)"""
        return float(self.rises(k, above, below).sum())

    def step(self, k: int, given: float | None) -> float:
        """h for the k-th array: a millionth of its root mean square."""
        if given is None and self.steps[k] is None:
            self.steps[k] = 1e-6 * self.sizes[k] or self._step_from_zero(k)
        return given or self.steps[k]

    def _step_from_zero(self, k: int) -> float:
        """h where the k-th array has no size of its own: a millionth, or less where that much moves f a long way."""
        x = self.arrays[k]
        along = array_module(x).cos(array_module(x).arange(x.size)).reshape(x.shape)
        y = self.value(k, x).copy()
        moved = norm((self.value(k, x + 1e-6 * along) - y) * self.c)
        return 1e-6 * min(1.0, max(1e-4 * self.scale / moved, 1e-6)) if moved > 0 else 1e-6

    @functools.cached_property
    def elsewhere(self) -> Array:
        """What the entries of c · f that are exactly 0 are where an input is closer to 0.

        Such an entry may be the difference of two numbers of that size, as p − 1 is where p is nearly 1.  Rounding has
        then swallowed its slope, by every step alike, so that no unevenness shows it.  No more than 10,000 times what
        f is here, or 1: a function that is steep at 0 would otherwise be excused everywhere.
        """
        xp, zero = array_module(self.c), self.problem.value(self.arrays) == 0
        found = closer(self.arrays, lambda arrays: abs(self.c * self.problem.value(arrays)))
        sizes = [xp.where(zero & xp.isfinite(y), y, 0.0) for y in found]
        return xp.minimum(
            functools.reduce(xp.maximum, sizes, xp.zeros_like(self.c)), 1e4 * max(self.scale, norm(self.c))
        )

    def floor(self, h: float) -> float:
        """The slope that rounding alone can make."""
        return 20 * EPS * self.scale / h


def closer(arrays: list[Array], compute: Callable[[list[Array]], Any]) -> list[Any]:
    """What `compute` makes of the arrays, each in turn a 32nd of what it is, where softmax is no longer saturated.

    Beyond a distance of 37, e⁻³⁷ being EPS, it is so sure that rounding makes 0 and 1 of it.  Nobody has promised that
    there is a value at such a place: where computing it fails, it is left out.
    """
    found = []
    for k, x in enumerate(arrays):
        with contextlib.suppress(Exception), np.errstate(all="ignore"):
            found.append(compute([*arrays[:k], x / 32, *arrays[k + 1 :]]))
    return found


def _size(x: Array) -> float:
    """The root mean square, infinities left out."""
    finite = x[array_module(x).isfinite(x)]
    return norm(finite) / finite.size**0.5 if finite.size else 0.0


def norm(x: Array) -> float:
    """‖x‖₂, its largest entry taken out first, so that no square overflows or vanishes."""
    largest = float(abs(x).max()) if x.size else 0.0
    return largest * float(((x / largest) ** 2).sum()) ** 0.5 if 0 < largest < math.inf else largest


class Line:
    """The points x + t d, where d is one entry of the k-th array, or a direction over all of it."""

    def __init__(self, point: Point, k: int, along: int | Array):
        self.point, self.k = point, k
        self.x = point.arrays[k]
        self.entry = along if isinstance(along, int) else None
        self.direction = None if isinstance(along, int) else along
        self.here = float(self.x.reshape(-1)[along]) if isinstance(along, int) else 0.0

    def at(self, t: float) -> Array:
        """x + t d as an array of its own."""
        if self.direction is not None:
            return self.x + t * self.direction
        x = self.x.copy()
        x.reshape(-1)[self.entry] = self.here + t
        return x

    def rise(self, t: float, since: float) -> float:
        """L(x + t d) − L(x + since d)"""
        return self.point.rise(self.k, self.at(t), self.at(since))

    def slope(self, t: float, since: float) -> float:
        """The mean slope between two places, by the step that survived rounding."""
        return self.rise(t, since) / ((self.here + t) - (self.here + since))

    def sides(self, h: float) -> tuple[Array, Array]:
        """The slopes of every weighed entry of f to the right and to the left."""
        right = self.point.rises(self.k, self.at(h), self.at(0.0)) / ((self.here + h) - self.here)
        return right, self.point.rises(self.k, self.at(0.0), self.at(-h)) / (self.here - (self.here - h))

    def central(self, h: float) -> float:
        """(L(x + h d) − L(x − h d)) / 2h"""
        return self.slope(h, -h)

    @property
    def size(self) -> float:
        """The size of what the line runs through: a tensor's root mean square, or 1."""
        return self.point.sizes[self.k] or 1.0

    @property
    def risen(self) -> float:
        """By how much the size of the input moves L, where it is finite there."""
        return max(abs(rise) if math.isfinite(rise := self.rise(t, 0.0)) else 0.0 for t in (self.size, -self.size))

    @property
    def unit(self) -> float:
        """The rounding of L where f is made of numbers near 1, however small it comes out itself."""
        return EPS * norm(self.point.c)

    @property
    def reach(self) -> float:
        """The longest step worth trying: the size of the largest input, or 1."""
        return max(1.0, *self.point.sizes)

    def noise(self, h: float, a: float) -> float:
        """σ of L along this line of slope `a`, from seventh differences (Moré & Wild's idea); at least its rounding."""
        least = max(EPS * self.point.scale, self.hidden(h))
        for apart in (h, 32 * h, 1024 * h):
            sigma, height = self._unevenness(apart)
            if height or not abs(a) * apart > least:  # else f is so coarse that it does not move
                break
        if sigma > max(least, 1e-6 * height):  # that is noise, or f bends so fast that it looks uneven
            closer = [self._unevenness(apart / q) for q in (2**8, 2**16, 2**24)]
            sigma = min([sigma, *(other for other, height in closer if height)])
        return max(sigma, least)

    def hidden(self, h: float) -> float:
        """The rounding of the entries of f that are 0 here and stay 0: see Point.elsewhere."""
        still = self.point.rises(self.k, self.at(h), self.at(-h)) == 0
        return EPS * norm(self.point.elsewhere[still])

    def _unevenness(self, apart: float) -> tuple[float, float]:
        """σ, and by how much L moves: the most by three distances, for a coarse f can move by equal steps at one."""
        k = math.factorial(NOISE_ORDER) ** 2 / math.factorial(2 * NOISE_ORDER)
        sigma = height = 0.0
        for distance in (apart, 7 * apart, 50 * apart):
            heights = [self.rise(j * distance, 0.0) for j in range(-(NOISE_POINTS // 2), NOISE_POINTS // 2 + 1)]
            sigma = max(sigma, math.sqrt(k / (NOISE_POINTS - NOISE_ORDER)) * norm(np.diff(heights, n=NOISE_ORDER)))
            height = height or max(map(abs, heights))
        return sigma, height


def signs(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Random numbers of size 0.5 to 1.5 and either sign: nothing cancels, nothing hides behind a 1."""
    return rng.uniform(0.5, 1.5, shape) * rng.choice((-1.0, 1.0), shape)

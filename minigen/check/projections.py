"""Slopes along random directions: where there are too many entries to try each, a wrong one anywhere shows.

A single wrong entry hides in the uncertainty of a slope along all of them, so that has to be small: the rise that the
gradient predicts is compared with the rise between the very points at which f was asked, by steps so long that rounding
is nothing, and what curvature adds is taken out.
"""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from minigen.backend import Array, array_module
from minigen.check.lines import EPS, Line, Point, norm, signs
from minigen.check.look import Look, second_look
from minigen.check.verdict import ACCEPTED

FIRST = 64  # times h: the shortest of the long steps
LONGEST = 0.1  # of the size of the input
ATTEMPTS = 6  # directions, until one meets no kink
ROUNDING = 1e-12  # of ‖a‖₂: what the gradient itself may be off by


@dataclass
class Miss:
    """By how much the gradient misses the slope along a direction, how well that is known, and how to ask again."""

    value: float
    spread: float
    ask: Callable[[Array], float]


class Projection:
    """One gradient `a` of the k-th array, held against slopes along directions over its entries that are `live`."""

    def __init__(self, point: Point, k: int, a: Array, live: Array, h: float, rtol: float):
        self.point, self.k, self.live, self.h, self.rtol = point, k, live, h, rtol
        self.xp = array_module(a)
        self.x = point.arrays[k]
        self.a = self.xp.where(live, a, 0.0)
        self.size = norm(self.a)

    def look(self, rng: np.random.Generator) -> tuple[str, int, Look | None]:
        """One direction, or a few: "right", "inconclusive", or "wrong" with the entry and the look that convicts it."""
        for _ in range(ATTEMPTS):
            d = self.xp.asarray(signs(rng, self.x.shape)) * self.live
            miss = self.measure(d)
            allowed = miss.spread + ROUNDING * self.size
            if abs(miss.value) <= allowed:
                return "right", 0, None
            sigma = Line(self.point, self.k, d).noise(self.h, self.size)
            if abs(miss.value) <= allowed * sigma / (EPS * self.point.scale or 1.0):  # f is noisier than its rounding
                return "right", 0, None
            i = self.halve(d, miss)
            look = second_look(Line(self.point, self.k, i), float(self.a.reshape(-1)[i]), self.h, self.rtol)
            if look.verdict == "wrong":
                return "wrong", i, look
            if look.verdict == "right" and abs(miss.value) <= self.rtol * self.size:  # a little off everywhere
                return "right", 0, None
            if look.verdict in ACCEPTED:
                self.live.reshape(-1)[i] = False  # right by itself: its kink is out of the way
            self.h /= 4
        return "inconclusive", 0, None

    def measure(self, d: Array) -> Miss:
        """The miss along d by the steps that know it best: longer ones, as long as noise is more than curvature."""
        t = FIRST * self.h
        misses = [self.miss(d, t), self.miss(d, 4 * t), self.miss(d, 16 * t)]
        best = Miss(0.0, math.inf, functools.partial(self.miss, t=self.h))
        while True:
            t *= 4
            before, now = (16 * misses[-3] - misses[-2]) / 15, (16 * misses[-2] - misses[-1]) / 15
            noise, curve = self.point.floor(t), abs(now - before)
            if noise + curve < best.spread:
                best = Miss(now, noise + curve, functools.partial(self.straight, t=t))
            if not noise > curve or 16 * t > LONGEST * 1e6 * self.h:
                break
            misses.append(self.miss(d, 16 * t))
        if best.spread > self.point.floor(self.h):  # kinks within the long steps
            return Miss(self.miss(d, self.h), self.point.floor(self.h), functools.partial(self.miss, t=self.h))
        return best

    def miss(self, d: Array, t: float) -> float:
        """(Σ a (x₊ − x₋) − (L(x₊) − L(x₋))) / 2t, where x± = x ± t d as they came out of rounding."""
        above, below = self.x + t * d, self.x - t * d
        moved = self.xp.where(self.live, above - below, 0.0)
        miss = (float((self.a * moved).sum()) - self.point.rise(self.k, above, below)) / (2 * t)
        return miss if math.isfinite(miss) else math.inf

    def straight(self, d: Array, t: float) -> float:
        """The miss without curvature: from t and 4t, at which it is as 1 to 16."""
        return (16 * self.miss(d, t) - self.miss(d, 4 * t)) / 15

    def halve(self, d: Array, miss: Miss) -> int:
        """The entry to which following the half that misses by more leads."""
        low, high, whole = 0, d.size, miss.value
        flat = d.reshape(-1)
        while high - low > 1:
            middle = (low + high) // 2
            part = self.xp.zeros_like(flat)
            part[low:middle] = flat[low:middle]
            half = miss.ask(part.reshape(d.shape))
            if abs(half) >= abs(whole - half):
                high, whole = middle, half
            else:
                low, whole = middle, whole - half
        return low

"""The second look at one entry: is it a kink, is it noise, or does it disagree at every step?"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from minigen.backend import Array, array_module
from minigen.check.lines import EPS, Line, norm

STEPS = (1 / 8, 1, 4, 16, 64, 256, 1024)  # times h: a kink nearby asks for less, noise for more
LOCAL = 3  # of these steps, the shortest, see the slope at the point itself
FAINT = (32, 1024)  # where all that a step of h shows is noise
SHORTEST = 2.0**-24
LEAP = 1e-9  # of L: a leap of f is not the last digit of a coarse one
BREAK = 1e5  # times more curvature at a step 4 or 8 times as long: a power of 5 makes less
RESOLVED = 0.01  # an answer known to 1 % counts as checked
NOTHING = 1e-9  # times the slope that moves L by its own size over the input's: what is 0, to all that can be seen
CONSTANT = 1e-6  # of L: what moves by less, over the input's own size, moves beside a constant
SMALL = 1e5  # times the rounding of the largest slope of the tensor
SEEN = 100  # times the rounding of L: what moves L by more is seen to move it
ROUNDING = 1e-12  # times the same: what a gradient may be off by its own rounding


@dataclass
class Look:
    """What a look concludes: a verdict, or "jump" where f itself leaps; and the slope, give or take `spread`."""

    verdict: str
    numeric: float
    spread: float


@dataclass
class Reading:
    """The slope by one step `t`: its uncertainty by noise, and by all that is not a straight line."""

    t: float
    numeric: float
    noise: float
    curve: float

    @property
    def spread(self) -> float:
        """Both uncertainties."""
        return self.noise + self.curve

    def resolves(self, a: float) -> bool:
        """Is the larger of both slopes known to 1 %?"""
        size = max(abs(a), abs(self.numeric))
        return 0 < size and self.spread <= RESOLVED * size


def second_look(line: Line, a: float, h: float, rtol: float, slack: float = 0.0) -> Look:
    """Is `a` the slope of the line at 0, to within rtol, `slack`, noise and curvature?"""
    return _bend(line, a, h, rtol, slack) or settle(line, a, h, line.noise(h, a), rtol, slack)


def _bend(line: Line, a: float, h: float, rtol: float, slack: float) -> Look | None:
    """A leap or a kink at 0, told by one-sided slopes at h, h/8 and h/1024; nothing where `a` does not fit them."""
    (right, left), near, last = (line.sides(h / q) for q in (1, 8, 1024))
    noise = 80 * EPS * line.point.scale / h
    for far, close in zip((right, left), near, strict=True):
        leaps = norm(close) * h / 8 > LEAP * line.point.scale
        if leaps and norm(close) > 2 * noise and norm(close - 8 * far) <= 0.2 * norm(close):  # leap / step
            return Look("jump", math.nan, math.inf)
    jump = near[0] - near[1]
    bend, blur = norm(jump), 128 * noise
    if not bend > max(2 * noise, 1e-4 * norm(right), 1e-4 * norm(left)) or norm(right - left - jump) > 0.2 * bend:
        return None
    if norm(last[0] - last[1] - jump) <= 0.2 * bend + blur:  # each entry of f may take any slope between its two
        return _between(a, near, rtol, slack + noise, "kink")
    return _between(a, last, rtol, slack + blur, "right") if blur <= RESOLVED * bend else None  # a kink, but not here


def _between(a: float, sides: tuple[Array, Array], rtol: float, room: float, verdict: str) -> Look | None:
    """The verdict, if `a` lies between all the lesser and all the greater of two slopes of each entry of f."""
    xp = array_module(*sides)
    low, high = float(xp.minimum(*sides).sum()), float(xp.maximum(*sides).sum())
    if a == low == high == 0:
        verdict = "zero gradient"
    room += rtol * max(abs(a), abs(low), abs(high))
    return Look(verdict, (low + high) / 2, (high - low) / 2 + room) if low - room <= a <= high + room else None


def settle(
    line: Line, a: float, h: float, sigma: float, rtol: float, slack: float = 0.0, steps: tuple[float, ...] = STEPS
) -> Look:
    """What the step that knows the slope best says, if shorter ones do not gainsay it: then a bend lies between."""

    def agrees(seen: Reading) -> bool:
        room = rtol * max(abs(a), abs(seen.numeric)) + slack + seen.spread
        return math.isfinite(a) and abs(a - seen.numeric) <= room

    readings: list[Reading] = []
    for q in steps:
        seen = _read(line, q * h, sigma)
        if seen is None:
            continue
        readings.append(seen)
        if a != 0 and agrees(seen) and seen.spread <= rtol * abs(a):
            return Look("right", seen.numeric, seen.spread)
    if not readings:
        return Look("inconclusive" if math.isfinite(a) else "both NaN", math.nan, math.inf)
    known = _known(readings[:LOCAL], a, rtol, slack) if steps is STEPS else None
    if known is not None:
        return Look("wrong", known.numeric, known.spread)
    readings += _further(
        line, h, sigma, steps, readings[0], readings[-1], lambda seen: agrees(seen) and seen.resolves(a)
    )
    near = [seen for seen in readings if seen.t <= line.size] or readings  # a longer step can acquit, not convict
    best = min(near, key=lambda seen: seen.spread)
    agreed = [seen for seen in readings if agrees(seen)]
    slope = max(abs(a), abs(best.numeric))
    clear = [seen for seen in near if seen.spread <= 0.1 * slope]
    smooth = all(abs(seen.numeric - best.numeric) <= seen.spread + best.spread for seen in clear)
    smooth = smooth and not _breaks(near, slope)
    miss = abs(a - best.numeric)

    for seen in agreed:
        if seen.resolves(a) and (seen is best or seen not in near or not smooth):
            return Look("right", seen.numeric, seen.spread)
    risen, scale = line.risen, line.point.scale
    natural = max(risen, scale, line.unit) / line.size  # a slope that counts
    # What moves stands beside a large constant; a slope that is small in its own tensor is small for another reason.
    beside = SEEN * EPS * scale < risen < CONSTANT * scale and abs(a) > SMALL * slack
    visible = risen / line.size if beside else natural
    least = (NOTHING if agreed else ROUNDING) * visible
    if abs(a) <= least and not best.resolves(best.numeric):
        if abs(best.numeric) <= least or not any(seen.numeric for seen in readings[:5]):
            return Look("zero gradient", best.numeric, best.spread)
    disagrees = not agreed or smooth and not miss <= 10 * best.spread + rtol * slope + slack
    lost = miss <= max(ROUNDING * natural, line.unit / line.size)
    between = not smooth and min(seen.numeric for seen in near) <= a <= max(seen.numeric for seen in near)
    return Look("wrong" if disagrees and not lost and not between else "inconclusive", best.numeric, best.spread)


def _known(local: list[Reading], a: float, rtol: float, slack: float) -> Reading | None:
    """The slope by the shortest steps, if they know it ten times better than `a` misses it, and say the same.

    Then it does not matter that a longer step, which meets a kink or a bend, may agree with `a`.
    """
    if len(local) < LOCAL or not all(seen.numeric for seen in local) or not math.isfinite(a):
        return None
    best = min(local, key=lambda seen: seen.spread)
    miss = abs(a - best.numeric) - rtol * max(abs(a), abs(best.numeric)) - slack
    alike = all(abs(seen.numeric - best.numeric) <= seen.spread + best.spread for seen in local)
    return best if alike and max(seen.spread for seen in local) <= 0.1 * miss else None


def _read(line: Line, t: float, sigma: float) -> Reading | None:
    """The slope by steps t, 2t and 4t, from which curvature can be taken out, and how well that went can be seen."""
    one, two, four = line.central(t), line.central(2 * t), line.central(4 * t)
    n = (4 * one - two) / 3
    seen = Reading(t, n, 10 * sigma / t, abs(n - (4 * two - four) / 3))
    return seen if math.isfinite(seen.numeric) and math.isfinite(seen.curve) else None


def _breaks(readings: list[Reading], slope: float) -> bool:
    """Does curvature as large as the slope appear from one step to the next?  f then has a kink, or is coarse."""
    pairs = itertools.pairwise(sorted(readings, key=lambda seen: seen.t))
    return any(longer.curve > max(BREAK * shorter.spread, 0.1 * slope) for shorter, longer in pairs)


def _further(
    line: Line, h: float, sigma: float, steps: tuple[float, ...], first: Reading, last: Reading, done: Any
) -> Iterator[Reading]:
    """Longer steps where noise hides everything, shorter ones where f bends faster than h."""
    for start, q, factor, end in ((last, steps[-1], 8.0, line.reach / h), (first, steps[0], 1 / 8, SHORTEST)):
        seen: Reading | None = start
        while seen and (seen.noise > seen.curve) == (factor > 1) and (factor * q <= end) == (factor > 1):
            if done(seen):
                break
            q *= factor
            seen = _read(line, q * h, sigma)
            if seen:
                yield seen

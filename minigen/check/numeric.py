"""The numeric derivative: central differences, a second look where they disagree, projections where there are many.

Everything is in float64.  A disagreement convicts only after the second look, which knows the noise of f, kinks, and
steps from h/8 to 1024 h.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigen.backend import Array, array_module, to_host
from minigen.check.verdict import ACCEPTED, TensorReport

EPS = 2.0**-52
STEPS = (1 / 8, 1, 4, 16, 64, 256, 1024)  # times h: a kink nearby asks for less, noise for more
NOISE_POINTS, NOISE_ORDER = 11, 7  # σ of f from its seventh differences, whose smooth part is nothing at h
RESOLVED = 0.01  # an answer known to 1 % counts as checked


@dataclass
class Plan:
    """How a check looks at the numbers: the arguments of grad_check."""

    rng: np.random.Generator
    full: int
    samples: int
    projections: int
    rtol: float
    step: float | None
    subgradient: bool


class Point:
    """A problem at one point, weighed by one cotangent: L = Σ c · f."""

    def __init__(self, problem: Any, arrays: list[Array], c: Array, least: float = 0.0):
        self.problem = problem
        self.arrays = arrays
        self.c = c
        # What L's rounding error is proportional to.  A gradient made by cancellation, as where softmax saturates, is
        # as uncertain as the values it was made from: `least` is their scale, one order below.
        self.scale = max(float(((problem.value(arrays) * c) ** 2).sum()) ** 0.5, least)

    def value(self, k: int, x: Array) -> Array:
        """f with x in place of the k-th array."""
        return self.problem.value([*self.arrays[:k], x, *self.arrays[k + 1 :]])

    def rise(self, k: int, above: Array, below: Array) -> float:
        """Σ c · (f(above) − f(below)): subtracted first, weighed afterwards."""
        y = self.value(k, above)
        y = y.copy() if y.base is not None else y
        return float((self.c * (y - self.value(k, below))).sum())

    def step(self, k: int, given: float | None) -> float:
        """h for the k-th array: a millionth of its root mean square."""
        if given is not None:
            return given
        x = self.arrays[k]
        finite = x[array_module(x).isfinite(x)]
        size = float((finite * finite).mean()) ** 0.5 if finite.size else 0.0
        return 1e-6 * size if size > 0 else 1e-6

    def floor(self, h: float) -> float:
        """The slope that rounding alone can make."""
        return 20 * EPS * self.scale / h


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

    def central(self, h: float) -> float:
        """(L(x + h d) − L(x − h d)) / 2h"""
        return self.slope(h, -h)


@dataclass
class Look:
    """What a second look concludes: a verdict, or "jump" where f itself leaps."""

    verdict: str
    numeric: float
    spread: float


def second_look(line: Line, a: float, h: float, slack: Any) -> Look:
    """Is `a` the slope of the line at 0?  `slack(a, n)` is what it may differ by besides noise and curvature."""
    for reach in (h, 32 * h, 1024 * h):  # f may be so coarse that it does not move within h
        heights = [line.rise(j * reach, 0.0) for j in range(-(NOISE_POINTS // 2), NOISE_POINTS // 2 + 1)]
        if any(heights):
            break
    bends = np.diff(heights, n=NOISE_ORDER)
    k = math.factorial(NOISE_ORDER) ** 2 / math.factorial(2 * NOISE_ORDER)
    sigma = max(math.sqrt(k * float((bends**2).mean())), EPS * line.point.scale)

    right, left = line.slope(h, 0.0), line.slope(0.0, -h)
    near_right, near_left = line.slope(h / 8, 0.0), line.slope(0.0, -h / 8)
    jump, near_jump, noise = right - left, near_right - near_left, 10 * EPS * line.point.scale / (h / 8)
    if math.isfinite(a) and abs(near_jump) > 2 * noise and abs(near_jump) > 1e-4 * max(abs(right), abs(left)):
        if abs(jump - near_jump) <= 0.2 * abs(near_jump):
            between = min(left, right, near_left, near_right), max(left, right, near_left, near_right)
            fits = between[0] - slack(a, right) - noise <= a <= between[1] + slack(a, right) + noise
            return Look("kink" if fits else "wrong", (near_left + near_right) / 2, abs(near_jump) / 2)

    for far, near in ((right, near_right), (left, near_left)):
        if abs(near) > 2 * noise and abs(near - 8 * far) <= 0.2 * abs(near):  # f leaps: the slope is leap / step
            return Look("jump", math.nan, math.inf)

    agreed = answer = best = None
    flat = True  # is every slope seen no more than its own uncertainty?
    for q in STEPS:
        n = line.central(q * h)
        if not math.isfinite(n):
            continue
        spread = 10 * sigma / (q * h) + abs(n - line.central(3 * q * h)) / 2
        if not math.isfinite(spread):
            continue
        seen = Look("right", n, spread)
        flat = flat and abs(n) <= spread
        if best is None or spread < best.spread:
            best = seen
        if math.isfinite(a) and abs(a - n) <= slack(a, n) + spread:
            agreed = seen if agreed is None or spread < agreed.spread else agreed
            if spread <= RESOLVED * max(abs(a), abs(n)):
                answer = seen
                break
    if best is None:
        return Look("inconclusive" if math.isfinite(a) else "both NaN", math.nan, math.inf)
    if answer is not None:
        return answer
    if flat and abs(a) <= 1e-3 * best.spread:
        return Look("zero gradient", *_of(best))
    return Look("wrong", best.numeric, best.spread) if agreed is None else Look("inconclusive", *_of(agreed))


def _of(look: Look) -> tuple[float, float]:
    return look.numeric, look.spread


def compare(point: Point, k: int, a: Array, plan: Plan, whole: bool) -> TensorReport:
    """Hold the k-th gradient `a` against differences: every entry, or projections and random entries."""
    variable = point.problem.variables[k]
    x = point.arrays[k]
    numeric = array_module(x).full(x.shape, math.nan)
    report = TensorReport(variable.name, x.shape, point.problem.order, a, numeric)
    if not x.size:
        return report
    finite = np.flatnonzero(np.isfinite(to_host(x)))  # infinite inputs have no neighbours: they are held fixed
    if whole or len(finite) <= plan.samples:
        _entries(point, k, report, finite, plan)
        return report
    unfit = np.flatnonzero(~np.isfinite(to_host(a)))[:1]  # where the gradient itself is no number: look there first
    drawn = plan.rng.choice(finite, plan.samples, replace=False)
    _entries(point, k, report, np.concatenate([unfit, drawn]), plan)
    if report.verdict in ACCEPTED:
        _projections(point, k, report, plan)
    return report


def _entries(point: Point, k: int, report: TensorReport, chosen: Any, plan: Plan) -> None:
    """The fast test of each chosen entry, and a second look where it fails."""
    h = point.step(k, plan.step)
    floor = point.floor(h)
    flat, found = report.analytic.reshape(-1), report.numeric.reshape(-1)
    largest = float(abs(flat).max())
    suspects: list[tuple[float, int]] = []
    report.entries = len(chosen)
    nothing = faint = 0
    for i in map(int, chosen):
        line, a = Line(point, k, i), float(flat[i])
        n = line.central(h)
        tolerance = plan.rtol * max(abs(a), abs(n)) + floor
        error = abs(a - n)
        if error <= tolerance and (a != 0 or n != 0) and 1e-7 * largest < floor > RESOLVED * max(abs(a), abs(n)):
            n, tolerance, state = _finer(line, a, h, floor, plan)  # all that was seen so far is noise
            error = abs(a - n)
            nothing += state == "zero"
            faint += state == "faint"
        elif a == 0 and n == 0:
            nothing += 1
        found[i] = n
        if not error <= tolerance or not math.isfinite(a):
            suspects.append((error / tolerance if tolerance and math.isfinite(error) else math.inf, i))
        elif report.worst is None or error * report.tolerance > report.error * tolerance:
            report.worst, report.error, report.tolerance = i, error, tolerance
    report.disagree = len(suspects)
    for _, i in sorted(suspects, key=lambda suspect: -suspect[0]):
        a = float(flat[i])
        look = second_look(Line(point, k, i), a, h, lambda a, n: plan.rtol * max(abs(a), abs(n)))
        if look.verdict in ("wrong", "both NaN"):
            found[i] = look.numeric
            report.verdict, report.worst, report.spread = look.verdict, i, look.spread
            return
        report.disagree -= 1
        nothing += look.verdict == "zero gradient"
        found[i] = a if look.verdict == "kink" else look.numeric
        _count(report, look)
    if report.inconclusive > 0.05 * len(chosen) or report.kinks > 0.1 * len(chosen) and not plan.subgradient:
        report.verdict = "inconclusive"
    elif nothing == len(chosen):
        report.verdict = "zero gradient"
    elif nothing + faint == len(chosen):  # agreement, but not to 1 % anywhere
        report.verdict, report.inconclusive = "inconclusive", faint
    elif report.kinks:
        report.verdict = "kink"


def _count(report: TensorReport, look: Look) -> None:
    """A jump in a derivative is a kink of what it is the derivative of; a jump of f itself has no slope."""
    if look.verdict == "kink" or look.verdict == "jump" and report.order > 1:
        report.kinks += 1
    elif look.verdict not in ACCEPTED:
        report.inconclusive += 1


def _finer(line: Line, a: float, h: float, floor: float, plan: Plan) -> tuple[float, float, str]:
    """A slope below the noise at h, seen again with longer steps: (numeric, tolerance, "seen", "zero" or "faint")."""
    n = tolerance = math.nan
    for q in (32, 1024):
        n = line.central(q * h)
        tolerance = plan.rtol * max(abs(a), abs(n)) + floor / q
        if not abs(a - n) <= tolerance or floor / q <= RESOLVED * max(abs(a), abs(n)):
            return n, tolerance, "seen"
    return n, tolerance, "zero" if max(abs(a), abs(n)) <= floor / 1024 else "faint"


def _projections(point: Point, k: int, report: TensorReport, plan: Plan) -> None:
    """Slopes along random directions: a wrong entry anywhere shows, and halving finds it."""
    x, a = point.arrays[k], report.analytic
    xp = array_module(x)
    live = xp.isfinite(x)
    a = xp.where(live, a, 0.0)
    slack = 1e-7 * float((a * a).sum()) ** 0.5

    def disagreement(d: Array, h: float) -> float:
        return abs(float((a * d).sum()) - Line(point, k, d).central(h))

    for _ in range(plan.projections):
        h = point.step(k, plan.step)
        for _ in range(4):
            d = xp.asarray(signs(plan.rng, x.shape)) * live
            if disagreement(d, h) <= slack + point.floor(h):
                break
            look = second_look(Line(point, k, d), float((a * d).sum()), h, lambda a, n: slack)
            if look.verdict in ("right", "zero gradient"):
                break
            i = _halve(d, h, disagreement)
            own = second_look(
                Line(point, k, i), float(a.reshape(-1)[i]), h, lambda a, n: plan.rtol * max(abs(a), abs(n))
            )
            if own.verdict == "wrong":
                report.verdict, report.worst, report.spread, report.disagree = "wrong", i, own.spread, 1
                report.numeric.reshape(-1)[i] = own.numeric
                return
            h /= 4
        else:
            report.verdict = "inconclusive"
            return


def _halve(d: Array, h: float, disagreement: Any) -> int:
    """The entry to which following the half that disagrees more leads."""
    low, high = 0, d.size
    flat = d.reshape(-1)
    while high - low > 1:
        middle = (low + high) // 2
        halves = []
        for a, b in ((low, middle), (middle, high)):
            part = array_module(d).zeros_like(flat)
            part[a:b] = flat[a:b]
            halves.append(disagreement(part.reshape(d.shape), h))
        low, high = (low, middle) if halves[0] >= halves[1] else (middle, high)
    return low


def signs(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Random numbers of size 0.5 to 1.5 and either sign: nothing cancels, nothing hides behind a 1."""
    return rng.uniform(0.5, 1.5, shape) * rng.choice((-1.0, 1.0), shape)

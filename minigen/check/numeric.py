"""The numeric derivative: every entry by central differences, a second look where they disagree; directions for many.

Everything is in float64.  A disagreement convicts only after the second look, which knows the noise of f, kinks, and
steps from far below h to the size of the input.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigen.backend import array_module, to_host
from minigen.check.lines import Line, Point
from minigen.check.look import FAINT, Look, second_look, settle
from minigen.check.projections import Projection
from minigen.check.verdict import ACCEPTED, TensorReport

FINE = 1e-3  # agreement at h that is vaguer than this is looked at again, by longer steps
ROUNDING = 1e-14  # of a tensor's largest entry: what a gradient may be off by its own rounding
NOTHING = 1e-12  # of the largest entry: what is smaller is not told from 0


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


def compare(point: Point, k: int, a: Any, plan: Plan, whole: bool) -> TensorReport:
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
        _directions(point, k, report, plan)
    return report


def _directions(point: Point, k: int, report: TensorReport, plan: Plan) -> None:
    """Random directions over all entries that have neighbours; without those on a kink, where there are such."""
    x, xp = point.arrays[k], array_module(point.arrays[k])
    live = xp.isfinite(x) & xp.isfinite(report.analytic)
    if report.kinks:
        live &= x != 0  # where kinks on purpose lie
    projection = Projection(point, k, report.analytic, live, point.step(k, plan.step), plan.rtol)
    for _ in range(plan.projections):
        verdict, i, look = projection.look(plan.rng)
        if look is not None:
            report.worst, report.spread, report.disagree = i, look.spread, 1
            report.numeric.reshape(-1)[i] = look.numeric
        if verdict != "right":
            report.verdict = verdict
            return


def _entries(point: Point, k: int, report: TensorReport, chosen: Any, plan: Plan) -> None:
    """The fast test of each chosen entry, and a second look where it fails."""
    h = point.step(k, plan.step)
    floor = point.floor(h)
    flat, found = report.analytic.reshape(-1), report.numeric.reshape(-1)
    finite = flat[array_module(flat).isfinite(flat)]
    largest = float(abs(finite).max()) if finite.size else 0.0
    rounding = ROUNDING * largest
    suspects: list[tuple[float, int]] = []
    report.entries = len(chosen)
    nothing = 0
    for i in map(int, chosen):
        line, a = Line(point, k, i), float(flat[i])
        n = line.central(h)
        tolerance = plan.rtol * max(abs(a), abs(n)) + floor
        error = abs(a - n)
        if a == 0 and n == 0 and line.central(line.size) == 0:  # h alone may be too short to move f
            nothing += 1
        elif error <= tolerance and 0 < max(abs(a), abs(n)) <= NOTHING * largest:
            nothing += 1
        elif error <= tolerance and (a == n == 0 or floor > FINE * max(abs(a), abs(n))):
            look = settle(line, a, h, floor * h / 10, plan.rtol, rounding, FAINT)  # all that was seen so far is noise
            n, tolerance = look.numeric, plan.rtol * max(abs(a), abs(look.numeric)) + look.spread + rounding
            error = abs(a - n) if look.verdict in ACCEPTED else math.inf
            nothing += look.verdict == "zero gradient" and error <= tolerance
        found[i] = n
        if not error <= tolerance < math.inf or not math.isfinite(a):
            suspects.append((error / tolerance if tolerance and math.isfinite(error) else math.inf, i))
        elif report.worst is None or error * report.tolerance > report.error * tolerance:
            report.worst, report.error, report.tolerance = i, error, tolerance
    report.disagree = len(suspects)
    for _, i in sorted(suspects, key=lambda suspect: -suspect[0]):
        a = float(flat[i])
        look = second_look(Line(point, k, i), a, h, plan.rtol, rounding)
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
    elif nothing + report.inconclusive == len(chosen):
        report.verdict = "zero gradient"
    elif report.kinks:
        report.verdict = "kink"


def _count(report: TensorReport, look: Look) -> None:
    """A jump in a derivative is a kink of what it is the derivative of; a jump of f itself has no slope."""
    if look.verdict == "kink" or look.verdict == "jump" and report.order > 1:
        report.kinks += 1
    elif look.verdict not in ACCEPTED:
        report.inconclusive += 1

"""From a tensor that failed to its message: where, both numbers, and the cause that the pattern of errors suggests."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minigen.backend import to_host
from minigen.check.diagnose import Sizes, diagnose, place_of, sizes_of
from minigen.check.hints import hint
from minigen.check.lines import Line, Point
from minigen.check.numeric import Plan
from minigen.check.problem import Rule
from minigen.check.verdict import ACCEPTED, Finding, TensorReport

AROUND, ELSEWHERE = 8, 48  # entries looked at besides, on each axis through the convicted one and anywhere


def explain(
    point: Point, k: int, compared: list[TensorReport], y: Any, plan: Plan, finding: Callable[..., Finding]
) -> Finding:
    """The finding of the k-th tensor, whose verdict is not one that passes."""
    tensor = compared[k]
    order = tensor.order
    what = "gradient" if order == 1 else "second derivative" if order == 2 else f"derivative of order {order}"
    if tensor.verdict == "inconclusive":
        counts = f"{tensor.kinks} kinks, {tensor.inconclusive} below the noise, of {tensor.entries} entries"
        text = f"the {what} with respect to {tensor.name} is inconclusive: differences cannot decide here"
        where = f"{tensor.name} of shape {tensor.shape}; {counts}"
        return finding(text, "inconclusive", where=where, hint=hint("elsewhere"))
    assert tensor.worst is not None
    place = tuple(int(i) for i in np.unravel_index(tensor.worst, tensor.shape))
    where = f"{place_of(tensor.name, place)} of shape {tensor.shape}"
    if tensor.verdict == "both NaN":
        text = f"NaN on both sides: f itself is not finite here (with respect to {tensor.name})"
        return finding(text, "both NaN", where=where, hint=hint("domain"))

    yours, numeric = float(tensor.analytic[place]), float(tensor.numeric[place])
    ratio = f"   ratio {yours / numeric:.4f}" if numeric and np.isfinite(yours) else ""
    if tensor.entries == tensor.analytic.size:
        where += f"; {tensor.disagree} of {tensor.entries} entries disagree"
    else:
        seen, wrong = _look_around(point, k, tensor, place, plan)
        where += f"; found by sampling, {wrong} of {seen} entries looked at disagree"
    right = [t.name for t in compared if t.verdict in ACCEPTED]
    if right:
        where += f"; {' and '.join(right[:3])} {'is' if len(right) == 1 else 'are'} right"
    return finding(
        f"the {what} with respect to {tensor.name} is wrong",
        "wrong",
        where=where,
        numbers=f"yours {yours:.6g}   numerical {numeric:.6g} ± {tensor.spread:.0e}{ratio}",
        hint=diagnose(
            to_host(tensor.analytic),
            to_host(tensor.numeric),
            x=to_host(point.arrays[k]),
            name=tensor.name,
            sizes=_sizes(point, k, y),
            order=order,
            exchanged=_exchanged(point, k, y) if isinstance(point.problem, Rule) else (),
            others=[(name, z) for name, z in _at_hand(point, y) if z.shape == tensor.shape],
        ),
    )


def _look_around(point: Point, k: int, tensor: TensorReport, place: tuple[int, ...], plan: Plan) -> tuple[int, int]:
    """Differences at more entries, so that a pattern shows: how many have one now, and how many of those disagree."""
    a, n = tensor.analytic.reshape(-1), tensor.numeric.reshape(-1)
    h = point.step(k, plan.step)
    floor = point.floor(h)

    def is_wrong(i: int) -> bool:
        if not np.isfinite(float(n[i])):
            here, slope = float(a[i]), Line(point, k, i).central(h)
            near = abs(here - slope) <= plan.rtol * max(abs(here), abs(slope)) + floor
            n[i] = here if near else slope  # what agrees to within the noise counts as right
        return abs(float(a[i]) - float(n[i])) > plan.rtol * abs(float(n[i]))

    for i in plan.rng.choice(a.size, min(ELSEWHERE, a.size), replace=False):
        is_wrong(int(i))
    for axis, length in enumerate(tensor.shape):
        stride = math.prod(tensor.shape[axis + 1 :])
        first = int(np.ravel_multi_index((*place[:axis], 0, *place[axis + 1 :]), tensor.shape))
        drawn = plan.rng.choice(length, min(AROUND, length), replace=False).tolist()
        line = sorted({0, place[axis], length - 1, *drawn})
        wrong = [is_wrong(first + i * stride) for i in line]
        for low, high, before, after in zip(line, line[1:], wrong, wrong[1:], strict=False):
            while before != after and high - low > 1:  # where exactly does the wrong part end?
                middle = (low + high) // 2
                if is_wrong(first + middle * stride) == before:
                    low = middle
                else:
                    high = middle
    seen = [int(i) for i in np.flatnonzero(np.isfinite(to_host(n)))]
    return len(seen), sum(map(is_wrong, seen))


def _exchanged(point: Point, k: int, y: Any) -> Iterator[tuple[int, int, np.ndarray]]:
    """What the backward gives when two axes of y, dy and every input of y's shape change places, and back again."""
    problem = point.problem
    inputs = problem.arguments([x.copy() for x in point.arrays])
    for i in range(y.ndim):
        for j in range(i):
            swapped = [x.swapaxes(i, j).copy() if getattr(x, "shape", None) == y.shape else x for x in inputs]
            try:
                found = problem.sorted_out(problem.backward(point.c.swapaxes(i, j).copy(), y.swapaxes(i, j), *swapped))
                dx = to_host(found[k])
            except Exception:  # it does not take such arrays: then this is not the cause
                continue
            if point.arrays[k].shape == y.shape and dx.ndim == y.ndim:
                dx = dx.swapaxes(i, j)
            if dx.shape == point.arrays[k].shape:
                yield j, i, dx


def _at_hand(point: Point, y: Any) -> Iterator[tuple[str, np.ndarray]]:
    """What a factor or a term may be made of: the inputs and the result."""
    for variable, x in zip(point.problem.variables, point.arrays, strict=True):
        yield variable.name, to_host(x)
    yield "y", to_host(y)


def _sizes(point: Point, k: int, y: Any) -> Sizes:
    """Lengths that a sum and a mean may differ by: of the tensor in question, of the others, of the result."""
    pairs = list(zip(point.problem.variables, point.arrays, strict=True))
    if point.arrays[k].ndim < y.ndim:  # a bias is summed over axes that it has not
        pairs.sort(key=lambda pair: pair[1].ndim < y.ndim)
    else:
        pairs.insert(0, pairs[k])
    sizes = [size for v, x in pairs for size in sizes_of(x.shape, v.name)]
    return sizes + sizes_of(y.shape, "the result", "结果")

"""From a pattern of numbers to a likely cause: which row of the table of hints a wrong gradient asks for."""

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from minigen.check.hints import Hint, hint

Sizes = list[tuple[int, str, str]]  # (a length, what it is, the same in Chinese)


def diagnose(
    a: np.ndarray,
    n: np.ndarray,
    *,
    x: np.ndarray,
    name: str,
    sizes: Sizes,
    order: int = 1,
    exchanged: Iterable[tuple[int, int, np.ndarray]] = (),
    others: Iterable[tuple[str, np.ndarray]] = (),
) -> Hint:
    """The likely cause of `a` where the truth is `n` (NaN where not measured), both of the shape of the input x.

    exchanged: (i, j, what `a` becomes when axes i and j of the data change places and back), looked at lazily.
    others: arrays of the same shape that a factor or a term may be made of, by name.
    """
    seen = np.isfinite(n)
    if not np.isfinite(a).all():
        return hint("overflow")
    if not seen.any():
        return hint("none", worst="", worst_zh="")
    scale = np.abs(n[seen]).max() or 1.0
    wrong = seen & ~_close(a, n, scale)
    if not wrong.any():
        return hint("digits", digits=_digits(a, n, seen, scale))
    row = _ratio(a, n, seen, wrong, scale, sizes)
    if row is not None and not (row.key == "zero" and order > 1):
        return row
    if np.ptp(n[seen]) > 1e-6 * scale and 2 * wrong.sum() > seen.sum():  # nothing stays in its place
        row = _moved(a, n, seen, scale)
        if row is not None:
            return row
        for i, j, other in exchanged:
            if _close(other, n, scale)[seen].all():
                return hint("wrong axis", i=i, j=j)
    row = _offset(a, n, seen, scale) or (_factor_along(a, n, scale) if wrong.all() else None)
    if row is not None:
        return row
    if order > 1:
        return hint("constant", below=order - 1)
    row = _made_of(a, n, seen, scale, others)
    if row is not None:
        return row
    row = _branch(a, n, seen, wrong, scale, x, name)
    if row is not None:
        return row
    digits = _digits(a, n, seen, scale)
    near = np.abs(a - n)[wrong] <= 0.02 * np.maximum(np.abs(a), np.abs(n))[wrong]  # a small entry may be all wrong
    if digits >= 2 and 2 * near.sum() >= near.size:
        return hint("digits", digits=digits)
    return hint("none", **_worst(a, n, seen, name))


def _digits(a: Any, n: Any, seen: Any, scale: float) -> int:
    """To how many decimal digits of the largest entry all agree."""
    error = float(np.abs(a - n)[seen].max()) / scale
    return int(-math.log10(error)) if 0 < error < 1 else 0 if error else 15


def _close(a: Any, n: Any, scale: float) -> Any:
    return np.abs(a - n) <= 1e-4 * np.maximum(np.abs(a), np.abs(n)) + 1e-7 * scale


def _ratio(a: Any, n: Any, seen: Any, wrong: Any, scale: float, sizes: Sizes) -> Hint | None:
    """One ratio everywhere."""
    if not a.any():
        return hint("zero")
    if not n[wrong].any():
        return None
    ratio = float(np.median(a[wrong & (n != 0)] / n[wrong & (n != 0)]))
    if a.size < 2 and not _simple(ratio, sizes) or not _close(a, ratio * n, scale)[seen].all() or ratio == 0:
        return None
    for value, key in ((-1, "sign"), (2, "double"), (0.5, "half")):
        if math.isclose(ratio, value, rel_tol=1e-4):
            return hint(key)
    for size, what, zh in sizes:
        if size > 1 and math.isclose(ratio, size, rel_tol=1e-4):
            return hint("times", n=size, what=what, zh=zh)
        if size > 1 and math.isclose(ratio, 1 / size, rel_tol=1e-4):
            return hint("share", n=size, what=what, zh=zh)
    return hint("factor", r=f"{ratio:.5g}")


def _simple(ratio: float, sizes: Sizes) -> bool:
    """With one entry there is always one ratio: only a telling one counts."""
    return any(math.isclose(ratio, r, rel_tol=1e-4) for r in (-1, 2, 0.5)) or any(
        math.isclose(ratio, r, rel_tol=1e-4) for size, *_ in sizes if size > 1 for r in (size, 1 / size)
    )


def _moved(a: Any, n: Any, seen: Any, scale: float) -> Hint | None:
    """Equal after a transpose, a flip or a roll."""

    def fits(moved: Any) -> bool:
        return bool(_close(moved, n, scale)[seen].all())

    for axes in _permutations(a.ndim):
        if tuple(a.shape[i] for i in axes) == a.shape and fits(a.transpose(axes)):
            return hint("transposed")
    for axis in range(a.ndim):
        if a.shape[axis] > 1 and fits(np.flip(a, axis)):
            return hint("flipped", axis=axis)
    for axis in range(a.ndim):
        for shift in range(1, min(a.shape[axis], 16)):
            for back in (shift, -shift):
                if fits(np.roll(a, back, axis)):
                    return hint("rolled", shift=back, axis=axis)
    return None


def _permutations(ndim: int) -> Iterator[tuple[int, ...]]:
    """Every exchange of two axes."""
    for i in range(ndim):
        for j in range(i):
            axes = list(range(ndim))
            axes[i], axes[j] = j, i
            yield tuple(axes)


def _offset(a: Any, n: Any, seen: Any, scale: float) -> Hint | None:
    """a − n constant, overall or along one axis."""
    d = a - n
    if seen.sum() > 2 and np.ptp(d[seen]) <= 1e-3 * np.abs(d[seen]).max() + 1e-9 * scale:
        return hint("offset")
    for axis in range(a.ndim):
        if (
            2 < a.shape[axis] < a.size
            and seen.all()
            and np.ptp(d, axis=axis).max() <= 1e-3 * np.abs(d).max() + 1e-9 * scale
        ):
            return hint("offset along", axis=axis)
    return None


def _factor_along(a: Any, n: Any, scale: float) -> Hint | None:
    """a / n the same wherever one axis has the same index."""
    for axis in range(a.ndim):
        others = tuple(k for k in range(a.ndim) if k != axis)
        if a.shape[axis] < 2 or math.prod(a.shape[k] for k in others) < 2:
            continue
        square = (n * n).sum(axis=others, keepdims=True)
        ratio = (a * n).sum(axis=others, keepdims=True) / np.where(square, square, 1.0)
        if _close(a, ratio * n, scale).all() and (ratio != 0).sum() > 1:
            return hint("factor along", axis=axis)
    return None


def _made_of(a: Any, n: Any, seen: Any, scale: float, others: Iterable[tuple[str, Any]]) -> Hint | None:
    """a / n is an array at hand, or one minus it; or a − n is a multiple of one."""
    if seen.sum() < 3:
        return None
    for name, z in others:
        if not np.isfinite(z).all() or np.ptp(z[seen]) <= 1e-6 * np.abs(z[seen]).max():
            continue
        for what, factor in ((name, z), (f"1 − {name}", 1 - z), (f"1 + {name}", 1 + z), (f"{name}²", z * z)):
            if _close(a, factor * n, scale)[seen].all():
                return hint("times an array", what=what)
            if _close(factor * a, n, scale)[seen].all():
                return hint("times an array", what=f"1 / {what if len(what) < 3 else f'({what})'}")
        d = np.where(seen, a - n, 0.0)
        r = float((d * z).sum() / (z * z)[seen].sum())
        if r and (np.abs(d - r * z)[seen] <= 1e-5 * np.abs(d).max()).all():
            return hint("term", r=f"{r:.4g}", what=name)
    return None


def _branch(a: Any, n: Any, seen: Any, wrong: Any, scale: float, x: Any, name: str) -> Hint | None:
    """Right on a part of the entries, one ratio on the rest."""
    right = seen & ~wrong
    if not right.any():
        return None
    told = wrong & (n != 0)
    how = ("no one ratio there", "那里没有单一的比值")
    if not a[wrong].any():
        how = ("yours is 0 there", "你的梯度在那里是 0")
    elif told.any() and (told == wrong).all():
        ratio = float(np.median(a[told] / n[told]))
        if _close(a[wrong], ratio * n[wrong], scale).all():
            how = (f"every ratio there is {ratio:.5g}", f"那里的比值处处为 {ratio:.5g}")
    for where, where_zh, mask in _parts(x, name, wrong):
        if (mask[seen] == wrong[seen]).all():
            return hint("branch", where=where, where_zh=where_zh, how=how[0], zh=how[1])
    if how[0].startswith("no one"):
        return None
    places = np.argwhere(wrong)[:3].tolist()
    where = ", ".join(f"{name}{place}" for place in places) + (", …" if wrong.sum() > 3 else "")
    return hint("branch", where=f"at {where}", where_zh=where, how=how[0], zh=how[1])


def _parts(x: Any, name: str, wrong: Any) -> Iterator[tuple[str, str, Any]]:
    """The parts of an input that a branch would tell apart: in English, in Chinese, as a mask."""
    for sign, mask in (("< 0", x < 0), ("> 0", x > 0), ("= 0", x == 0), ("≠ 0", x != 0)):
        yield f"where {name} {sign}", f"{name} {sign}", mask
    size = np.abs(x)
    for bound in (1, 20):
        yield f"where |{name}| > {bound}", f"|{name}| > {bound}", size > bound
        yield f"where |{name}| < {bound}", f"|{name}| < {bound}", size < bound
    for axis, length in enumerate(x.shape):
        found = np.unique(np.nonzero(wrong)[axis])
        if length < 2 or not found.size:
            continue
        first, last = int(found[0]), int(found[-1])
        place = np.arange(length).reshape([-1 if k == axis else 1 for k in range(x.ndim)])
        if first == last:
            yield (
                f"at index {first} of axis {axis}",
                f"第 {axis} 轴下标 {first}",
                np.broadcast_to(place == first, x.shape),
            )
        elif last == length - 1 and first:
            text, zh = f"beyond index {first - 1} of axis {axis}", f"第 {axis} 轴下标大于 {first - 1}"
            yield text, zh, np.broadcast_to(place >= first, x.shape)
        elif first == 0 and last < length - 1:
            text, zh = f"up to index {last} of axis {axis}", f"第 {axis} 轴下标不大于 {last}"
            yield text, zh, np.broadcast_to(place <= last, x.shape)


def _worst(a: Any, n: Any, seen: Any, name: str) -> dict[str, str]:
    """The three entries that disagree most, in English and in Chinese."""
    error = np.where(seen, np.abs(a - n), -1.0).reshape(-1)
    places = [np.unravel_index(i, a.shape) for i in np.argsort(-error)[: min(3, int(seen.sum()))]]
    told = [(place_of(name, p), f"{a[p]:.5g}", f"{n[p]:.5g}") for p in places]
    return {
        "worst": "; ".join(f"{place} yours {mine}, numerical {truth}" for place, mine, truth in told),
        "worst_zh": "；".join(f"{place} 你的 {mine}，数值 {truth}" for place, mine, truth in told),
    }


def place_of(name: str, place: tuple[Any, ...]) -> str:
    """mu[3, 1], or mu for a number."""
    return f"{name}[{', '.join(str(int(i)) for i in place)}]" if place else name


def sizes_of(shape: tuple[int, ...], name: str, zh: str | None = None) -> Sizes:
    """The lengths of an array by which a sum and a mean may differ, with their names."""
    zh = zh or name
    sizes = [(n, f"the length of axis {i} of {name}", f"{zh} 第 {i} 轴的长度") for i, n in enumerate(shape)]
    sizes.append((math.prod(shape), f"the number of entries of {name}", f"{zh} 的元素个数"))
    if len(shape) > 1:
        sizes.append((math.prod(shape[:-1]), f"the number of rows of {name}", f"{zh} 的行数"))
    return sizes

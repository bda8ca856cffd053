"""Can a wrong rule be told from the right one?  Both are called on copies, and all that comes of it is compared."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minigen import ops
from minigen.autograd import Tensor, grad
from minigen.backend import array_module, to_host
from minigen.ops.shapes import bare

Rule = Callable[..., Any]


def differs(
    right: Rule,
    wrong: Rule,
    arguments: tuple[Any, ...],
    settings: dict[str, Any],
    *,
    size: float = 0.0,
    redraw: bool = True,
    slopes: bool = True,
) -> bool:
    """Do the two rules differ on these arguments, or (`redraw`) on the same with another dy, the first of them?

    Another dy, because one that hides a difference, as ones do in softmax, was the caller's choice.  On tensors the
    derivatives of the results count as well (`slopes`); so does what is changed in place.  A wrong rule that raises
    differs.  Rounding is no difference: of the largest entry, of dy, of numbers of `size`.
    """
    with np.errstate(all="ignore"):
        for case in (arguments, _with_another_dy(arguments)) if redraw else (arguments,):
            try:
                expected = _outcome(right, case, settings, slopes)
            except Exception:  # the right rule does not take this dy
                continue
            try:
                found = _outcome(wrong, case, settings, slopes)
            except Exception:
                return True
            scale = max((size, *map(largest, arrays_in(case[:1]))))
            if len(found) != len(expected) or not all(map(_same, expected, found, [scale] * len(found))):
                return True
    return False


def _with_another_dy(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    if not arguments or not is_floating(arguments[0]):
        return arguments
    dy = arguments[0]
    drawn = np.random.default_rng(1).normal(size=dy.shape)
    array = array_module(bare(dy)).asarray(drawn.astype(dy.dtype))
    return (Tensor(array, requires_grad=True) if isinstance(dy, Tensor) else array, *arguments[1:])


def _outcome(rule: Rule, arguments: tuple[Any, ...], settings: dict[str, Any], slopes: bool) -> list[Any]:
    """Every array that comes of a call: the results, the arguments afterwards, on tensors the derivatives too.

    Arrays are copied.  Tensors must stay what they are, since y depends on the inputs; their entries are put back.
    """
    own = mapped(lambda x: x if isinstance(x, Tensor) else _copy(x), arguments)
    tensors = [x for x in parts_of(own) if isinstance(x, Tensor)]
    before = [x.data.copy() for x in tensors]
    found = rule(*own, **settings)
    seen = [x.copy() for x in arrays_in((found, own))]
    for x, entries in zip(tensors, before, strict=True):
        if is_writable(x.data):
            x.data[...] = entries
    sources = [x for x in tensors if x.requires_grad and x.is_leaf]  # not y, where it was made from the inputs
    results = [y for y in parts_of(found) if isinstance(y, Tensor)]
    if slopes and sources and results:
        rng, total = np.random.default_rng(2), Tensor(0.0)
        for y in results:
            total = total + ops.sum(y * array_module(y.data).asarray(rng.normal(size=y.shape)))
        found = grad(total, sources, retain_graph=True, allow_unused=True)
        seen += [np.zeros(x.shape) if dx is None else dx.data for x, dx in zip(sources, found, strict=True)]
    return [to_host(x) for x in seen]


def _same(right: Any, wrong: Any, size: float) -> bool:
    """Equal up to the rounding of their largest entry and of numbers of this size; shape and dtype included."""
    if right.shape != wrong.shape or right.dtype != wrong.dtype:
        return False
    if right.dtype.kind not in "fc":
        return np.array_equal(right, wrong)
    finite = right[np.isfinite(right)]
    near = 64 * np.finfo(right.dtype).eps * (largest(finite) + size)
    return bool(((abs(right - wrong) <= near) | (right == wrong) | ((right != right) & (wrong != wrong))).all())


def largest(x: Any) -> float:
    """The size of the largest entry."""
    return float(abs(x).max()) if x.size and x.dtype.kind in "fiu" else 0.0


# Arguments may be nested: a cache is often a tuple or a dict ----------------------------------------------------------


def is_floating(x: Any) -> bool:
    """Is x an array or a tensor of floating point?"""
    return hasattr(x, "shape") and getattr(getattr(x, "dtype", None), "kind", "") == "f"


def copies(x: Any) -> Any:
    """The same with a copy of every array in it; of a tensor, a leaf."""

    def copy(a: Any) -> Any:
        return Tensor(_copy(a.data), requires_grad=is_floating(a)) if isinstance(a, Tensor) else _copy(a)

    return mapped(copy, x)


def _copy(x: Any) -> Any:
    """Read-only where x is, so that what cannot be changed in place is not."""
    copy = x.copy()
    if not is_writable(x):
        copy.setflags(write=False)
    return copy


def is_writable(x: Any) -> bool:
    """May entries of this array be assigned?  (CuPy knows no array where they may not.)"""
    return getattr(x.flags, "writeable", True)


def mapped(f: Callable[[Any], Any], x: Any) -> Any:
    """The same structure of tuples, lists and dicts, with f of every array and tensor in it."""
    if isinstance(x, dict):
        return {key: mapped(f, value) for key, value in x.items()}
    if type(x) in (tuple, list):
        return type(x)(mapped(f, entry) for entry in x)
    return f(x) if isinstance(x, Tensor) or _is_array(x) else x


def arrays_in(x: Any) -> Iterator[Any]:
    """Every bare array in it; a number counts as one."""
    for part in parts_of(x):
        yield np.asarray(part) if isinstance(part, int | float | np.generic) else bare(part)


def parts_of(x: Any) -> Iterator[Any]:
    """Every array, tensor and number in it."""
    if isinstance(x, dict | tuple | list):
        for entry in x.values() if isinstance(x, dict) else x:
            yield from parts_of(entry)
    elif isinstance(x, Tensor | int | float | np.generic) or _is_array(x):
        yield x


def _is_array(x: Any) -> bool:
    return hasattr(x, "dtype") and hasattr(x, "shape") and hasattr(x, "copy") and not isinstance(x, np.generic)

"""Many numbers into few: sums, means, extremes, and the soft maximum.

`axis` is None (all), a number or a tuple; `keepdims` leaves reduced axes in place with length 1.
"""

import math
import operator

from minigen.autograd.op import fused, op
from minigen.autograd.sums import add_up, wide
from minigen.backend import array_module
from minigen.errors import ShapeError
from minigen.ops.arithmetic import equal, where
from minigen.ops.elementary import exp, sqrt
from minigen.ops.shapes import astype, broadcast_to, reshape


def _axes(ndim, axis):
    """The reduced axes as a tuple of places from 0."""
    if axis is None:
        return tuple(range(ndim))
    axes = axis if isinstance(axis, tuple) else (axis,)
    return tuple(operator.index(a) % (ndim or 1) for a in axes)


def _spread(dy, x, axis, keepdims):
    """A gradient of the reduced shape, repeated over what was reduced."""
    if not keepdims and axis is not None:
        dy = reshape(dy, tuple(1 if k in _axes(x.ndim, axis) else n for k, n in enumerate(x.shape)))
    return broadcast_to(dy, x.shape)


def _count(x, axis):
    """How many numbers become one."""
    if axis is None:
        return x.size
    return math.prod(x.shape[a] for a in _axes(x.ndim, axis)) if x.ndim else 1


def _some(name, x, axis):
    """ShapeError where nothing is there to choose from or to average."""
    if not _count(x, axis):
        raise ShapeError(f"{name}: x has shape {tuple(x.shape)}; there is nothing along axis {axis} to take it of.")


def widened(x):
    """float16 as float32, whose squares and exponentials fit; other dtypes as they are."""
    return x if wide(x) is None else astype(x, wide(x))


def narrowed(y, x):
    """y as float16 again where x was."""
    return y if wide(x) is None else astype(y, x.dtype)


@op
def sum(x, *, axis=None, keepdims=False):
    """y = Σ x over `axis`; float16 is added up in float32, long columns in blocks"""
    return add_up(x, axis, keepdims)


sum.casts = True  # the sum of booleans is a number
sum.vjp(x=lambda dy, y, x, *, axis, keepdims: _spread(dy, x, axis, keepdims))


@op
def mean(x, *, axis=None, keepdims=False):
    """y = Σ x / n over `axis`; ShapeError where n is 0"""
    n = _count(x, axis) or _some("mean", x, axis)
    y = add_up(widened(x), axis, keepdims) / n
    return y if y.dtype is x.dtype or x.dtype.kind != "f" else y.astype(x.dtype)


mean.vjp(x=lambda dy, y, x, *, axis, keepdims: _spread(dy / _count(x, axis), x, axis, keepdims))


@fused
def var(x, *, axis=None, keepdims=False, ddof=0):
    """y = Σ (x − mean)² / (n − ddof) over `axis`: the mean is taken out first, for E[x²] − E[x]² cancels.

    ShapeError where n is not above ddof, for there the variance is undefined.
    """
    n = _count(x, axis)
    if n <= ddof:
        raise ShapeError(f"var: x has shape {tuple(x.shape)}; {n} numbers along axis {axis} do not exceed ddof {ddof}.")
    x32 = widened(x)
    d = x32 - mean(x32, axis=axis, keepdims=True)
    return narrowed(sum(d * d, axis=axis, keepdims=keepdims) / (n - ddof), x)


@op
def max(x, *, axis=None, keepdims=False):
    """y = the largest x over `axis`; where several tie, they share the gradient evenly"""
    _some("max", x, axis)
    return x.max(axis=axis, keepdims=keepdims)


@op
def min(x, *, axis=None, keepdims=False):
    """y = the smallest x over `axis`; where several tie, they share the gradient evenly"""
    _some("min", x, axis)
    return x.min(axis=axis, keepdims=keepdims)


def _to_the_winners(dy, y, x, *, axis, keepdims):
    won = equal(x, _spread(y, x, axis, keepdims))
    winners = sum(won, axis=axis, keepdims=keepdims)  # a whole number, however many: 70,000 are ∞ in float16
    return where(won, _spread(dy / winners, x, axis, keepdims), 0)


max.vjp(x=_to_the_winners)
min.vjp(x=_to_the_winners)


@op
def argmax(x, *, axis=None):
    """y = the place of the (first) largest x over `axis`; no derivative"""
    _some("argmax", x, axis)
    return x.argmax(axis=axis)


argmax.vjp(x=None)


@op
def logsumexp(x, *, axis=None, keepdims=False):
    """y = log Σ eˣ over `axis`, the maximum taken out first; all −∞ gives −∞ with slope 0"""
    _some("logsumexp", x, axis)
    xp = array_module(x)
    top = x.max(axis=axis, keepdims=True)
    top = xp.where(top == -math.inf, xp.zeros_like(top), top)
    total = add_up(xp.exp(x - top), axis, keepdims=True)
    nothing = total == 0
    y = xp.where(nothing, -math.inf, xp.log(xp.where(nothing, 1, total)) + top)
    return y if keepdims else y.squeeze(axis=_axes(x.ndim, axis) if x.ndim else None)


def _softmax_share(dy, y, x, *, axis, keepdims):
    finite = where(y == -math.inf, 0, y)
    return _spread(dy, x, axis, keepdims) * exp(x - _spread(finite, x, axis, keepdims))


logsumexp.vjp(x=_softmax_share)


@op
def softmax(x, *, axis=-1):
    """y = eˣ / Σ eˣ over `axis`; what comes out is positive and sums to 1"""
    _some("softmax", x, axis)
    e = array_module(x).exp(x - x.max(axis=axis, keepdims=True))
    return e / add_up(e, axis, keepdims=True)


softmax.vjp(x=lambda dy, y, x, *, axis: y * (dy - sum(dy * y, axis=axis, keepdims=True)))


@op
def log_softmax(x, *, axis=-1):
    """y = x − log Σ eˣ over `axis`"""
    return x - logsumexp(x, axis=axis, keepdims=True)


log_softmax.vjp(x=lambda dy, y, x, *, axis: dy - exp(y) * sum(dy, axis=axis, keepdims=True))


@op
def norm(x, *, axis=None, keepdims=False):
    """y = √(Σ x²) over `axis`, with slope 0 where y = 0 (by convention at every order)"""
    x32 = widened(x if x.dtype.kind == "f" else x.astype("float64"))
    y = array_module(x).sqrt(add_up(x32 * x32, axis, keepdims))
    return y.astype(x.dtype, copy=False) if x.dtype.kind == "f" else y


def _along_x(dy, y, x, *, axis, keepdims):
    zero = equal(y, 0)
    return x * _spread(where(zero, 0, dy / where(zero, 1, y)), x, axis, keepdims)


norm.vjp(x=_along_x)


@fused
def std(x, *, axis=None, keepdims=False, ddof=0):
    """y = √var over `axis`; the slope where all entries are equal is infinite"""
    return narrowed(sqrt(var(widened(x), axis=axis, keepdims=keepdims, ddof=ddof)), x)

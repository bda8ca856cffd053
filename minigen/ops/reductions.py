"""Many numbers into few: sums, means, extremes, and the soft maximum.

`axis` is None (all), a number or a tuple; `keepdims` leaves reduced axes in place with length 1.
"""

import math
import operator

from minigen.autograd.op import fused, op
from minigen.backend import array_module
from minigen.ops.arithmetic import abs, equal, log, where
from minigen.ops.elementary import exp, sqrt
from minigen.ops.shapes import broadcast_to, reshape


def _wide(x):
    """The dtype to add up in: at least float32, for ones in float16 stop counting at 2,048."""
    return "float32" if x.dtype == "float16" else None


def _axes(ndim, axis):
    """The reduced axes as a tuple of places from 0."""
    if axis is None:
        return tuple(range(ndim))
    axes = axis if isinstance(axis, tuple | list) else (axis,)
    return tuple(operator.index(a) % ndim for a in axes)


def _spread(dy, x, axis, keepdims):
    """A gradient of the reduced shape, repeated over what was reduced."""
    if not keepdims:
        dy = reshape(dy, tuple(1 if k in _axes(x.ndim, axis) else n for k, n in enumerate(x.shape)))
    return broadcast_to(dy, x.shape)


def _count(x, axis):
    """How many numbers become one."""
    return math.prod(x.shape[a] for a in _axes(x.ndim, axis))


@op
def sum(x, *, axis=None, keepdims=False):
    """y = Σ x over `axis`; float16 is added up in float32"""
    return x.sum(axis=axis, keepdims=keepdims, dtype=_wide(x)).astype(x.dtype, copy=False)


sum.casts = True  # the sum of booleans is a number
sum.vjp(x=lambda dy, y, x, *, axis, keepdims: _spread(dy, x, axis, keepdims))


@op
def mean(x, *, axis=None, keepdims=False):
    """y = Σ x / n over `axis`"""
    return x.mean(axis=axis, keepdims=keepdims, dtype=_wide(x))


mean.vjp(x=lambda dy, y, x, *, axis, keepdims: _spread(dy / _count(x, axis), x, axis, keepdims))


@fused
def var(x, *, axis=None, keepdims=False, ddof=0):
    """y = Σ (x − mean)² / (n − ddof) over `axis`: the mean is taken out first, for E[x²] − E[x]² cancels."""
    d = x - mean(x, axis=axis, keepdims=True)
    n = _count(x, axis)
    return sum(d * d, axis=axis, keepdims=keepdims) / (n - ddof)


@op
def max(x, *, axis=None, keepdims=False):
    """y = the largest x over `axis`; where several tie, they share the gradient evenly"""
    return x.max(axis=axis, keepdims=keepdims)


@op
def min(x, *, axis=None, keepdims=False):
    """y = the smallest x over `axis`; where several tie, they share the gradient evenly"""
    return x.min(axis=axis, keepdims=keepdims)


def _to_the_winners(dy, y, x, *, axis, keepdims):
    won = equal(x, _spread(y, x, axis, keepdims))
    winners = sum(won, axis=axis, keepdims=keepdims)  # a whole number, however many
    return where(won, _spread(dy / winners, x, axis, keepdims), 0)


max.vjp(x=_to_the_winners)
min.vjp(x=_to_the_winners)


@op
def argmax(x, *, axis=None):
    """y = the place of the (first) largest x over `axis`; no derivative"""
    return x.argmax(axis=axis)


argmax.vjp(x=None)


@op
def logsumexp(x, *, axis=None, keepdims=False):
    """y = log Σ eˣ over `axis`, the maximum taken out first; all −∞ gives −∞ with slope 0"""
    xp = array_module(x)
    top = x.max(axis=axis, keepdims=True)
    top = xp.where(xp.isfinite(top), top, 0)
    total = xp.exp(x - top).sum(axis=axis, keepdims=True)
    y = xp.where(total > 0, xp.log(xp.where(total > 0, total, 1)), -xp.inf) + top
    if keepdims:
        return y
    return y.squeeze(axis=_axes(x.ndim, axis)) if x.ndim else y


def _softmax_share(dy, y, x, *, axis, keepdims):
    finite = where(y == -math.inf, 0, y)
    return _spread(dy, x, axis, keepdims) * exp(x - _spread(finite, x, axis, keepdims))


logsumexp.vjp(x=_softmax_share)


@op
def softmax(x, *, axis=-1):
    """y = eˣ / Σ eˣ over `axis`; what comes out is positive and sums to 1"""
    xp = array_module(x)
    e = xp.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


softmax.vjp(x=lambda dy, y, x, *, axis: y * (dy - sum(dy * y, axis=axis, keepdims=True)))


@op
def log_softmax(x, *, axis=-1):
    """y = x − log Σ eˣ over `axis`"""
    return x - logsumexp(x, axis=axis, keepdims=True)


log_softmax.vjp(x=lambda dy, y, x, *, axis: dy - exp(y) * sum(dy, axis=axis, keepdims=True))


@op
def norm(x, *, axis=None, keepdims=False):
    """y = √(Σ x²) over `axis`, with slope 0 where y = 0 (by convention at every order)"""
    xp = array_module(x)
    return xp.sqrt((x * x).sum(axis=axis, keepdims=keepdims, dtype=_wide(x))).astype(x.dtype, copy=False)


def _along_x(dy, y, x, *, axis, keepdims):
    zero = equal(y, 0)
    return x * _spread(where(zero, 0, dy / where(zero, 1, y)), x, axis, keepdims)


norm.vjp(x=_along_x)


@fused
def std(x, *, axis=None, keepdims=False, ddof=0):
    """y = √var over `axis`; the slope where all entries are equal is infinite"""
    return sqrt(var(x, axis=axis, keepdims=keepdims, ddof=ddof))


__all__ = [
    "abs",
    "argmax",
    "log",
    "log_softmax",
    "logsumexp",
    "max",
    "mean",
    "min",
    "norm",
    "softmax",
    "std",
    "sum",
    "var",
]

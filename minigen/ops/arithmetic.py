"""Sums, products, powers, and choices between two numbers."""

import math

from minigen.autograd.op import op
from minigen.backend import array_module


@op
def add(a, b):
    """y = a + b"""
    return a + b


add.vjp(a=lambda dy, y, a, b: dy, b=lambda dy, y, a, b: dy)


@op
def subtract(a, b):
    """y = a − b"""
    return a - b


subtract.vjp(a=lambda dy, y, a, b: dy, b=lambda dy, y, a, b: -dy)


@op
def multiply(a, b):
    """y = a b"""
    return a * b


multiply.vjp(a=lambda dy, y, a, b: dy * b, b=lambda dy, y, a, b: dy * a)


@op
def divide(a, b):
    """y = a / b"""
    return a / b


divide.vjp(a=lambda dy, y, a, b: dy / b, b=lambda dy, y, a, b: -dy * (y / b))


@op
def negative(x):
    """y = −x"""
    return -x


negative.vjp(x=lambda dy, y, x: -dy)


@op
def power(a, b):
    """y = aᵇ; where b is not a whole number, a must not be negative (NaN, as in NumPy)."""
    return a**b


def _power_by_base(dy, y, a, b):
    if isinstance(b, int | float):  # a fixed exponent: b aᵇ⁻¹, and 0 rather than 0 · ∞ at b = 0
        return dy * (b * a ** (b - 1)) if b != 0 else dy * 0
    return dy * (b * a ** where(logical_and(equal(a, 0), equal(b, 0)), 1, b - 1))


def _power_by_exponent(dy, y, a, b):
    if isinstance(a, int | float):
        return dy * (y * (math.log(a) if a > 0 else math.nan)) if a != 0 else dy * 0
    return dy * (y * log(where(equal(a, 0), 1, a)))  # at a = 0 the slope is 0, not 0 · (−∞)


power.vjp(a=_power_by_base, b=_power_by_exponent)


@op
def log(x):
    """y = log x, natural"""
    return array_module(x).log(x)


log.vjp(x=lambda dy, y, x: dy / x)


@op
def abs(x):
    """y = |x|, with slope 0 at 0"""
    return array_module(x).abs(x)


abs.vjp(x=lambda dy, y, x: dy * sign(x))


@op
def sign(x):
    """y = −1, 0 or 1; its slope counts as 0 everywhere"""
    return array_module(x).sign(x)


sign.vjp(x=None)


@op
def maximum(a, b):
    """y = the larger of a and b; where they tie, each gets half the gradient"""
    return array_module(a, b).maximum(a, b)


def _winner(dy, won, tied):
    return where(tied, 0.5 * dy, where(won, dy, 0))


maximum.vjp(
    a=lambda dy, y, a, b: _winner(dy, greater(a, b), equal(a, b)),
    b=lambda dy, y, a, b: _winner(dy, less(a, b), equal(a, b)),
)


@op
def minimum(a, b):
    """y = the smaller of a and b; where they tie, each gets half the gradient"""
    return array_module(a, b).minimum(a, b)


minimum.vjp(
    a=lambda dy, y, a, b: _winner(dy, less(a, b), equal(a, b)),
    b=lambda dy, y, a, b: _winner(dy, greater(a, b), equal(a, b)),
)


@op
def clip(x, *, low=None, high=None):
    """y = x held between low and high (None: no bound); slope 1 inside and on the bounds, 0 outside.

    Never inside a loss: a probability clipped at 0.999 has slope 0 just where learning is needed.
    """
    xp = array_module(x)
    x = x if low is None else xp.maximum(x, low)
    return x if high is None else xp.minimum(x, high)


clip.vjp(x=lambda dy, y, x, *, low, high: where(equal(y, x), dy, 0))


@op
def where(condition, a, b):
    """y = a where the condition holds, else b.

    The branch not taken is computed too: where(x > 0, sqrt(x), 0) has the slope 0 · ∞ = NaN at 0.  Write
    where(x > 0, sqrt(where(x > 0, x, 1)), 0).
    """
    return array_module(condition, a, b).where(condition, a, b)


where.vjp(
    condition=None,
    a=lambda dy, y, condition, a, b: where(condition, dy, 0),
    b=lambda dy, y, condition, a, b: where(condition, 0, dy),
)


# Comparisons: facts, which have no derivative ----------------------------------------------------------------------


@op
def equal(a, b):
    """a == b"""
    return a == b


@op
def not_equal(a, b):
    """a != b"""
    return a != b


@op
def less(a, b):
    """a < b"""
    return a < b


@op
def less_equal(a, b):
    """a <= b"""
    return a <= b


@op
def greater(a, b):
    """a > b"""
    return a > b


@op
def greater_equal(a, b):
    """a >= b"""
    return a >= b


@op
def logical_and(a, b):
    """a and b, entry by entry"""
    return array_module(a, b).logical_and(a, b)


@op
def logical_or(a, b):
    """a or b, entry by entry"""
    return array_module(a, b).logical_or(a, b)


@op
def logical_not(x):
    """not x, entry by entry"""
    return array_module(x).logical_not(x)


for _fact in (equal, not_equal, less, less_equal, greater, greater_equal, logical_and, logical_or):
    _fact.vjp(a=None, b=None)
logical_not.vjp(x=None)

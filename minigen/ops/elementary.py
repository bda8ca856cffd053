"""Exponentials, roots and waves."""

from minigen.autograd.op import op
from minigen.backend import array_module


@op
def exp(x):
    """y = eˣ"""
    return array_module(x).exp(x)


exp.vjp(x=lambda dy, y, x: dy * y)


@op
def log1p(x):
    """y = log(1 + x), exact near 0"""
    return array_module(x).log1p(x)


log1p.vjp(x=lambda dy, y, x: dy / (1 + x))


@op
def expm1(x):
    """y = eˣ − 1, exact near 0"""
    return array_module(x).expm1(x)


expm1.vjp(x=lambda dy, y, x: dy * (y + 1))


@op
def sqrt(x):
    """y = √x; the slope at 0 is infinite (for a length, use norm, whose slope there is 0)"""
    return array_module(x).sqrt(x)


sqrt.vjp(x=lambda dy, y, x: dy / (2 * y))


@op
def sin(x):
    """y = sin x"""
    return array_module(x).sin(x)


@op
def cos(x):
    """y = cos x"""
    return array_module(x).cos(x)


sin.vjp(x=lambda dy, y, x: dy * cos(x))
cos.vjp(x=lambda dy, y, x: -dy * sin(x))

"""Rectifiers and the sigmoid on NumPy without `where`, which looks at one number at a time.

Nor is a number compared with an array: np.maximum(x, 0.2) takes four times as long as np.maximum of two arrays.
"""

import functools

import numpy as np

from minigen.autograd.op import kernel
from minigen.kernels.blocks import in_blocks
from minigen.ops.activations import leaky_gate, leaky_relu, relu, sigmoid


@kernel(relu, backend="numpy")
def relu_numpy(x):
    """max(x, 0)"""
    return in_blocks(_positive, x) if x.dtype.kind == "f" else relu.function(x)


def _positive(x, y):
    y.fill(0)
    np.maximum(x, y, out=y)


@kernel(leaky_relu, backend="numpy")
def leaky_relu_numpy(x, *, slope):
    """max(x, slope · x), which is the same for slopes in (0, 1]"""
    if x.dtype.kind != "f" or not 0 < slope <= 1:
        return leaky_relu.function(x, slope=slope)
    return in_blocks(_larger, x, slope=slope)


def _larger(x, y, slope):
    np.multiply(x, slope, out=y)
    np.maximum(x, y, out=y)


def bend(x, slope):
    """x ← max(x, slope · x)"""
    np.maximum(x, x * slope, out=x)


@kernel(leaky_gate, backend="numpy")
def leaky_gate_numpy(a, x, *, slope):
    """a · ([x > 0] (1 − slope) + slope), where that factor is 1 or the slope, exactly"""
    if a.shape != x.shape or a.dtype != x.dtype or not exact(x.dtype, slope):
        return leaky_gate.function(a, x, slope=slope)
    return in_blocks(let_through, a, x, slope=slope)


@functools.cache
def exact(dtype, slope):
    """Does max(x, slope · x) bend as it should, and is 1 what the gate makes of 1 − slope and slope?"""
    number = dtype.type
    return 0 < slope <= 1 and number(1 - slope) + number(slope) == 1


def let_through(a, x, y, slope):
    """y ← a · ([x > 0] (1 − slope) + slope)"""
    np.multiply(x > 0, y.dtype.type(1 - slope), out=y)
    y += slope
    y *= a


@kernel(sigmoid, backend="numpy")
def sigmoid_numpy(x):
    """max(e, [x ≥ 0]) / (1 + e) with e = e^−|x|: the numerator is 1 on the right and e on the left"""
    return in_blocks(_sigmoid, x) if x.dtype.kind == "f" else sigmoid.function(x)


def _sigmoid(x, y):
    e = np.empty_like(y)
    np.abs(x, out=e)
    np.exp(np.negative(e, out=e), out=e)
    y[...] = x >= 0
    np.maximum(e, y, out=y)
    e += 1
    y /= e

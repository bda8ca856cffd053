"""Repeating on NumPy: writing a few numbers out costs less than the view of them that np.broadcast_to builds."""

import math

import numpy as np

from minigen.autograd.op import kernel
from minigen.ops.shapes import broadcast_to

FEW = 4096


@kernel(broadcast_to, backend="numpy")
def broadcast_to_numpy(x, *, shape):
    """x written into a new array where that is small"""
    if math.prod(shape) > FEW or x.ndim > len(shape):
        return broadcast_to.function(x, shape=shape)
    y = np.empty(shape, x.dtype)
    y[...] = x
    return y

"""Patches and their adjoint on CuPy, one launch each.

The formulas of convolution make patches and then take one product of two matrices, which goes to cuBLAS as it lies:
with these two in place, each of the three faces is two launches.
"""

import functools
import math
from typing import Any

import numpy as np

from minigen.autograd.op import kernel
from minigen.backend import array_module
from minigen.kernels.cuda_launch import LIMIT, as_pieces_of_four, launch, suits
from minigen.ops.windows import Geometry, fold, patches

AXES = 3  # spatial axes that the text knows; fewer are given axes of length one


@kernel(patches, backend="cupy")
def patches_cuda(x, *, geometry):
    shape = (x.shape[0], *geometry.outs, *geometry.window, x.shape[-1])
    if len(geometry.sizes) > AXES or not suits(x) or math.prod(shape) >= LIMIT:
        return patches.function(x, geometry=geometry)
    xp = array_module(x)
    x, y = xp.ascontiguousarray(x), xp.empty(shape, x.dtype)
    four = 4 if as_pieces_of_four(shape[-1], x, y) else 1
    count = y.size // four
    launch("patches", count, x, y, np.int32(count), np.int32(four), np.int32(shape[-1] // four), *_axes(geometry))
    return y


@kernel(fold, backend="cupy")
def fold_cuda(y, *, geometry):
    shape = (y.shape[0], *geometry.sizes, y.shape[-1])
    if len(geometry.sizes) > AXES or not suits(y) or math.prod(shape) >= LIMIT:
        return fold.function(y, geometry=geometry)
    xp = array_module(y)
    y, x = xp.ascontiguousarray(y), xp.empty(shape, y.dtype)
    four = 4 if as_pieces_of_four(shape[-1], x, y) else 1
    count = x.size // four
    numbers = np.int32(count), np.int32(four), np.int32(shape[-1] // four)
    launch("fold", count, y, x, *numbers, *_steps(geometry), *_axes(geometry))
    return x


@functools.lru_cache(256)
def _axes(geometry: Geometry) -> tuple[Any, ...]:
    """size, outs, window, stride, dilation, before of three axes; those in front have one place, seen by one tap."""
    fields = (geometry.sizes, geometry.outs, geometry.window, geometry.stride, geometry.dilation, geometry.before)
    axes = list(zip(*fields, strict=True))
    axes = [(1, 1, 1, 1, 1, 0)] * (AXES - len(axes)) + axes
    return tuple(np.int32(number) for axis in axes for number in axis)


@functools.lru_cache(256)
def _steps(geometry: Geometry) -> tuple[Any, ...]:
    """From one tap that can fall on a place to the next, on each of three axes."""
    steps = [s // math.gcd(s, d) for s, d in zip(geometry.stride, geometry.dilation, strict=True)]
    return tuple(np.int32(step) for step in [1] * (AXES - len(steps)) + steps)

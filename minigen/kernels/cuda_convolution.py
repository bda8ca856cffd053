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
    if not _suits(x, shape, geometry):
        return patches.function(x, geometry=geometry)
    return _launched("patches", x, shape, geometry)


@kernel(fold, backend="cupy")
def fold_cuda(y, *, geometry):
    shape = (y.shape[0], *geometry.sizes, y.shape[-1])
    if not _suits(y, shape, geometry):
        return fold.function(y, geometry=geometry)
    return _launched("fold", y, shape, geometry)


def _suits(given: Any, shape: tuple[int, ...], geometry: Geometry) -> bool:
    return len(geometry.sizes) <= AXES and suits(given) and math.prod(shape) < LIMIT


def _launched(name: str, given: Any, shape: tuple[int, ...], geometry: Geometry) -> Any:
    """A new array of this shape, in which the kernel has put what it makes of the given one."""
    xp = array_module(given)
    given, made = xp.ascontiguousarray(given), xp.empty(shape, given.dtype)
    four = 4 if as_pieces_of_four(shape[-1], given, made) else 1
    count = made.size // four
    launch(name, count, given, made, np.int32(count), np.int32(four), np.int32(shape[-1] // four), *_axes(geometry))
    return made


@functools.lru_cache(256)
def _axes(geometry: Geometry) -> tuple[Any, ...]:
    """size, outs, window, stride, dilation, before of three axes; those in front have one place, seen by one tap."""
    fields = (geometry.sizes, geometry.outs, geometry.window, geometry.stride, geometry.dilation, geometry.before)
    axes = list(zip(*fields, strict=True))
    axes = [(1, 1, 1, 1, 1, 0)] * (AXES - len(axes)) + axes
    return tuple(np.int32(number) for axis in axes for number in axis)

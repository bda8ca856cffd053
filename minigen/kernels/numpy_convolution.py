"""Convolution on NumPy: by the cheaper of two ways, and some of the batch at a time."""

import math
from typing import Any

import numpy as np

from minigen.autograd.op import kernel
from minigen.kernels import fourier
from minigen.ops.convolution import conv, conv_kernel_grad, conv_transpose
from minigen.ops.windows import Geometry

PATCHES = 1 << 23  # bytes of patches at a time: more would leave the cache before the product reads them
MOVED = 100  # what writing and reading a number costs, in operations of a large matrix product
CALLS = 10_000_000  # the same for the calls that a transform takes, however small the arrays


@kernel(conv, backend="numpy")
def conv_numpy(x, w, *, geometry):
    if _few_products(x, w, geometry, len(x), *w.shape[-2:]):
        return fourier.conv(x, w, geometry)
    return _joined([conv.function(x[some], w, geometry=geometry) for some in _parts(x, geometry, w.shape[-2])])


@kernel(conv_transpose, backend="numpy")
def conv_transpose_numpy(y, w, *, geometry):
    if _few_products(y, w, geometry, len(y), *w.shape[-2:]):
        return fourier.conv_transpose(y, w, geometry)
    parts = _parts(y, geometry, w.shape[-2])
    return _joined([conv_transpose.function(y[some], w, geometry=geometry) for some in parts])


@kernel(conv_kernel_grad, backend="numpy")
def conv_kernel_grad_numpy(x, y, *, geometry):
    if _few_products(x, y, geometry, len(x), x.shape[-1], y.shape[-1]):
        return fourier.conv_kernel_grad(x, y, geometry)
    first, *others = _parts(x, geometry, x.shape[-1])
    w = conv_kernel_grad.function(x[first], y[first], geometry=geometry)
    for some in others:
        w += conv_kernel_grad.function(x[some], y[some], geometry=geometry)
    return w


def _few_products(a: Any, b: Any, geometry: Geometry, N: int, C: int, OC: int) -> bool:
    """Is `fourier` the cheaper way?  Never for groups, nor where two dtypes meet or one is no float of BLAS."""
    if geometry.groups > 1 or a.dtype != b.dtype or a.dtype.char not in "fd":
        return False
    return cost_of_fourier(geometry, N, C, OC) < cost_of_patches(geometry, N, C, OC)


def cost_of_patches(geometry: Geometry, N: int, C: int, OC: int) -> int:
    """What the formula costs, in operations: patches, written and read, times the kernel."""
    numbers = N * math.prod(geometry.outs) * math.prod(geometry.window) * C
    return numbers * (2 * OC + MOVED)


def cost_of_fourier(geometry: Geometry, N: int, C: int, OC: int) -> int:
    """What the transforms and their products cost, in operations."""
    axes = fourier.axes_of(geometry)
    R = fourier.rank_of(geometry)
    PC = math.prod(axis.stride for axis in axes) * C
    x, y, w = N * PC, N * OC, PC * OC  # numbers for each of the R sums
    transforms = x * math.prod(a.places for a in axes) + y * math.prod(a.outs for a in axes)
    transforms += w * math.prod(len(a.reach) for a in axes)
    return R * (2 * transforms + 2 * N * w + MOVED * (x + y + w)) + CALLS


def _parts(x: Any, geometry: Geometry, C: int) -> list[slice]:
    """The batch in parts whose patches fit PATCHES."""
    bytes_each = math.prod(geometry.outs) * math.prod(geometry.window) * C * x.itemsize
    length = max(1, PATCHES // max(1, bytes_each))
    return [slice(i, i + length) for i in range(0, max(1, len(x)), length)]


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)

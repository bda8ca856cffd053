"""Pooling and upsampling, made of patches: (N, *sizes, C) in, (N, *outs, C) out."""

import math

from minigen.backend import array_module
from minigen.errors import ShapeError
from minigen.ops.convolution import count_outs, paddings, per_axis
from minigen.ops.reductions import mean, sum
from minigen.ops.shapes import bare, broadcast_to, pad, reshape, take_along_axis
from minigen.ops.windows import Geometry, patches


def _geometry(name, x, window, stride, padding):
    """Where the windows fall, and the (before, after) zeros of each axis."""
    axes = x.ndim - 2
    if axes < 1:
        raise ShapeError(f"{name}: x has shape {tuple(x.shape)}; it must be (N, *sizes, C).")
    window = per_axis("window", window, axes)
    stride = window if stride is None else per_axis("stride", stride, axes)
    sizes, ones = tuple(x.shape[1:-1]), (1,) * axes
    pads = paddings(padding, sizes, window, stride, ones)
    outs = count_outs(sizes, window, stride, ones, pads)
    if min(outs) < 1:
        raise ShapeError(f"{name}: sizes {sizes} with padding {pads} are smaller than the window {window}.")
    return Geometry(sizes, outs, window, stride, ones, tuple(b for b, _ in pads)), pads


def _windows(x, geometry):
    """(N, *outs, window as one axis, C)"""
    return reshape(patches(x, geometry=geometry), (x.shape[0], *geometry.outs, math.prod(geometry.window), x.shape[-1]))


def max_pool(x, window=2, *, stride=None, padding="valid"):
    """y = the largest entry of each window; a tie goes to the first, and so does its gradient.

    window, stride (default: the window), padding as in `convolve`; padding counts as −∞.  ShapeError where a window
    does not fit.
    """
    geometry, pads = _geometry("max_pool", x, window, stride, padding)
    if any(b or a for b, a in pads):
        x = pad(x, widths=((0, 0), *pads, (0, 0)), value=-math.inf)
        geometry = Geometry(
            tuple(x.shape[1:-1]), geometry.outs, geometry.window, geometry.stride, geometry.dilation, (0,) * len(pads)
        )
    entries = _windows(x, geometry)
    places = bare(entries).argmax(axis=-2)
    shape = (*entries.shape[:-2], 1, entries.shape[-1])
    return reshape(
        take_along_axis(entries, indices=places.reshape(shape), axis=entries.ndim - 2), (*shape[:-2], shape[-1])
    )


def average_pool(x, window=2, *, stride=None, padding="valid"):
    """y = the mean of each window, over the entries inside x only (padding does not count, as in Keras).

    window, stride (default: the window), padding as in `convolve`.  ShapeError where a window does not fit.
    """
    geometry, pads = _geometry("average_pool", x, window, stride, padding)
    entries = _windows(x, geometry)
    if not any(b or a for b, a in pads):
        return mean(entries, axis=-2)
    array = bare(x)
    inside = _windows(array_module(array).ones((1, *x.shape[1:-1], 1), array.dtype), geometry).sum(axis=-2)
    return sum(entries, axis=-2) / inside


def upsample(x, factor=2):
    """y = every entry of x repeated `factor` times along each spatial axis (nearest neighbour).

    x (N, *sizes, C) → y (N, *(size · factor), C); factor: a number, or one an axis.
    """
    axes = x.ndim - 2
    if axes < 1:
        raise ShapeError(f"upsample: x has shape {tuple(x.shape)}; it must be (N, *sizes, C).")
    factors = per_axis("factor", factor, axes)
    pairs = [(n, 1) for n in x.shape[1:-1]]
    wide = [(n, f) for n, f in zip(x.shape[1:-1], factors, strict=True)]
    x = reshape(x, (x.shape[0], *(m for pair in pairs for m in pair), x.shape[-1]))
    x = broadcast_to(x, (x.shape[0], *(m for pair in wide for m in pair), x.shape[-1]))
    return reshape(x, (x.shape[0], *(n * f for n, f in wide), x.shape[-1]))

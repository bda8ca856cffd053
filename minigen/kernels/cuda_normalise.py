"""Batch normalisation on CuPy, by itself or with the leaky bend behind it: two launches forward and two back, whatever
the shape.  It keeps x, y and two numbers a channel."""

import math
from typing import Any

import numpy as np

from minigen.autograd.op import Fused, kernel
from minigen.backend import array_module
from minigen.kernels.cuda_launch import launch_blocks, suits
from minigen.kernels.formulas import formula_value, formula_vjp
from minigen.ops.normalise import Moving, batch_norm, batch_norm_leaky

LANES = 32  # channels of a block
CHUNK = 64  # rows of a block, at least
CHUNKS = 128  # at most: every block reads the sums of all chunks


class BatchNormCuda:
    """dx = gamma r (dz − mean dz − x̂ mean(dz x̂)), where x̂ = (x − μ) r, r = 1 / √(σ² + eps), and dz is what the bend
    lets through of dy: all of it where there is none, which is a slope of 1."""

    def __init__(self, of: Fused):
        self.of = of

    def value(self, x, gamma, beta, *, eps, moments, slope=1.0):
        if not (suits(x, gamma, beta) and x.size and gamma.shape == beta.shape == x.shape[-1:] and slope >= 0):
            return formula_value(self.of, (x, gamma, beta), self._settings(eps, moments, slope)), None
        xp = array_module(x)
        x, gamma, beta = (xp.ascontiguousarray(array) for array in (x, gamma, beta))
        blocks, sizes, chunks = _cut(x)
        channels = x.shape[-1]
        means, squares = xp.empty((2, chunks, channels), x.dtype)
        mu, r = xp.empty((2, channels), x.dtype)
        moving = (
            moments if isinstance(moments, Moving) and not moments.moved and suits(moments.mean, moments.var) else None
        )
        if moving is None:  # arrays apart from what the derivative needs, for whoever gets them may write to them
            moving = Moving(*xp.empty((2, channels), x.dtype), momentum=0, correction=1)
        y = xp.empty(x.shape, x.dtype)
        launch_blocks("chunk_moments", blocks, x, means, squares, *sizes)
        arrays = x, means, squares, gamma, beta, y, mu, r, moving.mean, moving.var
        numbers = eps, slope, moving.momentum, 1 - moving.momentum, moving.correction
        launch_blocks("normalise", blocks, *arrays, *sizes, np.int32(chunks), *map(np.float32, numbers))
        moving.moved = True
        if moments is not None and moments is not moving:
            moments.update(mean=moving.mean, var=moving.var)
        return y, (mu, r)

    def vjp(self, dy, y, saved, wanted, x, gamma, beta, *, eps, moments, slope=1.0):
        if saved is None:
            return formula_vjp(self.of, dy, wanted, (x, gamma, beta), self._settings(eps, None, slope))
        xp = array_module(x)
        mu, r = saved
        x, gamma, dy = (xp.ascontiguousarray(array) for array in (x, gamma, dy))
        blocks, sizes, chunks = _cut(x)
        channels = x.shape[-1]
        sums, products = xp.empty((2, chunks, channels), x.dtype)
        dx, dgamma, dbeta = (xp.empty(shape, x.dtype) for shape in (x.shape, channels, channels))
        launch_blocks("chunk_sums", blocks, dy, x, y, mu, sums, products, *sizes, np.float32(slope))
        arrays = dy, x, y, mu, r, gamma, sums, products, dx, dgamma, dbeta
        launch_blocks("normalise_slope", blocks, *arrays, *sizes, np.int32(chunks), np.float32(slope))
        return [(dx, dgamma, dbeta)[i] for i in wanted]

    def _settings(self, eps: float, moments: Any, slope: float) -> dict[str, Any]:
        """The settings as the formula takes them."""
        bend = {} if self.of is batch_norm else {"slope": slope}
        return {"eps": eps, "moments": moments, **bend}


for _of in (batch_norm, batch_norm_leaky):
    kernel(_of, backend="cupy")(BatchNormCuda(_of))


def _cut(x: Any) -> tuple[int, tuple[Any, ...], int]:
    """The number of blocks; rows, channels and the rows of a chunk, as a kernel takes them; the number of chunks."""
    rows, channels = math.prod(x.shape[:-1]), x.shape[-1]
    length = max(CHUNK, -(-rows // CHUNKS))
    chunks = -(-rows // length)
    return -(-channels // LANES) * chunks, (np.int32(rows), np.int32(channels), np.int32(length)), chunks

"""Batch normalisation on CuPy: three launches forward and three back, whatever the shape; it keeps x and two numbers a
channel."""

import math
from typing import Any

import numpy as np

from minigen.autograd.op import kernel
from minigen.backend import array_module
from minigen.kernels.cuda_launch import formula_value, formula_vjp, launch, launch_blocks, suits
from minigen.ops.normalise import batch_norm

LANES = 32  # channels of a block
CHUNK = 64  # rows of a block, at least
CHUNKS = 128  # at most: the launch that joins them has few blocks


@kernel(batch_norm, backend="cupy")
class BatchNormCuda:
    """dx = gamma r (dy − mean dy − x̂ mean(dy x̂)), where x̂ = (x − μ) r and r = 1 / √(σ² + eps)."""

    @staticmethod
    def value(x, gamma, beta, *, eps, moments):
        if not (suits(x, gamma, beta) and x.size and gamma.shape == beta.shape == x.shape[-1:]):
            return formula_value(batch_norm, (x, gamma, beta), {"eps": eps, "moments": moments}), None
        xp = array_module(x)
        x, gamma, beta = (xp.ascontiguousarray(array) for array in (x, gamma, beta))
        rows, channels, length, chunks = _cut(x)
        tiles = -(-channels // LANES)
        means, squares = xp.empty((2, chunks, channels), x.dtype)
        mu, variance, r = xp.empty((3, channels), x.dtype)
        sizes = np.int32(rows), np.int32(channels), np.int32(length)
        launch_blocks("chunk_moments", tiles * chunks, x, means, squares, *sizes)
        launch_blocks("join_moments", tiles, means, squares, mu, variance, r, *sizes, np.int32(chunks), np.float32(eps))
        if moments is not None:
            moments.update(mean=mu, var=variance)
        y = xp.empty(x.shape, x.dtype)
        launch("normalise", x.size, x, mu, r, gamma, beta, y, np.int32(x.size), np.int32(channels))
        return y, (mu, r)

    @staticmethod
    def vjp(dy, y, saved, wanted, x, gamma, beta, *, eps, moments):
        if saved is None:
            return formula_vjp(batch_norm, dy, wanted, (x, gamma, beta), {"eps": eps, "moments": None})
        xp = array_module(x)
        mu, r = saved
        x, gamma, dy = (xp.ascontiguousarray(array) for array in (x, gamma, dy))
        rows, channels, length, chunks = _cut(x)
        tiles = -(-channels // LANES)
        sums, products = xp.empty((2, chunks, channels), x.dtype)
        dgamma, dbeta = xp.empty((2, channels), x.dtype)
        sizes = np.int32(rows), np.int32(channels), np.int32(length)
        launch_blocks("chunk_sums", tiles * chunks, dy, x, mu, sums, products, *sizes)
        launch_blocks("join_sums", tiles, sums, products, r, dgamma, dbeta, np.int32(channels), np.int32(chunks))
        shares = {1: dgamma, 2: dbeta}
        if 0 in wanted:
            shares[0] = xp.empty(x.shape, x.dtype)
            sizes = np.int32(x.size), np.int32(rows), np.int32(channels)
            launch("normalise_slope", x.size, dy, x, mu, r, gamma, dgamma, dbeta, shares[0], *sizes)
        return [shares[i] for i in wanted]


def _cut(x: Any) -> tuple[int, int, int, int]:
    """Rows, channels, the rows of a chunk, and the number of chunks."""
    rows, channels = math.prod(x.shape[:-1]), x.shape[-1]
    length = max(CHUNK, -(-rows // CHUNKS))
    return rows, channels, length, -(-rows // length)

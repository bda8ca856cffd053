"""Sums along the last axis on CuPy, one launch each: the Bernoulli likelihood, the soft maxima, a single output."""

import math
from typing import Any

import numpy as np

from minigen.autograd.op import kernel
from minigen.backend import array_module
from minigen.kernels.cuda_launch import launch, launch_blocks, suits
from minigen.kernels.formulas import formula_value, formula_vjp
from minigen.ops.likelihoods import bernoulli_sum
from minigen.ops.products import affine
from minigen.ops.reductions import logsumexp, softmax


@kernel(bernoulli_sum, backend="cupy")
class BernoulliCuda:
    """da = dy (x − σ(a)) and dx = dy a.  Nothing is kept: σ(a) is made again, which costs less than fetching it."""

    @staticmethod
    def value(x, logits):
        if not _aligned(x, logits):
            return formula_value(bernoulli_sum, (x, logits), {}), False
        xp = array_module(x, logits)
        x, logits = xp.ascontiguousarray(x), xp.ascontiguousarray(logits)
        y = xp.empty(logits.shape[:-1], logits.dtype)
        sizes = np.int32(max(1, math.prod(x.shape[:-1]))), np.int32(x.shape[-1])
        launch_blocks("bernoulli_sum", y.size, x, logits, y, *sizes)
        return y, True

    @staticmethod
    def vjp(dy, y, saved, wanted, x, logits):
        if not saved:
            return formula_vjp(bernoulli_sum, dy, wanted, (x, logits), {})
        xp = array_module(x, logits)
        shares = {}
        if 0 in wanted:
            shares[0] = dy[..., None] * logits
        if 1 in wanted:
            dy, x, logits = (xp.ascontiguousarray(array) for array in (dy, x, logits))
            shares[1] = xp.empty(logits.shape, logits.dtype)
            sizes = np.int32(logits.size), np.int32(x.size), np.int32(x.shape[-1])
            launch("bernoulli_slope", logits.size, dy, x, logits, shares[1], *sizes)
        return [shares[i] for i in wanted]


def _aligned(x: Any, logits: Any) -> bool:
    """Does x fill the last axes of the logits, so that its rows are taken again and again in their order?"""
    return suits(x, logits) and 0 < x.ndim <= logits.ndim and x.shape == logits.shape[logits.ndim - x.ndim :]


@kernel(softmax, backend="cupy")
def softmax_cuda(x, *, axis):
    if not _last(x, axis):
        return softmax.function(x, axis=axis)
    xp = array_module(x)
    x, y = xp.ascontiguousarray(x), xp.empty(x.shape, x.dtype)
    launch_blocks("softmax", math.prod(x.shape[:-1]), x, y, np.int32(x.shape[-1]))
    return y


@kernel(logsumexp, backend="cupy")
def logsumexp_cuda(x, *, axis, keepdims):
    if not _last(x, axis):
        return logsumexp.function(x, axis=axis, keepdims=keepdims)
    xp = array_module(x)
    x, y = xp.ascontiguousarray(x), xp.empty((*x.shape[:-1], 1), x.dtype)
    launch_blocks("logsumexp", y.size, x, y, np.int32(x.shape[-1]))
    return y if keepdims else y[..., 0]


def _last(x: Any, axis: Any) -> bool:
    """Is it the last axis alone that becomes one, and is there anything along it?"""
    return suits(x) and x.ndim > 0 and axis in (-1, x.ndim - 1, (-1,), (x.ndim - 1,)) and x.shape[-1] > 0


@kernel(affine, backend="cupy")
def affine_cuda(x, w, b):
    """A product with a single column is a sum for each row; any other is cuBLAS's."""
    if not (
        suits(x, w, b) and w.ndim == 2 and x.ndim > 1 and (x.shape[-1], 1) == w.shape and b.shape == (1,) and x.size
    ):
        return affine.function(x, w, b)
    xp = array_module(x)
    x, w, b = (xp.ascontiguousarray(array) for array in (x, w, b))
    y = xp.empty((*x.shape[:-1], 1), x.dtype)
    launch_blocks("one_output", y.size, x, w, b, y, np.int32(x.shape[-1]))
    return y

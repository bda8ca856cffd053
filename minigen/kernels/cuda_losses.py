"""Means on CuPy: of the logistic losses, one launch forward and one back, and of numbers as they are."""

import numpy as np

from minigen.autograd.op import Fused, kernel
from minigen.backend import array_module
from minigen.kernels.cuda_launch import launch, launch_blocks, suits
from minigen.kernels.formulas import formula_value, formula_vjp
from minigen.ops.likelihoods import logistic_loss, softplus_mean
from minigen.ops.reductions import mean

MOST = 1 << 16  # numbers that one block adds up


class LogisticCuda:
    """da = dy (smooth − σ(−a)) / reals for the first `reals` logits, dy σ(a) / (n − reals) for the others."""

    def __init__(self, of: Fused):
        self.of = of

    def value(self, logits, **settings):
        numbers = _numbers(logits, **settings)
        if numbers is None:
            return formula_value(self.of, (logits,), settings), None
        xp = array_module(logits)
        y = xp.empty((), logits.dtype)
        launch_blocks("logistic_loss", 1, xp.ascontiguousarray(logits), y, *numbers)
        return y, numbers

    def vjp(self, dy, y, numbers, wanted, logits, **settings):
        if numbers is None:
            return formula_vjp(self.of, dy, wanted, (logits,), settings)
        xp = array_module(logits)
        da = xp.empty(logits.shape, logits.dtype)
        launch("logistic_slope", da.size, xp.asarray(dy), xp.ascontiguousarray(logits), da, *numbers)
        return [da]


def _numbers(logits, *, reals=None, smooth=0.0, sign=1):
    """Count, reals and smooth as the text takes them, of either operation; None where the formula is to compute."""
    if not (suits(logits) and logits.ndim and 0 < logits.size <= MOST):
        return None
    if reals is None:  # softplus_mean: all are counted as fake, or as real
        reals = len(logits) if sign < 0 else 0
    elif not 0 < reals < len(logits):
        return None  # which says why
    count = logits.size
    return np.int32(count), np.int32(count // len(logits) * reals), np.float32(smooth)


for _of in (softplus_mean, logistic_loss):
    kernel(_of, backend="cupy")(LogisticCuda(_of))


@kernel(mean, backend="cupy")
def mean_cuda(x, *, axis, keepdims):
    """The mean of all of few numbers; any other is the formula's, a sum and a quotient."""
    if axis is not None or keepdims or not (suits(x) and 0 < x.size <= MOST):
        return mean.function(x, axis=axis, keepdims=keepdims)
    xp = array_module(x)
    y = xp.empty((), x.dtype)
    launch_blocks("mean_of_all", 1, xp.ascontiguousarray(x), y, np.int32(x.size))
    return y

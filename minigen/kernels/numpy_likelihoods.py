"""Likelihoods on NumPy: Bernoulli's, each block of items from logits to sums in the cache; and the logistic loss."""

import numpy as np

from minigen.autograd.op import kernel
from minigen.autograd.sums import add_up
from minigen.kernels.blocks import parts_of
from minigen.ops.activations import sigmoid, softplus
from minigen.ops.likelihoods import bernoulli_sum, softplus_mean
from minigen.ops.reductions import mean


@kernel(bernoulli_sum, backend="numpy")
class BernoulliNumPy:
    """da = dy (x − σ(a)) and dx = dy a.  σ(a) is kept, for e^−|a|, its dear part, is made for log(1 + e^−|a|) too."""

    @staticmethod
    def value(x, logits):
        shape = np.broadcast_shapes(x.shape, logits.shape)
        floats = [array.dtype for array in (x, logits) if array.dtype.kind == "f"] or [np.dtype(np.float64)]
        x, a = (
            np.broadcast_to(array, shape if len(shape) > 1 else (1, *shape)).astype(np.result_type(*floats), copy=False)
            for array in (x, logits)
        )
        y, sigma = np.empty(a.shape[:-1], a.dtype), np.empty(a.shape, a.dtype)
        for some in parts_of(a):
            part, slope = a[some], sigma[some]
            slope[...] = part >= 0
            terms = x[some] - slope
            terms *= part  # x a − max(a, 0)
            e = np.abs(part)
            np.exp(np.negative(e, out=e), out=e)
            np.maximum(e, slope, out=slope)  # 1 on the right, e on the left: σ(a) = 1 / (1 + e) or e / (1 + e)
            slope /= 1 + e
            terms -= np.log1p(e, out=e)
            y[some] = add_up(terms, -1)
        return y.reshape(shape[:-1]), sigma.reshape(shape)

    @staticmethod
    def vjp(dy, y, sigma, wanted, x, logits):
        shares = {}
        if 0 in wanted:
            shares[0] = dy[..., None] * logits
        if 1 in wanted:
            shares[1] = np.subtract(x, sigma, dtype=sigma.dtype)
            shares[1] *= dy[..., None]
        return [shares[i] for i in wanted]


@kernel(softplus_mean, backend="numpy")
class SoftplusMeanNumPy:
    """da = sign (dy / n · σ(sign · a)): the formula's own numbers, without a node for each of its parts."""

    @staticmethod
    def value(a, *, sign):
        return mean.function(softplus.function(a if sign > 0 else -a), axis=None, keepdims=False), None

    @staticmethod
    def vjp(dy, y, saved, wanted, a, *, sign):
        da = dy / a.size * sigmoid(a if sign > 0 else -a)
        return [da if sign > 0 else -da]

"""Batch normalisation on NumPy: fewer passes over x than the formula makes, and a derivative by hand."""

import math

from minigen.autograd.op import kernel
from minigen.autograd.sums import add_up, wide
from minigen.ops.normalise import batch_norm


@kernel(batch_norm, backend="numpy")
class BatchNormNumPy:
    """dx = gamma r (dy − mean dy − x̂ mean(dy x̂)), where x̂ = (x − μ) r and r = 1 / √(σ² + eps).

    Means are over all axes but the last; float16 is computed in float32.
    """

    @staticmethod
    def value(x, gamma, beta, *, eps, moments):
        axes = tuple(range(x.ndim - 1))
        n = math.prod(x.shape[:-1])
        x32 = _widened(x)
        mu = add_up(x32, axes) / n
        hat = x32 - mu  # a new array, ours alone: safe to change in place
        variance = add_up(hat * hat, axes) / n
        if moments is not None:
            moments.update(mean=mu, var=variance)
        r = 1 / (variance + eps) ** 0.5
        hat *= r
        y = hat * gamma
        y += beta
        return y if wide(x) is None else y.astype(x.dtype), (hat, r)

    @staticmethod
    def vjp(dy, y, saved, wanted, x, gamma, beta, *, eps, moments):
        hat, r = saved
        axes = tuple(range(x.ndim - 1))
        n = math.prod(x.shape[:-1])
        dy = _widened(dy)
        dbeta = add_up(dy, axes)
        dgamma = add_up(dy * hat, axes)
        shares = {1: dgamma, 2: dbeta}
        if 0 in wanted:
            dx = hat * (dgamma / -n)
            dx += dy
            dx -= dbeta / n
            dx *= gamma * r
            shares[0] = dx
        return [shares[i] for i in wanted]


def _widened(x):
    """float16 and whole numbers as float32; other dtypes as they are."""
    return x if x.dtype.kind == "f" and wide(x) is None else x.astype("float32")

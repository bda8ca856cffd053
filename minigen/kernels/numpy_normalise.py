"""Batch normalisation on NumPy in passes over blocks of rows, and a derivative by hand that keeps nothing but x."""

import numpy as np

from minigen.autograd.op import kernel
from minigen.autograd.sums import add_up, wide
from minigen.kernels.blocks import parts_of, rows_of
from minigen.kernels.numpy_activations import bend
from minigen.ops.normalise import batch_norm


@kernel(batch_norm, backend="numpy")
class BatchNormNumPy:
    """dx = gamma r (dy − mean dy − x̂ mean(dy x̂)), where x̂ = (x − μ) r and r = 1 / √(σ² + eps).

    Means are over all axes but the last; float16 is computed in float32.
    """

    @staticmethod
    def value(x, gamma, beta, *, eps, moments):
        return normalised(x, gamma, beta, eps=eps, moments=moments)

    @staticmethod
    def vjp(dy, y, saved, wanted, x, gamma, beta, *, eps, moments):
        return derivatives(dy, saved, wanted, x, gamma)


def normalised(x, gamma, beta, *, eps, moments, slope=None):
    """`batch_norm`, with `leaky_relu` behind it if a slope is given; and (μ, r), which the derivatives want."""
    rows = rows_of(_widened(x))
    n = len(rows)
    mu = add_up(rows, 0) / n
    variance = np.zeros_like(mu)
    for block in parts_of(rows):
        d = rows[block] - mu
        d *= d
        variance += add_up(d, 0)
    variance /= n
    if moments is not None:
        moments.update(mean=mu.copy(), var=variance)  # the derivative needs mu as it is
    r = 1 / (variance + eps) ** 0.5
    y = np.empty(rows.shape, np.result_type(rows, gamma, beta))
    scale = gamma * r
    for block in parts_of(rows):
        part = np.subtract(rows[block], mu, out=y[block])
        part *= scale
        part += beta
        if slope is not None:
            bend(part, slope)
    return y.reshape(x.shape) if wide(x) is None else y.reshape(x.shape).astype(x.dtype), (mu, r)


def derivatives(dy, saved, wanted, x, gamma):
    """What dy means for x, gamma and beta, each that is wanted."""
    mu, r = saved
    rows, dy = rows_of(_widened(x)), rows_of(_widened(dy))
    n = len(rows)
    dbeta = add_up(dy, 0)
    dgamma = np.zeros_like(dbeta)
    for block in parts_of(rows):
        d = rows[block] - mu
        d *= dy[block]
        dgamma += add_up(d, 0)
    dgamma *= r
    shares = {1: dgamma, 2: dbeta}
    if 0 in wanted:
        dx = np.empty_like(dy)
        scale = gamma * r
        slope = dgamma * (scale * r / -n)
        shift = dbeta * (scale / n)
        for block in parts_of(rows):
            part = np.subtract(rows[block], mu, out=dx[block])
            part *= slope
            part += dy[block] * scale
            part -= shift
        shares[0] = dx.reshape(x.shape)
    return [shares[i] for i in wanted]


def _widened(x):
    """float16 and whole numbers as float32; other dtypes as they are."""
    return x if x.dtype.kind == "f" and wide(x) is None else x.astype("float32")

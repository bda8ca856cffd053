"""Normalisation: batches and layers brought to mean 0 and variance 1, then scaled and shifted; and dropout."""

from minigen.autograd.op import fused, op
from minigen.backend import array_module, draw_uniform
from minigen.errors import SettingError
from minigen.ops.elementary import sqrt
from minigen.ops.reductions import mean, narrowed, widened
from minigen.ops.shapes import bare


@fused
def batch_norm(x, gamma, beta, *, eps=1e-3, moments=None):
    """y = gamma (x − μ) / √(σ² + eps) + beta, μ and σ² over all axes but the last: Ioffe & Szegedy 2015, algorithm 1.

    x (N, …, C); gamma, beta (C,) → y like x.  σ² is the biased variance, from squares of x − μ and never from
    E[x²] − μ².  `moments`, if a dict, receives this batch's "mean" and "var" as bare arrays (C,).
    """
    axes = tuple(range(x.ndim - 1))
    x32 = widened(x)
    mu = mean(x32, axis=axes)
    d = x32 - mu
    variance = mean(d * d, axis=axes)
    if moments is not None:
        moments.update(mean=bare(mu), var=bare(variance))
    return narrowed(d * (gamma / sqrt(variance + eps)) + beta, x)


@fused
def layer_norm(x, gamma, beta, *, eps=1e-5):
    """y = gamma (x − μ) / √(σ² + eps) + beta, μ and σ² over the last axis: Ba, Kiros & Hinton 2016, eq. 3.

    x (…, C); gamma, beta (C,) → y like x.
    """
    x32 = widened(x)
    d = x32 - mean(x32, axis=-1, keepdims=True)
    return narrowed(gamma * (d / sqrt(mean(d * d, axis=-1, keepdims=True) + eps)) + beta, x)


def dropout(x, rate, *, rng):
    """y = x / (1 − rate) where a coin kept it, else 0; a fresh mask a call, drawn from `rng`.

    Srivastava et al. 2014, in the inverted form: the mean stays, and inference does nothing.  rate in [0, 1]: the share
    dropped (1 gives zeros); SettingError outside.
    """
    if not 0 <= rate <= 1:
        raise SettingError(f"dropout: rate {rate} must lie in [0, 1]; it is the share dropped.")
    if rate == 0:
        return x
    if rate == 1:
        return x * 0
    array = bare(x)
    dtype = array.dtype if array.dtype.kind == "f" else "float32"
    kept = draw_uniform(rng, array.shape, dtype, array_module(array)) >= rate
    return masked(x, kept, scale=1 / (1 - float(rate)))


@op
def masked(x, kept, *, scale=1.0):
    """y = scale · x where kept, else 0; kept: booleans of x's shape, a byte each"""
    dtype = x.dtype if x.dtype.kind == "f" else "float32"
    return x * (kept.astype(dtype) * scale)


masked.vjp(x=lambda dy, y, x, kept, *, scale: masked(dy, kept, scale=scale), kept=None)

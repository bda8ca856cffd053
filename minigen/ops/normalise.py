"""Normalisation: batches and layers brought to mean 0 and variance 1, then scaled and shifted; and dropout."""

from typing import Any

from minigen.autograd.op import fused, op
from minigen.backend import array_module
from minigen.errors import SettingError
from minigen.ops.activations import leaky_relu
from minigen.ops.coins import draw_coins, rounded
from minigen.ops.elementary import sqrt
from minigen.ops.reductions import mean, narrowed, widened
from minigen.ops.shapes import bare


@fused
def batch_norm(x, gamma, beta, *, eps=1e-3, moments=None):
    """y = gamma (x − μ) / √(σ² + eps) + beta, μ and σ² over all axes but the last: Ioffe & Szegedy 2015, algorithm 1.

    x (N, …, C); gamma, beta (C,) → y like x.  σ² is the biased variance, from squares of x − μ and never from
    E[x²] − μ².  `moments`, if a dict, receives this batch's "mean" and "var" as bare arrays (C,); a Moving is moved.
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
def batch_norm_leaky(x, gamma, beta, *, eps=1e-3, moments=None, slope=0.2):
    """y = leaky_relu(batch_norm(x, gamma, beta), slope): a layer and the bend behind it"""
    return leaky_relu(batch_norm(x, gamma, beta, eps=eps, moments=moments), slope=slope)


class Moving:
    """Running moments, arrays (C,) that a batch's moments move in place, once: Ioffe & Szegedy 2015, algorithm 2.

    mean ← momentum · mean + (1 − momentum) · batch mean, and var likewise, the batch's times `correction` first.  Made
    for one call of `batch_norm` and given to it as `moments`; a replay of its formula moves nothing again.
    """

    def __init__(self, mean: Any, var: Any, *, momentum: float, correction: float):
        self.mean, self.var, self.momentum, self.correction = mean, var, momentum, correction
        self.moved = False

    def update(self, *, mean: Any, var: Any) -> None:
        """Move by a batch's moments, if that has not been done yet."""
        if not self.moved:
            for running, batch in ((self.mean, mean), (self.var, var * self.correction)):
                running *= self.momentum
                running += ((1 - self.momentum) * batch).astype(running.dtype, copy=False)
        self.moved = True


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
    dropped (1 gives zeros), taken to the nearest multiple of 2⁻¹⁶ in mask and scale; SettingError outside.
    """
    if not 0 <= rate <= 1:
        raise SettingError(f"dropout: rate {rate} must lie in [0, 1]; it is the share dropped.")
    rate = rounded(rate)
    if rate == 0:
        return x
    if rate == 1:
        return x * 0
    array = bare(x)
    return masked(x, draw_coins(rng, array.shape, rate, array_module(array)), scale=1 / (1 - rate))


@op
def masked(x, kept, *, scale=1.0):
    """y = scale · x where kept, else 0; kept: booleans of x's shape, a byte each"""
    dtype = x.dtype if x.dtype.kind == "f" else "float32"
    return x * (kept.astype(dtype) * scale)


masked.vjp(x=lambda dy, y, x, kept, *, scale: masked(dy, kept, scale=scale), kept=None)

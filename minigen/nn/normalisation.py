"""Layers that bring numbers to mean 0 and variance 1, then scale and shift them."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minigen.autograd import Parameter
from minigen.errors import SettingError, ShapeError
from minigen.nn.module import Buffer, Module, written
from minigen.ops import batch_norm, layer_norm, sqrt
from minigen.ops.normalise import Moving
from minigen.ops.reductions import narrowed, widened


class BatchNorm(Module):
    """y = gamma (x − μ) / √(σ² + eps) + beta, channel by channel: Ioffe & Szegedy 2015, algorithm 1.

    x (N, …, C) → y like x; gamma, beta (C,).  In training μ and σ² (biased) are those of the batch, over all axes but
    the last, and move the running ones: new = momentum · old + (1 − momentum) · batch.  In use (`eval`) they *are* the
    running ones (algorithm 2), so that no item depends on another.

    `momentum` is the share *kept*, and the defaults are Keras'.  PyTorch's BatchNorm2d(C) is BatchNorm(C,
    momentum=0.9, eps=1e-5, unbiased_running=True): it counts the share replaced, and keeps the unbiased variance.
    ShapeError where the last axis is not C, and in training where each channel has a single value.
    """

    def __init__(self, channels: int, *, momentum: float = 0.99, eps: float = 1e-3, unbiased_running: bool = False):
        if channels < 1 or not 0 <= momentum <= 1 or not eps >= 0:
            raise SettingError(
                f"BatchNorm({channels}, momentum={momentum}, eps={eps}): channels must be at least 1, momentum (the "
                "share kept) in [0, 1], eps at least 0."
            )
        self.momentum, self.eps, self.unbiased_running = momentum, eps, unbiased_running
        self.gamma = Parameter(np.ones(channels, np.float32))
        self.beta = Parameter(np.zeros(channels, np.float32))
        self.running_mean = Buffer(np.zeros(channels, np.float32))
        self.running_var = Buffer(np.ones(channels, np.float32))

    def __call__(self, x: Any) -> Any:
        return self.normalised(x, batch_norm)

    def normalised(self, x: Any, normalise: Callable[..., Any]) -> Any:
        """The layer, which in training computes `normalise`: batch_norm, or an operation that does more than that."""
        C = self.gamma.shape[0]
        if x.ndim < 2 or x.shape[-1] != C:
            raise ShapeError(f"BatchNorm({C}): x has shape {tuple(x.shape)}; its last axis must be {C}.")
        if not self.training:
            return _in_use(x, self.gamma, self.beta, self.running_mean.data, self.running_var.data, self.eps)
        n = math.prod(x.shape[:-1])
        if n < 2:
            raise ShapeError(
                f"BatchNorm({C}): x of shape {tuple(x.shape)} has {n} value{'s' * (n != 1)} a channel, which has no "
                "variance; train on more items, or call eval() first."
            )
        mean, var = self.running_mean, self.running_var
        correction = n / (n - 1) if self.unbiased_running else 1.0
        moments = Moving(mean.data, var.data, momentum=self.momentum, correction=correction)
        y = normalise(x, self.gamma, self.beta, eps=self.eps, moments=moments)
        mean.version += 1
        var.version += 1
        return y

    def __repr__(self) -> str:
        return written(
            self,
            self.gamma.shape[0],
            momentum=(self.momentum, 0.99),
            eps=(self.eps, 1e-3),
            unbiased_running=(self.unbiased_running, False),
        )


def _in_use(x, gamma, beta, mean, variance, eps):
    """Algorithm 2, line 11; the mean is taken out first, because x and it may be large and near each other."""
    return narrowed((widened(x) - mean) * (gamma / sqrt(variance + eps)) + beta, x)


class LayerNorm(Module):
    """y = gamma (x − μ) / √(σ² + eps) + beta, over the last axis of each item: Ba et al. 2016, eq. 3.

    x (…, C) → y like x; gamma, beta (C,).  The same in training and in use.  ShapeError where the last axis is not C.
    """

    def __init__(self, channels: int, *, eps: float = 1e-5):
        if channels < 1 or not eps >= 0:
            raise SettingError(f"LayerNorm({channels}, eps={eps}): channels must be at least 1, eps at least 0.")
        self.eps = eps
        self.gamma = Parameter(np.ones(channels, np.float32))
        self.beta = Parameter(np.zeros(channels, np.float32))

    def __call__(self, x: Any) -> Any:
        C = self.gamma.shape[0]
        if x.ndim < 1 or x.shape[-1] != C:
            raise ShapeError(f"LayerNorm({C}): x has shape {tuple(x.shape)}; its last axis must be {C}.")
        return layer_norm(x, self.gamma, self.beta, eps=self.eps)

    def __repr__(self) -> str:
        return written(self, self.gamma.shape[0], eps=(self.eps, 1e-5))

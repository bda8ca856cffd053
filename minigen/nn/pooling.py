"""Layers that shrink or enlarge maps without weights: x (N, *sizes, C) → y (N, *outs, C)."""

from collections.abc import Callable
from typing import Any

from minigen import ops
from minigen.nn.convolution import Numbers, Padding
from minigen.nn.module import Module, written


class _Pool(Module):
    """Settings that both kinds share.  stride: default the window.  padding: as in Conv2D."""

    operation: Callable[..., Any]

    def __init__(self, window: Numbers = 2, *, stride: Numbers | None = None, padding: Padding = "valid"):
        self.window, self.stride, self.padding = window, stride, padding

    def __call__(self, x: Any) -> Any:
        return type(self).operation(x, self.window, stride=self.stride, padding=self.padding)

    def __repr__(self) -> str:
        return written(self, self.window, stride=(self.stride, None), padding=(self.padding, "valid"))


class MaxPool(_Pool):
    """y = the largest entry of each window, the first where several tie.  ShapeError where a window does not fit."""

    operation = staticmethod(ops.max_pool)


class AveragePool(_Pool):
    """y = the mean of each window; padding does not count, as in Keras.  ShapeError where a window does not fit."""

    operation = staticmethod(ops.average_pool)


class Upsample(Module):
    """y = every entry repeated `factor` times along each spatial axis (nearest neighbour): (N, *(size · factor), C)."""

    def __init__(self, factor: Numbers = 2):
        self.factor = factor

    def __call__(self, x: Any) -> Any:
        return ops.upsample(x, self.factor)

    def __repr__(self) -> str:
        return f"Upsample({self.factor})"

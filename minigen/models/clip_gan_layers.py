"""Convolutions of clips that halve or double frames, rows and columns, over a time that ends or that goes round."""

from typing import Any

import numpy as np

from minigen.autograd import Parameter
from minigen.errors import ShapeError
from minigen.nn import Conv3D, Conv3DTranspose, Module
from minigen.ops import concatenate

WINDOW, STRIDE = 4, 2  # each output of a transposed convolution is then the sum of equally many taps: no chequerboard
INSIDE = ((0, 0), (1, 1), (1, 1))  # time is taken care of here, rows and columns have zeros around them
CUT = ((3, 3), (1, 1), (1, 1))  # what a frame too many at either end adds to 2T frames


def clip_conv(inputs: int, outputs: int, *, loops: bool, rng: np.random.Generator) -> list[Module]:
    """Layers (N, T, H, W, inputs) → (N, T/2, H/2, W/2, outputs), with a bias."""
    ends = AroundTime() if loops else HeldEnds()
    return [ends, Conv3D(inputs, outputs, WINDOW, stride=STRIDE, padding=INSIDE, rng=rng)]


def clip_conv_transpose(
    inputs: int, outputs: int, *, loops: bool, bias: bool, rng: np.random.Generator
) -> list[Module]:
    """Layers (N, T, H, W, inputs) → (N, 2T, 2H, 2W, outputs)."""
    if loops:
        return [CircularConv3DTranspose(inputs, outputs, bias=bias, rng=rng)]
    return [HeldEnds(), Conv3DTranspose(inputs, outputs, WINDOW, stride=STRIDE, padding=CUT, bias=bias, rng=rng)]


class AroundTime(Module):
    """x (N, T, H, W, C) → y (N, T + 2, H, W, C): the last frame put in front too, and the first one behind.

    What a convolution of 4 frames and stride 2 needs, to go round with its window inside along time.
    """

    def __call__(self, x: Any) -> Any:
        if x.ndim != 5 or x.shape[1] % STRIDE:
            raise ShapeError(f"AroundTime(): x has shape {tuple(x.shape)}; it must be (N, T, H, W, C), T even.")
        return concatenate(x[:, -1:], x, x[:, :1], axis=1)


class HeldEnds(Module):
    """x (N, T, H, W, C) → y (N, T + 2, H, W, C): the first frame once more in front, and the last one behind.

    Zeros there would leave the first and the last frame of a clip with half their taps, layer after layer: they come
    out pale.
    """

    def __call__(self, x: Any) -> Any:
        return concatenate(x[:, :1], x, x[:, -1:], axis=1)


class CircularConv3DTranspose(Module):
    """The adjoint of a convolution after `AroundTime`, plus a bias or not: x (N, T, H, W, C) → y (N, 2T, 2H, 2W, OC).

    What the window stamps in front of the first frame belongs to the last one, and what it stamps behind the last to
    the first.  No frame is computed twice, as it would be if x were lengthened at both ends and the result cut.
    """

    def __init__(self, inputs: int, outputs: int, *, bias: bool = True, rng: np.random.Generator):
        self.conv = Conv3DTranspose(inputs, outputs, WINDOW, stride=STRIDE, padding=INSIDE, bias=False, rng=rng)
        self.bias = Parameter(np.zeros(outputs, np.float32)) if bias else None  # once each, not twice at the seam

    def __call__(self, x: Any) -> Any:
        y = self.conv(x)  # (N, 2T + 2, …)
        first, last = y[:, 1:2] + y[:, -1:], y[:, -2:-1] + y[:, :1]
        y = concatenate(first, y[:, 2:-2], last, axis=1)
        return y if self.bias is None else y + self.bias

    def __repr__(self) -> str:
        return f"CircularConv3DTranspose({self.conv.inputs}, {self.conv.outputs})"

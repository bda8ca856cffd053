"""Judges' networks: small convolutional ones that say numbers of an image, a clip or a motion, by way of features."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigen import moveaxis, reshape
from minigen.motion import Scaling
from minigen.nn import BatchNorm, Conv1D, Conv2D, Dense, Flatten, LeakyReLU, Module, Sequential
from minigen.nn.initialisers import he_normal
from minigen.nn.module import Buffer

SMALLEST = 4  # side of the last map
SHORTEST = 8  # frames of the last map of motion
SLOPE = 0.1


class JudgeNetwork(Module):
    """x (N, side, side, channels) in [−1, 1] → (N, outputs), by way of `features` (N, features).

    Convolutions of stride 2 with batch normalisation until the map is 4×4, then two dense layers.  widths: channels
    after each stage; a small image has the later ones alone.  Of a clip (N, T, side, side, channels) the frames stand
    beside each other as channels.
    """

    def __init__(
        self,
        side: int,
        channels: int,
        outputs: int,
        *,
        frames: int = 1,
        widths: Sequence[int],
        features: int,
        rng: np.random.Generator,
    ):
        self.frames = frames
        stages, small = 0, side
        while small > SMALLEST:
            small, stages = (small + 1) // 2, stages + 1
        C = [channels * frames, *widths[-stages:]] if stages else [channels * frames]
        layers: list[Any] = []
        for i, (inputs, outs) in enumerate(zip(C, C[1:], strict=False)):
            window = 5 if i == 0 else 3
            layers += [
                Conv2D(inputs, outs, window, stride=2, padding="same", bias=False, rng=rng, initialiser=he_normal),
                BatchNorm(outs, momentum=0.9),
                LeakyReLU(SLOPE),
            ]
        last = Dense(small * small * C[-1], features, rng=rng, initialiser=he_normal)
        self.body = Sequential(*layers, Flatten(), last, LeakyReLU(SLOPE))
        self.head = Dense(features, outputs, rng=rng)

    def __call__(self, x: Any) -> Any:
        return self.head(self.features(x))

    def features(self, x: Any) -> Any:
        """What the last layer sees: (N, features)."""
        if self.frames > 1:
            N, T, H, W, C = x.shape
            x = reshape(moveaxis(x, 1, 3), (N, H, W, T * C))
        return self.body(x)


class MotionNetwork(Module):
    """x (N, frames, F) features → (N, outputs), by way of `features` (N, features).

    Features are brought to a common size as `scaling` says, those that never move to 0; then convolutions along time,
    5 taps and stride 2, with batch normalisation, until 8 frames are left, then two dense layers.
    """

    def __init__(
        self,
        frames: int,
        inputs: int,
        outputs: int,
        *,
        scaling: Scaling,
        widths: Sequence[int],
        features: int,
        rng: np.random.Generator,
    ):
        self.mean = Buffer(scaling.mean)
        self.scale = Buffer((scaling.moving / scaling.deviation).astype(np.float32))
        stages, short = 0, frames
        while short > SHORTEST and stages < len(widths):
            short, stages = (short + 1) // 2, stages + 1
        C = [inputs, *widths[len(widths) - stages :]]
        layers: list[Any] = []
        for ins, outs in zip(C, C[1:], strict=False):
            layers += [
                Conv1D(ins, outs, 5, stride=2, padding="same", bias=False, rng=rng, initialiser=he_normal),
                BatchNorm(outs, momentum=0.9),
                LeakyReLU(SLOPE),
            ]
        last = Dense(short * C[-1], features, rng=rng, initialiser=he_normal)
        self.body = Sequential(*layers, Flatten(), last, LeakyReLU(SLOPE))
        self.head = Dense(features, outputs, rng=rng)

    def __call__(self, x: Any) -> Any:
        return self.head(self.features(x))

    def features(self, x: Any) -> Any:
        """What the last layer sees: (N, features)."""
        return self.body((x - self.mean) * self.scale)

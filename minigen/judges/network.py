"""A judge's network: a small convolutional one that says numbers of an image or a clip, by way of features."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigen import moveaxis, reshape
from minigen.nn import BatchNorm, Conv2D, Dense, Flatten, LeakyReLU, Module, Sequential
from minigen.nn.initialisers import he_normal

SMALLEST = 4  # side of the last map
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

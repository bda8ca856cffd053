"""The article's generator and discriminator (its programs C2 and C3), at any width and for sides of 28, 32 and 64.

Radford et al. 2016, with the numbers of TensorFlow's DCGAN tutorial, as the article has them.
"""

import numpy as np

from minigen.errors import SettingError
from minigen.nn import (
    BatchNorm,
    Conv2D,
    Conv2DTranspose,
    Dense,
    Dropout,
    Flatten,
    LeakyReLU,
    Reshape,
    Sequential,
    Tanh,
)

SMALLEST = {28: 7, 32: 8, 64: 8}  # side of an image → side of the smallest map


class Generator(Sequential):
    """Latents (N, Z) → images (N, side, side, channels) in [−1, 1].

    Dense to 7×7×256; transposed convolutions, 5×5, "same", without bias: 256 → 128 (stride 1), 128 → 64 (stride 2),
    64 → channels (stride 2), tanh; BatchNorm and LeakyReLU(0.2) after each but the last.  At width 1, side 28, one
    channel: 2,305,472 trained numbers and 25,472 running ones.  Side 32 begins at 8×8.  Side 64 does too, and adds a
    stage of stride 2 before the last, 64 → 32.  `width` multiplies the inner channels (at least 1 remains).
    """

    def __init__(
        self,
        *,
        latent: int = 100,
        side: int = 28,
        channels: int = 1,
        width: float = 1.0,
        rng: np.random.Generator,
    ):
        check("dcgan.Generator", side, channels, width)
        if latent < 1:
            raise SettingError(f"dcgan.Generator: latent={latent} must be at least 1.")
        small = SMALLEST[side]
        stages = [256, 128, 64, 32] if side == 64 else [256, 128, 64]
        C = [scaled(n, width) for n in stages]
        layers = [
            Dense(latent, small * small * C[0], bias=False, rng=rng),
            BatchNorm(small * small * C[0]),
            LeakyReLU(0.2),
            Reshape(small, small, C[0]),
        ]
        for i in range(len(C) - 1):
            stride = 1 if i == 0 else 2
            layers += [
                Conv2DTranspose(C[i], C[i + 1], 5, stride=stride, padding="same", bias=False, rng=rng),
                BatchNorm(C[i + 1]),
                LeakyReLU(0.2),
            ]
        layers += [Conv2DTranspose(C[-1], channels, 5, stride=2, padding="same", bias=False, rng=rng), Tanh()]
        super().__init__(*layers)
        self.latent, self.side, self.channels, self.width = latent, side, channels, width


class Discriminator(Sequential):
    """Images (N, side, side, channels) → logits (N, 1), above 0 for what it takes to be real.

    Convolutions, 5×5, stride 2, "same": channels → 64 → 128, each with LeakyReLU(0.2) and Dropout; then Dense to one
    logit, without sigmoid.  At width 1, side 28, one channel: 212,865 numbers.  Side 64 adds a stage, 128 → 256.
    `width` multiplies the inner channels (at least 1 remains).  Dropout draws from `noise` (default: `rng`).
    """

    def __init__(
        self,
        *,
        side: int = 28,
        channels: int = 1,
        width: float = 1.0,
        dropout: float = 0.3,
        rng: np.random.Generator,
        noise: np.random.Generator | None = None,
    ):
        check("dcgan.Discriminator", side, channels, width)
        noise = rng if noise is None else noise
        small = SMALLEST[side]
        stages = [64, 128, 256] if side == 64 else [64, 128]
        C = [channels, *(scaled(n, width) for n in stages)]
        layers: list[object] = []
        for i in range(len(C) - 1):
            layers += [
                Conv2D(C[i], C[i + 1], 5, stride=2, padding="same", rng=rng),
                LeakyReLU(0.2),
                Dropout(dropout, rng=noise),
            ]
        super().__init__(*layers, Flatten(), Dense(small * small * C[-1], 1, rng=rng))
        self.side, self.channels, self.width, self.dropout = side, channels, width, dropout


def scaled(channels: int, width: float) -> int:
    """`channels` times `width`, rounded, at least 1."""
    return max(1, round(channels * width))


def check(who: str, side: int, channels: int, width: float) -> None:
    """SettingError where a network of images cannot have that side, so many channels or that width."""
    if side not in SMALLEST:
        raise SettingError(f"{who}: side={side} must be one of {', '.join(map(str, SMALLEST))}.")
    if channels < 1 or not 0 < width < float("inf"):
        raise SettingError(f"{who}: channels={channels} must be at least 1, and width={width} above 0.")

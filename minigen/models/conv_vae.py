"""A convolutional VAE of images: the article's generator as decoder, and its mirror as encoder, without batch norm."""

from typing import Any

import numpy as np

from minigen.models.dcgan import SMALLEST, check, scaled
from minigen.models.vae import ConvolutionalVae, Likelihood
from minigen.nn import Conv2D, Conv2DTranspose, Dense, Flatten, LeakyReLU, Reshape, Sequential
from minigen.nn.initialisers import he_normal


class ConvVae(ConvolutionalVae):
    """Images (N, side, side, channels) ↔ codes (N, latent).

    Encoder: convolutions 5×5, channels → 64 (stride 2) → 128 (stride 2) → 256 (stride 1), LeakyReLU(0.2), then Dense to
    μ and log σ².  Decoder: Dense to 7×7×256, transposed convolutions 256 → 128 (stride 1) → 64 (stride 2) → channels
    (stride 2): the article's generator (C2).  Side 32 has 8×8 maps inside, and side 64 a stage of stride 2 more.

    Two things differ from the article's generator.  No BatchNorm, since with it p(x|z) would depend on the other images
    of a batch, and a likelihood could not be trusted.  No tanh at the end: logits, or means, which a gaussian
    likelihood leaves free.  `width` multiplies the inner channels.  SettingError for a side that is not 28, 32 or 64.
    """

    def __init__(
        self,
        *,
        side: int = 28,
        channels: int = 1,
        width: float = 1.0,
        latent: int = 32,
        likelihood: Likelihood = "gaussian",
        labels: int = 0,
        rng: np.random.Generator,
    ):
        check("ConvVae", side, channels, width)
        self._set(latent, (side, side, channels), likelihood, labels)
        self.width = width
        small = SMALLEST[side]
        C = [scaled(n, width) for n in ([64, 128, 128, 256] if side == 64 else [64, 128, 256])]
        layers: list[Any] = []
        for i, (inputs, outputs) in enumerate(zip([channels, *C], C, strict=False)):
            stride = 1 if i == len(C) - 1 else 2
            layers += [
                Conv2D(inputs, outputs, 5, stride=stride, padding="same", rng=rng, initialiser=he_normal),
                LeakyReLU(0.2),
            ]
        self.encoder = Sequential(*layers, Flatten())
        self.to_code = Dense(small * small * C[-1] + labels, 2 * latent, rng=rng)

        first = Dense(latent + labels, small * small * C[-1], rng=rng, initialiser=he_normal)
        layers = [first, LeakyReLU(0.2), Reshape(small, small, C[-1])]
        back = C[::-1]
        for i, (inputs, outputs) in enumerate(zip(back, back[1:], strict=False)):
            stride = 1 if i == 0 else 2
            layers += [
                Conv2DTranspose(inputs, outputs, 5, stride=stride, padding="same", rng=rng, initialiser=he_normal),
                LeakyReLU(0.2),
            ]
        self.decoder = Sequential(*layers, Conv2DTranspose(back[-1], channels, 5, stride=2, padding="same", rng=rng))

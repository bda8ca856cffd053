"""A VAE of motion: convolutions along time, over windows of frames that are rows of features."""

from typing import Any

import numpy as np

from minigen.errors import SettingError
from minigen.models.dcgan import scaled
from minigen.models.vae import ConvolutionalVae
from minigen.nn import Conv1D, Conv1DTranspose, Dense, Flatten, LeakyReLU, Reshape, Sequential
from minigen.nn.initialisers import he_normal

CHANNELS = (64, 64, 128)  # each at stride 2, so that a window of 64 frames becomes 8


class MotionVae(ConvolutionalVae):
    """Windows (N, frames, features) ↔ codes (N, latent): F → 64 → 64 → 128 channels, 5 taps, stride 2, and the mirror.

    x is standardised, and its likelihood gaussian with one learnt variance.  With labels (style, action: one-hot), the
    encoder is told them beside its last features and the decoder beside z: the code then holds what they do not say, so
    that a clip can be decoded in another style.  At width 1, 130 features, latent 32: 306,000 weights.  `width`
    multiplies the channels.  SettingError where frames is not a multiple of 8.
    """

    def __init__(
        self,
        *,
        features: int,
        frames: int = 64,
        latent: int = 32,
        width: float = 1.0,
        labels: int = 0,
        rng: np.random.Generator,
    ):
        shrunk = 2 ** len(CHANNELS)
        if frames < shrunk or frames % shrunk:
            raise SettingError(f"MotionVae: frames={frames} must be a multiple of {shrunk}, such as 64.")
        self._set(latent, (frames, features), "gaussian", labels)
        C = [scaled(n, width) for n in CHANNELS]
        small = frames // shrunk
        layers: list[Any] = []
        for inputs, outputs in zip([features, *C], C, strict=False):
            layers += [
                Conv1D(inputs, outputs, 5, stride=2, padding="same", rng=rng, initialiser=he_normal),
                LeakyReLU(0.2),
            ]
        self.encoder = Sequential(*layers, Flatten())
        self.to_code = Dense(small * C[-1] + labels, 2 * latent, rng=rng)

        layers = [
            Dense(latent + labels, small * C[-1], rng=rng, initialiser=he_normal),
            LeakyReLU(0.2),
            Reshape(small, C[-1]),
        ]
        back = C[::-1]
        for inputs, outputs in zip(back, back[1:], strict=False):
            layers += [
                Conv1DTranspose(inputs, outputs, 5, stride=2, padding="same", rng=rng, initialiser=he_normal),
                LeakyReLU(0.2),
            ]
        self.decoder = Sequential(*layers, Conv1DTranspose(back[-1], features, 5, stride=2, padding="same", rng=rng))

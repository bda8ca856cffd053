"""A small generator and discriminator for points in the plane: rings, grids, spirals."""

import numpy as np

from minigen.nn import Dense, LeakyReLU, Sequential
from minigen.nn.initialisers import he_normal


class Generator(Sequential):
    """Latents (N, Z) → points (N, 2): Z-128-128-2 with LeakyReLU(0.2), weights as in He et al. 2015."""

    def __init__(self, *, latent: int = 2, hidden: int = 128, outputs: int = 2, rng: np.random.Generator):
        super().__init__(*_layers(latent, hidden, outputs, rng))


class Discriminator(Sequential):
    """Points (N, 2) → logits (N, 1): 2-128-128-1 with LeakyReLU(0.2), weights as in He et al. 2015."""

    def __init__(self, *, inputs: int = 2, hidden: int = 128, rng: np.random.Generator):
        super().__init__(*_layers(inputs, hidden, 1, rng))


def _layers(inputs: int, hidden: int, outputs: int, rng: np.random.Generator) -> list[object]:
    return [
        Dense(inputs, hidden, rng=rng, initialiser=he_normal),
        LeakyReLU(0.2),
        Dense(hidden, hidden, rng=rng, initialiser=he_normal),
        LeakyReLU(0.2),
        Dense(hidden, outputs, rng=rng, initialiser=he_normal),
    ]

"""Small VAEs of every kind, and items for them."""

import numpy as np
import pytest

import minigen
from minigen.models.conv_vae import ConvVae
from minigen.models.motion_vae import MotionVae
from minigen.models.vae import DenseVae, TwoLayerVae, one_hot


def rng(seed=0):
    return minigen.random.generator(seed)


def dense(**settings):
    return DenseVae(**{"item": (2, 3), "hidden": (5, 4), "latent": 2, "rng": rng()} | settings)


def two_layer(**settings):
    return TwoLayerVae(**{"item": (6,), "hidden": (5, 4), "latent": (3, 2), "rng": rng()} | settings)


def conv(**settings):
    return ConvVae(**{"width": 1 / 32, "latent": 3, "rng": rng()} | settings)


def motion(**settings):
    return MotionVae(**{"features": 4, "frames": 16, "width": 1 / 16, "latent": 3, "rng": rng()} | settings)


EVERY = {
    "dense": dense,
    "dense, gaussian": lambda **settings: dense(likelihood="gaussian", **settings),
    "two layers": two_layer,
    "two layers, gaussian": lambda **settings: two_layer(likelihood="gaussian", **settings),
    "conv": conv,
    "conv, bernoulli": lambda **settings: conv(likelihood="bernoulli", **settings),
    "motion": motion,
}
CONDITIONAL = [name for name in EVERY if not name.startswith("two")]
every = pytest.mark.parametrize("build", EVERY.values(), ids=EVERY)
in_one_stage = pytest.mark.parametrize("build", [EVERY[name] for name in CONDITIONAL], ids=CONDITIONAL)


def items(model, n=3, seed=1, dtype=np.float32):
    x = np.random.default_rng(seed).normal(size=(n, *model.item))
    return minigen.tensor((x > 0 if model.likelihood == "bernoulli" else x).astype(dtype))


def labels(model, n=3):
    return minigen.tensor(one_hot(np.arange(n) % model.labels, model.labels)) if model.labels else None

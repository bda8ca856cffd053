"""Small runs of every kind, untrained, with numbers in all their tensors, so that nothing left out can go unseen."""

import functools

import numpy as np
import pytest

from minigen import backend
from minigen.data import motions
from minigen.train import gan, sources, vae, vae_config

WINDOW = 16


def shaken(recipe, seed=0):
    """The recipe with its weights of the size they have, and all that starts at 0 or 1 moved away from there."""
    rng = np.random.default_rng(seed)
    for name, tensor in recipe.named_tensors():
        if name.endswith(("bias", "beta", "running_mean")):
            tensor.data[...] = backend.to_device(rng.normal(0, 0.1, tensor.shape).astype(np.float32))
        elif name.endswith(("gamma", "running_var")):
            tensor.data[...] = backend.to_device(rng.uniform(0.5, 1.5, tensor.shape).astype(np.float32))
    if getattr(recipe, "average", None):
        recipe.average.update()
        for _, parameter in recipe.generator.named_parameters():
            parameter.data[...] *= 1.5  # so that the raw weights are others than the averaged ones
    return recipe


def gan_of(about=None, **settings):
    return shaken(gan.Gan(gan.Config(**{"width": 0.05, "latent": 8} | settings), about))


def clips_of(about=None, **settings):
    return gan_of(about, **{"data": "effects:fire", "width": 0.1, "latent": 16} | settings)


def vae_of(about=None, **settings):
    return shaken(vae.Vae(vae_config.Config(**{"latent": 4} | settings), about or {"classes": []}))


@functools.cache
def about_motion():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(motions, "HELD_OUT", 2)
        return sources.open_vae(vae_config.Config(data="motion", count=12, window=WINDOW, condition="action")).about


FACTORS = {"factors": [
    {"name": "time", "lowest": 0.0, "highest": 1.0, "cyclic": True},
    {"name": "haze", "lowest": 0.2, "highest": 0.8, "cyclic": False},
]}  # fmt: skip

CLASSES = {"classes": ["land", "sea"]}

EVERY = {
    "gan 28": lambda: gan_of(),
    "gan 32": lambda: gan_of(size=32, channels=3, prior="uniform"),
    "gan 64": lambda: gan_of(size=64, width=0.03, ema=0.0),
    "gan of classes": lambda: gan_of({"classes": ["land", "sea"]}, condition="sea"),
    "gan of factors": lambda: gan_of(FACTORS, condition="time,haze"),
    "clips": lambda: clips_of(),
    "clips with an end": lambda: clips_of(loop="no", channels=3, frames=24),
    "clips of classes": lambda: clips_of(CLASSES, condition="sea", frames=8, size=64, prior="uniform"),
    "clips frame by frame": lambda: clips_of(FACTORS, video="factorised", condition="time,haze"),
    "clips with an end, frame by frame": lambda: clips_of({"fps": "25"}, video="factorised", loop="no", channels=3),
    "conv": lambda: vae_of(width=0.05, size=32, channels=3),
    "conv, bernoulli": lambda: vae_of(width=0.05, likelihood="bernoulli"),
    "conv of classes": lambda: vae_of({"classes": ["land", "sea"]}, width=0.05, condition="sea"),
    "dense": lambda: vae_of(model="dense", hidden=(12, 9), likelihood="bernoulli"),
    "two layers": lambda: vae_of(model="two_layer"),
    "motion": lambda: vae_of(about_motion(), data="motion", window=WINDOW, width=0.1, condition="action"),
}
every = pytest.mark.parametrize("name", EVERY)


@functools.cache
def run(name):
    """The small run of that name, made once."""
    return EVERY[name]()

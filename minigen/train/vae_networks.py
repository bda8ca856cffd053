"""The networks that the settings of the VAE recipe ask for."""

import math
from typing import Any

import numpy as np

from minigen.autograd import Parameter
from minigen.models.conv_vae import ConvVae
from minigen.models.motion_vae import MotionVae
from minigen.models.vae import DenseVae, TwoLayerVae, Vae
from minigen.motion import Scaling
from minigen.nn import Module
from minigen.train.vae_config import Config

ENCODER = ("encoder", "encoder2", "to_code")  # attributes that belong to q(z|x); all others belong to p(x|z)


def build(config: Config, labels: int, scaling: Scaling | None, rng: np.random.Generator) -> Vae:
    """The model of a configuration, told of so many classes; scaling: of motion, where items are motion."""
    if scaling is not None:
        return MotionVae(
            features=len(scaling),
            frames=config.window,
            latent=config.latent,
            width=config.share,
            labels=labels,
            rng=rng,
        )
    item = (config.size, config.size, config.channels)
    if config.model == "dense":
        return DenseVae(
            item=item,
            hidden=config.hidden,
            latent=config.latent,
            likelihood=config.likelihood,
            labels=labels,
            rng=rng,
        )
    if config.model == "two_layer":
        return TwoLayerVae(item=item, latent=(2 * config.latent, config.latent), likelihood=config.likelihood, rng=rng)
    return ConvVae(
        side=config.size,
        channels=config.channels,
        width=config.share,
        latent=config.latent,
        likelihood=config.likelihood,
        labels=labels,
        rng=rng,
    )


def halves(model: Vae) -> dict[str, list[Parameter]]:
    """The parameters of the encoder and of the decoder, each once: what is fixed in turn when they alternate."""
    found: dict[str, list[Parameter]] = {"encoder": [], "decoder": []}
    for name, parameter in model.named_parameters():
        found["encoder" if name.partition(".")[0] in ENCODER else "decoder"].append(parameter)
    return found


def tables(model: Vae) -> dict[str, Any]:
    """A table of layers, shapes and counts for each part of the model that is a row of layers."""
    dense = isinstance(model, DenseVae | TwoLayerVae)
    entrance = (math.prod(model.item) + (model.labels if dense else 0),) if dense else model.item
    shapes: dict[str, tuple[int, ...]] = {"encoder": entrance, "decoder": (model.latent + model.labels,)}
    if isinstance(model, TwoLayerVae):
        middle = model.lower_latent
        shapes |= {"encoder2": (middle,), "decoder2": (model.latent,), "decoder": (middle,)}
    parts = {name: part for name, part in model.parts() if isinstance(part, Module)}
    return {name: part.summary(shapes[name]) for name, part in parts.items() if name in shapes}

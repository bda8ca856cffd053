"""The networks that the settings of the GAN recipe ask for, and what each of them is shown."""

from typing import Any

import numpy as np

from minigen.models import dcgan
from minigen.nn import Module
from minigen.ops import broadcast_to, concatenate
from minigen.train.gan_config import Config


def build(config: Config, told: int, rng: np.random.Generator, noise: np.random.Generator) -> tuple[Module, Module]:
    """(generator, discriminator) of resolved settings, each told so many numbers of an item.

    rng draws the weights, noise what is random later on.  The generator takes latents and numbers side by side; the
    discriminator `pack` images in its channels, and the numbers of each as further channels (see `beside`, `packed`).
    """
    seen = config.pack * (config.channels + told)
    generator = dcgan.Generator(
        latent=config.latent + told, side=config.size, channels=config.channels, width=config.width, rng=rng
    )
    discriminator = dcgan.Discriminator(
        side=config.size, channels=seen, width=config.width, dropout=config.dropout, rng=rng, noise=noise
    )
    return generator, discriminator


def shapes(config: Config, told: int) -> dict[str, tuple[int, ...]]:
    """The shape of one item as each network takes it, by the network's name."""
    seen = config.pack * (config.channels + told)
    return {"generator": (config.latent + told,), "discriminator": (config.size, config.size, seen)}


def beside(x: Any, rows: Any) -> Any:
    """x (N, …, C) with the numbers of each item, rows (N, Q), as further channels, everywhere the same: (N, …, C + Q).

    So both networks are told: Mirza & Osindero 2014, figure 1, where they stand beside z and beside x.  x itself where
    rows is None.
    """
    if rows is None:
        return x
    maps = rows.reshape(len(rows), *(1,) * (x.ndim - 2), rows.shape[-1])
    return concatenate(x, broadcast_to(maps, (*x.shape[:-1], rows.shape[-1])), axis=-1)


def packed(x: Any, pack: int) -> Any:
    """Items (N, …, C) in groups of `pack`, one behind the other in the channels: (N // pack, …, pack · C).

    What the discriminator of PacGAN judges at once (Lin et al. 2018, section 3).  What fills no group is left out.
    """
    if pack == 1 or x is None:
        return x
    n = len(x) // pack
    return concatenate([x[i * n : (i + 1) * n] for i in range(pack)], axis=-1)

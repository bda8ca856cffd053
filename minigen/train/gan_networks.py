"""The networks that the settings of the GAN recipe ask for, and what each of them is shown."""

from typing import Any

import numpy as np

from minigen.errors import SettingError
from minigen.models import clip_gan, clip_gan_drift, dcgan
from minigen.nn import Module, spectral_norm
from minigen.ops import broadcast_to, concatenate, roll
from minigen.train.gan_config import Config

FEWEST = 12  # numbers in the latent of a factorised generator: three axes of three for the moment, and some content


def build(config: Config, told: int, rng: np.random.Generator, noise: np.random.Generator) -> tuple[Module, Module]:
    """(generator, discriminator) of resolved settings, each told so many numbers of an item.

    rng draws the weights, noise what is random later on.  The generator takes latents and numbers side by side; the
    discriminator `pack` images in its channels, and the numbers of each as further channels (see `beside`, `packed`).
    """
    make = _build_for_clips if config.frames > 1 else _build_for_stills
    generator, discriminator = make(config, told, rng, noise)
    return generator, spectral_norm(discriminator, rng=rng) if config.spectral else discriminator


def _build_for_stills(
    config: Config, told: int, rng: np.random.Generator, noise: np.random.Generator
) -> tuple[Module, Module]:
    seen = config.pack * (config.channels + told)
    generator = dcgan.Generator(
        latent=config.latent + told, side=config.size, channels=config.channels, width=config.width, rng=rng
    )
    discriminator = dcgan.Discriminator(
        side=config.size, channels=seen, width=config.width, dropout=config.dropout, rng=rng, noise=noise
    )
    return generator, discriminator


def _build_for_clips(
    config: Config, told: int, rng: np.random.Generator, noise: np.random.Generator
) -> tuple[Module, Module]:
    """The same where items are clips; of the factorised generator, up to 10 numbers of the latent say the moment.

    The generator is twice as wide as the discriminator, which takes most of a step: so it has four times the weights
    for a third more time.  One that draws a picture a clip, which then drifts, costs so little that both are twice as
    wide again.  The discriminator goes round in time only where the clips learnt from do: else it would see, and teach,
    their jump from the last frame to the first.
    """
    shape: dict[str, Any] = {"frames": config.frames, "side": config.size}
    loops, around = config.loop == "yes", config.loop == "yes" and data_may_loop(config)
    seen = config.pack * (config.channels + told)
    generator: Module
    if config.video == "drift":
        generator = clip_gan_drift.GeneratorDrift(
            per_place=config.per_place,
            told=told,
            drift=config.drift,
            channels=config.channels,
            width=4 * config.width,
            **shape,
            rng=rng,
        )
    elif config.video == "3d":
        generator = clip_gan.Generator3D(
            latent=config.latent + told,
            channels=config.channels,
            width=2 * config.width,
            **shape,
            loops=loops,
            rng=rng,
        )
    else:
        if config.latent < FEWEST:
            raise SettingError(f"--latent {config.latent} must be at least {FEWEST} with --video factorised.")
        generator = clip_gan.GeneratorFactorised(
            latent=config.latent + told,
            motion=min(10, config.latent // 4),
            channels=config.channels,
            width=2 * config.width,
            **shape,
            loops=loops,
            rng=rng,
        )
    local = config.video == "drift"  # a texture is judged here and there
    discriminator = clip_gan.Discriminator3D(
        channels=seen,
        width=config.width * (2 if local else 1),
        dropout=config.dropout,
        **shape,
        loops=around,
        local=local,
        rng=rng,
        noise=noise,
    )
    return generator, discriminator


def data_may_loop(config: Config) -> bool:
    """Whether clips of these data can come round: windows of a film and explosions never do."""
    return config.data != "effects:explosion" and not config.data.startswith("video:")


def turns(config: Config) -> bool:
    """Whether generated clips are begun at a frame that is drawn anew in every step (see `turned`)."""
    return config.frames > 1 and config.loop != "no" and not data_may_loop(config)


def turned(x: Any, config: Config, rng: np.random.Generator) -> Any:
    """Generated clips as the discriminator is shown them: loops begun at another frame, where it does not go round.

    So what leads from the last frame to the first lies inside the clip every so often, and must look like the rest.
    """
    if not turns(config):
        return x
    return roll(x, int(rng.integers(config.frames)), axis=1)


def shapes(config: Config, told: int) -> dict[str, tuple[int, ...]]:
    """The shape of one item as each network takes it, by the network's name."""
    seen = (config.size, config.size, config.pack * (config.channels + told))
    return {
        "generator": (config.latent + told,),
        "discriminator": (config.frames, *seen) if config.frames > 1 else seen,
    }


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

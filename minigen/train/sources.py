"""The data of a run: what is learnt from, what is held out to measure on, and what the recipe must know of them."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minigen.data import Clips, Images, mnist, open_clips, open_data
from minigen.data.counters import item_keys, uniforms
from minigen.data.motions import Motions, open_motion
from minigen.errors import DataError
from minigen.train.about import about
from minigen.train.condition import Condition, labels_of
from minigen.train.vae_config import Config as VaeConfig

HELD_OUT = 1000  # scenes or effects of another seed
PIXELS = 1 << 63  # sets the seeds of pixels apart from those by which scenes are drawn


@dataclass(frozen=True)
class Source:
    """Items to train on and, where the source has them, items of the same kind that are not.

    about: what a checkpoint keeps (see about.py).  told: of each training item the number of its class, or a row of its
    factors (see condition.py), or None.
    """

    data: Images | Clips | Motions
    held_out: Images | Clips | Motions | None
    about: dict[str, Any]
    told: np.ndarray | None = None


def open_gan(config: Any) -> Source:
    """What the settings of the GAN ask for.  Held out: scenes or effects of another seed; of a film the last clips."""
    config = config.resolved()
    data, held_out = _clips(config) if config.frames > 1 else (open_images(config), others_rendered(config))
    source = _told(data, held_out, config.condition)
    return replace(source, told=Condition.from_facts(source.about).rows(source.told, len(source.data)))


def open_vae(config: VaeConfig) -> Source:
    """What the settings of the VAE ask for.  Held out: what is rendered, at another seed; MNIST's test set; clips."""
    data: Images | Motions
    held_out: Images | Motions | None
    if config.moves:
        data, held_out = open_motion(
            config.data,
            count=config.count or None,
            window=config.window,
            stride=config.stride,
            fps=config.fps,
            unit=config.unit,
            drop_first=config.drop_first,
            held_out=config.held_out,
            seed=config.seed,
        )
    else:
        data, held_out = open_images(config), _other_images(config)
        if config.binarisation == "static":
            data, held_out = static(data, config.seed), held_out and static(held_out, config.seed + 1)
    if len(data) < 2:
        raise DataError(f"--data {config.data}: gives only 1 item; training needs 2 or more.")
    return _told(data, held_out, config.condition)


def open_images(config: Any) -> Images:
    """The images that the settings ask for."""
    images = open_data(
        config.data,
        size=config.size,
        channels=config.channels,
        count=config.count or (10_000 if _is_rendered(config.data) else None),
        seed=config.seed,
        fit=config.fit,
        skip_bad=config.skip_bad,
        upscale=config.upscale,
        every=config.every,
    )
    if len(images) < 2:
        raise DataError(f"--data {config.data}: gives only 1 image (--count {config.count}); training needs 2 or more.")
    return images


def _clips(config: Any) -> tuple[Clips, Clips | None]:
    """The clips that the settings ask for, and others held out."""
    data, held_out = open_clips(
        config.data,
        frames=config.frames,
        size=config.size,
        channels=config.channels,
        count=config.count or None,
        seed=config.seed,
        fit=config.fit,
        upscale=config.upscale,
        every=config.every,
        stride=config.stride,
    )
    if len(data) < 2:
        raise DataError(
            f"--data {config.data}: gives only 1 clip; training needs 2 or more. Choose a smaller --stride."
        )
    return data, held_out


def _is_rendered(data: str) -> bool:
    """Does --data name images that minigen draws, as many as one wants?"""
    return data == "scenes" or data.startswith("effects:")


def others_rendered(config: Any) -> Images | None:
    """Rendered images that a run does not train on, those of the next seed; None for data that are read."""
    if not _is_rendered(config.data):
        return None
    return open_data(config.data, size=config.size, channels=config.channels, count=HELD_OUT, seed=config.seed + 1)


def _other_images(config: VaeConfig) -> Images | None:
    if _is_rendered(config.data):
        return others_rendered(config)
    kind, _, place = config.data.partition(":")
    if kind != "mnist" or (config.size, config.channels) != (28, 1):
        return None
    try:
        return mnist(place or None, "test")
    except DataError:  # a folder may hold the training files alone; whoever measures is told
        return None


def _told(data: Any, held_out: Any, condition: str) -> Source:
    """Both with what a model is told of them, less the held-out items of classes that are not trained on."""
    facts = about(data, condition)
    known = Condition.from_facts(facts)
    if known.classes and held_out:
        labels = labels_of(held_out)[condition]
        kept = np.isin(labels, known.classes)
        if not kept.all():
            strange = ", ".join(sorted(set(labels[~kept].tolist())))
            note = f"Not measured on, since its {condition} does not occur among the items trained on: {strange}."
            data = replace(data, notes=(*data.notes, note))
            held_out = held_out.take(np.flatnonzero(kept)) if kept.any() else None
    return Source(data, held_out, facts, known.told(data, condition))


def static(images: Images, seed: int) -> Images:
    """Each pixel black or white once and for all, white with the probability that its grey value is.

    Pixel p of image i depends on (seed, i, p) alone.  Salakhutdinov & Murray 2008 did so to MNIST; theirs is another
    draw.
    """
    drawn = np.empty(images.items.shape, np.uint8)
    for i in range(0, len(images), 1000):
        part = images.items[i : i + 1000]
        u = uniforms(item_keys(seed ^ PIXELS, i, i + len(part)), part[0].size).reshape(part.shape)
        drawn[i : i + 1000] = np.where(u * 255 < part, 255, 0)
    return replace(images, items=drawn, notes=(*images.notes, "Pixels were drawn black or white once (static)."))

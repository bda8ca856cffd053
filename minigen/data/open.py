"""Data by name: what a user writes after --data becomes images."""

import difflib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from minigen.data.arrays import read_arrays
from minigen.data.checking import whole
from minigen.data.effects import EFFECTS, effect_stills
from minigen.data.fitting import Frame
from minigen.data.folder import read_images
from minigen.data.idx import mnist
from minigen.data.images import Images
from minigen.data.scenes import scenes
from minigen.data.video import read_video
from minigen.errors import DataError, SettingError

SPECS = ("scenes", "mnist", "mnist:FOLDER", "images:PATH", "video:FILE", "npz:FILE", "effects:KIND")
_KINDS = ("scenes", "mnist", "images", "video", "npz", "effects")


def open_data(
    spec: str,
    *,
    size: int = 28,
    channels: int = 1,
    count: int | None = 10_000,
    seed: int = 0,
    fit: str = "crop",
    skip_bad: bool = False,
    upscale: bool = False,
    every: int = 1,
    background: int = 0,
) -> Images:
    """The images that a specification names, all size × size with 1 or 3 channels.

    spec: scenes · mnist (fetched once) · mnist:FOLDER · images:PATH (a folder or a zip) · video:FILE ·
    npz:FILE (.npz or .npy) · effects:KIND (stills of one of `EFFECTS`).  `count` is how many scenes or effects to
    render, and of anything else the most to take (None: all); `seed` is of the scenes or effects.  `fit`, `upscale`
    and `background` are explained at `Frame`, `skip_bad` at `read_images`, `every` at `read_video`.
    SettingError for an unknown specification or setting, DataError for data that cannot be used; both name --data as
    it was typed.
    """
    kind, colon, place = spec.partition(":")
    place = os.path.expanduser(place)  # which a shell does only at the beginning of a word
    if is_motion(spec):
        raise SettingError(f"--data {spec}: that is motion, not images; learn it with python -m minigen.train vae.")
    if kind not in _KINDS:
        raise SettingError(f"--data {spec}: {suggestion(spec, kind)}")
    if kind in ("images", "video", "npz") and not place:
        raise SettingError(f"--data {spec}: a path must follow, as in {kind}:PATH.")
    if kind == "scenes" and colon:
        raise SettingError(f"--data {spec}: scenes are drawn, not read; write --data scenes.")
    if kind == "effects" and place not in EFFECTS:
        raise SettingError(f"--data {spec}: {which_effect(place)}")
    if colon and not place:
        raise SettingError(f"--data {spec}: a folder must follow the colon, as in mnist:FOLDER.")
    if count is not None:
        whole("count", count, lowest=1)
    frame = Frame(size, channels, fit, upscale, background)
    with naming(spec, kind, place):
        if kind in ("scenes", "effects"):
            return _rendered(kind, place, size, channels, count, seed)
        if kind == "mnist":
            return _framed(mnist(place or None).first(count), frame)
        if kind == "images":
            return read_images(place, frame, count=count, skip_bad=skip_bad)
        if kind == "video":
            return read_video(place, frame, every=every, count=count)
        return read_arrays(place, frame, count=count)


def _rendered(kind: str, place: str, size: int, channels: int, count: int | None, seed: int) -> Images:
    if count is None:
        raise SettingError(f"count is None; say how many {kind} to render.")
    if kind == "scenes":
        items, factors = scenes(count, size, channels, seed)
        return Images(items, factors, "scenes", "rendered by minigen")
    items, factors = effect_stills(count, place, size, channels, seed)
    return Images(items, factors, f"effects-{place}", "rendered by minigen")


def _framed(images: Images, frame: Frame) -> Images:
    try:
        items = frame.take_all(images.items)
    except DataError as error:
        raise DataError(f"its images cannot be used: {error}.") from error
    return Images(items, images.factors, images.name, images.licence, images.notes)


def is_motion(spec: str) -> bool:
    """Whether a specification names motion, which `open_motion` opens, and not images."""
    return spec.partition(":")[0] in ("motion", "bvh")


@contextmanager
def naming(spec: str, kind: str, place: str) -> Iterator[None]:
    """Put the flag as it was typed before every error, in place of the source with which a reader's error begins."""
    try:
        yield
    except (DataError, SettingError) as error:
        text = str(error)
        for known in (place, str(Path(place)), kind):
            text = text.removeprefix(f"{known}: ")
        raise type(error)(f"--data {spec}: {text}") from error
    except OSError as error:  # a name too long, a folder that may not be entered
        raise DataError(f"--data {spec}: cannot be read ({error.strerror}).") from error


def which_effect(place: str) -> str:
    close = difflib.get_close_matches(place.lower(), EFFECTS, n=1)
    hint = f"; did you mean effects:{close[0]}?" if close else "."
    said = f"there is no effect {place!r}" if place else "an effect must follow, as in effects:fire"
    return f"{said}{hint} It is one of {', '.join(EFFECTS)}."


def suggestion(spec: str, kind: str) -> str:
    if os.path.exists(spec):  # Path.exists raises where a folder may not be entered
        path = Path(spec)
        ending = path.suffix.lower()
        known = {".bvh": "bvh", ".npy": "npz", ".npz": "npz", ".zip": "images"}
        guess = "images" if path.is_dir() else known.get(ending, "video")
        return f"to read that, write --data {guess}:{spec}."
    close = difflib.get_close_matches(kind.lower(), _KINDS, n=1)
    hint = f"; did you mean {close[0]}?" if close else "."
    return f"unknown{hint} It is one of {', '.join(SPECS)}."

"""Clips by name: what a user writes after --data becomes short films of equally many frames, ready for training."""

import hashlib
import os
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import numpy as np

from minigen.data import clips_windows
from minigen.data.checking import whole
from minigen.data.clips_arrays import read_clip_array
from minigen.data.effects import EFFECTS, effects
from minigen.data.fitting import Frame
from minigen.data.open import is_motion, naming, suggestion, which_effect
from minigen.data.video import frame_rate, read_video
from minigen.errors import DataError, SettingError

BUILT_IN = 2_000  # effects, where no number is asked for
HELD_OUT = 200  # effects of another seed, to measure on
LOOPING = ("fire", "smoke", "rain", "snow")  # after the last frame of these comes the first
_KINDS = ("effects", "video", "npz")
_STILL = ("scenes", "mnist", "images")  # what `open_data` reads besides


@dataclass(frozen=True, eq=False)
class Clips:
    """A set of clips and its provenance; `open_clips` returns two, one to learn from and one held out.

    items: uint8 (N, T, H, W, C).  factors: a structured array (N,), such as the renderer's factors, or, of a film,
    `frame`, the number of the window's first frame, and `shot`; or None.  fps: frames a second, where that is known.
    loops: whether after the last frame comes the first.  notes: sentences a reader of a report wants to see.
    DataError where items and factors do not fit together.
    """

    items: np.ndarray
    factors: np.ndarray | None = None
    name: str = "clips"
    licence: str = "unknown"
    notes: tuple[str, ...] = ()
    fps: Fraction | None = None
    loops: bool = False

    def __post_init__(self) -> None:
        if self.items.dtype != np.uint8 or self.items.ndim != 5:
            raise DataError(
                f"{self.name}: items are {self.items.dtype} {self.items.shape}; they must be uint8 (N, T, H, W, C)."
            )
        if self.factors is not None and len(self.factors) != len(self.items):
            raise DataError(f"{self.name}: {len(self.items)} clips but factors for {len(self.factors)}.")

    def __len__(self) -> int:
        return len(self.items)

    @property
    def description(self) -> str:
        """How many of what, for a person: "2,000 looping clips of 16 frames of 32×32×1"."""
        kind = "looping clips" if self.loops else "clips"
        T, *frame = self.items.shape[1:]
        return f"{len(self):,} {kind} of {T} frames of {'×'.join(map(str, frame))}"

    @cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal digits of the SHA-256 of shape and bytes: the same clips, the same fingerprint."""
        digest = hashlib.sha256(repr(self.items.shape).encode())
        digest.update(np.ascontiguousarray(self.items).data)
        return digest.hexdigest()[:16]

    def first(self, count: int | None) -> "Clips":
        """The first `count` clips, with a note if any were left out; all of them if count is None or larger."""
        if count is None or whole("count", count, lowest=1) >= len(self):
            return self
        note = f"The first {count:,} of {len(self):,} clips were taken."
        return replace(self.take(slice(count)), notes=(*self.notes, note))

    def take(self, places: np.ndarray | slice) -> "Clips":
        """The clips at these places, with their factors."""
        factors = None if self.factors is None else self.factors[places]
        return replace(self, items=self.items[places], factors=factors)


def open_clips(
    spec: str,
    *,
    frames: int = 16,
    size: int = 32,
    channels: int = 1,
    count: int | None = None,
    seed: int = 0,
    fit: str = "crop",
    upscale: bool = False,
    every: int = 1,
    stride: int = 4,
    background: int = 0,
) -> tuple[Clips, Clips | None]:
    """(clips to learn from, clips held out) of what a specification names, each of `frames` frames of size × size.

    effects:KIND: `count` clips of one of `EFFECTS`, drawn from `seed`, and others of another seed held out.
    video:FILE: of every `every`-th frame of a film, windows of consecutive frames, of which one begins every `stride`
    frames and none reaches over a cut (a cut: see `read_video`).  npz:FILE: the clips (N, T, H, W, C) in a .npz or
    .npy, cut into windows likewise where T is above `frames`.  `count` is then the most windows to learn from.
    Of windows the last tenth is held out, and none that shares a frame with it is learnt from.
    `fit`, `upscale` and `background` are explained at `Frame`.
    SettingError for an unknown specification or setting, DataError for data that cannot be used; both name --data as
    it was typed.
    """
    kind, _, place = spec.partition(":")
    place = os.path.expanduser(place)
    _check(spec, kind, place)
    frames = whole("frames", frames, lowest=2, highest=1024)
    stride = whole("stride", stride, lowest=1)
    if count is not None:
        whole("count", count, lowest=1)
    frame = Frame(size, channels, fit, upscale, background)
    with naming(spec, kind, place):
        if kind == "effects":
            return _rendered(place, frames, size, channels, count or BUILT_IN, seed)
        if kind == "video":
            return _of_film(place, frame, every, frames, stride, count)
        return _of_arrays(place, frame, frames, stride, count)


def _check(spec: str, kind: str, place: str) -> None:
    """SettingError where --data names nothing that moves, or names it incompletely."""
    if is_motion(spec):
        raise SettingError(f"--data {spec}: that is motion, not clips; learn it with python -m minigen.train vae.")
    if kind in _STILL:
        raise SettingError(f"--data {spec}: these are stills, without a time; leave --frames out, or write video:FILE.")
    if kind not in _KINDS:
        raise SettingError(f"--data {spec}: {suggestion(spec, kind)}")
    if kind == "effects" and place not in EFFECTS:
        raise SettingError(f"--data {spec}: {which_effect(place)}")
    if not place:
        raise SettingError(f"--data {spec}: a path must follow, as in {kind}:PATH.")


def _rendered(kind: str, frames: int, size: int, channels: int, count: int, seed: int) -> tuple[Clips, Clips]:
    sets = []
    for number, of_seed in ((count, seed), (HELD_OUT, seed + 1)):
        items, factors = effects(number, kind, size, frames, channels, of_seed)
        sets.append(Clips(items, factors, f"effects-{kind}", "rendered by minigen", loops=kind in LOOPING))
    return sets[0], sets[1]


def _of_film(
    place: str, frame: Frame, every: int, frames: int, stride: int, count: int | None
) -> tuple[Clips, Clips | None]:
    film = read_video(place, frame, every=every)
    assert film.factors is not None
    first = clips_windows.starts(film.factors["shot"], frames, stride)
    if not len(first):
        of = f" of every {every} of its frames" if every > 1 else ""
        raise DataError(
            f"its longest shot has {clips_windows.longest(film.factors['shot'])} frames{of}, fewer than a clip of "
            f"{frames}. Choose fewer --frames{', or a smaller --every' if every > 1 else ''}."
        )
    fps = frame_rate(place)
    items = np.stack([film.items[i : i + frames] for i in first])
    clips = Clips(items, film.factors[first], film.name, notes=film.notes, fps=fps and fps / every)
    return _split(clips, first, frames, count)


def _of_arrays(place: str, frame: Frame, frames: int, stride: int, count: int | None) -> tuple[Clips, Clips | None]:
    items, factors, notes = read_clip_array(place, frame)
    N, T = items.shape[:2]
    first = clips_windows.starts(np.repeat(np.arange(N), T), frames, stride)
    if not len(first):
        raise DataError(f"its clips have {T} frames, fewer than {frames}. Choose fewer --frames.")
    flat = items.reshape(N * T, *items.shape[2:])
    cut = items if T == frames else np.stack([flat[i : i + frames] for i in first])
    clips = Clips(cut, None if factors is None else factors[first // T], Path(place).stem, notes=notes)
    return _split(clips, first, frames, count)


def _split(clips: Clips, first: np.ndarray, frames: int, count: int | None) -> tuple[Clips, Clips | None]:
    """The windows to learn from, with a note on what was held out, and those."""
    learnt, held_out = clips_windows.split(first, frames)
    if not len(held_out):
        note = "Too few clips to hold any out: what is measured is measured on clips it learnt from."
        return replace(clips, notes=(*clips.notes, note)).first(count), None
    between = len(clips) - len(learnt) - len(held_out)
    note = f"Held out, to measure on: the last {len(held_out):,} of {len(clips):,} clips."
    if between:
        note += f" {between:,} more share frames with them and were left out."
    train = clips.take(learnt).first(count)
    return replace(train, notes=(*train.notes, note)), clips.take(held_out)

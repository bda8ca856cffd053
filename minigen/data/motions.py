"""Motion by name: what a user writes after --data becomes windows of motion, ready for training."""

import hashlib
import math
import os
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import numpy as np

from minigen.data.checking import whole
from minigen.data.motion import motion
from minigen.errors import DataError, SettingError
from minigen.motion import Carrier, Clip, Skeleton, carrier, from_features, read_motion, resample, to_features, windows
from minigen.motion.rates import as_rate

BUILT_IN = 3_000  # motions, where no number is asked for
HELD_OUT = 300  # built-in motions of another seed, to measure on


@dataclass(frozen=True, eq=False)
class Motions:
    """Windows of motion and their provenance; `open_motion` returns two, one to learn from and one held out.

    items: float32 (N, T, 6J + 4), features as `minigen.motion.to_features` lays them out, in metres, seconds, radians.
    takes: (N,), which clip each window is cut from.  labels: what is known of each window, such as {"action": (N,) of
    str}.  From items, `clip(i)` or `as_clip(x)` makes a moving skeleton again.
    """

    items: np.ndarray
    takes: np.ndarray
    skeleton: Skeleton
    carrier: Carrier
    fps: Fraction
    labels: dict[str, np.ndarray] = field(default_factory=dict)
    name: str = "motion"
    licence: str = "unknown"
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.items)

    @property
    def description(self) -> str:
        """How many of what, for a person."""
        N, T, F = self.items.shape
        clips = len(np.unique(self.takes))
        of = f" of {clips} clip{'s' * (clips != 1)}" if clips < N else ""
        return f"{N:,} windows of {T} frames × {F} numbers{of}, {float(self.fps):g} a second"

    @cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal digits of the SHA-256 of shape and numbers, rounded to a hundred-thousandth."""
        rounded = np.rint(self.items * 1e5).astype(np.int64)  # sin may differ in its last bit between machines
        return hashlib.sha256(repr(self.items.shape).encode() + rounded.tobytes()).hexdigest()[:16]

    def take(self, places: np.ndarray) -> "Motions":
        """The windows at these places, with their labels."""
        labels = {name: values[places] for name, values in self.labels.items()}
        return replace(self, items=self.items[places], takes=self.takes[places], labels=labels)

    def as_clip(self, x: np.ndarray, name: str = "clip") -> Clip:
        """The moving skeleton that (T, 6J + 4) numbers describe."""
        return from_features(x, self.skeleton, self.carrier, self.fps, name=name)

    def clip(self, i: int) -> Clip:
        """Window i as a moving skeleton."""
        return self.as_clip(self.items[i], f"{self.name}-{i}")


def open_motion(
    spec: str,
    *,
    count: int | None = None,
    window: int = 64,
    stride: int = 8,
    fps: float = 30,
    unit: str = "",
    drop_first: bool = False,
    held_out: float = 0.1,
    seed: int = 0,
) -> tuple[Motions, Motions | None]:
    """(windows to learn from, windows held out) of what a specification names: motion, or bvh:PATH.

    motion: `count` built-in clips of `window` frames, and others of another seed held out.  bvh:PATH: a file or a
    folder of BVH clips of one skeleton, resampled to `fps` (0: as the first), cut into a window every `stride` frames;
    clips shorter than a window are left out, and named in the notes.  A share `held_out` of the clips, at least one
    where there are two, is held out whole: windows of one clip overlap, and would tell a model what it is measured on.
    The split is drawn from `seed`.  SettingError for an unknown specification or setting, DataError for files that
    cannot be used; both name --data.
    """
    kind, colon, place = spec.partition(":")
    if kind not in ("motion", "bvh"):
        raise SettingError(f"--data {spec}: no motion. It is motion, or bvh:PATH.")
    if kind == "motion":
        if colon:
            raise SettingError(
                f"--data {spec}: built-in motion is made, not read; write --data motion, or bvh:{place}."
            )
        if unit or drop_first:
            raise SettingError("--unit and --drop-first are for BVH files; leave them out with --data motion.")
        return _built_in(whole("count", count or BUILT_IN, lowest=2), window, fps, seed)
    if not place:
        raise SettingError(f"--data {spec}: a path must follow, as in bvh:PATH.")
    if not 0 <= held_out < 1:
        raise SettingError(f"held_out is {held_out:g}; it must lie in [0, 1), a share of the clips.")
    place = os.path.normpath(os.path.expanduser(place))
    try:
        clips = read_motion(place, unit=_unit(unit), drop_first=drop_first)
        return _from_clips(clips, Path(place), count, window, stride, fps, held_out, seed)
    except (DataError, SettingError) as error:
        raise type(error)(f"--data {spec}: {str(error).removeprefix(f'{place}: ')}") from error
    except OSError as error:
        raise DataError(f"--data {spec}: cannot be read ({error.strerror}).") from error


def _built_in(count: int, window: int, fps: float, seed: int) -> tuple[Motions, Motions]:
    rate = as_rate(fps or 30)
    train, _ = motion(count, window, rate, seed=seed)
    other, _ = motion(HELD_OUT, window, rate, seed=seed + 1)
    body = carrier(train[0].skeleton, train)
    return tuple(  # type: ignore[return-value]
        Motions(
            np.stack([to_features(clip, body) for clip in clips]),
            np.arange(len(clips)),
            clips[0].skeleton,
            body,
            clips[0].fps,
            {"action": np.array([clip.labels["action"] for clip in clips])},
            "motion",
            "made by minigen",
        )
        for clips in (train, other)
    )


def _from_clips(
    clips: list[Clip], place: Path, count: int | None, window: int, stride: int, fps: float, share: float, seed: int
) -> tuple[Motions, Motions | None]:
    rate = as_rate(fps) if fps else clips[0].fps
    notes = [note for clip in clips for note in clip.notes]
    if any(clip.fps != rate for clip in clips):
        notes.append(f"Clips were resampled to {float(rate):g} frames a second.")
    clips = [resample(clip, rate) for clip in clips]
    clips, short = [c for c in clips if len(c) >= window], [c for c in clips if len(c) < window]
    if short:
        frames = ", ".join(f"{clip.name} has {len(clip)} frames" for clip in short)
        if not clips:
            raise DataError(f"no clip is as long as a window of {window}: {frames}. Choose a smaller --window.")
        notes.append(f"Left out, being shorter than a window of {window}: {frames}.")
    order = np.random.default_rng(seed).permutation(len(clips))
    kept_out = min(max(1, math.floor(share * len(clips) + 0.5)), len(clips) - 1) if share else 0
    sides = [sorted(order[kept_out:]), sorted(order[:kept_out])]
    body = carrier(clips[0].skeleton, [clips[i] for i in sides[0]])
    notes += body.notes
    parts: list[Motions | None] = []
    for which, chosen in enumerate(sides):
        items, takes = [], []
        for i in chosen:
            features = to_features(clips[i], body)
            for first in windows(len(features), window, stride, name=clips[i].name):
                items.append(features[first : first + window])
                takes.append(i)
        if not items:
            parts.append(None)
            continue
        kept = slice(None if which else count or None)
        if len(items[kept]) < len(items):
            notes.append(f"The first {count:,} of {len(items):,} windows were taken.")
        found = np.array(takes)[kept]
        names = set.intersection(*(set(clip.labels) for clip in clips))
        labels = {name: np.array([clips[i].labels[name] for i in found]) for name in sorted(names)}
        parts.append(
            Motions(
                np.stack(items[kept]),
                found,
                clips[0].skeleton,
                body,
                rate,
                labels,
                place.resolve().stem,
                notes=tuple(_counted(notes)),
            )
        )
    train, test = parts
    assert train is not None
    if test is not None:
        held = ", ".join(clips[i].name for i in sides[1])
        train = replace(train, notes=(*train.notes, f"Held out, to measure on: {held}."))
    return train, test


def _counted(notes: list[str]) -> list[str]:
    """Notes that begin alike once, the first of them, with how many there were."""
    groups: dict[str, list[str]] = {}
    for note in notes:
        groups.setdefault(note.partition(",")[0], []).append(note)
    return [alike[0] + (f" (So in {len(alike)} clips.)" if len(alike) > 1 else "") for alike in groups.values()]


def _unit(unit: str) -> float | str | None:
    try:
        return float(unit)
    except ValueError:
        return unit or None

"""Clips written as BVH files that Blender reads: a frame a line, three rotations a joint, angles without jumps."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from minigen.errors import DataError, SettingError
from minigen.files import write_atomically
from minigen.motion.hierarchy import CHANNELS
from minigen.motion.rotations import to_euler, unwrap
from minigen.motion.skeleton import Clip

_STILL = 1e-7  # metres: a joint that strays less from its mean does not move, by a tenth of what is promised
_FINE = 1e-8  # metres: to which lengths are written
_DEGREES = 7  # digits after the point of an angle
_POSITIONS = CHANNELS[:3]


def write_bvh(path: str | Path, clip: Clip, *, force: bool = False) -> None:
    """Write the clip as a BVH file, as a whole or not at all; `read_bvh` finds the same motion in it.

    Joint positions return to 1e-4 cm, rotations to 1e-4 degrees, the frame rate exactly.  What `bvh_text` says of
    channels holds.  SettingError if the file exists, unless `force`; DataError if it cannot be written, or if the clip
    holds what no BVH file can.
    """
    path = Path(path)
    if path.exists() and not force:
        raise SettingError(f"{path} exists already; choose another name, or overwrite with --force.")
    write_atomically(path, bvh_text(clip).encode())


def bvh_text(clip: Clip) -> str:
    """The text of a BVH file, lines ended by line feeds, joints in the order of a walk through the tree.

    Position channels stand on the root and on joints whose translation moves; a joint that only turns gets the mean of
    its translations as its OFFSET.  Rotation channels keep the joint's own order, as three or, where a joint has none
    and never turns, none: Blender's importer takes nothing between.
    """
    _check(clip)
    order = list(_walk(clip, 0))
    moves = _movers(clip)
    channels = {j: _channels(clip, j, moves[j]) for j in order}
    lines = ["HIERARCHY", *_joint(clip, 0, channels, moves, "")]
    lines += ["MOTION", f"Frames: {len(clip)}", f"Frame Time: {float(1 / clip.fps):.10f}"]
    columns, formats = _columns(clip, order, channels)
    row = " ".join(formats)
    lines += [row % tuple(numbers) for numbers in columns.tolist()]
    return "\n".join(lines) + "\n"


def _check(clip: Clip) -> None:
    if not len(clip):
        raise DataError(f"{clip.name}: has no frames; a BVH file needs one.")
    if not (np.isfinite(clip.rotations).all() and np.isfinite(clip.translations).all()):
        raise DataError(f"{clip.name}: holds a number that is not finite. Did the model that made it diverge?")
    names = clip.skeleton.names
    for name in names:
        if name != " ".join(name.split()) or not name or "{" in name or "}" in name or names.count(name) > 1:
            raise DataError(f"{clip.name}: {name!r} cannot name a joint in a BVH file. Rename it.")


def _walk(clip: Clip, j: int) -> Iterator[int]:
    """Joint j and all below it, each branch to its tip first: the order in which a BVH file lists channels."""
    yield j
    for child, parent in enumerate(clip.skeleton.parents):
        if parent == j:
            yield from _walk(clip, child)


def _movers(clip: Clip) -> np.ndarray:
    """Whether each joint's translation moves, (J,); the root always counts."""
    strays = np.abs(clip.translations - clip.translations.mean(axis=0)).max(axis=(0, 2))
    moves = strays * clip.skeleton.metres > _STILL
    moves[0] = True
    return moves


def _channels(clip: Clip, j: int, moves: bool) -> tuple[str, ...]:
    """The joint's channels in its own order where that will do, positions first where some must be added."""
    own = clip.skeleton.channels[j]
    turns = tuple(channel for channel in own if channel.endswith("rotation"))
    if turns or not np.allclose(clip.rotations[:, j], np.eye(3), rtol=0, atol=1e-9):
        turns += tuple(f"{axis}rotation" for axis in "ZXY" if f"{axis}rotation" not in turns)
    if not moves:
        return turns
    return own if set(own) == {*_POSITIONS, *turns} else _POSITIONS + turns


def _joint(clip: Clip, j: int, channels: dict[int, tuple[str, ...]], moves: np.ndarray, indent: str) -> Iterator[str]:
    """The lines of joint j and of all below it."""
    skeleton = clip.skeleton
    offset = skeleton.offsets[j] if moves[j] else clip.translations[:, j].mean(axis=0)
    children = [child for child, parent in enumerate(skeleton.parents) if parent == j]
    yield f"{indent}{'JOINT' if j else 'ROOT'} {skeleton.names[j]}"
    yield f"{indent}{{"
    yield f"{indent}  OFFSET {_lengths(clip, offset)}"
    yield f"{indent}  CHANNELS {' '.join([str(len(channels[j])), *channels[j]])}"
    for child in children:
        yield from _joint(clip, child, channels, moves, indent + "  ")
    end = skeleton.ends.get(j)
    if end is not None or not children:  # readers expect each branch to end in an End Site
        yield from (f"{indent}  End Site", f"{indent}  {{")
        yield f"{indent}    OFFSET {_lengths(clip, np.array(end or (0.0, 0.0, 0.0)))}"
        yield f"{indent}  }}"
    yield f"{indent}}}"


def _columns(clip: Clip, order: list[int], channels: dict[int, tuple[str, ...]]) -> tuple[np.ndarray, list[str]]:
    """The numbers of all channels, (T, C), and how each is to be printed."""
    axes = {j: "".join(name[0] for name in channels[j] if name.endswith("rotation")) for j in order}
    angles = np.zeros((*clip.translations.shape[:2], 3))
    for alike in set(axes.values()) - {""}:
        joints = [j for j in order if axes[j] == alike]
        angles[:, joints] = unwrap(to_euler(clip.rotations[:, joints], alike))
    columns, formats = [], []
    for j in order:
        for name in channels[j]:
            if name.endswith("position"):
                column, digits = clip.translations[:, j, "XYZ".index(name[0])], _digits(clip)
            else:
                column, digits = angles[:, j, axes[j].index(name[0])], _DEGREES
            columns.append(np.round(column, digits) + 0.0)  # + 0.0: no −0
            formats.append(f"%.{digits}f")
    return np.stack(columns, axis=1), formats


def _digits(clip: Clip) -> int:
    """Digits after the point of a length."""
    return max(0, math.ceil(math.log10(clip.skeleton.metres / _FINE)))


def _lengths(clip: Clip, offset: np.ndarray) -> str:
    digits = _digits(clip)
    return " ".join(f"{number + 0.0:.{digits}f}" for number in np.round(offset, digits).tolist())

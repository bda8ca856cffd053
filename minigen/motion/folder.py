"""A BVH file, or a folder of them, as clips of one skeleton."""

import dataclasses
import re
from pathlib import Path

import numpy as np

from minigen.errors import DataError
from minigen.motion.bvh import read_bvh
from minigen.motion.skeleton import Clip, Skeleton

_LABELLED = re.compile(r"(?P<action>[^_]+)_(?P<style>[^_]+)_\d+")


def read_motion(path: str | Path, *, unit: float | str | None = None, drop_first: bool = False) -> list[Clip]:
    """The clips in a .bvh file, or in those of a folder (not of the folders in it), in natural order.

    unit, drop_first: as in `read_bvh`.  Where all the names have the form action_style_take, such as
    walk_not-confident_001, the clips are labelled with action and style.  Other files are counted in the first clip's
    notes.  Clips may differ in frame rate and length.
    DataError, naming the file, if one cannot be read, if there is none, or if two differ in skeleton or unit.
    """
    path = Path(path)
    files, others = _files(path) if path.is_dir() else ([path], 0)
    clips: list[Clip] = []
    for file in files:
        clip = read_bvh(file, unit=unit, drop_first=drop_first)
        if clips and not clips[0].skeleton.same(clip.skeleton):
            difference = _difference(clips[0].skeleton, clip.skeleton)
            raise DataError(
                f"{file} and {files[0].name} have different skeletons: {difference}. Keep one skeleton to a folder."
            )
        clips.append(clip)
    matches = [_LABELLED.fullmatch(file.stem) for file in files]
    if all(matches):
        clips = [
            dataclasses.replace(clip, labels=match.groupdict())
            for clip, match in zip(clips, matches, strict=True)
            if match
        ]
    if others:
        note = f"{others} of the files in {path} are not BVH by name and were left out."
        clips[0] = dataclasses.replace(clips[0], notes=(*clips[0].notes, note))
    return clips


def _files(folder: Path) -> tuple[list[Path], int]:
    """The BVH files of a folder, and how many others it has."""
    try:
        files = [entry for entry in folder.iterdir() if not entry.is_dir()]
    except OSError as error:
        raise DataError(f"{folder}: cannot be read ({error.strerror}). Name a folder of BVH files.") from error
    motion = [file for file in files if file.suffix.lower() == ".bvh" and not file.name.startswith(".")]
    if not motion:
        has = f"none of its {len(files)} files ends in .bvh" if files else "has no files"
        raise DataError(f"{folder}: {has}. Name a BVH file, or a folder that has some directly in it.")
    return sorted(motion, key=_natural), len(files) - len(motion)


def _natural(file: Path) -> tuple[list[str | int], str]:
    """A sorting key by which walk_9 comes before walk_10."""
    parts = re.split("([0-9]+)", file.name.casefold())  # every second part is a number
    return [int(part) if i % 2 else part for i, part in enumerate(parts)], file.name


def _difference(first: Skeleton, second: Skeleton) -> str:
    """The first thing in which the second skeleton is unlike the first, as a clause."""
    if len(first) != len(second):
        return f"{len(second)} joints against {len(first)}"
    for j, (name, other) in enumerate(zip(first.names, second.names, strict=True)):
        if name != other:
            return f"joint {j + 1} is {other} against {name}"
    for name, parent, another in zip(first.names, first.parents, second.parents, strict=True):
        if parent != another:
            return f"{name} hangs on {first.names[another]} against {first.names[parent]}"
    if first.metres != second.metres:
        return f"a unit of {second.metres:g} m against {first.metres:g} m (give --unit if that was guessed)"
    far = np.abs(first.offsets - second.offsets).max(axis=1) * (np.arange(len(first)) > first.body)
    j = int(np.argmax(far > 1e-3 * first.reach))
    a, b = (f"({', '.join(f'{number:g}' for number in s.offsets[j])})" for s in (first, second))
    return f"the OFFSET of {first.names[j]} is {b} against {a}"

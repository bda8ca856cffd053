"""Moving pictures, as the file's name says: GIF, MP4, or numbered PNG files."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from minigen.data.video import find_ffmpeg
from minigen.errors import SettingError
from minigen.train.gif import delays, exact_fps, save_gif
from minigen.train.mp4 import save_mp4
from minigen.train.pictures import at_least, enlarged, save_png

__all__ = ["check_free", "files", "kind_of", "numbered", "save_animation", "save_frames", "save_gif", "save_mp4"]

ENDINGS = ".gif, .mp4 or .####.png (each # is a digit of the frame's number)"


def save_animation(
    path: Path,
    frames: Sequence[np.ndarray],
    fps: float,
    *,
    scale: int | None = None,
    repeat: int = 1,
    start: int = 1,
    force: bool = False,
    text: Mapping[str, str] | None = None,
) -> list[Path]:
    """Write the frames as the kind of file that `path` ends in; returns the files written.

    frames: pictures (H, W, C) of one shape.  scale: a whole factor; by default GIF and MP4 are enlarged until they
    can be looked at and PNG frames are left as they are.  repeat: rounds in an MP4, which has no loop of its own.
    SettingError for another ending, and for files that exist already unless `force`: then nothing is written.
    """
    paths = files(path, len(frames), fps, repeat=repeat, start=start, force=force)
    kind = kind_of(path)
    if kind == "frames":
        return save_frames(path, enlarged(frames, scale or 1), start=start, force=force, text=text)
    if kind == "gif":
        save_gif(path, enlarged(frames, scale), fps, text=text)
    else:
        save_mp4(path, enlarged(frames, scale), fps, repeat=repeat, text=text)
    return paths


def files(path: Path, count: int, fps: float, *, repeat: int = 1, start: int = 1, force: bool = False) -> list[Path]:
    """What `save_animation` would write for `count` frames; its SettingErrors, before a frame is drawn."""
    kind = kind_of(path)
    if kind is None:
        raise SettingError(f"{path}: not a kind of animation; name a file that ends in {ENDINGS}.")
    at_least("repeat", repeat, 1)
    if repeat > 1 and kind != "mp4":
        raise SettingError(f"{path}: repeat {repeat} is for .mp4; a GIF goes round by itself. Leave it out.")
    exact_fps(fps)
    if kind == "frames":
        paths = numbered(path, count, start)
    else:
        paths = [path]
        if kind == "gif":
            delays(1, fps)
        else:
            find_ffmpeg()
    check_free(paths, force)
    return paths


def kind_of(path: Path) -> str | None:
    """ "gif", "mp4" or "frames", by the file's ending; None for any other."""
    if path.suffix.lower() == ".png" and "#" in path.name:
        return "frames"
    return {".gif": "gif", ".mp4": "mp4"}.get(path.suffix.lower())


def check_free(paths: Sequence[Path], force: bool) -> None:
    """SettingError if a file is there already, unless `force`, or if its folder is a file."""
    found = [path for path in paths if os.path.exists(path)]  # Path.exists raises where a name is too long
    if found and not force:
        others = f", and {len(found) - 1} more," if len(found) > 1 else ""
        raise SettingError(f"{found[0]}{others} exists already; choose another --out, or overwrite with --force.")
    for folder in paths[0].parents:
        if os.path.exists(folder) and not folder.is_dir():
            raise SettingError(f"{paths[0]}: {folder} is a file, not a folder; choose another --out.")


# Numbered frames ----------------------------------------------------------------------------------------------------


def save_frames(
    pattern: Path,
    frames: Sequence[np.ndarray],
    *,
    start: int = 1,
    force: bool = False,
    text: Mapping[str, str] | None = None,
) -> list[Path]:
    """Write frame after frame as PNG: name.####.png becomes name.0001.png and so on; returns the files written.

    The number of # is the number of digits.  SettingError, before anything is written, for a name without or with
    two groups of #, for frames that need more digits, and for files that exist already unless `force`.
    """
    pictures = enlarged(frames, 1)
    paths = numbered(pattern, len(pictures), start)
    check_free(paths, force)
    for number, (path, picture) in enumerate(zip(paths, pictures, strict=True), start):
        save_png(path, picture, {**(text or {}), "frame": str(number)})
    return paths


def numbered(pattern: Path, count: int, start: int = 1) -> list[Path]:
    """The names of `count` frames: shot.####.png gives shot.0001.png, shot.0002.png, …"""
    groups = re.findall("#+", pattern.name)
    if len(groups) != 1:
        raise SettingError(f"{pattern}: needs one group of #, where the frame's number goes, as in shot.####.png.")
    at_least("start", start, 0)
    width, last = len(groups[0]), start + count - 1
    if len(str(last)) > width:
        raise SettingError(f"{pattern}: frame {last} has more digits than there are #. Write {'#' * len(str(last))}.")
    return [pattern.with_name(pattern.name.replace(groups[0], f"{start + i:0{width}d}")) for i in range(count)]

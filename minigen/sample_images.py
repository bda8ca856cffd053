"""What `python -m minigen.sample` makes of images and clips: grids, strips, films, numbered frames, sprite sheets."""

import math
from fractions import Fraction
from pathlib import Path

import numpy as np

from minigen.sample_exr import save_exr
from minigen.sample_plan import Options, Plan
from minigen.sample_sheet import save_sheet
from minigen.train import animation, pictures

WALL = 128  # pixels: the side to which a clip among others is enlarged
REST = Fraction(1, 2)  # of a second: how long a GIF shows the last frame of a clip that does not come round


def write(items: np.ndarray, loops: bool, options: Options, asked: Plan, notes: dict[str, str]) -> list[Path]:
    """Write images (N, H, W, C) or clips (N, T, H, W, C) as planned; returns the files.

    loops: whether frame T of a clip is its frame 0.
    """
    if asked.kind == "exr":
        return _exr(items, options, asked, notes)
    if options.alpha:
        items = pictures.with_alpha(items)
    if asked.kind == "sheet":
        return _sheet(items, loops if asked.frames > 1 else options.loop, options, asked, notes)
    if asked.kind in ("grid", "strips"):
        columns = options.columns if asked.kind == "grid" else asked.frames
        pictures.save_png(asked.out, pictures.grid(_in_a_row(items), columns, scale=options.scale), notes)
        return [asked.out]
    frames, scale = list(_in_a_row(items)), options.scale
    if asked.frames > 1 and len(items) > 1:
        frames, scale = _wall(items, options), 1
    if asked.frames > 1 and not loops and animation.kind_of(asked.out) == "gif":  # which goes round all the same
        frames += frames[-1:] * round(REST * asked.fps)
    return animation.save_animation(
        asked.out,
        frames,
        float(asked.fps),
        scale=scale,
        repeat=asked.repeat,
        start=asked.start,
        force=options.force,
        text=notes,
    )


def _in_a_row(items: np.ndarray) -> np.ndarray:
    """Images as they are; the frames of clips, clip after clip: (N, T, H, W, C) → (N · T, H, W, C)."""
    return items.reshape(-1, *items.shape[-3:])


def _wall(clips: np.ndarray, options: Options) -> list[np.ndarray]:
    """All clips playing side by side, frame by frame."""
    N, T, H, W, _ = clips.shape
    columns, scale = options.columns or max(4, math.ceil(math.sqrt(N))), options.scale or math.ceil(WALL / max(H, W))
    return [pictures.grid(clips[:, t], columns, scale=scale) for t in range(T)]


def _exr(items: np.ndarray, options: Options, asked: Plan, notes: dict[str, str]) -> list[Path]:
    frames = pictures.enlarge(_in_a_row(items), options.scale or 1)
    paths = animation.numbered(asked.out, len(frames), asked.start)
    for number, (path, frame) in enumerate(zip(paths, frames, strict=True), asked.start):
        save_exr(path, frame, float(asked.fps), alpha=options.alpha, text={**notes, "frame": str(number)})
    return paths


def _sheet(items: np.ndarray, loop: bool, options: Options, asked: Plan, notes: dict[str, str]) -> list[Path]:
    """One animation a clip, a row each unless --columns says otherwise; a walk or a loop is one animation.

    They are named after the file, and the seed where there are several: engines keep the names of all sheets together.
    """
    frames = pictures.enlarge(_in_a_row(items), options.scale or 1)
    name, T, columns = asked.out.stem, asked.frames, options.columns
    tags = [(name, 0, len(frames) - 1)]
    if T > 1 and len(items) > 1:
        tags = [(f"{name} {seed}", i * T, i * T + T - 1) for i, seed in enumerate(asked.seeds)]
        columns = columns or T
    return save_sheet(
        asked.out, frames, float(asked.fps), tags=tags, columns=columns, loop=loop, seeds=asked.seeds, text=notes
    )

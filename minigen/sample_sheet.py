"""Sprite sheets for game engines: all frames in one PNG, and a JSON file that says where each of them is."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import minigen
from minigen.files import write_atomically
from minigen.train.gif import exact_fps
from minigen.train.pictures import save_png, to_pixels


def save_sheet(
    path: Path,
    frames: np.ndarray,
    fps: float,
    *,
    tags: Sequence[tuple[str, int, int]],
    columns: int | None = None,
    loop: bool = False,
    seeds: Sequence[int] = (),
    text: Mapping[str, str] | None = None,
) -> list[Path]:
    """Write frames (K, H, W, C) row by row, without gaps, as PNG beside `path`, and `path` as JSON; returns both.

    tags: (name, first frame, last frame) of each animation.  columns: default the smallest square.  loop: whether the
    first frame follows the last.  The JSON has what a program that counts frames needs (frame_width, columns, …) and,
    under `frames`, `animations` and `meta`, what loaders of TexturePacker's and Aseprite's atlases read, frames being
    named "0", "1", …; their durations are whole milliseconds, the sum of which is right.
    """
    frames = to_pixels(frames)
    K, H, W, C = frames.shape
    columns = min(K, math.ceil(math.sqrt(K)) if columns is None else columns)
    rows = -(-K // columns)
    cells = np.concatenate([frames, np.zeros((rows * columns - K, H, W, C), np.uint8)])
    picture = cells.reshape(rows, columns, H, W, C).swapaxes(1, 2).reshape(rows * H, columns * W, C)
    image = path.with_suffix(".png")
    facts = {
        "image": image.name,
        "frame_width": W,
        "frame_height": H,
        "columns": columns,
        "rows": rows,
        "count": K,
        "fps": float(exact_fps(fps)),
        "loop": loop,
        "alpha": C == 4,
        "seeds": list(seeds),
        "about": dict(text or {}),
        "frames": _atlas(K, H, W, columns, fps),
        "animations": {name: [str(k) for k in range(first, last + 1)] for name, first, last in tags},
        "meta": {
            "app": "minigen",
            "version": minigen.__version__,
            "image": image.name,
            "format": "RGBA8888" if C == 4 else "RGB888" if C == 3 else "I8",
            "size": {"w": columns * W, "h": rows * H},
            "scale": "1",
            "frameTags": [
                {"name": name, "from": first, "to": last, "direction": "forward"} for name, first, last in tags
            ],
        },
    }
    save_png(image, picture, text)
    write_atomically(path, (json.dumps(facts, indent=1, ensure_ascii=False) + "\n").encode())
    return [path, image]


def _atlas(K: int, H: int, W: int, columns: int, fps: float) -> dict[str, Any]:
    """By the frames' names, the rectangle of each, which is not trimmed, and how long it is shown."""
    rate, whole = exact_fps(fps), {"w": W, "h": H}
    times = [round(1000 * k / rate) for k in range(K + 1)]
    frames = {}
    for k in range(K):
        frames[str(k)] = {
            "frame": {"x": k % columns * W, "y": k // columns * H, **whole},
            "rotated": False,
            "trimmed": False,
            "spriteSourceSize": {"x": 0, "y": 0, **whole},
            "sourceSize": whole,
            "duration": times[k + 1] - times[k],
        }
    return frames

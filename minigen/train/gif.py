"""Animated GIF with exact time and no flicker of colours."""

import io
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from minigen.errors import SettingError
from minigen.files import write_atomically
from minigen.train.pictures import enlarged, to_pillow


def save_gif(
    path: Path, frames: Sequence[np.ndarray], fps: float, *, loop: bool = True, text: Mapping[str, str] | None = None
) -> None:
    """Write an animated GIF: grey exactly, colour in one palette of 256 for all frames, so that none flickers.

    Its length is that of the frames to a hundredth of a second.  Equal neighbours become one frame shown longer.
    SettingError above 50 frames a second, which viewers slow down.
    """
    pictures = _paletted(enlarged(frames, 1))
    comment = "\n".join(f"{key}: {value}" for key, value in (text or {}).items())
    options: dict[str, Any] = {"loop": 0} if loop else {}
    file = io.BytesIO()
    pictures[0].save(
        file,
        "GIF",
        save_all=True,
        append_images=pictures[1:],
        duration=delays(len(pictures), fps),
        optimize=False,
        comment=comment.encode(),
        **options,
    )
    write_atomically(path, file.getvalue())


def delays(count: int, fps: float) -> list[int]:
    """How long each frame of a GIF is shown, in milliseconds that are multiples of 10, the unit of the format.

    Rounding the *times* and not the delays keeps the sum right: 24 frames at 24 fps last 1,000 ms.

    >>> delays(6, 24)
    [40, 40, 40, 50, 40, 40]
    """
    rate = exact_fps(fps)
    if rate > 50:
        raise SettingError(f"fps is {fps:g}; a GIF shows at most 50 frames a second. Use .mp4, or fewer.")
    return [10 * (round(100 * (k + 1) / rate) - round(100 * k / rate)) for k in range(count)]


def gif_rate(fps: Fraction) -> Fraction:
    """The most frames a second that a GIF can show of a film of `fps`: the film's own, or a whole part of it."""
    return fps / -(-fps // 50)


def exact_fps(fps: float) -> Fraction:
    """Frames a second as a fraction: 23.976 is 24000/1001, 29.97 is 30000/1001, 24 is 24, 12.5 is 25/2."""
    if not 0.01 <= fps <= 1000:
        raise SettingError(f"fps is {fps:g}; it must lie between 0.01 and 1000.")
    ntsc = Fraction(round(fps * 1.001) * 1000, 1001)
    if ntsc and abs(fps / ntsc - 1) < 1e-4:
        return ntsc
    return Fraction(fps).limit_denominator(1001)


def _paletted(frames: list[np.ndarray]) -> list[Any]:
    """Pillow images: grey ones as they are, coloured ones as indices into one palette common to all."""
    if frames[0].shape[2] == 1:
        return [to_pillow(frame) for frame in frames]
    from PIL import Image

    packed = [frame.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32) for frame in frames]
    colours = np.unique(np.concatenate([np.unique(codes) for codes in packed]))
    palette = _palette(frames, colours)
    number = _nearest(_unpacked(colours), palette)  # of each colour that occurs
    images = []
    for codes in packed:
        image = Image.fromarray(number[np.searchsorted(colours, codes)])
        image.putpalette(palette.tobytes())
        images.append(image)
    return images


def _palette(frames: list[np.ndarray], colours: np.ndarray) -> np.ndarray:
    """At most 256 colours for all frames together, uint8 (colours, 3): exactly theirs, if they have no more."""
    if len(colours) <= 256:
        return _unpacked(colours)
    from PIL import Image

    pixels = np.concatenate([frame.reshape(-1, 3) for frame in frames])
    if len(pixels) > 50_000:  # as many tell as much as all, in a hundredth of the time
        pixels = pixels[np.random.default_rng(0).integers(0, len(pixels), 50_000)]
    quantised = Image.fromarray(pixels[None]).quantize(256, Image.Quantize.MEDIANCUT, kmeans=1)
    return np.array(quantised.getpalette(), np.uint8).reshape(-1, 3)


def _unpacked(colours: np.ndarray) -> np.ndarray:
    return np.stack([colours >> 16, colours >> 8 & 255, colours & 255], axis=-1).astype(np.uint8)


def _nearest(colours: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """The number of the palette's nearest colour for each colour, uint8."""
    P = palette.astype(np.float32)
    parts = []
    for start in range(0, len(colours), 16_384):  # 16 MB of distances at a time
        c = colours[start : start + 16_384].astype(np.float32)
        parts.append(((P * P).sum(1) - 2 * c @ P.T).argmin(axis=1))  # ‖c‖² is the same for all
    return np.concatenate(parts).astype(np.uint8)

"""Clips of motion as films, walls of films and strips of poses: stick figures, uint8.

One scale holds for a whole film, wall or strip, chosen so that nothing is cut off.  The camera goes along with the
body and does not turn; the ground stays behind.  How a figure looks is told in stick_cell.py.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigen.data.checking import whole
from minigen.errors import DataError, SettingError
from minigen.motion.skeleton import Clip
from minigen.train.stick_cell import FINE, INK, PAPER, Cell, margin
from minigen.train.stick_figure import Figure, figure

SMALLEST = 32  # pixels: a figure smaller than that cannot be read


def stick_film(clip: Clip, views: Sequence[str] = ("side", "front"), size: int = 192, label: str = "") -> np.ndarray:
    """The clip, seen from each of the views, side by side: uint8 (T, size, size · views, 3).

    views: of side (it goes to the right), front (it comes nearer) and three_quarter.  label: a line above the figures.
    """
    return _film(_cells([[figure(clip)]] * len(_some("views", views)), views, size, label), len(views), size, label)


def overlay_film(
    original: Clip,
    reconstruction: Clip,
    views: Sequence[str] = ("side", "front"),
    size: int = 192,
    label: str = "",
    align: bool = False,
) -> np.ndarray:
    """The reconstruction in colours over the original in pale grey: uint8 (T, size, size · views, 3).

    The camera goes with the original, so drift shows; align: the reconstruction is carried along with it in each frame
    instead, and only the poses differ.  The longer clip is cut.  DataError where the frame rates differ.
    """
    below, above = figure(original), figure(reconstruction)
    _same_rate([below, above])
    T = min(len(below), len(above))
    if align:
        away = above.points[:T, above.carrier] - below.points[:T, below.carrier]
        above.points[:T] -= (away * [1, 0, 1])[:, None]
    return _film(_cells([[below, above]] * len(_some("views", views)), views, size, label), len(views), size, label)


def film_wall(
    clips: Sequence[Clip], columns: int = 4, size: int = 128, view: str = "side", label: str = ""
) -> np.ndarray:
    """The clips in rows of `columns`, at one scale, cut to the shortest: uint8 (T, rows · size, columns · size, 3)."""
    figures = [figure(clip) for clip in _some("clips", clips)]
    _same_rate(figures)
    columns = min(whole("columns", columns, lowest=1), len(figures))
    return _film(_cells([[f] for f in figures], [view] * len(figures), size, ""), columns, size, label)


def strip_wall(
    clips: Sequence[Clip], poses: int = 8, view: str = "side", size: int = 160, labels: Sequence[str] = ()
) -> np.ndarray:
    """A strip for each clip, one under the other at one scale, each under its label: uint8 (H, W, 3).

    labels: one a clip, or none.  SettingError where a clip has fewer frames than poses.
    """
    figures = [figure(clip) for clip in _some("clips", clips)]
    whole("poses", poses, lowest=1)
    labels = list(labels) or [""] * len(figures)
    if len(labels) != len(figures):
        raise SettingError(f"strip_wall: {len(labels)} labels for {len(figures)} clips; give one for each, or none.")
    for f in figures:
        if len(f) < poses:
            raise SettingError(f"poses is {poses}, but {f.name} has {len(f)} frames. Ask for fewer poses.")
    rows = []
    for text, cell in zip(labels, _cells([[f] for f in figures], [view] * len(figures), size, "", True), strict=True):
        moments = np.linspace(0, len(cell) - 1, poses).round().astype(int)
        strip = np.concatenate([cell.draw(t) for t in moments.tolist()], axis=1)
        rows += [_title(text, strip.shape[1], size), strip]
    return np.concatenate(rows)


# Many cells ---------------------------------------------------------------------------------------------------------


def _cells(
    groups: Sequence[Sequence[Figure]], views: Sequence[str], size: int, label: str, narrow: bool = False
) -> list[Cell]:
    """A cell for each group, all at one scale and on one level; narrow: no wider than the widest needs."""
    whole("size", size, lowest=SMALLEST)
    cells = [Cell(group, view) for group, view in zip(groups, views, strict=True)]
    low = min(c.low for c in cells)
    least = 0.1 * max(f.stature for c in cells for f in c.figures)  # what lies flat or points at us has no extent
    tall = max(least, *(c.high - low for c in cells))
    wide = max(least, *(c.right - c.left for c in cells))
    height = size - len(_title(label, size, size))
    room = FINE * height - 2 * margin(height)
    if narrow:
        scale = room / tall
        width = min(2 * size, int(np.ceil((wide * scale + 2 * margin(height)) / FINE)))
    else:
        width = size
    scale = min(room / tall, (FINE * width - 2 * margin(height)) / wide)
    for cell in cells:
        cell.fit(height, width, scale, low)
    return cells


def _film(cells: Sequence[Cell], columns: int, size: int, label: str) -> np.ndarray:
    """The cells in rows of `columns`, under the label, for as many frames as the shortest has."""
    T = min(len(cell) for cell in cells)
    height, width = cells[0].height, cells[0].width
    title = _title(label, columns * width, size)
    rows = -(-len(cells) // columns)
    film = np.empty((T, len(title) + rows * height, columns * width, 3), np.uint8)
    film[:] = PAPER
    film[:, : len(title)] = title
    for n, cell in enumerate(cells):
        top, left = len(title) + n // columns * height, n % columns * width
        for t in range(T):
            film[t, top : top + height, left : left + width] = cell.draw(t)
    return film


def _title(text: str, width: int, size: int) -> np.ndarray:
    """A line of text as a picture (h, width, 3), cut where it is too long; of height 0 where there is none."""
    text = " ".join(text.split())[:width]
    if not text:
        return np.empty((0, width, 3), np.uint8)
    from PIL import Image, ImageDraw, ImageFont

    letter = max(9, size // 13)
    font = ImageFont.load_default(letter)
    image = Image.new("RGB", (width, letter + 6), PAPER)
    pen = ImageDraw.Draw(image)
    while pen.textlength(text, font) > width - 8 and len(text) > 1:
        text = text[:-2] + "…"
    pen.text((4, 2), text, fill=INK, font=font)
    return np.asarray(image)


def _some(name: str, items: Sequence[Any]) -> Sequence[Any]:
    if not len(items):
        raise SettingError(f"{name} is empty; there must be at least one to draw.")
    return items


def _same_rate(figures: Sequence[Figure]) -> None:
    for f in figures:
        if f.fps != figures[0].fps:
            raise DataError(
                f"{f.name} has {f.fps:g} frames a second, {figures[0].name} {figures[0].fps:g}. Resample one of them."
            )

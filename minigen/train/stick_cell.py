"""One view of stick figures as pictures: the ground that stays behind, the shadow, the limbs from far to near.

Left limbs are blue, right ones orange-red, the rest is dark.  Lines on the ground are half a metre apart and belong to
the world, so that travel shows, and a foot that slides over them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minigen.train.stick_figure import Camera, Figure

Colour = tuple[int, int, int]

PAPER: Colour = (252, 251, 248)
GROUND: Colour = (238, 236, 230)
LINES: Colour = (205, 201, 191)
SHADOW: Colour = (196, 192, 182)
INK: Colour = (38, 38, 42)
# Okabe & Ito's blue and vermilion, told apart by readers with any kind of colour vision, and by their greys.
LIMBS: Mapping[str, Colour] = {"left": (0, 114, 178), "right": (213, 94, 0), "": INK}
PALE: Mapping[str, Colour] = dict.fromkeys(LIMBS, (176, 176, 178))

RIM = 4  # fine pixels by which a limb's rim is wider than the limb
FINE = 3  # drawn at three times the size, then averaged
TILE_M = 0.5  # between two lines on the ground


class Cell:
    """One view of figures on one ground, the last in colours, those under it in grey; the camera follows the first.

    fit, then draw(t).  low, high, left, right: what the figures reach, in metres, over all frames.
    """

    def __init__(self, figures: Sequence[Figure], view: str):
        self.figures, self.camera = figures, Camera(figures[0], view)
        self.T = min(len(f) for f in figures)
        self.seen = [self.camera.see(f.points[: self.T]) for f in figures]
        bounds = []
        for f, seen in zip(figures, self.seen, strict=True):
            drawn = sorted({k for limb in f.limbs for k in limb.points})
            low, high = seen[:, drawn, :2].min(axis=(0, 1)), seen[:, drawn, :2].max(axis=(0, 1))
            if f.has_head:
                low = np.minimum(low, seen[:, -1, :2].min(axis=0) - f.head_radius)
                high = np.maximum(high, seen[:, -1, :2].max(axis=0) + f.head_radius)
            bounds.append([low, high])
        (self.left, low), (self.right, self.high) = np.min(bounds, axis=0)[0], np.max(bounds, axis=0)[1]
        self.low = min(low, 0.0)

    def __len__(self) -> int:
        return self.T

    def fit(self, height: int, width: int, scale: float, low: float) -> None:
        """Settle the picture's size, its scale (fine pixels a metre) and what lies at its lower edge."""
        self.height, self.width = height, width
        self.bone = max(2, round(FINE * height / 46))  # the thickness of a limb
        middle = (self.left + self.right) / 2
        origin = np.array([FINE * width / 2 - middle * scale, FINE * height - margin(height) + low * scale])
        flip = np.array([scale, -scale])
        self.points = [(origin + flip * seen[..., :2]).tolist() for seen in self.seen]
        self.orders = []  # of limbs and, last in number, the head: the farthest first
        for f, seen in zip(self.figures, self.seen, strict=True):
            parts = [list(limb.points) for limb in f.limbs] + ([[-1]] if f.has_head else [])
            nearness = np.stack([seen[:, part, 2].mean(axis=1) for part in parts], axis=1)
            self.orders.append(np.argsort(nearness, kind="stable").tolist())
        flat = self.figures[0].points[: self.T] * [1, 0, 1] + [0, self.figures[0].floor, 0]
        self.shadows = (origin + flip * self.camera.see(flat)[..., :2]).tolist()
        self.radii = [f.head_radius * scale for f in self.figures]
        self.lines, self.horizon = self._ground(origin, flip, scale)

    def _ground(self, origin: np.ndarray, flip: np.ndarray, scale: float) -> tuple[list[Any], float]:
        """For each frame the lines on the ground, longer than can be seen; and how high in the picture it ends."""
        tilt = float(self.camera.axes[2, 1])  # the sine of the camera's elevation
        size = max(FINE * self.width / scale, FINE * self.height / scale * 0.2 / tilt)
        tile = TILE_M * max(1, round(size / 8))  # where a body drifts far away, fewer lines
        frames = []
        for place in self.camera.followed[: self.T]:
            ends = []
            for a, b in (self.camera.ground_axes, self.camera.ground_axes[::-1]):
                first = np.ceil((place @ a - size) / tile) * tile
                for at in np.arange(first, place @ a + size, tile) - place @ a:
                    ends.append([at * a - size * b, at * a + size * b])
            frames.append((origin + flip * (np.array(ends) @ self.camera.axes.T)[..., :2]).reshape(-1, 4).tolist())
        return frames, max(0.0, origin[1] - 0.5 * self.figures[0].stature * tilt * scale)

    def draw(self, t: int) -> np.ndarray:
        """Frame t: uint8 (height, width, 3)."""
        from PIL import Image, ImageDraw

        image = Image.new("RGB", (FINE * self.width, FINE * self.height), GROUND)
        pen = ImageDraw.Draw(image)
        for line in self.lines[t]:
            pen.line(line, fill=LINES, width=FINE)
        pen.rectangle((0, 0, FINE * self.width, self.horizon), fill=PAPER)
        if len(self.figures) == 1:
            for limb in self.figures[0].limbs:
                _stroke(pen, [self.shadows[t][k] for k in limb.points], SHADOW, self.bone // 2)
        for n, f in enumerate(self.figures):
            colours = PALE if n < len(self.figures) - 1 else LIMBS
            self._figure(pen, f, self.points[n][t], self.orders[n][t], self.radii[n], colours)
        return np.asarray(image.reduce(FINE))

    def _figure(
        self, pen: Any, f: Figure, points: Any, order: Sequence[int], radius: float, colours: Mapping[str, Colour]
    ) -> None:
        """One figure, the farthest part first, each with a rim of paper that parts it from what it crosses."""
        for n in order:
            if n == len(f.limbs):
                x, y = points[-1]
                for r, colour in ((radius + RIM / 2, PAPER), (radius, colours[""])):
                    pen.ellipse((x - r, y - r, x + r, y + r), fill=colour)
                continue
            limb = f.limbs[n]
            way = [points[k] for k in limb.points]
            thick = max(1, self.bone // 2) if limb.thin else self.bone
            _stroke(pen, way[1:] if limb.side else way, PAPER, thick + RIM)
            _stroke(pen, way, colours[limb.side], thick)


def _stroke(pen: Any, way: Sequence[Sequence[float]], colour: Colour, thick: int) -> None:
    """A line through the points, with round ends and joints."""
    r = thick / 2
    for a, b in zip(way, way[1:], strict=False):
        pen.line((*a, *b), fill=colour, width=thick)
    for x, y in way:
        pen.ellipse((x - r, y - r, x + r, y + r), fill=colour)


def margin(height: int) -> int:
    """Fine pixels kept free at each edge: half a limb, its rim, and some air."""
    return FINE * max(3, height // 20)

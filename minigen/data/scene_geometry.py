"""What stands where in a still: the disc, the outlines of hills and roofs, and the random numbers behind them.

Lengths are shares of the picture's edge; `up` is the height above the horizon.  Over the sea it is mirrored below the
horizon, so that the reflection is the same painting read downwards.
"""

from dataclasses import dataclass

import numpy as np

from minigen.data.counters import mix, uniforms
from minigen.data.scene_palette import palette

CELLS = 28  # columns of windows across the picture, so that a window is one pixel at size 28
FLOOR = 1.6 / CELLS  # height of a storey, so that lit rows do not merge at size 28
FLOORS = 9  # storeys that the tallest building can need: .35 × 1.45 / FLOOR, rounded up
PLOTS = 10  # building plots across the picture
CLOUDS, STARS, SLOPES = 6, 26, 3

_NEEDS = {  # how many of the nuisance's random numbers each part uses
    "ridges": 12,
    "clouds": 4 * CLOUDS,
    "stars": 3 * STARS,
    "plots": 5 * PLOTS,
    "windows": FLOORS * CELLS,
    "waves": 3,
    "slopes": 3 * SLOPES,
}


@dataclass
class View:
    """What the layers share: where each row and column lies, the colours of the hour, the random numbers."""

    factors: np.ndarray
    edge: int  # rows and columns painted
    x: np.ndarray  # (W,), 0 left … 1 right
    depth: np.ndarray  # (N, H), below the horizon > 0
    up: np.ndarray  # (N, H, W), height of what is seen, mirrored and rippled over the sea
    row_up: np.ndarray  # (N, H), the same without ripples
    ripple: np.ndarray  # (N, H, W), −1 … 1
    colour: dict[str, np.ndarray]  # part → (N, C)
    chance: dict[str, np.ndarray]  # part → (N, k), uniform in [0, 1)

    def factor(self, name: str) -> np.ndarray:
        return self.factors[name].astype(np.float32)

    def covered(self, height: np.ndarray) -> np.ndarray:
        """Share of each pixel that lies under an outline: height (N, W) → (N, H, W), soft over one pixel."""
        cover = height[:, None, :] - self.up
        cover *= self.edge
        cover += 0.5
        return np.clip(cover, 0, 1, out=cover)


def look(factors: np.ndarray, edge: int, channels: int) -> View:
    """Lay out a few stills for painting: factors (N,), `edge` rows and columns, 1 or 3 channels."""
    chance = chances(factors["nuisance"])
    centre = (np.arange(edge, dtype=np.float32) + 0.5) / edge
    up = factors["horizon"].astype(np.float32)[:, None] - centre  # (N, H)
    depth = np.maximum(-up, 0)
    sea = factors["sea"].astype(np.float32)[:, None]

    # Ripples are rows that crowd towards the horizon and bend along x.
    u = chance["waves"] * (2 * np.pi)
    rows = 30 * np.log1p(depth * 14) + u[:, :1]
    bend = 1.1 * np.sin(9 * centre + u[:, 1:2]) + 0.6 * np.sin(23 * centre + u[:, 2:3])
    ripple = rows[:, :, None] + bend[:, None, :]
    np.sin(ripple, out=ripple)

    row_up = np.where((depth > 0) & (sea > 0), depth * 1.1, up)
    swing = sea * np.minimum(0.12 * depth, 0.02)
    return View(
        factors=factors,
        edge=edge,
        x=centre,
        depth=depth,
        up=row_up[:, :, None] + swing[:, :, None] * ripple,
        row_up=row_up,
        ripple=ripple,
        colour=palette(factors["time"], channels),
        chance=chance,
    )


def chances(nuisance: np.ndarray) -> dict[str, np.ndarray]:
    """Every random number of a still, from its one nuisance number."""
    keys = mix((nuisance * 2.0**53).astype(np.uint64))
    u = uniforms(keys, sum(_NEEDS.values())).astype(np.float32)
    ends = np.cumsum(list(_NEEDS.values()))
    return dict(zip(_NEEDS, np.split(u, ends[:-1], axis=1), strict=True))


def sun_height(time: np.ndarray) -> np.ndarray:
    """−1 at midnight, 0 at a quarter and three quarters, 1 at noon."""
    return -np.cos(2 * np.pi * time)


def disc_place(factors: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Height above the horizon, radius, and whether it is the sun (1) or the moon (0): three arrays (N,), float32.

    The sun sets below −0.2 and the moon rises there, so one of them is always up.
    """
    s = sun_height(factors["time"]).astype(np.float32)
    is_sun = (s > -0.2).astype(np.float32)
    rise = np.where(s > -0.2, (s + 0.2) / 1.2, (-0.2 - s) / 0.8)
    top = factors["horizon"].astype(np.float32) - 0.09
    low = 1 - rise  # a large disc near the horizon, as the eye has it
    return top * rise**0.7, 0.062 + 0.03 * low * is_sun, is_sun


def lamps(time: np.ndarray) -> np.ndarray:
    """How much the lit windows show at each time: 0 by day, 1 by night, soft at dusk and dawn."""
    return np.clip(0.5 - 3.5 * sun_height(time), 0, 1)


def plots_built(factors: np.ndarray) -> np.ndarray:
    """How many of the building plots carry a building: (N,)."""
    return np.rint(factors["skyline"] * PLOTS).astype(np.int64)


def disc_clear(factors: np.ndarray) -> np.ndarray:
    """Whether the centre of the sun or moon stands above every outline in front of it: bool (N,)."""
    chance = chances(factors["nuisance"])
    x = factors["sun_x"].astype(np.float32)
    disc_up, _, _ = disc_place(factors)
    items = np.arange(len(x))
    outline = np.maximum(*ridges(factors, chance["ridges"], x[:, None]))[:, 0]
    roof = roofs(factors, chance["plots"])[0][items, (x * CELLS).astype(np.int64)]
    return disc_up > np.maximum(outline, roof)


def ridges(factors: np.ndarray, u: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Heights of the far and the near ridge over the horizon at x: (N, W) each, at most the factor `hills`."""
    hills = factors["hills"].astype(np.float32)[:, None]
    outlines = []
    for k in (0, 6):
        phase, share = 2 * np.pi * u[:, k : k + 3], 0.6 + 0.4 * u[:, k + 3 : k + 6]
        slow = np.sin((3.2 + 2.4 * share[:, :1]) * x + phase[:, :1])
        fast = 0.45 * share[:, 1:2] * np.sin(11 * x + phase[:, 1:2])
        fine = 0.16 * share[:, 2:3] * np.sin(27 * x + phase[:, 2:3])
        outlines.append(0.5 + 0.31 * (slow + fast + fine))
    return hills * np.clip(outlines[0], 0.04, 1), hills * 0.62 * np.clip(outlines[1], 0, 1)


def roofs(factors: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Height of the buildings over each column of windows, and how light their walls are: (N, CELLS) each."""
    rank, tall, shift, step, tone = np.moveaxis(u.reshape(-1, 5, PLOTS), 1, 0)
    built = rank.argsort(axis=1, kind="stable").argsort(axis=1) < plots_built(factors)[:, None]
    height = factors["tower"].astype(np.float32)[:, None] * (0.55 + 0.9 * tall)
    height = np.where(built, height, -1)  # well below the horizon: not even an edge shows

    cell = np.arange(CELLS, dtype=np.int64)
    start = np.rint((np.arange(1, PLOTS) + 0.7 * (shift[:, 1:] - 0.5)) * (CELLS / PLOTS))  # where plots 1 … 9 begin
    plot = (cell >= start[:, :, None]).sum(axis=1)  # (N, CELLS)
    roof = np.take_along_axis(height, plot, axis=1)
    left = np.roll(plot, 1, axis=1) != plot
    stepped = np.take_along_axis(step, plot, axis=1)
    roof = np.where(left & (stepped > 0.55), 0.78 * roof, roof)
    return roof, np.take_along_axis(tone, plot, axis=1)

"""Rain, streaks along one slant, and snow, flakes that sway: each of them falls once a loop through a tall column."""

import numpy as np

from minigen.data.effects_parts import TURN, Shot, bells, count_up, dots, tint

DROPS, FLAKES = 200, 120  # in columns taller and wider than the picture: about a fifth of the drops are in it
SPARE = 0.5  # how far beside the picture they begin to fall, so that no slant leaves a corner empty
ABOVE = 0.2  # how far above the picture, so that none is seen to begin


def rain(shot: Shot) -> np.ndarray:
    """`amount` is the number of drops, `size` their length, `turbulence` gusts: (N, T, H, W, C) in [0, 1].

    All drops of a frame have one slant, so they are painted upright and the picture is sheared.
    """
    birth, place, depth = shot.chances(3, DROPS)
    near = 0.35 + 0.65 * depth  # far drops are shorter and fainter
    long = (0.1 + 0.2 * shot.factor("size", 2)) * near
    y = (2 + 1.4 * shot.factor("speed", 2)) * shot.ages(birth) - ABOVE  # (N, T, P): 2 to 3.4 heights in a loop
    below = shot.places - y[..., None]  # (N, T, P, H)
    rows = np.clip((0.5 * long[..., None] - np.abs(below)) * shot.size + 0.5, 0, 1)
    rows *= np.clip(0.65 + below / long[..., None], 0.2, 1)  # brightest at its head

    thick, finest = 0.014, 0.5 / shot.size
    light = 1.25 * near * count_up(shot.factor("amount", 2), DROPS // 5, DROPS) * min(1.0, (thick / finest) ** 0.4)
    rows *= light[..., None]
    beside = int(SPARE * shot.size)
    wider = ((np.arange(-beside, shot.size + beside) + 0.5) / shot.size).astype(np.float32)
    columns = bells((1 + 2 * SPARE) * place - SPARE, np.full_like(place, max(thick, finest)), wider)  # (N, 1, P, W+)
    return tint(_sheared(shot, rows.swapaxes(-1, -2) @ columns), (0.72, 0.86, 1.0), shot.channels)


def _sheared(shot: Shot, upright: np.ndarray) -> np.ndarray:
    """Move each row as far as wind and gust carry what falls: (N, T, H, W + 2 beside) → (N, T, H, W)."""
    (gust,) = shot.chances(1, 1, part=1)
    lean = 0.75 * shot.factor("wind", 2) + 0.16 * shot.factor("turbulence", 2) * np.sin(TURN * (shot.moment(1) + gust))
    shift = lean * (shot.places - 0.5) * shot.size  # (N, T, H), in pixels
    whole = np.floor(shift)
    part = (shift - whole)[..., None]
    beside = (upright.shape[-1] - shot.size) // 2
    pixel = np.arange(beside, beside + shot.size) - whole[..., None].astype(np.int64)
    here = np.take_along_axis(upright, pixel, axis=3)
    before = np.take_along_axis(upright, pixel - 1, axis=3)
    return here + part * (before - here)


def snow(shot: Shot) -> np.ndarray:
    """`amount` is the number of flakes, `size` theirs, `turbulence` how far they sway: (N, T, H, W, C) in [0, 1]."""
    birth, place, depth, swing = shot.chances(4, FLAKES)
    near = depth**2  # few are near, and those are large, bright and fast
    y = (1.45 + (0.1 + 0.9 * shot.factor("speed", 2)) * (0.3 + near)) * shot.ages(birth) - ABOVE
    x = (1 + 2 * SPARE) * place - SPARE + 0.6 * shot.factor("wind", 2) * (y - 0.5)
    x = x + (0.01 + 0.05 * shot.factor("turbulence", 2)) * np.sin(TURN * (shot.moment(1) + swing))
    radius = (0.016 + 0.012 * shot.factor("size", 2)) * (0.7 + 1.6 * near)
    light = count_up(shot.factor("amount", 2), FLAKES // 3, FLAKES) * (0.45 + 0.55 * near)
    return tint(dots(light, x, y, radius, shot), (0.95, 0.98, 1.0), shot.channels)

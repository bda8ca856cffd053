"""Smoke: puffs that leave one place, rise, swell, swirl and thin out, each round and lit from the upper left."""

import numpy as np

from minigen.data.effects_parts import TURN, Shot, bells, tint, waves

PUFFS = 14
TURNS = np.array([1, 1, 1, 2, 2, 2, 3, 3], np.float32)  # of each wave of noise in a loop; whole: it closes
LEANS = np.array([1, -1] * 4, np.float32)  # which way each wave leans
FOOT = 0.93  # where smoke comes from


def smoke(shot: Shot) -> np.ndarray:
    """`amount` is thickness, `size` that of the puffs, `speed` how far they rise: (N, T, H, W, C) in [0, 1]."""
    size, rough = shot.factor("size", 2), shot.factor("turbulence", 2)
    far = 0.62 + 0.38 * shot.factor("speed", 2)
    late, side, swirl, bulk = shot.chances(4, PUFFS)
    age = shot.ages((np.arange(PUFFS, dtype=np.float32) + 0.6 * late) / PUFFS)  # (N, T, P): they leave one by one
    x = shot.factor("x", 2) + 0.05 * (side - 0.5) + 0.42 * shot.factor("wind", 2) * age**1.4
    x = x + (0.02 + 0.11 * rough) * age**0.7 * np.sin(TURN * (age * (1 + rough) + swirl))
    y = FOOT - far * age**0.85 + 0.04 * rough * age * np.cos(TURN * (age + swirl))
    radius = (0.04 + 0.025 * size + (0.055 + 0.085 * size) * age**0.8) * (0.75 + 0.5 * bulk)
    thick = np.minimum(9 * age, 1) * (1 - age) ** 0.7 * (0.35 + 1.1 * shot.factor("amount", 2))

    # A puff is a bell down times a bell across.  The same, weighted by the place in it, is its shaded lower right.
    rows, columns = bells(y, radius, shot.places), bells(x, radius, shot.places)
    rows *= thick[..., None]
    lower = rows * ((shot.places - y[..., None]) / radius[..., None])
    righter = columns * ((shot.places - x[..., None]) / radius[..., None])
    rows, lower = rows.swapaxes(-1, -2), lower.swapaxes(-1, -2)
    dense = rows @ columns  # (N, T, H, W)
    shade = lower @ columns + 0.7 * (rows @ righter)
    shade /= 0.3 + dense

    noise = _wisps(shot, far)
    dense *= np.maximum(1 + (0.22 + 0.26 * rough)[..., None] * noise, 0.25)
    light = 1 - np.exp(-1.5 * dense)
    light *= np.clip(0.66 - 0.85 * shade + 0.1 * noise, 0.12, 1.1)
    return tint(light, (0.94, 0.96, 1.0), shot.channels)


def _wisps(shot: Shot, far: np.ndarray) -> np.ndarray:
    """Noise that rises as far as the puffs do, in a loop: (N, T, H, W)."""
    phase, slant = shot.chances(2, len(TURNS), part=1)
    lifted = (FOOT - shot.places) / far - shot.moment(1)  # in loops; noise stands still in it
    rows = TURNS * lifted[..., None] + phase[:, :, None]
    return waves(((1.2 + 2.2 * slant) * LEANS)[:, 0], rows, shot.places)

"""Fire, a column of heat torn into tongues by rising noise, and an explosion, a ball of fire that cools to smoke."""

import numpy as np

from minigen.data.effects_parts import TURN, Shot, count_up, dots, glow, tint, waves

TURNS = np.array([1, 1, 2, 2, 2, 3, 3, 4, 4, 5], np.float32)  # of each wave of noise in a loop; whole: it closes
LEANS = np.array([1, -1] * 5, np.float32)  # which way each wave leans
FOOT = 0.97  # where a fire stands
EMBERS, SPARKS, LUMPS = 10, 26, 12


def fire(shot: Shot) -> np.ndarray:
    """`amount` is heat, `size` height and width, `wind` bends, `turbulence` tears: (N, T, H, W, C) in [0, 1]."""
    rough = shot.factor("turbulence", 2)
    tall = 0.5 + 0.4 * shot.factor("size", 2)
    wide = 0.13 + 0.1 * shot.factor("size", 2)
    rise = (FOOT - shot.places) / tall  # (N, 1, H): 0 at the foot, 1 at the tip
    height = np.maximum(rise, 0)
    phase, slant = shot.chances(2, len(TURNS))  # (N, 1, K)
    sway = np.sin(TURN * (0.9 * height - 2 * shot.moment(1) + phase[..., :1]))
    middle = shot.factor("x", 2) + 0.32 * shot.factor("wind", 2) * height**1.5 + (0.01 + 0.07 * rough) * height * sway

    across = (0.25 + 0.6 * slant) * LEANS / wide
    lifted = tall * rise / (0.9 + 0.9 * shot.factor("speed", 2)) - shot.moment(1)  # in loops; noise stands still in it
    rows = TURNS * lifted[..., None] + phase[:, :, None] - across[:, :, None] * middle[..., None]
    noise = waves(across[:, 0], rows, shot.places)

    away = (shot.places - middle[..., None]) / (wide * np.clip(1.08 - height, 0.12, 1) ** 0.55)[..., None]
    away *= away
    heat = np.exp(-away) * (1.2 - 0.35 * height)[..., None]
    heat -= (0.08 + 0.45 * height + 0.9 * np.maximum(height - 0.95, 0))[..., None]
    torn = (0.16 + 0.34 * rough) * np.minimum(0.25 + height, 1)
    heat += torn[..., None] * noise * np.exp(-0.5 * away)
    heat *= (np.clip(12 * rise + 0.5, 0, 1) * (0.75 + 0.45 * shot.factor("amount", 2)))[..., None]
    return glow(np.maximum(heat, 0) + _embers(shot, tall, wide), shot.channels)


def _embers(shot: Shot, tall: np.ndarray, wide: np.ndarray) -> np.ndarray:
    """Specks that leave the flame: they rise past its tip, drift with the wind and go out."""
    birth, side, wobble = shot.chances(3, EMBERS, part=1)
    age = shot.ages(birth)
    y = FOOT - 0.1 - 1.25 * tall * age
    x = shot.factor("x", 2) + 1.6 * (side - 0.5) * wide * (1 + age)
    x = x + 0.35 * shot.factor("wind", 2) * age**1.5 + 0.05 * np.sin(TURN * (2 * age + wobble))
    light = 0.75 * shot.factor("amount", 2) * np.clip(6 * age, 0, 1) * np.clip(3 * (1 - age), 0, 1)
    return dots(light, x, y, np.full_like(x, 0.014), shot)


def explosion(shot: Shot) -> np.ndarray:
    """The moment is its age: a flash, a ball of `size` that spreads with `speed` and cools to smoke, at 1 a last veil.

    `amount` is heat and number of sparks, `turbulence` makes the ball ragged: (N, T, H, W, C) in [0, 1].
    """
    age = shot.moment(1)  # (N, T, 1)
    amount = shot.factor("amount", 3)
    (lift,) = shot.chances(1, 1, part=1)
    x = shot.factor("x", 2) + 0.22 * shot.factor("wind", 2) * age
    y = 0.45 + 0.2 * lift - 0.1 * age
    radius = (0.2 + 0.2 * shot.factor("size", 2)) * (1 + 0.2 * age)
    radius = radius * (1 - np.exp(-(5 + 7 * shot.factor("speed", 2)) * (age + 0.03)))
    dx, dy = (shot.places - x) / radius, (shot.places - y) / radius  # (N, T, W) and (N, T, H)
    away = np.sqrt((dx * dx)[:, :, None] + (dy * dy)[..., None])  # 1 at the edge of the ball
    noise = _lumps(shot, x / radius, dy, 1 / radius)

    age, radius = age[..., None], radius[..., None]
    edge = 1.05 - away + (0.06 + 0.16 * shot.factor("turbulence", 3)) * noise
    cover = np.clip(2.4 * edge, 0, 1)
    heat = (0.95 + 0.4 * amount + 0.26 * noise + 0.5 * np.clip(edge, 0, 1)) * np.exp(-3 * age)
    heat = cover * np.maximum(heat - 0.45 * age, 0)
    flash = 1.1 * np.exp(-28 * age) * np.exp(-((away * radius / 0.28) ** 2))
    heat = np.maximum(heat, flash) + _sparks(shot, y)

    smoke = cover * np.maximum(0.34 + 0.13 * amount + 0.1 * noise + 0.14 * edge, 0)
    smoke *= np.clip(1 - 1.4 * heat, 0, 1) * np.minimum(4 * age, 1) * (1 - 0.97 * age) ** 0.4
    return np.minimum(glow(heat, shot.channels) + tint(smoke, (0.92, 0.86, 0.84), shot.channels), 1)


def _lumps(shot: Shot, x: np.ndarray, dy: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Noise that grows with the ball: waves in all directions, fixed in lengths of its radius, and slowly boiling."""
    turn, fine, phase = shot.chances(3, LUMPS)
    fine = 0.4 + 1.3 * fine  # waves in a radius
    fx, fy = fine * np.cos(TURN * turn), fine * np.sin(TURN * turn)  # (N, 1, K)
    boil = phase - 0.8 * shot.moment(1) * fine - x * fx  # (N, T, K)
    rows = dy[..., None] * fy[:, :, None] + boil[:, :, None]
    N, T, H, K = rows.shape
    each = waves((fx * scale).reshape(N * T, K), rows.reshape(N * T, 1, H, K), shot.places)  # their own waves a frame
    return each.reshape(N, T, H, -1)


def _sparks(shot: Shot, y: np.ndarray) -> np.ndarray:
    """Debris thrown out of the middle: slowed by the air, drawn down by its weight, cooling."""
    turn, far, heavy = shot.chances(3, SPARKS, part=2)
    age = shot.moment(1)
    out = (0.25 + 0.2 * shot.factor("size", 2) + 0.3 * far) * (
        1 - np.exp(-(3 + 4 * shot.factor("speed", 2)) * (age + 0.02))
    )
    x = shot.factor("x", 2) + 0.22 * shot.factor("wind", 2) * age + out * np.cos(TURN * turn)
    y = y + out * np.sin(TURN * turn) + (0.3 + 0.5 * heavy) * age**2
    seen = count_up(shot.factor("amount", 2), SPARKS // 3, SPARKS)
    return dots(seen * np.clip(1.1 - 1.5 * age, 0, 1), x, y, np.full_like(x, 0.02), shot)

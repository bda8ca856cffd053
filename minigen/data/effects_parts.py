"""What every effect is painted with: moments of a loop, plane waves, soft dots, the colours of heat.

Lengths are shares of the picture's edge, y runs down from the top.  Whatever moves is a function of the moment
modulo 1, so a clip of any number of frames closes.  Pictures are float32 (N, T, H, W), P counts particles, K waves.
"""

from dataclasses import dataclass

import numpy as np

from minigen.data.counters import GOLDEN, mix, uniforms

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # grey from red, green, blue: ITU-R BT.601, as Pillow's mode L
TURN = float(2 * np.pi)

_HEAT = np.array(
    [  # heat, then red, green, blue of what is so hot, all in [0, 1]
        (0.00, 0.00, 0.00, 0.00),
        (0.15, 0.22, 0.02, 0.01),
        (0.35, 0.72, 0.12, 0.02),
        (0.55, 1.00, 0.42, 0.04),
        (0.75, 1.00, 0.78, 0.22),
        (0.90, 1.00, 0.95, 0.62),
        (1.00, 1.00, 1.00, 0.92),
    ]
)
_FINE = 1024  # steps of heat, so that a step is less than a grey level
_COLOURS = np.stack(
    [np.interp(np.arange(_FINE) / (_FINE - 1), _HEAT[:, 0], _HEAT[:, k]) for k in (1, 2, 3)], axis=1
).astype(np.float32)
_GREYS = _COLOURS @ LUMA[:, None]


@dataclass
class Shot:
    """Some clips to be painted: their factors (N,) and the moment of each frame (N, T), from 0 up to but not 1."""

    factors: np.ndarray
    moments: np.ndarray
    size: int
    channels: int

    @property
    def places(self) -> np.ndarray:
        """The middle of each row or column: (size,), from 0 at the top or left to 1."""
        return ((np.arange(self.size) + 0.5) / self.size).astype(np.float32)

    def factor(self, name: str, axes: int = 0) -> np.ndarray:
        """A factor of every item: (N, 1, …), with as many further axes as asked for."""
        return self.factors[name].astype(np.float32).reshape((-1,) + (1,) * axes)

    def moment(self, axes: int = 0) -> np.ndarray:
        """The moment of every frame: (N, T, 1, …), with as many further axes as asked for."""
        return self.moments.astype(np.float32).reshape(self.moments.shape + (1,) * axes)

    def chances(self, sets: int, count: int, part: int = 0) -> np.ndarray:
        """Random numbers in [0, 1), from the nuisance alone: (sets, N, 1, count).  Each part has its own."""
        bits = (self.factors["nuisance"] * 2.0**53).astype(np.uint64)
        keys = mix(bits + np.array([part], np.uint64) * GOLDEN)  # an array's product wraps round without a warning
        u = uniforms(keys, sets * count).astype(np.float32)
        return np.minimum(u, np.float32(1 - 2**-24)).reshape(-1, sets, 1, count).swapaxes(0, 1)

    def ages(self, birth: np.ndarray) -> np.ndarray:
        """The share of its life that each particle has lived, one life a loop: birth (N, 1, P) → (N, T, P)."""
        return ((self.moments[:, :, None] + birth) % 1.0).astype(np.float32)


def waves(across: np.ndarray, rows: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Noise of deviation 1, Σ_K cos 2π(across · x + rows) · √(2/K): across (N, K), rows (N, T, H, K) → (N, T, H, W).

    Since cos(a + b) = cos a cos b − sin a sin b, the sum is a product of two matrices.
    """
    N, T, H, K = rows.shape
    by_row = TURN * rows.reshape(N, T * H, K)
    by_column = TURN * across[:, :, None] * places
    left = np.concatenate([np.cos(by_row), -np.sin(by_row)], axis=2)
    right = np.concatenate([np.cos(by_column), np.sin(by_column)], axis=1)
    return (left @ right).reshape(N, T, H, -1) * float(np.sqrt(2 / K))


def bells(middle: np.ndarray, width: np.ndarray, places: np.ndarray) -> np.ndarray:
    """exp(−((place − middle) / width)²): middle, width (N, T, P) → (N, T, P, size).  Two of them make a soft dot."""
    away = (places - middle[..., None]) / width[..., None]
    away *= away
    return np.exp(-away)


def dots(light: np.ndarray, x: np.ndarray, y: np.ndarray, radius: np.ndarray, shot: Shot) -> np.ndarray:
    """Soft dots added up, x and y (N, T, P) → (N, T, H, W).  None is narrower than a pixel; it is fainter instead."""
    wide = np.maximum(radius, 0.6 / shot.size)
    rows = bells(y, wide, shot.places) * (light * (radius / wide))[..., None]
    return rows.swapaxes(-1, -2) @ bells(x, wide, shot.places)


def count_up(amount: np.ndarray, least: int, most: int) -> np.ndarray:
    """How much each of `most` particles is seen, the first `least` always, the last only at amount 1: (N, 1, most)."""
    return np.clip(least + amount * (most - least) - np.arange(most, dtype=np.float32), 0, 1)


def glow(heat: np.ndarray, channels: int) -> np.ndarray:
    """The colour of heat, black at 0, then red, yellow, at 1 white: (…) → (…, C)."""
    table = _COLOURS if channels == 3 else _GREYS
    return table[(np.clip(heat, 0, 1) * (_FINE - 1) + 0.5).astype(np.int32)]


def tint(light: np.ndarray, colour: tuple[float, float, float], channels: int) -> np.ndarray:
    """Light of one colour, or of its luma where there is one channel, in [0, 1]: (…) → (…, C)."""
    hue = np.array(colour, np.float32)
    if channels == 1:
        hue = hue @ LUMA[:, None]
    return np.clip(light[..., None] * hue, 0, 1)

"""Toy distributions in the plane whose modes are known, so that a missing one is counted and not guessed."""

import numpy as np

from minigen.data.checking import whole
from minigen.errors import SettingError


def ring_centres(modes: int = 8, radius: float = 2.0) -> np.ndarray:
    """(radius cos 2πk/modes, radius sin 2πk/modes): where the modes of `ring` stand, float64 (modes, 2)."""
    angle = 2 * np.pi * np.arange(whole("modes", modes, lowest=1)) / modes
    return radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def grid_centres(side: int = 5, spacing: float = 2.0) -> np.ndarray:
    """Where the modes of `grid` stand, float64 (side², 2), by row from the lower left; their mean is the origin."""
    place = spacing * (np.arange(whole("side", side, lowest=1)) - (side - 1) / 2)
    y, x = np.meshgrid(place, place, indexing="ij")
    return np.stack([x.ravel(), y.ravel()], axis=1)


def ring(
    n: int, modes: int = 8, radius: float = 2.0, sigma: float = 0.02, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """n points around `modes` centres, evenly spaced on a circle and equally likely, each with deviation sigma.

    Returns (points, factors): float32 (n, 2), and a structured array (n,) whose field `mode` is 0 … modes − 1; mode k
    stands at angle 2πk / modes.  The toy of Metz et al. 2017, "Unrolled GANs", section 3.1; their notebook's centres
    include both 0 and 2π, which makes one mode of eight doubly likely.
    """
    return _around(ring_centres(modes, radius), n, sigma, seed)


def grid(
    n: int, side: int = 5, spacing: float = 2.0, sigma: float = 0.05, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """n points around the side × side centres of a square grid about the origin, equally likely, with deviation sigma.

    Returns (points, factors) as `ring` does; mode k stands in row k // side and column k % side, from the lower left.
    """
    return _around(grid_centres(side, spacing), n, sigma, seed)


def _around(centres: np.ndarray, n: int, sigma: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    if not sigma >= 0:
        raise SettingError(f"sigma is {sigma}; it must be at least 0.")
    rng = np.random.default_rng(whole("seed", seed, lowest=0))
    factors = np.empty(whole("n", n, lowest=0), [("mode", np.int64)])
    factors["mode"] = rng.integers(len(centres), size=len(factors))
    points = centres[factors["mode"]] + sigma * rng.standard_normal((len(factors), 2))
    return points.astype(np.float32), factors

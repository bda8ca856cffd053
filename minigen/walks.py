"""Ways through a latent space that meet only latents of the length a prior gives: walks, loops, circles."""

import math
from statistics import NormalDist

import numpy as np

from minigen import backend
from minigen.errors import SettingError


def point(keys: np.ndarray, frame: int, between: int, loop: bool, prior: str = "normal") -> np.ndarray:
    """The latent of one frame of a walk through `keys` (N, Z), which are reached at frames 0, between, 2 between, …

    In a loop the last key is followed by the first, and frame N · between *is* frame 0, bit for bit.
    """
    N = len(keys)
    frame = frame % (N * between) if loop else frame
    key, t = frame // between, frame % between / between
    if t == 0:
        return keys[key]
    a = to_normal(keys[key], prior)
    if N == 1:
        return from_normal(circle(a, t), prior)
    return from_normal(slerp(a, to_normal(keys[(key + 1) % N], prior), t), prior)


def slerp(a: np.ndarray, b: np.ndarray, t: float) -> np.ndarray:
    """(sin((1 − t)Ω) a + sin(tΩ) b) / sin Ω, Ω the angle between a and b: Shoemake 1985.

    A straight line would pass the origin, nearer than any draw of a normal prior is.  Vectors along one line, for
    which there is no great circle, or any, are joined by that line.
    """
    lengths = float(np.linalg.norm(a) * np.linalg.norm(b))
    omega = math.acos(min(1.0, max(-1.0, float(a @ b) / lengths))) if lengths else 0.0
    if math.sin(omega) < 1e-6:
        return (1 - t) * a + t * b
    return (math.sin((1 - t) * omega) * a + math.sin(t * omega) * b) / math.sin(omega)


def circle(z: np.ndarray, t: float) -> np.ndarray:
    """c + r (a cos 2πt + b sin 2πt), a circle through z at t = 0, every point of which is as long as z.

    a and b are orthonormal and c is orthogonal to both, with ‖c‖² = ‖z‖² − r² and r = ‖z‖ / 2; the directions are
    drawn from a generator of their own, so that one z has one circle.  SettingError for a latent of one number.
    """
    Z = len(z)
    if Z < 2:
        raise SettingError("--loop: a latent of one number has no circle; give two seeds or more.")
    tilt = math.pi / 6 if Z > 2 else math.pi / 2  # sin tilt = r / ‖z‖; in the plane there is only the whole circle
    length = float(np.linalg.norm(z))
    along = z / max(length, 1e-30)
    across, b = _orthonormal(along, min(2, Z - 1))
    a = math.sin(tilt) * along + math.cos(tilt) * across
    c = length * math.cos(tilt) * (math.cos(tilt) * along - math.sin(tilt) * across)
    return c + length * math.sin(tilt) * (math.cos(2 * math.pi * t) * a + math.sin(2 * math.pi * t) * b)


def _orthonormal(along: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Two unit vectors orthogonal to `along` and to each other; the same one twice where there is only one."""
    rng = backend.generator(0)
    basis = [along]
    while len(basis) <= count:
        v = rng.standard_normal(len(along))
        for _ in range(2):  # Gram and Schmidt's way, twice for the last digits
            for e in basis:
                v -= (v @ e) * e
        if (norm := np.linalg.norm(v)) > 1e-3:
            basis.append(v / norm)
    return basis[1], basis[-1]


def to_normal(z: np.ndarray, prior: str) -> np.ndarray:
    """z as a draw of a standard normal, float64: of a uniform prior, Φ⁻¹ of each number's place in [−1, 1)."""
    z = z.astype(np.float64)
    if prior == "normal":
        return z
    p = np.clip((z + 1) / 2, 1e-7, 1 - 1e-7)
    return np.array([NormalDist().inv_cdf(float(value)) for value in p])


def from_normal(z: np.ndarray, prior: str) -> np.ndarray:
    """The inverse of `to_normal`, float32: a walk through normal draws becomes one through draws of the prior."""
    if prior == "normal":
        return z.astype(np.float32)
    return np.array([2 * NormalDist().cdf(float(value)) - 1 for value in z], np.float32)

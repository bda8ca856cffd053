"""Where the feet are: still while they are planted, rolled off over the ball, carried in an arc, set down again.

Everything moves by `smooth`, whose speed and acceleration are 0 at both ends, so nothing jerks where one part of a
step meets the next.  Arrays are (N, T), or (N, 1) for what an item keeps throughout.
"""

from dataclasses import dataclass

import numpy as np

from minigen.data.motion_figure import ANKLE, BALL, HEEL


@dataclass(frozen=True)
class Steps:
    """One action's footwork.  Shares are of the whole cycle, lengths in metres, angles in radians; each (N, 1).

    length: forward a cycle.  lands: at which share of the cycle the left and the right foot are flat on the ground.
    at: where, in metres ahead of the cycle's beginning.  apart: of the feet, from the middle.  planted, push, load:
    shares in which a foot is flat and still, then rolls off over its ball, and at last is let down on its pivot.
    heel_up, toe_up: pitch of the foot as it leaves, and as it arrives.  lift: of the foot in the air.  pivot: BALL or
    HEEL, on which it lands.  peak: when in the air the lift is highest, a share.  toe_out: left and right.
    """

    length: np.ndarray
    lands: tuple[float, float]
    at: tuple[np.ndarray, np.ndarray]
    apart: tuple[np.ndarray, np.ndarray]
    planted: np.ndarray
    toe_out: tuple[np.ndarray, np.ndarray]
    push: np.ndarray | float = 0.08
    load: np.ndarray | float = 0.05
    heel_up: np.ndarray | float = 0.0
    toe_up: np.ndarray | float = 0.0
    lift: np.ndarray | float = 0.0
    peak: float = 0.5
    pivot: tuple[float, float, float] = HEEL


def smooth(x: np.ndarray) -> np.ndarray:
    """6x⁵ − 15x⁴ + 10x³ from 0 to 1, and still outside."""
    x = np.clip(x, 0.0, 1.0)
    return x * x * x * (10 + x * (6 * x - 15))


def swell(x: np.ndarray, start, top, end) -> np.ndarray:
    """0 until `start`, smoothly to 1 at `top`, and to 0 again at `end`."""
    return smooth((x - start) / np.maximum(top - start, 1e-9)) * smooth((end - x) / np.maximum(end - top, 1e-9))


def is_planted(steps: Steps, side: int, cycles: np.ndarray) -> np.ndarray:
    """Whether the foot of a side is flat on the ground and still: cycles (N, T) → bool (N, T)."""
    w = cycles - steps.lands[side]
    return w - np.floor(w) < steps.planted


def foot_path(steps: Steps, side: int, cycles: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(ankle, pitch, toe): where the Foot joint is in the world, how far the heel is up, how far the toes are bent.

    cycles: time in cycles, (N, T) → (N, T, 3), (N, T), (N, T).  A foot turned by a pitch θ about a point p of itself
    that stays where it is moves its ankle by p − R_x(θ) p: p is the ball as it leaves, `pivot` as it lands.
    """
    w = cycles - steps.lands[side]
    k = np.floor(w)
    rest = np.maximum(1 - steps.planted, 1e-9)  # 0 for a foot that never moves
    u = np.clip((w - k - steps.planted) / rest, 0.0, 1.0)  # 0 … 1 while not planted
    off, on = steps.push / rest, 1 - steps.load / rest
    v = np.clip((u - off / 2) / ((on + 1 - off) / 2), 0.0, 1.0)  # 0 … 1 on its way, which begins and ends gently
    s = (smooth(v) + v**4 * (15 + v * (10 * v - 24))) / 2  # rather late: a foot that waits in the air is out of reach

    leaving = swell(u, 0.0, off + 0.2 * (on - off), off + 0.8 * (on - off))
    arriving = swell(u, off + 0.45 * (on - off), on, 1.0)
    pitch = steps.heel_up * leaving - steps.toe_up * arriving
    # The toes lie flat until they leave, and again as soon as they come down first.
    toe = -(steps.heel_up * leaving * smooth(1 - v / 0.8) + np.maximum(-steps.toe_up, 0) * arriving)

    early, late = 3 * steps.peak / 0.5, 3 * (1 - steps.peak) / 0.5
    arc = (v / steps.peak) ** early * ((1 - v) / (1 - steps.peak)) ** late
    y, z = (a + (b - a) * s for a, b in zip(BALL[1:], steps.pivot[1:], strict=True))
    sine, cosine = np.sin(pitch), np.cos(pitch)
    rolled = z - (y * sine + z * cosine)  # forward, before the foot is turned out
    out = steps.toe_out[side]
    ankle = np.empty(cycles.shape + (3,))
    ankle[..., 0] = steps.apart[side] + rolled * np.sin(out)
    ankle[..., 1] = ANKLE + steps.lift * arc + y - (y * cosine - z * sine)
    ankle[..., 2] = (k + s) * steps.length + steps.at[side] + rolled * np.cos(out)
    return ankle, pitch, toe

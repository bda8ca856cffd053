"""What the actions are put together from: the factors as columns, waves, and parts that several actions share.

Arrays are (N, T) or (N, 1), lengths in metres, angles in radians.
"""

from dataclasses import dataclass

import numpy as np

from minigen.data.counters import mix, uniforms
from minigen.data.motion_body import Arm

Pair = tuple[np.ndarray, np.ndarray]  # left, right
QUIRKS = 12  # random numbers that an item's nuisance gives


@dataclass(frozen=True)
class Asked:
    """The factors of the items of one action as columns (N, 1), and `quirks` (N, QUIRKS) in [−1, 1] of the nuisance."""

    speed: np.ndarray
    stride: np.ndarray
    arm_swing: np.ndarray
    bounce: np.ndarray
    lean: np.ndarray
    quirks: np.ndarray

    @staticmethod
    def of(factors: np.ndarray) -> "Asked":
        """What the records `factors` (N,) ask for."""
        keys = mix((factors["nuisance"] * 2.0**53).astype(np.uint64))
        speed, stride, arm_swing, bounce, lean = (
            factors[name][:, None] for name in ("speed", "stride", "arm_swing", "bounce", "lean")
        )
        return Asked(speed, stride, arm_swing, bounce, lean, 2 * uniforms(keys, QUIRKS) - 1)

    def quirk(self, k: int) -> np.ndarray:
        """The k-th quirk, (N, 1)."""
        return self.quirks[:, k : k + 1]


def beat(cycles, times: int, top):
    """cos 2π (times · cycles − top · times): `times` waves a cycle, the first at its top at the share `top`."""
    return np.cos(2 * np.pi * times * (cycles - top))


def stand(a: Asked, apart, out) -> tuple[Pair, Pair]:
    """How far each foot stands from the middle, and how far it is turned out: ((left, right), (left, right))."""
    return (
        (apart + 0.008 * a.quirk(2), -apart + 0.008 * a.quirk(3)),
        (out + 0.06 * a.quirk(8), -out + 0.06 * a.quirk(9)),
    )


def head(a: Asked, cycles, turn, nod=0.0, more=1.0):
    """The head looks ahead whatever the trunk does, and sways a little as the nuisance says."""
    sway = 0.03 * more * (1 + a.quirk(10))
    return (
        turn + sway * beat(cycles, 1, 0.5 * a.quirk(1)),
        nod - 0.75 * a.lean + 0.015 * beat(cycles, 2, 0.5 * a.quirk(11)),
        0.02 * a.quirk(10) * beat(cycles, 1, 0.5 * a.quirk(11)),
    )


def swinging(a: Asked, cycles, swing, elbow, bend, out, twist=-0.15, back=0.0) -> tuple[Arm, Arm]:
    """Arms that swing against the legs: the right one is forward as the left foot lands."""
    arms = []
    for side, sign in enumerate((-1, 1)):
        swung = sign * beat(cycles, 1, 0.03)
        size = swing * (1 + 0.08 * a.quirk(4 + side))
        arms.append(
            Arm(
                raised=out + 0.03 * a.quirk(6 + side),
                forward=size * (swung + 0.15) - back,
                twist=twist,
                elbow=elbow + bend * (1 + sign * beat(cycles, 1, 0.08)) / 2,
            )
        )
    return arms[0], arms[1]


def hanging(a: Asked, cycles, swing, breath) -> tuple[Arm, Arm]:
    """Arms that hang and sway a little with the weight, the shoulders lifted by each breath."""
    left, right = (
        Arm(
            raised=0.13 + 0.03 * a.quirk(4 + side) + 0.15 * swing * breath,
            forward=swing * beat(cycles, 1, 0.1 + 0.5 * side) + 0.03 * a.quirk(6 + side),
            twist=-0.3,
            elbow=0.22 + 0.4 * swing * (1 + beat(cycles, 1, 0.15 + 0.5 * side)),
            collar=(0.01 + 0.03 * a.bounce) * (1 + breath),
        )
        for side in (0, 1)
    )
    return left, right

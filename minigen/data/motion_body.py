"""From what a body does to the rotations of its joints: the legs follow the feet, all else is bent as it is asked.

Arrays are (N, T) or (N, 1), lengths in metres, angles in radians; left is +x, up is +y, forward is +z.
"""

from dataclasses import dataclass

import numpy as np

from minigen.data.motion_feet import Steps, foot_path
from minigen.data.motion_figure import FIGURE, JOINT, REACH, SIDES, arm, leg, turned

Turn = tuple[np.ndarray, np.ndarray, np.ndarray]  # about y (turn), x (tilt), z (roll)
MOMENTS = 128  # of a cycle at which the legs' reach is measured


@dataclass(frozen=True)
class Arm:
    """One arm: raised sideways and swung forward from hanging, twisted outwards; elbow, wrist and collar bent."""

    raised: np.ndarray
    forward: np.ndarray
    twist: np.ndarray | float = 0.0
    elbow: np.ndarray | float = 0.2
    wrist: np.ndarray | float = 0.0
    collar: np.ndarray | float = 0.0


@dataclass(frozen=True)
class Body:
    """A body at (N, T) moments; `path` is the hips' (side, up, forward), up from a height that `stature` finds.

    hips are turned in the world, trunk against the hips, head against the trunk; arms are left and right.
    """

    path: Turn
    hips: Turn
    trunk: Turn
    head: Turn
    arms: tuple[Arm, Arm]
    steps: Steps


def stature(body: Body, cycles: np.ndarray) -> np.ndarray:
    """The greatest height of the hips at which neither leg has to be longer than REACH: (N, 1), in metres.

    body: the whole cycle, at `cycles` (N, MOMENTS).  With a hip joint h above the ankle and d beside it, h² + d² must
    not exceed REACH².
    """
    turn = turned(*body.hips)
    lowest = np.full((len(cycles), 1), np.inf)
    for side in (0, 1):
        d = _hip_joint(body, turn, side, np.zeros_like(lowest)) - foot_path(body.steps, side, cycles)[0]
        room = np.sqrt(REACH**2 - d[..., 0] ** 2 - d[..., 2] ** 2) - d[..., 1]
        lowest = np.minimum(lowest, room.min(axis=1, keepdims=True))
    return lowest


def pose(body: Body, height: np.ndarray, cycles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(rotations, places): each joint's rotation in its parent's frame, (N, T, J, 3, 3), and the hips', (N, T, 3)."""
    x, up, z = body.path
    R = np.empty(cycles.shape + (len(FIGURE), 3, 3))
    hips = np.stack(np.broadcast_arrays(x, height + up, z), axis=-1)

    R[..., JOINT["Hips"], :, :] = turn = turned(*body.hips)
    half = turned(*(angle / 2 for angle in body.trunk))
    R[..., JOINT["Spine"], :, :] = R[..., JOINT["Chest"], :, :] = half
    half = turned(*(angle / 2 for angle in body.head))
    R[..., JOINT["Neck"], :, :] = R[..., JOINT["Head"], :, :] = half

    for side, name in enumerate(SIDES):
        bent = body.arms[side]
        sign = 1 - 2 * side
        R[..., JOINT[name + "Collar"], :, :] = turned(z=sign * bent.collar)
        R[..., JOINT[name + "UpperArm"], :, :] = arm(side, bent.raised, bent.forward, bent.twist)
        R[..., JOINT[name + "ForeArm"], :, :] = turned(x=-bent.elbow)
        R[..., JOINT[name + "Hand"], :, :] = turned(x=-bent.wrist)

        ankle, pitch, toe = foot_path(body.steps, side, cycles)
        out = body.steps.toe_out[side]
        thigh, shin = leg(_hip_joint(body, turn, side, height), ankle, 0.7 * out)
        foot = turned(y=out, x=pitch)
        R[..., JOINT[name + "UpLeg"], :, :] = _back(turn) @ thigh
        R[..., JOINT[name + "Leg"], :, :] = _back(thigh) @ shin
        R[..., JOINT[name + "Foot"], :, :] = _back(shin) @ foot
        R[..., JOINT[name + "Toe"], :, :] = turned(x=toe)
    return R, hips


def _hip_joint(body: Body, turn: np.ndarray, side: int, height: np.ndarray) -> np.ndarray:
    """Where a thigh hangs in the world, (N, T, 3)."""
    x, up, z = body.path
    hips = np.stack(np.broadcast_arrays(x, height + up, z), axis=-1)
    return hips + turn @ FIGURE.offsets[JOINT[SIDES[side] + "UpLeg"]]


def _back(R: np.ndarray) -> np.ndarray:
    """The rotation that undoes R: its transpose."""
    return np.swapaxes(R, -1, -2)

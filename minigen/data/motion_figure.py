"""The built-in figure: 21 joints of a person 1.7 m tall, how they are turned, and how a leg reaches for a place."""

import numpy as np

from minigen.motion.skeleton import Skeleton

SIDES = ("Left", "Right")  # left is +x, the figure faces +z
THIGH, SHIN, ANKLE = 0.415, 0.40, 0.08  # metres; ANKLE is the height of the Foot joint above the sole
REACH = 0.99 * (THIGH + SHIN)  # a leg is never quite straight: at full stretch a knee snaps
BALL = (0.0, -0.06, 0.13)  # from the Foot joint to the Toe joint, over which a foot rolls off the ground
HEEL = (0.0, -ANKLE, -0.05)  # from the Foot joint to the heel, on which a step lands

_MIDDLE = {  # joint: (parent, offset in metres)
    "Hips": ("", (0.0, 0.04 + THIGH + SHIN + ANKLE, 0.0)),
    "Spine": ("Hips", (0.0, 0.09, 0.0)),
    "Chest": ("Spine", (0.0, 0.15, 0.0)),
    "Neck": ("Chest", (0.0, 0.24, 0.0)),
    "Head": ("Neck", (0.0, 0.10, 0.0)),
}
_LEFT = {  # the right side is the mirror image
    "Collar": ("Chest", (0.03, 0.19, 0.0)),
    "UpperArm": ("Collar", (0.15, 0.0, 0.0)),
    "ForeArm": ("UpperArm", (0.0, -0.28, 0.0)),
    "Hand": ("ForeArm", (0.0, -0.25, 0.0)),
    "UpLeg": ("Hips", (0.09, -0.04, 0.0)),
    "Leg": ("UpLeg", (0.0, -THIGH, 0.0)),
    "Foot": ("Leg", (0.0, -SHIN, 0.0)),
    "Toe": ("Foot", BALL),
}
_ENDS = {"Head": (0.0, 0.185, 0.0), "Hand": (0.0, -0.17, 0.0), "Toe": (0.0, -0.012, 0.065)}


def _figure() -> Skeleton:
    rows = dict(_MIDDLE)
    for side, sign in zip(SIDES, (1, -1), strict=True):
        for joint, (parent, (x, y, z)) in _LEFT.items():
            rows[side + joint] = (side + parent if parent in _LEFT else parent, (sign * x, y, z))
    names = tuple(rows)
    turns = ("Zrotation", "Xrotation", "Yrotation")
    return Skeleton(
        names=names,
        parents=tuple(names.index(parent) if parent else -1 for parent, _ in rows.values()),
        offsets=np.array([offset for _, offset in rows.values()]),
        channels=(("Xposition", "Yposition", "Zposition", *turns),) + (turns,) * (len(names) - 1),
        ends={j: _ENDS[part] for j, name in enumerate(names) for part in _ENDS if name.endswith(part)},
        metres=1.0,
    )


FIGURE = _figure()  # its rest pose stands straight on y = 0, arms hanging
JOINT = {name: j for j, name in enumerate(FIGURE.names)}


def turned(y=0.0, x=0.0, z=0.0) -> np.ndarray:
    """R = R_y R_x R_z: roll about z first, then tilt about x, then turn about y.

    Angles in radians, arrays (…) that broadcast → (…, 3, 3).  On a figure that faces +z a positive y turns it to its
    left, a positive x bends it forwards, a positive z raises its left side.
    """
    sy, cy, sx, cx, sz, cz = np.sin(y), np.cos(y), np.sin(x), np.cos(x), np.sin(z), np.cos(z)
    R = np.empty(np.broadcast(y, x, z).shape + (3, 3))
    R[..., 0, 0], R[..., 0, 1], R[..., 0, 2] = cy * cz + sy * sx * sz, sy * sx * cz - cy * sz, sy * cx
    R[..., 1, 0], R[..., 1, 1], R[..., 1, 2] = cx * sz, cx * cz, -sx
    R[..., 2, 0], R[..., 2, 1], R[..., 2, 2] = cy * sx * sz - sy * cz, cy * sx * cz + sy * sz, cy * cx
    return R


def arm(side: int, raised, forward, twist) -> np.ndarray:
    """R = R_z R_x R_y of an upper arm: `raised` from the side of the body, swung `forward`, `twist`ed outwards."""
    sign = 1 - 2 * side
    return turned(z=sign * raised) @ turned(x=-forward) @ turned(y=sign * twist)


def leg(hip: np.ndarray, ankle: np.ndarray, facing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two-bone inverse kinematics: the world rotations of thigh and shin that put the ankle where it is asked for.

    hip, ankle (…, 3); facing: the turn about y in which the knee bends, (…) → two (…, 3, 3).  The law of cosines gives
    the angle between thigh and line to the ankle; the ankle must be nearer than THIGH + SHIN.
    """
    d = ankle - hip
    D = np.sqrt((d * d).sum(axis=-1))[..., None]
    up = -d / D
    ahead = np.stack(np.broadcast_arrays(np.sin(facing), 0.0, np.cos(facing)), axis=-1)
    hinge = np.cross(up, ahead)  # the knee's axis, to the left
    hinge /= np.sqrt((hinge * hinge).sum(axis=-1))[..., None]
    knee_ahead = np.cross(hinge, up)
    cosine = (THIGH**2 + D * D - SHIN**2) / (2 * THIGH * D)
    sine = np.sqrt(np.maximum(1 - cosine * cosine, 0))
    knee = hip + THIGH * (sine * knee_ahead - cosine * up)
    return _frame(hinge, (hip - knee) / THIGH), _frame(hinge, (knee - ankle) / SHIN)


def _frame(left: np.ndarray, up: np.ndarray) -> np.ndarray:
    """The rotation whose columns are left, up and their cross product; both are unit vectors at right angles."""
    return np.stack([left, up, np.cross(left, up)], axis=-1)

"""A frame of motion as 6J + 4 numbers that mean the same wherever the body stands and whichever way it faces.

First 6 for each joint: its rotation by its first two columns; of the joint that carries the body it is the rotation in
the world with the heading taken out.  Then how the body moves in its own heading, x to its left and z forward, in
metres a second; its height in metres; how fast the heading turns, in radians a second.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from minigen.errors import DataError, ShapeError
from minigen.motion.rates import as_rate
from minigen.motion.rotations import about_y, from_6d, to_6d
from minigen.motion.skeleton import Clip, Skeleton, forward_kinematics

_MOVES = 0.01  # of the skeleton's reach: a translation that strays farther from its mean moves


@dataclass(frozen=True, eq=False)
class Carrier:
    """Which joint carries the body, and what of a skeleton the features leave out.

    sides: a joint on its left and one on its right, such as the hips, by which the heading is read; None: by the
    carrier's own turn about the vertical.  translations: float64 (J, 3), where all other joints stay; joints above the
    carrier stay at the origin, unturned, and what they did is done by the carrier.
    """

    joint: int
    sides: tuple[int, int] | None
    translations: np.ndarray
    notes: tuple[str, ...] = ()


def carrier(skeleton: Skeleton, clips: Sequence[Clip]) -> Carrier:
    """The joint that carries the body: the first from the root whose translation moves in the clips, the root if none.

    Where its only child moves too, it is the child, and so on: a moving root above moving hips is folded into the hips.
    A translation moves if in a clip it strays from its mean by more than 1 % of the skeleton's reach.  Joints elsewhere
    that move all the same are kept at their mean, and named in the notes.
    DataError if there are no clips, or one has another skeleton.
    """
    if not clips:
        raise DataError("carrier: there are no clips. Give at least one.")
    for clip in clips:
        if not skeleton.same(clip.skeleton):
            raise DataError(f"{clip.name}: has another skeleton than the one asked about. Keep one skeleton at a time.")
    strays = np.max([_strays(clip) for clip in clips], axis=0)
    moves = strays > _MOVES * skeleton.reach
    joint = int(np.argmax(moves))  # the first, or the root
    while len(below := _children(skeleton, joint)) == 1 and moves[below[0]]:
        joint = below[0]

    above = _above(skeleton, joint)
    translations = np.concatenate([clip.translations for clip in clips]).mean(axis=0)
    translations[[*above, joint]] = 0.0
    sides = _sides(skeleton, joint, clips[0].places[0])
    notes = [
        f"{skeleton.names[j]} moves by up to {strays[j] * skeleton.metres * 100:.2g} cm from its mean place; "
        "it is kept there."
        for j in np.flatnonzero(moves)
        if j != joint and j not in above
    ]
    if sides is None:
        notes.append(f"No left and right pair was found under {skeleton.names[joint]}; its own turn is the heading.")
    return Carrier(joint, sides, translations, tuple(notes))


def feature_names(skeleton: Skeleton) -> list[str]:
    """What each of the 6J + 4 numbers is, for messages.

    >>> feature_names(Skeleton(("Hips",), (-1,), np.zeros((1, 3)), ((),)))[4:8]
    ['Hips: y axis, y', 'Hips: y axis, z', 'velocity to the left (m/s)', 'velocity forward (m/s)']
    """
    six = [f"{name}: {column} axis, {axis}" for name in skeleton.names for column in "xy" for axis in "xyz"]
    return [*six, "velocity to the left (m/s)", "velocity forward (m/s)", "height (m)", "yaw rate (rad/s)"]


def to_features(clip: Clip, carrier: Carrier, *, dtype: type = np.float32) -> np.ndarray:
    """The clip as (T, 6J + 4) numbers.

    Velocity and yaw rate of frame t are those from t to t + 1; the last frame repeats them.  What is left out is where
    the clip starts, which way it faces there, and what the carrier's notes say.
    """
    if len(clip.skeleton) != len(carrier.translations):
        raise DataError(f"{clip.name}: has {len(clip.skeleton)} joints, but the carrier {len(carrier.translations)}.")
    G, p = forward_kinematics(clip.skeleton.parents, clip.rotations, clip.translations)
    turned = _heading(G, p, carrier)
    place = p[:, carrier.joint] * clip.skeleton.metres
    fps = float(clip.fps)

    rotations = clip.rotations.copy()
    rotations[:, _above(clip.skeleton, carrier.joint)] = np.eye(3)
    rotations[:, carrier.joint] = about_y(-turned) @ G[:, carrier.joint]
    steps = (about_y(-turned[:-1]) @ np.diff(place, axis=0)[..., None])[..., 0] * fps  # (T − 1, 3)
    body = np.stack(
        [_lasting(steps[:, 0]), _lasting(steps[:, 2]), place[:, 1], _lasting(np.diff(turned) * fps)], axis=1
    )
    return np.concatenate([to_6d(rotations).reshape(len(clip), -1), body], axis=1).astype(dtype)


def from_features(
    x: np.ndarray,
    skeleton: Skeleton,
    carrier: Carrier,
    fps: Fraction | float,
    *,
    start: tuple[float, float] = (0.0, 0.0),
    heading: float = 0.0,
    name: str = "clip",
) -> Clip:
    """The clip that (T, 6J + 4) numbers describe; six numbers need not be two upright axes, the nearest are taken.

    start: x and z of the body in the first frame, metres.  heading: which way it faces there, radians from +z to +x.
    The heading is summed up first, then the velocity along it.
    """
    J = len(skeleton)
    x = np.asarray(x, np.float64)
    if x.ndim != 2 or x.shape[1] != 6 * J + 4:
        raise ShapeError(f"from_features: x has shape {x.shape}; it must be (T, {6 * J + 4}), 6 a joint and 4.")
    T, rate = len(x), as_rate(fps)
    body = x[:, 6 * J :]
    turned = heading + _summed(body[:, 3] / float(rate))
    steps = np.stack([body[:, 0], np.zeros(T), body[:, 1]], axis=1) / float(rate)
    steps = (about_y(turned) @ steps[..., None])[..., 0]
    place = np.stack([start[0] + _summed(steps[:, 0]), body[:, 2], start[1] + _summed(steps[:, 2])], axis=1)

    rotations = from_6d(x[:, : 6 * J].reshape(T, J, 6))
    rotations[:, _above(skeleton, carrier.joint)] = np.eye(3)
    rotations[:, carrier.joint] = about_y(turned) @ rotations[:, carrier.joint]
    translations = np.broadcast_to(carrier.translations, (T, J, 3)).copy()
    translations[:, carrier.joint] = place / skeleton.metres
    return Clip(skeleton, rotations, translations, rate, name)


def heading_of(clip: Clip, carrier: Carrier) -> np.ndarray:
    """Which way the body faces, radians (T,) from +z towards +x, without jumps: 0 faces +z, π/2 faces +x."""
    return _heading(*forward_kinematics(clip.skeleton.parents, clip.rotations, clip.translations), carrier)


def _heading(G: np.ndarray, p: np.ndarray, carrier: Carrier) -> np.ndarray:
    if carrier.sides is None:
        R = G[:, carrier.joint]
        return np.unwrap(np.arctan2(R[:, 0, 2] - R[:, 2, 0], R[:, 0, 0] + R[:, 2, 2]))
    left, right = carrier.sides
    across = p[:, left] - p[:, right]  # across × up is forward: (−z, 0, x)
    return np.unwrap(np.arctan2(-across[:, 2], across[:, 0]))


def _lasting(differences: np.ndarray) -> np.ndarray:
    """T − 1 differences as T: the last one twice; of a single frame, 0."""
    return np.append(differences, differences[-1:] if len(differences) else 0.0)


def _summed(differences: np.ndarray) -> np.ndarray:
    """0, then the running sum; the last difference leads beyond the end and is not used."""
    return np.concatenate([[0.0], np.cumsum(differences[:-1])])[: len(differences)]


def _strays(clip: Clip) -> np.ndarray:
    """How far each joint's translation strays from its mean, (J,)."""
    return np.linalg.norm(clip.translations - clip.translations.mean(axis=0), axis=-1).max(axis=0)


def _children(skeleton: Skeleton, joint: int) -> list[int]:
    return [j for j, parent in enumerate(skeleton.parents) if parent == joint]


def _above(skeleton: Skeleton, joint: int) -> list[int]:
    """The joints from just above this one up to the root."""
    above = []
    while (joint := skeleton.parents[joint]) >= 0:
        above.append(joint)
    return above


def _sides(skeleton: Skeleton, joint: int, places: np.ndarray) -> tuple[int, int] | None:
    """The pair of joints nearest below `joint` whose names differ in left and right only, and that stand apart."""
    level = _children(skeleton, joint)
    while level:
        for left in level:
            for right in level:
                apart = np.linalg.norm(places[left] - places[right]) > _MOVES * skeleton.reach
                if apart and _mirrored(skeleton.names[left], skeleton.names[right]):
                    return left, right
        level = [child for parent in level for child in _children(skeleton, parent)]
    return None


def _mirrored(left: str, right: str) -> bool:
    """Whether one Left, or one L, in the first name makes the second when it becomes Right, or R.

    >>> _mirrored("UpperLeg_L", "UpperLeg_R"), _mirrored("LeftUpLeg", "RightUpLeg"), _mirrored("LeftHand", "RightFoot")
    (True, True, False)
    """
    left, right = left.casefold(), right.casefold()
    for side, other in (("left", "right"), ("l", "r")):
        parts = left.split(side)
        if any(side.join(parts[:n]) + other + side.join(parts[n:]) == right for n in range(1, len(parts))):
            return True
    return False

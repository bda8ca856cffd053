"""Feet: which joints they are, and how often they slide over the ground they stand on."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from minigen.errors import DataError, SettingError, ShapeError
from minigen.metrics.motion import checked_places, checked_rate
from minigen.motion.skeleton import Skeleton, forward_kinematics

CONTACT_M = 0.05  # a foot lower than this above the ground stands on it
SKATE_MPS = 0.50  # a standing foot faster than this slides
WINDOW_S = 0.25  # and so must be its mean over this long: five frames at the original's 20 fps
GROUND_PERCENTILE = 5.0  # of the heights of a clip's feet: on the ground for any gait, above a few stray frames

FEET = (r"toes?(base|end)?\d*$", r"foot\d*$", r"ankle\d*$")  # toes where there are any, as the original takes them


def side(name: str) -> str:
    """ "left", "right" or "" by a joint's name, however it is written: LeftFoot, Foot_L, lFoot, LFoot, foot.left."""
    for word in _words(name):
        if word in ("l", "left") or word.startswith("left"):
            return "left"
        if word in ("r", "right") or word.startswith("right"):
            return "right"
    return ""


def find_feet(skeleton: Skeleton) -> list[int]:
    """The joints that are feet: by name, one a side; else the tips that are lowest in the rest pose.

    Toes are preferred to feet and feet to ankles, as far as both sides have them.  The rest pose (all rotations 0)
    counts only where it stands: at least half as high as it is wide.  DataError where there are no feet to be found.
    """
    for pattern in FEET:
        named = [j for j, name in enumerate(skeleton.names) if any(re.match(pattern, word) for word in _words(name))]
        first = {side(skeleton.names[j]): j for j in reversed(named)}  # of several on one side the nearest to the hips
        if "left" in first and "right" in first:
            return sorted([first["left"], first["right"]])
        if named and not {"left", "right"} & set(first):
            return named
    J = len(skeleton)
    rest = forward_kinematics(skeleton.parents, np.tile(np.eye(3), (J, 1, 1)), skeleton.offsets)[1]
    tips = [j for j in range(1, J) if j not in skeleton.parents]
    width, height, depth = np.ptp(rest[1:], axis=0) if tips else np.zeros(3)
    if not height > max(width, depth) / 2:
        some = ", ".join(skeleton.names[:4]) + (", …" if J > 4 else "")
        raise DataError(
            f"find_feet: none of the {J} joints ({some}) is called toe, foot or ankle, and the rest pose does not "
            "stand. Name the joints that are feet."
        )
    lowest = rest[tips, 1].min()
    return [j for j in tips if rest[j, 1] <= lowest + 0.05 * height]


@dataclass(frozen=True, eq=False)
class FootSkate:
    """What `foot_skate` found: for each clip the share of steps that skate, and the height of its ground in metres.

    Printed, it says the share, the ground and the height below which a foot stands.
    """

    shares: np.ndarray
    grounds: np.ndarray
    contact_m: float = CONTACT_M

    @property
    def share(self) -> float:
        """The mean share over all clips, 0 to 1."""
        return float(self.shares.mean())

    @property
    def ground(self) -> float:
        """The mean height of the ground, in metres."""
        return float(self.grounds.mean())

    def __str__(self) -> str:
        low, high = self.grounds.min(), self.grounds.max()
        ground = f"{low:.3f} m" if high - low < 5e-4 else f"{low:.3f} to {high:.3f} m"
        stands = f"a foot lower than {self.contact_m} m over the ground at {ground}"
        return f"{100 * self.share:.1f} % of steps skate ({stands})"


def foot_skate(
    places: np.ndarray,
    feet: Sequence[int],
    fps: float | Fraction,
    ground: float | np.ndarray | None = None,
    contact_m: float = CONTACT_M,
) -> FootSkate:
    """The share of the T − 1 steps in which some foot slides: it stands, and moves at more than 0.50 m/s.

    A foot stands in step t if its height above the ground is below 0.05 m at t and at t + 1.  It slides if also its
    horizontal speed in that step *and* the mean of that speed over the 0.25 s around it (zeros beyond the ends) exceed
    0.50 m/s.  0.25 s are the odd number of steps nearest to it: 5 at 20 fps, 7 at 30, 15 at 60.
    places (…, T, J, 3), metres, y up.  feet: joints, as `find_feet` gives them.  ground: its height in metres, one
    for all clips or one for each (…); by default the 5th percentile of the heights of a clip's feet.
    Read it beside the data's own: a toe that swings forward passes the ground at 2 to 4 cm and is counted, so that
    recorded walks reach 20 to 40 %.  With contact_m = 0.02 they stay near 0, and what is left slides.
    As in the code of Karunratanakul et al. 2023 (GMD, 2305.12577), `calculate_skating_ratio`, which counts five frames
    at 20 fps and takes the ground to be at 0.
    """
    checked_places("foot_skate", places, frames=2)
    rate = checked_rate("foot_skate", fps)
    T, J = places.shape[-3:-1]
    if not len(feet) or not all(0 <= j < J for j in feet):
        raise SettingError(f"foot_skate: feet are {list(feet)}; they must be joints from 0 to {J - 1}, at least one.")
    foot = np.asarray(places, np.float64)[..., list(feet), :]  # (…, T, F, 3)
    height = foot[..., 1]
    if ground is None:
        grounds = np.percentile(height, GROUND_PERCENTILE, axis=(-2, -1))
    else:
        try:
            grounds = np.broadcast_to(np.asarray(ground, np.float64), height.shape[:-2])
        except ValueError:
            raise ShapeError(
                f"foot_skate: ground is {np.shape(ground)}; it must be one height, or one a clip, {height.shape[:-2]}."
            ) from None
    stands = height < grounds[..., None, None] + contact_m
    stands = stands[..., :-1, :] & stands[..., 1:, :]  # (…, T − 1, F)
    step = np.diff(foot[..., [0, 2]], axis=-3)
    speed = np.hypot(step[..., 0], step[..., 1]) * rate
    slides = stands & (speed > SKATE_MPS) & (_mean_around(speed, 2 * int(WINDOW_S * rate / 2) + 1) > SKATE_MPS)
    return FootSkate(slides.any(axis=-1).mean(axis=-1), grounds, contact_m)


def _mean_around(x: np.ndarray, window: int) -> np.ndarray:
    """The mean of `window` (odd) neighbours along the last axis but one, zeros beyond the ends."""
    half = window // 2
    edge = [(0, 0)] * (x.ndim - 2) + [(half, half), (0, 0)]
    padded = np.pad(x, edge)
    return np.lib.stride_tricks.sliding_window_view(padded, window, axis=-2).mean(axis=-1)


def _words(name: str) -> list[str]:
    """The words of a joint's name, small: LHipJoint → l, hip, joint; L5 stays one word, a vertebra."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*", name)]

"""A skeleton, a clip of its motion, and where that puts every joint."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

import numpy as np

from minigen.errors import DataError


@dataclass(frozen=True, eq=False)
class Skeleton:
    """J joints in a tree: who hangs on whom, how far away, and how a BVH file lists their channels.

    names: J joints, a parent before its children.  parents: the place of each joint's parent, −1 for the root.
    offsets: float64 (J, 3), from the parent to the joint in the parent's frame, in the skeleton's own units.  ends:
    joint → offset of its End Site.  channels: for each joint its BVH channels in file order, such as ("Zrotation",
    "Xrotation", "Yrotation").  metres: how long one unit is.  y points up.  DataError where these do not fit together.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: np.ndarray
    channels: tuple[tuple[str, ...], ...]
    ends: Mapping[int, tuple[float, float, float]] = field(default_factory=dict)
    metres: float = 1.0

    def __post_init__(self) -> None:
        J = len(self.names)
        if not J or len(self.parents) != J or self.offsets.shape != (J, 3) or len(self.channels) != J:
            raise DataError(
                f"Skeleton: {J} names, {len(self.parents)} parents, offsets {self.offsets.shape} and "
                f"{len(self.channels)} lists of channels do not belong together."
            )
        if self.parents[0] != -1 or any(not 0 <= p < j for j, p in enumerate(self.parents) if j):
            raise DataError("Skeleton: joint 0 must be the only root, and every parent must stand before its children.")

    def __len__(self) -> int:
        return len(self.names)

    def same(self, other: "Skeleton") -> bool:
        """Whether the two have the same joints, tree, lengths (to a thousandth of `reach`) and unit.

        The offsets down to `body` are not lengths and do not count: files put there where the body stands at first.
        """
        return (
            self.names == other.names
            and self.parents == other.parents
            and self.metres == other.metres
            and bool((np.abs(self.offsets - other.offsets)[self.body + 1 :] <= 1e-3 * self.reach).all())
        )

    @cached_property
    def body(self) -> int:
        """The first joint at which the tree branches, 0 if none does; joints before it lead from the origin to it."""
        return next((j for j in range(len(self)) if self.parents.count(j) > 1), 0)

    @cached_property
    def reach(self) -> float:
        """The length of the longest offset below `body`: a size to measure differences by."""
        return float(np.linalg.norm(self.offsets[self.body + 1 :], axis=1).max(initial=0.0))


@dataclass(frozen=True, eq=False)
class Clip:
    """A skeleton in motion: T frames.

    rotations: float64 (T, J, 3, 3), each joint's in its parent's frame, for column vectors.  translations: float64
    (T, J, 3), from the parent to the joint in the parent's frame; where a joint cannot move they are its offset.
    fps: frames a second.  labels: what is known of the clip, such as {"action": "walk", "style": "old"}.
    """

    skeleton: Skeleton
    rotations: np.ndarray
    translations: np.ndarray
    fps: Fraction
    name: str = "clip"
    labels: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        J = len(self.skeleton)
        T = len(self.rotations)
        if self.rotations.shape != (T, J, 3, 3) or self.translations.shape != (T, J, 3):
            raise DataError(
                f"{self.name}: rotations {self.rotations.shape} and translations {self.translations.shape} must be "
                f"(T, {J}, 3, 3) and (T, {J}, 3)."
            )

    def __len__(self) -> int:
        return len(self.rotations)

    @cached_property
    def places(self) -> np.ndarray:
        """Where every joint is, float64 (T, J, 3), in the skeleton's units."""
        return forward_kinematics(self.skeleton.parents, self.rotations, self.translations)[1]


def forward_kinematics(
    parents: tuple[int, ...], rotations: np.ndarray, translations: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(G, p): Gⱼ = G_parent Rⱼ and pⱼ = p_parent + G_parent tⱼ, from the root to the tips.

    rotations (…, J, 3, 3), translations (…, J, 3) → global rotations (…, J, 3, 3) and places (…, J, 3).
    """
    G = np.empty_like(rotations)
    p = np.empty_like(translations)
    for j, parent in enumerate(parents):
        if parent < 0:
            G[..., j, :, :], p[..., j, :] = rotations[..., j, :, :], translations[..., j, :]
            continue
        above = G[..., parent, :, :]
        G[..., j, :, :] = above @ rotations[..., j, :, :]
        p[..., j, :] = p[..., parent, :] + (above @ translations[..., j, :, None])[..., 0]
    return G, p

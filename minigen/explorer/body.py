"""What the page must know of a skeleton to draw it: a tree of joints, points to join, sides, and the floor."""

from typing import Any

import numpy as np

from minigen.motion import Clip
from minigen.train.stick_figure import Figure, figure

HEAD = "head"  # how a figure's head is told by name


def body_of(recipe: Any, items: np.ndarray) -> dict[str, Any]:
    """Plain JSON values, lengths in metres; items: features (N, T, F) of some samples, which say how high it reaches.

    parents, carrier, translations (J, 3), above: the joints over the carrier, which do not turn.  mean, deviation,
    moving: how features become of what the network gives.  points: further ones as (joint whose frame it has, joint it
    stands at, offset); the last is the head's middle, if there is one.  limbs: points to join, outwards, their side,
    and whether they are thin.
    """
    skeleton, carrier, scaling = recipe.skeleton, recipe.carrier, recipe.scaling
    J = len(skeleton)
    upright = np.broadcast_to(np.eye(3), (1, J, 3, 3)).copy()
    still = figure(Clip(skeleton, upright, carrier.translations[None], recipe.fps))
    figures = [figure(clip) for clip in recipe.clips(items)]
    above, joint = [], carrier.joint
    while (joint := skeleton.parents[joint]) >= 0:
        above.append(joint)
    return {
        "parents": list(skeleton.parents),
        "carrier": carrier.joint,
        "above": above,
        "translations": (carrier.translations * skeleton.metres).tolist(),
        "fps": float(recipe.fps),
        "mean": scaling.mean.tolist(),
        "deviation": scaling.deviation.tolist(),
        "moving": np.flatnonzero(scaling.moving).tolist(),
        "points": _further_points(still, skeleton),
        "limbs": [{"points": list(limb.points), "side": limb.side, "thin": limb.thin} for limb in still.limbs],
        "head": still.head_radius if still.has_head else 0,
        "floor": float(np.median([f.floor for f in figures])),
        "tall": float(max(f.points[..., 1].max() for f in figures)),
    }


def _further_points(still: Figure, skeleton: Any) -> list[dict[str, Any]]:
    """Tips and the head's middle, as they stand to their joints where nothing is turned."""
    J, points = len(skeleton), still.points[0]
    count = len(points) - still.has_head
    stands = {limb.points[n]: limb.points[n - 1] for limb in still.limbs for n in range(1, len(limb.points))}
    found = []
    for k in range(J, count):
        joint = stands.get(k, 0)  # a tip that no limb has is never drawn
        found.append({"frame": joint, "joint": joint, "offset": (points[k] - points[joint]).tolist()})
    if still.has_head:
        joint = next(j for j, name in enumerate(skeleton.names) if HEAD in name.lower())
        crowned = np.any(skeleton.ends.get(joint, (0, 0, 0)))
        frame = joint if crowned else max(skeleton.parents[joint], 0)
        found.append({"frame": frame, "joint": joint, "offset": (points[-1] - points[joint]).tolist()})
    return found

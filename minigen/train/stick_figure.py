"""A clip as a stick figure: points in metres, joined to limbs that are left, right or neither, seen by a camera."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from minigen.errors import DataError, SettingError
from minigen.metrics.feet import side
from minigen.motion.skeleton import Clip, forward_kinematics

VIEWS = {"side": (90.0, 8.0), "front": (0.0, 8.0), "three_quarter": (40.0, 14.0)}  # azimuth, elevation, in degrees
FOLLOW_S = 1.0  # the camera follows the mean place over this long, so that sway and lurch stay visible


class Limb(NamedTuple):
    """Points joined by one line, from the body outwards; side is "left", "right" or ""; thin: a finger, say."""

    points: tuple[int, ...]
    side: str
    thin: bool


@dataclass(frozen=True, eq=False)
class Figure:
    """A clip ready to be drawn.

    points: float64 (T, P, 3), metres, y up: the joints, then the tips of bones that end in an End Site, last the
    middle of the head if there is one.  carrier: the joint the camera follows.  stature: a length to size things by,
    in metres.  floor: the height of the ground.  forward: where the body faces on the whole, a unit vector (x, z).
    """

    points: np.ndarray
    limbs: tuple[Limb, ...]
    carrier: int
    has_head: bool
    head_radius: float
    stature: float
    floor: float
    forward: np.ndarray
    fps: float
    name: str

    def __len__(self) -> int:
        return len(self.points)


def figure(clip: Clip) -> Figure:
    """The clip's figure.  DataError where the clip has no frames, no bones, or numbers that are not finite."""
    skeleton = clip.skeleton
    G, p = forward_kinematics(skeleton.parents, clip.rotations, clip.translations)
    if not len(clip) or not np.isfinite(p).all():
        raise DataError(f"{clip.name}: {'its places are not finite' if len(clip) else 'no frames'}; nothing to draw.")
    above = list(skeleton.parents)
    sides = [side(name) for name in skeleton.names]
    points = [p[:, j] for j in range(len(skeleton))]
    head = next((j for j, name in enumerate(skeleton.names) if "head" in name.lower()), None)
    for j, end in sorted(skeleton.ends.items()):
        if j != head and np.linalg.norm(end) > 1e-3 * skeleton.reach:
            points.append(p[:, j] + G[:, j] @ np.asarray(end, np.float64))
            above.append(j)
            sides.append("")
    for k, parent in enumerate(above):  # a nameless tip is on the side of its joint
        sides[k] = sides[k] or (sides[parent] if parent >= 0 else "")

    body = skeleton.body
    lengths = [0.0] * len(above)  # of the way from the body to each point
    below = [False] * len(above)
    for k, parent in enumerate(above):
        below[k] = parent >= 0 and (parent == body or below[parent])
        if below[k]:
            lengths[k] = lengths[parent] + float(np.median(np.linalg.norm(points[k] - points[parent], axis=-1)))
    reach = max(lengths)
    if not reach > 0:
        raise DataError(f"{clip.name}: its skeleton has no bones below {skeleton.names[body]}; nothing to draw.")
    stature = reach + (lengths[head] if head is not None else 0.7 * reach)  # from the toes to the neck, or about that

    radius = 0.0
    if head is not None:
        crown = np.asarray(skeleton.ends.get(head, (0, 0, 0)), np.float64)
        radius = float(np.clip(np.linalg.norm(crown) / 2, 0.055 * stature, 0.085 * stature))
        up = G[:, head] @ crown if np.any(crown) else p[:, head] - p[:, max(skeleton.parents[head], 0)]
        points.append(p[:, head] + radius * up / np.maximum(np.linalg.norm(up, axis=-1, keepdims=True), 1e-12))

    limbs = _limbs(above, sides, below, lengths, 0.12 * stature)
    x = np.stack(points, axis=1) * skeleton.metres  # (T, P, 3)
    lowest = float(np.percentile(x[:, below + [False] * (head is not None), 1].min(axis=1), 5))
    floor = 0.0 if abs(lowest) < 0.15 * stature * skeleton.metres else lowest  # some files count from the hips
    return Figure(
        points=x,
        limbs=limbs,
        carrier=body,
        has_head=head is not None,
        head_radius=radius * skeleton.metres,
        stature=stature * skeleton.metres,
        floor=floor,
        forward=_forward(x, sides),
        fps=float(clip.fps),
        name=clip.name,
    )


def _limbs(
    above: Sequence[int], sides: Sequence[str], below: Sequence[bool], lengths: Sequence[float], short: float
) -> tuple[Limb, ...]:
    """The bones below the body in chains that part where the tree branches; a chain shorter than `short` is thin.

    A spine goes on to the head past the collar bones.
    """
    chains: list[list[int]] = []
    ends: dict[int, list[int]] = {}  # the last point of a chain → the chain
    for k, parent in enumerate(above):
        if not below[k]:
            continue
        if parent in ends and sides[k] == sides[parent] and (above.count(parent) == 1 or not sides[k]):
            chain = ends.pop(parent)
            chain.append(k)
        else:
            chain = [parent, k]
            chains.append(chain)
        ends[k] = chain
    return tuple(Limb(tuple(c), sides[c[-1]], lengths[c[-1]] - lengths[c[0]] < short) for c in chains)


def _forward(x: np.ndarray, sides: Sequence[str]) -> np.ndarray:
    """left × up, on the whole clip's mean; without sides the way travelled, without travel +z: a unit vector (x, z)."""
    left = [k for k, s in enumerate(sides) if s == "left"]
    right = [k for k, s in enumerate(sides) if s == "right"]
    if left and right:
        across = (x[:, left].mean(axis=1) - x[:, right].mean(axis=1))[:, [0, 2]]
        across /= np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-12)
        mean = across.mean(axis=0)
        if np.linalg.norm(mean) < 0.2:  # it spins: as it stood at first
            mean = across[0]
        facing = np.array([-mean[1], mean[0]])
    else:
        facing = (x[-1] - x[0]).mean(axis=0)[[0, 2]]
    size = float(np.linalg.norm(facing))
    return facing / size if size > 1e-3 else np.array([0.0, 1.0])


class Camera:
    """An orthographic camera that looks at a figure from one side of it and goes along with it.

    It does not turn during a clip.  see(x): places (T, …, 3) → (T, …, 3), metres to the right and up in the picture,
    measured from the ground under the figure, and towards the viewer.
    """

    def __init__(self, subject: Figure, view: str):
        if view not in VIEWS:
            raise SettingError(f"view is {view!r}; it must be one of {', '.join(VIEWS)}.")
        azimuth, elevation = np.radians(VIEWS[view])
        fx, fz = subject.forward
        forward, left = np.array([fx, 0, fz]), np.array([fz, 0, -fx])
        near = np.cos(azimuth) * forward - np.sin(azimuth) * left  # the viewer stands before it, or at its right hand
        right = np.cos(azimuth) * left + np.sin(azimuth) * forward
        up = np.array([0.0, 1.0, 0.0])
        self.axes = np.stack(
            [
                right,
                np.cos(elevation) * up - np.sin(elevation) * near,
                np.sin(elevation) * up + np.cos(elevation) * near,
            ]
        )
        self.ground_axes = np.stack([forward, left])  # along these the lines on the ground run
        self.followed = _smooth(subject.points[:, subject.carrier], FOLLOW_S * subject.fps)  # (T, 3)
        self.followed[:, 1] = subject.floor

    def see(self, x: np.ndarray) -> np.ndarray:
        """x as seen: (T, …, 3) → (T, …, 3)."""
        T = len(x)
        return (x - self.followed[:T].reshape(T, *(1,) * (x.ndim - 2), 3)) @ self.axes.T


def _smooth(path: np.ndarray, window: float) -> np.ndarray:
    """The mean over `window` frames around each, the ends continued point-symmetrically: (T, 3) → a new (T, 3)."""
    half = min(int(window / 2), len(path) - 1)
    before, after = 2 * path[0] - path[half:0:-1], 2 * path[-1] - path[-2 : -half - 2 : -1]
    padded = np.concatenate([before, path, after])
    total = np.concatenate([np.zeros((1, 3)), np.cumsum(padded, axis=0)])
    return (total[2 * half + 1 :] - total[: -2 * half - 1]) / (2 * half + 1)

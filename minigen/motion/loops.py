"""A piece of a clip that repeats without a seam, and the rounds it makes.

Everything happens in the numbers of features.py, which do not say where the body is or which way it faces: so a loop
may travel and turn, and each round begins where, and facing as, the one before it ended.
"""

from dataclasses import replace

import numpy as np

from minigen.errors import SettingError
from minigen.motion.features import Carrier, carrier, from_features, heading_of, to_features
from minigen.motion.rotations import about_y, from_6d, slerp, to_6d
from minigen.motion.skeleton import Clip

SHORTEST = 0.4  # seconds: the shortest loop; one cycle of a run takes 0.6 s or more
MEETING = 0.25  # seconds: so long before it ends a loop begins to go over into what led to its first frame
SWIFT = 0.1  # seconds: speeds are compared by how far they lead in so long
TURN = 0.2  # metres: what a turn by one radian counts as; so far the shoulders go
STRAIGHT = np.radians(10)  # a round that turns by less is made straight: it was meant to be
EXACT = 0.5  # of a usual step from frame to frame: ends that differ by less meet
UNSEEN = 0.01  # metres: the same of clips that hardly move


def seamless(clip: Clip, shortest_s: float = SHORTEST, body: Carrier | None = None) -> Clip:
    """The part of a clip that comes round best, changed a little so that it comes round exactly.

    Of all pieces from a frame a to a frame b at least `shortest_s` seconds later, those count whose ends are most alike
    in pose and in speed, and of these the longest is taken.  What difference in pose there is left is spread over the
    whole piece; its last moments go over into those that led to frame a, so that movements meet too.
    The result has b − a frames; after the last comes the first again, but for where the body has gone to and how far it
    has turned: see `rounds`.  A turn of less than 10° a round is taken out, together with the bend of the way.
    body: the clip's carrier, by default the one found in it; what features leave out is left out.  SettingError where
    the clip is too short.
    """
    body = carrier(clip.skeleton, [clip]) if body is None else body
    T, J, fps = len(clip), len(clip.skeleton), float(clip.fps)
    least = max(2, round(shortest_s * fps))
    if least + 1 > T:
        raise SettingError(f"{clip.name}: {T} frames are too few for a loop of {least} or more; give a longer clip.")
    w = min(max(1, round(MEETING * fps)), (T - 1 - least) // 2)
    x = to_features(clip, body, dtype=np.float64)
    a, b = _ends(clip, body, x, least, w)
    n = b - a
    R, rest = from_6d(x[:, : 6 * J].reshape(-1, J, 6)), x[:, 6 * J :]
    missing = np.swapaxes(R[b], -1, -2) @ R[a]  # from the pose at the end to that at the beginning, (J, 3, 3)
    higher = np.array([0, 0, rest[a, 2] - rest[b, 2], 0])  # of the rest, height alone is a matter of pose

    def changed(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The frames with their share of what is missing: none of it at a, the whole of it at b."""
        share = ((frames - a) / n)[:, None]
        return slerp(R[frames], R[frames] @ missing, share), rest[frames] + share * higher

    turns, moves = changed(np.arange(a, b))
    if w:
        before_turns, before_moves = changed(np.arange(a - w, a))
        t = np.arange(w) / w
        near = t * t * (3 - 2 * t)  # 0 at first, 1 at the seam, flat at both
        turns[-w:] = slerp(turns[-w:], before_turns, near[:, None])
        moves[-w:] += near[:, None] * (before_moves - moves[-w:])
    if abs(moves[:, 3].sum() / fps) < STRAIGHT:
        moves[:, 3] -= moves[:, 3].mean()

    loop = np.concatenate([to_6d(turns).reshape(n, -1), moves], axis=1)
    return _standing_at(clip, a, body, loop, f"{clip.name}-loop")


def rounds(loop: Clip, count: int, body: Carrier | None = None, straight: bool = False) -> Clip:
    """The loop `count` times on end: the body travels and turns on from round to round.

    body: as for `seamless`.  straight: each round ends facing as it began, and the way bends with that.  The step from
    the last frame to the first is taken to be the mean of those beside it.
    """
    body = carrier(loop.skeleton, [loop]) if body is None else body
    x = to_features(loop, body, dtype=np.float64)
    pace = np.array([-4, -3, -1])
    x[-1, pace] = (x[-2, pace] + x[0, pace]) / 2
    if straight:
        x[:, -1] -= x[:, -1].mean()
    return _standing_at(loop, 0, body, np.tile(x, (count, 1)), loop.name)


def _standing_at(clip: Clip, frame: int, body: Carrier, x: np.ndarray, name: str) -> Clip:
    """The clip that features describe, begun where the body of `clip` stands in that frame, and facing as it does."""
    place = clip.places[frame, body.joint] * clip.skeleton.metres
    start, heading = (float(place[0]), float(place[2])), float(heading_of(clip, body)[frame])
    made = from_features(x, clip.skeleton, body, clip.fps, start=start, heading=heading, name=name)
    return replace(made, labels=clip.labels, notes=clip.notes)


# Where to cut ---------------------------------------------------------------------------------------------------------


def _ends(clip: Clip, body: Carrier, x: np.ndarray, least: int, w: int) -> tuple[int, int]:
    """(a, b): frames at least `least` apart, w frames or more before a, at which the clip is most alike.

    The longest of all pairs that are as good as the best one, or that nobody could tell from it.
    """
    T = len(clip)
    poses = _poses(clip, body)
    step = np.sqrt((np.diff(poses, axis=0) ** 2).sum(-1)).mean()
    pace = x[:, [-4, -3, -1]] * [1, 1, TURN]  # of the body, in metres a second
    speeds = SWIFT * np.concatenate([float(clip.fps) * np.gradient(poses, axis=0), pace], axis=1)
    heading = TURN * heading_of(clip, body)
    cuts = np.arange(w, T - least, max(1, T // 240))
    unlike = np.full((len(cuts), T), np.inf)
    for row, a in zip(unlike, cuts.tolist(), strict=True):
        later = np.arange(a + least, T)
        far = ((poses[later] - poses[a]) ** 2).sum(-1) + (heading[later] - heading[a]) ** 2
        seconds = (later - a) / float(clip.fps)  # over which the difference will be spread
        row[later] = np.sqrt(far / seconds**2 + ((speeds[later] - speeds[a]) ** 2).sum(-1))
    best = unlike.min()
    good = unlike <= max(1.1 * best, EXACT * step, UNSEEN)
    lengths = np.where(good, np.arange(T) - cuts[:, None], 0)
    best_of_longest = int(np.where(lengths == lengths.max(), unlike, np.inf).argmin())
    return int(cuts[best_of_longest // T]), best_of_longest % T


def _poses(clip: Clip, body: Carrier) -> np.ndarray:
    """Where the joints of the body are, seen by one who goes and turns with it on the ground, (T, 3J).

    In metres over √J, so that the length of a difference is the root of the mean square over the joints.
    """
    below = [body.joint]
    for j, parent in enumerate(clip.skeleton.parents):
        if parent in below:
            below.append(j)
    p = clip.places * clip.skeleton.metres
    p = p[:, below] - p[:, [body.joint]] * [1, 0, 1]
    p = (about_y(-heading_of(clip, body))[:, None] @ p[..., None])[..., 0]
    return p.reshape(len(p), -1) / np.sqrt(len(below))

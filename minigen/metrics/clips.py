"""Clips: whether a loop closes, how much moves, how much flickers, and what a model of clips must beat.

clips (N, T, H, W, C), or windows of anything (N, T, …), bytes or floats, on the host.  Distances are root mean squares
over the entries of a frame, in the unit of the clips: grey levels for bytes.
"""

from typing import Any

import numpy as np

from minigen.data.checking import whole
from minigen.errors import ShapeError
from minigen.metrics.checking import finite


def seam(clips: np.ndarray) -> np.ndarray:
    """‖x_0 − x_{T−1}‖ / mean_t ‖x_{t+1} − x_t‖ of each clip, (N,): the step from the last frame to the first.

    1 for a loop without a seam, far above 1 for a jump, near 0 where the last frame only repeats the first.  NaN for a
    clip that stands still, so count those first: np.isnan(seam(clips)).sum().  T ≥ 2 (two frames always give 1).
    ShapeError, DataError where a number is not finite.
    """
    x = _clips("seam", clips, 2)
    return np.array([_across(clip, 1) for clip in x])


def seam_jerk(clips: np.ndarray) -> np.ndarray:
    """The same of the steps d_t = x_{t+1} − x_t, (N,): whether the motion goes on through the join.

    The mean of ‖d_{T−1} − d_{T−2}‖ and ‖d_0 − d_{T−1}‖, d_{T−1} = x_0 − x_{T−1} the step across the join, over the
    mean ‖d_{t+1} − d_t‖ within the clip.  1 for a loop; far above 1 for a jump, and where the places meet but the
    motion turns or stops.  NaN for a clip whose steps are all one, still or gliding.  T ≥ 3; errors as `seam`.
    """
    x = _clips("seam_jerk", clips, 3)
    return np.array([_across(clip, 2) for clip in x])


def energy(clips: np.ndarray) -> np.ndarray:
    """mean_t ‖x_{t+1} − x_t‖ of each clip, (N,): how much moves; 0 for a still.  T ≥ 2; read it over the data's."""
    return np.array([_lengths(clip, 1)[:-1].mean() for clip in _clips("energy", clips, 2)])


def flicker(clips: np.ndarray) -> np.ndarray:
    """mean_t ‖x_{t+1} − 2 x_t + x_{t−1}‖ of each clip, (N,): how much trembles; 0 for a steady change.  T ≥ 3.

    Read it over the data's: 1 as restless as they are, less where a model smooths.  Independent frames of deviation σ
    have √6 σ, and energy √2 σ.
    """
    return np.array([_lengths(clip, 2)[:-2].mean() for clip in _clips("flicker", clips, 3)])


def repeat_frame(clips: np.ndarray) -> np.ndarray:
    """The first frame of each clip, all the time: (N, T, …) → the same shape and dtype.  A baseline of energy 0."""
    _clips("repeat_frame", clips, 1)
    return np.repeat(np.asarray(clips)[:, :1], np.shape(clips)[1], axis=1)


def mean_clip(train: np.ndarray, n: int) -> np.ndarray:
    """The mean of the training clips, n times: train (N, T, …) → float64 (n, T, …).  A baseline without variety."""
    x = _clips("mean_clip", train, 1)
    return np.repeat(x.mean(axis=0, dtype=np.float64)[None], whole("mean_clip: n", n, lowest=1), axis=0)


def _clips(name: str, clips: Any, frames: int) -> np.ndarray:
    x = np.asarray(clips)
    if x.ndim < 3 or not x.size or x.shape[1] < frames:
        raise ShapeError(
            f"{name}: clips have shape {x.shape}; they must be (N, T, H, W, C), or (N, T, …), with T ≥ {frames} frames "
            "and not empty."
        )
    finite(name, x)
    return x


def _lengths(clip: np.ndarray, order: int) -> np.ndarray:
    """The root mean square of each difference of that order along one clip, (T,), the last `order` across the join."""
    x = clip.astype(np.float64).reshape(len(clip), -1)
    x = np.diff(np.concatenate([x, x[:order]]), order, axis=0)  # (T, HWC)
    return np.sqrt((x * x).mean(axis=1))


def _across(clip: np.ndarray, order: int) -> float:
    """The differences across the join over those within, NaN where within there are none but rounding's."""
    lengths = _lengths(clip, order)
    within = lengths[:-order].mean()
    nothing = 8 * np.finfo(clip.dtype).eps * np.abs(clip).max() if clip.dtype.kind == "f" else 0
    return float("nan") if within <= nothing else float(lengths[-order:].mean() / within)

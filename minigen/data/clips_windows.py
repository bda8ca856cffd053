"""Where the windows of a film begin, so that none reaches over a cut, and which of them are kept to measure on."""

import numpy as np

SHARE = 0.1  # of the windows are held out


def starts(shots: np.ndarray, frames: int, stride: int) -> np.ndarray:
    """The first frame of each window of `frames` frames, one every `stride` frames of each shot, in order.

    shots: the number of the shot each frame is of, (T,), where frames of one shot stand together.  A shot shorter than
    a window has none.
    """
    edges = _edges(shots)
    parts = [np.arange(first, end - frames + 1, stride) for first, end in zip(edges, edges[1:], strict=False)]
    return np.concatenate(parts).astype(np.int64)


def longest(shots: np.ndarray) -> int:
    """How many frames the longest shot has."""
    return int(np.diff(_edges(shots)).max())


def split(first: np.ndarray, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """(places of windows to learn from, places of windows held out), of windows that begin at these frames.

    The last tenth is held out, at least one.  Of the others, those that share a frame with it are in neither.  Where
    fewer than two would be left to learn from, all are learnt from.
    """
    held_out = max(1, round(SHARE * len(first)))
    apart = np.flatnonzero(first + frames <= first[-held_out])
    if len(apart) < 2:
        return np.arange(len(first)), np.arange(0)
    return apart, np.arange(len(first) - held_out, len(first))


def _edges(shots: np.ndarray) -> list[int]:
    """The first frame of each shot, and the number of frames."""
    return [0, *(np.flatnonzero(np.diff(shots)) + 1).tolist(), len(shots)]

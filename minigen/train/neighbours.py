"""Each sample beside the training item nearest to it, an image or a clip: has the network learnt, or does it repeat?"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from minigen.errors import ShapeError
from minigen.train.pictures import DARK, at_least, grid, save_png, to_pixels

CHUNK_BYTES = 32 << 20  # of training items as floats, at a time
CANDIDATES = 8  # training items a chunk whose distance is computed again, exactly
MARK = np.array([213, 94, 0], np.uint8)  # vermilion, told apart by readers with any kind of colour vision
MARGIN = 4  # pixels around a pair, where the mark is drawn


def nearest(samples: np.ndarray, training: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(indices, distances) of the training image, or clip, nearest to each sample, both (N,).

    samples, training: (N, H, W, C) and (M, H, W, C), or clips (N, T, H, W, C) and (M, T, H, W, C), each compared as a
    whole; bytes or floats in [−1, 1], compared as bytes.  The distance is the root mean square difference of grey
    levels, where black is 0 and white 1; a copy has exactly 0.  Of equally near items the first counts.  ShapeError
    where items differ in shape or there are none.
    """
    if samples.ndim not in (4, 5) or samples.shape[1:] != training.shape[1:] or not len(samples) or not len(training):
        raise ShapeError(
            f"neighbours: samples {samples.shape} and training items {training.shape} must be (N, H, W, C) or "
            "(N, T, H, W, C), alike in all but N, and not empty."
        )
    x = to_pixels(samples).reshape(len(samples), -1)  # (N, THWC)
    rows = np.arange(len(x))
    best = np.full(len(x), np.iinfo(np.int64).max)  # sums of squared byte differences: whole numbers, so exact
    indices = np.zeros(len(x), np.int64)
    step = max(1, CHUNK_BYTES // (4 * x.shape[1]))
    for start in range(0, len(training), step):
        t = to_pixels(training[start : start + step]).reshape(-1, x.shape[1])  # (chunk, THWC)
        near = _candidates(x, t)
        exact = np.stack([_squares(x, t[near[:, k]]) for k in range(near.shape[1])], axis=1)  # (N, candidates)
        k = exact.argmin(axis=1)
        better = exact[rows, k] < best
        best = np.where(better, exact[rows, k], best)
        indices = np.where(better, start + near[rows, k], indices)
    return indices, np.sqrt(best / x.shape[1]) / 255


def _candidates(x: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Columns of t that float32 finds nearest to each x, in rising order: (N, up to CANDIDATES).

    ‖x − t‖² = ‖x‖² − 2⟨x, t⟩ + ‖t‖² is one matrix product, but loses digits where x ≈ t; hence more than one candidate.
    """
    centre = t.mean(axis=0, dtype=np.float32)  # taken out first: smaller numbers, smaller errors
    a, b = x - centre, t - centre
    distances = (b * b).sum(axis=1) - 2 * a @ b.T  # ‖a‖² is the same for all t
    count = min(CANDIDATES, len(t))
    return np.sort(np.argpartition(distances, count - 1, axis=1)[:, :count], axis=1)


def _squares(x: np.ndarray, t: np.ndarray) -> np.ndarray:
    difference = x.astype(np.int64) - t
    return (difference * difference).sum(axis=1)


def panel(
    samples: np.ndarray, training: np.ndarray, held_out: np.ndarray | None = None, columns: int = 8
) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """(picture, rows): pairs of a sample (left) and its nearest training image (right), and a dict for each pair.

    Of clips, a pair is two rows of frames: the sample's (above) and those of the training clip nearest as a whole.
    A dict has `sample` and `training` (indices), `distance` (as in `nearest`), `percentile` and `marked`.  Items of
    the same kind that were not trained on, `held_out`, say which distance is usual: `percentile` is the share in
    percent of their distances to the training items that is smaller.  Below 1 the pair is marked by a frame: nearer
    than a new item ought to be.  Without `held_out` there is no percentile, and only exact copies are marked.
    """
    at_least("columns", columns, 1)
    indices, distances = nearest(samples, training)
    usual = None if held_out is None else nearest(held_out, training)[1]
    rows: list[dict[str, Any]] = []
    for i, (index, distance) in enumerate(zip(indices, distances, strict=True)):
        percentile = None
        if usual is not None:  # an equal distance counts half
            percentile = 50.0 * float((usual < distance).mean() + (usual <= distance).mean())
        marked = bool(distance == 0) if percentile is None else percentile < 1
        rows.append(
            {
                "sample": i,
                "training": int(index),
                "distance": float(distance),
                "percentile": percentile,
                "marked": marked,
            }
        )
    two = zip(to_pixels(samples), to_pixels(training[indices]), rows, strict=True)
    pairs = np.stack([_pair(sample, partner, bool(row["marked"])) for sample, partner, row in two])
    return grid(pairs, columns=columns, gap=6, scale=1), rows


def _pair(sample: np.ndarray, partner: np.ndarray, marked: bool) -> np.ndarray:
    """Sample and partner in one picture, in colour, with a margin that shows the mark."""
    if sample.ndim == 4:
        two = grid(np.concatenate([sample, partner]), columns=len(sample), gap=1, scale=1)
    else:
        two = grid(np.stack([sample, partner]), columns=2, gap=2)
    two = np.broadcast_to(two, (*two.shape[:2], 3))
    H, W, _ = two.shape
    picture = np.empty((H + 2 * MARGIN, W + 2 * MARGIN, 3), np.uint8)
    picture[:] = MARK if marked else DARK
    picture[MARGIN : MARGIN + H, MARGIN : MARGIN + W] = two
    return picture


def save_panel(
    path: Path, samples: np.ndarray, training: np.ndarray, held_out: np.ndarray | None = None, columns: int = 8
) -> list[dict[str, Any]]:
    """Write the panel as PNG, with its rows as JSON in the text `rows`, where the report finds them; returns them."""
    picture, rows = panel(samples, training, held_out, columns)
    save_png(path, picture, {"rows": json.dumps(rows)})
    return rows

"""Each sample beside the training item nearest to it, an image or a clip: has the network learnt, or does it repeat?"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from minigen.errors import ShapeError
from minigen.metrics import held_out_rank, nearest_distances
from minigen.train.pictures import DARK, at_least, grid, save_png, to_pixels

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
    indices, distances = nearest_distances(to_pixels(samples), to_pixels(training))
    return indices, distances / 255


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
    percentiles = None if usual is None else held_out_rank(distances, usual)
    rows: list[dict[str, Any]] = []
    for i, (index, distance) in enumerate(zip(indices, distances, strict=True)):
        percentile = None if percentiles is None else float(percentiles[i])
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

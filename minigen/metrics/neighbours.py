"""Nearest neighbours: are samples copies of the training set, or of each other, and can they be told from real items?

Items are rows of any shape (N, …), compared entry by entry on the host.  A distance is the root mean square of their
differences, in the unit of the entries: grey levels for bytes.  Twice as many pixels do not make it larger.
"""

from typing import Any

import numpy as np

from minigen.errors import DataError, SettingError, ShapeError
from minigen.metrics.checking import finite

CHUNK_BYTES = 32 << 20  # of items as float64, at a time
CHUNK_ITEMS = 2048  # at most: their distances to each other are held too


def nearest_distances(
    x: np.ndarray, training: np.ndarray, *, leave_out_self: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """(indices, distances) of the training item nearest to each x, both (N,): √(mean (x − t)²) over an item's entries.

    x (N, …), training (M, …), flattened; a copy has exactly 0, and of equally near items the first counts.  Exact: a
    matrix product in float64 finds the candidates within its rounding error, whose distances are then computed anew.
    64 × 60,000 × 784 are 3 GMAC.  With leave_out_self x *is* the training set and item i is not compared with item i.
    ShapeError where the items differ in shape or there are too few, DataError where some are bytes and some are not.
    """
    a, t = _items("nearest_distances", x, training)
    if leave_out_self and (len(a) != len(t) or len(t) < 2):
        raise ShapeError(
            f"nearest_distances: x {np.shape(x)} and training {np.shape(training)} must be one set of at least two "
            "items where leave_out_self is on."
        )
    i, j, squares = _nearest_pairs(a, t, np.arange(len(a)) if leave_out_self else None)
    first = np.searchsorted(i, np.arange(len(a)))
    return j[first], np.sqrt(squares[first] / a.shape[1])


def two_sample_accuracy(real: np.ndarray, fake: np.ndarray) -> tuple[float, float]:
    """How often an item's nearest neighbour among all others is of its own kind: (share of real, share of fake).

    real, fake (N, …), as many of each.  (.5, .5) where both have one distribution, 1 where they are separable, below
    .5 where fakes copy; exact copies of a real set without twins give 0.  Real near 0.5 with fake near 1 is a set too
    narrow.  Of m equally near neighbours, k of one's own kind, k / m counts.  Standard error about .5 / √N each.
    (2N)² F multiplications.  ShapeError where the sets differ in shape or size, DataError where only one is of bytes.
    Lopez-Paz & Oquab 2017, "Revisiting classifier two-sample tests"; for GANs Xu et al. 2018, "An empirical study on
    evaluation metrics of generative adversarial networks".
    """
    x, y = _items("two_sample_accuracy", real, fake, ("real", "fake"))
    if len(x) != len(y):
        raise ShapeError(
            f"two_sample_accuracy: {len(x)} real and {len(y)} fake items; as many of each are needed, or the larger "
            "set is the likelier neighbour. Cut one."
        )
    items, place = _distinct(np.concatenate([x, y]))
    count = np.stack([np.bincount(place[half], minlength=len(items)) for half in (slice(len(x)), slice(len(x), None))])
    total = count.sum(axis=0)
    share = np.maximum(count - 1, 0) / np.maximum(total - 1, 1)  # of an item that has twins: they are nearest, at 0
    alone = np.flatnonzero(total == 1)
    if len(alone):
        i, j, _ = _nearest_pairs(items[alone], items, own=alone)
        for kind in (0, 1):
            near = np.bincount(i, weights=count[kind, j], minlength=len(alone))
            share[kind, alone] = near / np.bincount(i, weights=total[j], minlength=len(alone))
    right = (share * count).sum(axis=1) / len(x)
    return float(right[0]), float(right[1])


def held_out_rank(distances: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """100 · (share of `usual` below + half the share that equals it): the percentile of each distance, (N,), 0 to 100.

    distances (N,): of samples to the training set; usual (M,): of held-out items to the same training set.  Below 1 a
    sample is nearer to the training set than new data ought to be: suspect a copy.  ShapeError where one is not a row
    of numbers, DataError where one is not finite.
    """
    d, u = np.asarray(distances, np.float64), np.asarray(usual, np.float64)
    if d.ndim != 1 or u.ndim != 1 or not len(u):
        raise ShapeError(f"held_out_rank: distances {d.shape} and usual {u.shape} must be (N,) and (M,), M ≥ 1.")
    finite("held_out_rank", d, u)
    u = np.sort(u)
    return 50.0 * (np.searchsorted(u, d, side="left") + np.searchsorted(u, d, side="right")) / len(u)


def near_duplicates(samples: np.ndarray, threshold: float) -> float:
    """The share of samples whose nearest other sample is nearer than threshold: how far a generator repeats itself.

    samples (N ≥ 2, …); threshold in the unit of `nearest_distances`.  Take it from as many real items (more lie
    closer): the 1st percentile of nearest_distances(real, real, leave_out_self=True)[1], of which real data have 1 %.
    ShapeError where there are fewer than two samples, SettingError where the threshold is not above 0: where the
    percentile is 0, real data have copies, and the smallest distance above 0 is the next best.
    """
    x, _ = _items("near_duplicates", samples, samples, ("samples", "samples"))
    if len(x) < 2:
        raise ShapeError(f"near_duplicates: samples have shape {np.shape(samples)}; there must be at least two.")
    if not 0 < threshold < float("inf"):
        raise SettingError(f"near_duplicates: threshold is {threshold}; it must be a distance above 0.")
    items, place = _distinct(x)
    close = np.bincount(place, minlength=len(items)) > 1
    if len(items) > 1:
        close |= nearest_distances(items, items, leave_out_self=True)[1] < threshold
    return float(close[place].mean())


def _nearest_pairs(
    x: np.ndarray, t: np.ndarray, own: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(i, j, ‖x_i − t_j‖²) for every t_j that is nearest to x_i, all of several equals, by rising i, then j.

    own (N,): the one index j that each i leaves out.
    """
    step = max(1, min(CHUNK_ITEMS, CHUNK_BYTES // (8 * x.shape[1])))
    centre = t.mean(axis=0, dtype=np.float64)  # taken out first: smaller numbers, smaller errors
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for low in range(0, len(x), step):
        part = x[low : low + step]
        a = part - centre
        a2 = np.einsum("nf,nf->n", a, a)[:, None]
        best = np.full(len(a), np.inf)
        pairs = []
        for start in range(0, len(t), step):
            b = t[start : start + step] - centre
            b2 = np.einsum("nf,nf->n", b, b)
            squares = a2 + b2 - 2 * (a @ b.T)
            if own is not None:
                mine = own[low : low + step] - start
                inside = np.flatnonzero((mine >= 0) & (mine < len(b)))
                squares[inside, mine[inside]] = np.inf
            # What rounding can do to a sum of F products, twice: to the nearest and to what only seems to be.
            slack = 2 * (x.shape[1] + 8) * np.finfo(np.float64).eps * (np.sqrt(a2) + np.sqrt(b2.max())) ** 2
            limit = np.minimum(squares.min(axis=1), best)[:, None] + slack
            i, j = np.nonzero((squares <= limit) & np.isfinite(squares))
            exact = _squares(part, t[start : start + step], i, j, step)
            np.minimum.at(best, i, exact)
            pairs.append((i, start + j, exact))
        i, j, exact = (np.concatenate(column) for column in zip(*pairs, strict=True))
        nearest = np.flatnonzero(exact == best[i])
        nearest = nearest[np.argsort(i[nearest], kind="stable")]  # the chunks came by rising j
        found.append((low + i[nearest], j[nearest], exact[nearest]))
    i, j, exact = (np.concatenate(column) for column in zip(*found, strict=True))
    return i, j, exact


def _squares(x: np.ndarray, t: np.ndarray, i: np.ndarray, j: np.ndarray, step: int) -> np.ndarray:
    """‖x_i − t_j‖² of pairs, from the differences, a few pairs at a time."""
    squares = np.empty(len(i))
    for k in range(0, len(i), step):
        difference = x[i[k : k + step]].astype(np.float64) - t[j[k : k + step]]
        squares[k : k + step] = (difference * difference).sum(axis=1)
    return squares


def _distinct(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(items, place): the distinct rows of x, and the one that each row is, x = items[place]."""
    x = np.ascontiguousarray(x + x.dtype.type(0))  # −0 becomes 0, so that equal rows are equal bytes
    row_bytes = x.view(np.dtype((np.void, x.itemsize * x.shape[1]))).ravel()
    _, first, place = np.unique(row_bytes, return_index=True, return_inverse=True)
    return x[first], place


def _items(name: str, x: Any, y: Any, names: tuple[str, str] = ("x", "training")) -> tuple[np.ndarray, np.ndarray]:
    """Both sets flattened, (N, F) and (M, F), in their own dtypes."""
    x, y = np.asarray(x), np.asarray(y)
    if x.ndim < 2 or x.shape[1:] != y.shape[1:] or not x.size or not y.size:
        raise ShapeError(
            f"{name}: {names[0]} {x.shape} and {names[1]} {y.shape} must be (N, …) and (M, …), items of one shape, "
            "and not empty."
        )
    if (x.dtype == np.uint8) != (y.dtype == np.uint8):
        raise DataError(
            f"{name}: {names[0]} are {x.dtype} and {names[1]} {y.dtype}, so 255 and 1 may be the same white. "
            "Convert one (to_float, to_uint8)."
        )
    finite(name, x, y)
    return x.reshape(len(x), -1), y.reshape(len(y), -1)

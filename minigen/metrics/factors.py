"""Known factors: which are covered, which a latent holds, whether a model does what was asked.

factors: a structured array, as the renderers return, or a dict: name → numbers (N,), from the renderer or read off
samples.  ranges: name → (lowest, highest), such as `minigen.data.RANGES`.  seen: name → bool (N,), where a factor can
be seen, such as `minigen.data.visible` gives; names it lacks are seen everywhere.  A cyclic factor has a period.
"""

import itertools
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigen.data.checking import whole
from minigen.errors import DataError, SettingError, ShapeError
from minigen.metrics.checking import finite, rows
from minigen.metrics.modes import kl_to_uniform, mode_ceilings

Ranges = Mapping[str, tuple[float, float]]
Seen = Mapping[str, np.ndarray] | None


@dataclass(frozen=True)
class Coverage:
    """How evenly n items fill the bins of a factor, or of a pair; NaN where the factor is seen in none."""

    occupied: float  # share of the bins with at least one item
    kl: float  # KL(p̂ ‖ uniform), nats
    floor: float  # what n items drawn evenly have on average, about (bins − 1) / 2n nats
    n: int  # items counted


def coverage(factors: Any, ranges: Ranges, *, bins: int = 10, seen: Seen = None) -> dict[str, Coverage]:
    """Each factor's occupied bins and KL(p̂ ‖ uniform) = Σ p̂ log(bins · p̂), in nats, beside its floor.

    `bins` equal ones from lowest to highest; what lies beyond counts in the outermost.  A range of two ints has
    whole numbers, one bin each: (0, 1) two, (0.0, 1.0) ten.  The floor is exact for even draws (`mode_ceilings`);
    where a factor is unseen at one end of its range, as hills near 0, the data themselves do not reach it.
    DataError where a factor of `ranges` is missing or not finite, ShapeError where it is not (N,), SettingError where a
    range is empty or bins are below 2.
    """
    binned = {name: _bins(factors, name, ends, bins) for name, ends in ranges.items()}
    return {name: _covered(which, count, _mask(seen, name, len(which))) for name, (which, count) in binned.items()}


def pair_coverage(
    factors: Any, ranges: Ranges, *, bins: int = 10, seen: Seen = None
) -> dict[tuple[str, str], Coverage]:
    """The same for every pair of factors of `ranges`, on bins × bins cells, where both are seen."""
    binned = {name: _bins(factors, name, ends, bins) for name, ends in ranges.items()}
    found = {}
    for a, b in itertools.combinations(binned, 2):
        (i, lines), (j, columns) = binned[a], binned[b]
        if len(i) != len(j):
            raise ShapeError(f"pair_coverage: {len(i)} items have {a}, but {len(j)} have {b}; each needs both.")
        both = _mask(seen, a, len(i)) & _mask(seen, b, len(j))
        found[a, b] = _covered(i * columns + j, lines * columns, both)
    return found


def r_squared(truth: np.ndarray, found: np.ndarray, *, period: float | None = None) -> float:
    """R² = 1 − Σ (found − truth)² / Σ (truth − mean truth)²: 1 exact, 0 no better than the mean, below 0 worse.

    truth, found (N,).  With a period both are points (cos, sin) of 2πx / period on the circle and squares are those of
    distances in its plane, so that 0.99 is near 0.01.  ShapeError where the two are not (N,) of one N, DataError where
    the truth does not vary or a number is not finite, SettingError where the period is not above 0.
    """
    t, f = _two("r_squared", "truth", truth, "found", found)
    score = _explained(_placed("r_squared", t, period), _placed("r_squared", f, period))
    if np.isnan(score):
        raise DataError("r_squared: truth does not vary, so there is nothing to explain. Leave this factor out.")
    return score


def disentanglement(
    latents: np.ndarray, factors: Any, *, cyclic: Collection[str] = (), seen: Seen = None
) -> dict[str, tuple[float, float]]:
    """Of each factor the R² from all latents, and from the best single one: equal where one latent holds the factor.

    latents (N, Z); factors (N,) each; `cyclic` names those with period 1.  Linear least squares with an intercept on
    the items 0, 2, 4, …, which also choose the best latent; R² on the items 1, 3, 5, …  A cyclic factor is fitted as
    cos and sin together: all latents can reach 1, a single one ½ at most, since one number says no place on a circle.
    NaN where a factor does not vary, or is seen in too few items for a fit (2Z + 4).  Print PCA with as many components
    and a random encoder beside it.  ShapeError where latents are not (N, Z), or factors are not (N,); DataError where
    N is too small or a name of `cyclic` is no factor.
    """
    z = rows("disentanglement", "latents", latents)
    N, Z = z.shape
    names = _names(factors)
    if not names:
        raise DataError("disentanglement: factors have no names. Give a structured array, or a dict of name → (N,).")
    if N < 2 * Z + 4:
        raise DataError(f"disentanglement: {N} items are too few to fit {Z} latents; give at least {2 * Z + 4}.")
    if strange := [name for name in cyclic if name not in names]:
        raise DataError(f"disentanglement: cyclic names {', '.join(strange)}, but factors are {', '.join(names)}.")
    found = {}
    for name in names:
        values = _column("disentanglement", factors, name)
        if len(values) != N:
            raise ShapeError(f"disentanglement: {N} latents but {len(values)} items of factor {name}.")
        keep = _mask(seen, name, N)
        y = _placed("disentanglement", values[keep], 1.0 if name in cyclic else None)
        found[name] = _fitted(z[keep], y) if len(y) >= 2 * Z + 4 else (float("nan"), float("nan"))
    return found


def control(requested: np.ndarray, obtained: np.ndarray, *, period: float | None = None) -> tuple[float, float]:
    """(correlation, mean absolute error) of what was asked of a conditional model and what was read off its samples.

    requested, obtained (N,).  The correlation is Spearman's, of the ranks, equals sharing theirs: 1 where more asked is
    more obtained, whatever the scale; 0 where the obtained does not vary at all.  The error is in the factor's unit.
    With a period there are no ranks: the correlation is Fisher and Lee's (1983, "A correlation coefficient for circular
    data"), Σ_{i<j} sin(a_i − a_j) sin(b_i − b_j) / √(Σ sin²(a_i − a_j) Σ sin²(b_i − b_j)), 1 where one turns as the
    other does, −1 where against it, whatever the offset; and errors go the short way round.
    ShapeError, DataError where the requested does not vary or a number is not finite, SettingError as in `r_squared`.
    """
    a, b = _two("control", "requested", requested, "obtained", obtained)
    error = a - b
    if period is None:
        product: Callable[[np.ndarray, np.ndarray], float] = np.dot
        x, y = _ranks(a), _ranks(b)
        x, y = x - x.mean(), y - y.mean()
    else:
        product = _turns
        x, y = _placed("control", a, period), _placed("control", b, period)
        error -= period * np.round(error / period)
    nothing = 1e-14 * len(a) ** 2  # what rounding leaves of a sum that is 0
    asked, answered = float(product(x, x)), float(product(y, y))
    if asked <= nothing:
        raise DataError(
            "control: requested does not vary, or on a circle only between two opposite places, so nothing can be "
            "followed. Ask for values over the range."
        )
    alike = 0.0 if answered <= nothing else float(product(x, y)) / np.sqrt(asked * answered)
    return float(np.clip(alike, -1, 1)), float(np.abs(error).mean())


def validity(rendered: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """√(mean (rendered − sample)²) of each item, in grey levels of 255: what the factors read off a sample leave out.

    rendered: the renderer's items of those factors, samples: where they were read from; (N, …) both, bytes or floats
    in [−1, 1].  Read it beside the same on held-out real items; the nuisance, which nobody reads off, is the caller's
    to leave out.  ShapeError where they differ in shape or are empty, DataError where a number is not finite.
    """
    x, y = np.asarray(rendered), np.asarray(samples)
    if x.shape != y.shape or x.ndim < 2 or not x.size:
        raise ShapeError(f"validity: rendered {x.shape} and samples {y.shape} must be (N, …), of one shape, not empty.")
    finite("validity", x, y)
    errors = np.empty(len(x))
    for i, (item, sample) in enumerate(zip(x, y, strict=True)):
        errors[i] = np.sqrt(np.mean((_grey(item) - _grey(sample)) ** 2))
    return errors


# What they share ----------------------------------------------------------------------------------------------------


def _covered(which: np.ndarray, bins: int, mask: np.ndarray) -> Coverage:
    n = int(mask.sum())
    if not n:
        return Coverage(float("nan"), float("nan"), float("nan"), 0)
    counts = np.bincount(which[mask], minlength=bins)
    return Coverage(float((counts > 0).mean()), kl_to_uniform(counts), mode_ceilings(bins, n)["kl"], n)


def _bins(factors: Any, name: str, ends: tuple[float, float], bins: int) -> tuple[np.ndarray, int]:
    """(the bin of each item, how many bins there are)."""
    x = _column("coverage", factors, name)
    low, high = ends
    if not low < high:
        raise SettingError(f"coverage: the range of {name} is {low} to {high}; it must rise.")
    count = whole("coverage: bins", bins, lowest=2)
    if isinstance(low, int) and isinstance(high, int):
        count, share = high - low + 1, np.rint(x) - low
    else:
        share = np.floor((x - low) / (high - low) * count)
    return np.clip(share, 0, count - 1).astype(np.int64), count


def _names(factors: Any) -> tuple[str, ...]:
    return factors.dtype.names or () if isinstance(factors, np.ndarray) else tuple(factors)


def _column(where: str, factors: Any, name: str) -> np.ndarray:
    """One factor as float64 (N,), finite."""
    names = _names(factors)
    if name not in names:
        raise DataError(f"{where}: there is no factor {name}; there are {', '.join(names) or 'none'}.")
    x = np.asarray(factors[name])
    if x.ndim != 1:
        raise ShapeError(f"{where}: factor {name} has shape {x.shape}; it must be (N,), a number an item.")
    finite(f"{where}: factor {name}", x)
    return x.astype(np.float64)


def _mask(seen: Seen, name: str, n: int) -> np.ndarray:
    mask = np.ones(n, bool) if seen is None or name not in seen else np.asarray(seen[name])
    if mask.shape != (n,) or mask.dtype != bool:
        raise ShapeError(f"seen: the mask of {name} is {mask.dtype} {mask.shape}; it must be bool ({n},).")
    return mask


def _two(where: str, a_name: str, a: Any, b_name: str, b: Any) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(a), np.asarray(b)
    if x.ndim != 1 or x.shape != y.shape or len(x) < 2:
        raise ShapeError(f"{where}: {a_name} {x.shape} and {b_name} {y.shape} must both be (N,), N ≥ 2.")
    finite(where, x, y)
    return x.astype(np.float64), y.astype(np.float64)


def _placed(where: str, x: np.ndarray, period: float | None) -> np.ndarray:
    """x (N,) as points: (N, 1) on the line, or (N, 2), cos and sin, on the circle."""
    if period is None:
        return x[:, None]
    if not 0 < period < float("inf"):
        raise SettingError(f"{where}: period is {period}; it must be above 0, or None where a factor is not cyclic.")
    angle = 2 * np.pi * x / period
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _explained(truth: np.ndarray, found: np.ndarray) -> float:
    """R² over all columns together; NaN where the truth does not vary."""
    away = truth - truth.mean(axis=0)
    spread = (away * away).sum()
    if spread <= 1e-24 * (truth * truth).sum():
        return float("nan")
    return float(1 - ((found - truth) ** 2).sum() / spread)


def _fitted(z: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """R² on the odd items of a fit to the even ones: from all columns of z (N, Z), and from the one that fits best."""
    mean, deviation = z[::2].mean(axis=0), z[::2].std(axis=0)
    z = (z - mean) / np.where(deviation > 1e-12 * np.abs(mean), deviation, np.inf)  # a latent that stands still is 0
    middle = y[::2].mean(axis=0)
    w = np.linalg.lstsq(z[::2], y[::2] - middle, rcond=None)[0]  # (Z, columns)
    slopes = z[::2].T @ (y[::2] - middle) / len(z[::2])  # each latent alone, of variance 1: (Z, columns)
    best = int((slopes * slopes).sum(axis=1).argmax())  # explains most of the even items
    alone = middle + z[1::2, best, None] * slopes[best]
    return _explained(y[1::2], middle + z[1::2] @ w), _explained(y[1::2], alone)


def _ranks(x: np.ndarray) -> np.ndarray:
    """The rank of each number, from 0; equals have the mean of theirs."""
    ordered = np.sort(x)
    return (np.searchsorted(ordered, x, side="left") + np.searchsorted(ordered, x, side="right") - 1) / 2


def _turns(p: np.ndarray, q: np.ndarray) -> float:
    """Σ_{ij} sin(p_i − p_j) sin(q_i − q_j) of points (N, 2) on the circle: 2 det pᵀq, with no pair visited."""
    return 2 * float(np.linalg.det(p.T @ q))


def _grey(x: np.ndarray) -> np.ndarray:
    return x.astype(np.float64) if x.dtype == np.uint8 else np.asarray(x, np.float64) * 127.5 + 127.5

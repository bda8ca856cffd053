"""Which modes of a distribution are there, and how evenly: mixtures in the plane, and tuples of classes."""

from dataclasses import dataclass

import numpy as np

from minigen.data.checking import whole
from minigen.errors import DataError, SettingError, ShapeError
from minigen.metrics.checking import finite, rows

HIGH_QUALITY = 3  # deviations: a sample farther than this from the nearest centre belongs to no mode
MOST_TUPLES = 1 << 24  # counted one by one


@dataclass(frozen=True, eq=False)
class Modes:
    """What `mode_counts` found; printed, it says so in a line."""

    covered: int  # modes with at least one sample of high quality
    modes: int  # modes that there are
    high_quality: float  # share of samples within 3σ of a centre
    kl_high_quality: float  # nats, over the samples of high quality; NaN where there are none
    kl_all: float  # nats, over all samples, each counted at its nearest centre
    counts: np.ndarray  # (modes,): all samples by nearest centre

    def __str__(self) -> str:
        return (
            f"{self.covered} of {self.modes} modes, {100 * self.high_quality:.1f} % of high quality, "
            f"KL to uniform {self.kl_high_quality:.4f} nats over those and {self.kl_all:.4f} over all"
        )


@dataclass(frozen=True, eq=False)
class TupleModes:
    """What `tuple_modes` found: `Modes` without high quality, since a label is one class or another."""

    covered: int  # tuples that occur
    modes: int  # tuples that there are
    kl_all: float  # nats
    counts: np.ndarray  # (modes,)

    def __str__(self) -> str:
        return f"{self.covered:,} of {self.modes:,} modes, KL to uniform {self.kl_all:.4f} nats"


def mode_counts(points: np.ndarray, centres: np.ndarray, sigma: float) -> Modes:
    """Which of a mixture's modes some samples cover: a sample is of high quality within 3σ of its nearest centre.

    points (N, d), centres (K, d), sigma the deviation of each mode along each axis.  A mode is covered by one sample
    of high quality.  KL(p̂ ‖ uniform) = Σ p̂_k log(K p̂_k), in nats, 0 to log K, over those samples *and* over all by
    nearest centre: the first says nothing when high quality is 1 %, and is NaN when it is 0.  Read all of it beside
    `mode_ceilings`.  ShapeError, SettingError where sigma is not above 0, DataError where a number is not finite.
    As in the code of Lin et al. 2018, "PacGAN" (its `MetricLogger`), after Srivastava et al. 2017, "VEEGAN".
    """
    x, c = rows("mode_counts", "points", points), rows("mode_counts", "centres", centres)
    if x.shape[1] != c.shape[1]:
        raise ShapeError(f"mode_counts: points {x.shape} and centres {c.shape} must have as many coordinates.")
    if not 0 < sigma < float("inf"):
        raise SettingError(f"mode_counts: sigma is {sigma}; it must be above 0, the deviation of each mode.")
    squares = np.stack([((x - centre) ** 2).sum(axis=1) for centre in c], axis=1)  # (N, K)
    nearest = squares.argmin(axis=1)
    good = squares.min(axis=1) <= (HIGH_QUALITY * sigma) ** 2
    counts, good_counts = (np.bincount(which, minlength=len(c)) for which in (nearest, nearest[good]))
    return Modes(
        covered=int((good_counts > 0).sum()),
        modes=len(c),
        high_quality=float(good.mean()),
        kl_high_quality=kl_to_uniform(good_counts),
        kl_all=kl_to_uniform(counts),
        counts=counts,
    )


def tuple_modes(labels: np.ndarray, classes: int) -> TupleModes:
    """Which tuples of classes occur, and KL(p̂ ‖ uniform) over all classes^D of them, in nats.

    labels (N, D), whole numbers from 0 to classes − 1: for stacked digits D = 3 and classes = 10, 1,000 modes, each
    label from a classifier of one channel.  The tuple (a, b, c) is mode (a · classes + b) · classes + c of `counts`.
    Triples drawn evenly have a floor too: 25,600 miss none and have .0196 nats, 2,500 miss 82 and have .22
    (`mode_ceilings`); classes that are not equally frequent add their own KL, D times.
    ShapeError where labels are not (N, D), DataError where one is no class, SettingError above 16,777,216 tuples.
    Metz et al. 2017, "Unrolled GANs", and Lin et al. 2018, "PacGAN".
    """
    labels = np.asarray(labels)
    classes = whole("tuple_modes: classes", classes, lowest=1)
    if labels.ndim != 2 or not labels.size:
        raise ShapeError(f"tuple_modes: labels have shape {labels.shape}; they must be (N, D), and not empty.")
    finite("tuple_modes", labels)
    if labels.min() < 0 or labels.max() >= classes or (labels % 1).any():
        raise DataError(
            f"tuple_modes: labels from {labels.min()} to {labels.max()} are not all whole numbers from 0 to "
            f"{classes - 1}. Give the predicted class of each part, or more classes."
        )
    modes = classes ** labels.shape[1]
    if modes > MOST_TUPLES:
        raise SettingError(
            f"tuple_modes: {classes} classes in {labels.shape[1]} places are {modes:,} modes; at most {MOST_TUPLES:,} "
            "are counted. Give fewer places."
        )
    place = classes ** np.arange(labels.shape[1] - 1, -1, -1)
    counts = np.bincount(labels.astype(np.int64) @ place, minlength=modes)
    return TupleModes(covered=int((counts > 0).sum()), modes=modes, kl_all=kl_to_uniform(counts), counts=counts)


def mode_ceilings(modes: int, n: int) -> dict[str, float]:
    """What a perfect sampler reaches with n samples of K = `modes` equally likely modes, on average.

    `high_quality`: 1 − e^−4.5 = .98889, the share of a plane normal within 3σ, not 1.  `covered`:
    K (1 − (1 − 1/K)^n).  `kl`, in nats: K Σ_c b(c) (c/n) log(K c/n), b the binomial chance of c of n samples in one
    mode; (K − 1) / 2n where n ≫ K: .0014 for 8 modes and 2,500 samples, .0048 for 25.
    For `kl_high_quality` n is the number of samples of high quality.

    >>> {name: round(value, 4) for name, value in mode_ceilings(1000, 2500).items()}
    {'high_quality': 0.9889, 'covered': 918.0176, 'kl': 0.2229}
    """
    K, n = whole("mode_ceilings: modes", modes, lowest=1), whole("mode_ceilings: n", n, lowest=1)
    if K == 1:
        return {"high_quality": 1 - float(np.exp(-4.5)), "covered": 1.0, "kl": 0.0}
    c = np.arange(1, n + 1)
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(c))])
    log_chance = log_factorial[n] - log_factorial[c] - log_factorial[n - c] - c * np.log(K) + (n - c) * np.log1p(-1 / K)
    kl = K * (np.exp(log_chance) * (c / n) * np.log(K * c / n)).sum()
    return {
        "high_quality": 1 - float(np.exp(-4.5)),
        "covered": float(-K * np.expm1(n * np.log1p(-1 / K))),
        "kl": float(kl),
    }


def kl_to_uniform(counts: np.ndarray) -> float:
    """KL(p̂ ‖ uniform) = Σ p̂_k log(K p̂_k), p̂ = counts / Σ counts, in nats; empty ones add 0.  NaN without a count."""
    counts = np.asarray(counts, np.float64).ravel()
    if not counts.sum():
        return float("nan")
    p = counts[counts > 0] / counts.sum()
    return max(0.0, float((p * np.log(len(counts) * p)).sum()))

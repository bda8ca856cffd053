"""Logarithms of densities with their constants, and the likelihoods made of them.

`log_…` sum over the *last* axis, one number an item, so that they serve (N, D) and (N, k, D) alike.  `…_nll` sum over
everything that belongs to one item and take the mean over the batch: nats per image.  logvar = log σ².
"""

import math
from collections.abc import Callable
from typing import Any

from minigen.backend import capturing
from minigen.errors import SettingError, ShapeError
from minigen.losses.logits import warn_of_sigmoid
from minigen.ops import exp, reshape, sum
from minigen.ops.likelihoods import bernoulli_sum
from minigen.ops.shapes import bare

LOG_2PI = math.log(2 * math.pi)


def log_normal(x: Any, mu: Any, logvar: Any) -> Any:
    """log N(x; μ, σ²) = −½ Σ (log 2π + logvar + (x − μ)² / σ²) over the last axis, the constant included."""
    d = x - mu
    return -0.5 * sum(LOG_2PI + logvar + d * d * exp(-logvar), axis=-1)


def log_standard_normal(z: Any) -> Any:
    """log N(z; 0, 1) = −½ Σ (log 2π + z²) over the last axis: the prior."""
    return -0.5 * sum(LOG_2PI + z * z, axis=-1)


def log_bernoulli(x: Any, logits: Any) -> Any:
    """log p(x) = Σ (x a − softplus(a)) over the last axis, p = σ(a): a likelihood only where every x is 0 or 1."""
    return bernoulli_sum(x, logits)


def bernoulli_nll(logits: Any, x: Any) -> Any:
    """−log p(x) = Σ softplus(a) − x a, in nats per image: summed over each item, the mean over the batch.

    logits, x: (N, …).  784 ln 2 = 543.43 for 784 pixels at a = 0.  SettingError where an x is neither 0 nor 1: for grey
    values this is no likelihood (it cannot go below the entropy of x, however good the model); binarise them, or take
    `grey_cross_entropy`, which says what it is.  Kingma & Welling 2014, appendix C.1.
    """
    warn_of_sigmoid(logits)
    values = bare(x)
    if not _holds(lambda: (values == 0) | (values == 1)):
        raise SettingError(
            "bernoulli_nll: x holds values that are neither 0 nor 1, of which this is no likelihood. Binarise them, or "
            "use gaussian_nll; grey_cross_entropy has the same formula without the claim."
        )
    return _cross_entropy("bernoulli_nll", logits, x)


def grey_cross_entropy(logits: Any, x: Any) -> Any:
    """Σ softplus(a) − x a for grey x in [0, 1]: a reconstruction error and no likelihood; its least is Σ H(x), not 0.

    logits, x: (N, …) → one number, summed over each item, the mean over the batch.  Over MNIST's grey digits that least
    is 45.76 nats per image.  SettingError where an x lies outside [0, 1]: there the formula has no least at all.
    """
    warn_of_sigmoid(logits)
    values = bare(x)
    if not _holds(lambda: (values >= 0) & (values <= 1)):
        raise SettingError(
            "grey_cross_entropy: an x lies outside [0, 1]. Bring images from [-1, 1] there: (x + 1) / 2."
        )
    return _cross_entropy("grey_cross_entropy", logits, x)


def _holds(fact: Callable[[], Any]) -> bool:
    """Is it true of every entry?  While a step is captured nothing can be read; steps before it were looked at."""
    return capturing() or bool(fact().all())


def _cross_entropy(who: str, logits: Any, x: Any) -> Any:
    alike(who, logits, x)
    return -log_bernoulli(_rows(x), _rows(logits)).mean()


def gaussian_nll(mean: Any, logvar: Any, x: Any) -> Any:
    """−log N(x; m, σ²) = Σ ½ log 2π + ½ logvar + (x − m)² / 2σ², in nats per image, the constant included.

    mean, x: (N, …); logvar: the same, or one number for all.  Summed over each item, the mean over the batch.  A
    density, so that it may be negative.  2.225791 for x = 1, m = 0, σ² = ¼.  Kingma & Welling 2014, appendix C.2.
    """
    alike("gaussian_nll", mean, x)
    if getattr(logvar, "size", 1) == 1:
        one = reshape(logvar, ()) if hasattr(logvar, "shape") else logvar
        return -log_normal(_rows(x), _rows(mean), one).mean()
    alike("gaussian_nll", mean, logvar)
    return -log_normal(_rows(x), _rows(mean), _rows(logvar)).mean()


def alike(who: str, one: Any, two: Any) -> None:
    """ShapeError where two shapes differ: broadcasting would give a number all the same."""
    if tuple(one.shape) != tuple(two.shape):
        raise ShapeError(f"{who}: got shapes {tuple(one.shape)} and {tuple(two.shape)}; they must be the same.")


def _rows(x: Any) -> Any:
    """Each item in one row."""
    return reshape(x, (x.shape[0], -1)) if x.ndim != 2 else x

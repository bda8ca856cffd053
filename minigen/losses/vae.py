"""What a VAE makes small: KL divergences, the ELBO, the IWAE bound, and the likelihoods of densities.py.

Losses sum over everything that belongs to one item (pixels, latent dimensions) and take the mean over the batch: nats
per image.  logvar = log σ², so that σ = exp(logvar / 2).
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minigen import backend
from minigen.autograd import no_grad
from minigen.errors import DataError, SettingError, ShapeError
from minigen.losses.densities import (
    LOG_2PI,
    alike,
    bernoulli_nll,
    gaussian_nll,
    grey_cross_entropy,
    log_bernoulli,
    log_normal,
    log_standard_normal,
)
from minigen.ops import equal, exp, expm1, logsumexp, maximum, mean, reshape, sum, where
from minigen.ops.draws import draw_normal
from minigen.ops.shapes import bare

__all__ = [
    "LOG_2PI",
    "article_total",
    "bernoulli_nll",
    "bits_per_dimension",
    "free_bits",
    "gaussian_kl",
    "gaussian_kl_per_dimension",
    "gaussian_kl_terms",
    "gaussian_nll",
    "grey_cross_entropy",
    "iwae_bound",
    "log_bernoulli",
    "log_likelihood",
    "log_normal",
    "log_standard_normal",
    "log_weights",
    "monte_carlo_kl",
    "negative_elbo",
    "normalised_weights",
    "reparameterise",
]


# The encoder's part ---------------------------------------------------------------------------------------------------


def reparameterise(mu: Any, logvar: Any, *, rng: np.random.Generator, k: int | None = None) -> Any:
    """z = μ + σ ε, ε ∼ N(0, 1): a draw of q(z|x) with slopes by μ and σ.  Kingma & Welling 2014, section 2.4, eq. 10

    mu, logvar: (N, Z) → z (N, Z); with k, as many draws of each item, (N, k, Z).  SettingError where k is below 1.
    """
    alike("reparameterise", mu, logvar)
    if k is not None:
        if k < 1:
            raise SettingError(f"reparameterise: k={k} must be at least 1.")
        mu, logvar = _for_each_draw(mu, logvar)
    shape = mu.shape if k is None else (mu.shape[0], k, *mu.shape[2:])
    noise = draw_normal(rng, shape, mu.dtype, backend.array_module(bare(mu)))
    return mu + exp(0.5 * logvar) * noise


def gaussian_kl_terms(mu: Any, logvar: Any) -> Any:
    """½ (μ² + σ² − 1 − log σ²) entry by entry, (N, Z): the cost of each latent number of each item, in nats.

    expm1 keeps the digits near the prior, where exp(logvar) − 1 − logvar cancels.  0 exactly where μ = logvar = 0.
    """
    alike("gaussian_kl", mu, logvar)
    return 0.5 * (mu * mu + (expm1(logvar) - logvar))


def gaussian_kl(mu: Any, logvar: Any) -> Any:
    """KL(N(μ, σ²) ‖ N(0, 1)) = ½ Σ_Z (μ² + σ² − 1 − log σ²), what a code costs to send.

    mu, logvar: (N, Z).  Returns one number ≥ 0: summed over the latent dimensions, the mean over the batch, in nats per
    image.  Near 0, the encoder ignores its images.  Where F5 of the article has a sum over x with z left free, this is
    the expectation over z as well.  Kingma & Welling 2014, eq. 10 and appendix B (there with the opposite sign).
    """
    return sum(gaussian_kl_terms(mu, logvar), axis=-1).mean()


def gaussian_kl_per_dimension(mu: Any, logvar: Any) -> Any:
    """The same for each latent dimension by itself, the mean over the batch: (Z,), in nats; their sum is the KL."""
    return mean(gaussian_kl_terms(mu, logvar), axis=0)


def monte_carlo_kl(z: Any, mu: Any, logvar: Any) -> Any:
    """E[log q(z|x) − log p(z)] over draws z of q: one number, whose expectation is `gaussian_kl`, in nats per image.

    z: (N, Z) or (N, k, Z) as `reparameterise` draws them; mu, logvar: (N, Z).  A single value may be negative.
    Kingma & Welling 2014, eq. 6.
    """
    if z.ndim == mu.ndim + 1:
        mu, logvar = _for_each_draw(mu, logvar)
    return mean(log_normal(z, mu, logvar) - log_standard_normal(z))


def free_bits(kl_per_dimension: Any, least: float) -> Any:
    """Σ_Z max(least, KL_j): a dimension may cost `least` nats before anything pushes it towards the prior.

    kl_per_dimension: (Z,), as `gaussian_kl_per_dimension` gives it.  No part of the bound: for training only, and never
    below the KL.  Kingma et al. 2016 (inverse autoregressive flow), appendix C.8.  SettingError where least is below 0.
    """
    if not least >= 0:
        raise SettingError(f"free_bits: least={least} must be at least 0 nats; 0 leaves the KL as it is.")
    return sum(maximum(kl_per_dimension, least))


# The bounds -----------------------------------------------------------------------------------------------------------


def negative_elbo(nll: Any, kl: Any, *, beta: float = 1.0) -> Any:
    """−ELBO = −E_q log p(x|z) + β KL(q(z|x) ‖ p(z)), what a VAE makes small; nats per image.

    Bounds −log p(x) from above for β ≥ 1, and tightest of these at β = 1.  Below 1 it may lie under −log p(x) and is
    no bound.  Kingma & Welling 2014, eq. 3; β: Higgins et al. 2017, eq. 4.
    """
    return nll + kl if beta == 1 else nll + beta * kl


def article_total(encoder_loss: Any, decoder_loss: Any, lam: float = 1.0) -> Any:
    """L = L_E + λ L_D, the article's F7 and F14: L_E is the KL, L_D −E_q log p(x|z) (F6 and F13 lack the minus).

    Only λ = 1 is −ELBO.  For λ < 1, L / λ is the β-VAE's loss with β = 1 / λ > 1, and so still a bound; −L itself need
    not be one at any λ but 1: at λ = ¼ it can exceed log p(x).  SettingError where λ is not above 0.
    """
    if not lam > 0:
        raise SettingError(f"article_total: lam={lam} must be above 0; 1 is the bound.")
    return encoder_loss + lam * decoder_loss


def log_weights(log_px: Any, z: Any, mu: Any, logvar: Any) -> Any:
    """log w = log p(x|z) + log p(z) − log q(z|x), in nats: IWAE, eq. 8 (Burda, Grosse & Salakhutdinov 2016).

    log_px: (N, k), z: (N, k, Z), mu and logvar: (N, Z) → (N, k).  ShapeError where log_px is not one number a draw.
    """
    if tuple(log_px.shape) != tuple(z.shape[:-1]):
        raise ShapeError(
            f"log_weights: log_px has shape {tuple(log_px.shape)}, z {tuple(z.shape)}; they must be (N, k), (N, k, Z)."
        )
    mu, logvar = _for_each_draw(mu, logvar)
    return log_px + log_standard_normal(z) - log_normal(z, mu, logvar)


def iwae_bound(log_w: Any) -> Any:
    """L_k = E[log 1/k Σ w_i], a lower bound of log p(x) that rises with k; k = 1 is the ELBO.  IWAE, eq. 8, theorem 1

    log_w: (N, k) → one number, the mean over the batch, in nats per image; a loss is its negative.  The maximum is
    taken out first, so that weights of any size count.  Its gradient is Σ w̃_i ∇ log w_i with w̃ = w / Σ w (eq. 14),
    since it is the logarithm of a mean and not a mean of logarithms.  All weights 0 gives −∞ with slope 0.
    """
    return mean(logsumexp(_weights_of("iwae_bound", log_w), axis=1) - math.log(log_w.shape[1]))


def normalised_weights(log_w: Any) -> Any:
    """w̃_i = w_i / Σ w, (N, k): the importance of each draw, the largest for the largest log w.  IWAE, eq. 14

    log_w: (N, k).  The slope of log Σ w, and so 0 where every weight of an item is 0.
    """
    total = logsumexp(_weights_of("normalised_weights", log_w), axis=1, keepdims=True)
    return exp(log_w - where(equal(total, -math.inf), 0, total))


def log_likelihood(
    draw_log_weights: Callable[[int], Any], k: int = 5000, *, chunk: int = 100
) -> tuple[np.ndarray, np.ndarray]:
    """(L_k, L_1) of every item, float64 (N,): L_k = log 1/k Σ w, an estimate from below of log p(x), in nats.

    draw_log_weights(n) draws n log weights of every item, (N, n); at most `chunk` are asked for at a time, so memory
    does not grow with k, and no graph is recorded.  L_1 is the mean of the same log weights, an estimate of the ELBO.
    k = 5000 in IWAE, section 5.  SettingError where k or chunk is below 1, ShapeError where
    the draws are not (N, n), DataError where one is NaN or +∞.
    """
    if k < 1 or chunk < 1:
        raise SettingError(f"log_likelihood: k={k} and chunk={chunk} must be at least 1.")
    top: Any = -math.inf  # the largest log weight so far, and Σ exp(log w − top)
    total: Any = 0.0
    plain: Any = 0.0
    done = 0
    with no_grad():
        while done < k:
            n = min(chunk, k - done)
            log_w = backend.to_host(bare(draw_log_weights(n))).astype(np.float64)
            if log_w.ndim != 2 or log_w.shape[1] != n:
                raise ShapeError(f"log_likelihood: {n} draws came with shape {log_w.shape}; it must be (N, {n}).")
            if not (log_w < np.inf).all():  # NaN is not below infinity either
                raise DataError("log_likelihood: a log weight is NaN or +∞. Did the model diverge?")
            new = np.maximum(top, log_w.max(axis=1))
            safe = np.where(new == -np.inf, 0.0, new)  # an item whose every weight is 0 so far
            total = total * np.exp(top - safe)
            total = total + np.exp(log_w - safe[:, None]).sum(axis=1)
            plain = plain + log_w.sum(axis=1)
            top, done = new, done + n
    with np.errstate(divide="ignore"):
        return np.log(total) + np.where(np.isneginf(top), 0.0, top) - math.log(k), plain / k


def bits_per_dimension(nats: float, dimensions: int, *, step: float | None = None) -> float:
    """nats / (D ln 2): what a loss in nats per image is in bits per dimension, as papers on images print it.

    step: for a *density* of values that are really a grid of that spacing (2 / 255 for bytes scaled to [−1, 1]), the
    bits of the grid, −log₂ step, are added, so that it compares with a probability of bytes (a uniform one: 8 bits).
    SettingError where dimensions is below 1 or step not above 0.

    >>> round(bits_per_dimension(784 * math.log(2), 784), 6)
    1.0
    """
    if dimensions < 1:
        raise SettingError(f"bits_per_dimension: dimensions={dimensions} must be at least 1.")
    if step is not None and not step > 0:
        raise SettingError(f"bits_per_dimension: step={step} must be above 0; it is 2 / 255 for bytes in [-1, 1].")
    grid = 0.0 if step is None else -math.log2(step)
    return nats / (dimensions * math.log(2)) + grid


def _weights_of(who: str, log_w: Any) -> Any:
    """log_w itself, if it is (N, k)."""
    if log_w.ndim != 2 or log_w.shape[1] < 1:
        raise ShapeError(f"{who}: log_w has shape {tuple(log_w.shape)}; it must be (N, k), k at least 1.")
    return log_w


def _for_each_draw(mu: Any, logvar: Any) -> tuple[Any, Any]:
    """μ and log σ² of each item, (N, 1, Z), beside its draws, (N, k, Z)."""
    return reshape(mu, (mu.shape[0], 1, *mu.shape[1:])), reshape(logvar, (logvar.shape[0], 1, *logvar.shape[1:]))

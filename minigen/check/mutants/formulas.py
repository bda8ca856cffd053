"""Wrong formulas: values that are wrong and derivatives that fit them, so that no gradient check can see it.

prove(lambda kl: value_check(kl, cases), my_kl, wrong=FORMULAS["gaussian_kl"].wrong)     # what do the cases see?
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Function = Callable[..., Any]


class Formula(NamedTuple):
    """A formula on plain arrays, and ways to get it wrong."""

    right: Function
    wrong: dict[str, Function]  # the name of the mistake → a function of the same arguments
    draw: Callable[[np.random.Generator], tuple[Any, ...]]  # arguments on which every mistake shows


def _kl(mu, logvar):
    """KL(N(μ, σ²) ‖ N(0, 1)): summed over the latent numbers, the mean over the batch; logvar = log σ²."""
    return 0.5 * (mu * mu + np.expm1(logvar) - logvar).sum(axis=-1).mean()


def _cross_entropy(logits, targets):
    """−t log σ(a) − (1 − t) log(1 − σ(a)), the mean of all."""
    return (targets * np.logaddexp(0, -logits) + (1 - targets) * np.logaddexp(0, logits)).mean()


def _of_probabilities(p, targets):
    return -(targets * np.log(p) + (1 - targets) * np.log(1 - p)).mean()


def _sigmoid(a):
    return np.exp(-np.logaddexp(0, -a))


FORMULAS: dict[str, Formula] = {
    "reparameterise": Formula(
        lambda mu, logvar, noise: mu + np.exp(0.5 * logvar) * noise,
        {
            "exp(logvar) as standard deviation": lambda mu, logvar, noise: mu + np.exp(logvar) * noise,
            "logvar as standard deviation": lambda mu, logvar, noise: mu + logvar * noise,
            "noise left out": lambda mu, logvar, noise: mu + np.exp(0.5 * logvar),
        },
        lambda rng: (rng.normal(size=(4, 3)), rng.normal(size=(4, 3)), rng.normal(size=(4, 3))),
    ),
    "gaussian_kl": Formula(
        _kl,
        {
            "opposite sign": lambda mu, logvar: -_kl(mu, logvar),
            "1/2 left out": lambda mu, logvar: 2 * _kl(mu, logvar),
            "-1 left out": lambda mu, logvar: _kl(mu, logvar) + 0.5 * mu.shape[-1],
            "logvar as log standard deviation": lambda mu, logvar: _kl(mu, 2 * logvar),
            "mu not squared": lambda mu, logvar: _kl(0 * mu, logvar) + 0.5 * mu.sum(axis=-1).mean(),
            "sum over the batch": lambda mu, logvar: _kl(mu, logvar) * len(mu),
            "mean over the latent numbers": lambda mu, logvar: _kl(mu, logvar) / mu.shape[-1],
        },
        lambda rng: (rng.normal(size=(4, 3)), rng.normal(size=(4, 3))),
    ),
    "binary_cross_entropy": Formula(
        _cross_entropy,
        {
            "logits as probabilities": lambda a, t: _of_probabilities(np.clip(a, 1e-7, 1 - 1e-7), t),
            "sigmoid twice": lambda a, t: _cross_entropy(_sigmoid(a), t),
            "labels exchanged": lambda a, t: _cross_entropy(a, 1 - t),
            "probability clipped at 0.999": lambda a, t: _of_probabilities(np.clip(_sigmoid(a), 0.001, 0.999), t),
            "second term left out": lambda a, t: (t * np.logaddexp(0, -a)).mean(),
            "opposite sign": lambda a, t: -_cross_entropy(a, t),
            "sum over the batch": lambda a, t: _cross_entropy(a, t) * np.size(a),
        },
        lambda rng: (np.append(rng.normal(size=7), [-20.0, 20.0]), np.append(rng.uniform(0, 1, 7), [1.0, 0.0])),
    ),
}

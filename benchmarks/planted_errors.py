"""Eight functions with their right backward, and 28 wrong ones: what a gradient checker must tell apart."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

EPS = 1e-5


class Exercise(NamedTuple):
    """f and backward on bare arrays, inputs by name, and wrong backwards by the name of their mistake."""

    f: Callable[..., Any]
    backward: Callable[..., Any]
    inputs: dict[str, np.ndarray]
    wrong: dict[str, Callable[..., Any]]
    expect_zero: tuple[str, ...] = ()


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def normalise(x):
    d = x - x.mean(0)
    return d / np.sqrt((d * d).mean(0) + EPS)


def batch_norm(x, gamma, beta):
    return gamma * normalise(x) + beta


def batch_norm_backward(dy, y, x, gamma, beta, *, mean=True, variance=True):
    r = 1 / np.sqrt(x.var(0) + EPS)
    n = normalise(x)
    dn = dy * gamma
    dx = dn - (dn.mean(0) if mean else 0) - (n * (dn * n).mean(0) if variance else 0)
    return dx * r, (dy * n).sum(0), dy.sum(0)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def softmax_backward(dy, y, x):
    return y * (dy - (dy * y).sum(-1, keepdims=True))


def bce(logits, target):
    return (np.maximum(logits, 0) - logits * target + np.log1p(np.exp(-np.abs(logits)))).mean()


def bce_backward(dy, y, logits, target):
    return dy * (sigmoid(logits) - target) / logits.size, -dy * logits / logits.size


def kl(mu, logvar):
    return 0.5 * (mu * mu + np.expm1(logvar) - logvar).sum(1).mean()


def kl_backward(dy, y, mu, logvar):
    return dy * mu / len(mu), dy * 0.5 * np.expm1(logvar) / len(mu)


def reparameterise(mu, logvar, noise):
    return mu + np.exp(0.5 * logvar) * noise


def reparameterise_backward(dy, y, mu, logvar, noise):
    std = np.exp(0.5 * logvar)
    return dy, dy * 0.5 * std * noise, dy * std


def small_loss(x, target):
    return 1e-6 * ((x - target) ** 2).mean()


def small_loss_backward(dy, y, x, target):
    d = dy * 2e-6 * (x - target) / x.size
    return d, -d


def biased(x, w, bias):
    return normalise(x @ w + bias)


def biased_backward(dy, y, x, w, bias):
    h = x @ w + bias
    d = batch_norm_backward(dy, y, h, np.ones_like(bias), bias)[0]
    return d @ w.T, x.T @ d, d.sum(0)


def large_loss(x, w):
    return 0.5 * ((x @ w) ** 2).sum()


def large_loss_backward(dy, y, x, w):
    d = dy * (x @ w)
    return d @ w.T, x.T @ d


def change(backward, **changed):
    """The backward with the gradient of some inputs changed: place=function of the right one and of the inputs."""

    def wrong(dy, y, *inputs):
        found = backward(dy, y, *inputs)
        found = list(found) if isinstance(found, tuple) else [found]
        for place, new in changed.items():
            i = int(place[1:])
            found[i] = new(found[i], dy, *inputs)
        return tuple(found)

    return wrong


def exercises(seed: int = 7) -> dict[str, Exercise]:
    """The eight functions, with inputs drawn from a seed."""
    rng = np.random.default_rng(seed)
    n = rng.normal
    mu, logvar = n(size=(4, 3)), n(size=(4, 3))
    return {
        "batch norm": Exercise(
            batch_norm,
            batch_norm_backward,
            {"x": n(size=(5, 3)), "gamma": rng.uniform(0.5, 2, 3), "beta": n(size=3)},
            {
                "x is 0": change(batch_norm_backward, _0=lambda dx, *_: 0 * dx),
                "no mean term": lambda *a: batch_norm_backward(*a, mean=False),
                "no variance term": lambda *a: batch_norm_backward(*a, variance=False),
                "gamma summed over the wrong axis": change(
                    batch_norm_backward, _1=lambda dg, dy, x, *_: (dy * normalise(x))[:3].sum(1)
                ),
                "beta averaged": change(batch_norm_backward, _2=lambda db, *_: db / 5),
            },
        ),
        "softmax": Exercise(
            softmax,
            softmax_backward,
            {"x": n(size=(4, 3))},
            {
                "zeros": lambda dy, y, x: 0 * x,
                "diagonal only": lambda dy, y, x: dy * y * (1 - y),
                "no sum": lambda dy, y, x: dy * y,
                "dy ignored": lambda dy, y, x: y * (1 - y),
                "flipped": lambda dy, y, x: softmax_backward(dy, y, x)[:, ::-1].copy(),
            },
        ),
        "bce with logits": Exercise(
            bce,
            bce_backward,
            {"logits": 3 * n(size=(6,)), "target": rng.uniform(0.05, 0.95, 6)},
            {
                "sign": change(bce_backward, _0=lambda d, *_: -d),
                "sum for mean": change(bce_backward, _0=lambda d, dy, logits, *_: d * logits.size),
                "logits as probabilities": change(
                    bce_backward, _0=lambda d, dy, logits, t: dy * (logits - t) / logits.size
                ),
                "target forgotten": change(bce_backward, _1=lambda d, *_: 0 * d),
            },
        ),
        "gaussian kl": Exercise(
            kl,
            kl_backward,
            {"mu": mu, "logvar": logvar},
            {
                "half forgotten": change(kl_backward, _1=lambda d, *_: 2 * d),
                "−1 forgotten": change(kl_backward, _1=lambda d, dy, mu, lv: dy * 0.5 * np.exp(lv) / len(mu)),
                "mu twice": change(kl_backward, _0=lambda d, *_: 2 * d),
                "sign of logvar": change(kl_backward, _1=lambda d, *_: -d),
            },
        ),
        "reparameterisation": Exercise(
            reparameterise,
            reparameterise_backward,
            {"mu": mu, "logvar": logvar, "noise": n(size=(4, 3))},
            {
                "half forgotten": change(reparameterise_backward, _1=lambda d, *_: 2 * d),
                "noise forgotten": change(
                    reparameterise_backward, _1=lambda d, dy, mu, lv, e: dy * 0.5 * np.exp(0.5 * lv)
                ),
                "logvar as log std": change(
                    reparameterise_backward, _1=lambda d, dy, mu, lv, e: dy * np.exp(lv) * e * 0.5
                ),
                "dy ignored": change(reparameterise_backward, _0=lambda d, *_: np.ones_like(d)),
            },
        ),
        "a small mean loss": Exercise(
            small_loss,
            small_loss_backward,
            {"x": n(size=(3, 4)), "target": n(size=(3, 4))},
            {
                "1 % wrong": change(small_loss_backward, _0=lambda d, *_: 1.01 * d),
                "sign": change(small_loss_backward, _1=lambda d, *_: -d),
                "zeros": change(small_loss_backward, _0=lambda d, *_: 0 * d),
            },
        ),
        "bias before batch norm": Exercise(
            biased,
            biased_backward,
            {"x": n(size=(5, 2)), "w": n(size=(2, 3)), "bias": n(size=3)},
            {"w rolled": change(biased_backward, _1=lambda d, *_: np.roll(d, 1, 1))},
            expect_zero=("bias",),
        ),
        "a large summed loss": Exercise(
            large_loss,
            large_loss_backward,
            {"x": 30 * n(size=(20, 6)), "w": 10 * n(size=(6, 5))},
            {
                "one entry 1 % wrong": change(large_loss_backward, _1=lambda d, *_: _touched(d)),
                "averaged": change(large_loss_backward, _1=lambda d, dy, x, *_: d / len(x)),
            },
        ),
    }


def _touched(d):
    d = d.copy()
    d[2, 1] *= 1.01
    return d

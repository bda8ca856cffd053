"""Right backwards as learners write them: plain NumPy, each with the letters of its shapes and the kind of its inputs.

Some are naive on purpose: they cancel or saturate, and are right all the same.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import planted_errors as planted


def sigmoid_backward(dy, y, x):
    return dy * y * (1 - y)


def tanh_backward(dy, y, x):
    return dy * (1 - y * y)


def relu(x):
    return np.maximum(0, x)


def relu_backward(dy, y, x):
    return dy * (x > 0)


def softplus(x):
    return np.logaddexp(0, x)


def softplus_backward(dy, y, x):
    return dy / (1 + np.exp(-x))


def naive_softmax(x):
    return np.exp(x) / np.exp(x).sum(-1, keepdims=True)


def swish(x):
    return x * planted.sigmoid(x)


def swish_backward(dy, y, x):
    s = planted.sigmoid(x)
    return dy * (s + x * s * (1 - s))


def gelu(x):
    return 0.5 * x * (1 + np.tanh(0.7978845608 * (x + 0.044715 * x**3)))


def gelu_backward(dy, y, x):
    t = np.tanh(0.7978845608 * (x + 0.044715 * x**3))
    return dy * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * 0.7978845608 * (1 + 3 * 0.044715 * x**2))


def cross_entropy(logits, labels):
    return -np.log(planted.softmax(logits)[np.arange(len(labels)), labels]).mean()


def cross_entropy_backward(dy, y, logits, labels):
    p = planted.softmax(logits)
    p[np.arange(len(labels)), labels] -= 1
    return dy * p / len(labels)


def squares(x, target):
    return ((x - target) ** 2).mean()


def squares_backward(dy, y, x, target):
    d = dy * 2 * (x - target) / x.size
    return d, -d


def dense(x, w, b):
    return x @ w + b


def dense_backward(dy, y, x, w, b):
    return dy @ w.T, x.T @ dy, dy.sum(0)


def dense_relu(x, w, b):
    return np.maximum(0, x @ w + b)


def dense_relu_backward(dy, y, x, w, b):
    return dense_backward(dy * (y > 0), y, x, w, b)


def dense_tanh(x, w, b):
    return np.tanh(x @ w + b)


def dense_tanh_backward(dy, y, x, w, b):
    return dense_backward(dy * (1 - y**2), y, x, w, b)


def layer_norm(x, gamma, beta):
    d = x - x.mean(-1, keepdims=True)
    return gamma * d / np.sqrt((d * d).mean(-1, keepdims=True) + planted.EPS) + beta


def layer_norm_backward(dy, y, x, gamma, beta):
    d = x - x.mean(-1, keepdims=True)
    r = 1 / np.sqrt((d * d).mean(-1, keepdims=True) + planted.EPS)
    n, dn = d * r, dy * gamma
    dx = r * (dn - dn.mean(-1, keepdims=True) - n * (dn * n).mean(-1, keepdims=True))
    return dx, (dy * n).sum(0), dy.sum(0)


def naive_variance(x):
    return (x**2).mean(0) - x.mean(0) ** 2


def naive_variance_backward(dy, y, x):
    return dy * 2 * (x - x.mean(0)) / len(x)


def naive_kl(mu, logvar):
    return -0.5 * np.sum(1 + logvar - mu**2 - np.exp(logvar))


def naive_kl_backward(dy, y, mu, logvar):
    return dy * mu, dy * 0.5 * (np.exp(logvar) - 1)


def gaussian_nll(mean, logvar, x):
    return 0.5 * (np.log(2 * np.pi) + logvar + (x - mean) ** 2 / np.exp(logvar)).sum(1).mean()


def gaussian_nll_backward(dy, y, mean, logvar, x):
    d = dy * (mean - x) / np.exp(logvar) / len(x)
    return d, dy * 0.5 * (1 - (x - mean) ** 2 / np.exp(logvar)) / len(x), -d


def largest(x):
    return x.max(-1)


def largest_backward(dy, y, x):
    dx = np.zeros_like(x)
    dx[np.arange(len(x)), x.argmax(-1)] = dy
    return dx


def distance(a, b):
    return np.sqrt(((a - b) ** 2).sum(-1))


def distance_backward(dy, y, a, b):
    d = (dy / y)[:, None] * (a - b)
    return d, -d


def cosine(a, b):
    return (a * b).sum(-1) / (np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1))


def cosine_backward(dy, y, a, b):
    na, nb = np.linalg.norm(a, axis=-1, keepdims=True), np.linalg.norm(b, axis=-1, keepdims=True)
    dy, y = dy[:, None], y[:, None]
    return dy * (b / (na * nb) - y * a / na**2), dy * (a / (na * nb) - y * b / nb**2)


def embedding(table, labels):
    return table[labels]


def embedding_backward(dy, y, table, labels):
    d = np.zeros_like(table)
    np.add.at(d, labels, dy)
    return d


def attention(q, k, v):
    return planted.softmax(q @ k.T / q.shape[-1] ** 0.5) @ v


def attention_backward(dy, y, q, k, v):
    r = q.shape[-1] ** -0.5
    p = planted.softmax(q @ k.T * r)
    ds = planted.softmax_backward(dy @ v.T, p, None) * r
    return ds @ k, ds.T @ q, p.T @ dy


Shapes = dict[str, tuple[str, str]]  # name of the input: letters of its axes, kind of its numbers
X: Shapes = {"x": ("NC", "any")}
PAIR: Shapes = {"a": ("NC", "any"), "b": ("NC", "any")}
LAYER: Shapes = {"x": ("NC", "any"), "w": ("CD", "any"), "b": ("D", "any")}
NORM: Shapes = {"x": ("NC", "any"), "gamma": ("C", "any"), "beta": ("C", "any")}
CODE: Shapes = {"mu": ("NC", "any"), "logvar": ("NC", "tame")}
DENSITY: Shapes = {"mean": ("NC", "any"), "logvar": ("NC", "tame"), "x": ("NC", "any")}

RULES: dict[str, tuple[Callable[..., Any], Callable[..., Any], Shapes]] = {
    "sigmoid": (planted.sigmoid, sigmoid_backward, X),
    "tanh": (np.tanh, tanh_backward, X),
    "relu": (relu, relu_backward, X),
    "softplus": (softplus, softplus_backward, X),
    "softmax": (planted.softmax, planted.softmax_backward, X),
    "naive softmax": (naive_softmax, planted.softmax_backward, {"x": ("NC", "tame")}),
    "swish": (swish, swish_backward, X),
    "gelu": (gelu, gelu_backward, X),
    "cross entropy": (cross_entropy, cross_entropy_backward, {"logits": ("NC", "tame"), "labels": ("N", "labels")}),
    "mean of squares": (squares, squares_backward, {"x": ("NC", "any"), "target": ("NC", "any")}),
    "dense": (dense, dense_backward, LAYER),
    "dense, relu": (dense_relu, dense_relu_backward, LAYER),
    "dense, tanh": (dense_tanh, dense_tanh_backward, LAYER),
    "batch norm": (planted.batch_norm, planted.batch_norm_backward, NORM),
    "layer norm": (layer_norm, layer_norm_backward, NORM),
    "naive variance": (naive_variance, naive_variance_backward, X),
    "bce with logits": (planted.bce, planted.bce_backward, {"logits": ("N", "any"), "target": ("N", "any")}),
    "kl": (planted.kl, planted.kl_backward, CODE),
    "naive kl": (naive_kl, naive_kl_backward, CODE),
    "reparameterise": (
        planted.reparameterise,
        planted.reparameterise_backward,
        {**CODE, "noise": ("NC", "any")},
    ),
    "gaussian nll": (gaussian_nll, gaussian_nll_backward, DENSITY),
    "largest": (largest, largest_backward, {"x": ("NC", "distinct")}),
    "distance": (distance, distance_backward, PAIR),
    "cosine": (cosine, cosine_backward, PAIR),
    "embedding": (embedding, embedding_backward, {"table": ("CD", "any"), "labels": ("N", "labels")}),
    "attention": (attention, attention_backward, {"q": ("NC", "any"), "k": ("KC", "any"), "v": ("KD", "any")}),
}

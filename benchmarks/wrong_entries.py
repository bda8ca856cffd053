"""One wrong entry among many: large functions with right backwards, and ways in which a single entry can be wrong."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from benchmarks import planted_errors as planted
from minigen.check import grad_report
from minigen.check.lines import signs


class Large(NamedTuple):
    """f and its right backward, the inputs of some size, and which of them is made wrong: the largest."""

    f: Callable[..., Any]
    backward: Callable[..., Any]
    inputs: Callable[[int, np.random.Generator], dict[str, np.ndarray]]
    place: int = 0


def tanh_backward(dy, y, x):
    return dy * (1 - y * y)


def square_backward(dy, y, x):
    return 2 * dy * x


def dense(x, w):
    z = x @ w
    return np.where(z > 0, z, 0.2 * z)


def dense_backward(dy, y, x, w):
    d = np.where(y > 0, dy, 0.2 * dy)
    return d @ w.T, x.T @ d


def loss(x):
    return ((x - 1) ** 2).mean()


def loss_backward(dy, y, x):
    return dy * 2 * (x - 1) / x.size


def vector(n, rng):
    return {"x": rng.normal(size=n)}


def layer(n, rng):
    k = int((n / 2) ** 0.5)
    return {"x": rng.normal(size=(k, k)), "w": rng.normal(size=(k, k)) / k**0.5}


def batch(n, rng):
    return {"x": rng.normal(size=(n // 100, 100)), "gamma": rng.uniform(0.5, 2, 100), "beta": rng.normal(size=100)}


LARGE = {
    "tanh": Large(np.tanh, tanh_backward, vector),
    "square": Large(np.square, square_backward, vector),
    "dense, leaky ReLU": Large(dense, dense_backward, layer, 1),
    "batch norm": Large(planted.batch_norm, planted.batch_norm_backward, batch),
    "mean of squares": Large(loss, loss_backward, vector),
}

PAIR = "+1 % and −1 %"
MISTAKES = ("×1.01", "×1.001", "zeroed", "sign", PAIR)


def mistaken(large: Large, dx: np.ndarray, i: int, j: int, mistake: str | float) -> Callable[..., Any]:
    """The backward with entry i of one gradient, which is dx, wrong: a factor, a name of MISTAKES, or "right".

    "+1 % and −1 %" adds to entry i, and takes away from entry j, a hundredth of the gradient's root mean square.
    """
    hundredth = 0.01 * float(np.sqrt((dx**2).mean()))
    factors = {"zeroed": 0.0, "sign": -1.0, "×1.01": 1.01, "×1.001": 1.001, "right": 1.0, PAIR: 1.0}

    def wrong(dy, y, *inputs):
        found = large.backward(dy, y, *inputs)
        found = list(found) if isinstance(found, tuple) else [found]
        found[large.place] = found[large.place].copy()
        flat = found[large.place].reshape(-1)
        flat[i] *= mistake if isinstance(mistake, float) else factors[mistake]
        if mistake == PAIR:
            flat[i] += hundredth * dy.flat[0]
            flat[j] -= hundredth * dy.flat[0]
        return tuple(found)

    return wrong


def gradient(large: Large, inputs: dict[str, np.ndarray], seed: int) -> np.ndarray:
    """The gradient by the input that is made wrong, for the cotangent that a check with this seed draws first."""
    y = np.asarray(large.f(*inputs.values()))
    found = large.backward(signs(np.random.default_rng(seed), y.shape), y, *inputs.values())
    return found[large.place] if isinstance(found, tuple) else found


class Outcome(NamedTuple):
    """What a check made of one trial."""

    verdict: str
    placed: bool  # was the wrong entry named?
    evaluations: int


def trial(
    name: str, n: int, mistake: str | float, seed: int, quantile: float | None = None, **settings: Any
) -> Outcome:
    """Check a function of about n entries with one of them wrong: any, or that at a quantile of |gradient|."""
    large = LARGE[name]
    rng = np.random.default_rng(seed)
    inputs = large.inputs(n, rng)
    dx = gradient(large, inputs, seed)
    i, j = map(int, rng.choice(dx.size, 2, replace=False))
    if quantile is not None:
        i = entry_at(dx, quantile)
    wrong = mistaken(large, dx, i, j, mistake)
    report = grad_report(large.f, inputs, backward=wrong, seed=seed, name=name, **settings)
    tensor = next((t for t in report.tensors if t.verdict == "wrong"), None)
    placed = tensor is not None and tensor.worst in ((i, j) if mistake == PAIR else (i,))
    return Outcome(report.verdict, placed, report.evaluations)


def entry_at(dx: np.ndarray, quantile: float) -> int:
    """The entry that is larger than a share `quantile` of all entries but zeros."""
    size = np.abs(dx).reshape(-1)
    live = np.flatnonzero(size)
    return int(live[np.argsort(size[live])[int(quantile * (len(live) - 1))]])

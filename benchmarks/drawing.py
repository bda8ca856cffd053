"""What random cases are drawn with: shapes, arrays with a scale of their own, choices; and the register of families."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

LEAST, MOST = -6.0, 6.0  # powers of ten: the scale of an input
TAME = 1.5  # of what is raised to a power or exponentiated: e^(10^1.5) is large, and fits


class Draw:
    """What families are drawn with: shapes, arrays, choices."""

    def __init__(self, rng: np.random.Generator):
        self.rng = rng

    def pick(self, *options: Any) -> Any:
        """One of the options."""
        return options[self.rng.integers(len(options))]

    def chance(self, p: float) -> bool:
        """True with probability p."""
        return bool(self.rng.random() < p)

    def size(self, most: int = 5) -> int:
        """A length of an axis, 1 more often than not quite."""
        return int(self.pick(1, *range(1, most + 1)))

    def shape(self, least: int = 0, most: int = 4) -> tuple[int, ...]:
        """A shape of `least` to `most` axes and at most 60 entries."""
        while True:
            shape = tuple(self.size() for _ in range(self.rng.integers(least, most + 1)))
            if math.prod(shape) <= 60:
                return shape

    def narrower(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """A shape that broadcasts to `shape`: leading axes left out, some lengths 1."""
        return tuple(1 if self.chance(0.3) else n for n in shape[self.rng.integers(len(shape) + 1) :])

    def array(self, *shape: int, kind: str = "any", most: float = MOST, exact: bool = False) -> np.ndarray:
        """Numbers of one scale.  kind: "any", "positive" or "distinct"; most: the largest scale, as a power of ten."""
        if kind == "positive":
            x = self.rng.uniform(0.1, 2.0, shape)
        elif kind == "distinct":
            n = math.prod(shape)
            x = ((self.rng.permutation(n) - n / 2) * 0.2 + self.rng.uniform(0.02, 0.1, n)).reshape(shape)
        else:
            x = self.rng.normal(size=shape)
            if self.chance(0.1):
                x = x + self.rng.choice((-1.0, 1.0)) * 10 ** self.rng.uniform(0, 2)
            elif self.chance(0.03):
                x = 0 * x
        x = np.asarray(x * 10 ** self.rng.uniform(LEAST, most))
        dtype = np.float64 if exact else self.pick(np.float64, np.float64, np.float32, np.float32, np.float16)
        with np.errstate(over="ignore"):
            small = x.astype(dtype)
        fits = np.isfinite(small).all() and (kind == "any" or (small != 0).all() and np.unique(small).size == x.size)
        return small if fits else x

    def tame(self, *shape: int) -> np.ndarray:
        """Numbers to be exponentiated: now and then they overflow all the same."""
        return self.array(*shape, most=MOST if self.chance(0.05) else TAME)


Family = Callable[[Draw], tuple[Any, ...]]  # → f, inputs and perhaps backward, settings
FAMILIES: dict[str, Family] = {}


def family(name: str) -> Callable[[Family], Family]:
    """Registers a family under its name."""

    def register(made: Family) -> Family:
        FAMILIES[name] = made
        return made

    return register


def windows(d: Draw) -> tuple[dict[str, Any], tuple[int, ...], tuple[int, ...]]:
    """Settings of a convolution over one or two axes, and shapes of x and w."""
    axes = d.pick(1, 1, 2)
    window, groups = tuple(d.size(3) for _ in range(axes)), d.pick(1, 1, 2)
    sizes = tuple(k + d.size(3) for k in window)
    settings = {"stride": d.pick(1, 2), "padding": d.pick("same", "valid", 1), "groups": groups}
    return settings, (d.pick(1, 2), *sizes, 2 * groups), (*window, 2, groups)

"""Weights as one flat array with their gradients and Adam's state beside it: what the floors by hand are built on."""

import math
from collections.abc import Sequence

import numpy as np

import minigen.kernels.memory  # noqa: F401  the floors keep freed memory too

BETA1, BETA2, EPS = 0.9, 0.999, 1e-8
BLOCK = 1 << 16  # numbers that go through all passes of Adam together: five arrays of them fit a core's cache


class Flat:
    """Arrays of these shapes, w, b, w, b, …, cut from one; `slots` are the places of their gradients in `grads`."""

    def __init__(self, shapes: Sequence[tuple[int, ...]], rng: np.random.Generator, dtype: type = np.float32):
        self.shapes = list(shapes)
        self.ends = np.cumsum([math.prod(shape) for shape in shapes])
        self.flat, self.grads, self.m, self.v = (np.zeros(self.ends[-1], dtype) for _ in range(4))
        self.spare = np.empty(min(BLOCK, self.flat.size), dtype)
        self.weights, self.slots = self.cut(self.flat), self.cut(self.grads)
        for w in self.weights[::2]:
            w[...] = rng.uniform(-1, 1, w.shape) * math.sqrt(6 / sum(w.shape))
        self.steps = 0

    def cut(self, array: np.ndarray) -> list[np.ndarray]:
        """A flat array as views shaped like the weights."""
        parts = np.split(array, self.ends[:-1])
        return [part.reshape(shape) for part, shape in zip(parts, self.shapes, strict=True)]

    def update(self, rate: float = 1e-3) -> None:
        """Adam, from `grads`, which it uses up, in ten passes.

        m and v are kept as Σ β₁ᵗ g and Σ β₂ᵗ g², without the factors 1 − β, which go into the rate and ε: three passes
        fewer than as it is written, with the same result.
        """
        self.steps += 1
        root = math.sqrt((1 - BETA2) / (1 - BETA2**self.steps))  # √v̂ = root · √v
        eps, rate = EPS / root, rate * (1 - BETA1) / (1 - BETA1**self.steps) / root
        for i in range(0, self.flat.size, BLOCK):
            w, g, m, v = (array[i : i + BLOCK] for array in (self.flat, self.grads, self.m, self.v))
            spare = self.spare[: w.size]
            m *= BETA1
            m += g
            v *= BETA2
            g *= g
            v += g
            np.sqrt(v, out=spare)
            spare += eps
            np.divide(m, spare, out=spare)
            spare *= rate
            w -= spare

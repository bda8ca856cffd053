"""Adam on plain NumPy arrays, for the libraries that bring no optimiser or one of another form."""

from collections.abc import Sequence

import numpy as np


class Adam:
    """Changes the arrays in place.  Kingma & Ba 2015, algorithm 1 with the reordering of section 2."""

    def __init__(self, parameters: Sequence[np.ndarray], rate: float):
        self.parameters, self.rate, self.steps = list(parameters), rate, 0
        self.m = [np.zeros_like(p) for p in parameters]
        self.v = [np.zeros_like(p) for p in parameters]

    def update(self, gradients: Sequence[np.ndarray]) -> None:
        self.steps += 1
        rate = self.rate * (1 - 0.999**self.steps) ** 0.5 / (1 - 0.9**self.steps)
        for p, g, m, v in zip(self.parameters, gradients, self.m, self.v, strict=True):
            m *= 0.9
            m += 0.1 * g
            v *= 0.999
            v += 0.001 * (g * g)
            p -= rate * m / (np.sqrt(v) + 1e-8)


def dense(rng: np.random.Generator, *widths: int) -> list[np.ndarray]:
    """Weights and biases of dense layers, float32: w, b, w, b, …"""
    layers: list[np.ndarray] = []
    for inputs, outputs in zip(widths, widths[1:], strict=False):
        layers.append((rng.standard_normal((inputs, outputs)) / inputs**0.5).astype(np.float32))
        layers.append(np.zeros(outputs, np.float32))
    return layers

"""What an optimiser does to its flat arrays in place, as functions for which a kernel may stand in.

They have no derivative: a step that can be differentiated is made of `optim/formulas.py`.
"""

import math
from collections.abc import Callable
from typing import Any

from minigen.autograd.tensor import state
from minigen.backend import array_module


class InPlace:
    """A function that changes bare arrays; `kernels` holds what does the same on one backend, by the backend's name."""

    def __init__(self, function: Callable[..., None]):
        self.name = function.__name__
        self.function = function
        self.__doc__ = function.__doc__
        self.kernels: dict[str, Callable[..., None]] = {}

    def __call__(self, *arrays: Any, **settings: Any) -> None:
        function = self.function
        if self.kernels and state.kernels:
            function = self.kernels.get(array_module(*arrays).__name__, function)
        function(*arrays, **settings)


@InPlace
def adam_step(w, g, spare, m, v, *, rate, beta1, beta2, eps, steps):
    """m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²; w ← w − rate m̂ / (√v̂ + eps).  Kingma & Ba 2015, algorithm 1.

    m̂ = m / (1 − β₁ᵗ) and v̂ = v / (1 − β₂ᵗ), t = steps, from 1.  g and spare are used up.  With r = √(1 − β₂ᵗ) the step
    is r rate m / (1 − β₁ᵗ) / (√v + r eps), which is one pass fewer over the arrays (section 2 of the paper).
    """
    xp = array_module(w)
    root = math.sqrt(1 - beta2**steps)
    m *= beta1
    xp.multiply(g, 1 - beta1, out=spare)
    m += spare
    v *= beta2
    g *= g
    g *= 1 - beta2
    v += g
    xp.sqrt(v, out=spare)
    spare += root * eps
    xp.divide(m, spare, out=spare)
    spare *= root * rate / (1 - beta1**steps)
    w -= spare

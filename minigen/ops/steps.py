"""What is done to arrays in place, as functions for which a kernel may stand in: an optimiser's step, and coins.

They have no derivative: a step that can be differentiated is made of `optim/formulas.py`.
"""

import math
from collections.abc import Callable
from typing import Any

from minigen.autograd.switches import kernels
from minigen.backend import array_module

CHUNKS = 256  # at most, of a gradient that a kernel looks through: a block of threads reads what was found in all


class InPlace:
    """A function that changes bare arrays; `kernels` holds what does the same on one backend, by the backend's name."""

    def __init__(self, function: Callable[..., None]):
        self.name = function.__name__
        self.function = function
        self.__doc__ = function.__doc__
        self.kernels: dict[str, Callable[..., None]] = {}

    def __call__(self, *arrays: Any, **settings: Any) -> None:
        function = self.function
        if self.kernels and kernels.on():
            function = self.kernels.get(array_module(*arrays).__name__, function)
        function(*arrays, **settings)


def adam_numbers(rate: float, eps: float, betas: tuple[float, float], steps: int) -> tuple[float, float]:
    """The rate and eps of `adam_step` number `steps`, from 1: r rate / (1 − β₁ᵗ) and r eps, where r = √(1 − β₂ᵗ)."""
    root = math.sqrt(1 - betas[1] ** steps)
    return root * rate / (1 - betas[0] ** steps), root * eps


@InPlace
def adam_step(w, g, spare, m, v, *, rate, eps, beta1, beta2):
    """m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²; w ← w − rate m / (√v + eps).  Kingma & Ba 2015, section 2.

    With the numbers of `adam_numbers` this is w ← w − rate m̂ / (√v̂ + eps) of the paper's algorithm 1, where m̂ =
    m / (1 − β₁ᵗ) and v̂ = v / (1 − β₂ᵗ), in one pass fewer over the arrays.  g and spare are used up.
    """
    xp = array_module(w)
    m *= beta1
    xp.multiply(g, 1 - beta1, out=spare)
    m += spare
    v *= beta2
    g *= g
    g *= 1 - beta2
    v += g
    xp.sqrt(v, out=spare)
    spare += eps
    xp.divide(m, spare, out=spare)
    spare *= rate
    w -= spare


@InPlace
def watched_adam_step(w, g, spare, m, v, faults, numbers, *, beta1, beta2):
    """adam_step, unless g holds a NaN or an infinity or an earlier one did: then a note in `faults`, and no change.

    The host need not wait for the answer.  numbers (5,), of w's dtype: which update this is since `faults` was emptied,
    from 1; adam_step's rate and eps; the factor by which w shrinks before; λ, where λ w is added to g.  faults (2, 256)
    int32: for each chunk of g (here all of it is one) the place of the first such number, counted from 1, and its
    update; 0 where there was none.  g and spare are used up.
    """
    xp = array_module(w)
    update, rate, eps, shrink, decay = numbers
    bad = ~xp.isfinite(g)
    new = bad.any() & (faults[0, 0] == 0)
    faults[0, 0] += new * (bad.argmax() + 1)
    faults[1, 0] += new * update.astype("int32")
    fine = (faults[0] == 0).all()
    before = [array.copy() for array in (w, m, v)]
    g += decay * w
    w *= shrink
    adam_step.function(w, g, spare, m, v, rate=rate, eps=eps, beta1=beta1, beta2=beta2)
    for array, old in zip((w, m, v), before, strict=True):
        array[...] = xp.where(fine, array, old)

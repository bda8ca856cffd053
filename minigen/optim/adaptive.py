"""RMSProp and Adagrad: a step length for each weight, from the squares of its gradients."""

from collections.abc import Iterable
from typing import Any

from minigen.autograd import Parameter
from minigen.backend import array_module
from minigen.optim import formulas
from minigen.optim.optimiser import Optimiser, Rate


class RMSProp(Optimiser):
    """w ← w − α g / (√v + eps), v ← ρ v + (1 − ρ) g².  Tieleman & Hinton 2012, lecture 6e, slide 29, as in PyTorch.

    decay: ρ in [0, 1), by default PyTorch's 0.99 (the lecture and Keras: 0.9).
    """

    state_names = ("v",)

    def __init__(
        self,
        parameters: Iterable[Parameter],
        learning_rate: Rate = 0.01,
        decay: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        clip_norm: float | None = None,
    ):
        self._shares(decay=decay)
        self._at_least_0(eps=eps)
        self.decay, self.eps = decay, eps
        super().__init__(parameters, learning_rate, weight_decay=weight_decay, clip_norm=clip_norm)

    def _move(self, w: Any, g: Any, spare: Any, rate: float, *state: Any) -> None:
        xp = array_module(w)
        (v,) = state
        v *= self.decay
        xp.multiply(g, g, out=spare)
        spare *= 1 - self.decay
        v += spare
        _divide_by_root(xp, w, g, spare, rate, v, self.eps)

    def _formula(self, w: Any, g: Any, *state: Any, step: int, rate: float) -> tuple[Any, ...]:
        return formulas.rmsprop(w, g, *state, learning_rate=rate, decay=self.decay, eps=self.eps)


class Adagrad(Optimiser):
    """w ← w − α g / (√s + eps), s ← s + g².  Duchi, Hazan & Singer 2011, eq. 1 with a diagonal matrix, as in PyTorch.

    s starts at 0, so that the first step is α sign(g).
    """

    state_names = ("total",)

    def __init__(
        self,
        parameters: Iterable[Parameter],
        learning_rate: Rate = 0.01,
        eps: float = 1e-10,
        weight_decay: float = 0.0,
        *,
        clip_norm: float | None = None,
    ):
        self._at_least_0(eps=eps)
        self.eps = eps
        super().__init__(parameters, learning_rate, weight_decay=weight_decay, clip_norm=clip_norm)

    def _move(self, w: Any, g: Any, spare: Any, rate: float, *state: Any) -> None:
        xp = array_module(w)
        (total,) = state
        xp.multiply(g, g, out=spare)
        total += spare
        _divide_by_root(xp, w, g, spare, rate, total, self.eps)

    def _formula(self, w: Any, g: Any, *state: Any, step: int, rate: float) -> tuple[Any, ...]:
        return formulas.adagrad(w, g, *state, learning_rate=rate, eps=self.eps)


def _divide_by_root(xp: Any, w: Any, g: Any, spare: Any, rate: float, squares: Any, eps: float) -> None:
    """w ← w − rate · g / (√squares + eps)"""
    xp.sqrt(squares, out=spare)
    spare += eps
    xp.divide(g, spare, out=spare)
    spare *= rate
    w -= spare

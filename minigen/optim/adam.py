"""Adam, and Adam with decoupled weight decay."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigen import backend
from minigen.autograd import Parameter
from minigen.ops.steps import adam_numbers, adam_step, watched_adam_step
from minigen.optim import formulas
from minigen.optim.optimiser import Optimiser, Rate
from minigen.optim.watch import Watch


class Adam(Optimiser):
    """w ← w − α m̂ / (√v̂ + eps), m and v averages of g and g².  Kingma & Ba 2015, algorithm 1, as in PyTorch.

    m̂ = m / (1 − β₁ᵗ) and v̂ = v / (1 − β₂ᵗ) make up for the start at 0, so that the first step is α sign(g).  eps is
    added to √v̂; Keras' default 1e-7 is added to √v instead ("epsilon hat"), and is another number.  betas in [0, 1).
    """

    state_names = ("m", "v")
    watches = True

    def __init__(
        self,
        parameters: Iterable[Parameter],
        learning_rate: Rate = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        clip_norm: float | None = None,
    ):
        self._shares(beta1=betas[0], beta2=betas[1])
        self._at_least_0(eps=eps)
        self.betas, self.eps = betas, eps
        super().__init__(parameters, learning_rate, weight_decay=weight_decay, clip_norm=clip_norm)

    def _move(self, w: Any, g: Any, spare: Any, rate: float, *state: Any) -> None:
        rate, eps = adam_numbers(rate, self.eps, self.betas, self.steps)
        adam_step(w, g, spare, *state, rate=rate, eps=eps, beta1=self.betas[0], beta2=self.betas[1])

    def _move_watched(self, w: Any, g: Any, spare: Any, watch: Watch, *state: Any) -> None:
        def numbers() -> np.ndarray:
            rate, decay = self._rate, self.weight_decay
            shrink, decay = (1 - rate * decay, 0.0) if self.decoupled else (1.0, decay)
            update, number = self.steps - watch.seen, adam_numbers(rate, self.eps, self.betas, self.steps)
            return np.array([update, *number, shrink, decay], w.dtype)

        arrived = backend.arrival(numbers, backend.array_module(w))
        watched_adam_step(w, g, spare, *state, watch.faults, arrived, beta1=self.betas[0], beta2=self.betas[1])

    def _formula(self, w: Any, g: Any, *state: Any, step: int, rate: float) -> tuple[Any, ...]:
        return formulas.adam(w, g, *state, step=step, learning_rate=rate, betas=self.betas, eps=self.eps)


class AdamW(Adam):
    """Adam whose weight decay shrinks the weights by α λ before the step.  Loshchilov & Hutter 2019, algorithm 2.

    The default λ = 0.01 is PyTorch's.
    """

    decoupled = True

    def __init__(
        self,
        parameters: Iterable[Parameter],
        learning_rate: Rate = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        *,
        clip_norm: float | None = None,
    ):
        super().__init__(parameters, learning_rate, betas, eps, weight_decay, clip_norm=clip_norm)

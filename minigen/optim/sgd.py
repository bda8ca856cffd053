"""Stochastic gradient descent, plain, with momentum, or Nesterov's."""

from collections.abc import Iterable
from typing import Any

from minigen.autograd import Parameter
from minigen.backend import array_module
from minigen.errors import SettingError
from minigen.optim import formulas
from minigen.optim.optimiser import Optimiser, Rate


class SGD(Optimiser):
    """w ← w − α g: down the loss, where the article's formulas F3 and F4 go up.

    With momentum μ: v ← μ v + g; w ← w − α v, or w − α (g + μ v) with `nesterov`.  Sutskever et al. 2013, as in PyTorch
    (Keras has α inside v).  momentum in [0, 1).

    >>> from minigen import Parameter, grad
    >>> w = Parameter([2.0])
    >>> sgd = SGD([w], 0.1)
    >>> sgd.update(grad((w * w).sum(), [w]))
    >>> round(w.item(), 4)
    1.6
    """

    def __init__(
        self,
        parameters: Iterable[Parameter],
        learning_rate: Rate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
        *,
        clip_norm: float | None = None,
    ):
        self._shares(momentum=momentum)
        if nesterov and not momentum:
            raise SettingError("SGD: nesterov=True needs a momentum above 0, such as 0.9.")
        self.momentum, self.nesterov = momentum, nesterov
        self.state_names = ("velocity",) if momentum else ()
        super().__init__(parameters, learning_rate, weight_decay=weight_decay, clip_norm=clip_norm)

    def _move(self, w: Any, g: Any, spare: Any, rate: float, *state: Any) -> None:
        xp = array_module(w)
        if self.momentum:
            (velocity,) = state
            velocity *= self.momentum
            velocity += g
            if self.nesterov:
                xp.multiply(velocity, self.momentum, out=spare)
                g += spare
            else:
                g = velocity
        xp.multiply(g, rate, out=spare)
        w -= spare

    def _formula(self, w: Any, g: Any, *state: Any, step: int, rate: float) -> tuple[Any, ...]:
        if not self.momentum:
            return (w - rate * g,)
        return formulas.sgd(w, g, *state, learning_rate=rate, momentum=self.momentum, nesterov=self.nesterov)

"""Dropout: while training, a share of the numbers is left out, another share at every call."""

from typing import Any

import numpy as np

from minigen.errors import SettingError
from minigen.nn.module import Module
from minigen.ops import dropout


class Dropout(Module):
    """y = x / (1 − rate) where a coin kept it, else 0, in training; y = x in use.  Srivastava et al. 2014, section 4.

    x of any shape → y like x.  `rng` is kept and draws a fresh mask at every call: store and restore its state to
    repeat a run.  SettingError where rate, the share dropped, is outside [0, 1].
    """

    def __init__(self, rate: float, *, rng: np.random.Generator):
        if not 0 <= rate <= 1:
            raise SettingError(f"Dropout({rate}): rate is the share dropped and must lie in [0, 1].")
        self.rate, self.rng = rate, rng

    def __call__(self, x: Any) -> Any:
        return dropout(x, self.rate, rng=self.rng) if self.training else x

    def __repr__(self) -> str:
        return f"Dropout({self.rate})"

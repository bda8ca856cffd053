"""The layer in which every output sees every input."""

from typing import Any

import numpy as np

from minigen.autograd import Parameter
from minigen.errors import SettingError, ShapeError
from minigen.nn.initialisers import Initialiser, glorot_uniform
from minigen.nn.module import Module, written
from minigen.ops import affine, matmul


class Dense(Module):
    """y = x w + b: every output sees every input.

    x (…, C) → y (…, OC); weight (C, OC), bias (OC,).  ShapeError where the last axis of x is not C.
    The weight starts as `initialiser` draws it from `rng` (Keras' default: glorot_uniform), the bias at 0.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        bias: bool = True,
        rng: np.random.Generator,
        initialiser: Initialiser = glorot_uniform,
    ):
        if inputs < 1 or outputs < 1:
            raise SettingError(f"Dense({inputs}, {outputs}): inputs and outputs must be at least 1.")
        self.weight = Parameter(initialiser(rng, (inputs, outputs), (inputs, outputs)))
        self.bias = Parameter(np.zeros(outputs, np.float32)) if bias else None

    def __call__(self, x: Any) -> Any:
        x = self.fitting(x)
        return matmul(x, self.weight) if self.bias is None else affine(x, self.weight, self.bias)

    def fitting(self, x: Any) -> Any:
        """x, if its last axis is that of the weight; ShapeError otherwise."""
        if x.ndim == 0 or x.shape[-1] != self.weight.shape[0]:
            raise ShapeError(f"{self!r}: x has shape {tuple(x.shape)}; its last axis must be {self.weight.shape[0]}.")
        return x

    def __repr__(self) -> str:
        return written(self, *self.weight.shape, bias=(self.bias is not None, True))

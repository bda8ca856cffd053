"""A decoder as a list of steps and their numbers, and what NumPy makes of them: what the page does in JavaScript."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from minigen.errors import SettingError
from minigen.ops import conv, conv_transpose
from minigen.ops.windows import Geometry

AT_ONCE = 16  # rows: of larger batches the windows of a convolution would fill the memory
GEOMETRY = ("sizes", "outs", "window", "stride", "dilation", "before")  # of a convolution, each over three axes

Shape = tuple[int, ...]


@dataclass(eq=False)
class Program:
    """y = the steps, one after the other, of a row of numbers; batch normalisation is a scale and a shift.

    inputs: how many numbers the row has.  shape: of what comes out.  steps: for each its `op` and settings, plain JSON
    values, among them the places in `numbers` where its weights begin.  numbers: float32, all weights in one row, those
    of dense layers and convolutions as (*window, outputs, inputs).
    """

    inputs: int
    shape: Shape
    steps: list[dict[str, Any]] = field(default_factory=list)
    numbers: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))

    def keep(self, array: Any) -> int:
        """Add an array to the numbers; returns where it begins."""
        begin = len(self.numbers)
        self.numbers = np.append(self.numbers, np.asarray(array, np.float32).ravel())
        return begin

    def add(self, op: str, **settings: Any) -> None:
        """Add a step."""
        self.steps.append({"op": op, **settings})

    def rounded(self, dtype: str) -> "Program":
        """The same program with its numbers as float16 can hold them; as they are for float32.

        SettingError where a number is none, or too large for float16.
        """
        if not np.isfinite(self.numbers).all():
            raise SettingError("the explorer: the network has weights that are no numbers; take an earlier checkpoint.")
        largest = float(np.abs(self.numbers).max(initial=0))
        if dtype == "float16" and largest > float(np.finfo(np.float16).max):
            raise SettingError(
                f'the explorer: a weight of {largest:.3g} is beyond float16; pass weights="float32" to write_explorer.'
            )
        return replace(self, numbers=self.numbers.astype(dtype).astype(np.float32))

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """What the rows (N, inputs) become, (N, *shape), by NumPy."""
        parts = []
        for i in range(0, len(rows), AT_ONCE):
            x = rows[i : i + AT_ONCE].astype(np.float32)
            for step in self.steps:
                x = RUN[step["op"]](x, step, self.numbers)
            parts.append(x.reshape(len(x), *self.shape))
        return np.concatenate(parts)


# What the steps mean ------------------------------------------------------------------------------------------------


def _run_dense(x: np.ndarray, step: dict[str, Any], numbers: np.ndarray) -> np.ndarray:
    C, OC = step["inputs"], step["outputs"]
    return _plus_bias(x.reshape(len(x), C) @ _some(numbers, step["weight"], OC, C).T, step, numbers)


def _run_convolution(x: np.ndarray, step: dict[str, Any], numbers: np.ndarray) -> np.ndarray:
    lengths: dict[str, Any] = {name: tuple(step[name]) for name in GEOMETRY}
    geometry = Geometry(**lengths)
    w = _some(numbers, step["weight"], *geometry.window, step["outputs"], step["inputs"])
    if step["op"] == "conv":
        y = conv(x.reshape(len(x), *geometry.sizes, -1), np.swapaxes(w, -1, -2), geometry=geometry)
    else:
        y = conv_transpose(x.reshape(len(x), *geometry.outs, -1), w, geometry=geometry)
    return _plus_bias(y, step, numbers)


def _run_scale(x: np.ndarray, step: dict[str, Any], numbers: np.ndarray) -> np.ndarray:
    C = step["channels"]
    rows = x.reshape(len(x), -1, C)
    return rows * _some(numbers, step["scale"], C) + _some(numbers, step["shift"], C)


def _plus_bias(y: np.ndarray, step: dict[str, Any], numbers: np.ndarray) -> np.ndarray:
    return y if step["bias"] is None else y + _some(numbers, step["bias"], step["outputs"])


def _some(numbers: np.ndarray, begin: int, *shape: int) -> np.ndarray:
    return numbers[begin : begin + int(np.prod(shape))].reshape(shape)


RUN: dict[str, Callable[[np.ndarray, dict[str, Any], np.ndarray], np.ndarray]] = {
    "dense": _run_dense,
    "conv": _run_convolution,
    "convTranspose": _run_convolution,
    "scale": _run_scale,
    "take": lambda x, step, numbers: x[:, : step["count"]],
    "multiply": lambda x, step, numbers: x * np.float32(step["by"]),
    "leakyRelu": lambda x, step, numbers: np.where(x > 0, x, np.float32(step["slope"]) * x),
    "tanh": lambda x, step, numbers: np.tanh(x),
    "sigmoid": lambda x, step, numbers: 1 / (1 + np.exp(-x)),
}

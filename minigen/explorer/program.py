"""A decoder as a list of steps and their numbers, and what NumPy makes of them: what the page does in JavaScript."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from minigen.errors import SettingError
from minigen.models.clip_gan import TINY
from minigen.ops import conv, conv_transpose
from minigen.ops.windows import Geometry

AT_ONCE = 16  # rows: of larger batches the windows of a convolution would fill the memory
GEOMETRY = ("sizes", "outs", "window", "stride", "dilation", "before")  # of a convolution, each over three axes

Shape = tuple[int, ...]


@dataclass(eq=False)
class Program:
    """y = the steps, one after the other, of a row of numbers; batch normalisation is a scale and a shift.

    inputs: how many numbers the row has.  shape: of what comes out.  steps: for each its `op` and settings, plain JSON
    values, among them the places in `numbers` where its weights begin; `each` has steps of its own, which are taken for
    every frame.  numbers: float32, all weights in one row, those of dense layers and convolutions as (*window, outputs,
    inputs).
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
            x = _run(self.steps, rows[i : i + AT_ONCE].astype(np.float32), self.numbers)
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


def _run_frames(x: np.ndarray, step: dict[str, Any], numbers: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), step["count"], -1)[:, step["order"]]


def _run_codes(x: np.ndarray, step: dict[str, Any], numbers: np.ndarray) -> np.ndarray:
    """(N, T, content + motion): what all frames share, and c + r (a cos θ + b sin θ), as `GeneratorFactorised`."""
    N, d, r = len(x), step["motion"], np.float32(step["radius"])
    drawn = [x[:, i * d : (i + 1) * d] for i in range(2 if step["ahead"] else 3)]
    still = x[:, None, len(drawn) * d :]
    if step["ahead"]:
        drawn.insert(0, np.broadcast_to(np.eye(1, d, dtype=x.dtype), (N, d)))
    axes: list[np.ndarray] = []
    for v in drawn:
        for e in axes:
            v = v - (v * e).sum(axis=1, keepdims=True) * e
        axes.append(v / (np.linalg.norm(v, axis=1, keepdims=True) + TINY))
    a, b, c = (axis[:, None] for axis in axes)
    cos, sin = (f(step["angles"]).astype(x.dtype)[:, None] for f in (np.cos, np.sin))
    moving = r * (c + a * cos + b * sin)
    return np.concatenate([np.broadcast_to(still, (*moving.shape[:2], still.shape[2])), moving], axis=2)


def _run_each(x: np.ndarray, step: dict[str, Any], numbers: np.ndarray) -> np.ndarray:
    rows = x.reshape(len(x) * step["count"], -1)
    return _run(step["steps"], rows, numbers).reshape(len(x), -1)


def _run(steps: list[dict[str, Any]], x: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """What the rows x become by the steps, one after the other."""
    for step in steps:
        x = RUN[step["op"]](x, step, numbers)
    return x


def _plus_bias(y: np.ndarray, step: dict[str, Any], numbers: np.ndarray) -> np.ndarray:
    return y if step["bias"] is None else y + _some(numbers, step["bias"], step["outputs"])


def _some(numbers: np.ndarray, begin: int, *shape: int) -> np.ndarray:
    return numbers[begin : begin + int(np.prod(shape))].reshape(shape)


RUN: dict[str, Callable[[np.ndarray, dict[str, Any], np.ndarray], np.ndarray]] = {
    "dense": _run_dense,
    "conv": _run_convolution,
    "convTranspose": _run_convolution,
    "scale": _run_scale,
    "frames": _run_frames,
    "codes": _run_codes,
    "each": _run_each,
    "take": lambda x, step, numbers: x[:, : step["count"]],
    "multiply": lambda x, step, numbers: x * np.float32(step["by"]),
    "leakyRelu": lambda x, step, numbers: np.where(x > 0, x, np.float32(step["slope"]) * x),
    "tanh": lambda x, step, numbers: np.tanh(x),
    "sigmoid": lambda x, step, numbers: 1 / (1 + np.exp(-x)),
}

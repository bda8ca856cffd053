"""Layers that arrange the numbers of each item anew."""

import math
from typing import Any

from minigen.errors import SettingError, ShapeError
from minigen.nn.module import Module
from minigen.ops import reshape


class Flatten(Module):
    """Each item in one row: x (N, *shape) → y (N, the product of shape).  ShapeError where x has no batch axis."""

    def __call__(self, x: Any) -> Any:
        if x.ndim < 1:
            raise ShapeError("Flatten(): x is a single number; its first axis must be the batch.")
        return reshape(x, (x.shape[0], math.prod(x.shape[1:])))


class Reshape(Module):
    """Each item in another shape: x (N, …) → y (N, *shape), read in row order; one entry may be −1.

    ShapeError where an item has another number of entries.
    """

    def __init__(self, *shape: int):
        if any(not isinstance(n, int) or n < -1 for n in shape) or shape.count(-1) > 1:
            raise SettingError(f"Reshape{shape}: lengths are whole numbers, and at most one is −1.")
        self.shape = shape

    def __call__(self, x: Any) -> Any:
        entries, known = math.prod(x.shape[1:]), math.prod(n for n in self.shape if n != -1)
        rest = entries // max(known, 1) if -1 in self.shape else 1
        if x.ndim < 1 or entries != known * rest:
            multiple = "a multiple of " if -1 in self.shape else ""
            raise ShapeError(
                f"{self!r}: x has shape {tuple(x.shape)}; each item must have {multiple}{known} entries, not {entries}."
            )
        return reshape(x, (x.shape[0], *(rest if n == -1 else n for n in self.shape)))

    def __repr__(self) -> str:
        return f"Reshape({', '.join(map(str, self.shape))})"

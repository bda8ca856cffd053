"""Many parameters as views of one array, so that a step is a handful of array calls however many there are."""

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from minigen.autograd import Parameter
from minigen.backend import array_module, name_of
from minigen.errors import SettingError
from minigen.ops.gather import gather

BLOCK = 1 << 16  # numbers worked on at a time on the host: with their gradient and state they stay in the cache


class Block(NamedTuple):
    """A stretch of the flat arrays, and the pieces of gradients lying in it one after another: (parameter, which)."""

    where: slice
    pieces: list[tuple[int, slice]]


class Flat:
    """Parameters of one dtype and place, and an optimiser's state, as flat arrays side by side.

    Each parameter's array becomes a view of `weights`.  Should somebody assign `parameter.data` anew, `adopt` takes the
    new numbers in before the next step.
    """

    def __init__(self, places: Sequence[int], parameters: Sequence[Parameter], names: Sequence[str]):
        self.places = list(places)  # where each parameter stands among all of the optimiser's
        self.parameters = list(parameters)
        first = parameters[0].data
        self.module = array_module(first)
        ends = list(itertools.accumulate(p.size for p in parameters))
        total = ends[-1]
        self.weights = self.module.empty(total, first.dtype)
        self.state = {name: self.module.zeros_like(self.weights) for name in names}
        self._slices = [slice(end - p.size, end) for p, end in zip(parameters, ends, strict=True)]
        self._views = self.views(self.weights)
        length = BLOCK if name_of(self.module) == "numpy" else max(total, 1)
        self.spare = self.module.empty(min(length, total), first.dtype)
        self._part = self.module.empty_like(self.spare)
        self._held: Sequence[Any] | None = None  # whose gradients lie in _part already, all of them
        self.blocks = [self._block(i, min(i + length, total)) for i in range(0, total, length)]
        self.adopt()

    def views(self, flat: Any) -> list[Any]:
        """A flat array cut and shaped like the parameters."""
        return [flat[where].reshape(p.shape) for p, where in zip(self.parameters, self._slices, strict=True)]

    def adopt(self) -> None:
        """Take in the numbers of every parameter whose array is not a view of `weights`, and make it one.

        SettingError where such an array has another shape, dtype or place than at the start.
        """
        strangers = [(p, view) for p, view in zip(self.parameters, self._views, strict=True) if p._data is not view]
        for p, view in strangers:
            if p.shape != view.shape or p.dtype != view.dtype or array_module(p.data) is not self.module:
                raise SettingError(
                    f"{p.name or 'a parameter'} was {view.shape} of {view.dtype} when its optimiser was made, and now "
                    f"is {p.shape} of {p.dtype}; make the optimiser after such a change."
                )
        for p, view in strangers:
            view[...] = p._data
            p._data = view

    def _block(self, start: int, end: int) -> Block:
        """The stretch from start to end: which entries of which gradients lie in it."""
        pieces = []
        for place, there in zip(self.places, self._slices, strict=True):
            a, b = max(start, there.start), min(end, there.stop)
            if a < b:
                pieces.append((place, slice(a - there.start, b - there.start)))
        return Block(slice(start, end), pieces)

    def gradient(self, rows: Sequence[Any], block: Block) -> Any:
        """The gradient of a block, in an array that the next call uses again.

        rows: the gradients of all the optimiser's parameters, of which ours are some, each as a flat array.
        """
        part = self._part[: block.where.stop - block.where.start]
        held, self._held = self._held, None  # given out once: whoever takes it may use it up
        if held is not rows:
            gather(part, *(rows[place][which] for place, which in block.pieces))
        return part

    def owner(self, place: int) -> Parameter:
        """The parameter in which number `place` of the flat array lies."""
        return next(p for p, where in zip(self.parameters, self._slices, strict=True) if place < where.stop)

    def faulty(self, rows: Sequence[Any]) -> Parameter | None:
        """The first parameter whose gradient holds a NaN or an infinity; None where all is finite."""
        if name_of(self.module) == "numpy":
            with np.errstate(all="ignore"):  # squares may overflow where nothing is wrong
                squares = sum(self.module.dot(rows[place], rows[place]) for place in self.places)
        else:
            squares = 0.0
            for block in self.blocks:  # one at most: gathered now, it takes one product, and is kept for the step
                part = self.gradient(rows, block)
                squares, self._held = self.module.dot(part, part), rows
        if math.isfinite(float(squares)):
            return None  # a sum of squares hides neither
        for place, p in zip(self.places, self.parameters, strict=True):
            if not bool(self.module.isfinite(rows[place]).all()):
                return p
        return None

    def release(self) -> None:
        """Give every parameter an array of its own again."""
        for p in self.parameters:
            p._data = p._data.copy()

"""Many parameters as views of one array, so that a step is a handful of array calls however many there are."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

from minigen.autograd import Parameter
from minigen.backend import array_module, name_of
from minigen.errors import SettingError

BLOCK = 1 << 16  # numbers worked on at a time on the host: with their gradient and state they stay in the cache


class Flat:
    """Parameters of one dtype and place, their gradients, and an optimiser's state, as flat arrays side by side.

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
        self.grads = self.module.zeros_like(self.weights)
        self.state = {name: self.module.zeros_like(self.weights) for name in names}
        self._slices = [slice(end - p.size, end) for p, end in zip(parameters, ends, strict=True)]
        self._views = self.views(self.weights)
        self._grad_views = self.views(self.grads)
        length = BLOCK if name_of(self.module) == "numpy" else max(total, 1)
        self.spare = self.module.empty(min(length, total), first.dtype)
        self.blocks = [slice(i, min(i + length, total)) for i in range(0, total, length)]
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

    def gather(self, grads: Sequence[Any]) -> None:
        """Copy the gradients of all the optimiser's parameters, of which ours are some, into `grads`."""
        for place, view in zip(self.places, self._grad_views, strict=True):
            view[...] = grads[place]

    def faulty(self) -> Parameter | None:
        """The first parameter whose gradient holds a NaN or an infinity; None where all is finite."""
        if math.isfinite(float(self.module.dot(self.grads, self.grads))):
            return None  # a sum of squares has no NaN or infinity to hide, though it may overflow by itself
        for p, view in zip(self.parameters, self._grad_views, strict=True):
            if not bool(self.module.isfinite(view).all()):
                return p
        return None

    def release(self) -> None:
        """Give every parameter an array of its own again."""
        for p in self.parameters:
            p._data = p._data.copy()

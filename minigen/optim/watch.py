"""The look for a NaN without a wait: on a GPU steps note what they find, and the host reads that from time to time."""

from typing import NamedTuple

import numpy as np

from minigen import backend
from minigen.autograd import Parameter
from minigen.ops.steps import CHUNKS
from minigen.optim.flat import Flat

EVERY = 50  # updates from one look to the next


class Fault(NamedTuple):
    """The first gradient that was no number: in which update, and of which parameter."""

    step: int
    parameter: Parameter


class Watch:
    """What the steps over one flat array noted on the device, and after how many updates the host last read it.

    A step that finds a NaN or an infinity leaves weights and state alone, and so do all after it until the notes are
    read: nothing is lost but the time.
    """

    def __init__(self, flat: Flat):
        self._flat = flat
        self.faults = flat.module.zeros((2, CHUNKS), np.int32)  # see ops.steps.watched_adam_step
        self.seen = 0

    def due(self, steps: int) -> bool:
        """Is it time to look, after so many updates?"""
        return steps - self.seen >= EVERY and not backend.capturing()

    def look(self, steps: int) -> Fault | None:
        """The first fault since the last look, after so many updates; None where there was none.  The host waits."""
        seen, self.seen = self.seen, steps
        if seen == steps:
            return None
        places, updates = backend.to_host(self.faults)
        if not places.any():
            return None
        first = updates[places > 0].min()
        place = places[(places > 0) & (updates == first)].min() - 1
        self.reset(seen + int(first) - 1)
        return Fault(self.seen + 1, self._flat.owner(int(place)))

    def reset(self, steps: int) -> None:
        """Forget every note: the optimiser stands after so many updates."""
        self.faults[...] = 0
        self.seen = steps

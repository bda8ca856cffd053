"""What every recipe is to the loop: something with a step, random numbers, and a state that can be put back."""

from typing import Any, ClassVar

import numpy as np

from minigen.errors import AnomalyError, MinigenError
from minigen.nn import Module


class Recipe(Module):
    """A model in training.  The loop calls `step` with batches, and `save_state` and `load_state` around it.

    A subclass sets `config`, `rng` and what `holders` returns; `step_count` counts the steps done, and `planned` is the
    one the loop will end at.  It also has `reading`, one line on its losses, `networks`, `summaries()`, `latents(n,
    rng)` and `generate(z)`.
    """

    config: Any
    rng: np.random.Generator
    step_count: int = 0
    planned: int = 0
    batches_per_step: int = 1
    draw_averaged: bool = True  # draw with averaged weights, where the recipe has them
    advice: ClassVar[str] = "Try a lower --learning-rate, or look at the data."  # where a number became none

    @property
    def width(self) -> float:
        """The share of the article's channels that its convolutions have."""
        return self.config.width

    @property
    def graphless(self) -> str:
        """Why its step cannot be one CUDA graph, in a sentence; empty where nothing is known against it."""
        return ""

    @property
    def reading(self) -> str:
        """One line on what the loss values mean."""
        raise NotImplementedError(f"{type(self).__name__} does not define reading.")

    def holders(self) -> dict[str, Any]:
        """What has a state: networks, optimisers, averages, by the names they have in a checkpoint."""
        raise NotImplementedError(f"{type(self).__name__} does not define holders(self).")

    def shown(self, row: dict[str, Any]) -> tuple[str, str]:
        """(what must be seen of a row of metrics while training, what may be added where there is room)."""
        raise NotImplementedError(f"{type(self).__name__} does not define shown(self, row).")

    def save_state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Everything a later step depends on: arrays by name, and the state of the random generator."""
        arrays = {
            f"{place}/{name}": np.asarray(value)
            for place, holder in self.holders().items()
            for name, value in holder.state_dict().items()
        }
        return arrays, {"rng": _plain(self.rng.bit_generator.state)}

    def load_state(self, arrays: dict[str, np.ndarray], random: dict[str, Any]) -> None:
        """Put back what `save_state` gave; DataError, and no change, where it does not fit."""
        try:
            before, _ = self.save_state()
        except AnomalyError:  # an optimiser refused a gradient: nobody wants that state again
            before = arrays
        try:
            self._load_arrays(arrays)
        except MinigenError:
            self._load_arrays(before)
            raise
        self.rng.bit_generator.state = random["rng"]

    def _load_arrays(self, arrays: dict[str, np.ndarray]) -> None:
        for place, holder in self.holders().items():
            holder.load_state_dict(
                {name.removeprefix(f"{place}/"): a for name, a in arrays.items() if name.startswith(f"{place}/")}
            )


def _plain(state: Any) -> Any:
    """A generator's state with lists where Philox has arrays, so that it can be compared and written as JSON."""
    if isinstance(state, dict):
        return {name: _plain(value) for name, value in state.items()}
    return state.tolist() if isinstance(state, np.ndarray) else state

"""Averaged weights: a running mean of what training passes through, with which samples are drawn."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from minigen import backend
from minigen.autograd import Parameter
from minigen.errors import SettingError


class Average:
    """w̄ ← decay · w̄ + (1 − decay) · w after every step, from w̄ = w at the start: Yazıcı et al. 2019, eq. 2.

    Parameters are averaged; buffers, such as running statistics, are averages already and are copied.  `module` is a
    `minigen.nn.Module`; decay in [0, 1), about 1 / (1 − decay) steps being remembered.

        average = Average(generator)        # before training
        average.update()                    # after each step
        with average.applied(): ...         # generator computes with w̄ here
    """

    def __init__(self, module: Any, decay: float = 0.999):
        if not 0 <= decay < 1:
            raise SettingError(f"Average: decay={decay} must lie in [0, 1); 0.999 remembers about 1,000 steps.")
        self.decay = decay
        self._module = module
        self._tensors = dict(module.named_tensors())
        self._averages = {name: x.data.copy() for name, x in self._tensors.items()}
        self._applied = False

    def update(self) -> None:
        """Take the weights as they are now into the average."""
        self._refuse_inside("update")
        for name, x in self._tensors.items():
            average = self._averages[name]
            if isinstance(x, Parameter):
                change = x.data - average
                change *= 1 - self.decay
                average += change
            else:
                average[...] = x.data

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """Inside the with-block the module holds the averages; afterwards exactly what it held before.

        Both exchanges count as changes: a loss computed before refuses a derivative afterwards.
        """
        self._refuse_inside("applied")
        before = {name: x.data.copy() for name, x in self._tensors.items()}
        self._applied = True
        try:
            self._write(self._averages)
            yield
        finally:
            self._write(before)
            self._applied = False

    def _write(self, arrays: Mapping[str, Any]) -> None:
        for name, x in self._tensors.items():
            x.data[...] = arrays[name]  # in place: an optimiser's views stay views
            x.version += 1

    def _refuse_inside(self, what: str) -> None:
        if self._applied:
            raise SettingError(f"Average.{what}: the averages are applied just now; leave that with-block first.")

    def state_dict(self) -> dict[str, np.ndarray]:
        """name → a copy of its average on the host, under the module's own names."""
        return {name: np.array(backend.to_host(average)) for name, average in self._averages.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put back what `state_dict` gave; DataError naming what does not fit, and no change, where it is another's."""
        arrays = self._module.checked_state(state)
        for name, average in self._averages.items():
            average[...] = backend.to_device(arrays[name].astype(average.dtype), backend.array_module(average))

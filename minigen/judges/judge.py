"""A judge: a trained network that says of any item of its kind which factors or which class it shows."""

import hashlib
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

import minigen
from minigen import backend
from minigen.data import as_batch
from minigen.errors import ShapeError
from minigen.judges.subjects import Digits, Known, Subject
from minigen.nn import Module

AT_ONCE = 256  # items


class Judge:
    """Reads images, clips or motion of one kind and one shape.  Everything it takes and gives is on the host.

    facts: what its file says of it, among these `scores` of an exam: R² of each factor, or the accuracy; and
    `baseline`, the same of a linear model of the items.
    """

    def __init__(self, subject: Subject, network: Module, facts: Mapping[str, Any]):
        self.subject, self.network, self.facts = subject, network, facts

    @property
    def scores(self) -> dict[str, float]:
        """R² of each factor on unseen items, of what is a class the accuracy; 1 is perfect."""
        return self.facts["scores"]

    @property
    def reads_factors(self) -> bool:
        """Whether it says factors; else it says classes."""
        return isinstance(self.subject, Known)

    @property
    def classes(self) -> list[str]:
        """The names of the classes it tells apart, in the order of their numbers; none where it reads factors."""
        return [str(digit) for digit in range(10)] if isinstance(self.subject, Digits) else []

    @cached_property
    def hash(self) -> str:
        """16 hexadecimal digits of its weights: numbers that two judges found cannot be compared."""
        digest = hashlib.sha256()
        for name, array in sorted(self.network.state_dict().items()):
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()[:16]

    def features(self, items: np.ndarray) -> np.ndarray:
        """What its last layer sees of items, uint8 or float32 as a network takes them: float64 (N, features)."""
        return self._through(self.network.features, items)  # type: ignore[attr-defined]

    def outputs(self, items: np.ndarray) -> np.ndarray:
        """What its network says of items: (N, outputs)."""
        return self._through(self.network, items)

    def factors(self, items: np.ndarray) -> dict[str, np.ndarray]:
        """The factors it reads off items, name → (N,), in the units of the renderer."""
        assert isinstance(self.subject, Known)
        return self.subject.values(self.outputs(items))

    def labels(self, items: np.ndarray) -> np.ndarray:
        """The number of each item's class, (N,)."""
        return self.outputs(items).argmax(axis=1)

    def _through(self, network: Any, items: np.ndarray) -> np.ndarray:
        wanted = self.subject.item
        if items.shape[1:] != wanted or not len(items):
            raise ShapeError(
                f"judge of {self.subject.data}: items have shape {items.shape}; they must be (N, …) of {wanted}."
            )
        self.network.eval()
        found = []
        with minigen.no_grad():
            for i in range(0, len(items), AT_ONCE):
                x = as_batch(items[i : i + AT_ONCE])
                found.append(backend.to_host(network(minigen.tensor(x)).data))
        return np.concatenate(found).astype(np.float64)

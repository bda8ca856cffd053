"""Features brought to a common size for a network, and back: what is learnt from a training set and kept with a run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigen.errors import ShapeError

STILL = 1e-4  # a deviation below which a feature does not move: there is nothing in it to learn


@dataclass(frozen=True, eq=False)
class Scaling:
    """u = (x − mean) / deviation, features that never move left out.

    mean, deviation: float32 (F,); the six numbers of one joint share one deviation, the root mean square of theirs, so
    that a rotation keeps its shape and a number that hardly moves does not count as much as one that does.  moving:
    bool (F,), which features u has.
    """

    mean: np.ndarray
    deviation: np.ndarray
    moving: np.ndarray

    @classmethod
    def of(cls, items: np.ndarray, joints: int) -> "Scaling":
        """Learnt from windows (N, T, 6J + 4) of `joints` = J joints."""
        if items.ndim != 3 or items.shape[2] != 6 * joints + 4:
            raise ShapeError(f"Scaling: items have shape {items.shape}; they must be (N, T, {6 * joints + 4}).")
        x = items.astype(np.float64)
        mean, deviation = x.mean((0, 1)), x.std((0, 1))
        together = np.sqrt((deviation[: 6 * joints] ** 2).reshape(joints, 6).mean(axis=1))
        deviation[: 6 * joints] = np.repeat(together, 6)
        moving = deviation > STILL
        deviation[~moving] = 1.0
        return cls(mean.astype(np.float32), deviation.astype(np.float32), moving)

    def __len__(self) -> int:
        return int(self.moving.sum())

    def to_units(self, x: np.ndarray) -> np.ndarray:
        """(…, F) features → (…, moving ones) numbers of deviation about 1."""
        return ((x - self.mean) / self.deviation)[..., self.moving]

    def from_units(self, u: np.ndarray) -> np.ndarray:
        """The inverse; what never moves stands at its mean."""
        x = np.broadcast_to(self.mean, (*u.shape[:-1], len(self.mean))).copy()
        x[..., self.moving] += u * self.deviation[self.moving]
        return x

    def as_json(self) -> dict[str, Any]:
        """Plain lists, for a checkpoint."""
        return {name: getattr(self, name).tolist() for name in ("mean", "deviation", "moving")}

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> "Scaling":
        """The inverse, to the bit: every float32 is written in digits enough."""
        return cls(
            np.array(facts["mean"], np.float32),
            np.array(facts["deviation"], np.float32),
            np.array(facts["moving"], bool),
        )

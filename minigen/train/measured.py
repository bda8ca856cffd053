"""Between the host and a step: batches to where the network computes, measurements back as numbers."""

from typing import Any

import numpy as np

import minigen
from minigen import backend


def on_device(batch: Any) -> Any:
    """A batch, or a batch with its labels, where the network computes."""
    return tuple(map(backend.to_device, batch)) if isinstance(batch, tuple) else backend.to_device(batch)


def count(batch: Any) -> int:
    """The items of a batch."""
    return len(batch[0]) if isinstance(batch, tuple) else len(batch)


def bare(measured: dict[str, Any]) -> dict[str, Any]:
    """Measurements as arrays and numbers, without the tensors that keep what they were made of."""
    return {name: x.data if isinstance(x, minigen.Tensor) else x for name, x in measured.items()}


def numbers(measured: dict[str, Any]) -> dict[str, float | list[float]]:
    """Measurements as JSON takes them: numbers, or short rows of them to four digits.  A GPU is waited for once."""
    arrays = bare(measured)
    away = {name: x for name, x in arrays.items() if not isinstance(x, int | float | np.ndarray | np.generic)}
    if away:
        module = backend.array_module(*away.values())
        row = backend.to_host(module.concatenate([x.reshape(-1).astype("float64") for x in away.values()]))
        ends = np.cumsum([x.size for x in away.values()])[:-1]
        parts = zip(away.items(), np.split(row, ends), strict=True)
        arrays |= {name: part.reshape(x.shape) for (name, x), part in parts}
    return {name: _number(x) for name, x in arrays.items()}


def _number(value: Any) -> float | list[float]:
    """A measurement as JSON takes it: a number, or a short row of them to four digits."""
    if getattr(value, "ndim", 0):
        return [round(float(x), 4) for x in value.tolist()]
    return float(value)

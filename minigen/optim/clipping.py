"""A bound on the length of a gradient, over all parameters together."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from minigen.autograd import Tensor
from minigen.backend import array_module
from minigen.errors import AnomalyError, SettingError


def clip_grad_norm(grads: Iterable[Any], limit: float) -> tuple[list[Any], float]:
    """(gradients, their norm): all shortened by one factor where ‖g‖ over all of them exceeds `limit`.

    ‖g‖ is the norm before.  Nothing is changed in place.  Pascanu, Mikolov & Bengio 2013, algorithm 1.  SettingError
    where the limit is not above 0, AnomalyError where the norm is no number.
    """
    if not limit > 0:
        raise SettingError(f"clip_grad_norm: limit={limit} must be above 0.")
    grads = list(grads)
    norm = norm_of([g.data if isinstance(g, Tensor) else g for g in grads])
    if not math.isfinite(norm):
        raise AnomalyError(
            "clip_grad_norm: a gradient holds a NaN or an infinity; minigen.detect_anomaly() finds where."
        )
    return ([g * (limit / norm) for g in grads] if norm > limit else grads), norm


def norm_of(arrays: Sequence[Any]) -> float:
    """√Σ x² over all entries of all arrays, added up in float64: float32 squares overflow from 2e19.

    Added up where the arrays are, so that a GPU is waited for once and not once an array.
    """
    totals: dict[Any, Any] = {}
    for array in arrays:
        flat = array.reshape(-1).astype("float64")
        module = array_module(flat)
        totals[module] = totals.get(module, 0.0) + module.dot(flat, flat)
    return math.sqrt(sum(map(float, totals.values())))

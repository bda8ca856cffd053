"""What `detect_anomaly` does: it finds where the first NaN or infinity was born, forward or backward."""

import math
import sys
from typing import Any

from minigen import backend
from minigen.autograd.tensor import Tensor
from minigen.errors import AnomalyError


def look_forward(name: str, input_name: Any, y: Any, arrays: Any, settings: dict[str, Any]) -> None:
    """AnomalyError where y has a NaN, or has an infinity although every input and setting was finite."""
    found = _worst(y)
    inputs = [_worst(x) for x in arrays]
    if found == "NaN" and "NaN" in inputs:
        raise AnomalyError(
            f"{name} was given a NaN, in its input {input_name(inputs.index('NaN'))}, {user_line()}. "
            "It was made outside detect_anomaly: look at the data, or wrap what comes before."
        )
    if found == "NaN" or found and not any(inputs) and not any(map(_worst, settings.values())):
        raise AnomalyError(f"{name} made the first {found}, forward, {user_line()}.{_advice(name)}")


def look_backward(name: str, input_name: str, dx: Any, dy: Any, site: str) -> None:
    """AnomalyError where a rule's dx has a NaN, or has an infinity although dy was finite."""
    found, above = _worst(dx), _worst(dy)
    where = f"the operation was called {site}." if site else "wrap the forward pass in detect_anomaly to see its line."
    if found == "NaN" and above == "NaN":
        raise AnomalyError(f"the dy handed to {name} holds a NaN already; {where}")
    if found == "NaN" or found and not above:
        raise AnomalyError(
            f"the derivative of {name} with respect to {input_name} made the first {found}, backward; {where}"
            f"{_advice(name)}"
        )


def user_line() -> str:
    """The innermost line that uses the library and is not part of it, as "at file:line"; recipes use it too."""
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
        package, _, rest = frame.f_globals.get("__name__", "").partition(".")
        if package not in ("minigen", "contextlib") or rest.startswith("train."):
            return f"at {frame.f_code.co_filename}:{frame.f_lineno}"
    return "inside minigen"


def _worst(x: Any) -> str:
    """NaN, else infinity, else nothing: the worst that a number, an array or a tensor holds."""
    if isinstance(x, Tensor):
        x = x.data
    if isinstance(x, float):
        return "NaN" if math.isnan(x) else "infinity" if math.isinf(x) else ""
    if not hasattr(x, "dtype") or x.dtype.kind != "f":
        return ""
    module = backend.array_module(x)
    if bool(module.isfinite(x).all()):
        return ""
    return "NaN" if bool(module.isnan(x).any()) else "infinity"


def _advice(name: str) -> str:
    if name in ("sqrt", "log", "divide", "power", "norm"):
        return (
            " Keep its input away from the edge: where(x > 0, x, 1) inside it and where again around it, "
            "because where around it alone does not keep an infinite slope out."
        )
    return ""

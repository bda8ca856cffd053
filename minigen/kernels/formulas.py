"""A formula computed as it stands, for stand-ins that find an input which is not theirs."""

from typing import Any

from minigen.autograd.gradients import grad
from minigen.autograd.op import Fused
from minigen.autograd.switches import recording
from minigen.autograd.tensor import Tensor


def formula_value(of: Fused, arrays: Any, settings: dict[str, Any]) -> Any:
    """What the formula gives, as an array: on tensors, whose dtypes it settles."""
    with recording.set(False):
        return of.function(*_tensors(arrays), **settings).data


def formula_vjp(of: Fused, dy: Any, wanted: list[int], arrays: Any, settings: dict[str, Any]) -> list[Any]:
    """What the formula's derivative gives for each place in `wanted`: arrays, or recorded tensors where dy is one."""
    if isinstance(dy, Tensor):
        return of.replayed(dy, arrays, wanted, settings)
    own = _tensors(arrays)
    for i in wanted:
        own[i].requires_grad = True
    with recording.set(True):
        y = of.function(*own, **settings)
    return [dx.data for dx in grad(y, [own[i] for i in wanted], dy)]


def _tensors(arrays: Any) -> list[Any]:
    """Floating arrays as tensors; numbers, and arrays of integers or booleans, as they are."""
    return [Tensor(x) if hasattr(x, "dtype") and x.dtype.kind == "f" else x for x in arrays]

"""Dtypes: the tensors decide, and whatever else comes along is weak."""

from typing import Any

import numpy as np

from minigen import backend
from minigen.autograd.tensor import Tensor


def weaken(inputs: tuple[Any, ...]) -> tuple[tuple[Any, ...], list[Any]]:
    """The inputs, and the same bare, after numbers and arrays that are no tensors have taken the tensors' dtype.

    One stray np.float64, or one array fresh from a random generator, would otherwise make a whole network double.
    """
    tensors = [x._data for x in inputs if isinstance(x, Tensor)]
    dtype = _floating(tensors)
    weak = tuple(x if isinstance(x, Tensor) else _as_weak(x, dtype, tensors[0]) for x in inputs)
    return weak, [x._data if isinstance(x, Tensor) else x for x in weak]


def _as_weak(x: Any, dtype: Any, beside: Any) -> Any:
    """One input that is no tensor: a scalar as Python's number, lists and floating arrays in `dtype`."""
    if isinstance(x, np.generic):
        return x.item()
    if isinstance(x, list | tuple):
        x = backend.array_module(beside).asarray(x)
    if dtype is not None and hasattr(x, "dtype") and x.dtype.kind == "f" and x.dtype != dtype:
        return x.astype(dtype)
    return x


def settle(y: Any, inputs: tuple[Any, ...]) -> Any:
    """Integers and booleans never widen the floating type of the tensors; without one, a new fraction is float32."""
    if y.dtype.kind != "f":
        return y
    dtype = _floating([x for x in inputs if hasattr(x, "dtype")])
    return y.astype(np.float32 if dtype is None else dtype, copy=False)


def _floating(arrays: list[Any]) -> Any:
    """The floating dtype in which arrays meet; None where all are integers or booleans."""
    floats = [x.dtype for x in arrays if x.dtype.kind == "f"]
    return np.result_type(*floats) if floats else None

"""New tensors, made on the backend in use (`minigen.backend.use`)."""

from typing import Any

import numpy as np

from minigen.autograd import Tensor
from minigen.backend import array_module, current, to_device
from minigen.errors import SettingError
from minigen.ops.shapes import bare


def tensor(data: Any, *, dtype: Any = None, requires_grad: bool = False, name: str | None = None) -> Tensor:
    """A leaf tensor of numbers, nested lists or an array, copied.

    Python numbers become float32, as in PyTorch; arrays keep their dtype.  Integers stay integers unless a gradient is
    required or `dtype` says otherwise.  SettingError where data holds something else than numbers.
    """
    data = bare(data)
    given = hasattr(data, "dtype")
    array = to_device(data.copy()) if given else current().asarray(data)
    if dtype is not None:
        array = array.astype(dtype, copy=False)
    elif not given and (array.dtype == np.float64 or requires_grad and array.dtype.kind in "iu"):
        array = array.astype(np.float32)
    if array.dtype.kind not in "fiub":
        raise SettingError(
            f"tensor: {type(data).__name__} holds no numbers (dtype {array.dtype}); give numbers or an array."
        )
    return Tensor(array, requires_grad=requires_grad, name=name)


def zeros(*shape: Any, dtype: Any = np.float32, requires_grad: bool = False) -> Tensor:
    """A tensor of zeros: zeros(2, 3) or zeros((2, 3))."""
    return Tensor(current().zeros(as_shape(shape), dtype), requires_grad=requires_grad)


def ones(*shape: Any, dtype: Any = np.float32, requires_grad: bool = False) -> Tensor:
    """A tensor of ones: ones(2, 3) or ones((2, 3))."""
    return Tensor(current().ones(as_shape(shape), dtype), requires_grad=requires_grad)


def zeros_like(x: Any) -> Tensor:
    """Zeros in the shape, dtype and place of x; a leaf of its own."""
    array = bare(x)
    return Tensor(array_module(array).zeros_like(array))


def ones_like(x: Any) -> Tensor:
    """Ones in the shape, dtype and place of x; a leaf of its own."""
    array = bare(x)
    return Tensor(array_module(array).ones_like(array))


def as_shape(shape: tuple[Any, ...]) -> tuple[int, ...]:
    """The shape in zeros(2, 3) and in zeros((2, 3))."""
    return tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape

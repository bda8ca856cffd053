"""A loss written with tensors, asked for its value or its gradient: minigen's engine, or PyTorch's."""

from collections.abc import Callable
from typing import Any

import numpy as np

from minigen.autograd import Tensor, grad


def evaluate(f: Callable[..., Any], engine: str, inputs: tuple[Any, ...], dy: Any = None) -> Any:
    """f's value for dy = None; else the tuple of gradients of ⟨f, dy⟩ by the floating inputs, 0 where there is no path.

    TypeError where f returns no tensor.  PyTorch works in float64.
    """
    return (_torch if engine == "torch" else _minigen)(f, inputs, dy)


def _is_float(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype.kind == "f"


def _minigen(f: Callable[..., Any], inputs: tuple[Any, ...], dy: Any) -> Any:
    given = [Tensor(x, requires_grad=_is_float(x)) if isinstance(x, np.ndarray) else x for x in inputs]
    y = f(*given)
    if not isinstance(y, Tensor):
        raise TypeError(f"it must return a tensor of minigen's; it returned {type(y).__name__}")
    if dy is None:
        return y.data
    leaves = [x for x in given if isinstance(x, Tensor) and x.requires_grad]
    found = grad(y, leaves, np.asarray(dy), allow_unused=True)
    return tuple(np.zeros_like(x.data) if dx is None else dx.data for x, dx in zip(leaves, found, strict=True))


def _torch(f: Callable[..., Any], inputs: tuple[Any, ...], dy: Any) -> Any:
    import torch

    def tensor(x: np.ndarray) -> torch.Tensor:
        return torch.tensor(x.astype(np.float64) if _is_float(x) else x)  # its modules take one dtype, never two

    given = [tensor(x) if isinstance(x, np.ndarray) else x for x in inputs]
    leaves = [t.requires_grad_() for t, x in zip(given, inputs, strict=True) if _is_float(x)]
    y = f(*given)
    if not isinstance(y, torch.Tensor):
        raise TypeError(f"it must return a tensor of PyTorch's; it returned {type(y).__name__}")
    if dy is None:
        return y.detach().numpy()
    found = torch.autograd.grad(y, leaves, torch.tensor(np.array(dy), dtype=y.dtype), allow_unused=True)
    return tuple(np.zeros(t.shape) if dx is None else dx.numpy() for t, dx in zip(leaves, found, strict=True))

"""Operators and methods of tensors: `x + y` is add(x, y), `x.sum()` is sum(x).

This file only connects; it is imported once, by `minigen.ops`.
"""

from typing import Any

from minigen.autograd import Tensor
from minigen.autograd.tensor import OPERATOR_OF_UFUNC
from minigen.ops import activations, arithmetic, elementary, products, reductions, shapes

# The name of Python's operator, of NumPy's function behind `array + tensor`, and ours.
BINARY: list[tuple[str, str, Any]] = [
    ("add", "add", arithmetic.add),
    ("sub", "subtract", arithmetic.subtract),
    ("mul", "multiply", arithmetic.multiply),
    ("truediv", "divide", arithmetic.divide),
    ("pow", "power", arithmetic.power),
    ("matmul", "matmul", products.matmul),
    ("and", "bitwise_and", arithmetic.logical_and),
    ("or", "bitwise_or", arithmetic.logical_or),
]
COMPARISONS: list[tuple[str, str, Any]] = [  # Python reflects them itself
    ("eq", "equal", arithmetic.equal),
    ("ne", "not_equal", arithmetic.not_equal),
    ("lt", "less", arithmetic.less),
    ("le", "less_equal", arithmetic.less_equal),
    ("gt", "greater", arithmetic.greater),
    ("ge", "greater_equal", arithmetic.greater_equal),
]


def _binary(call: Any) -> Any:
    def forward(self: Tensor, other: Any) -> Any:
        return call(self, other)

    return forward


def _reflected(call: Any) -> Any:
    def backward(self: Tensor, other: Any) -> Any:
        return call(other, self)

    return backward


def _unary(function: Any) -> Any:
    def method(self: Tensor, *arguments: Any, **settings: Any) -> Any:
        return function(self, *arguments, **settings)

    method.__doc__ = function.__doc__
    return method


def _getitem(self: Tensor, index: Any) -> Tensor:
    return shapes.getitem(self, index=index)


def _iter(self: Any) -> Any:
    return (self[i] for i in range(len(self)))


def _reshape(self: Tensor, *shape: Any) -> Tensor:
    """The same entries in another shape: x.reshape(2, -1) or x.reshape((2, -1))."""
    return shapes.reshape(self, shape[0] if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape)


def _transpose(self: Tensor, *axes: Any) -> Tensor:
    """The axes in another order (default: reversed): x.transpose(1, 0) or x.transpose((1, 0))."""
    chosen = axes[0] if len(axes) == 1 and (axes[0] is None or isinstance(axes[0], tuple | list)) else axes
    return shapes.transpose(self, tuple(chosen) if chosen else None)


def _flatten(self: Tensor) -> Tensor:
    """All entries in one row."""
    return shapes.reshape(self, (-1,))


def _attach() -> None:
    for name, ufunc, function in BINARY + COMPARISONS:
        call = function.__call__  # the bound method: an instance's call takes a longer way
        setattr(Tensor, f"__{name}__", _binary(call))
        OPERATOR_OF_UFUNC[ufunc] = function
    for name, _, function in BINARY:
        setattr(Tensor, f"__r{name}__", _reflected(function.__call__))
    unary: dict[str, Any] = {
        "__neg__": arithmetic.negative,
        "__abs__": arithmetic.abs,
        "__invert__": arithmetic.logical_not,
    }
    families: list[tuple[Any, str]] = [
        (arithmetic, "clip abs log"),
        (elementary, "exp sqrt sin cos log1p expm1"),
        (activations, "tanh sigmoid relu softplus"),
        (reductions, "sum mean var std max min argmax norm logsumexp softmax"),
        (shapes, "squeeze astype take moveaxis"),
    ]
    for module, names in families:
        unary |= {name: getattr(module, name) for name in names.split()}
    for name, function in unary.items():
        setattr(Tensor, name, _unary(function))
    for name, method in {
        "__getitem__": _getitem,
        "__iter__": _iter,
        "reshape": _reshape,
        "transpose": _transpose,
        "flatten": _flatten,
    }.items():
        setattr(Tensor, name, method)
    Tensor.T = property(_transpose, doc="The axes reversed.")  # type: ignore[assignment]


_attach()

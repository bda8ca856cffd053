"""A tensor: an array that remembers the operation that made it.

Operators and methods (`x + y`, `x.sum()`) are attached by `minigen.ops`, which stands above this file.
"""

import copy
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minigen import backend
from minigen.errors import GraphError, ShapeError

if TYPE_CHECKING:
    from minigen.autograd.node import Node


class Tensor:
    """An array (`data`), the node of the graph that made it (`node`; None for a leaf), and perhaps a gradient.

    Most tensors come from `minigen.tensor` or from an operation.  `requires_grad=True` marks a leaf whose gradient
    `backward` stores in `grad`.  `version` counts the changes of `data`: a loss computed before a change refuses to
    be differentiated after it.
    """

    # Defaults stand on the class, so that an operation's result sets only what differs: this is the hot path.
    node: "Node | None" = None
    grad: "Tensor | None" = None
    requires_grad: bool = False
    version: int = 0
    name: str | None = None
    _data: Any

    def __init__(self, data: Any, *, requires_grad: bool = False, name: str | None = None):
        if isinstance(data, Tensor):
            data = data._data
        elif not hasattr(data, "dtype") or isinstance(data, np.generic):
            data = np.asarray(data)
        if requires_grad and data.dtype.kind != "f":
            raise GraphError(f"a tensor of {data.dtype} cannot require a gradient; make it floating point first.")
        self._data = data
        if requires_grad:
            self.requires_grad = True
        if name is not None:
            self.name = name

    @property
    def data(self) -> Any:
        """The bare array.  Assigning replaces it and counts as a change: older losses then refuse a derivative."""
        return self._data

    @data.setter
    def data(self, value: Any) -> None:
        self._data = value
        self.version += 1

    # What every array tells of itself --------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        return self._data.shape

    @property
    def ndim(self) -> int:
        return self._data.ndim

    @property
    def size(self) -> int:
        return self._data.size

    @property
    def dtype(self) -> np.dtype:
        return self._data.dtype

    @property
    def is_leaf(self) -> bool:
        """True where no operation made this tensor: parameters, inputs."""
        return self.node is None

    def __len__(self) -> int:
        return len(self._data)

    def __bool__(self) -> bool:
        return bool(self._only("bool()"))

    def __float__(self) -> float:
        return float(self._only("float()"))

    def __int__(self) -> int:
        return int(self._only("int()"))

    def _only(self, asker: str) -> Any:
        if self._data.size != 1:
            raise ShapeError(f"{asker}: a tensor of shape {self.shape} is not one number; reduce or index it first.")
        return self._data.item()

    def __format__(self, form: str) -> str:
        """f"{loss:.3f}" formats the one number that loss holds."""
        return format(self._only("format()"), form) if form else repr(self)

    __hash__ = object.__hash__  # == compares entries, so identity must hash explicitly

    def __repr__(self) -> str:
        entries = np.array2string(backend.to_host(self._data), separator=", ", prefix="tensor(")
        notes = "" if self.dtype in (np.float32, np.bool_, np.int64) else f", dtype={self.dtype}"
        if self.size == 0 or self.size > np.get_printoptions()["threshold"]:
            notes += f", shape={self.shape}"
        if backend.array_module(self._data) is not np:
            notes += f", backend={backend.array_module(self._data).__name__}"
        if self.name is not None:
            notes += f", name={self.name!r}"
        if self.node is not None:
            notes += f", from {self.node.op.name}"
        elif self.requires_grad:
            notes += ", requires_grad=True"
        return f"tensor({entries}{notes})"

    # Leaving the graph ------------------------------------------------------------------------------------------------

    def detach(self) -> "Tensor":
        """The same numbers without their history: a constant to whatever uses it."""
        return Tensor(self._data)

    def numpy(self) -> np.ndarray:
        """The entries as a NumPy array on the host: the tensor's own array where it lives there, not a copy."""
        return backend.to_host(self._data)

    def item(self) -> float:
        """The entry of a tensor of size one as a Python number."""
        return self._only("item()")

    def tolist(self) -> Any:
        """The entries as nested Python lists."""
        return self._data.tolist()

    def __deepcopy__(self, memo: dict[int, Any]) -> "Tensor":
        """A leaf with numbers of its own; GraphError for a result, whose history cannot be had twice."""
        if self.node is not None:
            raise GraphError("a result cannot be copied with its history; copy x.detach().")
        twin = type(self).__new__(type(self))
        memo[id(self)] = twin
        twin.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return twin

    # Differentiating --------------------------------------------------------------------------------------------------

    def backward(self, dy: Any = None, *, retain_graph: bool = False, create_graph: bool = False) -> None:
        """Add ∂self/∂leaf to `grad` of every leaf that requires it; `dy` weighs the entries of self."""
        from minigen.autograd.gradients import backward  # its neighbour, which needs this class first

        backward(self, dy, retain_graph=retain_graph, create_graph=create_graph)

    # Meeting NumPy: array + tensor is a tensor; np.tanh(tensor) is refused where it would lose the gradient -----------

    __array_priority__ = 1000

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **settings: Any) -> Any:
        operator = OPERATOR_OF_UFUNC.get(ufunc.__name__)
        if method == "__call__" and operator is not None and not settings:
            return operator(*inputs)
        _refuse(ufunc.__name__, (inputs, settings))
        return getattr(ufunc, method)(*_stripped(inputs), **_stripped(settings))

    def __array_function__(self, function: Any, types: Any, inputs: Any, settings: Any) -> Any:
        if function not in (np.shape, np.ndim, np.size):
            _refuse(function.__name__, (inputs, settings))
        return function(*_stripped(inputs), **_stripped(settings))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        _refuse("asarray", self)
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def __setitem__(self, index: Any, value: Any) -> None:
        raise TypeError(
            "a tensor's entries cannot be assigned, since the graph may need them; build a new tensor with "
            "minigen.where or minigen.concatenate, or assign to x.data before it is used."
        )

    if TYPE_CHECKING:  # attached by minigen.ops.methods

        def __getattr__(self, name: str) -> Any: ...

        T: "Tensor"

        def __add__(self, other: Any) -> "Tensor": ...
        def __radd__(self, other: Any) -> "Tensor": ...
        def __sub__(self, other: Any) -> "Tensor": ...
        def __rsub__(self, other: Any) -> "Tensor": ...
        def __mul__(self, other: Any) -> "Tensor": ...
        def __rmul__(self, other: Any) -> "Tensor": ...
        def __truediv__(self, other: Any) -> "Tensor": ...
        def __rtruediv__(self, other: Any) -> "Tensor": ...
        def __pow__(self, other: Any) -> "Tensor": ...
        def __rpow__(self, other: Any) -> "Tensor": ...
        def __matmul__(self, other: Any) -> "Tensor": ...
        def __rmatmul__(self, other: Any) -> "Tensor": ...
        def __and__(self, other: Any) -> "Tensor": ...
        def __rand__(self, other: Any) -> "Tensor": ...
        def __or__(self, other: Any) -> "Tensor": ...
        def __ror__(self, other: Any) -> "Tensor": ...
        def __gt__(self, other: Any) -> "Tensor": ...
        def __ge__(self, other: Any) -> "Tensor": ...
        def __lt__(self, other: Any) -> "Tensor": ...
        def __le__(self, other: Any) -> "Tensor": ...
        def __eq__(self, other: Any) -> "Tensor": ...  # type: ignore[override]
        def __ne__(self, other: Any) -> "Tensor": ...  # type: ignore[override]
        def __neg__(self) -> "Tensor": ...
        def __abs__(self) -> "Tensor": ...
        def __invert__(self) -> "Tensor": ...
        def __getitem__(self, index: Any) -> "Tensor": ...
        def __iter__(self) -> Iterator["Tensor"]: ...


OPERATOR_OF_UFUNC: dict[str, Callable[..., Any]] = {}  # filled by minigen.ops.methods: "multiply" → minigen.multiply
NAME_OF_NUMPY = {"absolute": "abs", "amax": "max", "amin": "min", "dot": "matmul", "square": "power"}
NAME_OF_NUMPY |= {name: name for name in "einsum matmul split take ones_like zeros_like".split()}  # no entry in OPS


def _refuse(function: str, inputs: Any) -> None:
    """TypeError where a function of NumPy would be applied to a tensor that requires a gradient."""
    if isinstance(inputs, Tensor):
        if inputs.requires_grad:
            from minigen.autograd.op import FUSED, OPS  # its neighbour, which needs this class first

            name = NAME_OF_NUMPY.get(function, function if function in OPS or function in FUSED else None)
            ours = f"use minigen.{name}, or" if name else "use"
            raise TypeError(
                f"np.{function} would lose the gradient of this tensor; {ours} x.numpy() if the bare entries are meant."
            )
    elif isinstance(inputs, dict):
        _refuse(function, list(inputs.values()))
    elif isinstance(inputs, list | tuple):
        for x in inputs:
            _refuse(function, x)


def _stripped(inputs: Any) -> Any:
    """The same arguments with bare arrays in place of tensors, inside lists, tuples and dictionaries too."""
    if isinstance(inputs, Tensor):
        return inputs._data
    if isinstance(inputs, dict):
        return {name: _stripped(x) for name, x in inputs.items()}
    return type(inputs)(map(_stripped, inputs)) if type(inputs) in (list, tuple) else inputs


class Parameter(Tensor):
    """A leaf that training changes.  It is made on the backend in use and requires a gradient.

    Python numbers become float32; arrays keep their dtype and are not copied.
    """

    def __init__(self, data: Any, *, name: str | None = None):
        if not hasattr(data, "dtype"):
            data = np.asarray(data, np.float32)
        super().__init__(
            backend.to_device(data.data if isinstance(data, Tensor) else data), requires_grad=True, name=name
        )

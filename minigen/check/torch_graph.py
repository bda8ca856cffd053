"""The graph of PyTorch's autograd as what grad_check differentiates: tensors inside, float64 arrays of NumPy outside.

PyTorch is never imported here: whoever brings a tensor or a module of it has done so.
"""

import contextlib
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from minigen.check.hints import hint
from minigen.check.problem import Variable
from minigen.check.verdict import Finding, Found
from minigen.errors import SettingError

# What PyTorch says where it gives no gradient, and the row of the table of hints that answers it
REFUSALS = {
    "used in an in-place operation": "in place",
    "modified by an inplace operation": "in place",
    "returned an invalid gradient": "shape",
    "returned an incorrect number of gradients": "",
    "is not implemented": "",
}
MIXED = re.compile(r"same d(ata)?type|dtype|scalar type|type \(double\)")


class Result(NamedTuple):
    """What f returned: the tensor, and its numbers on the host (the same memory, where that is possible)."""

    tensor: Any
    data: np.ndarray


class TorchGraph:
    """A function of PyTorch's tensors, differentiated by its autograd; from outside it is all NumPy, in float64."""

    single = False  # PyTorch sees to its gradients' dtypes itself

    def __init__(self, function: Callable[[list[Any]], Any], variables: list[Variable], device: Any, order: int = 1):
        self.function = function
        self.variables = variables
        self.device = device
        self.order = order  # of the derivative that a gradient of this is
        self.evaluations = 0
        self.by_hand = False  # is a torch.autograd.Function of the user's on the way?  Known after one evaluation.

    def run(self, arrays: list[np.ndarray]) -> tuple[Result, list[Any]]:
        """The result, and the leaves below it; on the CPU they share the arrays' memory, so that a change shows."""
        torch: Any = sys.modules["torch"]
        leaves = []
        for variable, array in zip(self.variables, arrays, strict=True):
            leaf: Any = variable.parameter
            if leaf is None:
                leaf = as_tensor(array, self.device).requires_grad_()
            else:
                leaf.data = as_tensor(array, self.device)
            leaves.append(leaf)
        with torch.enable_grad(), _translated():
            y = self.function(leaves)
        if not isinstance(y, torch.Tensor):
            raise SettingError(
                f"grad_check: f must return one tensor; it returned {type(y).__name__}. Pick one with a function: "
                "grad_check(lambda x: f(x)[0], [x], params=f)."
            )
        if not self.evaluations:
            self._look_through(y)
        self.evaluations += 1
        return Result(y, as_array(y)), leaves

    def _look_through(self, y: Any) -> None:
        """The graph below y knows what was computed in another floating dtype (raises Found), and what by hand."""
        torch: Any = sys.modules["torch"]
        seen, queue = set(), [y.grad_fn]
        while queue:
            node = queue.pop()
            if node is None or node in seen:
                continue
            seen.add(node)
            queue += [below for below, _ in node.next_functions]
            self.by_hand = self.by_hand or isinstance(node, torch.autograd.function.BackwardCFunction)
            for entry in getattr(node, "_input_metadata", ()):  # of the gradient that comes in: of the node's result
                if entry.dtype.is_floating_point and entry.dtype.itemsize < 8:
                    raise _dropped(entry.dtype)

    def value(self, arrays: list[np.ndarray]) -> np.ndarray:
        """The bare result."""
        return self.run(arrays)[0].data

    def gradient(self, arrays: list[np.ndarray], dy: np.ndarray) -> list[np.ndarray]:
        """dL/dvariable for every variable; zeros where there is no path."""
        y, leaves = self.run(arrays)
        return self.walk(y, leaves, dy)

    def walk(self, y: Result, leaves: list[Any], dy: np.ndarray, create_graph: bool = False) -> list[np.ndarray]:
        """One walk over a graph that is kept."""
        found = _grad(y.tensor, leaves, as_tensor(dy, y.tensor.device), create_graph=create_graph, retain_graph=True)
        return [np.zeros(x.shape) if dx is None else as_array(dx) for x, dx in zip(leaves, found, strict=True)]

    def derivative(self, dy: np.ndarray) -> "TorchGraph":
        """The gradients of this, side by side in one row, as a function of the variables and of dy."""

        def function(leaves: list[Any]) -> Any:
            *own, weights = leaves
            y = self.function(own)
            found = _grad(y, own, weights, create_graph=True)
            rows = [dx.to_dense().reshape(-1) for dx in found if dx is not None]
            return sys.modules["torch"].cat(rows) if rows else y.new_zeros(1)

        name = "dy" if self.order == 1 else f"dy of order {self.order}"
        return TorchGraph(function, [*self.variables, Variable(name, dy)], self.device, self.order + 1)


# Between NumPy and PyTorch --------------------------------------------------------------------------------------------


def as_tensor(array: np.ndarray, device: Any) -> Any:
    """The array as a tensor of the same memory, lying as it lies; strides below 0, which PyTorch lacks, are copied."""
    torch: Any = sys.modules["torch"]
    if not array.flags.writeable or 0 in array.strides:  # one value throughout: so it stays
        one = array[tuple(slice(0, 1) if stride == 0 else slice(None) for stride in array.strides)]
        return torch.from_numpy(np.array(one)).to(device).expand(array.shape)
    return torch.from_numpy(array.copy() if any(stride < 0 for stride in array.strides) else array).to(device)


def as_array(tensor: Any) -> np.ndarray:
    """The tensor's entries on the host; PyTorch's own memory where it lies there."""
    tensor = tensor.detach().to_dense()
    if tensor.is_floating_point() and tensor.dtype.itemsize < 4:
        raise _dropped(tensor.dtype)
    return tensor.numpy(force=True)


def wide(tensor: Any) -> Any:
    """A copy, in float64 if it is floating."""
    return (tensor.double() if tensor.is_floating_point() else tensor).detach().clone()


# What autograd answers ------------------------------------------------------------------------------------------------


def _grad(y: Any, leaves: list[Any], dy: Any, **settings: Any) -> list[Any]:
    """dL/dleaf for every leaf; None where there is no path."""
    if not y.requires_grad:
        return [None] * len(leaves)
    with _translated():
        return list(sys.modules["torch"].autograd.grad(y, leaves, dy, allow_unused=True, **settings))


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """PyTorch's refusals become findings, its trouble with dtypes a sentence that helps; the rest passes through."""
    try:
        yield
    except (RuntimeError, ValueError) as error:
        text = str(error).partition("\n")[0].partition(" Hint:")[0]
        for said, key in REFUSALS.items():
            if said in text:
                found = Finding(f"PyTorch refuses: {text}", "broken", hint=hint(key) if key else None)
                raise Found(found) from error
        if MIXED.search(text):
            raise SettingError(
                f"grad_check: f does not run in float64: {text}. Pass the module it uses as params=, and let what it "
                "creates take the dtype of its inputs."
            ) from error
        raise


def _dropped(dtype: Any) -> Found:
    name = str(dtype).removeprefix("torch.")
    text = f"f drops to {name} inside; the check cannot see below 1e-{7 if dtype.itemsize == 4 else 3}"
    return Found(Finding(text, "broken", hint=hint("float32")))

"""What is differentiated: a function of tensors, or a function of arrays and a backward written by hand."""

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from minigen.autograd import Tensor, grad
from minigen.backend import Array, array_module
from minigen.check.given import is_float, is_numbers
from minigen.check.verdict import Finding, Found
from minigen.errors import SettingError
from minigen.ops import concatenate, reshape


@dataclass
class Variable:
    """One array that is differentiated by."""

    name: str
    array: Array  # float64, owned by the check
    parameter: Tensor | None = None  # the leaf whose data it replaces, if it is no input


class Graph:
    """A function of tensors, differentiated by the engine; `function` gets the leaves and returns one tensor."""

    single = True  # its gradients are looked at in float32 too

    def __init__(self, function: Callable[[list[Tensor]], Any], variables: list[Variable], order: int = 1):
        self.function = function
        self.variables = variables
        self.order = order  # of the derivative that a gradient of this is
        self.evaluations = 0

    def leaves(self, arrays: list[Array]) -> list[Tensor]:
        """The arrays as leaves of a new graph; parameters take theirs in."""
        leaves = []
        for variable, array in zip(self.variables, arrays, strict=True):
            leaf = variable.parameter
            if leaf is None:
                leaf = Tensor(array, requires_grad=True, name=variable.name)
            else:
                leaf.data = array
            leaves.append(leaf)
        return leaves

    def run(self, arrays: list[Array]) -> tuple[Tensor, list[Tensor]]:
        """The result as a tensor, and the leaves below it."""
        self.evaluations += 1
        leaves = self.leaves(arrays)
        y = self.function(leaves)
        if not isinstance(y, Tensor):
            raise SettingError(
                f"grad_check: f must return one tensor; it returned {type(y).__name__}. Without a graph pass backward=."
            )
        return y, leaves

    def value(self, arrays: list[Array]) -> Array:
        """The bare result."""
        return self.run(arrays)[0].data

    def gradient(self, arrays: list[Array], dy: Array) -> list[Array]:
        """dL/dvariable for every variable by the plain walk; zeros where there is no path."""
        y, leaves = self.run(arrays)
        return self.walk(y, leaves, dy)

    def walk(self, y: Tensor, leaves: list[Tensor], dy: Array, create_graph: bool = False) -> list[Array]:
        """One walk over a graph that is kept, on arrays or (`create_graph`) on tensors."""
        found = grad(y, leaves, dy, create_graph=create_graph, retain_graph=True, allow_unused=True)
        return [
            array_module(x.data).zeros_like(x.data) if dx is None else dx.data
            for x, dx in zip(leaves, found, strict=True)
        ]

    def derivative(self, dy: Array) -> "Graph":
        """The gradients of this, side by side in one row, as a function of the variables and of dy."""

        def function(leaves: list[Tensor]) -> Tensor:
            *own, weights = leaves
            y = self.function(own)
            found = grad(y, own, weights, create_graph=True, allow_unused=True)
            rows = [reshape(dx, (-1,)) for dx in found if dx is not None]
            if not rows:
                return Tensor(array_module(y.data).zeros(1))
            return concatenate(*rows) if len(rows) > 1 else rows[0]

        name = "dy" if self.order == 1 else f"dy of order {self.order}"
        return Graph(function, [*self.variables, Variable(name, dy)], self.order + 1)


class Rule:
    """A function of bare arrays and the backward(dy, y, *inputs) somebody wrote for it."""

    def __init__(
        self,
        f: Callable[..., Any],
        backward: Callable[..., Any],
        variables: list[Variable],
        arguments: Callable[[list[Array]], list[Any]],
        free: list[bool],
    ):
        self.f = f
        self.backward = backward
        self.variables = variables
        self.arguments = arguments  # (arrays) → every argument of f, fixed ones included
        self.free = free  # for each argument: is it a variable?
        self.single = False  # was one of them given in float32?
        self.order = 1
        self.evaluations = 0

    def value(self, arrays: list[Array]) -> Array:
        """f's result as an array."""
        self.evaluations += 1
        y = self.f(*self.arguments(arrays))
        if not is_numbers(y):
            raise Found(Finding(f"f must return one array or number; it returned {_what(y)}", "broken"))
        return array_module(y).asarray(y)

    def gradient(self, arrays: list[Array], dy: Array) -> list[Any]:
        """What the backward returns, one entry a variable, untouched."""
        found = self.sorted_out(self.backward(dy, self.value(arrays), *self.arguments(arrays)))
        return [_as_array(dx, x) for dx, x in zip(found, arrays, strict=True)]

    def sorted_out(self, found: Any) -> list[Any]:
        """What a backward returned as a list with one gradient for each variable."""
        listed = isinstance(found, list)
        if isinstance(found, dict):
            names = ", ".join(variable.name for variable in self.variables)
            raise Found(Finding(f"the backward returns a dict; a tuple ({names}) is expected", "broken"))
        if not isinstance(found, tuple | list):
            found = (found,)
        if len(found) == len(self.free) != len(self.variables):  # one for the fixed inputs too: leave those out
            found = [dx for dx, free in zip(found, self.free, strict=True) if free]
        if len(found) != len(self.variables):
            names = ", ".join(variable.name for variable in self.variables)
            told = f"{_count(len(found), 'gradient')} for {_count(len(self.variables), 'input')} ({names})"
            if len(found) == 1 and found[0] is None:
                told = "None: is a return missing?"
            told += "; a list is read as one gradient for each input" if listed and len(self.variables) == 1 else ""
            raise Found(Finding(f"the backward returns {told}", "broken"))
        return list(found)

    def calls_f_nearby(self, arrays: list[Array], dy: Array) -> bool:
        """Does the backward call f at a point right beside its input?  Finite differences do; a rule has no reason."""
        if hasattr(self.backward, "called_nearby"):  # it runs in another process, which watches it there
            return bool(self.backward.called_nearby(dy, self.value(arrays), *self.arguments(arrays)))
        f = inspect.unwrap(self.f)
        f = f if hasattr(f, "__code__") else f.__call__
        code, inputs = getattr(f, "__code__", None), self.arguments(arrays)
        seen: list[bool] = []

        def look(frame: Any, event: str, _: Any) -> None:
            if event == "call" and frame.f_code is code:  # each argument beside the input in its own place
                names = code.co_varnames[
                    inspect.ismethod(f) : code.co_argcount + bool(code.co_flags & inspect.CO_VARARGS)
                ]
                found = [frame.f_locals.get(name) for name in names]
                found = [x for one in found for x in (one if isinstance(one, tuple) else (one,))]
                seen.extend(_beside(value, x) for value, x in zip(found, inputs, strict=False) if is_float(x))

        y = self.value(arrays)
        before = sys.getprofile()
        sys.setprofile(look)
        try:
            self.backward(dy, y, *self.arguments(arrays))
        finally:
            sys.setprofile(before)
        return any(seen)


def _as_array(dx: Any, x: Array) -> Any:
    """A gradient of its own: a copy, for the backward may use its array again; a number for a number as an array."""
    if isinstance(dx, int | float) and x.ndim == 0:
        return array_module(x).asarray(float(dx), x.dtype)
    return dx.copy() if hasattr(dx, "dtype") and hasattr(dx, "copy") else dx


def _what(y: Any) -> str:
    """What came in place of an array, and what it may be about."""
    if y is None:
        return "None: is a return missing?"
    if isinstance(y, tuple) and len(y) == 2:
        return 'a tuple of 2: for (y, cache) the check takes style="cache", for (loss, gradient) style="loss"'
    return f"a tuple of {len(y)}" if isinstance(y, tuple) else type(y).__name__


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def _beside(value: Any, x: Array) -> bool:
    """Is `value` the array x with entries moved by a hair?"""
    if not is_float(value) or value.shape != x.shape or not x.size:
        return False
    moved = float(abs(value - x).max())
    return 0 < moved <= 1e-2 * (float(abs(x).max()) or 1.0)

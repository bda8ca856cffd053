"""An operation and its derivative: what `@op` and `@fused` make of a function.

An `Op` is a forward on bare arrays and one rule per input.  A `Fused` is a formula over tensors for which a backend may
register a kernel.  Calling either on tensors leaves a `Node` in the graph; `gradients.py` walks the nodes.
"""

import contextlib
import inspect
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from minigen import backend
from minigen.autograd.tensor import Tensor, state, switch
from minigen.errors import AnomalyError, GraphError, MinigenError, ShapeError

OPS: dict[str, "Op"] = {}
FUSED: dict[str, "Fused"] = {}

_clock = itertools.count()


class Node:
    """One application of an operation: what its rules will want to know.

    It holds y as a bare array, never the tensor, so a graph has no cycles: dropping the loss frees everything.
    """

    __slots__ = ("op", "inputs", "settings", "y", "saved", "versions", "order", "site")

    def __init__(self, op: "Op | Fused", inputs: tuple[Any, ...], settings: dict[str, Any], y: Any, saved: Any = None):
        self.op = op
        self.inputs = inputs
        self.settings = settings
        self.y = y
        self.saved = saved  # what a kernel keeps for its derivative
        self.versions = tuple(x.version for x in inputs if isinstance(x, Tensor) and x.node is None)
        self.order = next(_clock)  # made later = nearer to the loss
        self.site = _user_line() if state.anomaly else ""

    @property
    def released(self) -> bool:
        return self.y is None

    def release(self) -> None:
        """Let go of everything; the tensors below are freed as soon as nobody else holds them."""
        self.inputs, self.y, self.saved = (), None, None

    def check_versions(self) -> None:
        """GraphError naming the leaf that was changed since this node used it."""
        leaves = [x for x in self.inputs if isinstance(x, Tensor) and x.node is None]
        for leaf, version in zip(leaves, self.versions, strict=True):
            if leaf.version != version:
                raise GraphError(
                    f"{leaf.name or 'a leaf tensor'} changed after this loss was computed; compute the loss again."
                )


class _Operation:
    """What Op and Fused share: the names of inputs and settings, and the leaving of a node."""

    def __init__(self, function: Callable[..., Any]):
        self.name = function.__name__.rstrip("_")
        self.function = function
        self.__name__ = function.__name__
        self.__doc__ = function.__doc__
        self.__module__ = function.__module__
        self.__wrapped__ = function  # lets inspect and help() show the signature
        parameters = inspect.signature(function).parameters.values()
        self.inputs = tuple(p.name for p in parameters if p.kind == p.POSITIONAL_OR_KEYWORD)
        self.variadic = next((p.name for p in parameters if p.kind == p.VAR_POSITIONAL), None)
        self.settings = tuple(p.name for p in parameters if p.kind == p.KEYWORD_ONLY)
        self.defaults = {p.name: p.default for p in parameters if p.kind == p.KEYWORD_ONLY and p.default is not p.empty}
        self.kernels: dict[str, Any] = {}  # backend's name → what stands in for this text there

    def __repr__(self) -> str:
        return f"<minigen.{self.name}>"

    def input_name(self, i: int) -> str:
        """The name of the i-th input, as rules and messages call it."""
        return self.inputs[i] if i < len(self.inputs) else str(self.variadic)

    def _sort(self, inputs: tuple[Any, ...], settings: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Arrays apart from settings, defaults filled in: `sum(x, 0)` and `sum(x, axis=0)` are one call."""
        count = len(self.inputs)
        if len(inputs) != count and self.variadic is None:
            extra = inputs[count:]
            if len(inputs) < count or len(extra) > len(self.settings):
                takes = ", ".join((*self.inputs, *self.settings))
                raise TypeError(f"{self.name} takes ({takes}); {len(inputs)} positional arguments were given.")
            settings = {**dict(zip(self.settings, extra, strict=False)), **settings}
            inputs = inputs[:count]
        if self.settings:
            settings = {**self.defaults, **settings}
            if len(settings) != len(self.settings):
                wrong = set(settings) ^ set(self.settings)
                raise TypeError(
                    f"{self.name} has the settings {', '.join(self.settings)}; look at {', '.join(sorted(wrong))}."
                )
        elif settings:
            raise TypeError(f"{self.name} has no settings; {', '.join(settings)} was given.")
        return inputs, settings

    def _bare(self, inputs: tuple[Any, ...]) -> tuple[list[Any], Tensor]:
        """The inputs as bare arrays, and the first tensor among them; NumPy scalars and lists become weak numbers."""
        arrays, first = [], None
        for x in inputs:
            if isinstance(x, Tensor):
                arrays.append(x._data)
                if first is None:
                    first = x
            else:
                arrays.append(x)
        assert first is not None
        for i, x in enumerate(arrays):
            if isinstance(x, np.generic):
                arrays[i] = x.item()  # weak: one stray np.float64 would make a whole network double
            elif isinstance(x, list | tuple):
                array = backend.array_module(first._data).asarray(x)
                floats = array.dtype.kind == "f" and first.dtype.kind == "f"
                arrays[i] = array.astype(first.dtype) if floats else array
        return arrays, first

    def _misfit(self, arrays: Any, error: Exception) -> ShapeError:
        """One sentence with the operation's name and the shapes it was given, for NumPy's nameless complaint."""
        shapes = " and ".join(str(tuple(x.shape)) for x in arrays if hasattr(x, "shape"))
        return ShapeError(f"{self.name}: shapes {shapes} do not fit: {error}.")


class Op(_Operation):
    """A primitive: a forward on bare arrays, and a rule for each differentiable input, given with `.vjp`."""

    casts = False  # True where the result's dtype is a setting and not the inputs'

    def __init__(self, function: Callable[..., Any]):
        super().__init__(function)
        self.rules: dict[str, Callable[..., Any] | None] = {}

    def vjp(self, **rules: Callable[..., Any] | None) -> None:
        """Give the rules: input=lambda dy, y, *inputs, **settings: dL/dinput.  None: the input has no derivative.

        A rule is written with operators and operations only, so that it works on arrays and on tensors alike.  It need
        not undo broadcasting nor mind dtypes: the engine does both.  For `*arrays` the rule gets the place i after y.
        """
        for name in rules:
            if name not in self.inputs and name != self.variadic:
                raise TypeError(f"{self.name} has no input {name}.")
        self.rules.update(rules)

    def rule(self, i: int) -> Callable[..., Any] | None:
        """The rule for the i-th input; None where it has no derivative."""
        name = self.input_name(i)
        if name not in self.rules:
            raise GraphError(f"{self.name} has no derivative with respect to {name}; detach it first.")
        return self.rules[name]

    def __call__(self, *inputs: Any, **settings: Any) -> Any:
        if settings or self.settings or len(inputs) != len(self.inputs):
            inputs, settings = self._sort(inputs, settings)
        for x in inputs:
            if isinstance(x, Tensor):
                break
        else:  # no tensor: simply compute
            try:
                return self._forward(inputs)(*inputs, **settings)
            except (ValueError, IndexError) as error:
                if isinstance(error, MinigenError):
                    raise
                raise self._misfit(inputs, error) from error
        arrays, first = self._bare(inputs)
        try:
            y = self._forward(arrays)(*arrays, **settings)
        except (ValueError, IndexError) as error:
            if isinstance(error, MinigenError):
                raise
            raise self._misfit(arrays, error) from error
        if isinstance(y, np.generic):
            y = np.asarray(y)
        if y.dtype is not first._data.dtype and not self.casts:
            y = _settle(y, arrays)
        if state.anomaly:
            _look(self.name, y, arrays)
        result = Tensor.__new__(Tensor)
        result._data = y
        if state.recording:
            for i, x in enumerate(inputs):
                if isinstance(x, Tensor) and x.requires_grad and self.rule(i) is not None:
                    result.node = Node(self, inputs, settings, y)
                    result.requires_grad = True
                    break
        return result

    def _forward(self, arrays: Any) -> Callable[..., Any]:
        """The forward, or the kernel that stands in for it where these arrays live."""
        if self.kernels and state.kernels:
            return self.kernels.get(backend.array_module(*arrays).__name__, self.function)
        return self.function

    def pull_back(self, dy: Any, y: Any, node: Node, inputs: tuple[Any, ...], wanted: list[int]) -> list[Any]:
        """dL/dinput for each wanted input: on arrays the plain walk, on tensors one that is itself recorded."""
        if self.variadic is None:
            return [self.rule(i)(dy, y, *inputs, **node.settings) for i in wanted]  # type: ignore[misc]
        return [self.rule(i)(dy, y, i, *inputs, **node.settings) for i in wanted]  # type: ignore[misc]


class Fused(_Operation):
    """A formula over tensors, recorded operation by operation, unless a kernel stands in for it as a whole.

    With `create_graph=True` the engine differentiates the formula, so a kernel never needs a second derivative.
    """

    def __call__(self, *inputs: Any, **settings: Any) -> Any:
        inputs, settings = self._sort(inputs, settings)
        if not (self.kernels and state.kernels):
            return self.function(*inputs, **settings)
        tensors = any(isinstance(x, Tensor) for x in inputs)
        arrays = self._bare(inputs)[0] if tensors else list(inputs)
        stand_in = self.kernels.get(backend.array_module(*arrays).__name__)
        if stand_in is None:
            return self.function(*inputs, **settings)
        y, saved = stand_in.value(*arrays, **settings)
        if not tensors:
            return y
        if state.anomaly:
            _look(self.name, y, arrays)
        result = Tensor.__new__(Tensor)
        result._data = y
        if state.recording and any(isinstance(x, Tensor) and x.requires_grad for x in inputs):
            result.node = Node(self, inputs, settings, y, saved=(stand_in, saved))
            result.requires_grad = True
        return result

    def rule(self, i: int) -> Callable[..., Any] | None:
        """A formula can be differentiated by every input; what does not flow comes out as zero."""
        return self.function

    def pull_back(self, dy: Any, y: Any, node: Node, inputs: tuple[Any, ...], wanted: list[int]) -> list[Any]:
        """The kernel's derivative on arrays; on tensors the formula is replayed and differentiated in its place."""
        if not isinstance(dy, Tensor):
            stand_in, saved = node.saved
            return stand_in.vjp(dy, y, saved, wanted, *inputs, **node.settings)
        from minigen.autograd.gradients import grad  # its neighbour, which needs this class first

        # Aliases, because one input may be made from another: each must be a place of its own to stop at.
        own = tuple(alias(x) if isinstance(x, Tensor) and x.requires_grad else x for x in inputs)
        with kernels_off(self):
            y = self.function(*own, **node.settings)
        return list(grad(y, [own[i] for i in wanted], dy, create_graph=True, allow_unused=True))


def op(function: Callable[..., Any]) -> Op:
    """Make an operation of a forward on bare arrays: inputs positional, settings keyword-only.  Next, its `.vjp`."""
    OPS[function.__name__] = made = Op(function)
    return made


def fused(function: Callable[..., Any]) -> Fused:
    """Make a fused operation of a formula over tensors: positional inputs, keyword-only settings."""
    FUSED[function.__name__] = made = Fused(function)
    return made


def kernel(of: Op | Fused, *, backend: str) -> Callable[[Any], Any]:
    """Register what stands in for `of` on one backend.

    For an Op: a function with the forward's signature.  For a Fused: a class with `value(*arrays, **settings)` →
    (y, saved) and `vjp(dy, y, saved, wanted, *arrays, **settings)` → one gradient for each place in `wanted`.
    """

    def register(stand_in: Any) -> Any:
        of.kernels[backend] = stand_in
        return stand_in

    return register


def kernels_off(*_: Any) -> contextlib.AbstractContextManager[None]:
    """Inside `with kernels_off():` every formula computes itself."""
    return switch("kernels", False)


def _settle(y: Any, arrays: list[Any]) -> Any:
    """Integers and booleans are weak: they never widen the floating type of the other inputs."""
    floats = [x.dtype for x in arrays if hasattr(x, "dtype") and x.dtype.kind == "f"]
    if y.dtype.kind != "f" or not floats:
        return y
    return y.astype(np.result_type(*floats), copy=False)


def _look(name: str, y: Any, arrays: list[Any]) -> None:
    """AnomalyError where y has a NaN or an infinity although every input was finite."""
    module = backend.array_module(y)
    if y.dtype.kind != "f" or bool(module.isfinite(y).all()):
        return
    if all(bool(module.isfinite(x).all()) for x in arrays if hasattr(x, "dtype") and x.dtype.kind == "f"):
        kind = "NaN" if bool(module.isnan(y).any()) else "infinity"
        raise AnomalyError(f"{name} made the first {kind}, forward, {_user_line()}. {_advice(name)}".rstrip())


def _advice(name: str) -> str:
    if name in ("sqrt", "log", "divide", "power"):
        return (
            "Keep its input away from the edge: where(x > 0, x, 1) inside it and again around it, "
            "because where() alone does not keep an infinite slope out."
        )
    return ""


def _user_line() -> str:
    """The innermost line outside minigen, as "at file:line"."""
    frame = inspect.currentframe()
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.partition(".")[0] not in ("minigen", "contextlib"):
            return f"at {frame.f_code.co_filename}:{frame.f_lineno}"
        frame = frame.f_back
    return "inside minigen"


@op
def alias(x):
    """y = x, as a place of its own in the graph."""
    return x


alias.vjp(x=lambda dy, y, x: dy)

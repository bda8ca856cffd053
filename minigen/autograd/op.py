"""An operation and its derivative: what `@op` and `@fused` make of a function.

An `Op` is a forward on bare arrays and one rule per input.  A `Fused` is a formula over tensors for which a backend may
register a kernel.  Calling either on tensors leaves a `Node` in the graph; `gradients.py` walks the nodes.
"""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from minigen import backend
from minigen.autograd.debug import look_forward
from minigen.autograd.dtypes import settle, weaken
from minigen.autograd.node import Node
from minigen.autograd.switches import anomaly, kernels, recording
from minigen.autograd.tensor import Tensor
from minigen.errors import GraphError, MinigenError, ShapeError

OPS: dict[str, "Op"] = {}
FUSED: dict[str, "Fused"] = {}


class _Operation:
    """What Op and Fused share: the names of inputs and settings, and the leaving of a node."""

    def __init__(self, function: Callable[..., Any]):
        self.name = function.__name__
        self.function = function
        self.__name__ = function.__name__
        self.__doc__ = function.__doc__
        self.__module__ = function.__module__
        self.__wrapped__ = function  # lets inspect and help() show the signature
        parameters = inspect.signature(function).parameters.values()
        self.inputs = tuple(p.name for p in parameters if p.kind == p.POSITIONAL_OR_KEYWORD)
        self.variadic = next((p.name for p in parameters if p.kind == p.VAR_POSITIONAL), None)
        self.settings = tuple(p.name for p in parameters if p.kind == p.KEYWORD_ONLY)
        self.named = frozenset(self.settings)  # the same, to be compared with the names of a call
        self.defaults = {p.name: p.default for p in parameters if p.kind == p.KEYWORD_ONLY and p.default is not p.empty}
        self.still: frozenset[int] = frozenset()  # places of the inputs that have no derivative
        self.kernels: dict[str, Any] = {}  # backend's name → what stands in for this text there

    def __repr__(self) -> str:
        return f"<minigen.{self.name}>"

    def input_name(self, i: int) -> str:
        """The name of the i-th input, as rules and messages call it."""
        return self.variadic or self.inputs[i]

    def _sort(self, inputs: tuple[Any, ...], settings: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Arrays apart from settings, defaults filled in: `sum(x, 0)` and `sum(x, axis=0)` are one call."""
        count = len(self.inputs)
        if len(inputs) == count and self.variadic is None:  # the usual calls: every setting by its name, or none
            if settings.keys() == self.named:
                return inputs, settings
            if not settings and self.defaults.keys() == self.named:
                return inputs, self.defaults
        extra: tuple[Any, ...] = ()
        if self.variadic is None:
            inputs, extra = inputs[:count], inputs[count:]
        elif inputs and isinstance(inputs[0], list | tuple):  # concatenate([a, b], 1)
            inputs, extra = tuple(inputs[0]), inputs[1:]
        if len(inputs) < count or len(extra) > len(self.settings):
            takes = ", ".join((*self.inputs, *self.settings))
            raise TypeError(f"{self.name} takes ({takes}); {len(inputs) + len(extra)} positional arguments were given.")
        given = dict(zip(self.settings, extra, strict=False))
        if twice := given.keys() & settings.keys():
            raise TypeError(f"{self.name}: {', '.join(sorted(twice))} was given twice, by place and by name.")
        settings = {**self.defaults, **given, **settings}
        if settings.keys() != set(self.settings):
            wrong = ", ".join(sorted(settings.keys() ^ set(self.settings)))
            known = f"the settings {', '.join(self.settings)}" if self.settings else "no settings"
            raise TypeError(f"{self.name} has {known}; look at {wrong}.")
        return inputs, settings

    def _misfit(self, arrays: Any, error: Exception) -> ShapeError:
        """One sentence with the operation's name and the shapes it was given, for NumPy's nameless complaint."""
        shapes = " and ".join(str(tuple(x.shape)) for x in arrays if hasattr(x, "shape"))
        return ShapeError(f"{self.name}: shapes {shapes or 'of nothing'} do not fit: {error}.")


_new = Tensor.__new__  # the hot path skips __init__, which looks at what an operation knows already


class Rules(dict[str, Any]):
    """An operation's rules by the names of its inputs; asking for one that was never given is an error that says so."""

    def __init__(self, operation: str):
        super().__init__()
        self.operation = operation

    def __missing__(self, name: str) -> None:
        raise GraphError(f"{self.operation} has no derivative with respect to {name}; detach it first.")


class Op(_Operation):
    """A primitive: a forward on bare arrays, and a rule for each differentiable input, given with `.vjp`."""

    casts = False  # True where the result's dtype is a setting and not the inputs'

    def __init__(self, function: Callable[..., Any]):
        super().__init__(function)
        self.rules = Rules(self.name)

    def vjp(self, **rules: Callable[..., Any] | None) -> None:
        """Give the rules: input=lambda dy, y, *inputs, **settings: dL/dinput.  None: the input has no derivative.

        A rule is written with operators and operations only, so that it works on arrays and on tensors alike.  It need
        not undo broadcasting nor mind dtypes: the engine does both.  For `*arrays` the rule gets the place i after y.
        """
        for name in rules:
            if name not in self.inputs and name != self.variadic:
                raise TypeError(f"{self.name} has no input {name}.")
        self.rules.update(rules)
        self.still = frozenset(
            i for i, name in enumerate(self.inputs) if name in self.rules and self.rules[name] is None
        )

    def __call__(self, *inputs: Any, **settings: Any) -> Any:
        if settings or self.settings or len(inputs) != len(self.inputs):
            inputs, settings = self._sort(inputs, settings)
        arrays = []
        first = None
        version = 0
        flows = loose = False
        for x in inputs:
            if isinstance(x, Tensor):
                data = x._data
                arrays.append(data)
                version += x.version
                if x.requires_grad:
                    flows = True
                if first is None:
                    first = data
            else:
                arrays.append(x)
                if type(x) is not float and type(x) is not int:
                    loose = True
        if loose and first is not None:
            inputs, arrays = weaken(inputs)
        try:
            if self.kernels and kernels.on():
                y = self.kernels.get(backend.array_module(*arrays).__name__, self.function)(*arrays, **settings)
            else:
                y = self.function(*arrays, **settings)
        except MinigenError:
            raise
        except (ValueError, IndexError) as error:
            raise self._misfit(arrays, error) from error
        if first is None:  # arrays alone: simply compute
            return y
        if type(y) is not type(first) and isinstance(y, np.generic):
            y = np.asarray(y)
        dtype = y.dtype
        if dtype is not first.dtype and not self.casts:
            y = settle(y, inputs)
            dtype = y.dtype
        if anomaly.on():
            look_forward(self.name, self.input_name, y, arrays, settings)
        result = _new(Tensor)
        result._data = y
        if flows and recording.on() and dtype.kind == "f" and len(self.still) < len(inputs):
            result.requires_grad = True
            result.node = Node(self, inputs, arrays, settings, y, version)
        return result

    def pull_back(self, node: Node, dy: Any, y: Any, inputs: Any, wanted: list[int]) -> list[Any]:
        """dL/dinput for each wanted input: on arrays the plain walk, on tensors one that is itself recorded."""
        rules, names, settings = self.rules, self.inputs, node.settings
        if self.variadic is None:
            return [rules[names[i]](dy, y, *inputs, **settings) for i in wanted]
        return [rules[str(self.variadic)](dy, y, i, *inputs, **settings) for i in wanted]


class Fused(_Operation):
    """A formula over tensors, recorded operation by operation, unless a kernel stands in for it as a whole.

    With `create_graph=True` the engine differentiates the formula, so that no kernel needs a second derivative.
    """

    def __call__(self, *inputs: Any, **settings: Any) -> Any:
        inputs, settings = self._sort(inputs, settings)
        if not (self.kernels and kernels.on()):
            return self.function(*inputs, **settings)
        arrays = []
        version = 0
        tensors = flows = loose = False
        for x in inputs:
            if isinstance(x, Tensor):
                arrays.append(x._data)
                version += x.version
                tensors = True
                if x.requires_grad:
                    flows = True
            else:
                arrays.append(x)
                loose = True
        if loose and tensors:
            inputs, arrays = weaken(inputs)
        stand_in = self.kernels.get(backend.array_module(*arrays).__name__)
        if stand_in is None:
            return self.function(*inputs, **settings)
        try:
            y, saved = stand_in.value(*arrays, **settings)
        except MinigenError:
            raise
        except (ValueError, IndexError) as error:
            raise self._misfit(arrays, error) from error
        if not tensors:
            return y
        if anomaly.on():
            look_forward(self.name, self.input_name, y, arrays, settings)
        result = Tensor(y)
        if flows and recording.on():
            result.requires_grad = True
            result.node = Node(self, inputs, arrays, settings, y, version, (stand_in, saved))
        return result

    def pull_back(self, node: Node, dy: Any, y: Any, inputs: Any, wanted: list[int]) -> list[Any]:
        """The kernel's derivative on arrays; on tensors, unless the kernel's is made of operations, the formula's."""
        stand_in, saved = node.saved
        if not isinstance(dy, Tensor) or getattr(stand_in, "recordable", False):
            return stand_in.vjp(dy, y, saved, wanted, *inputs, **node.settings)
        return self.replayed(dy, inputs, wanted, node.settings)

    def replayed(self, dy: Any, inputs: Any, wanted: list[int], settings: dict[str, Any]) -> list[Any]:
        """The derivative of the formula on tensors, computed anew so that it is recorded."""
        from minigen.autograd.gradients import grad  # its neighbour, which needs this class first

        # Aliases, because one input may be made from another: each must be a place of its own to stop at.
        own = [alias(x) if isinstance(x, Tensor) and x.requires_grad else x for x in inputs]
        formula = self.function(*own, **settings)
        return list(grad(formula, [own[i] for i in wanted], dy, create_graph=True, allow_unused=True))


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
    (y, saved) and `vjp(dy, y, saved, wanted, *arrays, **settings)` → one gradient for each place in `wanted`, in arrays
    of their own: nothing saved and no input is handed back, and dy is not written to.  Where such a class says
    `recordable = True`, its vjp is made of operators and operations alone, and is called with tensors too.
    """

    def register(stand_in: Any) -> Any:
        of.kernels[backend] = stand_in
        return stand_in

    return register


@op
def alias(x):
    """y = x, as a place of its own in the graph."""
    return x


alias.vjp(x=lambda dy, y, x: dy)

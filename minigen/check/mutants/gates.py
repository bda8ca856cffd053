"""A gate: an operation that gives x as it is and whose rule is a mutated identity, so that only a gradient is wrong.

Gates stand before the inputs of a function or a layer, before its parameters, and behind its result.
"""

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

from minigen.autograd import Op, Tensor
from minigen.check.mutants.difference import is_floating
from minigen.check.mutants.mutations import Plant

Choice = Callable[[str], Plant | None]  # the name of an input or a parameter → what is planted there


class Gates:
    """What stands at each input and parameter, and behind the result, which is called "result"."""

    def __init__(self, choose: Choice):
        self.choose = choose
        self.made: dict[str, Op] = {}

    def at(self, name: str, x: Any) -> Any:
        """x behind its gate, if it is a floating tensor on the way of a gradient, and something is planted there."""
        plant = self.choose(name) if is_floating(x) else None
        if plant is None or not isinstance(x, Tensor) or not x.requires_grad:
            return x
        if name not in self.made:
            self.made[name] = Op(_as_it_is)
            self.made[name].vjp(x=plant(identity))
        return self.made[name](x)

    def over(self, f: Callable[..., Any], names: list[str]) -> Callable[..., Any]:
        """f, with a gate before each input, called by `names`, and behind the result."""

        @functools.wraps(f)
        def wrong(*inputs: Any, **settings: Any) -> Any:
            given = [self.at(names[i] if i < len(names) else f"input {i}", x) for i, x in enumerate(inputs)]
            y = f(*given, **{name: self.at(name, x) for name, x in settings.items()})
            return tuple(self.at("result", part) for part in y) if isinstance(y, tuple) else self.at("result", y)

        return wrong

    @contextlib.contextmanager
    def patched_into(self, target: Any) -> Iterator[Any]:
        """The class's __call__ is the one way in: there the gates stand, for the target or for every instance of it."""
        owner: Any = target if isinstance(target, type) else type(target)
        own, right = vars(owner).get("__call__"), owner.__call__
        names = names_of_inputs(target)

        @functools.wraps(right)
        def call(module: Any, *inputs: Any, **settings: Any) -> Any:
            if module is not target and owner is not target:
                return right(module, *inputs, **settings)
            with self._before_parameters(module):
                return self.over(functools.partial(right, module), names)(*inputs, **settings)

        owner.__call__ = call
        try:
            yield target
        finally:
            if own is None:
                del owner.__call__
            else:
                owner.__call__ = own

    @contextlib.contextmanager
    def _before_parameters(self, module: Any) -> Iterator[None]:
        """For the length of one call, every parameter that is trained stands behind its gate, wherever it is kept."""
        named: Any = getattr(module, "named_tensors", None) or getattr(module, "named_parameters", list)
        behind = {id(p): self.at(name, p) for name, p in named() if p.requires_grad}
        undo: list[tuple[Any, Any, Any]] = []
        try:
            _exchange(module, behind, undo, set())
            yield
        finally:
            for holder, key, before in reversed(undo):
                holder[key] = before


def names_of_inputs(f: Any) -> list[str]:
    """The names of what f, or an instance of a class, takes by place and must be given; none where it does not tell."""
    try:
        parameters = inspect.signature(functools.partial(f.__call__, None) if isinstance(f, type) else f).parameters
    except (TypeError, ValueError):
        return []
    by_place = [p for p in parameters.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [p.name for p in by_place if p.default is p.empty]  # what has a default is a setting


def identity(dy: Any, y: Any, x: Any) -> Any:
    """The right rule of a gate."""
    return dy


def _as_it_is(x: Any) -> Any:
    return x


def _exchange(holder: Any, behind: dict[int, Any], undo: list[Any], seen: set[int]) -> None:
    """Put the gates in place of the parameters that a module, a list, a tuple or a dict holds, at any depth."""
    if id(holder) in seen:
        return
    seen.add(id(holder))
    entries = holder if isinstance(holder, dict | list | tuple) else vars(holder)
    for key, value in list(entries.items() if isinstance(entries, dict) else enumerate(entries)):
        new = behind.get(id(value), value)
        if isinstance(value, tuple) and any(id(entry) in behind for entry in value):
            new = tuple(behind.get(id(entry), entry) for entry in value)
        if new is not value and not isinstance(entries, tuple):
            undo.append((entries, key, value))
            entries[key] = new
        if isinstance(value, dict | list | tuple) or hasattr(value, "named_parameters"):
            _exchange(value, behind, undo, seen)

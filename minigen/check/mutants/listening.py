"""What a test asks of the right derivative, where and with which arguments; and undoing what wrong ones change."""

import functools
from typing import Any

from minigen.autograd import Op, Tensor
from minigen.backend import to_host
from minigen.check.mutants.difference import (
    Rule,
    arrays_in,
    copies,
    differs,
    is_floating,
    is_writable,
    largest,
    parts_of,
)
from minigen.check.mutants.gates import identity
from minigen.check.mutants.mutations import Plant
from minigen.check.mutants.planting import Shapes, cases_of, shapes_of
from minigen.check.pytorch import is_torch

ENOUGH = 3  # examples of one shape: differences ask for the same point, moved by a hair, again and again


class Heard:
    """A right rule that was listened to."""

    def __init__(self, rule: Rule):
        self.rule = rule
        self.shapes: list[Shapes] = []  # of what it returned
        self.examples: list[tuple[tuple[Any, ...], dict[str, Any]]] = []  # arguments and settings, copied
        self.counts: dict[str, int] = {}
        self.on_torch = False

    def over(self, rule: Rule) -> Rule:
        """The rule to its caller, or a stand-in for it that gives the same."""

        @functools.wraps(rule)
        def listening(*arguments: Any, **settings: Any) -> Any:
            kind = str([(type(x), x.shape) for x in parts_of(arguments) if is_floating(x)])
            self.on_torch = self.on_torch or is_torch(None, arguments)
            count = self.counts[kind] = self.counts.get(kind, 0) + 1
            if count <= ENOUGH:
                self.examples.append((copies(arguments), settings))
            found = rule(*arguments, **settings)
            if count == 1:
                self.shapes.append(shapes_of(found))
            return found

        return listening

    def hear_like(self, like: Any) -> None:
        """These arguments in place of what was heard."""
        self.examples = [(case, {}) for case in cases_of(like)]
        self.shapes = [shapes_of(self.rule(*copies(case))) for case, _ in self.examples]

    @property
    def largest(self) -> float:
        """The size of the largest dy that was heard."""
        return max((largest(x) for arguments, _ in self.examples for x in arrays_in(arguments[:1])), default=0.0)

    @property
    def on_tensors(self) -> bool:
        """Was it ever called on a tensor?"""
        return any(isinstance(x, Tensor) for arguments, _ in self.examples for x in parts_of(arguments))

    def tells(self, wrong: Rule, target: Any = None, size: float = 0.0, order: int = 1) -> bool:
        """Does a wrong rule differ from this one on anything that was heard?

        target: the operation it belongs to.  size: of the gradients beside it, whose rounding is no difference.
        """
        free = self.rule is not identity  # what comes to a gate was made by a layer, and no other dy can come
        for arguments, settings in self.examples:
            if isinstance(target, Op) and isinstance(arguments[0], Tensor):  # y depends on the inputs; so must its copy
                dy, _, *inputs = arguments
                y = target(*(inputs[1:] if target.variadic else inputs), **settings)
                arguments = (dy, y, *inputs)
            slopes = free or order > 1
            if differs(self.rule, wrong, arguments, settings, size=size, redraw=free, slopes=slopes):
                return True
        return False


class Places:
    """Every input and parameter of one target, and the rule heard there."""

    def __init__(self) -> None:
        self.heard: dict[str, Heard | None] = {}  # None: the test never asks for that gradient
        self.constant: set[str] = set()  # what is never more than a constant

    def at(self, name: str) -> Plant | None:
        """What stands at that place and listens."""
        if name == "result":
            return None
        if name not in self.heard:
            self.heard[name] = None
            self.constant.add(name)

        def plant(rule: Rule) -> Rule:
            self.constant.discard(name)

            def listening(*arguments: Any, **settings: Any) -> Any:
                heard = self.heard[name] = self.heard[name] or Heard(rule)
                return heard.over(rule)(*arguments, **settings)

            return listening

        return plant


class Guard:
    """Puts back what wrong rules change in place."""

    def __init__(self) -> None:
        self.changed: list[tuple[Any, Any]] = []

    def over(self, wrong: Rule) -> Rule:
        """The rule, looked after."""

        @functools.wraps(wrong)
        def guarded(*arguments: Any, **settings: Any) -> Any:
            before = [(x, x.copy()) for x in arrays_in(arguments)]
            try:
                return wrong(*arguments, **settings)
            finally:
                self.changed += [(x, y) for x, y in before if to_host(x).tobytes() != to_host(y).tobytes()]

        return guarded

    def put_back(self) -> None:
        """Everything as it was."""
        for x, before in reversed(self.changed):
            if is_writable(x):  # else it is a view, and what it shows is put back itself
                x[...] = before
        self.changed.clear()

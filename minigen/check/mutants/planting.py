"""Where a mutation is planted: in a rule written by hand, in an operation, in a layer, in a function of tensors."""

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from minigen.autograd import FUSED, OPS, Fused, Op
from minigen.autograd.gradients import unbroadcast
from minigen.check.mutants.difference import Rule, copies
from minigen.check.mutants.gates import Choice, Gates, names_of_inputs
from minigen.check.mutants.mutations import MUTATIONS, Mutation, Plant, applies, mutation_called
from minigen.check.speak import name_of
from minigen.errors import SettingError
from minigen.ops.shapes import bare

Shape = tuple[tuple[int, ...], Any]  # with the dtype
Shapes = tuple[Shape | None, ...]  # of each gradient; None where there is none
Rows = dict[str, Mutation]  # of the table


def plant(rule: Rule, like: Any, *, order: int = 1) -> Iterator[tuple[str, Rule]]:
    """(name, wrong rule) for every mutation that can apply, of every gradient the rule returns.

    rule(dy, y, *inputs) or backward(dy, cache): one gradient, or a tuple.  like: a tuple of such arguments, or a list
    of tuples; where all have one row, say, "times N" cannot apply and is left out.  With several gradients a name ends
    in "for" and the input's name (a number, where the rule does not tell).  order=2, for a rule that is called on
    tensors: also what is wrong only in the derivative of the gradient.
    """
    yield from plant_by_shapes(rule, [shapes_of(rule(*copies(case))) for case in cases_of(like)], MUTATIONS, order)


@contextlib.contextmanager
def planted(target: Any, mutation: Any, input: str | int | None = None) -> Iterator[Any]:
    """Inside this with-block the derivative of `target` is wrong; its value is right.

    target: an operation or its name; a fused formula; a layer, or a class of layers (every instance then); a function
    of tensors, which is not changed: the block gets one to use in its place (`with planted(…) as f`).
    mutation: a name of MUTATIONS, or your own: a function of the right rule(dy, y, *inputs) that returns a wrong one
    (outside operations the right one is `lambda dy, y, x: dy`, an identity before the input).
    input: the name of an input or a parameter ("weight", "0.bias"), or the place of an input; "result" for everything
    below it; default: all inputs and parameters.  SettingError where there is none of that name.
    Whatever happens inside, afterwards everything is as before.
    """
    change, target = mutation_called(mutation), resolved(target)
    names, met = names_of_inputs(target), []
    wanted = names[input] if isinstance(input, int) and input < len(names) else input

    def choose(name: str) -> Plant | None:
        met.append(name)
        return change if name == wanted or wanted is None and name != "result" else None

    with opened(target, choose) as stand_in:
        yield stand_in
    if wanted not in (None, *met):
        has = ", ".join(dict.fromkeys(met)) or "nothing, for it was not called"
        raise SettingError(f"planted: {name_of(target)} has no input or parameter {wanted!r}; it has {has}.")


def resolved(target: Any) -> Any:
    """The operation of that name; anything else as it is."""
    if not isinstance(target, str):
        return target
    if target not in OPS and target not in FUSED:
        raise SettingError(f"there is no operation {target!r}; pass the function or the layer itself.")
    return OPS.get(target) or FUSED[target]


def is_patched(target: Any) -> bool:
    """Is it changed where it stands?  A plain function cannot be: it gets a stand-in."""
    return isinstance(target, Op | Fused) or hasattr(target, "named_parameters")


def opened(target: Any, choose: Choice) -> contextlib.AbstractContextManager[Any]:
    """A context in which what `choose` gives for each name is planted in the target."""
    if isinstance(target, Op):
        return _exchanged_rules(target, choose)
    if is_patched(target):
        return Gates(choose).patched_into(target)
    return contextlib.nullcontext(Gates(choose).over(target, names_of_inputs(target)))


@contextlib.contextmanager
def _exchanged_rules(op: Op, choose: Choice) -> Iterator[Op]:
    before = dict(op.rules)
    try:
        for name, rule in before.items():
            change = None if rule is None else choose(name)
            if change is not None:
                op.rules[name] = change(_in_shape(op, name, rule))
        yield op
    finally:
        op.rules.update(before)


def _in_shape(op: Op, name: str, rule: Rule) -> Rule:
    """The rule with its result in the shape of the input, which the engine would see to otherwise."""

    def right(dy: Any, y: Any, *inputs: Any, **settings: Any) -> Any:
        x = inputs[1 + inputs[0]] if name == op.variadic else inputs[op.inputs.index(name)]
        dx = rule(dy, y, *inputs, **settings)
        return unbroadcast(dx, x.shape) if hasattr(dx, "shape") and dx.shape != x.shape else dx

    return right


# By shapes ------------------------------------------------------------------------------------------------------------


def plant_by_shapes(rule: Rule, seen: list[Shapes], rows: Rows, order: int) -> Iterator[tuple[str, Rule]]:
    """As plant, from the shapes of what the rule returned, and with these rows of the table."""
    count = max(map(len, seen), default=0)
    names = names_of_inputs(rule)[2:]  # after dy and y
    if len(names) != count:
        names = [f"gradient {k + 1}" for k in range(count)]
    for k, name in enumerate(names):
        own = [shape for shapes in seen for shape in shapes[k : k + 1]]
        for mutation, row in fitting(rows, own, order, product).items():
            if not row.whole:
                yield f"{mutation} for {name}" if count > 1 else mutation, _at(rule, k, row.plant)
    for mutation, row in rows.items():
        if row.whole:
            yield mutation, row.plant(rule)


def fitting(rows: Rows, shapes: Iterable[Shape | None] | None, order: int, rule: Rule) -> Rows:
    """The rows that make a difference to a gradient of one of these shapes; every one, if no shape is known."""
    able = {name: row for name, row in rows.items() if row.order <= order}
    if shapes is None:
        return able
    known = {shape for shape in shapes if shape is not None}
    return {name: row for name, row in able.items() if any(applies(row, *shape, rule) for shape in known)}


def cases_of(like: Any) -> list[tuple[Any, ...]]:
    """One tuple of arguments, or a list of them, as a list."""
    cases = [like] if isinstance(like, tuple) else list(like)
    if not cases or not all(isinstance(case, tuple) for case in cases):
        raise SettingError("plant: like is a tuple of arguments, (dy, y, *inputs) or (dy, cache), or a list of them.")
    return cases


def shapes_of(found: Any) -> Shapes:
    """Shape and dtype of each gradient a rule returned."""
    return tuple(
        None if dx is None else (tuple(np.shape(bare(dx))), np.dtype(getattr(dx, "dtype", float)))
        for dx in _gradients(found)
    )


def product(dy: Any, y: Any, x: Any) -> Any:
    """A rule in which everything counts: what mutations of rules are tried on."""
    return dy * y * x


def _at(rule: Rule, k: int, change: Plant) -> Rule:
    """The rule with its k-th gradient made wrong, and the others right."""

    def wrong(*arguments: Any, **settings: Any) -> Any:
        right = rule(*arguments, **settings)
        bad = change(lambda *a, **s: _gradients(rule(*a, **s))[k])(*arguments, **settings)
        return tuple(bad if i == k else dx for i, dx in enumerate(right)) if isinstance(right, tuple | list) else bad

    return wrong


def _gradients(found: Any) -> tuple[Any, ...]:
    return tuple(found) if isinstance(found, tuple | list) else (found,)

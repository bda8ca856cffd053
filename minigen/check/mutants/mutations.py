"""What can go wrong with a right derivative: a table of mutations.

A mutation takes a right rule, of one gradient, and returns a wrong one.  A rule is rule(dy, y, *inputs, **settings), as
minigen's are written, or backward(dy, cache); both may be called on arrays and on tensors.
"""

import functools
import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from minigen import ops
from minigen.autograd import Tensor
from minigen.backend import array_module, to_host
from minigen.check.mutants.difference import Rule, arrays_in, differs, is_writable, mapped
from minigen.errors import SettingError
from minigen.ops.shapes import bare

Plant = Callable[[Rule], Rule]


class Mutation(NamedTuple):
    """One way to be wrong."""

    says: str  # what the gradient is then
    plant: Plant
    order: int = 1  # 2: the numbers are right, and only their own derivative is wrong
    whole: bool = False  # it concerns the rule, not one of its gradients


def _changed(change: Callable[[Any], Any]) -> Plant:
    """The right rule, and then something done to its gradient."""

    def plant(rule: Rule) -> Rule:
        def wrong(dy: Any, *rest: Any, **settings: Any) -> Any:
            dx = rule(dy, *rest, **settings)
            if dx is None:
                return None
            dx = dx if isinstance(dx, Tensor) else array_module(dx).asarray(dx)  # a number becomes an array
            return change(dx) if dx.size else dx

        return wrong

    return plant


def _largest_entry(factor: float) -> Callable[[Any], Any]:
    def change(dx: Any) -> Any:
        host = np.ones(dx.shape)
        host[np.unravel_index(np.abs(to_host(bare(dx))).argmax(), dx.shape)] = factor
        return dx * array_module(bare(dx)).asarray(host.astype(dx.dtype))

    return change


def _first_axis(dx: Any) -> int:
    return dx.shape[0] if dx.ndim else 1


def _neighbours_swapped(dx: Any) -> Any:
    places = np.arange(dx.size)
    even = dx.size - dx.size % 2
    places[:even] = places[:even].reshape(-1, 2)[:, ::-1].reshape(-1)
    return ops.reshape(ops.take(dx, array_module(bare(dx)).asarray(places)), dx.shape)


def _shifted(dx: Any) -> Any:
    """By 1 % of the largest entry, so that the size of a gradient does not hide it."""
    return dx + 0.01 * (float(abs(bare(dx)).max()) or 1.0)


def _ignores_dy(rule: Rule) -> Rule:
    return lambda dy, *rest, **settings: rule(dy * 0 + 1, *rest, **settings)


def _detached(x: Any) -> Any:
    return Tensor(x.data) if isinstance(x, Tensor) else x


def _dy_constant(rule: Rule) -> Rule:
    return lambda dy, *rest, **settings: rule(_detached(dy), *rest, **settings)


def _factor_constant(rule: Rule) -> Rule:
    return lambda dy, *rest, **settings: rule(dy, *mapped(_detached, rest), **settings)


def _wrong_when_recorded(rule: Rule) -> Rule:
    def wrong(dy: Any, *rest: Any, **settings: Any) -> Any:
        dx = rule(dy, *rest, **settings)
        return dx + 0.01 if isinstance(dx, Tensor) else dx  # the same everywhere: no derivative shows it

    return wrong


def _changes_input(rule: Rule) -> Rule:
    def wrong(dy: Any, *rest: Any, **settings: Any) -> Any:
        dx = rule(dy, *rest, **settings)
        _add_one(rest[1:] or rest)  # (y, *inputs), or (cache,)
        return dx

    return wrong


def _changes_dy(rule: Rule) -> Rule:
    def wrong(dy: Any, *rest: Any, **settings: Any) -> Any:
        dx = rule(dy, *rest, **settings)
        _add_one(dy)
        return dx

    return wrong


def _add_one(structure: Any) -> None:
    """To the first floating array, where it stands."""
    for x in arrays_in(structure):
        if x.dtype.kind == "f" and is_writable(x):
            x += 1
            return


MUTATIONS: dict[str, Mutation] = {
    "zeros": Mutation("is 0 everywhere", _changed(lambda dx: dx * 0)),
    "sign": Mutation("has the wrong sign", _changed(lambda dx: -dx)),
    "times 2": Mutation("is twice what it should be", _changed(lambda dx: dx * 2)),
    "times 1/2": Mutation("is half of what it should be", _changed(lambda dx: dx * 0.5)),
    "times 1.001": Mutation("is 0.1 % too large", _changed(lambda dx: dx * 1.001)),
    "times N": Mutation("is multiplied by the length of its axis 0", _changed(lambda dx: dx * _first_axis(dx))),
    "over N": Mutation("is divided by the length of its axis 0", _changed(lambda dx: dx / _first_axis(dx))),
    "one entry times 1.01": Mutation("is 1 % too large in its largest entry", _changed(_largest_entry(1.01))),
    "one entry 0": Mutation("is 0 in its largest entry", _changed(_largest_entry(0.0))),
    "one entry NaN": Mutation("is NaN in its largest entry", _changed(_largest_entry(math.nan))),
    "neighbours swapped": Mutation("has each two neighbours exchanged", _changed(_neighbours_swapped)),
    "transposed": Mutation(
        "is read in the order of its transpose", _changed(lambda dx: ops.reshape(ops.transpose(dx), dx.shape))
    ),
    "flipped": Mutation("is backwards along every axis", _changed(ops.flip)),
    "rolled": Mutation("is shifted round by one entry", _changed(lambda dx: ops.roll(dx, 1))),
    "mean taken out": Mutation("has its mean subtracted", _changed(lambda dx: dx - dx.mean())),
    "constant added": Mutation("has a constant added", _changed(_shifted)),
    "not summed": Mutation("repeats over an axis too many, of length 2", _changed(lambda dx: ops.stack(dx, dx))),
    "in float32": Mutation("is in float32", _changed(lambda dx: ops.astype(dx, "float32"))),
    "dy ignored": Mutation("is that of dy = 1, whatever dy is", _ignores_dy),
    "changes an input": Mutation("is right, but an input is changed in place", _changes_input, whole=True),
    "changes dy": Mutation("is right, but dy is changed in place", _changes_dy, whole=True),
    "factor a constant": Mutation("is right, but its derivative by the inputs is lost", _factor_constant, 2),
    "dy a constant": Mutation("is right, but its derivative by dy is lost", _dy_constant, 2),
    "wrong when recorded": Mutation("has 0.01 added where it is recorded", _wrong_when_recorded, 2),
}


def rows_called(names: Iterable[str]) -> dict[str, Mutation]:
    """These rows of MUTATIONS.  SettingError for a name it does not have."""
    names = list(names)
    for name in names:
        if name not in MUTATIONS:
            raise SettingError(f"there is no mutation {name!r}; there are {', '.join(MUTATIONS)}.")
    return {name: MUTATIONS[name] for name in names}


def mutation_called(name: Any) -> Plant:
    """The mutation of that name; one of your own, a function of the right rule that returns a wrong one, as it is."""
    if isinstance(name, str):
        return rows_called([name])[name].plant
    if not callable(name):
        raise SettingError(f"a mutation is a name or a function of the right rule; this is {type(name).__name__}.")
    return name


@functools.cache
def applies(mutation: Mutation, shape: tuple[int, ...], dtype: Any, rule: Rule) -> bool:
    """Does it make a difference to a gradient of this shape and dtype?  Tried on random numbers in `rule`."""
    rng = np.random.default_rng(0)
    drawn = [rng.uniform(0.5, 1.5, shape).astype(dtype) for _ in range(3)]
    leaf = functools.partial(Tensor, requires_grad=True)
    return differs(rule, mutation.plant(rule), tuple(map(leaf, drawn) if mutation.order > 1 else drawn), {})

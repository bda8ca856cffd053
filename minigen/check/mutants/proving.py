"""prove and must_bite: a test is run on the right derivative, and then on wrong ones."""

import contextlib
import functools
import io
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from minigen.autograd import Op
from minigen.check.mutants.difference import Rule
from minigen.check.mutants.gates import identity
from minigen.check.mutants.listening import Guard, Heard, Places
from minigen.check.mutants.mutations import MUTATIONS, Mutation, Plant, rows_called
from minigen.check.mutants.planting import (
    Rows,
    fitting,
    is_patched,
    opened,
    plant_by_shapes,
    product,
    resolved,
)
from minigen.check.mutants.proof import MutantError, Proof
from minigen.check.pytorch import is_torch
from minigen.check.speak import name_of, say
from minigen.check.verdict import Finding
from minigen.errors import SettingError

TORCH = (
    "prove: this works on PyTorch's tensors, in whose graph nothing can be planted. Prove the test on the same "
    "function of minigen, or on a backward(dy, y, *inputs) for arrays."
)


def prove(
    test: Callable[..., Any],
    right: Any,
    *,
    wrong: Mapping[str, Callable[..., Any]] | Iterable[str] | str | None = None,
    like: Any = None,
    order: int = 1,
) -> Proof:
    """Run the test on the right derivative and on wrong ones; return what it caught, and what it let through.

    right, a function: a backward written by hand, backward(dy, y, *inputs) or backward(dy, cache), or a function of
    tensors.  test(candidate) then gets the right one and each wrong one in its place.
    right, an operation or its name, a fused formula, a layer or a class of layers: test() is called without arguments
    while the wrong derivatives are planted in it, one input and one parameter after the other.

    The test catches by raising, whatever it raises.  What is planted: every row of MUTATIONS that can apply, or those
    which `wrong` names; or your own, wrong={name: a wrong candidate}, and where test() is called {name: a mutation}
    (see `planted`).  order=2: also what is wrong only in the derivative of the gradient.
    like: arguments of a backward, as in `plant`; default: those which the test passes.  An error is equivalent if it
    gives what the right one gives on all of these, for a random dy as well.
    What the runs print is swallowed; what a wrong rule changes in place is put back.
    """
    right = resolved(right)
    if not callable(right):
        raise SettingError(f"prove: right is a function, an operation or a layer; this is {type(right).__name__}.")
    inside = is_patched(right)
    if like is not None and inside:
        raise SettingError("prove: like= holds arguments of a backward written by hand; leave it out here.")
    if is_torch(right, ()):
        raise SettingError(TORCH)
    proof, places, heard, guard = Proof(name_of(right)), Places(), Heard(right), Guard()
    with opened(right, places.at) as stand_in:
        raised, value = _run(test, () if inside else (heard.over(stand_in),))
    if heard.on_torch:
        raise SettingError(TORCH)
    if raised is not None or value is False:
        proof.rejected = "it returned False" if raised is None else f"{type(raised).__name__}: {raised}"
        return proof
    if like is not None:
        heard.hear_like(like)
    own = dict(wrong) if isinstance(wrong, Mapping) else None
    rows = MUTATIONS if wrong is None or own is not None else rows_called([wrong] if isinstance(wrong, str) else wrong)
    if not heard.examples and not places.heard:
        errors = iter([_Error("any error", "the test never calls what it tests", None, lambda: True)])
    elif inside or own is None and heard.on_tensors:
        proof.constant = sorted(places.constant)
        proof.unasked = [where for where, rule in places.heard.items() if rule is None and where not in places.constant]
        errors = _at_places(right, places, rows, own, order)
    else:
        errors = _in_hand(heard, plant_by_shapes(right, heard.shapes, rows, order) if own is None else own.items())
    for error in errors:
        proof.says[error.name] = error.says
        raised = value = None
        if error.planting is not None:
            with error.planting(guard) as candidate:
                raised, value = _run(test, () if inside else (candidate,))
            guard.put_back()
        if value is False:
            proof.returned.append(error.name)
        if raised is not None:
            proof.caught.append(error.name)
            proof.by[error.name] = type(raised).__name__
        elif error.tells():
            proof.survived.append(error.name)
        else:
            proof.equivalent.append(error.name)
    return proof


def must_bite(
    test: Callable[..., Any],
    right: Any,
    *,
    wrong: Mapping[str, Callable[..., Any]] | Iterable[str] | str | None = None,
    like: Any = None,
    order: int = 1,
    equivalent: Iterable[str] = (),
    quiet: bool = False,
) -> None:
    """Raise MutantError unless the test passes the right derivative and catches every wrong one: see `prove`.

    An equivalent error fails too, for the cases are vacuous, unless it is listed in `equivalent`: some are equivalent
    everywhere, as "mean taken out" is for softmax, whose gradients all sum to 0.  So does a listed one that is not.
    """
    proof = prove(test, right, wrong=wrong, like=like, order=order)
    listed = set(equivalent)
    faults = [] if proof.ok else [str(proof)]
    if vacuous := [name for name in proof.equivalent if name not in listed]:
        faults.append(
            f"{proof.name}: the cases are vacuous: nothing in them tells these errors from the right derivative: "
            f"{', '.join(vacuous)}. Choose other cases, or list in equivalent= what no case can tell."
        )
    if not proof.rejected and (stale := listed.difference(proof.equivalent)):
        faults.append(f"{proof.name}: listed as equivalent, but not so: {', '.join(sorted(stale))}.")
    if faults:
        raise MutantError(Finding("\n".join(faults), "broken"))
    if not quiet:
        say(f"must_bite {str(proof).splitlines()[0]}")


class _Error(NamedTuple):
    """One planted error."""

    name: str
    says: str
    planting: Callable[[Guard], contextlib.AbstractContextManager[Any]] | None  # None: the test never gets there
    tells: Callable[[], bool]  # can it be told from the right one, where the test looks?


def _in_hand(heard: Heard, wrong: Iterable[tuple[str, Rule]]) -> Iterator[_Error]:
    """Wrong rules, each to be handed to the test in the right one's place."""
    for name, rule in wrong:
        mutation, _, where = name.partition(" for ")
        says = f"the gradient{where and f' for {where}'} {MUTATIONS[mutation].says}" if mutation in MUTATIONS else ""
        yield _Error(name, says, functools.partial(_handed_over, rule), functools.partial(heard.tells, rule))


def _handed_over(rule: Rule, guard: Guard) -> contextlib.AbstractContextManager[Rule]:
    return contextlib.nullcontext(guard.over(rule))


def _at_places(right: Any, places: Places, rows: Rows, own: dict[str, Plant] | None, order: int) -> Iterator[_Error]:
    """Each mutation at each input and parameter."""
    size = max((heard.largest for heard in places.heard.values() if heard is not None), default=0.0)
    for where, heard in places.heard.items():
        if where in places.constant:
            continue
        shapes = None if heard is None else {shape for shapes in heard.shapes for shape in shapes}
        able = fitting(rows, shapes, order, product if isinstance(right, Op) else identity)
        if own is not None:
            able = {name: Mutation("", change, order) for name, change in own.items()}
        for name, row in able.items():
            says = f"the gradient for {where} {row.says}" if row.says else ""
            if heard is None:
                yield _Error(f"{name} for {where}", says, None, lambda: True)
            else:
                tells = functools.partial(heard.tells, row.plant(heard.rule), right, size, row.order)
                yield _Error(
                    f"{name} for {where}", says, functools.partial(_planted_at, right, where, row.plant), tells
                )


def _planted_at(right: Any, where: str, change: Plant, guard: Guard) -> contextlib.AbstractContextManager[Any]:
    return opened(right, lambda name: (lambda rule: guard.over(change(rule))) if name == where else None)


def _run(test: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[BaseException | None, Any]:
    """What the test raised, and what it returned.  A test of pytest may raise what is no Exception."""
    silence = io.StringIO()
    with contextlib.redirect_stdout(silence), contextlib.redirect_stderr(silence), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with np.errstate(all="ignore"):
                value = test(*arguments)
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:
            return error, None
    return None, False if isinstance(value, np.bool_) and not value else value

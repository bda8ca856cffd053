"""A submission as a case sees it: its functions and objects, which live in another process and are asked over a pipe.

submission.dense(x, w)                 # arrays go there, arrays come back; x and w stay as they are
layer = submission.Dense(3, 2)         # an object stays there; its attributes and methods are asked
layer.weight = w
op_check(*as_rule(submission.loss), [x])
"""

import builtins
import difflib
import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from minigen.check.grading import wire
from minigen.check.grading.failure import MissingError, SubmissionError, cleaned
from minigen.check.grading.process import Process
from minigen.errors import SettingError

ENGINES = ("minigen", "torch")
OBJECTS = 1000  # in one answer
NAME = 80  # characters of a name that a submission gives


class RemoteFunction:
    """A function of the submission's.  Its arguments are copied; one that it changes in place is an error."""

    def __init__(self, process: Process, place: int, name: str, parameters: list[str]):
        self._process, self._place = process, place
        self.__name__ = name
        if all(map(str.isidentifier, parameters)) and len(set(parameters)) == len(parameters):
            kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
            self.__signature__ = inspect.Signature([inspect.Parameter(p, kind) for p in parameters])

    def __call__(self, *args: Any, **settings: Any) -> Any:
        return self._ask("call", [args, settings])

    def called_nearby(self, *args: Any) -> bool:
        """Call it as a backward(dy, …): does it evaluate a function right beside its inputs, as differences do?"""
        return self._ask("nearby", [args]) is True

    def _ask(self, act: str, given: list[Any], in_place: bool = False) -> Any:
        return ask(self._process, act, [self._place, *given], self.__name__, self, in_place)

    def __del__(self) -> None:
        self._process.dropped.append(self._place)

    def __repr__(self) -> str:
        return f"<{self.__name__} of the submission>"


class RemoteObject(RemoteFunction):
    """An object or a class of the submission's: attributes are read and set there, methods called there."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in ("_process", "_place", "dtype"):  # what has a dtype passes for an array
            raise AttributeError(name)
        return ask(self._process, "get", [self._place, name], f"{self.__name__}.{name}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("__") or name in ("_process", "_place"):
            object.__setattr__(self, name, value)
        else:
            ask(self._process, "set", [self._place, name, value], f"{self.__name__}.{name}")

    def __getitem__(self, key: Any) -> Any:
        return ask(self._process, "item", [self._place, key], f"{self.__name__}[{key!r:.80}]")


def _no_value(self: RemoteFunction, *args: Any, **kwargs: Any) -> Any:
    what = "returned an object" if isinstance(self, RemoteObject) else "gave a function"
    raise SubmissionError(f"the submission {what} ({self.__name__}) where a number or an array is expected")


OPERATORS = "add sub mul truediv floordiv mod pow matmul and or xor".split()
AS_NUMBERS = "array float int index complex round trunc floor ceil format bool neg pos invert abs".split()
AS_OTHERS = "len iter next contains enter exit eq ne lt le gt ge".split()
for _act in AS_NUMBERS + AS_OTHERS + OPERATORS + [f"r{_operator}" for _operator in OPERATORS]:
    setattr(RemoteFunction, f"__{_act}__", _no_value)


class Submission:
    """What a case is given.  An attribute is what the submission calls so: a function, a class, or a value."""

    def __init__(self, process: Callable[[], Process]):
        self._process = process

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        process = self._process()
        found = ask(process, "name", [name], name)
        if isinstance(found, tuple) and len(found) == 1:  # what a submission is asked, it may answer as it likes
            return found[0]
        failed = texts(process, "failed")
        if failed and "SyntaxError" in failed[0] or failed and not texts(process, "names"):
            raise MissingError(f"{failed[0]}; so the submission defines no {name}")
        raise MissingError(f"the submission defines no {name}{_hint(process, name)}")


def _hint(process: Process, name: str) -> str:
    """The nearest name that it does define, and what failed while it was executed."""
    near = difflib.get_close_matches(name, texts(process, "names"), 1)
    failed = texts(process, "failed")
    return (f"; did you mean {near[0][:NAME]}?" if near else "") + (f"; {failed[0]}" if failed else "")


def texts(process: Process, key: str) -> list[str]:
    """A list of texts in what a submission's process said of itself: the "names" it defines, what "failed"."""
    found = process.hello.get(key)
    return [cleaned(text, 3000) for text in found] if isinstance(found, list) else []


# Asking ---------------------------------------------------------------------------------------------------------------


def ask(process: Process, act: str, given: list[Any], name: str, f: Any = None, in_place: bool = False) -> Any:
    """The worker's answer to one question about `name`, as a value; SubmissionError where it raised."""

    def describe(x: Any) -> list[Any]:
        if isinstance(x, RemoteFunction) and x._process is process:
            return ["object", x._place]
        raise SettingError(
            f"{name}: a {type(x).__name__} cannot be handed to a submission; arrays, numbers and text can."
        )

    met: list[int] = []

    def stand_in(description: list[Any]) -> RemoteFunction:
        _, place, kind, of, called, parameters = description
        met.append(place)
        if type(place) is not int or not isinstance(parameters, list) or len(met) > OBJECTS:
            raise wire.Garbled("no object, or too many")
        title = cleaned(called or of, NAME)
        if kind == "function":
            return RemoteFunction(process, place, title, parameters)
        named = type(cleaned(of, NAME).replace("\0", ""), (RemoteObject,), {})  # so that messages call it by its type
        return named(process, place, title, parameters)

    try:
        (_, *trees), sent = wire.pack(given, describe)
        body, arrays = process.ask(act, trees, sent, f"in {name}")
    except wire.Unsent as error:
        raise SettingError(f"{name} cannot be given {error}.") from error
    try:
        if "error" in body:
            raise _raised(body["error"], name, MissingError if act == "get" else SubmissionError)
        if "unsent" in body:
            raise SubmissionError(f"{name} returned {cleaned(body['unsent'], 500)}")
        changed = [(sent[k], arrays[i]) for k, i in body["changed"]]
        value = wire.unpack(body["value"], arrays, stand_in)
        warned = [cleaned(text, 200) for text in body["warned"]]
    except SubmissionError:
        raise
    except Exception as error:  # what a stranger wrote may fail to be read in any way
        raise SubmissionError(f"{name} gave an answer that makes no sense") from error
    if "warn" in np.geterr().values():  # a check that listens, such as value_check(…, no_warnings=True)
        for text in warned:
            warnings.warn(text, RuntimeWarning, stacklevel=2)
    for old, new in changed:
        _change(old, new, name, f, given, in_place)
    return value


def _raised(error: Any, name: str, made: type[SubmissionError]) -> SubmissionError:
    """What the submission raised, as an error of the grader's: `made` if an attribute may be missing."""
    kind, place, text = (cleaned(error[part], 3000) for part in ("type", "place", "text"))
    act = "ran out of its memory:" if error["memory"] is True else "raised"
    where = f" ({place})" if place else ""
    if kind == "NotImplementedError":
        return SubmissionError(f"{name} is not written yet{where}", kind)
    shown = kind if kind in vars(builtins) else "an error of its own"  # whose name may tell anything
    made = made if kind == "AttributeError" else SubmissionError
    return made(f"{name} {act} {text}", kind, f"{name} {act} {shown}{where}")


def _change(old: np.ndarray, new: np.ndarray, name: str, f: Any, given: list[Any], in_place: bool) -> None:
    """An argument was changed in place: bring the change here where that is asked for, else an error that names it."""
    fits = old.shape == new.shape and old.dtype == new.dtype and old.flags.writeable
    if in_place and fits:
        old[...] = new
        return
    args = given[1] if len(given) > 1 and isinstance(given[1], tuple) else ()
    places = [i for i, x in enumerate(args) if x is old]
    known = list(getattr(f, "__signature__", inspect.Signature()).parameters)
    which = "something it is given"
    if places:
        which = f"its argument {cleaned(known[places[0]], NAME) if places[0] < len(known) else places[0] + 1}"
    raise SubmissionError(f"{name} changes {which} in place; it must work on a copy")


# Other ways to call ---------------------------------------------------------------------------------------------------


def in_place(f: Any) -> Callable[..., Any]:
    """f, which may change arrays it is given, such as an optimiser's step: the changes are made here too."""
    if not isinstance(f, RemoteFunction):
        raise SettingError(f"in_place: {f!r} is no function of a submission's.")

    def changing(*args: Any, **settings: Any) -> Any:
        return f._ask("call", [args, settings], in_place=True)

    changing.__name__ = f.__name__
    return changing


def as_rule(f: Any, engine: str = "minigen") -> tuple[Callable[..., Any], Callable[..., Any]]:
    """(forward, backward) on arrays of a function of tensors: backward(dy, y, *inputs) is what the engine computes.

    For op_check(*as_rule(submission.loss), inputs).  engine: "minigen" or "torch", whose tensors f takes and returns.
    """
    if not isinstance(f, RemoteFunction):
        raise SettingError(f"as_rule: {f!r} is no function of a submission's.")
    if engine not in ENGINES:
        raise SettingError(f"as_rule: engine={engine!r} must be one of {', '.join(ENGINES)}.")

    def forward(*inputs: Any) -> Any:
        return f._ask("evaluate", [engine, inputs, None])

    def backward(dy: Any, y: Any, *inputs: Any) -> Any:
        return f._ask("evaluate", [engine, inputs, np.asarray(dy)])

    forward.__name__ = backward.__name__ = f.__name__
    if hasattr(f, "__signature__"):
        forward.__signature__ = f.__signature__  # type: ignore[attr-defined]
    return forward, backward

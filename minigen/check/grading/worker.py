"""The process that a submission lives in: it executes the submission, then does what the grader asks over a pipe.

Started as a script by process.py.  It is given names and arrays, never what is expected of the answers.
"""

import inspect
import os
import site
import sys
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # the minigen that this file belongs to, installed or not
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
    for place in sys.argv[1:]:  # where else packages are
        site.addsitedir(place)

import numpy as np

from minigen.check.grading import engines, wire
from minigen.check.grading.guard import guard
from minigen.check.grading.limits import limit
from minigen.check.grading.load import Loaded
from minigen.check.grading.needs import import_needs
from minigen.check.grading.watch import calls_nearby

FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, np.ufunc)


class Worker:
    """The submission, the objects it keeps for the grader, and the acts the grader may ask for."""

    def __init__(self, submission: Loaded):
        self.submission = submission
        self.kept: dict[int, Any] = {}
        self.last = 0
        self.mutants: list[tuple[str, dict[str, Any]]] = []
        self.right: dict[str, Any] = {}

    # What the grader asks

    def ping(self) -> None:
        """Only to answer."""

    def name(self, name: str) -> tuple[Any, ...]:
        """What the submission calls `name`, in a tuple that is empty if it defines nothing so."""
        return (self.submission.names[name],) if name in self.submission.names else ()

    def get(self, place: int, name: str) -> Any:
        """An attribute of an object."""
        return getattr(self.kept[place], name)

    def set(self, place: int, name: str, value: Any) -> None:
        """Set an attribute of an object."""
        setattr(self.kept[place], name, value)

    def item(self, place: int, key: Any) -> Any:
        """An entry of an object."""
        return self.kept[place][key]

    def call(self, place: int, args: tuple[Any, ...], settings: dict[str, Any]) -> Any:
        """What a function returns."""
        return self.kept[place](*args, **settings)

    def nearby(self, place: int, args: tuple[Any, ...]) -> bool:
        """Does a backward evaluate a function right beside its inputs?"""
        return calls_nearby(self.kept[place], args)

    def evaluate(self, place: int, engine: str, args: tuple[Any, ...], dy: Any) -> Any:
        """Value or gradient of a function of tensors."""
        return engines.evaluate(self.kept[place], engine, args, dy)

    def plant(self, source: str, label: str) -> list[str]:
        """Execute the instructor's file of mutants beside the solution; returns the names of the mutants."""
        from minigen.check.grading.mutants import mutants_of

        self.mutants = mutants_of(source, label, self.submission)
        return [name for name, _ in self.mutants]

    def mutate(self, number: int | None) -> None:
        """Put one mutant in the solution's place; None: the solution again."""
        self.submission.names.update(self.right)
        changed = {} if number is None else self.mutants[number][1]
        self.right = {name: self.submission.names[name] for name in changed}
        self.submission.names.update(changed)

    # How it travels

    def serve(self, read: Callable[[int], bytes], write: Callable[[bytes], None]) -> None:
        """Answer until the grader closes the pipe."""
        while True:
            try:
                (number, (act, given, dropped)), arrays = wire.from_stream(read, trusted=True)
            except EOFError:
                return
            for place in dropped:
                self.kept.pop(place, None)
            write(self.answer(number, act, given, arrays))

    def answer(self, number: str, act: str, given: list[Any], arrays: list[np.ndarray]) -> bytes:
        """The message that answers a request: a value or an error, and which arrays were changed in place."""
        before = [(x.shape, x.tobytes()) for x in arrays]
        try:
            with warnings.catch_warnings(record=True) as caught, np.errstate(all="warn", under="ignore"):
                warnings.simplefilter("always")
                value = getattr(self, act)(*(wire.unpack(tree, arrays, self.find) for tree in given))
            reply, found = wire.pack(value, self.keep)
            changed = [k for k, x in enumerate(arrays) if (x.shape, x.tobytes()) != before[k]]
            where = [[k, len(found) + i] for i, k in enumerate(changed)]
            found += [arrays[k] for k in changed]
            numerical = [w for w in caught if issubclass(w.category, RuntimeWarning)]  # NumPy's: overflow, 1 / 0
            warned = list(dict.fromkeys(str(w.message)[:200] for w in numerical))[:10]
            return wire.to_bytes({"to": number, "value": reply, "changed": where, "warned": warned}, found)
        except wire.Unsent as unsent:
            return wire.to_bytes({"to": number, "unsent": str(unsent)[:500]}, [])
        except BaseException as error:  # whatever the submission raises, SystemExit too
            return wire.to_bytes({"to": number, "error": self.submission.describe(error)}, [])

    def find(self, description: list[Any]) -> Any:
        """The kept object that the grader speaks of."""
        return self.kept[description[1]]

    def keep(self, x: Any) -> list[Any]:
        """Keep an object here; what the grader is told of it."""
        self.last += 1
        self.kept[self.last] = x
        names = []
        if callable(x):
            try:
                positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
                names = [p.name for p in inspect.signature(x).parameters.values() if p.kind in positional]
            except BaseException:  # a built-in without a signature, or a class that has its own ideas
                names = []
        kind = "function" if isinstance(x, FUNCTIONS) else "object"
        return ["object", self.last, kind, type(x).__name__, getattr(x, "__name__", ""), names]


def main() -> None:
    """Limits, packages, guard, the submission, and then whatever is asked."""
    sys.path.remove(str(Path(__file__).resolve().parents[3]))  # what else a submission finds is as Python has it
    taken = [os.dup(0), os.dup(1)]  # the pipes are for the grader alone
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    requests, replies = os.fdopen(taken[0], "rb"), os.fdopen(taken[1], "wb")

    def read(n: int) -> bytes:
        raw = requests.read(n)
        if len(raw) < n:
            raise EOFError
        return raw

    def write(raw: bytes) -> None:
        replies.write(raw)
        replies.flush()

    (number, settings), _ = wire.from_stream(read, trusted=True)
    path = Path(settings["path"])
    unlimited = limit(settings["memory"], settings["seconds"])
    close_the_gate = guard(str(path.parent), settings["private"])
    write(wire.to_bytes({"to": number, "unlimited": unlimited}, []))

    (number, _), _ = wire.from_stream(read, trusted=True)  # from here on, what fails is the submission's fault
    import_needs(path)
    sys.path.insert(0, str(path.parent))
    sys.argv = [path.name]
    close_the_gate()
    del close_the_gate, settings  # which tell where secrets lie
    submission = Loaded(path)
    submission.run()
    names = [name for name in submission.names if not name.startswith("__")]
    write(wire.to_bytes({"to": number, "failed": submission.failed[:20], "names": names[:1000]}, []))
    Worker(submission).serve(read, write)


if __name__ == "__main__":
    main()

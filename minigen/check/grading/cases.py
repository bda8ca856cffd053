"""A case: a function that raises where a submission is wrong; and the instructor's file that is full of them."""

import math
import sys
import traceback
import types
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from minigen.errors import DataError, SettingError

VISIBILITIES = ("visible", "hidden", "after_due_date", "after_published")  # as Gradescope calls them
HIDDEN_SEEDS = 1000  # added to every seed of a --hidden file: students can repeat 0, 1 and 2

Check = Callable[..., object]
_found: dict[str, list["Case"]] = {}  # by module: what the file that is being read holds


@dataclass(frozen=True)
class Case:
    """One line of the table: all its points, or none."""

    name: str
    check: Check  # (submission, rng) → None, or raises
    points: float
    visibility: str
    seeds: tuple[int, ...]
    reveal: bool = True  # may a message show numbers?


def case(
    name: str, points: float = 1.0, visibility: str | None = None, seeds: Iterable[int] = (0, 1, 2)
) -> Callable[[Check], Check]:
    """Make a function of (submission, rng) a case: it returns None where the submission is right, and raises otherwise.

    It is called once for each seed with np.random.default_rng(seed); to pass is to pass at every seed.
    visibility: "visible", "hidden", "after_due_date" or "after_published"; by default "visible", and in a --hidden file
    "hidden".  SettingError for anything else.
    """
    if not isinstance(name, str) or not name.strip():
        raise SettingError('case: a case has a name: @case("dense: the gradient").')
    if isinstance(points, bool) or not isinstance(points, int | float) or not 0 <= points < math.inf:
        raise SettingError(f"case {name!r}: points={points!r} must be a number, 0 or more.")
    if visibility is not None and visibility not in VISIBILITIES:
        raise SettingError(f"case {name!r}: visibility={visibility!r} must be one of {', '.join(VISIBILITIES)}.")
    seeds = tuple(seeds)
    if not seeds or not all(isinstance(seed, int) and seed >= 0 for seed in seeds):
        raise SettingError(f"case {name!r}: seeds={seeds!r} must be whole numbers, 0 or more, and at least one.")

    def mark(check: Check) -> Check:
        if not isinstance(check, types.FunctionType):
            raise SettingError(f"case {name!r}: it must stand above a function of (submission, rng).")
        _found.setdefault(check.__module__, []).append(Case(name, check, points, visibility or "", seeds))
        return check

    return mark


def read_cases(path: Path, hidden: bool = False) -> list[Case]:
    """The cases of a file, in its order.  In a --hidden file they are hidden, show no numbers and have other seeds.

    DataError where the file is missing, does not run, or holds no case, and for two cases of one name.
    """
    module_name = f"minigen_grading_{path.stem}"
    _found.pop(module_name, None)
    module_of(path, module_name)
    found = _found.pop(module_name, [])
    if not found:
        raise DataError(f'{path}: it holds no case. Write @case("a name") above a function of (submission, rng).')
    check_names(found, str(path))
    if not hidden:
        return [replace(one, visibility=one.visibility or "visible") for one in found]
    return [
        replace(
            one,
            visibility=one.visibility or "hidden",
            seeds=tuple(seed + HIDDEN_SEEDS for seed in one.seeds),
            reveal=False,
        )
        for one in found
    ]


def check_names(cases: list[Case], place: str) -> None:
    """DataError where two cases have one name."""
    names = [one.name for one in cases]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"{place}: two cases are called {twice!r}; give each a name of its own.")


def module_of(path: Path, name: str) -> types.ModuleType:
    """The instructor's file, executed here as a module that may import what lies beside it; DataError if it fails."""
    try:
        source = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: it cannot be read ({error.strerror}). Name a file of Python.") from error
    module = sys.modules[name] = types.ModuleType(name)
    module.__file__ = str(path)
    beside = str(path.resolve().parent)
    added = [] if beside in sys.path else [beside]
    sys.path += added  # last: submissions may lie there too, and must not take the place of any other module
    try:
        exec(compile(source, str(path), "exec", dont_inherit=True), vars(module))
    except (KeyboardInterrupt, SettingError):
        raise
    except BaseException as error:  # SystemExit too
        raise DataError(f"{path}, {blame(error, path)}") from error
    finally:
        for place in added:
            sys.path.remove(place)
    return module


def blame(error: BaseException, path: Path) -> str:
    """Where in the instructor's file an error came from, and what it was."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return f"line {error.lineno}: {error.msg}"
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == str(path)]
    return f"line {lines[-1] if lines else '?'}: {type(error).__name__}: {error}"

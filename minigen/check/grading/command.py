"""The command `python -m minigen.check`: its flags, what it refuses before anything runs, and its exit status."""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from minigen import console
from minigen.check.grading import report
from minigen.check.grading.cases import Case, check_names, read_cases
from minigen.check.grading.mutants import prove
from minigen.check.grading.process import Limits
from minigen.check.grading.run import Result, grade
from minigen.check.grading.shadow import refuse_shadows
from minigen.errors import DataError, SettingError
from minigen.files import write_atomically

USAGE = """Grade notebooks and modules by the cases an instructor wrote.

  python -m minigen.check homework.ipynb --cases cases.py
  python -m minigen.check submissions/*.ipynb --cases cases.py --hidden hidden.py --json results.json
  python -m minigen.check solution.py --cases cases.py --mutants mutants.py       (do the cases bite?)

It EXECUTES what it grades, in a process of its own that is limited, and guarded against accidents and cheap tricks.
That is no jail: isolation is the platform's task (a container, Gradescope's machine).  docs/grading.md says more.

Exit status: 0 every case passed, 1 some failed, 2 bad input, or a case that is at fault itself."""


@dataclass(frozen=True)
class Options:
    """What to grade, and how."""

    submissions: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Modules (.py), notebooks (.ipynb), or folders with one of them."""
    cases: Path
    """The instructor's file of cases."""
    hidden: Path | None = None
    """A second file of cases: hidden from students, without numbers in its messages, with other seeds."""
    json: Path | None = None
    """Where to write the results in Gradescope's form."""
    mutants: Path | None = None
    """A file of wrong versions of the one submission, which is the solution: does each fail a case?"""
    seed: int = 0
    """Added to the seeds of every case."""
    time_limit: float = 60.0
    """Seconds that a submission has to be executed, and then for each case."""
    memory_limit: int = 4096
    """MiB of memory that a submission has."""
    lang: Literal["en", "zh", "both"] | None = None
    """The language of hints; default: what MINIGEN_LANG says, else English."""


def main(argv: list[str] | None = None, searched: str | None = None) -> int:
    """The command; returns the exit status: 0 all passed, 1 some failed, 2 bad input or a case at fault.

    searched: the folder that was first on Python's path when this began, if that was the present one.
    """
    options = tyro.cli(
        Options,
        prog="python -m minigen.check",
        description=USAGE,
        args=sys.argv[1:] if argv is None else argv,
        config=(tyro.conf.FlagCreatePairsOff,),
    )
    with _ended_in_order(), _speaking(options.lang):
        return console.run(lambda: _main(options, searched), "--memory-limit")


def _main(options: Options, searched: str | None) -> int:
    cases, limits = _read(options, searched)
    if options.mutants is not None:
        proven = prove(options.submissions[0], cases, options.mutants, limits, options.seed, print)
        return 0 if proven else 1
    results = []
    for path in options.submissions:
        results.append(grade(path, cases, limits, options.seed))
        if len(results) == 1:
            for text in results[0].unlimited:
                print(f"note: {text}")
        print(report.table(results[-1]), flush=True)
    if len(results) > 1:
        print(report.summary(results))
    if options.json is not None:
        write_atomically(options.json, report.as_json(results))
        print(f"wrote {options.json}")
    return _status(results)


def _status(results: list[Result]) -> int:
    faults = report.faults(results)
    if faults:
        print(f"error: a case is at fault, so its points say nothing of the submissions.\n{faults}", file=sys.stderr)
        return 2
    return 0 if all(result.passed for result in results) else 1


def _read(options: Options, searched: str | None) -> tuple[list[Case], Limits]:
    """The cases and the limits; everything that is wrong with the command line is said here, before anything runs."""
    if not options.submissions:
        raise SettingError("there is nothing to grade; name notebooks, modules or folders.")
    for path in options.submissions:
        if not os.path.lexists(path):
            raise DataError(f"{path}: there is no such file or folder. Name a notebook, a module or a folder.")
        if options.submissions.count(path) > 1:
            raise SettingError(f"{path} is named twice; name each submission once.")
    if searched is not None:
        refuse_shadows(options.submissions, searched)
    if options.seed < 0:
        raise SettingError(f"--seed {options.seed} must be 0 or more.")
    if not 0 < options.time_limit < 1e6:
        raise SettingError(f"--time-limit {options.time_limit:g} must be above 0, in seconds.")
    if options.memory_limit < 256:
        raise SettingError(f"--memory-limit {options.memory_limit} must be at least 256 MiB, or NumPy does not start.")
    if options.json is not None:
        _check_writable(options.json)
    if options.mutants is not None:
        _check_proof(options)
    cases = read_cases(options.cases)
    if options.hidden is not None:
        cases += read_cases(options.hidden, hidden=True)
        check_names(cases, f"{options.cases} and {options.hidden}")
    secret: list[Any] = [options.cases, options.hidden, options.mutants, options.json, *options.submissions]
    folders = [path.resolve().parent for path in (options.cases, options.hidden, options.mutants) if path]
    private = tuple(os.path.abspath(path) for path in [*filter(None, secret), *folders, os.path.expanduser("~")])
    seconds = options.time_limit
    return cases, Limits(seconds, options.memory_limit, (len(cases) + 2) * seconds, private)


def _check_writable(path: Path) -> None:
    """Better told now than when all is graded."""
    if path.is_dir():
        raise SettingError(f"--json {path} is a folder; name a file.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingError(f"--json {path}: its folder cannot be made ({error.strerror}).") from error
    if not os.access(path.parent, os.W_OK):
        raise SettingError(f"--json {path}: its folder cannot be written to.")


def _check_proof(options: Options) -> None:
    if len(options.submissions) != 1:
        raise SettingError("--mutants proves the cases by one solution; name one submission.")
    if options.json is not None:
        raise SettingError("--mutants proves the cases and grades nobody; leave --json out.")


@contextlib.contextmanager
def _speaking(lang: str | None) -> Iterator[None]:
    """Every check speaks this language, unless a case says otherwise."""
    before = os.environ.get("MINIGEN_LANG")
    if lang is not None:
        os.environ["MINIGEN_LANG"] = lang
    try:
        yield
    finally:
        os.environ.pop("MINIGEN_LANG", None)
        if before is not None:
            os.environ["MINIGEN_LANG"] = before


@contextlib.contextmanager
def _ended_in_order() -> Iterator[None]:
    """A platform that loses patience sends SIGTERM: then too the submission's process and folder must go."""

    def stop(number: int, frame: Any) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

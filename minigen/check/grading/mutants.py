"""Do the cases bite?  The instructor's solution must pass them all, and every mutant of it must fail one.

A file of mutants defines one of these, or both; the solution's own names are defined in it already:

    MUTANTS = {"the sign": {"dense_backward": lambda dy, y, x, w: tuple(-d for d in dense_backward(dy, y, x, w))}}
    PLANT = {"dense_backward": (dy, y, x, w)}          # every mutation of minigen.check.mutants that can apply
"""

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from minigen.check.grading.cases import Case
from minigen.check.grading.desk import Desk, desk
from minigen.check.grading.failure import SubmissionError
from minigen.check.grading.load import Loaded
from minigen.check.grading.process import Limits, Process
from minigen.check.grading.remote import ask
from minigen.check.grading.run import Outcome, run
from minigen.errors import DataError


def mutants_of(source: str, label: str, solution: Loaded) -> list[tuple[str, dict[str, Any]]]:
    """(name, {name of a function: wrong function}) of every mutant in the file; in the solution's process.

    ValueError where the file holds none, or replaces what the solution does not define.
    """
    from minigen.check.mutants import plant

    names = dict(solution.names)
    solution.labels[label] = label
    exec(compile(source, label, "exec", dont_inherit=True), names)
    found = list(names.get("MUTANTS", {}).items())
    for name, like in names.get("PLANT", {}).items():
        found += [(f"{name}: {said}", {name: wrong}) for said, wrong in plant(names[name], like)]
    for mutant, changed in found:
        for name in changed:
            if name not in solution.names:
                raise ValueError(f"mutant {mutant!r} replaces {name}, which the solution does not define")
    if not found:
        raise ValueError("it defines neither MUTANTS nor PLANT")
    return found


def prove(
    solution: Path, cases: list[Case], mutants: Path, limits: Limits, offset: int, tell: Callable[[str], None]
) -> bool:
    """Does the solution pass every case, and does every mutant fail one?  Tells a line for each mutant.

    DataError where the file of mutants does not run.
    """
    try:
        source = importlib.util.decode_source(mutants.read_bytes())
    except (OSError, UnicodeDecodeError, SyntaxError) as error:
        raise DataError(f"{mutants}: it cannot be read ({error}). Name a file of Python.") from error
    names: list[str] = []
    number: int | None = None  # of the mutant in the solution's place

    def prepare(process: Process) -> None:
        names[:] = ask(process, "plant", [source, mutants.name], "it")
        ask(process, "mutate", [number], "it")

    def failed(at: Desk) -> Iterator[Outcome]:
        return (outcome for outcome in (run(one, at, offset) for one in cases) if not outcome.passed)

    survivors = []
    with desk(solution, limits, prepare) as at:
        try:
            at.process()
        except SubmissionError as error:
            raise DataError(f"{mutants}: {error}") from error
        for outcome in failed(at):
            tell(f"the solution fails {outcome.case.name!r}: {outcome.fault or outcome.message}")
            return False
        for number, name in enumerate(list(names)):
            at.start_clock()
            ask(at.process(), "mutate", [number], name)
            bitten = next(failed(at), None)
            if bitten is not None:  # mistakes come in families: the case that caught this one is asked first
                cases = sorted(cases, key=lambda one: one is not bitten.case)
            survivors += [name] if bitten is None else []
            why = bitten.message.splitlines()[0][:100] if bitten and bitten.message else ""
            tell(f"  {name}: " + (f"caught by {bitten.case.name!r}: {why}" if bitten else "SURVIVES"))
    tell(f"the solution passes {len(cases)} cases; of {len(names)} mutants they catch {len(names) - len(survivors)}")
    if survivors:
        tell(f"no case tells these from the solution: {', '.join(survivors)}")
    return not survivors

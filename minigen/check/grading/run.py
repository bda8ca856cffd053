"""Cases over a submission: which pass, which fail and why, and which could not be judged at all."""

import contextlib
import importlib.util
import io
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from minigen.check.grading.cases import Case, blame
from minigen.check.grading.desk import Desk, desk
from minigen.check.grading.failure import SubmissionError
from minigen.check.grading.process import Limits
from minigen.check.grading.remote import Submission, texts
from minigen.check.speak import titled
from minigen.check.verdict import UNTESTED, CheckError

UNJUDGED = "not judged: the case itself failed, and not the submission; tell your instructor"


@dataclass
class Outcome:
    """What came of one case."""

    case: Case
    passed: bool
    message: str = ""  # why not
    printed: str = ""  # by the check, and by the submission
    untested: str = ""  # what a check could not test, though it passed
    fault: str = ""  # how the case itself failed, for the instructor

    @property
    def score(self) -> float:
        """All the points, or none."""
        return self.case.points if self.passed else 0.0


@dataclass
class Result:
    """What came of one submission."""

    path: Path
    outcomes: list[Outcome] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)  # what failed while it was executed
    beside: list[str] = field(default_factory=list)  # what else might have been meant
    printed: str = ""  # meanwhile
    unlimited: list[str] = field(default_factory=list)  # limits that the platform does not keep
    seconds: float = 0.0

    @property
    def score(self) -> float:
        """The sum of the points."""
        return sum(outcome.score for outcome in self.outcomes)

    @property
    def points(self) -> float:
        """The most there is."""
        return sum(outcome.case.points for outcome in self.outcomes)

    @property
    def passed(self) -> bool:
        """Did every case pass?"""
        return all(outcome.passed for outcome in self.outcomes)


def grade(path: Path, cases: list[Case], limits: Limits, offset: int = 0) -> Result:
    """Run every case on the submission at `path`; offset is added to every seed.

    Visible cases first: a submission could keep what it saw in a hidden one, and print it in a visible one.
    """
    started = time.monotonic()
    result = Result(path)
    outcomes: dict[int, Outcome] = {}
    with desk(path, limits) as at:
        with contextlib.suppress(SubmissionError):  # every case will say so
            result.failed = texts(at.process(), "failed")
            result.unlimited = at.process().unlimited
        result.printed, result.beside = at.printed(), at.room.beside
        for k in sorted(range(len(cases)), key=lambda k: cases[k].visibility != "visible"):
            outcomes[k] = run(cases[k], at, offset)
    result.outcomes = [outcomes[k] for k in range(len(cases))]
    result.seconds = time.monotonic() - started
    return result


def run(case: Case, at: Desk, offset: int) -> Outcome:
    """One case at its seeds, the first that fails decides."""
    at.start_clock()
    visits = at.visits
    outcome = Outcome(case, True)
    for seed in case.seeds:
        shown = io.BytesIO()
        with io.TextIOWrapper(shown, "utf-8", write_through=True) as stream:
            with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
                _judge(outcome, case, at, seed + offset)
            said = shown.getvalue().decode("utf-8")
            outcome.printed = said * case.reveal
            outcome.untested = next((line for line in said.splitlines() if UNTESTED in line), outcome.untested)
        if not outcome.passed:
            break
    try:
        at.settle()
    except SubmissionError as error:
        outcome.passed, outcome.message = False, str(error)
    if outcome.passed and at.visits == visits:
        _not_judged(outcome, "it asks nothing of the submission, so everybody would pass")
    if case.visibility == "visible":
        outcome.printed += at.printed()
    return outcome


def _judge(outcome: Outcome, case: Case, at: Desk, seed: int) -> None:
    """One seed of a case; what went wrong goes into the outcome."""
    path = Path(case.check.__code__.co_filename)
    try:
        with titled(case.name):
            answer = case.check(Submission(at.process), np.random.default_rng(seed))
    except AssertionError as error:
        outcome.passed = False
        outcome.message = _told(error, case, path)
        if case.reveal and len(case.seeds) > 1:
            outcome.message += f"\n(at seed {seed} of the case)"
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        where = "".join(traceback.format_exception(error))
        _not_judged(outcome, f"at seed {seed}, {path.name}, {blame(error, path)}\n{where}")
    else:
        if answer is not None:  # False would pass unseen
            _not_judged(outcome, f"it returned {answer!r:.80}; a case returns None, or raises")


def _told(error: AssertionError, case: Case, path: Path) -> str:
    """The message of a case that failed; without numbers where none may be shown."""
    if isinstance(error, CheckError):
        return error.finding.text(case.reveal and error.finding.reveal)
    if isinstance(error, SubmissionError):
        return str(error) if case.reveal else error.hidden
    if not case.reveal:
        return "it does not hold"  # its own words may hold the numbers
    return str(error).strip() or f"this does not hold: {_claim(error, path)}"


def _claim(error: AssertionError, path: Path) -> str:
    """The bare assertion as it stands in the instructor's file."""
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == str(path)]
    source: list[str] = []
    with contextlib.suppress(OSError, UnicodeDecodeError, SyntaxError):
        source = importlib.util.decode_source(path.read_bytes()).splitlines()
    if not lines or lines[-1] > len(source):  # it is not the file any more that was executed
        return type(error).__name__
    return f"{source[lines[-1] - 1].strip()} ({path.name}, line {lines[-1]})"


def _not_judged(outcome: Outcome, why: str) -> None:
    outcome.passed, outcome.message, outcome.fault = False, UNJUDGED, why
    if outcome.case.reveal:
        outcome.message += f"\n{why.splitlines()[0]}"

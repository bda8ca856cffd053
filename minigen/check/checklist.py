"""checklist: every check of a lesson or notebook once more, at its end, one line each."""

import contextlib
import io
import time
from collections.abc import Callable, Sequence
from typing import Any

from minigen.check.speak import name_of, say
from minigen.errors import SettingError


def checklist(
    checks: Sequence[Callable[[], Any]], *, started: float | None = None, budget_s: float | None = None
) -> None:
    """Call every check and say whether it holds, fails or is still to do; then raise what the first failure raised.

    checks: functions without arguments that raise where something does not hold.  NotImplementedError means an exercise
    that nobody has done yet: it is listed and fails nothing.  What the checks print is not shown again.
    started: time.perf_counter() of when the notebook began, and budget_s the seconds it was meant to take; the last
    line has both.  A slower machine is told so, and fails nothing.  SettingError where there is no check.

    >>> def one_is_one(): assert 1 == 1
    >>> def exercise(): raise NotImplementedError("exercise A")
    >>> checklist([one_is_one, exercise])
    holds        one_is_one
    still to do  exercise
    1 holds, 1 still to do
    """
    if not checks:
        raise SettingError("checklist: no check was given; hand over a list of functions.")
    counts = {"holds": 0, "fails": 0, "still to do": 0}
    failure: Exception | None = None
    for check in checks:
        verdict = "holds"
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                check()
        except NotImplementedError:
            verdict = "still to do"
        except Exception as error:  # of any kind: it is raised again below, once the others have been asked
            verdict, failure = "fails", failure or error
        counts[verdict] += 1
        say(f"{verdict:<13}{name_of(check)}")
    say(", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count) + _seconds(started, budget_s))
    if failure is not None:
        raise failure


def _seconds(started: float | None, budget_s: float | None) -> str:
    """What the last line says of the time, if anything."""
    if started is None:
        return ""
    taken = time.perf_counter() - started
    if budget_s is None:
        return f"; {taken:.0f} s"
    late = ": this machine is slower, or busy" if taken > budget_s else ""
    return f"; {taken:.0f} s, planned {budget_s:g} s{late}"

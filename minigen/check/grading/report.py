"""What the grader says: a table on stdout, and Gradescope's JSON."""

import json
from pathlib import Path
from typing import Any

from minigen.check.grading.failure import cleaned
from minigen.check.grading.run import Outcome, Result

FIRST = 100  # characters of a message in the table
MOST = 30_000  # characters of one output in the JSON


def table(result: Result) -> str:
    """A line a case: name, points, and the first line of why not."""
    width = max(len(outcome.case.name) for outcome in result.outcomes)
    lines = [cleaned(str(result.path))]
    for outcome in result.outcomes:
        marks = f"{outcome.score:g}/{outcome.case.points:g}"
        sight = "" if outcome.case.visibility == "visible" else f"  [{outcome.case.visibility}]"
        why = f"  {_first(outcome)}" if not outcome.passed else ""
        lines.append(f"  {outcome.case.name:<{width}}  {marks:>7}{sight}{why}")
    lines += [f"  note: {text.splitlines()[0][:300]}" for text in result.failed + result.beside]
    lines += [f"  note: case {o.case.name!r} passed, but {o.untested}" for o in result.outcomes if o.untested]
    lines.append(f"  {'total':<{width}}  {result.score:>5g}/{result.points:g}  in {result.seconds:.1f} s")
    return "\n".join(lines)


def summary(results: list[Result]) -> str:
    """A line a submission."""
    names = [cleaned(str(result.path)) for result in results]
    width = max(map(len, names))
    lines = [f"  {name:<{width}}  {r.score:>5g}/{r.points:g}" for name, r in zip(names, results, strict=True)]
    whole = sum(result.passed for result in results)
    return "\n".join([f"{len(results)} submissions, {whole} with every case passed", *lines])


def faults(results: list[Result]) -> str:
    """What the instructor must mend, each once; empty if nothing."""
    found = {f"case {o.case.name!r}: {o.fault}": r.path for r in results for o in r.outcomes if o.fault}
    return "\n".join(f"{text.rstrip()}\n  (with {path})" for text, path in found.items())


def _first(outcome: Outcome) -> str:
    line = outcome.message.splitlines()[0] if outcome.message else ""
    return line if len(line) <= FIRST else line[: FIRST - 1] + "…"


def gradescope(result: Result) -> dict[str, Any]:
    """One submission in the form of Gradescope's results.json."""
    output = [*result.failed, *([f"printed while it was executed:\n{result.printed}"] if result.printed else [])]
    unjudged = sum(bool(outcome.fault) for outcome in result.outcomes)
    if unjudged:
        output.insert(0, f"{unjudged} of {len(result.outcomes)} cases could not be judged: the score is not final")
    return {
        "score": result.score,
        "execution_time": round(result.seconds, 3),
        "output": "\n".join(output)[:MOST],
        "stdout_visibility": "hidden",
        "tests": [
            {
                "name": outcome.case.name,
                "score": outcome.score,
                "max_score": outcome.case.points,
                "status": "passed" if outcome.passed else "failed",
                "output": "\n".join(filter(None, (outcome.message, outcome.printed.rstrip())))[:MOST],
                "visibility": outcome.case.visibility,
            }
            for outcome in result.outcomes
        ],
    }


def as_json(results: list[Result]) -> bytes:
    """The file for --json: Gradescope's form for one submission, {"submissions": {path: that form}} for several."""
    forms: dict[Path, dict[str, Any]] = {result.path: gradescope(result) for result in results}
    whole: Any = {"submissions": {str(path): form for path, form in forms.items()}}
    if len(results) == 1:
        (whole,) = forms.values()
    return (json.dumps(whole, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")

"""Grading in tests: a submission from a text, cases from functions; and no test imports a submission."""

import dataclasses
from pathlib import Path

import pytest

from minigen.check.grading.cases import Case
from minigen.check.grading.process import Limits
from minigen.check.grading.run import grade

collect_ignore = ["submissions"]


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """graded(path or text of a module, {name: check(submission, rng)}) → {name: outcome}, and the whole as .result."""

    class Outcomes(dict):
        result = None

    def run(submission, checks, *, visibility="visible", reveal=True, seeds=(0,), offset=0, **limits):
        path = submission
        if not isinstance(submission, Path):
            path = tmp_path_factory.mktemp("handed in") / "solution.py"
            path.write_text(submission, encoding="utf-8")
        cases = [Case(name, check, 1.0, visibility, seeds, reveal) for name, check in checks.items()]
        result = grade(path, cases, dataclasses.replace(Limits(), **limits), offset)
        outcomes = Outcomes((outcome.case.name, outcome) for outcome in result.outcomes)
        outcomes.result = result
        return outcomes

    return run

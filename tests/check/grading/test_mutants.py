"""--mutants: the solution passes, each mutant fails, and a blind case lets its mutants survive by name."""

from pathlib import Path

import pytest

from minigen.check.grading.command import main

SOLUTION = """
import numpy as np

def dense(x, w):
    return x @ w

def dense_backward(dy, y, x, w):
    return dy @ w.T, x.T @ dy

def loss(x, w):
    return float((dense(x, w) ** 2).mean())
"""

CASES = """
import numpy as np
from minigen.check import op_check, value_check
from minigen.check.grading import case


@case("value")
def _(submission, rng):
    x, w = rng.normal(size=(4, 3)), rng.normal(size=(3, 2))
    value_check(submission.loss, [([x, w], lambda x, w: ((x @ w) ** 2).mean())])


@case("gradient")
def _(submission, rng):
    op_check(submission.dense, submission.dense_backward, [rng.normal(size=(4, 3)), rng.normal(size=(3, 2))])
"""

BLIND = """
import numpy as np
from minigen.check.grading import case


@case("the sums are right")
def _(submission, rng):
    x, w = np.ones((4, 3)), np.ones((3, 2))
    dx, dw = submission.dense_backward(np.ones((4, 2)), x @ w, x, w)
    assert dx.sum() == 24 and dw.sum() == 24
"""

MUTANTS = """
def by_name(x, w):
    return float((dense(x, w) ** 2).sum())

def endless(dy, y, x, w):
    while True:
        pass

MUTANTS = {
    "sum for mean": {"loss": by_name},
    "its helper": {"dense": lambda x, w: 2 * (x @ w)},
    "never ends": {"dense_backward": endless},
    "ends itself": {"dense_backward": lambda *args: __import__("os")._exit(0)},
    "sign": {"dense_backward": lambda dy, y, x, w: tuple(-d for d in dense_backward(dy, y, x, w))},
}
"""

PLANT = """
import numpy as np
rng = np.random.default_rng(0)
x, w, dy = rng.normal(size=(4, 3)), rng.normal(size=(3, 2)), rng.normal(size=(4, 2))
PLANT = {"dense_backward": (dy, x @ w, x, w)}
"""


@pytest.fixture
def prove(tmp_path, monkeypatch, capsys):
    def run(cases, mutants, solution=SOLUTION, limit="1"):
        monkeypatch.chdir(tmp_path)
        for name, text in {"cases.py": cases, "mutants.py": mutants, "solution.py": solution}.items():
            Path(name).write_text(text)
        arguments = ["solution.py", "--cases", "cases.py", "--mutants", "mutants.py", "--time-limit", limit]
        return main(arguments), *capsys.readouterr()

    return run


def test_every_mutant_is_caught_by_a_case(prove):
    status, out, err = prove(CASES, MUTANTS)
    assert (status, err) == (0, ""), out + err
    *lines, last = out.splitlines()
    assert [line.split(": ")[:2] for line in lines] == [
        ["  sum for mean", "caught by 'value'"],
        ["  its helper", "caught by 'value'"],
        ["  never ends", "caught by 'gradient'"],
        ["  ends itself", "caught by 'gradient'"],
        ["  sign", "caught by 'gradient'"],
    ]
    assert "is wrong" in lines[0] and "ended its own process" in lines[3]  # a crash would be seen to be one
    assert last == "the solution passes 2 cases; of 5 mutants they catch 5"


def test_a_blind_case_is_found_out(prove):
    status, out, _ = prove(BLIND, PLANT + MUTANTS, limit="2")
    assert status == 1
    assert "  dense_backward: sign for x: caught by 'the sums are right'" in out
    assert "  dense_backward: transposed for x: SURVIVES" in out and "  sum for mean: SURVIVES" in out
    assert out.splitlines()[-1].startswith("no case tells these from the solution: sum for mean, its helper, dense_")


@pytest.mark.slow
def test_all_that_is_planted_is_caught(prove):
    status, out, err = prove(CASES, PLANT, limit="10")
    assert (status, err) == (0, ""), out + err
    assert "in float32 for w: caught by 'gradient'" in out and "changes an input: caught by 'gradient'" in out


def test_a_solution_that_fails_proves_nothing(prove):
    status, out, _ = prove(CASES, MUTANTS, SOLUTION.replace("x.T @ dy", "-(x.T @ dy)"))
    assert status == 1 and out.startswith(
        "the solution fails 'gradient': dense: the gradient with respect to w is wrong"
    )
    assert "sum for mean" not in out


BAD = {
    "no mutant": ("x = 1\n", "mutants.py: it raised ValueError: it defines neither MUTANTS nor PLANT"),
    "a name that is none": (
        'MUTANTS = {"a": {"dence": dense}}\n',
        "mutant 'a' replaces dence, which the solution does not define",
    ),
    "an error": ("\nx = 1 / 0\n", "mutants.py: it raised ZeroDivisionError: division by zero (mutants.py, line 2"),
    "a syntax error": ("x = (\n", "mutants.py: it raised SyntaxError: '(' was never closed (mutants.py, line 1"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_of_mutants_that_does_not_run_is_bad_input(prove, name):
    mutants, why = BAD[name]
    status, out, err = prove(CASES, mutants)
    assert status == 2 and out == "" and err.startswith("error: ") and why in err

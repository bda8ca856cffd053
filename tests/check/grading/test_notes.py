"""What the grader tells besides marks: what was not tested, what else was meant, which line of a case does not hold."""

import textwrap

import pytest

from minigen.check.grading.command import main


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MINIGEN_LANG", raising=False)

    def write(**files):
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/").replace("_py", ".py").replace("_ipynb", ".ipynb")
            path.parent.mkdir(exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")

    return write


RIGHT = """
    import numpy as np
    def square(x):
        return x * x
    def square_backward(dy, y, x):
        return 2 * dy * x
"""
CASES = """
    import numpy as np
    from minigen.check import op_check
    from minigen.check.grading import case

    @case("square: the gradient")
    def gradient(submission, rng):
        op_check(submission.square, submission.square_backward, [AT])
"""


def test_a_case_that_tests_nothing_of_an_input_is_noted(place, capsys):
    product = RIGHT.replace("(x)", "(x, w)").replace("x * x", "x * w").replace("y, x)", "y, x, w)")
    product = product.replace("2 * dy * x", "dy * w, dy * x")
    place(right_py=product, cases_py=CASES.replace("AT", "np.ones(3), np.zeros(3)"))
    assert main(["right.py", "--cases", "cases.py"]) == 0
    out = capsys.readouterr().out
    assert "note: case 'square: the gradient' passed, but" in out and "x: the true gradient is 0 here" in out
    place(cases_py=CASES.replace("AT", "np.ones(3), np.ones(3)"))
    assert main(["right.py", "--cases", "cases.py"]) == 0
    assert "note" not in capsys.readouterr().out


def test_what_lies_beside_the_graded_file_is_named(place, capsys):
    place(hand__a_ipynb='{"cells": []}', hand__solution_py=RIGHT, cases_py=CASES.replace("AT", "np.ones(3)"))
    assert main(["hand", "--cases", "cases.py"]) == 1
    assert "note: graded a.ipynb; beside it lies solution.py" in capsys.readouterr().out


def test_a_syntax_error_stands_before_what_it_causes(place, capsys):
    place(broken_py="def square(x:\n    pass\n", cases_py=CASES.replace("AT", "np.ones(3)"))
    assert main(["broken.py", "--cases", "cases.py"]) == 1
    line = next(line for line in capsys.readouterr().out.splitlines() if "0/1" in line)
    assert "SyntaxError" in line and line.index("SyntaxError") < 90


def test_a_bare_assertion_is_quoted(place, capsys):
    cases = """
        from minigen.check.grading import case

        @case("three")
        def three(submission, rng):
            assert submission.square(3.0) == 10
    """
    place(right_py=RIGHT, cases_py=cases)
    assert main(["right.py", "--cases", "cases.py"]) == 1
    assert "this does not hold: assert submission.square(3.0) == 10 (cases.py, line 6)" in capsys.readouterr().out


def test_a_function_without_a_name_goes_by_its_case(place, capsys):
    cases = CASES.replace("AT", "np.ones(3)").replace(
        "submission.square,", "lambda x: submission.square(x) + 0 * x, lambda dy, y, x: 3 *"
    )
    cases = cases.replace("3 * submission.square_backward,", "3 * submission.square_backward(dy, y, x),")
    place(right_py=RIGHT, cases_py=cases)
    assert main(["right.py", "--cases", "cases.py"]) == 1
    assert "square: the gradient: the gradient with respect to x is wrong" in capsys.readouterr().out

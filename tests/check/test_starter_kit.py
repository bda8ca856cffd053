"""The instructor's starter kit: its editions are fresh, the solution passes, everything else is caught and told why."""

import contextlib
import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from minigen.check.grading.cases import read_cases
from minigen.check.grading.command import main
from minigen.check.mutants import plant

KIT = Path(__file__).parents[2] / "lessons" / "instructor"
HOME = KIT / "assignment"
CASES = ["--cases", str(HOME / "cases.py"), "--hidden", str(HOME / "hidden.py")]
EXERCISES = ("dense", "generator_loss", "batch_norm", "conv_transpose")


def load(path):
    """A file of the kit as a module."""
    spec = importlib.util.spec_from_file_location(f"kit_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look there
    spec.loader.exec_module(module)
    return module


make = load(HOME / "make.py")
ANSWERS = [cell.text for cell in make.read_cells(HOME / "backward.py") if cell.kind == "answer"]
SOLVED = "\n\n\n".join(["import numpy as np", *ANSWERS]) + "\n"

WRONG = SOLVED.replace("dy.sum(axis=0)", "dy.mean(axis=0)")  # of the dense layer's bias
HINT = "4 is the length of axis 0 of x: a mean where a sum is meant"


def cells(path, kind="code"):
    """(nbgrader's metadata, source) of every cell of one kind in a notebook."""
    found = json.loads(path.read_text(encoding="utf-8"))["cells"]
    found = [cell for cell in found if cell["cell_type"] == kind]
    return [(cell["metadata"].get("nbgrader", {"grade": False}), "".join(cell["source"])) for cell in found]


def marks(path):
    """{name of a test: (score, most, visibility, output)} of a results.json."""
    tests = json.loads(path.read_text(encoding="utf-8"))["tests"]
    return {t["name"]: (t["score"], t["max_score"], t["visibility"], t["output"]) for t in tests}


def run(*command, cwd, status=0, **environment):
    """A command that must end with this status and leave stderr empty; returns its stdout."""
    environment = {**os.environ, **environment}
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, env=environment)
    assert (done.returncode, done.stderr) == (status, "")
    return done.stdout


# The editions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", make.editions(), ids=lambda path: str(path.relative_to(KIT)))
def test_an_edition_is_what_its_sources_make(path):
    assert path.read_text(encoding="utf-8") == make.editions()[path], "run lessons/instructor/assignment/make.py"


@pytest.mark.parametrize("path", [HOME / "student.ipynb", KIT / "classroom" / "answers.py"], ids=lambda path: path.name)
def test_a_student_gets_no_answer_and_no_hidden_case(path):
    text = "\n".join(source for _, source in cells(path)) if path.suffix == ".ipynb" else path.read_text("utf-8")
    solutions = [part[0] for answer in ANSWERS for part in make.SOLUTION.finditer(answer)]
    hidden = [case.calling("") for case in make.read_cases(HOME / "hidden.py", hidden=True)]
    lines = {line.strip() for part in [*solutions, *hidden] for line in part.splitlines() if len(line.split()) > 2}
    public = "\n".join(case.calling("") for case in make.read_cases(HOME / "cases.py"))
    secret = {line for line in lines if line not in public}
    assert len(solutions) == 8 and len(secret) > 60
    assert [line for line in secret if line in text] == []
    assert text.count("raise NotImplementedError()\n") + text.endswith("raise NotImplementedError()") >= 8


def test_the_marks_are_those_of_the_rubric():
    graded = [nbgrader for nbgrader, _ in cells(HOME / "solution.ipynb") if nbgrader["grade"]]
    cases = [*read_cases(HOME / "cases.py"), *read_cases(HOME / "hidden.py", hidden=True)]
    assert sorted(case.check.__name__ for case in cases) == sorted(nbgrader["grade_id"] for nbgrader in graded)
    assert [(case.name, case.points) for case in cases] == [
        (f"{exercise}: {what}{more}", points)
        for more, shares in (("", (1, 2, 1)), (", hidden", (3, 2, 1)))
        for exercise in EXERCISES
        for what, points in zip(("value", "gradient", "invariant"), shares, strict=True)
    ]


# The cases ------------------------------------------------------------------------------------------------------------


def test_the_solution_passes_every_case(capsys):
    assert main([str(HOME / "solution.ipynb"), *CASES]) == 0
    assert "40/40" in capsys.readouterr().out


def test_an_unfilled_student_edition_gets_nothing_and_is_told_where(tmp_path):
    results = tmp_path / "results.json"
    assert main([str(HOME / "student.ipynb"), *CASES, "--json", str(results)]) == 1
    found = marks(results)
    assert len(found) == 24
    for name, (score, _, visibility, output) in found.items():
        assert score == 0
        assert visibility == ("hidden" if "hidden" in name else "visible")
        exercise = name.partition(":")[0]
        assert f"{exercise} is not written yet (code cell" in output.partition("\n")[0]


def test_a_wrong_gradient_costs_the_marks_of_the_gradient_and_is_told_why(tmp_path):
    submission, results = tmp_path / "answers.py", tmp_path / "results.json"
    submission.write_text(WRONG, encoding="utf-8")
    assert main([str(submission), *CASES, "--json", str(results)]) == 1
    lost = {name: output for name, (score, most, _, output) in marks(results).items() if score < most}
    assert list(lost) == ["dense: gradient", "dense: gradient, hidden"]
    assert HINT in lost["dense: gradient"]
    headline, where, _, hint, *_ = lost["dense: gradient"].splitlines()
    for page in (KIT / "README.md", KIT / "classroom" / "README.md", KIT / "otter" / "README.md"):
        text = page.read_text(encoding="utf-8")
        assert all(f"{line}\n" in text for line in (headline, where, hint)), f"{page} shows another message"
    assert "numbers" in lost["dense: gradient"] and "numbers" not in lost["dense: gradient, hidden"]


def test_a_missing_return_is_the_submissions_fault_and_not_the_cases(tmp_path):
    submission, results = tmp_path / "answers.py", tmp_path / "results.json"
    names = [line.split("(")[0][4:] for line in SOLVED.splitlines() if line.startswith("def ")]
    submission.write_text("\n".join(f"def {name}(*inputs, **settings): pass" for name in names), encoding="utf-8")
    main([str(submission), *CASES, "--json", str(results)])
    found = {name: (score, output) for name, (score, _, _, output) in marks(results).items()}
    assert len(names) == 8 and len(found) == 24
    for score, output in found.values():
        assert score == 0
        # (a hidden case keeps the text of its own assertions to itself)
        assert "is a return missing?" in output or "must return" in output or output.startswith("it does not hold")


ZERO_FORWARD = """
def dense(x, w, b): return np.zeros((len(x), w.shape[1]))
def generator_loss(logits): return 0.0
def batch_norm(x, gamma, beta, eps=1e-5): return np.zeros_like(x)
def conv_transpose(x, w, stride=2):
    (N, H, W, _), (K, L, OC, _) = x.shape, w.shape
    return np.zeros((N, (H - 1) * stride + K, (W - 1) * stride + L, OC))
"""
ZERO_BACKWARD = """
def dense_backward(dy, y, x, w, b): return np.zeros_like(x), np.zeros_like(w), np.zeros_like(b)
def generator_loss_backward(dy, y, logits): return np.zeros_like(logits)
def batch_norm_backward(dy, y, x, gamma, beta, eps=1e-5):
    return np.zeros_like(x), np.zeros_like(gamma), np.zeros_like(beta)
def conv_transpose_backward(dy, y, x, w, stride=2): return np.zeros_like(x), np.zeros_like(w)
"""
ZEROS = {  # what replaces the solution's functions, what each exercise then earns
    "forward and backward": (ZERO_FORWARD + ZERO_BACKWARD, [0, 0, 0, 0]),
    "forward, beside a right backward": (ZERO_FORWARD, [0, 0, 0, 0]),
    # the value's 4, and the invariants that ask nothing of the backward
    "backward, beside a right forward": (ZERO_BACKWARD, [4, 6, 5, 5]),
}


@pytest.mark.parametrize(("functions", "expected"), ZEROS.values(), ids=ZEROS)
def test_zeros_of_the_right_shapes_earn_nothing(functions, expected, tmp_path):
    submission, results = tmp_path / "answers.py", tmp_path / "results.json"
    submission.write_text(SOLVED + functions, encoding="utf-8")
    main([str(submission), *CASES, "--json", str(results)])
    found = marks(results)
    assert len(found) == 24
    earned = [sum(score for name, (score, *_) in found.items() if name.startswith(f"{e}:")) for e in EXERCISES]
    assert earned == expected


def passes(changed, cases, seeds=None):
    """Does the solution with some of its functions changed pass every case?"""
    submission = types.SimpleNamespace(**{**solution(), **changed})
    with contextlib.redirect_stdout(io.StringIO()):
        for case in cases:
            for seed in seeds or case.seeds:
                try:
                    case.check(submission, np.random.default_rng(seed))
                except Exception:  # a check that fails, or what was changed itself
                    return False
    return True


def solution():
    """What the solution defines."""
    names = {}
    exec(compile(SOLVED, "solution", "exec"), names)
    return names


def mutants():
    """{name: {function: wrong function}} of mutants.py, and of what it has planted."""
    names = solution()
    exec(compile((HOME / "mutants.py").read_text(encoding="utf-8"), "mutants.py", "exec"), names)
    planted = {
        f"{function}: {said}": {function: wrong}
        for function, like in names["PLANT"].items()
        for said, wrong in plant(names[function], like)
    }
    return {**names["MUTANTS"], **planted}


def test_the_cases_hold_for_any_seed():
    assert passes({}, [*read_cases(HOME / "cases.py"), *read_cases(HOME / "hidden.py")], range(7000, 7010))


@pytest.mark.parametrize("exercise", EXERCISES)
def test_every_mutant_is_caught(exercise):
    cases = [*read_cases(HOME / "cases.py"), *read_cases(HOME / "hidden.py", hidden=True)]
    cases = [case for case in cases if case.name.startswith(f"{exercise}:")]
    mine = {name: changed for name, changed in mutants().items() if exercise in "".join(changed)}
    assert len(mine) > 10
    assert [name for name, changed in mine.items() if passes(changed, cases)] == []


# Where it is run ------------------------------------------------------------------------------------------------------


def test_the_solution_notebook_runs_from_top_to_bottom_and_says_nothing_on_stderr(tmp_path):
    code = "\n\n".join(source for _, source in cells(HOME / "solution.ipynb"))
    (tmp_path / "notebook.py").write_text(code, encoding="utf-8")
    lines = run(sys.executable, "-W", "error", "notebook.py", cwd=tmp_path).splitlines()
    assert len(lines) >= 24
    assert [line for line in lines if "_check " not in line or " right" not in line] == []


def test_the_classroom_edition_is_graded_by_pytest(tmp_path):
    shutil.copy(KIT / "classroom" / "test_answers.py", tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (tmp_path / "answers.py").write_text(SOLVED, encoding="utf-8")
    assert "12 passed" in run(sys.executable, "-m", "pytest", "-q", cwd=tmp_path)
    (tmp_path / "answers.py").write_text(WRONG, encoding="utf-8")
    out = run(sys.executable, "-m", "pytest", "-q", "-k", "dense", cwd=tmp_path, status=1)
    assert "1 failed, 2 passed, 9 deselected" in out and HINT in out


def test_the_classrooms_workflow_asks_for_three_tests_of_each_exercise():
    workflow = (KIT / "classroom" / "classroom.yml").read_text(encoding="utf-8")
    tests = (KIT / "classroom" / "test_answers.py").read_text(encoding="utf-8")
    for exercise in EXERCISES:
        assert workflow.count(f"python -m pytest -k {exercise}\n") == 1
        assert tests.count(f"def test_{exercise}_") == 3


@pytest.mark.skipif(os.name != "posix", reason="Gradescope runs Linux, and so does its script")
def test_gradescopes_script_writes_its_results(tmp_path):
    for folder in ("source", "submission", "results", "venv/bin"):
        (tmp_path / folder).mkdir(parents=True)
    for path in (HOME / "cases.py", HOME / "hidden.py", KIT / "gradescope" / "run_autograder"):
        shutil.copy(path, tmp_path / "source")
    python = tmp_path / "venv" / "bin" / "python"  # setup.sh makes the real one
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    shutil.copy(HOME / "student.ipynb", tmp_path / "submission")
    script = shutil.copy(tmp_path / "source" / "run_autograder", tmp_path)  # Gradescope copies it there
    run(script, cwd=tmp_path, AUTOGRADER_ROOT=str(tmp_path))
    found = marks(tmp_path / "results" / "results.json")
    assert [sum(column) for column in list(zip(*found.values(), strict=True))[:2]] == [0, 40]

"""Every lesson is run in a kernel of its own: answered, unanswered, answered wrongly, and at another seed."""

import json
import os
import subprocess
import sys

import pytest
from editions import HERE

MOST_S = 60  # for one lesson
CHECK_ERRORS = {"AssertionError", *(f"{kind}CheckError" for kind in ("", "Value", "Grad", "Adjoint", "Invariant"))}


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("ipython")


@pytest.fixture
def solved(lesson, runs):
    return runs(lesson.name, "solved")


@pytest.fixture
def unanswered(lesson, runs):
    return runs(lesson.name, "exercise")


def test_the_solved_edition_passes_and_writes_nothing_to_stderr(solved):
    assert (solved["failed"], solved["stderr"]) == ({}, "")


def test_checks_hold_at_other_seeds_too(solved):
    assert solved["other seeds"] == {}


def test_every_planted_wrong_answer_is_caught_by_a_check(lesson, solved):
    assert len(solved["wrong"]) == len(lesson.of_kind("wrong"))
    for says, error in solved["wrong"].items():
        assert error.split(":")[0] in CHECK_ERRORS, f"{says} {error}"


def test_the_exercise_edition_fails_at_exactly_its_exercise_checks_also_at_another_seed(lesson, unanswered):
    assert unanswered["seed lines"] == 1 and unanswered["stderr"] == ""
    assert sorted(unanswered["failed"]) == sorted(cell.id for cell in lesson.of_kind("check"))
    for name, error in unanswered["failed"].items():
        assert error == f"NotImplementedError: exercise {name[-1].upper()}"


def test_some_lessons_have_sliders(lessons):
    with_slider = [lesson for lesson in lessons if any("ipywidgets" in cell.source for cell in lesson.cells)]
    assert len(with_slider) >= 2


def test_the_exercise_edition_runs_as_if_ipywidgets_were_not_installed(unanswered):
    assert unanswered["hidden"] == "ipywidgets"


def test_a_lesson_takes_less_than_a_minute(solved, unanswered):
    assert max(solved["seconds"], unanswered["seconds"]) < MOST_S


# What these tests would see -------------------------------------------------------------------------------------------

PLANTED = """
import sys
sys.path.insert(0, {home!r})
import editions, running
lesson = editions.read(next(path for path in editions.sources() if path.stem == {name!r}))
for cell in lesson.cells:
    cell.source = cell.source.replace({old!r}, {new!r})
print(running.json.dumps(running.run_{edition}(lesson)))
"""


def planted(old, new, edition, folder):
    code = PLANTED.format(home=str(HERE), name="10_kl_divergence", old=old, new=new, edition=edition)
    environment = {**os.environ, "IPYTHONDIR": str(folder)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    return json.loads(done.stdout)


FAULTS = {
    "a wrong formula": (
        "0.5 * minigen.sum(terms",
        "minigen.sum(terms",
        lambda run: "ValueCheckError" in str(run["failed"]),
    ),
    "a warning": ("started = ", "import warnings; warnings.warn('hm'); started = ", lambda run: "hm" in run["stderr"]),
    "a check of one seed": ("_b(seed=0):", "_b(seed=0):\n    assert seed < 9", lambda run: run["other seeds"]),
    "no wrong answer": (
        "terms.sum()",
        "terms.sum(axis=1).mean()",
        lambda run: "nothing was raised" in str(run["wrong"]),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_a_lesson_is_seen(fault, folder):
    old, new, seen = FAULTS[fault]
    assert seen(planted(old, new, "solved", folder))


def test_a_lesson_that_needs_an_answer_later_on_is_seen(folder):
    run = planted("mu_grid, logvar_grid = ", "nats_per_image(1); mu_grid, logvar_grid = ", "exercise", folder)
    assert len(run["failed"]) > 2

"""The starter kit under the real otter-grader: `otter assign`, then `otter run`, without a container."""

import importlib.util
import json

import pytest

pytestmark = [
    pytest.mark.graders,
    pytest.mark.skipif(not importlib.util.find_spec("otter"), reason="otter-grader is not installed (extra graders)"),
]

QUESTIONS = ["batch_norm", "conv_transpose", "dense", "generator_loss"]
HINT = "hint     every ratio is 1/4, and 4 is the length of axis 0 of x: a mean where a sum is meant\n"


@pytest.fixture(scope="module")
def assigned(tmp_path_factory, kit, commands, run):
    """A folder in which the page's `otter assign` was run, which runs every test on the solution as it goes."""
    root = tmp_path_factory.mktemp("otter")
    source = root / "lessons" / "instructor" / "otter"
    source.mkdir(parents=True)
    (source / "backward.ipynb").write_bytes((kit / "otter" / "backward.ipynb").read_bytes())
    run(root, commands("otter")[0])
    return root


@pytest.fixture
def grade(assigned, answered, commands, run):
    """grade(student): the tests of results.json by name, as the page's `otter run` writes them."""
    released = (assigned / "dist" / "student" / "backward.ipynb").read_text(encoding="utf-8")
    folder = assigned / "handed_in"
    folder.mkdir(exist_ok=True)

    def results(student):
        (folder / "backward.ipynb").write_text(answered(json.loads(released), student), encoding="utf-8")
        run(assigned, commands("otter")[1])
        found = json.loads((folder / "results.json").read_text(encoding="utf-8"))["tests"]
        return {test["name"]: test for test in found}

    return results


def marks(tests):
    return {name: tests[name]["score"] for name in QUESTIONS}


def test_the_student_edition_has_stubs_and_no_hidden_check(assigned):
    text = (assigned / "dist" / "student" / "backward.ipynb").read_text(encoding="utf-8")
    assert text.count("# YOUR CODE HERE") == 8
    assert "hidden_" not in text and "BEGIN" not in text and "x @ w + b" not in text


def test_the_solution_gets_full_marks(grade):
    assert marks(grade("right")) == dict.fromkeys(QUESTIONS, 10)


def test_a_wrong_gradient_loses_the_marks_of_the_gradient_and_is_told_why(grade):
    tests = grade("wrong")
    assert marks(tests) == {**dict.fromkeys(QUESTIONS, 10), "dense": 6}
    public = tests["Public Tests"]
    assert public["status"] == "failed"
    assert "GradCheckError: dense: the gradient with respect to b is wrong" in public["output"]
    assert HINT.strip() in public["output"]


def test_an_empty_notebook_gets_nothing(grade):
    assert marks(grade("empty")) == dict.fromkeys(QUESTIONS, 0)

"""The starter kit under the real nbgrader: release, autograding of four submissions, feedback."""

import html
import importlib.util
import json
import re
import sqlite3

import pytest

pytestmark = [
    pytest.mark.graders,
    pytest.mark.skipif(not importlib.util.find_spec("nbgrader"), reason="nbgrader is not installed (extra graders)"),
]

MESSAGE = (
    "GradCheckError: dense: the gradient with respect to b is wrong\n"
    "where    b[0] of shape (2,); 2 of 2 entries disagree; x and w are right\n"
)
HINT = "hint     every ratio is 1/4, and 4 is the length of axis 0 of x: a mean where a sum is meant\n"


@pytest.fixture(scope="module")
def course(tmp_path_factory, kit, answered, commands, run):
    """A course folder after every command of the page: released, handed in by four students, graded, commented."""
    release, *grade = commands("nbgrader")
    course = tmp_path_factory.mktemp("course")
    (course / "nbgrader_config.py").write_bytes((kit / "nbgrader" / "nbgrader_config.py").read_bytes())
    source = course / "source" / "backward"
    source.mkdir(parents=True)
    (source / "backward.ipynb").write_bytes((kit / "assignment" / "solution.ipynb").read_bytes())
    run(course, release)
    released = (course / "release" / "backward" / "backward.ipynb").read_text(encoding="utf-8")
    for student in ("right", "wrong", "noisy", "empty"):
        folder = course / "submitted" / student / "backward"
        folder.mkdir(parents=True)
        (folder / "backward.ipynb").write_text(answered(json.loads(released), student), encoding="utf-8")
    for line in grade:
        run(course, line)
    return course


@pytest.fixture(scope="module")
def marks(course):
    """marks[student][cell]: (points, of how many), from the gradebook."""
    query = """
        select student.id, base_cell.name, grade.auto_score, grade_cells.max_score from grade
        join base_cell on base_cell.id = grade.cell_id join grade_cells on grade_cells.id = grade.cell_id
        join submitted_notebook on submitted_notebook.id = grade.notebook_id
        join submitted_assignment on submitted_assignment.id = submitted_notebook.assignment_id
        join student on student.id = submitted_assignment.student_id"""
    found: dict[str, dict[str, tuple[float, float]]] = {}
    connection = sqlite3.connect(course / "gradebook.db")
    for student, cell, points, most in connection.execute(query):
        found.setdefault(student, {})[cell] = (points, most)
    connection.close()
    return found


def lost(marks):
    return sorted(cell for cell, (points, most) in marks.items() if points < most)


def notebook(course, folder, student=""):
    return json.loads((course / folder / student / "backward" / "backward.ipynb").read_text(encoding="utf-8"))


def test_what_nbgrader_releases_is_the_student_edition(course, kit):
    ours = json.loads((kit / "assignment" / "student.ipynb").read_text(encoding="utf-8"))
    theirs = notebook(course, "release")
    assert [(cell["id"], "".join(cell["source"])) for cell in theirs["cells"]] == [
        (cell["id"], "".join(cell["source"])) for cell in ours["cells"]
    ]


def test_the_solution_gets_exactly_full_marks(marks):
    assert len(marks["right"]) == 24
    assert all(points == most for points, most in marks["right"].values())
    assert sum(points for points, _ in marks["right"].values()) == 40


def test_a_check_leaves_no_value_and_nothing_on_stderr(course):
    graded = [cell for cell in notebook(course, "autograded", "right")["cells"] if cell["cell_type"] == "code"]
    kinds = {(output["output_type"], output.get("name")) for cell in graded for output in cell["outputs"]}
    assert kinds == {("stream", "stdout")}


def test_a_wrong_gradient_loses_the_marks_of_the_gradient_alone(marks):
    assert lost(marks["wrong"]) == ["dense_gradient", "hidden_dense_gradient"]
    assert sum(points for points, _ in marks["wrong"].values()) == 36


def test_the_grades_are_exported_as_the_page_shows(course, kit):
    lines = (course / "grades.csv").read_text(encoding="utf-8").splitlines()
    rows = {line.split(",")[3]: ",".join(line.split(",")[4:]) for line in lines}
    page = (kit / "nbgrader" / "README.md").read_text(encoding="utf-8")
    assert f"backward,,,ada,{rows['right']}" in page and f"backward,,,bo,{rows['wrong']}" in page


def test_anything_on_stderr_costs_the_marks_of_its_cell(marks):
    assert lost(marks["noisy"]) == sorted(cell for cell in marks["noisy"] if "dense" in cell)


def test_an_empty_notebook_gets_nothing(marks):
    assert all(points == 0 for points, _ in marks["empty"].values())


def test_the_feedback_shows_what_the_check_said(course):
    page = (course / "feedback" / "wrong" / "backward" / "backward.html").read_text(encoding="utf-8")
    text = html.unescape(re.sub("<[^>]+>", "", page))
    assert MESSAGE in text and HINT in text

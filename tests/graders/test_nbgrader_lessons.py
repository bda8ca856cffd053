"""A lesson under the real nbgrader: what it hands out, and what it gives for right, wrong and no answers."""

import importlib.util
import json
import re
import sqlite3

import pytest

pytestmark = [
    pytest.mark.graders,
    pytest.mark.skipif(not importlib.util.find_spec("nbgrader"), reason="nbgrader is not installed (extra graders)"),
]

LESSON = "10_kl_divergence"
WRONG = ("terms.sum(axis=1).mean()", "terms.mean()")


@pytest.fixture(scope="module")
def course(tmp_path_factory, kit, run):
    """A course folder: the lesson released, handed in by three students, graded."""
    course = tmp_path_factory.mktemp("course")
    (course / "nbgrader_config.py").write_bytes((kit / "nbgrader" / "nbgrader_config.py").read_bytes())
    source = course / "source" / "kl"
    source.mkdir(parents=True)
    text = (kit / "lessons" / f"{LESSON}.ipynb").read_text(encoding="utf-8")
    (source / "kl.ipynb").write_text(text, encoding="utf-8")
    run(course, "nbgrader generate_assignment kl")
    answers = {cell["id"]: "".join(cell["source"]) for cell in json.loads(text)["cells"]}
    for student in ("right", "wrong", "empty"):
        made = json.loads((course / "release" / "kl" / "kl.ipynb").read_text(encoding="utf-8"))
        for cell in made["cells"]:
            if cell["id"].startswith("exercise") and student != "empty":
                cell["source"] = answers[cell["id"]].replace(*WRONG) if student == "wrong" else answers[cell["id"]]
        folder = course / "submitted" / student / "kl"
        folder.mkdir(parents=True)
        (folder / "kl.ipynb").write_text(json.dumps(made), encoding="utf-8")
    run(course, "nbgrader autograde kl")
    return course


def test_nbgrader_hands_out_no_answers_and_no_hidden_checks(course, kit):
    released = json.loads((course / "release" / "kl" / "kl.ipynb").read_text(encoding="utf-8"))
    ours = json.loads((kit.parent / f"{LESSON}.ipynb").read_text(encoding="utf-8"))
    assert [cell["id"] for cell in released["cells"]] == [cell["id"] for cell in ours["cells"]]
    for theirs, mine in zip(released["cells"], ours["cells"], strict=True):
        text = "".join(theirs["source"])
        assert not re.search("HIDDEN|SOLUTION|1001", text)
        if not theirs["id"].startswith("exercise"):  # there nbgrader has a stub of its own
            assert text.strip() == "".join(mine["source"]).strip()


def test_right_answers_get_full_marks_and_wrong_ones_lose_theirs(course):
    query = """
        select student.id, base_cell.name, grade.auto_score from grade join base_cell on base_cell.id = grade.cell_id
        join submitted_notebook on submitted_notebook.id = grade.notebook_id
        join submitted_assignment on submitted_assignment.id = submitted_notebook.assignment_id
        join student on student.id = submitted_assignment.student_id"""
    connection = sqlite3.connect(course / "gradebook.db")
    marks = {(student, cell): points for student, cell, points in connection.execute(query)}
    connection.close()
    assert marks == {
        ("right", "check-a"): 4,
        ("right", "check-b"): 3,
        ("wrong", "check-a"): 4,
        ("wrong", "check-b"): 0,
        ("empty", "check-a"): 0,
        ("empty", "check-b"): 0,
    }

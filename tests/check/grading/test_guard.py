"""What a submission may not do is refused with a sentence, and what it needs still works."""

import ast
import os
from pathlib import Path

import pytest

from minigen.check.grading.desk import desk
from minigen.check.grading.process import Limits
from minigen.check.grading.remote import Submission

SUBMISSION = Path(__file__).parent / "submissions" / "acts.py"
MINE = "while it is graded, a submission may not "
POSIX_ONLY = ("fork", "spawn", "execute", "descriptor", "thread", "parent's", "its own environment", "pipe", "helper")


def names(group):
    tree = ast.parse(SUBMISSION.read_text(encoding="utf-8"))
    found = next(n.value for n in tree.body if isinstance(n, ast.Assign) and n.targets[0].id == group)
    return [
        pytest.param(
            key.value,
            marks=pytest.mark.skipif(
                os.name != "posix" and any(word in key.value for word in POSIX_ONLY), reason="an act of POSIX"
            ),
        )
        for key in found.keys
    ]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The instructor's folder, with what must not be read."""
    folder = tmp_path_factory.mktemp("instructor")
    for name in ("hidden.py", "solution.py", "other.py"):
        (folder / name).write_text("secret = 42\n")
    return folder


@pytest.fixture(scope="module")
def submission(place):
    with desk(SUBMISSION, Limits(private=(str(place), str(place / "hidden.py")))) as at:
        yield Submission(at.process)


@pytest.mark.parametrize("name", names("WRITES"))
def test_nothing_is_written_elsewhere(submission, tmp_path, name):
    told = submission.act("WRITES", name, str(tmp_path / "outside"))
    assert told.startswith(f"PermissionError: {MINE}write outside its own folder ("), told
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize("name", names("CHANGES"))
def test_nothing_is_changed_elsewhere(submission, tmp_path, name):
    path = tmp_path / "file"
    path.write_text("as it was")
    before = path.stat()
    told = submission.act("CHANGES", name, str(path))
    assert told.startswith(f"PermissionError: {MINE}"), told
    assert path.read_text() == "as it was" and path.stat().st_mode == before.st_mode
    assert path.stat().st_mtime_ns == before.st_mtime_ns


@pytest.mark.parametrize("name", names("READS"))
def test_the_graders_files_are_not_read(submission, place, name):
    told = submission.act("READS", name, str(place / "hidden.py"))
    assert told.startswith(f"PermissionError: {MINE}"), told
    assert "42" not in told and "solution.py" not in told


def test_a_single_secret_file_is_known_by_any_name(tmp_path):
    (tmp_path / "hidden.py").write_text("secret = 42\n")
    os.link(tmp_path / "hidden.py", tmp_path / "harmless.txt")
    (tmp_path / "open.txt").write_text("anybody may read this\n")
    with desk(SUBMISSION, Limits(private=(str(tmp_path / "hidden.py"),))) as at:
        act = Submission(at.process).act
        assert act("READS", "read", str(tmp_path / "open.txt")) == "DONE 'anybody may read this\\n'"
        told = act("READS", "read", str(tmp_path / "harmless.txt"))
    assert told == f"PermissionError: {MINE}read the grader's files"


@pytest.mark.parametrize("name", names("PROCESSES"))
def test_no_process_is_started_signalled_or_read(submission, tmp_path, name):
    told = submission.act("PROCESSES", name, str(tmp_path / "pipe"))
    assert told.startswith(f"PermissionError: {MINE}"), told
    assert not (tmp_path / "pipe").exists()


@pytest.mark.parametrize("name", names("OTHERS"))
def test_neither_network_nor_native_code(submission, tmp_path, name):
    told = submission.act("OTHERS", name, str(tmp_path / "file"))
    assert MINE in told and not told.startswith("DONE"), told
    assert not (tmp_path / "file").exists()


@pytest.mark.parametrize("name", names("ALLOWED"))
def test_what_a_submission_needs_still_works(submission, tmp_path, name):
    told = submission.act("ALLOWED", name, str(tmp_path / "file"))
    assert told.startswith("DONE"), told


@pytest.mark.skipif(os.name != "posix", reason="folders have descriptors on POSIX")
def test_nobody_goes_out_by_the_descriptor_of_a_folder(submission, tmp_path):
    told = submission.go_by_a_folder(str(tmp_path / "outside"))
    assert told == f"IsADirectoryError: [Errno 21] Is a directory: '{tmp_path}'"
    assert not (tmp_path / "outside").exists()


def test_a_name_is_asked_for_once(submission, tmp_path):
    assert "inside" in submission.open_twice(str(tmp_path / "outside"))
    assert not (tmp_path / "outside").exists()


def test_a_refusal_is_a_failed_case_in_words(graded):
    text = "def f():\n    with open('/etc/evil', 'w') as file:\n        file.write('x')\n"
    found = graded(text, {"f": lambda s, rng: s.f()})
    assert found["f"].message == (
        f"f raised PermissionError: {MINE}write outside its own folder (/etc/evil) "
        "(solution.py, line 2: with open('/etc/evil', 'w') as file:)"
    )

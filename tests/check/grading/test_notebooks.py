"""Notebooks and modules are executed as far as they go, and what does not go is told with its cell and line."""

import json
from pathlib import Path

import pytest

from minigen.check.grading.failure import SubmissionError
from minigen.check.grading.room import room


def notebook(path: Path, *cells: str, **more) -> Path:
    found = [{"cell_type": "code", "source": cell.splitlines(keepends=True), "outputs": []} for cell in cells]
    found.insert(1, {"cell_type": "markdown", "source": "# a title"})
    path.write_text(json.dumps({"cells": found, "metadata": {}, "nbformat": 4, "nbformat_minor": 5, **more}))
    return path


def values(*names):
    """Checks that print what the submission's names hold."""

    def check(submission, rng):
        for name in names:
            print(name, repr(getattr(submission, name)))

    return {"values": check}


MAGICS = """%matplotlib inline
import numpy as np
!pip install everything
files = !ls
if True:
    %timeit 1 + 1
    inside = 1
np.add?
text = '''
%s is no magic
! nor is this'''
a = 7
modulo = (a
% 4)
"""

CELLS = (
    MAGICS,
    "plain = '''\n%s stays\n'''\n",
    "%%bash\nrm -rf /\n",
    "%%time\ntimed = 3\n",
    "\n%%writefile evil.py\nx = 1\n",
    "before = 1\nraise ValueError('in the middle')\nnever = 1\n",
    "after = before + 1\ndisplay(after)\n",
    "import sys\nsys.exit(3)\n",
    "def f(x):\n    return 1 / x\n",
    "this is no Python\n",
    "assert __name__ == '__main__'\nlast = 9\n",
)


@pytest.fixture(scope="module")
def whole(graded, tmp_path_factory):
    path = notebook(tmp_path_factory.mktemp("notebook") / "handed in.ipynb", *CELLS)
    names = ("inside", "modulo", "plain", "timed", "before", "after", "last")
    return graded(
        path, values(*names) | {"f": lambda s, rng: s.f(0), "never": lambda s, rng: s.never, "late": lambda s, rng: s.x}
    )


def test_cells_run_in_order_without_magics(whole):
    assert whole["values"].passed, whole["values"].message
    held = "inside 1\nmodulo 3\nplain '\\n%s stays\\n'\ntimed 3\nbefore 1\nafter 2\nlast 9\n"
    assert whole["values"].printed == held


def test_failing_cells_are_noted_and_the_next_still_run(whole):
    assert whole.result.failed == [
        "code cell 6 failed: ValueError: in the middle (code cell 6, line 2: raise ValueError('in the middle'))",
        "code cell 8 failed: SystemExit: 3 (code cell 8, line 2: sys.exit(3))",
        "code cell 10 failed: SyntaxError: invalid syntax (code cell 10, line 1: this is no Python)",
    ]
    assert whole.result.printed == "2\n"


def test_an_error_names_cell_and_line(whole):
    assert whole["f"].message == "f raised ZeroDivisionError: division by zero (code cell 9, line 2: return 1 / x)"


def test_a_missing_name_recalls_what_failed(whole):
    assert whole["never"].message.startswith("the submission defines no never; ")
    assert "code cell 6 failed: ValueError: in the middle" in whole["never"].message


DAMAGED = {
    "no JSON": ("{'cells': []", "damaged.ipynb is damaged: it is no notebook of format 4 (JSONDecodeError"),
    "empty": ("", "is damaged: it is no notebook of format 4"),
    "another JSON": ("[1, 2]", "is damaged: it is no notebook of format 4 (TypeError"),
    "format 3": ('{"worksheets": [], "nbformat": 3}', "is damaged: it is no notebook of format 4 (KeyError: 'cells')"),
    "very deep": ("[" * 100_000, "is damaged: it is no notebook of format 4 (RecursionError"),
    "cells of nothing": ('{"cells": [{"source": "a = 1"}]}', "is damaged: it is no notebook of format 4 (KeyError"),
    "bytes": ("\x00\x01", "is damaged"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_notebook_is_the_students(graded, tmp_path, name):
    path = tmp_path / "damaged.ipynb"
    path.write_text(DAMAGED[name][0])
    found = graded(path, values("f"))
    assert not found["values"].passed and not found["values"].fault
    assert found["values"].message.startswith("the submission defines no f; damaged.ipynb is damaged")
    assert DAMAGED[name][1] in found.result.failed[0]


def test_a_notebook_may_hold_its_sources_as_texts(graded, tmp_path):
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps({"cells": [{"cell_type": "code", "source": "a = 1\nb = 2"}]}))
    assert graded(path, values("a", "b"))["values"].printed == "a 1\nb 2\n"


def test_an_endless_cell_is_ended(graded, tmp_path):
    found = graded(
        notebook(tmp_path / "a.ipynb", "print('so far')\n", "while True:\n    pass\n"), values("f"), seconds=0.7
    )
    assert "took longer than the 0.7 s it has, while it was being executed" in found["values"].message
    assert found.result.printed == "so far\n"


MODULES = {
    "a syntax error": (b"def f(:\n", "solution.py failed: SyntaxError: invalid syntax (solution.py, line 1: def f(:)"),
    "no text": (b"\xff\xfe\x00", "solution.py is no text that Python can read"),
    "an error": (b"a = 1\nb = a / 0\n", "ZeroDivisionError: division by zero (solution.py, line 2: b = a / 0)"),
    "a missing package": (b"import no_such_package\n", "ModuleNotFoundError: No module named 'no_such_package'"),
}


@pytest.mark.parametrize("name", MODULES)
def test_a_module_that_does_not_run_is_the_students(graded, tmp_path, name):
    (tmp_path / "solution.py").write_bytes(MODULES[name][0])
    found = graded(tmp_path / "solution.py", values("f"))
    assert not found["values"].passed and not found["values"].fault
    assert MODULES[name][1] in found.result.failed[0]


def test_a_module_is_no_main_program(graded):
    text = (
        "main = __name__ == '__main__'\nimport sys\nitself = sys.modules[__name__].main is main\narguments = sys.argv\n"
    )
    found = graded(text, values("main", "itself", "arguments"))
    assert found["values"].printed == "main False\nitself True\narguments ['solution.py']\n"


def test_a_module_with_the_name_of_pythons_own_takes_nobodys_place(graded, tmp_path):
    (tmp_path / "numpy.py").write_text("import numpy as np\ndef f():\n    return np.arange(2)\n")

    def check(submission, rng):
        assert submission.f().tolist() == [0, 1]

    found = graded(tmp_path / "numpy.py", {"f": check})
    assert found["f"].passed, found["f"].message


def test_a_plot_disturbs_nobody(graded):
    text = """
import matplotlib.pyplot as plt
def f():
    plt.plot([1, 2])
    plt.show()
    plt.savefig("a.png")
    return 1.0
"""

    def check(submission, rng):
        assert submission.f() == 1.0

    found = graded(text, {"f": check})
    assert found["f"].passed, found["f"].message


FOLDERS = {
    "nothing": ([], "the folder holds no notebook (.ipynb) and no module (.py)"),
    "two modules": (["a.py", "b.py"], "the folder holds 2 .py files (a.py, b.py); rename the one"),
    "two notebooks": (["a.ipynb", "b.ipynb", "c.py"], "the folder holds 2 .ipynb files"),
    "one module": (["a.py", "data.txt"], "a.py"),
    "one notebook": (["a.ipynb", "b.py", "c.py"], "a.ipynb"),
    "a name that is agreed on": (["a.py", "submission.py"], "submission.py"),
    "what Jupyter leaves": (["a.ipynb", ".ipynb_checkpoints/a-checkpoint.ipynb", "__pycache__/a.py"], "a.ipynb"),
}


@pytest.mark.parametrize("name", FOLDERS)
def test_which_file_of_a_folder_is_executed(tmp_path, name):
    names, expected = FOLDERS[name]
    for file in names:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    with room(tmp_path) as found:
        if expected in names:
            path, _ = found.copy()
            assert path.name == expected
            left = {str(p.relative_to(path.parent)) for p in path.parent.rglob("*") if p.is_file()}
            assert left == {file for file in names if not file.startswith((".ipynb_c", "__py"))}
        else:
            with pytest.raises(SubmissionError) as error:
                found.copy()
            assert expected in str(error.value)


def test_links_are_not_followed(tmp_path):
    (tmp_path / "secret.py").write_text("answer = 42\n")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.py").touch()
    (folder / "b.py").symlink_to(tmp_path / "secret.py")
    (folder / "c").symlink_to(tmp_path)
    with room(folder) as found:
        path, _ = found.copy()
        assert [p.name for p in path.parent.iterdir()] == ["a.py"]
    with (
        room(folder / "b.py") as found,
        pytest.raises(SubmissionError, match="b.py is a link; hand in the file itself"),
    ):
        found.copy()


def test_other_files_are_refused(tmp_path):
    (tmp_path / "a.zip").touch()
    with room(tmp_path / "a.zip") as found, pytest.raises(SubmissionError, match="neither a module .* nor a notebook"):
        found.copy()


def test_a_notebook_may_speak_to_ipython(graded, tmp_path):
    cells = (
        "get_ipython().run_line_magic('matplotlib', 'inline')\nget_ipython().system('rm -rf /')\n",
        "from IPython.display import HTML, clear_output, display\nimport IPython\nclear_output(wait=True)\n",
        "display(1, HTML('<b>bold</b>') is None)\nIPython.get_ipython()\nlast = 9\n",
    )
    found = graded(notebook(tmp_path / "a.ipynb", *cells), values("last"))
    assert found.result.failed == [] and found["values"].printed == "last 9\n"
    printed = found.result.printed.replace("\ufffd[2K\ufffd", "")  # how IPython clears, where it is installed
    assert printed.startswith("1 ")


def test_a_cell_without_a_source_is_empty(graded, tmp_path):
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps({"cells": [{"cell_type": "code"}, {"cell_type": "code", "source": "a = 1"}]}))
    found = graded(path, values("a"))
    assert found.result.failed == [] and found["values"].printed == "a 1\n"

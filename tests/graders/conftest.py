"""What the tests of real graders share: submissions of the starter kit's assignment, and a home of their own."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

KIT = Path(__file__).parents[2] / "lessons" / "instructor"
ANSWERS = ("dense", "generator-loss", "batch-norm", "conv-transpose")

STUDENTS = {  # what each changes in the solution
    "right": (),
    "wrong": ("dy.sum(axis=0)", "dy.mean(axis=0)"),  # dense_backward: b's gradient
    "noisy": ("return x @ w + b", "import sys; print('debug', file=sys.stderr); return x @ w + b"),
    "empty": None,  # hands in the stubs
}


@pytest.fixture(scope="session")
def kit():
    """The folder of the starter kit."""
    return KIT


@pytest.fixture(scope="session")
def answered():
    """answered(notebook, student): that edition of the notebook with the student's answers in its answer cells."""
    solution = json.loads((KIT / "assignment" / "solution.ipynb").read_text(encoding="utf-8"))
    answers = {cell["id"]: "".join(cell["source"]) for cell in solution["cells"] if cell["id"] in ANSWERS}
    assert tuple(answers) == ANSWERS

    def fill(notebook, student):
        change, left = STUDENTS[student], list(answers.values())
        for cell in notebook["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] == "code" and "# YOUR CODE HERE" in source and change is not None:
                text = left.pop(0)
                cell["source"] = text.replace(*change) if change else text
        assert change is None or not left
        return json.dumps(notebook)

    return fill


@pytest.fixture(scope="session")
def commands(kit):
    """commands(program): the command lines of the program on its page of the kit, in order."""

    def found(program):
        page = (kit / program / "README.md").read_text(encoding="utf-8")
        return re.findall(rf"^{program} .*", "\n".join(re.findall(r"^```bash\n(.*?)^```", page, re.M | re.S)), re.M)

    return found


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """run(folder, line): a command line of Python's, with a home of its own; it must succeed."""
    home = tmp_path_factory.mktemp("home")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])  # nbgrader calls alembic
    own = {"HOME": str(home), "PATH": path, "OPENBLAS_NUM_THREADS": "1", "MINIGEN_LANG": "en"}

    def command(folder, line):
        words = [word for part in shlex.split(line, comments=True) for word in (sorted(folder.glob(part)) or [part])]
        done = subprocess.run(
            [sys.executable, "-m", *map(str, words)],
            cwd=folder,
            env={**os.environ, **own},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=170,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    return command

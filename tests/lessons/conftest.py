"""What the tests of the lessons share: every lesson, read once, and run once in a kernel of its own."""

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "lessons"))  # the scripts there import each other by these names

import editions  # noqa: E402

READ = {path.stem: editions.read(path) for path in editions.sources()}


def pytest_generate_tests(metafunc):
    if "lesson" in metafunc.fixturenames:
        # of the session, so that pytest puts the tests of one lesson side by side, where one process runs it
        metafunc.parametrize("lesson", READ, indirect=True, scope="session")


@pytest.fixture(scope="session")
def lesson(request):
    """Each lesson in turn."""
    return READ[request.param]


@pytest.fixture(scope="session")
def lessons():
    """All of them, in their order."""
    return list(READ.values())


# Running --------------------------------------------------------------------------------------------------------------


def ran(name, edition, folder, **environment):
    """What lessons/running.py says of an edition."""
    environment = {
        **os.environ,
        "OPENBLAS_NUM_THREADS": "1",
        "IPYTHONDIR": folder,  # nobody's own settings
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        **environment,
    }
    command = [sys.executable, str(editions.HERE / "running.py"), name, edition]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """runs(name, edition) → what happened when it ran, which it does once."""
    folder = str(tmp_path_factory.mktemp("ipython"))
    # So that no lesson is the first to build matplotlib's list of fonts, which says so on stderr.
    subprocess.run([sys.executable, "-c", "import matplotlib.font_manager"], capture_output=True)

    @functools.cache
    def run(name, edition):
        # as if ipywidgets were not installed: a static grid stands in for a slider
        hidden = {"MINIGEN_LESSONS_HIDE": "ipywidgets"} if edition == "exercise" else {}
        return ran(name, edition, folder, **hidden)

    return run

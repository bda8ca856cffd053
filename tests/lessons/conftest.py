"""What the tests of the lessons share: every lesson, read once, and run in a kernel of its own beside the other tests.

The runs begin when all tests have been collected, one after the other on the core that pytest leaves idle, so that
they are over, or nearly, when the first of them is asked for.
"""

import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "lessons"))  # the scripts there import each other by these names

import editions  # noqa: E402

READ = {path.stem: editions.read(path) for path in editions.sources()}


def pytest_generate_tests(metafunc):
    if "lesson" in metafunc.fixturenames:
        metafunc.parametrize("lesson", READ, indirect=True)


@pytest.fixture
def lesson(request):
    """Each lesson in turn."""
    return READ[request.param]


@pytest.fixture(scope="session")
def lessons():
    """All of them, in their order."""
    return list(READ.values())


# Running --------------------------------------------------------------------------------------------------------------

RUNS = pytest.StashKey()


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


def pytest_collection_finish(session):
    asking = [item for item in session.items if "runs" in getattr(item, "fixturenames", ())]
    if session.config.option.collectonly or not asking:
        return
    params = [item.callspec.params if hasattr(item, "callspec") else {} for item in asking]
    folder = tempfile.TemporaryDirectory()
    pool = ThreadPoolExecutor(1)
    # So that no lesson is the first to build matplotlib's list of fonts, which says so on stderr.
    pool.submit(subprocess.run, [sys.executable, "-c", "import matplotlib.font_manager"], capture_output=True)
    runs = {}
    for lesson in READ.values():
        if not any(given.get("lesson", lesson.name) == lesson.name for given in params):
            continue
        runs[lesson.name, "solved"] = pool.submit(ran, lesson.name, "solved", folder.name)
        # as if ipywidgets were not installed: a static grid stands in for a slider
        runs[lesson.name, "exercise"] = pool.submit(
            ran, lesson.name, "exercise", folder.name, MINIGEN_LESSONS_HIDE="ipywidgets"
        )
    session.config.stash[RUNS] = runs, pool, folder


def pytest_sessionfinish(session):
    if RUNS in session.config.stash:
        _, pool, folder = session.config.stash[RUNS]
        pool.shutdown(cancel_futures=True)
        folder.cleanup()


@pytest.fixture(scope="session")
def runs(request):
    """(name, edition) → what happened, perhaps still to come."""
    return request.config.stash[RUNS][0]

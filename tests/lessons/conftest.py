"""What the tests of the lessons share: the code that makes the editions, and every lesson, read once."""

import sys
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

"""What the tests on the look-alike share."""

import pytest

from minigen import backend

from . import lookalike


@pytest.fixture
def device():
    """The look-alike as CuPy, in use."""
    with lookalike.playing() as module:
        backend.use("cupy")
        yield module

"""Fixtures for all tests: `xp`, a backend each, and `real_data`, where it is at hand.

The backends are NumPy, a look-alike of CuPy that needs no GPU, and CuPy itself where a GPU can be used.
"""

import os
from pathlib import Path

import numpy as np
import pytest

from minigen import backend

BACKENDS = ("numpy", "lookalike", "cupy")  # lookalike: CuPy's interface with NumPy inside, see tests/lookalike


def pytest_addoption(parser):
    parser.addoption(
        "--backend",
        action="append",
        choices=[*BACKENDS, "all"],
        help="the backends of tests that take xp; cupy without a GPU is an error (default: what there is)",
    )


def asked(config):
    chosen = set(config.getoption("--backend") or ())
    return set(BACKENDS) if "all" in chosen else chosen


def pytest_configure(config):
    processes = getattr(config.option, "numprocesses", 0) or 1
    if processes > 1:  # each inherits a core, or its share of them, and not all of them
        os.environ.setdefault("OPENBLAS_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    if "cupy" in asked(config) and (why_not := backend.probe()):
        raise pytest.UsageError(f"--backend cupy: {why_not}")


def pytest_report_header(config):
    there = [name for name in BACKENDS if name != "cupy" or not backend.probe()]
    return f"backends: {', '.join(sorted(asked(config)) or there)} (lookalike: CuPy's interface, NumPy inside, no GPU)"


def pytest_generate_tests(metafunc):
    if "xp" not in metafunc.fixturenames:
        return
    chosen = asked(metafunc.config)
    why_not = "" if "cupy" in chosen else backend.probe()
    marks = [pytest.mark.gpu, pytest.mark.skipif(bool(why_not), reason=why_not)]
    every = {name: pytest.param(name, marks=marks if name == "cupy" else ()) for name in BACKENDS}
    metafunc.parametrize("xp", [every[name] for name in sorted(chosen or every)], indirect=True)


@pytest.fixture
def xp(request):
    """The module that owns the arrays; new arrays are made there too."""
    if request.param == "numpy":
        yield np
        return
    if request.param == "lookalike":
        from .lookalike import lookalike

        with lookalike.playing() as module:
            backend.use("cupy")
            yield module
        return
    backend.use("cupy")
    yield backend.current()
    backend.synchronize()  # so that an asynchronous fault fails the test that caused it
    backend.use("numpy")


@pytest.fixture
def real_data():
    """real_data("mnist"): that folder of real data; the test skips, and says why, where there is none."""

    def folder(name):
        root = os.environ.get("MINIGEN_TEST_DATA")
        if not root:
            pytest.skip("MINIGEN_TEST_DATA names no folder of real data")
        if not (Path(root) / name).is_dir():
            pytest.skip(f"MINIGEN_TEST_DATA has no folder {name}")
        return Path(root) / name

    return folder


@pytest.fixture(scope="session", autouse=True)
def small_judges(tmp_path_factory):
    """Judges that a test may need are very small, and not kept in the user's cache."""
    from minigen.judges import files, training

    with pytest.MonkeyPatch.context() as patch:
        small = training.Settings(items=100, tested=60, shown=100, batch=32, widths=(2, 2, 2), features=4, clips=40)
        patch.setattr(training, "SETTINGS", small)
        patch.setenv(files.VARIABLE, str(tmp_path_factory.mktemp("cache")))
        yield

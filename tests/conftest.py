"""Fixtures for all tests: `xp`, a backend each (CuPy where a GPU can be used), and `real_data`, where it is at hand."""

import os
from pathlib import Path

import numpy as np
import pytest

from minigen import backend


def pytest_addoption(parser):
    parser.addoption(
        "--backend",
        action="append",
        choices=["numpy", "cupy", "all"],
        help="the backends of tests that take xp; cupy without a GPU is an error (default: what there is)",
    )


def asked(config):
    chosen = set(config.getoption("--backend") or ())
    return {"numpy", "cupy"} if "all" in chosen else chosen


def pytest_configure(config):
    if "cupy" in asked(config) and (why_not := backend.probe()):
        raise pytest.UsageError(f"--backend cupy: {why_not}")


def pytest_report_header(config):
    return f"backends: {', '.join(sorted(asked(config))) or 'numpy' + ('' if backend.probe() else ', cupy')}"


def pytest_generate_tests(metafunc):
    if "xp" not in metafunc.fixturenames:
        return
    chosen = asked(metafunc.config)
    why_not = "" if "cupy" in chosen else backend.probe()
    marks = [pytest.mark.gpu, pytest.mark.skipif(bool(why_not), reason=why_not)]
    every = {"numpy": pytest.param("numpy"), "cupy": pytest.param("cupy", marks=marks)}
    metafunc.parametrize("xp", [every[name] for name in sorted(chosen or every)], indirect=True)


@pytest.fixture
def xp(request):
    """The module that owns the arrays; new arrays are made there too."""
    if request.param == "numpy":
        yield np
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

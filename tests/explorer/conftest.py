"""Pages of small runs, made once, and the two programs in which their scripts are run: Node and Chromium."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from minigen.explorer import write_explorer

from .small_runs import run

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def page(tmp_path_factory):
    """page("gan 28") → the file of that run's page; with weights="float16" the numbers are rounded."""
    made, folder = {}, tmp_path_factory.mktemp("pages")

    def write(name, weights="float32"):
        if (name, weights) not in made:
            path = folder / f"{len(made)}.html"
            made[name, weights] = write_explorer(run(name), path, weights=weights, notes={"run": f"0001-{name}"})
        return made[name, weights]

    return write


@pytest.fixture(scope="session")
def in_node():
    """in_node(page, code, rows=…): what the code gives beside the page's scripts; it finds rows as given.rows.

    With controls=True the scripts of the page's controls run too, in as much of a browser as they need; with "calm"
    whoever looks asks for reduced motion.
    """
    node = shutil.which("node")
    if not node:
        pytest.skip("node is not there, which runs the page's scripts")

    def evaluate(file, code, /, controls=False, **given):
        lists = {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in given.items()}
        harness = Path(__file__).parent / "in_node.js"
        asked = json.dumps({"code": code, "given": lists, "controls": controls})
        done = subprocess.run([node, str(harness), str(file)], input=asked, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return evaluate


@pytest.fixture
def in_chromium(tmp_path):
    """in_chromium(page) → (the document after it has run, what it logged)."""
    browser = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if not browser:
        pytest.skip("no Chromium is there, in which the whole page runs")
    flags = ["--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
    flags += ["--disable-component-update", "--virtual-time-budget=3000", "--enable-logging=stderr", "--dump-dom"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        flags.append("--no-sandbox")  # root has none to give

    def opened(path):
        done = subprocess.run(
            [browser, *flags, f"--user-data-dir={tmp_path / 'profile'}", path.as_uri()],
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        return done.stdout, [line for line in done.stderr.splitlines() if ":CONSOLE:" in line]

    return opened

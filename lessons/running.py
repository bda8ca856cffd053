"""Runs a lesson in a kernel of its own: `python lessons/running.py NAME solved|exercise` prints what happened as JSON.

The solved edition is then asked more, in the same kernel: do the checks hold at other seeds, is every planted wrong
answer caught?  The exercise edition is run at another seed than the solved one.
"""

import json
import os
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
import editions  # noqa: E402
import nbformat  # noqa: E402
from nbclient import NotebookClient  # noqa: E402
from nbclient.exceptions import CellExecutionError  # noqa: E402

CELL_S = 120  # a cell that takes longer has gone wrong
OTHER_SEED = 1
SEED_LINE = re.compile(r"^SEED = 0\b", re.MULTILINE)
# A test can ask for a machine without an optional package: the kernel then does as if it were not installed.
HIDE = os.environ.get("MINIGEN_LESSONS_HIDE", "")


class Run:
    """A notebook in a kernel: the cells it has executed, with their outputs, and what else it is asked."""

    def __init__(self, made: Any):
        self.notebook = made
        self.folder = tempfile.TemporaryDirectory()
        resources = {"metadata": {"path": self.folder.name}}  # lessons write nothing beside themselves
        settings = {"timeout": CELL_S, "kernel_name": "python3", "record_timing": False}
        self.client = NotebookClient(made, resources=resources, **settings)
        self.failed: dict[str, str] = {}  # cell id → name of the error, and what it said

    def __enter__(self) -> "Run":
        self._kernel = self.client.setup_kernel()
        self._kernel.__enter__()
        if HIDE:
            self.try_out(f"import sys\nsys.modules.update({{name: None for name in {HIDE.split(',')!r}}})")
        return self

    def __exit__(self, *details: Any) -> None:
        self._kernel.__exit__(*details)
        self.folder.cleanup()

    def all_cells(self) -> float:
        """Execute the notebook from top to bottom, past cells that fail; the seconds it took."""
        began = time.perf_counter()
        for place, cell in enumerate(self.notebook.cells):
            if cell.cell_type == "code":
                error = self._execute(cell, place)
                if error:
                    self.failed[cell.id] = error
        return time.perf_counter() - began

    def try_out(self, source: str) -> str | None:
        """Execute code that is no cell of the notebook; the error it raised, or None."""
        cell = nbformat.v4.new_code_cell(source)
        self.notebook.cells.append(cell)  # the client wants its cells in the notebook
        try:
            return self._execute(cell, len(self.notebook.cells) - 1)
        finally:
            self.notebook.cells.pop()

    def _execute(self, cell: Any, place: int) -> str | None:
        try:
            self.client.execute_cell(cell, place)
        except CellExecutionError as error:
            return f"{error.ename}: {error.evalue}"
        return None

    def stderr(self) -> str:
        outputs = [out for cell in self.notebook.cells for out in cell.get("outputs", ())]
        return "".join(out.text for out in outputs if out.output_type == "stream" and out.name == "stderr")


def run_solved(lesson: editions.Lesson) -> dict[str, Any]:
    """The solved edition, its checks at two more seeds, and the planted wrong answers."""
    with Run(editions.notebook(lesson, "solved")) as run:
        seconds = run.all_cells()
        result: dict[str, Any] = {"seconds": seconds, "failed": dict(run.failed), "stderr": run.stderr()}
        checks = {cell.id: editions.CHECK.findall(cell.source) for cell in lesson.cells if cell.cell_type == "code"}
        calls = [f"{name}(seed={seed})" for names in checks.values() for name in names for seed in (1, 1001)]
        result["other seeds"] = {call: error for call in calls if (error := run.try_out(call))}
        result["wrong"] = {}
        for cell in lesson.of_kind("wrong"):
            exercise = cell.id.rsplit("-", 1)[0]  # exercise-a-17 → exercise-a
            letter = exercise.removeprefix("exercise-")
            asked = [name for check, names in checks.items() if check.startswith(f"check-{letter}") for name in names]
            broken = run.try_out(cell.source)
            errors = [error for name in asked if (error := run.try_out(f"{name}()"))]
            result["wrong"][cell.metadata["says"]] = broken or (errors[0] if errors else "nothing was raised")
        return result


def run_exercise(lesson: editions.Lesson) -> dict[str, Any]:
    """The exercise edition, unanswered, at another seed."""
    made = editions.notebook(lesson, "exercise")
    seeded = 0
    for cell in made.cells:
        if cell.cell_type == "code":
            cell.source, found = SEED_LINE.subn(f"SEED = {OTHER_SEED}", cell.source)
            seeded += found
    with Run(made) as run:
        seconds = run.all_cells()
        hidden = {"hidden": HIDE} if HIDE and run.try_out(f"import {HIDE.split(',')[0]}") else {}
        return {"seconds": seconds, "failed": run.failed, "stderr": run.stderr(), "seed lines": seeded, **hidden}


if __name__ == "__main__":
    name, edition = sys.argv[1:]
    (path,) = (path for path in editions.sources() if path.stem == name)
    print(json.dumps({"solved": run_solved, "exercise": run_exercise}[edition](editions.read(path))))

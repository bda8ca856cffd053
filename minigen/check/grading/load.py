"""How a submission is executed: a module (.py), or a notebook (.ipynb) cell by cell; and which line an error is on."""

import importlib.util
import json
import linecache
import re
import sys
import traceback
import types
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from minigen.check.grading.shell import get_ipython, stand_in_for_ipython

MAGIC = re.compile(r"^(\s*)([%!?]|.*\?\s*$|\w+\s*=\s*[%!])")  # %matplotlib, !ls, ?f, f?, files = !ls
RUNS = ("%%time", "%%capture")  # cell magics whose cell is Python like any other
SHOWN = 2000  # characters of an error's message
LINE = 200  # characters of a line of source


class Loaded:
    """An executed submission: its namespace, what failed on the way, and where its lines stand."""

    def __init__(self, path: Path):
        self.path = path
        self.notebook = path.suffix == ".ipynb"
        name = "submission" if path.stem in sys.modules else path.stem  # a random.py must not stand for Python's own
        self.module = types.ModuleType("__main__" if self.notebook else name)
        self.module.__dict__["__file__"] = str(path)
        if self.notebook:
            self.module.__dict__.update(display=print, get_ipython=get_ipython)
        self.failed: list[str] = []  # where and why, a sentence each
        self.labels: dict[str, str] = {}  # file name → what to call it

    @property
    def names(self) -> dict[str, Any]:
        """Everything the submission defines."""
        return vars(self.module)

    def run(self) -> None:
        """Execute it.  Errors are noted, those of cells one by one: the cells after a failing one still run."""
        sys.modules[self.module.__name__] = self.module
        if self.notebook:
            stand_in_for_ipython()
        for label, source in self._parts():
            self.execute(source, label, str(self.path) if not self.notebook else label)

    def execute(self, source: str, label: str, name: str) -> None:
        """Execute a text in the submission's namespace; an error is noted."""
        self.labels[name] = label
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        try:
            exec(self._compiled(source, name), self.names)
        except BaseException as error:  # SystemExit too
            self.failed.append(f"{label} failed: {self.describe(error)['text']}")

    def _parts(self) -> Iterator[tuple[str, str]]:
        """(what to call it, source) of the module, or of each cell."""
        try:
            if not self.notebook:
                yield self.path.name, importlib.util.decode_source(self.path.read_bytes())
                return
            sources = code_cells(self.path)
        except (UnicodeDecodeError, SyntaxError) as error:
            self.failed.append(f"{self.path.name} is no text that Python can read ({error})")
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            why = f"{type(error).__name__}: {str(error)[:100]}"
            self.failed.append(f"{self.path.name} is damaged: it is no notebook of format 4 ({why})")
        else:
            for k, source in enumerate(sources):
                yield f"code cell {k + 1}", source

    def _compiled(self, source: str, name: str) -> types.CodeType:
        """The code; in a notebook without magics and lines for the shell."""
        return compile(without_magics(source) if self.notebook else source, name, "exec", dont_inherit=True)

    def describe(self, error: BaseException) -> dict[str, Any]:
        """What is told of an error: its type, its message, and the submission's own line that it came from."""
        where, line = None, ""
        if isinstance(error, SyntaxError) and error.filename in self.labels:
            where, line = (error.filename, error.lineno or 1), error.text or ""
        for frame, number in traceback.walk_tb(error.__traceback__):
            name = frame.f_code.co_filename
            if name in self.labels or Path(name).is_relative_to(self.path.parent):
                where, line = (name, number), linecache.getline(name, number)
        try:
            message = str.__str__(error.msg if isinstance(error, SyntaxError) else str(error))[:SHOWN]
        except BaseException:  # it is the submission's own class, and may do anything
            message = "(its message cannot be read)"
        kind = type.__dict__["__name__"].__get__(type(error))
        place = f"{self.labels.get(where[0]) or Path(where[0]).name}, line {where[1]}" if where else ""
        told = f"{kind}: {message}" if message else kind
        if place:
            told += f" ({place}{': ' + line.strip()[:LINE] if line else ''})"
        memory = isinstance(error, MemoryError)
        return {"type": kind, "message": message, "place": place, "text": told, "memory": memory}


def code_cells(notebook: Path) -> list[str]:
    """The sources of a notebook's cells of code; ValueError, KeyError or TypeError where it is damaged."""
    cells = json.loads(notebook.read_bytes())["cells"]
    return [
        "".join(cell.get("source", "")) for cell in cells if cell["cell_type"] == "code"
    ]  # lists of lines, or one text


def without_magics(source: str) -> str:
    """The source of a cell with `pass` in place of each line that speaks to IPython or to the shell.

    Only lines that Python does not understand: a % may also go on with an expression, or stand in a text.
    """
    if source.lstrip().startswith("%%"):
        first, _, rest = source.lstrip().partition("\n")
        source = "\n" + rest if first.split()[0] in RUNS else ""
    lines = source.split("\n")
    for _ in lines:
        try:
            with warnings.catch_warnings(action="ignore"):  # they come again when it is compiled in earnest
                compile("\n".join(lines), "cell", "exec", dont_inherit=True)
        except SyntaxError as error:
            k = (error.lineno or 0) - 1
            if not 0 <= k < len(lines) or not MAGIC.match(lines[k]):
                break
            lines[k] = MAGIC.sub(r"\1pass  # ", lines[k])
        else:
            break
    return "\n".join(lines)

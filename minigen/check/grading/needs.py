"""The installed packages that a submission names, imported before it is guarded: PyTorch opens libraries to start."""

import ast
import contextlib
import importlib.util
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

from minigen.check.grading.load import code_cells, without_magics


def import_needs(path: Path) -> None:
    """Import what the modules and cells beside `path` import from site-packages.

    Whatever goes wrong here goes wrong again when the submission imports it, and is told then.
    """
    places = tuple(place for place in sys.path if place.endswith(("site-packages", "dist-packages")))
    for source in _sources(path):
        with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
            with warnings.catch_warnings(action="ignore"):  # they come again when it is executed
                tree = ast.parse(source)
            for name in _imported(tree):
                with contextlib.suppress(BaseException):
                    found = importlib.util.find_spec(name.partition(".")[0])
                    if found is not None and found.origin is not None and found.origin.startswith(places):
                        importlib.import_module(name)


def _sources(path: Path) -> Iterator[str]:
    for module in path.parent.rglob("*.py"):
        yield module.read_text(encoding="utf-8", errors="replace")
    if path.suffix == ".ipynb":
        with contextlib.suppress(ValueError, KeyError, TypeError, RecursionError):
            yield from map(without_magics, code_cells(path))


def _imported(tree: ast.AST) -> Iterator[str]:
    """The modules that import statements name, at any depth."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module

"""Submissions that would take a module's place in the grader's own process, because Python searches their folder."""

import os
import sys
from collections.abc import Iterable
from importlib.machinery import PathFinder, all_suffixes
from pathlib import Path

from minigen.errors import SettingError


def refuse_shadows(submissions: Iterable[Path], searched: str) -> None:
    """SettingError if a submission lies in the folder `searched` and anything in there shadows a module from elsewhere.

    searched: the folder that was first on Python's path when the grader started.
    """
    top = os.path.realpath(searched)
    if not any(top in (str(path.resolve()), str(path.resolve().parent)) for path in submissions):
        return
    elsewhere = [place for place in sys.path if os.path.realpath(place) != top]
    for entry in sorted(Path(top).iterdir()):
        name = _module(entry)
        if name in sys.stdlib_module_names or name.isidentifier() and _importable(name, elsewhere):
            raise SettingError(
                f"{entry.name} lies in the folder that Python searches first, so the grader would import it as the "
                f"module {name}, and execute it; grade with `minigen-check …` or `python -P -m minigen.check …`, "
                "or put the submissions into a folder of their own."
            )


def _module(entry: Path) -> str:
    """What `import` would call the file or folder; "" where it would not find it."""
    if entry.is_dir():
        return entry.name if (entry / "__init__.py").is_file() else ""
    suffix = next((suffix for suffix in all_suffixes() if entry.name.endswith(suffix)), None)
    return "" if suffix is None else entry.name.partition(".")[0]


def _importable(name: str, places: list[str]) -> bool:
    found = PathFinder.find_spec(name, places)
    return found is not None and found.loader is not None

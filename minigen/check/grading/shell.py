"""What a notebook expects of IPython, where there is none: stand-ins that do nothing, or print."""

import importlib.util
import sys
import types
from typing import Any


def _nothing(*args: Any, **settings: Any) -> None:
    """Whatever it is asked, it does nothing."""


class Shell:
    """What get_ipython() gives: run_line_magic, system and whatever else do nothing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _nothing


def get_ipython() -> Shell:
    """The shell."""
    return Shell()


class StandIn(types.ModuleType):
    """A module that has every public name: display prints, get_ipython gives the shell, the others do nothing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return {"display": print, "get_ipython": get_ipython}.get(name, _nothing)


def stand_in_for_ipython() -> None:
    """Where IPython is not installed, `import IPython` and `from IPython.display import …` find a stand-in."""
    if importlib.util.find_spec("IPython") is None:
        top = sys.modules["IPython"] = StandIn("IPython")
        top.display = sys.modules["IPython.display"] = StandIn("IPython.display")  # type: ignore[attr-defined]

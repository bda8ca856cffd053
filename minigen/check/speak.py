"""How a check speaks: the name a function goes by, one line on stdout, a setting it does not know."""

import contextlib
import difflib
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import Any

from minigen.errors import SettingError

_title: ContextVar[str] = ContextVar("title", default="f")


@contextlib.contextmanager
def titled(title: str) -> Iterator[None]:
    """Inside, messages call a function without a name so."""
    token = _title.set(title)
    try:
        yield
    finally:
        _title.reset(token)


def name_of(f: Any) -> str:
    """What messages call f: its name, or its class's; for a lambda what `titled` says, or f."""
    name = getattr(f, "name", None) or getattr(f, "__name__", None) or type(f).__name__
    owner = getattr(f, "__self__", None)
    if name == "apply" and isinstance(owner, type):  # of a torch.autograd.Function
        name = owner.__name__
    return _title.get() if name == "<lambda>" else str(name)


def say(text: str) -> None:
    """One line on stdout, in what its encoding can show."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    print(text.encode(encoding, "replace").decode(encoding))


def refuse_unknown(check: str, given: Iterable[str], takes: Callable[..., Any], without: Iterable[str] = ()) -> None:
    """SettingError for the first of `given` that is no keyword-only argument of `takes`, with the nearest that is."""
    known = [p.name for p in inspect.signature(takes).parameters.values() if p.kind == p.KEYWORD_ONLY]
    known = [name for name in known if name not in without]
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            remedy = f"did you mean {near[0]}?" if near else f"it has {', '.join(known)}."
            raise SettingError(f"{check} has no setting {name!r}; {remedy}")

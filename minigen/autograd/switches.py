"""What the engine is doing: three switches, each set for the length of a with-block.

They hold for the thread, and the asyncio task, that sets them, and for tasks begun from it: two tasks that take turns
in one event loop, as in a notebook, do not see each other's.
"""

import contextlib
from contextvars import ContextVar
from typing import Any


class Switch:
    """On or off: `on()` says which, `set(value)` is a context manager and a decorator that sets it for a while."""

    __slots__ = ("_variable", "on")

    def __init__(self, name: str, default: bool):
        self._variable = ContextVar(name, default=default)
        self.on = self._variable.get  # every operation asks

    def set(self, value: bool) -> contextlib.AbstractContextManager[None]:
        return _Set(self._variable, value)


class _Set(contextlib.ContextDecorator, contextlib.AbstractContextManager[None]):
    """A variable's value, set where a with-block begins and put back where it ends."""

    def __init__(self, variable: ContextVar[bool], value: bool):
        self.variable, self.value = variable, value

    def _recreate_cm(self) -> "_Set":  # a decorated function may be called from within itself
        return _Set(self.variable, self.value)

    def __enter__(self) -> None:
        self.before = self.variable.get()
        self.variable.set(self.value)

    def __exit__(self, *error: Any) -> None:
        # Not by a token: where another task ends a generator that stands in the block, it may not use this one's.
        self.variable.set(self.before)


recording = Switch("recording", True)  # are operations remembered?
kernels = Switch("kernels", True)  # may a kernel stand in for a formula?
anomaly = Switch("anomaly", False)  # is every result looked at for NaN and infinity?


def no_grad() -> contextlib.AbstractContextManager[None]:
    """Inside `with no_grad():` nothing is remembered, so nothing can be differentiated and nothing is kept alive."""
    return recording.set(False)


def kernels_off() -> contextlib.AbstractContextManager[None]:
    """Inside `with kernels_off():` every formula computes itself."""
    return kernels.set(False)


def detect_anomaly() -> contextlib.AbstractContextManager[None]:
    """Inside `with detect_anomaly():` the first NaN or infinity raises AnomalyError, forward or backward.

    The error names the operation and the line of your code.  An infinity may be an input (a mask of −∞), a NaN may not.
    Every result is looked at, so it is slow: for searching.
    """
    return anomaly.set(True)

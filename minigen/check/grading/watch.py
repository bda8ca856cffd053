"""A backward under observation: does a function it calls get one of its inputs moved by a hair?"""

import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy import absolute  # a submission may have put something else in its place

NEAR = 1e-2  # of the largest entry: no finite difference takes longer steps


def calls_nearby(backward: Callable[..., Any], args: tuple[Any, ...]) -> bool:
    """Call backward(dy, …): did one Python function in there see two points right beside the same array of `args`?

    One such point is no proof: log(x + 1e-8) is a formula.  Two different ones are a difference quotient, whatever the
    function is called.  Also true where the observation was turned off.
    """
    watched = [x.copy() for x in _numbers(args[1:]) if x.dtype.kind == "f"]
    seen: dict[tuple[Any, int], bytes] = {}
    found: list[bool] = []

    def look(frame: Any, event: str, _: Any) -> None:
        if event != "call" or frame.f_code is own:
            return
        try:
            for value in _numbers(tuple(frame.f_locals.values())):
                for k, x in enumerate(watched):
                    if _beside(value, x):
                        point = np.ascontiguousarray(value).tobytes()
                        if seen.setdefault((frame.f_code, k), point) != point:
                            found.append(True)
        except BaseException:  # a class of the submission's may raise anything, and must not feel that it is watched
            pass

    own = look.__code__
    before = sys.getprofile()
    threading.setprofile(look)
    sys.setprofile(look)
    try:
        backward(*args)
        return bool(found) or sys.getprofile() is not look
    finally:
        sys.setprofile(before)
        threading.setprofile(None)


def _numbers(value: Any) -> Iterator[Any]:
    """The real and complex arrays and NumPy numbers in a value, and in the tuples, lists and dicts it is made of."""
    if type(value) is np.ndarray or isinstance(value, np.generic):  # a subclass may be half made, or have its own ideas
        if value.dtype.kind in "fc" and value.size:  # complex: a step along the imaginary axis is a step
            yield value
    elif isinstance(value, (tuple, list)):
        for entry in value[:100]:
            yield from _numbers(entry)
    elif isinstance(value, dict):
        yield from _numbers(tuple(value.values()))


def _beside(value: Any, x: Any) -> bool:
    """Is `value` the array x with entries moved by a hair?"""
    if value.shape != x.shape:
        return False
    moved = float(absolute(value - x).max())
    return 0 < moved <= NEAR * (float(absolute(x).max()) or 1.0)

"""Many passes over a large array as one: a block that fits the cache takes all of them before the next is fetched."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

BLOCK = 1 << 15  # numbers: with an operand or two and the result, they stay in a core's second cache


def in_blocks(fill: Callable[..., None], *arrays: Any, **settings: Any) -> np.ndarray:
    """A new array like the first, of which `fill(*parts, y, **settings)` writes every part.

    arrays: of one shape; fill computes entry by entry, and may write to y as often as it likes.
    """
    first = arrays[0]
    y = np.empty(first.shape, first.dtype)
    if y.size <= BLOCK:
        fill(*arrays, y, **settings)
        return y
    flat = y.reshape(-1)
    rows = [x.reshape(-1) for x in arrays]  # a view, or a copy in row order
    for i in range(0, y.size, BLOCK):
        fill(*(x[i : i + BLOCK] for x in rows), flat[i : i + BLOCK], **settings)
    return y


def rows_of(x: np.ndarray) -> np.ndarray:
    """All axes but the last as one."""
    return x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


def parts_of(x: np.ndarray) -> Iterable[slice]:
    """The first axis in parts of BLOCK numbers, at least one entry each."""
    if x.size <= BLOCK:
        return (slice(None),)
    length = max(1, BLOCK // max(1, math.prod(x.shape[1:])))
    return (slice(i, i + length) for i in range(0, len(x), length))

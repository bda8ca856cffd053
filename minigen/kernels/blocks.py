"""Many passes over a large array as one: a block that fits the cache takes all of them before the next is fetched."""

from collections.abc import Callable
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

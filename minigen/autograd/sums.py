"""Adding up many numbers without losing the small ones: the one sum that the engine, its operations and kernels use."""

import math
from typing import Any

import numpy as np

MANY = 4096  # rows from which a plain sum down the columns has lost too much in float32


def wide(x: Any) -> str | None:
    """The dtype to add up in: at least float32, for ones in float16 stop counting at 2,048."""
    return "float32" if x.dtype == np.float16 else None


def add_up(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Σ x over `axis` of a bare array, in its own floating dtype; integers and booleans are counted in integers.

    NumPy adds pairwise only along the last axis and one after another down the columns, where 2²⁵ ones in float32 stop
    at 2²⁴.  Long columns are therefore added in √n blocks, whose sums are added in turn.
    """
    rows = _leading_rows(x, axis) if x.size >= MANY else 0
    if rows >= MANY:
        matrix = x.reshape(rows, -1)
        block = math.isqrt(rows)
        whole = rows - rows % block
        y = matrix[:whole].reshape(rows // block, block, -1).sum(axis=1, dtype=wide(x)).sum(axis=0)
        if whole < rows:
            y = y + matrix[whole:].sum(axis=0, dtype=wide(x))
        left = x.shape[len(axis) :] if isinstance(axis, tuple) else x.shape[1:]
        y = y.reshape((1,) * (x.ndim - len(left)) + left if keepdims else left)
    else:
        y = x.sum(axis=axis, keepdims=keepdims, dtype=wide(x))
    if y.dtype is x.dtype:
        return y
    return y.astype(x.dtype, copy=False) if x.dtype.kind == "f" else y


def _leading_rows(x: Any, axis: Any) -> int:
    """How many rows become one, where the first axes of a contiguous float array are added and others stay; else 0.

    0 for CuPy's arrays too: a GPU adds as a tree.
    """
    axes = axis if isinstance(axis, tuple) else (axis,)
    leading = axes == tuple(range(len(axes))) and len(axes) < x.ndim
    if not (leading and isinstance(x, np.ndarray) and x.dtype.kind == "f" and x.flags.c_contiguous and x.size):
        return 0
    return math.prod(x.shape[: len(axes)])

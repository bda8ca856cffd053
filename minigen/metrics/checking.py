"""What every metric asks of its arrays before it measures them."""

from typing import Any

import numpy as np

from minigen.errors import DataError, ShapeError


def finite(name: str, *arrays: Any) -> None:
    """DataError where a number is NaN or infinite: a mean would hide it or become it."""
    if not all(np.isfinite(x).all() for x in arrays):
        raise DataError(f"{name}: there are numbers that are not finite, so nothing can be measured. Look for a NaN.")


def rows(name: str, what: str, x: Any, least: int = 1) -> np.ndarray:
    """x (N, F) as float64, at least `least` rows; ShapeError or DataError, naming `what` it is, if it is not that."""
    x = np.asarray(x)
    if x.ndim != 2 or len(x) < least or not x.shape[1]:
        some = "and not empty" if least == 1 else f"with N ≥ {least}"
        raise ShapeError(f"{name}: {what} have shape {x.shape}; they must be (N, F), {some}.")
    finite(name, x)
    return x.astype(np.float64)

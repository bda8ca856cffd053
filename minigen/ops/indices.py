"""An index as the arrays of a backend take it, and whether it names places that there are.

NumPy looks at every place.  On a GPU a place out of range is no error: it comes round, i standing for i mod n on an
axis of length n, when entries are read and when gradients are added to them.  So places that come from the host are
looked at before they leave it; to look at an array that lies on the GPU, the host would have to wait in every step.
"""

import numpy as np

from minigen.autograd.tensor import Tensor


def bare(x):
    """The array inside a tensor; an array as it is."""
    return x.data if isinstance(x, Tensor) else x


def as_index(index, xp, shape):
    """An index into an array of `shape`, as bare arrays and numbers: lists and host arrays go where `xp` is.

    IndexError, in NumPy's words, where a place that comes from the host is out of range.
    """
    if xp is not np:
        _refuse_places_outside(index, shape)
    return tuple(_on(entry, xp) for entry in index) if isinstance(index, tuple) else _on(index, xp)


def _on(entry, xp):
    if isinstance(entry, list):
        return xp.asarray([bare(one) for one in entry], None if entry else np.intp)
    return xp.asarray(entry) if isinstance(entry, np.ndarray) else bare(entry)


def _refuse_places_outside(index, shape):
    entries = [_of_the_host(entry) for entry in (index if isinstance(index, tuple) else (index,))]
    rest = len(shape) - sum(map(_axes, entries))  # the axes that an ellipsis stands for
    axis = 0
    for entry in entries:
        if isinstance(entry, np.ndarray) and entry.dtype.kind in "iu" and entry.size and axis < len(shape):
            n = shape[axis]
            for place in (int(entry.min()), int(entry.max())):
                if not -n <= place < n:
                    raise IndexError(f"index {place} is out of bounds for axis {axis} with size {n}")
        axis += rest if entry is Ellipsis else _axes(entry)


def _of_the_host(entry):
    """A list of numbers as an array; anything else as it is."""
    return np.asarray(entry) if isinstance(entry, list) and not any(isinstance(x, Tensor) for x in entry) else entry


def _axes(entry):
    """How many axes an entry of an index uses up."""
    if entry is None or entry is Ellipsis or isinstance(entry, bool):
        return 0
    return entry.ndim if getattr(entry, "dtype", None) == np.bool_ else 1


def names_each_once(index):
    """True where no entry can be named twice: slices, numbers, None and ..., or one mask; no arrays of places."""
    entries = index if isinstance(index, tuple) else (index,)
    if len(entries) == 1 and getattr(index, "dtype", None) == np.bool_:
        return True
    return all(entry is None or entry is Ellipsis or isinstance(entry, slice | int | np.integer) for entry in entries)

"""Entries of the look-alike's arrays: what CuPy does with an index, what it costs, and where the host waits for it."""

import numpy as np

from .counts import note, place, wait
from .graphs import changed, made

ADDED = "int32 float16 float32 float64 uint32 uint64".split()  # what CuPy's atomic addition takes


def get(x, index):
    """x[index]: a view for slices and numbers, one launch for an array of places; a mask waits for its count."""
    from .arrays import view_or_copy, wrap

    parts, arrays = _parts(x, index)
    if not arrays:
        return view_or_copy(x, lambda inside: inside[parts])
    y = made(lambda: x._inside[_parts(x, index)[0]])
    _cost(arrays, y.size)
    return wrap(y)


def put(x, index, value):
    """x[index] = value: a fill for a number, a copy for an array; nothing where the value lies there already."""
    from .arrays import SCALARS, ndarray

    parts, arrays = _parts(x, index)
    if isinstance(value, np.ndarray):
        if value.shape and not arrays:
            raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
        raise TypeError(f"a NumPy array was assigned to an array of the device, in {place()}: a hidden transfer.")
    if not isinstance(value, (ndarray, *SCALARS)):
        raise TypeError(f"Unsupported type {type(value)}")
    given = value._inside if isinstance(value, ndarray) else value
    if not arrays:
        where = x._inside[parts]
        if isinstance(given, np.ndarray) and _same(where, given):
            return
        note("copies" if isinstance(given, np.ndarray) else "fills", bool(where.size))
    here = place()

    def assign():
        parts, arrays = _parts(x, index)
        if any(a.dtype.kind != "b" for a in arrays):
            named = np.zeros(x.shape, np.intp)
            np.add.at(named, parts, 1)
            if named.max(initial=0) > 1:
                raise ValueError(f"x[i] = v names an entry twice, in {here}: CuPy leaves open which value it gets.")
        with np.errstate(all="ignore"):
            x._inside[parts] = given

    changed(assign)
    if arrays:
        _cost(arrays, 1)


def scatter_add(x, index, value):
    """x[index] += value, adding twice where an entry is named twice: atomic, so sums differ from run to run."""
    from .arrays import plain

    parts, arrays = _parts(x, index)
    if arrays and x.dtype.name not in ADDED:
        raise TypeError(f"scatter_add only supports {', '.join(ADDED)}, as data type")
    changed(lambda: np.add.at(x._inside, _parts(x, index)[0], plain(value)))
    if arrays:
        _cost(arrays, 1)
    else:
        note("kernels")


def _parts(x, index):
    """(what NumPy takes in place of the index, the arrays in it); arrays of places are wrapped, as on the GPU."""
    from .arrays import ndarray

    given = list(index) if isinstance(index, tuple) else [index]
    for part in given:
        if isinstance(part, np.ndarray | list | tuple):
            raise TypeError(
                f"an index is a {type(part).__name__} of the host, in {place()}: CuPy copies it to the device without "
                "a word, the look-alike does not."
            )
        if not (part is None or part is Ellipsis or isinstance(part, slice | int | np.integer | ndarray)):
            raise IndexError(f"the look-alike takes no {type(part).__name__} in an index")
    arrays = [part for part in given if isinstance(part, ndarray)]
    if any(a.dtype.kind not in "biu" for a in arrays):
        raise IndexError("arrays used as indices must be of integer or boolean type.")
    if not any(part is Ellipsis for part in given):
        given.append(Ellipsis)
    used = sum(_axes(part) for part in given)
    axis, parts = 0, []
    for part in given:
        if isinstance(part, ndarray):
            places = part._inside
            if part.dtype.kind != "b":
                if not x.shape[axis] and places.size:
                    raise IndexError("cannot do a non-empty take from an empty axes.")
                places = places % max(x.shape[axis], 1)  # out of range is no error there: it comes round
            parts.append(places)
        else:
            parts.append(part)
        axis += x.ndim - used if part is Ellipsis else _axes(part)
    return tuple(parts), arrays


def _axes(part):
    """How many axes a part of an index uses up."""
    if part is None or part is Ellipsis:
        return 0
    return part.ndim if getattr(part, "dtype", None) == np.bool_ else 1


def _cost(arrays, size):
    """The launches of an index made of arrays: cupy/_core/_routines_indexing.pyx."""
    masks = sum(a.dtype.kind == "b" for a in arrays)
    if masks:
        wait("an index that is a mask")
        note("kernels", 3 * masks)  # scanned in two passes, then gathered
    if len(arrays) > 1:
        note("fills")
        note("kernels", len(arrays) + 1)  # places are made one number each, axis by axis
    elif not masks:
        note("kernels", bool(size))


def _same(a, b):
    """Are they the same numbers in the same place?"""
    return a.shape == b.shape and a.strides == b.strides and a.ctypes.data == b.ctypes.data and a.dtype == b.dtype

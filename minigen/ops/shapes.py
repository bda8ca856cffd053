"""The same numbers in another arrangement: no arithmetic, so every derivative is an arrangement too."""

import operator

import numpy as np

from minigen.autograd.op import op
from minigen.backend import array_module, scatter_add
from minigen.errors import ShapeError
from minigen.ops.indices import as_index, names_each_once
from minigen.ops.indices import bare as bare


@op
def reshape(x, *, shape):
    """y = x read in row order into `shape`; one entry may be −1, to be worked out"""
    return x.reshape(shape)


reshape.vjp(x=lambda dy, y, x, *, shape: reshape(dy, x.shape))


@op
def transpose(x, *, axes=None):
    """y = x with its axes in the order `axes` (default: reversed)"""
    return x.transpose(axes)


transpose.vjp(
    x=lambda dy, y, x, *, axes: transpose(dy, None if axes is None else _inverse(axes, x.ndim)),
)


def _inverse(axes, ndim):
    """The permutation that undoes `axes`."""
    back = [0] * ndim
    for place, axis in enumerate(axes):
        back[axis] = place
    return tuple(back)


@op
def moveaxis(x, *, source, destination):
    """y = x with axis `source` moved to `destination`"""
    return array_module(x).moveaxis(x, source, destination)


moveaxis.vjp(x=lambda dy, y, x, *, source, destination: moveaxis(dy, destination, source))


@op
def expand_dims(x, *, axis):
    """y = x with a new axis of length 1 at `axis`"""
    return array_module(x).expand_dims(x, axis)


expand_dims.vjp(x=lambda dy, y, x, *, axis: reshape(dy, x.shape))


@op
def squeeze(x, *, axis=None):
    """y = x without its axes of length 1 (or without `axis`)"""
    return x.squeeze(axis)


squeeze.vjp(x=lambda dy, y, x, *, axis: reshape(dy, x.shape))


@op
def broadcast_to(x, *, shape):
    """y = x repeated to fill `shape`"""
    return array_module(x).broadcast_to(x, shape)


broadcast_to.vjp(x=lambda dy, y, x, *, shape: dy)  # the engine undoes broadcasting


@op
def astype(x, *, dtype):
    """y = x in another dtype"""
    return x.astype(dtype)


astype.casts = True
astype.vjp(x=lambda dy, y, x, *, dtype: dy)  # the engine returns to x's dtype


@op
def concatenate(*arrays, axis=0):
    """y = the arrays one after another along `axis`: concatenate(a, b), or concatenate([a, b])"""
    return array_module(*arrays).concatenate(arrays, operator.index(axis))


def _own_part(dy, y, i, *arrays, axis):
    axis %= arrays[0].ndim
    start = sum(a.shape[axis] for a in arrays[:i])
    return getitem(dy, (slice(None),) * axis + (slice(start, start + arrays[i].shape[axis]),))


concatenate.vjp(arrays=_own_part)


@op
def stack(*arrays, axis=0):
    """y = the arrays side by side along a new `axis`: stack(a, b), or stack([a, b])"""
    return array_module(*arrays).stack(arrays, operator.index(axis))


stack.vjp(arrays=lambda dy, y, i, *arrays, axis: getitem(dy, (slice(None),) * (axis % y.ndim) + (i,)))


def split(x, sections, axis=0):
    """A list of parts of x along `axis`: into `sections` equal parts, or cut before each place in a list."""
    n, axis = x.shape[axis], axis % x.ndim
    if isinstance(sections, int | np.integer):
        if sections < 1 or n % sections:
            raise ShapeError(f"split: an axis of length {n} does not divide into {sections} equal parts.")
        cuts = [n // sections * k for k in range(1, sections)]
    else:
        cuts = list(sections)
    edges = [0, *cuts, n]
    whole = (slice(None),) * axis
    return [getitem(x, (*whole, slice(a, b))) for a, b in zip(edges, edges[1:], strict=False)]


@op
def pad(x, *, widths, value=0.0):
    """y = x with `value` around it; widths: one (before, after) pair an axis, or one pair or number for all"""
    return array_module(x).pad(x, _pairs(widths, x.ndim), mode="constant", constant_values=value)


def _pairs(widths, ndim):
    """NumPy's short forms of pad's widths, written out: one (before, after) pair an axis."""
    try:
        return np.broadcast_to(np.asarray(widths, np.intp), (ndim, 2)).tolist()
    except (ValueError, TypeError) as error:
        raise ShapeError(
            f"pad: widths {widths} must be a number, a (before, after) pair, or {ndim} such pairs, one an axis."
        ) from error


def _inside(dy, y, x, *, widths, value):
    pairs = _pairs(widths, x.ndim)
    return getitem(dy, tuple(slice(before, before + n) for (before, _), n in zip(pairs, x.shape, strict=True)))


pad.vjp(x=_inside)


@op
def flip(x, *, axis=None):
    """y = x backwards along `axis` (default: along every axis)"""
    return array_module(x).flip(x, axis)


flip.vjp(x=lambda dy, y, x, *, axis: flip(dy, axis))


@op
def roll(x, *, shift, axis=None):
    """y = x shifted round along `axis`; what leaves at one end returns at the other"""
    return array_module(x).roll(x, shift, axis)


def _shift_back(dy, y, x, *, shift, axis):
    back = tuple(-s for s in shift) if isinstance(shift, tuple | list) else -shift
    return roll(dy, back, axis)


roll.vjp(x=_shift_back)


# Choosing entries ---------------------------------------------------------------------------------------------------


@op
def getitem(x, *, index):
    """y = x[index]: slices, numbers, None, ..., arrays of integers or booleans

    ShapeError where a place is out of range, except in an array of integers that lies on a GPU, since to look at it the
    host would have to wait.  There such places come round: i stands for i mod n on an axis of length n, as it does in
    the gradient.
    """
    return x[as_index(index, array_module(x), x.shape)]


@op
def put_add(values, *, index, shape):
    """y = zeros of `shape`, with y[index] += values; an index that occurs twice adds twice.  The adjoint of getitem."""
    xp = array_module(values)
    index = as_index(index, xp, shape)
    y = xp.zeros(shape, values.dtype)
    if names_each_once(index):
        y[index] = values
    else:
        scatter_add(y, index, values)
    return y


getitem.vjp(x=lambda dy, y, x, *, index: put_add(dy, index=index, shape=x.shape))
put_add.vjp(values=lambda dy, y, values, *, index, shape: getitem(dy, index))


def take(x, indices, axis=None):
    """y = the entries of x at `indices` along `axis` (default: of x flattened); indices may repeat.

    ShapeError where an index is out of range; indices that lie on a GPU already come round there (see `getitem`).
    """
    if axis is None:
        return getitem(reshape(x, (-1,)), indices)
    return getitem(x, (slice(None),) * (operator.index(axis) % x.ndim) + (indices,))


@op
def take_along_axis(x, *, indices, axis):
    """y[…, j, …] = x[…, indices[…, j, …], …]: one choice of places for each line along `axis`

    ShapeError where a place is out of range; places that lie on a GPU already come round there (see `getitem`).
    """
    xp = array_module(x)
    return xp.take_along_axis(x, _along(axis, indices, xp, x.shape), axis)


def _along(axis, indices, xp, shape):
    """Indices along one axis of an array of this shape, on `xp`."""
    return as_index((slice(None),) * (axis % len(shape)) + (indices,), xp, shape)[-1]


@op
def put_along_axis(values, *, indices, axis, length):
    """The adjoint of take_along_axis: zeros of `length` along `axis`, with each value added at its place."""
    xp = array_module(values)
    shape = list(values.shape)
    shape[axis] = length
    indices = _along(axis, indices, xp, shape)
    y = xp.zeros(shape, values.dtype)
    place = list(xp.ogrid[tuple(slice(n) for n in values.shape)])
    place[axis] = indices
    scatter_add(y, tuple(place), values)
    return y


take_along_axis.vjp(
    x=lambda dy, y, x, *, indices, axis: put_along_axis(dy, indices=indices, axis=axis, length=x.shape[axis])
)
put_along_axis.vjp(
    values=lambda dy, y, values, *, indices, axis, length: take_along_axis(dy, indices=indices, axis=axis)
)

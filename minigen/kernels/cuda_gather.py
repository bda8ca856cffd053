"""What is gathered on CuPy: sixteen arrays into one by one launch, and the gradients of entries that were chosen.

CuPy would add these by atomic additions, whose sums differ in their last bits from run to run.
"""

import itertools
import math

import numpy as np

from minigen.autograd.op import kernel
from minigen.backend import array_module
from minigen.kernels.cuda_launch import LIMIT, launch, suits
from minigen.ops.gather import gather
from minigen.ops.indices import as_index
from minigen.ops.shapes import concatenate, put_add

PIECES = 16  # arrays that the text takes
MOST_LOOKS = 2**26  # at a place, by all threads together, each of which looks through all places


def gather_cuda(y, *pieces):
    if not suits(y, *pieces):
        return gather.function(y, *pieces)
    start = 0
    for first in range(0, len(pieces), PIECES):
        some = [array_module(piece).ascontiguousarray(piece) for piece in pieces[first : first + PIECES]]
        ends = list(itertools.accumulate(piece.size for piece in some))
        some += some[-1:] * (PIECES - len(some))  # whatever fills up the places ends where the last one does
        ends += ends[-1:] * (PIECES - len(ends))
        count = ends[-1]
        launch("gather", count, *some, y[start : start + count], *map(np.int32, ends))
        start += count


gather.kernels["cupy"] = gather_cuda


@kernel(concatenate, backend="cupy")
def concatenate_cuda(*arrays, axis):
    first, *others = arrays
    size = sum(x.size for x in arrays)
    if axis != 0 or not (first.ndim and suits(*arrays) and size < LIMIT):
        return concatenate.function(*arrays, axis=axis)
    if any(x.shape[1:] != first.shape[1:] or not x.ndim for x in others):
        return concatenate.function(*arrays, axis=axis)  # which says what is wrong
    y = array_module(first).empty((sum(len(x) for x in arrays), *first.shape[1:]), first.dtype)
    gather_cuda(y.reshape(-1), *arrays)
    return y


@kernel(put_add, backend="cupy")
def put_add_cuda(values, *, index, shape):
    if isinstance(index, tuple):
        if len(index) != 1:
            return put_add.function(values, index=index, shape=shape)
        (index,) = index
    xp = array_module(values)
    places = as_index(index, xp, shape)
    if not _name_rows(places, values, shape):
        return put_add.function(values, index=places, shape=shape)
    values, places = xp.ascontiguousarray(values), xp.ascontiguousarray(places.astype(np.int64, copy=False))
    x = xp.empty(shape, values.dtype)
    launch("add_rows", x.size, values, places, x, *map(np.int32, (x.size, places.size, len(x), x.size // len(x))))
    return x


def _name_rows(places, values, shape):
    """Are these places on the first axis, few enough to be looked through by every thread?"""
    if not isinstance(places, array_module(values).ndarray) or places.dtype.kind not in "iu":
        return False
    if not (shape and suits(values) and values.shape == (*places.shape, *shape[1:])):
        return False
    return 0 < math.prod(shape) < LIMIT and places.size * math.prod(shape) <= MOST_LOOKS

"""Many arrays into one on CuPy: a launch for sixteen of them, where copying takes one each."""

import itertools

import numpy as np

from minigen.autograd.op import kernel
from minigen.backend import array_module
from minigen.kernels.cuda_launch import LIMIT, launch, suits
from minigen.ops.gather import gather
from minigen.ops.shapes import concatenate

PIECES = 16  # arrays that the text takes


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

"""Coins, uniform and normal numbers on CuPy, in one launch each, made where they are needed.

Coins and uniform numbers are the very ones that NumPy's Philox gives on the host; normal ones differ by rounding.
"""

import numpy as np

from minigen.kernels.cuda_launch import LIMIT, launch
from minigen.ops.coins import BLOCK, toss
from minigen.ops.draws import normals, uniforms

PIECE = LIMIT // BLOCK - 1  # values of the counter in one launch, so that what they give can be counted in int
FLOATS = 8  # numbers of one value of the counter


def _in_pieces(name, block, numbers, key, *settings):
    """Kernel `name`, with a thread for each value of the counter, which gives `block` numbers."""
    for first in range(0, numbers.size // block, PIECE):
        own = numbers[block * first : block * (first + PIECE)]
        count = own.size // block
        launch(name, count, own, key, np.int32(count), np.int32(first), *settings)


def toss_cuda(kept, key, *, bound):
    _in_pieces("coins", BLOCK, kept, key, np.int32(bound))


def uniforms_cuda(y, key):
    _in_pieces("uniforms", FLOATS, y, key)


def normals_cuda(y, key):
    _in_pieces("normals", FLOATS, y, key)


toss.kernels["cupy"] = toss_cuda
uniforms.kernels["cupy"] = uniforms_cuda
normals.kernels["cupy"] = normals_cuda

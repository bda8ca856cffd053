"""Coins on CuPy in one launch: the very booleans that NumPy's Philox gives on the host, made where they are needed."""

import numpy as np

from minigen.kernels.cuda_launch import LIMIT, launch
from minigen.ops.coins import BLOCK, toss

PIECE = LIMIT // BLOCK - 1  # values of the counter in one launch, so that their coins can be counted in int


def toss_cuda(kept, key, *, bound):
    for first in range(0, kept.size // BLOCK, PIECE):
        own = kept[BLOCK * first : BLOCK * (first + PIECE)]
        count = own.size // BLOCK
        launch("coins", count, own, key, np.int32(count), np.int32(first), np.int32(bound))


toss.kernels["cupy"] = toss_cuda

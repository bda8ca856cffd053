"""Coins, one for each number of an array: the same booleans on every backend, made of one key drawn on the host."""

import math
from typing import Any

import numpy as np

from minigen.autograd.switches import kernels
from minigen.backend import Array, arrival, current, name_of
from minigen.ops.steps import InPlace

SIDES = 1 << 16  # equally likely numbers, of which a coin is one
BLOCK = 16  # coins of one value of Philox' counter


def rounded(rate: float) -> float:
    """The nearest share to `rate` that coins can have, a multiple of 2⁻¹⁶."""
    return round(float(rate) * SIDES) / SIDES


def draw_coins(rng: np.random.Generator, shape: tuple[int, ...], rate: float, module: Any = None) -> Array:
    """Booleans on `module` (default: the backend in use), each False with probability rounded(rate).

    rate in [0, 1].  `rng` gives one key of 64 bits; `toss` makes the coins of it, where they are to be.
    """
    module = current() if module is None else module
    bound, size = round(float(rate) * SIDES), math.prod(shape)

    def key() -> np.ndarray:
        drawn = rng.integers(0, 2**64, size=1, dtype=np.uint64)
        return drawn.astype("<u8").view("<i4").astype(np.int32)

    def tossed_by(xp: Any) -> Array:
        kept = xp.empty(-(-size // BLOCK) * BLOCK, bool)
        toss(kept, key() if xp is np else arrival(key, xp), bound=bound)
        return kept[:size].reshape(shape)

    there = kernels.on() and name_of(module) in toss.kernels
    return tossed_by(module) if there else arrival(lambda: tossed_by(np), module)


@InPlace
def toss(kept, key, *, bound):
    """kept[i] ← word i ≥ bound, of the 16-bit words that Philox4x64-10 makes of a key.  Salmon et al. 2011, section 4.

    kept: booleans (16 n,).  key: 64 bits as int32 (2,), the lower half first; the upper 64 bits of Philox' own key are
    0.  bound in [0, 2¹⁶].  Words 16 j to 16 j + 15 are the four 64-bit numbers of counter j + 1, the lowest bits first.
    """
    low, high = (int(half) for half in key.view(np.uint32))
    philox = np.random.Philox(key=low + (high << 32))  # it counts up before it computes: from counter 1
    words = philox.random_raw(kept.size // 4).astype("<u8", copy=False).view("<u2")
    np.greater_equal(words, bound, out=kept)

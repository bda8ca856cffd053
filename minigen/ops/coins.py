"""Coins, one for each number of an array: the same booleans on every backend, made of one key drawn on the host."""

from typing import Any

import numpy as np

from minigen.backend import Array
from minigen.ops.draws import from_key, philox
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
    return from_key(toss, rng, shape, bool, module, bound=round(float(rate) * SIDES))


@InPlace
def toss(kept, key, *, bound):
    """kept[i] ← word i ≥ bound, of the 16-bit words of `philox(key)`.

    kept: booleans (16 n,).  bound in [0, 2¹⁶].  Words 16 j to 16 j + 15 are the four 64-bit numbers of counter j + 1,
    the lowest bits first.
    """
    words = philox(key).random_raw(kept.size // 4).astype("<u8", copy=False).view("<u2")
    np.greater_equal(words, bound, out=kept)

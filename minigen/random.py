"""Random tensors.  Nothing here is global: a generator is made from a seed and passed to whoever draws."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigen import backend
from minigen.autograd import Tensor
from minigen.ops.create import as_shape
from minigen.ops.draws import draw_normal, draw_uniform


def generator(seed: int | Sequence[int], *, draws: str = "host") -> np.random.Generator:
    """A generator of random numbers; the same seed gives the same numbers on every backend.

    draws="host": numbers are drawn by NumPy and copied to where they are needed.  draws="device": the generator gives
    one key a draw, and the numbers, other ones, are computed of it where they are needed (`minigen.ops.draws`); normal
    ones may then differ between backends in the last digit.  SettingError where it is neither.
    """
    return backend.generator(seed, draws)


def normal(*shape: Any, rng: np.random.Generator, dtype: Any = np.float32, requires_grad: bool = False) -> Tensor:
    """Standard normal numbers: normal(64, 100, rng=rng) or normal((64, 100), rng=rng)."""
    return Tensor(draw_normal(rng, as_shape(shape), dtype), requires_grad=requires_grad)


def uniform(
    *shape: Any,
    rng: np.random.Generator,
    low: float = 0.0,
    high: float = 1.0,
    dtype: Any = np.float32,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers uniform on [low, high): uniform(64, 100, rng=rng, low=-1)."""
    drawn = draw_uniform(rng, as_shape(shape), dtype)
    return Tensor(drawn * float(high - low) + float(low), requires_grad=requires_grad)

"""Normal and uniform numbers: drawn on the host, or made of one key where they are needed, as the generator decides."""

import math
from typing import Any

import numpy as np

from minigen.autograd.switches import kernels
from minigen.backend import Array, arrival, current, name_of
from minigen.ops.steps import InPlace

WHOLE = 16  # numbers in a row are made a multiple of this, so that none of Philox' counters is used in part
AT_ONCE = 1 << 15  # numbers: what is computed of them stays in a core's second cache


def draw_normal(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any = np.float32, module: Any = None) -> Array:
    """Standard normal numbers on `module` (default: the backend in use).

    Of a generator for draws on the device (Philox) one key of 64 bits is taken, of which `normals` makes the numbers
    where they are to be; the backends then differ by rounding, in float32 by at most 6 r 2⁻²³ with the r of `normals`.
    Any other generator draws the numbers themselves, on the host.
    """
    if isinstance(rng.bit_generator, np.random.Philox):
        return from_key(normals, rng, shape, _drawn(dtype), module).astype(dtype, copy=False)
    return arrival(lambda: rng.standard_normal(shape, dtype=_drawn(dtype)).astype(dtype, copy=False), module)


def draw_uniform(
    rng: np.random.Generator, shape: tuple[int, ...], dtype: Any = np.float32, module: Any = None
) -> Array:
    """Numbers uniform on [0, 1) on `module` (default: the backend in use), from a generator as for `draw_normal`.

    Multiples of 2⁻²⁴ in float32 and of 2⁻⁵³ in float64, the very same on every backend.
    """
    if isinstance(rng.bit_generator, np.random.Philox):
        return from_key(uniforms, rng, shape, _drawn(dtype), module).astype(dtype, copy=False)
    return arrival(lambda: rng.random(shape, dtype=_drawn(dtype)).astype(dtype, copy=False), module)


def _drawn(dtype: Any) -> Any:
    """The dtype that is drawn in: float64 for float64, else float32."""
    return np.float64 if np.dtype(dtype) == np.float64 else np.float32


# What a key becomes ---------------------------------------------------------------------------------------------------


def from_key(
    fill: InPlace, rng: np.random.Generator, shape: tuple[int, ...], dtype: Any, module: Any, **settings: Any
) -> Array:
    """What `fill(numbers, key, **settings)` makes of one key of 64 bits from `rng`, on `module`.

    On the host where no kernel stands in for `fill` there, and for float64, which no kernel has: then not the key
    travels but the numbers.
    """
    module = current() if module is None else module
    size = math.prod(shape)
    there = kernels.on() and name_of(module) in fill.kernels and dtype is not np.float64

    def key() -> np.ndarray:
        drawn = rng.integers(0, 2**64, size=1, dtype=np.uint64)
        return drawn.astype("<u8").view("<i4").astype(np.int32)

    def filled(xp: Any) -> Array:
        numbers = xp.empty(-(-size // WHOLE) * WHOLE, dtype)
        (fill if there else fill.function)(numbers, key() if xp is np else arrival(key, xp), **settings)
        return numbers[:size].reshape(shape)

    return filled(module) if there else arrival(lambda: filled(np), module)


def philox(key: np.ndarray) -> np.random.Philox:
    """Philox4x64-10, which computes numbers from a key and a counter, here from 1 on.  Salmon et al. 2011, section 4.

    key: 64 bits as int32 (2,), the lower half first; the upper 64 bits of Philox' own key are 0.
    """
    low, high = (int(half) for half in key.view(np.uint32))
    return np.random.Philox(key=low + (high << 32))  # it counts up before it computes: from counter 1


@InPlace
def uniforms(y, key):
    """y[i] ← the upper 24 bits of word i of `philox(key)`, times 2⁻²⁴; in float64 the upper 53, times 2⁻⁵³.

    y: float32 or float64 (16 n,).  Words have the width of y's numbers, the lower half of 64 bits first.
    """
    np.random.Generator(philox(key)).random(dtype=y.dtype, out=y)


@InPlace
def normals(y, key):
    """y[2 i], y[2 i + 1] ← r cos θ, r sin θ, with r = √(−2 ln u) and u, θ of words 2 i and 2 i + 1 of `philox(key)`.

    y: float32 or float64 (16 n,).  Words are w bits wide as y's numbers, the lower half of 64 bits first.  u = (word +
    ½) 2⁻ʷ in (0, 1], and θ = 2π 2⁻ʷ times the word read as a signed number, in [−π, π].  So r is at most 6.8 (9.5 in
    float64), and 0 where u rounds to 1.  Box & Muller 1958, eq. 1.
    """
    width, words = y.itemsize, philox(key)
    for i in range(0, y.size, AT_ONCE):
        pairs = y[i : i + AT_ONCE].reshape(-1, 2)
        raw = words.random_raw(pairs.nbytes // 8).astype("<u8", copy=False)
        of_u, of_angle = raw.view(f"<u{width}").reshape(-1, 2).T
        r = of_u.astype(y.dtype)
        r += 0.5
        r *= 2.0 ** (-8 * width)
        np.log(r, out=r)
        r *= -2
        np.sqrt(r, out=r)
        angle = of_angle.view(f"<i{width}").astype(y.dtype)
        angle *= math.pi * 2.0 ** (1 - 8 * width)
        np.multiply(r, np.cos(angle), out=pairs[:, 0])
        np.multiply(r, np.sin(angle), out=pairs[:, 1])

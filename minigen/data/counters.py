"""Random numbers by counter: number k of item i is a hash of (seed, i, k), so any item can be drawn without the others.

The hash is the finaliser of SplitMix64 (Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators",
figure 17).  Integer arithmetic modulo 2⁶⁴ is the same on every platform, and so are the numbers.
"""

import numpy as np

GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2⁶⁴ / golden ratio, made odd: SplitMix64's step


def mix(x: np.ndarray) -> np.ndarray:
    """The SplitMix64 finaliser, a bijection of uint64 in which every input bit moves half of the output bits."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def item_keys(seed: int, first: int, last: int) -> np.ndarray:
    """One uint64 key for each of the items first … last − 1 of a seed."""
    start = mix(np.array([seed], np.uint64))
    return mix(start + np.arange(first + 1, last + 1, dtype=np.uint64) * GOLDEN)


def uniforms(keys: np.ndarray, count: int) -> np.ndarray:
    """`count` float64 numbers in [0, 1) for each key: keys (N,) → (N, count), 53 random bits each."""
    steps = np.arange(1, count + 1, dtype=np.uint64) * GOLDEN
    bits = mix(keys[:, None] + steps)
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53

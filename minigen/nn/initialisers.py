"""What weights start as: functions (rng, shape, fans) → a float32 array on the host.

`fans` = (inputs that one output sees, outputs that one input reaches), which layers work out for themselves; left out,
they are read from a kernel (*window, C, OC).  For another setting: functools.partial(normal, std=0.01).
"""

import math
from collections.abc import Callable

import numpy as np

Fans = tuple[int, int]
Initialiser = Callable[[np.random.Generator, tuple[int, ...], Fans | None], np.ndarray]


def fans_of(shape: tuple[int, ...], groups: int = 1) -> Fans:
    """(fan in, fan out) of a kernel (*window, C / groups, OC): taps times channels.

    Each output sees C / groups channels, and each input reaches OC / groups; a vector counts as one row of weights.
    """
    taps = math.prod(shape[:-2])
    return taps * (shape[-2] if len(shape) > 1 else 1), taps * (shape[-1] // groups)


def glorot_uniform(rng: np.random.Generator, shape: tuple[int, ...], fans: Fans | None = None) -> np.ndarray:
    """Uniform in ±√(6 / (fan in + fan out)): Glorot & Bengio 2010, eq. 16.  Keras' default, and the article's."""
    limit = math.sqrt(6 / sum(fans or fans_of(shape)))
    return rng.uniform(-limit, limit, shape).astype(np.float32)


def he_normal(rng: np.random.Generator, shape: tuple[int, ...], fans: Fans | None = None) -> np.ndarray:
    """Normal with deviation √(2 / fan in): He et al. 2015, eq. 10, for rectifiers.

    As PyTorch's kaiming_normal_; Keras' HeNormal cuts the normal off at two deviations.
    """
    return (rng.standard_normal(shape) * math.sqrt(2 / (fans or fans_of(shape))[0])).astype(np.float32)


def normal(
    rng: np.random.Generator, shape: tuple[int, ...], fans: Fans | None = None, *, std: float = 0.02
) -> np.ndarray:
    """Normal with deviation `std`: Radford et al. 2016, section 4, for DCGAN."""
    return (rng.standard_normal(shape) * std).astype(np.float32)


def orthogonal(
    rng: np.random.Generator, shape: tuple[int, ...], fans: Fans | None = None, *, gain: float = 1.0
) -> np.ndarray:
    """gain × a random matrix with orthonormal rows or columns, whichever are fewer: Saxe et al. 2014, section 2.

    A kernel (*window, C, OC) counts as the matrix (window · C, OC).
    """
    rows, columns = math.prod(shape[:-1]), shape[-1]
    q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
    q *= np.sign(np.diagonal(r))  # without it the draw is not uniform over the rotations (Mezzadri 2007, section 4)
    return (gain * (q if rows >= columns else q.T)).reshape(shape).astype(np.float32)


def constant(
    rng: np.random.Generator, shape: tuple[int, ...], fans: Fans | None = None, *, value: float = 0.0
) -> np.ndarray:
    """Every entry `value`; nothing is drawn."""
    return np.full(shape, value, np.float32)


def zeros(rng: np.random.Generator, shape: tuple[int, ...], fans: Fans | None = None) -> np.ndarray:
    """Every entry 0; nothing is drawn."""
    return np.zeros(shape, np.float32)

"""Convolution with fewer products: its trilinear form as a sum of R products of three sums.

    ⟨y, conv(x, w)⟩ = Σ_r (A_r · x) (B_r · w) (C_r · y)

Each face then is two small matrix products, R larger ones over the channels, and a small one back:

    y = Cᵀ ((A x) (B w))        x = Aᵀ ((B w) (C y))        w = Bᵀ ((A x) (C y))

The sums are a real Fourier transform, of just so many points an axis that what wraps around meets zeros, and a product
of two complex numbers is made of three real ones (Gauss's trick).  So R ≈ 3/2 pointsᵈ: for a 5 × 5 window on 7 × 7, 121
where taps one by one take 841 inside the image.  Sines and cosines never exceed 1, so that float32 keeps its digits,
which Winograd's and Toom and Cook's algorithms of this size lose (Barabasz et al. 2020).  A stride s cuts x into sᵈ
phases, which each meet their own taps at stride 1: they count as more channels.
"""

import functools
import math
from typing import Any, NamedTuple

import numpy as np

from minigen.ops.windows import Geometry

BLOCK = 1 << 25  # bytes of sums at a time: the largest that `memory.py` can keep


class Axis(NamedTuple):
    """One axis: tap k of output o reads place o + shifts[k] of phase phases[k] of x."""

    stride: int
    places: int  # of x in each phase
    outs: int
    phases: tuple[int, ...]
    shifts: tuple[int, ...]
    points: int  # of the transform

    @property
    def reach(self) -> range:
        """All shifts from the first to the last."""
        return range(min(self.shifts), max(self.shifts) + 1)


class Form(NamedTuple):
    """A (R, places of x), B (R, shifts of w), C (R, outs): the sums."""

    A: np.ndarray
    B: np.ndarray
    C: np.ndarray


# The three faces ----------------------------------------------------------------------------------------------------


def conv(x: Any, w: Any, geometry: Geometry) -> np.ndarray:
    """y = Cᵀ ((A x) (B w))"""
    axes, form = axes_of(geometry), form_of(geometry, x.dtype)
    W = _sums_of_kernel(geometry, w)
    y = np.empty((len(x), *geometry.outs, w.shape[-1]), x.dtype)
    for some in _parts(len(x), W.shape, W.itemsize):
        X = (form.A @ _cells(x[some], axes)).reshape(len(W), -1, W.shape[1])
        _uncell(form.C.T @ _rows(X @ W), _plain(axes), y[some])
    return y


def conv_transpose(y: Any, w: Any, geometry: Geometry) -> np.ndarray:
    """x = Aᵀ ((B w) (C y))"""
    axes, form = axes_of(geometry), form_of(geometry, y.dtype)
    W = _sums_of_kernel(geometry, w)
    x = np.empty((len(y), *geometry.sizes, w.shape[-2]), y.dtype)
    for some in _parts(len(y), W.shape, W.itemsize):
        Y = (form.C @ _cells(y[some], _plain(axes))).reshape(len(W), -1, W.shape[2])
        _uncell(form.A.T @ _rows(Y @ W.transpose(0, 2, 1)), axes, x[some])
    return x


def conv_kernel_grad(x: Any, y: Any, geometry: Geometry) -> np.ndarray:
    """w = Bᵀ ((A x) (C y))"""
    axes, form = axes_of(geometry), form_of(geometry, x.dtype)
    R, PC, OC = len(form.A), _phases(axes) * x.shape[-1], y.shape[-1]
    W: np.ndarray | None = None
    for some in _parts(len(x), (R, PC, OC), x.itemsize):
        X = (form.A @ _cells(x[some], axes)).reshape(R, -1, PC)
        Y = (form.C @ _cells(y[some], _plain(axes))).reshape(R, -1, OC)
        share = X.transpose(0, 2, 1) @ Y
        W = share if W is None else np.add(W, share, out=W)
    assert W is not None  # an empty batch is one part
    wide = (form.B.T @ _rows(W)).reshape(*_tap_shape(axes), x.shape[-1], OC)
    return wide[_tap_places(axes)]


class _Transformed(NamedTuple):
    """A kernel, copied, and its sums."""

    geometry: Geometry
    w: np.ndarray
    W: np.ndarray


_latest: _Transformed | None = None  # real and fake images, forward and back, meet one discriminator's kernel


def _sums_of_kernel(geometry: Geometry, w: np.ndarray) -> np.ndarray:
    """B w, (R, phases · C, OC), from w (*window, C, OC): every tap at its shift in its phase, zeros elsewhere.

    The sums of the last kernel are kept, and serve again where geometry and every number are the same.
    """
    global _latest
    last = _latest
    if last is not None and last.geometry == geometry and last.w.dtype == w.dtype and np.array_equal(last.w, w):
        return last.W
    axes, B = axes_of(geometry), form_of(geometry, w.dtype).B
    wide = np.zeros((*_tap_shape(axes), *w.shape[-2:]), w.dtype)
    wide[_tap_places(axes)] = w
    W = (B @ wide.reshape(B.shape[1], -1)).reshape(len(B), -1, w.shape[-1])
    _latest = _Transformed(geometry, w.copy(), W)
    return W


def _rows(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1)


def _parts(N: int, shape: tuple[int, ...], itemsize: int) -> list[slice]:
    """The batch in parts whose sums fit BLOCK, beside a kernel's sums of that shape; an empty batch is one part."""
    R, inputs, outputs = shape
    length = max(1, BLOCK // (R * max(inputs, outputs, 1) * itemsize))
    return [slice(i, i + length) for i in range(0, max(N, 1), length)]


# Dealing out, and gathering in --------------------------------------------------------------------------------------


def _cells(x: np.ndarray, axes: tuple[Axis, ...]) -> np.ndarray:
    """(places, N · phases · C) of x (N, *sizes, C): a row for each place, zeros behind the end of x."""
    full = _full(axes)
    if x.shape[1:-1] != full:
        wide = np.zeros((len(x), *full, x.shape[-1]), x.dtype)
        wide[_corner(x.shape)] = x
        x = wide
    return _by_place(x, axes).reshape(math.prod(axis.places for axis in axes), -1)


def _uncell(cells: np.ndarray, axes: tuple[Axis, ...], x: np.ndarray) -> None:
    """Write cells (places, N · phases · C) where they belong in x (N, *sizes, C)."""
    full = _full(axes)
    wide = x if x.shape[1:-1] == full else np.empty((len(x), *full, x.shape[-1]), x.dtype)
    view = _by_place(wide, axes)
    view[...] = cells.reshape(view.shape)
    if wide is not x:
        x[...] = wide[_corner(x.shape)]


def _by_place(x: np.ndarray, axes: tuple[Axis, ...]) -> np.ndarray:
    """A view (*places, N, *strides, C) of x (N, *sizes, C)."""
    d = len(axes)
    dealt = x.reshape(len(x), *(n for axis in axes for n in (axis.places, axis.stride)), x.shape[-1])
    return dealt.transpose(*range(1, 2 * d, 2), 0, *range(2, 2 * d + 1, 2), 2 * d + 1)


def _plain(axes: tuple[Axis, ...]) -> tuple[Axis, ...]:
    """The axes of y, which has one phase."""
    return tuple(axis._replace(stride=1, places=axis.outs) for axis in axes)


def _tap_shape(axes: tuple[Axis, ...]) -> tuple[int, ...]:
    return (*(len(axis.reach) for axis in axes), *(axis.stride for axis in axes))


def _tap_places(axes: tuple[Axis, ...]) -> tuple[np.ndarray, ...]:
    """Where each tap of the window stands in an array of `_tap_shape`: one index for each of its axes."""
    return (*np.ix_(*([s - a.reach[0] for s in a.shifts] for a in axes)), *np.ix_(*(a.phases for a in axes)))


def _full(axes: tuple[Axis, ...]) -> tuple[int, ...]:
    """Sizes of x that its phases fill."""
    return tuple(axis.places * axis.stride for axis in axes)


def _corner(shape: tuple[int, ...]) -> tuple[slice, ...]:
    return tuple(slice(0, n) for n in shape)


def _phases(axes: tuple[Axis, ...]) -> int:
    return math.prod(axis.stride for axis in axes)


# The form -----------------------------------------------------------------------------------------------------------


@functools.lru_cache(256)
def axes_of(geometry: Geometry) -> tuple[Axis, ...]:
    """Every axis, with as few points as keep apart what is read and what wraps around."""
    axes = []
    for i, (size, outs, stride) in enumerate(zip(geometry.sizes, geometry.outs, geometry.stride, strict=True)):
        starts = [k * geometry.dilation[i] - geometry.before[i] for k in range(geometry.window[i])]
        shifts = tuple(start // stride for start in starts)
        places = -(-size // stride)
        # A read in front of x must land behind its end, and a read behind its end in front of the next turn's start.
        points = max(places, places - min(shifts), outs + max(shifts))
        axes.append(Axis(stride, places, outs, tuple(start % stride for start in starts), shifts, points))
    return tuple(axes)


def rank_of(geometry: Geometry) -> int:
    """R, without making the matrices."""
    points = [axis.points for axis in axes_of(geometry)]
    alone = math.prod(2 - n % 2 for n in points)
    return alone + 3 * (math.prod(points) - alone) // 2


@functools.lru_cache(32)
def form_of(geometry: Geometry, dtype: np.dtype) -> Form:
    """The matrices of the form: y_o = 1/n Σ_f e^{+if·o} X_f W_f with X_f = Σ x_p e^{−if·p}, W_f = Σ w_s e^{+if·s}.

    A frequency whose wave is real takes one product.  Of the others, f and −f are conjugates, so that one of each pair
    is enough: with a = (Re X + Im X) Re W, b = Re X (Im W − Re W) and c = Im X (Re W + Im W), their product is
    (a − c) + i (a + b).
    """
    axes = axes_of(geometry)
    points = [axis.points for axis in axes]
    alone, paired = _frequencies(points)
    x, w, y = [range(a.places) for a in axes], [a.reach for a in axes], [range(a.outs) for a in axes]
    n = math.prod(points)
    (Xr, Xi), (Wr, Wi), (Yr, Yi) = (_wave(paired, at, points) for at in (x, w, y))
    Xi, Yr, Yi = -Xi, 2 / n * Yr, 2 / n * Yi
    blocks = (
        (_wave(alone, x, points)[0], Xr + Xi, Xr, Xi),
        (_wave(alone, w, points)[0], Wr, Wi - Wr, Wr + Wi),
        (_wave(alone, y, points)[0] / n, Yr - Yi, -Yi, -Yr),
    )
    return Form(*(np.concatenate(rows).astype(dtype) for rows in blocks))


def _frequencies(points: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """The frequencies equal to their negative, and one of each pair of the others."""
    every = np.array(list(np.ndindex(*points)))
    mirror = np.ravel_multi_index(tuple((-every % points).T), points)
    place = np.arange(len(every))
    return every[place == mirror], every[place < mirror]


def _wave(frequencies: np.ndarray, at: list[range], points: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """cos and sin of 2π Σ f p / n: a row for each frequency, a column for each place p."""
    grid = np.stack(np.meshgrid(*at, indexing="ij"), -1).reshape(-1, len(at))
    angle = 2 * np.pi * ((frequencies / points) @ grid.T)
    return np.cos(angle), np.sin(angle)

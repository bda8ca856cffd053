"""One entry an operation: an independent oracle for its value, and the inputs on which everything is tested.

An entry is (oracle, cases).  The oracle takes bare float64 arrays and the settings, or is None where the value is
tested elsewhere.  `cases` draws a list of Case from a generator; the points lie away from kinks unless a case says so.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minigen import ops
from minigen.autograd import FUSED, OPS
from minigen.ops import Geometry

Array = Any


class Case(NamedTuple):
    """Inputs for one call, its settings, and what a gradient check must know about the point."""

    inputs: tuple[Array, ...]
    settings: dict[str, Any]
    subgradient: bool = False  # on kinks or ties on purpose
    zero: tuple[str, ...] = ()  # inputs whose gradient is truly 0 here
    order: int = 2  # the highest order that exists at this point


def case(*inputs, subgradient=False, zero=(), order=2, **settings):
    return Case(inputs, settings, subgradient, zero, order)


def normal(rng, *shape):
    return rng.normal(size=shape)


def positive(rng, *shape):
    return rng.uniform(0.3, 2, shape)


def away(rng, *shape):
    """Either sign, at least 0.3 from 0."""
    return rng.uniform(0.3, 2, shape) * rng.choice((-1.0, 1.0), shape)


def distinct(rng, *shape):
    """Any two entries at least 0.1 apart."""
    n = math.prod(shape)
    return ((rng.permutation(n) - n / 2) * 0.2 + rng.uniform(0.02, 0.1, n)).reshape(shape)


def probably(rng, *shape):
    """True about every other time, and both at least once."""
    n = math.prod(shape)
    return rng.permutation(np.arange(n) % 2 == 0).reshape(shape)


# Functions whose call is not simply f(*inputs, **settings) ------------------------------------------------------------


def _split(x, *, sections, axis=0):
    return ops.concatenate(*reversed(ops.split(x, sections, axis)), axis=axis)


ADAPTED: dict[str, Callable[..., Any]] = {
    "split": _split,
    "einsum": lambda a, b, *, subscripts: ops.einsum(subscripts, a, b),
    "dropout": lambda x, *, rate: ops.dropout(x, rate, rng=np.random.default_rng(5)),
    "stack": lambda *arrays, axis=0: ops.stack(list(arrays), axis=axis),  # the call with a list
}


def function(name: str) -> Callable[..., Any]:
    """What is called on a case's inputs and settings."""
    return ADAPTED.get(name) or OPS.get(name) or FUSED.get(name) or getattr(ops, name)


# Oracles that NumPy does not have -------------------------------------------------------------------------------------


def naive_taps(g: Geometry):
    """(output place, tap, input place) of everything a window reads inside x."""
    for out in np.ndindex(*g.outs):
        for tap in np.ndindex(*g.window):
            place = tuple(
                o * s + t * d - b for o, s, t, d, b in zip(out, g.stride, tap, g.dilation, g.before, strict=True)
            )
            if all(0 <= p < n for p, n in zip(place, g.sizes, strict=True)):
                yield (slice(None), *out), tap, (slice(None), *place)


def _groups(channels, groups):
    n = channels // groups
    return [slice(i * n, (i + 1) * n) for i in range(groups)]


def naive_conv(x, w, *, geometry):
    y = np.zeros((x.shape[0], *geometry.outs, w.shape[-1]))
    for out, tap, place in naive_taps(geometry):
        for i, o in zip(_groups(x.shape[-1], geometry.groups), _groups(w.shape[-1], geometry.groups), strict=True):
            y[(*out, o)] += x[(*place, i)] @ w[tap][:, o]
    return y


def naive_conv_transpose(y, w, *, geometry):
    x = np.zeros((y.shape[0], *geometry.sizes, w.shape[-2] * geometry.groups))
    for out, tap, place in naive_taps(geometry):
        for i, o in zip(_groups(x.shape[-1], geometry.groups), _groups(w.shape[-1], geometry.groups), strict=True):
            x[(*place, i)] += y[(*out, o)] @ w[tap][:, o].T
    return x


def naive_conv_kernel_grad(x, y, *, geometry):
    w = np.zeros((*geometry.window, x.shape[-1] // geometry.groups, y.shape[-1]))
    for out, tap, place in naive_taps(geometry):
        for i, o in zip(_groups(x.shape[-1], geometry.groups), _groups(y.shape[-1], geometry.groups), strict=True):
            w[tap][:, o] += x[(*place, i)].T @ y[(*out, o)]
    return w


def naive_patches(x, *, geometry):
    y = np.zeros((x.shape[0], *geometry.outs, *geometry.window, x.shape[-1]))
    for out, tap, place in naive_taps(geometry):
        y[(*out, *tap)] = x[place]
    return y


def naive_fold(y, *, geometry):
    x = np.zeros((y.shape[0], *geometry.sizes, y.shape[-1]))
    for out, tap, place in naive_taps(geometry):
        x[place] += y[(*out, *tap)]
    return x


def naive_convolve(x, w, *, stride=1, pads=(0, 0), dilation=1, groups=1, padding="valid"):
    """One spatial axis: windows as dot products over zero-padded x; `pads` is what `padding` must come to."""
    before, after = {"valid": (0, 0), "same": pads}.get(padding, pads) if isinstance(padding, str) else padding[0]
    wide = np.pad(x, ((0, 0), (before, after), (0, 0)))
    outs = (wide.shape[1] - (w.shape[0] - 1) * dilation - 1) // stride + 1
    geometry = Geometry((wide.shape[1],), (outs,), (w.shape[0],), (stride,), (dilation,), (0,), groups)
    return naive_conv(wide, w, geometry=geometry)


def naive_pool(reduce, x, *, window, stride=None):
    """Windows of two axes, no padding."""
    stride = stride or window
    outs = [(n - window) // stride + 1 for n in x.shape[1:3]]
    y = np.zeros((x.shape[0], *outs, x.shape[-1]))
    for i, j in np.ndindex(*outs):
        y[:, i, j] = reduce(x[:, i * stride : i * stride + window, j * stride : j * stride + window], axis=(1, 2))
    return y


def naive_batch_norm(x, gamma, beta, *, eps=1e-3):
    axes = tuple(range(x.ndim - 1))
    return gamma * (x - x.mean(axes)) / np.sqrt(x.var(axes) + eps) + beta


def naive_leaky(x, slope):
    return x * np.where(x > 0, 1, slope)


def naive_layer_norm(x, gamma, beta, *, eps=1e-5):
    return gamma * (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + eps) + beta


def naive_softmax(x, *, axis=-1):
    return np.exp(x) / np.exp(x).sum(axis, keepdims=True)


def naive_logsumexp(x, *, axis=None, keepdims=False):
    return np.log(np.exp(x).sum(axis=axis, keepdims=keepdims))


def naive_put_add(values, *, index, shape):
    y = np.zeros(shape)
    np.add.at(y, index, values)
    return y


def naive_put_along_axis(values, *, indices, axis, length):
    indices, values = np.moveaxis(indices, axis, -1), np.moveaxis(values, axis, -1)
    hot = indices[..., None] == np.arange(length)  # one-hot rows, weighed and summed
    return np.moveaxis((hot * values[..., None]).sum(-2), -1, axis)


def naive_upsample(x, *, factor=2):
    for axis in range(1, x.ndim - 1):
        x = x.repeat(factor if isinstance(factor, int) else factor[axis - 1], axis)
    return x


def naive_gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def naive_split(x, *, sections, axis=0):
    return np.concatenate(np.split(x, sections, axis)[::-1], axis)


def naive_dropout(x, *, rate):
    key = np.random.default_rng(5).integers(0, 2**64, dtype=np.uint64)
    words = np.random.Philox(key=int(key)).random_raw(-(-x.size // 4))
    coins = [(int(word) >> shift) % 2**16 for word in words for shift in (0, 16, 32, 48)][: x.size]
    bound = round(2**16 * rate)
    return x * (np.reshape(coins, x.shape) >= bound) * (2**16 / (2**16 - bound) if rate < 1 else 0)


# The table ------------------------------------------------------------------------------------------------------------

G1 = Geometry((5,), (3,), (3,), (2,), (1,), (1,))  # one axis, stride 2, a zero in front
G2 = Geometry((4, 5), (2, 2), (2, 3), (2, 3), (1, 1), (0, 1))  # two axes, a column no window reaches
G2G = Geometry((3, 3), (2, 2), (2, 2), (1, 1), (1, 1), (0, 0), 2)  # two groups
G2D = Geometry((5, 4), (3, 2), (2, 2), (1, 2), (2, 1), (0, 0))  # dilation
G3 = Geometry((2, 3, 2), (1, 2, 2), (2, 2, 1), (1, 1, 1), (1, 1, 1), (0, 0, 0))  # three axes

SAME = np.array([1.0, 1.0, 0.5])  # two largest
POINTS = np.array([-800.0, -90.0, -20.0, -1.0, 0.0, 1.0, 20.0, 90.0, 800.0])  # of every logit formula


def _pairs(r):
    """Two inputs that broadcast: not at all, each way, by rank, and to a number."""
    return [
        (normal(r, 2, 3), normal(r, 2, 3)),
        (normal(r, 3, 1), normal(r, 1, 4)),
        (normal(r, 3), normal(r, 2, 1, 3)),
        (normal(r), normal(r, 2)),
    ]


def _nothing(r):
    """Two inputs that meet in an empty result: nothing depends on b."""
    return case(normal(r, 0, 3), positive(r, 3), zero=("b",))


def _shapes(draw):
    """One input: a matrix, a number, length 1, nothing."""
    return lambda r: [case(draw(r, 2, 3)), case(draw(r)), case(draw(r, 1, 2, 1)), case(draw(r, 0, 2))]


def _facts(draw):
    return lambda r: [case(draw(r, 3, 1), draw(r, 1, 4)), case(draw(r), draw(r, 2)), case(draw(r, 0, 3), draw(r, 3))]


def _reduced(draw, *more):
    """One input reduced: all of it, an axis, a negative axis, several, with and without keepdims, a number."""

    def cases(r):
        return [
            case(draw(r, 2, 3)),
            case(draw(r, 2, 3), axis=0),
            case(draw(r, 2, 3, 2), axis=-2, keepdims=True),
            case(draw(r, 2, 3, 2), axis=(0, -1)),
            case(draw(r, 2, 1, 3), axis=1),
            case(draw(r)),
            *more,
        ]

    return cases


def _convolved(r):
    """x, w and b of a convolution, and coins for its result."""
    return normal(r, 2, 5, 2), normal(r, 3, 2, 2), normal(r, 2), probably(r, 2, 3, 2)


_small = (np.array([0, 2, 2]), np.array([[2, 0], [1, 1]]))

EXAMPLES: dict[str, tuple[Callable[..., Array] | None, Callable[[Any], list[Case]]]] = {
    # arithmetic
    "add": (np.add, lambda r: [*(case(*pair) for pair in _pairs(r)), _nothing(r)]),
    "subtract": (np.subtract, lambda r: [*(case(*pair) for pair in _pairs(r)), _nothing(r)]),
    "multiply": (np.multiply, lambda r: [*(case(*pair) for pair in _pairs(r)), _nothing(r)]),
    "divide": (np.divide, lambda r: [*(case(a, np.sign(b) * (np.abs(b) + 0.3)) for a, b in _pairs(r)), _nothing(r)]),
    "negative": (np.negative, _shapes(normal)),
    "power": (
        np.power,
        lambda r: [
            *(case(np.abs(a) + 0.3, b) for a, b in _pairs(r)),
            _nothing(r)._replace(inputs=(positive(r, 0, 3), normal(r, 3))),
            case(np.zeros(2), np.array([2.0, 3.0]), zero=("a", "b"), order=1),
            case(positive(r, 3), np.zeros(3), zero=("a",)),  # flat in a, but not its slope in b
        ],
    ),
    "log": (np.log, _shapes(positive)),
    "abs": (np.abs, lambda r: [*_shapes(away)(r), case(np.array([-1.0, 0.0]), subgradient=True)]),
    "sign": (np.sign, lambda r: [case(away(r, 2, 3), zero=("x",))]),
    "maximum": (
        np.maximum,
        lambda r: [
            case(distinct(r, 3, 1), distinct(r, 1, 4) + 0.05),
            case(distinct(r, 3), distinct(r, 2, 1) + 0.05),
            case(np.array(1.0), np.array([0.5, 2.0])),
            case(SAME, SAME.copy(), subgradient=True),
        ],
    ),
    "minimum": (
        np.minimum,
        lambda r: [
            case(distinct(r, 3, 1), distinct(r, 1, 4) + 0.05),
            case(np.array(1.0), np.array([0.5, 2.0])),
            case(SAME, SAME.copy(), subgradient=True),
        ],
    ),
    "clip": (
        lambda x, low, high: np.clip(x, low, high),
        lambda r: [
            case(np.array([[-2.0, -0.5], [0.3, 1.7]]), low=-1.0, high=1.0),
            case(np.array([-1.0, 0.0, 1.0]), low=-1.0, high=1.0, subgradient=True),
            case(normal(r, 0, 2), low=0, high=1),
        ],
    ),
    "where": (
        np.where,
        lambda r: [
            case(probably(r, 2, 3), normal(r, 2, 3), normal(r, 2, 3)),
            case(probably(r, 2, 1), normal(r, 3), normal(r)),
            case(probably(r, 4), normal(r, 1), normal(r, 2, 1)),
        ],
    ),
    # comparisons
    "equal": (np.equal, _facts(lambda r, *shape: r.integers(0, 2, shape) * 1.0)),
    "not_equal": (np.not_equal, _facts(lambda r, *shape: r.integers(0, 2, shape) * 1.0)),
    "less": (np.less, _facts(lambda r, *shape: r.integers(0, 3, shape) * 1.0)),
    "less_equal": (np.less_equal, _facts(lambda r, *shape: r.integers(0, 3, shape) * 1.0)),
    "greater": (np.greater, _facts(lambda r, *shape: r.integers(0, 3, shape) * 1.0)),
    "greater_equal": (np.greater_equal, _facts(lambda r, *shape: r.integers(0, 3, shape) * 1.0)),
    "logical_and": (np.logical_and, _facts(lambda r, *shape: r.integers(0, 2, shape) * 1.0)),
    "logical_or": (np.logical_or, _facts(lambda r, *shape: r.integers(0, 2, shape) * 1.0)),
    "logical_not": (np.logical_not, lambda r: [case(r.integers(0, 2, (2, 3)) * 1.0)]),
    # elementary, activations
    "exp": (np.exp, _shapes(normal)),
    "log1p": (np.log1p, _shapes(positive)),
    "expm1": (np.expm1, _shapes(normal)),
    "sqrt": (np.sqrt, _shapes(positive)),
    "sin": (np.sin, _shapes(normal)),
    "cos": (np.cos, _shapes(normal)),
    "tanh": (np.tanh, _shapes(normal)),
    "tanh_gate": (
        lambda a, t: a * (1 - t**2),
        lambda r: [*(case(*pair) for pair in _pairs(r)), case(normal(r, 4, 3), normal(r, 4, 3))],
    ),
    "softplus_mean": (
        lambda a, sign=1: np.logaddexp(0, sign * a).mean(),
        lambda r: [
            *(case(normal(r, 3, 1), sign=sign) for sign in (1, -1)),
            case(normal(r)),
            case(POINTS.copy(), sign=-1),
            case(normal(r, 300, 2)),
        ],
    ),
    "sigmoid": (lambda x: np.exp(-np.logaddexp(0, -x)), lambda r: [*_shapes(normal)(r), case(POINTS.copy())]),
    "softplus": (lambda x: np.logaddexp(0, x), lambda r: [*_shapes(normal)(r), case(POINTS.copy())]),
    "relu": (
        lambda x: x * (x > 0),
        lambda r: [*_shapes(away)(r)[::2], case(np.array(0.7)), case(np.array([-1.0, 0.0, 2.0]), subgradient=True)],
    ),
    "leaky_gate": (
        lambda a, x, slope: a * np.where(x > 0, 1, slope),
        lambda r: [
            case(normal(r, 2, 3), away(r, 2, 3), slope=0.2, zero=("x",)),
            case(normal(r, 3), away(r, 2, 3), slope=0.0, zero=("x",)),
            case(normal(r, 2), away(r, 2), slope=1.5, zero=("x",)),
        ],
    ),
    "leaky_relu": (
        lambda x, slope=0.2: x * np.where(x > 0, 1, slope),
        lambda r: [
            *_shapes(away)(r),
            case(away(r, 3), slope=0.01),
            case(np.array([-1.0, 0.0, -0.0, 2.0]), subgradient=True),
        ],
    ),
    "elu": (
        lambda x, alpha=1.0: np.where(x > 0, x, alpha * (np.exp(x) - 1)),
        lambda r: [*_shapes(away)(r), case(away(r, 4), alpha=0.5), case(np.array([0.0, -1.0]), order=1)],
    ),
    "silu": (lambda x: x / (1 + np.exp(-x)), _shapes(normal)),
    "gelu": (naive_gelu, _shapes(normal)),
    # reductions
    "sum": (np.sum, lambda r: [*_reduced(normal)(r), case(normal(r, 0, 3), axis=0), case(normal(r, 0, 3), axis=1)]),
    "mean": (np.mean, lambda r: [*_reduced(normal)(r), case(normal(r, 0, 3), axis=1)]),
    "var": (np.var, lambda r: [*_reduced(normal)(r)[:4], case(normal(r, 4), ddof=1), case(normal(r, 0, 3), axis=1)]),
    "std": (np.std, lambda r: [*_reduced(normal)(r)[:4], case(normal(r, 2, 3), axis=-1, ddof=1)]),
    "max": (
        np.max,
        lambda r: [
            *_reduced(distinct)(r),
            case(np.array([[1.0, 1.0, 0.0], [0.0, 2.0, 1.0]]), axis=1, subgradient=True),
            case(np.ones((2, 2)), subgradient=True),
        ],
    ),
    "min": (np.min, lambda r: [*_reduced(distinct)(r), case(np.array([1.0, 1.0, 3.0]), subgradient=True)]),
    "argmax": (np.argmax, lambda r: [case(distinct(r, 2, 3)), case(distinct(r, 2, 3), axis=-1)]),
    "logsumexp": (
        naive_logsumexp,
        lambda r: [
            *_reduced(normal)(r),
            case(np.array([[0.3, -np.inf], [-1.0, 0.5]]), axis=1),
            case(np.array([[5.0, 1.0, -3.0]]), axis=-1, keepdims=True),
        ],
    ),
    "softmax": (
        naive_softmax,
        lambda r: [case(normal(r, 2, 3)), case(normal(r, 3, 2), axis=0), case(normal(r, 2, 2, 2), axis=-2)],
    ),
    "log_softmax": (
        lambda x, axis=-1: np.log(naive_softmax(x, axis=axis)),
        lambda r: [case(normal(r, 2, 3)), case(normal(r, 3, 2), axis=0), case(normal(r, 4))],
    ),
    "norm": (
        lambda x, axis=None, keepdims=False: np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims)),
        lambda r: [
            *_reduced(away)(r)[:5],
            case(np.array([[0.0, 0.0], [3.0, 4.0]]), axis=1, subgradient=True),
        ],
    ),
    # shapes
    "reshape": (
        lambda x, shape: x.reshape(shape),
        lambda r: [
            case(normal(r, 2, 3), shape=(3, -1)),
            case(normal(r, 1), shape=()),
            case(normal(r, 0, 2), shape=(0,)),
        ],
    ),
    "transpose": (
        lambda x, axes=None: x.transpose(axes),
        lambda r: [
            case(normal(r, 2, 3)),
            case(normal(r, 2, 3, 4), axes=(1, 2, 0)),
            case(normal(r, 2, 3, 2), axes=(-1, 0, 1)),
        ],
    ),
    "moveaxis": (
        lambda x, source, destination: np.moveaxis(x, source, destination),
        lambda r: [case(normal(r, 2, 3, 4), source=0, destination=-1), case(normal(r, 2, 3), source=-1, destination=0)],
    ),
    "expand_dims": (
        lambda x, axis: np.expand_dims(x, axis),
        lambda r: [case(normal(r, 2, 3), axis=1), case(normal(r, 2), axis=-1)],
    ),
    "squeeze": (
        lambda x, axis=None: np.squeeze(x, axis),
        lambda r: [case(normal(r, 2, 1, 3, 1)), case(normal(r, 1, 2, 1), axis=-1)],
    ),
    "broadcast_to": (
        lambda x, shape: np.broadcast_to(x, shape),
        lambda r: [
            case(normal(r, 3, 1), shape=(2, 3, 4)),
            case(normal(r), shape=(2,)),
            case(normal(r, 1, 2), shape=(0, 2), zero=("x",)),
        ],
    ),
    "astype": (lambda x, dtype: x.astype(dtype), lambda r: [case(normal(r, 2, 3), dtype=np.float64)]),
    "concatenate": (
        lambda *arrays, axis=0: np.concatenate(arrays, axis),
        lambda r: [
            case(normal(r, 2, 3), normal(r, 1, 3)),
            case(normal(r, 2, 1), normal(r, 2, 0), normal(r, 2, 3), axis=-1),
            case(normal(r, 2)),
        ],
    ),
    "stack": (
        lambda *arrays, axis=0: np.stack(arrays, axis),
        lambda r: [
            case(normal(r, 2, 3), normal(r, 2, 3)),
            case(normal(r, 2, 3), normal(r, 2, 3), axis=-1),
            case(normal(r), normal(r)),
        ],
    ),
    "split": (
        naive_split,
        lambda r: [case(normal(r, 4, 3), sections=2), case(normal(r, 2, 5), sections=[1, 3], axis=-1)],
    ),
    "pad": (
        lambda x, widths, value=0.0: np.pad(x, widths, constant_values=value),
        lambda r: [case(normal(r, 2, 3), widths=((1, 0), (0, 2))), case(normal(r, 2), widths=((2, 1),), value=-1.5)],
    ),
    "flip": (
        lambda x, axis=None: np.flip(x, axis),
        lambda r: [case(normal(r, 2, 3)), case(normal(r, 2, 3), axis=-1), case(normal(r, 2, 3, 2), axis=(0, 2))],
    ),
    "roll": (
        lambda x, shift, axis=None: np.roll(x, shift, axis),
        lambda r: [
            case(normal(r, 2, 3), shift=2),
            case(normal(r, 2, 4), shift=-1, axis=1),
            case(normal(r, 3, 4), shift=(1, 2), axis=(0, -1)),
        ],
    ),
    "getitem": (
        lambda x, index: x[index],
        lambda r: [
            case(normal(r, 4, 3), index=(slice(3, 0, -2), None, 1)),
            case(normal(r, 4, 3), index=(..., slice(1, None))),
            case(normal(r, 3, 2), index=(_small[0],)),
            case(normal(r, 3, 2), index=(np.array([0, 2, 0]), np.array([1, 1, 1]))),
            case(normal(r, 2, 2), index=np.array([[True, False], [True, True]])),
            case(normal(r, 3), index=-1),
            case(normal(r, 3), index=slice(0, 0), zero=("x",)),
        ],
    ),
    "put_add": (
        naive_put_add,
        lambda r: [
            case(normal(r, 3, 2), index=_small[0], shape=(4, 2)),
            case(normal(r, 2, 2), index=(slice(0, 4, 2),), shape=(5, 2)),
        ],
    ),
    "take": (
        lambda x, indices, axis=None: np.take(x, indices, axis),
        lambda r: [
            case(normal(r, 3, 3), indices=_small[1]),
            case(normal(r, 2, 3), indices=_small[0], axis=-1),
            case(normal(r, 3, 2), indices=_small[1], axis=0),
        ],
    ),
    "take_along_axis": (
        lambda x, indices, axis: np.take_along_axis(x, indices, axis),
        lambda r: [case(normal(r, 2, 3), indices=_small[1], axis=1), case(normal(r, 3, 2), indices=_small[1], axis=0)],
    ),
    "put_along_axis": (
        naive_put_along_axis,
        lambda r: [
            case(normal(r, 2, 2), indices=_small[1], axis=1, length=4),
            case(normal(r, 2, 2), indices=_small[1], axis=0, length=3),
        ],
    ),
    "alias": (lambda x: x, _shapes(normal)),
    # products
    "affine": (
        lambda x, w, b: x @ w + b,
        lambda r: [
            case(normal(r, 2, 3), normal(r, 3, 2), normal(r, 2)),
            case(normal(r, 2, 2, 3), normal(r, 3, 1), normal(r, 1)),
            case(normal(r, 0, 3), normal(r, 3, 2), normal(r, 2), zero=("w", "b")),
        ],
    ),
    "affine_leaky": (
        lambda x, w, b, slope: naive_leaky(x @ w + b, slope),
        lambda r: [
            case(normal(r, 2, 3), normal(r, 3, 2), normal(r, 2), slope=0.2),
            case(normal(r, 2, 2, 3), normal(r, 3, 1), normal(r, 1), slope=1.0),
            case(normal(r, 2, 3), normal(r, 3, 2), normal(r, 2), slope=0.0),
            case(normal(r, 0, 3), normal(r, 3, 2), normal(r, 2), zero=("w", "b"), slope=0.2),
        ],
    ),
    "matrix_product": (
        np.matmul,
        lambda r: [
            case(normal(r, 2, 3), normal(r, 3, 2)),
            case(normal(r, 2, 1, 2, 3), normal(r, 3, 3, 1)),
            case(normal(r, 2, 0), normal(r, 0, 2)),
        ],
    ),
    "matmul": (
        np.matmul,
        lambda r: [
            case(normal(r, 2, 3), normal(r, 3, 4)),
            case(normal(r, 3), normal(r, 3)),
            case(normal(r, 3), normal(r, 2, 3, 2)),
            case(normal(r, 2, 2, 3), normal(r, 3)),
            case(normal(r, 2, 2, 3), normal(r, 3, 2)),
            case(normal(r, 3, 1, 2, 2), normal(r, 2, 2, 1)),
            case(normal(r, 0, 3), normal(r, 3, 2), zero=("b",)),
        ],
    ),
    "contract": (
        lambda a, b, subscripts: np.einsum(subscripts, a, b),
        lambda r: [
            case(normal(r, 2, 3), normal(r, 3, 4), subscripts="ij,jk->ki"),
            case(normal(r, 2, 3), normal(r, 2, 3), subscripts="ij,ij->j"),
        ],
    ),
    "einsum": (
        lambda a, b, subscripts: np.einsum(subscripts, a, b),
        lambda r: [
            case(normal(r, 2, 3), normal(r, 3, 4), subscripts="ij,jk->ik"),
            case(normal(r, 2, 3, 2), normal(r, 2, 2), subscripts="nia, na"),
            case(normal(r, 2, 3), normal(r, 4), subscripts="ij,k->kj"),
            case(normal(r, 2), normal(r, 2), subscripts="i,i->"),
        ],
    ),
    # convolution, pooling
    "conv": (
        naive_conv,
        lambda r: [
            case(normal(r, 2, 5, 2), normal(r, 3, 2, 2), geometry=G1),
            case(normal(r, 1, 4, 5, 1), normal(r, 2, 3, 1, 2), geometry=G2),
            case(normal(r, 1, 3, 3, 4), normal(r, 2, 2, 2, 2), geometry=G2G),
            case(normal(r, 1, 5, 4, 1), normal(r, 2, 2, 1, 1), geometry=G2D),
            case(normal(r, 1, 2, 3, 2, 1), normal(r, 2, 2, 1, 1, 2), geometry=G3),
        ],
    ),
    "conv_affine": (
        lambda x, w, b, *, geometry: naive_conv(x, w, geometry=geometry) + b,
        lambda r: [
            case(
                normal(r, 2, 5, 2),
                normal(r, 3, 2, 2),
                normal(r, 2),
                geometry=G1,
            ),
        ],
    ),
    "conv_leaky": (
        lambda x, w, b, geometry, slope: naive_leaky(naive_conv(x, w, geometry=geometry) + b, slope),
        lambda r: [
            case(normal(r, 2, 5, 2), normal(r, 3, 2, 2), normal(r, 2), geometry=G1, slope=0.2),
            case(normal(r, 1, 3, 3, 4), normal(r, 2, 2, 2, 2), normal(r, 2), geometry=G2G, slope=0.0),
        ],
    ),
    "conv_leaky_masked": (
        lambda x, w, b, kept, geometry, slope, scale: (
            naive_leaky(naive_conv(x, w, geometry=geometry) + b, slope) * kept * scale
        ),
        lambda r: [
            case(*_convolved(r), geometry=G1, slope=0.2, scale=1.5),
            case(*_convolved(r), geometry=G1, slope=1.0, scale=2.0),
        ],
    ),
    "conv_transpose": (
        naive_conv_transpose,
        lambda r: [
            case(normal(r, 2, 3, 2), normal(r, 3, 2, 2), geometry=G1),
            case(normal(r, 1, 2, 2, 2), normal(r, 2, 3, 1, 2), geometry=G2),
            case(normal(r, 1, 2, 2, 2), normal(r, 2, 2, 2, 2), geometry=G2G),
        ],
    ),
    "transposed": (
        naive_conv_transpose,
        lambda r: [
            case(normal(r, 2, 3, 2), normal(r, 3, 2, 2), geometry=G1),
            case(normal(r, 1, 2, 2, 2), normal(r, 2, 3, 1, 2), geometry=G2),
            case(normal(r, 1, 2, 2, 2), normal(r, 2, 2, 2, 2), geometry=G2G),
        ],
    ),
    "conv_kernel_grad": (
        naive_conv_kernel_grad,
        lambda r: [
            case(normal(r, 2, 5, 2), normal(r, 2, 3, 2), geometry=G1),
            case(normal(r, 1, 4, 5, 1), normal(r, 1, 2, 2, 2), geometry=G2),
            case(normal(r, 1, 3, 3, 4), normal(r, 1, 2, 2, 2), geometry=G2G),
        ],
    ),
    "patches": (
        naive_patches,
        lambda r: [case(normal(r, 2, 5, 2), geometry=G1), case(normal(r, 1, 4, 5, 1), geometry=G2)],
    ),
    "fold": (
        naive_fold,
        lambda r: [case(normal(r, 2, 3, 3, 2), geometry=G1), case(normal(r, 1, 2, 2, 2, 3, 1), geometry=G2)],
    ),
    "convolve": (
        naive_convolve,
        lambda r: [
            case(normal(r, 2, 5, 2), normal(r, 3, 2, 2)),
            case(normal(r, 1, 6, 2), normal(r, 2, 1, 2), stride=2, groups=2, padding=((2, 1),)),
            case(normal(r, 1, 6, 1), normal(r, 2, 1, 2), dilation=2),
        ],
    ),
    "convolve_transpose": (
        None,
        lambda r: [
            case(normal(r, 1, 3, 2), normal(r, 3, 2, 2), stride=2, padding="same"),
            case(normal(r, 1, 2, 2, 1), normal(r, 2, 2, 1, 1), stride=2, output_padding=1),
        ],
    ),
    "max_pool": (
        lambda x, **s: naive_pool(np.max, x, **s),
        lambda r: [
            case(distinct(r, 1, 4, 4, 2), window=2),
            case(distinct(r, 1, 5, 4, 1), window=3, stride=1),
            case(np.ones((1, 2, 2, 1)), window=2, subgradient=True),
        ],
    ),
    "average_pool": (
        lambda x, **s: naive_pool(np.mean, x, **s),
        lambda r: [case(normal(r, 1, 4, 4, 2), window=2), case(normal(r, 1, 5, 4, 1), window=3, stride=1)],
    ),
    "upsample": (
        naive_upsample,
        lambda r: [
            case(normal(r, 1, 2, 3, 2)),
            case(normal(r, 2, 2, 1), factor=3),
            case(normal(r, 1, 2, 1, 1), factor=(1, 3)),
        ],
    ),
    # normalisation
    "masked": (
        lambda x, kept, scale=1.0: x * kept * scale,
        lambda r: [
            case(normal(r, 3, 3), r.random((3, 3)) < 0.5, scale=1.5),
            case(normal(r, 3), np.array([True, False, True])),
        ],
    ),
    "bernoulli_sum": (
        lambda x, a: (x * a - np.logaddexp(0, a)).sum(-1),
        lambda r: [
            case(r.random((2, 3)), normal(r, 2, 3)),
            case(r.random((2, 1, 3)), normal(r, 2, 4, 3)),
            case(r.random(3), normal(r, 3)),
            case(r.integers(0, 2, POINTS.size), POINTS.copy(), order=1),
        ],
    ),
    "batch_norm": (
        naive_batch_norm,
        lambda r: [
            case(normal(r, 4, 2), positive(r, 2), normal(r, 2)),
            case(normal(r, 2, 2, 2, 1), positive(r, 1), normal(r, 1), eps=1e-5),
            case(normal(r, 1, 2), positive(r, 2), normal(r, 2), zero=("x", "gamma")),
        ],
    ),
    "logistic_loss": (
        lambda a, reals, smooth=0.0: (
            (np.logaddexp(0, -a[:reals]) + smooth * a[:reals]).mean() + np.logaddexp(0, a[reals:]).mean()
        ),
        lambda r: [
            case(normal(r, 5, 1), reals=2),
            case(normal(r, 4, 3), reals=1, smooth=0.1),
            case(POINTS.copy(), reals=5),
        ],
    ),
    "batch_norm_leaky": (
        lambda x, gamma, beta, eps=1e-3, slope=0.2: naive_leaky(naive_batch_norm(x, gamma, beta, eps=eps), slope),
        lambda r: [
            case(distinct(r, 4, 2), positive(r, 2), 0.5 * away(r, 2)),
            case(distinct(r, 2, 2, 2, 1), positive(r, 1), away(r, 1), eps=1e-5, slope=0.0),
            case(distinct(r, 5, 3), positive(r, 3), away(r, 3), slope=1.5),
        ],
    ),
    "layer_norm": (
        naive_layer_norm,
        lambda r: [
            case(normal(r, 2, 4), positive(r, 4), normal(r, 4)),
            case(normal(r, 2, 1, 3), positive(r, 3), normal(r, 3), eps=1e-3),
        ],
    ),
    "dropout": (
        naive_dropout,
        lambda r: [
            case(normal(r, 3, 4), rate=0.3),
            case(normal(r, 2, 2), rate=0),
            case(normal(r, 2, 2), rate=1, zero=("x",)),
        ],
    ),
}

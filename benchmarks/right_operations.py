"""Families of right derivatives, one operation each: every differentiable one of minigen.ops."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from benchmarks.drawing import FAMILIES, MOST, TAME, Draw, family, windows
from minigen import ops
from minigen.autograd import OPS


def by_entries(name, draw):
    """Registers an operation of one input, entry by entry, with how the input is drawn."""
    f = OPS.get(name) or getattr(ops, name)
    FAMILIES[name] = lambda d: (f, {"x": draw(d, d.shape())})


def by_pairs(name):
    """Registers an operation of two inputs that broadcast."""

    @family(name)
    def draw(d: Draw):
        shape = d.shape()
        a, b = d.array(*shape), d.array(*d.narrower(shape))
        return OPS[name], dict(zip(OPS[name].inputs, (a, b) if d.chance(0.5) else (b, a), strict=True))


def by_axes(name):
    """Registers a reduction, over all, one or several axes."""

    @family(name)
    def draw(d: Draw):
        x = d.array(*d.shape(name in ("std", "var")), kind="distinct" if name in ("max", "min", "std") else "any")
        axis = d.pick(None, int(d.rng.integers(x.ndim)), tuple(range(d.rng.integers(x.ndim) + 1))) if x.ndim else None
        settings = {"axis": axis, "keepdims": d.chance(0.5)}
        if (
            name == "std" and np.sum(np.ones(x.shape), axis=axis).size * 2 > x.size
        ):  # one number has no spread, and so no slope of it
            x, settings["axis"] = d.array(*d.pick((2,), (3, 2), (2, 2, 3)), kind="distinct"), None
        return lambda x: getattr(ops, name)(x, **settings), {"x": x}


def by_shares(name):
    """Registers an operation whose result along an axis are shares."""

    @family(name)
    def draw(d: Draw):
        x = d.array(*d.shape(1), most=d.pick(TAME, MOST))
        axis = int(d.rng.integers(-x.ndim, x.ndim))
        return lambda x: OPS[name](x, axis=axis), {"x": x}


for _name in ("sin", "cos", "tanh", "sigmoid", "softplus", "relu", "silu", "gelu", "abs", "negative", "alias", "sign"):
    by_entries(_name, lambda d, shape: d.array(*shape))
for _name in ("log", "sqrt"):
    by_entries(_name, lambda d, shape: d.array(*shape, kind="positive"))
for _name in ("exp", "expm1"):
    by_entries(_name, lambda d, shape: d.tame(*shape))
for _name in ("add", "subtract", "multiply", "maximum", "minimum"):
    by_pairs(_name)
for _name in ("sum", "mean", "var", "std", "max", "min", "logsumexp", "norm"):
    by_axes(_name)
for _name in ("softmax", "log_softmax"):
    by_shares(_name)


@family("log1p")
def _log1p(d):
    x = d.array(*d.shape(), kind="positive")
    return ops.log1p, {"x": x if d.chance(0.7) else (-0.9 * x / x.max() if x.size else x)}


@family("divide")
def _divide(d):
    shape = d.shape()
    b = d.array(*d.narrower(shape), kind="positive")
    return ops.divide, {"a": d.array(*shape), "b": b * d.pick(-1, 1)}


@family("power")
def _power(d):
    shape = d.shape()
    if d.chance(0.5):
        exponent = d.pick(2, 3, 0.5, -1, -2.5)
        return lambda x: x**exponent, {"x": d.array(*shape, kind="positive")}
    return ops.power, {"a": d.array(*shape, kind="positive"), "b": d.array(*d.narrower(shape), most=0.5)}


@family("leaky_relu and elu")
def _bends(d):
    k = d.pick(0.2, 0.01, 1.5)
    f = d.pick(lambda x: ops.leaky_relu(x, slope=k), lambda x: ops.elu(x, alpha=k))
    x = d.array(*d.shape())
    if d.chance(0.2):
        t = np.tanh(x.astype(np.float64))  # arrays compute in the dtype of a constant, where an engine casts it
        return lambda a: OPS["leaky_gate"](OPS["tanh_gate"](a, t), x, slope=k), {"a": d.array(*x.shape)}
    return f, {"x": x}


@family("clip")
def _clip(d):
    x = d.array(*d.shape(1))
    low, high = np.sort(d.rng.normal(size=2)) * float(np.std(x.astype(np.float64)) or 1)
    return lambda x: ops.clip(x, float(low), float(high)), {"x": x}


@family("where")
def _where(d):
    shape = d.shape()
    chosen = d.rng.random(shape) < 0.5
    return lambda a, b: ops.where(chosen, a, b), {"a": d.array(*shape), "b": d.array(*d.narrower(shape))}


class Shapes(NamedTuple):
    """What operations on shapes are called with, beside x."""

    axis: int
    axes: tuple[int, ...]  # all, in any order
    many: np.ndarray  # places along `axis`, some of them again
    index: tuple[Any, ...]


SHAPES: dict[str, Callable[[Any, Shapes], Any]] = {
    "reshape": lambda x, s: ops.reshape(x, (-1,)),
    "transpose": lambda x, s: ops.transpose(x, s.axes),
    "moveaxis": lambda x, s: ops.moveaxis(x, s.axis, 0),
    "expand_dims": lambda x, s: ops.expand_dims(x, s.axis),
    "squeeze": lambda x, s: ops.squeeze(ops.expand_dims(x, s.axis), s.axis),
    "broadcast_to": lambda x, s: ops.broadcast_to(x, (2, *x.shape)),
    "pad": lambda x, s: ops.pad(x, ((1, 2),) * x.ndim, value=1.0),
    "flip": lambda x, s: ops.flip(x, s.axis),
    "roll": lambda x, s: ops.roll(x, 2, s.axis),
    "getitem": lambda x, s: ops.getitem(x, index=s.index),
    "take": lambda x, s: ops.take(x, s.many, s.axis),
    "split": lambda x, s: ops.split(x, [1], s.axis)[0],
    "take_along_axis": lambda x, s: OPS["take_along_axis"](x, indices=np.zeros((1,) * x.ndim, int), axis=s.axis),
    "put_add": lambda x, s: OPS["put_add"](x, index=(np.zeros(x.shape[0], int),), shape=(2, *x.shape[1:])),
    "put_along_axis": lambda x, s: OPS["put_along_axis"](
        x, indices=np.broadcast_to(s.many[:1], x.shape).copy(), axis=s.axis, length=9
    ),
}


def by_shape(name):
    """Registers an operation that moves or repeats entries."""

    @family(name)
    def draw(d: Draw):
        x = d.array(*d.shape(1))
        axis = int(d.rng.integers(x.ndim))
        axes = tuple(int(a) for a in d.rng.permutation(x.ndim))
        many = d.rng.integers(x.shape[axis], size=d.size())
        index = tuple(d.pick(slice(None), slice(None, None, -1), int(d.rng.integers(n))) for n in x.shape)
        chosen = Shapes(axis, axes, many, index)
        return lambda x: SHAPES[name](x, chosen), {"x": x}


for _name in SHAPES:
    by_shape(_name)


@family("concatenate and stack")
def _side_by_side(d):
    shape = d.shape(1)
    axis = int(d.rng.integers(len(shape)))
    other = tuple(d.size() if k == axis else n for k, n in enumerate(shape))
    if d.chance(0.5):
        return lambda a, b: ops.concatenate(a, b, axis=axis), {"a": d.array(*shape), "b": d.array(*other)}
    return lambda a, b: ops.stack([a, b], axis=axis), {"a": d.array(*shape), "b": d.array(*shape)}


@family("matmul")
def _matmul(d):
    i, j, k, n = d.size(), d.size(), d.size(), d.size(3)
    a, b = d.pick(((i, j), (j, k)), ((j,), (j,)), ((j,), (n, j, k)), ((n, i, j), (j,)), ((n, 1, i, j), (2, j, k)))
    if d.chance(0.3):
        return ops.affine, {"x": d.array(*d.pick((i, j), (n, i, j))), "w": d.array(j, k), "b": d.array(k)}
    return ops.matmul, {"a": d.array(*a), "b": d.array(*b)}


@family("einsum")
def _einsum(d):
    i, j, k = d.size(), d.size(), d.size()
    text, a, b = d.pick(("ij,jk->ik", (i, j), (j, k)), ("nij,nj->ni", (k, i, j), (k, j)), ("i,j->ji", (i,), (j,)))
    return lambda a, b: ops.einsum(text, a, b), {"a": d.array(*a), "b": d.array(*b)}


@family("conv")
def _conv(d):
    settings, x, w = windows(d)
    inputs = {"x": d.array(*x), "w": d.array(*w)}
    if d.chance(0.3):
        return lambda x, w, b: ops.convolve(x, w, b, **settings), {**inputs, "b": d.array(w[-1])}
    return lambda x, w: ops.convolve(x, w, **settings), inputs


@family("conv_transpose")
def _conv_transpose(d):
    settings, y, w = windows(d)
    settings["padding"] = d.pick("same", "valid")
    return lambda y, w: ops.convolve_transpose(y, w, **settings), {
        "y": d.array(*y[:-1], w[-1]),
        "w": d.array(*w),
    }


@family("patches, fold, conv_kernel_grad")
def _faces(d):
    n, k, s = d.size() + 2, d.pick(2, 3), d.pick(1, 2)
    g = ops.Geometry((n,), ((n - k) // s + 1,), (k,), (s,), (1,), (0,))
    x, y = d.array(2, n, 2), d.array(2, *g.outs, 3)
    return d.pick(
        (lambda x: ops.patches(x, geometry=g), {"x": x}),
        (lambda y: ops.fold(y, geometry=g), {"y": d.array(2, *g.outs, k, 2)}),
        (lambda x, y: ops.conv_kernel_grad(x, y, geometry=g), {"x": x, "y": y}),
    )


@family("pooling and upsampling")
def _pool(d):
    x = d.array(d.pick(1, 2), 4, d.pick(4, 5), 2, kind="distinct")
    window = d.pick(2, 3)
    return d.pick(
        lambda x: ops.max_pool(x, window=window),
        lambda x: ops.average_pool(x, window=window, stride=1),
        lambda x: ops.upsample(x, factor=2),
    ), {"x": x[:, :, :3, :1] if d.chance(0.5) else x}


@family("batch_norm")
def _batch_norm(d):
    shape = d.pick((4, 3), (6, 2), (2, 3, 2), (2, 2, 2, 2))
    eps = d.pick(1e-3, 1e-5)
    inputs = {"x": d.array(*shape), "gamma": d.array(shape[-1]), "beta": d.array(shape[-1])}
    return lambda x, gamma, beta: ops.batch_norm(x, gamma, beta, eps=eps), inputs


@family("layer_norm")
def _layer_norm(d):
    shape = (*d.shape(0, 2), d.pick(3, 4, 6))
    inputs = {"x": d.array(*shape), "gamma": d.array(shape[-1]), "beta": d.array(shape[-1])}
    return ops.layer_norm, inputs


@family("dropout")
def _dropout(d):
    rng = np.random.default_rng(d.rng.integers(10**6))
    return lambda x: ops.dropout(x, 0.4, rng=rng), {"x": d.array(*d.shape(1))}, None, {"rng": rng}

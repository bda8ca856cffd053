"""The functions of the look-alike: NumPy's, held to CuPy's keywords, and what each of them launches."""

import inspect
import math

import numpy as np

from .arrays import NAMES, REDUCTIONS, Signature, elementwise, ndarray, plain, product, view_or_copy, wrap
from .counts import note, wait
from .graphs import kept, made, refuse_to_wait

KINDS = "?bBhHiIlLqQefdFD"  # the dtypes CuPy holds
FUNCTIONS = {}


def function(f):
    """Give the module this function, under the name and with exactly the parameters that CuPy's has."""
    signature = Signature(f.__name__, NAMES["functions"][f.__name__])

    def checked(*args, **keywords):
        signature.check(args, keywords)
        return f(*args, **keywords)

    checked.__name__, checked.__doc__ = f.__name__, f.__doc__
    FUNCTIONS[f.__name__] = checked
    known = {
        p.name for p in inspect.signature(f).parameters.values() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    }
    assert known <= signature.all or signature.any_number, (f.__name__, known, signature.all)
    return checked


def inside(x):
    """NumPy's array in an array of the device; TypeError for a list, a tensor or an array of the host."""
    if not isinstance(x, ndarray):
        raise TypeError(f"Unsupported type {type(x)}")
    return x._inside


# Made ---------------------------------------------------------------------------------------------------------------


def _made(obj, dtype, order="K"):
    """An array of the device of anything: its own array, several of them, or what must be sent from the host."""
    if isinstance(obj, ndarray):
        return obj.astype(dtype or obj.dtype, copy=False, order=order or "K")
    if isinstance(obj, list | tuple) and _leaves(obj) and all(isinstance(x, ndarray) for x in _leaves(obj)):
        note("copies", len(_leaves(obj)))
        return wrap(made(lambda: np.asarray(_bared(obj)))).astype(dtype or _leaves(obj)[0].dtype, copy=False)
    host = np.asarray(obj, dtype)
    if host.dtype.char not in KINDS:
        raise ValueError(f"Unsupported dtype {host.dtype}")
    refuse_to_wait()
    note("uploads")
    return wrap(host.copy())


def _leaves(obj):
    return [leaf for x in obj for leaf in _leaves(x)] if isinstance(obj, list | tuple) else [obj]


def _bared(obj):
    return [_bared(x) for x in obj] if isinstance(obj, list | tuple) else obj._inside


@function
def asarray(a, dtype=None, order=None, *, copy=None, blocking=False):
    return _made(a, dtype, order)


@function
def array(obj, dtype=None, copy=True, order="K", subok=False, ndmin=0, *, blocking=False):
    made = _made(obj, dtype, order)
    return made.copy() if made is obj and copy else made


@function
def asnumpy(a, stream=None, order="C", out=None, *, blocking=True):
    return a.get(order=order) if isinstance(a, ndarray) else np.asarray(a, order=order)


@function
def empty(shape, dtype=float, order="C"):
    y = np.empty(shape, dtype, order)
    if y.dtype.kind in "fc":
        y.fill(np.nan)  # whatever lay there: nobody may count on it
    return wrap(kept(y))


def _filled(fill):
    y = made(fill)
    note("fills", bool(y.size))
    return wrap(y)


@function
def zeros(shape, dtype=float, order="C"):
    return _filled(lambda: np.zeros(shape, dtype, order))


@function
def ones(shape, dtype=float, order="C"):
    return _filled(lambda: np.ones(shape, dtype, order))


@function
def full(shape, fill_value, dtype=None, order="C"):
    return _filled(lambda: np.full(shape, plain(fill_value), dtype, order))


@function
def empty_like(prototype, dtype=None, order="K", subok=None, shape=None):
    return FUNCTIONS["empty"](inside(prototype).shape if shape is None else shape, dtype or prototype.dtype)


@function
def zeros_like(a, dtype=None, order="K", subok=None, shape=None):
    return _filled(lambda: np.zeros_like(inside(a), dtype, order, shape=shape))


@function
def ones_like(a, dtype=None, order="K", subok=None, shape=None):
    return _filled(lambda: np.ones_like(inside(a), dtype, order, shape=shape))


@function
def arange(start, stop=None, step=1, dtype=None):
    note("kernels")
    first, last = (0, start) if stop is None else (start, stop)
    return wrap(made(lambda: np.arange(first, last, step, dtype)))


@function
def eye(N, M=None, k=0, dtype=float, order="C"):
    note("fills", 2)  # zeros, and ones along the diagonal
    return wrap(made(lambda: np.eye(N, M, k, dtype, order)))


# Arranged -----------------------------------------------------------------------------------------------------------


def _arranging(name):
    def f(*args, **keywords):
        inside(args[0])
        return view_or_copy(args[0], lambda x: getattr(np, name)(x, *args[1:], **keywords))

    f.__name__ = name
    return f


for _name in "ravel transpose moveaxis swapaxes expand_dims squeeze broadcast_to flip ascontiguousarray".split():
    function(_arranging(_name))
function(_arranging("asfortranarray"))


@function
def reshape(a, newshape, order="C", *, copy=None):
    inside(a)
    return a.reshape(newshape, order=order, copy=copy)


@function
def copy(a, order="K"):
    inside(a)
    return a.copy(order)


@function
def concatenate(tup, axis=0, out=None, *, dtype=None, casting="same_kind"):
    if out is not None:
        raise NotImplementedError("the look-alike concatenates into a new array")
    parts = [inside(x) for x in tup]
    y = made(lambda: np.concatenate(parts, axis, dtype=dtype, casting=casting))
    note("copies", sum(bool(x.size) for x in tup))  # one after another
    return wrap(y)


@function
def stack(tup, axis=0, out=None, *, dtype=None, casting="same_kind"):
    if out is not None:
        raise NotImplementedError("the look-alike stacks into a new array")
    parts = [inside(x) for x in tup]
    y = made(lambda: np.stack(parts, axis, dtype=dtype, casting=casting))
    note("copies", sum(bool(x.size) for x in tup))
    return wrap(y)


@function
def pad(array, pad_width, mode="constant", **keywords):
    if mode != "constant" or keywords.keys() - {"constant_values"}:
        raise NotImplementedError("the look-alike pads with a constant")
    value = keywords.get("constant_values", 0)
    y = made(lambda: np.pad(inside(array), pad_width, constant_values=plain(value)))
    note("copies", bool(array.size))
    if value == 0 and (array.ndim == 1 or array.size < 4e6):
        note("fills", bool(y.size))
    else:
        note("fills", int(np.count_nonzero(np.broadcast_to(pad_width, (array.ndim, 2)))))
    return wrap(y)


@function
def roll(a, shift, axis=None):
    y = made(lambda: np.roll(inside(a), shift, axis))
    note("copies", 2 ** (1 if axis is None or np.isscalar(axis) else len(set(axis))) * bool(y.size))
    return wrap(y)


@function
def repeat(a, repeats, axis=None):
    inside(a)
    return a.repeat(repeats, axis)


@function
def take(a, indices, axis=None, out=None):
    inside(a)
    if out is not None:
        raise NotImplementedError("the look-alike takes into a new array")
    return a.ravel()[indices] if axis is None else a[(slice(None),) * (axis % a.ndim) + (indices,)]


@function
def take_along_axis(a, indices, axis):
    inside(a), inside(indices)
    index = [arange(n).reshape((-1,) + (1,) * (a.ndim - k - 1)) for k, n in enumerate(a.shape) if k != axis % a.ndim]
    index.insert(axis % a.ndim, indices)
    return a[tuple(index)]


# Chosen, added, multiplied -------------------------------------------------------------------------------------------


@function
def where(condition, x=None, y=None):
    if x is None:
        wait("where with one argument")
        raise NotImplementedError("the look-alike's where takes three arguments")
    if isinstance(condition, list | np.ndarray):
        raise TypeError(f"Unsupported type {type(condition)}")
    result = made(lambda: np.where(plain(condition), plain(x), plain(y)))
    note("kernels", 1 + (getattr(condition, "dtype", None) not in (None, np.bool_)))
    return wrap(result)


@function
def clip(a, a_min, a_max, out=None):
    if out is not None or a_min is None or a_max is None:
        raise NotImplementedError("the look-alike clips between two bounds, into a new array")
    note("kernels")
    return wrap(made(lambda: np.clip(inside(a), plain(a_min), plain(a_max))))


@function
def dot(a, b, out=None):
    inside(a), inside(b)
    return a.dot(b, out)


@function
def matmul(*args, **keywords):
    if keywords or len(args) != 2:
        raise NotImplementedError("the look-alike multiplies two arrays into a new one")
    inside(args[0]), inside(args[1])
    if not args[0].ndim * args[1].ndim:
        raise ValueError("matmul: an operand has no axis")
    return product(*args)


@function
def einsum(*operands, **keywords):
    """As CuPy computes it: sums first, then one product of stacks of matrices, or a product of numbers."""
    if keywords.keys() - {"optimize", "dtype"} or len(operands) != 3:
        raise NotImplementedError("the look-alike contracts two arrays")
    subscripts, a, b = operands
    inside(a), inside(b)
    pair, _, result = subscripts.partition("->")
    first, second = pair.split(",")
    if not a.size or not b.size:
        return _filled(lambda: np.einsum(subscripts, inside(a), inside(b)))
    for i, (letters, other) in enumerate(((first, second), (second, first))):
        if any(c not in other + result for c in letters):
            raise NotImplementedError(f"the look-alike sums no axis of operand {i} by itself")
    batch = [c for c in first if c in second and c in result]
    summed = [c for c in first if c in second and c not in result]
    left = [c for c in first if c not in second]
    right = [c for c in second if c not in first]
    if not summed:
        note("kernels")
        return wrap(made(lambda: np.einsum(subscripts, inside(a), inside(b))))
    lengths = dict(zip(first + second, a.shape + b.shape, strict=True))
    B, L, K, R = (math.prod(lengths[c] for c in some) for some in (batch, left, summed, right))
    x = a.transpose([first.index(c) for c in batch + left + summed]).reshape(B, L, K)
    y = b.transpose([second.index(c) for c in batch + summed + right]).reshape(B, K, R)
    order = batch + left + right
    z = FUNCTIONS["matmul"](x, y).reshape([lengths[c] for c in order])
    return z.transpose([order.index(c) for c in result])


@function
def result_type(*arrays_and_dtypes):
    return np.result_type(*(x._inside if isinstance(x, ndarray) else x for x in arrays_and_dtypes))


def _reducing(name, method):
    def f(*args, **keywords):
        inside(args[0])
        return getattr(args[0], method)(*args[1:], **keywords)

    f.__name__ = name
    return f


for _name in REDUCTIONS:
    function(_reducing(_name, _name))
function(_reducing("amax", "max"))
function(_reducing("amin", "min"))


def ufunc(name):
    """One of CuPy's elementwise functions."""

    def f(*args, **keywords):
        return elementwise(name, *args, **keywords)

    f.__name__ = name
    return f


class OpenGrid:
    """cupy.ogrid: a launch an axis."""

    def __getitem__(self, key):
        if isinstance(key, slice):
            return arange(key.start or 0, key.stop, key.step or 1)
        note("kernels", len(key))
        return [wrap(made(x.copy)) for x in np.ogrid[tuple(key)]]


def as_strided(x, shape=None, strides=None):
    """cupy.lib.stride_tricks.as_strided: a view, and no writeable=."""
    return wrap(np.lib.stride_tricks.as_strided(inside(x), shape, strides))

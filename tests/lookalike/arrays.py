"""The look-alike's array: NumPy inside, CuPy's interface and errors outside, and no subclass, so that nothing leaks."""

import functools
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from . import counts, graphs, indexing
from .counts import note, wait
from .graphs import changed, made

NAMES = json.loads(Path(__file__).with_name("names.json").read_text(encoding="utf-8"))
SCALARS = (bool, int, float, complex, np.bool_, np.number)
NO_CONVERSION = (
    "Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct a NumPy array explicitly."
)


class Signature:
    """The parameters of one of CuPy's functions, from "a, axis=, *, out=": which calls would it take?"""

    def __init__(self, name, text):
        self.name, self.positional, self.required, self.keywords = name, [], 0, set()
        self.any_number = self.any_keyword = False
        star = False  # has one passed, after which parameters are given by name?
        for part in filter(None, (text or "").split(", ")):
            if part.startswith("**"):
                self.any_keyword = True
            elif part.startswith("*"):
                star, self.any_number = True, part != "*"
            elif star:
                self.keywords.add(part.rstrip("="))
            else:
                self.positional.append(part.rstrip("="))
                self.required += not part.endswith("=")
        self.all = {*self.positional, *self.keywords}

    def check(self, args, keywords):
        """TypeError where CuPy would raise one."""
        if unknown := keywords.keys() - self.all:
            if not self.any_keyword:
                raise TypeError(f"{self.name}() got an unexpected keyword argument {min(unknown)!r}")
        if len(args) > len(self.positional) and not self.any_number:
            raise TypeError(f"{self.name}() takes {len(self.positional)} arguments, {len(args)} were given")
        if len(args) < self.required:
            missing = [p for p in self.positional[len(args) : self.required] if p not in keywords]
            if missing:
                raise TypeError(f"{self.name}() misses the arguments {', '.join(missing)}")


def wrap(inside):
    """NumPy's result as an array of the device; reductions give 0-d arrays, as CuPy's do."""
    x = ndarray.__new__(ndarray)
    x._inside = inside if isinstance(inside, np.ndarray) else np.asarray(inside)
    return x


def plain(x):
    """What NumPy computes with in place of an argument of an elementwise function; CuPy's TypeError for the rest."""
    if isinstance(x, ndarray):
        return x._inside
    if isinstance(x, SCALARS):
        return x
    raise TypeError(f"Unsupported type {type(x)}")


def quietly(compute):
    """CuPy never warns: a division by zero is an infinity and no more."""

    @functools.wraps(compute)
    def computed(*args, **keywords):
        with np.errstate(all="ignore"):
            return compute(*args, **keywords)

    return computed


@functools.cache
def has_loop(name, given, result):
    """Does CuPy's ufunc have a loop that takes these dtypes (None: a Python number) and gives that one?"""
    for loop in NAMES["ufuncs"][name]["loops"]:
        inputs, _, output = loop.partition("->")
        if output == result.char and all(g is None or np.can_cast(g, i) for g, i in zip(given, inputs, strict=False)):
            return True
    return False


@quietly
def elementwise(name, *args, out=None, **keywords):
    """One of CuPy's ufuncs: a launch."""
    ufunc = NAMES["ufuncs"][name]
    if unknown := keywords.keys() - set(ufunc["keywords"]):
        raise TypeError(f"Wrong arguments {sorted(unknown)}: CuPy's {name} takes {', '.join(ufunc['keywords'])}")
    if len(args) == ufunc["inputs"] + 1 and out is None:
        *args, out = args
    if len(args) != ufunc["inputs"]:
        raise TypeError(f"Wrong number of arguments for {name}: {len(args)}")
    if out is not None and not isinstance(out, ndarray):
        raise TypeError("return arrays must be of ArrayType")
    given = [plain(x) for x in args]
    if out is not None:
        changed(lambda: getattr(np, name)(*given, out=out._inside, **keywords))
        note("kernels", bool(out.size))
        return out
    y = made(lambda: getattr(np, name)(*given, **keywords))
    dtypes = tuple(None if type(x) in (bool, int, float, complex) else x.dtype for x in given)
    if "dtype" not in keywords and not has_loop(name, dtypes, y.dtype):
        raise TypeError(f"CuPy's {name} has no loop from {dtypes} to {y.dtype}")
    note("kernels", bool(y.size))
    return wrap(y)


def view_or_copy(x, arrange):
    """What NumPy makes of x without arithmetic, as the device's: nothing is launched where it is a view."""
    y = arrange(x._inside)
    if y is x._inside:
        return x
    if y.size and not np.may_share_memory(x._inside, y):
        note("copies")
        y = made(lambda: arrange(x._inside))
    return wrap(y)


compute_types = {"f": NAMES["compute_types"]["DEFAULT"], "d": NAMES["compute_types"]["DEFAULT"]}  # by dtype


def set_compute_type(dtype, compute_type):
    """How products of this dtype are computed; ValueError for what CuPy does not know."""
    if compute_type not in NAMES["compute_types"].values():
        raise ValueError(f"Unknown compute type: {compute_type}")
    compute_types[np.dtype(dtype).char] = compute_type


def as_tf32(x):
    """To the nearest float32 with 10 bits behind the point, halves away from 0: what a tensor core multiplies."""
    x = x.astype(np.float32)
    return ((x.view(np.uint32) + np.uint32(1 << 12)) & np.uint32(0xFFFFE000)).view(np.float32)


def product(a, b):
    """The matrix product of two arrays by cuBLAS, and the copies that it needs before.

    In TF32 where CuPy is told so and has a call that does it: for two matrices, not for stacks of them.
    """
    x, y = a._inside, b._inside
    result = np.matmul(x, y)
    if not result.size or not x.size:
        note("fills", bool(result.size))
        return wrap(made(lambda: np.matmul(x, y)))
    if x.ndim <= 2 and y.ndim <= 2:
        if max(result.shape, default=1) == 1:
            note("kernels", 2)  # a product of numbers, and their sum
            return wrap(made(lambda: np.matmul(x, y)))
        _refuse_cublas()
        if result.dtype == np.float32 and compute_types["f"] == NAMES["compute_types"]["TF32"]:
            note("tf32")
            result = np.matmul(as_tf32(x), as_tf32(y))
        note("copies", sum(not (z.flags.c_contiguous or z.flags.f_contiguous) for z in (x, y)))
        note("products")
    else:
        _refuse_cublas()
        note("copies", sum(not z.flags.c_contiguous for z in (x, y)))  # in more axes a turned view costs a copy
        note("kernels", 3 if x.shape[:-2] != y.shape[:-2] else 0)  # pointer arrays, where one is used again
        note("products")
    return wrap(result)


def _refuse_cublas():
    """CuPy refuses each of its own calls of cuBLAS on a stream that is being captured."""
    if graphs.current().is_capturing():
        raise NotImplementedError("calling cuBLAS API during stream capture is currently unsupported")


def _should_use_rop(x, y):
    """CuPy's own question: is `y` to be asked first, because it opts out of ufuncs or stands higher?"""
    try:
        return y.__array_ufunc__ is None
    except AttributeError:
        return x.__array_priority__ < getattr(y, "__array_priority__", 0)


class ndarray:
    """An array on a device that is not there."""

    __slots__ = ("_inside", "__weakref__")
    __array_priority__ = 100
    __hash__ = None

    def __init__(self, shape, dtype=float, memptr=None, strides=None, order="C"):
        if memptr is not None or strides is not None:
            raise NotImplementedError("the look-alike has no memory to point to")
        self._inside = np.empty(shape, dtype, order)

    # What it tells of itself: no launch, no wait ----------------------------------------------------------------------

    shape = property(lambda self: self._inside.shape)
    dtype = property(lambda self: self._inside.dtype)
    ndim = property(lambda self: self._inside.ndim)
    size = property(lambda self: self._inside.size)
    strides = property(lambda self: self._inside.strides)
    itemsize = property(lambda self: self._inside.itemsize)
    nbytes = property(lambda self: self._inside.nbytes)
    device = property(lambda self: SimpleNamespace(id=0))
    data = property(lambda self: SimpleNamespace(ptr=self._inside.ctypes.data))
    T = property(lambda self: self if self.ndim < 2 else wrap(self._inside.T))

    @property
    def flags(self):
        flags = self._inside.flags
        return SimpleNamespace(**{name: getattr(flags, name) for name in NAMES["flags"]})

    @property
    def base(self):
        return None if self._inside.base is None else wrap(self._inside.base)

    def __len__(self):
        return len(self._inside)

    def __iter__(self):
        return (self[i] for i in range(len(self._inside)))

    def __getattr__(self, name):
        if name in NAMES["methods"] or name in NAMES["attributes"]:
            raise NotImplementedError(f"CuPy's arrays have {name}; add it to the look-alike, with what it costs.")
        raise AttributeError(f"'cupy.ndarray' object has no attribute {name!r}")

    # To the host: every way waits -------------------------------------------------------------------------------------

    def get(self, stream=None, order="C", out=None, blocking=True):
        return self._fetched(".get()").copy(order)

    def item(self):
        if self.size != 1:
            raise ValueError("can only convert an array of size 1 to a Python scalar")
        return self._fetched(".item()").item()

    def _fetched(self, what):
        wait(what)
        note("downloads")
        return self._inside

    def tolist(self):
        return self._fetched(".tolist()").tolist()

    def __bool__(self):
        return bool(self._fetched("bool(x)"))

    def __int__(self):
        return int(self._fetched("int(x)"))

    def __float__(self):
        return float(self._fetched("float(x)"))

    def __complex__(self):
        return complex(self._fetched("complex(x)"))

    def __format__(self, form):
        return format(self._fetched("format(x)"), form)

    def __repr__(self):
        return repr(self._fetched("repr(x)"))

    def __str__(self):
        return str(self._fetched("str(x)"))

    def __array__(self, dtype=None, copy=None):
        raise TypeError(NO_CONVERSION)

    # NumPy's functions ------------------------------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc, method, *inputs, **keywords):
        if method != "__call__" or ufunc.__name__ not in NAMES["ufuncs"]:
            return NotImplemented
        if any(not isinstance(x, (ndarray, np.ndarray, *SCALARS)) for x in inputs):
            return NotImplemented  # such as a tensor, which is asked next
        for x in inputs:
            if isinstance(x, np.ndarray):
                raise TypeError(f"Unsupported type {type(x)}")
        if any(isinstance(x, np.generic) for x in inputs) and ufunc.__name__ in _OPERATORS.values():
            return elementwise(ufunc.__name__, *inputs, **keywords)  # np.float32(2) * x
        raise TypeError(
            f"np.{ufunc.__name__} was called on an array of the device, in {counts.place()}. CuPy computes it, which "
            "hides a hard-coded np.; the look-alike does not: ask array_module(x)."
        )

    def __array_function__(self, function, types, args, keywords):
        raise TypeError(
            f"np.{function.__name__} was called on an array of the device, in {counts.place()}. CuPy may compute it, "
            "which hides a hard-coded np.; the look-alike does not: ask array_module(x)."
        )

    # Entries ----------------------------------------------------------------------------------------------------------

    def __getitem__(self, index):
        return indexing.get(self, index)

    def __setitem__(self, index, value):
        indexing.put(self, index, value)

    def scatter_add(self, slices, value):
        indexing.scatter_add(self, slices, value)

    def fill(self, value):
        if isinstance(value, np.ndarray) and value.shape:
            raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
        number = value.item() if isinstance(value, np.ndarray) else plain(value)
        changed(lambda: self._inside.fill(number))
        note("fills", bool(self.size))

    # Arrangement ------------------------------------------------------------------------------------------------------

    def astype(self, dtype, order="K", casting=None, subok=None, copy=True):
        if casting is not None or subok is not None:
            raise TypeError("casting and subok are not supported yet")
        if not copy and self.dtype == dtype and order in ("K", "A"):
            return self
        note("copies", bool(self.size))
        with np.errstate(all="ignore"):
            return wrap(made(lambda: self._inside.astype(dtype, order=order)))

    def copy(self, order="C"):
        note("copies", bool(self.size))
        return wrap(made(lambda: self._inside.copy(order)))

    def __copy__(self):
        return self.copy()

    def __deepcopy__(self, memo):
        return self.copy()

    def reshape(self, *shape, order="C", copy=None):
        if copy is not None:
            raise NotImplementedError("the look-alike has no copy= in reshape")
        return view_or_copy(self, lambda x: x.reshape(*shape, order=order))

    def ravel(self, order="C"):
        return view_or_copy(self, lambda x: x.ravel(order))

    def flatten(self, order="C"):
        note("copies", bool(self.size))
        return wrap(made(lambda: self._inside.flatten(order)))

    def transpose(self, *axes):
        return wrap(self._inside.transpose(*axes))

    def swapaxes(self, axis1, axis2):
        return wrap(self._inside.swapaxes(axis1, axis2))

    def squeeze(self, axis=None):
        return wrap(self._inside.squeeze(axis))

    def view(self, dtype=None, type=None):
        return wrap(self._inside.view() if dtype is None else self._inside.view(dtype))

    def repeat(self, repeats, axis=None):
        if axis is None or not isinstance(repeats, int):
            raise NotImplementedError("the look-alike repeats along one axis, a whole number of times")
        note("copies", self.shape[axis])  # CuPy copies row after row
        return wrap(made(lambda: self._inside.repeat(repeats, axis)))

    # Products ---------------------------------------------------------------------------------------------------------

    def dot(self, b, out=None):
        if out is not None or not isinstance(b, ndarray) or max(self.ndim, b.ndim) > 2 or not self.ndim * b.ndim:
            raise NotImplementedError("the look-alike's dot takes vectors and matrices, without out")
        return product(self, b)

    def __matmul__(self, other):
        return _operate(self, other, "matmul", product)

    def __rmatmul__(self, other):
        return _operate(other, self, "matmul", product) if isinstance(other, ndarray) else NotImplemented


_OPERATORS = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "truediv": "true_divide",
    "floordiv": "floor_divide",
    "mod": "remainder",
    "pow": "power",
    "and": "bitwise_and",
    "or": "bitwise_or",
    "xor": "bitwise_xor",
    "lshift": "left_shift",
    "rshift": "right_shift",
    "eq": "equal",
    "ne": "not_equal",
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
}
_UNARY = {"neg": "negative", "abs": "absolute", "invert": "invert", "pos": "positive"}
_COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")


def _operate(self, other, ufunc, compute):
    """self ∘ other as CuPy decides it: computed, left to the other, or handed to NumPy, which asks both in turn."""
    if isinstance(other, (ndarray, *SCALARS)):
        return compute(self, other)
    if _should_use_rop(self, other):
        return NotImplemented
    return getattr(np, ufunc)(self, other)


def _binary(name):
    ufunc = _OPERATORS[name]
    compute = functools.partial(elementwise, ufunc)
    return lambda self, other: _operate(self, other, ufunc, compute)


def _reflected(name):
    ufunc = _OPERATORS[name]

    def method(self, other):
        if isinstance(other, SCALARS):
            return elementwise(ufunc, other, self)
        return NotImplemented if _should_use_rop(self, other) else getattr(np, ufunc)(other, self)

    return method


def _in_place(name):
    ufunc = _OPERATORS[name]
    return lambda self, other: elementwise(ufunc, self, other, out=self)


def _unary(ufunc):
    return lambda self: elementwise(ufunc, self)


def _reduction(name, kernels):
    signature = Signature(name, NAMES["methods"][name])

    @quietly
    def method(self, *args, **keywords):
        signature.check(args, keywords)
        if keywords.get("out") is not None:
            raise NotImplementedError("the look-alike's reductions take no out")
        y = wrap(made(lambda: getattr(self._inside, name)(*args, **keywords)))
        note("kernels", kernels if y.size else 0)
        return y

    return method


REDUCTIONS = {**dict.fromkeys("all any argmax argmin max mean min prod sum".split(), 1), "std": 3, "var": 2}


def _attach():
    for name in _OPERATORS:
        setattr(ndarray, f"__{name}__", _binary(name))
        if name not in _COMPARISONS:
            setattr(ndarray, f"__r{name}__", _reflected(name))
            setattr(ndarray, f"__i{name}__", _in_place(name))
    ndarray.__hash__ = None
    for name, ufunc in _UNARY.items():
        setattr(ndarray, f"__{name}__", _unary(ufunc))
    for name, kernels in REDUCTIONS.items():
        setattr(ndarray, name, _reduction(name, kernels))
    ndarray.__module__ = "cupy"


_attach()

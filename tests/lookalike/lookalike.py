"""A look-alike of CuPy, so that the whole program runs on CuPy's interface where there is no GPU.

NumPy computes.  Around it stands what CuPy would do: it has CuPy's names and keywords and no others (names.json, read
off the real package by names.py), raises CuPy's errors, gives 0-d arrays where NumPy gives scalars, and counts what a
GPU would be asked to do (counts.py).  Stricter than CuPy: a function of NumPy applied to an array of the device, and an
index or a value that is an array of the host, are errors here, since they hide a hard-coded np. or a copy.

It proves nothing about kernels, rounding, streams or speed.
"""

import contextlib
import functools
import sys
import time
import types

import numpy as np
import pytest

from minigen import backend
from minigen.kernels import cuda_products

from . import arrays, counts, cublas, functions, graphs
from .arrays import NAMES, ndarray
from .counts import Counts, DeviceSynchronized, counted, no_sync
from .graphs import CUDARuntimeError

__all__ = ["Counts", "DeviceSynchronized", "counted", "cupy", "cupyx", "ndarray", "no_sync", "playing"]

GIB = 2**30


def _checked(namespace, members, known):
    """A namespace with these members, each of which CuPy has."""
    assert members.keys() <= set(known), members.keys() - set(known)
    return types.SimpleNamespace(**members)


def _cuda():
    runtime = {
        "driverGetVersion": lambda: 13000,
        "runtimeGetVersion": lambda: 13000,
        "getDeviceCount": lambda: 1,
        "memGetInfo": lambda: (4 * GIB, 8 * GIB),
        "getDeviceProperties": lambda number: {"name": b"a look-alike: no GPU"},
        "CUDARuntimeError": CUDARuntimeError,
    }
    members = {
        "runtime": _checked("runtime", runtime, NAMES["runtime"]),
        "is_available": lambda: True,
        "get_current_stream": graphs.current,
        "Stream": graphs.Stream,
        "Graph": graphs.Graph,
        "MemoryPool": graphs.MemoryPool,
        "using_allocator": graphs.using_allocator,
        "Device": lambda number=0: types.SimpleNamespace(id=number, compute_capability="90"),
        "Event": Event,
        "get_elapsed_time": lambda start, end: 1e3 * (end.at - start.at),
    }
    return _checked("cuda", members, NAMES["cuda"])


class Event:
    """A mark in the device's queue; here the device is always done, so it is the time of day."""

    at: float

    def record(self, stream=None):
        self.at = time.perf_counter()

    def synchronize(self):
        counts.note("waits")


def _core():
    """The part of CuPy, private but the only one, that says how cuBLAS multiplies."""
    members = {
        "set_compute_type": arrays.set_compute_type,
        "get_compute_type": lambda dtype: arrays.compute_types[np.dtype(dtype).char],
    }
    return _checked("_core", members, NAMES["core"])


def _cupy():
    module = types.ModuleType("cupy", __doc__)
    module.__version__ = NAMES["cupy"]
    for name in NAMES["ufuncs"]:
        setattr(module, name, functions.ufunc(name))
    for name, f in functions.FUNCTIONS.items():
        setattr(module, name, f)
    for name, kind in NAMES["others"].items():
        if hasattr(np, name) and kind in ("type", "float", "NoneType", "_DTypeMeta"):  # dtypes, and numbers such as pi
            setattr(module, name, getattr(np, name))
    module.ndarray = ndarray
    module.ogrid = functions.OpenGrid()
    module.cuda, module._core = _cuda(), _core()
    module.get_default_memory_pool = lambda: types.SimpleNamespace(total_bytes=lambda: 0)
    module.lib = types.SimpleNamespace(stride_tricks=types.SimpleNamespace(as_strided=functions.as_strided))

    def absent(name):
        if name in NAMES["functions"] or name in NAMES["others"]:
            raise NotImplementedError(f"CuPy has {name}; add it to the look-alike, with what it costs.")
        raise AttributeError(f"module 'cupy' has no attribute {name!r}")

    module.__getattr__ = absent
    return module


def _cupyx():
    module = types.ModuleType("cupyx")
    module.scatter_add = lambda a, slices, value: a.scatter_add(slices, value)
    module.allow_synchronize = counts.allow_synchronize
    module.DeviceSynchronized = DeviceSynchronized
    return module


cupy, cupyx = _cupy(), _cupyx()


@functools.cache
def _every_kernel():
    """The dictionaries in which operations keep what stands in for them on a backend."""
    modules = [module for name, module in sys.modules.items() if name.startswith("minigen.")]
    holders = {id(x): x for module in modules for x in vars(module).values() if hasattr(x, "__dict__")}
    return [x.kernels for x in holders.values() if isinstance(vars(x).get("kernels"), dict)]


@contextlib.contextmanager
def playing():
    """Inside, `import cupy` finds the look-alike, the backend "cupy" is it, and no CUDA kernel stands in for a formula.

    A library that plays cuBLAS takes the calls that are not CuPy's (cublas.py).

    A backend chosen and a stream used inside are forgotten afterwards.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "cupy", cupy)
        patch.setitem(sys.modules, "cupyx", cupyx)
        patch.setattr(backend, "_modules", {np.ndarray: np})
        patch.setattr(backend, "_chosen", "numpy")
        patch.setattr(arrays, "compute_types", dict(arrays.compute_types))
        patch.setattr(graphs, "_current", [graphs.Stream.null])
        patch.setattr(cuda_products, "library", cublas.Library)
        for kernels in _every_kernel():
            patch.delitem(kernels, "cupy", raising=False)  # there is nothing here that could run one
        _forget()
        try:
            yield cupy
        finally:
            _forget()
    backend.probe.cache_clear()


def _forget():
    """What is found out once a process is found out anew."""
    backend.probe.cache_clear()
    cuda_products._products.cache_clear()

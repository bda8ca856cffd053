"""Launching a CUDA kernel, with every argument looked at: a GPU looks at none.

CuPy passes a Python float as a double and an int as a long long, whatever the kernel takes; a float parameter then
reads half of a number.  So numbers are np.float32 and np.int32, arrays have the dtype that the text says and lie
without gaps, and whatever differs is an error here.
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from minigen.kernels import cuda_source

BLOCK = 256  # threads: what the texts say
LIMIT = 2**31 - 2 * BLOCK  # numbers in an array: places are counted in int

_SCALARS = {"int": np.int32, "float": np.float32}
_DTYPES = {
    "float": np.dtype(np.float32),
    "int": np.dtype(np.int32),
    "long long": np.dtype(np.int64),
    "bool": np.dtype(np.bool_),
}


def on_the_gpu(name: str, blocks: int, args: tuple[Any, ...]) -> None:
    """Run a kernel on the current device and stream."""
    _compiled(name)((blocks,), (BLOCK,), args)


run: Callable[[str, int, tuple[Any, ...]], None] = on_the_gpu  # tests put here what runs the text without a GPU


@functools.cache
def _module() -> Any:
    import cupy

    return cupy.RawModule(code=cuda_source.text(), options=cuda_source.OPTIONS)


@functools.cache
def _compiled(name: str) -> Any:
    return _module().get_function(name)


def launch(name: str, count: int, *args: Any) -> None:
    """Run kernel `name` with a thread for each of `count` numbers; nothing where there are none."""
    launch_blocks(name, -(-count // BLOCK), *args)


def launch_blocks(name: str, blocks: int, *args: Any) -> None:
    """Run kernel `name` in so many blocks of 256 threads.  TypeError where an argument is not what the text takes."""
    wanted = _wanted(name)
    if len(args) != len(wanted):
        raise TypeError(f"CUDA kernel {name} takes {len(wanted)} arguments, {len(args)} were given.")
    for (parameter, scalar, dtype), value in zip(wanted, args, strict=True):
        if type(value) is not scalar and (wrong := _misfit(scalar, dtype, value)):
            raise TypeError(f"CUDA kernel {name}, {parameter}: {wrong}.")
    if blocks:
        run(name, blocks, args)


@functools.cache
def _wanted(name: str) -> tuple[tuple[str, Any, Any], ...]:
    """Name, type of number, and dtype of array, for each parameter of a kernel; one of the two is None."""
    return tuple(
        (p.name, None, _DTYPES[p.type]) if p.array else (p.name, _SCALARS[p.type], None)
        for p in cuda_source.kernels()[name]
    )


def _misfit(scalar: Any, dtype: Any, value: Any) -> str:
    """Why a value cannot be given for a parameter; empty where it can."""
    if scalar is not None:
        return f"{type(value).__name__} came where np.{scalar.__name__} is taken"
    if getattr(value, "dtype", None) != dtype or isinstance(value, np.generic):
        return f"{getattr(value, 'dtype', type(value).__name__)} came where an array of {dtype} is taken"
    if not value.flags.c_contiguous:
        return f"an array of shape {tuple(value.shape)} has gaps; it must be contiguous"
    return "" if value.size < LIMIT else f"{value.size} numbers are more than {LIMIT}"


# For the stand-ins ----------------------------------------------------------------------------------------------------


def suits(*arrays: Any) -> bool:
    """Are all of them float32 arrays, and none too long to be counted?  Anything else is the formula's."""
    for x in arrays:
        if getattr(x, "dtype", None) != np.float32 or isinstance(x, np.generic) or x.size >= LIMIT:
            return False
    return True


def as_pieces_of_four(C: int, *arrays: Any) -> bool:
    """May a thread move four numbers at once: do they divide the last axis, and the arrays' addresses?"""
    return C % 4 == 0 and all(getattr(x.data, "ptr", 0) % 16 == 0 for x in arrays)

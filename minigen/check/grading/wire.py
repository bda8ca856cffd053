"""What travels between the grader and a submission: numbers, text and arrays, as JSON and raw bytes, never pickle.

A message is two lengths, a JSON text and the bytes of its arrays.  In the JSON, None, bool, int, float and str stand
for themselves; everything else is a list that begins with its kind: ["tuple", …], ["array", 0].
"""

import json
import math
import re
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

LIMIT = 256 * 2**20  # bytes of arrays in one message: more is no answer to an exercise
TEXT = 16 * 2**20  # bytes of its JSON, which take twenty times as much memory when they are read
ARRAYS = 10_000  # in one message
DEPTH = 50  # of lists in lists
HEAD = struct.Struct(">QQ")
NUMERIC = re.compile(r"[<>|=]?[biufcUS][0-9]{1,6}")  # dtypes that are plain bytes: no objects, no records
FREE = (bool, int, float, str, type(None))
BIT_GENERATORS = ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")


class Garbled(Exception):
    """A message that is none: cut short, too large, or written by somebody who does not know the rules."""


class Unsent(Exception):
    """A value that cannot travel; the text says which and why."""


# Values to JSON and arrays, and back ----------------------------------------------------------------------------------


def pack(value: Any, other: Callable[[Any], list[Any]]) -> tuple[Any, list[np.ndarray]]:
    """(JSON tree, arrays).  other(x) describes an object that is neither number, text, array nor made of these.

    An array that occurs twice travels once, and is one array on the other side too.
    """
    arrays: list[np.ndarray] = []
    places: dict[int, int] = {}

    def array(x: np.ndarray) -> int:
        if not NUMERIC.fullmatch(x.dtype.str):
            raise Unsent(f"an array of dtype {x.dtype}; numbers, booleans and text can be handed over")
        if id(x) not in places:
            places[id(x)] = len(arrays)
            arrays.append(x)
        return places[id(x)]

    def walk(x: Any, depth: int) -> Any:
        if depth > DEPTH:
            raise Unsent(f"lists within lists, {DEPTH} deep or more")
        kind = type(x)  # exactly: a subclass may hold anything
        if kind in FREE:
            return x
        if kind is complex:
            return ["complex", x.real, x.imag]
        if kind in (list, tuple):
            return [kind.__name__, *(walk(entry, depth + 1) for entry in x)]
        if kind is dict:
            return ["dict", *([walk(key, depth + 1), walk(entry, depth + 1)] for key, entry in x.items())]
        if isinstance(x, np.generic):
            return ["scalar", array(np.asarray(x))]
        if isinstance(x, np.ndarray):
            return ["array", array(x if kind is np.ndarray else np.asarray(x))]
        if kind is np.random.Generator and _is_numpys(type(x.bit_generator)):
            return ["generator", walk(x.bit_generator.state, depth + 1)]
        return other(x)

    return walk(value, 0), arrays


def _is_numpys(kind: type) -> bool:
    """Is it a bit generator of NumPy's own, and no class of that name?"""
    return kind.__name__ in BIT_GENERATORS and str(kind.__module__).startswith("numpy.random")


def unpack(tree: Any, arrays: list[np.ndarray], other: Callable[[list[Any]], Any]) -> Any:
    """The value; other(description) gives what stands for an object.  Garbled where the tree is none."""
    if type(tree) in FREE:
        return tree
    if type(tree) is not list or not tree:
        raise Garbled("a value is no value")
    kind, *rest = tree
    if kind == "list":
        return [unpack(entry, arrays, other) for entry in rest]
    if kind == "tuple":
        return tuple(unpack(entry, arrays, other) for entry in rest)
    if kind == "dict":
        return {unpack(key, arrays, other): unpack(entry, arrays, other) for key, entry in rest}
    if kind == "complex":
        return complex(*rest)
    if kind in ("array", "scalar"):
        (place,) = rest
        found = arrays[place]
        return found if kind == "array" else found[()]
    if kind == "generator":
        (state,) = (unpack(entry, arrays, other) for entry in rest)
        if state["bit_generator"] not in BIT_GENERATORS:
            raise Garbled("no generator of NumPy's")
        bits = getattr(np.random, state["bit_generator"])()
        bits.state = state
        return np.random.Generator(bits)
    return other(tree)


# Messages to bytes, and back ------------------------------------------------------------------------------------------


def to_bytes(body: Any, arrays: list[np.ndarray]) -> bytes:
    """One message; Unsent if it is larger than LIMIT."""
    size = sum(x.nbytes for x in arrays)
    if len(arrays) > ARRAYS:
        raise Unsent(f"{len(arrays):,} arrays; at most {ARRAYS:,} can be handed over")
    if size > LIMIT:
        raise Unsent(f"{size / 2**20:,.0f} MiB; at most {LIMIT // 2**20} MiB can be handed over")
    header = [[x.dtype.str, x.shape, None if x.flags.c_contiguous else x.strides, x.flags.writeable] for x in arrays]
    text = json.dumps([body, header]).encode()
    if len(text) > TEXT:
        raise Unsent(f"{len(text) / 2**20:,.0f} MiB of text and lists; at most {TEXT // 2**20} MiB can be handed over")
    return b"".join([HEAD.pack(len(text), size), text, *(x.tobytes() for x in arrays)])


def from_stream(read: Callable[[int], bytes | bytearray], *, trusted: bool) -> tuple[Any, list[np.ndarray]]:
    """(body, arrays) of the next message; EOFError at the end of the stream, Garbled where it is no message.

    read(n) gives n bytes, or raises EOFError.  Only what is trusted may say how an array lies in memory.
    """
    length, size = HEAD.unpack(read(HEAD.size))
    if length > TEXT or size > LIMIT:
        raise Garbled("it announces more than can be handed over")
    text, raw = read(length), read(size)
    try:
        body, header = json.loads(text)
        if len(header) > ARRAYS:
            raise Garbled("it announces more than can be handed over")
        arrays, start = [], 0
        for dtype, shape, strides, writeable in header:
            array, start = _array(raw, start, dtype, shape)
            arrays.append(_lying(array, strides, writeable) if trusted else array)
    except Garbled:
        raise
    except Exception as error:  # what a stranger wrote may fail to be read in any way
        raise Garbled("it is no message") from error
    if start != size:
        raise Garbled("it holds more than it says")
    return body, arrays


def _array(raw: bytes | bytearray, start: int, dtype: Any, shape: Any) -> tuple[np.ndarray, int]:
    """The array whose bytes begin at `start`, and where they end."""
    if not NUMERIC.fullmatch(dtype) or not all(type(n) is int and n >= 0 for n in shape) or len(shape) > 32:
        raise Garbled("no array of numbers")
    kind = np.dtype(dtype)
    count = math.prod(shape)
    end = start + count * kind.itemsize
    if kind.kind == "b":  # a byte of 2 would be neither true nor false
        return (np.frombuffer(raw, np.uint8, count, start) != 0).reshape(shape), end
    return np.frombuffer(raw, kind, count, start).reshape(shape).copy(), end


def _lying(array: np.ndarray, strides: list[int] | None, writeable: bool) -> np.ndarray:
    """The array in the arrangement of memory that it has on the other side: a rule must not rely on it."""
    if strides is not None and array.size:
        reach = [(n - 1) * s for n, s in zip(array.shape, strides, strict=True)]
        start = -sum(r for r in reach if r < 0)
        memory = bytearray(start + sum(r for r in reach if r > 0) + array.itemsize)
        placed: np.ndarray = np.ndarray(array.shape, array.dtype, memory, start, tuple(strides))
        placed[...] = array
        array = placed
    array.flags.writeable = writeable
    return array

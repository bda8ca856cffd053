"""Runs the CUDA texts on the CPU: the same source, compiled by g++ behind `shim.h`.

It proves the algorithm in the text (indices, barriers, shared memory, bounds), not the program on the chip: rounding,
races inside a warp, misaligned loads of four numbers, streams and speed are beyond it.
"""

import atexit
import ctypes
import functools
import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from minigen.kernels import cuda_source

HERE = Path(__file__).parent
WHY_NOT = "" if shutil.which("g++") else "g++ is not installed: the CUDA texts are not run on the CPU"
if sys.platform != "linux":
    WHY_NOT = "the shim is for Linux (sections and pages of ELF): the CUDA texts are not run on the CPU"
FLAGS = ["-std=c++17", "-O1", "-fPIC", "-shared", "-U_FORTIFY_SOURCE", "-ffp-contract=off"]
STRICT = ["-Wall", "-Wextra", "-Werror", "-Wno-sign-compare", "-Wno-unused-function", "-Wno-unknown-pragmas"]


class ShimError(AssertionError):
    """A kernel did what would be wrong on a GPU: the message names block, thread and array, or the barrier."""


class _Array(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("bytes", ctypes.c_long),
        ("written", ctypes.c_int),
        *((name, ctypes.c_void_p) for name in ("region", "copy")),
        ("pages", ctypes.c_long),
        *((name, ctypes.c_void_p) for name in ("result", "owner")),
    ]


class Shim:
    """The kernels of one source.  `run` has the signature of `cuda_launch.run`; `ran` counts launches by name.

    Each launch is done once with arrays that end at a forbidden page and once with arrays that start behind one, in
    another order of threads, and must give the same numbers, bit for bit.
    """

    def __init__(self, source, *flags):
        self.signatures = cuda_source.signatures(source)
        self.library = ctypes.CDLL(str(_built(source, flags)))
        self.ran: dict[str, int] = {}
        self.seed = 0

    def run(self, name, blocks, args, threads=256):
        self.ran[name] = self.ran.get(name, 0) + 1
        results = []
        for at_the_end in (1, 0):
            self.seed += 1
            results.append(self._once(name, blocks, args, threads, at_the_end))
        for value, first, second, parameter in zip(args, *results, self.signatures[name], strict=True):
            if parameter.written:
                if first.tobytes() != second.tobytes():
                    raise ShimError(f"{name}, {parameter.name}: another order of threads gives other numbers")
                value[...] = first

    def _once(self, name, blocks, args, threads, at_the_end):
        """The arguments after a launch; arrays are copies."""
        copies = [np.array(value, order="C") if isinstance(value, np.ndarray) else value for value in args]
        packed = np.zeros(8 * len(args), np.uint8)
        arrays, which = [], []
        for i, (parameter, value) in enumerate(zip(self.signatures[name], copies, strict=True)):
            if isinstance(value, np.ndarray):
                arrays.append(_Array(value.ctypes.data, value.nbytes, parameter.written))
                which.append(i)
            else:
                raw = _packed(value)
                packed[8 * i : 8 * i + len(raw)] = np.frombuffer(raw, np.uint8)
        message = ctypes.create_string_buffer(300)
        wrong = self.library.shim_launch(
            ctypes.cast(self.library[f"call_{name}"], ctypes.c_void_p),
            ctypes.c_uint(blocks),
            threads,
            ctypes.c_void_p(packed.ctypes.data),
            len(args),
            (_Array * len(arrays))(*arrays),
            (ctypes.c_int * len(which))(*which),
            len(arrays),
            at_the_end,
            ctypes.c_uint64(self.seed),
            message,
        )
        if wrong:
            raise ShimError(f"{name}, {message.value.decode()}")
        return copies


def _packed(value):
    """A number's bytes as CuPy hands them over: Python's float as a double, Python's int as a long long."""
    kind = {float: np.float64, int: np.int64, bool: np.int64}.get(type(value))
    return (value if kind is None else kind(value)).tobytes()


@functools.cache
def kernels():
    """The shim of the library's own text."""
    return Shim(cuda_source.text(), *STRICT)


@functools.cache
def _folder():
    folder = tempfile.TemporaryDirectory(prefix="minigen-shim-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


def _built(source, flags):
    """The shared library made of a source."""
    calls = []
    for name, parameters in cuda_source.signatures(source).items():
        passed = ", ".join(
            f"*({'' if p.written or not p.array else 'const '}{p.type}{'*' * (1 + p.array)})args[{i}]"
            for i, p in enumerate(parameters)
        )
        calls.append(f'extern "C" void call_{name}(void** args) {{ {name}({passed}); }}')
    code = "\n".join(['#include "shim.h"', '#line 1 "kernels.cu"', source, *calls, '#include "shim_run.h"', ""])
    stem = _folder() / hashlib.sha256(f"{flags}{code}".encode()).hexdigest()[:16]
    library = stem.with_suffix(".so")
    if not library.exists():
        stem.with_suffix(".cpp").write_text(code, encoding="utf-8")
        done = subprocess.run(
            ["g++", *FLAGS, *flags, f"-I{HERE}", "-o", str(library), str(stem.with_suffix(".cpp"))],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise ShimError(f"g++ refuses the text:\n{done.stderr[:2000]}")
    return library

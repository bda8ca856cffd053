"""The CUDA texts (`cuda_*.cu` beside this file) as one, and what each kernel in them takes.

CuPy compiles the whole with NVRTC at the first launch and keeps the result on disk; the tests compile the same text for
every generation of GPUs, and with a C++ compiler for the CPU.
"""

import functools
import os.path
import re
from typing import NamedTuple

FAMILIES = ("common", "patches", "adam", "random", "gather", "normalise", "activations", "losses", "rows")
OPTIONS = ("-std=c++17",)

_KERNEL = re.compile(r'extern "C" __global__ void (\w+)\(([^)]*)\)')
_PARAMETER = re.compile(r"(const )?(float|bool|int|long long)(\*?) (\w+)")


class Parameter(NamedTuple):
    """One parameter of a kernel: `const float* x` is Parameter("x", "float", array=True, written=False)."""

    name: str
    type: str
    array: bool
    written: bool


def path(family: str) -> str:
    """The file of one family."""
    return os.path.join(os.path.dirname(__file__), f"cuda_{family}.cu")


def text(*families: str) -> str:
    """The source of some families, or of all, in ASCII: CuPy writes it to a file in the machine's own encoding."""
    parts = []
    for family in families or FAMILIES:
        with open(path(family), encoding="utf-8") as file:
            parts.append(file.read())
    return re.sub(r"[^\x00-\x7f]", " ", "\n".join(parts))  # the comments alone say more than ASCII can


def signatures(source: str) -> dict[str, tuple[Parameter, ...]]:
    """The parameters of every kernel in a source."""
    return {name: tuple(_parameter(one.strip()) for one in all_.split(",")) for name, all_ in _KERNEL.findall(source)}


def _parameter(declaration: str) -> Parameter:
    found = _PARAMETER.fullmatch(declaration)
    if found is None:
        raise ValueError(
            f"a kernel takes an int, a float, or an array of float, int, long long or bool; not {declaration!r}."
        )
    const, kind, star, name = found.groups()
    return Parameter(name, kind, bool(star), bool(star) and not const)


@functools.cache
def kernels() -> dict[str, tuple[Parameter, ...]]:
    """The parameters of every kernel there is."""
    return signatures(text())

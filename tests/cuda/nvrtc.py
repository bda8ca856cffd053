"""NVIDIA's run-time compiler through ctypes, from its wheel (which CuPy's extras bring too): no GPU needed."""

import ctypes
import functools
import importlib.metadata
import re
from pathlib import Path
from typing import NamedTuple

PACKAGES = ("nvidia-cuda-nvrtc", "nvidia-cuda-nvrtc-cu12")


def _libraries():
    """The files of an installed NVRTC: its builtins, then the compiler itself; empty where there is none."""
    for package in PACKAGES:
        try:
            files = importlib.metadata.files(package) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        paths = [Path(str(file.locate())) for file in files if re.search(r"libnvrtc[^/]*\.so[.\d]*$", str(file))]
        paths = [path for path in paths if ".alt." not in path.name and path.exists()]
        if len(paths) == 2:
            return sorted(paths, key=lambda path: "builtins" not in path.name)
    return []


WHY_NOT = (
    "" if _libraries() else "NVRTC is not installed (pip install 'nvidia-cuda-nvrtc==13.0.*'): nothing is compiled"
)


class Compiled(NamedTuple):
    """What came of a source: the program for the chip (empty where it was refused), and all that was said."""

    cubin: bytes
    log: str


@functools.cache
def library():
    builtins, compiler = _libraries()
    ctypes.CDLL(str(builtins), mode=ctypes.RTLD_GLOBAL)  # or the compiler cannot find it
    return ctypes.CDLL(str(compiler))


def compile_for(source, architecture, *options):
    """Compile for one generation of chips, such as "sm_90", down to the chip's own instructions."""
    nvrtc, program = library(), ctypes.c_void_p()
    options = [f"--gpu-architecture={architecture}", *options]
    raw = (ctypes.c_char_p * len(options))(*(option.encode() for option in options))
    assert nvrtc.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"minigen.cu", 0, None, None) == 0
    try:
        status = nvrtc.nvrtcCompileProgram(program, len(options), raw)
        log = _fetched(nvrtc.nvrtcGetProgramLogSize, nvrtc.nvrtcGetProgramLog, program).rstrip(b"\0").decode()
        cubin = b"" if status else _fetched(nvrtc.nvrtcGetCUBINSize, nvrtc.nvrtcGetCUBIN, program)
        return Compiled(cubin, log)
    finally:
        nvrtc.nvrtcDestroyProgram(ctypes.byref(program))


def _fetched(size_of, copy, program):
    size = ctypes.c_size_t()
    assert size_of(program, ctypes.byref(size)) == 0
    text = ctypes.create_string_buffer(size.value)
    assert copy(program, text) == 0
    return text.raw

"""Where arrays live: NumPy on the host, CuPy on a GPU.

Operations ask their arrays (`array_module`); nothing inside the engine depends on a chosen backend.  What is chosen
with `use` only says where *new* arrays are made: parameters, batches, noise.
"""

import functools
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from minigen.errors import BackendError, SettingError

Array = Any  # an array of NumPy or of CuPy: their common interface has no type of its own
Name = Literal["numpy", "cupy"]
Precision = Literal["fp32", "tf32"]

_SCALARS = (bool, int, float, complex, np.generic, list, tuple, type(None))
_modules: dict[type, Any] = {np.ndarray: np}  # array type → the module that owns it
_chosen: Name = "numpy"
_COMPUTE_TYPES = {"fp32": 1, "tf32": 7}  # COMPUTE_TYPE_DEFAULT and COMPUTE_TYPE_TF32 of CuPy 14

INSTALL = """CuPy is chosen by your CUDA version (see the top right of `nvidia-smi`):
    pip install 'minigen[cuda13]'   # driver for CUDA 13.x
    pip install 'minigen[cuda12]'   # driver for CUDA 12.x
Without an NVIDIA GPU, run the same command with --backend numpy (the default)."""


def register(array_type: type, module: Any) -> None:
    """Let arrays of `array_type` take part in operations; `module` has NumPy's interface for them."""
    _modules[array_type] = module


def array_module(*arrays: Array) -> Any:
    """The module (NumPy or CuPy) that owns the arrays; Python numbers go along with either.

    BackendError where arrays of two backends meet: nothing is ever copied between them behind your back.
    """
    found = None
    for array in arrays:
        module = _modules.get(type(array)) or _look_up(array)
        if module is not None and module is not found:
            if found is not None:
                raise BackendError(
                    f"arrays of {found.__name__} and of {module.__name__} meet in one operation; "
                    "bring both to one place with minigen.backend.to_device or to_host."
                )
            found = module
    return np if found is None else found


def _look_up(array: Array) -> Any:
    """The owner of an array type seen for the first time; None for numbers, which have no owner."""
    if isinstance(array, _SCALARS):
        return None
    if isinstance(array, np.ndarray):  # a subclass, such as a memory map
        return np
    cupy = sys.modules.get("cupy")  # whoever holds a CuPy array has imported it
    if cupy is not None and isinstance(array, cupy.ndarray):
        register(cupy.ndarray, cupy)
        return cupy
    raise BackendError(f"{type(array).__name__} is no array of NumPy or CuPy; make one with minigen.tensor(...).")


def name_of(module: Any) -> str:
    """The backend's name as `--backend` spells it: "numpy" or "cupy"."""
    return module.__name__


# Choosing -----------------------------------------------------------------------------------------------------------


def use(name: str) -> Name:
    """Make new arrays on "numpy" or "cupy" from now on, or with "auto" on CuPy where it works; returns which it is.

    BackendError with one sentence and the remedy where CuPy cannot be used; never a silent fallback: "auto" prints one
    sentence that says what it took and why.
    """
    global _chosen
    if name not in ("numpy", "cupy", "auto"):
        raise SettingError(f"backend {name!r} is unknown; it is numpy, cupy or auto.")
    why_not = "" if name == "numpy" else probe()
    if name == "cupy" and why_not:
        raise BackendError(f"--backend cupy: {why_not}")
    _chosen = "numpy" if name == "numpy" or why_not else "cupy"
    if name == "auto":
        why = why_not.partition("\n")[0] if why_not else f"a first kernel ran on {gpu_name()}."
        print(f"--backend auto takes {_chosen}: {why}")
    return _chosen


def current() -> Any:
    """The module on which new arrays are made."""
    if _chosen == "numpy":
        return np
    import cupy

    return cupy


@functools.cache
def probe() -> str:
    """Why CuPy cannot be used here, in one sentence followed by the remedy; empty where it can.  Asked once a process.

    A successful import proves nothing, so the last test runs a product, an elementwise kernel and a reduction.
    """
    try:
        import cupy
    except (ImportError, OSError, RuntimeError) as error:
        if isinstance(error, ModuleNotFoundError) and error.name == "cupy":
            return f"CuPy is not installed.\n{INSTALL}"
        return f"CuPy is installed but does not import: {_first_line(error)}\nKeep exactly one CuPy package installed."
    installed = f"CuPy {cupy.__version__} is installed, but"
    no_device = f"{installed} no CUDA device is visible (CUDA_VISIBLE_DEVICES?).\nUnset that variable, or name a GPU."
    runtime = cupy.cuda.runtime
    driver = runtime.driverGetVersion()
    if driver == 0:
        return f"{installed} this machine has no NVIDIA driver.\nInstall it, or run with --backend numpy (the default)."
    try:
        if runtime.getDeviceCount() == 0:
            return no_device
    except runtime.CUDARuntimeError as error:
        if "NoDevice" in str(error):
            return no_device
        supported = f"{driver // 1000}.{driver % 1000 // 10}"
        return (
            f"{installed} the CUDA driver reports: {_first_line(error)}\n"
            f"The driver supports CUDA {supported}: update it, or pip install 'minigen[cuda12]' in place of cuda13."
        )
    try:
        ones = cupy.ones((2, 2), dtype="float32")
        float((ones @ ones + ones).sum())
    except Exception as error:  # whatever the first kernel dies of is the answer
        return (
            f"CuPy {cupy.__version__} sees a GPU but cannot run a first kernel: {type(error).__name__}: "
            f"{_first_line(error)}\nInstall CUDA's libraries beside it: pip install 'cupy-cuda13x[ctk]'."
        )
    return ""


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]


def gpu_name() -> str:
    """The GPU in use as its maker names it."""
    import cupy

    return cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)["name"].decode()


# How products are computed ------------------------------------------------------------------------------------------


def use_precision(name: str) -> None:
    """Compute float32 matrix products on the GPU as "fp32" or as "tf32" from now on, whatever CUPY_TF32 says.

    tf32 rounds both factors to 10 bits behind the point (2⁻¹¹ relative) and adds up in float32, which newer GPUs do
    faster.  It reaches every product of two matrices, convolutions among them; CuPy computes stacks of matrices in fp32
    still.  SettingError for tf32 on NumPy, on a GPU older than compute capability 8.0, and where the environment
    forbids it (NVIDIA_TF32_OVERRIDE=0).
    """
    if name not in _COMPUTE_TYPES:
        raise SettingError(f"precision {name!r} is unknown; it is fp32 or tf32.")
    if _chosen == "numpy":
        if name == "tf32":
            raise SettingError("--precision tf32: NumPy computes in fp32 alone. Leave it out, or add --backend cupy.")
        return
    import cupy

    capability = int(cupy.cuda.Device().compute_capability)
    if name == "tf32" and capability < 80:
        raise SettingError(
            f"--precision tf32: {gpu_name()} has compute capability {capability / 10}, and TF32 begins at 8.0. "
            "Leave it out."
        )
    if name == "tf32" and os.environ.get("NVIDIA_TF32_OVERRIDE") == "0":
        raise SettingError(
            "--precision tf32: NVIDIA_TF32_OVERRIDE=0 turns it off in all of NVIDIA's libraries. Unset it."
        )
    cupy._core.set_compute_type("float32", _COMPUTE_TYPES[name])


def precision() -> Precision:
    """How float32 matrix products are computed on the backend in use: "fp32" or "tf32"."""
    if _chosen == "numpy":
        return "fp32"
    import cupy

    return "tf32" if cupy._core.get_compute_type("float32") == _COMPUTE_TYPES["tf32"] else "fp32"


# The edges ----------------------------------------------------------------------------------------------------------


def to_host(array: Array) -> np.ndarray:
    """The array as NumPy's; a copy only where it comes from a GPU."""
    if isinstance(array, np.ndarray):
        return array
    if isinstance(array, _SCALARS):
        return np.asarray(array)
    module = array_module(array)
    return module.asnumpy(array)


def to_device(array: Array, module: Any = None) -> Array:
    """The array on `module` (default: the backend in use); a copy only where it must travel."""
    module = current() if module is None else module
    if module is np:
        return to_host(array)
    return module.asarray(array)


def synchronize(module: Any = None) -> None:
    """Wait until the GPU has done everything asked of it so far; nothing to do on the host."""
    module = current() if module is None else module
    if module is not np:
        module.cuda.get_current_stream().synchronize()


def scatter_add(target: Array, index: Any, values: Array) -> None:
    """target[index] += values, where an index that occurs twice adds twice."""
    module = array_module(target)
    if module is np:
        np.add.at(target, index, values)
    else:
        import cupyx

        cupyx.scatter_add(target, index, values)


# What reaches a step from the host ------------------------------------------------------------------------------------

_capture: Any = None  # while a step is being captured: what keeps its actions and arrivals for the replays


def capturing() -> bool:
    """Is a step being captured just now, so that nothing of the device may be waited for or read?"""
    return _capture is not None


def each_time(action: Callable[[], None]) -> None:
    """Do what a step does on the host: now, and where the step is being captured again before every replay, in order.

    A replay of a captured step runs no Python, so whatever a step changes on the host beside its arrays goes through
    here.  What a step draws or computes on the host for the device goes through `arrival`.
    """
    if _capture is None:
        action()
    else:
        _capture.each_time(action)


def arrival(make: Callable[[], np.ndarray], module: Any = None) -> Array:
    """make(), an array of the host, on `module` (default: the backend in use).

    Where a step is being captured the array keeps its place on the device, and before every replay make() is called
    anew and its numbers are put there; every call of make() must give the same shape and dtype.
    """
    module = current() if module is None else module
    if _capture is None or module is np:
        return to_device(make(), module)
    return _capture.arrival(make, module)


# Random generators ----------------------------------------------------------------------------------------------------


def generator(seed: int | Sequence[int], draws: str = "host") -> np.random.Generator:
    """A random generator from a seed; its state can be stored, so a resumed run draws what the first would have.

    draws: where `minigen.ops.draws` makes normal and uniform numbers, on the "host" (PCG64) or on the "device"
    (Philox): two generators, two sequences of numbers.  SettingError where it is neither.
    """
    if draws not in ("host", "device"):
        raise SettingError(f"draws {draws!r} is unknown; it is host or device.")
    return np.random.Generator(np.random.PCG64(seed) if draws == "host" else np.random.Philox(seed))

"""The product of two matrices on a GPU by calls of cuBLAS of our own, which a CUDA graph can hold.

CuPy refuses its own calls while a stream is captured (cupy#6290), though cuBLAS itself allows it.  So a step that is to
be captured multiplies through a second handle on the library that CuPy has loaded; anywhere else CuPy's `@` stays.
"""

import contextlib
import ctypes
import functools
from collections.abc import Iterator
from typing import Any

import numpy as np

from minigen import backend
from minigen.errors import BackendError
from minigen.kernels.cuda_launch import suits
from minigen.ops.products import matrix_product

WORKSPACE = 32 * 2**20  # bytes that cuBLAS may use while it multiplies: what NVIDIA advises for the largest GPUs

# What cublas_api.h and library_types.h call by these numbers.
_AS_IT_IS, _TURNED = 0, 1  # CUBLAS_OP_N, CUBLAS_OP_T
_FLOAT32 = 0  # CUDA_R_32F
_COMPUTE = {"fp32": 68, "tf32": 77}  # CUBLAS_COMPUTE_32F, CUBLAS_COMPUTE_32F_FAST_TF32
_ALGORITHM = -1  # CUBLAS_GEMM_DEFAULT
_FAULTS = {
    1: "NOT_INITIALIZED",
    3: "ALLOC_FAILED",
    7: "INVALID_VALUE",
    8: "ARCH_MISMATCH",
    11: "MAPPING_ERROR",
    13: "EXECUTION_FAILED",
    14: "INTERNAL_ERROR",
    15: "NOT_SUPPORTED",
    16: "LICENSE_ERROR",
}

_place, _int = ctypes.c_void_p, ctypes.c_int
SIGNATURES: dict[str, list[Any]] = {
    "cublasCreate_v2": [_place],  # where the handle is put
    "cublasSetStream_v2": [_place, _place],
    "cublasSetWorkspace_v2": [_place, _place, ctypes.c_size_t],
    "cublasGemmEx": [
        _place, _int, _int, _int, _int, _int,  # handle, flag of A, flag of B, m, n, k
        _place, _place, _int, _int, _place, _int, _int,  # alpha; A, its type, its leading dimension; the same of B
        _place, _place, _int, _int, _int, _int,  # beta; the same of C; how to compute, which algorithm
    ],
}  # fmt: skip


@functools.cache
def library() -> Any:
    """cuBLAS as CuPy has loaded it, with the signatures of what is called here."""
    from cuda.pathfinder import load_nvidia_dynamic_lib  # CuPy 14 needs it, so it is there

    return declared(ctypes.CDLL(load_nvidia_dynamic_lib("cublas").abs_path))


def declared(found: Any) -> Any:
    """A loaded library, its functions told what they take."""
    for name, takes in SIGNATURES.items():
        function = getattr(found, name)
        function.argtypes, function.restype = takes, _int
    return found


class Products:
    """A handle of cuBLAS, with the memory it works in; both must outlive every graph that was captured with them."""

    def __init__(self, found: Any, xp: Any):
        self.library, self.xp = found, xp
        self.handle = _place()
        self._stream: int | None = None
        self._workspace = xp.empty(WORKSPACE, np.uint8)
        self._one, self._zero = ctypes.c_float(1), ctypes.c_float(0)
        self._call("cublasCreate_v2", ctypes.byref(self.handle))

    def __call__(self, a: Any, b: Any) -> Any:
        """y = a b in the precision in use.  a (M, K), b (K, N) → y (M, N), all float32; K ≥ 1.

        cuBLAS counts entries column by column, so that what lies here as the rows of y is its yᵀ = bᵀ aᵀ.  A transposed
        view is passed by a flag, any other view with gaps as a copy.  BackendError with the status where cuBLAS fails.
        """
        (M, K), N = a.shape, b.shape[1]
        y = self.xp.empty((M, N), np.float32)
        if not y.size:
            return y
        (a, flag_a, step_a), (b, flag_b, step_b) = self._as_it_lies(a), self._as_it_lies(b)
        self._on_the_current_stream()
        self._call(
            "cublasGemmEx", self.handle, flag_b, flag_a, N, M, K,
            ctypes.byref(self._one), b.data.ptr, _FLOAT32, step_b, a.data.ptr, _FLOAT32, step_a,
            ctypes.byref(self._zero), y.data.ptr, _FLOAT32, N, _COMPUTE[backend.precision()], _ALGORITHM,
        )  # fmt: skip
        return y

    def _as_it_lies(self, x: Any) -> tuple[Any, int, int]:
        """A matrix or a copy of it, its flag, and its leading dimension: from one of cuBLAS's columns to the next."""
        (rows, columns), (down, along) = x.shape, x.strides
        if (along == x.itemsize or columns == 1) and (step := _step(down, rows, columns, x.itemsize)):
            return x, _AS_IT_IS, step
        if (down == x.itemsize or rows == 1) and (step := _step(along, columns, rows, x.itemsize)):
            return x, _TURNED, step
        return self.xp.ascontiguousarray(x), _AS_IT_IS, columns

    def _on_the_current_stream(self) -> None:
        """Work where CuPy works now.  A new stream makes cuBLAS forget its workspace."""
        stream = self.xp.cuda.get_current_stream().ptr
        if stream != self._stream:
            self._call("cublasSetStream_v2", self.handle, stream)
            self._call("cublasSetWorkspace_v2", self.handle, self._workspace.data.ptr, WORKSPACE)
            self._stream = stream

    def _call(self, name: str, *args: Any) -> None:
        status = getattr(self.library, name)(*args)
        if status:
            raise BackendError(f"{name} failed with CUBLAS_STATUS_{_FAULTS.get(status, status)}.")


def _step(stride: int, count: int, length: int, itemsize: int) -> int:
    """From one of `count` stretches of `length` entries to the next, counted in entries; 0 where they would overlap."""
    step, rest = divmod(stride, itemsize)
    if count == 1:  # NumPy and CuPy leave open what stands there
        return length
    return 0 if rest or step < length else step


@functools.cache
def _products() -> Products:
    return Products(library(), backend.current())


@contextlib.contextmanager
def our_products() -> Iterator[None]:
    """Inside, products of two float32 matrices on the GPU are our own calls of cuBLAS."""

    def multiplied(a: Any, b: Any) -> Any:
        if suits(a, b) and a.ndim == b.ndim == 2 and a.shape[1] == b.shape[0] > 0:
            return _products()(a, b)
        return backend.array_module(a, b).matmul(a, b)

    before = matrix_product.kernels.get("cupy")
    matrix_product.kernels["cupy"] = multiplied
    try:
        yield
    finally:
        if before is None:
            del matrix_product.kernels["cupy"]
        else:
            matrix_product.kernels["cupy"] = before

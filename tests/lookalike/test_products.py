"""Our own calls of cuBLAS, on a library that plays it: layouts, precision, streams, faults, and the real symbols."""

import ctypes
import gc
import os

import numpy as np
import pytest

from minigen import backend
from minigen.errors import BackendError
from minigen.kernels import cuda_products
from minigen.ops.products import matrix_product

from . import cublas, lookalike


@pytest.fixture
def products(device):
    return cuda_products.Products(cublas.Library(), device)


def laid(device, x, how):
    """The same matrix on the device, lying in another way."""
    rows, columns = x.shape
    if how == "rows":
        return device.asarray(x)
    if how == "turned":
        return device.asarray(np.ascontiguousarray(x.T)).T
    wide = np.full((2 * rows, 2 * columns), np.nan, np.float32)
    if how == "part of rows":
        wide[:rows, :columns] = x
        return device.asarray(wide)[:rows, :columns]
    if how == "turned part":
        wide = np.full((2 * columns, 2 * rows), np.nan, np.float32)
        wide[:columns, :rows] = x.T
        return device.asarray(wide)[:columns, :rows].T
    if how == "every other":
        wide[::2, ::2] = x
        return device.asarray(wide)[::2, ::2]
    if how == "backwards":
        return device.asarray(np.ascontiguousarray(x[::-1]))[::-1]
    assert how == "one row for all"
    return device.broadcast_to(device.asarray(x[:1]), x.shape)


LAYOUTS = ["rows", "turned", "part of rows", "turned part", "every other", "backwards", "one row for all"]
COPIED = {"every other", "backwards", "one row for all"}


@pytest.mark.parametrize("M, K, N", [(1, 1, 1), (3, 5, 7), (1, 5, 2), (4, 1, 3), (5, 2, 1), (1, 6, 1), (33, 17, 65)])
@pytest.mark.parametrize("b_lies", LAYOUTS)
@pytest.mark.parametrize("a_lies", LAYOUTS)
def test_the_product_whatever_way_its_factors_lie(device, products, a_lies, b_lies, M, K, N):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(M, K)).astype(np.float32), rng.normal(size=(K, N)).astype(np.float32)
    x, y = laid(device, a, a_lies), laid(device, b, b_lies)
    with lookalike.counted() as counts:
        found = products(x, y)
    assert found.dtype == np.float32 and found.shape == (M, N) and found.flags.c_contiguous
    np.testing.assert_allclose(found.get(), x.get().astype(np.float64) @ y.get(), rtol=1e-5, atol=1e-5)
    if min(M, K, N) > 1:
        assert (counts.products, counts.copies) == (1, (a_lies in COPIED) + (b_lies in COPIED))


def test_nothing_times_nothing(device, products):
    assert products(device.ones((0, 3), np.float32), device.ones((3, 2), np.float32)).shape == (0, 2)
    assert not any(name == "cublasGemmEx" for name, _ in products.library.called)


def test_tf32_is_asked_for_where_it_is_the_precision(device, products):
    x = device.asarray(np.random.default_rng(0).uniform(1, 2, (8, 8)).astype(np.float32))
    found = {}
    for name in ("tf32", "fp32"):
        backend.use_precision(name)
        found[name] = products(x, x).get()
    error = {name: np.abs(y / (x.get().astype(np.float64) @ x.get()) - 1).max() for name, y in found.items()}
    assert error["fp32"] < 1e-6 < error["tf32"] < 1e-3


def test_a_new_stream_is_told_and_given_the_workspace_again(device, products):
    x = device.ones((2, 2), np.float32)
    products(x, x)
    products(x, x)
    with device.cuda.Stream(non_blocking=True) as stream:
        products(x, x)
        assert products.library.stream == stream.ptr
    products(x, x)
    names = [name for name, _ in products.library.called]
    settled = ["cublasSetStream_v2", "cublasSetWorkspace_v2", "cublasGemmEx"]
    assert names == ["cublasCreate_v2", *settled, "cublasGemmEx", *settled, *settled]
    sizes = {args[2] for name, args in products.library.called if name == "cublasSetWorkspace_v2"}
    assert sizes == {cuda_products.WORKSPACE} and products._workspace.nbytes == cuda_products.WORKSPACE


@pytest.mark.parametrize("name", cuda_products.SIGNATURES)
def test_a_fault_of_cublas_is_an_error_with_its_name(device, name):
    library = cublas.Library()
    library.fails[name] = 13
    x = device.ones((2, 2), np.float32)
    with pytest.raises(BackendError, match=f"{name} failed with CUBLAS_STATUS_EXECUTION_FAILED."):
        cuda_products.Products(library, device)(x, x)


def test_inside_the_block_products_of_float32_matrices_are_ours_and_afterwards_none(device, monkeypatch):
    library = cublas.Library()
    monkeypatch.setattr(cuda_products, "_products", lambda: cuda_products.Products(library, device))
    x, stack = device.ones((2, 2), np.float32), device.ones((3, 2, 2), np.float32)
    with cuda_products.our_products():
        matrix_product(x, x)
        ours = len(library.called)
        matrix_product(stack, stack)
        matrix_product(x.astype(np.float64), x.astype(np.float64))
        assert len(library.called) == ours > 0
    matrix_product(x, x)
    assert len(library.called) == ours and "cupy" not in matrix_product.kernels


def test_a_captured_product_is_done_at_every_launch(device, products):
    x, y = device.ones((2, 3), np.float32), device.ones((3, 4), np.float32)
    with device.cuda.using_allocator(device.cuda.MemoryPool().malloc), device.cuda.Stream(non_blocking=True) as stream:
        stream.begin_capture()
        with pytest.raises(NotImplementedError, match="cuBLAS"):
            x @ y
        z = products(x, products(y, products(device.ascontiguousarray(y.T), y)))
        graph = stream.end_capture()
        gc.collect()
        for n in (1, 2):
            y.fill(n)
            graph.launch()
            np.testing.assert_allclose(z.get(), 36 * n**3)


REAL = os.environ.get("MINIGEN_LIBCUBLAS", "")


@pytest.mark.skipif(not REAL, reason="MINIGEN_LIBCUBLAS does not name a libcublas.so with libcublasLt.so beside it")
def test_the_real_library_has_these_functions_and_answers_without_a_gpu():
    folder, _, name = REAL.rpartition("/")
    ctypes.CDLL(f"{folder}/{name.replace('libcublas', 'libcublasLt')}", ctypes.RTLD_GLOBAL)
    library = cuda_products.declared(ctypes.CDLL(REAL))
    handle = ctypes.c_void_p()
    if library.cublasCreate_v2(ctypes.byref(handle)) == 0:
        pytest.skip("there is a GPU: tests/cuda/test_gpu.py multiplies on it")
    one = ctypes.byref(ctypes.c_float(1))
    gemm = handle, 0, 0, 2, 2, 2, one, None, 0, 2, None, 0, 2, one, None, 0, 2, 68, -1
    assert library.cublasGemmEx(*gemm) == library.cublasSetStream_v2(handle, None) == cublas.NOT_INITIALIZED

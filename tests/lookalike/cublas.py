"""A library that plays cuBLAS: four of its functions, called through C with the types that are declared for them.

Written from cuBLAS's manual: a matrix of `rows` rows and leading dimension `ld` has entry (i, j) at i + j · ld.
"""

import ctypes

import numpy as np

from minigen.kernels.cuda_products import SIGNATURES

from . import graphs
from .arrays import as_tf32
from .counts import note

INVALID_VALUE, NOT_INITIALIZED, NOT_SUPPORTED = 7, 1, 15


class Library:
    """`fails` names functions that return a status in place of doing what they should; `called` is what was called."""

    def __init__(self):
        self.called, self.fails, self.stream, self.workspace = [], {}, None, None
        for name, takes in SIGNATURES.items():
            setattr(self, name, ctypes.CFUNCTYPE(ctypes.c_int, *takes)(self._checked(name)))

    def _checked(self, name):
        does = getattr(self, "_" + name)

        def called(*args):
            self.called.append((name, args))
            if name in self.fails:
                return self.fails[name]
            if name != "cublasCreate_v2" and args[0] != 4711:
                return NOT_INITIALIZED
            return does(*args) or 0

        return called

    def _cublasCreate_v2(self, place):
        ctypes.c_void_p.from_address(place).value = 4711

    def _cublasSetStream_v2(self, handle, stream):
        self.stream, self.workspace = stream or 0, None  # a new stream takes the workspace away

    def _cublasSetWorkspace_v2(self, handle, place, size):
        if not place:
            return INVALID_VALUE
        self.workspace = place

    def _cublasGemmEx(
        self, handle, op_a, op_b, m, n, k, alpha, a, kind_a, ld_a, b, kind_b, ld_b, beta, c, kind_c, ld_c, compute, how
    ):
        """C ← α op(A) op(B) + β C, op(A) m × k, op(B) k × n, C m × n; C is not read where β is 0."""
        if {kind_a, kind_b, kind_c} != {0} or compute not in (68, 77) or how != -1:
            return NOT_SUPPORTED
        if not {op_a, op_b} <= {0, 1} or min(m, n, k) < 1 or not a or not b or not c:
            return INVALID_VALUE
        rows_a, rows_b = (k if op_a else m), (n if op_b else k)
        if ld_a < rows_a or ld_b < rows_b or ld_c < m:
            return INVALID_VALUE
        if self.stream != graphs.current().ptr or self.workspace is None:
            return INVALID_VALUE  # the real one would work elsewhere, or take memory that a graph does not own
        A = _matrix(a, rows_a, m if op_a else k, ld_a)
        B = _matrix(b, rows_b, k if op_b else n, ld_b)
        C = _matrix(c, m, n, ld_c)
        x, y = (ctypes.c_float.from_address(p).value for p in (alpha, beta))

        def multiply():
            left, right = (as_tf32(z) if compute == 77 else z for z in (A, B))
            product = (left.T if op_a else left) @ (right.T if op_b else right)
            C[...] = x * product if y == 0 else x * product + y * C

        graphs.changed(multiply)
        note("products")
        note("tf32", compute == 77)


def _matrix(place, rows, columns, ld):
    """The matrix that lies column by column at an address."""
    numbers = (ctypes.c_float * (ld * (columns - 1) + rows)).from_address(place)
    return np.lib.stride_tricks.as_strided(np.ctypeslib.as_array(numbers), (rows, columns), (4, 4 * ld))

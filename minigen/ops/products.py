"""Matrix products and contractions."""

import math

from minigen.autograd.op import fused, op
from minigen.backend import array_module
from minigen.errors import ShapeError
from minigen.ops.activations import leaky_relu
from minigen.ops.reductions import sum
from minigen.ops.shapes import bare, moveaxis, reshape


@op
def matrix_product(a, b):
    """y = a b over the last two axes; axes before them are broadcast.  At least two axes each."""
    return array_module(a, b).matmul(a, b)


def _turned(x):
    """The transpose of each matrix."""
    return x.T if x.ndim == 2 else moveaxis(x, -1, -2)


matrix_product.vjp(
    a=lambda dy, y, a, b: matrix_product(dy, _turned(b)),
    b=lambda dy, y, a, b: matrix_product(_turned(a), dy),
)


@op
def affine(x, w, b):
    """y = x w + b: every row of x (…, C) times w (C, OC), plus b (OC,).  ShapeError where they do not fit.

    b is added in place, where `+` would make another array of that size.
    """
    y = _rows_as(x, matrix_product(_as_rows(x), w))
    if b.dtype != y.dtype:
        return y + b
    y += b
    return y


def _as_rows(x):
    """All axes but the last as one."""
    return x if x.ndim == 2 else reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))


def _rows_as(x, rows):
    """Rows in the arrangement of x again."""
    return rows if x.ndim == 2 else reshape(rows, (*x.shape[:-1], rows.shape[-1]))


affine.vjp(
    x=lambda dy, y, x, w, b: _rows_as(x, matrix_product(_as_rows(dy), _turned(w))),
    w=lambda dy, y, x, w, b: matrix_product(_turned(_as_rows(x)), _as_rows(dy)),
    b=lambda dy, y, x, w, b: dy,
)


@fused
def affine_leaky(x, w, b, *, slope):
    """y = leaky_relu(x w + b, slope): a layer and the bend behind it"""
    return leaky_relu(affine(x, w, b), slope=slope)


def matmul(a, b):
    """y = a @ b as in NumPy: vectors, matrices, and stacks of matrices, which broadcast.

    a (…, n, k), b (…, k, m) → y (…, n, m); a vector counts as one row on the left, one column on the right.
    ShapeError where the inner lengths differ.
    """
    a, b = _as_arrays(a, b)
    a_ndim, b_ndim = getattr(a, "ndim", 0), getattr(b, "ndim", 0)
    if a_ndim == 0 or b_ndim == 0:
        raise ShapeError("matmul: a number has no rows; use * to multiply by it.")
    if a.shape[-1] != b.shape[-2 if b_ndim > 1 else 0]:
        raise ShapeError(f"matmul: shapes {tuple(a.shape)} and {tuple(b.shape)} do not fit: the inner lengths differ.")
    if a_ndim == 2 and b_ndim == 2:
        return matrix_product(a, b)
    if a_ndim == 1:
        y = matmul(reshape(a, (1, *a.shape)), b)
        return reshape(y, y.shape[:-2] + y.shape[-1:] if b_ndim > 1 else ())
    if b_ndim == 1:
        y = matmul(a, reshape(b, (*b.shape, 1)))
        return reshape(y, y.shape[:-1])
    if b_ndim == 2:  # one matrix for the whole stack: a single large product, forward and backward
        rows = reshape(a, (math.prod(a.shape[:-1]), a.shape[-1]))
        return reshape(matrix_product(rows, b), (*a.shape[:-1], b.shape[-1]))
    return matrix_product(a, b)


def _as_arrays(a, b):
    """Lists among two operands as arrays beside the other one."""
    if isinstance(a, list | tuple):
        a = array_module(bare(b)).asarray(a)
    if isinstance(b, list | tuple):
        b = array_module(bare(a)).asarray(b)
    return a, b


@op
def contract(a, b, *, subscripts):
    """y = einsum of two operands in which every letter stands in two of a, b and y at least"""
    return array_module(a, b).einsum(subscripts, a, b, optimize=True)  # by matrix products where it can


def _swap_in(dy, other, mine, theirs, result):
    return contract(dy, other, subscripts=f"{result},{theirs}->{mine}")


def _letters(subscripts):
    """("ij", "jk", "ik") of "ij,jk->ik"."""
    operands, _, result = subscripts.partition("->")
    first, _, second = operands.partition(",")
    return first, second, result


def _contract_first(dy, y, a, b, *, subscripts):
    first, second, result = _letters(subscripts)
    return _swap_in(dy, b, first, second, result)


def _contract_second(dy, y, a, b, *, subscripts):
    first, second, result = _letters(subscripts)
    return _swap_in(dy, a, second, first, result)


contract.vjp(a=_contract_first, b=_contract_second)


def einsum(subscripts, a, b):
    """y = np.einsum(subscripts, a, b): products summed over the letters that the result lacks.

    >>> import numpy as np
    >>> einsum("ij,jk->ik", np.eye(2), np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([[1., 2.],
           [3., 4.]])

    Without "->" the result has the letters that stand once, in alphabetical order.  ShapeError for a letter repeated in
    one operand (a diagonal), for "...", and where lengths differ.
    """
    a, b = _as_arrays(a, b)
    text = subscripts.replace(" ", "")
    first, second, result = _letters(text)
    if "->" not in text:
        result = "".join(sorted(c for c in set(first + second) if (first + second).count(c) == 1))
    for operand, x in ((first, a), (second, b)):
        if len(set(operand)) != len(operand) or not operand.isalpha() and operand:
            raise ShapeError(f"einsum: {subscripts!r} must name each axis of an operand by a letter of its own.")
        if len(operand) != x.ndim:
            raise ShapeError(f"einsum: {operand!r} names {len(operand)} axes; that operand has shape {tuple(x.shape)}.")
    if len(set(result)) != len(result) or not set(result) <= set(first + second):
        raise ShapeError(
            f"einsum: the result {result!r} of {subscripts!r} must be made of the operands' letters, once each."
        )
    lengths: dict[str, int] = {}
    for letter, n in zip(first + second, (*a.shape, *b.shape), strict=True):
        if lengths.setdefault(letter, n) != n:
            raise ShapeError(
                f"einsum: {letter!r} in {subscripts!r} is {lengths[letter]} in one operand and {n} in the other."
            )
    first, a = _sum_alone(first, a, second + result)
    second, b = _sum_alone(second, b, first + result)
    return contract(a, b, subscripts=f"{first},{second}->{result}")


def _sum_alone(letters, x, elsewhere):
    """Sum x over the axes whose letters stand nowhere else, and drop the letters."""
    alone = tuple(k for k, letter in enumerate(letters) if letter not in elsewhere)
    return "".join(c for c in letters if c in elsewhere), sum(x, alone) if alone else x

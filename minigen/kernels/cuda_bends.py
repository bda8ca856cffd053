"""Convolutions on CuPy as their layers use them.

With a bend and dropout behind one: behind the product one launch, and in front of its derivatives one.  What is kept of
the forward pass is its result, whose sign says on which side of the bend it was.
"""

import math
from typing import Any

import numpy as np

from minigen.autograd.op import Fused, kernel
from minigen.autograd.sums import add_up
from minigen.backend import array_module
from minigen.kernels.cuda_activations import each
from minigen.kernels.cuda_launch import launch, suits
from minigen.kernels.formulas import formula_value, formula_vjp
from minigen.ops.convolution import conv, conv_kernel_grad, conv_leaky, conv_leaky_masked, conv_transpose, transposed
from minigen.ops.products import matrix_product
from minigen.ops.windows import patches


class ConvLeakyCuda:
    """dx = conv_transpose(dz, w), dw = conv_kernel_grad(x, dz), db = Σ dz: dz is what is let through of dy."""

    def __init__(self, of: Fused):
        self.of = of

    def value(self, x, w, b, *kept, geometry, slope, **scale):
        if not (suits(x, w, b) and slope >= 0 and all(k.dtype == np.bool_ for k in kept)):
            settings = {"geometry": geometry, "slope": slope, **scale}
            return formula_value(self.of, (x, w, b, *kept), settings), False
        xp = array_module(x)
        y = conv(x, w, geometry=geometry)
        arrays = [xp.ascontiguousarray(array) for array in (b, *kept)]
        name = "bias_leaky_masked" if kept else "bias_leaky"
        numbers = (np.float32(number) for number in (slope, *scale.values()))
        launch(name, y.size, y, *arrays, np.int32(y.size), np.int32(b.size), *numbers)
        return y, True

    def vjp(self, dy, y, saved, wanted, x, w, b, *kept, geometry, slope, **scale):
        if not saved:
            settings = {"geometry": geometry, "slope": slope, **scale}
            return formula_vjp(self.of, dy, wanted, (x, w, b, *kept), settings)
        name = "leaky_masked_gate" if kept else "leaky_gate"
        dz = each(name, dy, y, *kept, numbers=(slope, *scale.values()))
        rules: dict[int, Any] = {
            0: lambda: conv_transpose(dz, w, geometry=geometry),
            1: lambda: conv_kernel_grad(x, dz, geometry=geometry),
            2: lambda: add_up(dz, tuple(range(dz.ndim - 1))),
        }
        return [rules[i]() for i in wanted]


for _of in (conv_leaky, conv_leaky_masked):
    kernel(_of, backend="cupy")(ConvLeakyCuda(_of))


@kernel(transposed, backend="cupy")
class TransposedCuda:
    """dy = patches(dx) w and dw = patches(dx)ᵀ y, of which both need the patches and one launch makes them."""

    @staticmethod
    def value(y, w, *, geometry):
        return conv_transpose(y, w, geometry=geometry), None

    @staticmethod
    def vjp(dx, x, saved, wanted, y, w, *, geometry):
        if len(wanted) == 1 or geometry.groups > 1:
            rules = {
                0: lambda: conv(dx, w, geometry=geometry),
                1: lambda: conv_kernel_grad(dx, y, geometry=geometry),
            }
            return [rules[i]() for i in wanted]
        rows, OC = math.prod(y.shape[:-1]), w.shape[-1]
        columns = patches(dx, geometry=geometry).reshape(rows, -1) if rows else dx.reshape(0, w.size // OC)
        dy = matrix_product(columns, w.reshape(-1, OC)).reshape(y.shape)
        return [dy, matrix_product(columns.T, y.reshape(rows, OC)).reshape(w.shape)]

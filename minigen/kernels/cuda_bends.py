"""Convolutions and dense layers on CuPy as networks use them.

With a bend and dropout behind one: behind the product one launch, and in front of its derivatives one.  What is kept of
the forward pass is its result, whose sign says on which side of the bend it was.
"""

import math

import numpy as np

from minigen.autograd.op import kernel
from minigen.autograd.tensor import Tensor
from minigen.backend import array_module
from minigen.kernels.bends import Bent
from minigen.kernels.cuda_activations import each
from minigen.kernels.cuda_launch import launch, suits
from minigen.kernels.formulas import formula_value
from minigen.ops.convolution import (
    conv,
    conv_affine,
    conv_kernel_grad,
    conv_leaky,
    conv_leaky_masked,
    conv_transpose,
    transposed,
)
from minigen.ops.products import affine, affine_leaky, matmul, matrix_product
from minigen.ops.windows import patches


class BentCuda(Bent):
    """One launch behind the product, and with dropout one in front of its derivatives."""

    def value(self, x, w, b, *kept, slope, **settings):
        if not (suits(x, w, b) and slope >= 0 and all(k.dtype == np.bool_ for k in kept)):
            return formula_value(self.of, (x, w, b, *kept), {"slope": slope, **settings}), False
        xp = array_module(x)
        numbers = [np.float32(slope), *(np.float32(settings.pop("scale")) for _ in kept)]  # what is left is the layer's
        y = xp.ascontiguousarray(self.product(x, w, **settings))
        arrays = [xp.ascontiguousarray(array) for array in (b, *kept)]
        name = "bias_leaky_masked" if kept else "bias_leaky"
        launch(name, y.size, y, *arrays, np.int32(y.size), np.int32(b.size), *numbers)
        return y, True

    def let_through(self, dy, y, kept, slope, scale):
        if kept and not isinstance(dy, Tensor):
            return each("leaky_masked_gate", dy, y, *kept, numbers=(slope, scale))
        return super().let_through(dy, y, kept, slope, scale)


kernel(affine_leaky, backend="cupy")(BentCuda(affine_leaky, matmul, affine))
kernel(conv_leaky, backend="cupy")(BentCuda(conv_leaky, conv, conv_affine))
kernel(conv_leaky_masked, backend="cupy")(BentCuda(conv_leaky_masked, conv, conv_affine))


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

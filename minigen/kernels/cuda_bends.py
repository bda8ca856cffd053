"""Convolutions and dense layers on CuPy as networks use them.

With a bend and dropout behind one: behind the product one launch, and in front of its derivatives one.  What is kept of
the forward pass is its result, whose sign says on which side of the bend it was.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minigen.autograd.op import Fused, Op, kernel
from minigen.autograd.tensor import Tensor
from minigen.backend import array_module
from minigen.kernels.cuda_activations import each
from minigen.kernels.cuda_launch import launch, suits
from minigen.kernels.formulas import formula_value, formula_vjp
from minigen.ops.activations import leaky_relu
from minigen.ops.convolution import (
    conv,
    conv_affine,
    conv_kernel_grad,
    conv_leaky,
    conv_leaky_masked,
    conv_transpose,
    transposed,
)
from minigen.ops.normalise import masked
from minigen.ops.products import affine, affine_leaky, matmul, matrix_product
from minigen.ops.windows import patches


class BentCuda:
    """The rules of dropout, of the bend and of the layer, `affine` or `conv_affine`, one after the other."""

    recordable = True

    def __init__(self, of: Fused, product: Callable[..., Any], layer: Op):
        self.of, self.product, self.layer = of, product, layer

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

    def vjp(self, dy, y, saved, wanted, x, w, b, *kept, slope, **settings):
        if not saved:
            return formula_vjp(self.of, dy, wanted, (x, w, b, *kept), {"slope": slope, **settings})
        scale = settings.pop("scale", 1.0)
        if kept and not isinstance(dy, Tensor):
            dz = each("leaky_masked_gate", dy, y, *kept, numbers=(slope, scale))
        else:
            dy = masked.rules["x"](dy, y, y, *kept, scale=scale) if kept else dy
            dz = leaky_relu.rules["x"](dy, y, y, slope=slope)
        rules = self.layer.rules
        return [rules[name](dz, y, x, w, b, **settings) for i, name in enumerate(("x", "w", "b")) if i in wanted]


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

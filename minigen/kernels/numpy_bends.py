"""A layer and the bend behind it on NumPy, in place: of the forward pass the result alone is kept.

For slopes in (0, 1] the sign of a result says on which side of the bend the number was.
"""

from typing import Any

import numpy as np

from minigen.autograd.op import kernel
from minigen.kernels.bends import Bent
from minigen.kernels.blocks import parts_of, rows_of
from minigen.kernels.formulas import formula_value, formula_vjp
from minigen.kernels.numpy_activations import bend, exact
from minigen.kernels.numpy_normalise import derivatives, normalised
from minigen.kernels.numpy_products import matrix_product_numpy
from minigen.ops.activations import leaky_relu
from minigen.ops.convolution import conv, conv_affine, conv_leaky, conv_leaky_masked
from minigen.ops.normalise import batch_norm_leaky
from minigen.ops.products import affine, affine_leaky, matmul

_OF_BLAS = (np.float32, np.float64)


class BentNumPy(Bent):
    """y in place: the bias, the bend and the coins, a block at a time."""

    def value(self, x, w, b, *kept, slope, **settings):
        if not _suits(slope, x, w, b):
            return formula_value(self.of, (x, w, b, *kept), {"slope": slope, **settings}), False
        scale = settings.pop("scale", 1.0)  # what is left is the layer's
        y = np.ascontiguousarray(self.product(x, w, **settings))
        rows, coins = rows_of(y), [rows_of(k) for k in kept]
        for some in parts_of(rows):
            part = rows[some]
            part += b
            bend(part, slope)
            if coins:
                part *= coins[0][some].astype(part.dtype) * scale
        return y, True


def _product(x, w):
    return matrix_product_numpy(x, w) if x.ndim == 2 else matmul(x, w)


kernel(affine_leaky, backend="numpy")(BentNumPy(affine_leaky, _product, affine))
kernel(conv_leaky, backend="numpy")(BentNumPy(conv_leaky, conv, conv_affine))
kernel(conv_leaky_masked, backend="numpy")(BentNumPy(conv_leaky_masked, conv, conv_affine))


@kernel(batch_norm_leaky, backend="numpy")
class BatchNormLeakyNumPy:
    """The derivatives of `batch_norm` at what the bend's rule lets through of dy."""

    @staticmethod
    def value(x, gamma, beta, *, eps, moments, slope):
        if not _suits(slope, x, gamma, beta):
            settings = {"eps": eps, "moments": moments, "slope": slope}
            return formula_value(batch_norm_leaky, (x, gamma, beta), settings), None
        return normalised(x, gamma, beta, eps=eps, moments=moments, slope=slope)

    @staticmethod
    def vjp(dy, y, saved, wanted, x, gamma, beta, *, eps, moments, slope):
        if saved is None:
            settings = {"eps": eps, "moments": moments, "slope": slope}
            return formula_vjp(batch_norm_leaky, dy, wanted, (x, gamma, beta), settings)
        dz = leaky_relu.rules["x"](dy, y, y, slope=slope)
        return derivatives(dz, saved, wanted, x, gamma)


def _suits(slope: float, x: Any, *others: Any) -> bool:
    """One dtype of BLAS, and a slope that the sign of a result tells and a product with the gate is exact for."""
    return x.dtype in _OF_BLAS and all(other.dtype == x.dtype for other in others) and exact(x.dtype, slope)

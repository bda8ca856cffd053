"""A layer and the bend behind it on NumPy, in place: of the forward pass the result alone is kept.

For slopes in (0, 1] the sign of a result says on which side of the bend the number was, and where dropout has put a 0
nothing flows back whatever the side.
"""

from typing import Any

import numpy as np

from minigen.autograd.op import Fused, kernel
from minigen.kernels.blocks import parts_of, rows_of
from minigen.kernels.formulas import formula_value, formula_vjp
from minigen.kernels.numpy_activations import bend, exact
from minigen.kernels.numpy_normalise import derivatives, normalised
from minigen.ops.activations import leaky_gate
from minigen.ops.convolution import conv, conv_kernel_grad, conv_leaky, conv_leaky_masked, conv_transpose
from minigen.ops.normalise import batch_norm_leaky, masked
from minigen.ops.reductions import sum


class ConvLeakyNumPy:
    """dx = conv_transpose(dz, w), dw = conv_kernel_grad(x, dz), db = Σ dz: dz is what is let through of dy."""

    recordable = True

    def __init__(self, of: Fused):
        self.of = of

    def value(self, x, w, b, *kept, geometry, slope, **scale):
        if not _suits(slope, x, w, b):
            settings = {"geometry": geometry, "slope": slope, **scale}
            return formula_value(self.of, (x, w, b, *kept), settings), False
        y = np.ascontiguousarray(conv(x, w, geometry=geometry))
        rows, coins = rows_of(y), [rows_of(k) for k in kept]
        for some in parts_of(rows):
            part = rows[some]
            part += b
            bend(part, slope)
            if coins:
                part *= coins[0][some].astype(part.dtype) * scale["scale"]
        return y, True

    def vjp(self, dy, y, saved, wanted, x, w, b, *kept, geometry, slope, **scale):
        if not saved:
            settings = {"geometry": geometry, "slope": slope, **scale}
            return formula_vjp(self.of, dy, wanted, (x, w, b, *kept), settings)
        dz = leaky_gate(masked(dy, *kept, **scale) if kept else dy, y, slope=slope)
        rules: dict[int, Any] = {
            0: lambda: conv_transpose(dz, w, geometry=geometry),
            1: lambda: conv_kernel_grad(x, dz, geometry=geometry),
            2: lambda: sum(dz, axis=tuple(range(dz.ndim - 1))),
        }
        return [rules[i]() for i in wanted]


for _of in (conv_leaky, conv_leaky_masked):
    kernel(_of, backend="numpy")(ConvLeakyNumPy(_of))


@kernel(batch_norm_leaky, backend="numpy")
class BatchNormLeakyNumPy:
    """The derivatives of `batch_norm` at what is let through of dy."""

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
        dz = leaky_gate(dy, y, slope=slope)
        return derivatives(dz, saved, wanted, x, gamma)


def _suits(slope: float, *arrays: Any) -> bool:
    """One dtype of BLAS, and a slope that the sign of a result tells and a product with the gate is exact for."""
    dtypes = {getattr(x, "dtype", None) for x in arrays}
    return len(dtypes) == 1 and (dtype := dtypes.pop()) in (np.float32, np.float64) and exact(dtype, slope)

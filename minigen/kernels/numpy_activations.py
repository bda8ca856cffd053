"""The leaky rectifier and its gate on NumPy without `where`, which looks at one number at a time."""

import numpy as np

from minigen.autograd.op import kernel
from minigen.kernels.blocks import in_blocks
from minigen.ops.activations import leaky_gate, leaky_relu


@kernel(leaky_relu, backend="numpy")
def leaky_relu_numpy(x, *, slope):
    """max(x, slope · x), which is the same for slopes in (0, 1]"""
    if x.dtype.kind != "f" or not 0 < slope <= 1:
        return leaky_relu.function(x, slope=slope)

    def fill(x, y):
        np.multiply(x, slope, out=y)
        np.maximum(x, y, out=y)

    return in_blocks(fill, x)


@kernel(leaky_gate, backend="numpy")
def leaky_gate_numpy(a, x, *, slope):
    """a · max([x > 0], slope): the factor is 1 or the slope, exactly"""
    if a.shape != x.shape or a.dtype != x.dtype or x.dtype.kind != "f" or not 0 < slope <= 1:
        return leaky_gate.function(a, x, slope=slope)

    def fill(a, x, y):
        np.copyto(y, x > 0)
        np.maximum(y, slope, out=y)
        np.multiply(a, y, out=y)

    return in_blocks(fill, a, x)

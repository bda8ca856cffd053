"""Dropout's mask on NumPy, block by block."""

from minigen.autograd.op import kernel
from minigen.kernels.blocks import in_blocks
from minigen.ops.normalise import masked


@kernel(masked, backend="numpy")
def masked_numpy(x, kept, *, scale):
    """x · (scale · [kept]), where the factor is made in the cache"""
    if x.dtype.kind != "f" or kept.shape != x.shape:
        return masked.function(x, kept, scale=scale)

    return in_blocks(_masked, x, kept, scale=scale)


def _masked(x, kept, y, scale):
    y[...] = kept
    y *= scale
    y *= x

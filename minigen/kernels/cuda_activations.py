"""Bends and masks on CuPy in one launch each, where their formulas take up to eight.

relu has no kernel: its formula is one launch already.
"""

from typing import Any

import numpy as np

from minigen.autograd.op import kernel
from minigen.backend import array_module
from minigen.kernels.cuda_launch import launch, suits
from minigen.ops.activations import leaky_gate, leaky_relu, sigmoid, softplus, tanh_gate
from minigen.ops.normalise import masked


@kernel(leaky_relu, backend="cupy")
def leaky_relu_cuda(x, *, slope):
    return each("leaky_relu", x, numbers=[slope]) if suits(x) else leaky_relu.function(x, slope=slope)


@kernel(leaky_gate, backend="cupy")
def leaky_gate_cuda(a, x, *, slope):
    if not suits(a, x) or a.shape != x.shape:
        return leaky_gate.function(a, x, slope=slope)
    return each("leaky_gate", a, x, numbers=[slope])


@kernel(tanh_gate, backend="cupy")
def tanh_gate_cuda(a, t):
    if not suits(a, t) or a.shape != t.shape:
        return tanh_gate.function(a, t)
    return each("tanh_gate", a, t)


@kernel(sigmoid, backend="cupy")
def sigmoid_cuda(x):
    return each("sigmoid", x) if suits(x) else sigmoid.function(x)


@kernel(softplus, backend="cupy")
def softplus_cuda(x):
    return each("softplus", x) if suits(x) else softplus.function(x)


@kernel(masked, backend="cupy")
def masked_cuda(x, kept, *, scale):
    if not suits(x) or getattr(kept, "dtype", None) != np.bool_ or kept.shape != x.shape:
        return masked.function(x, kept, scale=scale)
    return each("masked", x, kept, numbers=[scale])


def each(name: str, *arrays: Any, numbers: Any = ()) -> Any:
    """A new array like the first, of which a kernel writes every number."""
    xp = array_module(*arrays)
    y = xp.empty(arrays[0].shape, arrays[0].dtype)
    dense = (xp.ascontiguousarray(x) for x in arrays)
    launch(name, y.size, *dense, y, np.int32(y.size), *(np.float32(n) for n in numbers))
    return y

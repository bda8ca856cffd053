"""Every operation, its derivative beneath it.

Shape letters, here and in the whole library: N items in a batch; H, W rows and columns, T frames; C channels in, OC
channels out; Z the width of a latent; K, S, P a kernel's edge, stride and padding; OH, OW rows and columns out.  Images
are (N, H, W, C), kernels (*window, C, OC).  dy stands for dL/dy, dx for dL/dx.

| file | what |
|---|---|
| arithmetic.py | + − × ÷, powers, maximum, clip, where, comparisons |
| elementary.py, activations.py | exp … cos; tanh, sigmoid, softplus, the rectifiers |
| reductions.py | sum, mean, var, extremes, logsumexp, softmax, norm |
| shapes.py, indices.py | reshape … roll, indexing, concatenate |
| products.py | matmul, einsum |
| windows.py, convolution.py, pooling.py | patches; the three faces of convolution; pooling, upsampling |
| normalise.py, likelihoods.py | batch_norm, layer_norm, dropout; the Bernoulli sum, logistic losses |
| coins.py | the coins of dropout |
| steps.py, gather.py | what an optimiser does to its arrays in place; many arrays into one |
| create.py, methods.py | tensor, zeros, ones; operators and methods of tensors |
"""

from minigen.ops import methods as methods
from minigen.ops.activations import elu, gelu, leaky_relu, relu, sigmoid, silu, softplus, tanh
from minigen.ops.arithmetic import (
    abs,
    add,
    clip,
    divide,
    equal,
    greater,
    greater_equal,
    less,
    less_equal,
    log,
    logical_and,
    logical_not,
    logical_or,
    maximum,
    minimum,
    multiply,
    negative,
    not_equal,
    power,
    sign,
    subtract,
    where,
)
from minigen.ops.convolution import conv, conv_kernel_grad, conv_transpose, convolve, convolve_transpose
from minigen.ops.create import ones, ones_like, tensor, zeros, zeros_like
from minigen.ops.elementary import cos, exp, expm1, log1p, sin, sqrt
from minigen.ops.normalise import batch_norm, dropout, layer_norm
from minigen.ops.pooling import average_pool, max_pool, upsample
from minigen.ops.products import affine, einsum, matmul
from minigen.ops.reductions import argmax, log_softmax, logsumexp, max, mean, min, norm, softmax, std, sum, var
from minigen.ops.shapes import (
    astype,
    broadcast_to,
    concatenate,
    expand_dims,
    flip,
    getitem,
    moveaxis,
    pad,
    reshape,
    roll,
    split,
    squeeze,
    stack,
    take,
    transpose,
)
from minigen.ops.windows import Geometry, fold, patches

__all__ = [
    "Geometry",
    "abs",
    "add",
    "affine",
    "argmax",
    "astype",
    "average_pool",
    "batch_norm",
    "broadcast_to",
    "clip",
    "concatenate",
    "conv",
    "conv_kernel_grad",
    "conv_transpose",
    "convolve",
    "convolve_transpose",
    "cos",
    "divide",
    "dropout",
    "einsum",
    "elu",
    "equal",
    "exp",
    "expand_dims",
    "expm1",
    "flip",
    "fold",
    "gelu",
    "getitem",
    "greater",
    "greater_equal",
    "layer_norm",
    "leaky_relu",
    "less",
    "less_equal",
    "log",
    "log1p",
    "log_softmax",
    "logical_and",
    "logical_not",
    "logical_or",
    "logsumexp",
    "matmul",
    "max",
    "max_pool",
    "maximum",
    "mean",
    "min",
    "minimum",
    "moveaxis",
    "multiply",
    "negative",
    "norm",
    "not_equal",
    "ones",
    "ones_like",
    "pad",
    "patches",
    "power",
    "relu",
    "reshape",
    "roll",
    "sigmoid",
    "sign",
    "silu",
    "sin",
    "softmax",
    "softplus",
    "split",
    "sqrt",
    "squeeze",
    "stack",
    "std",
    "subtract",
    "sum",
    "take",
    "tanh",
    "tensor",
    "transpose",
    "upsample",
    "var",
    "where",
    "zeros",
    "zeros_like",
]

"""The bends between layers, and the logistic family on which every loss from logits stands."""

import math

from minigen.autograd.op import fused, op
from minigen.backend import array_module
from minigen.ops.arithmetic import minimum, where
from minigen.ops.elementary import expm1


@op
def tanh(x):
    """y = tanh x"""
    return array_module(x).tanh(x)


tanh.vjp(x=lambda dy, y, x: tanh_gate(dy, y))


@op
def tanh_gate(a, t):
    """y = a (1 − t²): what `tanh` lets through of a gradient a where its result is t"""
    return a * (1 - t * t)


tanh_gate.vjp(
    a=lambda dy, y, a, t: tanh_gate(dy, t),
    t=lambda dy, y, a, t: dy * (a * (-2 * t)),
)


@op
def sigmoid(x):
    """y = σ(x) = 1 / (1 + e⁻ˣ), from e^−|x| so that neither side overflows"""
    xp = array_module(x)
    e = xp.exp(-xp.abs(x))
    return xp.where(x >= 0, 1 / (1 + e), e / (1 + e))


sigmoid.vjp(x=lambda dy, y, x: dy * (y * sigmoid(-x)))  # not y (1 − y), which is 0 at x = 20 in float32


@op
def softplus(x):
    """y = log(1 + eˣ) = max(x, 0) + log1p(e^−|x|): −log σ(−x), from which the GAN losses are made"""
    xp = array_module(x)
    return xp.maximum(x, 0) + xp.log1p(xp.exp(-xp.abs(x)))


softplus.vjp(x=lambda dy, y, x: dy * sigmoid(x))


@op
def relu(x):
    """y = max(x, 0), with slope 0 at 0"""
    return array_module(x).maximum(x, 0)


relu.vjp(x=lambda dy, y, x: where(x > 0, dy, 0))


@op
def leaky_relu(x, *, slope=0.2):
    """y = x where x > 0, else slope · x; the slope at 0 is `slope` (the article's 0.2)"""
    return array_module(x).where(x > 0, x, slope * x)


leaky_relu.vjp(x=lambda dy, y, x, *, slope: leaky_gate(dy, x, slope=slope))


@op
def leaky_gate(a, x, *, slope):
    """y = a where x > 0, else slope · a: what `leaky_relu` lets through of a gradient a; linear in a, flat in x"""
    return array_module(a, x).where(x > 0, a, slope * a)


leaky_gate.vjp(a=lambda dy, y, a, x, *, slope: leaky_gate(dy, x, slope=slope), x=None)


@op
def elu(x, *, alpha=1.0):
    """y = x where x > 0, else alpha (eˣ − 1).  Clevert et al. 2016, eq. 16"""
    xp = array_module(x)
    return xp.where(x > 0, x, alpha * xp.expm1(xp.minimum(x, 0)))


elu.vjp(x=lambda dy, y, x, *, alpha: where(x > 0, dy, dy * (alpha * (expm1(minimum(x, 0)) + 1))))


@fused
def silu(x):
    """y = x σ(x), also called swish.  Hendrycks & Gimpel 2016, section 2; Elfwing et al. 2018"""
    return x * sigmoid(x)


@fused
def gelu(x):
    """y = ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))), the tanh form.  Hendrycks & Gimpel 2016, section 2.

    PyTorch's gelu(approximate="tanh") and Keras' gelu(approximate=True); the exact Gaussian form differs by up to 5e-4.
    """
    return 0.5 * x * (1 + tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))))

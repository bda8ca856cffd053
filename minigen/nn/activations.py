"""The bends between layers, as layers: x of any shape → y like x."""

from collections.abc import Callable
from typing import Any

from minigen import ops
from minigen.nn.module import Module, written


class _Activation(Module):
    """y = an operation of x, entry by entry."""

    operation: Callable[..., Any]

    def __call__(self, x: Any) -> Any:
        return type(self).operation(x)


class ReLU(_Activation):
    """y = max(x, 0)"""

    operation = ops.relu


class Tanh(_Activation):
    """y = tanh x, in (−1, 1): what images scaled to [−1, 1] need at the end of a generator."""

    operation = ops.tanh


class Sigmoid(_Activation):
    """y = σ(x) = 1 / (1 + e⁻ˣ), in (0, 1).  Not before a minigen loss: losses take logits."""

    operation = ops.sigmoid


class Softplus(_Activation):
    """y = log(1 + eˣ)"""

    operation = ops.softplus


class SiLU(_Activation):
    """y = x σ(x), also called swish.  Elfwing et al. 2018"""

    operation = ops.silu


class GELU(_Activation):
    """y = ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))), the tanh form.  Hendrycks & Gimpel 2016, section 2"""

    operation = ops.gelu


class LeakyReLU(Module):
    """y = x where x > 0, else slope · x; the article's slope is 0.2.  Maas et al. 2013, section 3"""

    def __init__(self, slope: float = 0.2):
        self.slope = slope

    def __call__(self, x: Any) -> Any:
        return ops.leaky_relu(x, slope=self.slope)

    def __repr__(self) -> str:
        return f"LeakyReLU({self.slope})"


class ELU(Module):
    """y = x where x > 0, else alpha (eˣ − 1).  Clevert et al. 2016, eq. 16"""

    def __init__(self, alpha: float = 1.0):
        self.alpha = alpha

    def __call__(self, x: Any) -> Any:
        return ops.elu(x, alpha=self.alpha)

    def __repr__(self) -> str:
        return written(self, alpha=(self.alpha, 1.0))

"""What stands in for a layer with the bend, and perhaps the dropout, behind it: what is alike on every backend."""

from collections.abc import Callable
from typing import Any

from minigen.autograd.op import Fused, Op
from minigen.kernels.formulas import formula_vjp
from minigen.ops.activations import leaky_relu
from minigen.ops.normalise import masked


class Bent:
    """The derivative by the rules of dropout, of the bend and of the layer, one after the other.

    of: the formula.  product(x, w, **settings): the layer without its bias.  layer: `affine` or `conv_affine`.  A
    subclass has `value`, which returns False beside y where it left everything to the formula.  Of y the bend's rule
    asks the sign alone, which is that of its own input; where dropout put a 0, nothing flows back whatever the side.
    """

    recordable = True

    def __init__(self, of: Fused, product: Callable[..., Any], layer: Op):
        self.of, self.product, self.layer = of, product, layer

    def vjp(self, dy, y, saved, wanted, x, w, b, *kept, slope, **settings):
        if not saved:
            return formula_vjp(self.of, dy, wanted, (x, w, b, *kept), {"slope": slope, **settings})
        scale = settings.pop("scale", 1.0)  # what is left is the layer's
        dz, rules = self.let_through(dy, y, kept, slope, scale), self.layer.rules
        return [rules[name](dz, y, x, w, b, **settings) for i, name in enumerate(("x", "w", "b")) if i in wanted]

    def let_through(self, dy: Any, y: Any, kept: Any, slope: float, scale: float) -> Any:
        """What dropout and the bend let through of dy to the layer; kept: () or the coins."""
        if kept:
            dy = masked.rules["x"](dy, y, y, *kept, scale=scale)
        return leaky_relu.rules["x"](dy, y, y, slope=slope)

"""The proof that the table can fail: every rule of every operation is made wrong in many ways, and must be caught."""

import pytest

from minigen.autograd import OPS
from minigen.check import grad_check
from minigen.check.mutants import must_bite

from .test_every_op import FACTS, applied, drawn, names_of_inputs, own

LINEAR = {  # the rule reads nothing but dy and shapes, so freezing the rest changes nothing
    *("add", "subtract", "negative", "where", "sum", "mean", "reshape", "transpose", "moveaxis", "expand_dims"),
    *("squeeze", "broadcast_to", "astype", "concatenate", "stack", "pad", "flip", "roll", "getitem", "put_add"),
    *("take_along_axis", "put_along_axis", "alias", "patches", "fold", "abs", "maximum", "minimum", "clip", "relu"),
    *("leaky_relu", "leaky_gate", "masked", "max", "min"),
}
LINEAR_IN_B = {"affine", "conv_affine"}  # whose rule for the bias is dy
NO_MEAN = {"softmax", "log_softmax"}  # every gradient sums to 0, for a constant added to x changes nothing


def check_the_table(name):
    for case in drawn(name):
        if all(x.size for x in case.inputs):
            grad_check(
                applied(name, case),
                names_of_inputs(name, case),
                order=case.order,
                subgradient=case.subgradient,
                expect_zero=case.zero,
                quiet=True,
            )


def equivalent(name):
    """What no check can tell from the right rule."""
    inputs = [key for key, rule in OPS[name].rules.items() if rule is not None]
    linear = inputs if name in LINEAR else ["b"] if name in LINEAR_IN_B else []
    return [f"factor a constant for {x}" for x in linear] + [
        f"mean taken out for {x}" for x in inputs if name in NO_MEAN
    ]


@pytest.mark.parametrize("name", sorted(own(OPS) - FACTS - {"sign"}))
def test_every_wrong_rule_is_caught(name):
    must_bite(lambda: check_the_table(name), name, order=2, equivalent=equivalent(name), quiet=True)

"""The proof that the table can fail: every rule of every operation is made wrong in many ways, and must be caught."""

import numpy as np
import pytest

from minigen import Tensor, ops
from minigen.autograd import OPS
from minigen.check import GradCheckError, grad_check

from .test_every_op import FACTS, applied, drawn, names_of_inputs, own


def detached(x):
    """x as a constant: what a rule that leaves the graph hands on."""
    return Tensor(x.data) if isinstance(x, Tensor) else x


def bare(x):
    return x.data if isinstance(x, Tensor) else x


def _one_entry(factor):
    """Only the largest entry of the gradient is wrong."""

    def change(dx):
        mask = np.ones(dx.shape)
        mask[np.unravel_index(np.abs(bare(dx)).argmax(), dx.shape)] = factor
        return dx * mask

    return change


# name → what becomes of a right gradient
OF_THE_RESULT = {
    "zeros": lambda dx: dx * 0,
    "sign": lambda dx: -dx,
    "twice": lambda dx: dx * 2,
    "half": lambda dx: dx * 0.5,
    "×1.001": lambda dx: dx * 1.001,
    "× length": lambda dx: dx * max(3, *dx.shape),
    "one entry × 1.01": _one_entry(1.01),
    "one entry 0": _one_entry(0.0),
    "constant added": lambda dx: dx + 0.01,
    "transposed": lambda dx: ops.reshape(ops.transpose(dx), dx.shape),
    "flipped": ops.flip,
    "rolled": lambda dx: ops.roll(dx, 1),
    "mean taken out": lambda dx: dx - dx.mean(),
    "right at order 1 only": detached,
}


def _wrong(change):
    """The right rule, and what becomes of its result."""
    return lambda rule: lambda dy, *rest, **settings: change(rule(dy, *rest, **settings))


def _ignores_dy(rule):
    def wrong(dy, *rest, **settings):
        return rule(dy * 0 + 1, *rest, **settings)

    return wrong


def _dy_as_constant(rule):
    return lambda dy, *rest, **settings: rule(detached(dy), *rest, **settings)


def _factor_as_constant(rule):
    """Right at order 1; at order 2 everything but dy is a constant."""
    return lambda dy, *rest, **settings: rule(dy, *[detached(x) for x in rest], **settings)


def _wrong_when_recorded(rule):
    """Right on the plain walk; with create_graph=True a constant is added, which no derivative shows."""

    def wrong(dy, *rest, **settings):
        dx = rule(dy, *rest, **settings)
        return dx + 0.01 if isinstance(dy, Tensor) else dx

    return wrong


def _in_float16(rule):
    def wrong(dy, *rest, **settings):
        dx = rule(dy, *rest, **settings)
        return dx.astype("float16")

    return wrong


MUTATIONS = {name: _wrong(change) for name, change in OF_THE_RESULT.items()} | {
    "wrong when recorded": _wrong_when_recorded,
    "dy ignored": _ignores_dy,
    "dy a constant": _dy_as_constant,
    "factor a constant": _factor_as_constant,
    "result in float16": _in_float16,
}

LINEAR = {  # the rule reads nothing but dy and shapes, so freezing the rest changes nothing
    *("add", "subtract", "negative", "where", "sum", "mean", "reshape", "transpose", "moveaxis", "expand_dims"),
    *("squeeze", "broadcast_to", "astype", "concatenate", "stack", "pad", "flip", "roll", "getitem", "put_add"),
    *("take_along_axis", "put_along_axis", "alias", "patches", "fold", "abs", "maximum", "minimum", "clip", "relu"),
    *("leaky_relu", "max", "min"),
}
# (operation, mutation) → why no check can tell it from the right rule
EQUIVALENT = {(name, "factor a constant"): "the slope does not change with the inputs" for name in LINEAR} | {
    (name, "mean taken out"): "every gradient sums to 0, for a constant added to x changes nothing"
    for name in ("softmax", "log_softmax")
}


def rules():
    return [
        pytest.param(name, key, mutation, id=f"{name}-{key}-{mutation}")
        for name in sorted(own(OPS) - FACTS - {"sign"})
        for key, rule in OPS[name].rules.items()
        if rule is not None
        for mutation in MUTATIONS
    ]


def table_catches(name):
    """Does any case of the table refuse the operation as it now is?"""
    for case in drawn(name):
        if not all(x.size for x in case.inputs):
            continue
        try:
            grad_check(
                applied(name, case),
                names_of_inputs(name, case),
                order=case.order,
                subgradient=case.subgradient,
                expect_zero=case.zero,
                quiet=True,
            )
        except GradCheckError:
            return True
    return False


@pytest.mark.parametrize("name, key, mutation", rules())
def test_a_wrong_rule_is_caught(name, key, mutation, monkeypatch):
    right = OPS[name].rules[key]
    monkeypatch.setitem(OPS[name].rules, key, MUTATIONS[mutation](right))
    caught = table_catches(name)
    if (name, mutation) in EQUIVALENT:
        assert not caught, f"{name}, {mutation} is listed as equivalent but is caught"
    else:
        assert caught, f"{name}: a rule for {key} with {mutation} survives"


def test_every_equivalent_mutant_is_planted():
    planted = {tuple(parameter.values[::2]) for parameter in rules()}
    assert not EQUIVALENT.keys() - planted

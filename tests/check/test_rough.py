"""Finite differences and float32 inside a backward are told from formulas, whatever they are called."""

import numpy as np
import pytest

from minigen.check import GradCheckError, grad_check, grad_report

from .planted import exercises

ALL = exercises()


def differences(f, h, sides=2):
    """A backward made of difference quotients, written inline: f never meets the checker's watch."""

    def backward(dy, y, *inputs):
        found = []
        for k, x in enumerate(inputs):
            dx = np.zeros_like(x)
            for i in np.ndindex(*x.shape):
                above, below = x.copy(), x.copy()
                above[i] += h
                below[i] -= h if sides == 2 else 0
                rise = f(*inputs[:k], above, *inputs[k + 1 :]) - f(*inputs[:k], below, *inputs[k + 1 :])
                dx[i] = (dy * rise).sum() / (sides * h)
            found.append(dx)
        return tuple(found)

    return backward


def copied(f):
    """f under another code object, as a private copy of it would be."""
    return eval("lambda *inputs: f(*inputs)", {"f": f})


@pytest.mark.parametrize("h, sides", [(1e-4, 2), (1e-5, 2), (1e-6, 2), (1e-7, 2), (1e-8, 1)])
@pytest.mark.parametrize("name", ALL)
def test_difference_quotients_of_a_private_copy_fail(name, h, sides, monkeypatch):
    exercise = ALL[name]
    from minigen.check.problem import Rule

    monkeypatch.setattr(Rule, "calls_f_nearby", lambda *_: False)  # this is the second line of defence
    with pytest.raises(GradCheckError) as caught:
        grad_check(exercise.f, exercise.inputs, backward=differences(copied(exercise.f), h, sides), full=10)
    assert caught.value.verdict in ("broken", "wrong", "inconclusive")


def test_the_message_says_what_jumps():
    with pytest.raises(GradCheckError, match="uneven: with respect to x it jumps") as caught:
        grad_check(np.tanh, {"x": np.linspace(-2, 2, 7)}, backward=differences(lambda x: np.tanh(x), 1e-6))
    assert caught.value.verdict == "broken"
    assert "a difference quotient (finite differences) or float32 inside" in caught.value.hint


def test_float32_inside_a_backward_is_told():
    def single(dy, y, x):
        return (dy.astype(np.float32) * (1 - np.tanh(x.astype(np.float32)) ** 2)).astype(dy.dtype)

    with pytest.raises(GradCheckError) as caught:
        grad_check(np.tanh, {"x": np.linspace(-2, 2, 7)}, backward=single)
    assert "float32 noise" in caught.value.hint

    def half_single(dy, y, x):  # linear in dy, so that nothing else gives it away
        return dy * (1 - np.tanh(x.astype(np.float32)) ** 2)

    with pytest.raises(GradCheckError, match="uneven"):
        grad_check(np.tanh, {"x": np.linspace(-2, 2, 7)}, backward=half_single)


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1.0, 1e3, 1e6])
@pytest.mark.parametrize("f, slope", [(np.sin, np.cos), (np.cos, lambda x: -np.sin(x)), (np.tanh, None)])
def test_formulas_glide_at_every_scale(f, slope, scale):
    slope = slope or (lambda x: 1 - np.tanh(x) ** 2)
    for seed in range(5):
        x = scale * np.random.default_rng(seed).normal(size=(3, 4))
        report = grad_report(f, {"x": x}, backward=lambda dy, y, x: dy * slope(x), seed=seed)
        assert "uneven" not in str(report), str(report)


def test_kinks_and_zeros_are_no_unevenness():
    x = np.array([0.0, 0.0, -1.0, 2.0])

    def relu_backward(dy, y, x):
        return dy * (x > 0)

    grad_check(lambda x: np.maximum(x, 0), {"x": x}, backward=relu_backward, subgradient=True, quiet=True)

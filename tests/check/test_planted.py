"""The checker against 28 planted mistakes in eight functions: all are caught, and no right backward is rejected."""

import re

import pytest

from minigen.check import GradCheckError, grad_check, grad_report

from .planted import exercises

ALL = exercises()
WRONG = [(name, mistake) for name, exercise in ALL.items() for mistake in exercise.wrong]

HINTS = {  # what the message must say; the others have no simple pattern
    ("batch norm", "x is 0"): "no path",
    ("batch norm", "beta averaged"): "1/5, and 5 is the length of axis 0 of x",
    ("softmax", "zeros"): "no path",
    ("softmax", "no sum"): None,
    ("softmax", "dy ignored"): "ignores the incoming gradient",
    ("softmax", "flipped"): "flip along axis 1",
    ("bce with logits", "sign"): "the sign",
    ("bce with logits", "sum for mean"): "every ratio is 6, the length of axis 0 of logits: a sum where a mean",
    ("bce with logits", "target forgotten"): "no path",
    ("gaussian kl", "half forgotten"): "every ratio is 2",
    ("gaussian kl", "−1 forgotten"): "the same number everywhere",
    ("gaussian kl", "mu twice"): "every ratio is 2",
    ("gaussian kl", "sign of logvar"): "the sign",
    ("reparameterisation", "half forgotten"): "every ratio is 2",
    ("reparameterisation", "dy ignored"): "ignores the incoming gradient",
    ("a small mean loss", "1 % wrong"): "every ratio is 1.01: a constant factor",
    ("a small mean loss", "sign"): "the sign",
    ("a small mean loss", "zeros"): "no path",
    ("bias before batch norm", "w rolled"): "roll by -1 along axis 1",
    ("a large summed loss", "one entry 1 % wrong"): "wrong only at w[2, 1]: every ratio there is 1.01",
    ("a large summed loss", "averaged"): "1/20, and 20 is the length of axis 0 of x",
}


def test_there_are_28_mistakes():
    assert len(WRONG) == 28


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", ALL)
def test_right_backwards_pass(name, seed):
    exercise = ALL[name]
    report = grad_report(
        exercise.f, exercise.inputs, backward=exercise.backward, seed=seed, expect_zero=exercise.expect_zero
    )
    assert report.ok, str(report)
    assert not report.zero


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name, mistake", WRONG)
def test_planted_mistakes_are_caught(name, mistake, seed):
    exercise = ALL[name]
    with pytest.raises(GradCheckError) as caught:
        grad_check(exercise.f, exercise.inputs, backward=exercise.wrong[mistake], seed=seed, name=name)
    text = str(caught.value)
    assert text.startswith(name) and len(text.splitlines()) <= 12
    hint = HINTS.get((name, mistake))
    if hint is not None:
        assert hint in caught.value.hint
        assert hint in text


def test_a_zero_gradient_is_noticed_unless_expected(capsys):
    exercise = ALL["bias before batch norm"]
    grad_check(exercise.f, exercise.inputs, backward=exercise.backward)
    assert "bias: the true gradient is 0 here: sign and scale untested" in capsys.readouterr().out
    grad_check(exercise.f, exercise.inputs, backward=exercise.backward, expect_zero=("bias",))
    assert re.fullmatch(r"grad_check biased: right; 19 entries, worst error .*\n", capsys.readouterr().out)

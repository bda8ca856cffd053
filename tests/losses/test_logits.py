"""The logistic loss from logits: values and slopes at every corner, soft targets, and its warnings."""

import warnings

import numpy as np
import pytest

import minigen
from minigen import SettingError, ShapeError
from minigen.check import grad_check
from minigen.losses import binary_cross_entropy, gan

# (a, t, value, slope): 40-digit arithmetic
CORNERS = [
    (0, 0.9, 0.69314718056, -0.4),
    (20, 0.9, 2.000000002061, 0.099999998),
    (-20, 0.9, 18.000000002061, -0.899999998),
    (90, 0.9, 9, 0.1),
    (-90, 0.9, 81, -0.9),
    (1e4, 0.9, 1000, 0.1),
    (1e4, 1, 0, 0),
    (1e4, 0, 10000, 1),
    (-1e4, 0, 0, 0),
    (20, 1, 2.06115362e-9, -2.06115362e-9),
    (-20, 0, 2.06115362e-9, 2.06115362e-9),
    (800, 1, 0, 0),
    (-800, 1, 800, -1),
]


@pytest.mark.parametrize("dtype, rtol", [(np.float32, 2e-6), (np.float64, 1e-8)])
@pytest.mark.parametrize("a, t, value, slope", CORNERS)
def test_value_and_slope_at_every_corner(a, t, value, slope, dtype, rtol):
    logit = minigen.tensor(np.array([a], dtype), requires_grad=True)
    loss = binary_cross_entropy(logit, np.array([t], dtype))
    assert loss.dtype == dtype
    assert loss.item() == pytest.approx(value, rel=rtol, abs=1e-12)
    assert minigen.grad(loss, [logit])[0].item() == pytest.approx(slope, rel=rtol, abs=1e-12)


@pytest.mark.parametrize("t", [0.0, 0.3, 0.5, 1.0])
def test_at_0_the_slope_is_half_minus_t_and_the_curvature_a_quarter(t):
    a = minigen.tensor(0.0, dtype=np.float64, requires_grad=True)
    slope = minigen.grad(binary_cross_entropy(a, t), [a], create_graph=True)[0]
    assert slope.item() == pytest.approx(0.5 - t, abs=1e-16)
    assert minigen.grad(slope, [a])[0].item() == pytest.approx(0.25, abs=1e-16)


@pytest.mark.parametrize("t", [0.1, 0.9])
def test_the_least_value_is_the_entropy_of_the_target(t):
    assert binary_cross_entropy(minigen.tensor(np.log(t / (1 - t))), t).item() == pytest.approx(0.325083, abs=1e-6)


def test_it_agrees_with_finite_differences():
    a = np.array([-3.0, -0.5, 0.0, 0.5, 3.0])
    grad_check(lambda a, t: binary_cross_entropy(a, t), [a, np.full(5, 0.3)], order=2, quiet=True)


def test_targets_may_be_whole_numbers_and_keep_float32():
    loss = binary_cross_entropy(minigen.zeros(3), np.array([0, 1, 1]))
    assert loss.item() == pytest.approx(np.log(2)) and loss.dtype == np.float32


def test_targets_of_another_shape_are_refused_rather_than_broadcast():
    with pytest.raises(ShapeError, match=r"logits have shape \(4, 1\), targets \(4,\)"):
        binary_cross_entropy(minigen.zeros(4, 1), np.ones(4))


@pytest.mark.parametrize("t", [-0.1, 1.1, float("nan"), np.array([0.5, 2.0])])
def test_targets_that_are_no_probabilities_are_refused(t):
    with pytest.raises(SettingError, match=r"outside \[0, 1\]"):
        binary_cross_entropy(minigen.zeros(2), t)


LOGISTIC = {
    "bce": lambda a: binary_cross_entropy(a, 1.0),
    "generator": gan.nonsaturating.generator,
    "minimax generator": gan.minimax.generator,
    "discriminator, real": lambda a: gan.nonsaturating.discriminator(a, minigen.zeros(1)),
    "discriminator, fake": lambda a: gan.minimax.discriminator(minigen.zeros(1), a),
}


@pytest.mark.parametrize("name", LOGISTIC)
def test_a_sigmoid_before_a_loss_from_logits_warns(name):
    a = minigen.tensor([0.3, -0.3], requires_grad=True)
    with pytest.warns(UserWarning, match="was given the output of a sigmoid") as seen:
        LOGISTIC[name](minigen.sigmoid(a).reshape(2, 1)[:, 0])
    if name != "bce" and "discriminator" not in name:
        assert seen[0].filename == __file__


@pytest.mark.parametrize("name", LOGISTIC)
def test_a_plain_logit_does_not_warn(name):
    a = minigen.tensor([0.3, -0.3], requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        LOGISTIC[name](a)
        LOGISTIC[name](minigen.sigmoid(a) * 3 + 1)  # a logit made with a sigmoid somewhere below is a logit


def test_with_that_wiring_the_discriminator_cannot_fall_below_1_0064():
    sure, wrong = minigen.tensor([1e4]), minigen.tensor([-1e4])
    loss = gan.nonsaturating.discriminator(minigen.sigmoid(sure), minigen.sigmoid(wrong))
    assert loss.item() == pytest.approx(1.006409, abs=1e-6)

"""What a pattern of errors says of its cause: the rows that need the rule itself, and large arrays seen in samples."""

import numpy as np
import pytest

from minigen import Tensor, ops
from minigen.check import GradCheckError, grad_check, grad_report

rng = np.random.default_rng(5)
BIG = (1000, 1000)


def caught(f, inputs, backward, **settings):
    with pytest.raises(GradCheckError) as error:
        grad_check(f, inputs, backward=backward, **settings)
    assert len(str(error.value).splitlines()) <= 12
    return error.value


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def test_a_sum_over_the_wrong_axis_is_named():
    error = caught(softmax, {"x": rng.normal(size=(4, 3))}, lambda dy, y, x: y * (dy - (dy * y).sum(0)))
    assert "right after axes 0 and 1 of the data change places" in error.hint


def test_a_bias_summed_over_the_wrong_axis_of_a_square_is_named():
    error = caught(np.add, {"x": rng.normal(size=(3, 3)), "b": rng.normal(size=3)}, lambda dy, y, x, b: (dy, dy.sum(1)))
    assert "with respect to b" in str(error) and "runs along the wrong axis" in error.hint


def test_a_factor_for_each_channel_is_named():
    gamma = np.array([0.5, 2.0, 3.0])
    error = caught(lambda x: gamma * np.sin(x), {"x": rng.normal(size=(4, 3))}, lambda dy, y, x: dy * np.cos(x))
    assert "the ratio changes along axis 1 only" in error.hint


@pytest.mark.parametrize("digits, wrong", [(4, 1.00005), (2, 1.003)])
def test_an_approximation_is_told_by_its_digits(digits, wrong):
    x = rng.normal(size=(4, 3))
    bumps = 1 + (wrong - 1) * np.linspace(-1, 1, 12).reshape(4, 3)
    error = caught(np.sin, {"x": x}, lambda dy, y, x: dy * np.cos(x) * bumps)
    assert f"right to {digits} digits only" in error.hint


@pytest.mark.parametrize(
    "change, text",
    [
        (lambda g: 2 * g, "every ratio is 2:"),
        (lambda g: g / 1000, "1/1000, and 1000 is the length of axis 0 of x"),
        (lambda g: -g, "every ratio is −1"),
        (lambda g: g.T.copy(), "right after a transpose"),
        (lambda g: g[:, ::-1].copy(), "right after a flip along axis 1"),
        (lambda g: np.roll(g, -3, 0), "right after a roll by 3 along axis 0"),
        (lambda g: g * (np.arange(1000) != 417), "wrong only at index 417 of axis 1: yours is 0 there"),
        (lambda g: g * np.where(np.arange(1000) == 3, 1.5, 1)[:, None], "wrong only at index 3 of axis 0"),
        (lambda g: g * (np.arange(1000) < 990), "wrong only beyond index 989 of axis 1: yours is 0 there"),
    ],
)
def test_a_pattern_in_a_million_entries_is_named(change, text):
    x = np.random.default_rng(2).normal(size=BIG)
    error = caught(np.sin, {"x": x}, lambda dy, y, x: change(dy * np.cos(x)))
    assert text in error.hint and "of shape (1000, 1000); found by sampling" in error.where


def test_a_factor_made_of_the_result_is_named():
    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    x = rng.normal(size=(4, 3))
    assert "the ratio is 1 / (1 − y), entry by entry" in caught(sigmoid, {"x": x}, lambda dy, y, x: dy * y).hint
    assert "the ratio is 1 / y, entry by entry" in caught(sigmoid, {"x": x}, lambda dy, y, x: dy * (1 - y)).hint
    assert "the ratio is x, entry by entry" in caught(np.sin, {"x": x}, lambda dy, y, x: dy * np.cos(x) * x).hint


def test_a_missing_penalty_is_named():
    x, w = rng.normal(size=(5, 3)), rng.normal(size=(3, 2))

    def loss(x, w):
        return ((x @ w) ** 2).mean() + 0.1 * (w * w).sum()

    def backward(dy, y, x, w):
        d = 2 * (x @ w) / 10
        return dy * (d @ w.T), dy * (x.T @ d)

    error = caught(loss, {"x": x, "w": w}, backward)
    assert "yours − numerical is -" in error.hint and "· w: a term with w is missing" in error.hint


def test_a_mean_missing_in_a_million_entries_is_named():
    x = rng.normal(size=BIG)
    error = caught(lambda x: np.sin(x - x.mean()), {"x": x}, lambda dy, y, x: dy * np.cos(x - x.mean()))
    assert "the same number everywhere: an additive or a mean term is missing" in error.hint


def test_the_wrong_parameter_among_large_ones_is_named():
    x, w, b = rng.normal(size=(50, 1000)), rng.normal(size=(1000, 900)) / 30, rng.normal(size=900)

    def backward(dy, y, x, w, b):
        db = dy.sum(0)
        db[700] *= 1.01
        return dy @ w.T, x.T @ dy, db

    error = caught(lambda x, w, b: x @ w + b, {"x": x, "w": w, "b": b}, backward, seed=1)
    assert "b[700] of shape (900,)" in error.where and "x and w are right" in error.where


def test_a_detached_path_in_the_engine_is_named():
    with pytest.raises(GradCheckError) as error:
        grad_check(
            lambda mu, logvar: mu + ops.exp(0.5 * logvar).detach() * 0.7, {"mu": np.ones(3), "logvar": np.zeros(3)}
        )
    assert "with respect to logvar" in str(error.value) and "no path (detached" in error.value.hint


@pytest.mark.parametrize(
    "f, x, settings, verdict",
    [
        (ops.tanh, np.ones(3), {}, "right"),
        (lambda x: ops.tanh(x) * Tensor(np.zeros(3)), np.ones(3), {}, "zero gradient"),
        (ops.relu, np.array([0.0, 1.0]), {"subgradient": True}, "kink"),
        (ops.relu, np.array([0.0, 1.0]), {}, "inconclusive"),
        (ops.log, np.array([-1.0, 1.0]), {}, "both NaN"),
        (lambda x: x * x.detach(), np.ones(3), {}, "wrong"),
        (lambda x: ops.astype(x, np.float32), np.ones(3), {}, "broken"),
    ],
)
def test_every_verdict_has_its_word(f, x, settings, verdict):
    assert grad_report(f, [x], **settings).verdict == verdict


def test_an_error_carries_the_report_unless_it_is_hidden():
    x = rng.normal(size=(4, 3))
    error = caught(np.sin, {"x": x}, lambda dy, y, x: dy)
    assert error.report.tensors[0].analytic.shape == (4, 3)
    hidden = caught(np.sin, {"x": x}, lambda dy, y, x: dy, reveal=False)
    assert hidden.report is None and hidden.numbers == ""
    assert "numbers" in str(error) and "numbers" not in error.finding.text(reveal=False)

"""Planted mistakes: the right element is named, the right cause is guessed, and the message keeps its form."""

import io
import re
import sys

import numpy as np
import pytest

import minigen
from minigen import Tensor, ops
from minigen.autograd import OPS, Op
from minigen.check import CheckError, GradCheckError, grad_check, grad_report
from minigen.check.hints import TABLE, hint
from minigen.errors import SettingError

rng = np.random.default_rng(11)
X = rng.uniform(0.3, 2, (4, 3)) * rng.choice((-1.0, 1.0), (4, 3))
SQUARE = rng.normal(size=(3, 3))


def error(f, inputs, backward=None, **settings):
    with pytest.raises(GradCheckError) as caught:
        grad_check(f, inputs, backward=backward, **settings)
    assert len(str(caught.value).splitlines()) <= 12
    return caught.value


def right(dy, y, x):
    return dy * np.cos(x)


def of(change):
    """A wrong backward of sin: what becomes of the right one."""
    return lambda dy, y, x: change(right(dy, y, x))


@pytest.mark.parametrize(
    "change, key, text",
    [
        (lambda g: -g, "sign", "every ratio is −1: the sign"),
        (lambda g: 2 * g, "double", "every ratio is 2: a factor 1/2 is missing"),
        (lambda g: g / 2, "half", "every ratio is 1/2: a factor 2 is missing"),
        (lambda g: 4 * g, "times", "every ratio is 4, the length of axis 0 of x: a sum where a mean is meant"),
        (lambda g: 3 * g, "times", "every ratio is 3, the length of axis 1 of x"),
        (lambda g: g / 12, "share", "every ratio is 1/12, and 12 is the number of entries of x: a mean where a sum"),
        (lambda g: 1.001 * g, "factor", "every ratio is 1.001: a constant factor"),
        (lambda g: 0 * g, "zero", "yours is 0 everywhere: no path"),
        (lambda g: g[::-1].copy(), "flipped", "right after a flip along axis 0"),
        (lambda g: np.roll(g, 1, 1), "rolled", "right after a roll by -1 along axis 1"),
        (lambda g: np.roll(g, -1, 0), "rolled", "right after a roll by 1 along axis 0"),
        (lambda g: g - g.mean(1, keepdims=True), None, ""),
    ],
)
def test_a_pattern_names_its_cause(change, key, text, monkeypatch):
    caught = error(np.sin, {"x": X}, of(change))
    assert text in caught.hint
    if key is not None:
        assert caught.hint == text or text in str(caught)
        monkeypatch.setenv("MINIGEN_LANG", "both")
        assert TABLE[key][1].partition("{")[0] in str(error(np.sin, {"x": X}, of(change)))


def test_a_transpose_is_named():
    caught = error(np.sin, {"x": SQUARE}, lambda dy, y, x: right(dy, y, x).T.copy())
    assert "right after a transpose" in caught.hint


@pytest.mark.parametrize("axis, text", [(None, "the same number everywhere"), (1, "constant along axis 1")])
def test_a_missing_mean_term_is_named(axis, text):
    def f(x):
        return x - x.mean(axis, keepdims=True)

    caught = error(f, {"x": X}, lambda dy, y, x: dy)
    assert text in caught.hint


@pytest.mark.parametrize(
    "backward, text",
    [
        (lambda dy, y, x: dy * np.where(x > 0, 1, 0.3), "wrong only where x < 0: every ratio there is 1.5"),
        (lambda dy, y, x: dy * np.where(x > 0, 1, 0), "wrong only where x < 0: yours is 0 there"),
        (lambda dy, y, x: dy * np.where(x > 0, 3, 0.2), "wrong only where x > 0: every ratio there is 3"),
    ],
)
def test_a_wrong_branch_is_named(backward, text):
    caught = error(lambda x: np.where(x > 0, x, 0.2 * x), {"x": X}, backward)
    assert text in caught.hint


def test_a_wrong_row_is_named():
    def backward(dy, y, x):
        dx = right(dy, y, x)
        dx[-1] = 0
        return dx

    assert "wrong only at index 3 of axis 0: yours is 0 there" in error(np.sin, {"x": X}, backward).hint


def test_a_wrong_input_is_named_beside_the_right_ones():
    caught = error(np.multiply, {"a": X, "b": X + 1}, lambda dy, y, a, b: (dy * b, dy * b))
    assert "with respect to b is wrong" in str(caught)
    assert "12 of 12 entries disagree; a is right" in caught.where
    assert "no simple pattern" in caught.hint and caught.hint.count("yours") == 3


@pytest.mark.parametrize("place", [(0, 0), (2, 1), (3, 2)])
@pytest.mark.parametrize("factor", [0, -1, 1.01, 1.001])
def test_one_wrong_entry_is_found(place, factor):
    def backward(dy, y, x):
        dx = right(dy, y, x)
        dx[place] *= factor
        return dx

    caught = error(np.sin, {"x": X}, backward)
    assert caught.where == f"x[{place[0]}, {place[1]}] of shape (4, 3); 1 of 12 entries disagree"


def test_overflow_in_the_gradient_alone_is_named():
    x = np.array([-1.0, 2.0, 800.0])
    caught = error(
        lambda x: np.logaddexp(0, x), {"x": x}, lambda dy, y, x: dy * np.exp(x) / (1 + np.exp(x)), name="softplus"
    )
    assert "x[2] of shape (3,)" in caught.where and "overflow; use the stable form" in caught.hint
    assert "yours nan   numerical" in caught.numbers


def test_nan_on_both_sides_is_no_mismatch():
    caught = error(ops.sqrt, [np.array([1.0, 0.0])])
    assert "NaN on both sides: f itself is not finite here" in str(caught)
    caught = error(ops.log, [np.array([1.0, -1.0])])
    assert "f itself is not finite here" in str(caught) and "mismatch" not in str(caught)


# Promises around the numbers ------------------------------------------------------------------------------------------


def test_a_gradient_that_ignores_dy_is_named():
    caught = error(np.sin, {"x": X}, lambda dy, y, x: np.cos(x))
    assert "with respect to x does not depend on dy" in str(caught)
    assert "the rule ignores the incoming gradient" in caught.hint


def test_a_rule_of_the_engine_that_ignores_dy_is_named(monkeypatch):
    monkeypatch.setitem(OPS["tanh"].rules, "x", lambda dy, y, x: 1 - y * y)
    assert "ignores the incoming gradient" in error(ops.tanh, [X]).hint


def test_a_gradient_that_is_not_linear_in_dy_is_named():
    assert "not linear in dy" in str(error(np.sin, {"x": X}, lambda dy, y, x: dy * np.cos(x) + 1e-3))
    assert "not linear in dy" in str(error(np.sin, {"x": X}, lambda dy, y, x: np.clip(dy, -1, 1) * np.cos(x)))


def test_broadcasting_that_is_not_undone_is_named():
    b = rng.normal(size=3)
    caught = error(np.multiply, {"a": X, "b": b}, lambda dy, y, a, b: (dy * b, dy * a))
    assert "has shape (4, 3); b has (3,)" in str(caught)
    assert "a sum over axis 0 is missing" in caught.hint
    caught = error(np.multiply, {"a": X, "b": X[:, :1]}, lambda dy, y, a, b: (dy * b, dy * a))
    assert "a sum over axis 1 is missing" in caught.hint
    caught = error(np.multiply, {"a": X, "b": np.array(2.0)}, lambda dy, y, a, b: (dy * b, dy * a))
    assert "a sum over axis (0, 1) is missing" in caught.hint
    assert "a transpose" in error(np.sin, {"x": X}, lambda dy, y, x: right(dy, y, x).T).hint


def dense(x, w, b):
    return x @ w + b


@pytest.mark.parametrize(
    "dw, db, text",
    [
        (None, lambda dy: dy.sum(0, keepdims=True), "an axis of length 1 is kept or left out: look at keepdims"),
        (None, lambda dy: dy.sum(1), "5 is the length of axis 0 of x: summed over the wrong axis?"),
        (None, lambda dy: dy.sum(), "summed over every axis; keep those that the input has"),
        (lambda x, dy: dy.T @ x, None, "the axes stand in another order: a transpose"),
        (lambda x, dy: x, None, "it has the shape of x: gradients go in the order of the inputs"),
        (lambda x, dy: np.ones((7, 7)), None, "a gradient has the shape of its input"),
    ],
)
def test_a_wrong_shape_names_its_cause(dw, db, text):
    def backward(dy, y, x, w, b):
        return dy @ w.T, (dw(x, dy) if dw else x.T @ dy), (db(dy) if db else dy.sum(0))

    given = {"x": rng.normal(size=(5, 4)), "w": rng.normal(size=(4, 3)), "b": rng.normal(size=3)}
    assert error(dense, given, backward).hint == text


def test_float32_is_asked_for_only_where_it_was_given():
    def wide(dy, y, x):
        dx = np.zeros(x.shape)
        dx[x > 0] = dy[x > 0]
        return dx

    def relu(x):
        return np.maximum(x, 0)

    grad_check(relu, {"x": X}, backward=wide, quiet=True)
    caught = error(relu, {"x": X.astype(np.float32)}, wide)
    assert "for x in float32 the gradient is float64 (the check runs once in float32 too)" in str(caught)
    assert "np.zeros_like(x)" in caught.hint


@pytest.mark.parametrize(
    "found, text",
    [
        (lambda dy, y, x: right(dy, y, x).astype(np.float32), "is float32; x is float64"),
        (lambda dy, y, x: None, "returns None for x"),
        (lambda dy, y, x: right(dy, y, x).tolist(), "returns 4 gradients for 1 input (x); a list is read as one"),
        (lambda dy, y, x: (right(dy, y, x), dy), "returns 2 gradients for 1 input (x)"),
        (lambda dy, y, x: Tensor(right(dy, y, x)), "is Tensor, not an array"),
    ],
)
def test_a_gradient_is_an_array_like_its_input(found, text):
    assert text in str(error(np.sin, {"x": X}, found))


def test_a_function_that_drops_to_float32_is_told():
    assert "f drops to float32 inside" in str(error(lambda x: ops.astype(x, np.float32), [X]))


def test_a_function_without_a_derivative_is_told():
    assert "f returns bool, which has no derivative" in str(error(lambda x: x > 0, [X]))


def test_changing_what_belongs_to_others_is_told():
    def into_dy(dy, y, x):
        dy *= np.cos(x)
        return dy

    def into_x(dy, y, x):
        dx = dy * np.cos(x)
        x += 1
        return dx

    def into_y(dy, y, x):
        dx = dy * np.cos(x)
        y[...] = 0
        return dx

    def greedy(x):
        x += 1
        return np.sin(x)

    assert "the backward changes dy" in str(error(np.sin, {"x": X}, into_dy))
    assert "the backward changes the input x" in str(error(np.sin, {"x": X}, into_x))
    assert "the backward changes y" in str(error(np.sin, {"x": X}, into_y))
    assert "f changes its input x" in str(error(greedy, {"x": X}, right))


def test_a_rule_that_relies_on_strides_is_told():
    def by_stride(dy, y, x):
        return np.lib.stride_tricks.as_strided(dy, x.shape, x.strides).copy() * np.cos(x)

    assert "dy gives another gradient with respect to x" in str(error(np.sin, {"x": X}, by_stride))


def test_finite_differences_handed_in_as_a_backward_are_told():
    def f(x):
        return np.sin(x) * x

    def central(dy, y, x):
        return dy * (f(x + 1e-6) - f(x - 1e-6)) / 2e-6

    def one_by_one(dy, y, x):
        dx = np.zeros_like(x)
        for i in np.ndindex(*x.shape):
            moved = x.copy()
            moved[i] += 1e-6
            dx[i] = (dy * (f(moved) - y)).sum() / 1e-6
        return dx

    def by_formula(dy, y, x):  # calls f, but where it may
        return dy * (np.cos(x) * x + f(x) / x)

    for backward in (central, one_by_one):
        assert "the backward calls a function beside its input" in str(error(f, {"x": X}, backward))
    grad_check(f, {"x": X}, backward=by_formula, quiet=True)


def test_one_text_for_arrays_and_another_for_tensors_is_told(monkeypatch):
    monkeypatch.setitem(
        OPS["tanh"].rules, "x", lambda dy, y, x: dy * (1 - y * y) * (2 if isinstance(dy, Tensor) else 1)
    )
    caught = error(ops.tanh, [X])
    assert "create_graph=True gives another gradient with respect to x" in str(caught)


# Order 2 -------------------------------------------------------------------------------------------------------------


def detach(x):
    return x.detach() if isinstance(x, Tensor) else x


@pytest.mark.parametrize(
    "rule, place",
    [
        (lambda dy, y, x: dy * (1 - detach(y * y)), "x"),
        (lambda dy, y, x: detach(dy) * (1 - y * y), "dy"),
    ],
)
def test_a_rule_right_at_order_1_only_is_caught_at_order_2(rule, place, monkeypatch):
    monkeypatch.setitem(OPS["tanh"].rules, "x", rule)
    grad_check(ops.tanh, [X], quiet=True)
    caught = error(ops.tanh, [X], order=2, name="tanh")
    assert str(caught).startswith(f"tanh: the second derivative with respect to {place} is wrong (order 2)")
    assert "order 1 is right: inside the rule something is detached or a bare array" in caught.hint


def test_a_bare_array_in_a_batch_norm_like_rule_is_caught_at_order_2():
    @Op
    def normalise(x):
        d = x - x.mean(0)
        return d / np.sqrt((d * d).mean(0) + 1e-5)

    def rule(dy, y, x):
        bare = x.data if isinstance(x, Tensor) else x
        r = 1 / np.sqrt(bare.var(0) + 1e-5)
        return (dy - ops.mean(dy, 0) - y * ops.mean(dy * y, 0)) * r

    normalise.vjp(x=rule)
    grad_check(normalise, [X], quiet=True)
    assert "(order 2)" in str(error(normalise, [X], order=2))


# The message ---------------------------------------------------------------------------------------------------------


def kl(mu, logvar):
    return 0.5 * (mu * mu + np.expm1(logvar) - logvar).sum()


def half_forgotten(dy, y, mu, logvar):
    return dy * mu, dy * np.expm1(logvar)


def test_the_message_has_the_form_of_the_documentation():
    caught = error(kl, {"mu": X, "logvar": X + 0.1}, half_forgotten, name="KL term", seed=1, lang="both")
    lines = str(caught).splitlines()
    assert lines[0] == "KL term: the gradient with respect to logvar is wrong"
    assert [line.split()[0] for line in lines[1:]] == ["where", "numbers", "hint", "提示", "again"]
    assert "of shape (4, 3); 12 of 12 entries disagree; mu is right" in lines[1]
    assert "ratio 2.0000" in lines[2] and "±" in lines[2]
    assert lines[-1].startswith("again    seed 1, random dy, float64, 24 entries, ")
    assert isinstance(caught, CheckError) and isinstance(caught, AssertionError)
    assert caught.seed == 1 and caught.where in lines[1] and caught.numbers in lines[2] and caught.hint in lines[3]


def test_hidden_checks_leave_the_numbers_out():
    caught = error(kl, {"mu": X, "logvar": X + 0.1}, half_forgotten, reveal=False)
    assert caught.numbers == "" and "numbers" not in str(caught) and "seed" not in str(caught)
    assert "every ratio is 2" in str(caught)
    caught = error(np.multiply, {"a": X, "b": X + 1}, lambda dy, y, a, b: (dy * b, dy * b), reveal=False)
    assert "yours" not in str(caught) and "yours" not in caught.hint and "no simple pattern" in str(caught)


def test_a_stdout_without_chinese_gets_english(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="latin-1"))
    caught = error(kl, {"mu": X, "logvar": X + 0.1}, half_forgotten, lang="both")
    assert "every ratio is 2" in str(caught) and "提示" not in str(caught)


def test_hints_are_english_unless_chinese_is_asked_for(monkeypatch):
    def text(**settings):
        return str(error(kl, {"mu": X, "logvar": X + 0.1}, half_forgotten, **settings))

    monkeypatch.delenv("MINIGEN_LANG", raising=False)
    assert "hint " in text() and "提示" not in text()
    assert "hint " not in text(lang="zh") and "提示" in text(lang="zh")
    both = text(lang="both").splitlines()
    assert [line.split()[0] for line in both[3:5]] == ["hint", "提示"]
    monkeypatch.setenv("MINIGEN_LANG", "zh")
    assert "提示" in text() and "提示" not in text(lang="en")
    monkeypatch.setenv("MINIGEN_LANG", "de")
    with pytest.raises(SettingError, match='MINIGEN_LANG is \'de\'; hints come in "en", "zh" or "both"'):
        grad_check(np.sin, {"x": X}, backward=right)
    with pytest.raises(SettingError, match="lang='fr'"):
        grad_check(np.sin, {"x": X}, backward=right, lang="fr")


def test_hints_come_in_either_language():
    row = hint("times", n=4, what="the length of axis 0 of x", zh="x 第 0 轴的长度")
    assert row.lines("zh") == ["提示     比值处处为 4，即 x 第 0 轴的长度：该求平均处用了求和"]
    assert row.lines("en") == ["hint     every ratio is 4, the length of axis 0 of x: a sum where a mean is meant"]
    assert len(row.lines("both")) == 2


def test_a_pass_is_one_line_on_stdout_and_nothing_on_stderr(capsys):
    def loud(x):
        np.log(np.zeros(1))  # divides by zero, in silence
        return ops.log(x)

    assert grad_check(loud, [np.abs(X)]) is None
    out, err = capsys.readouterr()
    assert out.count("\n") == 1 and out.startswith("grad_check loud: right; 12 entries, worst error ") and err == ""
    grad_check(loud, [np.abs(X)], quiet=True)
    assert capsys.readouterr() == ("", "")


def test_warnings_are_collected_and_told_on_stdout(capsys):
    import warnings

    def warned(x):
        warnings.warn("mind the gap", UserWarning, stacklevel=1)
        return ops.tanh(x)

    grad_check(warned, [X])
    out, err = capsys.readouterr()
    assert "warned: UserWarning: mind the gap" in out and err == ""
    assert grad_report(warned, [X]).warnings == ["UserWarning: mind the gap"]


def test_one_seed_gives_one_message():
    texts = {str(error(kl, {"mu": X, "logvar": X + 0.1}, half_forgotten, seed=5)) for _ in range(2)}
    assert len(texts) == 1
    other = str(error(kl, {"mu": X, "logvar": X + 0.1}, half_forgotten, seed=6))
    assert other not in texts


def test_a_report_holds_both_gradients():
    report = grad_report(kl, {"mu": X, "logvar": X + 0.1}, backward=half_forgotten)
    mu, logvar = report.tensors
    assert not report.ok and mu.verdict == "right" and logvar.verdict == "wrong"
    np.testing.assert_allclose(mu.numeric, mu.analytic, rtol=1e-6)
    np.testing.assert_allclose(logvar.analytic / logvar.numeric, 2, rtol=1e-6)
    assert "with respect to logvar" in str(report)


# Large arrays --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [1.01, 0.0])
@pytest.mark.parametrize("seed", range(4))
def test_one_wrong_entry_of_200_000_is_found(factor, seed):
    x = np.random.default_rng(seed).normal(size=(400, 500))
    i, j = np.random.default_rng(seed + 100).integers(0, 400, 2)
    x[i, j] = 0.5

    def backward(dy, y, x):
        dx = dy * (1 - y * y)
        dx[i, j] *= factor
        return dx

    caught = error(np.tanh, {"x": x}, backward, seed=seed)
    assert re.fullmatch(
        rf"x\[{i}, {j}\] of shape \(400, 500\); found by sampling, 1 of \d+ entries looked at disagree", caught.where
    )
    assert f"wrong only at x[{i}, {j}]" in caught.hint


def test_a_wrong_entry_among_a_million_is_found_in_a_thousand_evaluations():
    x = rng.normal(size=10**6)
    x[777_777] = -0.3

    def backward(dy, y, x):
        dx = 2 * dy * x
        dx[777_777] *= -1
        return dx

    caught = error(np.square, {"x": x}, backward)
    assert "x[777777] of shape (1000000,)" in caught.where and "ratio -1.0000" in caught.numbers
    assert int(re.search(r"(\d+) evaluations", str(caught))[1]) < 1000


def test_a_small_bias_beside_a_large_weight_is_sampled_on_its_own(monkeypatch):
    x, w, b = rng.normal(size=(20, 300)), rng.normal(size=(300, 100)) / 17, rng.normal(size=100)

    def f(x, w, b):
        return np.tanh(x @ w + b)

    def backward(dy, y, x, w, b):
        d = dy * (1 - y * y)
        db = d.sum(0)
        db[42] *= 1.01
        return d @ w.T, x.T @ d, db

    assert "b[42] of shape (100,)" in error(f, {"x": x, "w": w, "b": b}, backward).where


def test_a_wrong_factor_in_a_large_array_is_still_diagnosed():
    x = rng.normal(size=(100, 100))
    assert "every ratio is 2" in error(np.sin, {"x": x}, lambda dy, y, x: 2 * dy * np.cos(x)).hint


def test_large_arrays_with_kinks_pass():
    for seed in range(4):
        x = np.random.default_rng(seed).normal(size=100_000)
        grad_check(ops.relu, [x], seed=seed, quiet=True)


def test_an_infinite_gradient_in_a_large_array_is_found():
    x = np.abs(rng.normal(size=5000)) + 0.1

    def backward(dy, y, x):
        dx = dy / x
        dx[4321] = np.inf
        return dx

    assert "x[4321]" in error(np.log, {"x": x}, backward).where


def test_minigen_is_unmoved_by_a_failed_check():
    with pytest.raises(GradCheckError):
        grad_check(np.sin, {"x": X}, backward=lambda dy, y, x: dy)
    x = Tensor(X, requires_grad=True)
    np.testing.assert_allclose(minigen.grad(ops.sin(x).sum(), [x])[0].data, np.cos(X))

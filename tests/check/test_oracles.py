"""value_check and invariant_check on formulas whose value is wrong and whose derivative is right."""

import math
import warnings

import numpy as np
import pytest

import minigen
from minigen import losses
from minigen.check import (
    CheckError,
    InvariantCheckError,
    ValueCheckError,
    adjoint_check,
    grad_check,
    invariant_check,
    value_check,
)
from minigen.errors import SettingError
from minigen.models.linear_gaussian import LinearGaussian
from minigen.ops import exp, expm1, log, sigmoid, softplus

rng = np.random.default_rng(5)
MU, LOGVAR, NOISE = (rng.normal(size=(4, 3)) for _ in range(3))
LOGITS, LABELS = rng.normal(size=(5, 2)), (rng.random((5, 2)) < 0.5).astype(float)


def value_error(f, cases, **settings):
    with pytest.raises(ValueCheckError) as caught:
        value_check(f, cases, **settings)
    assert len(str(caught.value).splitlines()) <= 12
    return caught.value


def invariant_error(margin, draw, **settings):
    with pytest.raises(InvariantCheckError) as caught:
        invariant_check(margin, draw, **settings)
    assert len(str(caught.value).splitlines()) <= 12
    return caught.value


def code(rng):
    """μ and log σ² of a few items."""
    return rng.normal(size=(4, 3)), rng.normal(size=(4, 3))


def scores(rng):
    """Logits and their labels."""
    return 5 * rng.normal(size=6), (rng.random(6) < 0.5).astype(float)


# Right formulas -------------------------------------------------------------------------------------------------------


def test_the_closed_forms_of_the_losses_hold(capsys):
    def kl(mu, sigma):
        return [np.array([[mu]]), np.array([[2 * math.log(sigma)]])]

    value_check(losses.vae.gaussian_kl, [(kl(1, 0.5), 0.81814718), (kl(1.2, 0.6), 0.91082562), (kl(0, 1), 0.0)])
    out = capsys.readouterr().out
    assert out.startswith("value_check gaussian_kl: right; 3 cases, 3 numbers, worst error ")
    one = np.ones((1, 1))
    value_check(losses.vae.gaussian_nll, [([0 * one, math.log(0.25) * one, one], 2.2257914)])
    value_check(losses.vae.bernoulli_nll, [([np.zeros((2, 784)), np.ones((2, 784))], 784 * math.log(2))])
    value_check(
        losses.binary_cross_entropy, [([np.array([-2.0, 0.5]), 1.0], 1.3005024), ([np.zeros(3), 0.0], 0.69314718)]
    )
    value_check(losses.vae.iwae_bound, [(np.array([[-1.0, -2.0, -5.0]]), -1.7720499)])


def test_the_elbo_never_exceeds_log_p():
    def draw(rng):
        w, a, v, x = rng.normal(size=4)
        return LinearGaussian(w=w, a=a, v=math.exp(v)), np.array([[x]])

    invariant_check(lambda m, x: m.log_px_exact(x) - m.elbo_exact(x), draw, says="ELBO ≤ log p(x)", quiet=True)


def test_the_bound_is_log_p_where_q_is_the_posterior():
    model = LinearGaussian()
    value_check(model.log_px_exact, [(np.array([[1.0]]), [-1.4305103])], quiet=True)
    value_check(model.elbo_exact, [(np.array([[1.0], [0.3]]), lambda x: model.log_px_exact(x).data)], quiet=True)


def test_kl_is_never_negative_and_0_at_the_prior(capsys):
    invariant_check(losses.vae.gaussian_kl, code, says="KL is never negative")
    out = capsys.readouterr().out
    assert out.startswith("invariant_check gaussian_kl: right; smallest margin ") and out.endswith(" over 20 draws\n")

    def at_the_prior(rng):
        return 2 * (np.zeros((4, rng.integers(1, 5))),)

    invariant_check(lambda mu, logvar: -abs(losses.vae.gaussian_kl(mu, logvar)), at_the_prior)
    assert "never moved" not in capsys.readouterr().out  # an equality that holds exactly


def test_a_monte_carlo_value_is_held_to_its_standard_error(capsys):
    z = losses.vae.reparameterise(np.full((10_000, 1), 1.5), np.full((10_000, 1), -1.0), rng=np.random.default_rng(0))
    squares = z**2
    se = squares.std() / 100
    right = 1.5**2 + math.exp(-1)  # E[z²] = μ² + σ²
    value_check(lambda s: s.mean(), [(squares, right)], within=4 * se)
    assert f"(tolerance {4 * se:.1e})" in capsys.readouterr().out
    caught = value_error(lambda s: s.mean(), [(squares, 1.5**2 + math.exp(-2))], within=4 * se)
    assert "the value is wrong" in str(caught)


# Planted mistakes -----------------------------------------------------------------------------------------------------


def kl(mu, logvar):
    return 0.5 * (mu * mu + expm1(logvar) - logvar).sum(1).mean()


def bce(logits, labels):
    return (softplus(logits) - labels * logits).mean()


def bce_of(p, labels):
    return -(labels * log(p) + (1 - labels) * log(1 - p)).mean()


FORMULAS = {
    # mistake: (wrong, right, inputs, draw, also caught by "never negative")
    "the standard deviation is exp(logvar)": (
        lambda mu, logvar, noise: mu + exp(logvar) * noise,
        lambda mu, logvar, noise: mu + np.exp(logvar / 2) * noise,
        [MU, LOGVAR, NOISE],
        None,
        False,
    ),
    "exp(logvar) twice in the KL": (
        lambda mu, logvar: 0.5 * (mu * mu + expm1(2 * logvar) - logvar).sum(1).mean(),
        lambda mu, logvar: kl(mu, logvar),
        [MU, LOGVAR],
        lambda rng: (0.1 * rng.normal(size=(4, 3)), rng.uniform(-0.6, 0, (4, 3))),
        True,
    ),
    "the sign of the KL": (lambda mu, logvar: -kl(mu, logvar), kl, [MU, LOGVAR], code, True),
    "a missing 1/2": (lambda mu, logvar: 2 * kl(mu, logvar), kl, [MU, LOGVAR], code, False),
    "a sum for a mean": (lambda mu, logvar: len(mu) * kl(mu, logvar), kl, [MU, LOGVAR], code, False),
    "logits as probabilities": (
        lambda logits, labels: bce_of(logits, labels),
        bce,
        [rng.uniform(0.1, 0.9, (5, 2)), LABELS],
        lambda rng: (rng.uniform(0.1, 0.9, 6), (rng.random(6) < 0.5).astype(float)),
        False,
    ),
    "labels exchanged": (lambda logits, labels: bce(logits, 1 - labels), bce, [LOGITS, LABELS], scores, False),
    "a probability clipped at 0.999": (
        lambda logits, labels: bce_of(minigen.minimum(sigmoid(logits), 0.999), labels),
        bce,
        [np.array([9.0, -1.0]), np.zeros(2)],
        scores,
        False,
    ),
    "logits ±800 through a sigmoid": (
        lambda logits, labels: bce_of(sigmoid(logits), labels),
        bce,
        [np.array([800.0, -3.0]), np.array([0.0, 1.0])],
        lambda rng: (rng.uniform(-3, 3, 6), (rng.random(6) < 0.5).astype(float)),
        False,
    ),
}


@pytest.mark.parametrize("mistake", FORMULAS)
def test_a_wrong_formula_is_caught_though_its_gradient_is_right(mistake):
    wrong, right, inputs, draw, by_sign = FORMULAS[mistake]
    if np.abs(inputs[0]).max() < 20:  # elsewhere f is not finite
        grad_check(wrong, inputs, quiet=True)
    with pytest.raises(ValueCheckError):
        value_check(wrong, [(inputs, right)])
    if draw is not None:
        invariant_check(right, draw, quiet=True)
        if by_sign:
            assert "this does not hold: a cost" in str(invariant_error(wrong, draw, says="a cost is never negative"))
        else:
            invariant_check(wrong, draw, quiet=True)  # only its value gives it away


BOUNDS = {
    # mistake: what is taken for a bound, from log p(x|z) on average, the KL, and the model
    "λ = 1/4 (E6)": lambda model, fit, kl: 0.25 * fit - kl,
    "a quarter of the KL": lambda model, fit, kl: fit - 0.25 * kl,
    "the decoder scores its own output (E7)": lambda model, fit, kl: -0.5 * (losses.vae.LOG_2PI + math.log(0.25)) - kl,
    "a missing constant": lambda model, fit, kl: fit + 0.5 * losses.vae.LOG_2PI - kl,
}


@pytest.mark.parametrize("mistake", BOUNDS)
def test_what_is_no_bound_is_caught_by_the_invariant_alone(mistake):
    """Both parts have the right value, as far as their closed forms go: what is wrong is what is made of them."""

    def parts(a, v, x):
        mu, logvar = np.array([[a * x]]), np.array([[math.log(v)]])
        fit = -0.5 * (losses.vae.LOG_2PI + math.log(0.25) + ((x - a * x) ** 2 + v) / 0.25)
        return fit, losses.vae.gaussian_kl(mu, logvar)

    value_check(lambda a, v, x: parts(a, v, x)[0], [([0.8, 0.2, 1.0], -0.70579133)], quiet=True)
    value_check(lambda a, v, x: parts(a, v, x)[1], [([0.8, 0.2, 1.0], 0.72471896)], quiet=True)

    def gap(bound):
        def margin(a, v, x):
            log_p = -0.5 * (losses.vae.LOG_2PI + math.log(1.25) + x * x / 1.25)
            return log_p - bound(None, *parts(a, v, x))

        return margin

    def draw(rng):
        return rng.uniform(0.6, 0.9), rng.uniform(0.1, 0.4), rng.normal()

    invariant_check(gap(lambda model, fit, kl: fit - kl), draw, says="ELBO ≤ log p(x)", quiet=True)
    caught = invariant_error(gap(BOUNDS[mistake]), draw, says="ELBO ≤ log p(x)", name="the bound")
    assert str(caught).startswith("the bound: this does not hold: ELBO ≤ log p(x)")


# What a message says --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change, key, text",
    [
        (lambda y: -y, "sign", "every ratio is −1: the sign"),
        (lambda y: 2 * y, "double", "every ratio is 2: a factor 1/2 is missing"),
        (lambda y: 4 * y, "times", "every ratio is 4, the length of axis 0 of x: a sum where a mean is meant"),
        (lambda y: y / 12, "share", "every ratio is 1/12, and 12 is the number of entries of x: a mean where a sum"),
        (lambda y: 0 * y, "zero value", "yours is 0 everywhere"),
        (lambda y: y[::-1], "flipped", "right after a flip along axis 0"),
        (lambda y: np.roll(y, 1, 1), "rolled", "right after a roll by -1 along axis 1"),
        (lambda y: y + 0.5, "offset", "yours − expected is the same number everywhere"),
        (lambda y: y * [2, 3, 4], "factor along", "the ratio changes along axis 1 only"),
        (lambda y: np.where(y > 0, y, y / 2), "branch", "wrong only where x < 0: every ratio there is 0.5"),
        (lambda y: y + 1e-4 * np.cos(9 * y), "digits", "right to 4 digits only"),
        (lambda y: y * np.cos(9 * y), "none", "no simple pattern; y["),
        (lambda y: np.where(y > 1, np.nan, y), "overflow", "not finite only in yours"),
    ],
)
def test_a_pattern_names_its_cause(change, key, text):
    caught = value_error(lambda x: change(np.sinh(x)), [(MU, np.sinh)])
    assert caught.finding.hint.key == key and text in caught.hint
    assert "numerical" not in str(caught) and "梯度" not in caught.finding.hint.zh


def test_the_message_names_the_entry_and_both_numbers():
    def wrong(x):
        y = x.copy()
        y[3, 1] *= 1.5
        return y

    caught = value_error(wrong, [(MU[:2], lambda x: x), (MU, lambda x: x)][1:], name="identity")
    lines = str(caught).splitlines()
    assert lines[0] == "identity: the value is wrong"
    assert lines[1] == "where    y[3, 1] of shape (4, 3); 1 of 12 entries disagree; case 1 of 1"
    assert lines[2].startswith(f"numbers  yours {1.5 * MU[3, 1]:.6g}   expected {MU[3, 1]:.6g} ± ")
    assert lines[2].endswith("   ratio 1.5000")
    assert lines[-1] == "again    inputs x (4, 3)"


def test_numbers_of_several_cases_are_diagnosed_together():
    cases = [(x, lambda x: x.var()) for x in (MU[0], MU[1], 3 * MU[2])]
    caught = value_error(lambda x: x.var() + 0.25, cases)
    assert "yours − expected is the same number everywhere" in caught.hint
    assert caught.where == "3 of 3 cases disagree; case 1 of 3"
    assert "every ratio is 1.5: a constant factor" in value_error(lambda x: x.var(ddof=1), cases).hint
    assert value_error(lambda x: (x**2).mean(), cases).finding.hint.key == "none"


def test_numbers_that_differ_late_are_shown_in_full():
    caught = value_error(lambda x: x, [(1.0, 1.00001)])
    assert caught.numbers.startswith("yours 1   expected 1.00001 ")
    assert value_error(lambda x: x, [(1.0, 1.0000003)], rtol=1e-8).numbers.startswith("yours 1   expected 1.0000003")


def fails(check, **settings):
    """The text of a check's error where everything is twice as large, or negative."""
    calls = {
        value_check: lambda: value_check(lambda x: 2 * x, [(MU, lambda x: x)], **settings),
        invariant_check: lambda: invariant_check(lambda x: -(x**2), lambda rng: rng.normal(), **settings),
        adjoint_check: lambda: adjoint_check(lambda x: MU @ x, lambda y: 2 * MU.T @ y, (3,), (4,), **settings),
    }
    with pytest.raises(CheckError) as caught:
        calls[check]()
    return str(caught.value)


def test_a_small_number_that_is_all_wrong_is_not_called_right_to_some_digits():
    """A value and its standard error in one array: the second is a third too large, and 1 % of the first."""
    caught = value_error(lambda x: x * [1.0, 1.33], [([np.array([1.2, 0.011])], np.array([1.2, 0.011]))])
    assert "digits" not in str(caught)


def test_a_function_without_inputs_has_no_line_about_them():
    assert "again" not in str(value_error(lambda: 2.0, [([], 3.0)]))


@pytest.mark.parametrize("check", [value_check, invariant_check, adjoint_check])
def test_every_check_hides_its_numbers_and_speaks_chinese(check):
    hint = {
        value_check: ("every ratio is 2", "比值处处为 2"),
        invariant_check: ("violated at every draw: a sign", "每一次抽样都不成立"),
        adjoint_check: ("every ratio is 2", "比值处处为 2"),
    }[check]
    both = fails(check, lang="both", name="mine")
    assert both.startswith("mine: ") and f"hint     {hint[0]}" in both and f"提示     {hint[1]}" in both
    assert "numbers  " in both and "again    " in both
    hidden = fails(check, lang="zh", reveal=False)
    assert "hint" not in hidden and hint[1] in hidden
    assert "numbers" not in hidden and "again" not in hidden
    assert "提示" not in fails(check)


@pytest.mark.parametrize("check", ["value_check", "invariant_check", "adjoint_check"])
def test_warnings_are_told_on_stdout(check, capsys):
    def noisy(x):
        warnings.warn("mind the step", stacklevel=1)
        return x * 2

    calls = {
        "value_check": lambda quiet: value_check(noisy, [(MU, lambda x: 2 * x)] * 2, quiet=quiet),
        "invariant_check": lambda quiet: invariant_check(noisy, lambda rng: rng.random(), quiet=quiet),
        "adjoint_check": lambda quiet: adjoint_check(noisy, noisy, (3,), (3,), quiet=quiet),
    }
    calls[check](False)
    seen = capsys.readouterr()
    assert seen.out.splitlines()[1:] == ["  warned: UserWarning: mind the step"] and seen.err == ""
    assert seen.out.startswith(f"{check} noisy: right; ")
    calls[check](True)
    seen = capsys.readouterr()
    assert seen.out == "" and seen.err == ""


def test_no_numbers_stand_in_a_hidden_hint():
    caught = value_error(lambda x: x * np.cos(9 * x), [(MU, lambda x: x)], reveal=False)
    assert str(caught).splitlines()[-1] == "hint     no simple pattern"
    assert caught.numbers == ""


# Shape, dtype, finiteness, and what else a value owes -----------------------------------------------------------------


@pytest.mark.parametrize(
    "f, text, why",
    [
        (lambda x: x.T, "the result has shape (3, 4); (4, 3) is expected", "right after a transpose"),
        (lambda x: x[None], "the result has shape (1, 4, 3); (4, 3) is expected", "an axis of length 1 is kept"),
        (lambda x: np.stack([x, x]), "the result has shape (2, 4, 3); (4, 3) is", "a sum or a mean over an axis"),
        (lambda x: x[0], "the result has shape (3,); (4, 3) is expected", ""),
        (lambda x: x.astype(np.float32), "the result is float32; float64 is expected", "look for a float32 array"),
        (lambda x: None, "f returns None: is a return missing?", ""),
        (lambda x: (x, x), "f returns a tuple of 2; it must return one array or one number", ""),
        (lambda x: x.tolist(), "f returns a list of 4; it must return one array", ""),
        (lambda x: x.astype(str), "; it must return numbers", ""),
    ],
)
def test_a_result_of_another_kind_is_told(f, text, why):
    caught = value_error(f, [(MU, lambda x: x)])
    assert text in str(caught) and why in caught.hint and caught.verdict == "broken"


def test_float32_in_is_float32_out():
    single = MU.astype(np.float32)
    caught = value_error(lambda x: x * np.float64(2), [(single, lambda x: 2 * x)])
    assert "the result is float64; float32 is expected" in str(caught) and "np.sqrt(2) are float64" in caught.hint
    value_check(lambda x: x * 2, [(single, lambda x: 2 * x)], quiet=True)
    value_check(lambda x: x * 2, [(single, 2 * single.astype(np.float64))], quiet=True)  # NumPy's default asks nothing
    value_check(
        lambda x: float(x.sum()), [(single, single.sum())], rtol=1e-5, quiet=True
    )  # a Python number has no dtype
    value_check(lambda x: x > 0, [(single, single > 0)], quiet=True)
    assert "the result is int64; bool is expected" in str(value_error(lambda x: (x > 0) * 1, [(single, single > 0)]))


def test_nan_is_told_from_a_mismatch():
    with np.errstate(all="ignore"):
        caught = value_error(np.log, [(np.array([1.0, -1.0]), np.log)])
    assert caught.verdict == "both NaN" and caught.where == "y[1] of shape (2,); case 1 of 1"
    assert "NaN on both sides: f itself is not finite here" in str(caught)
    with pytest.raises(SettingError, match=r"case 1 of 1: the expected y\[1\] is NaN; choose other inputs"):
        value_check(np.exp, [(np.array([1.0, -1.0]), np.log)])


def test_infinities_agree_if_they_are_equal():
    x = np.array([0.0, 2.0])
    value_check(lambda x: np.log(x), [(x, np.log)], quiet=True)
    assert "yours inf   expected -inf" in value_error(lambda x: -np.log(x), [(x, np.log)]).numbers
    assert "expected 0" in value_error(np.log, [(x, np.array([0.0, math.log(2)]))]).numbers
    value_error(np.exp, [(x, np.array([np.inf, math.exp(2)]))])


def test_a_wrong_number_beside_an_infinite_one_is_found():
    """The tolerance is relative to each entry alone: an infinity does not excuse its neighbours, nor itself."""
    x = np.array([0.0, 2.0])
    assert value_error(lambda x: 2 * np.log(x), [(x, np.log)]).where.startswith("y[1] of shape (2,); 1 of 2")


@pytest.mark.parametrize("size", [1e-12, 1e-3, 1e6])
def test_the_tolerance_is_relative_at_every_size(size):
    x = size * MU
    value_check(lambda x: x * (1 + 5e-7), [(x, lambda x: x)], quiet=True)
    value_error(lambda x: x * (1 + 5e-6), [(x, lambda x: x)])
    value_check(lambda x: x + 2e-13, [(np.zeros(3), lambda x: x)], atol=1e-12, quiet=True)
    value_error(lambda x: x + 2e-13, [(np.zeros(3), lambda x: x)])


def test_a_warning_fails_where_silence_is_asked_for():
    def unstable(x):
        return np.log(1 + np.exp(x))

    def stable(x):
        return np.maximum(x, 0) + np.log1p(np.exp(-abs(x)))  # which underflows: that is no matter

    x = np.array([-800.0, 0.0, 20.0])
    value_check(stable, [(x, stable), (-x, stable)], no_warnings=True)
    value_check(unstable, [(x, stable)], atol=1e-8, no_warnings=True, quiet=True)
    caught = value_error(unstable, [(x, stable), (-x, stable)], atol=1e-8, no_warnings=True)
    assert "unstable: f warns: RuntimeWarning: overflow encountered in exp" in str(caught)
    assert caught.where == "case 2 of 2" and "use the stable form" in caught.hint


def test_a_function_that_changes_its_input_is_told():
    def greedy(x, w):
        w *= 2
        return x * w

    caught = value_error(greedy, [({"x": MU, "w": LOGVAR}, lambda x, w: 2 * x * w)])
    assert "greedy: f changes its input w" in str(caught) and "work on a copy" in caught.hint


def test_inputs_are_copied_for_every_call():
    x = MU.copy()

    def reference(x):
        x *= 2
        return x

    value_check(lambda x: 2 * x, [(x, reference), (x, reference)], quiet=True)
    assert np.array_equal(x, MU)


def test_an_array_that_is_filled_again_is_compared_as_it_was():
    y = np.empty(3)

    def thrifty(x):
        np.multiply(x, 2, out=y)
        return y

    caught = value_error(thrifty, [(MU[0], MU[0]), (MU[1], 2 * MU[1])])
    assert "every ratio is 2" in caught.hint and "case 1 of 2" in caught.where
    value_check(thrifty, [(x, 2 * x) for x in MU], quiet=True)


def test_tensors_stay_tensors():
    def f(x, w):
        assert isinstance(x, minigen.Tensor) and isinstance(w, np.ndarray)
        return x @ w

    value_check(f, [([minigen.tensor(MU), LOGVAR.T.copy()], MU @ LOGVAR.T)], quiet=True)

    def slope(x):
        assert x.requires_grad
        return minigen.grad((x * x).sum(), [x])[0]

    value_check(slope, [([minigen.Tensor(MU, requires_grad=True)], 2 * MU)], quiet=True)


def test_generators_among_the_inputs_start_alike():
    value_check(
        lambda mu, rng: mu + rng.normal(size=3),
        [([MU, np.random.default_rng(1)], lambda mu, rng: mu + rng.normal(size=3))],
        quiet=True,
    )


def test_an_empty_array_and_complex_numbers_are_compared(capsys):
    value_check(lambda x: x + 1, [(np.zeros((0, 3)), np.ones((0, 3))), (np.zeros(3), np.ones(3))])
    assert "2 cases, 3 numbers" in capsys.readouterr().out
    value_check(lambda x: x + 1, [(np.zeros(0), np.ones(0))])
    assert "every result is empty: nothing was compared" in capsys.readouterr().out
    value_check(np.fft.fft, [(MU, lambda x: np.fft.fft(x))], quiet=True)
    value_error(lambda x: np.fft.fft(x).conj(), [(MU, lambda x: np.fft.fft(x))])


# Invariants -----------------------------------------------------------------------------------------------------------


def test_the_draw_that_fails_can_be_repeated_alone():
    def draw(rng):
        return rng.normal(size=8)

    caught = invariant_error(lambda x: 1.2 + x.mean() * 2, draw, n=50, seed=100, says="it is high enough")
    assert caught.finding.again == f"invariant_check(…, seed={caught.seed}, n=1)"
    alone = invariant_error(lambda x: 1.2 + x.mean() * 2, draw, n=1, seed=caught.seed)
    assert alone.numbers.split()[2] == caught.numbers.split()[2]  # the smallest margin
    assert f"the draw of seed {caught.seed}; " in caught.where and " of 50 draws violate it" in caught.where


def test_rows_that_do_not_sum_to_1_are_found():
    def softmax(x):
        e = np.exp(x - x.max(-1, keepdims=True))
        return e / e.sum(-1, keepdims=True)

    def draw(rng):
        return rng.normal(size=(5, 4))

    invariant_check(lambda x: -abs(softmax(x).sum(1) - 1), draw, atol=1e-14, quiet=True)  # rounding of four numbers
    invariant_error(lambda x: -abs(softmax(x.T).T.sum(1) - 1), draw, atol=1e-14)


def test_one_negative_entry_of_a_margin_is_enough():
    caught = invariant_error(lambda x: np.where(np.arange(5) == 3, -1e-3, x**2), lambda rng: rng.normal(size=5))
    assert "smallest margin -0.001 " in caught.numbers


def test_a_violation_by_rounding_is_called_so():
    def near_the_prior(rng):
        return rng.normal(size=3) * 1e-9

    def kl_that_cancels(logvar):
        return (np.exp(logvar) - 1 - logvar).sum()

    caught = invariant_error(kl_that_cancels, near_the_prior, n=50)
    assert "may be rounding" in caught.hint
    invariant_check(kl_that_cancels, near_the_prior, n=50, atol=1e-15, quiet=True)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_margin_of_which_nothing_can_be_said_fails(bad):
    caught = invariant_error(lambda x: np.array([1.0, bad]) if bad != bad else bad, lambda rng: rng.normal(), seed=3)
    assert f"the margin is {bad}: " in str(caught)
    assert caught.where == "the draw of seed 3" and caught.seed == 3 and caught.verdict == "broken"


def test_a_margin_that_never_moves_is_asked_about(capsys):
    invariant_check(lambda x: 3.0, lambda rng: rng.normal())
    assert capsys.readouterr().out.endswith("over 20 draws; the margin never moved: does it depend on the draw?\n")
    invariant_check(lambda x: x**2, lambda rng: 1.0)
    assert "never moved" in capsys.readouterr().out
    invariant_check(lambda x: x**2, lambda rng: 1.0, n=1)
    assert "never moved" not in capsys.readouterr().out


# Misuse ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call, text",
    [
        (lambda: value_check(np.exp, []), "cases is empty; without one nothing is checked"),
        (lambda: value_check(np.exp, [MU]), r"\(inputs, expected\) pairs; it holds a ndarray"),
        (lambda: value_check(np.exp, ([MU], MU)), r"it holds a list of 1"),
        (lambda: value_check(np.exp, [(MU, MU)], rtol=-1), "rtol=-1 must be finite and at least 0"),
        (lambda: value_check(np.exp, [(MU, MU)], atol=math.inf), "atol=inf must be finite"),
        (lambda: value_check(np.exp, [(MU, MU)], within=math.nan), "within=nan must be finite"),
        (
            lambda: value_check(np.exp, [(MU, MU)], within=np.ones(5)),
            r"within has shape \(5,\); the result has \(4, 3\)",
        ),
        (lambda: value_check(np.exp, [(MU, np.array(["one"]))]), "the expected value of case 1 of 1 is <U3"),
        (lambda: value_check(np.exp, [(MU, np.exp)], lang="fr"), "lang='fr'"),
        (lambda: invariant_check(np.exp, code, n=0), "n=0 must be at least 1"),
        (lambda: invariant_check(np.exp, lambda rng: 1.0, atol=-1), "atol=-1 must be finite and at least 0"),
        (
            lambda: invariant_check(lambda x: x > 0, lambda rng: rng.normal()),
            r"return the number itself \(kl, not kl >= 0\)",
        ),
        (lambda: invariant_check(lambda x: x, lambda rng: np.zeros(0)), r"of shape \(0,\)"),
    ],
)
def test_misuse_is_told(call, text):
    with pytest.raises(SettingError, match=text):
        call()


def test_the_errors_are_assertions():
    assert issubclass(ValueCheckError, CheckError) and issubclass(InvariantCheckError, AssertionError)


def test_a_complex_result_is_no_number_of_a_formula():
    with pytest.raises(ValueCheckError, match="the result is complex128; float64 is expected"):
        value_check(lambda x: x + 0j, [(np.ones(2), np.ones(2))])

"""What a test is worth: blind ones are exposed by what they let through, honest ones are proven."""

import sys
import warnings

import numpy as np
import pytest

import minigen
from minigen import nn, ops
from minigen.autograd import Fused, Op
from minigen.check import grad_check
from minigen.check.mutants import FORMULAS, MUTATIONS, MutantError, must_bite, prove
from minigen.check.operation import op_check
from minigen.check.oracles import invariant_check, value_check
from minigen.check.verdict import CheckError
from minigen.errors import SettingError
from minigen.losses.vae import gaussian_kl

from .planted import softmax, softmax_backward

rng = np.random.default_rng(3)
X, W, B = rng.normal(size=(4, 3)), rng.normal(size=(3, 2)), rng.normal(size=2)
DY = rng.normal(size=(4, 2))
FIRST_ORDER = [name for name, row in MUTATIONS.items() if row.order == 1]


def dense(x, w, b):
    return x @ w + b


def dense_backward(dy, y, x, w, b):
    return dy @ w.T, x.T @ dy, dy.sum(0)


def slope(f, x, dy, i, h=1e-6):
    """Σ dy · f by the i-th entry of x, by a central difference."""
    above, below = x.copy(), x.copy()
    above.flat[i] += h
    below.flat[i] -= h
    return (dy * (f(above) - f(below))).sum() / (2 * h)


def ones_cotangent(backward):
    """A convention of older courses: Σ f is differentiated, so that dy is 1 everywhere."""
    y = softmax(X)
    dx = backward(np.ones_like(y), y, X)
    for i in range(X.size):
        assert abs(dx.flat[i] - slope(softmax, X, 1.0, i)) < 1e-6


def test_a_check_with_a_cotangent_of_ones_is_exposed():
    names = [name for name in FIRST_ORDER if name != "constant added"]  # 1 % of rounding
    proof = prove(ones_cotangent, softmax_backward, wrong=names)
    assert not proof.ok
    assert proof.caught == ["one entry NaN"] and proof.equivalent == ["mean taken out"]
    assert proof.survived == [name for name in names if name not in ("one entry NaN", "mean taken out")]
    text = str(proof)
    assert text.startswith("softmax_backward: 20 planted errors: 1 caught, 18 let through, 1 equivalent\n")
    assert "\n  let through  zeros: the gradient is 0 everywhere\n" in text
    assert "\n  let through  dy ignored: the gradient is that of dy = 1, whatever dy is\n" in text


def test_a_check_of_one_entry_is_exposed():
    def one_entry(backward):  # in the middle of x, and dy = 1 again
        y = dense(X, W, B)
        dx = backward(np.ones_like(y), y, X, W, B)[0]
        assert abs(dx[1, 1] - slope(lambda x: dense(x, W, B), X, 1.0, 4)) < 1e-2

    proof = prove(one_entry, dense_backward)
    assert [name for name in proof.survived if name.endswith(" for x")] == [
        *("times 1.001 for x", "one entry times 1.01 for x", "one entry 0 for x", "one entry NaN for x"),
        *("transposed for x", "flipped for x", "in float32 for x", "dy ignored for x"),
    ]
    text = str(proof)  # the rule is called, and its other gradients go unseen
    assert text.count(" for w: ") == 19 and text.count(" for b: ") == 18
    assert "let through  dy ignored for w: the gradient for w is that of dy = 1, whatever dy is" in text


def test_a_coarse_tolerance_is_exposed():
    def coarse(backward):
        y = softmax(X)
        dy = np.random.default_rng(1).normal(size=y.shape)
        dx = backward(dy, y, X)
        for i in range(X.size):
            n = slope(softmax, X, dy, i)
            assert dx.shape == X.shape and abs(dx.flat[i] - n) <= 1e-2 * max(abs(dx.flat[i]), abs(n))

    assert prove(coarse, softmax_backward).survived == [
        *("times 1.001", "one entry times 1.01", "in float32", "changes an input", "changes dy")
    ]


def test_a_check_that_nan_passes_and_one_that_broadcasts_are_exposed():
    y, dy = softmax(X), np.random.default_rng(1).normal(size=X.shape)
    right = softmax_backward(dy, y, X)

    def greater(backward):
        if abs(backward(dy, y, X) - right).max() > 1e-9:
            raise ValueError("the gradient is wrong")

    assert prove(greater, softmax_backward, wrong=["one entry NaN", "not summed", "zeros"]).survived == [
        *("one entry NaN", "not summed"),
    ]


def test_a_check_that_returns_false_is_exposed():
    def returns(backward):
        y, dy = softmax(X), np.random.default_rng(1).normal(size=X.shape)
        return np.allclose(backward(dy, y, X), softmax_backward(dy, y, X), rtol=1e-9)

    proof = prove(returns, softmax_backward)
    assert not proof.caught and len(proof.survived) == 20 and not proof.ok
    passed = ("not summed", "in float32", "changes an input", "changes dy")  # allclose broadcasts, and adds 1e-8
    assert proof.returned == [name for name in FIRST_ORDER if name not in (*passed, "mean taken out")]
    assert "but          the test returned False for zeros, sign, " in str(proof)
    assert "a grader may take that for a pass: raise instead" in " ".join(str(proof).split())
    assert prove(lambda backward: np.bool_(False), softmax_backward).rejected == "it returned False"


def test_an_honest_check_is_proven(capsys):
    proof = prove(lambda backward: op_check(dense, backward, [X, W, B]), dense_backward)
    assert proof.ok and len(proof.caught) == 58 and not proof.equivalent
    assert str(proof).splitlines() == [
        "dense_backward: 58 planted errors: 58 caught",
        "  caught       by GradCheckError: all 19 for x; all 19 for w; all 18 for b; changes an input, changes dy",
    ]
    assert capsys.readouterr() == ("", "")
    must_bite(lambda backward: op_check(dense, backward, [X, W, B]), dense_backward)
    assert capsys.readouterr() == ("must_bite dense_backward: 58 planted errors: 58 caught\n", "")


def test_what_is_equal_everywhere_is_equivalent_and_must_be_listed():
    def test(backward):
        op_check(softmax, backward, [X])

    must_bite(test, softmax_backward, equivalent=["mean taken out"], quiet=True)
    with pytest.raises(MutantError, match="the cases are vacuous: [^\n]* mean taken out. Choose other cases, or list"):
        must_bite(test, softmax_backward)
    with pytest.raises(MutantError, match="softmax_backward: listed as equivalent, but not so: sign.") as caught:
        must_bite(test, softmax_backward, equivalent=["mean taken out", "sign"])
    assert isinstance(caught.value, CheckError) and isinstance(caught.value, AssertionError)


def test_vacuous_cases_are_told():
    def square_backward(dy, y, x):
        return 2 * x * dy

    zero = np.zeros((3, 2))
    proof = prove(lambda backward: grad_check(np.square, [zero], backward=backward), square_backward)
    assert {"zeros", "sign", "times 2", "transposed", "one entry 0"} <= set(proof.equivalent)
    assert "constant added" in proof.caught and not proof.survived
    with pytest.raises(
        MutantError, match="the cases are vacuous: nothing in them tells these errors .*: zeros, sign, "
    ):
        must_bite(lambda backward: grad_check(np.square, [zero], backward=backward), square_backward)


def test_like_says_where_two_rules_must_be_told_apart():
    def nowhere(backward):  # at 0 every slope is 0
        backward(np.ones(2), np.zeros(2), np.zeros(2))

    def square_backward(dy, y, x):
        return 2 * x * dy

    assert "sign" in prove(nowhere, square_backward).equivalent
    proof = prove(nowhere, square_backward, like=[(np.ones(2), B * B, B)])
    assert "sign" in proof.survived and not proof.equivalent


def test_a_test_that_rejects_the_right_rule_is_told():
    proof = prove(lambda backward: grad_check(softmax, [X], backward=lambda *a: 2 * backward(*a)), softmax_backward)
    assert not proof.ok and not proof.caught
    assert str(proof).startswith("softmax_backward: the test rejects the right one: GradCheckError: softmax: ")
    with pytest.raises(MutantError, match="the test rejects the right one: ZeroDivisionError: "):
        must_bite(lambda backward: 1 / 0, softmax_backward)


def test_a_test_that_looks_at_nothing_is_told():
    for proof in (
        prove(lambda backward: None, softmax_backward),
        prove(lambda: None, nn.Dense(3, 2, rng=minigen.random.generator(0))),
    ):
        assert not proof.ok
        assert str(proof).endswith("\n  let through  any error: the test never calls what it tests")


def test_an_operation_of_ones_own_is_proven_without_being_registered():
    cube = Op(lambda x: x * x * x)
    cube.vjp(x=lambda dy, y, x: 3 * dy * x * x)
    must_bite(lambda: grad_check(cube, [X], order=2), cube, order=2)
    proof = prove(lambda: grad_check(cube, [X]), cube, order=2)
    assert proof.survived == ["factor a constant for x", "dy a constant for x"]  # and order 1 is no excuse


def test_gradients_that_are_never_asked_for_are_told():
    layer = nn.Dense(3, 2, rng=minigen.random.generator(0))
    proof = prove(lambda: grad_check(lambda x: layer(x), [X]), layer)
    assert proof.unasked == ["weight", "bias"] and not proof.ok
    assert "\n  let through  every error for bias: the test never asks for that gradient\n" in str(proof)
    assert all(name.endswith(" for x") for name in proof.caught)
    proof = prove(lambda: grad_check(ops.multiply, [X, X.astype(int)]), ops.multiply)
    assert proof.unasked == ["b"]


@pytest.mark.parametrize("x", [X, minigen.tensor(X)])
def test_constants_are_told_and_count_neither_way(x):
    layer = nn.Dense(3, 2, rng=minigen.random.generator(0))
    proof = prove(lambda: grad_check(lambda: layer(x), [], params=layer), layer, wrong=["zeros", "sign"])
    assert proof.ok and proof.constant == ["x"]
    assert "\n  not planted  in x: the test passes a constant there" in str(proof)


def test_a_dtype_is_a_difference_even_where_the_numbers_are_equal():
    x = minigen.tensor(X, requires_grad=True)
    proof = prove(lambda f: minigen.grad(f(x).sum(), [x]), lambda x: x * 1.0, wrong=["in float32"])  # dy is 1 there
    assert proof.survived == ["in float32 for x"]


def test_a_zero_gradient_beside_others_makes_errors_equivalent():
    net = nn.Sequential(nn.Dense(3, 2, rng=minigen.random.generator(0)), nn.BatchNorm(2)).astype(np.float64)
    proof = prove(lambda: grad_check(net, [X], expect_zero=("0.bias",)), net, wrong=["times 2", "sign"])
    assert proof.equivalent == ["times 2 for 0.bias", "sign for 0.bias"] and proof.ok


def test_functions_of_tensors_are_proven_at_each_input():
    proof = prove(lambda kl: grad_check(kl, {"mu": X, "logvar": X / 2}), gaussian_kl)
    assert proof.ok and str(proof).endswith("by GradCheckError: all 21 for mu; all 21 for logvar")
    proof = prove(lambda kl: grad_check(lambda mu: kl(mu, X), [X]), gaussian_kl)
    assert proof.ok and proof.constant == ["logvar"]


def test_errors_of_ones_own_are_proven_by_name():
    def forgets_dy(dy, y, x):
        return y * (1 - y)

    proof = prove(
        lambda backward: op_check(softmax, backward, [X]),
        softmax_backward,
        wrong={"dy forgotten": forgets_dy, "none at all": softmax_backward},
    )
    assert proof.caught == ["dy forgotten"] and proof.equivalent == ["none at all"]
    layer = nn.Dense(3, 2, rng=minigen.random.generator(0))
    proof = prove(lambda: grad_check(layer, [X]), layer, wrong={"cubed": lambda rule: lambda *a: rule(*a) ** 3.0})
    assert proof.caught == ["cubed for weight", "cubed for bias", "cubed for x"]


@pytest.mark.parametrize("wrong", [["sing"], ["zeros", "sing"]])
def test_a_name_that_is_not_in_the_table_is_refused(wrong):
    with pytest.raises(SettingError, match="there is no mutation 'sing'"):
        prove(lambda backward: op_check(softmax, backward, [X]), softmax_backward, wrong=wrong)


def test_what_works_on_pytorch_is_refused_with_a_remedy():
    torch = pytest.importorskip("torch")
    with pytest.raises(SettingError, match="PyTorch's tensors.* on a backward\\(dy, y, \\*inputs\\) for arrays"):
        prove(lambda: None, torch.nn.Linear(3, 2))
    with pytest.raises(SettingError, match="PyTorch's tensors"):
        prove(lambda f: grad_check(f, [torch.ones(3)]), lambda x: x * x)


def test_misuse_of_prove_is_refused():
    with pytest.raises(SettingError, match="right is a function, an operation or a layer; this is int"):
        prove(lambda: None, 3)
    with pytest.raises(SettingError, match="like= holds arguments of a backward written by hand"):
        prove(lambda: None, "tanh", like=(X, X, X))


def test_what_wrong_rules_change_in_place_is_put_back():
    x, dy, seen = X.copy(), np.ones_like(X), []

    def test(backward):
        seen.append((x.copy(), dy.copy()))
        backward(dy, softmax(x), x)

    prove(test, softmax_backward, wrong=["changes an input", "changes dy", "zeros"])
    prove(test, softmax_backward, wrong="sign")
    assert len(seen) == 6
    for a, b in [*seen, (x, dy)]:
        np.testing.assert_array_equal(a, X)
        np.testing.assert_array_equal(b, 1)


def test_the_runs_are_silent_and_warnings_catch_nothing(capsys):
    def loud(backward):
        print("checking")
        print("checking", file=sys.stderr)
        warnings.warn("mind the gap", UserWarning, stacklevel=1)
        np.log(np.zeros(1))
        backward(DY, None, DY)

    proof = prove(loud, lambda dy, y, x: dy * x)
    assert not proof.caught and not proof.rejected
    assert capsys.readouterr() == ("", "")


def test_whatever_a_test_raises_has_caught_the_error():
    def by_pytest(backward):
        if abs(backward(X, None, X) - X * X).max() > 1e-9:
            pytest.fail("wrong")

    assert prove(by_pytest, lambda dy, y, x: dy * x, wrong=["sign"]).by == {"sign": "Failed"}

    def leaves(backward):
        sys.exit(backward(X, None, X)[0, 0] != X[0, 0] ** 2)

    assert prove(leaves, lambda dy, y, x: dy * x).rejected == "SystemExit: False"

    def stopped(backward):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prove(stopped, softmax_backward)


def test_a_formula_made_fused_is_proven_in_its_place():
    square = Fused(lambda x: x * x)
    must_bite(lambda: grad_check(square, [X], order=2), square, order=2, quiet=True)


# Wrong formulas -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMULAS)
def test_values_tell_every_wrong_formula(name):
    formula = FORMULAS[name]
    cases = [(list(formula.draw(np.random.default_rng(seed))), formula.right) for seed in range(2)]
    must_bite(lambda f: value_check(f, cases, quiet=True), formula.right, wrong=formula.wrong, quiet=True)


def test_the_right_formulas_are_the_librarys():
    mu, logvar = FORMULAS["gaussian_kl"].draw(np.random.default_rng(0))
    assert FORMULAS["gaussian_kl"].right(mu, logvar) == pytest.approx(float(gaussian_kl(mu, logvar)), rel=1e-14)
    logits, targets = FORMULAS["binary_cross_entropy"].draw(np.random.default_rng(0))
    ours = minigen.losses.binary_cross_entropy(logits, targets)
    assert FORMULAS["binary_cross_entropy"].right(logits, targets) == pytest.approx(float(ours), rel=1e-14)


def test_an_invariant_alone_sees_few_wrong_formulas():
    formula = FORMULAS["gaussian_kl"]

    def test(kl):
        invariant_check(kl, formula.draw, says="KL is never negative", quiet=True)

    proof = prove(test, formula.right, wrong=formula.wrong)
    assert proof.caught == ["opposite sign"] and len(proof.survived) == 6


def test_logits_that_are_all_small_do_not_show_a_clipped_probability():
    formula = FORMULAS["binary_cross_entropy"]
    cases = [([np.array([0.3, -2.0]), np.array([1.0, 0.0])], formula.right)]
    proof = prove(lambda f: value_check(f, cases), formula.right, wrong=formula.wrong)
    assert proof.equivalent == ["probability clipped at 0.999"]

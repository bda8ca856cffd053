"""op_check: three conventions of a forward and a backward written by hand, and what is refused."""

import numpy as np
import pytest

from minigen.check import GradCheckError, ValueCheckError, op_check
from minigen.errors import SettingError


def dense(x, w, b):
    return x @ w + b


def dense_backward(dy, y, x, w, b):
    return dy @ w.T, x.T @ dy, dy.sum(0)


def affine_forward(x, w, b):
    return x @ w + b, (x, w)


def affine_backward(dy, cache):
    x, w = cache
    return dy @ w.T, x.T @ dy, dy.sum(0)


def cross_entropy(scores, labels):
    """(loss, gradient), the mean over rows."""
    p = np.exp(scores - scores.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    rows = np.arange(len(labels))
    d = p.copy()
    d[rows, labels] -= 1
    return -np.log(p[rows, labels]).mean(), d / len(labels)


def draw(rng):
    return {"x": rng.normal(size=(4, 3)), "w": rng.normal(size=(3, 2)), "b": rng.normal(size=2)}


LABELS = np.array([0, 2, 1])


def scores(rng):
    return [rng.normal(size=(3, 3)), LABELS]


def test_a_right_pair_passes_in_one_line(capsys):
    assert op_check(dense, dense_backward, draw) is None
    out, err = capsys.readouterr()
    assert out.startswith("op_check dense: gradient right at 3 seeds; worst error ") and out.count("\n") == 1
    assert err == ""
    op_check(dense, dense_backward, draw(np.random.default_rng(0)), seeds=[5], value=dense)
    assert "value and gradient right at 1 seed;" in capsys.readouterr().out
    op_check(dense, dense_backward, draw, quiet=True)
    assert capsys.readouterr().out == ""


def test_the_convention_with_a_cache_passes_and_is_caught():
    op_check(affine_forward, affine_backward, draw, style="cache", quiet=True)
    with pytest.raises(GradCheckError, match="affine_forward: the gradient with respect to b is wrong") as caught:
        op_check(affine_forward, lambda dy, c: (*affine_backward(dy, c)[:2], dy.mean(0)), draw, style="cache")
    assert "every ratio is 1/4, and 4 is the length of axis 0 of x" in caught.value.hint


def test_a_loss_that_returns_its_gradient_passes_and_is_caught():
    op_check(cross_entropy, None, scores, style="loss", quiet=True)

    def summed(scores, labels):
        loss, d = cross_entropy(scores, labels)
        return loss, d * len(labels)

    with pytest.raises(GradCheckError, match="summed: the gradient with respect to scores is wrong") as caught:
        op_check(summed, None, scores, style="loss")
    assert "a sum where a mean is meant" in caught.value.hint


def test_the_value_is_looked_at_first():
    def shifted(x, w, b):
        return x @ w - b

    with pytest.raises(ValueCheckError, match="shifted"):
        op_check(shifted, lambda dy, *rest: (*dense_backward(dy, *rest)[:2], -dy.sum(0)), draw, value=dense)
    with pytest.raises(GradCheckError):  # without a reference only the gradient speaks
        op_check(shifted, dense_backward, draw)


def test_every_seed_draws_new_inputs_and_one_bad_seed_suffices():
    seen = []

    def counted(rng):
        seen.append(rng.bit_generator.state["state"]["state"])
        return draw(rng)

    op_check(dense, dense_backward, counted, seeds=(3, 4), quiet=True)
    assert len(set(seen)) == 2

    def sometimes(dy, y, x, w, b):
        return dy @ w.T, x.T @ dy, dy.sum(0) if b[0] < 0.3 else dy.sum(0) * 1.5

    first = [np.random.default_rng(seed) for seed in range(8)]
    bad = [seed for seed, rng in enumerate(first) if draw(rng)["b"][0] >= 0.3]
    assert 0 < len(bad) < 8
    with pytest.raises(GradCheckError) as caught:
        op_check(dense, sometimes, draw, seeds=range(8))
    assert caught.value.seed == bad[0]


def test_a_floating_target_can_be_held_fixed():
    def squared(x, target):
        return ((x - target) ** 2).mean()

    def backward(dy, y, x, target):
        return dy * 2 * (x - target) / x.size

    given = {"x": np.arange(3.0), "target": np.ones(3) / 3}
    op_check(squared, backward, given, fixed=["target"], quiet=True)
    with pytest.raises(GradCheckError, match=r"returns 1 gradient for 2 inputs \(x, target\)"):
        op_check(squared, backward, given)
    with pytest.raises(SettingError, match="fixed='goal' names no input; they are x, target"):
        op_check(squared, backward, given, fixed=["goal"])


@pytest.mark.parametrize(
    "call, text",
    [
        (lambda: op_check(dense, dense_backward, draw, style="torch"), 'must be "rule", "cache" or "loss"'),
        (lambda: op_check(dense, None, draw), 'style="rule" needs a backward'),
        (lambda: op_check(dense, dense_backward, draw, style="loss"), "the forward returns the gradient"),
        (lambda: op_check(dense, dense_backward, draw, seeds=()), "seeds is empty"),
        (lambda: op_check(dense, dense_backward, draw, rtoll=1e-3), "no setting 'rtoll'; did you mean rtol"),
        (lambda: op_check(dense, dense_backward, draw, order=2), "no setting 'order'"),
    ],
)
def test_misuse_is_one_sentence(call, text):
    with pytest.raises(SettingError, match=text):
        call()


@pytest.mark.parametrize(
    "forward, backward, style, text",
    [
        (dense, affine_backward, "cache", r"the forward must return \(y, cache\); it returned ndarray"),
        (lambda x, w, b: (1.0, 2.0, 3.0), None, "loss", r"must return \(loss, gradient\); it returned a tuple of 3"),
        (lambda x, w, b: None, dense_backward, "rule", r"it returned None: is a return missing\?"),
        (lambda x, w, b: "text", dense_backward, "rule", "it returned str"),
        (lambda x, w, b: (x.sum(), [np.ones_like(x), None, "b"]), None, "loss", "returns None for w"),
        (lambda x, w, b: (x.sum(), {"x": x}), None, "loss", r"a dict; a tuple \(x, w, b\) is expected"),
    ],
)
def test_what_a_student_may_return_fails_the_check_and_not_the_instructor(forward, backward, style, text):
    with pytest.raises(GradCheckError, match=text) as caught:
        op_check(forward, backward, draw, style=style)
    assert caught.value.verdict == "broken"


def test_a_loss_may_return_its_gradients_in_a_list():
    def loss(x, w):
        return (x * w).sum(), [w, x]

    op_check(loss, None, [np.ones(3), np.arange(3.0)], style="loss", quiet=True)


def test_warnings_are_told_on_stdout(capsys):
    def loud(x):
        import warnings

        warnings.warn("mind the gap", UserWarning, stacklevel=1)
        return np.sin(x)

    op_check(loud, lambda dy, y, x: dy * np.cos(x), [np.ones(2)])
    out, err = capsys.readouterr()
    assert out.count("warned: UserWarning: mind the gap") == 1 and err == ""


def test_zeros_for_a_forward_and_a_backward_are_no_pass():
    def zeros(x):
        return np.zeros_like(x)

    with pytest.raises(GradCheckError, match="every gradient is 0 here, so nothing could be tested") as caught:
        op_check(zeros, lambda dy, y, x: np.zeros_like(x), [np.ones(3)])
    assert caught.value.verdict == "inconclusive"
    op_check(zeros, lambda dy, y, x: np.zeros_like(x), [np.ones(3)], expect_zero="x", quiet=True)
    with pytest.raises(GradCheckError, match="the result is empty"):
        op_check(lambda x: x[:0], lambda dy, y, x: np.zeros_like(x), [np.ones(3)])


def test_numbers_without_axes_may_come_as_python_numbers():
    def kl(mu, logvar):
        return float(0.5 * (mu * mu + np.expm1(logvar) - logvar))

    op_check(
        kl,
        lambda dy, y, mu, logvar: (float(dy * mu), float(dy * 0.5 * np.expm1(logvar))),
        [np.array(0.3), np.array(-1.0)],
        quiet=True,
    )


def test_functions_may_use_their_arrays_again():
    result, gradient = np.empty(3), np.empty(3)

    def square(x):
        return np.multiply(x, x, out=result) if x.dtype == result.dtype else x * x

    def backward(dy, y, x):
        gradient[...] = 2 * dy * x
        return gradient

    op_check(square, backward, [np.arange(1.0, 4)], quiet=True)


@pytest.mark.parametrize("offset", [0, 100, 1e3, 1e4, 1e6])
def test_cancellation_is_no_unevenness(offset):
    def layer_norm(x):
        d = x - x.mean(-1, keepdims=True)
        return d / np.sqrt((d * d).mean(-1, keepdims=True) + 1e-5)

    def backward(dy, y, x):
        r = 1 / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
        return r * (dy - dy.mean(-1, keepdims=True) - y * (dy * y).mean(-1, keepdims=True))

    op_check(layer_norm, backward, lambda rng: [rng.normal(size=(4, 3)) + offset], quiet=True)


def test_a_misspelt_name_is_told():
    with pytest.raises(SettingError, match="inputs names aa, but the function takes a, b"):
        op_check(lambda a, b: a * b**2, lambda dy, y, a, b: (dy, dy), {"b": np.ones(2), "aa": np.ones(2)})


@pytest.mark.parametrize("wrong", [{"rtol": 0.5}, {"rtol": 0.0}, {"full": -1}, {"step": 0.0}, {"step": np.inf}])
def test_settings_that_would_check_nothing_are_refused(wrong):
    with pytest.raises(SettingError, match=next(iter(wrong))):
        op_check(dense, dense_backward, draw, **wrong)

"""Right code passes: at every scale and shape, on kinks, where gradients vanish, with parameters and randomness."""

import numpy as np
import pytest

import minigen
from minigen import Parameter, Tensor, ops
from minigen.check import GradCheckError, grad_check, grad_report
from minigen.errors import SettingError

FUNCTIONS = {
    "tanh": ops.tanh,
    "softmax": ops.softmax,
    "logsumexp": lambda x: ops.logsumexp(x, axis=-1),
    "a sum of squares": lambda x: (x * x).sum(),
    "a product of rows": lambda x: ops.exp(-(x * x)).mean(axis=-1),
    "layer norm": lambda x: ops.layer_norm(x, np.array(1.5), np.array(0.5), eps=1e-12),
    "silu": ops.silu,
}


@pytest.mark.parametrize("scale", [1e-3, 1, 30, 1e3])
@pytest.mark.parametrize("shape", [(3,), (2, 3), (5, 1, 2), (1, 4)])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_smooth_functions_pass_at_every_scale(name, shape, scale):
    if name == "layer norm" and shape[-1] < 3:
        pytest.skip("normalising one or two numbers gives constants")
    for seed in range(3):
        x = scale * np.random.default_rng(seed).normal(size=shape)
        report = grad_report(FUNCTIONS[name], [x], seed=seed)
        assert report.ok, str(report)


@pytest.mark.parametrize("f", [ops.relu, ops.abs, ops.leaky_relu, lambda x: ops.max(x, axis=-1), ops.norm])
def test_a_kink_met_on_purpose_is_accepted_and_counted(f):
    x = np.zeros((3, 4))
    report = grad_report(f, [x], subgradient=True)
    assert report.ok, str(report)
    kinks = 0 if f in (ops.abs, ops.norm) else 12  # differences see the slope 0 between −1 and 1 as it is
    assert report.tensors[0].kinks == kinks
    assert ("12 kinks" in str(report)) == bool(kinks)


def test_many_kinks_met_by_accident_are_inconclusive():
    with pytest.raises(GradCheckError, match="inconclusive: differences cannot decide here\n.*1 kinks"):
        grad_check(ops.relu, [np.array([-1.0, 0.0, 2.0])])


def test_one_kink_among_many_entries_is_accepted():
    x = np.linspace(-1, 1, 41)
    x[20] = 0.0
    report = grad_report(ops.relu, [x], order=2)
    assert report.ok, str(report)
    assert report.tensors[0].kinks == 1


@pytest.mark.parametrize("distance", [1e-3, 0.05, 0.1, 0.3, 0.8, 3, 30, 300])
def test_a_kink_near_an_entry_convicts_nobody(distance):
    h = 1e-6
    x = np.where(np.arange(40) == 7, distance * h, 1.0) * np.where(np.arange(40) % 2, 1, -1)
    assert grad_report(ops.relu, [x], order=2).ok


def test_deep_leaky_networks_pass():
    rng = np.random.default_rng(0)
    for seed in range(5):
        weights = [rng.normal(size=(6, 6)) / 2 for _ in range(6)]

        def f(x, *weights):
            for w in weights:
                x = ops.leaky_relu(x @ w)
            return x

        report = grad_report(f, [rng.normal(size=(8, 6)), *weights], seed=seed)
        assert report.ok, str(report)


@pytest.mark.parametrize("big", [1e4, 1e6])
def test_noise_hidden_by_cancellation_is_no_mistake(big):
    x = np.random.default_rng(0).normal(size=20)

    def f(x):
        return (ops.sin(x) + big) - big

    for seed in range(5):
        report = grad_report(f, [x], seed=seed)
        assert report.ok, str(report)
        wrong = grad_report(lambda x: (np.sin(x) + big) - big, [x], backward=lambda dy, y, x: 1.01 * dy * np.cos(x))
        assert not wrong.ok and wrong.failure.verdict == "wrong", str(wrong)


def test_noise_that_drowns_every_slope_is_inconclusive():
    x = np.random.default_rng(0).normal(size=6)
    report = grad_report(lambda x: (ops.sin(x) + 1e15) - 1e15, [x])
    assert not report.ok and report.failure.verdict == "inconclusive"


def test_tiny_gradients_beside_large_values_are_resolved_by_longer_steps():
    x = np.random.default_rng(0).normal(size=5)

    def f(x):
        return 1e2 + 1e-6 * ops.sin(x)

    assert grad_report(f, [x]).ok

    def wrong(dy, y, x):
        return 1e-6 * 1.01 * dy * np.cos(x)

    with pytest.raises(GradCheckError):
        grad_check(lambda x: 1e2 + 1e-6 * np.sin(x), [x], backward=wrong)


def test_a_divergence_at_its_minimum_passes_with_a_notice(capsys):
    def kl(mu, logvar):
        return 0.5 * (mu * mu + ops.expm1(logvar) - logvar).sum()

    grad_check(kl, {"mu": np.zeros((2, 2)), "logvar": np.zeros((2, 2))}, order=2)
    out = capsys.readouterr().out
    assert "mu: the true gradient is 0 here" in out and "logvar: the true gradient is 0 here" in out


def test_infinite_inputs_are_held_fixed():
    x = np.array([0.3, -np.inf, 1.0])
    report = grad_report(lambda x: ops.logsumexp(x), [x], order=2)
    assert report.ok, str(report)


def test_third_derivatives_are_checked_too():
    x = np.random.default_rng(0).normal(size=3)
    grad_check(ops.tanh, [x], order=3, quiet=True)
    grad_check(ops.multiply, [x, x + 1], order=3, quiet=True)


def test_a_gradient_penalty_can_be_checked_by_its_parameters():
    rng = np.random.default_rng(0)
    w = Parameter(rng.normal(size=(3, 1)).astype(np.float32), name="w")

    def penalty(x):
        x = Tensor(x.data, requires_grad=True)
        (slope,) = minigen.grad(ops.tanh(x @ w).sum(), [x], create_graph=True)
        return (ops.norm(slope, axis=1) - 1) ** 2

    report = grad_report(penalty, {"x": rng.normal(size=(4, 3))}, params=[w])
    assert [t.name for t in report.tensors] == ["x", "w"]
    assert report.failure.verdict == "wrong" and "with respect to x" in report.failure.headline  # cut on purpose
    report = grad_report(lambda: penalty(Tensor(rng_x)), [], params=[w])
    assert report.ok, str(report)


rng_x = np.random.default_rng(1).normal(size=(4, 3))


class Affine:
    """A module in the eyes of the check: parameters by name, and a running statistic."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.weight = Parameter(rng.normal(size=(3, 2)).astype(np.float32))
        self.bias = Parameter(np.zeros(2, np.float32))
        self.frozen = Parameter(np.ones(2, np.float32))
        self.frozen.requires_grad = False
        self.seen = np.zeros(3, np.float32)

    def named_parameters(self):
        yield from (("layer.weight", self.weight), ("layer.bias", self.bias), ("layer.frozen", self.frozen))

    def __call__(self, x):
        self.seen += x.data.mean(0)
        return ops.tanh(x @ self.weight + self.bias) * self.frozen


def state_of(module):
    return [
        (p, p.data, p.data.copy(), p.version, p.grad) for p in (module.weight, module.bias, module.frozen)
    ], module.seen.copy()


@pytest.mark.parametrize("fails", [False, True])
def test_parameters_and_statistics_are_restored_bit_for_bit(fails, monkeypatch):
    module = Affine()
    module.weight.grad = Tensor(np.ones((3, 2), np.float32))
    leaves, seen = state_of(module)
    loss = module(Tensor(rng_x.astype(np.float32))).sum()
    module.seen[...] = seen
    if fails:
        monkeypatch.setitem(minigen.autograd.OPS["tanh"].rules, "x", lambda dy, y, x: dy * (1 - y))
        with pytest.raises(GradCheckError, match="with respect to x is wrong"):
            grad_check(module, [rng_x])
    else:
        report = grad_report(module, [rng_x], order=2)
        assert report.ok, str(report)
        assert [t.name for t in report.tensors[:3]] == ["x", "layer.weight", "layer.bias"]
    for p, array, copy, version, gradient in leaves:
        assert p.data is array and p.version == version and p.grad is gradient
        assert p.data.dtype == np.float32 and np.array_equal(p.data, copy)
    assert module.seen.dtype == np.float32 and np.array_equal(module.seen, seen)
    monkeypatch.undo()
    minigen.grad(loss, [module.weight])  # a loss computed before the check can still be differentiated


def test_a_right_module_fails_on_no_parameter_when_f_raises():
    module = Affine()
    before = module.weight.data

    def broken(x):
        raise KeyError("x")

    with pytest.raises(KeyError):
        grad_check(broken, [rng_x], params=module)
    assert module.weight.data is before


def test_random_functions_need_their_generator():
    rng = np.random.default_rng(4)
    state = rng.bit_generator.state

    def f(x):
        return ops.dropout(ops.tanh(x), 0.5, rng=rng)

    grad_check(f, [rng_x], rng=rng, order=2, quiet=True)
    assert rng.bit_generator.state == state
    with pytest.raises(GradCheckError, match="two results for one input; random generators go into rng="):
        grad_check(f, [rng_x])
    with pytest.raises(GradCheckError):
        grad_check(lambda x: f(x) * x.detach(), [rng_x], rng=[rng])


def test_generators_are_restored_after_a_failure():
    rng = np.random.default_rng(4)
    state = rng.bit_generator.state

    def cut(x):
        return ops.dropout(x, 0.5, rng=rng) * x.detach()

    with pytest.raises(GradCheckError):
        grad_check(cut, [rng_x], rng=rng)
    assert rng.bit_generator.state == state


def test_integers_are_held_fixed():
    labels = np.array([0, 2, 1, 1])

    def picked(logits, labels):
        rows = np.arange(4)
        return -ops.getitem(ops.log_softmax(logits), index=(rows, labels)).mean()

    report = grad_report(picked, {"logits": rng_x, "labels": labels})
    assert report.ok and [t.name for t in report.tensors] == ["logits"]

    def backward(dy, y, logits, labels):
        p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        p[np.arange(4), labels] -= 1
        return dy * p / 4

    def bare(logits, labels):
        return -np.log(np.exp(logits) / np.exp(logits).sum(1, keepdims=True))[np.arange(4), labels].mean()

    grad_check(bare, [rng_x, labels], backward=backward, quiet=True)
    grad_check(bare, [rng_x, labels], backward=lambda *a: (backward(*a), None), quiet=True)


def test_inputs_may_be_one_array_and_names_follow_the_function():
    def f(x, w):
        return x * ops.exp(w)

    assert [t.name for t in grad_report(f, {"w": rng_x, "x": 2 * rng_x}).tensors] == ["x", "w"]
    assert [t.name for t in grad_report(ops.tanh, rng_x).tensors] == ["x"]
    assert [t.name for t in grad_report(ops.tanh, [Tensor(rng_x)]).tensors] == ["x"]
    assert [t.name for t in grad_report(lambda *a: a[0] * a[1], [rng_x, rng_x]).tensors] == ["input 0", "input 1"]


@pytest.mark.parametrize(
    "call, text",
    [
        (lambda: grad_check(ops.tanh, [rng_x], order=0), "order 0 must be 1, 2"),
        (lambda: grad_check(ops.tanh, [np.arange(3)]), "no floating-point input"),
        (lambda: grad_check(lambda x: x.data, [rng_x]), "f must return one tensor; it returned ndarray"),
        (lambda: grad_check(ops.tanh, [np.array(["a"])]), "it must hold numbers"),
        (lambda: grad_check(np.tanh, [rng_x], backward=lambda dy, y, x: dy, order=2), "at order 1"),
        (lambda: grad_check(ops.tanh, [rng_x], params=[ops.tanh(Tensor(rng_x, requires_grad=True))]), "no leaf tensor"),
    ],
)
def test_misuse_is_told_apart_from_a_wrong_gradient(call, text):
    with pytest.raises(SettingError, match=text):
        call()


def test_large_right_arrays_pass_in_few_evaluations():
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(30, 200)), rng.normal(size=(200, 60)) / 14
    report = grad_report(lambda x, w: ops.leaky_relu(x @ w), [x, w], order=2)
    assert report.ok, str(report)
    assert report.evaluations < 900


@pytest.mark.parametrize("nothing", [{"samples": 0}, {"projections": 0}])
def test_a_check_of_nothing_is_refused(nothing):
    with pytest.raises(SettingError, match="must be at least 1"):
        grad_check(ops.tanh, [np.ones(3)], **nothing)


def test_a_parameter_given_twice_counts_once():
    w = Parameter(np.ones(3, np.float32), name="w")
    report = grad_report(lambda x: ops.tanh(x * w), {"x": np.ones(3)}, params=[w, w])
    assert report.ok, str(report)


def test_nothing_is_said_of_what_a_large_constant_hides():
    x = np.array([1.0, 2.0])
    for factor in (2, -7):
        report = grad_report(
            lambda x: np.sum(x**2) + 1e14, {"x": x}, backward=lambda dy, y, x, factor=factor: factor * dy * x
        )
        assert report.verdict == "inconclusive", str(report)


@pytest.mark.parametrize("scale", [1e77, 1e100, 1e150])
def test_squares_that_would_overflow_hide_nothing(scale):
    x = scale * np.array([1.0, 2.0])
    assert grad_report(lambda x: np.sum(x * x), {"x": x}, backward=lambda dy, y, x: 2 * dy * x).ok
    assert not grad_report(lambda x: np.sum(x * x), {"x": x}, backward=lambda dy, y, x: -7 * dy * x).ok


def test_a_zero_input_beside_a_small_one_is_no_finite_difference():
    def f(gamma, beta):
        return gamma * 2 + beta

    def backward(dy, y, gamma, beta):
        f(gamma, beta)  # once more, at the same point
        return 2 * dy, dy

    grad_check(f, {"gamma": np.full(3, 1e-4), "beta": np.zeros(3)}, backward=backward, quiet=True)

"""grad_check of PyTorch: its own modules pass, planted mistakes are named, and everything is put back bit for bit."""

import subprocess
import sys

import numpy as np
import pytest

from minigen.check import GradCheckError, ValueCheckError, grad_check, grad_report, value_check
from minigen.check.pytorch import is_torch
from minigen.errors import SettingError

torch = pytest.importorskip("torch", reason="PyTorch, the referee, is not installed")
nn, F = torch.nn, torch.nn.functional


@pytest.fixture(autouse=True)
def one_thread_and_a_seed():
    """Small tensors on shared cores: more threads wait for each other."""
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)
    torch.set_rng_state(state)


def error(f, inputs, **settings):
    with pytest.raises(GradCheckError) as caught:
        grad_check(f, inputs, **settings)
    assert len(str(caught.value).splitlines()) <= 12
    return caught.value


def function(forward, *backwards):
    """A torch.autograd.Function's apply: forward(*inputs), and for each input backward(dy, *inputs)."""

    class Rule(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, w=None):
            inputs = [x] if w is None else [x, w]
            ctx.save_for_backward(*inputs)
            return forward(*inputs)

        @staticmethod
        def backward(ctx, dy):
            found = [backward(dy, *ctx.saved_tensors) for backward in backwards]
            return tuple(found) if len(found) > 1 else (*found, None)

    return Rule.apply


seeded = torch.Generator().manual_seed(3)
X, W, SQUARE = (torch.randn(*shape, generator=seeded) for shape in ((4, 3), (4, 3), (3, 3)))
WORDS = torch.tensor([[1, 2, 6], [0, 1, 6]])


# Right ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make, inputs, names",
    [
        (lambda: nn.Linear(3, 2), [X], ["input", "weight", "bias"]),
        (lambda: nn.Conv2d(2, 3, 3, stride=2, padding=1), [torch.randn(1, 2, 4, 5)], ["input", "weight", "bias"]),
        (lambda: nn.BatchNorm1d(3), [X], ["input", "weight", "bias"]),
        (lambda: nn.BatchNorm1d(3).eval(), [X], ["input", "weight", "bias"]),
        (
            lambda: nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Dropout(0.5), nn.Linear(4, 2)),
            [X],
            ["input", "0.weight", "0.bias", "3.weight", "3.bias"],
        ),
        (lambda: nn.Sequential(nn.Embedding(7, 3), nn.Linear(3, 2)), [WORDS], ["0.weight", "1.weight", "1.bias"]),
        (lambda: nn.Embedding(7, 3, sparse=True), [WORDS], ["weight"]),
        (lambda: nn.LayerNorm(3), [X], ["input", "weight", "bias"]),
    ],
)
def test_pytorchs_own_modules_pass_to_order_2(make, inputs, names, capsys):
    module = make()
    report = grad_report(module, inputs, order=2 if names != ["weight"] else 1, expect_zero=("bias",))
    assert report.ok, report
    assert [t.name for t in report.tensors if t.order == 1] == names
    assert report.warnings == []
    grad_check(module, inputs)
    assert capsys.readouterr().out.startswith(f"grad_check {type(module).__name__}: right; ")


@pytest.mark.parametrize(
    "f, inputs",
    [
        (lambda x, w: x @ w.T, [X, W]),
        (lambda x: x, [X]),
        (lambda x: x[0].expand(5, 3), [X]),
        (lambda x: x.sum(), [X]),
        (torch.logsumexp, [X, 1]),
        (F.cross_entropy, [X, torch.tensor([0, 2, 1, 1])]),
        (F.softplus, [X.double()]),
        (lambda x, n: x * n, {"n": torch.tensor([1, 2, 3]), "x": X}),
    ],
)
def test_functions_of_tensors_pass(f, inputs):
    grad_check(f, inputs, order=2, quiet=True)


def test_numpy_arrays_go_with_a_module():
    module = nn.Sequential(nn.Flatten(), nn.Linear(6, 2))
    grad_check(module, [np.random.default_rng(0).normal(size=(3, 2, 3)).astype(np.float32)], quiet=True)
    grad_check(nn.Embedding(7, 2), [np.array([3, 3, 0])], quiet=True)
    grad_check(nn.Linear(2, 2), [np.arange(6.0).reshape(3, 2)[::-1]], quiet=True)


def test_a_module_inside_a_function_is_named_by_params():
    lstm = nn.LSTM(3, 2)
    report = grad_report(lambda x: lstm(x)[0], [X], params=lstm)
    assert report.ok and [t.name for t in report.tensors][:3] == ["x", "weight_ih_l0", "weight_hh_l0"]
    w, b = torch.randn(2, 3, requires_grad=True), torch.zeros(2, requires_grad=True)
    report = grad_report(lambda x: F.linear(x, w, b), [X], params=[w, b])
    assert report.ok and [t.name for t in report.tensors] == ["x", "params[0]", "params[1]"]
    report = grad_report(lambda x: F.linear(x, w, b), [X], params={"w": w, "b": b})
    assert report.ok and [t.name for t in report.tensors] == ["x", "w", "b"]


def test_a_method_of_a_module_brings_its_parameters():
    class Vae(nn.Module):
        def __init__(self):
            super().__init__()
            self.code = nn.Linear(3, 4)

        def loss(self, x):
            mu, logvar = self.code(x).chunk(2, 1)
            z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
            return (z**2).mean() + 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(1).mean()

    report = grad_report(Vae().loss, [X], order=2)
    assert report.ok, report
    assert [t.name for t in report.tensors if t.order == 1] == ["x", "code.weight", "code.bias"]


def test_frozen_parameters_and_fixed_inputs_are_left_out():
    module = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    module[0].requires_grad_(False)
    report = grad_report(module, [X])
    assert report.ok and [t.name for t in report.tensors] == ["input", "2.weight", "2.bias"]
    report = grad_report(F.mse_loss, [X, W], fixed=["target"])
    assert report.ok and [t.name for t in report.tensors] == ["input"]


def test_the_point_is_the_one_given_and_gradients_are_recorded_under_no_grad():
    module, seen = nn.Linear(3, 2), []
    module.register_forward_hook(
        lambda m, inputs, y: seen.append((inputs[0].detach().clone(), m.weight.detach().clone()))
    )
    with torch.no_grad():
        grad_check(module, [X], quiet=True)
    assert torch.equal(seen[0][0], X.double()) and torch.equal(seen[0][1], module.weight.double())


def test_value_check_takes_tensors_too():
    value_check(
        F.softplus, [(X, lambda x: torch.log1p(x.exp())), (X.double(), np.logaddexp(0, X.double().numpy()))], rtol=1e-5
    )
    with pytest.raises(ValueCheckError, match="softplus: the value is wrong"):
        value_check(F.softplus, [(X, F.relu)])
    with pytest.raises(ValueCheckError, match="relu_: f changes its input input"):
        value_check(F.relu_, [({"input": X}, F.relu)])


def test_a_module_of_a_million_parameters_is_sampled():
    module = nn.Sequential(nn.Linear(1000, 1000), nn.Tanh())
    report = grad_report(module, [torch.randn(2, 1000)])
    assert report.ok and report.size == 1_003_000
    assert report.evaluations < 500


# Generators and state -------------------------------------------------------------------------------------------------


def test_the_global_generator_is_put_back_of_itself_and_others_by_rng():
    own, numpy = torch.Generator().manual_seed(1), np.random.default_rng(2)

    def noisy(x):
        return x * torch.rand(4, 3) * torch.rand(4, 3, generator=own) * torch.from_numpy(numpy.random((4, 3)))

    states = torch.get_rng_state(), own.get_state(), numpy.bit_generator.state
    grad_check(noisy, [X], rng=[own, numpy], order=2, quiet=True)
    assert torch.equal(torch.get_rng_state(), states[0]) and torch.equal(own.get_state(), states[1])
    assert numpy.bit_generator.state == states[2]
    caught = error(noisy, [X], rng=own)
    assert "f gives two results for one input; random generators go into rng=" in str(caught)
    assert torch.equal(own.get_state(), states[1])


class Restless(nn.Module):
    """Changes whatever it can: its statistics, a buffer by assignment, its mode, a frozen parameter."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(3)
        self.register_buffer("steps", torch.ones(()))
        self.frozen = nn.Parameter(torch.ones(3), requires_grad=False)
        self.dtypes = set()
        self.broken = None

    def forward(self, x):
        self.steps = self.steps + 1
        self.dtypes |= {x.dtype, self.steps.dtype, self.frozen.dtype, self.norm.weight.dtype}
        self.eval()
        self.norm.train()
        y = self.norm(x) * self.steps * self.frozen.clone()
        self.frozen.data += 1
        if self.broken == "raises":
            raise KeyError("no such thing")
        return y.detach() * x if self.broken == "wrong" else y.sin()


def snapshot(module):
    """All there is to a module, and the very tensors."""
    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    return {
        name: (
            id(t),
            t.data_ptr(),
            t.dtype,
            t.requires_grad,
            t.detach().clone(),
            t.grad,
            t.grad is not None and t.grad + 0,
        )
        for name, t in tensors.items()
    } | {"modes": [m.training for m in module.modules()]}


@pytest.mark.parametrize("broken", [None, "wrong", "raises"])
def test_everything_is_put_back_bit_for_bit(broken):
    module = Restless()
    module(X).sum().backward()  # so that there are gradients, and statistics that have moved
    module.train()
    module.broken = broken
    before, state = snapshot(module), torch.get_rng_state()
    module.dtypes.clear()
    x = X.clone().requires_grad_()
    outcome = {None: None, "wrong": GradCheckError, "raises": KeyError}[broken]
    if outcome is None:
        grad_check(module, [x], order=2, quiet=True, expect_zero=("bias",))
    else:
        with pytest.raises(outcome):
            grad_check(module, [x])
    assert module.dtypes == {torch.float64}
    after = snapshot(module)
    for name, was in before.items():
        for one, other in zip(was, after[name], strict=True):
            assert torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other, name
    assert all(was[2] == torch.float32 for was in list(before.values())[:5])
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(x, X) and x.grad is None


# Planted mistakes -----------------------------------------------------------------------------------------------------

PLANTED = {
    "a sign": (torch.sin, [lambda dy, x: -dy * x.cos()], [X], "every ratio is −1: the sign"),
    "a factor": (torch.sin, [lambda dy, x: 2 * dy * x.cos()], [X], "every ratio is 2"),
    "dy ignored": (torch.sin, [lambda dy, x: x.cos()], [X], "the rule ignores the incoming gradient"),
    "a wrong second input": (
        torch.mul,
        [lambda dy, x, w: dy * w, lambda dy, x, w: dy * w],
        [X, W],
        "with respect to w is wrong",
    ),
    "a mean for the sum over the batch": (
        torch.add,
        [lambda dy, x, w: dy, lambda dy, x, w: dy.mean(0)],
        [X, W[0]],
        "every ratio is 1/4, and 4 is the length of axis 0 of x: a mean where a sum",
    ),
    "one row for the sum over the batch": (
        torch.add,
        [lambda dy, x, w: dy, lambda dy, x, w: dy[0].clone()],
        [X, W[0]],
        "with respect to w is wrong",
    ),
    "a transpose": (torch.sin, [lambda dy, x: (dy * x.cos()).T], [SQUARE], "right after a transpose"),
    "no path": (torch.sin, [lambda dy, x: None], [X], "yours is 0 everywhere"),
    "one entry in twelve": (
        torch.sin,
        [lambda dy, x: dy * x.cos() * torch.where(torch.arange(12).reshape(4, 3) == 7, 1.01, 1.0)],
        [X],
        "x[2, 1] of shape (4, 3); 1 of 12 entries disagree",
    ),
}


@pytest.mark.parametrize("mistake", PLANTED)
def test_a_wrong_function_is_caught_and_named(mistake):
    forward, backwards, inputs, text = PLANTED[mistake]
    assert text in str(error(function(forward, *backwards), inputs))


@pytest.mark.parametrize("mistake", ["a sign", "a wrong second input", "one row for the sum over the batch"])
def test_pytorchs_own_gradcheck_agrees_that_it_is_wrong(mistake):
    forward, backwards, inputs, _ = PLANTED[mistake]
    wide = [x.double().requires_grad_() for x in inputs]
    right = {torch.sin: [lambda dy, x: dy * x.cos()], torch.add: [lambda dy, x, w: dy, lambda dy, x, w: dy.sum(0)]}
    right[torch.mul] = [lambda dy, x, w: dy * w, lambda dy, x, w: dy * x]
    assert not torch.autograd.gradcheck(function(forward, *backwards), wide, raise_exception=False)
    assert torch.autograd.gradcheck(function(forward, *right[forward]), wide, raise_exception=False)
    grad_check(function(forward, *right[forward]), inputs, order=2, quiet=True)


def test_pytorch_undoes_broadcasting_itself():
    """A gradient that only lacks the sum over the broadcast axes is no mistake here: autograd adds it up."""
    grad_check(function(torch.add, lambda dy, x, w: dy, lambda dy, x, w: dy), [X, W[0]], quiet=True)


def test_a_rule_that_is_wrong_at_order_2_only_is_caught():
    detached = function(torch.mul, lambda dy, x, w: dy * w.detach(), lambda dy, x, w: dy * x)
    grad_check(detached, [X, W], quiet=True)
    caught = error(detached, [X, W], order=2)
    assert "the second derivative with respect to w is wrong" in str(caught)
    assert "order 1 is right: inside the rule something is detached" in caught.hint
    assert "x is right" not in caught.where or "dy is right" in caught.where


def test_a_wrong_parameter_is_named():
    scale = function(torch.mul, lambda dy, x, w: dy * w, lambda dy, x, w: (dy * x).sum(0) * 1.5)

    class Scale(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.tensor([1.0, -2.0, 0.5]))

        def forward(self, x):
            return scale(x, self.weight)

    caught = error(nn.Sequential(nn.Linear(3, 3), Scale()), [X])
    assert "Sequential: the gradient with respect to 1.weight is wrong" in str(caught)
    assert "every ratio is 1.5: a constant factor" in caught.hint
    assert caught.report.failure.verdict == "wrong" and "input and 0.weight and 0.bias are right" in caught.where


def test_one_wrong_entry_in_a_million_is_found():
    def nearly(dy, x):
        dx = dy * x.cos()
        dx[123, 456] *= 1.01
        return dx

    assert "[123, 456] of shape (1000, 1000)" in error(function(torch.sin, nearly), [torch.randn(1000, 1000)]).where


@pytest.mark.parametrize("step", [1e-6, 1e-4])
def test_finite_differences_in_a_rule_are_told(step):
    quotient = function(torch.sin, lambda dy, x: dy * (torch.sin(x + step) - torch.sin(x - step)) / (2 * step))
    assert "the backward is uneven: with respect to x it jumps where a formula glides" in str(error(quotient, [X]))


# Promises around the numbers ------------------------------------------------------------------------------------------


def test_a_cast_to_float32_is_told():
    text = "f drops to float32 inside; the check cannot see below 1e-7"
    assert text in str(error(lambda x: x.float().sin(), [X]))
    assert text in str(error(lambda x: x.float().sin().double(), [X]))  # though it comes back in float64
    assert "f drops to bfloat16 inside; the check cannot see below 1e-3" in str(error(lambda x: x.bfloat16(), [X]))
    single = function(torch.sin, lambda dy, x: dy * x.float().cos())  # in the rule alone
    assert "float32 inside" in error(single, [X]).hint


def test_a_result_without_a_derivative_is_told():
    assert "f returns int64, which has no derivative" in str(error(lambda x: x.argmax(), [X]))
    assert "yours is 0 everywhere: no path" in error(lambda x: x.detach().sin(), [X]).hint
    assert "NaN" in str(error(torch.log, [X])) and error(torch.log, [X]).verdict == "both NaN"


def test_a_change_in_place_is_told():
    def greedy(x):
        with torch.no_grad():
            x *= 2
        return x.sin()

    assert "greedy: f changes its input x" in str(error(greedy, [X]))
    caught = error(nn.Sequential(nn.ReLU(inplace=True), nn.Linear(3, 2)), [X])
    assert "PyTorch refuses: a leaf Variable that requires grad is being used in an in-place" in str(caught)
    assert "work on a copy" in caught.hint
    doubling = function(torch.clone, lambda dy, x: dy.mul_(2))
    assert "the backward changes dy" in str(error(doubling, [X]))
    clearing = function(torch.sin, lambda dy, x: dy * x.data.zero_().cos())
    assert "the backward changes the input x" in str(error(clearing, [X]))

    def overwritten(x):
        y = x.exp()
        return y.add_(y.exp().mul_(2))

    caught = error(overwritten, [X])
    assert "modified by an inplace operation" in str(caught)


def test_gradients_that_autograd_refuses_are_told():
    shapeless = function(torch.sin, lambda dy, x: dy[:2])
    assert "returned an invalid gradient at index 0 - got [2, 3]" in str(error(shapeless, [X]))
    assert error(shapeless, [X]).hint == "a gradient has the shape of its input"
    surplus = function(torch.sin, lambda dy, x: dy, lambda dy, x: dy, lambda dy, x: dy)
    assert "returned an incorrect number of gradients" in str(error(surplus, [X]))

    class Once(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.sin()

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx, dy):
            return dy * ctx.saved_tensors[0].cos()

    caught = error(Once.apply, [X], order=2)
    assert "the second derivative with respect to x is wrong" in str(caught)
    assert "counts as a constant" in caught.hint
    assert "the derivative for 'igamma: input' is not implemented" in str(error(torch.igamma, [X.abs(), W.abs()]))
    grad_check(torch.igamma, {"input": X.abs(), "other": W.abs()}, fixed=["input"], quiet=True)


def test_an_error_of_the_users_own_passes_through():
    def fails(dy, x):
        raise KeyError("my own")

    with pytest.raises(KeyError, match="my own"):
        grad_check(function(torch.sin, fails), [X])
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        grad_check(nn.Linear(2, 2), [X])


# Misuse ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call, text",
    [
        (lambda: grad_check(torch.sin, [X], backward=lambda dy, y, x: dy), "make it a torch.autograd.Function"),
        (lambda: grad_check(nn.LSTM(3, 2), [X]), "f must return one tensor; it returned tuple"),
        (lambda: grad_check(lambda x: x.sum().item(), [X]), "f must return one tensor; it returned float"),
        (lambda: grad_check(lambda x: nn.Linear(3, 2)(x), [X]), r"f does not run in float64: .* params="),
        (lambda: grad_check(lambda x: nn.LSTM(3, 2)(x)[0], [X]), "f does not run in float64: RNN input dtype"),
        (lambda: grad_check(torch.sin, [X], rng=3), "generators of PyTorch or NumPy, not int"),
        (
            lambda: grad_check(torch.sin, [X], params=[X * X.clone().requires_grad_()]),
            r"params\[0\] is no floating leaf",
        ),
        (lambda: grad_check(torch.abs, [X.to(torch.complex64)]), "it must hold real numbers"),
        (lambda: grad_check(torch.sum, [WORDS]), "there is no floating-point input or parameter"),
        (lambda: grad_check(torch.sin, [X], fixed=("y",)), "fixed='y' names no input"),
    ],
)
def test_misuse_is_told(call, text):
    with pytest.raises(SettingError, match=text):
        call()


def test_pytorch_is_recognised_and_never_imported(monkeypatch):
    assert is_torch(nn.Linear(1, 1), []) and is_torch(len, [X]) and is_torch(len, {"x": X}) and is_torch(len, X)
    assert is_torch(len, [np.ones(3)], nn.Linear(1, 1)) and is_torch(torch.autograd.Function.apply, [])
    assert not is_torch(np.sin, [np.ones(3)])
    with monkeypatch.context() as patch:
        patch.delitem(sys.modules, "torch")
        assert not is_torch(np.sin, [X])
    code = "import sys, minigen.check; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)

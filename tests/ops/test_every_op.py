"""Every operation from one table: its value, its derivatives to order 2, its dtypes, arrays of every arrangement."""

import autograd
import autograd.extend
import autograd.test_util
import numpy as np
import pytest

import minigen
from minigen import Tensor, ops
from minigen.autograd import FUSED, OPS
from minigen.backend import to_host
from minigen.check import grad_report, value_check

from .examples import EXAMPLES, Case, function

MAKERS = {"Geometry", "tensor", "zeros", "ones", "zeros_like", "ones_like"}  # not operations: they take no array
FACTS = {
    *("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"),
    *("logical_and", "logical_or", "logical_not", "argmax"),
}  # their results have no derivative


def drawn(name: str, *, seed: int = 0) -> list[Case]:
    return EXAMPLES[name][1](np.random.default_rng(seed))


def named(names):
    """One parameter a case, with an id that tells the operation and the case."""
    return [pytest.param(name, i, id=f"{name}-{i}") for name in sorted(names) for i in range(len(drawn(name)))]


def applied(name: str, case: Case):
    """The operation as a function of its inputs alone."""
    call = function(name)
    return lambda *inputs: call(*inputs, **case.settings)


def own(registry):
    """The registered operations of the library's floors 1 and 2; losses have their own tables."""
    return {name for name, op in registry.items() if op.__module__.startswith(("minigen.ops.", "minigen.autograd."))}


def names_of_inputs(name: str, case: Case) -> dict[str, np.ndarray]:
    """The inputs by the names of the operation; x, or a, b, c where it has none."""
    op = OPS.get(name) or FUSED.get(name)
    names = op.inputs if op is not None and op.inputs else "x" if len(case.inputs) == 1 else "abc"
    return dict(zip(names, case.inputs, strict=False))


SMOOTH = EXAMPLES.keys() - FACTS


def test_every_operation_has_an_example():
    wanted = (set(ops.__all__) - MAKERS) | own(OPS) | own(FUSED)
    assert not wanted - EXAMPLES.keys(), "add a line to tests/ops/examples.py for these"
    assert not EXAMPLES.keys() - wanted, "these examples belong to no operation"


@pytest.mark.parametrize("name, i", named(EXAMPLES))
def test_the_value_is_the_oracles(name, i, xp):
    oracle, case = EXAMPLES[name][0], drawn(name)[i]
    if oracle is None:
        pytest.skip("its value is tested by the adjoint identity in tests/check/test_adjoint.py")
    with np.errstate(all="ignore"):
        expected = oracle(*case.inputs, **case.settings)
    inputs = [xp.asarray(x) for x in case.inputs]
    bare = function(name)(*inputs, **case.settings)
    wrapped = function(name)(*map(Tensor, inputs), **case.settings)
    assert isinstance(wrapped, Tensor) and not isinstance(bare, Tensor)
    assert isinstance(wrapped.data, xp.ndarray)
    expected = np.asarray(expected)
    assert to_host(bare).dtype == wrapped.dtype == expected.dtype
    for given in (inputs, [Tensor(x) for x in inputs]):
        # both sides round: 1e-12 of the size, or 1e-14 where a sum cancels
        value_check(applied(name, case), [(given, expected)], name=name, rtol=1e-12, atol=1e-14, quiet=True)


@pytest.mark.parametrize("name, i", named(SMOOTH))
def test_derivatives_of_orders_1_and_2_agree_with_differences(name, i, xp):
    case = drawn(name)[i]
    report = grad_report(
        applied(name, case),
        {key: xp.asarray(x) for key, x in names_of_inputs(name, case).items()},
        order=case.order,
        name=name,
        subgradient=case.subgradient,
        expect_zero=case.zero,
    )
    assert report.ok, str(report)
    assert not report.zero, f"{name}: a gradient that is 0 tests nothing: {report.zero}"


@pytest.mark.parametrize("name", sorted(FACTS))
def test_facts_have_no_derivative(name):
    for case in drawn(name):
        y = function(name)(*[Tensor(x, requires_grad=True) for x in case.inputs], **case.settings)
        assert not y.requires_grad and y.dtype.kind in "bi"


@pytest.mark.parametrize("name, i", named(SMOOTH - {"astype"}))
def test_float32_in_gives_float32_out_and_float32_gradients(name, i):
    case = drawn(name)[i]
    inputs = [x.astype(np.float32) if x.dtype == np.float64 else x for x in case.inputs]
    tensors = [Tensor(x, requires_grad=x.dtype == np.float32) for x in inputs]
    with np.errstate(all="ignore"):
        y = applied(name, case)(*tensors)
        assert y.dtype == np.float32
        assert np.asarray(applied(name, case)(*inputs)).dtype == np.float32
        leaves = [x for x in tensors if x.requires_grad]
        for create_graph in (False, True):
            dy = np.ones(y.shape, np.float32)
            found = minigen.grad(y, leaves, dy, create_graph=create_graph, retain_graph=True, allow_unused=True)
            assert all(dx is None or dx.dtype == np.float32 for dx in found)
            assert all(dx is None or dx.shape == x.shape for dx, x in zip(found, leaves, strict=True))


def spread(x):
    """The same numbers, every other entry of a wider array."""
    wide = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype) if x.ndim else x
    if x.ndim:
        wide[..., ::2] = x
    return wide[..., ::2] if x.ndim else x


def backwards(x):
    back = (slice(None, None, -1),) * x.ndim
    return x[back].copy()[back] if x.ndim else x


def fortran(x):
    return x.copy(order="F")


def frozen(x):
    y = x.copy()
    y.setflags(write=False)
    return y


@pytest.mark.parametrize("lay", [spread, backwards, fortran, frozen])
@pytest.mark.parametrize("name, i", named(SMOOTH))
def test_how_an_array_lies_in_memory_changes_nothing(name, i, lay):
    case = drawn(name)[i]
    with np.errstate(all="ignore"):
        (y, found), (z, others) = both(name, case, case.inputs), both(name, case, [lay(x) for x in case.inputs])
    np.testing.assert_allclose(z, y, rtol=1e-12, atol=1e-14)
    for dx, other in zip(found, others, strict=True):
        np.testing.assert_allclose(other, dx, rtol=1e-12, atol=1e-13)
        assert other.flags.writeable


@pytest.mark.parametrize("name, i", named(SMOOTH))
def test_inputs_repeated_by_stride_0_and_read_only_are_as_good_as_copies(name, i):
    case = drawn(name)[i]
    repeated = [
        np.broadcast_to(x.reshape(-1)[:1].reshape((1,) * x.ndim), x.shape) if x.size else x for x in case.inputs
    ]
    with np.errstate(all="ignore"):
        (y, found), (z, others) = both(name, case, [x.copy() for x in repeated]), both(name, case, repeated)
    np.testing.assert_allclose(z, y, rtol=1e-12, atol=1e-14)
    for dx, other in zip(found, others, strict=True):
        np.testing.assert_allclose(other, dx, rtol=1e-9, atol=1e-11)


def both(name, case, arrays):
    """The value, and the gradients for one fixed cotangent."""
    leaves = [Tensor(x, requires_grad=x.dtype.kind == "f") for x in arrays]
    y = applied(name, case)(*leaves)
    dy = np.random.default_rng(1).normal(size=y.shape)
    found = minigen.grad(y, [x for x in leaves if x.requires_grad], dy, allow_unused=True)
    return y.data, [dx.data for dx in found if dx is not None]


# A referee from outside: HIPS autograd's own checker -----------------------------------------------------------------


def bridge(f, inputs):
    """minigen's f as a primitive of HIPS autograd: its rule is minigen's gradient, bridged in its turn."""
    op = autograd.extend.primitive(lambda *arrays: f(*map(Tensor, arrays)).data)
    made: dict[int, object] = {}

    def part(i):  # (inputs, dy) → gradient for input i
        def g(*a):
            leaves = [Tensor(x.data, requires_grad=True) if not x.requires_grad else x for x in a]
            y = f(*leaves[:-1])
            return minigen.grad(y, [leaves[i]], leaves[-1], create_graph=True, allow_unused=True)[0]

        def whole(*a):
            dx = g(*a)
            return Tensor(np.zeros(a[i].shape)) if dx is None else dx

        if i not in made:
            made[i] = bridge(whole, inputs + 1)
        return made[i]

    autograd.extend.defvjp(op, *[lambda y, *x, i=i: lambda dy: part(i)(*x, dy) for i in range(inputs)])
    return op


REFEREED = {
    **{name: 2 for name in ("multiply", "divide", "exp", "sigmoid", "softplus", "softmax", "logsumexp", "var")},
    **{name: 2 for name in ("getitem", "batch_norm", "layer_norm", "einsum", "conv_transpose", "conv_kernel_grad")},
    **{name: 3 for name in ("tanh", "matmul", "conv")},
}


@pytest.mark.parametrize("name", sorted(REFEREED))
def test_the_referee_agrees(name):
    case = drawn(name)[0]
    op = bridge(applied(name, case), len(case.inputs))
    every = tuple(range(len(case.inputs)))
    np.random.seed(0)  # check_grads draws its directions from NumPy's global generator
    autograd.test_util.check_grads(op, every, modes=["rev"], order=REFEREED[name])(*case.inputs)


def test_the_referee_can_fail(monkeypatch):
    monkeypatch.setitem(OPS["tanh"].rules, "x", lambda dy, y, x: dy * (1 - y))
    with pytest.raises(AssertionError):
        autograd.test_util.check_grads(bridge(ops.tanh, 1), (0,), modes=["rev"], order=1)(np.array([0.5, -1.0]))

"""A formula and the kernel that stands in for it: one result, at every order."""

from contextlib import nullcontext

import numpy as np
import pytest

import minigen
from minigen import Tensor, grad
from minigen.autograd import FUSED, OPS, kernel, kernels_off
from minigen.autograd.op import fused, op


@pytest.fixture
def calls():
    return []


@pytest.fixture
def toy(calls):
    """y = a² b, with a kernel that notes its calls."""

    @fused
    def toy_test(a, b, *, scale=1.0):
        return a * a * b * scale

    @kernel(toy_test, backend="numpy")
    class ToyKernel:
        @staticmethod
        def value(a, b, *, scale):
            calls.append("value")
            return a * a * b * scale, 2 * scale

        @staticmethod
        def vjp(dy, y, saved, wanted, a, b, *, scale):
            calls.append(tuple(wanted))
            shares = {0: lambda: dy * saved * a * b, 1: lambda: (dy * scale * a * a).sum(0)}
            return [shares[i]() for i in wanted]

    yield toy_test
    del FUSED["toy_test"]


def leaves():
    rng = np.random.default_rng(0)
    return Tensor(rng.standard_normal((3, 2)), requires_grad=True), Tensor(rng.standard_normal(2), requires_grad=True)


def orders(function, a, b, weights):
    """The value, its gradients, and the gradients of a number made from them."""
    y = function(a, b)
    first = grad(y, [a, b], weights, create_graph=True)
    second = grad(sum((g * g).sum() for g in first), [a, b])
    return [x.numpy() for x in (y, *first, *second)]


def test_kernel_and_formula_agree_at_orders_0_1_and_2(toy, calls):
    a, b = leaves()
    weights = np.random.default_rng(1).standard_normal((3, 2))
    for with_kernel, formula in zip(
        orders(toy, a, b, weights), orders(lambda a, b: a * a * b, a, b, weights), strict=True
    ):
        np.testing.assert_allclose(with_kernel, formula, rtol=1e-13)
    plain = grad(toy(a, b), [a, b], weights)
    for ours, formula in zip(plain, grad(a * a * b, [a, b], weights), strict=True):
        np.testing.assert_allclose(ours.numpy(), formula.numpy(), rtol=1e-13)
    assert calls == ["value", "value", (0, 1)]  # create_graph asks the formula, not the kernel's derivative


def test_a_kernel_is_asked_only_for_what_is_wanted(toy, calls):
    a, b = leaves()
    grad(toy(a, b).sum(), [b])
    grad(toy(a.detach(), b).sum(), [b])
    assert calls == ["value", (1,), "value", (1,)]


def test_kernels_off_computes_the_formula(toy, calls):
    a, b = leaves()
    with kernels_off():
        y = toy(a, b, scale=3.0)
        assert y.node.op.name == "multiply"
    np.testing.assert_allclose(y.numpy(), toy(a, b, scale=3.0).numpy(), rtol=1e-15)
    assert calls == ["value"]


def test_a_kernel_serves_bare_arrays_and_no_grad(toy, calls):
    a, b = leaves()
    assert isinstance(toy(a.numpy(), b.numpy()), np.ndarray)
    with minigen.no_grad():
        assert toy(a, b).node is None
    assert toy(a.detach(), b.detach()).node is None
    assert calls == ["value"] * 3


def test_an_input_made_from_another_keeps_its_own_share_at_order_two(toy):
    a, _ = leaves()

    def through_both(function):
        b = a.sum(0)
        (da,) = grad(function(a, b).sum(), [a], create_graph=True)
        return grad((da * da).sum(), [a])[0].numpy()

    np.testing.assert_allclose(through_both(toy), through_both(lambda a, b: a * a * b), rtol=1e-13)


def test_the_same_tensor_may_be_both_inputs(toy):
    x = Tensor(np.array([2.0]), requires_grad=True)
    (dx,) = grad(toy(x, x), [x], create_graph=True)
    assert dx.item() == 12 and grad(dx, [x])[0].item() == 12


def test_one_array_returned_for_two_inputs_is_not_aliased():
    @fused
    def twin_test(a, b):
        return a + b

    @kernel(twin_test, backend="numpy")
    class TwinKernel:
        @staticmethod
        def value(a, b):
            return a + b, None

        @staticmethod
        def vjp(dy, y, saved, wanted, a, b):
            return [dy * 1] * 2

    try:
        a, b = (Tensor(np.ones(2), requires_grad=True) for _ in range(2))
        da, db = grad(twin_test(a, b).sum(), [a, b])
        da.data[...] = 7
        np.testing.assert_array_equal(db.numpy(), [1, 1])
    finally:
        del FUSED["twin_test"]


def test_a_misfit_inside_a_kernel_names_the_formula(toy):
    with pytest.raises(minigen.ShapeError, match=r"toy_test: shapes \(3, 2\) and \(5,\) do not fit"):
        toy(Tensor(np.ones((3, 2))), Tensor(np.ones(5)))


def test_an_op_may_have_a_kernel_with_its_forwards_signature(calls):
    @op
    def twice_test(x):
        return x + x

    twice_test.vjp(x=lambda dy, y, x: dy * 2)

    @kernel(twice_test, backend="numpy")
    def fast_twice(x):
        calls.append("kernel")
        return x * 2

    try:
        x = Tensor(np.ones(2), requires_grad=True)
        (dx,) = grad(twice_test(x).sum(), [x], create_graph=True)
        with kernels_off():
            twice_test(x)
        assert calls == ["kernel"] and dx.tolist() == [2, 2]
    finally:
        del OPS["twice_test"]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_batch_norm_has_one_result_with_and_without_kernels(dtype):
    rng = np.random.default_rng(2)
    x, gamma, beta = (
        Tensor(rng.standard_normal(shape).astype(dtype), requires_grad=True) for shape in ((6, 3, 2), (2,), (2,))
    )
    weights = rng.standard_normal((6, 3, 2)).astype(dtype)
    found = []
    for off in (False, True):
        with kernels_off() if off else nullcontext():
            found.append([g.numpy() for g in grad(minigen.batch_norm(x, gamma, beta), [x, gamma, beta], weights)])
    for ours, formula in zip(*found, strict=True):
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours, formula, rtol=1e-4 if dtype == np.float32 else 1e-11, atol=1e-6)

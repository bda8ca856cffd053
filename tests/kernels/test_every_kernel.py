"""Every registered kernel is held against its formula, value and derivative, on the examples of its operation."""

from contextlib import nullcontext

import numpy as np
import pytest

import minigen
from minigen import Tensor, grad
from minigen.autograd import FUSED, OPS, kernels_off

from ..ops.examples import EXAMPLES, function

KERNELS = sorted(name for name, op in {**OPS, **FUSED}.items() if op.kernels)

# Sums of a few dozen numbers of size 1 in another order: some units in the last place.
CLOSE = {np.float16: 5e-3, np.float32: 1e-5, np.float64: 1e-13}


def computed(name, case, dtype, weigh):
    """The value, and the gradient for every floating input that has one, under one random cotangent."""
    still = (OPS.get(name) or FUSED[name]).still
    floats = [np.asarray(x).dtype.kind == "f" and i not in still for i, x in enumerate(case.inputs)]
    inputs = [
        Tensor(np.asarray(x).astype(dtype), requires_grad=True) if is_float else x
        for x, is_float in zip(case.inputs, floats, strict=True)
    ]
    y = function(name)(*inputs, **case.settings)
    leaves = [x for x, is_float in zip(inputs, floats, strict=True) if is_float]
    return [y, *grad(y, leaves, weigh(y.shape).astype(dtype))]


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_equals_its_formula(name, dtype):
    for case in EXAMPLES[name][1](np.random.default_rng(0)):
        results = []
        for setting in (nullcontext, kernels_off):
            rng = np.random.default_rng(1)
            with setting():
                results.append(computed(name, case, dtype, lambda shape, rng=rng: rng.uniform(0.5, 1.5, shape)))
        for fast, plain in zip(*results, strict=True):
            assert fast.dtype == plain.dtype == dtype and fast.shape == plain.shape
            scale = max(1.0, float(np.abs(plain.numpy()).max(initial=0)))
            np.testing.assert_allclose(fast.numpy(), plain.numpy(), rtol=0, atol=CLOSE[dtype] * scale)


def bent_twice(name, case):
    """The gradient of a weighted sum of the gradient, for every floating input."""
    rng = np.random.default_rng(1)
    inputs = [Tensor(np.asarray(x), requires_grad=True) if np.asarray(x).dtype.kind == "f" else x for x in case.inputs]
    leaves = [x for x in inputs if isinstance(x, Tensor)]
    y = function(name)(*inputs, **case.settings)
    slopes = grad(y, leaves, rng.uniform(0.5, 1.5, y.shape), create_graph=True, allow_unused=True)
    weighed = sum((dx * rng.uniform(0.5, 1.5, dx.shape)).sum() for dx in slopes if dx is not None)
    return grad(weighed, leaves, allow_unused=True)


@pytest.mark.parametrize("name", [name for name in KERNELS if name in FUSED])
def test_what_stands_in_for_a_formula_has_its_second_derivative(name):
    for case in EXAMPLES[name][1](np.random.default_rng(0)):
        fast = bent_twice(name, case)
        with kernels_off():
            plain = bent_twice(name, case)
        for one, other in zip(fast, plain, strict=True):
            assert (one is None) == (other is None)
            if one is not None:
                np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-10, atol=1e-10)


def test_a_wrong_derivative_that_is_recorded_is_caught(monkeypatch):
    stand_in = FUSED["conv_leaky"].kernels["numpy"]
    right = stand_in.vjp
    assert stand_in.recordable

    def wrong(dy, *rest, **settings):
        return [dx * (1.001 if isinstance(dy, Tensor) else 1) for dx in right(dy, *rest, **settings)]

    monkeypatch.setattr(stand_in, "vjp", wrong)
    with pytest.raises(AssertionError):
        test_what_stands_in_for_a_formula_has_its_second_derivative("conv_leaky")


def test_there_are_kernels_to_test():
    assert {"affine_leaky", "batch_norm", "batch_norm_leaky", "conv_leaky", "conv_leaky_masked"} <= set(KERNELS)


def test_a_wrong_kernel_is_caught(monkeypatch):
    stand_in = FUSED["batch_norm"].kernels["numpy"]
    right = stand_in.vjp

    def wrong(dy, y, saved, wanted, *arrays, **settings):
        return [dx * 1.001 for dx in right(dy, y, saved, wanted, *arrays, **settings)]

    monkeypatch.setattr(stand_in, "vjp", staticmethod(wrong))
    with pytest.raises(AssertionError):
        test_a_kernel_equals_its_formula("batch_norm", np.float64)


@pytest.mark.parametrize("dtypes", [(np.int64, np.float32), (np.float32, np.float64)])
def test_batch_norm_of_other_dtypes_is_its_formula(dtypes):
    x, gamma = (Tensor(np.array(entries, dtype)) for entries, dtype in zip([[[1], [4], [9]], [2]], dtypes, strict=True))
    y = minigen.batch_norm(x, gamma, minigen.zeros(1))
    with kernels_off():
        formula = minigen.batch_norm(x, gamma, minigen.zeros(1))
    assert y.dtype == formula.dtype
    np.testing.assert_allclose(y.numpy(), formula.numpy(), rtol=1e-6)  # a few units in float32's last place


@pytest.mark.parametrize("which", [nullcontext, kernels_off])
def test_whoever_gets_the_moments_of_a_batch_may_write_to_them(which):
    rng = np.random.default_rng(0)
    x, gamma = Tensor(3 + rng.normal(size=(9, 2)), requires_grad=True), Tensor(np.ones(2))
    slopes = []
    for spoilt in (False, True):
        moments = {}
        with which():
            y = minigen.batch_norm(x, gamma, gamma, moments=moments)
            if spoilt:
                moments["mean"][...] = moments["var"][...] = 9
            slopes.append(grad((y * y * y).sum(), [x])[0].numpy())
    np.testing.assert_array_equal(*slopes)

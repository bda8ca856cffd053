"""Kernels that go over an array block by block: alike at every length, order of memory, slope and special value."""

from contextlib import nullcontext

import numpy as np
import pytest

from minigen import Tensor, grad
from minigen.autograd import FUSED, kernels_off
from minigen.kernels import blocks
from minigen.ops.activations import leaky_gate, leaky_relu
from minigen.ops.convolution import geometry_of

LENGTHS = [0, 1, blocks.BLOCK - 1, blocks.BLOCK, blocks.BLOCK + 1, 3 * blocks.BLOCK + 7]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("length", LENGTHS)
def test_the_rectifier_is_its_formula_at_every_length(length, dtype):
    rng = np.random.default_rng(0)
    x, a = (rng.standard_normal(length).astype(dtype) for _ in range(2))
    for slope in (0.0, 0.2, 1.0, 1.5, -0.5):
        for ours, formula in (
            (leaky_relu(x, slope=slope), leaky_relu.function(x, slope=slope)),
            (leaky_gate(a, x, slope=slope), leaky_gate.function(a, x, slope=slope)),
        ):
            assert ours.dtype == formula.dtype == dtype
            np.testing.assert_array_equal(ours, formula)


def test_arrays_in_any_order_of_memory_are_taken():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((300, 500)).astype(np.float32)
    views = (x.T, x[::-1], x[:, ::3], np.broadcast_to(x[:1], (200, 500)))
    for view in views:
        assert view.size > blocks.BLOCK
        np.testing.assert_array_equal(leaky_relu(view), leaky_relu.function(view))
        np.testing.assert_array_equal(leaky_gate(view, view, slope=0.2), leaky_gate.function(view, view, slope=0.2))


def test_nan_infinity_and_both_zeros_pass_as_in_the_formula():
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0])
    np.testing.assert_array_equal(leaky_relu(x), leaky_relu.function(x))
    assert np.signbit(leaky_relu(x)).tolist() == np.signbit(leaky_relu.function(x)).tolist()
    a = np.full(5, np.inf)
    np.testing.assert_array_equal(leaky_gate(a, x, slope=0.2), leaky_gate.function(a, x, slope=0.2))


def test_a_gate_that_is_broadcast_is_its_formula():
    a, x = np.ones(3, np.float32), np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3)
    np.testing.assert_array_equal(leaky_gate(a, x, slope=0.2), leaky_gate.function(a, x, slope=0.2))


@pytest.mark.parametrize("name", ["affine_leaky", "conv_leaky", "conv_leaky_masked", "batch_norm_leaky"])
def test_a_bend_behind_a_layer_goes_over_many_blocks_and_keeps_the_result_alone(name):
    rng = np.random.default_rng(2)
    x, b = rng.standard_normal((30, 20, 20, 3)).astype(np.float32), rng.standard_normal(5).astype(np.float32)
    if name == "batch_norm_leaky":
        x, settings, others = rng.standard_normal((30, 20, 20, 5)).astype(np.float32), {}, (b, b + 1)
    elif name == "affine_leaky":
        settings, others = {}, (rng.standard_normal((3, 5)).astype(np.float32), b)
    else:
        w = rng.standard_normal((3, 3, 3, 5)).astype(np.float32)
        settings = {"geometry": geometry_of(x, w, b, stride=1, padding="same", dilation=1, groups=1)}
        others = (w, b)
    if name == "conv_leaky_masked":
        settings["scale"], others = 1.5, (*others, rng.random((30, 20, 20, 5)) < 2 / 3)
    operation, found = FUSED[name], []
    for setting in (nullcontext, kernels_off):
        tensors = [Tensor(array, requires_grad=array.dtype.kind == "f") for array in (x, *others)]
        with setting():
            y = operation(*tensors, **settings, slope=0.2)
        assert y.size > blocks.BLOCK
        below = {id(i.node.y) for i in y.node.inputs if isinstance(i, Tensor) and i.node is not None}
        assert bool(below) == (setting is kernels_off)  # nothing between the input and the result is kept
        with setting():
            found.append([y, *grad((y * y).sum(), [t for t in tensors if t.requires_grad])])
    for one, other in zip(*found, strict=True):
        scale = float(np.abs(other.numpy()).max())
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=0, atol=1e-5 * scale)

"""Kernels that go over an array block by block: alike at every length, order of memory, slope and special value."""

import numpy as np
import pytest

from minigen.kernels import blocks
from minigen.ops.activations import leaky_gate, leaky_relu

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

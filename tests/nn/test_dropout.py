"""Dropout: the right share, the right mean and variance, a fresh mask a call, nothing in use."""

import numpy as np
import pytest

import minigen
from minigen import SettingError
from minigen.check import grad_check
from minigen.nn import Dropout


def rng(seed=0):
    return minigen.random.generator(seed)


def test_mean_and_variance_are_what_inverted_dropout_promises():
    n = 200_000
    y = Dropout(0.3, rng=rng())(minigen.ones(n) * 2).numpy().astype(np.float64)
    taken = round(0.3 * 2**16) / 2**16
    assert set(np.unique(y)) == {0.0, np.float32(2 / (1 - taken))}
    variance = 0.3 / 0.7 * 4
    assert y.mean() == pytest.approx(2, abs=4 * np.sqrt(variance / n))
    kurtosis = (0.3 * 2**4 + 0.7 * (2 / 0.7 - 2) ** 4) / variance**2
    assert y.var() == pytest.approx(variance, abs=4 * variance * np.sqrt((kurtosis - 1) / n))


def test_in_use_it_does_nothing_and_draws_nothing():
    draws = rng()
    layer, x = Dropout(0.3, rng=draws).eval(), minigen.ones(5)
    before = draws.bit_generator.state
    assert layer(x) is x and draws.bit_generator.state == before


def test_each_call_has_its_own_mask():
    layer = Dropout(0.5, rng=rng())
    masks = [layer(minigen.ones(64)).numpy() for _ in range(3)]
    assert not (masks[0] == masks[1]).all() and not (masks[1] == masks[2]).all() and not (masks[0] == masks[2]).all()


def test_a_restored_generator_repeats_the_mask():
    layer = Dropout(0.5, rng=rng())
    state = layer.rng.bit_generator.state
    first = layer(minigen.ones(64)).numpy()
    layer.rng.bit_generator.state = state
    assert (layer(minigen.ones(64)).numpy() == first).all()


@pytest.mark.parametrize("create_graph", [False, True])
def test_backward_has_the_mask_of_forward(create_graph):
    x = minigen.tensor(np.ones(64, np.float32), requires_grad=True)
    y = Dropout(0.5, rng=rng())(x)
    assert (minigen.grad(y.sum(), [x], create_graph=create_graph)[0].numpy() == y.numpy()).all()


@pytest.mark.parametrize("rate, factor", [(0.0, 1.0), (1.0, 0.0)])
def test_the_ends_are_identity_and_zeros(rate, factor):
    y = Dropout(rate, rng=rng())(minigen.ones(5))
    assert (y.numpy() == factor).all() and y.dtype == np.float32


def test_it_agrees_with_finite_differences():
    layer = Dropout(0.4, rng=rng())
    grad_check(lambda x: layer(x * x * x), [rng(1).normal(size=(4, 5))], order=2, rng=layer.rng, quiet=True)


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_a_rate_that_is_no_share_is_refused(rate):
    with pytest.raises(SettingError, match=r"must lie in \[0, 1\]"):
        Dropout(rate, rng=rng())

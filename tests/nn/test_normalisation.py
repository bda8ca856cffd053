"""Batch normalisation: what it computes, what it remembers, where it refuses; and layer normalisation."""

import numpy as np
import pytest

import minigen
from minigen import ShapeError
from minigen.check import grad_check
from minigen.nn import BatchNorm, Dense, LayerNorm, LeakyReLU, Sequential


def rng(seed=0):
    return minigen.random.generator(seed)


@pytest.mark.parametrize("shape", [(7, 3), (2, 4, 3), (2, 3, 4, 3), (2, 2, 2, 2, 3)])
def test_each_channel_leaves_with_mean_0_and_variance_1(shape):
    y = BatchNorm(3, eps=0.0)(5 + 3 * minigen.random.normal(*shape, rng=rng())).numpy().reshape(-1, 3)
    np.testing.assert_allclose(y.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(y.var(axis=0), 1, rtol=1e-5)


@pytest.mark.parametrize("mean", [0, 10, 100, 1000])
def test_the_variance_does_not_cancel(mean):
    x = (mean + 0.01 * rng().normal(size=(4096, 2))).astype(np.float32)
    layer = BatchNorm(2, momentum=0.0)
    layer(minigen.tensor(x))
    np.testing.assert_allclose(layer.running_var.numpy(), x.astype(np.float64).var(axis=0), rtol=1e-3)


def test_long_sums_stay_exact():
    x = (10 + rng().normal(size=(200_704, 4))).astype(np.float32)
    layer = BatchNorm(4, momentum=0.0)
    layer(minigen.tensor(x))
    assert abs(layer.running_mean.numpy() - x.astype(np.float64).mean(axis=0)).max() < 5e-4


BATCHES = [np.array([[0.0], [2.0]], np.float32), np.array([[1.0], [5.0]], np.float32), np.array([[3.0], [3.0]])]


def test_running_statistics_by_hand_as_in_keras():
    layer = BatchNorm(1)  # batch means 1, 3, 3 and biased variances 1, 4, 0
    for batch in BATCHES:
        layer(minigen.tensor(batch.astype(np.float32)))
    mean = variance = 0.0
    variance = 1.0
    for batch_mean, batch_variance in ((1, 1), (3, 4), (3, 0)):
        mean, variance = 0.99 * mean + 0.01 * batch_mean, 0.99 * variance + 0.01 * batch_variance
    assert layer.running_mean.item() == pytest.approx(mean, rel=1e-6)
    assert layer.running_var.item() == pytest.approx(variance, rel=1e-6)


def test_running_statistics_by_hand_as_in_pytorch():
    layer = BatchNorm(1, momentum=0.9, eps=1e-5, unbiased_running=True)  # unbiased variances 2, 8, 0
    for batch in BATCHES:
        layer(minigen.tensor(batch.astype(np.float32)))
    assert layer.running_var.item() == pytest.approx(0.9 * (0.9 * (0.9 + 0.2) + 0.8) + 0.0, rel=1e-6)
    assert layer.running_mean.item() == pytest.approx(0.9 * (0.9 * 0.1 + 0.3) + 0.3, rel=1e-6)


def test_both_conventions_agree_with_pytorch():
    torch = pytest.importorskip("torch", reason="PyTorch, the referee, is not installed")
    theirs = torch.nn.BatchNorm2d(3)
    ours = BatchNorm(3, momentum=0.9, eps=1e-5, unbiased_running=True)
    for seed in range(3):
        x = minigen.random.normal(4, 5, 5, 3, rng=rng(seed)).numpy()
        y = theirs(torch.tensor(x.transpose(0, 3, 1, 2).copy())).detach().numpy().transpose(0, 2, 3, 1)
        np.testing.assert_allclose(ours(minigen.tensor(x)).numpy(), y, atol=1e-6)
    np.testing.assert_allclose(ours.running_var.numpy(), theirs.running_var.numpy(), rtol=1e-6)
    np.testing.assert_allclose(ours.running_mean.numpy(), theirs.running_mean.numpy(), rtol=1e-5, atol=1e-8)
    y = theirs.eval()(torch.tensor(x.transpose(0, 3, 1, 2).copy())).detach().numpy().transpose(0, 2, 3, 1)
    np.testing.assert_allclose(ours.eval()(minigen.tensor(x)).numpy(), y, atol=1e-6)


def test_as_the_article_runs_it_it_only_scales():
    """Never told that it trains, Keras' layer uses the statistics it started with: 0 and 1, for ever."""
    x = minigen.ones(2, 3)
    assert BatchNorm(3).eval()(x).numpy() == pytest.approx(0.9995004, abs=1e-7)


def test_statistics_stay_in_eval_and_samples_do_not_meet():
    layer = BatchNorm(3)
    layer(minigen.random.normal(8, 3, rng=rng()))
    layer.eval()
    before = layer.state_dict()
    x = minigen.random.normal(4, 3, rng=rng(1))
    together = layer(x).numpy()
    assert (layer(x[:1]).numpy() == together[:1]).all()
    assert all((a == b).all() for a, b in zip(before.values(), layer.state_dict().values(), strict=True))


def test_the_derivative_in_eval_is_gamma_over_the_deviation():
    layer = BatchNorm(2)
    layer.gamma.data, layer.running_var.data = np.float32([2, 3]), np.float32([4, 9])
    x = minigen.tensor(np.ones((1, 2), np.float32), requires_grad=True)
    dx = minigen.grad(layer.eval()(x).sum(), [x])[0]
    np.testing.assert_allclose(dx.numpy(), [[2 / np.sqrt(4.001), 3 / np.sqrt(9.001)]], rtol=1e-6)


@pytest.mark.parametrize("training", [True, False])
def test_both_modes_agree_with_finite_differences_at_orders_1_and_2(training):
    layer = BatchNorm(3).train(training)
    layer.running_mean.data, layer.running_var.data = np.float32([0.1, -0.2, 0.3]), np.float32([0.5, 1.5, 2.5])
    grad_check(layer, [rng().normal(size=(4, 2, 3))], order=2, quiet=True)


@pytest.mark.parametrize("shape", [(1, 3), (1, 1, 1, 3), (0, 3)])
def test_one_value_a_channel_has_no_variance(shape):
    layer = BatchNorm(3)
    before = layer.state_dict()
    with pytest.raises(ShapeError, match=r"BatchNorm\(3\): .* a channel, which has no variance; train on more"):
        layer(minigen.ones(shape))
    assert all((a == b).all() for a, b in zip(before.values(), layer.state_dict().values(), strict=True))
    assert layer.eval()(minigen.ones(shape)).shape == shape


def test_one_image_is_enough_if_it_has_four_pixels():
    x = minigen.tensor(np.ones((1, 2, 2, 3), np.float32), requires_grad=True)
    y = BatchNorm(3, unbiased_running=True)(x)
    assert (y.numpy() == 0).all() and (minigen.grad((y * y * 3).sum(), [x])[0].numpy() == 0).all()


def test_a_bias_before_it_has_no_effect():
    net = Sequential(Dense(3, 4, rng=rng()), BatchNorm(4), LeakyReLU())
    grad_check(net, [rng().normal(size=(6, 3))], expect_zero=("bias",), quiet=True)


def test_statistics_are_saved_but_not_trained():
    layer = BatchNorm(3)
    assert list(layer.state_dict()) == ["gamma", "beta", "running_mean", "running_var"]
    assert [p.name for p in layer.parameters()] == ["gamma", "beta"]


def test_a_derivative_in_eval_is_that_of_the_statistics_the_loss_was_computed_with():
    layer = BatchNorm(3)
    x = minigen.tensor(np.ones((2, 3), np.float32), requires_grad=True)
    loss = layer.eval()(x).sum()
    layer.train()(minigen.random.normal(4, 3, rng=rng()))
    dx, dgamma = minigen.grad(loss, [x, layer.gamma])
    np.testing.assert_allclose(dx.numpy(), 1 / np.sqrt(1.001), rtol=1e-6)
    np.testing.assert_allclose(dgamma.numpy(), 2 / np.sqrt(1.001), rtol=1e-6)


def test_half_precision_gathers_in_float32():
    x = minigen.tensor((10 + 0.1 * rng().normal(size=(4096, 2))).astype(np.float16))
    layer = BatchNorm(2, momentum=0.0)
    layer(x)
    np.testing.assert_allclose(layer.running_mean.numpy(), x.numpy().astype(np.float64).mean(axis=0), rtol=1e-4)


def test_layer_norm_looks_at_one_item():
    y = LayerNorm(5, eps=0.0)(3 + 2 * minigen.random.normal(4, 5, rng=rng())).numpy()
    np.testing.assert_allclose(y.mean(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose(y.var(axis=1), 1, rtol=1e-5)


def test_half_precision_stays_half_in_training_and_in_use():
    layer, x = BatchNorm(3), minigen.Tensor(np.arange(12, dtype=np.float16).reshape(4, 3))
    assert layer(x).dtype == layer.eval()(x).dtype == np.float16

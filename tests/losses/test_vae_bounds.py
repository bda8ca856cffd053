"""The IWAE bound and L_k of many draws: weights of any size, their slopes, and the memory they take."""

import math
import tracemalloc

import numpy as np
import pytest

import minigen
from minigen import DataError, SettingError, ShapeError
from minigen.check import grad_check
from minigen.losses import vae as losses
from minigen.nn import Dense, Sequential, Tanh

INF = math.inf


def rng(seed=0):
    return minigen.random.generator(seed)


def tensor(values, dtype=np.float64, leaf=False):
    return minigen.tensor(np.array(values, dtype), requires_grad=leaf)


def draws(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def slopes(loss, *leaves):
    return [g.numpy() for g in minigen.grad(loss, list(leaves))]


# The IWAE bound -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shift", [0, -1000, 1e4, -1e4])
def test_log_mean_exp_by_hand_at_any_height(shift):
    log_w = np.array([[-1.0, -2.0, -5.0]]) + shift
    assert losses.iwae_bound(tensor(log_w)).item() == pytest.approx(-1.772050 + shift, abs=1e-6)
    np.testing.assert_allclose(
        losses.normalised_weights(tensor(log_w)).numpy(), [[0.72140, 0.26539, 0.01321]], atol=5e-6
    )


def test_the_bounds_slope_is_the_normalised_weights():
    log_w = tensor([[-1, -2, -5], [3, 3, 3]], leaf=True)
    slope = slopes(losses.iwae_bound(log_w) * 2, log_w)[0]  # · 2: the mean over two items
    np.testing.assert_allclose(slope, losses.normalised_weights(log_w).numpy(), rtol=1e-12)
    np.testing.assert_allclose(slope.sum(axis=1), 1, rtol=1e-12)
    assert slope[0].argmax() == 0  # the largest log w counts most


def test_k_1_is_the_identity_and_the_batch_is_averaged():
    log_w = tensor([[-3], [5]], leaf=True)
    loss = losses.iwae_bound(log_w)
    assert loss.item() == 1 and slopes(loss, log_w)[0].tolist() == [[0.5], [0.5]]


def test_more_draws_never_lower_the_mean_bound():
    log_w = 3 * draws(2000, 8)
    bounds = [losses.iwae_bound(tensor(log_w.reshape(-1, k))).item() for k in (1, 2, 4, 8)]
    assert bounds == sorted(bounds)  # the same weights in larger groups: Jensen, whatever the draws


def test_weights_that_exp_cannot_hold_in_float32():
    log_w = (-110 + 3 * draws(200, 50)).astype(np.float32)
    assert (np.exp(log_w) == 0).mean() > 0.5  # taken one by one, most are nothing
    exact = log_w.astype(np.float64)
    wanted = np.log(np.exp(exact - exact.max(axis=1, keepdims=True)).mean(axis=1)) + exact.max(axis=1)
    found = losses.iwae_bound(tensor(log_w, np.float32))
    assert found.dtype == np.float32 and found.item() == pytest.approx(wanted.mean(), rel=1e-6)


def test_weights_that_are_all_0_give_minus_infinity_and_slope_0():
    log_w = tensor([[-INF, -INF], [0, -1]], np.float32, leaf=True)
    loss = losses.iwae_bound(log_w)
    assert loss.item() == -INF
    np.testing.assert_allclose(slopes(loss, log_w)[0], [[0, 0], [0.365529, 0.134471]], rtol=1e-5)
    np.testing.assert_allclose(losses.normalised_weights(log_w).numpy(), [[0, 0], [0.731059, 0.268941]], rtol=1e-5)
    one = tensor([[-INF, 0.0]], leaf=True)  # a weight of 0 among others
    assert losses.iwae_bound(one).item() == pytest.approx(-math.log(2))
    assert slopes(losses.iwae_bound(one), one)[0].tolist() == [[0, 1]]


def test_gradients_through_a_network_are_importance_weighted():
    """∇ L_k = mean over items of Σ w̃ᵢ ∇ log wᵢ (IWAE, eq. 14), for every weight and bias of an encoder."""
    net = Sequential(Dense(2, 4, rng=rng()), Tanh(), Dense(4, 4, rng=rng(1))).astype(np.float64)
    x, N, k = tensor(draws(3, 2)), 3, 6

    def log_w():
        mu, logvar = minigen.split(net(x), 2, axis=1)
        z = losses.reparameterise(mu, logvar, rng=rng(5), k=k)
        return losses.log_weights(losses.log_normal(x.reshape(N, 1, 2), z, -1.0), z, mu, logvar)

    whole = slopes(losses.iwae_bound(log_w()), *net.parameters())
    weights = losses.normalised_weights(log_w()).numpy()
    parts = [np.zeros_like(g) for g in whole]
    for i in range(N):
        for j in range(k):
            each = slopes(log_w()[i, j], *net.parameters())
            parts = [total + weights[i, j] / N * g for total, g in zip(parts, each, strict=True)]
    for found, wanted in zip(whole, parts, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-12)
    assert min(abs(g).max() for g in whole) > 1e-3  # nothing is cut off


def test_log_weights_by_hand():
    """log w = log p(x|z) + log p(z) − log q(z|x), of two items with three draws each."""
    z, mu, logvar, log_px = draws(2, 3, 4), draws(2, 4, seed=1), draws(2, 4, seed=2), draws(2, 3, seed=3)
    q = (-0.5 * (np.log(2 * np.pi) + logvar[:, None] + (z - mu[:, None]) ** 2 / np.exp(logvar)[:, None])).sum(axis=2)
    wanted = log_px - 0.5 * (np.log(2 * np.pi) + z**2).sum(axis=2) - q
    found = losses.log_weights(tensor(log_px), tensor(z), tensor(mu), tensor(logvar)).numpy()
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


# L_k of many draws ----------------------------------------------------------------------------------------------------


def slices_of(log_w):
    """Log weights handed out from left to right, as many columns as are asked for."""
    done = 0

    def draw(n):
        nonlocal done
        done += n
        return minigen.tensor(log_w[:, done - n : done])

    return draw


@pytest.mark.parametrize("chunk", [1, 7, 30, 100])
def test_chunks_give_what_one_piece_gives(chunk):
    log_w = -500 + 20 * draws(5, 30)
    log_w[1] = np.sort(log_w[1])  # the largest comes last
    log_w[2] = -np.sort(-log_w[2])
    log_w[3, :29] = -INF
    log_w[4] = -INF
    tight, plain = losses.log_likelihood(slices_of(log_w), 30, chunk=chunk)
    wanted = [losses.iwae_bound(tensor(row[None])).item() for row in log_w]
    np.testing.assert_allclose(tight, wanted, rtol=1e-13)
    np.testing.assert_allclose(plain, log_w.mean(axis=1), rtol=1e-13)
    assert tight[4] == -INF == plain[3] and tight[3] == pytest.approx(log_w[3, 29] - math.log(30))


def test_sums_are_float64_whatever_the_draws():
    log_w = (-100 + draws(2, 5000)).astype(np.float32)
    tight, plain = losses.log_likelihood(slices_of(log_w), 5000, chunk=100)
    assert tight.dtype == plain.dtype == np.float64 and type(tight) is np.ndarray
    exact = log_w.astype(np.float64)
    np.testing.assert_allclose(tight, np.log(np.exp(exact + 100).mean(axis=1)) - 100, rtol=1e-12)


def test_memory_does_not_grow_with_k_and_nothing_is_recorded():
    mu = tensor(np.zeros((64, 20)), leaf=True)
    noise = rng()

    def draw(n):
        z = losses.reparameterise(mu, mu * 1.0, rng=noise, k=n)
        assert z.node is None  # no graph
        return losses.log_standard_normal(z)

    def peak_bytes(k):
        tracemalloc.start()
        losses.log_likelihood(draw, k, chunk=10)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    peak_bytes(10)
    few, many = peak_bytes(20), peak_bytes(600)
    assert many < 1.1 * few and many < 64 * 600 * 20 * 8 / 4  # far below holding every draw at once


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_weight_that_is_no_number_is_refused(bad):
    with pytest.raises(DataError, match="a log weight is NaN or \\+∞. Did the model diverge"):
        losses.log_likelihood(slices_of(np.array([[0.0, bad]])), 2)


# What is refused, what all keep ---------------------------------------------------------------------------------------


def test_counts_below_1_and_shapes_that_do_not_fit_are_refused():
    with pytest.raises(SettingError, match="log_likelihood: k=0 and chunk=100 must be at least 1"):
        losses.log_likelihood(slices_of(draws(2, 2)), 0)
    with pytest.raises(SettingError, match="log_likelihood: k=5 and chunk=0 must be at least 1"):
        losses.log_likelihood(slices_of(draws(2, 2)), 5, chunk=0)
    with pytest.raises(ShapeError, match=r"log_likelihood: 4 draws came with shape \(4, 3\); it must be \(N, 4\)"):
        losses.log_likelihood(lambda n: draws(n, 3), 4)
    for f in (losses.iwae_bound, losses.normalised_weights):
        for shape in ((3,), (2, 0), (2, 3, 4)):
            with pytest.raises(
                ShapeError, match=rf"{f.__name__}: log_w has shape .*; it must be \(N, k\), k at least 1"
            ):
                f(tensor(np.zeros(shape)))
    two = tensor(np.zeros((2, 2)))
    with pytest.raises(ShapeError, match=r"log_weights: log_px has shape \(2,\), z \(2, 2, 2\); they must be"):
        losses.log_weights(tensor([0, 0]), tensor(np.zeros((2, 2, 2))), two, two)


def test_bounds_and_weights_agree_with_finite_differences_to_order_2():
    log_w, mu, logvar = draws(2, 3, seed=2), draws(2, 3), draws(2, 3, seed=1)
    grad_check(losses.iwae_bound, {"log_w": log_w}, order=2, quiet=True)
    grad_check(losses.normalised_weights, {"log_w": log_w}, order=2, quiet=True)
    given = {"log_px": draws(2, 4), "z": draws(2, 4, 3, seed=3), "mu": mu, "logvar": logvar}
    grad_check(losses.log_weights, given, order=2, quiet=True)


def test_float32_stays_float32_in_values_and_slopes():
    mu, logvar, log_w = (tensor(draws(2, 3, seed=s), np.float32, leaf=True) for s in range(3))
    z = losses.reparameterise(mu, logvar, rng=rng(), k=3)
    for loss, leaves in (
        (losses.iwae_bound(log_w), [log_w]),
        (losses.normalised_weights(log_w).max(), [log_w]),
        (losses.log_weights(log_w, z, mu, logvar).sum(), [log_w, mu, logvar]),
    ):
        assert loss.dtype == np.float32 and loss.shape == ()
        assert {g.dtype for g in minigen.grad(loss, leaves)} == {np.dtype(np.float32)}

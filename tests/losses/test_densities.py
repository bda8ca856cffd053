"""Densities and likelihoods against closed forms, with their constants, in the units they promise."""

import warnings

import numpy as np
import pytest

import minigen
from minigen import AnomalyError, SettingError, ShapeError
from minigen.check import grad_check
from minigen.data.idx import read_idx
from minigen.losses import densities
from minigen.losses import vae as losses

LN2 = np.log(2)


def tensor(values, dtype=np.float64, leaf=False):
    return minigen.tensor(np.array(values, dtype), requires_grad=leaf)


def draws(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


# The logarithms -------------------------------------------------------------------------------------------------------


def test_log_normal_by_hand_with_its_constant():
    assert losses.log_normal(tensor([1]), tensor([0]), tensor([np.log(0.25)])).item() == pytest.approx(-2.225791, 1e-6)
    assert losses.log_standard_normal(tensor([0.0, 0.0])).item() == pytest.approx(-np.log(2 * np.pi), rel=1e-12)


def test_a_density_integrates_to_1():
    x = np.linspace(-12, 12, 4001)[:, None]
    for mu, logvar in ((0.7, -1.0), (-1.0, 1.2)):
        p = np.exp(losses.log_normal(tensor(x), tensor([mu]), tensor([logvar])).numpy())
        assert np.trapezoid(p, x[:, 0]) == pytest.approx(1, abs=1e-6)  # the tail beyond 12 weighs less


@pytest.mark.parametrize("shape", [(4, 3), (4, 5, 3)])
def test_densities_sum_over_the_last_axis_only(shape):
    x, mu, logvar = draws(*shape), draws(*shape, seed=1), draws(*shape, seed=2)
    terms = -0.5 * (np.log(2 * np.pi) + logvar + (x - mu) ** 2 / np.exp(logvar))
    found = losses.log_normal(tensor(x), tensor(mu), tensor(logvar))
    np.testing.assert_allclose(found.numpy(), terms.sum(axis=-1), rtol=1e-12)
    found = losses.log_normal(tensor(x), tensor(mu), -0.3)  # one number for all counts for each entry
    same = losses.log_normal(tensor(x), tensor(mu), tensor(np.full(shape, -0.3)))
    np.testing.assert_allclose(found.numpy(), same.numpy(), rtol=1e-12)
    np.testing.assert_allclose(
        losses.log_standard_normal(tensor(x)).numpy(),
        losses.log_normal(tensor(x), tensor(0 * x), tensor(0 * x)).numpy(),
        rtol=1e-12,
    )
    bits = (x > 0).astype(float)
    p = 1 / (1 + np.exp(-mu))
    np.testing.assert_allclose(
        losses.log_bernoulli(tensor(bits), tensor(mu)).numpy(),
        np.log(np.where(bits == 1, p, 1 - p)).sum(axis=-1),
        rtol=1e-12,
    )


def test_the_probabilities_of_all_black_and_white_images_sum_to_1():
    every = np.array([[(n >> i) & 1 for i in range(4)] for n in range(16)], np.float64)
    log_p = losses.log_bernoulli(tensor(every), tensor(np.tile(draws(4), (16, 1)))).numpy()
    assert np.exp(log_p).sum() == pytest.approx(1, rel=1e-12)


# Bernoulli ------------------------------------------------------------------------------------------------------------


def test_bernoulli_nll_of_a_coin_for_each_of_784_pixels():
    x = (draws(3, 28, 28, 1) > 0).astype(np.float32)
    assert losses.bernoulli_nll(tensor(0 * x), tensor(x)).item() == pytest.approx(784 * LN2, rel=1e-12)
    assert f"{784 * LN2:.2f}" == "543.43"


@pytest.mark.parametrize("shape", [(6, 4), (6, 2, 2, 1)])
def test_likelihoods_sum_over_an_item_and_average_over_the_batch(shape):
    a, x, logvar = draws(*shape), (draws(*shape, seed=1) > 0).astype(float), draws(*shape, seed=2)
    whole = losses.bernoulli_nll(tensor(a), tensor(x)).item()
    assert whole == pytest.approx((np.log1p(np.exp(a)) - x * a).sum() / 6, rel=1e-12)
    gauss = losses.gaussian_nll(tensor(a), tensor(logvar), tensor(x)).item()
    terms = 0.5 * (np.log(2 * np.pi) + logvar + (x - a) ** 2 / np.exp(logvar))
    assert gauss == pytest.approx(terms.sum() / 6, rel=1e-12)


@pytest.mark.parametrize("dtype, digits", [(np.float64, 1e-15), (np.float32, 1e-7)])
def test_hard_logits_cost_nothing_or_their_size(dtype, digits):
    """The probability is never formed: ±800 and ±1e4 are exact.  x a − softplus(a) is right to the rounding of a."""
    for a, x, value, slope in (
        (-1, 0, 0.313261687518, 0.268941421370),
        (20, 1, 2.06115362e-9, -2.06115362e-9),
        (20, 0, 20.00000000206, 1),
        (800, 1, 0, 0),
        (800, 0, 800, 1),
        (-1e4, 1, 1e4, -1),
        (-1e4, 0, 0, 0),
    ):
        logits = tensor([[a]], dtype, leaf=True)
        loss = losses.bernoulli_nll(logits, tensor([[x]], dtype))
        assert loss.item() == pytest.approx(value, rel=1e-8, abs=2 * digits * abs(a))
        assert minigen.grad(loss, [logits])[0].item() == pytest.approx(slope, rel=1e-8, abs=2 * digits)


@pytest.mark.parametrize("x", [0.5, -1.0, 2.0, float("nan")])
def test_bernoulli_nll_refuses_what_is_neither_0_nor_1(x):
    with pytest.raises(SettingError, match=r"bernoulli_nll: x holds values that are neither 0 nor 1.*Binarise them"):
        losses.bernoulli_nll(tensor([[0.0, 0.0]]), tensor([[1.0, x]]))


def test_bits_may_be_booleans_bytes_or_bare_arrays():
    a, x = tensor([[0.3, -2.0]], np.float32), np.array([[1, 0]])
    wanted = losses.bernoulli_nll(a, tensor(x, np.float32))
    for kind in (np.bool_, np.uint8, np.float64):
        found = losses.bernoulli_nll(a, x.astype(kind))
        assert found.item() == wanted.item() and found.dtype == np.float32


# Grey -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("x, entropy", [(0.5, 0.693147), (0.1, 0.325083), (0.9, 0.325083)])
def test_the_least_of_the_grey_cross_entropy_is_the_entropy(x, entropy):
    best = np.log(x / (1 - x))
    logits = tensor([[best]], leaf=True)
    loss = losses.grey_cross_entropy(logits, tensor([[x]]))
    assert loss.item() == pytest.approx(entropy, abs=1e-6)
    assert abs(minigen.grad(loss, [logits])[0].item()) < 1e-12
    for a in best + np.array([-3, -0.01, 0.01, 5]):
        assert losses.grey_cross_entropy(tensor([[a]]), tensor([[x]])).item() > loss.item()


def test_grey_outside_0_to_1_is_refused():
    for x in (-1.0, 1.01, float("nan")):
        with pytest.raises(SettingError, match=r"grey_cross_entropy: an x lies outside \[0, 1\].*\(x \+ 1\) / 2"):
            losses.grey_cross_entropy(tensor([[0.0]]), tensor([[x]]))


def test_the_entropy_of_mnists_grey_and_what_the_mean_image_costs(real_data):
    """45.534 nats for the test digits, no model can have less; 205.97 for them under the training digits' means."""
    folder = real_data("mnist")
    train, test = (
        read_idx(next(folder.glob(f"{part}-images-idx3-ubyte*"))).reshape(-1, 784) for part in ("train", "t10k")
    )
    grey = np.unique(test) / 255  # each of the 256 greys, as often as it occurs
    often = np.unique(test, return_counts=True)[1] / len(test)
    p = np.clip(grey, 1e-15, 1 - 1e-15)
    least = [losses.grey_cross_entropy(tensor([[np.log(q / (1 - q))]]), tensor([[q]])).item() for q in p]
    assert often @ least == pytest.approx(45.534, abs=1e-3)
    means = np.clip(train.mean(axis=0) / 255, 1e-3, 1 - 1e-3)  # as IWAE's own code clips pixels that are never lit
    logits = np.log(means) - np.log1p(-means)
    found = losses.grey_cross_entropy(tensor(logits[None]), tensor(test.mean(axis=0)[None] / 255))  # linear in x
    assert found.item() == pytest.approx(205.97, abs=0.005)


def test_a_sigmoid_before_a_loss_from_logits_is_noticed():
    x = tensor([[1.0, 0.0]])
    for loss in (losses.bernoulli_nll, losses.grey_cross_entropy):
        with pytest.warns(UserWarning, match="takes logits, but was given the output of a sigmoid") as caught:
            loss(minigen.sigmoid(tensor([[0.3, 0.1]], leaf=True)), x)
        assert caught[0].filename == __file__  # the caller's line, not the library's
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            loss(tensor([[0.3, 0.1]], leaf=True) * 2, x)


# Gaussian -------------------------------------------------------------------------------------------------------------


def test_gaussian_nll_by_hand_and_negative_where_a_density_exceeds_1():
    assert losses.gaussian_nll(tensor([[0]]), np.log(0.25), tensor([[1]])).item() == pytest.approx(2.225791, abs=1e-6)
    assert losses.gaussian_nll(tensor([[0]]), -8.0, tensor([[0]])).item() == pytest.approx(0.918939 - 4, abs=1e-6)


@pytest.mark.parametrize("logvar", [-0.5, np.float64(-0.5), np.array(-0.5), np.array([-0.5]), np.full((1, 1, 1), -0.5)])
def test_one_logvar_serves_every_pixel(logvar):
    m, x = draws(3, 2, 2), draws(3, 2, 2, seed=1)
    given = tensor(logvar) if isinstance(logvar, np.ndarray) else logvar
    found = losses.gaussian_nll(tensor(m), given, tensor(x)).item()
    assert found == pytest.approx(losses.gaussian_nll(tensor(m), tensor(np.full((3, 2, 2), -0.5)), tensor(x)).item())


def test_a_logvar_that_would_only_broadcast_is_refused():
    """(4,) beside (4, 4) would be read as one for each item, or one for each pixel: who knows?"""
    m = tensor(draws(4, 4))
    with pytest.raises(ShapeError, match=r"gaussian_nll: got shapes \(4, 4\) and \(4,\); they must be the same"):
        losses.gaussian_nll(m, tensor(draws(4)), m)


def test_each_loss_names_itself_where_shapes_differ():
    a, x = tensor(np.zeros((2, 3))), tensor(np.zeros((2, 1)))
    for loss, call in (
        ("bernoulli_nll", lambda: losses.bernoulli_nll(a, x)),
        ("grey_cross_entropy", lambda: losses.grey_cross_entropy(a, x)),
        ("gaussian_nll", lambda: losses.gaussian_nll(a, 0.0, x)),
    ):
        with pytest.raises(ShapeError, match=rf"^{loss}: got shapes \(2, 3\) and \(2, 1\)"):
            call()


def test_a_variance_too_small_for_float32_is_said_aloud():
    """Nothing is clamped: e^100 overflows, which NumPy warns of and detect_anomaly locates; e^80 does not."""
    m, x = tensor([[0.0]], np.float32), tensor([[0.5]], np.float32)
    low = tensor([[-80.0]], np.float32)
    assert losses.gaussian_nll(m, low, x).item() == pytest.approx(0.125 * np.exp(80), rel=1e-5)
    lower = tensor([[-100.0]], np.float32)
    with pytest.raises(RuntimeWarning, match="overflow encountered in exp"):
        losses.gaussian_nll(m, lower, x)
    with np.errstate(over="ignore"), minigen.detect_anomaly(), pytest.raises(AnomalyError, match="exp made the first"):
        losses.gaussian_nll(m, lower, x)
    for logvar in (80.0, 100.0):  # and a variance as large is finite
        found = losses.gaussian_nll(m, tensor([[logvar]], np.float32), x).item()
        assert found == pytest.approx(0.918939 + logvar / 2, rel=1e-6)


# All of them ----------------------------------------------------------------------------------------------------------


def test_every_likelihood_agrees_with_finite_differences_to_order_2():
    a, logvar, x = draws(2, 3), draws(2, 3, seed=1), draws(2, 3, seed=2)
    bits, grey = (x > 0).astype(float), 1 / (1 + np.exp(-x))
    grad_check(lambda a: losses.bernoulli_nll(a, bits), {"a": a}, order=2, quiet=True)
    grad_check(lambda a: losses.grey_cross_entropy(a, grey), {"a": a}, order=2, quiet=True)
    grad_check(losses.gaussian_nll, {"mean": a, "logvar": logvar, "x": x}, order=2, quiet=True)
    grad_check(losses.gaussian_nll, {"mean": a, "logvar": np.array(0.3), "x": x}, order=2, quiet=True)
    grad_check(losses.log_normal, {"x": x, "mu": a, "logvar": logvar}, order=2, quiet=True)
    grad_check(losses.log_standard_normal, {"z": x}, order=2, quiet=True)
    grad_check(losses.log_bernoulli, {"x": grey, "logits": a}, order=2, quiet=True)


def test_float32_stays_float32_in_values_and_slopes():
    a, logvar = (tensor(draws(2, 3, seed=s), np.float32, leaf=True) for s in (0, 1))
    bits = (draws(2, 3, seed=2) > 0).astype(np.float64)  # float64 data beside float32 parameters stay weak
    for loss, leaves in (
        (losses.bernoulli_nll(a, bits), [a]),
        (losses.grey_cross_entropy(a, bits), [a]),
        (losses.gaussian_nll(a, logvar, bits), [a, logvar]),
        (losses.gaussian_nll(a, np.float64(0.5), bits), [a]),
    ):
        assert loss.dtype == np.float32 and loss.shape == ()
        assert {g.dtype for g in minigen.grad(loss, leaves)} == {np.dtype(np.float32)}


def test_losses_vae_has_every_public_name_of_both_files():
    mine = {name for name in vars(densities) if callable(getattr(densities, name)) and name in losses.__all__}
    assert {"bernoulli_nll", "grey_cross_entropy", "gaussian_nll", "log_normal", "log_bernoulli"} <= mine
    assert all(getattr(losses, name).__doc__ for name in losses.__all__ if name != "LOG_2PI")

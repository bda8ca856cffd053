"""Draws of a code, KL and ELBO against closed forms: near the prior, where exp overflows, and in float32."""

import functools
import math

import numpy as np
import pytest

import minigen
from minigen import AnomalyError, SettingError, ShapeError
from minigen.check import grad_check
from minigen.losses import vae as losses


def rng(seed=0):
    return minigen.random.generator(seed)


def tensor(values, dtype=np.float64, leaf=False):
    return minigen.tensor(np.array(values, dtype), requires_grad=leaf)


def draws(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def slopes(loss, *leaves):
    return [g.numpy() for g in minigen.grad(loss, list(leaves))]


# A draw ---------------------------------------------------------------------------------------------------------------


def test_a_draw_has_the_mean_and_the_deviation_it_is_told():
    n = 40_000
    z = losses.reparameterise(tensor(np.full((n, 1), 1.0)), tensor(np.full((n, 1), np.log(0.25))), rng=rng()).numpy()
    assert abs(z.mean() - 1) < 4 * 0.5 / math.sqrt(n)  # 4 standard errors
    assert abs(z.std() - 0.5) < 4 * 0.5 / math.sqrt(2 * n)


def test_with_frozen_noise_the_second_moment_has_the_slopes_2_mu_and_variance():
    mu, logvar = tensor([[1.2]], leaf=True), tensor([[np.log(0.36)]], leaf=True)
    z = losses.reparameterise(mu, logvar, rng=rng(), k=200_000)
    of_mu, of_logvar = slopes((z * z).mean(), mu, logvar)
    # 4 s.e. over 200,000 draws of 2 z, deviation 2σ, and of ε σ z, deviation at most 1.5 here
    assert of_mu.item() == pytest.approx(2.4, abs=4 * 1.2 / 447)
    assert of_logvar.item() == pytest.approx(0.36, abs=4 * 1.5 / 447)


def test_k_draws_stand_beside_their_item():
    mu, logvar = tensor([[-50, 0], [50, 9]], np.float32), tensor(np.zeros((2, 2)), np.float32)
    z = losses.reparameterise(mu, logvar, rng=rng(), k=3)
    assert z.shape == (2, 3, 2) and z.dtype == np.float32
    assert (z.numpy()[0, :, 0] < -40).all() and (z.numpy()[1, :, 0] > 40).all()
    assert len(np.unique(z.numpy())) == 12  # every draw is its own
    assert losses.reparameterise(mu, logvar, rng=rng()).shape == (2, 2)


# The KL ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mu, sigma, kl", [(1, 0.5, 0.818147), (1.2, 0.6, 0.910826), (0, 1, 0.0)])
def test_the_kl_by_hand(mu, sigma, kl):
    assert losses.gaussian_kl(tensor([[mu]]), tensor([[2 * np.log(sigma)]])).item() == pytest.approx(kl, abs=1e-6)


def test_the_kls_slopes_are_mu_and_half_of_the_variance_less_1():
    mu, logvar = tensor([[1.0]], leaf=True), tensor([[np.log(0.25)]], leaf=True)
    of_mu, of_logvar = slopes(losses.gaussian_kl(mu, logvar), mu, logvar)
    assert (of_mu.item(), of_logvar.item()) == (pytest.approx(1), pytest.approx(-0.375))


def test_the_kl_is_summed_over_latents_and_averaged_over_the_batch():
    mu, logvar = np.full((3, 20), 1.0), np.full((3, 20), np.log(0.25))
    mu[0], logvar[0] = 0, 0  # an item that costs nothing
    one = 20 * 0.8181471806
    assert losses.gaussian_kl(tensor(mu), tensor(logvar)).item() == pytest.approx(one * 2 / 3, rel=1e-9)
    twice = losses.gaussian_kl(tensor(np.tile(mu, (2, 1))), tensor(np.tile(logvar, (2, 1))))
    assert twice.item() == pytest.approx(one * 2 / 3, rel=1e-9)
    terms = losses.gaussian_kl_terms(tensor(mu), tensor(logvar)).numpy()
    per = losses.gaussian_kl_per_dimension(tensor(mu), tensor(logvar)).numpy()
    assert terms.shape == (3, 20) and (terms[0] == 0).all() and per.shape == (20,)
    np.testing.assert_allclose(per, terms.mean(axis=0), rtol=1e-12)


@pytest.mark.parametrize("logvar", [1e-4, -1e-4, 1e-3, -1e-3, 0.0])
def test_near_the_prior_float32_keeps_its_digits(logvar):
    """½ (eˡ − 1 − l) ≈ l²/4: exp(l) − 1 − l is 230 % wrong at 1e-4, expm1(l) − l some 0.03 %."""
    l32 = float(np.float32(logvar))
    found = losses.gaussian_kl(tensor([[0]], np.float32), tensor([[logvar]], np.float32)).item()
    wanted = 0.5 * (l32**2 / 2 + l32**3 / 6 + l32**4 / 24)
    assert found >= 0 and found == pytest.approx(wanted, rel=1e-3, abs=0)
    leaf = tensor([[logvar]], np.float32, leaf=True)
    slope = slopes(losses.gaussian_kl(tensor([[0]], np.float32), leaf), leaf)[0].item()
    assert slope == pytest.approx(0.5 * math.expm1(l32), rel=1e-3, abs=0)


def test_what_the_kl_does_with_extreme_deviations_in_float32():
    """80 and −80 are finite in value and slope; at 100 e^100 overflows, aloud: nothing is clamped."""
    mu = tensor([[0.5]], np.float32, leaf=True)
    for logvar, value, slope in (
        (80, 0.5 * math.exp(80), 0.5 * math.exp(80)),
        (-80, 39.625, -0.5),
        (-100, 49.625, -0.5),
    ):
        leaf = tensor([[logvar]], np.float32, leaf=True)
        loss = losses.gaussian_kl(mu, leaf)
        assert loss.item() == pytest.approx(value, rel=1e-5)
        assert [g.item() for g in slopes(loss, mu, leaf)] == [0.5, pytest.approx(slope, rel=1e-5)]
    high = tensor([[100]], np.float32)
    with pytest.raises(RuntimeWarning, match="overflow encountered in expm1"):
        losses.gaussian_kl(mu, high)
    with (
        np.errstate(over="ignore"),
        minigen.detect_anomaly(),
        pytest.raises(AnomalyError, match="expm1 made the first"),
    ):
        losses.gaussian_kl(mu, high)
    for logvar in (-100, -80, 80, 100):  # a draw needs only e^(l/2)
        assert np.isfinite(losses.reparameterise(mu, tensor([[logvar]], np.float32), rng=rng()).item())
    with pytest.raises(RuntimeWarning, match="overflow encountered in exp"):
        losses.reparameterise(mu, tensor([[178]], np.float32), rng=rng())


@pytest.mark.parametrize("k", [None, 5])
def test_the_monte_carlo_kl_agrees_with_the_closed_form(k):
    mu, logvar = (np.tile(a, (20_000, 1)) for a in (draws(1, 3), draws(1, 3, seed=1)))
    z = losses.reparameterise(tensor(mu), tensor(logvar), rng=rng(), k=k)
    found = losses.monte_carlo_kl(z, tensor(mu), tensor(logvar)).item()
    d, z = (z.numpy() - (mu if k is None else mu[:, None])) * np.exp(-logvar[0] / 2), z.numpy()
    each = (0.5 * (z**2 - d**2 - logvar[0])).sum(axis=-1)  # log q − log p of each draw
    assert found == pytest.approx(each.mean(), rel=1e-9)
    closed = losses.gaussian_kl(tensor(mu), tensor(logvar)).item()
    assert abs(found - closed) < 4 * each.std() / math.sqrt(each.size)  # 4 standard errors


def test_free_bits_leave_what_is_above_and_raise_what_is_below():
    per = tensor([0.0, 0.2, 0.7, 3.0], leaf=True)
    loss = losses.free_bits(per, 0.5)
    assert loss.item() == pytest.approx(0.5 + 0.5 + 0.7 + 3.0)
    assert slopes(loss, per)[0].tolist() == [0, 0, 1, 1]
    assert losses.free_bits(per, 0).item() == pytest.approx(3.9) and loss.dtype == np.float64
    assert losses.free_bits(tensor([0.1], np.float32), 0.5).dtype == np.float32
    for least in (-0.1, math.nan):
        with pytest.raises(SettingError, match=f"free_bits: least={least} must be at least 0 nats; 0 leaves the KL"):
            losses.free_bits(per, least)


# The ELBO -------------------------------------------------------------------------------------------------------------


def test_the_two_ways_to_weigh_the_parts():
    nll, kl = tensor(100.0), tensor(7.0)
    assert losses.negative_elbo(nll, kl).item() == 107 and losses.negative_elbo(nll, kl, beta=4.0).item() == 128
    assert losses.article_total(kl, nll).item() == 107 and losses.article_total(kl, nll, 0.25).item() == 32
    for lam in (0.1, 0.5, 1.0, 2.0):  # L / λ is the β-VAE's loss at β = 1 / λ
        beta_vae = losses.negative_elbo(nll, kl, beta=1 / lam).item()
        assert losses.article_total(kl, nll, lam).item() / lam == pytest.approx(beta_vae)
    for lam in (0, -1.0, math.nan):
        with pytest.raises(SettingError, match=f"article_total: lam={lam} must be above 0; 1 is the bound"):
            losses.article_total(kl, nll, lam)


def test_bits_per_dimension():
    assert losses.bits_per_dimension(784 * math.log(2), 784) == pytest.approx(1)
    bytes_wide = 256 * 2 / 255  # a uniform density over the cells of 256 greys in [−1, 1]
    assert losses.bits_per_dimension(3072 * math.log(bytes_wide), 3072, step=2 / 255) == pytest.approx(8, rel=1e-12)
    with pytest.raises(SettingError, match="bits_per_dimension: dimensions=0 must be at least 1"):
        losses.bits_per_dimension(1.0, 0)
    with pytest.raises(SettingError, match="bits_per_dimension: step=0 must be above 0; it is 2 / 255"):
        losses.bits_per_dimension(1.0, 3, step=0)


# What is refused, what all keep ---------------------------------------------------------------------------------------


def test_no_draws_and_shapes_that_do_not_fit_are_refused():
    two, three = tensor(np.zeros((2, 2))), tensor(np.zeros((2, 3)))
    for k in (0, -1):
        with pytest.raises(SettingError, match=f"reparameterise: k={k} must be at least 1"):
            losses.reparameterise(two, two, rng=rng(), k=k)
    with pytest.raises(ShapeError, match=r"reparameterise: got shapes \(2, 2\) and \(2, 3\)"):
        losses.reparameterise(two, three, rng=rng())
    for kl in (losses.gaussian_kl, losses.gaussian_kl_terms, losses.gaussian_kl_per_dimension):
        with pytest.raises(ShapeError, match=r"gaussian_kl: got shapes \(2, 2\) and \(2, 3\); they must be the same"):
            kl(two, three)


def test_every_part_agrees_with_finite_differences_to_order_2():
    both, noise, per = {"mu": draws(2, 3), "logvar": draws(2, 3, seed=1)}, rng(), np.array([0.1, 0.4, 2.0])
    for k in (None, 2):
        draw = functools.partial(losses.reparameterise, rng=noise, k=k)
        grad_check(draw, both, rng=noise, order=2, quiet=True)
    for kl in (losses.gaussian_kl, losses.gaussian_kl_terms, losses.gaussian_kl_per_dimension):
        grad_check(kl, both, order=2, quiet=True)
    grad_check(losses.monte_carlo_kl, {"z": draws(2, 4, 3, seed=3), **both}, order=2, quiet=True)
    grad_check(lambda kl: losses.free_bits(kl, 0.3), {"kl": per}, order=2, quiet=True)
    grad_check(lambda n, kl: losses.negative_elbo(n * n, kl * kl, beta=3.0), [per, per + 1], order=2, quiet=True)
    grad_check(lambda e, d: losses.article_total(e * e, d * d, 0.3), [per, per + 1], order=2, quiet=True)


def test_float32_stays_float32_in_values_and_slopes():
    leaves = mu, logvar = [tensor(draws(2, 3, seed=s), np.float32, leaf=True) for s in (0, 1)]
    z, kl = losses.reparameterise(mu, logvar, rng=rng(), k=3), losses.gaussian_kl(mu, logvar)
    per = losses.gaussian_kl_per_dimension(mu, logvar)
    for loss in (
        z.sum(),
        kl,
        losses.monte_carlo_kl(z, mu, logvar),
        losses.free_bits(per, np.float64(0.5)),
        losses.negative_elbo(kl, kl, beta=0.3),
        losses.article_total(kl, kl, 0.3),
    ):
        assert loss.dtype == np.float32 and loss.shape == ()
        assert {g.dtype for g in minigen.grad(loss, leaves, retain_graph=True)} == {np.dtype(np.float32)}

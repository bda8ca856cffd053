"""The VAE whose log p(x) is known: every bound, every optimum and every wrong procedure can be read off it."""

import math

import numpy as np
import pytest

import minigen
from minigen import ShapeError, optim
from minigen.check import grad_check
from minigen.losses import vae as losses
from minigen.models.linear_gaussian import LinearGaussian

LOG_P = -1.4305103089  # log N(1; 0, 1.25)
POSTERIOR, PRIOR, BETWEEN = (0.8, 0.2), (0.0, 1.0), (0.5, 0.5)  # (a, v) of q(z|x) = N(a x, v)
ONE = np.ones((1, 1))


def rng(seed=0):
    return minigen.random.generator(seed)


def model(q=POSTERIOR, **settings):
    return LinearGaussian(a=q[0], v=q[1], **settings)


def log_weights(q, n, k, seed=0):
    """float64 (n, k): n times k log weights of x = 1."""
    with minigen.no_grad():
        return model(q).log_weights(np.ones((n, 1)), k, rng=rng(seed)).numpy()


def parts(m, x=ONE):
    """(L_E, L_D) in closed form: the KL, and −E_q log p(x|z)."""
    kl = losses.gaussian_kl(*m.encode(x))
    return kl, -m.elbo_exact(x).mean() - kl


# What is known exactly ------------------------------------------------------------------------------------------------


def test_log_p_and_the_posterior():
    m = model()
    assert m.log_px_exact(ONE).item() == pytest.approx(LOG_P, abs=1e-10)
    mean, variance = m.posterior(ONE)
    assert (mean.item(), variance.item()) == (pytest.approx(0.8), pytest.approx(0.2))
    z, x = np.linspace(-9, 9, 6001), 0.7  # log ∫ p(x|z) p(z) dz for other settings
    m = LinearGaussian(w=-1.5, noise=0.4)
    p = np.exp(-0.5 * (z**2 + (x + 1.5 * z) ** 2 / 0.4)) / (2 * np.pi * math.sqrt(0.4))
    assert m.log_px_exact(np.array([[x]])).item() == pytest.approx(math.log(np.trapezoid(p, z)), abs=1e-9)
    mean, variance = m.posterior(np.array([[x]]))
    average = np.trapezoid(z * p, z) / np.trapezoid(p, z)
    assert mean.item() == pytest.approx(average, abs=1e-9)
    assert variance.item() == pytest.approx(np.trapezoid((z - average) ** 2 * p, z) / np.trapezoid(p, z), abs=1e-9)


@pytest.mark.parametrize("q, elbo", [(POSTERIOR, LOG_P), (PRIOR, -4.225791), (BETWEEN, -1.947365)])
def test_the_elbo_in_closed_form(q, elbo):
    assert model(q).elbo_exact(ONE).item() == pytest.approx(elbo, abs=1e-6)


def test_the_elbos_parts_at_the_posterior():
    kl, reconstruction = parts(model())
    assert (kl.item(), reconstruction.item()) == (pytest.approx(0.724719, abs=1e-6), pytest.approx(0.705791, abs=1e-6))


def test_at_the_posterior_every_weight_is_p_and_every_bound_log_p():
    log_w = log_weights(POSTERIOR, 20, 50)
    np.testing.assert_allclose(log_w, LOG_P, rtol=1e-9)
    for k in (1, 2, 5, 50):
        assert losses.iwae_bound(minigen.tensor(log_w[:, :k])).item() == pytest.approx(LOG_P, abs=1e-9)


# What draws give ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("q, elbo", [(PRIOR, -4.225791), (BETWEEN, -1.947365)])
def test_one_draw_gives_the_elbo_by_both_routes(q, elbo):
    """The KL in closed form, or log w from the sample: the same mean (for k = 1 only)."""
    n, m = 40_000, model(q)
    log_w = log_weights(q, n, 1)
    assert abs(log_w.mean() - elbo) < 4 * log_w.std() / math.sqrt(n)
    with minigen.no_grad():
        log_px, mu, logvar = m.one_pass(np.ones((n, 1)), rng=rng(1))
        found = -losses.negative_elbo(-log_px.mean(), losses.gaussian_kl(mu, logvar)).item()
    assert abs(found - elbo) < 4 * log_px.numpy().std() / math.sqrt(n)


# (k, L_k, its own error): closed, by quadrature, by Monte Carlo; and half a unit of the last digit
TABLE = [
    (PRIOR, 2, -2.3868, 5e-5),
    (PRIOR, 5, -1.6443, 4e-4),
    (PRIOR, 50, -1.44470, 2e-5),
    (PRIOR, 500, -1.431890, 4e-6),
    (BETWEEN, 2, -1.5940, 5e-5),
    (BETWEEN, 5, -1.4773, 2e-4),
    (BETWEEN, 50, -1.4346, 1e-4),
    (BETWEEN, 500, -1.4309, 1e-4),
]


@pytest.mark.parametrize("q, k, bound, error", TABLE)
def test_bounds_of_several_draws_rise_to_log_p(q, k, bound, error):
    """Within 3 standard errors, ours and the table's.

    Averaged is log(1 + δ) − δ with δ = mean w / p − 1, whose mean is 0: the same expectation as log mean w − log p, and
    a far smaller spread for large k.
    """
    n = max(2_000, 200_000 // k)
    log_w = log_weights(q, n, k, seed=k)
    delta = np.exp(log_w - LOG_P).mean(axis=1) - 1
    sharp = LOG_P + np.log1p(delta) - delta
    assert abs(sharp.mean() - bound) < 3 * math.hypot(sharp.std() / math.sqrt(n), error)
    plain = losses.iwae_bound(minigen.tensor(log_w)).item()  # the library's own, with its larger spread
    assert plain == pytest.approx(LOG_P + np.log1p(delta).mean(), rel=1e-8)  # 1 + δ near 0 loses digits
    assert abs(plain - bound) < 3 * math.hypot(np.log1p(delta).std() / math.sqrt(n), error)
    tight, _ = losses.log_likelihood(lambda m: log_w[:, :m] if m == k else None, k, chunk=k)
    assert tight.mean() == pytest.approx(plain, rel=1e-12)


def test_what_is_missing_at_k_500_is_the_variance_of_the_weights():
    """k (log p − L_k) → ½ Var(w / p), here .6891: the prior's weights have a variance that is known."""
    n, k = 4_000, 500
    delta = np.exp(log_weights(PRIOR, n, k, seed=7) - LOG_P).mean(axis=1) - 1
    gap = k * (delta - np.log1p(delta))
    assert abs(gap.mean() - 0.6891) < 3 * gap.std() / math.sqrt(n) + 0.01  # 0.01: what is left of order 1/k


def test_the_slope_of_a_drawn_elbo_is_that_of_the_exact_one():
    m, x = model(BETWEEN, w=0.7), np.ones((500, 1))
    exact = [g.item() for g in minigen.grad(m.elbo_exact(ONE).mean(), m.parameters())]
    drawn = [minigen.grad(m.log_weights(x, 10, rng=rng(i)).mean(), m.parameters()) for i in range(30)]
    found = np.array([[g.item() for g in some] for some in drawn])
    error = found.std(axis=0, ddof=1) / math.sqrt(len(found))
    assert (abs(found.mean(axis=0) - exact) < 4 * error).all() and (error < 0.02).all()


# The best q for each λ ------------------------------------------------------------------------------------------------

BEST = [  # λ, the variance of the best q, by how much its ELBO falls short
    (0.25, 0.5, 0.5169),
    (0.5, 0.3333, 0.1224),
    (1.0, 0.2, 0.0),
    (2.0, 0.1111, 0.0914),
    (4.0, 0.0588, 0.3088),
]


@pytest.mark.parametrize("lam, v, gap", BEST)
def test_only_lambda_1_finds_the_posterior(lam, v, gap):
    m = model(BETWEEN)
    adam = optim.Adam([m.a, m.log_v], lambda step: 0.3 * 0.985**step)
    for _ in range(500):
        adam.update(minigen.grad(losses.article_total(*parts(m), lam), [m.a, m.log_v]))
    assert math.exp(m.log_v.item()) == pytest.approx(v, abs=1e-4)
    assert m.a.item() == pytest.approx(4 * lam / (1 + 4 * lam), abs=1e-4)
    assert LOG_P - m.elbo_exact(ONE).item() == pytest.approx(gap, abs=1e-4)


@pytest.mark.parametrize("lam, value", [(0.25, -0.9012), (0.5, -1.0776), (1, -1.4305), (2, -2.1363), (4, -3.5479)])
def test_minus_the_articles_total_at_the_posterior(lam, value):
    found = -losses.article_total(*parts(model()), lam).item()
    assert found == pytest.approx(value, abs=5e-5)
    assert (found > LOG_P + 1e-6) == (lam < 1)  # above log p(x): no bound
    beta = 1 / lam  # as a β-VAE's it is one, for β ≥ 1
    assert lam > 1 or -losses.negative_elbo(parts(model())[1], parts(model())[0], beta=beta).item() <= LOG_P + 1e-9


# Joint, alternating, and the article's F15 and F16 --------------------------------------------------------------------

SPREAD = np.array([[math.sqrt(1.25)]])  # one x with the mean square of N(0, 1.25): every loss here needs no more
ENTROPY = 0.5 * math.log(2 * math.pi * math.e * 1.25)


def trained(encoder_loss, decoder_loss, steps, rate=0.05):
    """Descent from (w, a, v) = (.5, .5, 1/e): a step of the encoder, then of the decoder, each on its own loss."""
    m = LinearGaussian(w=0.5, a=0.5, v=math.exp(-1))
    encoder, decoder = optim.SGD([m.a, m.log_v], rate), optim.SGD([m.w], rate)
    for _ in range(steps):
        encoder.update(minigen.grad(encoder_loss(*parts(m, SPREAD)), encoder.parameters))
        decoder.update(minigen.grad(decoder_loss(*parts(m, SPREAD)), decoder.parameters))
    return m


def loss_of(m):
    return -m.elbo_exact(SPREAD).mean().item()


def test_descent_on_the_whole_loss_reaches_the_entropy_of_the_data():
    assert pytest.approx(1.530510, abs=1e-6) == ENTROPY
    m = LinearGaussian(w=0.5, a=0.5, v=math.exp(-1))
    sgd = optim.SGD(m.parameters(), 0.05)
    for _ in range(700):
        sgd.update(minigen.grad(losses.article_total(*parts(m, SPREAD)), sgd.parameters))
    assert loss_of(m) == pytest.approx(1.530510, abs=1e-5)
    assert [m.w.item(), m.a.item(), math.exp(m.log_v.item())] == pytest.approx([1, 0.8, 0.2], abs=5e-3)
    assert parts(m, SPREAD)[0].item() == pytest.approx(0.8047, abs=5e-3)


def test_alternating_on_the_whole_loss_reaches_it_too():
    m = trained(losses.article_total, losses.article_total, 700)
    assert loss_of(m) == pytest.approx(1.530510, abs=1e-5)


def test_each_half_on_its_own_loss_leaves_the_code_empty():
    """F15 and F16 with every sign repaired: the encoder never feels the reconstruction."""
    m = trained(lambda kl, _: kl, lambda _, reconstruction: reconstruction, 700)
    assert parts(m, SPREAD)[0].item() < 1e-9
    assert [m.w.item(), m.a.item(), math.exp(m.log_v.item())] == pytest.approx([0, 0, 1], abs=1e-4)
    assert loss_of(m) == pytest.approx(2.725791, abs=1e-6)
    assert loss_of(m) - ENTROPY == pytest.approx(1.195281, abs=1e-6)


@pytest.mark.parametrize("encoder, decoder, steps", [(-1, 1, 128), (1, -1, 284)])
def test_the_articles_signs_run_away(encoder, decoder, steps):
    """F15 and F16 with "+" climb the KL; F6 without its minus, descended, makes the data unlikely."""
    m = trained(lambda kl, _: encoder * kl, lambda _, reconstruction: decoder * reconstruction, steps, rate=0.02)
    assert abs(m.w.item()) > 1e6


# A model like any other -----------------------------------------------------------------------------------------------


def test_its_slopes_agree_with_finite_differences():
    m, noise, x = LinearGaussian(w=0.7, a=0.4, v=0.6), rng(), np.array([[1.0], [-0.3]])
    grad_check(lambda x: m.log_weights(x, 3, rng=noise), {"x": x}, params=m, rng=noise, order=2, quiet=True)
    for f in (m.elbo_exact, lambda x: m.log_px_exact(x), lambda x: m.posterior(x)[0]):
        grad_check(f, {"x": x}, params={"w": m.w}, quiet=True)
    grad_check(m.elbo_exact, {"x": x}, params=m, order=2, quiet=True)


def test_it_is_float64_and_takes_columns():
    m, x = model(), np.array([[1.0], [2.0], [-1.0]])
    assert {p.dtype for p in m.parameters()} == {np.dtype(np.float64)} and len(m.parameters()) == 3
    for y in (m.log_px_exact(x), m.elbo_exact(x), m.log_weights(x, 4, rng=rng())[:, 0]):
        assert y.shape == (3,) and y.dtype == np.float64
    np.testing.assert_allclose(m(x).numpy(), 0.8 * x)
    with pytest.raises(ShapeError, match=r"LinearGaussian: x has shape \(3,\); it must be \(N, 1\)"):
        m.encode(x[:, 0])

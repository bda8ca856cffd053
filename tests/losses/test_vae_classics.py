"""The classic mistakes of VAE code, planted: each check below accepts the library and rejects the mistake.

Most of them pass a gradient check, since forward and backward agree: a loss needs its value checked as well.
"""

import math

import numpy as np
import pytest

import minigen
from minigen import SettingError
from minigen.check import grad_check
from minigen.losses import vae as losses
from minigen.models.linear_gaussian import LinearGaussian
from minigen.ops import exp, log, logsumexp, maximum, sigmoid, softmax

LN_QUARTER = math.log(0.25)


def rng(seed=0):
    return minigen.random.generator(seed)


def tensor(values, dtype=np.float64, leaf=False):
    return minigen.tensor(np.array(values, dtype), requires_grad=leaf)


def slope(loss, leaf):
    return minigen.grad(loss, [leaf])[0].numpy()


# The checks -----------------------------------------------------------------------------------------------------------


def check_draw(reparameterise):
    """A code with σ² = ¼ is drawn with deviation ½, within 4 standard errors."""
    n = 20_000
    z = reparameterise(tensor(np.full((n, 1), 1.0)), tensor(np.full((n, 1), LN_QUARTER)), rng=rng()).numpy()
    assert abs(z.std() - 0.5) < 4 * 0.5 / math.sqrt(2 * n)


def check_kl(kl):
    """.818147 nats for each latent of μ = 1, σ = ½, however many there are, and the mean over the batch."""
    for N, Z in ((1, 1), (1, 20), (7, 20)):
        found = kl(tensor(np.full((N, Z), 1.0)), tensor(np.full((N, Z), LN_QUARTER))).item()
        assert found == pytest.approx(0.8181471806 * Z, rel=1e-9)


def check_kl_near_the_prior(kl):
    """l²/4 at σ² = eˡ, l = 1e-4, in float32."""
    found = kl(tensor([[0]], np.float32), tensor([[1e-4]], np.float32)).item()
    assert found == pytest.approx(2.5e-9, rel=1e-3, abs=0)


def check_kl_estimate(estimate):
    """From draws of z ∼ q = N(1, ¼), the mean of what F5 sums is a KL: .818147, within 4 standard errors."""
    n = 20_000
    mu, logvar = tensor(np.full((n, 1), 1.0)), tensor(np.full((n, 1), LN_QUARTER))
    z = losses.reparameterise(mu, logvar, rng=rng())
    assert abs(estimate(z, mu, logvar).item() - 0.818147) < 4 * 1.0 / math.sqrt(n)  # a term's deviation is below 1


def check_reconstruction(nll):
    """Made small, it finds the mean of the data, .8, and there it is the entropy, .500402 (F6)."""
    x = tensor(np.repeat([[1.0], [0.0]], [8, 2], axis=0))
    a = 0.0
    for _ in range(200):
        leaf = tensor(np.full((10, 1), a), leaf=True)
        a -= 2.0 * slope(nll(leaf, x), leaf).sum()
    assert 1 / (1 + math.exp(-a)) == pytest.approx(0.8, abs=1e-6)
    assert nll(tensor(np.full((10, 1), a)), x).item() == pytest.approx(0.500402, abs=1e-6)


def check_looks_at_the_data(nll):
    """Other data, another loss, and a slope that leads towards them (F13)."""
    logits = tensor([[0.3, -0.2]], leaf=True)
    first, second = nll(logits, tensor([[1.0, 0.0]])), nll(logits, tensor([[0.0, 1.0]]))
    assert abs(first.item() - second.item()) > 0.1
    assert (slope(first, logits) * [[1, -1]] < 0).all() and (slope(second, logits) * [[1, -1]] > 0).all()


def check_likelihood(nll):
    """What is called a likelihood takes black and white only; twice the pixels cost twice as much."""
    with pytest.raises(SettingError, match="neither 0 nor 1"):
        nll(tensor([[0.3]]), tensor([[0.5]]))
    for D in (1, 784):
        found = nll(tensor(np.zeros((3, D))), tensor(np.ones((3, D)))).item()
        assert found == pytest.approx(D * math.log(2), rel=1e-9)


def check_gaussian(nll):
    """With its constant: 2.225791 for x = 1, m = 0, σ² = ¼."""
    assert nll(tensor([[0.0]]), tensor([[LN_QUARTER]]), tensor([[1.0]])).item() == pytest.approx(2.225791, abs=1e-6)


def check_weights(weights):
    """The likeliest draw counts most: log w = (−1, −2, −5) weigh (.72140, .26539, .01321)."""
    found = weights(tensor([[-1, -2, -5]])).numpy()
    np.testing.assert_allclose(found, [[0.72140, 0.26539, 0.01321]], atol=5e-6)


def check_bound(bound):
    """−1.772050 of (−1, −2, −5), also 1,000 lower; its slope is the normalised weights."""
    for shift in (0, -1000):
        log_w = tensor([[-1 + shift, -2 + shift, -5 + shift]], leaf=True)
        assert bound(log_w).item() == pytest.approx(-1.772050 + shift, abs=1e-6)
        np.testing.assert_allclose(slope(bound(log_w), log_w), [[0.72140, 0.26539, 0.01321]], atol=5e-6)


def check_bound_of_a_model(bound):
    """With q the posterior, every L_k is log p(x); with another q, L_50 is where quadrature puts it (N(½, ½))."""
    for a, v, k, wanted in ((0.8, 0.2, 1, -1.430510), (0.8, 0.2, 50, -1.430510), (0.5, 0.5, 50, -1.4346)):
        model = LinearGaussian(a=a, v=v)
        with minigen.no_grad():
            found = bound(model, np.ones((4000, 1)), k).item()
        # .09 is the deviation of log mean w at k = 50; 4 standard errors of 4,000, with some room
        assert found == pytest.approx(wanted, abs=1e-6 if a == 0.8 else 4 * 0.11 / math.sqrt(4000))


# The library, through each check; and the mistakes --------------------------------------------------------------------


def library_bound(model, x, k):
    return losses.iwae_bound(model.log_weights(x, k, rng=rng()))


def analytic_kl_with_many_draws(model, x, k):
    log_px, mu, logvar = model.one_pass(x, rng=rng(), k=k)
    return losses.iwae_bound(log_px) - losses.gaussian_kl(mu, logvar)


def naive(log_w):
    with np.errstate(divide="ignore"):
        return log(exp(log_w).mean(axis=1)).mean()


def deviation_is_the_variance(mu, logvar, *, rng):
    return mu + exp(logvar) * rng.standard_normal(mu.shape)


def weights_of_losses(log_w):
    return softmax(-log_w, axis=1)


def weights_not_detached(log_w):
    """Right in its weights, wrong as a loss: Σ w̃ log w differentiated through w̃, shifted to the bound's value."""
    mixed = (losses.normalised_weights(log_w) * log_w).sum(axis=1).mean()
    return mixed + (losses.iwae_bound(log_w) - mixed).detach()


def kl_of_variance(mu, variance):
    return 0.5 * (mu * mu + variance - 1 - log(maximum(variance, 1e-6))).sum(axis=1).mean()


def f13(logits, x):
    return losses.grey_cross_entropy(logits, sigmoid(logits))


PLANTED = [
    (check_draw, losses.reparameterise, {"exp(logvar) as deviation": deviation_is_the_variance}),
    (
        check_kl,
        losses.gaussian_kl,
        {
            "averaged over latents": lambda mu, logvar: losses.gaussian_kl_terms(mu, logvar).mean(),
            "summed over the batch": lambda mu, logvar: losses.gaussian_kl_terms(mu, logvar).sum(),
            "σ² for log σ²": kl_of_variance,
            "log σ for log σ²": lambda mu, logvar: losses.gaussian_kl(mu, 2 * logvar),
            "the sign of appendix B": lambda mu, logvar: -losses.gaussian_kl(mu, logvar),
            "½ forgotten": lambda mu, logvar: 2 * losses.gaussian_kl(mu, logvar),
        },
    ),
    (
        check_kl_near_the_prior,
        losses.gaussian_kl,
        {"exp(l) − 1 − l": lambda mu, logvar: 0.5 * (exp(logvar) - 1 - logvar).sum(axis=1).mean()},
    ),
    (
        check_kl_estimate,
        losses.monte_carlo_kl,
        {
            "F5 at a free z": lambda z, mu, logvar: losses.monte_carlo_kl(0 * z, mu, logvar),
            "F5 under the prior": lambda z, mu, logvar: losses.monte_carlo_kl((z - 1) / 0.5, mu, logvar),
            "log p − log q": lambda z, mu, logvar: -losses.monte_carlo_kl(z, mu, logvar),
        },
    ),
    (
        check_reconstruction,
        losses.bernoulli_nll,
        {"F6, without the minus": lambda a, x: -losses.bernoulli_nll(a, x), "F13": f13},
    ),
    (check_looks_at_the_data, losses.bernoulli_nll, {"F13, its own output": f13}),
    (
        check_likelihood,
        losses.bernoulli_nll,
        {
            "grey called a likelihood": losses.grey_cross_entropy,
            "averaged over pixels": lambda a, x: losses.bernoulli_nll(a, x) / a.shape[1],
        },
    ),
    (
        check_gaussian,
        losses.gaussian_nll,
        {
            "no constant": lambda m, logvar, x: (0.5 * ((x - m) ** 2 * exp(-logvar) + logvar)).sum(axis=1).mean(),
            "the squared error": lambda m, logvar, x: ((x - m) ** 2).sum(axis=1).mean(),
        },
    ),
    (
        check_weights,
        losses.normalised_weights,
        {"of the wrong sign": weights_of_losses, "not normalised": lambda log_w: exp(log_w)},
    ),
    (
        check_bound,
        losses.iwae_bound,
        {
            "mean of logs": lambda log_w: log_w.mean(axis=1).mean(),
            "sum for mean": lambda log_w: logsumexp(log_w, axis=1).mean(),
            "exp before max": naive,
            "w̃ not detached": weights_not_detached,
            "Σ w̃ log w, of the wrong sign": lambda log_w: (
                (weights_of_losses(log_w).detach() * log_w).sum(axis=1).mean()
            ),
        },
    ),
    (
        check_bound_of_a_model,
        library_bound,
        {
            "analytic KL, k > 1": analytic_kl_with_many_draws,
            "mean of logs": lambda model, x, k: model.log_weights(x, k, rng=rng()).mean(),
        },
    ),
]


@pytest.mark.parametrize("check, real", [pytest.param(c, real, id=c.__name__) for c, real, _ in PLANTED])
def test_the_library_passes(check, real):
    check(real)


MISTAKES = [
    pytest.param(c, wrong, id=f"{c.__name__}: {name}") for c, _, all_ in PLANTED for name, wrong in all_.items()
]


@pytest.mark.parametrize("check, wrong", MISTAKES)
def test_a_planted_mistake_is_caught(check, wrong):
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        check(wrong)


# What the article says, in its own numbers ----------------------------------------------------------------------------


def test_a_gradient_check_sees_none_of_this():
    """Why values are checked: these mistakes have the right derivative of the wrong thing."""
    mu, logvar = np.array([[0.3, -1.0]]), np.array([[-0.5, 0.2]])
    noise, both = rng(), {"mu": mu, "logvar": logvar}
    grad_check(lambda mu, logvar: deviation_is_the_variance(mu, logvar, rng=noise), both, rng=noise, quiet=True)
    grad_check(lambda mu, logvar: losses.gaussian_kl_terms(mu, logvar).mean(), both, quiet=True)
    grad_check(lambda log_w: log_w.mean(axis=1).mean(), {"log_w": mu}, quiet=True)
    grad_check(lambda a: -losses.bernoulli_nll(a, np.array([[1.0, 0.0]])), {"a": mu}, quiet=True)
    grad_check(lambda a: f13(a, None), {"a": mu}, quiet=True)


def test_f5_with_z_left_free_is_no_number_and_has_no_least():
    def f5(z, mu, log_sigma):
        return losses.monte_carlo_kl(tensor([[z]]), mu, 2 * log_sigma)

    mu, log_sigma = tensor([[1.0]]), tensor([[math.log(0.5)]])
    at = [f5(z, mu, log_sigma).item() for z in (-2, -1, 0, 1, 2)]
    assert at == pytest.approx([-15.307, -6.807, -1.307, 1.193, 0.693], abs=5e-4)
    fallen = []
    for _ in range(2):  # descended at z = 0, rate .1
        leaves = [tensor(mu.numpy(), leaf=True), tensor(log_sigma.numpy(), leaf=True)]
        found = minigen.grad(f5(0, *leaves), leaves)
        mu, log_sigma = (tensor(x.numpy() - 0.1 * g.numpy()) for x, g in zip(leaves, found, strict=True))
        fallen.append(f5(0, mu, log_sigma).item())
    assert fallen == [pytest.approx(-6.15, abs=0.005), pytest.approx(-302, abs=0.5)]


def test_f13_of_a_gaussian_is_a_constant():
    mean = tensor([[0.3, -2.0]], leaf=True)
    loss = losses.gaussian_nll(mean, 0.0, mean)
    assert loss.item() == pytest.approx(math.log(2 * math.pi)) and slope(loss, mean).tolist() == [[0, 0]]


def test_the_peers_weights_make_the_worst_draw_count_most():
    assert weights_of_losses(tensor([[-1, -2, -5]])).numpy() == pytest.approx(
        np.array([[0.017, 0.047, 0.936]]), abs=5e-4
    )
    log_w = tensor([[-1, -2, -5]], leaf=True)
    assert slope(weights_not_detached(log_w), log_w) == pytest.approx(
        np.array([[0.95098, 0.08446, -0.03543]]), abs=5e-6
    )

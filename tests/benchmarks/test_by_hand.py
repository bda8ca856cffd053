"""The steps written by hand are minigen's: their gradients in float64, and whole steps from the same weights."""

import inspect

import numpy as np
import pytest

import minigen
from benchmarks.workloads import by_hand_, by_hand_iwae, by_hand_points, by_hand_vae, minigen_
from benchmarks.workloads.by_hand_flat import BLOCK, Flat
from minigen import losses, optim
from minigen.losses import vae as bounds
from minigen.models import mlp
from minigen.models.vae import DenseVae

BATCH, DRAWS = 8, 5
EXACT = {"rtol": 1e-10, "atol": 1e-12}  # float64: rounding is 1e-16 of the largest entry, 1,600 here (measured)


def by_engine(network, flat):
    """minigen's network with the weights of one by hand."""
    network.astype(np.float64)
    for p, w in zip(network.parameters(), flat.weights, strict=True):
        p.data[...] = w
    return network


def compare(loss, parameters, told, slots):
    """A loss and its gradients in minigen beside those by hand."""
    np.testing.assert_allclose(told, float(loss), rtol=1e-12)
    for found, expected in zip(slots, minigen.grad(loss, parameters), strict=True):
        np.testing.assert_allclose(found, expected.numpy(), **EXACT)


def shaken(flat, rng):
    """Weights and biases that are all about ½, so that none hides what hangs on another."""
    flat.flat[...] = rng.normal(0, 0.5, flat.flat.shape)
    flat.grads[...] = np.nan  # whatever is not written shows
    return flat


def check_points(pair_of):
    """Both losses of a pair, and all that hangs on them, on points where gates of both kinds occur."""
    rng = np.random.default_rng(3)
    discriminator = shaken(by_hand_points.Network(1, rng, np.float64), rng)
    generator = shaken(by_hand_points.Network(2, rng, np.float64), rng)
    network, other = mlp.Discriminator(rng=rng), mlp.Generator(rng=rng)
    by_engine(network, discriminator), by_engine(other, generator)
    z, x_real = rng.standard_normal((BATCH, 2)), rng.standard_normal((BATCH, 2))
    x_fake, kept = generator.forward(z)
    pair, penalised = pair_of(discriminator, np.random.default_rng(5))

    real, fake = minigen.tensor(x_real), other(minigen.tensor(z))
    objective = losses.gan.wasserstein if penalised else losses.gan.nonsaturating
    loss_d = objective.discriminator(network(real), network(fake.detach()))
    if penalised:
        loss_d = loss_d + losses.gradient_penalty(network, real, fake.detach(), rng=np.random.default_rng(5))
    compare(loss_d, network.parameters(), pair.discriminator(x_real, x_fake), discriminator.slots)

    told, dx = pair.generator(x_fake)
    generator.gradient(dx, kept, generator.slots)
    compare(objective.generator(network(fake)), other.parameters(), told, generator.slots)


def check_ring():
    check_points(lambda network, rng: (by_hand_points.Logistic(network), False))


def check_wgan_gp():
    check_points(lambda network, rng: (by_hand_points.Wasserstein(network, BATCH, rng), True))


def a_vae(flat, rng):
    """A VAE by hand whose biases are not 0, minigen's with the same weights, and binary digits."""
    for w in flat.weights[1::2]:
        w[...] = rng.normal(0, 0.5, w.shape)
    flat.grads[...] = np.nan
    model = by_engine(DenseVae(hidden=(500,), latent=20, rng=rng), flat)
    return model, rng.integers(0, 2, (BATCH, 784)).astype(np.float64)


def check_vae():
    rng = np.random.default_rng(3)
    flat = by_hand_vae.Vae(rng, np.float64)
    model, x = a_vae(flat, rng)
    mu, logvar = model.encode(minigen.tensor(x))
    z = bounds.reparameterise(mu, logvar, rng=np.random.default_rng(5))
    loss = bounds.negative_elbo(
        bounds.bernoulli_nll(model.decode(z), minigen.tensor(x)), bounds.gaussian_kl(mu, logvar)
    )
    told = flat.gradient(x, np.random.default_rng(5).standard_normal((BATCH, 20)))
    compare(loss, model.parameters(), told, flat.slots)


def check_iwae():
    rng = np.random.default_rng(3)
    flat = by_hand_iwae.Iwae(rng, BATCH, DRAWS, np.float64)
    flat.layers[3] *= 0.3  # more than one draw of a digit counts
    model, x = a_vae(flat, rng)
    log_w = model.log_weights(minigen.tensor(x), DRAWS, rng=np.random.default_rng(5))
    flat.gradient(x, rng.standard_normal((BATCH, DRAWS, 20)))  # what it leaves in its arrays does not reach the next
    told = flat.gradient(x, np.random.default_rng(5).standard_normal((BATCH, DRAWS, 20)))
    compare(-bounds.iwae_bound(log_w), model.parameters(), told, flat.slots)


def check_adam():
    rng = np.random.default_rng(3)
    flat = Flat([(300, 500), (500,)], rng, np.float64)  # more than a block
    assert flat.flat.size > 2 * BLOCK
    parameters = [minigen.Parameter(w.copy()) for w in flat.weights]
    optimiser = optim.Adam(parameters, 1e-3)
    for size in (1e-8, 1.0, 1e-3, 0.0):  # the first as small as eps
        gradients = [size * rng.standard_normal(w.shape) for w in flat.weights]
        optimiser.update(gradients)
        for slot, g in zip(flat.slots, gradients, strict=True):
            slot[...] = g
        flat.update()
        for w, p in zip(flat.weights, parameters, strict=True):
            np.testing.assert_allclose(w, p.data, rtol=0, atol=1e-15)


CHECKS = {"ring": check_ring, "wgan_gp": check_wgan_gp, "vae": check_vae, "iwae": check_iwae, "adam": check_adam}


@pytest.mark.parametrize("name", CHECKS)
def test_by_hand_and_by_the_engine_are_the_same_in_float64(name):
    CHECKS[name]()


# Whole steps ----------------------------------------------------------------------------------------------------------


def draws_of(builder):
    """A generator in the state that minigen's workload leaves to its steps."""
    if builder not in ("vae", "iwae"):
        return minigen.random.generator(1)
    rng = minigen.random.generator(0)
    DenseVae(hidden=(500,), latent=20, rng=rng)
    return rng


def by_hand(builder, rng):
    """A workload by hand on BATCH items that draws from `rng`."""
    weights = np.random.default_rng(0)
    if builder == "vae":
        return by_hand_vae.trained(by_hand_vae.Vae(weights), by_hand_vae.digits(BATCH), rng)
    if builder == "iwae":
        return by_hand_vae.trained(by_hand_iwae.Iwae(weights, BATCH, 50), by_hand_vae.digits(BATCH), rng, 50)
    generator, critic = by_hand_points.Network(2, weights), by_hand_points.Network(1, weights)
    pair = by_hand_points.Logistic(critic)
    if builder == "wgan_gp":
        pair = by_hand_points.Wasserstein(critic, BATCH, rng)
    return by_hand_points.trained(generator, pair, by_hand_points.points(BATCH), rng)


def told(made):
    """The loss, or the two, that a step gives back."""
    loss = made.step()
    return [float(x) for x in loss] if isinstance(loss, tuple) else [float(loss)]


def check_steps(builder):
    """Some steps from the same weights with the same noise: rounding alone lies between (measured: 4e-7 at most).

    In `iwae` 2e-6 after three steps and more after others: it computes σ in another way, and Adam moves a weight whose
    slope is rounding alone by the whole rate.
    """
    engine, hand = getattr(minigen_, builder)(BATCH), by_hand(builder, draws_of(builder))
    for p, w in zip(engine.parameters(), hand.parameters(), strict=True):
        p[...] = w
    for _ in range(3 if builder == "iwae" else 5):
        np.testing.assert_allclose(told(hand), told(engine), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("builder", by_hand_.__all__)
def test_steps_by_hand_have_the_losses_of_minigens_workload(builder):
    check_steps(builder)


@pytest.mark.parametrize("builder", by_hand_.__all__)
def test_the_workload_by_hand_trains_the_weights_that_minigens_has(builder):
    made = getattr(by_hand_, builder)(BATCH)
    before = [p.copy() for p in made.parameters()]
    made.step()
    after = made.parameters()
    same = [i for i, (p, q) in enumerate(zip(before, after, strict=True)) if np.array_equal(p, q)]
    assert same == ([11] if builder == "wgan_gp" else [])  # the critic's last bias, of which nothing depends
    assert all(p.dtype == np.float32 and np.isfinite(p).all() for p in after)
    assert [p.shape for p in after] == [p.shape for p in getattr(minigen_, builder)(BATCH).parameters()]


# Planted mistakes -----------------------------------------------------------------------------------------------------

PLANTED = [  # the check that must fail, where the mistake goes, the line, and what it becomes
    ("wgan_gp", "Network.penalty", "du1 *= gate1", "du1 *= 1"),
    ("wgan_gp", "Network.penalty", "du2 *= gate2", "du2 *= 1"),
    ("wgan_gp", "Network.penalty", "du1.T, u2", "u1.T, u2"),
    ("wgan_gp", "Network.penalty", "s.T, u1, out", "s.T, du1_of(s, w1), out"),
    ("wgan_gp", "Network.penalty", "2 * PENALTY / len(x)", "PENALTY / len(x)"),
    ("wgan_gp", "Network.penalty", "np.divide(distance, length, out=distance, where=length > 0)", "distance * 1"),
    ("wgan_gp", "Wasserstein.discriminator", "network.grads += self.third", "pass"),
    ("ring", "Network.gradient", "da1 *= _gate(a1)", "pass"),
    ("ring", "Logistic.generator", "self.network.slope(-slope, kept)", "self.network.slope(slope, kept)"),
    ("vae", "Vae.gradient", "spread *= dz", "pass"),
    ("vae", "Vae.gradient", "excess, 0.5, out", "excess, 1, out"),
    ("vae", "Vae.gradient", "dcode[:, :LATENT] += dz", "pass"),
    ("vae", "back_through_tanh", "np.subtract(1, h, out=h)", "pass"),
    ("vae", "bernoulli", "slope -= x", "pass"),
    ("iwae", "Iwae.gradient", "log_w -= z * z", "pass"),
    ("iwae", "Iwae.gradient", "log_w += logvar", "pass"),
    ("iwae", "Iwae.gradient", "log_w *= 2", "pass"),
    ("iwae", "Iwae.gradient", "dz += z", "pass"),
    ("iwae", "Iwae.gradient", "dz *= spread", "pass"),
    ("iwae", "Iwae.gradient", "dcode[:, LATENT:] -= 1 / N", "pass"),
    ("iwae", "Iwae.gradient", "back_through_tanh(dh2, h2)", "pass"),
    ("iwae", "Iwae.gradient", "math.log(k) - total / N", "-total / N"),
    ("iwae", "Iwae._weigh", "log_w *= 0.5 / len(self.x) / total", "log_w[...] = 0.5 / len(self.x) / log_w.shape[1]"),
    ("iwae", "Iwae._weigh", "log_w += terms @ ones", "pass"),
    ("iwae", "Iwae._weigh", "terms -= np.abs(a, out=sizes)", "np.abs(a, out=sizes)"),
    ("iwae", "Iwae._weigh", "sizes -= math.log(2)", "pass"),
    ("iwae", "Iwae._weigh", "log_w += sizes @ ones", "pass"),
    ("iwae", "Iwae._weigh", "a -= side[:, None]", "pass"),
    ("iwae", "Iwae._weigh", "a *= log_w[..., None]", "a *= 0.5 / len(self.x) / log_w.shape[1]"),
    ("iwae", "_tanh", "h[:, -1] = 1", "pass"),
    ("steps", "trained", "critic.update()", "pass"),
    ("steps", "trained", "generator.update()", "pass"),
    ("steps", "trained", "generator.gradient(dx, kept", "generator.gradient(-dx, kept"),
    ("adam", "Flat.update", "EPS / root", "EPS"),
    ("adam", "Flat.update", "(1 - BETA1) / (1 - BETA1**self.steps) / root", "(1 - BETA1) / root"),
]


@pytest.mark.parametrize("name, where, line, mistake", PLANTED)
def test_a_planted_mistake_is_found(name, where, line, mistake, monkeypatch):
    modules = {"vae": by_hand_vae, "iwae": by_hand_iwae, "adam": inspect.getmodule(Flat)}
    module = modules.get(name, by_hand_points)
    owner = getattr(module, where.partition(".")[0]) if "." in where else module
    function = getattr(owner, where.rpartition(".")[2])
    text = inspect.cleandoc("\n" + inspect.getsource(function))
    assert text.count(line) == 1
    scope = {}
    exec(text.replace(line, mistake), {**vars(module), "du1_of": lambda s, w1: s @ w1}, scope)
    monkeypatch.setattr(owner, function.__name__, scope[function.__name__])
    with pytest.raises(AssertionError):
        check_steps("wgan_gp") if name == "steps" else CHECKS[name]()

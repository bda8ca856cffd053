"""Families of right derivatives: losses, small networks, and rules written by hand as in an exercise."""

import numpy as np

from benchmarks import by_hand
from benchmarks.drawing import MOST, TAME, Draw, family, windows
from minigen import losses, ops
from minigen.losses import vae

# Losses ---------------------------------------------------------------------------------------------------------------


@family("binary_cross_entropy")
def _bce(d):
    shape = d.shape()
    targets = d.rng.uniform(0, 1, shape) if d.chance(0.5) else d.rng.integers(0, 2, shape)
    return lambda logits: losses.binary_cross_entropy(logits, targets), {"logits": d.array(*shape)}


@family("gan losses")
def _gan(d):
    pair = losses.gan.OBJECTIVES[d.pick(*losses.gan.OBJECTIVES)]
    if d.chance(0.5):
        return pair.generator, {"fake_logits": d.array(d.size(8), 1)}
    return pair.discriminator, {"real_logits": d.array(d.size(8), 1), "fake_logits": d.array(d.size(8), 1)}


@family("cross entropy of labels")
def _labels(d):
    n, classes = d.size(6), d.size(5)
    rows, labels = np.arange(n), d.rng.integers(0, classes, n)
    return lambda logits: -ops.mean(ops.getitem(ops.log_softmax(logits), index=(rows, labels))), {
        "logits": d.array(n, classes)
    }


@family("gaussian_kl")
def _kl(d):
    shape = (d.size(), d.size())
    f = d.pick(vae.gaussian_kl, vae.gaussian_kl_per_dimension)
    return f, {"mu": d.array(*shape), "logvar": d.tame(*shape)}


@family("likelihoods")
def _likelihoods(d):
    shape = (d.size(), d.size(6))
    bits, grey = d.rng.integers(0, 2, shape) * 1.0, d.rng.uniform(0, 1, shape)
    if d.chance(0.5):
        f, x = d.pick((vae.bernoulli_nll, bits), (vae.grey_cross_entropy, grey))
        return lambda logits: f(logits, x), {"logits": d.array(*shape)}
    return vae.gaussian_nll, {"mean": d.array(*shape), "logvar": d.tame(*shape), "x": d.array(*shape)}


@family("reparameterise")
def _reparameterise(d):
    rng, k = np.random.default_rng(d.rng.integers(10**6)), d.pick(None, 3)
    shape = (d.size(), d.size())
    inputs = {"mu": d.array(*shape), "logvar": d.tame(*shape)}
    return lambda mu, logvar: vae.reparameterise(mu, logvar, rng=rng, k=k), inputs, None, {"rng": rng}


@family("iwae_bound")
def _iwae(d):
    f = d.pick(vae.iwae_bound, vae.normalised_weights)
    return f, {"log_w": d.array(d.size(), d.size(6), most=d.pick(TAME, MOST))}


@family("monte_carlo_kl")
def _monte_carlo(d):
    n, z = d.size(), d.size()
    return vae.monte_carlo_kl, {"z": d.array(n, 2, z), "mu": d.array(n, z), "logvar": d.tame(n, z)}


# Compositions ---------------------------------------------------------------------------------------------------------


def _bend(d):
    return d.pick(ops.tanh, ops.relu, ops.leaky_relu, ops.sigmoid, ops.softplus, ops.gelu, ops.silu, ops.elu)


@family("dense and a bend")
def _dense(d):
    n, i, o = d.size(6), d.size(6), d.size(5)
    bend = _bend(d)
    return lambda x, w, b: bend(x @ w + b), {"x": d.array(n, i), "w": d.array(i, o), "b": d.array(o)}


@family("two layers and a mean loss")
def _two_layers(d):
    n, i, o, bend, target = d.size(4), d.size(4), d.size(4), _bend(d), d.rng.normal()
    return lambda x, w, b, v: ((bend(x @ w + b) @ v - target) ** 2).mean(), {
        "x": d.array(n, i),
        "w": d.array(i, o),
        "b": d.array(o),
        "v": d.array(o, 1),
    }


@family("dense, batch norm and a bend")
def _normalised(d):
    n, i, o = 4 + d.size(3), d.size(3), d.size(3)
    bend = _bend(d)
    return lambda x, w, gamma, beta: bend(ops.batch_norm(x @ w, gamma, beta)), {
        "x": d.array(n, i),
        "w": d.array(i, o),
        "gamma": d.array(o),
        "beta": d.array(o),
    }


@family("conv and a bend")
def _conv_bend(d):
    settings, x, w = windows(d)
    bend = _bend(d)
    return lambda x, w, b: bend(ops.convolve(x, w, **settings) + b), {
        "x": d.array(*x),
        "w": d.array(*w),
        "b": d.array(w[-1]),
    }


@family("a small vae")
def _vae(d):
    n, i, z = d.size(3), 3, 2
    bits, rng = d.rng.integers(0, 2, (n, i)) * 1.0, np.random.default_rng(d.rng.integers(10**6))

    def f(x, w, v, u):
        mu, logvar = x @ w, ops.tanh(x @ v)
        logits = vae.reparameterise(mu, logvar, rng=rng) @ u
        return vae.negative_elbo(vae.bernoulli_nll(logits, bits), vae.gaussian_kl(mu, logvar))

    inputs = {"x": d.array(n, i), "w": d.array(i, z), "v": d.array(i, z), "u": d.array(z, i)}
    return f, inputs, None, {"rng": rng}


@family("gradient penalty")
def _penalty(d):
    rng = np.random.default_rng(d.rng.integers(10**6))
    real, fake = d.rng.normal(size=(3, 2)), d.rng.normal(size=(3, 2))

    def f(w, v):
        return losses.gradient_penalty(lambda x: ops.tanh(x @ w) @ v, real, fake, rng)

    return f, {"w": d.array(2, 3, exact=True), "v": d.array(3, 1, exact=True)}, None, {"rng": rng}


@family("r1")
def _r1(d):
    real = d.rng.normal(size=(3, 2))
    return lambda w, v: losses.r1(lambda x: ops.softplus(x @ w) @ v, real), {
        "w": d.array(2, 3, exact=True),
        "v": d.array(3, 1, exact=True),
    }


# Written by hand, as in an exercise -----------------------------------------------------------------------------------


def exercise(name, f, backward, shapes):
    """Registers a function of arrays and its backward, with the letters of its shapes."""

    @family(f"by hand: {name}")
    def draw(d: Draw):
        lengths = {letter: d.size() for letter in "NCDK"}
        inputs = {}
        for key, (letters, kind) in shapes.items():
            shape = tuple(lengths[letter] for letter in letters)
            if kind == "labels":
                inputs[key] = d.rng.integers(0, lengths["C"], shape)
            else:
                inputs[key] = d.tame(*shape) if kind == "tame" else d.array(*shape, kind=kind)
        return f, inputs, backward


for _name, _row in by_hand.RULES.items():
    exercise(_name, *_row)

"""Wrong derivatives planted in every public layer and every loss: grad_check must catch each one of them."""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from minigen import losses, nn, ops
from minigen.check import grad_check
from minigen.check.mutants import must_bite
from minigen.losses import gan, vae


def rng(seed=0):
    return np.random.default_rng(seed)


def normal(*shape, seed=1):
    return rng(seed).normal(size=shape)


def away(*shape):
    """At least 0.3 from every kink at 0, and no two entries alike."""
    x = normal(*shape)
    return x + 0.3 * np.sign(x)


# tests/ops/test_mutants.py plants every mutation in every operation.  Here the question is whether each input and each
# parameter is looked at, so a few of them do, and order 1, but for the targets of THOROUGH.
FEW = ("zeros", "times 1.001", "one entry times 1.01", "neighbours swapped")
THOROUGH = {"Dense", "BatchNorm", "gaussian_kl"}


def plan(name):
    return {"order": 2} if name in THOROUGH else {"order": 1, "wrong": FEW}


# Layers ---------------------------------------------------------------------------------------------------------------

BASES = {"Module"}  # what has no __call__ of its own
NO_MEAN = ("mean taken out for x",)  # a constant added to x changes nothing, so its gradient sums to 0

# name → the layer, the shape of x, what no check can tell from the right derivative
LAYERS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], tuple[str, ...]]] = {
    "Dense": (lambda: nn.Dense(3, 2, rng=rng()), (2, 3), ()),
    "Conv1D": (lambda: nn.Conv1D(2, 3, 2, rng=rng()), (2, 3, 2), ()),
    "Conv2D": (lambda: nn.Conv2D(1, 2, (2, 1), stride=(2, 1), padding="same", rng=rng()), (2, 3, 2, 1), ()),
    "Conv3D": (lambda: nn.Conv3D(1, 2, (1, 2, 1), rng=rng()), (2, 1, 2, 2, 1), ()),
    "Conv1DTranspose": (lambda: nn.Conv1DTranspose(2, 3, 2, rng=rng()), (2, 2, 2), ()),
    "Conv2DTranspose": (lambda: nn.Conv2DTranspose(1, 2, (2, 1), stride=(2, 1), rng=rng()), (2, 2, 2, 1), ()),
    "Conv3DTranspose": (lambda: nn.Conv3DTranspose(1, 2, (1, 2, 1), rng=rng()), (2, 1, 2, 2, 1), ()),
    "BatchNorm": (lambda: nn.BatchNorm(2), (3, 2), NO_MEAN),
    "BatchNorm in use": (lambda: nn.BatchNorm(2).eval(), (3, 2), ()),
    "LayerNorm": (lambda: nn.LayerNorm(3), (2, 3), ()),
    "Dropout": (lambda: nn.Dropout(0.3, rng=rng()), (3, 4), ()),
    "MaxPool": (nn.MaxPool, (1, 4, 2, 1), ()),
    "AveragePool": (lambda: nn.AveragePool(2, stride=1), (1, 3, 3, 1), ()),
    "Upsample": (nn.Upsample, (1, 2, 2, 1), ()),
    "Flatten": (nn.Flatten, (2, 2, 2), ()),
    "Reshape": (lambda: nn.Reshape(2, -1), (2, 4), ()),
    "Sequential": (lambda: nn.Sequential(nn.Dense(2, 3, rng=rng()), nn.Tanh(), nn.Dense(3, 1, rng=rng())), (2, 2), ()),
    "SpectralNorm": (lambda: nn.SpectralNorm(nn.Dense(3, 2, rng=rng()), rng=rng()).eval(), (2, 3), ()),
    **{
        bend: (getattr(nn, bend), (2, 3), ())
        for bend in ("ReLU", "LeakyReLU", "ELU", "GELU", "SiLU", "Sigmoid", "Softplus", "Tanh")
    },
}


def public_layers():
    return {name for name in nn.__all__ if inspect.isclass(x := getattr(nn, name)) and issubclass(x, nn.Module)} - BASES


def test_every_public_layer_has_an_example():
    assert not public_layers() - LAYERS.keys(), "add a line to LAYERS for these"
    assert not {name.partition(" ")[0] for name in LAYERS} - public_layers()


@pytest.mark.parametrize("name", LAYERS)
def test_wrong_derivatives_planted_in_a_layer_are_caught(name):
    make, shape, equivalent = LAYERS[name]
    layer, x = make(), away(*shape)
    state = layer.state_dict()

    def test():
        grad_check(layer, {"x": x}, order=plan(name)["order"], rng=getattr(layer, "rng", None), quiet=True)

    must_bite(test, layer, equivalent=equivalent, quiet=True, **plan(name))
    for key, entries in layer.state_dict().items():
        np.testing.assert_array_equal(entries, state[key])


# Losses ---------------------------------------------------------------------------------------------------------------


class Loss(NamedTuple):
    """A function of tensors, its inputs by name, and what no check can tell from the right derivative."""

    f: Callable[..., Any]
    inputs: dict[str, np.ndarray]
    equivalent: tuple[str, ...] = ()
    rng: np.random.Generator | None = None


NO_LOSSES = {"LOG_2PI", "bits_per_dimension", "log_likelihood"}  # a number, and functions of numbers on the host
MU, LOGVAR, DATA, LOGITS = normal(2, 3, seed=2), normal(2, 3, seed=3), normal(2, 3, seed=4), away(2, 3)
GREY = rng(5).uniform(0.1, 0.9, (2, 3))
Z, LOG_PX = normal(2, 2, 3, seed=6), normal(2, 2, seed=7)
DRAWS, MIXING = rng(8), rng(9)


def penalty_of_a_small_critic(w, v):
    """gradient_penalty as a function of the critic's weights."""
    critic = lambda x: ops.matmul(ops.tanh(ops.matmul(x, w)), v)  # noqa: E731
    return losses.gradient_penalty(critic, MU, DATA, MIXING, weight=2.0)


def r1_of_a_small_critic(w, v):
    return losses.r1(lambda x: ops.matmul(ops.tanh(ops.matmul(x, w)), v), DATA)


# Where each entry of the gradient is the same number, nobody can tell two of them from each other.
ALIKE = {
    "hinge, discriminator": ("neighbours swapped for fake_logits",),
    "hinge, generator": ("neighbours swapped for fake_logits",),
    "wasserstein, discriminator": ("neighbours swapped for real_logits", "neighbours swapped for fake_logits"),
    "wasserstein, generator": ("neighbours swapped for fake_logits",),
}
CRITIC = {"w": normal(3, 2, seed=10), "v": normal(2, 1, seed=11)}

LOSSES: dict[str, Loss] = {
    "binary_cross_entropy": Loss(losses.binary_cross_entropy, {"logits": LOGITS, "targets": GREY}),
    "gradient_penalty": Loss(penalty_of_a_small_critic, CRITIC, rng=MIXING),
    "r1": Loss(r1_of_a_small_critic, CRITIC),
    "log_normal": Loss(vae.log_normal, {"x": DATA, "mu": MU, "logvar": LOGVAR}),
    "log_standard_normal": Loss(vae.log_standard_normal, {"z": DATA}),
    "log_bernoulli": Loss(vae.log_bernoulli, {"x": GREY, "logits": LOGITS}),
    "bernoulli_nll": Loss(lambda logits: vae.bernoulli_nll(logits, (GREY > 0.5) * 1.0), {"logits": LOGITS}),
    "grey_cross_entropy": Loss(vae.grey_cross_entropy, {"logits": LOGITS, "x": GREY}),
    "gaussian_nll": Loss(vae.gaussian_nll, {"mean": MU, "logvar": LOGVAR, "x": DATA}),
    "reparameterise": Loss(
        lambda mu, logvar: vae.reparameterise(mu, logvar, rng=DRAWS), {"mu": MU, "logvar": LOGVAR}, rng=DRAWS
    ),
    "gaussian_kl": Loss(vae.gaussian_kl, {"mu": MU, "logvar": LOGVAR}),
    "gaussian_kl_terms": Loss(vae.gaussian_kl_terms, {"mu": MU, "logvar": LOGVAR}),
    "gaussian_kl_per_dimension": Loss(vae.gaussian_kl_per_dimension, {"mu": MU, "logvar": LOGVAR}),
    "monte_carlo_kl": Loss(vae.monte_carlo_kl, {"z": DATA, "mu": MU, "logvar": LOGVAR}),
    "free_bits": Loss(lambda kl: vae.free_bits(kl, 0.5), {"kl": np.array([0.2, 0.9, 1.4])}),
    "negative_elbo": Loss(lambda nll, kl: vae.negative_elbo(nll, kl, beta=2.0), {"nll": normal(), "kl": normal()}),
    "article_total": Loss(lambda e, d: vae.article_total(e, d, 0.5), {"e": normal(), "d": normal()}),
    "log_weights": Loss(vae.log_weights, {"log_px": LOG_PX, "z": Z, "mu": MU, "logvar": LOGVAR}),
    "iwae_bound": Loss(vae.iwae_bound, {"log_w": LOG_PX}),
    "normalised_weights": Loss(vae.normalised_weights, {"log_w": LOG_PX}),
    **{
        f"{name}, {who}": Loss(getattr(pair, who), inputs, ALIKE.get(f"{name}, {who}", ()))
        for name, pair in gan.OBJECTIVES.items()
        for who, inputs in {
            "discriminator": {"real_logits": away(3, 1), "fake_logits": 0.5 * away(2, 1)},
            "generator": {"fake_logits": away(3, 1)},
        }.items()
    },
}


def public_losses():
    single = {name for name in [*losses.__all__, *vae.__all__] if not inspect.ismodule(getattr(losses, name, None))}
    pairs = {f"{name}, {who}" for name in gan.OBJECTIVES for who in ("discriminator", "generator")}
    return (single - NO_LOSSES) | pairs


def test_every_public_loss_has_an_example():
    assert public_losses() == LOSSES.keys(), "add a line to LOSSES for a new loss"


@pytest.mark.parametrize("name", LOSSES)
def test_wrong_derivatives_planted_in_a_loss_are_caught(name):
    loss = LOSSES[name]

    def test(f):
        grad_check(f, loss.inputs, order=plan(name)["order"], rng=loss.rng, name=name, quiet=True)

    must_bite(test, loss.f, equivalent=loss.equivalent, quiet=True, **plan(name))

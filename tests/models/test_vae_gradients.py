"""Gradients of VAEs: they reach every parameter, and agree with finite differences."""

import numpy as np
import pytest

import minigen
from minigen.check import grad_check
from minigen.losses import vae as losses
from minigen.models.conv_vae import ConvVae

from .small_vaes import conv, dense, every, in_one_stage, items, labels, motion, rng, two_layer


@every
def test_a_gradient_reaches_every_parameter(build):
    reaches_everything(build())


@in_one_stage
def test_a_gradient_reaches_every_parameter_beside_labels(build):
    reaches_everything(build(labels=2))


def reaches_everything(model):
    log_w = model.log_weights(items(model, 8), 3, rng=rng(), y=labels(model, 8))
    names = [name for name, _ in model.named_parameters()]
    found = minigen.grad(-losses.iwae_bound(log_w), model.parameters())
    assert [name for name, g in zip(names, found, strict=True) if not abs(g.numpy()).max() > 0] == []
    assert ("noise_logvar" in names) == (model.likelihood == "gaussian")


@in_one_stage
def test_the_encoder_feels_both_the_kl_and_the_reconstruction(build):
    """Neither half of −ELBO is cut off from it; a KL alone would empty the code (F15)."""
    model = build()
    log_px, mu, logvar = model.one_pass(items(model, 8), rng=rng())
    first = next(p for name, p in model.named_parameters() if name.startswith("encoder"))
    for part in (-log_px.mean(), losses.gaussian_kl(mu, logvar)):
        assert abs(minigen.grad(part, [first], retain_graph=True)[0].numpy()).max() > 0
    decoder = [p for name, p in model.named_parameters() if name.startswith("decoder")]
    kl = minigen.grad(losses.gaussian_kl(mu, logvar), decoder, allow_unused=True)
    assert all(g is None for g in kl)  # the decoder has no part in the KL


TINY = {
    "dense": lambda: dense(hidden=(4,)),
    "dense, gaussian, two classes": lambda: dense(hidden=(4,), likelihood="gaussian", labels=2),
    "two layers": two_layer,
    "conv": lambda: conv(width=1 / 64, latent=1),
    "conv, bernoulli, two classes": lambda: conv(width=1 / 64, latent=1, likelihood="bernoulli", labels=2),
    "motion": lambda: motion(features=2, frames=8, width=1 / 32, latent=2),
    "motion, two classes": lambda: motion(features=2, frames=8, width=1 / 32, latent=2, labels=2),
}


@pytest.mark.parametrize("build", TINY.values(), ids=TINY)
def test_the_elbo_agrees_with_finite_differences_by_every_parameter(build):
    """−ELBO with frozen noise, in float64, by x and every weight; biases are moved off 0, where LeakyReLU bends."""
    model, noise = build().astype(np.float64), rng(5)
    for _, p in model.named_parameters():
        p.data[...] += 0.1 * np.random.default_rng(6).normal(size=p.shape)
    x, y = items(model, 2, dtype=np.float64), labels(model, 2)

    def negative_elbo(x):
        if not model.analytic:
            return -model.log_weights(x, 1, rng=noise).mean()
        log_px, mu, logvar = model.one_pass(x, rng=noise, y=y)
        return losses.negative_elbo(-log_px.mean(), losses.gaussian_kl(mu, logvar))

    small = not isinstance(model, ConvVae)  # a large one is checked in directions and at some entries
    grad_check(negative_elbo, {"x": x}, params=model, rng=noise, full=2000 if small else 0, samples=3, quiet=True)

"""The VAE by hand: 784-500-2·20 and back with tanh, the Bernoulli likelihood and the KL divergence."""

import numpy as np

from benchmarks.workloads import Made, digits
from benchmarks.workloads.by_hand_flat import Flat

PIXELS, HIDDEN, LATENT = 784, 500, 20


class Vae(Flat):
    """μ, log σ² = tanh(x W₁ + b₁) W₂ + b₂; z = μ + σ ε; logits a = tanh(z W₃ + b₃) W₄ + b₄."""

    def __init__(self, rng: np.random.Generator, dtype: type = np.float32):
        widths = ((PIXELS, HIDDEN), (HIDDEN, 2 * LATENT), (LATENT, HIDDEN), (HIDDEN, PIXELS))
        super().__init__([shape for n, m in widths for shape in ((n, m), (m,))], rng, dtype)

    def gradient(self, x, noise):
        """−ELBO, the mean over the batch in nats, with its gradient in `grads`."""
        w1, b1, w2, b2, w3, b3, w4, b4 = self.weights
        dw1, db1, dw2, db2, dw3, db3, dw4, db4 = self.slots
        N = len(x)

        h1 = _dense_tanh(x, w1, b1)
        code = h1 @ w2
        code += b2
        mu, logvar = code[:, :LATENT], code[:, LATENT:]
        spread = np.exp(0.5 * logvar)
        spread *= noise  # σ ε
        z = mu + spread
        h2 = _dense_tanh(z, w3, b3)
        a = h2 @ w4
        a += b4

        excess = np.expm1(logvar)  # σ² − 1
        kl = 0.5 * float(np.vdot(mu, mu) + (excess - logvar).sum())
        nll, da = bernoulli(a, x)

        np.matmul(h2.T, da, out=dw4)
        np.add.reduce(da, 0, out=db4)
        dh2 = da @ w4.T
        back_through_tanh(dh2, h2)
        np.matmul(z.T, dh2, out=dw3)
        np.add.reduce(dh2, 0, out=db3)
        dz = dh2 @ w3.T

        dcode = np.empty_like(code)
        np.multiply(mu, 1 / N, out=dcode[:, :LATENT])
        dcode[:, :LATENT] += dz
        excess *= 1 / N
        spread *= dz
        excess += spread
        np.multiply(excess, 0.5, out=dcode[:, LATENT:])  # ½ ((σ² − 1) / N + dz σ ε)

        np.matmul(h1.T, dcode, out=dw2)
        np.add.reduce(dcode, 0, out=db2)
        dh1 = dcode @ w2.T
        back_through_tanh(dh1, h1)
        np.matmul(x.T, dh1, out=dw1)
        np.add.reduce(dh1, 0, out=db1)
        return (nll + kl) / N


def _dense_tanh(x, w, b):
    h = x @ w
    h += b
    return np.tanh(h, out=h)


def back_through_tanh(dh, h):
    """dh ← dh (1 − h²), where h is not wanted any more."""
    h *= h
    np.subtract(1, h, out=h)
    dh *= h


def bernoulli(a, x):
    """Σ log(1 + eᵃ) − x a over everything, and the slope (σ(a) − x) / N of each entry."""
    e = np.abs(a)
    np.negative(e, out=e)
    np.exp(e, out=e)
    slope = (a >= 0).astype(a.dtype)
    terms = slope - x
    terms *= a  # max(a, 0) − x a
    np.maximum(e, slope, out=slope)
    slope /= 1 + e  # σ(a) = 1 / (1 + e) on the right, e / (1 + e) on the left
    slope -= x
    slope *= 1 / len(a)
    terms += np.log1p(e, out=e)
    return float(terms.sum()), slope


def vae(batch: int = 128) -> Made:
    rng = np.random.default_rng(0)
    return trained(Vae(rng), digits(batch), rng)


def trained(model: Vae, x: np.ndarray, rng: np.random.Generator, *k: int) -> Made:
    """Steps with one draw of each item's code, or with k."""

    def step():
        loss = model.gradient(x, rng.standard_normal((len(x), *k, LATENT), x.dtype))
        model.update()
        return loss

    return Made(step, lambda: list(model.weights))

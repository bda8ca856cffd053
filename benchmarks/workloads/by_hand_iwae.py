"""The VAE by hand under the IWAE bound: k draws a digit, each with the slope that its importance gives it.

A bias is the last row of its weights, and what they multiply ends in a column of ones: no bias and no gradient of one
costs a pass.  So that every pass runs over whole arrays, hidden layers keep that column through all of them.
"""

import math

import numpy as np

from benchmarks.workloads import Made, digits
from benchmarks.workloads.by_hand_vae import HIDDEN, LATENT, PIXELS, Vae, back_through_tanh, trained

TOGETHER = 4  # digits whose logits take all their passes before the next are fetched


class Iwae(Vae):
    """The VAE's weights, and room for k draws of each of N digits."""

    def __init__(self, rng: np.random.Generator, N: int, k: int, dtype: type = np.float32):
        super().__init__(rng, dtype)
        self.layers, self.layer_slots = self._layers_of(self.flat), self._layers_of(self.grads)
        self.x, self.h1 = (np.ones((N, width + 1), dtype) for width in (PIXELS, HIDDEN))
        self.z, self.h2 = (np.ones((N * k, width + 1), dtype) for width in (LATENT, HIDDEN))
        self.a, self.dh2 = np.empty((N, k, PIXELS), dtype), np.empty_like(self.h2)
        self.spares, self.ones = np.empty((2, TOGETHER, k, PIXELS), dtype), np.ones(PIXELS, dtype)

    def _layers_of(self, array: np.ndarray) -> list[np.ndarray]:
        """A flat array as [w; b] of each layer."""
        parts = np.split(array, self.ends[1:-1:2])
        return [part.reshape(-1, shape[1]) for part, shape in zip(parts, self.shapes[::2], strict=True)]

    def gradient(self, x, noise):
        """−L_k, the mean over the batch in nats, with its gradient in `grads`.  x: (N, 784), noise: (N, k, 20)."""
        layer1, layer2, layer3, layer4 = self.layers
        dlayer1, dlayer2, dlayer3, dlayer4 = self.layer_slots
        (N, k, _), h1, h2, dh2 = noise.shape, self.h1, self.h2, self.dh2
        a = self.a.reshape(N * k, PIXELS)

        self.x[:, :-1] = x
        np.matmul(self.x, layer1, out=h1[:, :-1])
        _tanh(h1)
        code = h1 @ layer2
        mu, logvar = code[:, None, :LATENT], code[:, None, LATENT:]
        spread = np.exp(0.5 * logvar) * noise  # σ ε, (N, k, 20)
        z = mu + spread
        self.z[:, :-1] = z.reshape(N * k, LATENT)
        np.matmul(self.z, layer3, out=h2[:, :-1])
        _tanh(h2)
        np.matmul(h2, layer4, out=a)

        log_w = noise * noise
        log_w -= z * z
        log_w += logvar
        log_w = 0.5 * log_w.sum(-1)  # log p(z) − log q(z|x), (N, k)
        total = self.weigh(log_w, x)

        np.matmul(h2.T, a, out=dlayer4)
        np.matmul(a, layer4.T, out=dh2)
        back_through_tanh(dh2, h2)
        np.matmul(self.z.T, dh2[:, :-1], out=dlayer3)
        dz = (dh2[:, :-1] @ layer3[:-1].T).reshape(N, k, LATENT)

        log_w *= 2
        z *= log_w[..., None]
        dz += z  # log p(z) is −½ z²
        dcode = np.empty_like(code)
        np.add.reduce(dz, 1, out=dcode[:, :LATENT])
        dz *= spread
        np.add.reduce(dz, 1, out=dcode[:, LATENT:])
        dcode[:, LATENT:] -= 1 / N
        dcode[:, LATENT:] *= 0.5  # ½ (Σ dz σ ε − 1 / N)

        np.matmul(h1.T, dcode, out=dlayer2)
        dh1 = dcode @ layer2.T
        back_through_tanh(dh1, h1)
        np.matmul(self.x.T, dh1[:, :-1], out=dlayer1)
        return math.log(k) - total / N

    def weigh(self, log_w, x):
        """Σ log Σ w of all digits: log_w (N, k), still without the likelihood, and x (N, 784).

        log_w ← w̃ / 2 N, and the logits in `a` ← their slopes.
        """
        side = 2 * x - 1
        blocks = [slice(i, i + TOGETHER) for i in range(0, len(x), TOGETHER)]
        return sum(self._weigh(log_w[some], self.a[some], side[some]) for some in blocks)

    def _weigh(self, log_w, a, side):
        """The same for n digits with logits a, (n, k, 784), and side = 2 x − 1, (n, 784).  a ← w̃ (σ(a) − x) / N

        With t = tanh(a / 2): σ(a) = (1 + t) / 2 and log(1 + eᵃ) = a / 2 + |a| / 2 + log 2 − log(1 + |t|), so that a
        tanh and a logarithm do.  Sums are products with a vector.
        """
        (terms, sizes), ones = self.spares[:, : len(a)], self.ones
        a *= 0.5
        np.multiply(a, side[:, None], out=terms)
        terms -= np.abs(a, out=sizes)  # x a − max(a, 0)
        log_w += terms @ ones
        np.tanh(a, out=a)
        np.abs(a, out=sizes)
        np.log1p(sizes, out=sizes)
        sizes -= math.log(2)  # here, not from the sum, which would lose digits
        log_w += sizes @ ones

        top = log_w.max(1, keepdims=True)
        log_w -= top
        np.exp(log_w, out=log_w)
        total = log_w.sum(1, keepdims=True)
        log_w *= 0.5 / len(self.x) / total

        a -= side[:, None]  # 2 (σ(a) − x)
        a *= log_w[..., None]
        return float((top + np.log(total)).sum())


def _tanh(h):
    """h ← tanh(h), and its last column ← 1."""
    np.tanh(h, out=h)
    h[:, -1] = 1


def iwae(batch: int = 20, k: int = 50) -> Made:
    rng = np.random.default_rng(0)
    return trained(Iwae(rng, batch, k), digits(batch), rng, k)

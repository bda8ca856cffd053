"""The GANs of points by hand, with the logistic loss and with Wasserstein's and its gradient penalty."""

import numpy as np

from benchmarks.workloads import Made, points
from benchmarks.workloads.by_hand_flat import Flat

SLOPE, PENALTY, HIDDEN = 0.2, 10.0, 128


class Network(Flat):
    """y = φ(φ(x W₁ + b₁) W₂ + b₂) W₃ + b₃ with φ the leaky rectifier."""

    def __init__(self, outputs: int, rng: np.random.Generator, dtype: type = np.float32):
        widths = (2, HIDDEN, HIDDEN, outputs)
        shapes = [shape for n, m in zip(widths, widths[1:], strict=False) for shape in ((n, m), (m,))]
        super().__init__(shapes, rng, dtype)

    def forward(self, x):
        """y, and what the way back wants."""
        w1, b1, w2, b2, w3, b3 = self.weights
        a1 = x @ w1
        a1 += b1
        h1 = _leaky(a1)
        a2 = h1 @ w2
        a2 += b2
        h2 = _leaky(a2)
        y = h2 @ w3
        y += b3
        return y, (x, a1, h1, a2, h2)

    def gradient(self, dy, kept, into):
        """Write dL/dweights into `into`, arrays like the weights."""
        x, a1, h1, a2, h2 = kept
        dw1, db1, dw2, db2, dw3, db3 = into
        np.matmul(h2.T, dy, out=dw3)
        np.add.reduce(dy, 0, out=db3)
        da2 = self._outward(dy)
        da2 *= _gate(a2)
        np.matmul(h1.T, da2, out=dw2)
        np.add.reduce(da2, 0, out=db2)
        da1 = da2 @ self.weights[2].T
        da1 *= _gate(a1)
        np.matmul(x.T, da1, out=dw1)
        np.add.reduce(da1, 0, out=db1)

    def slope(self, dy, kept):
        """dL/dx."""
        _, a1, _, a2, _ = kept
        da2 = self._outward(dy)
        da2 *= _gate(a2)
        da1 = da2 @ self.weights[2].T
        da1 *= _gate(a1)
        return da1 @ self.weights[0].T

    def penalty(self, x, into):
        """10 · mean (‖s‖ − 1)² with s = dy/dx, one output; its gradient by the weights goes into `into`.

        s = u₁ W₁ᵀ with u₁ = φ′(a₁) ∘ (u₂ W₂ᵀ) and u₂ = φ′(a₂) ∘ w₃ᵀ.  φ″ is 0, so that the gates φ′ are constants:
        the way back passes these three products alone, and biases get nothing.
        """
        w1, b1, w2, b2, w3, _ = self.weights
        a1 = x @ w1
        a1 += b1
        a2 = _leaky(a1) @ w2
        a2 += b2
        gate1, gate2 = _gate(a1), _gate(a2)
        u2 = gate2 * w3.T
        u1 = u2 @ w2.T
        u1 *= gate1
        s = u1 @ w1.T

        length = np.sqrt(np.einsum("ij,ij->i", s, s))[:, None]
        distance = length - 1
        loss = PENALTY * float(np.vdot(distance, distance)) / len(x)

        distance *= 2 * PENALTY / len(x)
        np.divide(distance, length, out=distance, where=length > 0)  # a slope of 0 has no direction
        s *= distance  # dL/ds
        np.matmul(s.T, u1, out=into[0])
        du1 = s @ w1
        du1 *= gate1
        np.matmul(du1.T, u2, out=into[2])
        du2 = du1 @ w2
        du2 *= gate2
        np.add.reduce(du2, 0, out=into[4][:, 0])
        return loss

    def _outward(self, dy):
        w3 = self.weights[4]
        return dy * w3.T if w3.shape[1] == 1 else dy @ w3.T


def _leaky(a):
    h = a * SLOPE
    return np.maximum(a, h, out=h)


def _gate(a):
    """φ′(a): 1 on the right, 0.2 on the left."""
    factor = (a > 0).astype(a.dtype)
    factor *= 1 - SLOPE
    factor += SLOPE
    return factor


def _softplus(a):
    """The mean of log(1 + eᵃ), and the slope σ(a) / N of each entry."""
    e = np.exp(-np.abs(a))
    slope = np.maximum(e, a >= 0)
    slope /= (1 + e) * len(a)
    return float((np.maximum(a, 0) + np.log1p(e)).mean()), slope


class Logistic:
    """The two steps of the pair −log D(x) − log(1 − D(G(z))) and −log D(G(z)): their losses and gradients."""

    def __init__(self, discriminator: Network):
        self.network = discriminator
        self.other = np.zeros_like(discriminator.grads)
        self.others = discriminator.cut(self.other)

    def discriminator(self, x_real, x_fake):
        """The loss of D, with its gradient in the network's `grads`."""
        network = self.network
        real, kept_real = network.forward(x_real)
        fake, kept_fake = network.forward(x_fake)
        (loss_real, slope_real), (loss_fake, slope_fake) = _softplus(-real), _softplus(fake)
        network.gradient(-slope_real, kept_real, network.slots)
        network.gradient(slope_fake, kept_fake, self.others)
        network.grads += self.other
        return loss_real + loss_fake

    def generator(self, x_fake):
        """The loss of G, and its gradient by the points."""
        fake, kept = self.network.forward(x_fake)
        loss, slope = _softplus(-fake)
        return loss, self.network.slope(-slope, kept)


class Wasserstein(Logistic):
    """The pair E[D(G(z))] − E[D(x)] + penalty and −E[D(G(z))]."""

    def __init__(self, critic: Network, batch: int, rng: np.random.Generator):
        super().__init__(critic)
        self.rng = rng
        self.share = np.full((batch, 1), 1 / batch, critic.flat.dtype)
        self.third = np.zeros_like(critic.grads)
        self.thirds = critic.cut(self.third)

    def discriminator(self, x_real, x_fake):
        network = self.network
        real, kept_real = network.forward(x_real)
        fake, kept_fake = network.forward(x_fake)
        alpha = self.rng.random((len(x_real), 1), x_real.dtype)
        penalty = network.penalty(alpha * x_real + (1 - alpha) * x_fake, self.thirds)
        network.gradient(-self.share, kept_real, network.slots)
        network.gradient(self.share, kept_fake, self.others)
        network.grads += self.other
        network.grads += self.third
        return float(fake.mean() - real.mean()) + penalty

    def generator(self, x_fake):
        fake, kept = self.network.forward(x_fake)
        return -float(fake.mean()), self.network.slope(-self.share, kept)


def ring(batch: int = 256) -> Made:
    rng = np.random.default_rng(0)
    generator, discriminator = Network(2, rng), Network(1, rng)
    return trained(generator, Logistic(discriminator), points(batch), np.random.default_rng(1))


def wgan_gp(batch: int = 256) -> Made:
    rng, draws = np.random.default_rng(0), np.random.default_rng(1)
    generator, critic = Network(2, rng), Network(1, rng)
    return trained(generator, Wasserstein(critic, batch, draws), points(batch), draws)


def trained(generator: Network, pair: Logistic, x_real: np.ndarray, rng: np.random.Generator) -> Made:
    """A step of the critic and one of the generator, on the same fake points."""
    critic = pair.network

    def step():
        x_fake, kept = generator.forward(rng.standard_normal((len(x_real), 2), x_real.dtype))

        loss_d = pair.discriminator(x_real, x_fake)
        critic.update()

        loss_g, dx = pair.generator(x_fake)
        generator.gradient(dx, kept, generator.slots)
        generator.update()
        return loss_d, loss_g

    return Made(step, lambda: [*generator.weights, *critic.weights])

"""A floor for minigen: the GAN of points with its backward written out in bare NumPy, in place, with no engine at all.

Whatever walks a graph in Python makes these calls and more.
"""

import math

import numpy as np

import minigen.kernels.memory  # noqa: F401  the floor keeps freed memory too
from benchmarks.workloads import Made, points

RATE, BETAS, EPS, SLOPE = 1e-3, (0.9, 0.999), 1e-8, 0.2
WIDTHS = (2, 128, 128)


class Network:
    """Three dense layers with leaky rectifiers between; weights, gradients and Adam's state lie in flat arrays."""

    def __init__(self, outputs: int, rng: np.random.Generator):
        shapes = []
        for inputs, width in zip(WIDTHS, (*WIDTHS[1:], outputs), strict=True):
            shapes += [(inputs, width), (width,)]
        total = sum(math.prod(shape) for shape in shapes)
        self.flat, self.grads, self.m, self.v, self.spare = (np.zeros(total, np.float32) for _ in range(5))
        ends = np.cumsum([math.prod(shape) for shape in shapes])
        self.weights, self.slots = (
            [part.reshape(shape) for part, shape in zip(np.split(array, ends[:-1]), shapes, strict=True)]
            for array in (self.flat, self.grads)
        )
        for w in self.weights[::2]:
            w[...] = rng.uniform(-1, 1, w.shape) * math.sqrt(6 / sum(w.shape))
        self.steps = 0

    def forward(self, x):
        """y, and what the way back wants."""
        w1, b1, w2, b2, w3, b3 = self.weights
        a1 = x @ w1
        a1 += b1
        h1 = a1 * SLOPE
        np.maximum(a1, h1, out=h1)
        a2 = h1 @ w2
        a2 += b2
        h2 = a2 * SLOPE
        np.maximum(a2, h2, out=h2)
        y = h2 @ w3
        y += b3
        return y, (x, a1, h1, a2, h2)

    def gradient(self, dy, kept, into):
        """Write dL/dweights into `into`, arrays like the weights."""
        x, a1, h1, a2, h2 = kept
        dw1, db1, dw2, db2, dw3, db3 = into
        np.matmul(h2.T, dy, out=dw3)
        np.add.reduce(dy, 0, out=db3)
        da2 = self._gate(self._outward(dy), a2)
        np.matmul(h1.T, da2, out=dw2)
        np.add.reduce(da2, 0, out=db2)
        da1 = self._gate(da2 @ self.weights[2].T, a1)
        np.matmul(x.T, da1, out=dw1)
        np.add.reduce(da1, 0, out=db1)

    def slope(self, dy, kept):
        """dL/dx."""
        _, a1, _, a2, _ = kept
        da2 = self._gate(self._outward(dy), a2)
        return self._gate(da2 @ self.weights[2].T, a1) @ self.weights[0].T

    def _outward(self, dy):
        w3 = self.weights[4]
        return dy * w3.T if w3.shape[1] == 1 else dy @ w3.T

    @staticmethod
    def _gate(dy, a):
        factor = (a > 0).astype(a.dtype)
        factor *= 1 - SLOPE
        factor += SLOPE
        dy *= factor
        return dy

    def update(self):
        """Adam, from `grads`, which it uses up."""
        self.steps += 1
        (beta1, beta2), w, g, m, v, spare = BETAS, self.flat, self.grads, self.m, self.v, self.spare
        m *= beta1
        np.multiply(g, 1 - beta1, out=spare)
        m += spare
        v *= beta2
        g *= g
        g *= 1 - beta2
        v += g
        np.sqrt(v, out=spare)
        spare *= 1 / math.sqrt(1 - beta2**self.steps)
        spare += EPS
        np.divide(m, spare, out=spare)
        spare *= RATE / (1 - beta1**self.steps)
        w -= spare


def _sigmoid(a):
    e = np.exp(-np.abs(a))
    return np.maximum(e, a >= 0) / (1 + e)


def ring(batch: int = 256) -> Made:
    rng = np.random.default_rng(0)
    generator, discriminator = Network(2, rng), Network(1, rng)
    others = [np.empty_like(slot) for slot in discriminator.slots]
    x_real = points(batch)

    def step():
        x_fake, kept_g = generator.forward(rng.standard_normal((batch, 2), np.float32))

        real, kept_real = discriminator.forward(x_real)
        fake, kept_fake = discriminator.forward(x_fake)
        discriminator.gradient(_sigmoid(-real) * (-1 / batch), kept_real, discriminator.slots)
        discriminator.gradient(_sigmoid(fake) * (1 / batch), kept_fake, others)
        for slot, other in zip(discriminator.slots, others, strict=True):
            slot += other
        discriminator.update()

        fake, kept = discriminator.forward(x_fake)
        dx = discriminator.slope(_sigmoid(-fake) * (-1 / batch), kept)
        generator.gradient(dx, kept_g, generator.slots)
        generator.update()

    return Made(step, lambda: [generator.flat, discriminator.flat])

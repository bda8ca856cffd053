"""The workloads as a user of DeZero writes them, channels first.

Its newest release, 0.0.13, was written for the NumPy of 2020, and two lines here give it back what it relied on: the
name `np.int`, without which it cannot be imported, and weak Python numbers.  Under NumPy 2 its `as_array` would make
float64 arrays of these, so that whole networks would compute in doubles.
"""

import math

import numpy as np

np.int = int  # type: ignore[attr-defined]  # before the import of DeZero

import dezero  # noqa: E402
import dezero.functions as F  # noqa: E402
import dezero.layers as L  # noqa: E402
from dezero import Variable, optimizers  # noqa: E402
from dezero.models import Model, Sequential  # noqa: E402

from benchmarks.workloads import CHAIN, Made, digits, images, numbers, points  # noqa: E402

dezero.core.as_array = lambda x, array_module=np: array_module.asarray(x, np.float32) if np.isscalar(x) else x


class Each(L.Layer):
    """A function as a layer, so that it can stand in a Sequential."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class Up(L.Deconv2d):
    """A transposed convolution whose output is `stride` times as large as its input, which L.Deconv2d cannot say."""

    def forward(self, x):
        outsize = (x.shape[2] * self.stride, x.shape[3] * self.stride)
        return F.deconv2d(x, self.W, None, self.stride, self.pad, outsize)


def leaky():
    return Each(lambda x: F.leaky_relu(x, 0.2))


def softplus(x):
    return F.log(1 + F.exp(x))


def trained(*models):
    """The arrays that a step changes; in float32, which `standard_normal * np.sqrt(…)` in its layers is not."""
    parameters = [p for model in models for p in model.params() if p.data is not None and "avg" not in (p.name or "")]
    for p in parameters:
        p.data = p.data.astype(np.float32, copy=False)
    return lambda: [p.data for p in parameters]


def dcgan(batch: int = 64, side: int = 28) -> Made:
    small = side // 4
    generator = Sequential(
        L.Linear(small * small * 256, nobias=True, in_size=100),
        L.BatchNorm(),
        leaky(),
        Each(lambda x: F.reshape(x, (len(x), 256, small, small))),
        Up(128, 5, 1, 2, nobias=True, in_channels=256),
        L.BatchNorm(),
        leaky(),
        Up(64, 5, 2, 2, nobias=True, in_channels=128),
        L.BatchNorm(),
        leaky(),
        Up(1, 5, 2, 2, nobias=True, in_channels=64),
        Each(F.tanh),
    )
    discriminator = Sequential(
        L.Conv2d(64, 5, 2, 2, in_channels=1),
        leaky(),
        Each(lambda x: F.dropout(x, 0.3)),
        L.Conv2d(128, 5, 2, 2, in_channels=64),
        leaky(),
        Each(lambda x: F.dropout(x, 0.3)),
        Each(F.flatten),
        L.Linear(1, in_size=small * small * 128),
    )
    x_real = np.ascontiguousarray(images(batch, side).transpose(0, 3, 1, 2))
    return _gan(generator, discriminator, x_real, latent=100, rate=1e-4)


def _points_networks():
    return [
        Sequential(L.Linear(128, in_size=2), leaky(), L.Linear(128, in_size=128), leaky(), L.Linear(n, in_size=128))
        for n in (2, 1)
    ]


def ring(batch: int = 256) -> Made:
    return _gan(*_points_networks(), points(batch), latent=2, rate=1e-3)


def _gan(generator, discriminator, x_real, *, latent, rate) -> Made:
    n = len(x_real)
    rng = np.random.default_rng(0)
    trained(generator, discriminator)
    optimiser_g = optimizers.Adam(rate).setup(generator)
    optimiser_d = optimizers.Adam(rate).setup(discriminator)

    def step():
        x_fake = generator(Variable(rng.standard_normal((n, latent), np.float32)))

        real, fake = discriminator(Variable(x_real)), discriminator(Variable(x_fake.data))
        discriminator.cleargrads()
        ((F.sum(softplus(-real)) + F.sum(softplus(fake))) / n).backward()
        optimiser_d.update()

        generator.cleargrads()
        (F.sum(softplus(-discriminator(x_fake))) / n).backward()  # into D as well, which is cleared above
        optimiser_g.update()

    step()  # batch normalisation makes its parameters when it first sees a batch
    return Made(step, trained(generator, discriminator))


def wgan_gp(batch: int = 256) -> Made:
    rng = np.random.default_rng(0)
    generator, critic = _points_networks()
    arrays = trained(generator, critic)
    optimiser_g, optimiser_d = optimizers.Adam(1e-3).setup(generator), optimizers.Adam(1e-3).setup(critic)
    x_real = points(batch)

    def step():
        x_fake = generator(Variable(rng.standard_normal((batch, 2), np.float32)))

        alpha = rng.random((batch, 1), np.float32)
        mixed = Variable(alpha * x_real + (1 - alpha) * x_fake.data)
        F.sum(critic(mixed)).backward(create_graph=True)
        length = F.sum(mixed.grad**2, axis=1) ** 0.5
        penalty = 10 * F.sum((length - 1) ** 2) / batch
        loss_d = (F.sum(critic(Variable(x_fake.data))) - F.sum(critic(Variable(x_real)))) / batch + penalty
        critic.cleargrads()
        loss_d.backward()
        optimiser_d.update()

        generator.cleargrads()
        (-F.sum(critic(x_fake)) / batch).backward()
        optimiser_g.update()

    return Made(step, arrays)


class Coder(Model):
    """784 → 500 → μ and log σ² (20 each) → 500 → logits (784)."""

    def __init__(self):
        super().__init__()
        self.hidden = L.Linear(500, in_size=784)
        self.to_mu, self.to_logvar = L.Linear(20, in_size=500), L.Linear(20, in_size=500)
        self.decode1, self.decode2 = L.Linear(500, in_size=20), L.Linear(784, in_size=500)

    def encode(self, x):
        h = F.tanh(self.hidden(x))
        return self.to_mu(h), self.to_logvar(h)

    def decode(self, z):
        return self.decode2(F.tanh(self.decode1(z)))


def vae(batch: int = 128) -> Made:
    def loss(model, x, rng):
        mu, logvar = model.encode(x)
        z = mu + F.exp(0.5 * logvar) * rng.standard_normal((batch, 20), np.float32)
        nll = F.binary_cross_entropy(F.sigmoid(model.decode(z)), x)
        return nll + 0.5 * F.sum(mu * mu + F.exp(logvar) - 1 - logvar) / batch

    return _vae(loss, batch)


def iwae(batch: int = 20, k: int = 50) -> Made:
    def loss(model, x, rng):
        mu, logvar = (F.reshape(h, (batch, 1, 20)) for h in model.encode(x))
        noise = rng.standard_normal((batch, k, 20), np.float32)
        z = mu + F.exp(0.5 * logvar) * noise
        p = F.clip(F.sigmoid(F.reshape(model.decode(F.reshape(z, (batch * k, 20))), (batch, k, 784))), 1e-6, 1 - 1e-6)
        t = x.data[:, None]
        log_px = F.sum(t * F.log(p) + (1 - t) * F.log(1 - p), axis=2)
        log_w = log_px + 0.5 * F.sum(logvar + noise * noise - z * z, axis=2)
        top = log_w.data.max(axis=1, keepdims=True)
        return math.log(k) - F.sum(F.log(F.sum(F.exp(log_w - top), axis=1)) + top[:, 0]) / batch

    return _vae(loss, batch)


def _vae(loss, batch) -> Made:
    rng = np.random.default_rng(0)
    model = Coder()
    arrays = trained(model)
    optimiser = optimizers.Adam(1e-3).setup(model)
    x = Variable(digits(batch))

    def step():
        found = loss(model, x, rng)
        model.cleargrads()
        x.cleargrad()
        found.backward()
        optimiser.update()

    return Made(step, arrays)


def op() -> Made:
    x, dy = Variable(numbers()), Variable(np.ones(16, np.float32))

    def step():
        y = F.tanh(x)
        y.grad = dy
        x.cleargrad()
        y.backward()
        return x.grad

    return Made(step)


def op_chain() -> Made:
    x, dy = Variable(numbers()), Variable(np.ones(16, np.float32))

    def step():
        y = x
        for _ in range(CHAIN // 2):
            y = F.tanh(y) * x
        y.grad = dy
        x.cleargrad()
        y.backward()
        return x.grad

    return Made(step)

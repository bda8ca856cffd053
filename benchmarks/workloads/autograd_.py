"""The workloads as a user of HIPS autograd writes them: functions of lists of arrays, and Adam in NumPy."""

import math

import autograd.numpy as np
from autograd import elementwise_grad, grad, make_vjp
from autograd.scipy.special import logsumexp

from benchmarks.workloads import CHAIN, Made, digits, numbers, points
from benchmarks.workloads.numpy_adam import Adam, dense


def _softplus(x):
    return np.logaddexp(0, x)


def _leaky(x):
    return np.where(x > 0, x, 0.2 * x)


def _network(parameters, x):
    """Three dense layers, LeakyReLU between."""
    w1, b1, w2, b2, w3, b3 = parameters
    return np.dot(_leaky(np.dot(_leaky(np.dot(x, w1) + b1), w2) + b2), w3) + b3


def ring(batch: int = 256) -> Made:
    def loss_d(d, x_real, x_fake, rng):
        return np.mean(_softplus(-_network(d, x_real))) + np.mean(_softplus(_network(d, x_fake)))

    return _gan(batch, loss_d, lambda x_fake, d: np.mean(_softplus(-_network(d, x_fake))))


def wgan_gp(batch: int = 256) -> Made:
    slopes = elementwise_grad(lambda x, d: _network(d, x))  # D judges each point by itself

    def loss_d(d, x_real, x_fake, rng):
        alpha = rng.random((batch, 1), np.float32)
        slope = slopes(alpha * x_real + (1 - alpha) * x_fake, d)
        penalty = 10 * np.mean((np.sqrt(np.sum(slope**2, axis=1)) - 1) ** 2)
        return np.mean(_network(d, x_fake)) - np.mean(_network(d, x_real)) + penalty

    return _gan(batch, loss_d, lambda x_fake, d: -np.mean(_network(d, x_fake)))


def _gan(batch, loss_d, loss_g) -> Made:
    rng = np.random.default_rng(0)
    g, d = dense(rng, 2, 128, 128, 2), dense(rng, 2, 128, 128, 1)
    optimiser_g, optimiser_d = Adam(g, 1e-3), Adam(d, 1e-3)
    x_real = points(batch)
    slope_d, slope_fake = grad(loss_d), grad(loss_g)

    def step():
        z = rng.standard_normal((batch, 2), np.float32)
        back_to_g, x_fake = make_vjp(lambda g: _network(g, z))(g)  # G forward once, used twice
        optimiser_d.update(slope_d(d, x_real, x_fake, rng))
        optimiser_g.update(back_to_g(slope_fake(x_fake, d)))

    return Made(step, lambda: [*g, *d])


def _code(parameters, x):
    """μ and log σ² of each image, (N, Z)."""
    w1, b1, w2, b2 = parameters
    return np.split(np.dot(np.tanh(np.dot(x, w1) + b1), w2) + b2, 2, axis=1)


def _logits(parameters, z):
    w1, b1, w2, b2 = parameters
    return np.dot(np.tanh(np.dot(z, w1) + b1), w2) + b2


def vae(batch: int = 128) -> Made:
    def loss(parameters, x, rng):
        mu, logvar = _code(parameters[:4], x)
        z = mu + np.exp(0.5 * logvar) * rng.standard_normal((batch, 20), np.float32)
        a = _logits(parameters[4:], z)
        kl = 0.5 * np.sum(mu * mu + np.exp(logvar) - 1 - logvar)
        return (np.sum(_softplus(a) - x * a) + kl) / batch

    return _vae(loss, batch)


def iwae(batch: int = 20, k: int = 50) -> Made:
    def loss(parameters, x, rng):
        mu, logvar = (np.reshape(h, (batch, 1, 20)) for h in _code(parameters[:4], x))
        noise = rng.standard_normal((batch, k, 20), np.float32)
        z = mu + np.exp(0.5 * logvar) * noise
        a = np.reshape(_logits(parameters[4:], np.reshape(z, (batch * k, 20))), (batch, k, 784))
        log_px = np.sum(np.reshape(x, (batch, 1, 784)) * a - _softplus(a), axis=2)
        log_w = log_px + 0.5 * np.sum(logvar + noise * noise - z * z, axis=2)
        return np.mean(math.log(k) - logsumexp(log_w, axis=1))

    return _vae(loss, batch)


def _vae(loss, batch) -> Made:
    rng = np.random.default_rng(0)
    parameters = [*dense(rng, 784, 500, 40), *dense(rng, 20, 500, 784)]
    optimiser = Adam(parameters, 1e-3)
    x = digits(batch)
    slope = grad(loss)
    return Made(lambda: optimiser.update(slope(parameters, x, rng)), lambda: parameters)


def op() -> Made:
    x, dy = numbers(), np.ones(16, np.float32)
    return Made(lambda: make_vjp(np.tanh)(x)[0](dy))


def op_chain() -> Made:
    x, dy = numbers(), np.ones(16, np.float32)

    def chain(x):
        y = x
        for _ in range(CHAIN // 2):
            y = np.tanh(y) * x
        return y

    return Made(lambda: make_vjp(chain)(x)[0](dy))

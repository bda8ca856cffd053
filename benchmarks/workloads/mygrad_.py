"""The workloads as a user of MyGrad writes them: tensors, `backward`, and Adam in NumPy on their data.

Memory guarding is off, which its manual advises where time counts.
"""

import math

import mygrad as mg
import numpy as np
from mygrad.nnet.activations import leaky_relu

from benchmarks.workloads import CHAIN, Made, digits, numbers, points
from benchmarks.workloads.numpy_adam import Adam, dense

mg.turn_memory_guarding_off()


def _tensors(arrays):
    return [mg.tensor(a, copy=False) for a in arrays]


def _constants(arrays):
    """The same arrays as they are in a step that is not theirs: nothing is differentiated by them."""
    return [mg.tensor(a, constant=True, copy=False) for a in arrays]


def _softplus(x):
    return mg.logaddexp(0, x)


def _network(parameters, x):
    w1, b1, w2, b2, w3, b3 = parameters
    h = leaky_relu(mg.matmul(x, w1) + b1, 0.2)
    return mg.matmul(leaky_relu(mg.matmul(h, w2) + b2, 0.2), w3) + b3


def ring(batch: int = 256) -> Made:
    rng = np.random.default_rng(0)
    g, d = dense(rng, 2, 128, 128, 2), dense(rng, 2, 128, 128, 1)
    optimiser_g, optimiser_d = Adam(g, 1e-3), Adam(d, 1e-3)
    x_real = points(batch)

    def step():
        own_g, own_d = _tensors(g), _tensors(d)
        x_fake = _network(own_g, rng.standard_normal((batch, 2), np.float32))

        loss_d = mg.mean(_softplus(-_network(own_d, x_real))) + mg.mean(_softplus(_network(own_d, x_fake.data)))
        loss_d.backward()
        optimiser_d.update([p.grad for p in own_d])

        loss_g = mg.mean(_softplus(-_network(_constants(d), x_fake)))
        loss_g.backward()
        optimiser_g.update([p.grad for p in own_g])

    return Made(step, lambda: [*g, *d])


def _dense_tanh_dense(parameters, x):
    w1, b1, w2, b2 = parameters
    return mg.matmul(mg.tanh(mg.matmul(x, w1) + b1), w2) + b2


def vae(batch: int = 128) -> Made:
    def loss(own, x, rng):
        h = _dense_tanh_dense(own[:4], x)
        mu, logvar = h[:, :20], h[:, 20:]
        z = mu + mg.exp(0.5 * logvar) * rng.standard_normal((batch, 20), np.float32)
        a = _dense_tanh_dense(own[4:], z)
        kl = 0.5 * mg.sum(mu * mu + mg.exp(logvar) - 1 - logvar)
        return (mg.sum(_softplus(a) - x * a) + kl) / batch

    return _vae(loss, batch)


def iwae(batch: int = 20, k: int = 50) -> Made:
    def loss(own, x, rng):
        h = mg.reshape(_dense_tanh_dense(own[:4], x), (batch, 1, 40))
        mu, logvar = h[..., :20], h[..., 20:]
        noise = rng.standard_normal((batch, k, 20), np.float32)
        z = mu + mg.exp(0.5 * logvar) * noise
        a = mg.reshape(_dense_tanh_dense(own[4:], mg.reshape(z, (batch * k, 20))), (batch, k, 784))
        log_px = mg.sum(x[:, None] * a - _softplus(a), axis=2)
        log_w = log_px + 0.5 * mg.sum(logvar + noise * noise - z * z, axis=2)
        top = log_w.data.max(axis=1, keepdims=True)
        return mg.mean(math.log(k) - mg.log(mg.sum(mg.exp(log_w - top), axis=1)) - top[:, 0])

    return _vae(loss, batch)


def _vae(loss, batch) -> Made:
    rng = np.random.default_rng(0)
    parameters = [*dense(rng, 784, 500, 40), *dense(rng, 20, 500, 784)]
    optimiser = Adam(parameters, 1e-3)
    x = digits(batch)

    def step():
        own = _tensors(parameters)
        loss(own, x, rng).backward()
        optimiser.update([p.grad for p in own])

    return Made(step, lambda: parameters)


def op() -> Made:
    x, dy = mg.tensor(numbers()), np.ones(16, np.float32)

    def step():
        mg.tanh(x).backward(dy)
        return x.grad

    return Made(step)


def op_chain() -> Made:
    x, dy = mg.tensor(numbers()), np.ones(16, np.float32)

    def step():
        y = x
        for _ in range(CHAIN // 2):
            y = mg.tanh(y) * x
        y.backward(dy)
        return x.grad

    return Made(step)

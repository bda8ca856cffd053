"""The workloads as a user of JAX writes them: one compiled function from state to state, which it may overwrite.

Channels last; Adam is written out in six lines, as compiled it is what Optax's would be.
"""

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.nn import leaky_relu, softplus

from benchmarks.workloads import Made, digits, images, points

LAYOUT = ("NHWC", "HWIO", "NHWC")


def wait(last: Any) -> None:
    jax.block_until_ready(last)


def _running(first, step) -> Made:
    """Steps from state to state; state: trained parameters first, then whatever else there is."""
    compiled = jax.jit(step, donate_argnums=0)
    held = [first]

    def once():
        held[0] = compiled(held[0])
        return held[0]

    return Made(once, lambda: jax.tree.leaves(held[0][0]))


def _adam(parameters):
    """Adam's state."""
    zeros = jax.tree.map(jnp.zeros_like, parameters)
    return zeros, jax.tree.map(jnp.zeros_like, parameters), jnp.zeros((), jnp.float32)


def _update(parameters, state, gradients, rate):
    m, v, t = state
    t = t + 1
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, gradients)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, gradients)
    rate = rate * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    return jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) + 1e-8), parameters, m, v), (m, v, t)


def _weights(key, *shape):
    return jax.random.normal(key, shape) / math.sqrt(math.prod(shape[:-1]))


def _dense(key, *widths):
    keys = jax.random.split(key, len(widths))
    pairs = zip(keys, widths, widths[1:], strict=False)
    return [(_weights(k, inputs, outputs), jnp.zeros(outputs)) for k, inputs, outputs in pairs]


# GANs -----------------------------------------------------------------------------------------------------------------


def _gan(generator, discriminator, g, d, running, x_real, *, latent, rate, penalty=False) -> Made:
    """generator(g, running, z) → images and new running statistics; discriminator(d, x, key) → logits."""

    def loss_d(d, x_fake, keys):
        real, fake = discriminator(d, x_real, keys[0]), discriminator(d, x_fake, keys[1])
        if not penalty:
            return softplus(-real).mean() + softplus(fake).mean()
        alpha = jax.random.uniform(keys[2], (len(x_real), 1))
        mixed = alpha * x_real + (1 - alpha) * x_fake
        slope = jax.grad(lambda x: discriminator(d, x, keys[0]).sum())(mixed)
        return fake.mean() - real.mean() + 10 * ((jnp.linalg.norm(slope, axis=1) - 1) ** 2).mean()

    def loss_g(x_fake, d, key):
        logits = discriminator(d, x_fake, key)
        return -logits.mean() if penalty else softplus(-logits).mean()

    def step(state):
        (g, d), running, adam_g, adam_d, key = state
        key, *keys = jax.random.split(key, 6)
        z = jax.random.normal(keys[0], (len(x_real), latent))
        x_fake, back_to_g, running = jax.vjp(lambda g: generator(g, running, z), g, has_aux=True)
        d, adam_d = _update(d, adam_d, jax.grad(loss_d)(d, x_fake, keys[1:4]), rate)
        (slope,) = back_to_g(jax.grad(loss_g)(x_fake, d, keys[4]))
        g, adam_g = _update(g, adam_g, slope, rate)
        return (g, d), running, adam_g, adam_d, key

    return _running(((g, d), running, _adam(g), _adam(d), jax.random.key(1)), step)


def dcgan(batch: int = 256, side: int = 28) -> Made:
    small = side // 4
    keys = jax.random.split(jax.random.key(0), 8)
    widths = (small * small * 256, 128, 64)  # of the three batch normalisations
    g = {
        "dense": _weights(keys[0], 100, widths[0]),
        "norms": [(jnp.ones(n), jnp.zeros(n)) for n in widths],
        "ups": [_weights(keys[1], 5, 5, 256, 128), _weights(keys[2], 5, 5, 128, 64), _weights(keys[3], 5, 5, 64, 1)],
    }
    d = {
        "convs": [(_weights(keys[4], 5, 5, 1, 64), jnp.zeros(64)), (_weights(keys[5], 5, 5, 64, 128), jnp.zeros(128))],
        "dense": (_weights(keys[6], small * small * 128, 1), jnp.zeros(1)),
    }
    running = [(jnp.zeros(n), jnp.ones(n)) for n in widths]

    def norm(x, parameters, running):
        axes = tuple(range(x.ndim - 1))
        mean, variance = x.mean(axes), x.var(axes)
        y = parameters[0] * (x - mean) * lax.rsqrt(variance + 1e-3) + parameters[1]
        return leaky_relu(y, 0.2), (0.99 * running[0] + 0.01 * mean, 0.99 * running[1] + 0.01 * variance)

    def generator(g, running, z):
        x, first = norm(z @ g["dense"], g["norms"][0], running[0])
        x = x.reshape(-1, small, small, 256)
        up = partial(lax.conv_transpose, padding="SAME", dimension_numbers=LAYOUT)
        x, second = norm(up(x, g["ups"][0], (1, 1)), g["norms"][1], running[1])
        x, third = norm(up(x, g["ups"][1], (2, 2)), g["norms"][2], running[2])
        return jnp.tanh(up(x, g["ups"][2], (2, 2))), [first, second, third]

    def discriminator(d, x, key):
        for (w, b), k in zip(d["convs"], jax.random.split(key), strict=True):
            x = leaky_relu(lax.conv_general_dilated(x, w, (2, 2), "SAME", dimension_numbers=LAYOUT) + b, 0.2)
            x = jnp.where(jax.random.bernoulli(k, 0.7, x.shape), x / 0.7, 0)
        return x.reshape(len(x), -1) @ d["dense"][0] + d["dense"][1]

    return _gan(generator, discriminator, g, d, running, jnp.asarray(images(batch, side)), latent=100, rate=1e-4)


def _of_points(batch, penalty=False) -> Made:
    def network(layers, x):
        for w, b in layers[:-1]:
            x = leaky_relu(x @ w + b, 0.2)
        return x @ layers[-1][0] + layers[-1][1]

    g, d = _dense(jax.random.key(0), 2, 128, 128, 2), _dense(jax.random.key(1), 2, 128, 128, 1)
    x_real = jnp.asarray(points(batch))
    return _gan(
        lambda g, running, z: (network(g, z), running),
        lambda d, x, key: network(d, x),
        *(g, d, (), x_real),
        **{"latent": 2, "rate": 1e-3, "penalty": penalty},
    )


def ring(batch: int = 256) -> Made:
    return _of_points(batch)


def wgan_gp(batch: int = 256) -> Made:
    return _of_points(batch, penalty=True)


# VAEs -----------------------------------------------------------------------------------------------------------------


def _code(encoder, x):
    (w1, b1), (w2, b2) = encoder
    return jnp.split(jnp.tanh(x @ w1 + b1) @ w2 + b2, 2, axis=1)


def _logits(decoder, z):
    (w1, b1), (w2, b2) = decoder
    return jnp.tanh(z @ w1 + b1) @ w2 + b2


def vae(batch: int = 128) -> Made:
    def loss(model, x, key):
        mu, logvar = _code(model["encoder"], x)
        z = mu + jnp.exp(0.5 * logvar) * jax.random.normal(key, mu.shape)
        a = _logits(model["decoder"], z)
        return ((softplus(a) - x * a).sum() + 0.5 * (mu * mu + jnp.exp(logvar) - 1 - logvar).sum()) / batch

    return _vae(loss, batch)


def iwae(batch: int = 20, k: int = 50) -> Made:
    def loss(model, x, key):
        mu, logvar = (h[:, None] for h in _code(model["encoder"], x))
        noise = jax.random.normal(key, (batch, k, 20))
        z = mu + jnp.exp(0.5 * logvar) * noise
        a = _logits(model["decoder"], z)
        log_px = (x[:, None] * a - softplus(a)).sum(2)
        log_w = log_px + 0.5 * (logvar + noise * noise - z * z).sum(2)
        return (math.log(k) - jax.nn.logsumexp(log_w, axis=1)).mean()

    return _vae(loss, batch)


def _vae(loss, batch) -> Made:
    model = {
        "encoder": _dense(jax.random.key(0), 784, 500, 40),
        "decoder": _dense(jax.random.key(1), 20, 500, 784),
    }
    x = jnp.asarray(digits(batch))

    def step(state):
        model, adam, key = state
        key, own = jax.random.split(key)
        model, adam = _update(model, adam, jax.grad(loss)(model, x, own), 1e-3)
        return model, adam, key

    return _running((model, _adam(model), jax.random.key(2)), step)

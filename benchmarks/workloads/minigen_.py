"""The workloads as a user of minigen writes them."""

import numpy as np

import minigen
from benchmarks.workloads import CHAIN, Made, digits, images, numbers, points
from minigen import losses, nn, optim
from minigen.losses import vae as bounds
from minigen.models import dcgan as article
from minigen.models import mlp
from minigen.models.vae import DenseVae


def dcgan(batch: int = 256, side: int = 28, draws: str = "host") -> Made:
    """The article's generator and discriminator; on sides that it does not have, the same layers at that size."""
    rng = minigen.random.generator(0)
    if side == 28:
        generator, discriminator = article.Generator(rng=rng), article.Discriminator(rng=rng, dropout=0.3)
    else:
        generator, discriminator = _generator(side // 4, rng), _discriminator(side // 4, rng)
    return _gan(generator, discriminator, images(batch, side), latent=100, rate=1e-4, draws=draws)


def _generator(small: int, rng: np.random.Generator) -> nn.Sequential:
    return nn.Sequential(
        nn.Dense(100, small * small * 256, bias=False, rng=rng),
        nn.BatchNorm(small * small * 256),
        nn.LeakyReLU(0.2),
        nn.Reshape(small, small, 256),
        nn.Conv2DTranspose(256, 128, 5, padding="same", bias=False, rng=rng),
        nn.BatchNorm(128),
        nn.LeakyReLU(0.2),
        nn.Conv2DTranspose(128, 64, 5, stride=2, padding="same", bias=False, rng=rng),
        nn.BatchNorm(64),
        nn.LeakyReLU(0.2),
        nn.Conv2DTranspose(64, 1, 5, stride=2, padding="same", bias=False, rng=rng),
        nn.Tanh(),
    )


def _discriminator(small: int, rng: np.random.Generator) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2D(1, 64, 5, stride=2, padding="same", rng=rng),
        nn.LeakyReLU(0.2),
        nn.Dropout(0.3, rng=rng),
        nn.Conv2D(64, 128, 5, stride=2, padding="same", rng=rng),
        nn.LeakyReLU(0.2),
        nn.Dropout(0.3, rng=rng),
        nn.Flatten(),
        nn.Dense(small * small * 128, 1, rng=rng),
    )


def ring(batch: int = 256, draws: str = "host") -> Made:
    rng = minigen.random.generator(0)
    generator, discriminator = mlp.Generator(rng=rng), mlp.Discriminator(rng=rng)
    return _gan(generator, discriminator, points(batch), latent=2, rate=1e-3, draws=draws)


def wgan_gp(batch: int = 256, draws: str = "host") -> Made:
    rng = minigen.random.generator(0)
    generator, discriminator = mlp.Generator(rng=rng), mlp.Discriminator(rng=rng)
    return _gan(generator, discriminator, points(batch), latent=2, rate=1e-3, draws=draws, penalty=True)


def _gan(
    generator: nn.Module,
    discriminator: nn.Module,
    real: np.ndarray,
    *,
    latent: int,
    rate: float,
    draws: str,
    penalty: bool = False,
) -> Made:
    rng = minigen.random.generator(1, draws=draws)
    x_real = minigen.tensor(real)
    optimiser_d = optim.Adam(discriminator.parameters(), rate)
    optimiser_g = optim.Adam(generator.parameters(), rate)
    objective = losses.gan.wasserstein if penalty else losses.gan.nonsaturating

    def step():
        x_fake = generator(minigen.random.normal(len(x_real), latent, rng=rng))

        loss_d = objective.discriminator(discriminator(x_real), discriminator(x_fake.detach()))
        if penalty:
            loss_d = loss_d + losses.gradient_penalty(discriminator, x_real, x_fake.detach(), rng=rng)
        optimiser_d.update(minigen.grad(loss_d, discriminator.parameters()))

        loss_g = objective.generator(discriminator(x_fake))
        optimiser_g.update(minigen.grad(loss_g, generator.parameters()))
        return loss_d, loss_g

    return Made(step, lambda: [p.data for p in (*generator.parameters(), *discriminator.parameters())])


def vae(batch: int = 128, draws: str = "host") -> Made:
    rng = minigen.random.generator(0, draws=draws)
    model = DenseVae(hidden=(500,), latent=20, rng=rng)
    optimiser = optim.Adam(model.parameters(), 1e-3)
    x = minigen.tensor(digits(batch))

    def step():
        mu, logvar = model.encode(x)
        z = bounds.reparameterise(mu, logvar, rng=rng)
        loss = bounds.negative_elbo(bounds.bernoulli_nll(model.decode(z), x), bounds.gaussian_kl(mu, logvar))
        optimiser.update(minigen.grad(loss, model.parameters()))
        return loss

    return Made(step, lambda: [p.data for p in model.parameters()])


def iwae(batch: int = 20, k: int = 50, draws: str = "host") -> Made:
    rng = minigen.random.generator(0, draws=draws)
    model = DenseVae(hidden=(500,), latent=20, rng=rng)
    optimiser = optim.Adam(model.parameters(), 1e-3)
    x = minigen.tensor(digits(batch))

    def step():
        loss = -bounds.iwae_bound(model.log_weights(x, k, rng=rng))
        optimiser.update(minigen.grad(loss, model.parameters()))
        return loss

    return Made(step, lambda: [p.data for p in model.parameters()])


def op() -> Made:
    x = minigen.tensor(numbers(), requires_grad=True)
    dy = minigen.ones(16)
    return Made(lambda: minigen.grad(minigen.tanh(x), [x], dy))


def op_chain() -> Made:
    x = minigen.tensor(numbers(), requires_grad=True)
    dy = minigen.ones(16)

    def step():
        y = x
        for _ in range(CHAIN // 2):
            y = minigen.tanh(y) * x
        return minigen.grad(y, [x], dy)

    return Made(step)

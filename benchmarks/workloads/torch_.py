"""The workloads as a user of PyTorch writes them: eager, channels first, the optimiser's defaults unless told.

`backward(inputs=…)` fills the gradients of one network only, as minigen's `grad` does.  On a CPU Adam's default is a
loop over the parameters; `fused=True` is its one kernel.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.workloads import CHAIN, Made, digits, images, numbers, points


def use_threads(n: int) -> None:
    torch.set_num_threads(n)


def _update(optimiser: torch.optim.Optimizer, network: nn.Module, loss: torch.Tensor) -> None:
    optimiser.zero_grad()
    loss.backward(inputs=list(network.parameters()))
    optimiser.step()


def _arrays(*networks: nn.Module) -> list:
    return [p.detach().numpy() for network in networks for p in network.parameters()]


def dcgan_networks(side: int) -> tuple[nn.Module, nn.Module]:
    """(generator, discriminator) of the article, with Keras's ε and momentum, which are the article's."""
    small = side // 4
    keras = {"eps": 1e-3, "momentum": 0.01}
    generator = nn.Sequential(
        nn.Linear(100, small * small * 256, bias=False),
        nn.BatchNorm1d(small * small * 256, **keras),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Unflatten(1, (256, small, small)),
        nn.ConvTranspose2d(256, 128, 5, padding=2, bias=False),
        nn.BatchNorm2d(128, **keras),
        nn.LeakyReLU(0.2, inplace=True),
        nn.ConvTranspose2d(128, 64, 5, stride=2, padding=2, output_padding=1, bias=False),
        nn.BatchNorm2d(64, **keras),
        nn.LeakyReLU(0.2, inplace=True),
        nn.ConvTranspose2d(64, 1, 5, stride=2, padding=2, output_padding=1, bias=False),
        nn.Tanh(),
    )
    discriminator = nn.Sequential(
        nn.Conv2d(1, 64, 5, stride=2, padding=2),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Dropout(0.3),
        nn.Conv2d(64, 128, 5, stride=2, padding=2),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Dropout(0.3),
        nn.Flatten(),
        nn.Linear(small * small * 128, 1),
    )
    return generator, discriminator


def dcgan(batch: int = 256, side: int = 28, channels_last: bool = False, fused: bool = False) -> Made:
    """As PyTorch's own DCGAN examples: ReLUs in place; Keras's ε and momentum, which are the article's."""
    torch.manual_seed(0)
    generator, discriminator = dcgan_networks(side)
    x_real = torch.from_numpy(images(batch, side).transpose(0, 3, 1, 2).copy())
    if channels_last:
        generator, discriminator = (n.to(memory_format=torch.channels_last) for n in (generator, discriminator))
        x_real = x_real.contiguous(memory_format=torch.channels_last)
    return _gan(generator, discriminator, x_real, latent=100, rate=1e-4, fused=fused)


def _points_networks() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    generator, discriminator = (
        nn.Sequential(
            nn.Linear(2, 128), nn.LeakyReLU(0.2), nn.Linear(128, 128), nn.LeakyReLU(0.2), nn.Linear(128, outputs)
        )
        for outputs in (2, 1)
    )
    return generator, discriminator


def ring(batch: int = 256, fused: bool = False) -> Made:
    return _gan(*_points_networks(), torch.from_numpy(points(batch)), latent=2, rate=1e-3, fused=fused)


def _gan(
    generator: nn.Module, discriminator: nn.Module, x_real: torch.Tensor, *, latent: int, rate: float, fused: bool
) -> Made:
    optimiser_d = torch.optim.Adam(discriminator.parameters(), rate, fused=fused or None)
    optimiser_g = torch.optim.Adam(generator.parameters(), rate, fused=fused or None)

    def step():
        x_fake = generator(torch.randn(len(x_real), latent))

        loss_d = F.softplus(-discriminator(x_real)).mean() + F.softplus(discriminator(x_fake.detach())).mean()
        _update(optimiser_d, discriminator, loss_d)

        loss_g = F.softplus(-discriminator(x_fake)).mean()
        _update(optimiser_g, generator, loss_g)
        return loss_d, loss_g

    return Made(step, lambda: _arrays(generator, discriminator))


def wgan_gp(batch: int = 256, fused: bool = False) -> Made:
    generator, critic = _points_networks()
    x_real = torch.from_numpy(points(batch))
    optimiser_d = torch.optim.Adam(critic.parameters(), 1e-3, fused=fused or None)
    optimiser_g = torch.optim.Adam(generator.parameters(), 1e-3, fused=fused or None)

    def step():
        x_fake = generator(torch.randn(batch, 2))

        alpha = torch.rand(batch, 1)
        mixed = (alpha * x_real + (1 - alpha) * x_fake.detach()).requires_grad_()
        (slope,) = torch.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)
        penalty = 10 * ((slope.norm(dim=1) - 1) ** 2).mean()
        loss_d = critic(x_fake.detach()).mean() - critic(x_real).mean() + penalty
        _update(optimiser_d, critic, loss_d)

        loss_g = -critic(x_fake).mean()
        _update(optimiser_g, generator, loss_g)
        return loss_d, loss_g

    return Made(step, lambda: _arrays(generator, critic))


def _vae_networks() -> nn.ModuleDict:
    torch.manual_seed(0)
    return nn.ModuleDict(
        {
            "encoder": nn.Sequential(nn.Linear(784, 500), nn.Tanh(), nn.Linear(500, 40)),
            "decoder": nn.Sequential(nn.Linear(20, 500), nn.Tanh(), nn.Linear(500, 784)),
        }
    )


def vae(batch: int = 128, fused: bool = False) -> Made:
    model = _vae_networks()
    optimiser = torch.optim.Adam(model.parameters(), 1e-3, fused=fused or None)
    x = torch.from_numpy(digits(batch))

    def step():
        mu, logvar = model["encoder"](x).chunk(2, dim=1)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        nll = F.binary_cross_entropy_with_logits(model["decoder"](z), x, reduction="sum") / batch
        kl = 0.5 * (mu * mu + logvar.exp() - 1 - logvar).sum() / batch
        _update(optimiser, model, nll + kl)
        return nll, kl

    return Made(step, lambda: _arrays(model))


def iwae(batch: int = 20, k: int = 50, fused: bool = False) -> Made:
    model = _vae_networks()
    optimiser = torch.optim.Adam(model.parameters(), 1e-3, fused=fused or None)
    x = torch.from_numpy(digits(batch))

    def step():
        mu, logvar = (h.unsqueeze(1) for h in model["encoder"](x).chunk(2, dim=1))  # (N, 1, Z)
        noise = torch.randn(batch, k, 20)
        z = mu + torch.exp(0.5 * logvar) * noise
        logits = model["decoder"](z)
        log_px = -F.binary_cross_entropy_with_logits(logits, x.unsqueeze(1).expand_as(logits), reduction="none").sum(2)
        log_w = log_px + 0.5 * (logvar + noise * noise - z * z).sum(2)  # the two log 2π cancel
        loss = (math.log(k) - torch.logsumexp(log_w, dim=1)).mean()
        _update(optimiser, model, loss)
        return loss

    return Made(step, lambda: _arrays(model))


def op() -> Made:
    x = torch.from_numpy(numbers()).requires_grad_()
    dy = torch.ones(16)
    return Made(lambda: torch.autograd.grad(torch.tanh(x), x, dy))


def op_chain() -> Made:
    x = torch.from_numpy(numbers()).requires_grad_()
    dy = torch.ones(16)

    def step():
        y = x
        for _ in range(CHAIN // 2):
            y = torch.tanh(y) * x
        return torch.autograd.grad(y, x, dy)

    return Made(step)

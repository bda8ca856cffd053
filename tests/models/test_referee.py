"""The article's networks beside PyTorch's operations: a whole step's losses and gradients, in float64."""

import numpy as np
import pytest

import minigen
from minigen import losses
from minigen.models import dcgan
from minigen.nn import BatchNorm, Conv2D, Conv2DTranspose, Dense, LeakyReLU, Reshape, Tanh

torch = pytest.importorskip("torch", reason="PyTorch, the referee, is not installed")
F = torch.nn.functional


def judged(network, weights, x):
    """What PyTorch makes of x with the same weights; channels last outside, first inside.  Dropout is left out."""
    weights = iter(weights)
    for layer in network:
        if isinstance(layer, Dense):
            x = x.reshape(len(x), -1) @ next(weights)
            x = x + next(weights) if layer.bias is not None else x
        elif isinstance(layer, BatchNorm):
            gamma, beta = next(weights), next(weights)
            turned = x.movedim(-1, 1)
            x = F.batch_norm(turned, None, None, gamma, beta, training=True, eps=1e-3).movedim(1, -1)
        elif isinstance(layer, Conv2D):  # "same" at stride 2 with 5 taps: one zero before, two after
            image = F.pad(x.permute(0, 3, 1, 2), (1, 2, 1, 2))
            x = F.conv2d(image, next(weights).permute(3, 2, 0, 1), next(weights), stride=2).permute(0, 2, 3, 1)
        elif isinstance(layer, Conv2DTranspose):
            size, before = x.shape[1] * layer.stride, 2 if layer.stride == 1 else 1
            wide = F.conv_transpose2d(x.permute(0, 3, 1, 2), next(weights).permute(3, 2, 0, 1), stride=layer.stride)
            x = wide[:, :, before : before + size, before : before + size].permute(0, 2, 3, 1)
        elif isinstance(layer, Reshape):
            x = x.reshape(len(x), *layer.shape)
        elif isinstance(layer, LeakyReLU):
            x = F.leaky_relu(x, 0.2)
        elif isinstance(layer, Tanh):
            x = torch.tanh(x)
    return x


@pytest.mark.parametrize("side", [28, 64])
def test_a_whole_step_agrees_with_pytorch(side):
    rng = minigen.random.generator(0)
    generator = dcgan.Generator(side=side, width=1 / 16, rng=rng).astype(np.float64)
    discriminator = dcgan.Discriminator(side=side, width=1 / 16, dropout=0.0, rng=rng).astype(np.float64)
    z, real = rng.normal(size=(3, 100)), rng.uniform(-1, 1, (3, side, side, 1))
    of_g, of_d = generator.parameters(), discriminator.parameters()

    fake = generator(z)
    loss_d = losses.gan.nonsaturating.discriminator(discriminator(real), discriminator(fake.detach()))
    loss_g = losses.gan.nonsaturating.generator(discriminator(fake))
    ours = [*minigen.grad(loss_d, of_d), *minigen.grad(loss_g, of_g)]

    w_g, w_d = ([torch.tensor(p.numpy(), requires_grad=True) for p in ps] for ps in (of_g, of_d))
    fake = judged(generator, w_g, torch.tensor(z))
    a_real, a_fake = judged(discriminator, w_d, torch.tensor(real)), judged(discriminator, w_d, fake.detach())
    bce = F.binary_cross_entropy_with_logits
    their_d = bce(a_real, torch.ones_like(a_real)) + bce(a_fake, torch.zeros_like(a_fake))
    a_fake = judged(discriminator, w_d, fake)
    their_g = bce(a_fake, torch.ones_like(a_fake))
    theirs = [*torch.autograd.grad(their_d, w_d), *torch.autograd.grad(their_g, w_g)]

    assert loss_d.item() == pytest.approx(their_d.item(), rel=1e-12)
    assert loss_g.item() == pytest.approx(their_g.item(), rel=1e-12)
    for p, g, t in zip([*of_d, *of_g], ours, theirs, strict=True):
        scale = abs(t.numpy()).max()
        np.testing.assert_allclose(g.numpy(), t.numpy(), rtol=1e-9, atol=1e-11 * scale, err_msg=p.name)

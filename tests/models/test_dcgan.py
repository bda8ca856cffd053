"""The article's networks: their exact counts, their variants, and a training step."""

import numpy as np
import pytest

import minigen
from minigen import GraphError, SettingError, losses, optim
from minigen.models import dcgan, mlp


def rng(seed=0):
    return minigen.random.generator(seed)


def pair(width=1 / 8, **settings):
    return dcgan.Generator(width=width, rng=rng(), **settings), dcgan.Discriminator(width=width, rng=rng(1), **settings)


def test_at_width_1_they_are_the_articles():
    generator, discriminator = pair(width=1.0)
    of_g, of_d = generator.summary((100,)), discriminator.summary((28, 28, 1))
    assert (of_g.trainable, of_g.other) == (2_305_472, 25_472)
    assert (of_d.trainable, of_d.other) == (212_865, 0)
    counts = [row.trainable for row in of_g.rows if row.trainable]
    assert counts == [1_254_400, 25_088, 819_200, 256, 204_800, 128, 1_600]
    assert [row.trainable for row in of_d.rows if row.trainable] == [1_664, 204_928, 6_273]
    shapes = [row.output_shape for row in of_g.rows if row.layer.startswith("Conv")]
    assert shapes == [(7, 7, 128), (14, 14, 64), (28, 28, 1)]
    norms = [layer for layer in generator if type(layer).__name__ == "BatchNorm"]
    assert {(n.momentum, n.eps) for n in norms} == {(0.99, 1e-3)} and len(norms) == 3
    assert {layer.slope for net in (generator, discriminator) for layer in net if hasattr(layer, "slope")} == {0.2}


@pytest.mark.parametrize("side", [28, 32, 64])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("width", [1 / 8, 0.001])
def test_every_side_width_and_colour_fits(side, channels, width):
    generator, discriminator = pair(side=side, channels=channels, width=width)
    images = generator(minigen.random.normal(2, 100, rng=rng()))
    assert images.shape == (2, side, side, channels) and images.dtype == np.float32
    assert abs(images.numpy()).max() <= 1
    assert discriminator(images).shape == (2, 1)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"side": 30}, "side=30 must be one of 28, 32, 64"),
        ({"channels": 0}, "channels=0 must be at least 1"),
        ({"width": 0}, "width=0 above 0"),
        ({"width": float("inf")}, "width=inf above 0"),
    ],
)
def test_what_they_cannot_be_is_refused(settings, message):
    for network in (dcgan.Generator, dcgan.Discriminator):
        with pytest.raises(SettingError, match=message):
            network(rng=rng(), **settings)
    with pytest.raises(SettingError, match="latent=0"):
        dcgan.Generator(latent=0, rng=rng())


def test_the_same_seed_gives_the_same_networks():
    for one, other in zip(pair(), pair(), strict=True):
        assert all((a == b).all() for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


def test_dropout_draws_from_the_noise_it_is_given():
    noise = rng(5)
    discriminator = dcgan.Discriminator(width=1 / 8, rng=rng(), noise=noise)
    before = noise.bit_generator.state
    discriminator(minigen.ones(1, 28, 28, 1))
    assert noise.bit_generator.state != before


class Step:
    """Goodfellow et al. 2014, algorithm 1, k = 1."""

    def __init__(self, generator, discriminator, latent, loss="nonsaturating"):
        self.generator, self.discriminator, self.rng, self.latent = generator, discriminator, rng(9), latent
        generator.named_parameters("generator")
        discriminator.named_parameters("discriminator")
        self.of_g = optim.Adam(generator.parameters(), 2e-4, betas=(0.5, 0.999))
        self.of_d = optim.Adam(discriminator.parameters(), 2e-4, betas=(0.5, 0.999))
        self.objective = losses.gan.objective(loss)

    def __call__(self, real):
        fake = self.generator(minigen.random.normal(len(real), self.latent, rng=self.rng))
        loss_d = self.objective.discriminator(self.discriminator(real), self.discriminator(fake.detach()))
        grads_d = minigen.grad(loss_d, self.discriminator.parameters())
        self.of_d.update(grads_d)
        loss_g = self.objective.generator(self.discriminator(fake))
        grads_g = minigen.grad(loss_g, self.generator.parameters())
        self.of_g.update(grads_g)
        return loss_d, loss_g, grads_d, grads_g


def images(n, seed=3):
    return minigen.random.uniform(n, 28, 28, 1, rng=rng(seed), low=-1.0)


def test_one_step_leaves_everything_float32_and_moves_everything():
    generator, discriminator = pair()
    before = {**generator.state_dict(), **{f"d.{n}": a for n, a in discriminator.state_dict().items()}}
    step = Step(generator, discriminator, 100)
    loss_d, loss_g, grads_d, grads_g = step(images(8))
    everything = [loss_d, loss_g, *grads_d, *grads_g]
    everything += [x for net in (generator, discriminator) for _, x in net.named_tensors()]
    everything += [a for o in (step.of_g, step.of_d) for name, a in o.state_dict().items() if name != "steps"]
    assert {x.dtype for x in everything} == {np.dtype(np.float32)}
    after = {**generator.state_dict(), **{f"d.{n}": a for n, a in discriminator.state_dict().items()}}
    assert [name for name in before if (before[name] == after[name]).all()] == []
    assert 0.5 < loss_d.item() < 3 and 0.2 < loss_g.item() < 2  # near 2 ln 2 and ln 2 at the start


def test_batches_of_1_and_7_and_a_short_last_one_work():
    discriminator = pair()[1]
    for n in (1, 7):
        assert discriminator(images(n)).shape == (n, 1)
    step = Step(*pair(), 100)
    for n in (8, 7, 2):
        assert all(np.isfinite(float(loss)) for loss in step(images(n))[:2])


def test_a_stale_discriminator_is_noticed():
    """The fault of a well-known updater: G's gradient through a D that has been updated since."""
    step = Step(*pair(), 100)
    fake = step.generator(minigen.random.normal(4, 100, rng=rng()))
    stale = step.objective.generator(step.discriminator(fake))
    loss_d = step.objective.discriminator(step.discriminator(images(4)), step.discriminator(fake.detach()))
    step.of_d.update(minigen.grad(loss_d, step.discriminator.parameters()))
    with pytest.raises(GraphError, match=r"discriminator\.\d.* changed after this loss was computed"):
        minigen.grad(stale, step.generator.parameters())


def test_the_discriminator_is_untouched_by_the_generators_half():
    generator, discriminator = pair()
    step = Step(generator, discriminator, 100)
    fake = generator(minigen.random.normal(4, 100, rng=rng()))
    before = discriminator.state_dict()
    step.of_g.update(minigen.grad(step.objective.generator(discriminator(fake)), generator.parameters()))
    assert all((a == before[name]).all() for name, a in discriminator.state_dict().items())


def test_saving_and_resuming_equals_an_uninterrupted_run():
    def build():
        return Step(*pair(), 100)

    def finish(step, batches):
        for seed in batches:
            step(images(4, seed))
        return [a for net in (step.generator, step.discriminator) for a in net.state_dict().values()]

    whole = finish(one := build(), range(4))
    first, second = build(), build()
    finish(first, range(2))
    for name in ("generator", "discriminator", "of_g", "of_d"):
        getattr(second, name).load_state_dict(getattr(first, name).state_dict())
    second.rng.bit_generator.state = first.rng.bit_generator.state
    draws = [layer.rng for layer in first.discriminator if hasattr(layer, "rng")]
    for layer in second.discriminator:
        if hasattr(layer, "rng"):
            layer.rng.bit_generator.state = draws[0].bit_generator.state
    assert one.of_g.steps == 4
    assert all((a == b).all() for a, b in zip(whole, finish(second, range(2, 4)), strict=True))


@pytest.mark.parametrize("loss", ["nonsaturating", "minimax", "least_squares", "hinge", "wasserstein"])
def test_points_in_the_plane_train_with_every_loss(loss):
    step = Step(mlp.Generator(rng=rng()), mlp.Discriminator(rng=rng(1)), 2, loss)
    points = minigen.random.normal(64, 2, rng=rng(2))
    for _ in range(5):
        losses_now = step(points)[:2]
    assert all(np.isfinite(float(loss)) for loss in losses_now)


def test_the_small_networks_have_the_sizes_they_promise():
    assert mlp.Generator(rng=rng()).summary((2,)).trainable == 2 * 128 + 128 + 128 * 128 + 128 + 128 * 2 + 2
    assert mlp.Discriminator(rng=rng()).summary((2,)).rows[-1].output_shape == (1,)
    for layer in (net := mlp.Generator(rng=rng()))[0], net[2], net[4]:
        weight = layer.weight.numpy()
        assert weight.std() == pytest.approx(np.sqrt(2 / len(weight)), rel=4 / np.sqrt(2 * weight.size))  # 4 s.e.

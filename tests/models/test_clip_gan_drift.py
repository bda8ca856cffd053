"""The generator of a picture that drifts past, and the discriminator that judges here and there."""

import numpy as np
import pytest

import minigen
from minigen import losses, optim
from minigen.check import grad_check
from minigen.errors import SettingError, ShapeError
from minigen.models.clip_gan import Discriminator3D
from minigen.models.clip_gan_drift import AroundEdges, GeneratorDrift, latent_of, ways

SMALL = {"width": 1 / 16, "per_place": 2}


def rng(seed=0):
    return minigen.random.generator(seed)


def small(**settings):
    return GeneratorDrift(**{**SMALL, **settings}, rng=rng())


def latents(generator, n, seed=1):
    return minigen.random.normal(n, generator.latent, rng=rng(seed))


def straight(generator, z):
    """The same latents, of clips that go neither left nor right."""
    z = z.numpy().copy()
    z[:, generator.ways // 2] = 9
    return minigen.tensor(z)


# Shapes and counts ----------------------------------------------------------------------------------------------------


def test_it_has_as_many_weights_and_latents_as_it_says():
    generator = GeneratorDrift(rng=rng())
    kernels = 9 * 9 * 64 + 16 * (64 * 32 + 32 * 16 + 16 * 1)
    assert sum(p.size for p in generator.parameters()) == kernels + 224 + 1 == 46_625
    assert generator.places == (10, 4) and generator.latent == latent_of(5, 16, 32, 8) == 5 + 40 * 8
    assert GeneratorDrift(told=3, rng=rng()).latent == 328


@pytest.mark.parametrize(
    "frames, side, channels, drift, sideways, asked",
    [(16, 32, 1, 5, 2, 5), (16, 64, 3, -5, 4, 3), (8, 32, 1, 4, 4, 3), (24, 32, 1, 3, 4, 1), (32, 32, 1, 2, 1, 5)],
)
def test_every_length_side_colour_and_drift_fits(frames, side, channels, drift, sideways, asked):
    generator = small(frames=frames, side=side, channels=channels, drift=drift)
    assert (generator.sideways, generator.ways) == (sideways, asked) and ways(drift, frames, side) == asked
    made = generator(latents(generator, 2))
    assert made.shape == (2, frames, side, side, channels) and made.dtype == np.float32
    assert abs(made.numpy()).max() <= 1
    logits = Discriminator3D(width=1 / 16, local=True, frames=frames, side=side, channels=channels, rng=rng())(made)
    assert logits.shape == (2, frames * side * side // 512) and logits.dtype == np.float32


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"side": 28}, "side=28 must be one of 32, 64"),
        ({"frames": 12}, "frames=12 must be a multiple of 8, such as 16"),
        ({"per_place": 0}, "per_place=0 must be at least 1"),
        ({"told": -1}, "told=-1 at least 0"),
        ({"drift": 0}, "drift=0 moves 16 frames by 0 rows, fewer than a frame has; take 2 or more"),
        ({"drift": -3, "frames": 8}, "drift=-3 moves 8 frames by 24 rows, fewer than a frame has; take 4 or more"),
    ],
)
def test_what_it_cannot_be_is_refused(settings, message):
    with pytest.raises(SettingError, match=message):
        small(**settings)


def test_latents_of_another_length_are_refused():
    with pytest.raises(ShapeError, match=r"GeneratorDrift\(85, drift=5\): z has shape \(2, 84\); it must be \(N, 85\)"):
        small()(minigen.zeros(2, 84))


# What drifts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("drift", [5, -4])
def test_each_frame_is_the_picture_moved_on(drift):
    generator = small(drift=drift).eval()
    z = latents(generator, 30)
    clips, way = generator(z).numpy(), generator.way(z)
    picture = generator.picture(generator.maps(z, way)).numpy()
    assert picture.shape[1] == 16 * abs(drift) and set(way) == {-2, -1, 0, 1, 2}
    for n, t in ((0, 0), (1, 1), (2, 7), (3, 15)):
        moved = np.roll(picture[n], (t * drift, t * 2 * way[n]), axis=(0, 1))
        assert (clips[n, t] == moved[:32]).all()
    assert abs(clips[:, 1] - clips[:, 0]).max() > 1e-3


def test_after_the_last_frame_comes_the_first_to_the_last_bit():
    generator = small().eval()
    z = latents(generator, 8)
    generator.frames = 32  # twice round the same picture
    twice = generator(z).numpy()
    assert (twice[:, 16:] == twice[:, :16]).all()


@pytest.mark.parametrize("training", [True, False])
def test_to_move_the_noise_on_by_a_place_is_to_move_the_picture_by_eight(training):
    """Of a picture that falls 4 rows a frame that is to move the clip on by two frames."""
    generator = small(drift=4).train(training)
    z = straight(generator, latents(generator, 3))
    noise = z.numpy()[:, generator.ways :].reshape(3, *generator.places, 2)
    moved = [np.roll(noise, 1, axis=axis).reshape(3, -1) for axis in (1, 2)]
    down, right = (
        generator(minigen.tensor(np.concatenate([z.numpy()[:, : generator.ways], m], axis=1))).numpy() for m in moved
    )
    clips = generator(z).numpy()
    # Not bit for bit: products of the same numbers in other rows of a matrix may add up in another order.
    np.testing.assert_allclose(down, np.roll(clips, -2, axis=1), atol=1e-5)
    np.testing.assert_allclose(right, np.roll(clips, 8, axis=3), atol=1e-5)


def test_beyond_an_edge_lies_the_opposite_one():
    x = np.arange(12.0).reshape(1, 3, 4, 1)
    assert (AroundEdges()(minigen.tensor(x)).numpy() == np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), "wrap")).all()


@pytest.mark.parametrize("prior", [minigen.random.normal, minigen.random.uniform])
def test_no_way_is_likelier_than_another(prior):
    generator = small()
    way = generator.way(prior(5_000, generator.latent, rng=rng(1)))
    share = np.bincount(way + 2, minlength=5) / 5_000
    assert abs(share - 0.2).max() < 0.025  # four deviations


def test_the_network_is_told_the_way_and_what_a_condition_says():
    generator = small(told=2).eval()
    z = latents(generator, 1)
    maps = generator.maps(z, generator.way(z)).numpy()
    assert maps.shape == (1, 10, 4, 2 + 1 + 2)
    assert (maps[..., 2] == generator.way(z)[0] / 2).all() and (maps[..., 3:] == z.numpy()[0, -2:]).all()
    assert (maps[0, ..., :2].ravel() == z.numpy()[0, 5:-2]).all()
    told = z.numpy().copy()
    told[:, -1] += 1
    apart = abs(generator(minigen.tensor(told)).numpy() - generator(z).numpy())
    assert apart.max(axis=(0, 1, 4)).min() > 0  # everywhere


def test_in_use_no_clip_depends_on_another():
    generator = small()
    for seed in range(3):
        generator(latents(generator, 8, seed))  # running statistics that are not those of the start
    z = latents(generator, 6)
    assert abs(generator(z).numpy()[:2] - generator(z[:2]).numpy()).max() > 1e-3
    generator.eval()
    np.testing.assert_allclose(generator(z).numpy()[:2], generator(z[:2]).numpy(), atol=1e-5)


def test_the_same_seed_gives_the_same_network():
    one, other = (small().state_dict() for _ in range(2))
    assert all((one[name] == other[name]).all() for name in one)


# What is judged -------------------------------------------------------------------------------------------------------


def test_each_logit_is_of_the_22_frames_rows_and_columns_around_its_place():
    discriminator = Discriminator3D(width=1 / 4, local=True, rng=rng())
    x = minigen.random.uniform(1, 16, 32, 32, 1, rng=rng(3), low=-1.0).numpy()
    before = discriminator(minigen.tensor(x)).numpy().reshape(2, 4, 4)
    x[0, 0, 0, 0] += 1  # place p sees from 8p − 7 to 8p + 14
    changed = discriminator(minigen.tensor(x)).numpy().reshape(2, 4, 4) != before
    assert changed[0, 0, 0] and changed.sum() == 1
    assert Discriminator3D(width=1 / 4, rng=rng())(minigen.tensor(x)).shape == (1, 1)


def test_its_count_with_a_logit_a_place():
    kernels = 64 * (16 + 512 + 2048)
    discriminator = Discriminator3D(local=True, rng=rng())
    assert sum(p.size for p in discriminator.parameters()) == kernels + 112 + 64 + 1


# Gradients ------------------------------------------------------------------------------------------------------------


def test_the_generator_agrees_with_finite_differences():
    generator = small(width=1 / 64, frames=8, drift=4).astype(np.float64)
    z = rng(1).normal(size=(3, generator.latent))
    towards = minigen.tensor(rng(2).normal(size=(3, 8, 32, 32, 1)))
    # The numbers that decide the way have no slope but at ties, and are left out.
    first, rest = minigen.tensor(z[:, : generator.ways]), z[:, generator.ways :]
    grad_check(
        lambda rest: (generator(minigen.concatenate(first, rest, axis=1)) * towards).sum(),
        {"rest": rest},
        params=generator,
        rng=rng(3),
        full=0,
        samples=2,
        quiet=True,
    )


def test_the_penalty_of_many_logits_agrees_with_finite_differences():
    discriminator = Discriminator3D(width=1 / 16, frames=8, loops=True, local=True, rng=rng()).astype(np.float64)
    real = minigen.tensor(rng(1).uniform(-1, 1, (2, 8, 32, 32, 1)))
    grad_check(
        lambda: losses.r1(discriminator, real, weight=0.1) + discriminator(real).mean(),
        {},
        params=discriminator,
        rng=rng(3),
        full=0,
        samples=2,
        quiet=True,
    )


def test_a_step_moves_everything_and_leaves_it_float32(xp):
    generator = small(told=1)
    discriminator = Discriminator3D(width=1 / 16, loops=True, local=True, rng=rng(1))
    for network in (generator, discriminator):
        network.named_parameters()
    of_g, of_d = (optim.Adam(network.parameters(), 1e-3) for network in (generator, discriminator))
    real, fake = minigen.random.uniform(4, 16, 32, 32, 1, rng=rng(3), low=-1.0), generator(latents(generator, 4))
    loss_d = losses.gan.objective("nonsaturating").discriminator(discriminator(real), discriminator(fake.detach()))
    loss_d = loss_d + losses.r1(discriminator, real, weight=0.1)
    grads_d = minigen.grad(loss_d, discriminator.parameters())
    of_d.update(grads_d)
    grads_g = minigen.grad(-discriminator(fake).mean(), generator.parameters())
    of_g.update(grads_g)
    everything = [loss_d, *grads_d, *grads_g, *(x for n in (generator, discriminator) for _, x in n.named_tensors())]
    assert {x.dtype for x in everything} == {np.dtype(np.float32)}
    still = [g.shape for g in (*grads_g, *grads_d) if not abs(minigen.backend.to_host(g.data)).max() > 0]
    assert still == []

"""The networks of clips: their counts, loops that close by construction, and gradients of both orders."""

import numpy as np
import pytest

import minigen
from minigen import losses, optim
from minigen.check import grad_check
from minigen.errors import SettingError, ShapeError
from minigen.models.clip_gan import Discriminator3D, Generator3D, GeneratorFactorised
from minigen.models.clip_gan_layers import AroundTime, CircularConv3DTranspose, HeldEnds, clip_conv, clip_conv_transpose
from minigen.nn import Sequential

GENERATORS = {"3d": Generator3D, "factorised": GeneratorFactorised}
both = pytest.mark.parametrize("kind", GENERATORS)
looping = pytest.mark.parametrize("loops", [True, False])
SMALL = {"width": 1 / 16, "latent": 16}


def rng(seed=0):
    return minigen.random.generator(seed)


def small(kind, **settings):
    own = {"motion": 4} if kind == "factorised" else {}
    return GENERATORS[kind](**{**SMALL, **own, **settings}, rng=rng())


def latents(n, latent=16, seed=1):
    return minigen.random.normal(n, latent, rng=rng(seed))


def clips(n, seed=3, frames=16):
    return minigen.random.uniform(n, frames, 32, 32, 1, rng=rng(seed), low=-1.0)


def steps(x):
    """‖x_{t+1} − x_t‖ of each clip (N, T, …), the last being that from the last frame to the first: (N, T)."""
    x = np.asarray(x, np.float64)
    return np.linalg.norm((np.roll(x, -1, axis=1) - x).reshape(*x.shape[:2], -1), axis=2)


# Shapes and counts ----------------------------------------------------------------------------------------------------


@looping
def test_they_have_as_many_weights_as_they_say(loops):
    def kernels(network):
        return sum(p.size for name, p in network.named_parameters() if name.endswith("weight"))

    three = Generator3D(loops=loops, rng=rng())
    assert kernels(three) == 100 * 2 * 4 * 4 * 64 + 64 * (64 * 32 + 32 * 16 + 16 * 1) == 369_664
    assert sum(p.size for p in three.parameters()) == 369_664 + 1 + 224
    frame = GeneratorFactorised(latent=80 if loops else 70, loops=loops, rng=rng())
    assert frame.content + frame.motion == 60
    assert kernels(frame) == 60 * 4 * 4 * 64 + 16 * (64 * 32 + 32 * 16 + 16 * 1) == 102_656
    assert sum(p.size for p in frame.parameters()) == 102_656 + 1 + 224
    discriminator = Discriminator3D(loops=loops, rng=rng())
    assert sum(p.size for p in discriminator.parameters()) == 64 * (16 + 512 + 2048) + 112 + 2049 == 167_025


@pytest.mark.parametrize("width, millions", [(2, 1.07), (4, 3.45)])
def test_wider_ones_have_the_counts_of_the_plan(width, millions):
    wide = Generator3D(width=width, channels=3 if width == 4 else 1, rng=rng())
    assert sum(p.size for p in wide.parameters()) / 1e6 == pytest.approx(millions, abs=0.01)


@both
@looping
@pytest.mark.parametrize("frames, side, channels", [(16, 32, 1), (8, 64, 3), (24, 32, 1)])
def test_every_length_side_and_colour_fits(kind, loops, frames, side, channels):
    shape = {"frames": frames, "side": side, "channels": channels, "loops": loops}
    made = small(kind, **shape)(latents(2))
    assert made.shape == (2, frames, side, side, channels) and made.dtype == np.float32
    assert abs(made.numpy()).max() <= 1
    logits = Discriminator3D(width=1 / 16, rng=rng(), **shape)(made)
    assert logits.shape == (2, 1) and logits.dtype == np.float32


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"side": 28}, "side=28 must be one of 32, 64"),
        ({"channels": 0}, "channels=0 must be at least 1"),
        ({"width": 0}, "width=0 above 0"),
        ({"frames": 0}, "frames=0 must be"),
    ],
)
def test_what_they_cannot_be_is_refused(settings, message):
    for network in (Generator3D, GeneratorFactorised, Discriminator3D):
        with pytest.raises(SettingError, match=message):
            network(rng=rng(), **settings)
    for network in (Generator3D, Discriminator3D):
        with pytest.raises(SettingError, match="frames=12 must be a multiple of 8, such as 16"):
            network(frames=12, rng=rng())
    with pytest.raises(SettingError, match="latent=0"):
        Generator3D(latent=0, rng=rng())
    with pytest.raises(SettingError, match="leaves 0 numbers for the content beside motion=4"):
        GeneratorFactorised(latent=12, motion=4, loops=True, rng=rng())
    with pytest.raises(SettingError, match="motion must be at least 3"):
        GeneratorFactorised(latent=12, motion=2, rng=rng())


def test_a_clip_that_does_not_fit_is_refused():
    with pytest.raises(ShapeError, match=r"must be \(N, T, H, W, C\), T even"):
        AroundTime()(minigen.zeros(1, 3, 4, 4, 1))
    with pytest.raises(ShapeError, match=r"must be \(N, 16\)"):
        small("factorised")(latents(2, 15))


# Time that goes round -------------------------------------------------------------------------------------------------


def test_the_circular_convolutions_are_adjoint_and_know_no_seam(xp):
    down, up = Sequential(*clip_conv(2, 3, loops=True, rng=rng())), CircularConv3DTranspose(2, 3, rng=rng())
    for layer in (down, up):
        layer.astype(np.float64)
    up.bias.data[...] = 1  # counts once, also where two stamps meet at the seam
    x = minigen.tensor(xp.asarray(rng(1).normal(size=(2, 6, 4, 4, 2))))
    for by in (2, 4):  # two frames are one after the halving
        moved = minigen.roll(x, by, axis=1)
        assert_close(down(moved), minigen.roll(down(x), by // 2, axis=1))
        assert_close(up(moved), minigen.roll(up(x), 2 * by, axis=1))
    y = minigen.tensor(xp.asarray(rng(2).normal(size=(2, 3, 2, 2, 3))))
    back = CircularConv3DTranspose(3, 2, rng=rng()).astype(np.float64)
    back.conv.weight.data[...] = down[1].weight.data  # kernels (window, result, input) of the one are the other's
    assert (back(y) * x).sum().item() == pytest.approx((y * (down(x) - down[1].bias)).sum().item(), rel=1e-12)


def assert_close(a, b):
    """Float64, and sums of 128 products that stand in another order at the seam: 1e-13 would do."""
    np.testing.assert_allclose(minigen.backend.to_host(a.data), minigen.backend.to_host(b.data), rtol=0, atol=1e-12)


@pytest.mark.parametrize("training", [True, False])
def test_to_move_the_smallest_map_on_by_a_place_is_to_move_the_loop_on_by_eight_frames(training):
    generator = small("3d", loops=True, frames=24).train(training)
    small_map = generator[:2](latents(3))
    assert small_map.shape[1] == 3
    whole, moved = (generator[2:](m).numpy() for m in (small_map, minigen.roll(small_map, 1, axis=1)))
    # Not bit for bit: at the seam the taps of a frame are added in another order.
    np.testing.assert_allclose(moved, np.roll(whole, 8, axis=1), atol=1e-5)
    open_ended = small("3d", frames=24).train(training)
    whole, moved = (open_ended[2:](m).numpy() for m in (small_map, minigen.roll(small_map, 1, axis=1)))
    assert abs(moved - np.roll(whole, 8, axis=1)).max() > 1e-2  # zeros at the ends are seen


def test_the_ends_of_an_open_clip_are_held_so_that_they_are_no_paler():
    """Of a picture that stands still every frame gets the same, and with a stride of 2 every other one."""
    down = Sequential(*clip_conv(2, 3, loops=False, rng=rng()))(minigen.ones(1, 6, 4, 4, 2)).numpy()
    up = Sequential(*clip_conv_transpose(2, 3, loops=False, bias=True, rng=rng()))(minigen.ones(1, 3, 4, 4, 2)).numpy()
    assert (down.shape[1], up.shape[1]) == (3, 6)
    x = minigen.random.normal(1, 4, 4, 4, 2, rng=rng(1))
    held = HeldEnds()(x).numpy()
    assert (held[:, 1:-1] == x.numpy()).all() and (held[:, [0, -1]] == x.numpy()[:, [0, -1]]).all()
    one, other = (
        Sequential(*clip_conv_transpose(2, 3, loops=o, bias=True, rng=rng()))(x).numpy() for o in (False, True)
    )
    np.testing.assert_allclose(one[:, 1:-1], other[:, 1:-1], atol=1e-6)  # of one kernel; only the ends differ
    assert abs(one - other)[:, [0, -1]].max(axis=(2, 3, 4)).min() > 0.1
    for t in range(3):
        np.testing.assert_allclose(down[:, t], down[:, 0], atol=1e-6)
        np.testing.assert_allclose(up[:, 2 * t : 2 * t + 2], up[:, :2], atol=1e-6)


def test_the_discriminator_of_loops_sees_the_seam_as_any_other_step():
    x, moved = clips(2), minigen.roll(clips(2), 8, axis=1)
    for loops in (True, False):
        maps = Discriminator3D(width=1 / 16, loops=loops, rng=rng())[:-2]
        apart = abs(maps(moved).numpy() - np.roll(maps(x).numpy(), 1, axis=1)).max()
        assert (apart < 1e-5) == loops


@both
def test_the_seam_of_an_untrained_loop_is_like_its_other_steps(kind):
    """Over 100 clips the mean step over the seam is that between other places alike, within 10 %."""
    found = steps(small(kind, loops=True, width=1 / 8).eval()(latents(100)).numpy()).mean(axis=0)
    assert found[15] / found[:15].mean() == pytest.approx(1, abs=0.1)
    ends = steps(small("factorised", width=1 / 8).eval()(latents(100)).numpy()).mean(axis=0)
    assert abs(ends[15] / ends[:15].mean() - 1) > 0.5  # the measure tells a clip that does not close


def test_frame_t_is_frame_0_to_the_last_bit_and_any_number_of_frames_can_be_drawn():
    generator, z = small("factorised", loops=True).eval(), latents(2)
    loop = generator(z).numpy()
    assert (generator(z, [16 / 16, 17 / 16]).numpy() == generator(z, [0, 1 / 16]).numpy()).all()
    exact = minigen.tensor(rng(1).normal(size=(9, 16)))  # float64, where sin 2π would be seen
    assert (generator.codes(exact, [1, 2, 35 / 16]).numpy() == generator.codes(exact, [0, 0, 3 / 16]).numpy()).all()
    fine = generator(z, np.arange(48) / 48).numpy()
    assert fine.shape[1] == 48
    np.testing.assert_allclose(fine[:, ::3], loop, atol=1e-5)  # a product of more rows adds up in another order
    assert (steps(fine).mean() < 0.5 * steps(loop).mean()) and steps(fine).min() > 0


def test_the_codes_of_the_moments_lie_on_a_circle_as_far_from_0_as_a_normal_draw():
    generator = small("factorised", latent=40, motion=10, loops=True)
    codes = generator.codes(latents(5, 40)).numpy().astype(np.float64)
    assert codes.shape == (5, 16, 10 + 10)
    still, moving = codes[..., :10], codes[..., 10:]
    assert (still == latents(5, 40).numpy()[:, None, -10:]).all()
    np.testing.assert_allclose(np.linalg.norm(moving, axis=2), np.sqrt(10), rtol=1e-5)
    middle = moving.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(np.linalg.norm(middle, axis=2), np.sqrt(5), rtol=1e-5)
    turned = moving - middle
    np.testing.assert_allclose((turned * middle).sum(axis=2), 0, atol=1e-5)
    np.testing.assert_allclose((turned[:, 4] * turned[:, 0]).sum(axis=1), 0, atol=1e-5)  # a quarter of the way round
    np.testing.assert_allclose(turned[:, 8], -turned[:, 0], atol=1e-5)


def test_the_code_of_an_open_clip_tells_how_far_it_has_gone():
    generator = small("factorised", latent=40, motion=10)
    assert generator.content == 20
    moving = generator.codes(latents(5, 40)).numpy()[..., -10:]
    first = np.sqrt(5) * np.cos(np.pi * np.arange(16) / 15)
    np.testing.assert_allclose(moving[..., 0], np.tile(first, (5, 1)), atol=1e-5)
    assert abs(moving[:, :, 1:] - moving[:1, :, 1:]).max() > 0.5  # the rest is the clip's own
    with pytest.raises(SettingError, match="does not loop has moments from 0 to 1, not 0 … 1.1"):
        generator(latents(1, 40), [0, 1.1])
    for bad in ([], [[0.5]], [np.nan]):
        with pytest.raises(ShapeError, match=r"finite numbers \(T,\), T ≥ 1"):
            generator(latents(1, 40), bad)


def test_latents_of_0_give_numbers_too():
    for loops in (True, False):
        assert np.isfinite(small("factorised", loops=loops)(minigen.zeros(2, 16)).numpy()).all()


# In use, no item depends on another ----------------------------------------------------------------------------------


@both
def test_in_use_no_clip_and_no_frame_depends_on_another(kind):
    generator = small(kind, loops=True)
    for seed in range(3):
        generator(latents(8, seed=seed))  # running statistics that are not those of the start
    z = latents(6)
    training = generator(z).numpy()
    assert abs(training[:2] - generator(z[:2]).numpy()).max() > 1e-3  # in training they do
    generator.eval()
    # A product of more rows may add up in another order, hence no equality of bits.
    np.testing.assert_allclose(generator(z).numpy()[:2], generator(z[:2]).numpy(), atol=1e-5)
    if kind == "factorised":
        np.testing.assert_allclose(generator(z).numpy()[:, 3:5], generator(z, [3 / 16, 4 / 16]).numpy(), atol=1e-5)


def test_the_discriminator_judges_each_clip_by_itself():
    discriminator = Discriminator3D(width=1 / 16, rng=rng())
    np.testing.assert_allclose(discriminator(clips(6)).numpy()[:2], discriminator(clips(6)[:2]).numpy(), atol=1e-5)


def test_dropout_draws_from_the_noise_it_is_given():
    noise = rng(5)
    discriminator = Discriminator3D(width=1 / 16, dropout=0.5, rng=rng(), noise=noise)
    before = noise.bit_generator.state
    discriminator(clips(1))
    assert noise.bit_generator.state != before


# Gradients ------------------------------------------------------------------------------------------------------------


@both
@looping
def test_the_generators_agree_with_finite_differences(kind, loops):
    generator = small(kind, width=1 / 64, frames=8, loops=loops).astype(np.float64)
    z = rng(1).normal(size=(3, 16))
    towards = minigen.tensor(rng(2).normal(size=(3, 8, 32, 32, 1)))
    grad_check(
        lambda z: (generator(z) * towards).sum(), {"z": z}, params=generator, rng=rng(3), full=0, samples=2, quiet=True
    )


@looping
def test_the_discriminator_and_its_penalty_agree_with_finite_differences(loops):
    discriminator = Discriminator3D(width=1 / 16, frames=8, loops=loops, rng=rng()).astype(np.float64)
    real, fake = (minigen.tensor(rng(s).uniform(-1, 1, (2, 8, 32, 32, 1))) for s in (1, 2))

    def loss():
        penalty = losses.gradient_penalty(discriminator, real, fake, rng=rng(4))
        return discriminator(real).mean() - discriminator(fake).mean() + penalty

    grad_check(loss, {}, params=discriminator, rng=rng(3), full=0, samples=2, quiet=True)


@both
@looping
def test_a_step_moves_everything_and_leaves_it_float32(kind, loops, xp):
    generator, discriminator = small(kind, loops=loops), Discriminator3D(width=1 / 16, loops=loops, rng=rng(1))
    for network in (generator, discriminator):
        network.named_parameters()
    of_g, of_d = (optim.Adam(network.parameters(), 1e-3) for network in (generator, discriminator))
    real, fake = clips(4), generator(latents(4))
    loss_d = losses.gan.objective("nonsaturating").discriminator(discriminator(real), discriminator(fake.detach()))
    loss_d = loss_d + losses.gradient_penalty(discriminator, real, fake.detach(), rng=rng(2))
    grads_d = minigen.grad(loss_d, discriminator.parameters())
    of_d.update(grads_d)
    grads_g = minigen.grad(-discriminator(fake).mean(), generator.parameters())
    of_g.update(grads_g)
    everything = [loss_d, *grads_d, *grads_g, *(x for n in (generator, discriminator) for _, x in n.named_tensors())]
    assert {x.dtype for x in everything} == {np.dtype(np.float32)}
    names = [name for n in (generator, discriminator) for name, _ in n.named_parameters()]
    still = [
        n
        for n, g in zip(names, [*grads_g, *grads_d], strict=True)
        if not abs(minigen.backend.to_host(g.data)).max() > 0
    ]
    assert still == []


def test_the_same_seed_gives_the_same_networks():
    for kind in GENERATORS:
        one, other = (small(kind).state_dict() for _ in range(2))
        assert all((one[name] == other[name]).all() for name in one)

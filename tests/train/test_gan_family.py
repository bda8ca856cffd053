"""What the GAN recipe can be asked for beside the article's: conditions, packing, and combinations that are refused."""

from fractions import Fraction

import numpy as np
import pytest

import minigen
from minigen.data import Clips, Images, scenes
from minigen.errors import SettingError
from minigen.train.about import about
from minigen.train.condition import Condition
from minigen.train.gan import Config, Gan
from minigen.train.gan_networks import beside, packed

SMALL = {"width": 0.05, "latent": 8, "batch": 6}


def images(n=6, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (n, 28, 28, 1)).astype(np.float32)


def told(asked, n=6):
    items, factors = scenes(n, 28)
    data = Images(items, factors, "scenes")
    known = Condition.of(data, asked)
    return known.as_facts(), known.rows(known.told(data, asked), n)


# What the networks are shown ------------------------------------------------------------------------------------------


def test_numbers_stand_beside_latents_and_as_flat_maps_beside_pixels(xp):
    x, rows = xp.asarray(images(3)), xp.asarray(np.arange(6, dtype=np.float32).reshape(3, 2))
    both = beside(x, rows)
    assert both.shape == (3, 28, 28, 3) and both.dtype == np.float32
    assert (
        bool((both[..., :1] == x).all()) and bool((both[1, ..., 1] == 2).all()) and bool((both[2, ..., 2] == 5).all())
    )
    assert beside(x, None) is x
    assert beside(xp.asarray(np.zeros((3, 4), np.float32)), rows).shape == (3, 6)
    assert beside(xp.asarray(np.zeros((3, 2, 8, 8, 1), np.float32)), rows).shape == (3, 2, 8, 8, 3)


def test_a_pack_holds_different_images_and_leaves_out_what_fills_none(xp):
    x = xp.asarray(images(7))
    three = packed(x, 3)
    assert three.shape == (2, 28, 28, 3)
    for place in range(3):
        for group in range(2):
            assert bool((three[group, ..., place] == x[place * 2 + group, ..., 0]).all())
    assert packed(x, 1) is x and packed(None, 3) is None


# Steps ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", ["sea", "time,haze"])
@pytest.mark.parametrize("settings", [{}, {"pack": 2}, {"penalty": "r1"}, {"penalty": "gradient", "pack": 3}])
def test_a_step_with_a_condition_trains_both_networks_on_it(asked, settings):
    facts, rows = told(asked)
    gan = Gan(Config(**SMALL, condition=asked, **settings), facts)
    before = [p.data.copy() for p in (gan.generator[0].weight, gan.discriminator[0].weight)]
    measured = gan.step((images(), rows))
    assert all(np.isfinite(float(value)) for value in measured.values())
    for parameter, was in zip((gan.generator[0].weight, gan.discriminator[0].weight), before, strict=True):
        moved = parameter.data != was
        # The last columns are those of the numbers told; where a cosine and a sine stand, both count.
        assert moved.any() and (moved[-rows.shape[1] :].any() if moved.ndim == 2 else moved[:, :, -1].any())


def test_what_is_told_changes_what_is_drawn_and_by_default_takes_turns():
    facts, _ = told("sea")
    gan = Gan(Config(**SMALL, condition="sea"), facts)
    assert gan.classes == ["0", "1"]
    z = np.repeat(gan.latents(1, np.random.default_rng(0)), 4, axis=0)
    drawn = gan.generate(z)
    assert np.array_equal(drawn[0], drawn[2]) and not np.allclose(drawn[0], drawn[1])
    assert np.array_equal(gan.generate(z, np.array([0, 1, 0, 1])), drawn)
    assert np.allclose(gan.generate(z, np.eye(2, dtype=np.float32)[[0, 1, 0, 1]]), drawn)


def test_a_discriminator_told_the_truth_can_tell_a_wrong_label():
    # It sees image and label together: trained on pairs that match, one that does not match is a fake.
    facts, rows = told("sea", 64)
    gan = Gan(Config(**{**SMALL, "width": 0.1}, condition="sea"), facts)
    x = np.broadcast_to((2 * rows[:, 1] - 1)[:, None, None, None], (64, 28, 28, 1)).astype(np.float32)  # black or white
    for _ in range(30):
        loss = gan.objective.discriminator(gan.judged(x, rows), gan.judged(x, rows[:, ::-1].copy()))
        gan.optimiser_d.update(minigen.grad(loss, gan.discriminator.parameters()))
    assert float(loss) < 0.2  # 1.386 where it could only guess


def test_packing_two_copies_of_an_image_is_not_packing_two_images():
    gan = Gan(Config(**SMALL, pack=2))
    x = images()
    same = np.concatenate([x[:3], x[:3]])
    assert gan.judged(x, None).shape == (3, 1)
    assert not np.allclose(gan.judged(x, None).numpy(), gan.judged(same, None).numpy())


@pytest.mark.parametrize("penalty", ["gradient", "r1"])
def test_a_penalty_measures_slopes_by_images_and_not_by_what_is_told(penalty):
    facts, rows = told("sea")
    gan = Gan(Config(**SMALL, condition="sea", penalty=penalty), facts)
    x, fake = images(), images(seed=1)
    before = float(gan.penalty(x, fake, rows))
    first = gan.discriminator[0].weight  # (5, 5, 3, C): one channel of pixels, two of the label
    first.data[:, :, 1:] *= 0  # a D that ignores the label: the maps' slopes vanish, those by pixels do not
    gan.rng = minigen.backend.generator([0, 1])
    without = float(gan.penalty(x, fake, rows))
    assert before > 0 and without > 0
    first.data[:, :, 1:] = 0
    first.data[:, :, :1] = 0  # a D that ignores the pixels has no slope by them
    flat = float(gan.penalty(x, fake, rows))
    assert flat == (10.0 if penalty == "gradient" else 0.0)


# Refused --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings, sentence",
    [
        ({"loss": "wasserstein"}, "--loss wasserstein measures a distance only with a critic whose slope is bounded"),
        ({"unroll": 2, "penalty": "gradient"}, "--unroll differentiates through the discriminator's updates"),
        ({"pack": 40}, "--pack 40 needs a --batch of at least as many images, not 32"),
        ({"pack": 0}, "--pack 0 must be at least 1"),
        ({"unroll": -1}, "--unroll -1 must be at least 0"),
        ({"frames": 16}, "--frames 16: --data scenes holds stills"),
        ({"frames": 12, "data": "effects:fire"}, "--frames 12 must be 1, or a multiple of 8"),
        ({"size": 28, "data": "effects:fire"}, "--size 28 is of stills; clips have 32 or 64"),
        ({"smooth": 0.1, "loss": "hinge"}, "--smooth 0.1 has no meaning for --loss hinge"),
    ],
)
def test_what_makes_no_sense_together_is_refused(settings, sentence):
    with pytest.raises(SettingError, match=sentence):
        Config(**settings)


def test_what_is_left_open_is_decided_by_the_data():
    stills, fire = Config().resolved(), Config(data="effects:fire").resolved()
    assert (stills.size, stills.frames, stills.loop) == (28, 1, "no")
    assert (fire.size, fire.frames, fire.loop) == (32, 16, "yes")
    assert Config(data="effects:explosion").resolved().loop == "no"
    still_fire = Config(data="effects:fire", frames=1).resolved()
    assert (still_fire.size, still_fire.frames) == (28, 1)
    assert fire.resolved() == fire


@pytest.mark.parametrize(
    "flags, sentence",
    [
        ("--penalty-weight 3", "--penalty-weight acts with --penalty only"),
        ("--video factorised", "--video acts on clips only"),
        ("--loop yes", "--loop acts on clips only"),
        ("--stride 4", "--stride acts on clips of a video only"),
        ("--every 2", "--every acts on a video only"),
        ("--fit pad", "--fit acts on data that are read only"),
        ("--condition mood", "--condition mood: scenes does not say that of its items; it has sea"),
        ("--loss wasserstein", "add --penalty gradient"),
    ],
)
def test_a_flag_that_could_not_act_is_refused(train, flags, sentence):
    status, _, err = train(f"--steps 1 {flags}")
    assert status == 2 and sentence in err and "Traceback" not in err


def test_a_conditional_run_trains_and_resumes_exactly(train, tmp_path, bare):
    flags = "--condition time,haze --pack 2 --batch 6"
    assert train(f"--steps 4 {flags} --name whole")[0] == 0
    assert train(f"--steps 2 {flags} --name parts")[0] == 0
    assert train("--resume runs/0002-parts --steps 4")[0] == 0
    one, two = (
        (tmp_path / "runs" / name / "checkpoints" / "step_00000004.safetensors")
        for name in ("0001-whole", "0002-parts")
    )
    from minigen.train import checkpoint

    first, second = checkpoint.load(one).arrays, checkpoint.load(two).arrays
    assert first.keys() == second.keys() and all(np.array_equal(first[name], second[name]) for name in first)


def test_in_a_pack_every_image_keeps_what_is_told_of_it():
    facts, rows = told("haze")
    gan = Gan(Config(**SMALL, condition="haze", pack=2), facts)
    x = np.broadcast_to(rows[:, :, None, None], (6, 28, 28, 1)).astype(np.float32)  # an image as grey as its haze
    seen = []
    gan.discriminator = lambda x: seen.append(x) or x
    gan.judged(x, rows)
    assert seen[0].shape == (3, 28, 28, 4) and np.array_equal(seen[0][..., :2], seen[0][..., 2:])


@pytest.mark.parametrize("settings", [{}, {"data": "effects:fire", "frames": 8}, {"data": "effects:explosion"}])
def test_with_spectral_every_weight_of_the_discriminator_is_bounded(settings):
    gan = Gan(Config(**SMALL, spectral=True, **settings))
    kinds = [type(layer).__name__ for layer in gan.discriminator.modules()]
    assert kinds.count("SpectralNorm") == sum(kind in ("Dense", "Conv2D", "Conv3D") for kind in kinds) >= 3
    shape = (6, 28, 28, 1) if not settings else (6, gan.config.frames, 32, 32, 1)
    x = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
    measured = gan.step(x)
    assert all(np.isfinite(float(value)) for value in measured.values())


@pytest.mark.parametrize("settings", [{}, {"penalty": "r1"}, {"pack": 2}, {"loss": "hinge"}, {"spectral": True}])
def test_an_unrolled_generator_learns_from_the_discriminator_to_come(settings):
    plain, ahead = (Gan(Config(**SMALL, unroll=unroll, **settings)) for unroll in (0, 2))
    x = images()
    before = [p.data.copy() for p in ahead.discriminator.parameters()]
    one, two = (gan.step(x) for gan in (plain, ahead))
    assert float(one["discriminator"]) == float(two["discriminator"])  # D learns by one ordinary step
    assert float(one["generator"]) != float(two["generator"])  # G is judged by the D of two steps later
    for mine, theirs in zip(plain.discriminator.parameters(), ahead.discriminator.parameters(), strict=True):
        assert np.array_equal(mine.data, theirs.data)  # which is then put back
    assert any(not np.array_equal(p.data, was) for p, was in zip(ahead.discriminator.parameters(), before, strict=True))
    moved = [
        not np.array_equal(mine.data, theirs.data)
        for mine, theirs in zip(plain.generator.parameters(), ahead.generator.parameters(), strict=True)
    ]
    assert any(moved)


def test_clips_of_a_film_keep_its_rate():
    items = np.zeros((2, 8, 32, 32, 1), np.uint8)
    film, drawn = (about(Clips(items, name="film", fps=fps), "none") for fps in (Fraction(24000, 1001), None))
    settings = {**SMALL, "data": "video:film.mp4", "frames": 8}
    assert Gan(Config(**settings), film).fps == Fraction(24000, 1001)
    assert "fps" not in drawn and Gan(Config(**settings), drawn).fps is None

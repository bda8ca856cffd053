"""The recipe's step: what each objective makes of the two parts of the ELBO, and that looking disturbs nothing."""

import gc
import math
import tracemalloc

import numpy as np
import pytest

import minigen
from minigen import backend
from minigen.data import motions
from minigen.errors import DataError
from minigen.losses import vae as losses
from minigen.ops.draws import draw_normal
from minigen.train.about import about
from minigen.train.vae import Vae
from minigen.train.vae_config import Config

from .conftest import bytes_in_arrays

TINY = {"width": 0.05, "latent": 4, "batch": 6}
DENSE = {"model": "dense", "hidden": (16,)}
MOTION = {"data": "motion", "window": 16, "objective": "elbo"}
CASES = {
    "images": {},
    "bernoulli": {"likelihood": "bernoulli"},
    "dense": DENSE,
    "motion": MOTION,
    "told of classes": {"condition": "sea"},
    "motion told of classes": {**MOTION, "condition": "action"},
    "iwae": {"objective": "iwae", "k": 3},
    "two_layer": {"model": "two_layer", "likelihood": "bernoulli", "k": 2},
    "alternate": {"alternate": True},
    "alternate on the whole": {"alternate": True, "alternate_on": "whole"},
    "beta, free bits, warm-up": {"objective": "beta", "beta": 4.0, "free_bits": 0.1, "warm_up": 5},
}


@pytest.fixture(scope="module")
def dancers():
    """Twelve windows of built-in motion of 16 frames."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(motions, "HELD_OUT", 2)
        return motions.open_motion("motion", count=12, window=16)[0]


def images(n=6, side=28, channels=1, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (n, side, side, channels)).astype(np.float32)


def small(dancers=None, **settings):
    config = Config(**{**TINY, **settings})
    if config.moves:
        return Vae(config, about(dancers, config.condition))
    return Vae(config, {"classes": ["0", "1", "2"]} if config.condition != "none" else {})


def made(case, dancers, **more):
    """(recipe, batch) of a case."""
    recipe = small(dancers, **{**CASES[case], **more})
    x = dancers.items[:6] if recipe.config.moves else images()
    return recipe, (x, np.array([0, 1, 2, 0, 1, 2])) if recipe.classes else x


def frozen(holder):
    return {name: np.array(array) for name, array in holder.state_dict().items()}


def same(one, two):
    return one.keys() == two.keys() and all(np.array_equal(one[name], two[name]) for name in one)


def number(value):
    return float(minigen.tensor(value).numpy())


every_case = pytest.mark.parametrize("case", CASES)


# One step -------------------------------------------------------------------------------------------------------------


@every_case
def test_one_step_moves_every_weight_of_encoder_and_decoder(case, dancers):
    recipe, batch = made(case, dancers)
    before = frozen(recipe.model)
    recipe.step(batch)
    after = frozen(recipe.model)
    assert {name for name in before if np.array_equal(before[name], after[name])} == set()


@every_case
def test_a_step_leaves_everything_float32(case, dancers):
    recipe, batch = made(case, dancers)
    recipe.step(batch)
    measured = recipe.step(batch)
    for name, value in measured.items():
        assert value.dtype == (np.float32 if name != "active" else value.dtype) and np.isfinite(value.numpy()).all()
    for name, array in recipe.save_state()[0].items():
        assert array.dtype == np.float32 or array.dtype.kind == "i", name


@every_case
def test_memory_returns_to_where_it_was_after_a_step(case, dancers):
    recipe, batch = made(case, dancers)
    recipe.step(batch)
    gc.collect()
    gc.disable()
    try:
        tracemalloc.start()
        recipe.step(batch)
        before = bytes_in_arrays()
        for _ in range(4):
            recipe.step(batch)
        assert bytes_in_arrays() == before
        assert gc.collect() == 0, "a step leaves reference cycles behind"
    finally:
        tracemalloc.stop()
        gc.enable()


@pytest.mark.parametrize("side, channels", [(28, 3), (32, 1), (64, 3)])
def test_other_sizes_and_colours_train(side, channels):
    recipe = small(size=side, channels=channels)
    recipe.step(images(3, side, channels))
    assert recipe.generate(np.zeros((3, 4), np.float32)).shape == (3, side, side, channels)


# The parts of the loss ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("case", ["images", "bernoulli", "motion", "told of classes"])
def test_the_parts_of_the_elbo_are_what_float64_makes_of_the_same_draws(case, k, dancers):
    recipe, batch = made(case, dancers, k=k, binarise="static" if case == "bernoulli" else "auto")
    x, y = recipe.prepared(*(batch if isinstance(batch, tuple) else (batch,)))
    with minigen.no_grad():
        mu, logvar = (a.numpy().astype(np.float64) for a in recipe.model.encode(x, y))
        noise = draw_normal(backend.generator([0, 1]), (6, k, 4), np.float32, np)
        z = mu[:, None] + np.exp(0.5 * logvar)[:, None] * noise
        rows = None if y is None else minigen.tensor(np.repeat(y, k, axis=0))
        decoded = recipe.model.decode(minigen.tensor(z.reshape(6 * k, 4).astype(np.float32)), rows)
    a, target = decoded.numpy().astype(np.float64).reshape(6, k, -1), np.asarray(x, np.float64).reshape(6, 1, -1)
    if case == "bernoulli":
        nll = (np.logaddexp(0, a) - target * a).sum(-1)
    else:
        variance = math.exp(float(recipe.model.noise_logvar.numpy()))
        nll = (0.5 * np.log(2 * np.pi * variance) + (target - a) ** 2 / (2 * variance)).sum(-1)
    terms = 0.5 * (mu**2 + np.exp(logvar) - 1 - logvar)
    measured = recipe.step(batch)
    close = {"rel": 2e-5}  # float32 sums of up to 2,000 terms, each good to 6e-8
    assert number(measured["reconstruction"]) == pytest.approx(nll.mean(), **close)
    assert number(measured["kl"]) == pytest.approx(terms.sum(1).mean(), **close)
    assert measured["kl_per_dimension"].numpy() == pytest.approx(terms.mean(0), rel=2e-5, abs=1e-7)
    assert number(measured["loss"]) == pytest.approx(nll.mean() + terms.sum(1).mean(), **close)
    assert number(measured["active"]) == (mu.var(0) > 0.01).sum()


@pytest.mark.parametrize("case", ["images", "bernoulli", "motion"])
def test_the_loss_is_reconstruction_and_kl_and_minus_the_elbo(case, dancers):
    recipe, batch = made(case, dancers)
    for _ in range(3):
        m = {name: value.numpy() for name, value in recipe.step(batch).items()}
        assert m["loss"] == m["reconstruction"] + m["kl"] and m["elbo"] == -m["loss"]  # one float32 sum: exactly
        assert m["kl_per_dimension"].sum() == pytest.approx(m["kl"], rel=1e-6)  # the same terms in another order


def test_a_latent_whose_mean_never_varies_is_not_active():
    recipe = small()
    for array in (recipe.model.to_code.weight.data, recipe.model.to_code.bias.data):
        array[..., 1] = 0.0  # the mean of latent 1 is 0 for every image
    recipe.model.to_code.weight.data[:, [0, 2, 3]] *= 100  # the others differ from image to image
    assert number(recipe.step(images())["active"]) == 3


def test_pixels_count_one_by_one_and_the_batch_is_a_mean():
    recipe, twice = small(seed=3), small(seed=3)
    x = images(4)
    with minigen.no_grad():
        kl = number(recipe.looked_at(x, None).kl)
        assert number(twice.looked_at(np.concatenate([x, x]), None).kl) == pytest.approx(kl, rel=1e-6)
    # 784 ln 2 = 543.43 where every logit is 0, whatever is black and white
    dark = small(**DENSE, likelihood="bernoulli")
    last = [p for name, p in dark.model.named_parameters() if name.startswith("decoder.")][-2:]
    for p in last:
        p.data[...] = 0.0
    assert number(dark.step(images())["reconstruction"]) == pytest.approx(784 * math.log(2), rel=1e-6)


# Objectives -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("beta, lam", [(4.0, 1.0), (0.5, 1.0), (1.0, 0.25), (1.0, 3.0)])
def test_beta_weighs_the_kl_and_lam_the_reconstruction(beta, lam):
    recipe = small(objective="beta", beta=beta, lam=lam)
    m = {name: number(value) for name, value in recipe.step(images()).items() if name != "kl_per_dimension"}
    assert m["loss"] == pytest.approx(beta * m["kl"] + lam * m["reconstruction"], rel=1e-6)
    assert m["elbo"] == pytest.approx(-m["kl"] - m["reconstruction"], rel=1e-6)  # which is not weighed


def test_by_default_images_have_the_elbo_and_motion_a_heavier_kl(dancers):
    assert small().config.aim == "elbo" and small().kl_weight == 1
    recipe, batch = made("motion", dancers, objective="auto")
    m = recipe.step(batch)
    weight = recipe.config.kl_goal
    assert recipe.config.aim == "beta" and weight > 1
    assert number(m["loss"]) == pytest.approx(weight * number(m["kl"]) + number(m["reconstruction"]), rel=1e-6)
    assert number(m["elbo"]) == pytest.approx(-number(m["kl"]) - number(m["reconstruction"]), rel=1e-6)
    assert f"1 × reconstruction + {weight:g} × KL" in recipe.reading
    assert "0.5 × reconstruction + 1 × KL" in small(objective="beta", lam=0.5).reading
    assert made("motion", dancers, objective="auto", alternate=True)[0].config.aim == "elbo"  # the article's own case


@pytest.mark.parametrize("model", ["dense", "two_layer"])
def test_iwae_is_minus_its_bound_on_the_same_draws(model):
    recipe = small(model=model, hidden=(16,), objective="iwae", k=5, likelihood="bernoulli", binarise="static")
    x = np.where(images() > 0, 1, -1).astype(np.float32)
    with minigen.no_grad():
        log_w = recipe.model.log_weights((x + 1) / 2, 5, rng=backend.generator([0, 1])).numpy().astype(np.float64)
    bound = (np.logaddexp.reduce(log_w, axis=1) - math.log(5)).mean()
    m = recipe.step(x)
    assert set(m) == {"loss", "elbo"}
    assert number(m["loss"]) == pytest.approx(-bound, rel=1e-5)  # float32 sums of 784 terms
    assert number(m["elbo"]) == pytest.approx(log_w.mean(), rel=1e-5)
    assert number(m["loss"]) < -number(m["elbo"])  # theorem 1: the bound is tighter


def test_two_layers_without_iwae_train_on_the_elbo():
    recipe = small(model="two_layer", likelihood="bernoulli", k=2)
    m = recipe.step(images())
    assert number(m["loss"]) == -number(m["elbo"])


def test_the_kl_is_warmed_up_in_equal_steps():
    recipe = small(objective="beta", beta=2.0, warm_up=4)
    weights = []
    for step in range(6):
        recipe.step_count = step  # as the loop counts
        weights.append(recipe.kl_weight)
        m = recipe.step(images())
        expected = weights[-1] * number(m["kl"]) + number(m["reconstruction"])
        assert number(m["loss"]) == pytest.approx(expected, rel=1e-6)
        assert number(m["elbo"]) == pytest.approx(-number(m["kl"]) - number(m["reconstruction"]), rel=1e-6)
    assert weights == [0.5, 1.0, 1.5, 2.0, 2.0, 2.0]


def test_free_bits_are_paid_for_every_dimension_and_never_less():
    recipe = small(free_bits=0.3)
    recipe.model.to_code.weight.data[:, :2] *= 30  # two dimensions cost more than that, two less
    m = recipe.step(images())
    per = m["kl_per_dimension"].numpy().astype(np.float64)
    assert (per > 0.3).any() and (per < 0.3).any()
    assert number(m["loss"]) == pytest.approx(number(m["reconstruction"]) + np.maximum(per, 0.3).sum(), rel=1e-6)
    assert number(m["loss"]) >= number(m["reconstruction"]) + number(m["kl"])
    assert number(m["elbo"]) == pytest.approx(-number(m["reconstruction"]) - number(m["kl"]), rel=1e-6)


# Alternating ----------------------------------------------------------------------------------------------------------


def halves_of(recipe):
    state = frozen(recipe.model)
    inner = ("encoder.", "to_code.")
    return (
        {name: a for name, a in state.items() if name.startswith(inner)},
        {name: a for name, a in state.items() if not name.startswith(inner)},
    )


@pytest.mark.parametrize("case", ["images", "dense", "motion"])
@pytest.mark.parametrize("on", ["own", "whole"])
def test_each_half_leaves_the_other_bit_identical(monkeypatch, case, on, dancers):
    recipe, batch = made(case, dancers, alternate=True, alternate_on=on)
    seen = []
    for name, optimiser in recipe.optimisers.items():
        real = optimiser.update

        def update(gradients, name=name, real=real):
            encoder, decoder = halves_of(recipe)
            assert encoder and decoder
            real(gradients)
            now = halves_of(recipe)
            seen.append((name, same(encoder, now[0]), same(decoder, now[1])))

        monkeypatch.setattr(optimiser, "update", update)
    recipe.step(batch)
    assert seen == [("encoder", False, True), ("decoder", True, False)]


@pytest.mark.parametrize("on, weight", [("own", 1.0), ("whole", 1.0), ("own", 3.0)])
def test_each_half_is_updated_on_the_loss_it_is_said_to_have(monkeypatch, on, weight):
    settings = {"objective": "beta", "lam": weight} if weight != 1 else {}
    recipe = small(**DENSE, **settings, alternate=True, alternate_on=on)
    given = []
    real = recipe._update
    monkeypatch.setattr(recipe, "_update", lambda name, loss: (given.append(number(loss)), real(name, loss)))
    joint = small(**DENSE, **settings).step(images())  # the same weights, the same draws as the first half's
    m = recipe.step(images())
    if on == "whole":
        assert given[0] == number(joint["loss"]) and given[1] == number(m["loss"])
    else:
        assert given[0] == number(joint["kl"]) and given[1] == pytest.approx(weight * number(m["reconstruction"]))
    assert number(m["kl"]) != number(joint["kl"])  # the decoder's half looks through the encoder that has just changed


def test_the_articles_own_losses_empty_the_latents_and_the_whole_loss_does_not():
    kl = {}
    x = np.repeat(np.sign(images(8, seed=1)[:, :7, :7]), 4, axis=1).repeat(4, axis=2)  # blocks: easily told apart
    for name, settings in {"own": {"alternate": True}, "joint": {}}.items():
        recipe = small(**DENSE, **settings, learning_rate=5e-3, decay="none")
        kl[name] = [number(recipe.step(x)["kl"]) for _ in range(150)]
    assert kl["own"][-1] < 0.02 and kl["own"][-1] < kl["own"][0] / 10
    assert kl["joint"][-1] > 1


# Black and white ------------------------------------------------------------------------------------------------------


def test_dynamic_pixels_are_drawn_anew_from_the_recipes_own_random_numbers():
    recipe = small(likelihood="bernoulli")
    x = np.full((6, 28, 28, 1), 0.4, np.float32)  # grey 0.7
    one, two = recipe.prepared(x)[0], recipe.prepared(x)[0]
    assert set(np.unique(one)) == {0.0, 1.0} and one.dtype == np.float32
    assert not np.array_equal(one, two)
    assert abs(one.mean() - 0.7) < 4 * math.sqrt(0.7 * 0.3 / one.size)  # four standard errors
    before = recipe.rng.bit_generator.state
    other = recipe.prepared(x, rng=backend.generator(5))[0]
    assert recipe.rng.bit_generator.state == before and not np.array_equal(other, two)
    again = small(likelihood="bernoulli")
    again.rng.bit_generator.state = before
    assert np.array_equal(recipe.prepared(x)[0], again.prepared(x)[0])


def test_a_step_trains_on_black_and_white_where_it_says_so(monkeypatch):
    shown = []
    recipe = small(likelihood="bernoulli")
    real = recipe.model.encode
    monkeypatch.setattr(recipe.model, "encode", lambda x, y=None: (shown.append(np.array(x)), real(x, y))[1])
    recipe.step(images())
    recipe.step(images())
    assert all(set(np.unique(x)) == {0.0, 1.0} for x in shown) and not np.array_equal(*shown)


@pytest.mark.parametrize("settings", [{}, {"objective": "iwae", "k": 3}, {"model": "two_layer"}, {"alternate": True}])
def test_grey_pixels_have_no_likelihood_and_none_is_claimed(settings):
    recipe = small(likelihood="bernoulli", binarise="none", **settings)
    x = images()
    assert recipe.prepared(x)[0] == pytest.approx((x + 1) / 2, abs=1e-6)
    measured = {name: value.numpy() for name, value in recipe.step(x).items()}
    assert "elbo" not in measured and "loss" in measured
    assert "no likelihood" in recipe.reading and "−ELBO" not in recipe.reading and "log p(x)" not in recipe.reading
    assert "ELBO" not in "".join(recipe.shown(measured))


@pytest.mark.parametrize(
    "settings, words",
    [
        ({}, "−ELBO = reconstruction + KL bounds −log p(x) from above; nats per image, lower is better"),
        ({}, "A density: it may be negative."),
        ({"objective": "iwae", "k": 7}, "−L_7, which bounds −log p(x) from above"),
        (MOTION, "nats per window"),
    ],
)
def test_the_reading_says_what_the_loss_is(settings, words, dancers):
    assert words in small(dancers, **settings).reading
    assert "density" not in small(likelihood="bernoulli").reading


@every_case
def test_what_is_shown_while_training_has_the_parts(case, dancers):
    recipe, batch = made(case, dancers)
    row = {name: value.numpy() for name, value in recipe.step(batch).items()}
    must, may = recipe.shown(row)
    if "kl" in row:
        assert f"KL {row['kl']:.2f}" in must and f"{row['active']:.0f} of 4 latents active" in may
    else:
        assert f"loss {row['loss']:.2f}" in must and f"ELBO {row['elbo']:.2f}" in may


# Looking at it --------------------------------------------------------------------------------------------------------


@every_case
def test_looking_disturbs_nothing(case, dancers):
    recipe, batch = made(case, dancers)
    recipe.step(batch)
    x, classes = batch if isinstance(batch, tuple) else (batch, None)
    arrays, random = recipe.save_state()
    z = recipe.latents(5, backend.generator(1))
    for look in (
        lambda: recipe.generate(z),
        lambda: recipe.codes(x, classes)[0],
        lambda: recipe.codes(x, classes)[1],
        lambda: recipe.reconstruct(x, classes),
    ):
        assert np.array_equal(look(), look())
    after, random_after = recipe.save_state()
    assert same(arrays, after) and random == random_after


@every_case
def test_what_is_drawn_has_the_datas_shape_and_does_not_depend_on_its_neighbours(case, dancers):
    recipe, batch = made(case, dancers)
    recipe.step(batch)
    z = recipe.latents(300, backend.generator(1))  # more than are decoded at once
    drawn = recipe.generate(z)
    item = (16, 130) if recipe.config.moves else (28, 28, 1)
    assert drawn.shape == (300, *item) and drawn.dtype == np.float32 and np.isfinite(drawn).all()
    if recipe.config.likelihood == "bernoulli":
        assert np.abs(drawn).max() <= 1
    turn = np.arange(300) % max(1, len(recipe.classes)) if recipe.classes else None
    for i in (0, 1, 299):
        alone = recipe.generate(z[i : i + 1], None if turn is None else turn[i : i + 1])
        assert np.allclose(alone[0], drawn[i], atol=1e-5)  # sums of another batch round otherwise


def test_black_and_white_is_drawn_as_its_probability():
    recipe = small(**DENSE, likelihood="bernoulli")
    z = recipe.latents(2, backend.generator(0))
    with minigen.no_grad():
        logits = recipe.model.decode(minigen.tensor(z)).numpy().astype(np.float64)
    assert np.allclose(recipe.generate(z), 2 / (1 + np.exp(-logits)) - 1, atol=1e-6)


def test_classes_take_turns_and_come_to_change_the_picture():
    recipe = small(**DENSE, condition="sea", likelihood="bernoulli", learning_rate=1e-2, decay="none")
    x, classes = images(12), np.arange(12) % 3  # a dark, a grey and a bright class
    x = (x * 0.1 + np.array([-0.8, 0.0, 0.8])[classes].reshape(-1, 1, 1, 1)).astype(np.float32)
    for _ in range(100):
        recipe.step((x, classes))
    z = np.repeat(recipe.latents(1, backend.generator(0)), 6, axis=0)
    by_turns = recipe.generate(z)
    assert np.array_equal(by_turns, recipe.generate(z, np.array([0, 1, 2, 0, 1, 2])))
    means = by_turns.mean(axis=(1, 2, 3))
    assert means[0] < means[1] - 0.2 and means[1] < means[2] - 0.2
    kept = recipe.reconstruct(x[:1], np.array([2])) - recipe.reconstruct(x[:1], np.array([0]))
    assert kept.mean() > 0.2  # the same image, decoded in another class


def test_motion_is_learnt_in_units_of_its_own_and_drawn_in_the_datas(dancers):
    recipe, batch = made("motion", dancers)
    u = recipe.prepared(batch)[0]
    assert u.dtype == np.float32 and u.shape == (6, 16, len(recipe.scaling)) and len(recipe.scaling) < 130
    assert np.allclose(recipe.scaling.from_units(u), batch, atol=1e-4)
    clip, other = recipe.clips(batch[:2], "a")
    assert (clip.name, other.name) == ("a-0", "a-1")
    assert clip.fps == dancers.fps and clip.skeleton.same(dancers.skeleton)
    assert np.allclose(clip.places, dancers.clip(0).places, atol=1e-3)  # metres: float32 features


# The rate, and states that do not fit ---------------------------------------------------------------------------------


def test_the_step_size_falls_along_half_a_cosine_over_the_planned_steps():
    recipe = small(learning_rate=0.1, steps=100)
    (adam,) = recipe.optimisers.values()
    rates = []
    for adam.steps in (0, 50, 100, 150):
        rates.append(adam.rate)  # of the next update
    assert rates == pytest.approx([0.1, 0.0505, 0.001, 0.001], rel=1e-9)
    recipe.planned = 50
    adam.steps = 50
    assert adam.rate == pytest.approx(0.001)
    (plain,) = small(learning_rate=0.1, decay="none").optimisers.values()
    plain.steps = 99
    assert plain.rate == 0.1


def test_adam_has_the_settings():
    (adam,) = small(beta1=0.5, beta2=0.9, eps=1e-4).optimisers.values()
    assert (tuple(adam.betas), adam.eps) == ((0.5, 0.9), 1e-4)


def test_a_state_that_does_not_fit_changes_nothing():
    recipe = small(alternate=True)
    recipe.step(images())
    arrays, random = recipe.save_state()
    other, _ = small(alternate=True).save_state()
    other["model/to_code.weight"] = np.zeros((3, 3), np.float32)
    with pytest.raises(DataError, match="to_code.weight"):
        recipe.load_state(other, random)
    assert same(arrays, recipe.save_state()[0])


def test_the_losses_are_the_librarys():
    """Whoever reads the recipe is sent to losses/vae.py: what it measures must be what stands there."""
    recipe = small()
    x = images()
    mu, logvar = recipe.codes(x)
    m = recipe.step(x)
    assert number(m["kl"]) == pytest.approx(number(losses.gaussian_kl(mu, logvar)), rel=1e-6)

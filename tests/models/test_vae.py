"""The VAEs of numbers, images and motion: sizes, shapes, units, conditions, and what they refuse."""

from functools import partial

import numpy as np
import pytest

import minigen
from minigen import SettingError, ShapeError
from minigen.errors import DataError
from minigen.losses import vae as losses
from minigen.models.conv_vae import ConvVae
from minigen.models.motion_vae import MotionVae
from minigen.models.vae import DenseVae, TwoLayerVae, Vae, one_hot
from minigen.nn.initialisers import normal

from .small_vaes import conv, dense, every, in_one_stage, items, motion, rng, two_layer

# Sizes ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model, count",
    [
        (DenseVae, 217_300 + 207_984),  # 784-200-200-50 and its mirror
        (TwoLayerVae, 237_400 + 30_300 + 35_400 + 217_984),  # IWAE's with 100 and 50 stochastic units
        (lambda rng: DenseVae(hidden=(500,), latent=20, rng=rng), 784 * 500 + 500 + 500 * 40 + 40 + 10_500 + 392_784),
        (lambda rng: MotionVae(features=130, rng=rng), 305_986 + 1),  # and the log σ² of its likelihood
        (ConvVae, 1_024_384 + 802_880 + 413_952 + 1_024_192 + 1_601 + 1_664 + 1),
    ],
    ids=["IWAE, one layer", "IWAE, two layers", "Kingma & Welling", "motion", "conv"],
)
def test_sizes_are_what_the_papers_and_the_docstrings_say(model, count):
    assert sum(p.size for p in model(rng=rng()).parameters()) == count
    assert round((305_986 + 1) / 1000) == 306 and "306,000 weights" in MotionVae.__doc__


def test_the_dense_decoder_mirrors_its_encoder():
    model = dense(hidden=(5, 4), labels=1)
    shapes = [
        [layer.weight.shape for layer in half if hasattr(layer, "weight")] for half in (model.encoder, model.decoder)
    ]
    assert shapes == [[(7, 5), (5, 4), (4, 4)], [(3, 4), (4, 5), (5, 6)]]  # a label beside x, and beside z


def test_the_decoder_of_images_is_the_articles_generator_without_batch_norm():
    model = ConvVae(latent=100, rng=rng())
    shapes = [row.output_shape for row in model.decoder.summary((100,)).rows if row.layer.startswith("Conv")]
    assert shapes == [(7, 7, 128), (14, 14, 64), (28, 28, 1)]
    assert [row.output_shape for row in model.encoder.summary((28, 28, 1)).rows][-1] == (7 * 7 * 256,)
    assert not any(type(layer).__name__ in ("BatchNorm", "Tanh") for layer in model.modules())


@pytest.mark.parametrize("side", [28, 32, 64])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_side_and_colour_fits(side, channels):
    model = conv(side=side, channels=channels)
    x = items(model, 2)
    assert x.shape == (2, side, side, channels) == model(x).shape
    assert model.decode(minigen.zeros(5, 3)).shape == (5, side, side, channels)


@pytest.mark.parametrize("frames", [8, 24, 64])
def test_every_window_of_a_multiple_of_8_frames_fits(frames):
    model = motion(frames=frames)
    assert model(items(model)).shape == (3, frames, 4)


@every
def test_shapes_and_float32_everywhere(build):
    model = build()
    x = items(model)
    mu, logvar = model.encode(x)
    assert mu.shape == logvar.shape == (3, model.latent)
    assert model.decode(mu).shape == model(x).shape == (3, *model.item)
    np.testing.assert_array_equal(model(x).numpy(), model.decode(mu).numpy())
    log_w = model.log_weights(x, 4, rng=rng())
    assert log_w.shape == (3, 4)
    loss = -losses.iwae_bound(log_w)
    made = [mu, logvar, model(x), log_w, loss, *minigen.grad(loss, model.parameters()), *model.parameters()]
    assert {a.dtype for a in made} == {np.dtype(np.float32)}
    assert model.log_weights(x.numpy().astype(np.float64), 4, rng=rng()).dtype == np.float32  # bare data are weak


@every
def test_the_same_seed_gives_the_same_model_and_saving_keeps_it(build):
    one, other = build(), build(rng=rng(9))
    x = items(one)
    assert (one(x).numpy() == build()(x).numpy()).all() and (one(x).numpy() != other(x).numpy()).any()
    if one.likelihood == "gaussian":
        one.noise_logvar.data[...] = -1.5
        assert "noise_logvar" in one.state_dict()
    other.load_state_dict(one.state_dict())
    log_w = [model.log_weights(x, 3, rng=rng(4)).numpy() for model in (one, other)]
    np.testing.assert_array_equal(*log_w)


def test_the_start_of_kingma_and_welling():
    model = DenseVae(hidden=(500,), latent=20, initialiser=partial(normal, std=0.01), rng=rng())
    weight = model.encoder[0].weight.numpy()
    assert weight.std() == pytest.approx(0.01, rel=4 / np.sqrt(2 * weight.size))  # 4 standard errors


# Units ----------------------------------------------------------------------------------------------------------------


@in_one_stage
def test_log_p_is_summed_over_all_of_an_item(build):
    """−nll of losses.vae, image by image; with one log σ² for all numbers of x."""
    model = build()
    if model.likelihood == "gaussian":
        model.noise_logvar.data[...] = -0.7
    x = items(model)
    found = model.one_pass(x, rng=rng(2), k=2)
    z = losses.reparameterise(*model.encode(x), rng=rng(2), k=2)
    for i in range(3):
        for j in range(2):
            decoded = model.decode(z[i, j : j + 1])
            if model.likelihood == "bernoulli":
                wanted = -losses.bernoulli_nll(decoded, x[i : i + 1])
            else:
                wanted = -losses.gaussian_nll(decoded, -0.7, x[i : i + 1])
            assert found.log_px[i, j].item() == pytest.approx(wanted.item(), rel=1e-4)  # float32, summed otherwise


@in_one_stage
def test_one_draw_gives_the_elbo_and_a_code_that_is_known_gives_the_same_weights(build):
    model = build()
    x = items(model)
    log_w = model.log_weights(x, 1, rng=rng(2))
    log_px, mu, logvar = model.one_pass(x, rng=rng(2))
    z = losses.reparameterise(mu, logvar, rng=rng(2), k=1)
    elbo = -losses.negative_elbo(-log_px.mean(), losses.monte_carlo_kl(z, mu, logvar))
    assert losses.iwae_bound(log_w).item() == pytest.approx(elbo.item(), rel=1e-4) == log_w.mean().item()
    with minigen.no_grad():
        again = model.weights_of_code(x, mu, logvar, 5, rng=rng(7))
    np.testing.assert_array_equal(again.numpy(), model.log_weights(x, 5, rng=rng(7)).numpy())


@in_one_stage
def test_an_item_is_encoded_once_for_all_its_draws(build):
    model = build()
    encode, calls = model.encode, []
    model.encode = lambda x, y=None: calls.append(len(x)) or encode(x, y)
    model.log_weights(items(model), 7, rng=rng())
    model.one_pass(items(model), rng=rng(), k=7)
    assert calls == [3, 3]


@every
def test_items_of_a_batch_do_not_see_each_other(build):
    model = build()
    x = items(model)
    mu = model.encode(x)[0].numpy()
    np.testing.assert_allclose(model.encode(x[1:2])[0].numpy(), mu[1:2], rtol=1e-4, atol=1e-6)
    loss = model.decode(minigen.tensor(mu))[1:2].sum()
    assert loss.item() == pytest.approx(model.decode(minigen.tensor(mu[1:2])).sum().item(), rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_two_layers_weights_by_an_independent_computation(likelihood):
    model = two_layer(likelihood=likelihood).astype(np.float64)
    x, k = items(model, dtype=np.float64), 4
    found = model.log_weights(x, k, rng=rng(3)).numpy()

    def net(layers, h):
        dense_ones = [layer for layer in layers if hasattr(layer, "weight")]
        for i, layer in enumerate(dense_ones):
            h = h @ layer.weight.numpy() + layer.bias.numpy()
            h = np.tanh(h) if i < len(dense_ones) - 1 else h
        return h

    def log_normal(a, mu, logvar):
        return -0.5 * (np.log(2 * np.pi) + logvar + (a - mu) ** 2 / np.exp(logvar)).sum()

    noise = rng(3)
    first, second = noise.standard_normal((3, k, 3)), noise.standard_normal((3 * k, 2)).reshape(3, k, 2)
    for i in range(3):
        mu1, logvar1 = np.split(net(model.encoder, x.numpy()[i]), 2)
        for j in range(k):
            h1 = mu1 + np.exp(logvar1 / 2) * first[i, j]
            mu2, logvar2 = np.split(net(model.encoder2, h1), 2)
            h2 = mu2 + np.exp(logvar2 / 2) * second[i, j]
            a = net(model.decoder, h1)
            b = x.numpy()[i]
            log_px = (b * a - np.log1p(np.exp(a))).sum() if likelihood == "bernoulli" else log_normal(b, a, 0.0)
            log_p = log_px + log_normal(h1, *np.split(net(model.decoder2, h2), 2)) + log_normal(h2, 0, 0 * h2)
            wanted = log_p - log_normal(h1, mu1, logvar1) - log_normal(h2, mu2, logvar2)
            assert found[i, j] == pytest.approx(wanted, rel=1e-10)


# Conditions -----------------------------------------------------------------------------------------------------------


@in_one_stage
def test_labels_reach_the_encoder_and_the_decoder(build):
    model = build(labels=3)
    x, z = items(model), minigen.ones(3, model.latent)
    y, other = (minigen.tensor(one_hot(np.array(c), 3)) for c in ([0, 1, 2], [0, 2, 2]))
    for a, b in (
        (model.encode(x, y)[0], model.encode(x, other)[0]),
        (model.decode(z, y), model.decode(z, other)),
        (model.log_weights(x, 2, rng=rng(), y=y), model.log_weights(x, 2, rng=rng(), y=other)),
        (model(x, y), model(x, other)),
    ):
        differs = [(p != q).any() for p, q in zip(a.numpy(), b.numpy(), strict=True)]
        assert differs == [False, True, False]  # each item has its own label, for all of its draws
    assert model.one_pass(x, rng=rng(), k=2, y=y).log_px.shape == (3, 2)


@in_one_stage
def test_labels_are_asked_for_where_there_are_some_and_refused_where_there_are_none(build):
    with_labels, without = build(labels=3), build()
    x, z, y = items(without), minigen.ones(3, without.latent), minigen.ones(3, 3)
    name = type(without).__name__
    for call in (lambda: with_labels.encode(x), lambda: with_labels.decode(z), lambda: with_labels(x)):
        with pytest.raises(
            ShapeError, match=rf"{name}: y is None; it must be \(3, 3\), one-hot rows that say the class"
        ):
            call()
    with pytest.raises(ShapeError, match=rf"{name}: y is \(2, 3\); it must be \(3, 3\)"):
        with_labels.log_weights(x, 2, rng=rng(), y=y[:2])
    for call in (
        lambda: without.encode(x, y),
        lambda: without.decode(z, y),
        lambda: without.one_pass(x, rng=rng(), y=y),
    ):
        with pytest.raises(ShapeError, match=rf"{name}: y is \(3, 3\); it must be None: this model has no labels"):
            call()


def test_two_layers_have_no_labels_and_no_code_to_start_from():
    model = two_layer()
    x = items(model)
    with pytest.raises(ShapeError, match=r"TwoLayerVae: y is \(3, 2\); it must be None"):
        model.log_weights(x, 2, rng=rng(), y=minigen.ones(3, 2))
    mu, logvar = model.encode(x)
    with pytest.raises(SettingError, match="its code is drawn in two stages; ask for log_weights"):
        model.weights_of_code(x, mu, logvar, 2, rng=rng())
    with pytest.raises(SettingError, match="its code is drawn in two stages; ask for log_weights"):
        model.one_pass(x, rng=rng())


def test_one_hot_rows():
    np.testing.assert_array_equal(one_hot(np.array([2, 0]), 3), [[0, 0, 1], [1, 0, 0]])
    assert one_hot(np.array([1]), 3).dtype == np.float32


# What is refused ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "build, message",
    [
        (lambda: dense(latent=0), r"DenseVae: latent=0 and every length of item=\(2, 3\) must be at least 1"),
        (lambda: dense(item=(2, 0)), r"every length of item=\(2, 0\)"),
        (lambda: dense(item=()), r"every length of item=\(\)"),
        (lambda: dense(labels=-1), "labels=-1 at least 0"),
        (lambda: dense(likelihood="poisson"), "DenseVae: likelihood 'poisson' is unknown; it is bernoulli or gaussian"),
        (lambda: two_layer(likelihood="grey"), "TwoLayerVae: likelihood 'grey' is unknown"),
        (lambda: conv(side=30), "ConvVae: side=30 must be one of 28, 32, 64"),
        (lambda: conv(width=0), "ConvVae: channels=1 must be at least 1, and width=0 above 0"),
        (lambda: conv(latent=0), r"ConvVae: latent=0 and every length of item=\(28, 28, 1\)"),
        (lambda: motion(frames=20), "MotionVae: frames=20 must be a multiple of 8, such as 64"),
        (lambda: motion(frames=0), "MotionVae: frames=0 must be a multiple of 8"),
        (lambda: motion(features=0), r"MotionVae: latent=3 and every length of item=\(16, 0\)"),
        (lambda: dense().log_weights(items(dense()), 0, rng=rng()), "reparameterise: k=0 must be at least 1"),
    ],
)
def test_settings_out_of_bounds_are_refused(build, message):
    with pytest.raises(SettingError, match=message):
        build()


@every
def test_an_x_of_another_shape_is_refused(build):
    model = build()
    name, wanted = type(model).__name__, ", ".join(map(str, model.item))
    with pytest.raises(ShapeError, match=rf"{name}: x has shape \(3, 5, 5\); it must be \(N, {wanted}\)\."):
        model.log_weights(minigen.zeros(3, 5, 5), 2, rng=rng())


def test_a_vae_that_defines_nothing_says_what_it_needs():
    with pytest.raises(NotImplementedError, match=r"Vae does not define encode\(self, x, y\)"):
        Vae().encode(minigen.zeros(1, 2))
    with pytest.raises(NotImplementedError, match=r"Vae does not define decode\(self, z, y\)"):
        Vae().decode(minigen.zeros(1, 2))


def test_one_hot_is_1_at_its_class_and_refuses_others():
    np.testing.assert_array_equal(one_hot(np.array([1, 0]), 3), [[0, 1, 0], [1, 0, 0]])
    assert one_hot(np.array([], int), 3).shape == (0, 3)
    for classes in ([-1, 2], [0, 3]):
        with pytest.raises(DataError, match=r"came for 3 labels, 0 to 2\."):
            one_hot(np.array(classes), 3)

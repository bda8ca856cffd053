"""The pictures of a VAE of images: what is on them, how large they are, and what their captions say."""

import numpy as np
import pytest
from PIL import Image

from minigen.data import Images, to_float
from minigen.train import pictures, runs
from minigen.train.album_vae import VaeAlbum, dimensions, measured
from minigen.train.sources import Source
from minigen.train.vae import Vae
from minigen.train.vae_config import Config

METRICS = [{"step": 1, "loss": 2.0, "reconstruction": 1.5, "kl": 0.5, "elbo": -2.0, "active": 1.0}]


def size_of(columns, rows, side=56, gap=2):
    """(width, height) of a grid of images enlarged to 56 pixels."""
    return columns * (side + gap) - gap, rows * (side + gap) - gap


def measure(path):
    """(width, height) of a picture."""
    with Image.open(path) as picture:
        return picture.size


def images(n, seed=0, labels=None):
    pixels = np.random.default_rng(seed).integers(0, 256, (n, 28, 28, 1)).astype(np.uint8)
    factors = None if labels is None else np.array([(i,) for i in labels], [("label", "u1")])
    return Images(pixels, factors)


def album_of(folder, data, held_out=None, **settings):
    """An album of an untrained model in a folder that has its first samples."""
    recipe = Vae(Config(**{"width": 0.05, "latent": 4, **settings}), {})
    album = VaeAlbum(folder, recipe, Source(data, held_out, {}))
    album.draw(album.samples())
    return album


def test_every_picture_has_its_size_and_caption(finished):
    run, _ = finished("--steps 3")
    sizes = {path.name: measure(path) for path in run.glob("*.png")}
    assert sizes["reals.png"] == size_of(8, 3)  # there are twenty
    assert sizes["reconstructions.png"] == size_of(8, 8)  # 32 of them, each with its reconstruction
    assert sizes["interpolations.png"] == size_of(11, 4)
    carrying = sizes["traversals.png"][1]
    assert sizes["traversals.png"][0] == size_of(11, 1)[0] and carrying in [size_of(1, n)[1] for n in (1, 2, 3, 4)]
    assert measure(run / "training.gif") == size_of(8, 8)
    text = {path.name: pictures.read_text(path) for path in run.glob("*.png")}
    held = "images held out of the training"
    assert text["reconstructions.png"]["caption"] == f"Odd rows: {held}. Even rows: the same, encoded and decoded."
    assert held in text["interpolations.png"]["caption"]
    assert "columns: from −2.5 to 2.5" in text["traversals.png"]["caption"]
    assert "nats per image" in text["latents.png"]["reading"] and "of 4 dimensions" in text["latents.png"]["reading"]
    assert text["curves.png"]["reading"] == runs.load(run).reading


def test_two_latents_have_a_map(finished):
    run, _ = finished("--steps 3 --condition sea --latent 2 --likelihood bernoulli")
    assert measure(run / "latent_map.png") == size_of(15, 15)
    assert "15 equally likely intervals" in pictures.read_text(run / "latent_map.png")["caption"]
    other, _ = finished("--steps 3")
    assert not (other / "latent_map.png").exists()


def test_the_map_has_z1_to_the_right_and_z2_upwards(tmp_path, monkeypatch):
    album = album_of(tmp_path, images(9), latent=2)
    asked = []
    real = album.recipe.generate
    monkeypatch.setattr(album.recipe, "generate", lambda z, classes=None: (asked.append(z), real(z, classes))[1])
    album.map()
    z = asked[0].reshape(15, 15, 2)
    assert (np.diff(z[..., 0], axis=1) > 0).all() and (np.diff(z[..., 1], axis=0) < 0).all()
    assert z[7, 7].tolist() == [0, 0] and z[0, 0, 0] == pytest.approx(-1.834, abs=1e-3)  # the 1/30 quantile


def test_the_latents_picture_names_the_collapsed_dimensions(tmp_path):
    album = album_of(tmp_path, images(12))
    model = album.recipe.model
    model.to_code.weight.data[:, 0] *= 20  # the mean of latent 0
    model.to_code.weight.data[:, [1, 2, 3, 5, 6, 7]] = 0.0  # means, then log σ², of the others: they cost nothing
    x, _ = album.measured()
    used = dimensions(album.recipe, *album.recipe.codes(x), tmp_path, "image")
    assert used.tolist() == [0]
    assert "Collapsed, below 0.05 nats: 1, 2, 3." in pictures.read_text(tmp_path / "latents.png")["reading"]
    album.traversals(album.recipe.codes(x)[0], used, None)
    assert measure(tmp_path / "traversals.png") == size_of(11, 1)
    assert pictures.read_text(tmp_path / "traversals.png")["caption"].startswith("Rows: latent dimensions 0;")


@pytest.mark.parametrize("latent, rows", [(4, 4), (12, 8)])
def test_where_every_latent_has_collapsed_some_are_walked_along_all_the_same(tmp_path, latent, rows):
    album = album_of(tmp_path, images(9), latent=latent)
    mu = album.recipe.codes(album.measured()[0])[0]
    album.traversals(mu, np.array([], np.intp), None)
    assert measure(tmp_path / "traversals.png") == size_of(11, rows)


def test_a_traversal_moves_one_dimension_at_a_time(tmp_path, monkeypatch):
    album = album_of(tmp_path, images(9))
    asked = []
    real = album.recipe.generate
    monkeypatch.setattr(album.recipe, "generate", lambda z, classes=None: (asked.append(z), real(z, classes))[1])
    mu = album.recipe.codes(album.measured()[0])[0]
    album.traversals(mu, np.array([3, 1]), None)
    z = asked[0].reshape(2, 11, 4)
    for row, j in ((0, 3), (1, 1)):
        assert np.allclose(z[row, :, j], np.linspace(-2.5, 2.5, 11))
        assert (np.delete(z[row], j, axis=1) == np.delete(mu[0], j)).all()


@pytest.mark.parametrize("count", [2, 3, 9])
def test_few_images_have_their_pictures_too(tmp_path, count):
    album = album_of(tmp_path, images(count))
    album.begin()
    album.finish(METRICS)
    both = (count, 2) if count < 8 else (8, 2)
    assert measure(tmp_path / "reconstructions.png") == size_of(*both)
    caption = pictures.read_text(tmp_path / "reconstructions.png")["caption"]
    assert caption == "Odd rows: images it was trained on. Even rows: the same, encoded and decoded."


def test_reconstructions_stand_below_their_originals(tmp_path, monkeypatch):
    album = album_of(tmp_path, images(4), images(16, seed=1))
    monkeypatch.setattr(album.recipe, "reconstruct", lambda x, classes: np.full_like(x, -1.0))
    x, _ = album.measured()
    album.reconstructions(x, None)
    picture = pictures.read_png(tmp_path / "reconstructions.png")
    for row, black in enumerate((False, True, False, True)):
        assert (picture[58 * row : 58 * row + 56, :56] == 0).all() == black
    first = pictures.enlarge(album.source.held_out.items[:1], 2)[0]
    assert np.array_equal(picture[:56, :56], first)


def test_held_out_images_are_measured_where_there_are_any_and_with_their_classes(tmp_path):
    recipe = Vae(Config(width=0.05, latent=4, condition="label"), {"classes": ["0", "1", "2"]})
    data, held_out = images(6, labels=[0, 1, 2, 0, 1, 2]), images(5, seed=1, labels=[2, 2, 0, 1, 0])
    x, classes = measured(Source(data, held_out, {}), recipe)
    assert np.array_equal(x, to_float(held_out.items)) and classes.tolist() == [2, 2, 0, 1, 0]
    x, classes = measured(Source(data, None, {}), recipe, 4)
    evenly = [0, 2, 3, 5]
    assert np.array_equal(x, to_float(data.items[evenly])) and classes.tolist() == [0, 2, 0, 2]


def test_samples_are_of_the_same_noise_every_time(tmp_path):
    album, other = (album_of(tmp_path, images(4)) for _ in range(2))
    assert np.array_equal(album.samples(), other.samples()) and album.samples().shape == (64, 28, 28, 1)
    assert any("python -m minigen.sample" in line for line in album.sayings())

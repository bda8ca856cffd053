"""The pictures of a VAE of motion, and its BVH files: that they load, and that windows of every length have them."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from minigen.data import motions
from minigen.data.motions import open_motion
from minigen.motion import read_bvh
from minigen.motion.loops import seamless
from minigen.train import pictures, runs
from minigen.train.about import about
from minigen.train.album_motion import MotionAlbum, _one_size, _plain
from minigen.train.album_vae import measured
from minigen.train.gif import gif_rate
from minigen.train.sources import Source
from minigen.train.vae import Vae
from minigen.train.vae_config import Config

RUN = "--steps 3 --data motion --window 16 --condition action"
METRICS = [{"step": 1, "loss": 2.0, "reconstruction": 1.5, "kl": 0.5, "elbo": -2.0, "active": 1.0}]


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(motions, "HELD_OUT", 3)


def film(path):
    """(frames, width, height, seconds) of a GIF; equal neighbours are one frame shown longer."""
    with Image.open(path) as picture:
        delays = []
        for i in range(picture.n_frames):
            picture.seek(i)
            delays.append(picture.info["duration"])
        return picture.n_frames, *picture.size, sum(delays) / 1000


def album_of(folder, *, count=6, condition="none", **settings):
    """An album of an untrained model of built-in motion, in a folder that has its first samples."""
    config = Config(**{"data": "motion", "window": 16, "width": 0.05, "latent": 4, "condition": condition, **settings})
    data, held_out = open_motion("motion", count=count, window=config.window, fps=config.fps)
    recipe = Vae(config, about(data, condition))
    album = MotionAlbum(folder, recipe, Source(data, held_out, {}))
    album.draw(album.samples())
    return album


# A whole run ----------------------------------------------------------------------------------------------------------


def as_in(skeleton, clip):
    """The clip's places, its joints in another skeleton's order: a BVH file lists a child right after its parent."""
    return clip.places[:, [clip.skeleton.names.index(name) for name in skeleton.names]]


def test_the_bvh_files_load_with_the_skeleton_rate_and_frames_of_the_data(finished):
    run, _ = finished(RUN)
    recipe = runs.load(run)
    lengths = dict(zip(recipe.skeleton.names, recipe.skeleton.offsets, strict=True))
    for path in (run / "bvh").iterdir():
        clip = read_bvh(path, unit="m")
        assert sorted(clip.skeleton.names) == sorted(lengths) and clip.fps == 30
        for name, offset in zip(clip.skeleton.names[1:], clip.skeleton.offsets[1:], strict=True):
            assert np.allclose(offset, lengths[name], atol=1e-6)  # metres: six decimals
        assert len(clip) == 16 or path.name == "loop_00.bvh"
        assert np.isfinite(clip.places).all()


def test_sample_files_are_what_is_drawn_of_the_albums_noise(finished, tmp_path):
    run, _ = finished(RUN)
    recipe = runs.load(run)
    data, held_out = open_motion("motion", count=20, window=16)
    album = MotionAlbum(tmp_path, recipe, Source(data, held_out, {}))
    for i, clip in enumerate(recipe.clips(album.samples())):
        written = read_bvh(run / f"bvh/sample_{i:02d}.bvh", unit="m")
        assert np.allclose(as_in(clip.skeleton, written), clip.places, atol=1e-4)  # metres: six decimals of degrees
    loop, made = (
        read_bvh(run / "bvh/loop_00.bvh", unit="m"),
        seamless(next(recipe.clips(album.samples())), 8 / 30, recipe.carrier),
    )
    assert len(loop) == len(made) >= 8 and np.allclose(as_in(made.skeleton, loop), made.places, atol=1e-4)


def test_every_film_has_its_size_and_its_time(finished):
    run, _ = finished(RUN)
    for name, size in {
        "reals.gif": (512, 256),
        "samples.gif": (512, 256),
        "styles.gif": (5 * 128, 143),  # with a line of their names
        "interpolation.gif": (7 * 128, 128),
        "reconstructions.gif": (2 * 192, 3 * 192),
        "loop.gif": (2 * 192, 192),
    }.items():
        frames, width, height, seconds = film(run / name)
        assert (width, height) == size, name
        if name != "loop.gif":
            assert seconds == pytest.approx(16 / 30, abs=0.006) and frames > 1, name  # a GIF's unit is 10 ms
    assert film(run / "training.gif")[3] == pytest.approx(8 / 6, abs=0.01)  # two pictures, and six times the last
    assert "nats per window" in pictures.read_text(run / "latents.png")["reading"]
    assert pictures.read_text(run / "curves.png")["reading"] == runs.load(run).reading


def test_samples_are_labelled_with_their_classes(tmp_path):
    album = album_of(tmp_path, condition="action")
    assert album._names(4) == (album.recipe.classes * 4)[:4] and len(album.recipe.classes) > 1
    assert album_of(tmp_path)._names(4) == []
    said = list(album.sayings())
    assert "python -m minigen.sample" in said[0] and f"for Blender: {tmp_path / 'bvh'}" in said[1]


# Windows of every length, and few of them -----------------------------------------------------------------------------


@pytest.mark.parametrize("window, fps", [(8, 30), (8, 120), (16, 60), (8, 4)])
def test_short_windows_have_every_picture_too(tmp_path, window, fps):
    album = album_of(tmp_path, window=window, fps=fps, count=2)
    album.begin()
    album.finish(METRICS)
    loop = read_bvh(tmp_path / "bvh/loop_00.bvh", unit="m")
    assert 2 <= len(loop) < window and loop.fps == fps
    rate = float(gif_rate(Fraction(fps)))
    assert film(tmp_path / "samples.gif")[3] == pytest.approx(window / fps, abs=1 / rate)  # no slow motion


def test_one_measured_window_is_enough(tmp_path):
    album = album_of(tmp_path, count=2)
    album.source = replace(album.source, held_out=album.source.held_out.take(np.array([1])))
    album.begin()
    album.finish(METRICS)
    assert film(tmp_path / "reconstructions.gif")[1:3] == (384, 576)


def test_held_out_windows_are_measured_and_without_them_those_of_the_training(tmp_path):
    album = album_of(tmp_path)
    x, classes = measured(album.source, album.recipe)
    assert np.array_equal(x, album.source.held_out.items) and classes is None
    x, _ = measured(replace(album.source, held_out=None), album.recipe, 4)
    items = album.source.data.items
    assert np.array_equal(x, items[np.linspace(0, len(items) - 1, 4).round().astype(int)])


def test_between_two_clips_the_way_is_straight_and_styles_share_one_code(tmp_path, monkeypatch):
    album = album_of(tmp_path, condition="action", count=12)
    asked = []
    real = album.recipe.generate
    monkeypatch.setattr(
        album.recipe, "generate", lambda z, classes=None: (asked.append((z, classes)), real(z, classes))[1]
    )
    mu = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    album._between(mu, np.array([2, 1, 1, 1, 0]))
    album.run.joinpath("bvh").mkdir()
    album._styles(mu)
    (z, classes), (same, every) = asked
    assert np.allclose(z[0], mu[0]) and np.allclose(z[-1], mu[4], atol=1e-6) and np.allclose(z[3], (mu[0] + mu[4]) / 2)
    assert classes.tolist() == [2] * 7
    assert (same == mu[0]).all() and every.tolist() == list(range(len(album.recipe.classes)))


def test_pictures_of_several_sizes_come_onto_one_paper():
    small, wide = np.full((4, 5, 3), 9, np.uint8), np.full((3, 8, 3), 7, np.uint8)
    one, two = _one_size([small, wide])
    assert one.shape == two.shape == (4, 8, 3)
    assert np.array_equal(one[:, :5], small) and np.array_equal(two[:3], wide)


def test_a_styles_name_becomes_a_files_name():
    assert _plain("not-confident") == "not-confident" and _plain("a b/c") == "a_b_c"

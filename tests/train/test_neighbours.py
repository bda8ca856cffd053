"""The nearest training image, against the plain formula."""

import json
import sys

import numpy as np
import pytest

from minigen.data import to_float
from minigen.errors import SettingError, ShapeError
from minigen.train import neighbours, pictures
from minigen.train.neighbours import nearest, panel


def random_images(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("chunk", [1, 5_000, 1 << 25])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_nearest_is_that_of_the_plain_formula(monkeypatch, channels, chunk):
    monkeypatch.setattr(sys.modules["minigen.metrics.neighbours"], "CHUNK_BYTES", chunk)
    samples, training = random_images(7, 6, 5, channels), random_images(50, 6, 5, channels, seed=1)
    indices, distances = nearest(samples, training)
    difference = (samples[:, None].astype(float) - training[None]) / 255
    plain = np.sqrt((difference**2).mean(axis=(2, 3, 4)))
    assert (indices == plain.argmin(axis=1)).all()
    assert np.allclose(distances, plain.min(axis=1), rtol=1e-12)


def test_the_distance_from_black_to_white_is_one():
    black, white = np.zeros((1, 4, 4, 1), np.uint8), np.full((1, 4, 4, 1), 255, np.uint8)
    assert nearest(black, white)[1].tolist() == [1.0]


def test_copies_have_distance_zero_also_among_images_that_nearly_equal_them():
    training = np.repeat(random_images(1, 28, 28, 1), 40, axis=0)
    training[:, 3, 4, 0] = np.arange(40)  # they differ in one pixel, below what float32 sees in a matrix product
    for i in (0, 17, 39):
        indices, distances = nearest(training[i : i + 1], training)
        assert distances[0] <= 39 / 255 / 28 and (distances[0] == 0) == (indices[0] == i)
    far = random_images(3000, 28, 28, 1, seed=2)
    indices, distances = nearest(far[[2999, 5, 1234]], far)
    assert indices.tolist() == [2999, 5, 1234] and distances.tolist() == [0, 0, 0]


def test_floats_and_bytes_give_the_same_answer():
    samples, training = random_images(4, 6, 6, 1), random_images(30, 6, 6, 1, seed=1)
    for a, b in zip(nearest(samples, training), nearest(to_float(samples), to_float(training)), strict=True):
        assert (a == b).all()


def test_of_equally_near_images_the_first_counts():
    training = np.repeat(random_images(1, 5, 5, 1), 6, axis=0)
    assert nearest(training[:2], training)[0].tolist() == [0, 0]


@pytest.mark.parametrize(
    "samples, training", [((2, 4, 4, 1), (5, 4, 4, 3)), ((0, 4, 4, 1), (5, 4, 4, 1)), ((4, 4), (4, 4))]
)
def test_images_that_cannot_be_compared_are_refused(samples, training):
    with pytest.raises(ShapeError, match="neighbours: samples"):
        nearest(np.zeros(samples, np.uint8), np.zeros(training, np.uint8))


def test_the_percentile_is_the_rank_among_held_out_distances():
    training = np.zeros((1, 1, 1, 1), np.uint8)
    held_out = np.arange(10, 210, dtype=np.uint8).reshape(200, 1, 1, 1)  # distances 10 … 209
    samples = np.array([0, 11, 110, 250], np.uint8).reshape(4, 1, 1, 1)
    _, rows = panel(samples, training, held_out)
    assert [row["percentile"] for row in rows] == pytest.approx([0, 0.75, 50.25, 100])
    assert [row["marked"] for row in rows] == [True, True, False, False]
    assert [row["distance"] for row in rows] == pytest.approx([0, 11 / 255, 110 / 255, 250 / 255])


def test_without_held_out_images_only_copies_are_marked():
    training = random_images(20, 8, 8, 1)
    samples = np.concatenate([training[7:8], random_images(1, 8, 8, 1, seed=5)])
    _, rows = panel(samples, training)
    assert rows[0] == {"sample": 0, "training": 7, "distance": 0.0, "percentile": None, "marked": True}
    assert not rows[1]["marked"] and rows[1]["distance"] > 0.1


@pytest.mark.parametrize("channels", [1, 3])
def test_the_panel_shows_pairs_and_frames_the_marked_ones(channels):
    training = random_images(20, 28, 28, channels)
    samples = np.concatenate([random_images(2, 28, 28, channels, seed=5), training[3:4]])
    picture, rows = panel(samples, training, columns=2)
    margin, pair = neighbours.MARGIN, 2 * 56 + 2 + 2 * neighbours.MARGIN
    assert picture.shape == (2 * (56 + 2 * margin) + 6, 2 * pair + 6, 3)
    left = picture[margin : margin + 56 : 2, margin : margin + 56 : 2]
    right = picture[margin : margin + 56 : 2, margin + 58 : margin + 58 + 56 : 2]
    assert (left == samples[0]).all() and (right == training[rows[0]["training"]]).all()
    assert (picture[0, :pair] == pictures.DARK).all()
    assert (picture[56 + 2 * margin + 6, :pair] == neighbours.MARK).all()


def test_the_saved_panel_carries_its_rows(tmp_path):
    training = random_images(20, 8, 8, 1)
    rows = neighbours.save_panel(tmp_path / "n.png", training[:3], training, random_images(9, 8, 8, 1, seed=1))
    assert json.loads(pictures.read_text(tmp_path / "n.png")["rows"]) == rows and len(rows) == 3


def test_wrong_columns_are_named():
    with pytest.raises(SettingError, match="columns is 0"):
        panel(random_images(1, 4, 4, 1), random_images(1, 4, 4, 1), columns=0)

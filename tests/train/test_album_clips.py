"""The pictures of clips: rows of frames that can be read back, films, and the training clip nearest to each sample."""

from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from minigen.data import Clips
from minigen.errors import ShapeError
from minigen.train.album_clips import ClipAlbum, clips_in, film_of, rows_of
from minigen.train.neighbours import nearest, panel
from minigen.train.report_parts import neighbours


def some(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("shape", [(6, 16, 32, 32, 1), (2, 24, 64, 64, 3), (3, 8, 32, 32, 3), (1, 16, 64, 64, 1)])
def test_a_picture_of_rows_gives_its_clips_back(shape):
    clips = some(*shape)
    found = clips_in(rows_of(clips), shape[1])
    scale = found.shape[2] // shape[2]
    assert found.shape == (*shape[:2], shape[2] * scale, shape[3] * scale, shape[4])
    assert (found[:, :, ::scale, ::scale] == clips).all() and (found[:, :, scale - 1 :: scale, ::scale] == clips).all()


def test_a_film_shows_all_clips_at_one_moment():
    clips = some(7, 5, 64, 64, 1)
    film = film_of(clips)
    assert len(film) == 5
    assert (film[3][:64, :64] == clips[0, 3]).all() and (film[3][-64:, :64] == clips[6, 3]).all()  # six in a row


class Drawn:
    """A recipe whose samples are given; clips of 16 frames at 12 a second."""

    config, reading, balance = SimpleNamespace(seed=0), "", None

    def __init__(self, loops):
        self.loops, self.step_count = loops, 0

    def latents(self, n, rng):
        return np.zeros((n, 1))

    def generate(self, z):
        return some(len(z), 16, 32, 32, 1, seed=self.step_count)


@pytest.mark.parametrize("loops", [True, False])
def test_films_rest_at_the_end_of_what_does_not_loop_and_the_training_ends_in_the_last_samples(loops, tmp_path):
    (tmp_path / "samples").mkdir()
    recipe, clips = Drawn(loops), Clips(some(30, 16, 32, 32, 1), loops=loops, fps=Fraction(10))
    album = ClipAlbum(tmp_path, recipe, SimpleNamespace(data=clips, held_out=None))
    album.begin()
    for step in range(2):
        recipe.step_count = step
        album.draw(album.samples())
    album.finish([])
    for name in ("reals.gif", "samples.gif"):
        seconds, frames = played(tmp_path / name)
        assert seconds == pytest.approx(1.6 if loops else 2.1) and len(frames) == 16
    seconds, frames = played(tmp_path / "training.gif")
    assert seconds == pytest.approx((2 * 4 + 2 * 16) / 10)
    first, last = (some(24, 16, 32, 32, 1, seed=step) for step in range(2))
    for k, (clip, t) in enumerate([(first, 0), (first, 1), (first, 2), (first, 3), (last, 4), (last, 5)]):
        assert (frames[k][:64:2, :64:2] == clip[0, t, ..., 0]).all()  # they play on while they change
    assert (frames[-1][:64:2, :64:2] == last[0, (8 + 31) % 16, ..., 0]).all()


def played(path):
    """(seconds that a GIF lasts, its frames)."""
    with Image.open(path) as film:
        frames, seconds = [], 0.0
        for t in range(film.n_frames):
            film.seek(t)
            seconds += film.info["duration"] / 1000
            frames.append(np.asarray(film.convert("L")))
    return seconds, frames


def test_the_nearest_clip_is_nearest_as_a_whole():
    training = some(30, 4, 6, 6, 1)
    samples = training[[7, 20]].copy()
    samples[0, 3] = training[11, 3]  # one frame of another
    indices, distances = nearest(samples, training)
    assert indices.tolist() == [7, 20] and distances[1] == 0 < distances[0]
    plain = np.sqrt((((samples[:, None].astype(float) - training) / 255) ** 2).mean(axis=(2, 3, 4, 5)))
    assert distances == pytest.approx(plain.min(axis=1), rel=1e-12)
    for wrong in (training[:, :3], training[:0], training[..., None]):
        with pytest.raises(ShapeError, match="neighbours: samples"):
            nearest(samples, wrong)
    for wrong in (training[:, 0, 0], training[..., None]):
        with pytest.raises(ShapeError, match="neighbours: samples"):
            nearest(wrong, wrong)


def test_a_pair_of_clips_is_a_row_above_a_row_and_a_copy_is_framed():
    training, held_out = some(20, 4, 8, 8, 1), some(10, 4, 8, 8, 1, seed=1)
    samples = np.stack([training[3], some(4, 8, 8, 1, seed=2)])
    picture, rows = panel(samples, training, held_out, columns=2)
    assert [row["marked"] for row in rows] == [True, False] and rows[0]["percentile"] == 0
    assert (picture[4:12, 4:12] == training[3, 0]).all() and (picture[13:21, 4:12] == training[3, 0]).all()
    assert (picture[4:12, 13:21] == training[3, 1]).all() and (picture[0, 0] == [213, 94, 0]).all()
    partner = training[rows[1]["training"]]
    assert (picture[4:12, 53:61] == samples[1, 0]).all() and (picture[13:21, 53:61] == partner[0]).all()


def test_the_report_speaks_of_the_items_there_are(tmp_path):
    from minigen.train.neighbours import save_panel

    save_panel(
        tmp_path / "neighbours.png", some(2, 4, 8, 8, 1), some(9, 4, 8, 8, 1, seed=1), some(5, 4, 8, 8, 1, seed=2)
    )
    text = neighbours(tmp_path, "clip")
    assert "nearest training clip" in text and "99 in 100 clips" in text and "training image" not in text
    assert "nearest training image" in neighbours(tmp_path)

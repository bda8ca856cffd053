"""Grids, PNG files and curves."""

import math

import numpy as np
import pytest
from PIL import Image

from minigen.data import to_float
from minigen.errors import DataError, SettingError, ShapeError
from minigen.train import pictures

BALANCE = {"discriminator": 2 * math.log(2), "generator": math.log(2)}


def random_images(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def rows(n):
    return [{"step": i + 1, "discriminator": 1.4, "generator": 0.7 + i, "d_real": 0.6, "d_fake": 0.4} for i in range(n)]


def test_floats_become_the_bytes_they_were_made_from():
    items = random_images(3, 4, 4, 1)
    assert (pictures.to_pixels(to_float(items)) == items).all()
    assert pictures.to_pixels(items) is items


@pytest.mark.parametrize("channels", [1, 3])
def test_a_grid_shows_every_image_in_its_place(channels):
    items = random_images(5, 6, 4, channels)
    picture = pictures.grid(items, columns=3, gap=1, scale=2)
    assert picture.shape == (2 * 12 + 1, 3 * 8 + 2, channels) and picture.dtype == np.uint8
    for i, item in enumerate(items):
        top, left = i // 3 * 13, i % 3 * 9
        assert (picture[top : top + 12 : 2, left : left + 8 : 2] == item).all()
        assert (picture[top + 1 : top + 12 : 2, left + 1 : left + 8 : 2] == item).all()
    assert (picture[12] == pictures.DARK).all() and (picture[13:, 18:] == pictures.DARK).all()


@pytest.mark.parametrize("side, enlarged", [(1, 56), (8, 56), (28, 56), (32, 64), (56, 56), (64, 64)])
def test_small_images_are_enlarged_by_a_whole_factor_until_they_are_legible(side, enlarged):
    assert pictures.grid(random_images(1, side, side, 1)).shape == (enlarged, enlarged, 1)


def test_a_grid_is_nearly_square_unless_columns_are_given():
    items = random_images(7, 56, 56, 1)
    assert pictures.grid(items, gap=0).shape == (3 * 56, 3 * 56, 1)
    assert pictures.grid(items, columns=7, gap=0).shape == (56, 7 * 56, 1)
    assert pictures.grid(items, columns=99, gap=0).shape == (56, 7 * 56, 1)


@pytest.mark.parametrize("shape", [(0, 4, 4, 1), (4, 4, 1), (2, 4, 4, 2)])
def test_a_grid_of_something_else_is_refused(shape):
    with pytest.raises(ShapeError, match="grid: items have shape"):
        pictures.grid(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("channels", [1, 3])
def test_light_with_alpha_laid_over_black_is_the_picture(channels):
    items = random_images(2, 9, 7, channels)
    items[0, :4] = 0
    items[1] //= 32  # dark, where a level is much of the quotient
    found = pictures.with_alpha(items)
    assert found.shape == (2, 9, 7, 4) and found.dtype == np.uint8
    colour, alpha = found[..., :3].astype(int), found[..., 3:].astype(int)
    assert (alpha == items.max(axis=-1, keepdims=True)).all() and (alpha[0, :4] == 0).all()
    back = colour * alpha / 255
    # the quotient is rounded to half a level of 255 and multiplied by alpha, at most 1: half a level, and another half
    # where the result is rounded
    assert np.abs(np.rint(back) - items).max() <= 1 and np.abs(back - items).max() <= 0.5
    brightest = colour.max(axis=-1, keepdims=True)
    assert (brightest[alpha > 0] == 255).all()  # straight alpha: colour is as bright as it can be
    if channels == 1:
        assert (colour == 255).all() and (back == items).all()


def test_light_with_alpha_is_kept_by_png_and_lies_over_another_picture(tmp_path):
    picture = pictures.with_alpha(random_images(6, 5, 3))
    pictures.save_png(tmp_path / "a.png", picture, {"seeds": "7"})
    assert (pictures.read_png(tmp_path / "a.png") == picture).all()
    behind = Image.new("RGBA", (5, 6), (40, 90, 200, 255))
    with Image.open(tmp_path / "a.png") as front:
        assert front.mode == "RGBA" and front.text == {"seeds": "7"}
        laid = np.asarray(Image.alpha_composite(behind, front))[..., :3].astype(float)
    share = picture[..., 3:] / 255
    expected = picture[..., :3] * share + (1 - share) * np.array([40, 90, 200])
    assert np.abs(laid - expected).max() <= 1.01  # Pillow's own rounding


def test_between_pictures_with_alpha_there_is_nothing():
    items = np.full((3, 4, 4, 4), 200, np.uint8)
    picture = pictures.grid(items, columns=2, gap=1, scale=1)
    assert picture.shape == (9, 9, 4) and (picture[4] == 0).all() and (picture[:, 4] == 0).all()
    assert (picture[5:, 5:] == 0).all() and (picture[:4, :4] == 200).all()


def test_wrong_columns_and_scale_are_named():
    with pytest.raises(SettingError, match="columns is 0; it must be at least 1"):
        pictures.grid(random_images(1, 4, 4, 1), columns=0)
    with pytest.raises(SettingError, match="scale is 0; it must be at least 1"):
        pictures.grid(random_images(1, 4, 4, 1), scale=0)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_png_gives_back_its_pixels_and_its_text(tmp_path, channels):
    picture, text = random_images(9, 7, channels), {"seeds": "0-63", "run": "Abenddämmerung · 夕"}
    path = tmp_path / "new" / "a.png"
    pictures.save_png(path, picture, text)
    assert (pictures.read_png(path) == picture).all() and pictures.read_png(path).shape == picture.shape
    assert pictures.read_text(path) == text
    assert [p.name for p in path.parent.iterdir()] == ["a.png"]  # nothing half-written is left beside it


def test_a_picture_that_cannot_be_written_leaves_the_old_one(tmp_path):
    path = tmp_path / "a.png"
    pictures.save_png(path, random_images(4, 4, 1))
    before = path.read_bytes()
    with pytest.raises(ShapeError, match=r"a picture has shape \(H, W, C\), C of 1, 3 or 4, not \(4, 4\)"):
        pictures.save_png(path, random_images(4, 4))
    assert path.read_bytes() == before


def test_a_missing_and_a_damaged_picture_are_named(tmp_path):
    with pytest.raises(DataError, match="none.png: there is no such picture"):
        pictures.read_png(tmp_path / "none.png")
    path = tmp_path / "a.png"
    pictures.save_png(path, random_images(40, 40, 3))
    whole = path.read_bytes()
    for raw in (b"", b"not a picture", whole[:60], whole[: len(whole) // 2]):
        path.write_bytes(raw)
        with pytest.raises(DataError, match="a.png: not a picture, or damaged"):
            pictures.read_png(path)


@pytest.mark.parametrize(
    "metrics",
    [
        rows(300),
        rows(1),
        [],
        [{"step": 1}, {"step": 2, "generator": None, "d_real": math.nan}],
        [{**row, "generator": math.inf if row["step"] == 2 else 1.0, "penalty": 0.1} for row in rows(4)],
    ],
    ids=["many", "one", "none", "gaps", "infinite"],
)
@pytest.mark.parametrize("balance", [BALANCE, None], ids=["logistic", "scores"])
def test_curves_are_drawn_whatever_the_metrics_lack(tmp_path, metrics, balance):
    path = tmp_path / "curves.png"
    pictures.curves(path, metrics, "2 ln 2 = 1.386: costs $1 & more", balance)
    picture = pictures.read_png(path)
    assert min(picture.shape[:2]) > 500 and (picture < 128).any()
    assert pictures.read_text(path)["reading"] == "2 ln 2 = 1.386: costs $1 & more"


def test_the_balance_is_drawn_only_where_there_is_one(tmp_path):
    for name, balance in (("with.png", BALANCE), ("without.png", None)):
        pictures.curves(tmp_path / name, rows(50), "reading", balance)
    assert (pictures.read_png(tmp_path / "with.png") != pictures.read_png(tmp_path / "without.png")).any()


def test_smoothing_is_the_mean_around_each_point_and_passes_over_gaps():
    y = np.full(100, 3.0)
    y[50] = math.nan
    assert np.allclose(pictures.smooth(y), 3)
    ramp = np.arange(200.0)
    assert np.allclose(pictures.smooth(ramp)[10:-10], ramp[10:-10])
    noise = np.random.default_rng(0).normal(size=4000)
    assert pictures.smooth(noise).std() < 0.2
    assert np.isnan(pictures.smooth(np.array([math.nan]))).all() and len(pictures.smooth(np.array([]))) == 0

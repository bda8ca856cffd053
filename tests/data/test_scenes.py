"""The built-in stills: factors that are what they say, pictures that are made from them alone."""

import itertools

import numpy as np
import pytest

from minigen.data import FACTORS, RANGES, draw_factors, render, scenes, visible
from minigen.errors import DataError, SettingError


def levels_apart(a, b):
    return int(np.abs(a.astype(int) - b.astype(int)).max())


@pytest.mark.parametrize("size, channels", [(16, 1), (28, 1), (28, 3), (32, 3), (64, 1), (20, 3)])
def test_scenes_are_uint8_images_channels_last(size, channels):
    items, factors = scenes(5, size, channels, seed=1)
    assert items.shape == (5, size, size, channels) and items.dtype == np.uint8
    assert factors.shape == (5,) and factors.dtype == FACTORS


def test_the_same_seed_draws_the_same_scenes_and_another_seed_draws_others():
    a, b, c = (scenes(20, seed=seed) for seed in (3, 3, 4))
    assert (a[0] == b[0]).all() and (a[1] == b[1]).all()
    assert (a[1]["time"] != c[1]["time"]).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_the_first_hundred_of_a_thousand_are_the_hundred(channels):
    few, few_factors = scenes(100, 16, channels, seed=9)
    many, many_factors = scenes(1000, 16, channels, seed=9)
    assert (many_factors[:100] == few_factors).all()
    assert levels_apart(many[:100], few) == 0


def test_the_drawn_factors_are_the_same_on_every_platform():
    first = draw_factors(2, seed=0)[1]
    assert [first[name].item().hex() for name in ("time", "tower", "nuisance")] == [
        "0x1.1adcf9e7c30dep-2",
        "0x1.d319ef319f6a4p-3",
        "0x1.be5506a24a5b4p-3",
    ]


def test_rendering_the_factors_gives_the_items_whatever_stands_beside_them():
    items, factors = scenes(90, 28, 3, seed=5)
    assert levels_apart(render(factors, 28, 3), items) == 0
    assert levels_apart(render(factors[[70, 3]], 28, 3), items[[70, 3]]) == 0


def test_every_factor_is_uniform_on_its_range():
    factors = draw_factors(20_000, seed=2)
    for name, (lowest, highest) in RANGES.items():
        share = (factors[name].astype(float) - lowest) / (highest - lowest)
        assert 0 <= share.min() and share.max() <= 1
        if name == "sea":
            assert abs(share.mean() - 0.5) < 0.015  # 4 standard errors of a fair coin
        else:
            counts = np.histogram(share, 20, (0, 1))[0]
            assert ((counts - 1000) ** 2 / 1000).sum() < 50  # χ² with 19 degrees of freedom: p ≈ 1e-4


def test_factors_are_independent_of_each_other_and_of_their_neighbours():
    factors = draw_factors(20_000, seed=3)
    columns = {name: factors[name].astype(float) for name in RANGES}
    for a, b in itertools.combinations(RANGES, 2):
        assert abs(np.corrcoef(columns[a], columns[b])[0, 1]) < 0.03  # 4 / √20,000
    for name, column in columns.items():
        assert abs(np.corrcoef(column[1:], column[:-1])[0, 1]) < 0.03, name


def test_every_factor_changes_the_picture_where_it_is_visible():
    factors = draw_factors(40, seed=6)
    seen = visible(factors)
    for name, (lowest, highest) in RANGES.items():
        if name == "nuisance":
            continue
        moved = factors.copy()
        middle = (lowest + highest) / 2
        step = 0.3 * (highest - lowest)
        moved[name] = 1 - moved[name] if name == "sea" else np.where(moved[name] < middle, step, -step) + moved[name]
        change = np.abs(render(moved).astype(int) - render(factors)).reshape(40, -1).max(axis=1)
        assert (change[seen[name]] >= 3).mean() > 0.9, name


def test_what_cannot_be_seen_is_masked():
    factors = draw_factors(4, seed=0)
    factors["time"] = [0.5, 0.0, 0.0, 0.5]
    factors["skyline"] = [1.0, 1.0, 0.0, 0.0]
    factors["hills"] = [0.2, 0.2, 0.2, 0.0]
    seen = visible(factors)
    assert set(seen) == set(RANGES)
    assert seen["lit"].tolist() == [False, True, False, False]
    assert seen["tower"].tolist() == [True, True, False, False]
    assert seen["hills"].tolist() == [True, True, True, False]
    assert not seen["nuisance"].any() and seen["horizon"].all()
    lit = factors.copy()
    lit["lit"] = 1 - lit["lit"]
    assert (render(lit) != render(factors)).any(axis=(1, 2, 3)).tolist() == seen["lit"].tolist()


def test_a_masked_factor_leaves_the_picture_as_it_is():
    factors = draw_factors(60, seed=11)
    factors["skyline"][::2] = 0.0  # no plot is built: nothing has a height, and nothing has windows
    factors["time"][1::2] = 0.5  # noon: nothing is lit
    seen = visible(factors)
    for name, (lowest, highest) in (("tower", RANGES["tower"]), ("lit", RANGES["lit"])):
        low, high = factors.copy(), factors.copy()
        low[name], high[name] = lowest, highest
        moved = (render(low) != render(high)).any(axis=(1, 2, 3))
        assert not moved[~seen[name]].any(), name
        assert (~seen[name]).sum() >= 30, name
    assert seen["tower"][1::2].any() and not seen["lit"].any()


def test_nights_are_darker_than_days_and_the_pictures_have_contrast():
    factors = draw_factors(200, seed=8)
    factors["time"] = 0.5
    noon = render(factors)
    factors["time"] = 0.0
    night = render(factors)
    assert night.mean() < 0.6 * noon.mean()
    assert noon.std(axis=(1, 2, 3)).mean() > 25 and night.std(axis=(1, 2, 3)).mean() > 15


def test_grey_is_the_luma_of_colour():
    factors = draw_factors(50, seed=8)
    grey = render(factors, 28, 1)[..., 0]
    luma = render(factors, 28, 3) @ np.array([0.299, 0.587, 0.114])
    assert np.abs(grey - luma).mean() < 1  # they part only where a colour is clipped


def test_no_scenes_are_still_an_array_of_scenes():
    items, factors = scenes(0)
    assert items.shape == (0, 28, 28, 1) and factors.shape == (0,)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"n": -1}, "scenes: n is -1; it must be between 0"),
        ({"n": 2.5}, "scenes: n is 2.5; it must be a whole number"),
        ({"n": 1, "size": 4}, "scenes: size is 4; it must be between 8 and"),
        ({"n": 1, "channels": 2}, r"channels is 2; it must be 1 \(grey\) or 3 \(colour\)"),
        ({"n": 1, "seed": -3}, "scenes: seed is -3"),
    ],
)
def test_a_wrong_setting_is_named(arguments, message):
    with pytest.raises(SettingError, match=message):
        scenes(**arguments)


def test_wrong_factors_are_named():
    factors = draw_factors(3)
    factors["time"][1] = np.nan
    with pytest.raises(DataError, match=r"factor time of item 1 is nan; it must lie in \[0, 1\]"):
        render(factors)
    with pytest.raises(DataError, match="factors lack time, horizon"):
        render(np.zeros(3))
    with pytest.raises(DataError, match=r"factors have shape \(2, 2\)"):
        visible(draw_factors(4).reshape(2, 2))

"""Metrics of known factors against closed forms, floors and planted failures of a model."""

import math

import numpy as np
import pytest

from minigen.data import RANGES, draw_factors, scenes, visible
from minigen.errors import DataError, SettingError, ShapeError
from minigen.metrics import control, coverage, disentanglement, pair_coverage, r_squared, validity


def draws(*shape, seed=0):
    return np.random.default_rng(seed).random(shape)


# Coverage -----------------------------------------------------------------------------------------------------------


def test_real_factors_are_covered_to_within_the_floor():
    factors = draw_factors(5000, seed=3)
    found = coverage(factors, RANGES)
    assert list(found) == list(RANGES)
    for name, one in found.items():
        assert one.occupied == 1 and one.n == 5000
        bins = 2 if name == "sea" else 10
        assert np.isclose(one.floor, (bins - 1) / 10_000, rtol=0.01)
        assert one.kl < 4 * (bins + 4) / 10_000  # χ² / 2n, with p ≈ 1e-4 or less
    pairs = pair_coverage(factors, {name: RANGES[name] for name in ("time", "haze", "sea")})
    assert list(pairs) == [("time", "haze"), ("time", "sea"), ("haze", "sea")]
    for (_, other), one in pairs.items():
        cells = 20 if other == "sea" else 100
        assert np.isclose(one.floor, (cells - 1) / 10_000, rtol=0.02) and one.kl < 2 * one.floor + 0.001
        assert one.occupied == 1


def test_the_floor_is_the_mean_kl_of_real_data():
    kls = [coverage({"a": draws(200, seed=k)}, {"a": (0.0, 1.0)})["a"] for k in range(300)]
    assert np.isclose(np.mean([one.kl for one in kls]), kls[0].floor, rtol=0.11)  # 4 errors: 4 √(2 / 9 / 300)
    assert np.isclose(kls[0].floor, 9 / 400, rtol=0.02)


def test_a_model_that_knows_half_of_a_factor_covers_half_and_lacks_log_2():
    half = coverage({"a": -1 + 0.5 * draws(20_000)}, {"a": (-1.0, 0.0)})["a"]
    assert half.occupied == 0.5 and np.isclose(half.kl, math.log(2), atol=1e-3)
    one = coverage({"a": np.full(9, 0.31)}, {"a": (0.0, 1.0)}, bins=5)["a"]
    assert one.occupied == 0.2 and np.isclose(one.kl, math.log(5)) and one.n == 9


def test_two_factors_that_go_together_are_seen_in_the_pair_alone():
    a = draws(20_000)
    ranges = {"a": (0.0, 1.0), "b": (0.0, 2.0)}
    together = {"a": a, "b": 2 * a}
    assert all(one.occupied == 1 and one.kl < 0.002 for one in coverage(together, ranges).values())
    pair = pair_coverage(together, ranges)["a", "b"]
    assert pair.occupied == 0.1 and np.isclose(pair.kl, math.log(10), atol=0.002)


def test_pairs_of_unlike_bins_count_every_cell():
    ranges = {"a": (0.0, 1.0), "k": (1, 3)}
    all_cells = {"a": np.repeat([0.25, 0.75], 3), "k": np.tile([1.0, 2.0, 3.0], 2)}
    assert pair_coverage(all_cells, ranges, bins=2)["a", "k"].occupied == 1
    assert pair_coverage({"a": all_cells["a"], "k": np.full(6, 3)}, ranges, bins=2)["a", "k"].occupied == 1 / 3


def test_whole_numbers_have_a_bin_each_and_what_lies_beyond_counts_at_the_end():
    found = coverage({"k": np.array([0.6, 0.9, 1.2, 5.0])}, {"k": (0, 3)})["k"]  # 1, 1, 1, 3
    assert found.occupied == 0.5 and np.isclose(found.kl, 0.75 * math.log(3))
    found = coverage({"a": np.array([-3.0, 0.0, 1.0, 7.0])}, {"a": (0.0, 1.0)}, bins=4)["a"]
    assert found.occupied == 0.5 and np.isclose(found.kl, math.log(2))


def test_a_factor_counts_only_where_it_is_seen():
    factors = draw_factors(4000, seed=5)
    seen = visible(factors)
    factors["lit"][~seen["lit"]] = 0  # what a regressor may say of windows at noon
    assert coverage(factors, {"lit": RANGES["lit"]})["lit"].kl > 0.1
    found = coverage(factors, RANGES, seen=seen)
    assert found["lit"].n == seen["lit"].sum() and found["lit"].kl < 3 * found["lit"].floor
    assert found["nuisance"].n == 0 and np.isnan([found["nuisance"].kl, found["nuisance"].occupied]).all()
    pair = pair_coverage(factors, {name: RANGES[name] for name in ("tower", "lit")}, seen=seen)["tower", "lit"]
    assert pair.n == (seen["lit"] & seen["tower"]).sum() and pair.kl < 2 * pair.floor
    third, half = np.arange(4000) % 3 == 0, np.arange(4000) % 2 == 0
    ranges = {name: RANGES[name] for name in ("time", "haze")}
    assert pair_coverage(factors, ranges, seen={"time": third, "haze": half})["time", "haze"].n == 667  # every sixth
    assert coverage(factors, {"time": RANGES["time"]}, seen={})["time"].n == 4000


def test_factors_that_are_not_there_or_no_row_of_numbers_are_refused():
    a = {"a": draws(9), "b": draws(8)}
    with pytest.raises(DataError, match="coverage: there is no factor c; there are a, b"):
        coverage(a, {"c": (0.0, 1.0)})
    with pytest.raises(DataError, match="coverage: there is no factor c; there are none"):
        coverage(np.zeros(3), {"c": (0.0, 1.0)})
    with pytest.raises(SettingError, match="coverage: the range of a is 1.0 to 1.0; it must rise"):
        coverage(a, {"a": (1.0, 1.0)})
    with pytest.raises(SettingError, match="coverage: bins is 1; it must be at least 2"):
        coverage(a, {"a": (0.0, 1.0)}, bins=1)
    with pytest.raises(ShapeError, match=r"coverage: factor a has shape \(3, 3\); it must be \(N,\)"):
        coverage({"a": a["a"].reshape(3, 3)}, {"a": (0.0, 1.0)})
    with pytest.raises(DataError, match="coverage: factor a: there are numbers that are not finite"):
        coverage({"a": a["a"] * np.nan}, {"a": (0.0, 1.0)})
    with pytest.raises(ShapeError, match=r"seen: the mask of a is bool \(8,\); it must be bool \(9,\)"):
        coverage(a, {"a": (0.0, 1.0)}, seen={"a": np.ones(8, bool)})
    with pytest.raises(ShapeError, match=r"seen: the mask of a is float64 \(9,\)"):
        coverage(a, {"a": (0.0, 1.0)}, seen={"a": np.ones(9)})
    with pytest.raises(ShapeError, match="pair_coverage: 9 items have a, but 8 have b; each needs both"):
        pair_coverage(a, {"a": (0.0, 1.0), "b": (0.0, 1.0)})


# R² -----------------------------------------------------------------------------------------------------------------


def test_r_squared_is_1_for_the_truth_0_for_the_mean_and_less_for_worse():
    t = draws(50)
    assert r_squared(t, t) == 1 and np.isclose(r_squared(t, np.full(50, t.mean())), 0)
    assert np.isclose(r_squared(t, 2 * t.mean() - t), -3)  # every error doubled
    noise = draws(50, seed=1)
    assert np.isclose(r_squared(t, t + noise), 1 - (noise**2).mean() / t.var())
    assert np.isclose(r_squared(1e6 + t, 1e6 + t + noise), 1 - (noise**2).mean() / t.var())


def test_on_the_circle_midnight_is_near_midnight():
    t = np.arange(400) / 400
    found = (t + 0.01) % 1
    chord = 2 * np.sin(np.pi * 0.01)  # between two points 0.01 of a turn apart; the spread of a full circle is 1
    assert np.isclose(r_squared(t, found, period=1), 1 - chord**2)
    assert np.isclose(r_squared(24 * t, 24 * found - 48, period=24), 1 - chord**2)
    assert r_squared(t, found) < 1 - chord**2 - 0.05
    assert np.isclose(r_squared(t, t + 0.5, period=1), -3)  # all on the other side


def test_what_has_no_r_squared_is_refused():
    t = draws(5)
    with pytest.raises(DataError, match="r_squared: truth does not vary, so there is nothing to explain. Leave"):
        r_squared(np.full(5, 0.1), t)
    with pytest.raises(DataError, match="truth does not vary"):
        r_squared(np.arange(5), t, period=1)  # 0, 1, 2 … are one place
    with pytest.raises(ShapeError, match=r"truth \(5,\) and found \(4,\) must both be \(N,\), N ≥ 2"):
        r_squared(t, t[:4])
    with pytest.raises(ShapeError, match="N ≥ 2"):
        r_squared(t[:1], t[:1])
    with pytest.raises(DataError, match="r_squared: there are numbers that are not finite"):
        r_squared(t, t * np.nan)
    for period in (0, -1, float("nan")):
        with pytest.raises(SettingError, match=f"r_squared: period is {period}; it must be above 0, or None"):
            r_squared(t, t, period=period)


# Latents ------------------------------------------------------------------------------------------------------------


def test_a_latent_that_is_a_factor_explains_it_alone_and_a_mixture_does_not():
    z = np.random.default_rng(0).normal(size=(2000, 4)) * [1, 1e-3, 50, 1] + [0, 7, -3, 0]
    unit = (z - [0, 7, -3, 0]) / [1, 1e-3, 50, 1]
    factors = {
        "held": 5 - 3 * z[:, 1],
        "mixed": unit @ [1, 1, 1, 0],
        "noisy": unit[:, 0] + np.random.default_rng(1).normal(size=2000),
        "absent": draws(2000, seed=2),
        "still": np.full(2000, 0.3),
    }
    found = disentanglement(z, factors)
    assert np.allclose(found["held"], (1, 1))
    assert np.isclose(found["mixed"][0], 1) and np.isclose(
        found["mixed"][1], 1 / 3, atol=0.1
    )  # 4 deviations of R² at n = 1000
    assert np.allclose(found["noisy"], (0.5, 0.5), atol=0.1)
    assert all(-0.03 < score < 0.01 for score in found["absent"])
    assert np.isnan(found["still"]).all()


def test_a_cyclic_factor_needs_two_latents():
    t = draws(4000)
    z = np.stack([np.cos(2 * np.pi * t), draws(4000, seed=1), np.sin(2 * np.pi * t)], axis=1)
    everything, single = disentanglement(z, {"t": t}, cyclic=["t"])["t"]
    assert np.isclose(everything, 1) and np.isclose(single, 0.5, atol=0.03)
    assert disentanglement(z, {"t": t})["t"][0] < 0.7  # as a number it jumps at 1
    number = disentanglement(t[:, None], {"t": t}, cyclic=["t"])["t"]
    assert np.allclose(number, 3 / np.pi**2, atol=0.03)  # of its sine a number explains 6 / π², of its cosine nothing


def test_scores_are_measured_on_items_that_the_fit_has_not_seen():
    rng = np.random.default_rng(0)
    z, noise = rng.normal(size=(200, 80)), rng.normal(size=200)
    everything, single = disentanglement(z, {"noise": noise})["noise"]
    assert everything < -0.5 and single < 0.02  # on the items of the fit they would be .8 and .06
    y = np.where(np.arange(200) % 2, -1.0, 1.0) * z[:, 0]  # turned round on the other half
    assert disentanglement(z[:, :1], {"y": y})["y"][0] < -2


def test_latents_that_stand_still_or_repeat_each_other_do_no_harm():
    x = np.random.default_rng(0).normal(size=300)
    z = np.stack([np.full(300, 0.1), x, 2 * x, np.zeros(300)], axis=1)
    assert np.allclose(disentanglement(z, {"x": x})["x"], (1, 1))
    z[::2, 3], z[1::2, 3] = 0.1, 1 + x[1::2]  # stands still, but for rounding, where it is fitted
    mean_alone = 1 - ((x[1::2] - x[::2].mean()) ** 2).mean() / x[1::2].var()
    assert np.allclose(disentanglement(z[:, [0, 3]], {"x": x})["x"], mean_alone)


def test_latents_are_compared_where_the_factor_is_seen():
    factors = draw_factors(1500, seed=2)
    seen = visible(factors)
    z = np.stack([factors["haze"], np.where(seen["lit"], factors["lit"], 0.5)], axis=1)
    found = disentanglement(z, factors, cyclic=["time"], seen=seen)
    assert list(found) == list(RANGES)
    assert np.allclose(found["lit"], (1, 1)) and np.isnan(found["nuisance"]).all()
    assert disentanglement(z, factors)["lit"][0] < 0.7
    rarely = np.arange(1500) < 7  # with two latents it takes 8
    assert np.isnan(disentanglement(z, {"lit": factors["lit"]}, seen={"lit": rarely})["lit"]).all()


def test_latents_that_do_not_fit_are_refused():
    z, factors = draws(20, 3), {"a": draws(20)}
    with pytest.raises(ShapeError, match=r"disentanglement: latents have shape \(20,\); they must be \(N, F\)"):
        disentanglement(z[:, 0], factors)
    with pytest.raises(DataError, match="disentanglement: 9 items are too few to fit 3 latents; give at least 10"):
        disentanglement(z[:9], {"a": draws(9)})
    with pytest.raises(DataError, match="disentanglement: factors have no names. Give a structured array, or a dict"):
        disentanglement(z, factors["a"])
    with pytest.raises(DataError, match="disentanglement: cyclic names b, but factors are a"):
        disentanglement(z, factors, cyclic=["a", "b"])
    with pytest.raises(ShapeError, match="disentanglement: 20 latents but 19 items of factor a"):
        disentanglement(z, {"a": draws(19)})
    with pytest.raises(DataError, match="disentanglement: there are numbers that are not finite"):
        disentanglement(z * np.nan, factors)


# Control ------------------------------------------------------------------------------------------------------------


def test_control_is_spearmans_correlation_and_the_mean_error():
    asked = np.array([0.1, 0.2, 0.3, 0.9])
    assert control(asked, asked) == (1.0, 0.0)
    assert np.allclose(control(asked, np.exp(9 * asked) + 2), (1, (np.exp(9 * asked) + 2 - asked).mean()))
    assert np.isclose(control(asked, -(asked**3))[0], -1)
    assert np.isclose(control(asked, np.array([5.0, 9, 1, 12]))[0], 1 - 6 * (1 + 1 + 4 + 0) / (4 * 15))  # 1 − 6Σd²/…
    ties = control(np.array([1.0, 1, 2, 3]), np.array([2.0, 4, 6, 6]))[0]  # ranks ½ ½ 2 3 and 0 1 2½ 2½
    assert np.isclose(ties, np.corrcoef([0.5, 0.5, 2, 3], [0, 1, 2.5, 2.5])[0, 1])


def test_a_model_that_ignores_what_was_asked_has_no_correlation():
    asked = draws(4000)
    for period in (None, 1.0):
        assert abs(control(asked, draws(4000, seed=1), period=period)[0]) < 4 / math.sqrt(4000)
        assert control(asked, np.full(4000, 0.7), period=period)[0] == 0
    assert np.isclose(control(asked, np.full(4000, 0.5))[1], 0.25, atol=0.01)
    assert np.isclose(control(asked, draws(4000, seed=1), period=1)[1], 0.25, atol=0.01)  # 0 to ½, evenly


def test_on_the_circle_the_correlation_is_that_of_all_pairs_and_errors_go_the_short_way():
    a, b = draws(40), (draws(40) + 0.2 * draws(40, seed=1)) % 1
    sine = [np.sin(2 * np.pi * np.subtract.outer(x, x)) for x in (a, b)]
    upper = np.triu_indices(40, 1)
    one, other = sine[0][upper], sine[1][upper]
    expected = (one * other).sum() / math.sqrt((one**2).sum() * (other**2).sum())
    assert np.isclose(control(a, b, period=1)[0], expected, rtol=1e-9)
    assert np.isclose(control(24 * a, 24 * b + 48, period=24)[0], expected, rtol=1e-9)
    assert np.allclose(control(a, (a + 0.3) % 1, period=1), (1, 0.3))
    assert np.allclose(control(a, (a - 0.9) % 1, period=1), (1, 0.1))
    assert np.isclose(control(a, -a, period=1)[0], -1)
    assert np.allclose(control(np.array([0.9, 0.2, 0.6]), np.array([0.1, 0.2, 0.6]), period=1)[1], 0.2 / 3)


def test_what_asks_for_nothing_is_refused():
    t = draws(6)
    for asked, period in ((np.full(6, 0.2), None), (np.arange(6), 1.0), (np.array([0, 0.5, 0, 0.5, 0, 1]), 1.0)):
        with pytest.raises(DataError, match="control: requested does not vary, or on a circle only between two oppos"):
            control(asked, t, period=period)
    with pytest.raises(ShapeError, match=r"control: requested \(6,\) and obtained \(5,\) must both be \(N,\), N ≥ 2"):
        control(t, t[:5])
    with pytest.raises(DataError, match="control: there are numbers that are not finite"):
        control(t, t * np.nan)
    with pytest.raises(SettingError, match="control: period is 0; it must be above 0"):
        control(t, t, period=0)


# Validity -----------------------------------------------------------------------------------------------------------


def test_validity_is_the_root_mean_square_in_grey_levels_of_bytes_and_floats():
    items = scenes(4, 16, seed=1)[0]
    floats = (items.astype(np.float32) - 127.5) / 127.5
    assert (validity(items, items) == 0).all() and validity(items, floats).max() < 1e-4  # float32 of levels to 255
    moved = np.minimum(items.astype(int), 155)
    wrong = (moved + np.array([0, 1, 5, 100])[:, None, None, None]).astype(np.uint8)
    assert np.allclose(validity(moved.astype(np.uint8), wrong), [0, 1, 5, 100])
    assert np.allclose(validity(wrong, moved.astype(np.uint8)), [0, 1, 5, 100])  # bytes do not wrap
    half = items.astype(float)
    half[:, :8] += 6
    assert np.allclose(validity(half / 127.5 - 1, items), 6 / math.sqrt(2))
    assert np.allclose(validity(-np.ones((2, 3)), np.ones((2, 3))), 255)


def test_items_that_cannot_be_compared_are_refused():
    x = np.zeros((2, 4, 4, 1))
    with pytest.raises(ShapeError, match=r"validity: rendered \(2, 4, 4, 1\) and samples \(2, 4, 4\) must be \(N, …\)"):
        validity(x, x[..., 0])
    with pytest.raises(ShapeError, match="of one shape, not empty"):
        validity(x[:0], x[:0])
    with pytest.raises(DataError, match="validity: there are numbers that are not finite"):
        validity(x, x + np.inf)

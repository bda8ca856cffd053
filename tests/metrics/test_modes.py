"""Modes against samples whose modes are known, and against what chance leaves to a perfect sampler."""

import math

import numpy as np
import pytest

from minigen.data import grid, grid_centres, ring, ring_centres
from minigen.errors import DataError, SettingError, ShapeError
from minigen.metrics import kl_to_uniform, mode_ceilings, mode_counts, tuple_modes


def test_a_perfect_sampler_reaches_the_ceilings():
    n = 50_000
    for points, centres, sigma in (
        (ring(n, seed=1)[0], ring_centres(), 0.02),
        (grid(n, seed=2)[0], grid_centres(), 0.05),
    ):
        found, best = mode_counts(points, centres, sigma), mode_ceilings(len(centres), n)
        assert found.covered == found.modes == len(centres) == best["covered"]
        assert abs(found.high_quality - best["high_quality"]) < 0.0019  # 4 standard errors: 4 √(.9889 · .0111 / n)
        for kl in (found.kl_all, found.kl_high_quality):
            assert 0 < kl < 4 * best["kl"]  # χ² with 7 or 24 degrees of freedom, over 2n
        assert found.counts.sum() == n and found.counts.shape == (len(centres),)


def test_high_quality_is_within_three_deviations_of_the_nearest_centre():
    centres = ring_centres(4)
    away = np.array([[0.0, 0.0], [0.029, 0.0], [0.0, -0.031], [0.0225, 0.0225], [0.02, 0.02]])
    found = mode_counts(centres[1] + away, centres, 0.01)
    assert np.isclose(found.high_quality, 3 / 5)  # (.0225, .0225) is .0318 away, though neither coordinate is
    assert found.counts.tolist() == [0, 5, 0, 0] and found.covered == 1


def test_a_missing_mode_is_counted_and_a_bad_sample_covers_none():
    centres = grid_centres(3, 1.0)
    points = np.concatenate([centres[:6], centres[6:7] + 0.1])
    found = mode_counts(points, centres, 0.01)
    assert found.covered == 6 and found.modes == 9 and np.isclose(found.high_quality, 6 / 7)
    assert np.isclose(found.kl_high_quality, math.log(9 / 6)) and np.isclose(found.kl_all, math.log(9 / 7))
    assert found.counts.tolist() == [1] * 7 + [0] * 2
    assert str(found).startswith("6 of 9 modes, 85.7 % of high quality, KL to uniform 0.4055 nats over those and 0.25")


def test_without_a_sample_of_high_quality_there_is_no_kl_over_those():
    found = mode_counts(np.full((5, 2), 9.0), ring_centres(), 0.02)
    assert found.covered == 0 and found.high_quality == 0 and math.isnan(found.kl_high_quality)
    assert np.isclose(found.kl_all, math.log(8))


@pytest.mark.parametrize(
    "counts, nats",
    [
        ([5, 5, 5], 0.0),
        ([3, 0, 0, 0], math.log(4)),
        ([1, 1, 0, 0], math.log(2)),
        ([3, 1], 0.75 * math.log(1.5) + 0.25 * math.log(0.5)),
    ],
)
def test_kl_to_uniform_is_the_closed_form(counts, nats):
    assert np.isclose(kl_to_uniform(counts), nats, atol=1e-15) and kl_to_uniform(counts) >= 0


@pytest.mark.parametrize("modes, n, kl", [(8, 2500, 0.0014), (25, 2500, 0.0048), (1000, 25_600, 0.0196)])
def test_the_floor_of_kl_is_modes_less_one_over_twice_the_samples(modes, n, kl):
    best = mode_ceilings(modes, n)
    assert np.isclose(best["kl"], (modes - 1) / (2 * n), rtol=0.01) and round(best["kl"], 4) == kl
    assert np.isclose(best["high_quality"], 0.98889, atol=5e-6)


@pytest.mark.parametrize("n", [1, 7, 900])
def test_the_ceilings_are_the_mean_over_many_draws(n):
    rng = np.random.default_rng(n)
    draws = rng.multinomial(n, np.full(30, 1 / 30), size=4000)
    best = mode_ceilings(30, n)
    kls = np.array([kl_to_uniform(counts) for counts in draws])
    covered = (draws > 0).sum(axis=1)
    assert abs(kls.mean() - best["kl"]) <= 4 * kls.std() / math.sqrt(4000) + 1e-12
    assert abs(covered.mean() - best["covered"]) <= 4 * covered.std() / math.sqrt(4000) + 1e-11


def test_one_mode_is_always_covered():
    assert mode_ceilings(1, 5) == {"high_quality": 1 - math.exp(-4.5), "covered": 1.0, "kl": 0.0}


def test_stacked_digits_drawn_evenly_miss_what_chance_leaves_out():
    """2,500 triples miss about 82 of 1,000 and have .22 nats; 25,600 miss none (8e-9 expected) and have .0196."""
    few, many = mode_ceilings(1000, 2500), mode_ceilings(1000, 25_600)
    assert round(1000 - few["covered"]) == 82 and round(few["kl"], 2) == 0.22
    assert np.isclose(1000 - many["covered"], 8e-9, rtol=0.1)
    rng = np.random.default_rng(0)
    found = tuple_modes(rng.integers(10, size=(2500, 3)), 10)
    assert abs(found.covered - few["covered"]) < 4 * 9 and abs(found.kl_all - few["kl"]) < 0.03  # 4 deviations
    found = tuple_modes(rng.integers(10, size=(25_600, 3)).astype(np.uint8), 10)
    assert found.covered == found.modes == 1000 and abs(found.kl_all - many["kl"]) < 4 * 0.0009  # √(2 · 999) / 2n
    assert str(found).startswith("1,000 of 1,000 modes, KL to uniform 0.0")


def test_a_tuple_is_a_number_in_the_base_of_its_classes():
    found = tuple_modes(np.array([[0, 1, 2], [2, 0, 1], [0, 1, 2]]), 3)
    assert np.flatnonzero(found.counts).tolist() == [5, 19] and found.counts[5] == 2
    assert found.covered == 2 and found.modes == 27
    assert np.isclose(found.kl_all, math.log(27) - (math.log(3) - 2 / 3 * math.log(2)))


def test_what_is_no_mixture_is_refused():
    points = np.zeros((4, 2))
    with pytest.raises(ShapeError, match=r"mode_counts: points have shape \(4,\); they must be \(N, F\), and not"):
        mode_counts(points[:, 0], points, 1.0)
    with pytest.raises(ShapeError, match=r"mode_counts: centres have shape \(0, 2\)"):
        mode_counts(points, points[:0], 1.0)
    with pytest.raises(ShapeError, match=r"points \(4, 2\) and centres \(4, 1\) must have as many coordinates"):
        mode_counts(points, points[:, :1], 1.0)
    for sigma in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(SettingError, match=f"sigma is {sigma}; it must be above 0"):
            mode_counts(points, points, sigma)
    with pytest.raises(DataError, match="mode_counts: there are numbers that are not finite"):
        mode_counts(points * np.nan, points, 1.0)
    with pytest.raises(SettingError, match="mode_ceilings: n is 0; it must be at least 1"):
        mode_ceilings(8, 0)
    with pytest.raises(SettingError, match="mode_ceilings: modes is 0"):
        mode_ceilings(0, 8)


@pytest.mark.parametrize("label", [-1, 10, 0.5])
def test_what_is_no_class_is_refused(label):
    with pytest.raises(DataError, match="are not all whole numbers from 0 to 9. Give the predicted class of each part"):
        tuple_modes(np.array([[0, 1, 2], [9, 8, label]]), 10)


def test_what_is_no_tuple_is_refused():
    with pytest.raises(ShapeError, match=r"labels have shape \(6,\); they must be \(N, D\), and not empty"):
        tuple_modes(np.zeros(6), 10)
    with pytest.raises(SettingError, match="tuple_modes: 10 classes in 8 places are 100,000,000 modes; at most 16,777"):
        tuple_modes(np.zeros((2, 8)), 10)
    with pytest.raises(SettingError, match="tuple_modes: classes is 0"):
        tuple_modes(np.zeros((2, 3)), 0)
    with pytest.raises(DataError, match="tuple_modes: there are numbers that are not finite"):
        tuple_modes(np.full((2, 3), np.nan), 10)

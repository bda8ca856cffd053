"""Toy points: distinct modes, equally likely, where they are said to be."""

import numpy as np
import pytest

from minigen.data import grid, grid_centres, ring, ring_centres
from minigen.errors import SettingError


def test_the_ring_has_eight_distinct_modes_equally_likely():
    points, factors = ring(16_000, seed=1)
    assert points.shape == (16_000, 2) and points.dtype == np.float32
    assert np.abs(np.bincount(factors["mode"]) - 2000).max() < 170  # 4 standard deviations of a count
    centres = np.stack([points[factors["mode"] == k].mean(axis=0) for k in range(8)])
    angles = np.arctan2(centres[:, 1], centres[:, 0]) % (2 * np.pi)
    gaps = np.diff(np.sort(angles), append=np.sort(angles)[0] + 2 * np.pi)
    assert np.allclose(gaps, np.pi / 4, atol=0.01) and np.allclose(np.hypot(*centres.T), 2, atol=0.01)


def test_the_grid_is_centred_and_its_modes_are_numbered_by_row():
    points, factors = grid(25_000, seed=1)
    centres = np.stack([points[factors["mode"] == k].mean(axis=0) for k in range(25)])
    assert np.allclose(centres[0], [-4, -4], atol=0.02)
    assert np.allclose(centres[1], [-2, -4], atol=0.02)
    assert np.allclose(centres[24], [4, 4], atol=0.02)
    away = points - centres[factors["mode"]]
    assert np.allclose(away.std(axis=0), 0.05, rtol=0.03)


def test_points_without_a_deviation_stand_on_the_centres():
    points, factors = ring(40, modes=5, radius=3.0, sigma=0.0, seed=1)
    assert np.allclose(points, ring_centres(5, 3.0)[factors["mode"]])
    points, factors = grid(40, side=3, spacing=0.5, sigma=0.0, seed=1)
    assert np.allclose(points, grid_centres(3, 0.5)[factors["mode"]])


def test_the_centres_are_where_they_are_said_to_be():
    assert np.allclose(ring_centres(4, 2.0), [[2, 0], [0, 2], [-2, 0], [0, -2]]) and ring_centres().shape == (8, 2)
    assert len(np.unique(ring_centres().round(9), axis=0)) == 8  # 0 and 2π are one angle, and one mode
    assert np.allclose(grid_centres(2, 2.0), [[-1, -1], [1, -1], [-1, 1], [1, 1]])
    assert grid_centres().shape == (25, 2) and np.allclose(grid_centres().mean(axis=0), 0)


def test_the_same_seed_gives_the_same_points():
    assert (ring(50, seed=4)[0] == ring(50, seed=4)[0]).all()
    assert (ring(50, seed=4)[0] != ring(50, seed=5)[0]).any()


def test_a_wrong_setting_is_named():
    with pytest.raises(SettingError, match="modes is 0; it must be at least 1"):
        ring(10, modes=0)
    with pytest.raises(SettingError, match="sigma is nan"):
        grid(10, sigma=float("nan"))
    with pytest.raises(SettingError, match="side is 0; it must be at least 1"):
        grid_centres(0)
    with pytest.raises(SettingError, match="modes is 2.5; it must be a whole number"):
        ring_centres(2.5)

"""Ways through a latent space."""

import math

import numpy as np
import pytest

from minigen.errors import SettingError
from minigen.walks import circle, from_normal, point, slerp, to_normal


def keys(N, Z, seed=0):
    return np.random.default_rng(seed).normal(size=(N, Z)).astype(np.float32)


def test_slerp_goes_evenly_round_the_great_circle():
    a, b = np.array([2.0, 0, 0]), np.array([0, 2.0, 0])
    for t in (0, 0.25, 0.5, 1):
        expected = [2 * math.cos(t * math.pi / 2), 2 * math.sin(t * math.pi / 2), 0]
        assert np.allclose(slerp(a, b, t), expected, atol=1e-15)


def test_slerp_keeps_the_length_of_a_prior_where_a_straight_line_would_not():
    a, b = keys(2, 400).astype(np.float64)
    assert np.linalg.norm(slerp(a, b, 0.5)) == pytest.approx(20, rel=0.1)
    assert np.linalg.norm((a + b) / 2) < 16


@pytest.mark.parametrize("b", [[3.0, 0], [-1.0, 0], [1.0, 0], [0.0, 0]], ids=["along", "against", "same", "zero"])
def test_slerp_takes_the_straight_line_where_there_is_no_great_circle(b):
    a, b = np.array([1.0, 0]), np.array(b)
    assert np.allclose(slerp(a, b, 0.25), 0.75 * a + 0.25 * b)


@pytest.mark.parametrize("Z", [2, 3, 100])
def test_the_circle_is_one_through_its_latent_at_constant_length(Z):
    z = keys(1, Z)[0].astype(np.float64)
    points = np.array([circle(z, t) for t in np.arange(24) / 24])
    assert np.allclose(points[0], z, atol=1e-12)
    assert np.allclose(np.linalg.norm(points, axis=1), np.linalg.norm(z))
    centre = points.mean(axis=0)
    radius = np.linalg.norm(points - centre, axis=1)
    assert np.allclose(radius, np.linalg.norm(z) * (0.5 if Z > 2 else 1))
    assert np.allclose((points - centre) @ centre, 0, atol=1e-9)  # c is orthogonal to a and b
    assert np.linalg.matrix_rank(points - centre, tol=1e-9) == 2


def test_a_latent_of_one_number_has_no_circle():
    with pytest.raises(SettingError, match="a latent of one number has no circle; give two seeds or more"):
        circle(np.array([1.0]), 0.5)


@pytest.mark.parametrize("N", [1, 2, 5])
@pytest.mark.parametrize("prior", ["normal", "uniform"])
def test_a_loop_returns_to_its_first_latent_bit_for_bit(N, prior):
    z = np.clip(keys(N, 6) / 3, -1, 1)
    for frame in range(3 * N):
        first = point(z, frame, 3, True, prior)
        assert first.dtype == np.float32 and (point(z, frame + 3 * N, 3, True, prior) == first).all()
    assert all((point(z, 3 * i, 3, True, prior) == z[i]).all() for i in range(N))


def test_a_walk_reaches_every_latent_and_stops_at_the_last():
    z = keys(3, 6)
    assert all((point(z, 4 * i, 4, False) == z[i]).all() for i in range(3))


def test_a_uniform_prior_is_walked_without_leaving_it():
    z = np.random.default_rng(0).uniform(-1, 1, (2, 2000)).astype(np.float32)
    half = point(z, 1, 2, False, "uniform")
    assert np.abs(half).max() <= 1
    assert half.var() == pytest.approx(1 / 3, rel=0.1)  # that of the prior; of a straight line it would be 1/6
    assert np.allclose(from_normal(to_normal(z[0], "uniform"), "uniform"), z[0], atol=1e-6)


def test_the_ends_of_the_uniform_prior_are_finite():
    assert np.isfinite(to_normal(np.array([-1, 1], np.float32), "uniform")).all()

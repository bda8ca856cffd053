"""The Fréchet distance against its closed forms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigen.errors import DataError, ShapeError
from minigen.metrics import frechet_distance


def whitened(N, F, seed=0):
    """(N, F) whose mean is 0 and whose covariance, divided by N − 1, is the identity, both to rounding."""
    x = np.random.default_rng(seed).normal(size=(N, F))
    x -= x.mean(axis=0)
    return np.linalg.qr(x)[0] * np.sqrt(N - 1)


def mixed(F, seed):
    return np.random.default_rng(seed).normal(size=(F, F))


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 12), st.integers(1, 30), st.integers(0, 99), st.floats(-3, 3))
def test_equal_sets_are_0_and_a_shift_is_its_square(F, more, seed, power):
    x = 10**power * whitened(F + more, F, seed) @ mixed(F, seed + 1)
    total = np.trace(np.atleast_2d(np.cov(x.T)))
    assert frechet_distance(x, x) <= 1e-11 * total  # of its terms, rounding
    assert frechet_distance(x, x[::-1]) <= 1e-11 * total
    a = np.random.default_rng(seed).normal(size=F) * np.sqrt(total)
    assert np.isclose(frechet_distance(x, x + a), a @ a, rtol=1e-9)


def test_independent_features_add_the_squares_of_their_deviations_differences():
    one, two = np.array([1.0, 0.5, 3.0, 2.0]), np.array([1.0, 2.0, 0.1, 0.0])
    x, y = whitened(50, 4) * one, whitened(70, 4, seed=1) * two  # of different sizes, and one feature stands still
    assert np.isclose(frechet_distance(x, y), ((one - two) ** 2).sum(), rtol=1e-6)
    assert np.isclose(frechet_distance(x + 3, y), ((one - two) ** 2).sum() + 9 * 4, rtol=1e-6)


def test_rotated_normals_agree_with_the_eigenvalues_of_the_plain_product():
    A, B = mixed(5, 3), mixed(5, 4)
    x, y = whitened(40, 5) @ A, whitened(60, 5, seed=2) @ B
    # Σ₁Σ₂, not symmetric, has the eigenvalues of Σ₁^½ Σ₂ Σ₁^½; their roots are summed.
    roots = np.sqrt(np.linalg.eigvals(A.T @ A @ (B.T @ B)))
    assert np.isrealobj(roots)
    expected = np.trace(A.T @ A + B.T @ B) - 2 * roots.sum()
    assert np.isclose(frechet_distance(x, y), expected, rtol=1e-9)
    assert np.isclose(frechet_distance(y, x), expected, rtol=1e-9)


def test_turning_both_sets_changes_nothing():
    x, y = whitened(40, 6) @ mixed(6, 1), whitened(40, 6, seed=5)
    Q = np.linalg.qr(mixed(6, 9))[0]
    assert np.isclose(frechet_distance(x @ Q, y @ Q), frechet_distance(x, y), rtol=1e-9)


def test_features_that_depend_on_each_other_do_no_harm():
    x = np.random.default_rng(0).normal(size=(300, 4)) @ np.random.default_rng(1).normal(size=(4, 20))
    x -= x.mean(axis=0)
    total = np.trace(np.cov(x.T))
    assert frechet_distance(x, x) < 1e-6 * total  # 16 eigenvalues are rounding, and roots make it visible
    assert np.isclose(frechet_distance(2 * x, x), total, rtol=1e-6)


def test_real_against_real_is_above_0_by_the_bias_that_the_docstring_gives():
    rng = np.random.default_rng(0)
    F, N = 20, 1000
    found = [frechet_distance(rng.normal(size=(N, F)), rng.normal(size=(N, F))) for _ in range(10)]
    assert np.isclose(np.mean(found), (F * (F + 1) / 4 + F) * 2 / N, rtol=0.05)


def test_float32_features_far_from_0_are_measured_in_float64():
    x, y = whitened(400, 3) + 1000, 2 * whitened(400, 3, seed=1) + 1000
    # Near 1000 float32 has steps of 6e-5; sums of squares in float32 would lose everything.
    assert np.isclose(frechet_distance(x.astype(np.float32), y.astype(np.float32)), 3, atol=1e-3)


def test_a_covariance_of_too_few_items_is_refused():
    x = whitened(40, 6)
    with pytest.raises(DataError, match="frechet_distance: y has 6 items of 6 features; .* more than 6 items."):
        frechet_distance(x, x[:6])
    with pytest.raises(DataError, match="x has 3 items"):
        frechet_distance(x[:3], x)
    assert frechet_distance(x, x[:7]) > 0
    with pytest.raises(ShapeError, match=r"x \(40, 6\) and y \(40, 5\) must have as many features"):
        frechet_distance(x, x[:, :5])
    with pytest.raises(ShapeError, match=r"features x have shape \(40,\); they must be \(N, F\)"):
        frechet_distance(x[:, 0], x)
    x[3, 2] = np.inf
    with pytest.raises(DataError, match="not finite"):
        frechet_distance(whitened(40, 6), x)

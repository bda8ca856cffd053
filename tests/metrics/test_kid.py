"""The kernel distance against the double loop, and against what chance does to it."""

import numpy as np
import pytest

from minigen.errors import DataError, SettingError, ShapeError
from minigen.metrics import kid


def features(N, F=5, seed=0, shift=0.0):
    return np.random.default_rng(seed).normal(size=(N, F)) + shift


def by_loops(x, y):
    """MMD² with k(a, b) = (aᵀb / F + 1)³, one pair after another."""

    def k(a, b):
        return (sum(p * q for p, q in zip(a, b, strict=True)) / len(a) + 1) ** 3

    within = [
        sum(k(a, b) for i, a in enumerate(z) for j, b in enumerate(z) if i != j) / (len(z) * (len(z) - 1))
        for z in (x, y)
    ]
    return sum(within) - 2 * sum(k(a, b) for a in x for b in y) / (len(x) * len(y))


def test_one_block_equals_the_double_loop():
    x, y = features(9), features(7, seed=1, shift=0.5)
    value, error = kid(x, y, blocks=1)
    assert np.isclose(value, by_loops(x, y), rtol=1e-12) and np.isnan(error)


def test_blocks_are_disjoint_and_their_mean_and_standard_error_are_given():
    x, y = features(23), features(17, seed=1)
    loops = [by_loops(x[k * 5 : k * 5 + 5], y[k * 4 : k * 4 + 4]) for k in range(4)]  # 3 and 1 are left over
    value, error = kid(x, y, blocks=4)
    assert np.isclose(value, np.mean(loops), rtol=1e-12)
    assert np.isclose(error, np.sqrt(np.var(loops, ddof=1) / 4), rtol=1e-12)


def test_equal_distributions_have_the_mean_0_and_the_error_says_how_near():
    found = np.array([kid(features(300, seed=2 * k), features(200, seed=2 * k + 1)) for k in range(60)])
    values, errors = found.T
    assert abs(values.mean()) < 4 * values.std() / np.sqrt(60)
    assert 0 < (values < 0).mean() < 1  # unbiased: below 0 too
    assert np.isclose(np.sqrt((errors**2).mean()), values.std(), rtol=0.3)  # 60 values know their spread to 10 %


def test_other_distributions_are_far_and_the_same_unit_is_used_for_any_number_of_features():
    near, error = kid(features(1000), features(1000, seed=1))
    far, _ = kid(features(1000), features(1000, seed=1, shift=0.3))
    assert far > 20 * error > abs(near)
    # A shift of 1 of features that do not vary: (1 + 1)³ + 1³ − 2 · 1³, whatever F.
    for F in (1, 7):
        assert np.isclose(kid(np.ones((20, F)), np.zeros((20, F)))[0], 7)


def test_a_generator_shuffles_before_the_blocks_are_cut():
    x = np.sort(features(200, F=1), axis=0)
    y = features(200, F=1, seed=1)
    shuffled = kid(x, y, rng=np.random.default_rng(5))
    assert shuffled == kid(x, y, rng=np.random.default_rng(5)) != kid(x, y, rng=np.random.default_rng(6))
    assert kid(x, y)[0] > 10 * abs(shuffled[0])  # sorted items make every block a narrow one
    assert kid(y, x)[0] > 10 * abs(kid(y, x, rng=np.random.default_rng(5))[0])  # and so does the other set
    assert np.isclose(kid(x, y, blocks=1)[0], kid(x, y, blocks=1, rng=np.random.default_rng(5))[0], atol=1e-12)


def test_what_cannot_be_measured_is_refused():
    x = features(20)
    with pytest.raises(SettingError, match="kid: blocks is 10, but there are 19 items of one kind; a block needs two"):
        kid(x, x[:19])
    with pytest.raises(SettingError, match="kid: blocks is 0; it must be at least 1"):
        kid(x, x, blocks=0)
    with pytest.raises(ShapeError, match=r"kid: x \(20, 5\) and y \(20, 4\) must have as many features"):
        kid(x, x[:, :4])
    with pytest.raises(ShapeError, match=r"kid: features y have shape \(20, 5, 1\)"):
        kid(x, x[..., None])
    with pytest.raises(DataError, match="kid: there are numbers that are not finite"):
        kid(x, x * np.nan)

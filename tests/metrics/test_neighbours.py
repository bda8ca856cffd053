"""Nearest neighbours against all pairs, and what copies, twins and ties must give."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigen.errors import DataError, SettingError, ShapeError
from minigen.metrics import held_out_rank, near_duplicates, nearest_distances, neighbours, two_sample_accuracy


def pictures(N, seed=0, shape=(4, 5, 1)):
    return np.random.default_rng(seed).integers(256, size=(N, *shape), dtype=np.uint8)


def all_squares(x, t):
    """(N, M): every sum of squared differences, exact for whole numbers."""
    x, t = (z.reshape(len(z), -1).astype(np.float64) for z in (x, t))
    return ((x[:, None] - t[None]) ** 2).sum(axis=2)


def by_all_pairs(real, fake):
    """The two accuracies, one item after another: of m equally near neighbours k of one's own kind give k / m."""
    items = np.concatenate([real, fake])
    is_fake = np.arange(len(items)) >= len(real)
    squares = all_squares(items, items)
    np.fill_diagonal(squares, np.inf)
    right = np.array([(is_fake[row == row.min()] == kind).mean() for row, kind in zip(squares, is_fake, strict=True)])
    return right[~is_fake].mean(), right[is_fake].mean()


# The nearest training item ------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 9), st.integers(2, 30), st.integers(1, 6), st.integers(2, 256), st.integers(1, 40))
def test_the_nearest_of_all_pairs_is_found_whatever_the_chunks(N, M, F, levels, step):
    rng = np.random.default_rng(N * M + F)
    x, t = (rng.integers(levels, size=(n, F), dtype=np.uint8) for n in (N, M))  # of few levels, with many ties
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "CHUNK_ITEMS", step)
        indices, distances = nearest_distances(x, t)
        own = nearest_distances(t, t, leave_out_self=True)
    squares = all_squares(x, t)
    assert (indices == squares.argmin(axis=1)).all()  # of equally near ones the first
    assert (distances == np.sqrt(squares.min(axis=1) / F)).all()
    squares = all_squares(t, t)
    np.fill_diagonal(squares, np.inf)
    assert (own[0] == squares.argmin(axis=1)).all() and (own[1] == np.sqrt(squares.min(axis=1) / F)).all()


def test_an_exact_copy_has_the_distance_0_and_a_moved_one_its_root_mean_square():
    t = pictures(300).astype(np.float32) + 1e4  # far from the origin, where a product alone would lose the digits
    x = t[[7, 250, 3]].copy()
    x[1] += 0.5
    x[2, 0, 0] += 2
    indices, distances = nearest_distances(x, t)
    assert indices.tolist() == [7, 250, 3] and distances[0] == 0
    assert np.allclose(distances[1:], [0.5, np.sqrt(4 / 20)], rtol=1e-12)


def test_a_small_distance_among_large_ones_is_exact():
    rng = np.random.default_rng(0)
    t = rng.normal(size=(50, 1000))
    x = t[:1] + 1e-9 * rng.normal(size=(1, 1000))
    indices, distances = nearest_distances(x, t)
    assert indices[0] == 0 and np.isclose(distances[0], np.sqrt(((x - t[0]) ** 2).mean()), rtol=1e-12)


def test_what_a_product_cannot_tell_apart_the_differences_can():
    """Around ±1e6 a product of ten numbers errs by about 0.01, and the squares of these distances are 0.001."""
    rng = np.random.default_rng(0)
    t = np.where(rng.random((60, 1)) < 0.5, -1e6, 1e6) + 0.01 * rng.normal(size=(60, 10))
    x = np.where(rng.random((20, 1)) < 0.5, -1e6, 1e6) + 0.01 * rng.normal(size=(20, 10))
    squares = all_squares(x, t)
    indices, distances = nearest_distances(x, t)
    assert (indices == squares.argmin(axis=1)).all() and np.allclose(distances, np.sqrt(squares.min(axis=1) / 10))


def test_items_of_any_shape_are_compared_entry_by_entry():
    t = pictures(40, shape=(3, 4, 4, 3))
    flat = t.reshape(40, -1)
    for one, other in ((nearest_distances(t[:5], t[5:]), nearest_distances(flat[:5], flat[5:])),):
        assert (one[0] == other[0]).all() and (one[1] == other[1]).all()


def test_a_set_is_its_own_nearest_unless_it_leaves_itself_out():
    t = pictures(20)
    assert (nearest_distances(t, t)[1] == 0).all()
    assert (nearest_distances(t, t, leave_out_self=True)[1] > 0).all()
    twins = np.concatenate([t, t[4:5]])
    indices, distances = nearest_distances(twins, twins, leave_out_self=True)
    assert (indices[4], indices[20]) == (20, 4) and (distances[[4, 20]] == 0).all()


# The two-sample test ------------------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 25), st.integers(1, 3), st.integers(1, 5), st.integers(0, 99), st.integers(1, 30))
def test_the_accuracy_is_that_of_all_pairs_with_ties_and_twins(N, F, levels, seed, step):
    rng = np.random.default_rng(seed)
    real, fake = rng.integers(levels, size=(N, F)), rng.integers(levels + 1, size=(N, F))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "CHUNK_ITEMS", step)
        found = two_sample_accuracy(real, fake)
    assert np.allclose(found, by_all_pairs(real, fake), atol=1e-12)
    assert np.allclose(two_sample_accuracy(fake, real), found[::-1], atol=1e-12)


def test_exact_copies_of_the_real_set_give_0():
    real = pictures(100)
    assert two_sample_accuracy(real, real) == (0.0, 0.0)
    assert two_sample_accuracy(real, real[np.random.default_rng(0).permutation(100)]) == (0.0, 0.0)
    zeros = np.array([[0.0], [0.0], [3.0]])
    assert np.allclose(two_sample_accuracy(zeros, -zeros), (7 / 18, 7 / 18))  # 0 and −0 are twins: ⅓, ⅓, ½


def test_one_distribution_gives_a_half_and_separable_sets_give_1():
    rng = np.random.default_rng(0)
    N = 800
    real, fake = rng.normal(size=(N, 3)), rng.normal(size=(N, 3))
    for accuracy in two_sample_accuracy(real, fake):
        assert abs(accuracy - 0.5) < 4 * 0.6 / np.sqrt(N)  # neighbours are mutual: somewhat more than .5 / √N
    assert two_sample_accuracy(real, fake + 100) == (1.0, 1.0)


def test_a_collapsed_generator_is_told_from_a_copying_one():
    rng = np.random.default_rng(0)
    real = rng.normal(size=(200, 3))
    narrow = two_sample_accuracy(real, real[:1] + 1e-3 * rng.normal(size=(200, 3)))
    assert narrow[0] > 0.97 and narrow[1] > 0.97
    point = two_sample_accuracy(real, np.repeat(real[:1], 200, axis=0))
    assert point[1] == 199 / 200  # the one real item at that place is as near as 199 fakes
    copying = two_sample_accuracy(real, real + 1e-3 * rng.normal(size=(200, 3)))
    assert max(copying) < 0.05


# Ranks and duplicates -----------------------------------------------------------------------------------------------


def test_a_distance_is_ranked_among_the_usual_ones_and_equals_count_half():
    usual = np.array([3.0, 1.0, 2.0, 2.0])
    assert held_out_rank(np.array([0.0, 1.0, 1.5, 2.0, 9.0]), usual).tolist() == [0, 12.5, 25, 50, 100]
    assert held_out_rank(np.empty(0), usual).shape == (0,)


def test_new_data_are_below_the_first_percentile_once_in_a_hundred():
    rng = np.random.default_rng(0)
    assert abs((held_out_rank(rng.random(5000), rng.random(5000)) < 1).mean() - 0.01) < 0.008  # 4 errors of both


def test_near_duplicates_are_counted_by_their_nearest_other():
    x = np.array([[0.0], [0.1], [5.0], [9.0], [9.0], [9.0], [20.0]])
    assert near_duplicates(x, 0.05) == 3 / 7
    assert near_duplicates(x, 0.1) == 3 / 7  # nearer than, not as near as
    assert near_duplicates(x, 0.11) == 5 / 7
    assert near_duplicates(np.zeros((9, 2)), 1e-9) == 1.0
    assert near_duplicates(np.array([[0.0], [5.0], [0.0], [9.0]]), 1e-9) == 0.5


def test_a_threshold_from_real_data_marks_about_one_in_a_hundred_of_them():
    real, other = np.random.default_rng(1).normal(size=(2, 1000, 2))
    threshold = np.percentile(nearest_distances(real, real, leave_out_self=True)[1], 1)
    assert abs(near_duplicates(real, threshold) - 0.01) <= 0.001
    assert near_duplicates(other, threshold) < 0.03


# Refusals -----------------------------------------------------------------------------------------------------------


def test_sets_that_do_not_fit_are_refused():
    x = pictures(6)
    with pytest.raises(
        ShapeError, match=r"nearest_distances: x \(6, 4, 5, 1\) and training \(6, 4, 5\) must be \(N, …"
    ):
        nearest_distances(x, x[..., 0])
    with pytest.raises(ShapeError, match=r"nearest_distances: x \(6, 4, 5, 1\) and training \(0, 4, 5, 1\)"):
        nearest_distances(x, x[:0])
    with pytest.raises(ShapeError, match=r"x \(6,\) and training \(6,\)"):
        nearest_distances(np.zeros(6), np.zeros(6))
    with pytest.raises(ShapeError, match="must be one set of at least two items where leave_out_self is on"):
        nearest_distances(x[:5], x, leave_out_self=True)
    with pytest.raises(ShapeError, match="must be one set of at least two items"):
        nearest_distances(x[:1], x[:1], leave_out_self=True)
    with pytest.raises(
        DataError, match="x are float64 and training uint8, so 255 and 1 may be the same white. Convert"
    ):
        nearest_distances(x / 255, x)
    with pytest.raises(DataError, match="nearest_distances: there are numbers that are not finite"):
        nearest_distances(x * np.nan, x.astype(float))
    with pytest.raises(ShapeError, match="two_sample_accuracy: 6 real and 5 fake items; as many of each are needed"):
        two_sample_accuracy(x, x[:5])
    with pytest.raises(DataError, match="two_sample_accuracy: real are uint8 and fake float64"):
        two_sample_accuracy(x, x / 255)
    with pytest.raises(ShapeError, match=r"distances \(2, 1\) and usual \(2,\) must be \(N,\) and \(M,\), M ≥ 1"):
        held_out_rank(np.zeros((2, 1)), np.zeros(2))
    with pytest.raises(ShapeError, match="M ≥ 1"):
        held_out_rank(np.zeros(2), np.zeros(0))
    with pytest.raises(DataError, match="held_out_rank: there are numbers that are not finite"):
        held_out_rank(np.array([np.nan]), np.zeros(2))
    with pytest.raises(ShapeError, match=r"samples have shape \(1, 4, 5, 1\); there must be at least two"):
        near_duplicates(x[:1], 1.0)
    for threshold in (0.0, float("nan")):
        with pytest.raises(
            SettingError, match=f"near_duplicates: threshold is {threshold}; it must be a distance above"
        ):
            near_duplicates(x, threshold)

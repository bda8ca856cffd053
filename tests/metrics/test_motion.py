"""Metrics of motion against closed forms: each number is known, and each mistake moves it."""

import numpy as np
import pytest

from minigen.errors import DataError, SettingError, ShapeError
from minigen.metrics import (
    acceleration,
    bone_length_error,
    diversity,
    find_feet,
    foot_skate,
    hold_first,
    jitter,
    mean_pose,
    mpjpe,
    mpjpe_per_joint,
    pca_reconstruct,
    root_aligned_mpjpe,
    rotation_error,
)
from minigen.metrics.feet import side
from minigen.motion.skeleton import Skeleton


def some_places(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=(*shape, 3))


def turn_about_z(degrees):
    a = np.radians(degrees)
    return np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])


def a_skeleton(*bones, metres=1.0):
    """A skeleton of (name, parent, offset)."""
    names, parents, offsets = zip(*bones, strict=True)
    return Skeleton(names, parents, np.array(offsets, float), (("Zrotation", "Xrotation", "Yrotation"),) * len(names))


# Distances ----------------------------------------------------------------------------------------------------------


def test_a_moved_copy_is_as_far_away_as_it_was_moved():
    truth = some_places(2, 6, 5)
    moved = truth + [0.03, 0.0, 0.04]
    assert np.isclose(mpjpe(moved, truth), 5.0)
    assert np.isclose(root_aligned_mpjpe(moved, truth), 0.0)
    assert np.allclose(mpjpe_per_joint(moved, truth), 5.0) and mpjpe_per_joint(moved, truth).shape == (5,)


def test_the_height_of_the_carrier_is_subtracted_too_and_in_each_frame():
    truth = some_places(4, 3)
    moved = truth + np.array([0.1, 0.2, 0.3, 0.4])[:, None, None] * [0, 1, 0]
    assert np.isclose(root_aligned_mpjpe(moved, truth, carrier=1), 0.0)
    assert np.isclose(mpjpe(moved, truth), 25.0)


def test_one_wrong_joint_is_named_by_the_error_per_joint():
    truth = some_places(7, 4)
    wrong = truth.copy()
    wrong[:, 2, 1] += 0.08
    assert np.allclose(mpjpe_per_joint(wrong, truth), [0, 0, 8, 0])
    assert np.isclose(mpjpe(wrong, truth), 2.0)
    assert np.allclose(mpjpe_per_joint(wrong, truth, carrier=2), [8, 8, 0, 8])  # seen from the wrong joint
    assert np.isclose(root_aligned_mpjpe(wrong, truth, carrier=2), 6.0)


@pytest.mark.parametrize("degrees", [0.0, 1e-7, 30.0, 90.0, 180.0])
def test_the_rotation_error_is_the_angle_between(degrees):
    R = turn_about_z(17.0)[:, [2, 0, 1]]
    assert np.isclose(rotation_error(R, R @ turn_about_z(degrees)), degrees, rtol=1e-7, atol=1e-12)
    assert np.isclose(rotation_error(np.stack([R, R]), np.stack([R, R @ turn_about_z(degrees)])), degrees / 2)


# Smoothness ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fps", [20, 30, 60])
def test_free_fall_accelerates_by_g_and_does_not_jitter(fps):
    t = np.arange(12) / fps
    fall = np.stack([3 * t, -9.81 * t**2 / 2, np.ones(12)], axis=-1)[:, None]  # (T, 1, 3)
    assert np.isclose(acceleration(fall, fps), 9.81)
    assert jitter(fall, fps) < 1e-8


@pytest.mark.parametrize("fps", [20, 30, 60])
def test_a_cubic_has_a_constant_jerk(fps):
    t = np.arange(9) / fps
    cubic = np.stack([t**3 / 6 * 3, t**2, -4 * t**3 / 6], axis=-1)[:, None]
    assert np.isclose(jitter(np.stack([cubic, cubic]), fps), 5.0)


# Bones --------------------------------------------------------------------------------------------------------------


def test_a_stretched_bone_is_measured_and_a_root_left_behind_is_none():
    parents, offsets = (-1, 0, 1, 2), np.array([[0, 0, 0], [0, 0.9, 0], [0, 0.4, 0], [0.3, 0, 0]])
    places = np.tile(np.cumsum(offsets, axis=0), (5, 1, 1))
    assert bone_length_error(places, parents, offsets) < 1e-12
    places[:, 3, 0] += 0.02
    assert np.isclose(bone_length_error(places, parents, offsets), 2 / 3)
    places[:, 1:] += np.linspace(0, 3, 5)[:, None, None] * [1, 0, 0]  # the hips walk off, the root stays
    assert np.isclose(bone_length_error(places, parents, offsets, carrier=1), 1.0)
    assert bone_length_error(places, parents, offsets) > 20
    places[:, 3, 0] -= 0.06  # shorter counts as longer does
    assert np.isclose(bone_length_error(places, parents, offsets, carrier=1), 2.0)
    with pytest.raises(SettingError, match="carrier is 3, on which no bone hangs. Name the hips"):
        bone_length_error(places, parents, offsets, carrier=3)
    with pytest.raises(ShapeError, match=r"4 joints, but 4 parents and offsets \(3, 3\)"):
        bone_length_error(places, parents, offsets[:3])


# Feet ---------------------------------------------------------------------------------------------------------------


def sliding(speed, fps, height=0.0, seconds=2.0, feet=2):
    """Feet that all move at one speed, in m/s, at one height, in metres, along a slanting line."""
    t = np.arange(int(seconds * fps)) / fps
    places = np.zeros((len(t), feet, 3))
    places[..., 0], places[..., 1], places[..., 2] = 0.6 * speed * t[:, None], height, -0.8 * speed * t[:, None]
    return places


@pytest.mark.parametrize("fps", [20, 24, 30, 60, 120])
def test_a_foot_that_slides_skates_in_every_step_at_any_frame_rate(fps):
    assert foot_skate(sliding(1.2, fps), [0, 1], fps).share == 1.0
    assert foot_skate(sliding(0.45, fps), [0, 1], fps).share == 0.0
    steps = 2 * fps - 1
    lost_s = (1 - foot_skate(sliding(0.55, fps), [0, 1], fps).share) * steps / fps
    edge_s = 0.25 * (0.50 / 0.55 - 0.5)  # so near to an end the mean, with its zeros, stays below 0.50
    assert abs(lost_s - 2 * edge_s) < 2 / fps


def test_a_foot_in_the_air_does_not_skate_and_one_in_contact_does():
    low, high = sliding(1.0, 30, height=0.04), sliding(1.0, 30, height=0.06)
    assert foot_skate(low, [0, 1], 30, ground=0.0).share == 1.0
    assert foot_skate(high, [0, 1], 30, ground=0.0).share == 0.0
    both = np.stack([low, high])
    skate = foot_skate(both, [0, 1], 30, ground=np.array([0.0, 0.02]))
    assert skate.shares.tolist() == [1.0, 1.0] and skate.grounds.tolist() == [0.0, 0.02]
    assert foot_skate(both, [0, 1], 30, ground=0.0).share == 0.5


def test_the_height_that_counts_as_contact_can_be_lowered():
    places = sliding(1.0, 30, height=0.04)
    assert foot_skate(places, [0, 1], 30, ground=0.0, contact_m=0.03).share == 0.0
    assert "(a foot lower than 0.02 m over" in str(foot_skate(places, [0, 1], 30, contact_m=0.02))


def test_contact_needs_both_ends_of_the_step():
    places = sliding(1.0, 30)
    places[1::2, :, 1] = 0.2
    assert foot_skate(places, [0, 1], 30, ground=0.0).share == 0.0


def test_either_foot_is_enough_and_only_feet_count():
    places = sliding(1.0, 30, feet=3)
    places[:, :2] = 0.0
    assert foot_skate(places, [0, 1], 30).share == 0.0
    assert foot_skate(places, [0, 2], 30).share == 1.0


def test_one_quick_step_is_no_skating_since_its_mean_is_slow():
    places = np.zeros((61, 1, 3))
    places[30:, 0, 0] = 0.05  # one step at 1.5 m/s; over seven steps 0.21 m/s
    assert foot_skate(places, [0], 30).share == 0.0
    places[30:, 0, 0] = 0.15  # 4.5 m/s; over seven 0.64: that one step, and no neighbour that stands still
    assert np.isclose(foot_skate(places, [0], 30).share, 1 / 60)


def test_a_foot_that_rises_without_travel_does_not_skate():
    places = np.zeros((40, 1, 3))
    places[:, 0, 1] = 0.04 * (np.arange(40) % 2)  # 1.2 m/s, all of it upwards
    assert foot_skate(places, [0], 30, ground=0.0).share == 0.0


def test_the_ground_is_a_low_percentile_of_where_the_feet_are():
    places = sliding(1.0, 20, height=0.83)
    places[3, 0, 1] = -5.0  # a stray frame
    skate = foot_skate(places, [0, 1], 20)
    assert np.isclose(skate.ground, 0.83) and skate.share == 1.0
    assert str(skate) == "100.0 % of steps skate (a foot lower than 0.05 m over the ground at 0.830 m)"


def test_wrong_feet_grounds_and_rates_are_named():
    places = sliding(1.0, 30)
    with pytest.raises(SettingError, match=r"feet are \[2\]; they must be joints from 0 to 1, at least one"):
        foot_skate(places, [2], 30)
    with pytest.raises(SettingError, match=r"feet are \[\]"):
        foot_skate(places, [], 30)
    with pytest.raises(ShapeError, match=r"ground is \(3,\); it must be one height, or one a clip, \(\)"):
        foot_skate(places, [0], 30, ground=np.zeros(3))
    with pytest.raises(SettingError, match="fps is 0; it must be a number of frames a second above 0"):
        foot_skate(places, [0], 0)


@pytest.mark.parametrize(
    "name, expected",
    [
        *((name, "left") for name in ("LeftFoot", "Foot_L", "lFoot", "LFoot", "LHipJoint", "foot.left", "L_Foot")),
        *((name, "right") for name in ("RightFoot", "UpperLeg_R", "rShin", "RFoot", "mixamorig:RightLeg", "RIGHTLEG")),
        *((name, "") for name in ("LowerBack", "Root", "Spine", "L5", "Chest", "Ribs", "Upright", "Hips")),
    ],
)
def test_left_and_right_are_read_from_the_name(name, expected):
    assert side(name) == expected


HIPS = ("Hips", -1, (0, 0.9, 0))


def test_toes_are_preferred_to_feet_and_feet_to_ankles():
    toes = a_skeleton(HIPS, ("Foot_L", 0, (0.1, -0.8, 0)), ("Toes_L", 1, (0, 0, 0.1)), ("Toes_L_End", 2, (0, 0, 0.1)),
                      ("Foot_R", 0, (-0.1, -0.8, 0)), ("Toes_R", 4, (0, 0, 0.1)))  # fmt: skip
    assert find_feet(toes) == [2, 5]
    feet = a_skeleton(
        HIPS, ("LeftFoot", 0, (0.1, -0.8, 0)), ("LeftToe", 1, (0, 0, 0.1)), ("RightFoot", 0, (-0.1, -0.8, 0))
    )
    assert find_feet(feet) == [1, 3]  # one side has no toe
    assert find_feet(a_skeleton(HIPS, ("LAnkle", 0, (0.1, -0.8, 0)), ("RAnkle", 0, (-0.1, -0.8, 0)))) == [1, 2]


def test_nameless_feet_are_the_lowest_tips_of_a_pose_that_stands():
    paws = [(0.1, -0.9, 0), (-0.1, -0.9, 0), (0.1, -0.88, 0.7), (-0.1, -0.88, 0.7)]
    dog = a_skeleton(HIPS, *((f"b{k}", 0, paw) for k, paw in enumerate(paws)), ("tail", 0, (0, 0.1, -0.4)))
    assert find_feet(dog) == [1, 2, 3, 4]
    with pytest.raises(DataError, match=r"none of the 3 joints \(Hips, nose, tail\) is called toe, foot or ankle"):
        find_feet(a_skeleton(HIPS, ("nose", 0, (0, 0.1, 0.4)), ("tail", 0, (0, -0.1, -0.4))))  # it lies
    with pytest.raises(DataError, match="Name the joints that are feet"):
        find_feet(a_skeleton(HIPS))


# Variety ------------------------------------------------------------------------------------------------------------


def test_diversity_is_the_mean_distance_of_all_pairs_whatever_the_blocks():
    x = some_places(1100, 2)  # more than two blocks
    flat = x.reshape(1100, -1)
    pairs = [np.linalg.norm(flat[i + 1 :] - flat[i], axis=1) for i in range(1099)]
    assert np.isclose(diversity(x), np.concatenate(pairs).mean(), rtol=1e-12)


def test_diversity_of_copies_is_zero_and_of_two_points_their_distance():
    assert diversity(np.tile(some_places(1, 7) * 1e4, (9, 1, 1))) < 1e-10
    assert np.isclose(diversity(np.array([[0.0, 0.0], [3e-6, 4e-6]]) + 1e4), 5e-6)  # though far from the origin
    assert np.isclose(diversity(np.array([[0.0], [0.0], [3.0]])), 2.0)


# Baselines ----------------------------------------------------------------------------------------------------------


def test_mean_pose_and_first_frame():
    train, test = some_places(5, 4), some_places(2, 6, seed=1)
    mean = mean_pose(train, test)
    assert mean.shape == test.shape and np.allclose(mean[1, 5], train.reshape(-1, 3).mean(axis=0))
    held = hold_first(test)
    assert held.shape == test.shape and (held == test[:, :1]).all()
    held[0, 0] = 9
    assert (test[0, 0] != 9).all()
    with pytest.raises(ShapeError, match=r"train \(5, 4, 3\) and like \(2, 6, 2\) must have as many features"):
        mean_pose(train, test[..., :2])
    with pytest.raises(ShapeError, match=r"hold_first: windows have shape \(6, 3\)"):
        hold_first(test[0])


@pytest.mark.parametrize("N, D", [(9, 40), (60, 8)])
def test_pca_is_the_best_linear_code_of_so_many_numbers(N, D):
    rng = np.random.default_rng(3)
    train, test = rng.normal(size=(N, D)) * np.linspace(1, 3, D) + 5, rng.normal(size=(4, D)) + 5
    m = train.mean(axis=0)
    for k in (1, 3, min(N, D)):
        V = np.linalg.svd(train - m)[2][: min(k, N - 1)].T  # N windows less their mean span N − 1 directions
        assert np.allclose(pca_reconstruct(train, test, k), m + (test - m) @ V @ V.T)
    assert np.allclose(pca_reconstruct(train, train, min(N, D)), train)
    shaped = pca_reconstruct(train.reshape(N, 2, -1), test.reshape(4, 2, -1), 3)
    assert np.allclose(shaped.reshape(4, D), pca_reconstruct(train, test, 3)) and shaped.shape == (4, 2, D // 2)


def test_pca_finds_what_lies_in_a_plane_and_copies_do_no_harm():
    rng = np.random.default_rng(4)
    plane = rng.normal(size=(2, 30))
    train, test = rng.normal(size=(20, 2)) @ plane, rng.normal(size=(3, 2)) @ plane
    assert np.allclose(pca_reconstruct(train, test, 2), test)
    assert np.allclose(pca_reconstruct(train, test, 19), test)  # 17 of them are rounding noise
    assert not np.allclose(pca_reconstruct(train, test, 1), test)
    assert np.allclose(pca_reconstruct(np.ones((5, 7)), np.zeros((2, 7)), 2), 1)


def test_pca_refuses_fewer_windows_than_latents():
    x = some_places(6, 10)
    with pytest.raises(SettingError, match="is 7, but there are 6 training windows of 30 numbers: fewer windows than"):
        pca_reconstruct(x, x, 7)
    with pytest.raises(SettingError, match="fewer numbers than latents. Ask for fewer"):
        pca_reconstruct(x[:, 0], x[:, 0], 4)
    with pytest.raises(SettingError, match="components is 0; it must be at least 1"):
        pca_reconstruct(x, x, 0)
    with pytest.raises(ShapeError, match=r"train \(6, 10, 3\) and test \(6, 9, 3\)"):
        pca_reconstruct(x, x[:, :9], 2)


# What all of them refuse --------------------------------------------------------------------------------------------


def test_shapes_that_do_not_fit_are_refused():
    places = some_places(8, 4)
    with pytest.raises(ShapeError, match=r"mpjpe: places \(8, 4, 3\) and truth \(7, 4, 3\) must have one shape"):
        mpjpe(places, places[:7])
    with pytest.raises(ShapeError, match=r"mpjpe: places have shape \(4, 3\); they must be \(…, T, J, 3\) with T ≥ 1"):
        mpjpe(places[0], places[0])
    with pytest.raises(ShapeError, match="jitter: places have shape .* with T ≥ 4 frames"):
        jitter(places[:3], 30)
    with pytest.raises(ShapeError, match="acceleration: .* with T ≥ 3 frames"):
        acceleration(places[:2], 30)
    with pytest.raises(ShapeError, match="foot_skate: .* with T ≥ 2 frames"):
        foot_skate(places[:1], [0], 30)
    with pytest.raises(ShapeError, match=r"diversity: features have shape \(1, 4, 3\); they must be \(N, …\), N ≥ 2"):
        diversity(places[:1])
    with pytest.raises(ShapeError, match=r"R \(3, 3\) and S \(2, 3, 3\)"):
        rotation_error(np.eye(3), np.zeros((2, 3, 3)))
    with pytest.raises(SettingError, match="carrier is 4; it must be a joint from 0 to 3"):
        root_aligned_mpjpe(places, places, carrier=4)


@pytest.mark.parametrize(
    "measure",
    [
        lambda x: mpjpe(x, x),
        lambda x: mpjpe(np.zeros_like(x), x),
        lambda x: foot_skate(x, [0], 30),
        lambda x: jitter(x, 30),
        diversity,
        lambda x: pca_reconstruct(x, x, 2),
        lambda x: rotation_error(x, x),
    ],
)
def test_a_nan_is_refused_rather_than_counted_as_no_error(measure):
    x = some_places(8, 3)
    x[3, 1, 2] = np.nan
    with pytest.raises(DataError, match="not finite"):
        measure(x)

"""6J + 4 numbers a frame: they lead back to the motion, wherever it starts and whichever way it faces."""

import dataclasses
from fractions import Fraction

import numpy as np
import pytest

from minigen.errors import DataError, SettingError, ShapeError
from minigen.motion import (
    Clip,
    Skeleton,
    about_y,
    carrier,
    feature_names,
    forward_kinematics,
    from_6d,
    from_euler,
    from_features,
    geodesic_angle,
    heading_of,
    read_motion,
    to_features,
)

ZXY = ("Zrotation", "Xrotation", "Yrotation")


def skeleton(left="LeftLeg", right="RightLeg", metres=0.01):
    """Origin → Hips, which carries → a leg on each side and a spine."""
    names = ("Origin", "Hips", left, right, "Spine")
    offsets = np.array([[0, 0, 0], [0, 90, 0], [9, -5, 0], [-9, -5, 0], [0, 40, 0]]) * 0.01 / metres
    return Skeleton(names, (-1, 0, 1, 1, 1), offsets, (ZXY,) * 5, metres=metres)


def walk(T=50, fps=30, of=None, start=0.4, seed=0):
    """Hips walk on a bend at 1.2 m/s, facing where they go, swaying and leaning; all joints turn."""
    of = of or skeleton()
    rng = np.random.default_rng(seed)
    t = np.arange(T) / fps
    facing = start + 0.9 * t
    rotations = from_euler(
        rng.uniform(-40, 40, (5, 3)) * np.sin(t[:, None, None] * 5 + rng.uniform(0, 6, (5, 3))), "ZXY"
    )
    rotations[:, 0] = np.eye(3)
    rotations[:, 1] = about_y(facing) @ from_euler(np.stack([5 * np.sin(t), 10 + 0 * t, 0 * t], axis=1), "ZXY")
    translations = np.broadcast_to(of.offsets, (T, 5, 3)).copy()
    forward = 1.2 / fps * np.stack([np.sin(facing), 0 * t, np.cos(facing)], axis=1)
    place = np.concatenate([[[2, 0, -3]], np.cumsum(forward, axis=0)[:-1] + [2, 0, -3]])
    place[:, 1] = 0.9 + 0.02 * np.sin(9 * t)
    translations[:, 1] = place / of.metres
    return Clip(of, rotations, translations, Fraction(fps), "walk")


def there_and_back(clip, by, dtype=np.float64):
    x = to_features(clip, by, dtype=dtype)
    place = clip.places[0, by.joint] * clip.skeleton.metres
    start = {"start": (place[0], place[2]), "heading": heading_of(clip, by)[0]}
    return from_features(x, clip.skeleton, by, clip.fps, **start, name=clip.name)


def below(clip, by):
    """The places of the carrier and of all that hangs on it, in cm."""
    return clip.places[:, by.joint :] * clip.skeleton.metres * 100


# There and back -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("metres", [1, 0.01])
def test_the_motion_returns(metres):
    clip = walk(of=skeleton(metres=metres))
    by = carrier(clip.skeleton, [clip])
    again = there_and_back(clip, by)
    assert np.abs(below(again, by) - below(clip, by)).max() < 1e-9
    assert geodesic_angle(again.rotations, clip.rotations).max() < 1e-9
    assert again.fps == 30 and again.name == "walk" and again.skeleton is clip.skeleton


def test_every_real_clip_returns(real_data):
    """1e-6 cm in float64; in float32 0.05 cm over any window of 64 frames, each from its own start."""
    clips = read_motion(real_data("motion"))
    by = carrier(clips[0].skeleton, clips)
    assert clips[0].skeleton.names[by.joint] == "Hips" and by.notes == ()
    assert [clips[0].skeleton.names[j] for j in by.sides] == ["UpperLeg_L", "UpperLeg_R"]
    for clip in clips:
        own = carrier(clip.skeleton, [clip])
        assert own.joint == by.joint  # also in the one whose root moves
        assert np.abs(below(there_and_back(clip, own), own) - below(clip, own)).max() < 1e-6
        T = min(64, len(clip))
        window = Clip(clip.skeleton, clip.rotations[-T:], clip.translations[-T:], clip.fps, clip.name)
        again = there_and_back(window, by, np.float32)
        assert np.abs(below(again, by) - below(window, by)).max() < 0.05


def test_real_walkers_face_where_they_go_and_turn_without_jumps(real_data):
    for clip in read_motion(real_data("motion")):
        x = to_features(clip, carrier(clip.skeleton, [clip]))
        left, forward, height, yaw = x[:, -4:].T
        assert forward.mean() > 0.4 and abs(left.mean()) < 0.2  # m/s
        assert 0.7 < height.min() and height.max() < 1.3 and np.abs(yaw).max() < 2 * np.pi


def test_six_numbers_need_not_be_upright_axes():
    clip = walk()
    by = carrier(clip.skeleton, [clip])
    x = to_features(clip, by, dtype=np.float64)
    stretched = x.copy()
    six = stretched[:, :30].reshape(-1, 5, 2, 3)
    six[:, :, 1] += 0.3 * six[:, :, 0]
    six *= 2.5
    a, b = (from_features(y, clip.skeleton, by, 30) for y in (x, stretched))
    assert np.allclose(a.rotations, b.rotations)


# What the numbers mean ------------------------------------------------------------------------------------------------


def test_the_numbers_are_what_their_names_say():
    clip = walk()
    by = carrier(clip.skeleton, [clip])
    x = to_features(clip, by)
    assert x.shape == (50, 34) and x.dtype == np.float32 and len(feature_names(clip.skeleton)) == 34
    named = dict(zip(feature_names(clip.skeleton), x.T, strict=True))
    assert np.allclose(named["velocity forward (m/s)"], 1.2, atol=1e-3)
    assert np.allclose(named["velocity to the left (m/s)"], 0, atol=0.03)
    assert np.allclose(named["yaw rate (rad/s)"], 0.9, atol=0.05)
    assert np.allclose(named["height (m)"], clip.translations[:, 1, 1] / 100)
    assert np.allclose(named["Spine: x axis, z"], clip.rotations[:, 4, 2, 0], atol=1e-6)
    assert np.allclose(named["Spine: y axis, x"], clip.rotations[:, 4, 0, 1], atol=1e-6)
    assert x[-1, -1] == x[-2, -1] and x[-1, -3] == x[-2, -3]  # the last frame repeats


def test_a_step_to_the_left_is_positive_x_whichever_way_the_body_faces():
    clip = walk(start=2.0)
    by = carrier(clip.skeleton, [clip])
    sideways = clip.translations.copy()
    facing = heading_of(clip, by)
    sideways[:, 1, [0, 2]] = np.cumsum(
        np.stack([np.cos(facing), -np.sin(facing)], axis=1), axis=0
    )  # left of (sin, cos)
    x = to_features(Clip(clip.skeleton, clip.rotations, sideways, clip.fps), by)
    assert (x[:, -4] > 0.25).all() and np.abs(x[:, -3]).max() < 0.02


def test_the_numbers_do_not_depend_on_where_and_which_way():
    clip = walk()
    by = carrier(clip.skeleton, [clip])
    turn = about_y(np.array(2.5))
    moved = Clip(clip.skeleton, clip.rotations.copy(), clip.translations.copy(), clip.fps)
    moved.rotations[:, 1] = turn @ clip.rotations[:, 1]
    moved.translations[:, 1] = clip.translations[:, 1] @ turn.T + [700, 0, 300]
    assert np.allclose(to_features(moved, by), to_features(clip, by), atol=1e-5)
    assert np.allclose(heading_of(moved, by) - heading_of(clip, by), 2.5)


def test_heading_is_summed_up_before_the_velocity():
    """A quarter turn in the first second, then a metre forward: from facing +z that is a metre along +x."""
    still = carrier(skeleton(), [walk()])
    x = to_features(walk(3, fps=1), still, dtype=np.float64)
    x[:, -4:] = [[0, 0, 0.9, np.pi / 2], [0, 1, 0.9, 0], [0, 5, 0.9, 5]]
    clip = from_features(x, skeleton(), still, 1, start=(4, 6))
    assert np.allclose(clip.translations[:, 1], [[400, 90, 600], [400, 90, 600], [500, 90, 600]])
    assert np.allclose(heading_of(clip, still) - heading_of(clip, still)[0], [0, np.pi / 2, np.pi / 2])


def test_the_heading_goes_on_through_whole_turns():
    clip = walk(T=600)
    by = carrier(clip.skeleton, [clip])
    assert np.allclose(np.diff(heading_of(clip, by)), 0.03, atol=2e-3)
    assert heading_of(clip, by)[-1] > 17


@pytest.mark.parametrize("T", [1, 2])
def test_the_shortest_clips_work(T):
    clip = walk(T)
    by = carrier(clip.skeleton, [walk()])
    again = there_and_back(clip, by)
    assert len(again) == T and np.abs(below(again, by) - below(clip, by)).max() < 1e-9


# The joint that carries the body --------------------------------------------------------------------------------------


def test_a_moving_root_above_moving_hips_is_folded_into_the_hips():
    clip = walk()
    clip.translations[:, 0] = np.linspace(0, 1, 50)[:, None] * [300, 0, 100]
    clip.rotations[:, 0] = about_y(np.linspace(0, 2, 50))
    by = carrier(clip.skeleton, [clip])
    again = there_and_back(clip, by)
    assert by.joint == 1 and np.abs(below(again, by) - below(clip, by)).max() < 1e-9
    assert (again.translations[:, 0] == 0).all() and (again.rotations[:, 0] == np.eye(3)).all()
    x = to_features(clip, by)
    assert (x[:, :6] == [1, 0, 0, 0, 1, 0]).all()
    x[:, :6] = np.random.default_rng(1).normal(size=6)  # a model's attempt at what is constant
    assert (from_features(x, clip.skeleton, by, 30).rotations[:, 0] == np.eye(3)).all()
    G = [forward_kinematics(c.skeleton.parents, c.rotations, c.translations)[0] for c in (clip, again)]
    assert geodesic_angle(G[0][:, 1:], G[1][:, 1:]).max() < 1e-9


def test_the_root_carries_where_it_moves_alone_or_nothing_moves():
    clip = walk()
    clip.translations[:, 0], clip.translations[:, 1] = clip.translations[:, 1], (0, 0, 0)
    by = carrier(clip.skeleton, [clip])
    assert by.joint == 0 and by.sides == (2, 3)
    assert np.abs(below(there_and_back(clip, by), by) - below(clip, by)).max() < 1e-9
    clip.translations[:] = clip.translations[0]
    assert carrier(clip.skeleton, [clip]).joint == 0
    assert carrier(clip.skeleton, [clip, walk()]).joint == 1


def test_other_joints_keep_their_mean_and_the_notes_say_which_moved():
    clip = walk()
    clip.translations[:, 4] += (0, 0, 1)
    clip.translations[:, 4, 1] += np.where(np.arange(50) % 2, 3, -3)
    clip.translations[:, 2, 1] += np.where(np.arange(50) % 2, 0.1, -0.1)  # less than 1 % of the reach
    by = carrier(clip.skeleton, [clip])
    assert by.notes == ("Spine moves by up to 3 cm from its mean place; it is kept there.",)
    again = there_and_back(clip, by)
    assert np.allclose(again.translations[:, 4], [0, 40, 1]) and np.allclose(again.translations[:, 2], [9, -5, 0])


@pytest.mark.parametrize(
    "left, right",
    [
        ("LeftLeg", "RightLeg"),
        ("Leg_L", "Leg_R"),
        ("lThigh", "rThigh"),
        ("L_Hip", "R_Hip"),
        ("thigh.l", "thigh.r"),
        ("Bip01 L Thigh", "Bip01 R Thigh"),
        ("mixamorig:LeftUpLeg", "mixamorig:RightUpLeg"),
        ("leg_left", "leg_RIGHT"),
    ],
)
def test_left_and_right_are_found_by_name(left, right):
    clip = walk(of=skeleton(left, right))
    assert carrier(clip.skeleton, [clip]).sides == (2, 3)
    clip = walk(of=skeleton(right, left))
    assert carrier(clip.skeleton, [clip]).sides == (3, 2)


def test_a_pair_that_does_not_stand_apart_is_passed_over_for_the_next():
    names = ("Hips", "LHipJoint", "RHipJoint", "LeftUpLeg", "RightUpLeg")
    offsets = np.array([[0, 0, 0], [0, 0, 0], [0, 0, 0], [9, -5, 0], [-9, -5, 0]], float)
    of = Skeleton(names, (-1, 0, 0, 1, 2), offsets, (ZXY,) * 5, metres=0.01)
    clip = Clip(of, np.broadcast_to(np.eye(3), (2, 5, 3, 3)), np.stack([offsets, offsets + 50]), Fraction(30))
    assert carrier(of, [clip]).sides == (3, 4)


def test_without_a_pair_the_heading_is_the_carriers_own_turn():
    clip = walk(of=skeleton("Tentacle", "Tail"))
    by = carrier(clip.skeleton, [clip])
    assert by.sides is None and by.notes == (
        "No left and right pair was found under Hips; its own turn is the heading.",
    )
    assert np.abs(below(there_and_back(clip, by), by) - below(clip, by)).max() < 1e-9
    assert np.allclose(np.diff(heading_of(clip, by)), 0.03, atol=2e-3) and np.allclose(
        heading_of(clip, by)[0], 0.4, atol=0.1
    )


# What is refused ------------------------------------------------------------------------------------------------------


def test_what_does_not_fit_is_refused():
    clip = walk()
    by = carrier(clip.skeleton, [clip])
    with pytest.raises(
        ShapeError, match=r"from_features: x has shape \(5, 33\); it must be \(T, 34\), 6 a joint and 4"
    ):
        from_features(np.zeros((5, 33)), clip.skeleton, by, 30)
    with pytest.raises(SettingError, match="fps is 0; it must be a positive number"):
        from_features(np.zeros((5, 34)), clip.skeleton, by, 0)
    with pytest.raises(DataError, match="carrier: there are no clips"):
        carrier(clip.skeleton, [])
    other = dataclasses.replace(skeleton(), names=("A", "B", "C", "D", "E"))
    with pytest.raises(DataError, match="walk: has another skeleton than the one asked about"):
        carrier(other, [clip])
    single = Skeleton(("A",), (-1,), np.zeros((1, 3)), (ZXY,))
    with pytest.raises(DataError, match="walk: has 5 joints, but the carrier 1"):
        to_features(clip, carrier(single, [Clip(single, np.eye(3)[None, None], np.zeros((1, 1, 3)), Fraction(1))]))


def test_any_numbers_at_all_make_a_clip():
    x = np.random.default_rng(0).normal(size=(20, 34)).astype(np.float32)
    x[3, :30] = 0
    clip = from_features(x, skeleton(), carrier(skeleton(), [walk()]), 30)
    assert np.isfinite(clip.places).all() and np.allclose(np.linalg.det(clip.rotations), 1)
    assert np.allclose(clip.rotations[:, 4], from_6d(x[:, 24:30].astype(np.float64)))

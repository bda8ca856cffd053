"""The built-in motion: factors that are what they say, feet that stand still, movements without a jerk."""

from fractions import Fraction

import numpy as np
import pytest

from minigen.data.motion import (
    ACTIONS,
    MOTION_FACTORS,
    MOTION_RANGES,
    animate,
    contacts,
    cycle_seconds,
    draw_motion_factors,
    motion,
)
from minigen.data.motion_figure import FIGURE, HEEL, JOINT, SHIN, SIDES, THIGH
from minigen.errors import DataError, SettingError
from minigen.motion.skeleton import forward_kinematics


def of(action, count=1, seed=0, **fixed):
    """`count` records of one action, drawn, with some factors set."""
    factors = draw_motion_factors(count, seed)
    factors["action"] = ACTIONS.index(action)
    for name, value in fixed.items():
        factors[name] = value
    return factors


def places(clips):
    return np.stack([clip.places for clip in clips])


def corners(action):
    """Every combination of the extreme speeds, strides, bounces and leans."""
    grid = np.array(np.meshgrid(*[MOTION_RANGES[name] for name in ("speed", "stride", "bounce", "lean")]))
    factors = of(action, grid[0].size, seed=5)
    for name, values in zip(("speed", "stride", "bounce", "lean"), grid.reshape(4, -1), strict=True):
        factors[name] = values
    return factors


def test_the_figure_has_21_joints_is_a_person_tall_and_stands_on_the_ground():
    names = "Hips Spine Chest Neck Head".split() + [
        side + part for side in SIDES for part in "Collar UpperArm ForeArm Hand UpLeg Leg Foot Toe".split()
    ]
    assert list(FIGURE.names) == names and FIGURE.metres == 1.0
    assert FIGURE.channels[0] == ("Xposition", "Yposition", "Zposition", "Zrotation", "Xrotation", "Yrotation")
    assert set(FIGURE.channels[1:]) == {("Zrotation", "Xrotation", "Yrotation")}
    assert sorted(FIGURE.names[j] for j in FIGURE.ends) == "Head LeftHand LeftToe RightHand RightToe".split()
    rest = forward_kinematics(FIGURE.parents, np.tile(np.eye(3), (21, 1, 1)), FIGURE.offsets)[1]
    assert rest[JOINT["Head"], 1] + FIGURE.ends[JOINT["Head"]][1] == pytest.approx(1.7)
    assert rest[JOINT["LeftFoot"], 1] + HEEL[1] == pytest.approx(0)
    assert rest[JOINT["LeftHand"], 0] == -rest[JOINT["RightHand"], 0] > 0


def test_clips_say_what_they_are():
    clips, factors = motion(40, frames=10, fps=Fraction(24000, 1001), seed=1)
    assert len(clips) == 40 and factors.shape == (40,) and factors.dtype == MOTION_FACTORS
    for i, (clip, action) in enumerate(zip(clips, factors["action"], strict=True)):
        assert clip.labels == {"action": ACTIONS[action]} and clip.name == f"{ACTIONS[action]}-{i:04d}"
        assert clip.skeleton is FIGURE and len(clip) == 10 and clip.fps == Fraction(24000, 1001)
        assert (clip.translations[:, 1:] == FIGURE.offsets[1:]).all() and clip.translations[0, 0, 2] == 0


def test_every_rotation_is_proper():
    R = np.stack([clip.rotations for clip in motion(100, seed=2)[0]])
    assert np.abs(R @ R.swapaxes(-1, -2) - np.eye(3)).max() < 1e-12
    assert np.abs(np.linalg.det(R) - 1).max() < 1e-12


def test_the_same_seed_makes_the_same_clips_and_another_seed_makes_others():
    a, b, c = (motion(8, seed=seed) for seed in (3, 3, 4))
    assert (a[1] == b[1]).all() and (places(a[0]) == places(b[0])).all()
    assert (a[1]["phase"] != c[1]["phase"]).all()


def test_the_first_hundred_of_a_thousand_are_the_hundred():
    few, few_factors = motion(100, frames=4, seed=9)
    many, many_factors = motion(1000, frames=4, seed=9)
    assert (many_factors[:100] == few_factors).all()
    assert np.abs(places(many[:100]) - places(few)).max() < 1e-12  # the last bit of sin may depend on its neighbours
    assert [clip.name for clip in many[:100]] == [clip.name for clip in few]


def test_animating_the_factors_gives_the_items_whatever_stands_beside_them():
    clips, factors = motion(90, frames=8, seed=5)
    assert np.abs(places(animate(factors[[70, 3]], 8)) - places([clips[70], clips[3]])).max() < 1e-12


def test_the_drawn_factors_are_the_same_on_every_platform():
    first = draw_motion_factors(2, seed=0)[1]
    assert first["action"] == 1
    assert [first[name].item().hex() for name in ("speed", "lean", "nuisance")] == [
        "0x1.a8b6fc877c75cp-1",
        "0x1.0b57a44f14b51p-3",
        "0x1.0495b5b6af5b2p-2",
    ]


def test_every_factor_is_uniform_on_its_range_and_independent_of_the_others():
    factors = draw_motion_factors(20_000, seed=2)
    shares = []
    for name, (lowest, highest) in MOTION_RANGES.items():
        values = factors[name].astype(float)
        assert lowest <= values.min() and values.max() <= highest
        bins = len(ACTIONS) if name == "action" else 20
        counts = np.histogram(values, bins, (lowest, highest))[0]
        expected = 20_000 / bins
        assert ((counts - expected) ** 2 / expected).sum() < 50, name  # χ², at most 19 degrees of freedom: p ≈ 1e-4
        shares.append(values)
    correlations = np.corrcoef(shares) - np.eye(len(shares))
    assert np.abs(correlations).max() < 0.03  # 4 / √20,000


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("fps", [30, 24])
def test_a_planted_foot_stands_still_on_the_ground(action, fps):
    factors = np.concatenate([of(action, 30, seed=4), corners(action)])
    p = places(animate(factors, 64, fps))
    planted = contacts(factors, 64, fps)
    for side, name in enumerate(SIDES):
        both = planted[:, 1:, side] & planted[:, :-1, side]
        assert both.any()
        for joint, height in ((name + "Foot", 0.08), (name + "Toe", 0.02)):
            q = p[:, :, JOINT[joint]]
            assert np.linalg.norm(np.diff(q, axis=1), axis=-1)[both].max() < 1e-9  # metres: rounding alone
            assert np.abs(q[planted[..., side], 1] - height).max() < 1e-9


@pytest.mark.parametrize("action", ["walk", "run", "jump"])
def test_a_foot_that_is_not_planted_moves(action):
    factors = of(action, 40, seed=6)
    p = places(animate(factors, 240, 120))
    planted = contacts(factors, 240, 120)
    for side, name in enumerate(SIDES):
        step = np.linalg.norm(np.diff(p[:, :, JOINT[name + "Foot"]], axis=1), axis=-1)
        lifted = ~(planted[:, 1:, side] | planted[:, :-1, side])
        assert (step[lifted] > 1e-7).mean() > 0.999
        assert np.median(step[lifted]) > 0.005  # metres in a 120th of a second
        assert 0.1 < lifted.mean() < 0.9


def test_walking_has_double_support_running_has_flight_and_both_feet_hop_at_once():
    for action in ACTIONS:
        factors = corners(action)
        planted = contacts(factors, 600, 120)
        both, none = planted.all(axis=2).mean(axis=1), (~planted).all(axis=2).mean(axis=1)
        if action == "walk":
            assert both.min() > 0.03 and none.max() == 0
        elif action == "run":
            soles = lowest_of_the_feet(animate(factors, 600, 120)).min(axis=1)
            assert both.max() == 0 and ((soles > 0.01).mean(axis=1) > 0.08).all()  # both feet 1 cm up
        elif action == "jump":
            assert (planted[..., 0] == planted[..., 1]).all() and 0.15 < none.min() < none.max() < 0.7
        else:
            assert both.min() == 1


def lowest_of_the_feet(clips):
    """The height of the lowest point of each foot, heel, ball or tip: (N, 2, T)."""
    heights = []
    for clip in clips:
        G, p = forward_kinematics(FIGURE.parents, clip.rotations, clip.translations)
        for name in SIDES:
            foot, toe = JOINT[name + "Foot"], JOINT[name + "Toe"]
            heel = p[:, foot] + G[:, foot] @ HEEL
            tip = p[:, toe] + G[:, toe] @ FIGURE.ends[toe]
            heights.append(np.minimum(np.minimum(heel[:, 1], tip[:, 1]), p[:, toe, 1] - 0.02))
    return np.array(heights).reshape(len(clips), 2, -1)


@pytest.mark.parametrize("action", ACTIONS)
def test_no_foot_goes_into_the_ground(action):
    factors = np.concatenate([of(action, 30, seed=8), corners(action)])
    assert lowest_of_the_feet(animate(factors, 64)).min() > -0.008  # a sole is thicker than that


@pytest.mark.parametrize("action", ACTIONS)
def test_a_leg_always_reaches_its_foot_and_knees_bend_forwards(action):
    factors = np.concatenate([of(action, 60, seed=7), corners(action)])
    clips = animate(factors, 200, 97)  # moments that are not those at which the height was found
    p = places(clips)
    for name in SIDES:
        hip, knee, ankle = (p[:, :, JOINT[name + part]] for part in ("UpLeg", "Leg", "Foot"))
        assert np.linalg.norm(hip - ankle, axis=-1).max() < 0.992 * (THIGH + SHIN)
        assert np.abs(np.linalg.norm(hip - knee, axis=-1) - THIGH).max() < 1e-12
        assert np.abs(np.linalg.norm(knee - ankle, axis=-1) - SHIN).max() < 1e-12
        bend = np.stack([clip.rotations[:, JOINT[name + "Leg"]] for clip in clips])
        angle = np.degrees(np.arctan2(bend[..., 2, 1], bend[..., 1, 1]))  # about x, the only axis of a knee
        assert np.abs(bend[..., 0, 0] - 1).max() < 1e-9
        assert 13 < angle.min() and angle.max() < 150


@pytest.mark.parametrize("action, frames", [("idle", 96), ("walk", 30), ("run", 22), ("jump", 42), ("wave", 96)])
def test_the_pose_comes_round_again_after_a_cycle(action, frames):
    factors = of(action, 10, seed=3, speed=1.0)
    assert np.allclose(cycle_seconds(factors) * 30, frames)
    for clip in animate(factors, 2 * frames + 1):
        assert np.abs(clip.rotations[frames:] - clip.rotations[:-frames]).max() < 1e-9
        moved = clip.translations[frames:, 0] - clip.translations[:-frames, 0]
        assert np.abs(moved[:, :2]).max() < 1e-9 and np.ptp(moved[:, 2]) < 1e-9
    half = animate(factors, 2 * frames + 1)[0].rotations
    assert np.abs(half[frames // 2 :] - half[: -(frames // 2)]).max() > 0.01  # and not sooner


def test_phase_is_where_in_the_cycle_a_clip_begins():
    for action in ACTIONS:
        a, b = (animate(of(action, 1, seed=2, speed=1.0, phase=phase), 90, 60)[0] for phase in (0.0, 0.25))
        later = round(0.25 * cycle_seconds(of(action, speed=1.0))[0] * 60)
        if action in ("walk", "wave", "idle"):  # a quarter of the cycle is a whole number of frames at 60 a second
            assert np.abs(a.rotations[later:] - b.rotations[:-later]).max() < 1e-9
        assert np.abs(a.rotations[0] - b.rotations[0]).max() > 0.01


def vertical(factors):
    heights = places(animate(factors, 240, 60))[:, :, JOINT["Hips"], 1]
    return np.ptp(heights, axis=1)


def travel_of_a_cycle(factors):
    z = places(animate(factors, 241, 60))[:, :, JOINT["Hips"], 2]
    return (z[:, -1] - z[:, 0]) / 4 * cycle_seconds(factors)


def feet_apart(factors):
    p = places(animate(factors, 2))
    return p[:, 0, JOINT["LeftFoot"], 0] - p[:, 0, JOINT["RightFoot"], 0]


def hand_range(factors):
    p = places(animate(factors, 240, 60))
    seen = p[:, :, JOINT["RightHand"]] - p[:, :, JOINT["RightUpperArm"]]
    return np.linalg.norm(np.ptp(seen, axis=1), axis=-1)


def chest_tilt(factors):
    tilts = []
    for clip in animate(factors, 240, 60):
        G = forward_kinematics(FIGURE.parents, clip.rotations, clip.translations)[0]
        tilts.append(np.arctan2(G[:, JOINT["Chest"], 2, 1], G[:, JOINT["Chest"], 1, 1]).mean())
    return np.array(tilts)


def steps_a_second(factors):
    """How often an arm comes back: the strongest frequency of its rotation, below 8 Hz."""
    R = np.stack([clip.rotations for clip in animate(factors, 2400, 60)])[:, :, JOINT["RightUpperArm"]]
    x = R.reshape(len(R), len(R[0]), 9)
    power = (np.abs(np.fft.rfft(x - x.mean(axis=1, keepdims=True), axis=1)) ** 2).sum(axis=2)
    return power[:, :320].argmax(axis=1) / 40.0


@pytest.mark.parametrize(
    "factor, action, seen, least",
    [
        ("bounce", "idle", vertical, 0.01),
        ("bounce", "walk", vertical, 0.03),
        ("bounce", "run", vertical, 0.03),
        ("bounce", "jump", vertical, 0.2),
        ("bounce", "wave", vertical, 0.01),
        ("stride", "walk", travel_of_a_cycle, 0.4),
        ("stride", "run", travel_of_a_cycle, 0.8),
        ("stride", "jump", travel_of_a_cycle, 0.2),
        ("stride", "idle", feet_apart, 0.1),
        ("stride", "wave", feet_apart, 0.1),
        *[("arm_swing", action, hand_range, 0.08) for action in ACTIONS],
        *[("lean", action, chest_tilt, 0.4) for action in ACTIONS],
        *[("speed", action, steps_a_second, 0.15) for action in ACTIONS],
    ],
)
def test_a_factor_changes_what_it_says_in_the_direction_it_says(factor, action, seen, least):
    lowest, highest = MOTION_RANGES[factor]
    low, high = of(action, 6, seed=11), of(action, 6, seed=11)
    low[factor], high[factor] = lowest, highest
    assert (seen(high) - seen(low) > least).all()


def test_the_nuisance_changes_a_little_and_nothing_that_a_factor_says():
    for action in ACTIONS:
        a, b = of(action, 6, seed=1, nuisance=0.2), of(action, 6, seed=1, nuisance=0.9)
        p, q = (places(animate(f)) for f in (a, b))
        assert 0.002 < np.linalg.norm(p - q, axis=-1).max() < 0.2
        assert np.abs(p[:, :, 0, 2] - q[:, :, 0, 2]).max() < 1e-9
        assert (contacts(a) == contacts(b)).all()


def test_legs_and_arms_swing_against_each_other_and_the_left_step_lands_at_phase_0():
    for action in ("walk", "run"):
        p = places(animate(of(action, 5, seed=3, speed=1.0, arm_swing=0.7, phase=0.0)))[:, 0]
        ahead = {name: p[:, JOINT[name], 2] for name in ("LeftFoot", "RightFoot", "LeftHand", "RightHand")}
        assert (ahead["LeftFoot"] > ahead["RightFoot"] + 0.2).all()
        assert (ahead["RightHand"] > ahead["LeftHand"] + 0.1).all()


def test_the_one_who_waves_has_the_right_hand_above_the_shoulder():
    p = places(animate(of("wave", 20, seed=3), 120))
    shoulder, hand = p[:, :, JOINT["RightUpperArm"]], p[:, :, JOINT["RightHand"]]
    assert (hand[..., 1] > shoulder[..., 1] + 0.1).all() and (hand[..., 0] < 0).all()
    assert (p[:, :, JOINT["LeftHand"], 1] < 1.0).all()


def test_a_jump_flies_as_a_thrown_body_does():
    factors = of("jump", 4, seed=2, bounce=1.0)
    y = places(animate(factors, 1000, 500))[:, :, JOINT["Hips"], 1]
    fall = np.diff(y, n=2, axis=1) * 500**2
    flying = np.abs(fall + 9.81) < 1e-3
    assert np.allclose(flying.sum(axis=1) / 500, 2 * np.sqrt(8 * 0.30 / 9.81), atol=0.5)  # seconds in two seconds
    assert flying.any(axis=1).all() and (np.ptp(y, axis=1) > 0.30).all()


@pytest.mark.parametrize(
    "action, bound", [("idle", 0.002), ("walk", 0.15), ("run", 0.30), ("jump", 0.25), ("wave", 0.03)]
)
def test_nothing_jerks(action, bound):
    """At 4 × the frame rate a third difference is 4³ smaller, but 4² where acceleration leaps, 4 where speed does."""
    factors = np.concatenate([of(action, 8, seed=10), corners(action)])
    assert third_difference(factors, 30) < bound  # metres
    ratio = third_difference(factors, 200) / third_difference(factors, 800)
    assert ratio > 30


def third_difference(factors, fps):
    p = places(animate(factors, 2 * fps, fps))
    return np.linalg.norm(np.diff(p, n=3, axis=1), axis=-1).max()


def test_no_clips_are_a_list_of_no_clips():
    clips, factors = motion(0)
    assert clips == [] and factors.shape == (0,) and contacts(factors).shape == (0, 64, 2)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"n": -1}, "motion: n is -1; it must be between 0"),
        ({"n": 2.5}, "motion: n is 2.5; it must be a whole number"),
        ({"n": 1, "frames": 1}, "motion: frames is 1; it must be between 2 and"),
        ({"n": 1, "fps": 0}, "motion: fps is 0; it must be between 1 and 1000"),
        ({"n": 1, "fps": "fast"}, "motion: fps is 'fast'; it must be a number of frames a second"),
        ({"n": 1, "fps": float("nan")}, "motion: fps is nan; it must be a number of frames a second"),
        ({"n": 1, "seed": -3}, "motion: seed is -3"),
    ],
)
def test_a_wrong_setting_is_named(arguments, message):
    with pytest.raises(SettingError, match=message):
        motion(**arguments)


def test_wrong_factors_are_named():
    factors = draw_motion_factors(3)
    factors["speed"][1] = np.nan
    with pytest.raises(DataError, match=r"factor speed of item 1 is nan; it must lie in \[0.7, 1.3\]"):
        animate(factors)
    factors = draw_motion_factors(3)
    factors["action"][2] = 5
    with pytest.raises(DataError, match=r"factor action of item 2 is 5; it must lie in \[0, 4\]"):
        contacts(factors)
    broken = draw_motion_factors(3).astype([(name, float) for name in MOTION_RANGES])
    broken["action"][1] = 1.5
    with pytest.raises(DataError, match="factor action of item 1 is 1.5; it must be a whole number"):
        animate(broken)
    with pytest.raises(DataError, match="factors lack stride, nuisance. Start from draw_motion_factors"):
        animate(draw_motion_factors(3)[[name for name in MOTION_RANGES if name not in ("stride", "nuisance")]])
    with pytest.raises(DataError, match=r"factors have shape \(2, 2\)"):
        cycle_seconds(draw_motion_factors(4).reshape(2, 2))

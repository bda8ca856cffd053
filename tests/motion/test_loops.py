"""Loops of motion: the end meets the beginning in pose and in movement, and the body goes on from round to round."""

import dataclasses
from fractions import Fraction

import numpy as np
import pytest

from minigen.data.motion import ACTIONS, animate, draw_motion_factors
from minigen.errors import SettingError
from minigen.motion import (
    about_y,
    bvh_text,
    carrier,
    from_features,
    geodesic_angle,
    heading_of,
    read_bvh,
    resample,
    to_features,
)
from minigen.motion.loops import rounds, seamless


def figures(action, n=6, frames=64, **factors):
    """Built-in clips of one action, otherwise drawn."""
    drawn = draw_motion_factors(n, seed=3)
    drawn["action"] = ACTIONS.index(action)
    for name, value in factors.items():
        drawn[name] = value
    return animate(drawn, frames)


def turning(clip, radians_a_second):
    """The clip, its way bent and its body turned with it."""
    body = carrier(clip.skeleton, [clip])
    x = to_features(clip, body, dtype=np.float64)
    x[:, -1] += radians_a_second
    return from_features(x, clip.skeleton, body, clip.fps, heading=1.0, start=(3.0, -2.0), name="turning")


def seen(clip):
    """Where the joints of the body are in metres, relative to the carrier on the ground and its heading: (T, J, 3)."""
    body = carrier(clip.skeleton, [clip])
    p = clip.places[:, body.joint :] * clip.skeleton.metres
    p = p - p[:, :1] * [1, 0, 1]
    return (about_y(-heading_of(clip, body))[:, None] @ p[..., None])[..., 0]


def seam(loop):
    """(the step of the joints from the last frame to the first, the change of that step), over the mean ones inside."""
    n, p = len(loop), seen(loop)
    steps = np.diff(np.concatenate([p, p, p]), axis=0)  # (3n − 1, J, 3)
    sizes, changes = (np.linalg.norm(d, axis=-1).mean(axis=1) for d in (steps, np.diff(steps, axis=0)))
    return sizes[n - 1] / sizes[: n - 1].mean(), changes[n - 2 : n].max() / changes[: n - 2].mean()


def quickest(clip):
    """The largest mean step of the joints from frame to frame, in metres."""
    return np.linalg.norm(np.diff(seen(clip), axis=0), axis=-1).mean(axis=1).max()


def part(clip, frames):
    frames = list(frames)
    return dataclasses.replace(clip, rotations=clip.rotations[frames], translations=clip.translations[frames])


def heights(clip):
    return clip.places[:, carrier(clip.skeleton, [clip]).joint, 1] * clip.skeleton.metres


def faces(clip):
    return np.degrees(heading_of(clip, carrier(clip.skeleton, [clip])))


# The seam -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["walk", "run"])
def test_the_seam_of_a_walk_or_run_is_a_step_like_the_others(action):
    for clip in figures(action):
        step, change = seam(seamless(clip))
        assert 0.3 < step < 1.5 and change < 2  # of the mean ones; the largest inside are about as large


def test_the_seam_of_real_clips_is_a_step_like_the_others(real_data):
    for path in sorted(real_data("motion").glob("*.bvh")):
        clip = resample(read_bvh(path), 30)
        step, change = seam(seamless(clip))
        assert 0.3 < step < 1.5 and change < 2, path.name


@pytest.mark.parametrize("action", ["walk", "run"])
def test_the_figure_tells_a_loop_from_a_cut_a_missing_frame_and_a_held_one(action):
    for clip in figures(action):
        loop = seamless(clip)
        n = len(loop)
        step, change = seam(part(loop, range(int(0.6 * n))))
        assert step > 1.5 or change > 2
        step, _ = seam(part(loop, range(n - 2)))
        assert step > 1.5
        step, _ = seam(part(loop, [*range(n), 0]))
        assert step < 0.01


@pytest.mark.parametrize("action", ["idle", "wave", "jump"])
def test_the_movement_goes_on_where_nothing_comes_round_in_time(action):
    # An idle cycle of 3.2 s is longer than the clip; a jump has its seam where it is fast.
    for clip in figures(action):
        loop = seamless(clip)
        step, change = seam(loop)
        assert step < 3 and change < 4 and len(loop) >= 30  # a short one would be a twitch


@pytest.mark.parametrize("action, most", [("walk", 1.3), ("run", 1.3), ("jump", 1.3), ("wave", 1.3), ("idle", 2.5)])
def test_nothing_in_a_loop_is_much_quicker_than_in_the_clip(action, most):
    for clip in figures(action):  # an idle figure, whose cycle is longer than the clip, has to turn back
        assert quickest(seamless(clip)) < most * quickest(clip)


def test_the_height_of_the_body_goes_on_uphill_too():
    for clip in [*figures("walk"), *figures("run"), *figures("jump")]:
        for rise in (0, 0.1):  # metres, over the clip
            climbing = dataclasses.replace(clip, translations=clip.translations.copy())
            climbing.translations[:, 0, 1] += np.linspace(0, rise, len(clip))
            h = heights(rounds(seamless(climbing), 2))
            n = len(h) // 2
            assert h[n] == pytest.approx(h[0], abs=1e-9)
            assert np.abs(np.diff(h)).max() < 1.3 * np.abs(np.diff(heights(climbing))).max()


def test_what_comes_round_exactly_is_not_changed():
    (clip,) = figures("walk", n=1, speed=1.0)  # 30 frames a cycle
    loop = seamless(clip)
    assert len(loop) == 30
    differences = [geodesic_angle(loop.rotations, clip.rotations[a : a + 30]).max() for a in range(len(clip) - 29)]
    a = int(np.argmin(differences))
    assert differences[a] < 1e-4  # degrees; the built-in walk repeats to rounding
    assert np.abs(loop.translations - clip.translations[a : a + 30]).max() < 1e-6


def test_the_longest_of_equally_good_pieces_is_taken():
    (clip,) = figures("walk", n=1, speed=1.0, frames=110)
    assert len(seamless(clip)) == 90  # three cycles


# From round to round --------------------------------------------------------------------------------------------------


def test_each_round_is_the_first_farther_on():
    loop = seamless(figures("walk")[1])
    n, three = len(loop), rounds(loop, 3)
    assert len(three) == 3 * n and three.fps == loop.fps
    assert np.abs(three.places[:n] - loop.places).max() < 1e-9
    p = seen(three)
    assert np.abs(p[:n] - p[n : 2 * n]).max() < 1e-9 and np.abs(p[:n] - p[2 * n :]).max() < 1e-9
    way = three.places[:, 0, [0, 2]]
    first, second = way[n] - way[0], way[2 * n] - way[n]
    assert np.linalg.norm(first) > 0.5 and np.abs(first - second).max() < 0.02  # it turns by a trace at the seam
    steps = np.linalg.norm(np.diff(way, axis=0), axis=1)
    assert steps[n - 1] < 1.5 * steps[: n - 1].mean() and steps[n - 1] > 0.5 * steps[: n - 1].mean()


def test_a_turn_is_kept_and_the_next_round_goes_on_with_it():
    rate = np.radians(60)
    for clip in figures("walk", n=3):
        loop = seamless(turning(clip, rate))
        f = faces(rounds(loop, 3))
        n = len(loop)
        for k in (1, 2):
            assert f[k * n] - f[(k - 1) * n] == pytest.approx(60 * n / 30, rel=0.1)
        smooth = np.convolve(f, np.ones(11) / 11, "valid")  # the hips sway by a few degrees
        assert (np.diff(smooth) > 0).all()  # never wound back
        assert seam(loop)[0] < 1.5


def test_the_straight_part_of_a_way_is_preferred():
    (clip,) = figures("walk", n=1, speed=1.0, frames=200)
    body = carrier(clip.skeleton, [clip])
    x = to_features(clip, body, dtype=np.float64)
    x[80:110, -1] += np.radians(90)  # by a quarter, in one of seven seconds
    bent = from_features(x, clip.skeleton, body, 30)
    assert len(seamless(clip)) == 180 and len(seamless(bent)) == 60


def test_a_trace_of_a_turn_is_taken_out():
    for clip in figures("walk", n=3):
        bent = turning(clip, np.radians(4))
        loop = seamless(bent)
        n = len(loop)
        f = faces(rounds(loop, 2, straight=True))
        assert abs(f[n] - f[0]) < 1e-6
        f = faces(rounds(loop, 2))
        assert abs(f[n] - f[0]) < 1  # degree: the step over the seam is taken from its neighbours


def test_straight_rounds_of_a_turning_loop_come_back_to_their_heading():
    loop = seamless(turning(figures("walk")[0], 1.0))
    n = len(loop)
    f = faces(rounds(loop, 3, straight=True))
    assert abs(f[n] - f[0]) < 1e-6 and abs(f[2 * n] - f[0]) < 1e-6


def test_a_loop_begins_where_the_body_stood():
    clip = turning(figures("run")[0], 0.0)
    loop = seamless(clip)
    distances = np.linalg.norm(clip.places[:, 0] - loop.places[0, 0], axis=1)
    a = int(distances.argmin())
    assert distances[a] < 1e-6 and faces(loop)[0] == pytest.approx(faces(clip)[a], abs=1e-6)


def test_horizontal_travel_is_that_of_the_piece():
    for clip in figures("walk"):
        loop = seamless(clip)
        speed = [np.linalg.norm(c.places[-1, 0] - c.places[0, 0]) / (len(c) - 1) for c in (clip, loop)]
        assert speed[1] == pytest.approx(speed[0], rel=0.1)


# The rest -------------------------------------------------------------------------------------------------------------


def test_name_labels_rate_and_skeleton_are_kept_and_the_clip_is_not_changed():
    clip = figures("walk")[0]
    before = clip.rotations.copy(), clip.translations.copy()
    loop = seamless(clip)
    assert loop.name == "walk-0000-loop" and loop.labels == clip.labels and loop.fps == clip.fps
    assert loop.skeleton is clip.skeleton and bvh_text(loop).count("\n") > len(loop)
    assert (clip.rotations == before[0]).all() and (clip.translations == before[1]).all()
    assert rounds(loop, 2).labels == clip.labels


def test_one_clip_has_one_loop():
    clip = figures("run")[0]
    body = carrier(clip.skeleton, [clip])
    assert (seamless(clip).rotations == seamless(clip, body=body).rotations).all()


def test_a_clip_that_stands_still_makes_a_loop_that_stands_still():
    clip = figures("idle")[0]
    still = dataclasses.replace(
        clip, rotations=clip.rotations[:1].repeat(64, axis=0), translations=clip.translations[:1].repeat(64, axis=0)
    )
    loop = seamless(still)
    assert np.isfinite(loop.rotations).all() and len(loop) > 12
    assert np.abs(loop.places - still.places[0]).max() < 1e-9


@pytest.mark.parametrize("fps", [10, 24, Fraction(24000, 1001), 120])
def test_any_frame_rate_will_do(fps):
    loop = seamless(resample(figures("walk")[0], fps))
    assert loop.fps == fps and 0.4 <= len(loop) / fps < 2.2
    assert seam(loop)[0] < 1.5


def test_a_loop_is_as_long_as_asked_for_and_a_clip_too_short_is_refused():
    clip = figures("walk", frames=40)[0]
    assert len(seamless(clip, shortest_s=0.9)) >= 27
    assert len(seamless(clip, shortest_s=1.3)) == 39  # nothing else is left
    with pytest.raises(SettingError, match="walk-0000: 40 frames are too few for a loop of 60 or more; give a longer"):
        seamless(clip, shortest_s=2.0)
    tiny = figures("walk", frames=8)[0]
    assert len(seamless(tiny, 0.5 * 8 / 30)) >= 4

"""Metrics of clips against motions whose steps are known."""

import numpy as np
import pytest

from minigen.data import effects
from minigen.errors import DataError, SettingError, ShapeError
from minigen.metrics import energy, flicker, mean_clip, repeat_frame, seam, seam_jerk


def clip(*levels):
    """One clip of evenly grey frames of these levels."""
    return np.broadcast_to(np.array(levels, float)[None, :, None, None, None], (1, len(levels), 3, 2, 1)).copy()


def turning(T, times=1):
    """A point on a circle, in two pixels of which the rest of the frame is 0: a loop of T frames."""
    frames = np.zeros((1, T, 4, 4, 1))
    angle = 2 * np.pi * np.arange(T) * times / T
    frames[0, :, 1, 2, 0], frames[0, :, 3, 0, 0] = np.cos(angle), np.sin(angle)
    return frames


@pytest.mark.parametrize("T", [3, 4, 16])
def test_a_loop_has_no_seam_and_no_jerk(T):
    assert np.allclose(seam(turning(T)), 1) and np.allclose(seam_jerk(turning(T)), 1)
    later = np.roll(turning(T), 1, axis=1)
    assert np.allclose(seam(later), 1) and np.allclose(seam_jerk(later), 1)


def test_a_jump_is_as_many_times_a_step():
    assert np.allclose(seam(clip(0, 1, 2, 3, 4)), 4)
    assert np.allclose(seam(clip(0, 1, 0, 3)), 3 / (5 / 3))
    assert np.allclose(seam(clip(0, 10)), 1)  # two frames: there and back


def test_a_held_frame_has_a_seam_of_nothing():
    assert np.allclose(seam(clip(0, 1, 2, 0)), 0)


def test_a_jerk_at_the_join_is_seen_where_the_places_meet():
    there_and_back = clip(0, 1, 4, 9, 9, 4, 1)  # the steps 1, 3, 5, 0, −5, −3 are joined by −1
    assert np.allclose(seam(there_and_back), 1 / (17 / 6))
    assert np.allclose(seam_jerk(there_and_back), ((2 + 2) / 2) / ((2 + 2 + 5 + 5 + 2) / 5))
    assert np.allclose(seam_jerk(clip(0, 3, 4)), ((5 + 7) / 2) / 2)  # 3, 1 and −4 across the join
    part = turning(64)[:, :48]  # three quarters of a turn
    assert seam(part)[0] > 10 and seam_jerk(part)[0] > 100


def test_clips_are_measured_one_by_one_and_a_still_one_is_nan():
    three = np.concatenate([clip(0, 1, 2, 3), clip(5, 5, 5, 5), clip(0, 2, 0, 0)])
    found = seam(three)
    assert found[0] == 3 and np.isnan(found[1]) and found[2] == 0 and np.isnan(found).sum() == 1
    assert np.isnan(seam_jerk(three)).tolist() == [True, True, False]  # the first glides
    assert energy(three).tolist() == [1, 0, 4 / 3] and flicker(three).tolist() == [0, 0, 3]


def test_rounding_is_no_motion():
    glide = (np.linspace(0.1, 0.7, 9, dtype=np.float32)[None, :, None, None, None] * np.ones((1, 1, 4, 4, 1))).astype(
        "f4"
    )
    assert np.isnan(seam_jerk(glide)).all() and np.allclose(seam(glide), 8, rtol=1e-5)


def test_bytes_do_not_wrap():
    assert energy(clip(250, 3, 250).astype(np.uint8)).tolist() == [247]
    assert flicker(clip(250, 3, 250).astype(np.uint8)).tolist() == [494]


def test_a_distance_is_a_root_mean_square_and_does_not_grow_with_the_frame():
    one_pixel = np.zeros((1, 2, 4, 4, 1))
    one_pixel[0, 1, 0, 0] = 8
    assert energy(one_pixel) == [2.0]
    noise = np.random.default_rng(0).normal(size=(20, 12, 16, 16, 1))
    assert np.allclose(energy(noise).mean(), np.sqrt(2), rtol=0.01)
    assert np.allclose(flicker(noise).mean(), np.sqrt(6), rtol=0.01)
    assert np.allclose(energy(3 * noise), 3 * energy(noise))


def test_the_built_in_loops_close_and_explosions_do_not():
    fire, blast = effects(12, "fire", seed=1)[0], effects(12, "explosion", seed=1)[0]
    assert 0.8 < np.median(seam(fire)) < 1.25 and 0.8 < np.median(seam_jerk(fire)) < 1.25
    assert np.median(seam(blast)) > 2


def test_the_baselines_hold_the_first_frame_or_the_mean():
    train = effects(5, "rain", seed=2)[0]
    held = repeat_frame(train)
    assert held.shape == train.shape and held.dtype == np.uint8 and (held == train[:, :1]).all()
    assert (energy(held) == 0).all() and np.isnan(seam(held)).all()
    held[0, 0] = 99
    assert (train[0, 0] != 99).any()
    mean = mean_clip(train, 3)
    assert mean.shape == (3, *train.shape[1:]) and mean.dtype == np.float64
    assert np.allclose(mean[2], train.astype(float).mean(axis=0))
    mean[0] = 0
    assert mean[1].any()


@pytest.mark.parametrize("measure, frames", [(seam, 2), (seam_jerk, 3), (energy, 2), (flicker, 3), (repeat_frame, 1)])
def test_what_is_no_clip_is_refused(measure, frames):
    x = turning(8)
    name = measure.__name__
    with pytest.raises(ShapeError, match=rf"{name}: clips have shape .*, with T ≥ {frames} frames and not empty"):
        measure(x[:, : frames - 1])
    with pytest.raises(ShapeError, match=rf"{name}: clips have shape \(1, 8\)"):
        measure(x[..., 0, 0, 0])
    with pytest.raises(ShapeError, match=rf"{name}: clips have shape \(0, 8, 4, 4, 1\)"):
        measure(x[:0])
    x[0, 2, 1] = np.nan
    with pytest.raises(DataError, match=f"{name}: there are numbers that are not finite"):
        measure(x)
    assert measure(turning(8)[:, :frames]).shape[0] == 1


def test_no_mean_clips_are_refused():
    with pytest.raises(SettingError, match="mean_clip: n is 0; it must be at least 1"):
        mean_clip(turning(4), 0)
    with pytest.raises(ShapeError, match=r"mean_clip: clips have shape \(4,\)"):
        mean_clip(np.zeros(4), 1)

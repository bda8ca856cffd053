"""Other frame rates and windows: the motion keeps its pace, and no window reaches beyond its clip."""

from fractions import Fraction

import numpy as np
import pytest

from minigen.errors import DataError, SettingError
from minigen.motion import Clip, Skeleton, about_y, geodesic_angle, read_bvh, resample, windows

ONE = Skeleton(("Hips",), (-1,), np.zeros((1, 3)), ((),))


def turning(T, fps):
    """A joint that turns by 1 rad a second and moves by 2 units a second."""
    t = np.arange(T) / float(fps)
    return Clip(ONE, about_y(t)[:, None], np.stack([2 * t, 0 * t, 1 + 0 * t], axis=1)[:, None], Fraction(fps), "turn")


@pytest.mark.parametrize("old, new", [(30, 60), (30, 24), (24, 30), (120, 30), (30, Fraction(24000, 1001)), (30, 7)])
def test_motion_keeps_its_pace(old, new):
    clip = resample(turning(91, old), new)
    want = turning(len(clip), new)
    assert clip.fps == new and clip.name == "turn"
    assert geodesic_angle(clip.rotations, want.rotations).max() < 1e-9
    assert np.allclose(clip.translations, want.translations)
    before, after = Fraction(90, old), Fraction(len(clip) - 1) / Fraction(new)
    assert 0 <= before - after < 1 / Fraction(new)


def test_the_same_rate_and_single_frames_change_nothing():
    clip = turning(10, 30)
    assert resample(clip, 30) is clip and resample(clip, 30.0) is clip
    assert len(resample(turning(1, 30), 24)) == 1
    assert resample(clip, 23.976).fps == Fraction(24000, 1001)


def test_a_whole_multiple_keeps_every_frame():
    clip = turning(10, 30)
    double = resample(clip, 60)
    assert len(double) == 19 and np.allclose(double.rotations[::2], clip.rotations, atol=1e-12)
    assert (double.translations[::2] == clip.translations).all()


@pytest.mark.parametrize("fps", [0, -24, float("nan"), float("inf"), "fast", None])
def test_a_rate_that_is_none_is_refused(fps):
    with pytest.raises(SettingError, match="it must be a positive number of frames a second"):
        resample(turning(5, 30), fps)


def test_a_real_clip_there_and_back(real_data):
    clip = read_bvh(real_data("motion") / "walk_normal_001.bvh")
    again = resample(resample(clip, 120), 30)
    assert len(again) == len(clip) and np.abs(again.places - clip.places).max() < 1e-9
    coarse = resample(resample(clip, 24), 30)
    assert 0.01 < np.abs(coarse.places - clip.places[: len(coarse)]).max() < 10  # cm: something is lost, but little


def test_windows_lie_within_the_clip():
    assert windows(64, 64, 8).tolist() == [0] and windows(71, 64, 8).tolist() == [0]
    assert windows(72, 64, 8).tolist() == [0, 8] and windows(5, 1, 2).tolist() == [0, 2, 4]
    assert windows(100, 64, 8).dtype == np.int64


def test_a_clip_shorter_than_a_window_is_refused():
    with pytest.raises(
        DataError, match="run: has 24 frames, fewer than a window of 64. Leave it out, or choose a smaller"
    ):
        windows(24, 64, 8, name="run")
    with pytest.raises(SettingError, match="window is 0; it must be at least 1 frame"):
        windows(24, 0, 8)
    with pytest.raises(SettingError, match="stride is -1; it must be at least 1 frame"):
        windows(24, 8, -1)

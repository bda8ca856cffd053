"""Clips: effects that move, windows of films that never reach over a cut, and everything that is no clip."""

import numpy as np
import pytest

from minigen.data import effects
from minigen.data.clips import HELD_OUT, Clips, open_clips
from minigen.data.clips_windows import longest, split, starts
from minigen.data.video import frame_rate
from minigen.errors import DataError, SettingError

from .test_video import flat, write_film


def moving_shots(lengths, height=32, width=32, seed=0):
    """A film of shots, each a soft random picture that drifts: uint8 (T, H, W, 3)."""
    rng, frames = np.random.default_rng(seed), []
    for length in lengths:
        picture = np.kron(rng.integers(0, 256, (4, 4, 1)), np.ones((height // 4, width // 4, 3)))
        frames += [np.roll(picture, t, axis=1) for t in range(length)]
    return np.stack(frames).astype(np.uint8)


# Effects --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind, loops", [("fire", True), ("smoke", True), ("snow", True), ("explosion", False)])
def test_effects_are_clips_and_others_of_another_seed_are_held_out(kind, loops, monkeypatch):
    monkeypatch.setattr("minigen.data.clips.HELD_OUT", 3)
    clips, held_out = open_clips(f"effects:{kind}", frames=8, size=16, count=4, seed=5)
    expected, factors = effects(4, kind, 16, 8, seed=5)
    assert (clips.items == expected).all() and (clips.factors == factors).all()
    assert (held_out.items == effects(3, kind, 16, 8, seed=6)[0]).all()
    assert clips.loops == held_out.loops == loops and clips.fps is None
    assert (clips.name, clips.licence) == (f"effects-{kind}", "rendered by minigen")
    assert clips.description == f"4 {'looping ' * loops}clips of 8 frames of 16×16×1"


def test_as_many_effects_are_drawn_as_are_asked_for(monkeypatch):
    monkeypatch.setattr("minigen.data.clips.BUILT_IN", 7)
    clips, held_out = open_clips("effects:snow", frames=2, size=8)
    assert (len(clips), len(held_out)) == (7, HELD_OUT)
    assert open_clips("effects:snow", frames=2, size=8, count=2)[0].items.shape == (2, 2, 8, 8, 1)


# Windows --------------------------------------------------------------------------------------------------------------


def test_windows_begin_every_so_many_frames_of_each_shot_and_end_inside_it():
    shots = np.array([0] * 7 + [1] * 3 + [2] * 4)
    assert starts(shots, 4, 2).tolist() == [0, 2, 10]  # the shot of three frames has none
    assert starts(shots, 3, 4).tolist() == [0, 4, 7, 10]
    assert starts(shots, 8, 1).tolist() == []
    assert longest(shots) == 7


def test_no_window_to_learn_from_shares_a_frame_with_one_held_out():
    first = np.arange(0, 120, 3)
    learnt, held_out = split(first, 16)
    assert held_out.tolist() == [36, 37, 38, 39]
    assert first[learnt[-1]] + 16 <= first[36] < first[learnt[-1] + 1] + 16  # and no more are left out than that
    apart, last = split(np.arange(5) * 16, 16)
    assert apart.tolist() == [0, 1, 2, 3] and last.tolist() == [4]
    everything, none = split(np.arange(10), 16)
    assert everything.tolist() == list(range(10)) and not len(none)


# Films ----------------------------------------------------------------------------------------------------------------


def test_windows_of_a_film_hold_its_frames_in_order_and_reach_over_no_cut(tmp_path):
    film = moving_shots([30, 10, 25])
    path = write_film(tmp_path / "cuts.mp4", film)
    clips, held_out = open_clips(f"video:{path}", frames=12, stride=3)
    found = np.concatenate([clips.factors, held_out.factors])
    assert found["frame"].tolist() == [0, 3, 6, 9, 12, 15, 18, 40, 52]  # at 43, 46 and 49 begin three that share frames
    assert found["shot"].tolist() == [0] * 7 + [2] * 2 and len(held_out) == 1
    for i in (0, 7):
        first = clips.factors["frame"][i]
        assert np.abs(clips.items[i].astype(int) - film[first : first + 12, ..., :1]).mean() < 4  # what the codec loses
    assert clips.fps == held_out.fps == 10 and not clips.loops and clips.name == "cuts"
    assert clips.notes == (
        "These frames are of 3 shots.",
        "Held out, to measure on: the last 1 of 12 clips. 3 more share frames with them and were left out.",
    )


def test_of_every_nth_frame_windows_are_so_many_times_as_long(tmp_path):
    path = write_film(tmp_path / "fade.mp4", flat(range(20, 220, 5)))
    clips, held_out = open_clips(f"video:{path}", frames=8, every=2, stride=4)
    assert clips.factors["frame"].tolist() == [0, 8] and held_out.factors["frame"].tolist() == [24]
    light = clips.items.mean(axis=(2, 3, 4))
    assert np.abs(light[1] - (20 + 5 * np.arange(8, 24, 2))).max() < 4
    assert clips.fps == 5


def test_count_is_the_most_to_learn_from(tmp_path):
    path = write_film(tmp_path / "fade.mp4", flat(range(20, 220, 5)))
    clips, held_out = open_clips(f"video:{path}", frames=4, stride=2, count=3)
    assert len(clips) == 3 and held_out.factors["frame"].tolist() == [34, 36]
    assert "The first 3 of 16 clips were taken." in clips.notes


def test_a_film_too_short_to_hold_any_out_says_so(tmp_path):
    path = write_film(tmp_path / "fade.mp4", flat(range(20, 220, 10)))
    clips, held_out = open_clips(f"video:{path}", frames=16, stride=1)
    assert len(clips) == 5 and held_out is None
    assert "Too few clips to hold any out" in clips.notes[-1]


@pytest.mark.parametrize(
    "said, rate", [("23.98", "24000/1001"), ("29.97", "30000/1001"), ("25", "25"), ("12.50", "25/2")]
)
def test_the_rate_is_what_the_file_says(said, rate, tmp_path, monkeypatch):
    from fractions import Fraction
    from types import SimpleNamespace

    path = write_film(tmp_path / "film.mp4", flat([9] * 3))
    assert frame_rate(path) == 10
    line = f"  Stream #0:0[0x1](und): Video: h264 (Main), yuv420p, 1280x720, 1205 kb/s, {said} fps, 25 tbr"
    monkeypatch.setattr("subprocess.run", lambda *a, **k: SimpleNamespace(stderr=line.encode()))
    assert frame_rate(path) == Fraction(rate)
    monkeypatch.setattr("subprocess.run", lambda *a, **k: SimpleNamespace(stderr=b"  Stream #0:0: Video: gif, 25 tbr"))
    assert frame_rate(path) is None


def test_the_real_clip_is_one_shot_of_132_frames_at_25_a_second(real_data):
    clips, held_out = open_clips(f"video:{real_data('film') / 'big_buck_bunny_clip.mp4'}", stride=1)
    assert set(clips.factors["shot"]) == {0} and clips.fps == 25
    assert held_out.factors["frame"].tolist() == list(range(105, 117))  # a tenth of 117
    assert clips.factors["frame"].tolist() == list(range(90))


# Arrays ---------------------------------------------------------------------------------------------------------------


def some(n=12, frames=8, size=32, channels=1, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, frames, size, size, channels), dtype=np.uint8)


def test_clips_are_read_from_arrays_with_their_factors(tmp_path):
    factors = np.zeros(12, [("wind", float)])
    factors["wind"] = np.arange(12)
    np.savez(tmp_path / "clips.npz", items=some(), factors=factors)
    clips, held_out = open_clips(f"npz:{tmp_path / 'clips.npz'}", frames=8)
    assert (clips.items == some()[:11]).all() and (held_out.items == some()[11:]).all()
    assert clips.factors["wind"].tolist() == list(range(11)) and not clips.loops and clips.name == "clips"
    np.save(tmp_path / "plain.npy", some())
    assert (open_clips(f"npz:{tmp_path / 'plain.npy'}", frames=8)[0].items == clips.items).all()


def test_longer_clips_are_cut_into_windows_of_one_clip_each(tmp_path):
    factors = np.zeros(3, [("wind", float)])
    factors["wind"] = np.arange(3)
    np.savez(tmp_path / "clips.npz", items=some(3, 20), factors=factors)
    clips, held_out = open_clips(f"npz:{tmp_path / 'clips.npz'}", frames=8, stride=6)
    assert clips.factors["wind"].tolist() == [0, 0, 0, 1, 1, 1, 2] and held_out.factors["wind"].tolist() == [2]
    assert (clips.items[4] == some(3, 20)[1, 6:14]).all() and (held_out.items[0] == some(3, 20)[2, 12:]).all()


def test_frames_of_another_size_are_brought_to_it_and_floats_to_bytes(tmp_path):
    levels = np.arange(12 * 8).reshape(12, 8, 1, 1, 1) / 127.5 - 0.25
    np.save(tmp_path / "clips.npy", np.broadcast_to(levels, (12, 8, 40, 40, 3)).astype(np.float32).clip(0))
    clips, _ = open_clips(f"npz:{tmp_path / 'clips.npy'}", frames=8)
    assert clips.items.shape == (11, 8, 32, 32, 1)
    expected = (2 * np.arange(11 * 8) - 64).clip(0).reshape(11, 8)
    assert abs(clips.items.mean(axis=(2, 3, 4)) - expected).max() < 1
    assert clips.notes[:2] == (
        "Floats in [0, 1] were read as the levels 0 … 255.",
        "Frames of shape (40, 40, 3) were brought to (32, 32, 1).",
    )


# What is no clip ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spec, message",
    [
        ("motion", "that is motion, not clips; learn it with python -m minigen.train vae"),
        ("scenes", "these are stills, without a time; leave --frames out"),
        ("images:stills", "these are stills, without a time"),
        ("mnist", "these are stills"),
        ("effects:fier", "there is no effect 'fier'; did you mean effects:fire?"),
        ("effects", "an effect must follow, as in effects:fire"),
        ("video", "a path must follow, as in video:PATH"),
        ("npz:", "a path must follow, as in npz:PATH"),
        ("vidoe:x", "unknown; did you mean video?"),
        ("video:absent.mp4", "does not exist. Name the file of a film"),
    ],
)
def test_what_does_not_move_is_refused_as_it_was_typed(spec, message):
    with pytest.raises((SettingError, DataError)) as caught:
        open_clips(spec)
    assert str(caught.value).startswith(f"--data {spec}: {message}")


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"frames": 1}, "frames is 1; it must be between 2 and 1024"),
        ({"stride": 0}, "stride is 0; it must be at least 1"),
        ({"count": 0}, "count is 0; it must be at least 1"),
        ({"channels": 2}, "channels is 2; it must be 1"),
        ({"size": 4}, "size is 4; it must be between 8 and 128"),
    ],
)
def test_a_wrong_setting_is_named(settings, message):
    with pytest.raises(SettingError, match=message):
        open_clips("effects:fire", **settings)


def test_what_is_too_short_is_refused(tmp_path):
    path = write_film(tmp_path / "cuts.mp4", moving_shots([9, 12]))
    with pytest.raises(
        DataError, match="its longest shot has 12 frames, fewer than a clip of 16. Choose fewer --frames.$"
    ):
        open_clips(f"video:{path}")
    with pytest.raises(DataError, match="longest shot has 6 frames of every 2 of its frames.* or a smaller --every.$"):
        open_clips(f"video:{path}", frames=8, every=2)
    np.save(tmp_path / "clips.npy", some())
    with pytest.raises(
        DataError, match="^--data npz:.*: its clips have 8 frames, fewer than 16. Choose fewer --frames"
    ):
        open_clips(f"npz:{tmp_path / 'clips.npy'}")


@pytest.mark.parametrize(
    "array, message",
    [
        (some()[0], r"holds an array \(8, 32, 32, 1\): images, which have no time. Leave --frames out"),
        (some()[..., 0, 0], r"images, which have no time"),
        (some(channels=2), r"\(12, 8, 32, 32, 2\), not clips. Save uint8 clips \(N, T, H, W, C\)"),
        (some()[:0], "not clips"),
        (some().astype(np.int32), "holds int32, not uint8 or floats"),
        (some().astype(object), "holds Python objects"),
        (some(size=20), "its frames cannot be used: it is 20×20, smaller than 32×32"),
    ],
)
def test_arrays_that_are_no_clips_are_refused(array, message, tmp_path):
    np.save(tmp_path / "bad.npy", array, allow_pickle=True)
    with pytest.raises(DataError, match=message):
        open_clips(f"npz:{tmp_path / 'bad.npy'}", frames=8)


# The set itself -------------------------------------------------------------------------------------------------------


def test_a_set_keeps_items_and_factors_together():
    factors = np.zeros(12, [("wind", float)])
    factors["wind"] = np.arange(12)
    clips = Clips(some(), factors, loops=True)
    part = clips.take(np.array([3, 1]))
    assert (part.items == some()[[3, 1]]).all() and part.factors["wind"].tolist() == [3, 1] and part.loops
    assert clips.first(20) is clips and clips.first(None) is clips
    assert clips.first(2).notes == ("The first 2 of 12 clips were taken.",) and len(clips.first(2)) == 2
    assert clips.fingerprint == Clips(some()).fingerprint != Clips(some(seed=1)).fingerprint
    assert Clips(some().reshape(12, 8, 16, 64, 1)).fingerprint != clips.fingerprint
    with pytest.raises(DataError, match=r"they must be uint8 \(N, T, H, W, C\)"):
        Clips(some()[0])
    with pytest.raises(DataError, match="12 clips but factors for 3"):
        Clips(some(), factors[:3])

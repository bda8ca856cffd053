"""Motion by name: whole clips held out, windows labelled by their clip, and what is told of them."""

from fractions import Fraction

import numpy as np
import pytest

from minigen.data import motions
from minigen.data.motion import motion
from minigen.data.motions import Motions, open_motion
from minigen.errors import DataError, SettingError
from minigen.motion import from_features, read_bvh, to_features, write_bvh


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(motions, "HELD_OUT", 6)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Ten clips of 24 to 33 frames, labelled by their names."""
    place = tmp_path_factory.mktemp("clips")
    for i, clip in enumerate(motion(10, 33, seed=3)[0]):
        short = type(clip)(clip.skeleton, clip.rotations[: 24 + i], clip.translations[: 24 + i], clip.fps, clip.name)
        write_bvh(place / f"{clip.labels['action']}_style{i}_{i:03d}.bvh", short)
    return place


def opened(folder, **settings):
    return open_motion(f"bvh:{folder}", **{"window": 16, "unit": "m", **settings})


def named(data):
    """The takes of a set, as the numbers in the styles of its windows."""
    return {int(style.removeprefix("style")) for style in data.labels["style"]}


# Built-in motion ------------------------------------------------------------------------------------------------------


def test_built_in_motion_has_so_many_windows_and_others_of_the_next_seed():
    train, test = open_motion("motion", count=9, window=16, seed=4)
    assert train.items.shape == (9, 16, 130) and train.items.dtype == np.float32 and len(train) == 9
    assert train.description == "9 windows of 16 frames × 130 numbers, 30 a second"
    assert (train.name, train.licence, train.fps) == ("motion", "made by minigen", 30)
    assert len(test) == 6 and test.carrier is train.carrier
    other, _ = open_motion("motion", count=6, window=16, seed=5)
    assert np.allclose(test.items, other.items, atol=1e-6)  # but for the carrier's own place, which is the root's
    clips, _ = motion(9, 16, seed=4)
    assert [clip.labels["action"] for clip in clips] == train.labels["action"].tolist()
    assert np.allclose(train.clip(3).places[:, 5], clips[3].places[:, 5] - clips[3].places[0, 0] * [1, 0, 1], atol=1e-3)


def test_the_first_items_do_not_depend_on_how_many_there_are():
    few, many = (open_motion("motion", count=n, window=16)[0] for n in (4, 9))
    assert np.array_equal(few.items, many.items[:4])


def test_by_default_there_are_three_thousand():
    assert motions.BUILT_IN == 3_000


@pytest.mark.parametrize("fps, exactly", [(30, 30), (29.97, Fraction(30000, 1001)), (12.5, Fraction(25, 2)), (0, 30)])
def test_rates_are_exact_fractions(fps, exactly):
    assert open_motion("motion", count=2, window=8, fps=fps)[0].fps == exactly


# BVH files ------------------------------------------------------------------------------------------------------------


def test_whole_clips_are_held_out_and_no_window_of_one_is_trained_on(folder):
    train, test = opened(folder, held_out=0.3, stride=4)
    assert len(np.unique(test.takes)) == 3 and len(np.unique(train.takes)) == 7
    assert not set(train.takes) & set(test.takes) and set(train.takes) | set(test.takes) == set(range(10))
    assert not named(train) & named(test)
    flat = {window.tobytes() for window in train.items}
    assert len(flat) == len(train) and not flat & {window.tobytes() for window in test.items}
    (note,) = [note for note in train.notes if note.startswith("Held out")]
    assert note.count("style") == 3 and all(f"style{n}_" in note for n in named(test))


def test_the_split_is_drawn_from_the_seed(folder):
    takes = [tuple(np.unique(opened(folder, held_out=0.3, seed=seed)[1].takes)) for seed in (0, 0, 1, 2)]
    assert takes[0] == takes[1] and len(set(takes)) > 1


@pytest.mark.parametrize("share, clips", [(0, 0), (0.01, 1), (0.1, 1), (0.25, 3), (0.5, 5), (0.99, 9)])
def test_a_share_of_the_clips_is_held_out_and_one_is_always_left(folder, share, clips):
    train, test = opened(folder, held_out=share)
    assert (0 if test is None else len(np.unique(test.takes))) == clips
    assert len(np.unique(train.takes)) == 10 - clips


def test_one_clip_alone_is_trained_on(folder):
    path = sorted(folder.iterdir())[0]
    train, test = opened(path, stride=1, held_out=0.5)
    clip = read_bvh(path, unit="m")
    assert test is None and len(train) == len(clip) - 15 and not any("Held out" in note for note in train.notes)
    assert train.name == path.stem and train.licence == "unknown"


def test_windows_are_pieces_of_their_clips_every_stride(folder):
    train, _ = opened(folder, held_out=0, stride=5)
    order = sorted(folder.iterdir())
    for take in np.unique(train.takes):
        whole = to_features(read_bvh(order[take], unit="m"), train.carrier)
        mine = train.items[train.takes == take]
        assert len(mine) == (len(whole) - 16) // 5 + 1
        for i, window in enumerate(mine):
            assert np.array_equal(window, whole[5 * i : 5 * i + 16])


def test_labels_are_those_of_the_clip_each_window_is_cut_from(folder):
    train, _ = opened(folder, held_out=0)
    order = sorted(folder.iterdir())
    assert set(train.labels) == {"action", "style"}
    for take, action, style in zip(train.takes, train.labels["action"], train.labels["style"], strict=True):
        assert order[take].stem.startswith(f"{action}_{style}_")


def test_a_count_takes_the_first_windows_and_says_so(folder):
    all_of_them, test = opened(folder, held_out=0.3)
    train, same = opened(folder, held_out=0.3, count=3)
    assert np.array_equal(train.items, all_of_them.items[:3]) and len(train.labels["style"]) == len(train.takes) == 3
    assert f"The first 3 of {len(all_of_them)} windows were taken." in train.notes
    assert len(same) == len(test) > 3  # what is measured on stays
    assert not any("were taken" in note for note in opened(folder, held_out=0.3, count=len(all_of_them))[0].notes)
    assert "windows of 16 frames × 130 numbers of 7 clips, 30 a second" in all_of_them.description


def test_clips_of_another_rate_are_resampled_and_that_is_noted(folder):
    train, _ = opened(folder, fps=15, window=8)
    assert train.fps == 15 and "Clips were resampled to 15 frames a second." in train.notes
    assert train.clip(0).fps == 15
    assert not any("resampled" in note for note in opened(folder)[0].notes)
    assert not any("resampled" in note for note in opened(folder, fps=0)[0].notes)  # the rate of the first one


def test_an_ntsc_rate_is_the_files_own(tmp_path):
    clip = motion(1, 20, Fraction(30000, 1001))[0][0]
    write_bvh(tmp_path / "a.bvh", clip)
    train, _ = opened(tmp_path, fps=29.97)
    assert train.fps == Fraction(30000, 1001) and not any("resampled" in note for note in train.notes)


def test_a_guessed_unit_is_noted_once_with_the_number_of_clips(folder):
    notes = opened(folder, unit="")[0].notes
    assert sum("The unit was guessed to be m" in note for note in notes) == 1
    assert any(note.endswith("(So in 10 clips.)") for note in notes)
    assert opened(folder, unit="cm")[0].skeleton.metres == 0.01 and opened(folder, unit="0.5")[0].skeleton.metres == 0.5


def test_the_first_frame_can_be_dropped(folder):
    path = sorted(folder.iterdir())[0]
    assert len(opened(path, stride=1, drop_first=True)[0]) == len(opened(path, stride=1)[0]) - 1


def test_short_clips_are_left_out_by_name_and_all_of_them_refused(folder):
    train, test = opened(folder, window=32)
    (note,) = [note for note in train.notes if note.startswith("Left out")]
    assert len(train) + len(test) == 2 and "being shorter than a window of 32" in note and note.count(" frames") == 8
    with pytest.raises(DataError, match=r"--data bvh:.*: no clip is as long as a window of 40: .* has 24 frames, "):
        opened(folder, window=40)


# Windows as moving skeletons, and what identifies a set ---------------------------------------------------------------


def test_a_window_becomes_a_moving_skeleton_again(folder):
    train, _ = opened(folder)
    clip = train.clip(2)
    assert clip.name == f"{train.name}-2" and len(clip) == 16 and clip.skeleton is train.skeleton
    again = from_features(train.items[2], train.skeleton, train.carrier, train.fps)
    assert np.array_equal(clip.rotations, again.rotations)
    assert np.allclose(to_features(clip, train.carrier)[:-1], train.items[2, :-1], atol=1e-4)  # float32 features


def test_some_of_the_windows_keep_their_takes_and_labels(folder):
    train, _ = opened(folder)
    some = train.take(np.array([4, 1]))
    assert np.array_equal(some.items, train.items[[4, 1]]) and some.takes.tolist() == train.takes[[4, 1]].tolist()
    assert some.labels["style"].tolist() == train.labels["style"][[4, 1]].tolist() and some.skeleton is train.skeleton


def test_the_fingerprint_changes_with_the_numbers_and_not_with_their_last_bit(folder):
    train, _ = opened(folder)

    def with_items(items):
        return Motions(items, train.takes, train.skeleton, train.carrier, train.fps).fingerprint

    assert len(train.fingerprint) == 16 and with_items(train.items.copy()) == train.fingerprint
    assert with_items(train.items[::-1]) != train.fingerprint and with_items(train.items[1:]) != train.fingerprint
    changed = train.items.copy()
    changed[0, 0, 0] += 1e-4
    assert with_items(changed) != train.fingerprint
    middle = np.rint(train.items * 1e5).astype(np.float64) / 1e5  # well between two roundings
    one = with_items(middle.astype(np.float32))
    assert one == with_items(np.nextafter(middle.astype(np.float32), np.float32(10)))  # another machine's sin


@pytest.mark.parametrize("seed, count", [(0, 9), (1, 8)])
def test_other_clips_have_another_fingerprint(seed, count):
    base = open_motion("motion", count=8, window=16)[0].fingerprint
    assert open_motion("motion", count=count, window=16, seed=seed)[0].fingerprint != base
    assert open_motion("motion", count=8, window=16)[0].fingerprint == base


# Refusals -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spec, settings, error, message",
    [
        ("scenes", {}, SettingError, r"--data scenes: no motion. It is motion, or bvh:PATH"),
        ("motion:a", {}, SettingError, r"built-in motion is made, not read; write --data motion, or bvh:a"),
        ("motion", {"unit": "cm"}, SettingError, r"--unit and --drop-first are for BVH files"),
        ("motion", {"drop_first": True}, SettingError, r"--unit and --drop-first are for BVH files"),
        ("motion", {"count": 1}, SettingError, r"count is 1; it must be at least 2"),
        ("motion", {"window": 1}, SettingError, r"frames is 1"),
        ("motion", {"fps": 1e6}, SettingError, r"fps is 1000000; it must be between 1 and 1000"),
        ("bvh:", {}, SettingError, r"a path must follow, as in bvh:PATH"),
        ("bvh:none.bvh", {}, DataError, r"--data bvh:none.bvh: does not exist"),
        ("bvh:x", {"held_out": 1.5}, SettingError, r"held_out is 1.5; it must lie in \[0, 1\)"),
        ("bvh:x", {"held_out": float("nan")}, SettingError, r"held_out is nan; it must lie in"),
    ],
)
def test_what_cannot_be_opened_is_named(spec, settings, error, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        open_motion(spec, **settings)


def test_a_folders_own_name_is_not_said_twice(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    for spec in ("bvh:empty", "bvh:empty/", "bvh:./empty"):
        with pytest.raises(DataError) as caught:
            open_motion(spec)
        assert str(caught.value).startswith(f"--data {spec}: has no files")


@pytest.mark.parametrize(
    "settings, message",
    [({"unit": "furlong"}, "unit is 'furlong'"), ({"unit": "nan"}, "unit is"), ({"stride": 0}, "stride is 0")],
)
def test_a_setting_of_bvh_files_is_refused_with_the_data(folder, settings, message):
    with pytest.raises(SettingError, match=f"--data bvh:.*{message}"):
        opened(folder, **settings)


def test_the_folder_one_stands_in_has_a_name(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert open_motion("bvh:.", window=16, unit="m")[0].name == folder.name


def test_the_real_clips_split_into_whole_takes(real_data):
    train, test = open_motion(f"bvh:{real_data('motion')}", unit="cm")
    assert not set(train.takes) & set(test.takes) and len(np.unique(test.takes)) == 3
    assert any("run_masculinity_001 has 59 frames, run_normal_001 has 24 frames" in note for note in train.notes)
    assert set(train.labels) == {"action", "style"} and train.items.shape[1:] == (64, 136)

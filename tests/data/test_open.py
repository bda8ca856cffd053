"""Data by name, as a user types it after --data."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from minigen.data import open_data, scenes
from minigen.errors import DataError, SettingError


def test_scenes_are_rendered_as_many_as_asked_for():
    images = open_data("scenes", size=16, channels=3, count=12, seed=5)
    items, factors = scenes(12, 16, 3, seed=5)
    assert (images.items == items).all() and (images.factors == factors).all()
    assert images.name == "scenes" and images.licence == "rendered by minigen"


def test_a_folder_takes_every_setting(tmp_path):
    for k in range(3):
        Image.new("RGB", (20, 10), (k, k, k)).save(tmp_path / f"{k}.png")
    (tmp_path / "9.png").write_bytes(b"")
    images = open_data(
        f"images:{tmp_path}", size=32, fit="pad", background=9, upscale=True, skip_bad=True, count=None, channels=3
    )
    assert images.items.shape == (3, 32, 32, 3) and images.items[0, 0, 0].tolist() == [9, 9, 9]


@pytest.mark.parametrize(
    "spec, message",
    [
        ("mnits", "--data mnits: unknown; did you mean mnist. It is one of scenes, mnist, mnist:FOLDER, images:PATH"),
        ("Scenes", "--data Scenes: unknown; did you mean scenes"),
        ("image:x", "--data image:x: unknown; did you mean images"),
        ("", "--data : unknown. It is one of scenes"),
        ("images:", "--data images:: a path must follow, as in images:PATH"),
        ("video", "--data video: a path must follow, as in video:PATH"),
        ("mnist:", "--data mnist:: a folder must follow the colon"),
        ("scenes:8", "--data scenes:8: scenes are drawn, not read; write --data scenes"),
    ],
)
def test_an_unknown_specification_is_named_with_the_nearest(spec, message):
    with pytest.raises(SettingError, match=message):
        open_data(spec)


@pytest.mark.parametrize(
    "name, kind", [("stills", "images"), ("a.zip", "images"), ("a.npy", "npz"), ("a.mp4", "video")]
)
def test_a_bare_path_is_answered_with_its_specification(name, kind, tmp_path):
    path = tmp_path / name
    path.touch() if "." in name else path.mkdir()
    with pytest.raises(SettingError, match=rf"to read that, write --data {kind}:\S*{name}\."):
        open_data(str(path))


def test_errors_begin_with_the_flag_as_it_was_typed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stills").mkdir()
    for k in range(14):
        (tmp_path / "stills" / f"{k}.txt").touch()
    expected = (
        "--data images:stills/: none of its 14 files is an image (.png, .jpg, …). Name a folder or a zip of images."
    )
    with pytest.raises(DataError) as caught:
        open_data("images:stills/")
    assert str(caught.value) == expected
    with pytest.raises(DataError, match=r"^--data npz:x\.npy: cannot be read"):
        open_data("npz:x.npy")
    with pytest.raises(SettingError, match="^--data scenes: size is 4"):
        open_data("scenes", size=4)


@pytest.mark.parametrize("kind", ["images", "video", "npz"])
def test_a_path_that_the_system_refuses_is_a_data_error(kind):
    with pytest.raises(DataError, match=rf"^--data {kind}:x+: cannot be read \(File name too long\)"):
        open_data(f"{kind}:{'x' * 5000}")


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"count": 0}, "count is 0; it must be at least 1"),
        ({"count": None}, "count is None; say how many scenes"),
        ({"channels": 2}, "channels is 2"),
        ({"fit": "cover"}, "fit is 'cover'"),
    ],
)
def test_a_wrong_setting_is_named(settings, message):
    with pytest.raises(SettingError, match=message):
        open_data("scenes", **settings)


def test_a_tilde_is_the_home_folder_also_behind_the_colon(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    np.save(tmp_path / "x.npy", np.zeros((3, 28, 28), np.uint8))
    assert len(open_data("npz:~/x.npy")) == 3
    with pytest.raises(DataError, match="--data images:~/nothing: does not exist"):
        open_data("images:~/nothing")


def test_importing_the_package_needs_numpy_alone():
    code = (
        "import sys, minigen.data as d; d.scenes(2); d.Batches(d.ring(9)[0], 4);"
        "print([m for m in ('PIL', 'pooch', 'imageio_ffmpeg', 'matplotlib', 'cupy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_global_random_state_is_left_alone():
    before = np.random.get_state()[1].copy()
    open_data("scenes", count=3)
    assert (np.random.get_state()[1] == before).all()

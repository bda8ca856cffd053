"""Sprite sheets: every frame is where the JSON says it is."""

import json

import numpy as np
import pytest

from minigen.sample_sheet import save_sheet
from minigen.train import pictures


def frames_of(K, H=6, W=4, C=3):
    return np.random.default_rng(0).integers(0, 256, (K, H, W, C), dtype=np.uint8)


def read(path):
    facts = json.loads(path.read_text())
    return facts, pictures.read_png(path.with_name(facts["image"]))


@pytest.mark.parametrize("K, columns, table", [(16, None, (4, 4)), (5, None, (2, 3)), (7, 3, (3, 3)), (3, 9, (1, 3))])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_frame_is_where_the_file_says(tmp_path, K, columns, table, channels):
    frames = frames_of(K, C=channels)
    paths = save_sheet(tmp_path / "new" / "a.b.json", frames, 12, tags=[("a", 0, K - 1)], columns=columns)
    assert [path.name for path in paths] == ["a.b.json", "a.b.png"] and all(path.exists() for path in paths)
    facts, picture = read(paths[0])
    assert (facts["rows"], facts["columns"]) == table and facts["count"] == K == len(facts["frames"])
    assert picture.shape == (table[0] * 6, table[1] * 4, channels)
    assert facts["alpha"] is (channels == 4)
    H, W = facts["frame_height"], facts["frame_width"]
    for k, frame in enumerate(frames):
        top, left = k // facts["columns"] * H, k % facts["columns"] * W  # as a program does that counts
        assert (picture[top : top + H, left : left + W] == frame).all()
        place = facts["frames"][str(k)]["frame"]  # as a program does that looks it up
        assert place == {"x": left, "y": top, "w": W, "h": H}
    used = K % facts["columns"]
    assert not used or (picture[-H:, used * W :] == 0).all()


def test_an_atlas_has_what_the_loaders_of_engines_read(tmp_path):
    """PixiJS: frames by name, animations, meta.image, meta.scale; Phaser: frames, and meta.frameTags over names that
    are the frames' numbers, with durations; Flame: the durations as whole numbers."""
    path = tmp_path / "fire.json"
    save_sheet(path, frames_of(6), 24, tags=[("fire 3", 0, 3), ("fire 8", 4, 5)], columns=4, seeds=[3, 8])
    facts, picture = read(path)
    assert list(facts["frames"]) == ["0", "1", "2", "3", "4", "5"]
    for frame in facts["frames"].values():
        assert frame["rotated"] is False and frame["trimmed"] is False
        assert frame["sourceSize"] == {"w": 4, "h": 6} and frame["spriteSourceSize"] == {"x": 0, "y": 0, "w": 4, "h": 6}
    assert facts["animations"] == {"fire 3": ["0", "1", "2", "3"], "fire 8": ["4", "5"]}
    meta = facts["meta"]
    assert meta["image"] == "fire.png" and meta["scale"] == "1" and meta["format"] == "RGB888"
    assert meta["size"] == {"w": 16, "h": 12} == {"w": picture.shape[1], "h": picture.shape[0]}
    assert [(tag["name"], tag["from"], tag["to"]) for tag in meta["frameTags"]] == [("fire 3", 0, 3), ("fire 8", 4, 5)]
    assert [frame["duration"] for frame in facts["frames"].values()] == [42, 41, 42, 42, 41, 42]


@pytest.mark.parametrize("fps, exact", [(12, 12), (23.976, 24000 / 1001), (7, 7)])
def test_durations_add_up_and_what_was_told_is_in_both_files(tmp_path, fps, exact):
    path, told = tmp_path / "a.json", {"run": "0004-gan-fire", "seeds": "0-1"}
    save_sheet(path, frames_of(24), fps, tags=[("a", 0, 23)], loop=True, seeds=[0, 1], text=told)
    facts, _ = read(path)
    total = sum(frame["duration"] for frame in facts["frames"].values())
    assert abs(total - 24_000 / exact) <= 0.5 and facts["fps"] == pytest.approx(exact, rel=1e-12)
    assert facts["loop"] is True and facts["seeds"] == [0, 1] and facts["about"] == told
    assert pictures.read_text(tmp_path / "a.png") == told

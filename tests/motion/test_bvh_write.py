"""BVH files written: the motion returns from them, and their text is what other programs can read."""

import dataclasses
import re
from fractions import Fraction

import numpy as np
import pytest

from minigen.errors import DataError, SettingError
from minigen.motion import Clip, Skeleton, bvh_text, from_euler, geodesic_angle, read_bvh, to_euler, write_bvh

from .files import FRAME, SIX, ZXY, figure, motion, save


def clip_of(skeleton, T=40, fps=30, seed=0):
    """A clip whose joints turn by up to a few turns, smoothly, under a wandering root."""
    rng = np.random.default_rng(seed)
    J, t = len(skeleton), np.linspace(0, 1, T)[:, None, None]
    angles = rng.uniform(-180, 180, (J, 3)) + t * rng.uniform(-700, 700, (J, 3))
    translations = np.broadcast_to(skeleton.offsets, (T, J, 3)).copy()
    translations[:, 0] += rng.normal(0, 50, (T, 3))
    return Clip(skeleton, from_euler(angles, "ZXY"), translations, Fraction(fps))


def skeleton(*channels, metres=0.01):
    """A root and a chain of joints, each with its channels."""
    names = tuple(f"joint{j}" for j in range(len(channels)))
    offsets = np.random.default_rng(1).normal(0, 0.2 / metres, (len(channels), 3))
    words = tuple(tuple(line.split()[1:]) for line in channels)
    return Skeleton(names, tuple(range(-1, len(channels) - 1)), offsets, words, metres=metres)


def returned(clip, path):
    write_bvh(path, clip)
    return read_bvh(path, unit=clip.skeleton.metres)


def columns(text, joint):
    """The channel names of a joint in a text."""
    return re.search(rf"(?:ROOT|JOINT) {joint}\n\s*{{\n\s*OFFSET .*\n\s*CHANNELS (.*)\n", text)[1]


@pytest.mark.parametrize("metres", [1, 0.01, 0.001, 0.0254])
def test_a_clip_returns_to_a_ten_thousandth_of_a_centimetre_and_degree(metres, tmp_path):
    clip = clip_of(skeleton(SIX, "3 Xrotation Yrotation Zrotation", f"3 {ZXY}", SIX, "0", metres=metres))
    again = returned(clip, tmp_path / "walk.bvh")
    assert np.abs(again.places - clip.places).max() * metres * 100 < 1e-4
    assert geodesic_angle(again.rotations, clip.rotations).max() < 1e-4
    assert again.fps == clip.fps and again.skeleton.same(clip.skeleton)


def test_all_real_clips_return_to_a_ten_thousandth_of_a_centimetre_and_degree(real_data, tmp_path):
    files = sorted(real_data("motion").glob("*.bvh"))
    assert len(files) == 30
    for file in files:
        clip = read_bvh(file)
        again = returned(clip, tmp_path / file.name)
        assert np.abs(again.places - clip.places).max() < 1e-4  # the unit is cm
        assert geodesic_angle(again.rotations, clip.rotations).max() < 1e-4
        assert again.fps == clip.fps == 30 and again.skeleton.same(clip.skeleton)


def test_another_program_reads_what_we_write(real_data, tmp_path):
    bvhio = pytest.importorskip("bvhio")
    clip = read_bvh(real_data("motion") / "run_happy_001.bvh")
    write_bvh(tmp_path / "out.bvh", clip)
    joints = [joint for joint, _, _ in bvhio.readAsBvh(str(tmp_path / "out.bvh")).Root.layout()]
    assert [joint.Name for joint in joints] == list(clip.skeleton.names)
    for j, joint in enumerate(joints):
        positions = np.array([list(key.Position) for key in joint.Keyframes])
        w, x, y, z = np.array([key.Rotation.to_list() for key in joint.Keyframes]).T
        assert np.abs(positions - clip.translations[:, j]).max() < 1e-4  # float32 there
        assert np.allclose(np.trace(clip.rotations[:, j], axis1=1, axis2=2), 4 * w * w - 1, atol=1e-5)
        assert np.allclose(clip.rotations[:, j, 1, 0], 2 * (x * y + w * z), atol=1e-5)


@pytest.mark.parametrize("fps", [24, 30, 60, 120, Fraction(24000, 1001), Fraction(30000, 1001), Fraction(10000, 333)])
def test_the_frame_time_leads_back_to_the_exact_rate(fps, tmp_path):
    clip = clip_of(skeleton(SIX), fps=fps)
    text = bvh_text(clip)
    seconds = re.search(r"^Frame Time: (0\.\d{10})$", text, re.MULTILINE)[1]
    assert abs(float(seconds) - float(1 / Fraction(fps))) <= 5e-11
    assert returned(clip, tmp_path / "a.bvh").fps == fps


def test_the_layout_is_what_importers_expect():
    clip = clip_of(skeleton(SIX, f"3 {ZXY}"), T=7)
    lines = bvh_text(clip).split("\n")
    start = lines.index("MOTION")
    assert lines[0] == "HIERARCHY" and lines[start + 1] == "Frames: 7" and lines[-1] == ""
    frames = lines[start + 3 : -1]
    assert len(frames) == 7 and all(len(frame.split()) == 9 for frame in frames)
    assert "\t" not in "".join(lines) and "nan" not in "".join(lines) and "End Site" in bvh_text(clip)


def test_each_joint_keeps_its_own_channel_order():
    orders = (f"6 {ZXY} Xposition Yposition Zposition", "3 Yrotation Xrotation Zrotation", f"3 {ZXY}")
    clip = clip_of(skeleton(*orders))
    text = bvh_text(clip)
    assert [columns(text, f"joint{j}") for j in range(3)] == list(orders)


def test_positions_stay_on_the_root_and_where_something_moves():
    clip = clip_of(skeleton(SIX, SIX, SIX, f"3 {ZXY}"))
    clip.translations[:, 1] += (3, 0, 0)  # elsewhere than its offset, but still
    clip.translations[:, 2, 1] += np.sin(np.arange(len(clip)))
    clip.translations[:, 3, 1] += np.sin(np.arange(len(clip)))
    text = bvh_text(clip)
    assert [columns(text, f"joint{j}") for j in range(4)] == [SIX, f"3 {ZXY}", SIX, SIX]
    x, y, z = clip.translations[0, 1]
    assert f"OFFSET {x:.6f} {y:.6f} {z:.6f}" in text
    x, y, z = clip.skeleton.offsets[2]
    assert f"OFFSET {x:.6f} {y:.6f} {z:.6f}" in text


def test_a_joint_gets_three_rotations_or_none():
    clip = clip_of(skeleton(f"3 {ZXY}", "1 Xrotation", "2 Yrotation Xrotation", "0", "0"))
    clip.rotations[:, 4] = np.eye(3)
    text = bvh_text(clip)
    want = [SIX, "3 Xrotation Zrotation Yrotation", "3 Yrotation Xrotation Zrotation", f"3 {ZXY}", "0"]
    assert [columns(text, f"joint{j}") for j in range(5)] == want


def test_angles_are_unwrapped(tmp_path):
    angles = np.stack([np.linspace(0, 800, 90), np.linspace(-30, 30, 90), np.linspace(0, -500, 90)], axis=1)
    single = skeleton(SIX)
    clip = Clip(single, from_euler(angles, "ZXY")[:, None], np.zeros((90, 1, 3)), Fraction(30))
    written = np.array([line.split() for line in bvh_text(clip).split("MOTION\n")[1].split("\n")[2:-1]], float)
    assert np.abs(np.diff(to_euler(clip.rotations[:, 0], "ZXY"), axis=0)).max() > 300
    assert np.allclose(written[:, 3:], angles, atol=1e-6)


def test_end_sites_and_the_order_of_a_walk_through_the_tree(tmp_path):
    clip = read_bvh(save(tmp_path / "a.bvh", figure() + motion(FRAME, FRAME)), unit="cm")
    again = returned(clip, tmp_path / "b.bvh")
    assert again.skeleton.ends == clip.skeleton.ends and again.skeleton.channels == clip.skeleton.channels
    odd = Skeleton(("A", "B", "C", "D"), (-1, 0, 0, 1), np.arange(12.0).reshape(4, 3), (tuple(SIX.split()[1:]),) * 4)
    across = clip_of(dataclasses.replace(odd, metres=0.01))  # D hangs on B, but stands after C
    again = returned(across, tmp_path / "c.bvh")
    assert again.skeleton.names == ("A", "B", "D", "C")
    assert np.abs(again.places[:, [0, 1, 3, 2]] - across.places).max() < 1e-4
    assert geodesic_angle(again.rotations[:, [0, 1, 3, 2]], across.rotations).max() < 1e-4
    assert again.skeleton.ends == {2: (0, 0, 0), 3: (0, 0, 0)}  # each branch ends in one


def test_no_zero_is_negative():
    clip = clip_of(skeleton(SIX, f"3 {ZXY}"))
    clip.translations[:] = -1e-9
    clip.rotations[:] = from_euler([-1e-9, -0.0, 0.0], "ZXY")
    assert "-0.0" not in bvh_text(clip)


def test_a_file_is_not_overwritten_unless_forced(tmp_path):
    clip, path = clip_of(skeleton(SIX)), tmp_path / "new" / "walk.bvh"
    write_bvh(path, clip)
    before = path.read_bytes()
    with pytest.raises(SettingError, match=r"walk\.bvh exists already; choose another name, or overwrite with --force"):
        write_bvh(path, clip_of(skeleton(SIX), seed=5))
    assert path.read_bytes() == before
    write_bvh(path, clip_of(skeleton(SIX), seed=5), force=True)
    assert path.read_bytes() != before and [file.name for file in path.parent.iterdir()] == ["walk.bvh"]


def test_a_failed_write_leaves_what_was_there(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="could not be written .*; what was saved before is untouched"):
        write_bvh(tmp_path / "file" / "walk.bvh", clip_of(skeleton(SIX)))
    path = tmp_path / "walk.bvh"
    path.write_text("old")
    broken = clip_of(skeleton(SIX))
    broken.rotations[3] = np.nan
    with pytest.raises(DataError, match="clip: holds a number that is not finite. Did the model"):
        write_bvh(path, broken, force=True)
    assert path.read_text() == "old" and len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("name", ["", "a{", "two\nlines", " space", "joint0"])
def test_what_cannot_stand_in_a_file_is_refused(name):
    good = skeleton(SIX, f"3 {ZXY}")
    bad = dataclasses.replace(good, names=("joint0", name))
    with pytest.raises(DataError, match="cannot name a joint in a BVH file. Rename it"):
        bvh_text(clip_of(bad))
    with pytest.raises(DataError, match="clip: has no frames"):
        bvh_text(clip_of(good, T=0))

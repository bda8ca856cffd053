"""BVH files: every trap they hold is read as it is meant, and every way they can be wrong is named with its line."""

import os
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minigen.errors import DataError, SettingError
from minigen.motion import from_euler, read_bvh
from minigen.motion.rates import as_rate, snapped

from .files import FRAME, SIX, ZXY, figure, motion, save


@pytest.fixture
def read(tmp_path):
    """read(text) is the clip in a file of that text, in cm unless `unit` says otherwise."""

    def read(text, unit="cm", **settings):
        return read_bvh(save(tmp_path / "walk.bvh", text), unit=unit, **settings)

    return read


# What is read ---------------------------------------------------------------------------------------------------------


def test_a_clip_has_the_tree_the_channels_and_the_motion_of_its_file(read):
    clip = read(figure() + motion(FRAME, FRAME))
    skeleton = clip.skeleton
    assert skeleton.names == ("Hips", "Spine", "Leg") and skeleton.parents == (-1, 0, 0)
    assert skeleton.offsets.tolist() == [[0, 90, 0], [0, 50, 0], [10, -40, 0]]
    assert skeleton.ends == {1: (0, 20, 0), 2: (0, -50, 0)} and skeleton.metres == 0.01
    assert skeleton.channels[1] == ("Zrotation", "Xrotation", "Yrotation")
    assert len(clip) == 2 and clip.fps == 30 and clip.name == "walk" and clip.notes == ()
    assert clip.translations[0].tolist() == [[1, 90, 2], [0, 50, 0], [10, -40, 0]]
    for j, angles in enumerate(([10, 20, 30], [40, 50, 60], [0, 0, 5])):
        assert np.allclose(clip.rotations[0, j], from_euler(angles, "ZXY"))
    assert np.allclose(clip.places[0, 1], [1, 90, 2] + from_euler([10, 20, 30], "ZXY") @ [0, 50, 0])


def test_each_joint_has_its_own_channel_order(read):
    clip = read(
        figure("6 Yrotation Zposition Xrotation Xposition Yposition Zrotation", "3 Xrotation Yrotation Zrotation")
        + motion("10 2 20 1 90 30 40 50 60 0 0 5")
    )
    assert clip.translations[0, 0].tolist() == [1, 90, 2]
    assert np.allclose(clip.rotations[0, 0], from_euler([10, 20, 30], "YXZ"))
    assert np.allclose(clip.rotations[0, 1], from_euler([40, 50, 60], "XYZ"))
    assert np.allclose(clip.rotations[0, 2], from_euler([0, 0, 5], "ZXY"))


def test_a_position_replaces_the_offset(read):
    clip = read(figure(spine=SIX, leg="1 Yposition") + motion("1 90 2 10 20 30 3 51 4 40 50 60 -39"))
    assert clip.translations[0].tolist() == [[1, 90, 2], [3, 51, 4], [10, -39, 0]]
    assert (clip.rotations[0, 2] == np.eye(3)).all()


def test_a_root_without_positions_stays_at_its_offset_and_a_joint_may_turn_about_one_axis(read):
    clip = read(figure(root=f"3 {ZXY}", spine="1 Xrotation", leg="0") + motion("10 20 30 40"))
    assert clip.translations[0, 0].tolist() == [0, 90, 0]
    assert np.allclose(clip.rotations[0], [from_euler([10, 20, 30], "ZXY"), from_euler([40], "X"), np.eye(3)])


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_tabs_blank_lines_line_ends_and_a_byte_order_mark_change_nothing(read, ending, mark):
    text = (figure() + motion(FRAME, FRAME)).replace("MOTION", "\n\nMOTION") + "\n \n"
    plain, odd = read(text), read(mark + text.replace("  ", "\t").replace(" ", "\t").replace("\n", ending))
    assert odd.skeleton.same(plain.skeleton) and (odd.rotations == plain.rotations).all() and odd.fps == 30
    spaced = read(figure().replace("JOINT Spine\n  {", "JOINT  Bip01 L Spine {") + motion(FRAME))
    assert spaced.skeleton.names[1] == "Bip01 L Spine"


@pytest.mark.parametrize(
    "seconds, fps",
    [
        ("0.0333333", 30),
        ("0.033333", 30),
        ("0.0333667", Fraction(30000, 1001)),
        ("0.0416667", 24),
        ("0.0417083", Fraction(24000, 1001)),
        ("0.0083333", 120),
        (".0083417", Fraction(120000, 1001)),
        ("1e-2", 100),
        ("0.0333333333", 30),
        ("1", 1),
    ],
)
def test_a_rounded_frame_time_is_taken_as_the_rate_that_was_meant(read, seconds, fps):
    clip = read(figure() + motion(FRAME, time=f"Frame Time: {seconds}"))
    assert clip.fps == fps and clip.notes == ()


def test_a_frame_time_that_is_no_rounded_rate_is_kept_and_said(read):
    clip = read(figure() + motion(FRAME, time="Frame Time:\t0.0333"))
    assert clip.fps == Fraction(10000, 333)
    assert clip.notes == ("Its frame time makes 30.03 frames a second, kept as it is.",)
    assert snapped(Fraction(30) * Fraction(10002, 10000)) != 30 == snapped(Fraction(30) * Fraction(100009, 100000))
    with pytest.raises(SettingError, match="fps is 0; it must be a positive number"):
        as_rate(0)


@pytest.mark.parametrize("unit, metres", [("m", 1), ("cm", 0.01), ("mm", 0.001), ("inch", 0.0254), (0.3, 0.3)])
def test_the_unit_can_be_said(read, unit, metres):
    assert read(figure() + motion(FRAME), unit=unit).skeleton.metres == metres


@pytest.mark.parametrize(
    "scale, unit, metres", [(0.01, "m", 1), (1, "cm", 0.01), (10, "mm", 0.001), (0.3, "inch", 0.0254)]
)
def test_the_unit_is_guessed_from_the_size_of_the_body_and_said(read, scale, unit, metres):
    text = figure()
    for line in ("0 50 0", "10 -40 0"):
        text = text.replace(f"OFFSET {line}", "OFFSET " + " ".join(f"{scale * float(w):g}" for w in line.split()))
    clip = read(text + motion(FRAME), unit=None)
    assert clip.skeleton.metres == metres
    assert f"The unit was guessed to be {unit}, by which the body in the first frame is 0." in clip.notes[0]
    assert clip.notes[0].endswith("If that is wrong, give --unit.")


def test_a_unit_that_cannot_be_guessed_or_is_none_is_refused(read):
    with pytest.raises(
        DataError, match=r"walk\.bvh: states no unit, and its body, .* is like a human in none of m, cm"
    ):
        read(figure().replace("-40", "-40000") + motion(FRAME), unit=None)
    for unit in ("feet", 0, -1, float("nan"), float("inf")):
        with pytest.raises(SettingError, match=f"unit is {unit!r}; it must be one of m, cm, mm, inch, or metres"):
            read(figure() + motion(FRAME), unit=unit)


def test_the_first_frame_can_be_left_out(read):
    other = FRAME.replace("90", "91")
    clip = read(figure() + motion(FRAME, other), drop_first=True)
    assert len(clip) == 1 and clip.translations[0, 0, 1] == 91 and clip.notes == ("The first frame was left out.",)
    with pytest.raises(DataError, match="has one frame only; it cannot be dropped"):
        read(figure() + motion(FRAME), drop_first=True)


# What is refused ------------------------------------------------------------------------------------------------------

LINES = figure().count("\n")  # then MOTION, Frames, Frame Time, and the first frame on line LINES + 4


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "walk.bvh: is empty"),
        (" \n\n", "walk.bvh: is empty"),
        ("solid cube\n", "line 1: not a BVH file; it begins 'solid cube', not HIERARCHY"),
        ("\n\nMOTION\n", "line 3: not a BVH file; it begins 'MOTION'"),
        ("HIERARCHY\nMOTION\n", "line 2: MOTION comes before any ROOT"),
        (figure(), f"line {LINES}: the file ends without MOTION"),
        (figure()[:-2] + motion(FRAME), f"line {LINES}: MOTION comes before Hips (line 2) is closed; a }} is missing"),
        (figure()[: figure().index("OFFSET 0 20")], "the file ends without MOTION. End Site (line 10) is still open"),
        (figure() + "}\n" + motion(FRAME), f"line {LINES + 1}: '}}' stands outside ROOT's braces; one }} too many"),
        (figure() + "ROOT Second\n" + motion(FRAME), f"line {LINES + 1}: a second ROOT, Second"),
        (figure().replace("JOINT Leg", "ROOT Leg") + motion(FRAME), "line 15: a second ROOT, Leg"),
        (
            figure().replace("Leg", "Spine") + motion(FRAME),
            "line 15: a second joint named Spine; the first is on line 6",
        ),
        (figure().replace("JOINT Leg", "JOINT") + motion(FRAME), "line 15: a joint without a name"),
        (
            figure().replace("JOINT Spine\n  {", "JOINT Spine\n") + motion(FRAME),
            "line 8: Spine (line 6) is followed by",
        ),
        (figure(spine="3 Zrotation Wrotation Yrotation") + motion(FRAME), "line 9: Spine has an unknown channel 'Wrot"),
        (figure(spine=f"4 {ZXY}") + motion(FRAME), "line 9: CHANNELS of Spine announces 4 and names 3"),
        (figure(spine=f"2 {ZXY}") + motion(FRAME), "line 9: CHANNELS of Spine announces 2 and names 3"),
        (figure(spine="") + motion(FRAME), "line 9: CHANNELS of Spine announces nothing and names 0"),
        (
            figure(spine="3 Zrotation Yrotation Zrotation") + motion(FRAME),
            "line 9: Spine has the channel Zrotation twice",
        ),
        (
            figure().replace("OFFSET 0 50 0", "OFFSET 0 50") + motion(FRAME),
            "line 8: OFFSET must be followed by 3 numbers",
        ),
        (
            figure().replace("OFFSET 0 50 0", "OFFSET 0 x 0") + motion(FRAME),
            "line 8: OFFSET must be followed by 3 numbers",
        ),
        (
            figure().replace("OFFSET 0 50 0", "OFFSET 0 nan 0") + motion(FRAME),
            "line 8: OFFSET must be followed by 3 num",
        ),
        (figure().replace("OFFSET 0 20 0", "CHANNELS 0") + motion(FRAME), "line 12: 'CHANNELS 0' within an End Site"),
        (
            figure().replace("    OFFSET 0 50 0\n", "") + motion(FRAME),
            "line 13: Spine (line 6) is closed without an OFF",
        ),
        (figure().replace("HIERARCHY", "HIERARCHY\nMASS 3") + motion(FRAME), "line 2: 'MASS 3' stands outside ROOT"),
        (
            figure().replace("    OFFSET 0 50", "    MASS 3\n    OFFSET 0 50") + motion(FRAME),
            "line 8: 'MASS 3' is none of",
        ),
        (
            figure().replace("  JOINT Leg", "  End Site { OFFSET 0 0 0 }\n  End Site { OFFSET 0 0 0 }\n  JOINT Leg"),
            "line 16: ",
        ),
    ],
)
def test_a_wrong_hierarchy_is_refused_with_its_line(read, text, message):
    with pytest.raises(DataError) as caught:
        read(text)
    assert message in str(caught.value) and "walk.bvh" in str(caught.value)


@pytest.mark.parametrize(
    "rows, message",
    [
        (motion(FRAME, FRAME[:-2]), f"line {LINES + 5}: frame 2 has 11 numbers, but the joints have 12 channels"),
        (motion(FRAME, FRAME + " 7"), f"line {LINES + 5}: frame 2 has 13 numbers, but the joints have 12 channels"),
        (motion("1 90 2 10 20 30", "40 50 60 0 0 5"), f"line {LINES + 4}: frame 1 is broken over 2 lines. Put each"),
        (motion(FRAME, *FRAME.split()), f"line {LINES + 5}: frame 2 is broken over 12 lines"),
        (motion(FRAME, frames=2), f"line {LINES + 2}: announces 2 frames, but 1 follow"),
        (motion(FRAME, FRAME, frames=1), f"line {LINES + 2}: announces 1 frames, but 2 follow"),
        (motion(frames=3), f"line {LINES + 2}: announces 3 frames, but 0 follow"),
        (motion(), f"line {LINES + 2}: announces 0 frames; there must be some"),
        (motion(FRAME, frames=-1), f"line {LINES + 2}: announces -1 frames; there must be some"),
        (motion(FRAME, frames="all"), f"line {LINES + 2}: announces all frames"),
        (motion(FRAME, frames=""), f"line {LINES + 2}: announces no frames"),
        (motion(FRAME, FRAME.replace("50", "nan")), f"line {LINES + 5}: channel 8 is 'nan', not a number"),
        (motion(FRAME, FRAME.replace("50", "-inf")), f"line {LINES + 5}: channel 8 is '-inf', not a number"),
        (motion(FRAME, FRAME.replace("50", "-1.#IND")), f"line {LINES + 5}: channel 8 is '-1.#IND', not a number"),
        (motion(FRAME, FRAME.replace("50", "5,0")), f"line {LINES + 5}: channel 8 is '5,0', not a number"),
        (motion(FRAME, time="Frame Time: 0"), f"line {LINES + 3}: Frame Time is 0; it must be a positive number"),
        (motion(FRAME, time="Frame Time: -0.03"), f"line {LINES + 3}: Frame Time is -0.03; it must"),
        (motion(FRAME, time="Frame Time: nan"), f"line {LINES + 3}: Frame Time is nan; it must"),
        (motion(FRAME, time="Frame Time:"), f"line {LINES + 3}: Frame Time is empty; it must"),
        (motion(FRAME).replace("Frame Time: 0.0333333\n", ""), f"line {LINES + 3}: Frame Time is missing after MOTION"),
        (motion(FRAME).replace("Frames: 1\n", ""), f"line {LINES + 3}: Frames is missing after MOTION"),
        ("MOTION\n", f"line {LINES + 1}: Frames is missing after MOTION"),
        ("MOTION\nFrames: 1\n", f"line {LINES + 2}: Frame Time is missing after MOTION"),
    ],
)
def test_a_wrong_motion_is_refused_with_its_line(read, rows, message):
    with pytest.raises(DataError) as caught:
        read(figure() + rows)
    assert message in str(caught.value) and "walk.bvh" in str(caught.value)


def test_a_figure_without_channels_is_refused(read):
    with pytest.raises(DataError, match="frame 1 has 1 numbers, but the joints have 0 channels"):
        read(figure("0", "0", "0") + motion("0"))


def test_what_is_no_text_file_is_refused(tmp_path):
    with pytest.raises(DataError, match="absent.bvh: does not exist. Name a BVH file"):
        read_bvh(tmp_path / "absent.bvh")
    with pytest.raises(DataError, match="is a folder. Name a BVH file in it"):
        read_bvh(tmp_path)
    path = tmp_path / "binary.bvh"
    path.write_bytes(b"HIERARCHY\nROOT \x83q\n")
    with pytest.raises(DataError, match=r"binary\.bvh, line 2: not text in UTF-8"):
        read_bvh(path)
    path.write_bytes(figure().encode("utf-16-le"))
    with pytest.raises(DataError, match=r"binary\.bvh, line 1: not text"):
        read_bvh(path)
    path.write_bytes(figure().encode() + b"\0\0")
    with pytest.raises(DataError, match=rf"binary\.bvh, line {LINES + 1}: not text"):
        read_bvh(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.bvh")
    with pytest.raises(DataError, match=r"pipe\.bvh: is a pipe or a device, not a file"):
        read_bvh(tmp_path / "pipe.bvh")


@given(place=st.integers(0, 600), junk=st.binary(max_size=4), cut=st.integers(0, 40))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_file_is_read_or_refused_but_never_fails_otherwise(tmp_path, place, junk, cut):
    raw = (figure() + motion(FRAME, FRAME)).encode()
    path = tmp_path / "damaged.bvh"
    path.write_bytes(raw[:place] + junk + raw[place + cut :])
    try:
        clip = read_bvh(path, unit="cm")
    except DataError as error:
        assert str(error).startswith(str(path))
    else:
        assert np.isfinite(clip.rotations).all() and np.isfinite(clip.translations).all()


# Real clips -----------------------------------------------------------------------------------------------------------


def test_real_clips_are_read_as_an_independent_reader_reads_them(real_data):
    bvhio = pytest.importorskip("bvhio")
    for path in sorted(real_data("motion").glob("*_normal_*.bvh")):
        clip = read_bvh(path)
        other = bvhio.readAsBvh(str(path))
        assert clip.fps == 30 and len(clip) == other.FrameCount and "guessed to be cm" in clip.notes[0]
        for j, (joint, _, _) in enumerate(other.Root.layout()):
            assert clip.skeleton.names[j] == joint.Name
            positions = np.array([list(key.Position) for key in joint.Keyframes])
            w, x, y, z = np.array([key.Rotation.to_list() for key in joint.Keyframes]).T
            ours = clip.rotations[:, j]
            assert np.abs(clip.translations[:, j] - positions).max() < 1e-4  # float32 there, at up to 500 cm
            assert np.allclose(ours[:, 2, 1] - ours[:, 1, 2], 4 * w * x, atol=1e-5)
            assert np.allclose(ours[:, 0, 2] - ours[:, 2, 0], 4 * w * y, atol=1e-5)
            assert np.allclose(ours[:, 1, 0] - ours[:, 0, 1], 4 * w * z, atol=1e-5)
            assert np.allclose(np.trace(ours, axis1=1, axis2=2), 4 * w * w - 1, atol=1e-5)

"""A folder of BVH files: in natural order, labelled by their names, of one skeleton."""

import pytest

from minigen.errors import DataError
from minigen.motion import read_motion

from .files import FRAME, figure, motion, save

TEXT = figure() + motion(FRAME, FRAME)


def fill(folder, *names, text=TEXT):
    for name in names:
        save(folder / name, text)
    return folder


def test_files_come_in_natural_order_and_others_are_counted(tmp_path):
    fill(tmp_path, "walk_10.bvh", "walk_9.bvh", "Run_1.BVH", "notes.txt", ".walk_1.bvh")
    (tmp_path / "more").mkdir()
    fill(tmp_path / "more", "walk_2.bvh")
    clips = read_motion(tmp_path, unit="cm")
    assert [clip.name for clip in clips] == ["Run_1", "walk_9", "walk_10"]
    assert clips[0].notes == (f"2 of the files in {tmp_path} are not BVH by name and were left out.",)
    assert all(clip.labels == {} for clip in clips) and clips[1].notes == ()


def test_names_of_one_form_label_the_clips_and_only_if_all_have_it(tmp_path):
    fill(tmp_path, "walk_not-confident_001.bvh", "run_old_002.bvh")
    clips = read_motion(tmp_path, unit="cm")
    assert [clip.labels for clip in clips] == [
        {"action": "run", "style": "old"},
        {"action": "walk", "style": "not-confident"},
    ]
    fill(tmp_path, "jump.bvh")
    assert all(clip.labels == {} for clip in read_motion(tmp_path, unit="cm"))


def test_one_file_is_a_list_of_one_and_settings_reach_the_reader(tmp_path):
    fill(tmp_path, "walk_old_1.bvh")
    (clip,) = read_motion(tmp_path / "walk_old_1.bvh", unit="m", drop_first=True)
    assert len(clip) == 1 and clip.skeleton.metres == 1 and clip.labels["style"] == "old"
    assert "The unit was guessed" in read_motion(tmp_path)[0].notes[0]


def test_a_folder_without_motion_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"has no files\. Name a BVH file, or a folder that has some directly in it"):
        read_motion(tmp_path)
    fill(tmp_path, "notes.txt", "more.txt")
    with pytest.raises(DataError, match=r"none of its 2 files ends in \.bvh"):
        read_motion(tmp_path)
    with pytest.raises(DataError, match="absent: does not exist. Name a BVH file"):
        read_motion(tmp_path / "absent")


@pytest.mark.parametrize(
    "text, difference",
    [
        (figure().replace("Leg", "Tail") + motion(FRAME), "joint 3 is Tail against Leg"),
        (
            figure().replace("OFFSET 10 -40 0", "OFFSET 10 -41 0") + motion(FRAME),
            "the OFFSET of Leg is (10, -41, 0) against",
        ),
        (
            figure()
            .replace("    End Site\n    {\n      OFFSET 0 20 0\n    }\n  }\n", "")
            .replace("-50 0\n    }\n", "0 0\n}}")
            + motion(FRAME),
            "Leg hangs on Spine against Hips",
        ),
        (
            figure().replace("  JOINT Leg", "  JOINT Arm\n{\nOFFSET 0 1 0\n}\n  JOINT Leg") + motion(FRAME),
            "4 joints against 3",
        ),
    ],
)
def test_two_skeletons_in_a_folder_are_refused_with_their_first_difference(tmp_path, text, difference):
    fill(tmp_path, "a.bvh", "b.bvh")
    fill(tmp_path, "c.bvh", text=text)
    with pytest.raises(DataError) as caught:
        read_motion(tmp_path, unit="cm")
    assert f"c.bvh and a.bvh have different skeletons: {difference}" in str(caught.value)
    assert "Keep one skeleton to a folder" in str(caught.value)


def test_units_guessed_differently_are_refused_and_can_be_said(tmp_path):
    fill(tmp_path, "a.bvh")
    fill(tmp_path, "b.bvh", text=(figure().replace("50 0", "300 0").replace("-40 0", "-400 0") + motion(FRAME)))
    with pytest.raises(DataError, match="b.bvh and a.bvh have different skeletons: a unit of 0.001 m against 0.01 m"):
        read_motion(tmp_path)


def test_where_the_body_stands_at_first_makes_no_other_skeleton(tmp_path):
    fill(tmp_path, "a.bvh")
    fill(
        tmp_path,
        "b.bvh",
        text=TEXT.replace("OFFSET 0 90 0", "OFFSET 4 92 -450").replace("OFFSET 0 50 0", "OFFSET 0 50.01 0"),
    )
    assert len(read_motion(tmp_path, unit="cm")) == 2


def test_the_real_folder_is_read(real_data):
    clips = read_motion(real_data("motion"))
    assert len(clips) == 30 and sum(map(len, clips)) == 5_179
    assert {clip.labels["action"] for clip in clips} == {"walk", "run"}
    assert len({clip.labels["style"] for clip in clips}) == 15

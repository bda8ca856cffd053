"""Stick figures: what is drawn where, in which colour, and that nothing is cut off."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from minigen.errors import DataError, SettingError
from minigen.motion.skeleton import Clip, Skeleton
from minigen.train.stick import film_wall, overlay_film, stick_film, strip_wall
from minigen.train.stick_cell import GROUND, INK, LIMBS, PALE, PAPER, Cell
from minigen.train.stick_figure import Camera, figure

BONES = [
    ("Hips", -1, (0, 0.9, 0)),
    ("Spine", 0, (0, 0.25, 0)),
    ("Neck", 1, (0, 0.25, 0)),
    ("Head", 2, (0, 0.1, 0)),
    ("LeftArm", 2, (0.2, -0.05, 0)),
    ("LeftHand", 4, (0, -0.5, 0)),
    ("RightArm", 2, (-0.2, -0.05, 0)),
    ("RightHand", 6, (0, -0.5, 0)),
    ("LeftLeg", 0, (0.1, -0.45, 0)),
    ("LeftFoot", 8, (0, -0.45, 0)),
    ("RightLeg", 0, (-0.1, -0.45, 0)),
    ("RightFoot", 10, (0, -0.45, 0)),
]
ENDS = {3: (0, 0.2, 0), 5: (0, -0.1, 0), 7: (0, -0.1, 0), 9: (0, 0, 0.15), 11: (0, 0, 0.15)}
LEFT_ARM = 4


def about(axis, degrees):
    a, k = np.radians(degrees), "xyz".index(axis)
    R = np.eye(3)
    i, j = (k + 1) % 3, (k + 2) % 3
    R[i, i] = R[j, j] = np.cos(a)
    R[j, i], R[i, j] = np.sin(a), -np.sin(a)
    return R


def person(T=6, speed=0.0, ends=ENDS, fps=30, rename=lambda name: name, metres=1.0):
    """A figure that stands, facing +z, and glides forward at `speed` metres a second."""
    names, parents, offsets = zip(*BONES, strict=True)
    offsets = np.array(offsets, float) / metres
    ends = {j: tuple(np.array(end) / metres) for j, end in ends.items()}
    channels = (("Zrotation", "Xrotation", "Yrotation"),) * len(names)
    skeleton = Skeleton(tuple(map(rename, names)), parents, offsets, channels, ends, metres)
    translations = np.tile(offsets, (T, 1, 1))
    translations[:, 0, 2] += speed * np.arange(T) / fps / metres
    return Clip(skeleton, np.tile(np.eye(3), (T, len(names), 1, 1)), translations, Fraction(fps), name="person")


def turned(clip, joint, R):
    rotations = clip.rotations.copy()
    rotations[:, joint] = rotations[:, joint] @ R
    return replace(clip, rotations=rotations)


def pixels(picture, colour):
    """(rows, columns) of the pixels that have nearly this colour."""
    return np.nonzero(np.abs(picture.astype(int) - colour).max(axis=-1) < 12)


def test_a_film_has_the_views_side_by_side_and_is_the_same_twice():
    clip = person(T=4, speed=1.0)
    film = stick_film(clip, size=96, label="standing")
    assert film.shape == (4, 96, 192, 3) and film.dtype == np.uint8
    assert (film == stick_film(clip, size=96, label="standing")).all()
    reverse = stick_film(clip, ("front", "side"), 96, "standing")[:, 15:]  # under the label
    assert (reverse[:, :, 96:] == film[:, 15:, :96]).all() and (reverse[:, :, :96] == film[:, 15:, 96:]).all()
    assert (film[:, 15:, :96] != film[:, 15:, 96:]).any()


def test_left_and_right_have_their_colours_and_sides():
    front = stick_film(person(), ("front",), 160)[0]
    left, right = pixels(front, LIMBS["left"])[1], pixels(front, LIMBS["right"])[1]
    assert len(left) > 150 and len(right) > 150
    assert left.min() > right.max()  # who faces us has the left hand at our right
    assert abs(len(left) - len(right)) < 80
    nameless = stick_film(person(rename=lambda name: name.replace("Left", "A").replace("Right", "B")), ("front",), 160)[
        0
    ]
    assert not len(pixels(nameless, LIMBS["left"])[0]) and len(pixels(nameless, INK)[0]) > 500


def test_the_nearer_limb_hides_the_farther_one():
    side = stick_film(person(), ("side",), 160)[0]  # the right limbs lie exactly before the left ones
    assert len(pixels(side, LIMBS["right"])[0]) > 10 * len(pixels(side, LIMBS["left"])[0])


def test_the_side_view_walks_to_the_right():
    seen = Camera(figure(person(T=60, speed=1.0)), "side").see(
        np.array([[[0.0, 0, 0.7], [0.0, 1, 0], [1.0, 0, 0]]] * 60)
    )
    assert seen[0, 0, 0] > seen[0, 1, 0] + 0.6  # ahead is to the right
    assert seen[0, 1, 1] > 0.95  # up is up
    assert seen[0, 2, 2] < seen[0, 1, 2] - 0.9  # its left is farther away


@pytest.mark.parametrize("heading", [0, 90, 200])
def test_the_camera_goes_by_the_body_and_not_by_the_world(heading):
    clip = person(T=3)
    away = turned(clip, 0, about("y", heading))
    assert np.abs(stick_film(away, size=96)[0].astype(int) - stick_film(clip, size=96)[0]).mean() < 1


def test_a_raised_arm_moves_pixels_upward():
    clip = person()
    raised = turned(clip, LEFT_ARM, about("x", 180))
    for view in ("side", "front", "three_quarter"):
        low, high = (stick_film(c, (view,), 160)[0] for c in (clip, raised))
        assert pixels(high, LIMBS["left"])[0].min() < pixels(low, LIMBS["left"])[0].min() - 20


@pytest.mark.parametrize("view", ["side", "front", "three_quarter"])
@pytest.mark.parametrize("label", ["", "a label"])
def test_nothing_is_cut_off(view, label):
    clip = person(T=30, speed=6.0)
    spin = np.stack([about("x", 12 * t) for t in range(30)])
    rotations = clip.rotations.copy()
    rotations[:, 0], rotations[:, LEFT_ARM] = spin, np.swapaxes(spin, -1, -2)  # somersaults, an arm straight out
    film = stick_film(replace(clip, rotations=rotations), (view,), 128, label)
    top = 15 if label else 0
    away = [np.abs(film[:, top:].astype(int) - colour).max(axis=-1) for colour in LIMBS.values()]
    rows, columns = np.nonzero((np.min(away, axis=0) < 40).any(axis=0))
    assert min(rows.min(), columns.min(), 127 - top - rows.max(), 127 - columns.max()) >= 2
    assert max(np.ptp(rows), np.ptp(columns)) > 85  # and the picture is filled


@pytest.mark.parametrize("degrees", [-90, 90])
def test_who_lies_down_is_not_cut_off_either(degrees):
    lying = turned(person(ends={}), 0, about("x", degrees))  # the head is the outermost, at the left or the right
    picture = stick_film(lying, ("side",), 128)[0].astype(int)
    rows, columns = np.nonzero(np.min([np.abs(picture - c).max(axis=-1) for c in LIMBS.values()], axis=0) < 40)
    assert 4 <= columns.min() <= 9 and 4 <= 127 - columns.max() <= 9 and rows.max() <= 125


def test_travel_shows_on_the_ground_and_the_body_stays_in_the_middle():
    film = stick_film(person(T=40, speed=1.5), ("side",), 128)
    still = stick_film(person(T=40, speed=0.0), ("side",), 128)
    assert (still == still[0]).all()
    band = film[:, 118:, :].astype(int)
    assert (np.abs(np.diff(band, axis=0)).max(axis=(1, 2, 3)) > 5).all()  # each frame the lines have moved
    columns = [pixels(frame, INK)[1].mean() for frame in film]
    assert np.ptp(columns) < 1
    # Half a metre of travel is 10 frames at 1.5 m/s and 30 fps: the lines are where they were.
    assert np.abs(band[20] - band[10]).max() < 12 and np.abs(band[15] - band[10]).max() > 12


def test_the_end_sites_are_drawn():
    lengthened = person(ends=ENDS | {7: (0, 0, 0.6)})
    reach = [pixels(stick_film(c, ("side",), 160)[0], LIMBS["right"])[1].max() for c in (person(), lengthened)]
    assert reach[1] > reach[0] + 10  # beyond the toes


def test_a_root_that_stays_behind_and_another_unit_change_nothing():
    clip = person(T=5)
    centimetres = person(T=5, metres=0.01)
    assert np.abs(stick_film(clip, size=96).astype(int) - stick_film(centimetres, size=96)).max() <= 1
    s = clip.skeleton
    deeper = Skeleton(
        ("World", *s.names), (-1, *(p + 1 for p in s.parents)), np.concatenate([np.zeros((1, 3)), s.offsets]),
        (s.channels[0], *s.channels), {j + 1: end for j, end in s.ends.items()})  # fmt: skip
    rooted = Clip(deeper, np.concatenate([clip.rotations[:, :1], clip.rotations], axis=1),
                  np.concatenate([np.zeros((5, 1, 3)), clip.translations], axis=1), clip.fps)  # fmt: skip
    assert (stick_film(rooted, size=96) == stick_film(clip, size=96)).all()


def test_the_ground_is_at_zero_unless_the_file_counts_from_the_hips():
    clip = person()
    sunk = replace(clip, translations=clip.translations - np.eye(12, 1)[:, :, None][:, 0] * [0, 0.9, 0])
    assert figure(clip).floor == 0.0 and np.isclose(figure(sunk).floor, -0.9)
    hovering = replace(clip, translations=clip.translations + np.eye(12, 1) * [0, 0.1, 0])
    assert figure(hovering).floor == 0.0  # a body in the air is shown in the air


def test_an_overlay_has_grey_under_colours():
    original, moved = person(T=5), turned(person(T=7), LEFT_ARM, about("x", -90))
    film = overlay_film(original, moved, size=160)
    assert film.shape == (5, 160, 320, 3)
    assert len(pixels(film[0], PALE[""])[0]) > 50 and len(pixels(film[0], LIMBS["left"])[0]) > 100
    same = overlay_film(original, original, size=160)[0]
    assert len(pixels(same, PALE[""])[0]) < 40  # covered


def test_an_overlay_shows_drift_unless_it_is_aligned():
    original = person(T=30)
    drifting = person(T=30, speed=0.8)
    drift, aligned = (overlay_film(original, drifting, ("side",), 160, align=a) for a in (False, True))
    assert pixels(drift[-1], INK)[1].mean() > pixels(drift[-1], PALE[""])[1].mean() + 30
    assert len(pixels(aligned[-1], PALE[""])[0]) < 40
    with pytest.raises(DataError, match="person has 60 frames a second, person 30. Resample one of them"):
        overlay_film(original, person(fps=60))


def test_a_wall_is_cut_to_the_shortest_and_fills_its_rows():
    clips = [person(T=9), person(T=4), person(T=6)]
    wall = film_wall(clips, columns=2, size=64)
    assert wall.shape == (4, 128, 128, 3)
    assert (wall[:, 64:, 64:] == np.array(PAPER)).all() and (wall[0, :64, :64] == wall[0, 64:, :64]).all()
    assert film_wall(clips, columns=8, size=64, label="step 3").shape == (4, 64 + 15, 192, 3)
    child = replace(clips[0], translations=clips[0].translations / 2)
    both = film_wall([clips[0], child], columns=2, size=128, view="front")[0]
    heights = [np.ptp(pixels(half, LIMBS["left"])[0]) for half in (both[:, :128], both[:, 128:])]
    assert 0.4 < heights[1] / heights[0] < 0.6  # one scale for all


def test_a_strip_shows_the_first_and_the_last_frame():
    clip = person(T=20)
    rotations = clip.rotations.copy()
    rotations[-1, LEFT_ARM] = about("x", 180)
    clip = replace(clip, rotations=rotations)
    strip = strip_wall([clip], poses=5, size=120)
    H, W, _ = strip.shape
    assert H == 120 and W % 5 == 0 and strip.dtype == np.uint8
    poses = strip.reshape(H, 5, W // 5, 3)
    tops = [pixels(poses[:, k], LIMBS["left"])[0].min(initial=999) for k in range(5)]
    assert len(set(tops[:4])) == 1 and tops[4] < tops[0] - 10
    rows = strip_wall([clip, clip], 5, size=120, labels=["one", "two"])
    assert rows.shape[0] > 2 * 120 + 20 and rows.shape[1] == W
    assert (rows[-120:] == strip).all() and (rows[15:135] == strip).all()


def test_a_long_label_is_cut_to_its_place():
    film = stick_film(person(T=1), ("front",), 96, "W" * 200)
    assert film.shape == (1, 96, 96, 3) and (film[0, :14].max(axis=-1) < 150).sum() > 100
    assert (film[0, :14, -2:] == np.array(PAPER)).all()


def test_odd_figures_are_drawn_too():
    pole = Skeleton(("a", "b"), (-1, 0), np.array([[0, 0, 0], [0, 0, 1.0]]), ((), ()))  # it points at the viewer
    clip = Clip(pole, np.tile(np.eye(3), (3, 2, 1, 1)), np.tile(pole.offsets, (3, 1, 1)), Fraction(24))
    assert (stick_film(clip, ("front",), 64, "a\nb")[0, 15:].max(axis=-1) < 150).sum() > 5
    lost = overlay_film(person(T=3), person(T=3, speed=1e6), size=64)  # a model that diverged
    assert lost.shape == (3, 64, 128, 3)
    cell = Cell([figure(person(T=3))], "side")
    cell.fit(64, 64, 1e-3, 0.0)  # fine pixels a metre
    assert len(cell.lines[0]) < 100


def test_bad_input_is_named():
    clip = person()
    with pytest.raises(SettingError, match="size is 20; it must be at least 32"):
        stick_film(clip, size=20)
    with pytest.raises(SettingError, match="clips is empty; there must be at least one to draw"):
        film_wall([])
    with pytest.raises(SettingError, match="views is empty"):
        stick_film(clip, ())
    with pytest.raises(SettingError, match="view is 'top'; it must be one of side, front, three_quarter"):
        strip_wall([clip], 2, "top")
    with pytest.raises(SettingError, match="poses is 8, but person has 6 frames. Ask for fewer poses"):
        strip_wall([clip])
    with pytest.raises(SettingError, match="1 labels for 2 clips; give one for each, or none"):
        strip_wall([clip, clip], 3, labels=["a"])
    with pytest.raises(SettingError, match="columns is 0; it must be at least 1"):
        film_wall([clip], 0)
    with pytest.raises(DataError, match="person: no frames; nothing to draw"):
        stick_film(person(T=0))
    with pytest.raises(DataError, match="person: its places are not finite; nothing to draw"):
        stick_film(replace(clip, translations=clip.translations * np.nan))
    with pytest.raises(DataError, match="person: its skeleton has no bones below Hips; nothing to draw"):
        stick_film(replace(person(ends={}), translations=clip.translations * 0))


def test_a_real_walk_is_drawn_whole(real_data):
    from minigen.motion.bvh import read_bvh

    clip = read_bvh(real_data("motion") / "walk_normal_001.bvh")
    clip = replace(clip, rotations=clip.rotations[40:80], translations=clip.translations[40:80])
    film = stick_film(clip, size=160)
    assert film.shape == (40, 160, 320, 3)
    edge = np.concatenate([film[:, 0], film[:, :, 0], film[:, :, -1]], axis=1).reshape(-1, 3).astype(int)
    for colour in LIMBS.values():
        assert (np.abs(edge - colour).max(axis=-1) > 40).all()
    ahead = film[:, :, :160].astype(int)
    assert len(pixels(ahead, LIMBS["left"])[0]) > 50 * 40
    assert (film[0, -1, :160] != np.array(PAPER)).any(axis=-1).all() and GROUND in {
        tuple(p) for p in film[0, -4].tolist()
    }

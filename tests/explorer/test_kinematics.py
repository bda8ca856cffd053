"""The figure in the page stands where `minigen` puts it: joints, tips and head, frame by frame, and the camera."""

from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

from minigen.explorer.body import body_of
from minigen.explorer.carried import drawn, rows_of
from minigen.motion import Carrier, Scaling, Skeleton, from_6d, from_features
from minigen.train.stick_figure import VIEWS, Camera, _smooth, figure

from .small_runs import run

SEEDS = np.array([0, 1, 5])


def figures(recipe, items):
    return [figure(clip) for clip in recipe.clips(recipe.scaling.from_units(items))]


def test_every_point_is_where_forward_kinematics_puts_it(page, in_node):
    recipe = run("motion")
    items = drawn(recipe, rows_of(recipe, SEEDS)) * 3  # far from the mean, so that bodies turn and travel
    items[:, :, -1] += 2.0  # yaw
    found = in_node(page("motion"), "given.items.map((item) => placesOf(item, data.body))", items=items.reshape(3, -1))
    for f, places in zip(figures(recipe, items), found, strict=True):
        assert np.ptp(f.points[:, f.carrier, [0, 2]], axis=0).max() > 0.1
        np.testing.assert_allclose(places, f.points, atol=2e-6)  # metres; features are float32 on both ways


@pytest.mark.parametrize("crown", [None, (0.0, 14.0, 3.0)])
def test_a_root_above_the_hips_and_a_head_without_a_tip_stand_there_too(crown, page, in_node):
    names = ("Root", "Hips", "LeftLeg", "RightLeg", "Spine", "Head", "LeftFoot", "RightFoot")
    offsets = [(0, 0, 0), (0, 90, 0), (9, -5, 0), (-9, -5, 0), (0, 40, 2), (0, 20, 5), (0, -80, 3), (0, -80, 3)]
    ends = {6: (0.0, -3.0, 15.0), 7: (0.0, -3.0, 15.0)} | ({5: crown} if crown else {})
    skeleton = Skeleton(names, (-1, 0, 1, 1, 1, 4, 2, 3), np.array(offsets, float), ((),) * 8, ends, metres=0.01)
    translations = np.array(offsets, float)
    translations[:2] = 0
    body = Carrier(1, (2, 3), translations)
    rng = np.random.default_rng(0)
    F, T = 6 * 8 + 4, 12
    x = rng.normal(size=(1, T, F)).astype(np.float32)
    moving = rng.random(F) < 0.8
    scaling = Scaling(rng.normal(size=F).astype(np.float32), rng.uniform(0.5, 2, F).astype(np.float32), moving)

    def clips(items):
        return [from_features(item, skeleton, body, 25) for item in items]

    features = scaling.from_units(x[:, :, moving])
    recipe = SimpleNamespace(skeleton=skeleton, carrier=body, scaling=scaling, fps=Fraction(25), clips=clips)
    wanted = figure(clips(features)[0])
    code = "placesOf(given.item, given.body)"
    found = in_node(page("dense"), code, item=x[0, :, moving].T.ravel(), body=body_of(recipe, features))
    np.testing.assert_allclose(found, wanted.points, atol=5e-6)


def test_the_body_has_the_limbs_head_and_floor_of_the_figure(page, in_node):
    recipe = run("motion")
    body = in_node(page("motion"), "data.body")
    f = figures(recipe, drawn(recipe, rows_of(recipe, np.arange(1))))[0]
    assert [(tuple(b["points"]), b["side"], b["thin"]) for b in body["limbs"]] == list(f.limbs)
    assert {b["side"] for b in body["limbs"]} == {"left", "right", ""}
    assert body["head"] == pytest.approx(f.head_radius) and body["head"] > 0
    assert body["fps"] == 30 and body["carrier"] == f.carrier
    assert 1 < body["tall"] < 4 and abs(body["floor"]) < 0.5


def test_six_numbers_become_the_rotation_that_minigen_makes_of_them(page, in_node):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20, 6))
    x[0], x[1, :3], x[2, 3:] = 0, 0, 0  # nothing; no first axis; no second
    x[3, 3:], x[4] = 2 * x[3, :3], [1, 0, 0, -3, 0, 0]  # parallel, opposite
    x[5] = [0, 1, 0, 0, 2, 0]
    x[6] = [1, 2, 2, 1000, 2000.001, 1999.999]  # as good as parallel, though what is left of b is no 0
    found = np.array(in_node(page("dense"), "given.x.map((row) => axesOf(row, 0))", x=x))  # rows are columns
    np.testing.assert_allclose(np.swapaxes(found, -1, -2), from_6d(x), atol=1e-12)


def test_the_camera_follows_the_smoothed_way(page, in_node):
    rng = np.random.default_rng(1)
    for T, window in ((40, 30.0), (40, 5.0), (6, 30.0), (1, 30.0)):
        path = rng.normal(size=(T, 3)).cumsum(axis=0)
        found = in_node(page("dense"), "smoothed(given.path, given.window)", path=path, window=window)
        np.testing.assert_allclose(found, _smooth(path, window), atol=1e-9)


@pytest.mark.parametrize("view", VIEWS)
def test_the_camera_stands_where_the_films_have_it(view, page, in_node):
    recipe = run("motion")
    f = figures(recipe, drawn(recipe, rows_of(recipe, np.arange(1))))[0]
    f.forward[:] = 0, 1  # along +z, as every clip of features begins
    azimuth, elevation = VIEWS[view]
    found = in_node(page("motion"), "cameraAxes(given)", azimuth=azimuth, elevation=elevation)
    np.testing.assert_allclose(found, Camera(f, view).axes, atol=1e-12)

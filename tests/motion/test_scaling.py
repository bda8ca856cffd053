"""Features of motion at a common size, and back."""

import json

import numpy as np
import pytest

from minigen.errors import ShapeError
from minigen.motion import Scaling


@pytest.fixture
def items():
    """Windows (5, 8, 16) of two joints: joint 0 turns, joint 1 never does, the height is constant, the rest moves."""
    x = np.random.default_rng(0).normal(size=(5, 8, 16)).astype(np.float32) * np.linspace(0.5, 4, 16, dtype=np.float32)
    x += 3
    x[..., 6:12] = 0.25
    x[..., 14] = 1.5
    return x


def test_the_way_there_and_back_is_the_identity(items):
    scaling = Scaling.of(items, 2)
    u = scaling.to_units(items)
    assert u.dtype == np.float32 and u.shape == (5, 8, 9) and len(scaling) == 9
    back = scaling.from_units(u)
    assert back.dtype == np.float32
    assert np.allclose(back, items, rtol=0, atol=2e-6)  # a few roundings of float32 numbers up to 15
    assert np.allclose(scaling.from_units(u[2, 3]), items[2, 3], atol=2e-6)  # any axes before the last


def test_six_numbers_of_a_joint_share_one_deviation_and_the_rest_have_their_own(items):
    scaling = Scaling.of(items, 2)
    own = items.astype(np.float64).std((0, 1))
    assert np.allclose(scaling.deviation[:6], np.sqrt((own[:6] ** 2).mean()))
    assert np.allclose(scaling.deviation[[12, 13, 15]], own[[12, 13, 15]])
    assert np.allclose(scaling.mean, items.astype(np.float64).mean((0, 1)))
    u = scaling.to_units(items)
    assert np.allclose(u.mean((0, 1)), 0, atol=1e-5)
    assert np.allclose(u[..., 6:].std((0, 1)), 1, atol=1e-5)
    assert np.sqrt((u[..., :6].astype(np.float64) ** 2).mean()) == pytest.approx(1, abs=1e-5)


def test_what_never_moves_is_left_out_and_stands_at_its_mean(items):
    scaling = Scaling.of(items, 2)
    assert scaling.moving.tolist() == [True] * 6 + [False] * 6 + [True, True, False, True]
    back = scaling.from_units(np.zeros((3, len(scaling)), np.float32))
    assert (back[:, 6:12] == 0.25).all() and (back[:, 14] == 1.5).all()
    assert np.isfinite(scaling.to_units(items)).all()
    items[0, 0, 14] += 1e-3  # one frame in forty: a deviation of 1.6e-4, which counts as moving
    assert len(Scaling.of(items, 2)) == 10


def test_one_constant_number_of_a_joint_that_turns_stays_with_it(items):
    items[..., 2] = 0.5
    scaling = Scaling.of(items, 2)
    assert scaling.moving[2] and scaling.deviation[2] == scaling.deviation[1]
    assert np.abs(scaling.to_units(items)[..., 2]).max() < 1e-6


def test_json_keeps_every_bit(items):
    scaling = Scaling.of(items * np.float32(1 / 3), 2)
    back = Scaling.from_json(json.loads(json.dumps(scaling.as_json())))
    for name in ("mean", "deviation", "moving"):
        one, two = getattr(scaling, name), getattr(back, name)
        assert one.tobytes() == two.tobytes() and one.dtype == two.dtype, name


@pytest.mark.parametrize("shape, joints", [((5, 8, 16), 3), ((8, 16), 2), ((2, 5, 8, 16), 2)])
def test_items_of_another_shape_are_refused(shape, joints):
    with pytest.raises(ShapeError, match=rf"Scaling: items have shape .*; they must be \(N, T, {6 * joints + 4}\)"):
        Scaling.of(np.zeros(shape, np.float32), joints)

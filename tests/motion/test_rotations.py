"""Rotations: each spelling leads back to the same rotation, also where one of them breaks down."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import minigen
from minigen.check import grad_check
from minigen.errors import SettingError, ShapeError
from minigen.motion import about_y, from_6d, from_euler, geodesic_angle, slerp, to_6d, to_euler, unwrap
from minigen.motion.rotations import _about

ORDERS = ["".join(axes) for axes in permutations("XYZ")]
DEGREES = arrays(np.float64, (5, 3), elements=st.floats(-720, 720))


def turns(n, seed=0):
    return from_euler(np.random.default_rng(seed).uniform(-180, 180, (n, 3)), "XYZ")


def about(axis, degrees):
    """By Rodrigues' formula, spelt out: I + sin θ K + (1 − cos θ) K²."""
    x, y, z = np.array(axis) / np.linalg.norm(axis)
    K = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    t = np.radians(degrees)
    return np.eye(3) + np.sin(t) * K + (1 - np.cos(t)) * K @ K


def is_rotation(R, within):
    close = np.allclose(np.swapaxes(R, -1, -2) @ R, np.eye(3), atol=within)
    return close and np.allclose(np.linalg.det(R), 1, atol=within)


def test_each_axis_turns_counter_clockwise():
    assert np.allclose(from_euler([90], "X") @ [0, 1, 0], [0, 0, 1])
    assert np.allclose(from_euler([90], "Y") @ [0, 0, 1], [1, 0, 0])
    assert np.allclose(from_euler([90], "Z") @ [1, 0, 0], [0, 1, 0])
    assert np.allclose(about_y(np.radians(30)), about([0, 1, 0], 30))


def test_the_order_of_the_axes_is_the_order_of_the_product():
    R = from_euler([10, 20, 30], "ZXY")
    assert np.allclose(R, about([0, 0, 1], 10) @ about([1, 0, 0], 20) @ about([0, 1, 0], 30))
    assert np.allclose(from_euler([10, 20], "YX"), about([0, 1, 0], 10) @ about([1, 0, 0], 20))
    assert from_euler(np.zeros((4, 2, 3)), "ZXY").shape == (4, 2, 3, 3)


@pytest.mark.parametrize("axes", ORDERS)
@given(angles=DEGREES)
@settings(max_examples=40, deadline=None)
def test_euler_angles_lead_back_to_the_rotation(axes, angles):
    R = from_euler(angles, axes)
    assert geodesic_angle(R, from_euler(to_euler(R, axes), axes)).max() < 1e-6


@pytest.mark.parametrize("axes", ORDERS)
def test_euler_angles_of_an_ordinary_rotation_are_those_it_was_made_of(axes):
    angles = np.random.default_rng(1).uniform((-179, -89, -179), (179, 89, 179), (50, 3))
    assert np.allclose(to_euler(from_euler(angles, axes), axes), angles, atol=1e-9)


@pytest.mark.parametrize("axes", ORDERS)
@pytest.mark.parametrize("middle", [90, -90, 90 - 1e-7, -90 + 1e-10])
def test_gimbal_lock_is_finite_and_the_same_rotation(axes, middle):
    R = from_euler([25, middle, -60], axes)
    angles = to_euler(R, axes)
    assert np.isfinite(angles).all() and geodesic_angle(R, from_euler(angles, axes)) < 1e-6
    if abs(middle) == 90:
        assert angles[0] == 0


@pytest.mark.parametrize("axes", ORDERS)
@given(angles=DEGREES)
@settings(max_examples=30, deadline=None)
def test_unwrapping_keeps_every_rotation(axes, angles):
    assert geodesic_angle(from_euler(angles, axes), from_euler(unwrap(angles), axes)).max() < 1e-6


def test_unwrapping_leaves_no_jump():
    """Whole turns on the first axis, and a middle angle that swings through 90°, where the other two flip by 180°."""
    t = np.linspace(0, 1, 300)
    smooth = np.stack([900 * t, 60 + 80 * np.sin(5 * t), -400 * t], axis=1)
    jumpy = to_euler(from_euler(smooth, "ZXY"), "ZXY")
    assert np.abs(np.diff(jumpy, axis=0)).max() > 150
    again = unwrap(jumpy)
    assert np.abs(np.diff(again, axis=0)).max() < 5 and np.allclose(again, smooth, atol=1e-6)
    several = unwrap(np.stack([jumpy, smooth], axis=1))  # joints side by side do not touch one another
    assert np.allclose(several[:, 0], again) and np.allclose(several[:, 1], smooth)


def test_wrong_axes_and_shapes_are_refused():
    with pytest.raises(SettingError, match="to_euler: axes is 'XYX'; it must be X, Y and Z in some order"):
        to_euler(np.eye(3), "XYX")
    with pytest.raises(SettingError, match="from_euler: axes is 'XW'"):
        from_euler([1, 2], "XW")
    with pytest.raises(ShapeError, match=r"from_euler: angles have shape \(2,\); the last axis must be 3, for ZXY"):
        from_euler([1, 2], "ZXY")
    with pytest.raises(ShapeError, match=r"from_6d: x has shape \(3,\); its last axis must be 6"):
        from_6d(np.zeros(3))
    with pytest.raises(ShapeError, match=r"to_6d: R has shape \(6,\)"):
        to_6d(np.zeros(6))


# Six numbers ----------------------------------------------------------------------------------------------------------


def test_six_numbers_are_the_first_two_columns_and_not_the_rows():
    R = about([1, 2, 3], 50)
    assert (to_6d(R) == np.concatenate([R[:, 0], R[:, 1]])).all()
    assert np.allclose(from_6d(np.array([0, 1, 0, 0, 0, 1])).T, [[0, 1, 0], [0, 0, 1], [1, 0, 0]])  # columns y, z, x
    assert geodesic_angle(from_6d(to_6d(R)), R) < 1e-12 < geodesic_angle(from_6d(to_6d(R.T)), R)


@pytest.mark.parametrize("dtype, within", [(np.float64, 1e-14), (np.float32, 1e-6)])
def test_any_six_numbers_make_a_rotation_in_their_own_dtype(dtype, within):
    x = np.random.default_rng(2).normal(size=(200, 6)).astype(dtype)
    R = from_6d(x)
    assert R.dtype == dtype and is_rotation(R, within)
    assert np.allclose(R[:, :, 0], x[:, :3] / np.linalg.norm(x[:, :3], axis=1, keepdims=True), atol=within)
    assert np.allclose(from_6d(x * dtype(7)), R, atol=10 * within)
    tensor = from_6d(minigen.tensor(x))
    assert tensor.dtype == dtype and (tensor.numpy() == R).all()


@given(x=arrays(np.float32, (4, 6), elements=st.floats(-100, 100, width=32)))
@settings(max_examples=100, deadline=None)
def test_six_numbers_however_badly_chosen_make_a_rotation_with_a_finite_slope(x):
    weight = np.random.default_rng(3).normal(size=(4, 3, 3)).astype(np.float32)
    t = minigen.tensor(x, requires_grad=True)
    R = from_6d(t)
    (slope,) = minigen.grad((R * weight).sum(), [t])
    assert is_rotation(R.numpy(), 1e-5) and np.isfinite(slope.numpy()).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "x",
    [
        (0, 0, 0, 0, 0, 0),
        (0, 0, 0, 0, 1, 0),
        (1, 2, 3, 0, 0, 0),
        (1, 2, 3, 2, 4, 6),
        (1, 0, 0, -5, 0, 0),
        (1, 0, 0, 1, 2e-5, 0),  # almost parallel: in float32 one projection leaves them askew
        (1e-30, 0, 0, 0, 1e-30, 0),
        (0.6, 0.8, 0, 0.6, 0.8, 0),
    ],
)
def test_zero_and_parallel_axes_make_a_rotation_with_a_finite_slope(x, dtype):
    t = minigen.tensor(np.array(x, dtype), requires_grad=True)
    R = from_6d(t)
    (first,) = minigen.grad((R * R * R).sum(), [t], create_graph=True)
    (second,) = minigen.grad((first * first).sum(), [t])
    assert is_rotation(R.numpy(), 1e-5 if dtype == np.float32 else 1e-12)
    assert np.isfinite(first.numpy()).all() and np.isfinite(second.numpy()).all()


def test_the_slopes_of_six_numbers_are_right_to_second_order():
    x = np.random.default_rng(4).normal(size=(2, 3, 6))
    grad_check(from_6d, [x], order=2, quiet=True)
    grad_check(to_6d, [from_6d(x)], order=2, quiet=True)


# Distance and the way between -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("degrees", [0, 1e-9, 1e-5, 1, 90, 179, 180 - 1e-5, 180 - 1e-9, 180])
def test_the_angle_is_exact_near_0_and_180(degrees):
    R = about([3, 1, -2], 77)
    assert abs(geodesic_angle(R, R @ about([1, 1, 2], degrees)) - degrees) < 1e-12
    assert abs(geodesic_angle(R @ about([1, 1, 2], -degrees), R) - degrees) < 1e-12


def test_slerp_goes_the_shorter_way_at_constant_speed():
    R, S = turns(100, 5), turns(100, 6)
    t = np.linspace(0, 1, 5)[:, None]
    way = slerp(R, S, t)
    assert way.shape == (5, 100, 3, 3) and is_rotation(way, 1e-12)
    assert np.allclose(way[0], R) and np.allclose(way[-1], S)
    whole = geodesic_angle(R, S)
    assert whole.max() <= 180 and np.allclose(geodesic_angle(R, way), t * whole, atol=1e-9)
    assert np.allclose(slerp(_about(1, np.radians(350)), np.eye(3), 0.5), _about(1, np.radians(355)))


def test_slerp_of_opposite_and_of_equal_rotations_is_finite():
    for S in (np.eye(3), about([1, 0, 0], 180), about([0, 1, 0], 180), about([1, 2, 3], 180), about([1, 2, 3], 1e-9)):
        middle = slerp(np.eye(3), S, 0.5)
        assert is_rotation(middle, 1e-12) and abs(geodesic_angle(middle, S) - geodesic_angle(np.eye(3), S) / 2) < 1e-9

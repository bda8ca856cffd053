"""Rotations in their three spellings: Euler angles for files, matrices to compute with, six numbers to learn from.

A matrix R takes column vectors from the joint's frame to its parent's; its columns are the joint's own axes.
"""

from typing import Any

import numpy as np

from minigen.autograd import Tensor
from minigen.backend import array_module
from minigen.errors import SettingError, ShapeError
from minigen.ops import abs as absolute
from minigen.ops import greater, less, logical_and, norm, roll, stack, where
from minigen.ops import sum as total

_LOCKED = 1e-9  # the cosine of the middle angle below which the first and the third turn about one axis
_SHORT = 1e-12  # |a|² below which a vector has no direction
_PARALLEL = 1e-10  # sin² of the angle below which two vectors span no plane


# Euler angles ---------------------------------------------------------------------------------------------------------


def from_euler(angles: np.ndarray, axes: str) -> np.ndarray:
    """R = R₁(a₁) R₂(a₂) …, the product in the order of `axes`: "ZXY" gives Rz Rx Ry, as a BVH file lists them.

    angles: degrees (…, k), one for each of the k letters of axes, 0 ≤ k ≤ 3 → float64 (…, 3, 3).
    """
    if len(axes) > 3 or not set(axes) <= set("XYZ"):
        raise SettingError(f"from_euler: axes is {axes!r}; it must be up to three of the letters X, Y, Z.")
    angles = np.asarray(angles, np.float64)
    if angles.shape[-1:] != (len(axes),):
        raise ShapeError(
            f"from_euler: angles have shape {angles.shape}; the last axis must be {len(axes)}, for {axes}."
        )
    R = np.broadcast_to(np.eye(3), (*angles.shape[:-1], 3, 3)).copy()
    for n, axis in enumerate(axes):
        R = R @ _about("XYZ".index(axis), np.radians(angles[..., n]))
    return R


def to_euler(R: np.ndarray, axes: str) -> np.ndarray:
    """The angles that `from_euler` makes R of: degrees (…, 3), the middle one in [−90, 90], the others in (−180, 180].

    axes: three different letters.  Where the middle angle is ±90 (gimbal lock) the first is 0; the rotation is R there
    too.  (…, 3, 3) → (…, 3).
    """
    if sorted(axes) != ["X", "Y", "Z"]:
        raise SettingError(f"to_euler: axes is {axes!r}; it must be X, Y and Z in some order, such as ZXY.")
    R = np.asarray(R, np.float64)
    i, j, k = ("XYZ".index(axis) for axis in axes)
    s = 1.0 if (j - i) % 3 == 1 else -1.0  # whether i, j, k is a cyclic order
    locked = np.hypot(R[..., j, k], R[..., k, k]) < _LOCKED
    first = np.where(locked, 0.0, np.arctan2(-s * R[..., j, k], R[..., k, k]))
    M = _about(i, -first) @ R  # R_j(b) R_k(c): what is left is well conditioned at every b
    middle = np.arctan2(s * M[..., i, k], M[..., k, k])
    last = np.arctan2(s * M[..., j, i], M[..., j, j])
    return np.degrees(np.stack([first, middle, last], axis=-1))


def unwrap(angles: np.ndarray) -> np.ndarray:
    """The same rotations, frame after frame by the Euler angles nearest to those of the frame before.

    angles: degrees (T, …, 3), three different axes.  Two things are chosen: whole turns, and between (a, b, c) and its
    twin (a + 180, 180 − b, c + 180), so that no curve jumps across ±180°.
    """
    smooth = np.array(angles, np.float64)
    for t in range(1, len(smooth)):
        before, a = smooth[t - 1], smooth[t]
        here = a - 360 * np.round((a - before) / 360)
        twin = a * (1, -1, 1) + 180
        twin = twin - 360 * np.round((twin - before) / 360)
        nearer = ((twin - before) ** 2).sum(-1) < ((here - before) ** 2).sum(-1)
        smooth[t] = np.where(nearer[..., None], twin, here)
    return smooth


def _about(axis: int, radians: np.ndarray) -> np.ndarray:
    """The rotation about axis 0, 1 or 2 (x, y, z): (…) → (…, 3, 3)."""
    j, k = (axis + 1) % 3, (axis + 2) % 3
    R = np.zeros((*np.shape(radians), 3, 3))
    R[..., axis, axis] = 1
    R[..., j, j] = R[..., k, k] = np.cos(radians)
    R[..., k, j] = np.sin(radians)
    R[..., j, k] = -R[..., k, j]
    return R


def about_y(radians: np.ndarray) -> np.ndarray:
    """The turn about the vertical by an angle in radians, counter-clockwise from above: (…) → (…, 3, 3)."""
    return _about(1, np.asarray(radians, np.float64))


# Six numbers ----------------------------------------------------------------------------------------------------------


def to_6d(R: Any) -> Any:
    """x = (first column of R, second column of R), a continuous description: (…, 3, 3) → (…, 6).

    Zhou et al. 2019, 1812.07035, section 4.2.  Columns, as there; the widely copied function of PyTorch3D keeps rows,
    and mixing the two transposes every rotation.
    """
    if R.shape[-2:] != (3, 3):
        raise ShapeError(f"to_6d: R has shape {R.shape}; its last two axes must be 3 and 3.")
    columns = stack(R[..., 0], R[..., 1], axis=-2)  # (…, 2, 3)
    return columns.reshape(*R.shape[:-2], 6)


def from_6d(x: Any) -> Any:
    """R = (e₁, e₂, e₁ × e₂): e₁ ∥ a, e₂ ∥ b − (e₁·b) e₁, for x = (a, b); of arrays and of tensors alike.

    (…, 6) → (…, 3, 3), in the dtype of x.  a and b need be neither long nor upright.  Where a is 0, or b is 0 or
    parallel to a, a fixed axis stands in: the answer is a rotation, and the slope by what was replaced is 0.
    Zhou et al. 2019, equation 15 (Gram–Schmidt); the projection is done twice, for the sake of float32.
    """
    if x.shape[-1:] != (6,):
        raise ShapeError(f"from_6d: x has shape {x.shape}; its last axis must be 6.")
    a, b = x[..., :3], x[..., 3:]
    data = x.data if isinstance(x, Tensor) else x
    xp = array_module(data)
    x_axis, y_axis = xp.eye(2, 3, dtype=data.dtype)

    e1 = _unit(where(greater(_dot(a, a), _SHORT), a, x_axis))
    across = where(less(absolute(e1[..., :1]), 0.6), x_axis, y_axis)  # of the two, one that is far from parallel to e₁
    c = b - _dot(e1, b) * e1
    spans = logical_and(greater(_dot(c, c), _SHORT), greater(_dot(c, c), _PARALLEL * _dot(b, b)))
    b = where(spans, b, across)
    e2 = _unit(b - _dot(e1, b) * e1)
    e2 = _unit(e2 - _dot(e1, e2) * e1)
    return stack(e1, e2, _cross(e1, e2), axis=-1)


def _dot(a: Any, b: Any) -> Any:
    return total(a * b, axis=-1, keepdims=True)


def _unit(a: Any) -> Any:
    return a / norm(a, axis=-1, keepdims=True)


def _cross(a: Any, b: Any) -> Any:
    return roll(a, -1, axis=-1) * roll(b, -2, axis=-1) - roll(a, -2, axis=-1) * roll(b, -1, axis=-1)


# Distance and the way between -----------------------------------------------------------------------------------------


def geodesic_angle(R: np.ndarray, S: np.ndarray) -> np.ndarray:
    """arccos((tr RᵀS − 1) / 2): by how many degrees the two differ, 0 … 180; (…, 3, 3) twice → (…).

    Taken as atan2(sin, cos), the sine from the skew part of RᵀS: exact also near 0 and 180, where arccos loses half
    of the digits.
    """
    D = np.swapaxes(np.asarray(R, np.float64), -1, -2) @ np.asarray(S, np.float64)
    sine = np.linalg.norm(_skew(D), axis=-1) / 2
    return np.degrees(np.arctan2(sine, (np.trace(D, axis1=-2, axis2=-1) - 1) / 2))


def slerp(R: np.ndarray, S: np.ndarray, t: np.ndarray | float) -> np.ndarray:
    """R (RᵀS)ᵗ: from R at t = 0 to S at t = 1 at constant speed, the shorter way round.

    R, S: (…, 3, 3); t: anything that broadcasts with (…) → (…, 3, 3).  Shoemake 1985.
    """
    D = np.swapaxes(R, -1, -2) @ S
    q = _quaternion(D)
    half = np.arctan2(np.linalg.norm(q[..., 1:], axis=-1), q[..., 0]) * t
    axis = q[..., 1:] / np.maximum(np.linalg.norm(q[..., 1:], axis=-1, keepdims=True), 1e-300)
    return R @ _turn(axis, 2 * half)


def _skew(D: np.ndarray) -> np.ndarray:
    """2 sin θ times the axis, (…, 3)."""
    return np.stack([D[..., 2, 1] - D[..., 1, 2], D[..., 0, 2] - D[..., 2, 0], D[..., 1, 0] - D[..., 0, 1]], axis=-1)


def _quaternion(D: np.ndarray) -> np.ndarray:
    """(w, x, y, z) with w ≥ 0, from the longest row of 4 q qᵀ, which is never near 0: (…, 3, 3) → (…, 4)."""
    trace = np.trace(D, axis1=-2, axis2=-1)
    K = np.empty((*D.shape[:-2], 4, 4))
    K[..., 0, 0] = 1 + trace
    K[..., 0, 1:] = K[..., 1:, 0] = _skew(D)
    K[..., 1:, 1:] = D + np.swapaxes(D, -1, -2) + (1 - trace)[..., None, None] * np.eye(3)
    longest = np.argmax(np.diagonal(K, axis1=-2, axis2=-1), axis=-1)
    q = np.take_along_axis(K, longest[..., None, None], axis=-2)[..., 0, :]
    q = q / np.linalg.norm(q, axis=-1, keepdims=True)
    return np.where(q[..., :1] < 0, -q, q)


def _turn(axis: np.ndarray, radians: np.ndarray) -> np.ndarray:
    """Rodrigues' formula, I + sin θ K + (1 − cos θ) K²: unit axes (…, 3), angles (…) → (…, 3, 3)."""
    K = np.cross(axis[..., None, :], np.eye(3))  # rows a × eᵢ: K transposed
    K = np.swapaxes(K, -1, -2)
    sine, versine = np.sin(radians)[..., None, None], (1 - np.cos(radians))[..., None, None]
    return np.eye(3) + sine * K + versine * (K @ K)

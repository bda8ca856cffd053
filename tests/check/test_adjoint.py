"""adjoint_check on the three faces of convolution, and on maps that are not what they claim."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigen import Geometry, ops
from minigen.check import AdjointCheckError, adjoint_check
from minigen.errors import SettingError

rng = np.random.default_rng(3)


@st.composite
def geometries(draw):
    """Windows, strides, paddings, dilations and groups on one to three axes."""
    axes = draw(st.integers(1, 3))
    several = st.lists(st.integers(1, 3), min_size=axes, max_size=axes)
    window, stride, dilation = (
        draw(several),
        draw(several),
        draw(st.lists(st.integers(1, 2), min_size=axes, max_size=axes)),
    )
    before = draw(st.lists(st.integers(0, 2), min_size=axes, max_size=axes))
    after = draw(st.lists(st.integers(0, 2), min_size=axes, max_size=axes))
    sizes, outs = [], []
    for k, s, d, b, a in zip(window, stride, dilation, before, after, strict=True):
        n = max((k - 1) * d + 1 - b - a, 1) + draw(st.integers(0, 3))
        sizes.append(n)
        outs.append((n + b + a - (k - 1) * d - 1) // s + 1)
    groups = draw(st.integers(1, 2))
    return Geometry(*map(tuple, (sizes, outs, window, stride, dilation, before)), groups)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(geometries(), st.integers(1, 2), st.integers(1, 2), st.integers(1, 2))
def test_the_three_faces_of_convolution_are_adjoint(geometry, N, c, oc):
    C, OC = c * geometry.groups, oc * geometry.groups
    x_shape, y_shape, w_shape = (N, *geometry.sizes, C), (N, *geometry.outs, OC), (*geometry.window, c, OC)
    x, w = rng.normal(size=x_shape), rng.normal(size=w_shape)
    adjoint_check(
        lambda x: ops.conv(x, w, geometry=geometry),
        lambda y: ops.conv_transpose(y, w, geometry=geometry),
        x_shape,
        y_shape,
        name="conv in x",
    )
    adjoint_check(
        lambda w: ops.conv(x, w, geometry=geometry),
        lambda y: ops.conv_kernel_grad(x, y, geometry=geometry),
        w_shape,
        y_shape,
        name="conv in w",
    )


@pytest.mark.parametrize("padding", ["same", "valid", 1])
def test_convolve_transpose_is_the_adjoint_of_convolve(padding):
    w = rng.normal(size=(3, 2, 2, 3))
    y_shape = ops.convolve(np.zeros((2, 8, 6, 2)), w, stride=2, padding=padding).shape
    adjoint_check(
        lambda x: ops.convolve(x, w, stride=2, padding=padding),
        lambda y: ops.convolve_transpose(y, w, stride=2, padding=padding, output_size=(8, 6)),
        (2, 8, 6, 2),
        y_shape,
    )


def test_patches_and_fold_are_adjoint(capsys):
    g = Geometry((5, 4), (2, 2), (3, 2), (2, 2), (1, 1), (1, 0))
    adjoint_check(
        lambda x: ops.patches(x, geometry=g),
        lambda y: ops.fold(y, geometry=g),
        (1, 5, 4, 2),
        (1, 2, 2, 3, 2, 2),
        name="patches",
    )
    assert capsys.readouterr().out.startswith("adjoint_check patches: right; 5 pairs")


M = rng.normal(size=(3, 4))


def forward(x):
    return M @ x


@pytest.mark.parametrize(
    "At, text",
    [
        (lambda y: -(M.T @ y), "every ratio is −1"),
        (lambda y: 2 * (M.T @ y), "every ratio is 2"),
        (lambda y: 0 * (M.T @ y), "no path"),
        (lambda y: 1.001 * (M.T @ y), "every ratio is 1.001"),
        (lambda y: np.linalg.pinv(M) @ y, "must agree for every x and y"),
        (lambda y: (M.T @ y)[::-1], "must agree for every x and y"),
        (lambda y: (M.T @ y)[:3], "At gives shape (3,); (4,) was announced"),
    ],
)
def test_a_map_that_is_not_the_transpose_is_refused(At, text):
    with pytest.raises(AdjointCheckError) as caught:
        adjoint_check(forward, At, (4,), (3,))
    assert text in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 12
    assert isinstance(caught.value, AssertionError)


def test_a_map_that_is_not_linear_is_refused():
    with pytest.raises(AdjointCheckError, match="A is not linear"):
        adjoint_check(lambda x: M @ x + 1, lambda y: M.T @ y, (4,), (3,))
    with pytest.raises(AdjointCheckError, match="f: A is not linear"):
        adjoint_check(lambda x: x * abs(x).sum(), lambda y: y * 0, (1,), (1,))


def test_a_map_that_changes_its_input_is_refused():
    def greedy(x):
        x *= 2
        return M @ x

    with pytest.raises(AdjointCheckError, match="greedy: A changes its input"):
        adjoint_check(greedy, lambda y: 2 * (M.T @ y), (4,), (3,))


def test_a_check_of_nothing_is_refused():
    with pytest.raises(SettingError, match="pairs=0 must be at least 1"):
        adjoint_check(lambda x: x, lambda y: 2 * y, (2,), (2,), pairs=0)


@pytest.mark.parametrize(
    "A, At, text",
    [
        (lambda v: (1 + 5j) * v, lambda u: u, "A gives complex128; float64 is expected"),
        (lambda v: v / 0, lambda u: u, "A gives NaN or infinity"),
        (lambda v: v.astype(np.float32), lambda u: u, "A gives float32; float64 is expected"),
    ],
)
def test_maps_on_which_nothing_can_be_said_are_told(A, At, text):
    with pytest.raises(AdjointCheckError, match=text):
        adjoint_check(A, At, (3,), (3,))


def test_maps_that_are_0_are_noticed(capsys):
    adjoint_check(lambda v: 0 * v, lambda u: 0 * u, (3,), (3,))
    assert "both maps are 0 everywhere: nothing was tested" in capsys.readouterr().out

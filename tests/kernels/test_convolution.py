"""The short way of convolution is the long way: drawn geometries, both dtypes, every face, and who chooses it."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigen import Parameter, convolve, grad
from minigen.autograd import kernels_off
from minigen.kernels import fourier, numpy_convolution
from minigen.ops import Geometry, conv, conv_kernel_grad, conv_transpose
from minigen.ops.convolution import count_outs

FACES = {"conv": (conv, "xw"), "conv_transpose": (conv_transpose, "yw"), "conv_kernel_grad": (conv_kernel_grad, "xy")}
ARTICLE = {  # every convolution of the article's networks, at channels that take a test no time
    "c1": Geometry((7, 7), (7, 7), (5, 5), (1, 1), (1, 1), (2, 2)),
    "c2": Geometry((14, 14), (7, 7), (5, 5), (2, 2), (1, 1), (1, 1)),
    "c3": Geometry((28, 28), (14, 14), (5, 5), (2, 2), (1, 1), (1, 1)),
}


@st.composite
def geometries(draw):
    """Any window, stride, dilation and padding on one to three axes, also outputs that stop short of the end of x."""
    per_axis = []
    for _ in range(draw(st.integers(1, 3))):
        window, stride, dilation = (draw(st.integers(1, most)) for most in (5, 3, 3))
        pads = draw(st.integers(0, 5)), draw(st.integers(0, 5))
        size = draw(st.integers(max(1, (window - 1) * dilation + 1 - sum(pads)), 16))
        (outs,) = count_outs((size,), (window,), (stride,), (dilation,), (pads,))
        per_axis.append((size, draw(st.integers(1, outs)), window, stride, dilation, pads[0]))
    return Geometry(*zip(*per_axis, strict=True))


def arrays_for(geometry, dtype, seed=0, N=2, C=2, OC=3):
    rng = np.random.default_rng(seed)
    shapes = {"x": (N, *geometry.sizes, C), "w": (*geometry.window, C, OC), "y": (N, *geometry.outs, OC)}
    return {name: rng.standard_normal(shape).astype(dtype) for name, shape in shapes.items()}


def error(ours, formula):
    """The largest error as a share of the largest entry."""
    return float(np.abs(ours - formula).max(initial=0) / max(np.abs(formula).max(initial=0), 1e-30))


@settings(max_examples=60, deadline=None)
@given(geometries())
def test_every_face_equals_its_formula_at_any_geometry(geometry):
    arrays = arrays_for(geometry, np.float64)
    for name, (op, inputs) in FACES.items():
        given_arrays = [arrays[i] for i in inputs]
        ours = getattr(fourier, name)(*given_arrays, geometry)
        formula = op.function(*given_arrays, geometry=geometry)
        assert ours.shape == formula.shape
        assert error(ours, formula) < 1e-12 or np.abs(ours - formula).max() < 1e-13
    assert len(fourier.form_of(geometry, np.dtype(np.float64)).A) == fourier.rank_of(geometry)


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("layer", ARTICLE)
def test_float32_keeps_its_digits_on_the_articles_layers(layer, face):
    geometry = ARTICLE[layer]
    op, inputs = FACES[face]
    arrays = arrays_for(geometry, np.float64, N=8, C=16, OC=16)
    exact = op.function(*(arrays[i] for i in inputs), geometry=geometry)
    single = [arrays[i].astype(np.float32) for i in inputs]
    ours, plain = getattr(fourier, face)(*single, geometry), op.function(*single, geometry=geometry)
    assert ours.dtype == np.float32
    assert error(ours, exact) < 2e-6  # measured: 3.5e-7 to 1.3e-6; the formula itself, 1e-7 to 8e-7
    assert error(ours, plain) < 1e-5


def test_a_wrong_form_is_caught(monkeypatch):
    geometry = ARTICLE["c1"]
    form = fourier.form_of(geometry, np.dtype(np.float64))
    wrong = form._replace(C=form.C * np.where(np.arange(len(form.C)) == 7, 1.01, 1)[:, None])
    monkeypatch.setattr(fourier, "form_of", lambda *_: wrong)
    arrays = arrays_for(geometry, np.float64)
    for face, (op, inputs) in FACES.items():
        given_arrays = [arrays[i] for i in inputs]
        ours = getattr(fourier, face)(*given_arrays, geometry)
        assert error(ours, op.function(*given_arrays, geometry=geometry)) > 1e-6


# Who chooses it -----------------------------------------------------------------------------------------------------


@pytest.fixture
def chosen(monkeypatch):
    """The faces that went the short way, in order."""
    calls = []

    def noting(face, right):
        return lambda *arguments: calls.append(face) or right(*arguments)

    for face in FACES:
        monkeypatch.setattr(fourier, face, noting(face, getattr(fourier, face)))
    return calls


def test_the_articles_first_layer_goes_the_short_way_at_every_order(chosen):
    arrays = arrays_for(ARTICLE["c1"], np.float32, N=16, C=64, OC=32)
    x, w = Parameter(arrays["x"]), Parameter(arrays["w"])
    found = []
    for off in (False, True):
        with kernels_off() if off else pytest.MonkeyPatch.context():
            y = convolve(x, w, padding="same")
            dx, dw = grad((y * y).sum(), [x, w], create_graph=True)
            second = grad((dx * dx).sum() + (dw * dw).sum(), [x, w])
            found.append([t.numpy() for t in (y, dx, dw, *second)])
    assert {"conv", "conv_transpose", "conv_kernel_grad"} == set(chosen)
    for ours, formula in zip(*found, strict=True):
        assert ours.dtype == np.float32
        assert error(ours, formula) < 1e-5


@pytest.mark.parametrize(
    ("case", "changes"),
    [
        ("groups", dict(groups=2)),
        ("a large map, for whose transforms there are too few channels", dict(sizes=(64, 64), outs=(64, 64))),
    ],
)
def test_the_long_way_is_kept_where_the_short_one_is_none(chosen, case, changes):
    geometry = dataclasses.replace(ARTICLE["c1"], **changes)
    arrays = arrays_for(geometry, np.float32, N=2, C=8, OC=8)
    w = arrays["w"][..., : 8 // geometry.groups, :]
    y = conv(arrays["x"], w, geometry=geometry)
    np.testing.assert_allclose(y, conv.function(arrays["x"], w, geometry=geometry), rtol=0, atol=1e-4)
    assert not chosen


@pytest.mark.parametrize("dtypes", [("float32", "float64"), ("float16", "float16"), ("int64", "int64")])
def test_other_dtypes_go_the_long_way(chosen, dtypes):
    arrays = arrays_for(ARTICLE["c1"], np.float64, N=4, C=64, OC=64)
    x, w = arrays["x"].astype(dtypes[0]), arrays["w"].astype(dtypes[1])
    y = conv(x[:1], w, geometry=ARTICLE["c1"])
    assert y.dtype == np.result_type(x, w)
    assert not chosen


def test_a_short_batch_and_no_batch_at_all(chosen):
    geometry = ARTICLE["c1"]
    for N in (0, 1):
        arrays = arrays_for(geometry, np.float32, N=N, C=64, OC=64)
        for op, inputs in FACES.values():
            given_arrays = [arrays[i] for i in inputs]
            ours, formula = op(*given_arrays, geometry=geometry), op.function(*given_arrays, geometry=geometry)
            assert ours.shape == formula.shape
            np.testing.assert_allclose(ours, formula, rtol=0, atol=1e-3)


@pytest.mark.parametrize("face", FACES)
def test_parts_of_a_batch_are_the_batch(monkeypatch, face):
    op, inputs = FACES[face]
    arrays = arrays_for(ARTICLE["c2"], np.float32, N=7, C=4, OC=4)
    given_arrays = [arrays[i] for i in inputs]
    whole = getattr(fourier, face)(*given_arrays, ARTICLE["c2"])
    monkeypatch.setattr(fourier, "BLOCK", 1 << 14)  # a part is two or three images
    monkeypatch.setattr(numpy_convolution, "PATCHES", 1 << 15)
    assert error(getattr(fourier, face)(*given_arrays, ARTICLE["c2"]), whole) < 1e-5
    monkeypatch.setattr(numpy_convolution, "_few_products", lambda *_: False)
    assert error(op(*given_arrays, geometry=ARTICLE["c2"]), whole) < 1e-5


def test_arrays_in_any_order_of_memory_are_taken():
    arrays = arrays_for(ARTICLE["c2"], np.float64, N=3)
    for face, (op, inputs) in FACES.items():
        turned = [np.asfortranarray(arrays[i])[::-1] if i != "w" else np.asfortranarray(arrays[i]) for i in inputs]
        formula = op.function(*turned, geometry=ARTICLE["c2"])
        np.testing.assert_allclose(getattr(fourier, face)(*turned, ARTICLE["c2"]), formula, atol=1e-12)


def test_a_kernel_changed_in_place_is_transformed_anew():
    geometry = ARTICLE["c2"]
    arrays = arrays_for(geometry, np.float64)
    x, w = arrays["x"], arrays["w"]
    for _ in range(2):  # made, and then found again
        np.testing.assert_allclose(fourier.conv(x, w, geometry), conv.function(x, w, geometry=geometry), atol=1e-12)
    w[0, 0, 0, 0] += 1
    np.testing.assert_allclose(fourier.conv(x, w, geometry), conv.function(x, w, geometry=geometry), atol=1e-12)
    other = ARTICLE["c1"]  # another geometry, the same kernel
    x = arrays_for(other, np.float64)["x"]
    np.testing.assert_allclose(fourier.conv(x, w, other), conv.function(x, w, geometry=other), atol=1e-12)

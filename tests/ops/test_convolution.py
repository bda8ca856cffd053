"""The three faces of convolution: against PyTorch, against naive loops, against each other, and at their edges."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigen
from minigen import ShapeError, conv_kernel_grad, convolve, convolve_transpose, grad
from minigen.ops import Geometry, conv, conv_transpose, fold, patches

from .convolution_cases import CASES

# Against PyTorch ----------------------------------------------------------------------------------------------------


def channels_last(array, kernel=False):
    """(N, C, *sizes) → (N, *sizes, C); a kernel (OC, C, *window) → (*window, C, OC)."""
    if kernel:
        return np.ascontiguousarray(array.transpose(*range(2, array.ndim), 1, 0))
    return np.ascontiguousarray(np.moveaxis(array, 1, -1))


def test_there_are_92_published_configurations():
    assert len(CASES) == 92


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")  # PyTorch's remark on its own speed
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.function}-{case.x}-{case.w}-{case.settings}")
def test_values_and_gradients_agree_with_pytorch(case):
    torch = pytest.importorskip("torch", reason="PyTorch, the referee, is not installed")
    rng = np.random.default_rng(0)
    transposed = "transpose" in case.function
    OC = case.w[1] * case.settings.get("groups", 1) if transposed else case.w[0]
    arrays = [rng.standard_normal(case.x), rng.standard_normal(case.w), rng.standard_normal(OC)]
    if not case.bias:
        arrays[2] *= 0
    theirs = [torch.tensor(array, requires_grad=True) for array in arrays]
    y_theirs = getattr(torch.nn.functional, case.function)(*theirs, **case.settings)
    dy = rng.standard_normal(tuple(y_theirs.shape))
    y_theirs.backward(torch.tensor(dy))

    batch = (lambda a: a) if len(case.x) == len(case.w) else (lambda a: a[None])
    x = minigen.tensor(channels_last(batch(arrays[0])), requires_grad=True)
    w = minigen.tensor(channels_last(arrays[1], kernel=True), requires_grad=True)
    b = minigen.tensor(arrays[2], requires_grad=True)
    y = (convolve_transpose if transposed else convolve)(x, w, **case.settings) + b
    dx, dw, db = grad(y, [x, w, b], channels_last(batch(dy)))

    def agree(ours, reference):
        np.testing.assert_allclose(ours.numpy(), reference, rtol=1e-12, atol=1e-11)  # float64, sums of up to 1,000

    agree(y, channels_last(batch(y_theirs.detach().numpy())))
    agree(dx, channels_last(batch(theirs[0].grad.numpy())))
    agree(dw, channels_last(theirs[1].grad.numpy(), kernel=True))
    agree(db, theirs[2].grad.numpy())


# Against naive loops ------------------------------------------------------------------------------------------------


def naive_conv(x, w, stride, dilation, before, after, groups):
    """One output entry after another, on one spatial axis."""
    N, n, C = x.shape
    K, CG, OC = w.shape
    out = (n + before + after - (K - 1) * dilation - 1) // stride + 1
    y = np.zeros((N, out, OC))
    for o in range(out):
        for k in range(K):
            place = o * stride + k * dilation - before
            if 0 <= place < n:
                for c in range(OC):
                    g = c // (OC // groups)
                    y[:, o, c] += x[:, place, g * CG : (g + 1) * CG] @ w[k, :, c]
    return y


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("pads", [(0, 0), (1, 2), (3, 0)])
@pytest.mark.parametrize("groups", [1, 2])
def test_conv_equals_a_naive_loop(stride, dilation, pads, groups):
    rng = np.random.default_rng(1)
    x, w = rng.standard_normal((2, 7, 4)), rng.standard_normal((3, 4 // groups, 6))
    y = convolve(x, w, stride=stride, dilation=dilation, padding=[pads], groups=groups)
    np.testing.assert_allclose(y, naive_conv(x, w, stride, dilation, *pads, groups), rtol=1e-13, atol=1e-13)


# The adjoint identities ---------------------------------------------------------------------------------------------


@st.composite
def forward_cases(draw):
    """A convolution that leaves at least one output: (x shape, w shape, settings)."""
    axes = draw(st.integers(1, 3))
    groups = draw(st.integers(1, 2))
    CG, OCG = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    window = [draw(st.integers(1, 4)) for _ in range(axes)]
    stride = [draw(st.integers(1, 4)) for _ in range(axes)]
    dilation = [draw(st.integers(1, 3)) for _ in range(axes)]
    sizes = [draw(st.integers(1, 7)) for _ in range(axes)]
    pads = []
    for n, k, d in zip(sizes, window, dilation, strict=True):
        before = draw(st.integers(0, 3))
        short = max((k - 1) * d + 1 - n - before, 0)
        pads.append((before, short + draw(st.integers(0, 2))))
    settings = dict(stride=tuple(stride), dilation=tuple(dilation), padding=tuple(pads), groups=groups)
    return (draw(st.integers(1, 2)), *sizes, CG * groups), (*window, CG, OCG * groups), settings


def inner(a, b):
    return float((np.asarray(a) * np.asarray(b)).sum())


def assert_equal_forms(*forms):
    scale = max(1.0, *map(abs, forms))
    assert max(forms) - min(forms) <= 1e-12 * scale * 10, forms  # float64; up to a few thousand terms each


@settings(max_examples=150, deadline=None, derandomize=True)
@given(forward_cases())
def test_the_three_faces_are_one_trilinear_form(case):
    x_shape, w_shape, options = case
    rng = np.random.default_rng(2)
    x = minigen.tensor(rng.standard_normal(x_shape), requires_grad=True)
    w = minigen.tensor(rng.standard_normal(w_shape), requires_grad=True)
    result = convolve(x, w, **options)
    y = rng.standard_normal(result.shape)
    geometry = result.node.settings["geometry"]
    assert_equal_forms(
        inner(y, result.numpy()),
        inner(conv_transpose(y, w.numpy(), geometry=geometry), x.numpy()),
        inner(conv_kernel_grad(x.numpy(), y, geometry=geometry), w.numpy()),
    )
    taken = rng.standard_normal(patches(x.numpy(), geometry=geometry).shape)
    assert_equal_forms(
        inner(patches(x.numpy(), geometry=geometry), taken), inner(x.numpy(), fold(taken, geometry=geometry))
    )


@st.composite
def transposed_cases(draw):
    """A transposed convolution with output padding below stride or dilation."""
    axes = draw(st.integers(1, 3))
    groups = draw(st.integers(1, 2))
    window = [draw(st.integers(1, 4)) for _ in range(axes)]
    stride = [draw(st.integers(1, 3)) for _ in range(axes)]
    dilation = [draw(st.integers(1, 4)) for _ in range(axes)]
    outs = [draw(st.integers(1, 4)) for _ in range(axes)]
    extra = [draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation, strict=True)]
    pads = []
    for o, k, s, d, e in zip(outs, window, stride, dilation, extra, strict=True):
        spare = (o - 1) * s + (k - 1) * d + e
        before = draw(st.integers(0, min(2, spare)))
        pads.append((before, draw(st.integers(0, min(2, spare - before)))))
    settings = dict(stride=tuple(stride), dilation=tuple(dilation), padding=tuple(pads), groups=groups)
    return (1, *outs, 2 * groups), (*window, 1, 2 * groups), settings | dict(output_padding=tuple(extra))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(transposed_cases())
def test_a_transposed_convolution_is_the_adjoint_of_the_convolution_back(case):
    y_shape, w_shape, options = case
    rng = np.random.default_rng(3)
    y = minigen.tensor(rng.standard_normal(y_shape), requires_grad=True)
    w = minigen.tensor(rng.standard_normal(w_shape), requires_grad=True)
    result = convolve_transpose(y, w, **options)
    geometry = result.node.settings["geometry"]
    x = rng.standard_normal(result.shape)
    dy, dw = grad(result, [y, w], x)
    assert_equal_forms(
        inner(x, result.numpy()),
        inner(dy.numpy(), y.numpy()),
        inner(dw.numpy(), w.numpy()),
        inner(conv(x, w.numpy(), geometry=geometry), y.numpy()),
    )


def test_output_padding_may_reach_stride_while_it_stays_below_dilation():
    y, w = np.ones((1, 3, 1)), np.ones((2, 1, 1))
    x = convolve_transpose(y, w, stride=1, dilation=3, output_padding=2)
    np.testing.assert_array_equal(x[0, :, 0], [1, 1, 1, 1, 1, 1, 0, 0])


# Alignment ----------------------------------------------------------------------------------------------------------


def impulse(n, at):
    x = np.zeros((1, n, 1))
    x[0, at, 0] = 1
    return x


KERNEL = np.arange(1.0, 6).reshape(5, 1, 1)


def test_same_transposed_places_an_impulse_as_keras_does():
    x = convolve_transpose(impulse(7, 3), KERNEL, stride=2, padding="same")
    np.testing.assert_array_equal(x[0, :, 0], [0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 0, 0, 0, 0])


def test_the_pytorch_form_of_the_same_size_lies_one_pixel_earlier():
    x = convolve_transpose(impulse(7, 3), KERNEL, stride=2, padding=2, output_padding=1)
    np.testing.assert_array_equal(x[0, :, 0], [0, 0, 0, 0, 1, 2, 3, 4, 5, 0, 0, 0, 0, 0])


def test_same_puts_the_odd_zero_at_the_end():
    x = np.arange(1.0, 9).reshape(1, 8, 1)
    first_tap = np.array([1.0, 0, 0, 0, 0]).reshape(5, 1, 1)
    y = convolve(x, first_tap, stride=2, padding="same")  # pads (1, 2): the window of output 0 begins at −1
    np.testing.assert_array_equal(y[0, :, 0], [0, 2, 4, 6])


@pytest.mark.parametrize("n, out, back", [(28, 14, 28), (14, 7, 14), (7, 4, 8)])
def test_same_sizes_of_the_articles_network(n, out, back):
    y = convolve(np.ones((1, n, n, 1)), np.ones((5, 5, 1, 1)), stride=2, padding="same")
    assert y.shape == (1, out, out, 1)
    assert convolve_transpose(y, np.ones((5, 5, 1, 1)), stride=2, padding="same").shape == (1, back, back, 1)


def test_the_adjoint_of_an_odd_size_is_reached_with_output_size():
    x = minigen.tensor(np.random.default_rng(4).standard_normal((1, 7, 1)), requires_grad=True)
    w = np.random.default_rng(5).standard_normal((5, 1, 1))
    y = convolve(x, w, stride=2, padding="same")
    (dx,) = grad(y, [x], np.ones(y.shape))
    ours = convolve_transpose(np.ones(y.shape), w, stride=2, padding="same", output_size=7)
    np.testing.assert_allclose(ours, dx.numpy(), rtol=1e-14)


def test_a_kernel_below_the_stride_leaves_zeros_behind():
    x = convolve_transpose(np.ones((1, 2, 1)), np.ones((1, 1, 1)), stride=3, padding="same")
    np.testing.assert_array_equal(x[0, :, 0], [1, 0, 0, 1, 0, 0])
    y = minigen.tensor(np.ones((1, 6, 1)), requires_grad=True)
    (dx,) = grad(convolve(y, np.ones((1, 1, 1)), stride=3), [y], np.ones((1, 2, 1)))
    np.testing.assert_array_equal(dx.numpy()[0, :, 0], [1, 0, 0, 1, 0, 0])


# Second order -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", [convolve, convolve_transpose])
def test_second_order_through_the_kernel_gradient(function):
    """L = ½ Σ (∂(Σ r · f(x, w))/∂w)², and dL/dx by central differences: the gradient in w is linear in x."""
    rng = np.random.default_rng(6)
    x0 = rng.standard_normal((2, 5, 4, 2))
    shape = (3, 2, 2, 3) if function is convolve else (3, 2, 3, 2)
    w = minigen.tensor(rng.standard_normal(shape), requires_grad=True)
    weights = rng.standard_normal(function(x0, w.numpy(), stride=2, padding="same").shape)

    def loss(array):
        x = minigen.tensor(array, requires_grad=True)
        y = function(x, w, stride=2, padding="same")
        (dw,) = grad(y, [w], weights, create_graph=True)
        return x, 0.5 * (dw * dw).sum()

    x, value = loss(x0)
    (dx,) = grad(value, [x])
    direction = rng.standard_normal(x0.shape)
    h = 1e-5
    numeric = (loss(x0 + h * direction)[1].item() - loss(x0 - h * direction)[1].item()) / (2 * h)
    assert inner(dx.numpy(), direction) == pytest.approx(numeric, rel=1e-8)  # quadratic in x: only rounding is left


# Edges and errors ---------------------------------------------------------------------------------------------------


def test_an_empty_batch_has_empty_gradients():
    x = minigen.tensor(np.zeros((0, 6, 6, 2)), requires_grad=True)
    w = minigen.tensor(np.ones((3, 3, 2, 4)), requires_grad=True)
    y = convolve(x, w, padding="same")
    dx, dw = grad(y.sum(), [x, w])
    assert y.shape == (0, 6, 6, 4) and dx.shape == x.shape
    np.testing.assert_array_equal(dw.numpy(), np.zeros(w.shape))


def test_strided_and_reversed_inputs_are_as_good_as_contiguous_ones():
    rng = np.random.default_rng(7)
    x, w = rng.standard_normal((2, 9, 8, 3)), rng.standard_normal((3, 2, 3, 2))
    view, turned = x[:, ::-2, ::2], w[::-1].swapaxes(0, 1)
    np.testing.assert_array_equal(convolve(view, turned), convolve(view.copy(), turned.copy()))


def test_settings_may_be_numpy_integers():
    x, w = np.ones((1, 6, 1)), np.ones((2, 1, 1))
    y = convolve(x, w, stride=np.int64(2), padding=np.int64(1), dilation=[np.int64(1)])
    np.testing.assert_array_equal(y, convolve(x, w, stride=2, padding=1))


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: convolve(np.ones((64, 28, 28, 1)), np.ones((5, 5, 3, 64))),
            r"conv: x \(64, 28, 28, 1\) has 1 channels",
        ),
        (
            lambda: convolve(np.ones((1, 4, 1)), np.ones((5, 1, 1))),
            r"conv: sizes \(4,\) .* shorter than the window's reach of \(5,\)",
        ),
        (lambda: convolve(np.ones((1, 4, 4, 1)), np.ones((2, 1, 1))), r"conv: \(1, 4, 4, 1\) and kernel \(2, 1, 1\)"),
        (lambda: convolve(np.ones((1, 4, 1)), np.ones((2, 1, 1)), stride=0), "stride 0 must be a whole number ≥ 1"),
        (lambda: convolve(np.ones((1, 4, 1)), np.ones((2, 1, 1)), stride=1.5), "stride 1.5 must be a whole number"),
        (lambda: convolve(np.ones((1, 4, 1)), np.ones((2, 1, 1)), padding="Same"), "padding 'Same' is not"),
        (lambda: convolve(np.ones((1, 4, 1)), np.ones((2, 1, 1)), padding=-1), "must be made of numbers ≥ 0"),
        (lambda: convolve(np.ones((1, 4, 1)), np.ones((2, 1, 1)), padding=1.0), "padding 1.0 is not"),
        (lambda: convolve(np.ones((1, 4, 4)), np.ones((2, 2, 3)), groups=2), "3 outputs do not divide into 2 groups"),
        (lambda: convolve(np.ones((1, 4, 4)), np.ones((2, 2, 2)), groups=0), "groups 0 must be a whole number ≥ 1"),
        (lambda: convolve_transpose(np.ones((1, 4, 3)), np.ones((2, 1, 2))), "conv_transpose: y .* has 3 channels"),
        (
            lambda: convolve_transpose(np.ones((1, 4, 2)), np.ones((2, 1, 2)), stride=2, output_padding=2),
            "must be below stride",
        ),
        (
            lambda: convolve_transpose(np.ones((1, 4, 2)), np.ones((2, 1, 2)), stride=2, output_size=30),
            r"output_size \(30,\) .* does not lead back to the sizes \(4,\)",
        ),
    ],
)
def test_a_misfit_is_one_sentence_with_the_shapes(call, message):
    with pytest.raises(ShapeError, match=message):
        call()


def test_float32_stays_float32_forward_and_backward():
    x = minigen.ones(2, 5, 5, 1, requires_grad=True)
    w = minigen.ones(3, 3, 1, 2, requires_grad=True)
    y = convolve(x, w, stride=2, padding="same")
    dx, dw = grad(y.sum(), [x, w])
    assert {y.dtype, dx.dtype, dw.dtype} == {np.dtype(np.float32)}


def test_a_geometry_is_a_setting_that_can_be_compared():
    same = [Geometry((4,), (3,), (2,), (1,), (1,), (0,)) for _ in range(2)]
    assert same[0] == same[1] and hash(same[0]) == hash(same[1]) and math.prod(same[0].padded) == 4

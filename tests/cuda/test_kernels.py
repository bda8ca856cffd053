"""Every stand-in for CuPy, its Python side and its CUDA text, equals its formula: executed on the CPU by the shim."""

import math
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

import minigen
from minigen import Tensor, backend, grad, nn
from minigen.autograd import FUSED, OPS, Parameter, kernels_off
from minigen.errors import ShapeError
from minigen.kernels import cuda_gather, cuda_launch, cuda_source
from minigen.ops import Geometry
from minigen.ops.convolution import conv, conv_kernel_grad, conv_transpose, count_outs, transposed
from minigen.ops.gather import gather
from minigen.ops.shapes import put_add
from minigen.ops.windows import fold, patches
from minigen.optim import Adam, AdamW

from ..ops.examples import EXAMPLES, G1
from .conftest import IN_PLACE, on_cupy

OPERATIONS = sorted(on_cupy().keys() - IN_PLACE.keys())


def computed(op, inputs, settings, weigh=1):
    """The value, and the gradient of every floating input that has one, under a random cotangent."""
    floats = [x.dtype.kind == "f" and i not in op.still for i, x in enumerate(inputs)]
    tensors = [Tensor(x, requires_grad=True) if one else x for x, one in zip(inputs, floats, strict=True)]
    y = op(*tensors, **settings)
    dy = np.random.default_rng(weigh).uniform(0.5, 1.5, y.shape).astype(y.dtype)
    dy = backend.to_device(dy, backend.array_module(y.data))
    leaves = [x for x, one in zip(tensors, floats, strict=True) if one]
    return [x.numpy() for x in (y, *grad(y, leaves, dy))]


def both(op, inputs, settings=None):
    """What the stand-in gives beside what the formula gives."""
    results = []
    for which in (nullcontext, kernels_off):
        with which():
            results.append(computed(op, inputs, settings or {}))
    return list(zip(*results, strict=True))


def assert_equal(pairs, rounding=2e-6):
    """Equal to a few units in float32's last place, of the largest number; rounding=0: bit for bit."""
    for fast, plain in pairs:
        assert fast.dtype == plain.dtype and fast.shape == plain.shape
        scale = max(1.0, float(np.abs(plain[np.isfinite(plain)]).max(initial=0)))
        np.testing.assert_allclose(fast, plain, rtol=0, atol=rounding * scale)


def normal(rng, *shape):
    return rng.normal(size=shape).astype(np.float32)


# Every operation ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_stand_in_equals_its_formula(name, on_the_cpu):
    op = OPS.get(name) or FUSED[name]
    for case in EXAMPLES[name][1](np.random.default_rng(0)):
        inputs = [np.asarray(x) for x in case.inputs]
        inputs = [x.astype(np.float32) if x.dtype.kind == "f" else x for x in inputs]
        assert_equal(both(op, inputs, case.settings))
    assert on_the_cpu.ran, "no kernel ran"


@pytest.mark.parametrize("dtype", [np.float64, np.float16])
@pytest.mark.parametrize("name", OPERATIONS)
def test_other_dtypes_are_the_formulas(name, dtype, on_the_cpu):
    op = OPS.get(name) or FUSED[name]
    case = EXAMPLES[name][1](np.random.default_rng(0))[0]
    inputs = [np.asarray(x) for x in case.inputs]
    inputs = [x.astype(dtype) if x.dtype.kind == "f" else x for x in inputs]
    assert_equal(both(op, inputs, case.settings), rounding=0)
    assert not on_the_cpu.ran


@pytest.mark.parametrize("name", ["leaky_relu", "sigmoid", "softplus", "softmax", "logsumexp"])
@pytest.mark.parametrize("shape", [(0,), (1,), (255,), (3, 257), (2, 0, 3), (5, 3, 100)])
def test_any_shape_and_any_number(name, shape, on_the_cpu):
    settings = {"leaky_relu": {"slope": 0.2}, "softmax": {"axis": -1}, "logsumexp": {"axis": -1}}.get(name, {})
    if name in ("softmax", "logsumexp") and not shape[-1]:
        with pytest.raises(ShapeError, match=name):
            OPS[name](np.zeros(shape, np.float32), **settings)
        return
    x = (30 * np.random.default_rng(3).normal(size=shape)).astype(np.float32)
    x.reshape(-1)[: min(4, x.size)] = [0, -0.0, 800, -800][: min(4, x.size)]
    assert_equal(both(OPS[name], [x], settings))


def test_infinities_and_nans_pass_as_in_the_formulas(on_the_cpu):
    x = np.array([np.inf, -np.inf, np.nan, 0, 1], np.float32)
    with np.errstate(invalid="ignore"):
        for name, settings in {"sigmoid": {}, "softplus": {}, "leaky_relu": {"slope": 0.2}}.items():
            fast = OPS[name](x, **settings)
            with kernels_off():
                np.testing.assert_allclose(fast, OPS[name](x, **settings), rtol=2e-7)  # NaN equals NaN here
        for row in ([-np.inf, -np.inf], [-np.inf, 1], [np.nan, 1]):
            fast = OPS["logsumexp"](np.array([row], np.float32), axis=-1, keepdims=False)
            with kernels_off():
                np.testing.assert_array_equal(fast, OPS["logsumexp"](np.array([row], np.float32), axis=-1))


def test_arrays_with_gaps_are_closed_up_first(on_the_cpu):
    x = normal(np.random.default_rng(0), 6, 4, 8)[::2, :, ::2]
    assert_equal(both(OPS["leaky_relu"], [x], {"slope": 0.2}), rounding=0)
    assert_equal(both(OPS["softmax"], [x.swapaxes(0, 1)], {"axis": -1}))


# Convolution ----------------------------------------------------------------------------------------------------------


def drawn_geometry(rng):
    """Sizes that strides do not divide, taps wholly in the padding, dilation, groups, an empty batch."""
    axes = int(rng.integers(1, 4))
    while True:
        sizes, window, stride, dilation, before, after = (
            tuple(int(n) for n in rng.integers(low, high, axes))
            for low, high in ((1, (14, 9, 6)[axes - 1]), (1, 5), (1, 5), (1, 4), (0, 4), (0, 4))
        )
        outs = count_outs(sizes, window, stride, dilation, tuple(zip(before, after, strict=True)))
        if min(outs) >= 1:
            return Geometry(sizes, outs, window, stride, dilation, before, int(rng.integers(1, 4)))


@pytest.mark.parametrize("seed", range(40))
def test_the_three_faces_equal_their_formulas_on_drawn_geometries(seed, on_the_cpu):
    on_the_cpu.ran.clear()
    rng = np.random.default_rng(seed)
    geometry = drawn_geometry(rng)
    N, C, OC = int(rng.choice([0, 1, 3])), int(rng.choice([1, 2, 3, 4, 8])), int(rng.choice([1, 2, 4]))
    x = normal(rng, N, *geometry.sizes, C * geometry.groups)
    w = normal(rng, *geometry.window, C, OC * geometry.groups)
    y = normal(rng, N, *geometry.outs, OC * geometry.groups)
    for op, inputs in ((conv, (x, w)), (conv_transpose, (y, w)), (conv_kernel_grad, (x, y)), (transposed, (y, w))):
        assert_equal(both(op, inputs, {"geometry": geometry}))
    columns = normal(rng, N, *geometry.outs, *geometry.window, C * geometry.groups)
    assert_equal(both(patches, [x], {"geometry": geometry}), rounding=0)  # numbers are moved, or added in one order
    assert_equal(both(fold, [columns], {"geometry": geometry}), rounding=0)
    assert (on_the_cpu.ran.keys() >= {"patches", "fold"}) == bool(N)


def test_four_channels_at_a_time_or_one(on_the_cpu, monkeypatch):
    geometry = Geometry((5, 4), (3, 2), (3, 3), (2, 2), (1, 1), (1, 1))
    seen = []
    run = cuda_launch.run
    monkeypatch.setattr(cuda_launch, "run", lambda name, blocks, args: (seen.append(args[3]), run(name, blocks, args)))
    for C in (3, 4, 6, 8):
        assert_equal(both(patches, [normal(np.random.default_rng(0), 2, 5, 4, C)], {"geometry": geometry}), rounding=0)
    assert seen == [1, 1, 4, 4, 1, 1, 4, 4]  # value and gradient of each


@pytest.mark.parametrize("wanted, patches_made", [("yw", 1), ("y", 1), ("w", 1), ("", 0)])
def test_the_derivatives_of_a_transposed_convolution_share_their_patches(wanted, patches_made, on_the_cpu):
    rng = np.random.default_rng(0)
    arrays = {"y": normal(rng, 2, 3, 2), "w": normal(rng, 3, 4, 2)}
    results = []
    for which in (nullcontext, kernels_off):
        with which():
            tensors = {name: Tensor(a, requires_grad=name in wanted) for name, a in arrays.items()}
            x = transposed(*tensors.values(), geometry=G1)
            found = grad((x * x).sum(), [tensors[name] for name in wanted]) if wanted else ()
            results.append([x.numpy(), *(dx.numpy() for dx in found)])
    assert_equal(zip(*results, strict=True))
    assert on_the_cpu.ran.get("patches", 0) == patches_made


def test_more_axes_than_the_text_knows_are_the_formulas(on_the_cpu):
    geometry = Geometry((2,) * 4, (1,) * 4, (2,) * 4, (1,) * 4, (1,) * 4, (0,) * 4)
    assert_equal(both(patches, [normal(np.random.default_rng(0), 1, 2, 2, 2, 2, 1)], {"geometry": geometry}), 0)
    assert not on_the_cpu.ran


# Batch normalisation --------------------------------------------------------------------------------------------------

SHAPES = [(1, 3), (2, 1), (63, 32), (65, 33), (3, 7, 5, 40), (9000, 5), (130, 100)]


@pytest.mark.parametrize("slope", [None, 0.2, 0.0, 1.5])
@pytest.mark.parametrize("shape", SHAPES)
def test_batch_norm_of_many_shapes(shape, slope, on_the_cpu):
    op, bend = (FUSED["batch_norm"], {}) if slope is None else (FUSED["batch_norm_leaky"], {"slope": slope})
    rng = np.random.default_rng(1)
    x, gamma, beta = 3 + 2 * normal(rng, *shape), normal(rng, shape[-1]), normal(rng, shape[-1])
    moments = [{}, {}]
    results = []
    for which, found in zip((nullcontext, kernels_off), moments, strict=True):
        with which():
            results.append(computed(op, [x, gamma, beta], {"eps": 1e-3, "moments": found, **bend}))
    sharp = 2e-6 * math.sqrt(math.prod(shape[:-1])) + 2e-6  # sums of so many numbers, in another order
    assert_equal(zip(*results, strict=True), sharp)
    for name in ("mean", "var"):
        np.testing.assert_allclose(moments[0][name], moments[1][name], rtol=2e-6)
    assert on_the_cpu.ran == dict.fromkeys(("chunk_moments", "normalise", "chunk_sums", "normalise_slope"), 1)


def test_a_bend_of_negative_slope_is_the_formulas(on_the_cpu):
    rng = np.random.default_rng(0)
    assert_equal(both(FUSED["batch_norm_leaky"], [normal(rng, 9, 2), *normal(rng, 2, 2)], {"slope": -0.5}))
    inputs = [normal(rng, 2, 5, 2), normal(rng, 3, 2, 2), normal(rng, 2)]
    assert_equal(both(FUSED["conv_leaky"], inputs, {"geometry": G1, "slope": -0.5}))
    assert not on_the_cpu.ran.keys() & {"bias_leaky", "leaky_masked_gate"}


def moved(**settings):
    """The running moments after three batches of a layer in training."""
    layer = nn.BatchNorm(40, **settings)
    with np.errstate(invalid="ignore"):
        for seed in range(3):
            layer(Tensor(3 + normal(np.random.default_rng(seed), 70, 40)))
    return layer.running_mean.numpy().copy(), layer.running_var.numpy().copy()


@pytest.mark.parametrize("settings", [{}, {"momentum": 0.9, "unbiased_running": True}, {"momentum": 0.0}])
def test_running_moments_move_in_the_same_launch_as_by_the_formula(settings, on_the_cpu):
    fast = moved(**settings)
    assert on_the_cpu.ran == {"chunk_moments": 3, "normalise": 3}
    with kernels_off():
        assert_equal(zip(fast, moved(**settings), strict=True))


@pytest.mark.parametrize("behind", [[], [nn.LeakyReLU()]])
def test_a_second_derivative_moves_running_moments_no_further(behind, on_the_cpu):
    results = []
    for differentiated in (False, True):
        layer, x = nn.BatchNorm(2), Tensor(normal(np.random.default_rng(0), 5, 2), requires_grad=True)
        y = nn.Sequential(layer, *behind)(x)
        if differentiated:
            (dx,) = grad((y * y * y).sum(), [x], create_graph=True)
            grad((dx * dx).sum(), [x])
        results.append((layer.running_mean.numpy(), layer.running_var.numpy()))
    assert_equal(zip(*results, strict=True), rounding=0)


@pytest.mark.parametrize("which", [nullcontext, kernels_off])
def test_whoever_gets_the_moments_may_write_to_them(which, on_the_cpu):
    rng = np.random.default_rng(0)
    x, gamma = Tensor(3 + normal(rng, 9, 2), requires_grad=True), minigen.ones(2)
    slopes = []
    for spoilt in (False, True):
        moments = {}
        with which():
            y = minigen.batch_norm(x, gamma, gamma, moments=moments)
            if spoilt:
                moments["mean"][...] = moments["var"][...] = 9
            slopes.append(grad((y * y * y).sum(), [x])[0].numpy())
    assert_equal([slopes], rounding=0)


def test_a_variance_beside_a_large_mean_keeps_its_digits(on_the_cpu):
    x = 1000 + normal(np.random.default_rng(0), 3000, 2)
    moments = {}
    minigen.batch_norm(Tensor(x), minigen.ones(2), minigen.zeros(2), moments=moments)
    np.testing.assert_allclose(moments["var"], x.astype(np.float64).var(0), rtol=1e-4)  # E[x²] − μ²: wrong by 0.06


@pytest.mark.parametrize("wanted", [("x",), ("gamma",), ("beta",), ("gamma", "x")])
def test_batch_norm_gives_what_is_asked_for(wanted, on_the_cpu):
    rng = np.random.default_rng(0)
    arrays = {"x": normal(rng, 70, 3), "gamma": normal(rng, 3), "beta": normal(rng, 3)}
    results = []
    for which in (nullcontext, kernels_off):
        with which():
            tensors = {name: Tensor(a, requires_grad=name in wanted) for name, a in arrays.items()}
            y = minigen.batch_norm(*tensors.values())
            results.append(grad((y * y * y).sum(), [tensors[name] for name in wanted]))
    assert_equal([(a.numpy(), b.numpy()) for a, b in zip(*results, strict=True)], 1e-5)


def test_a_second_derivative_is_the_formulas(on_the_cpu):
    x = Tensor(normal(np.random.default_rng(0), 5, 2), requires_grad=True)
    results = []
    for which in (nullcontext, kernels_off):
        with which():
            y = minigen.batch_norm(x, minigen.ones(2), minigen.zeros(2))
            (dx,) = grad((y * y * y).sum(), [x], create_graph=True)
            results.append(grad((dx * dx).sum(), [x])[0].numpy())
    assert_equal([tuple(results)], 1e-5)


@pytest.mark.parametrize("name", ["affine_leaky", "conv_leaky", "conv_leaky_masked"])
def test_a_bend_behind_a_layer_has_its_second_derivative(name, on_the_cpu):
    case = EXAMPLES[name][1](np.random.default_rng(0))[0]
    results = []
    for which in (nullcontext, kernels_off):
        with which():
            inputs = [
                Tensor(x.astype(np.float32), requires_grad=True) if x.dtype.kind == "f" else x for x in case.inputs
            ]
            y = FUSED[name](*inputs, **case.settings)
            leaves = [x for x in inputs if isinstance(x, Tensor)]
            slopes = grad((y * y * y).sum(), leaves, create_graph=True)
            results.append([dx.numpy() for dx in grad(sum((dx * dx).sum() for dx in slopes), leaves)])
    assert_equal(list(zip(*results, strict=True)), 1e-5)


# Convolution with what follows it, and means of logits ----------------------------------------------------------------


@pytest.mark.parametrize("shape", [(3, 5, 4, 2), (0, 5, 4, 2), (2, 5, 4, 4)])
def test_a_convolution_with_its_bend_and_its_dropout(shape, on_the_cpu):
    rng = np.random.default_rng(0)
    geometry = Geometry((5, 4), (3, 2), (3, 3), (2, 2), (1, 1), (1, 1))
    x, w, b = normal(rng, *shape), normal(rng, 3, 3, shape[-1], 5), normal(rng, 5)
    kept = rng.random((shape[0], 3, 2, 5)) < 0.5
    assert_equal(both(FUSED["conv_leaky"], [x, w, b], {"geometry": geometry, "slope": 0.2}))
    assert_equal(both(FUSED["conv_leaky_masked"], [x, w, b, kept], {"geometry": geometry, "slope": 0.2, "scale": 1.5}))


def test_nan_is_not_hidden_by_a_mask(on_the_cpu):
    inputs = np.full((1, 5, 1), np.nan, np.float32), np.ones((3, 1, 1), np.float32), np.zeros(1, np.float32)
    settings = {"geometry": G1, "slope": 0.2, "scale": 2.0}
    assert np.isnan(FUSED["conv_leaky_masked"](*map(Tensor, inputs), np.zeros((1, 3, 1), bool), **settings).data).all()


@pytest.mark.parametrize("size", [1, 255, 257, 5000, 2**16 + 1])
def test_means_of_few_numbers_and_of_many(size, on_the_cpu):
    a = 30 * normal(np.random.default_rng(0), size)
    for sign in (1, -1):
        assert_equal(both(FUSED["softplus_mean"], [a], {"sign": sign}))
    assert_equal(both(OPS["mean"], [a], {"axis": None, "keepdims": False}))
    assert ("mean_of_all" in on_the_cpu.ran) == ("logistic_loss" in on_the_cpu.ran) == (size <= 2**16)
    if size > 1:
        assert_equal(both(FUSED["logistic_loss"], [a], {"reals": size // 3 + 1, "smooth": 0.1}))


@pytest.mark.parametrize("reals", [0, 4])
def test_a_batch_of_one_kind_alone_is_refused(reals, on_the_cpu):
    for which in (nullcontext, kernels_off):
        with which(), pytest.raises(ShapeError, match="mean: x has shape"):
            FUSED["logistic_loss"](minigen.ones(4, 1), reals=reals)


@pytest.mark.parametrize("shape", [(3, 300), (2, 3, 5), (0, 4), (257, 1)])
@pytest.mark.parametrize("outputs", [1, 2])
def test_a_layer_with_one_output_is_a_launch_of_ours(shape, outputs, on_the_cpu):
    rng = np.random.default_rng(0)
    assert_equal(both(OPS["affine"], [normal(rng, *shape), normal(rng, shape[-1], outputs), normal(rng, outputs)]))
    assert ("one_output" in on_the_cpu.ran) == (outputs == 1 and shape[0] > 0)


def test_a_bias_for_all_outputs_or_a_misfit_is_the_formulas(on_the_cpu):
    x, w, b = np.ones((4, 3), np.float32), np.ones((3, 2), np.float32), np.ones(1, np.float32)
    assert_equal(both(OPS["affine"], [x, w, b]))
    with pytest.raises(ShapeError, match="do not fit"):
        OPS["affine"](Tensor(x), Tensor(w[:2, :1]), Tensor(b))
    assert not on_the_cpu.ran


# The Bernoulli likelihood ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "shapes",
    [((3, 784), (3, 784)), ((5,), (5,)), ((3, 5), (4, 3, 5)), ((5,), (2, 3, 5)), ((2, 0), (2, 0)), ((0, 3), (0, 3))],
)
def test_the_bernoulli_sum_of_many_shapes(shapes, on_the_cpu):
    rng = np.random.default_rng(0)
    inputs = rng.random(shapes[0]).astype(np.float32), 3 * normal(rng, *shapes[1])
    assert_equal(both(FUSED["bernoulli_sum"], inputs))
    assert ("bernoulli_sum" in on_the_cpu.ran) == (math.prod(shapes[1][:-1]) > 0)


def test_a_target_that_is_broadcast_otherwise_is_the_formulas(on_the_cpu):
    rng = np.random.default_rng(0)
    assert_equal(both(FUSED["bernoulli_sum"], (rng.random((2, 1, 3)).astype(np.float32), normal(rng, 2, 4, 3))))
    assert "bernoulli_sum" not in on_the_cpu.ran


# Adam -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [Adam, AdamW, lambda p: Adam(p, 0.05, (0.0, 0.5), weight_decay=0.1, clip_norm=1.0)])
def test_ten_steps_of_adam(method, on_the_cpu):
    results = []
    for which in (nullcontext, kernels_off):
        rng = np.random.default_rng(0)
        parameters = [Parameter(normal(rng, *shape)) for shape in ((30, 40), (7,), ())]
        optimiser = method(parameters)
        with which():
            for _ in range(10):
                optimiser.update([normal(rng, *p.shape) for p in parameters])
        results.append([p.numpy().copy() for p in parameters] + list(optimiser.state_dict().values()))
        optimiser.release()
    assert_equal(zip(*results, strict=True))
    assert on_the_cpu.ran["adam"] == 10


def test_adam_in_float64_is_the_formula(on_the_cpu):
    optimiser = Adam([Parameter(np.ones(3))])
    optimiser.update([np.ones(3)])
    assert "adam" not in on_the_cpu.ran


# Many arrays into one -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 15, 16, 17, 40])
def test_many_arrays_become_one_by_a_launch_for_sixteen(count, on_the_cpu):
    rng = np.random.default_rng(count)
    pieces = [normal(rng, *shape) for shape in ((3, 5), (), (0,), (700,), (2, 1, 4)) * 8][:count]
    y = np.full(sum(piece.size for piece in pieces), np.nan, np.float32)
    gather(y, *pieces)
    np.testing.assert_array_equal(y, np.concatenate([piece.ravel() for piece in pieces]))
    assert on_the_cpu.ran == {"gather": -(-count // 16)}


def test_concatenating_along_the_first_axis_is_the_same_launch(on_the_cpu):
    rng = np.random.default_rng(0)
    for shapes, axis in (([(2, 3), (0, 3), (4, 3)], 0), ([(5,)], 0), ([(2, 3), (2, 1)], 1), ([(2, 3), (2, 3)], -1)):
        assert_equal(both(OPS["concatenate"], [normal(rng, *shape) for shape in shapes], {"axis": axis}), rounding=0)
    assert on_the_cpu.ran == {"gather": 2}
    for shapes in ([(2, 3), (2, 4)], [(2, 3), (6,)], [(), ()]):
        with pytest.raises(ShapeError, match="concatenate: shapes"):
            OPS["concatenate"](*(Tensor(normal(rng, *shape)) for shape in shapes))


def test_arrays_of_other_dtypes_are_copied_one_by_one(on_the_cpu):
    y = np.zeros(5)
    gather(y, np.ones(3), np.full((1, 2), 2.0))
    np.testing.assert_array_equal(y, [1, 1, 1, 2, 2])
    assert not on_the_cpu.ran


# The gradients of entries that were chosen ----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8])
@pytest.mark.parametrize(
    "shape, places", [((7,), (300,)), ((300, 3), (40,)), ((5, 2, 3), (4, 6)), ((3, 2), ()), ((4, 3), (0,))]
)
def test_the_gradient_of_chosen_rows_is_gathered_in_one_launch(shape, places, dtype, on_the_cpu):
    rng = np.random.default_rng(0)
    places = rng.integers(shape[0], size=places).astype(dtype)
    for index in (places, (places,)):
        values = normal(rng, *places.shape, *shape[1:])
        assert_equal(both(put_add, [values], {"index": index, "shape": shape}))
    assert on_the_cpu.ran == {"add_rows": 2}


def test_places_from_behind_and_out_of_range_come_round(on_the_cpu):
    places = np.array([4, -1, 2, -7, 0, 2**33 + 1, -(2**62)])
    x = put_add(np.arange(1, 8, dtype=np.float32), index=places, shape=(3,))
    np.testing.assert_array_equal(x, np.bincount(places % 3, np.arange(1, 8)))


@pytest.mark.parametrize(
    "index, shape",
    [
        ((slice(None), [0, 0]), (2, 3)),
        (([0, 1], [2, 2]), (2, 3)),
        ([True, True], (2, 3)),
        (slice(1), (2, 3)),
        (1, (2,)),
    ],
)
def test_other_entries_are_added_by_the_formula(index, shape, on_the_cpu):
    values = np.ones(np.empty(shape)[index].shape, np.float32)
    assert_equal(both(put_add, [values], {"index": index, "shape": shape}), rounding=0)
    assert "add_rows" not in on_the_cpu.ran


def test_one_row_for_many_places_is_the_formulas(on_the_cpu):
    assert_equal(both(put_add, [np.ones((1, 2), np.float32)], {"index": [0, 0, 1], "shape": (3, 2)}), rounding=0)
    assert not on_the_cpu.ran


def test_more_places_than_every_thread_should_look_through_are_the_formulas(on_the_cpu, monkeypatch):
    monkeypatch.setattr(cuda_gather, "MOST_LOOKS", 4 * 5)
    for taken, launches in ((5, 1), (6, 0)):
        on_the_cpu.ran.clear()
        assert_equal(both(put_add, [np.ones((taken, 2), np.float32)], {"index": [0] * taken, "shape": (2, 2)}))
        assert on_the_cpu.ran.get("add_rows", 0) == launches


# The wrapper ----------------------------------------------------------------------------------------------------------

X = np.zeros(8, np.float32)
GOOD = (X, X.copy(), np.int32(8), np.float32(0.2))


@pytest.mark.parametrize(
    "place, value, message",
    [
        (3, 0.2, "leaky_relu, slope: float came where np.float32 is taken"),
        (3, np.float64(0.2), "slope: float64 came"),
        (2, 8, "count: int came where np.int32 is taken"),
        (2, np.int64(8), "count: int64 came"),
        (0, X.astype(np.float64), "x: float64 came where an array of float32"),
        (0, X[::2], "has gaps"),
        (0, np.float32(1), "x: float32 came where an array"),
        (0, [0.0], "x: list came"),
    ],
)
def test_the_wrapper_refuses_what_a_gpu_would_misread(place, value, message, on_the_cpu):
    args = [*GOOD[:place], value, *GOOD[place + 1 :]]
    with pytest.raises(TypeError, match=message):
        cuda_launch.launch("leaky_relu", 8, *args)
    assert not on_the_cpu.ran


def test_the_wrapper_counts_the_arguments(on_the_cpu):
    with pytest.raises(TypeError, match="takes 4 arguments, 3 were given"):
        cuda_launch.launch("leaky_relu", 8, *GOOD[:3])


def test_nothing_is_launched_for_nothing(on_the_cpu):
    cuda_launch.launch("leaky_relu", 0, *GOOD)
    assert not on_the_cpu.ran


def test_every_kernel_is_used_and_every_stand_in_is_tested(on_the_cpu):
    launched = {
        name
        for path in Path(cuda_source.__file__).parent.glob("cuda_*.py")
        for name in cuda_source.kernels()
        if f'"{name}"' in path.read_text(encoding="utf-8")
    }
    assert launched == set(cuda_source.kernels())
    assert set(OPERATIONS) <= EXAMPLES.keys()


def test_a_wrong_stand_in_is_caught(on_the_cpu, monkeypatch):
    right = OPS["leaky_relu"].kernels["numpy"]
    monkeypatch.setitem(OPS["leaky_relu"].kernels, "numpy", lambda x, *, slope: right(x, slope=slope * 1.001))
    with pytest.raises(AssertionError):
        assert_equal(both(OPS["leaky_relu"], [normal(np.random.default_rng(0), 9)], {"slope": 0.2}))

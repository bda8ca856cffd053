"""Corners where the obvious text is wrong: values and slopes against closed forms, in float32 and float64."""

import math
from contextlib import nullcontext

import numpy as np
import pytest

import minigen
from minigen import SettingError, ShapeError, Tensor, grad

FLOATS = [np.float32, np.float64]
EVERY_FLOAT = [np.float16, *FLOATS]


def leaf(entries, dtype=np.float64):
    return Tensor(np.array(entries, dtype), requires_grad=True)


def orders(function, entries, dtype):
    """The value, slope and second slope of an entrywise function, each by the engine."""
    x = leaf(entries, dtype)
    y = function(x)
    (dy,) = grad(y, [x], np.ones(x.shape), create_graph=True)
    (ddy,) = grad(dy, [x], np.ones(x.shape))
    assert {y.dtype, dy.dtype, ddy.dtype} == {np.dtype(dtype)}
    (plain,) = grad(function(x), [x], np.ones(x.shape))
    np.testing.assert_allclose(plain.numpy(), dy.numpy(), rtol=1e-6)
    return y.numpy(), dy.numpy(), ddy.numpy()


# The logistic family ------------------------------------------------------------------------------------------------

LOGITS = [0, -1, 1, -20, 20, -90, 90, -800, 800, -1e4, 1e4]
TAIL_20, TAIL_20_SLOPE, TAIL_90 = 2.06115362e-9, 2.06115361394e-9, 8.19401262e-40
SOFTPLUS = [0.693147180560, 0.313261687518, 1.313261687518, TAIL_20, 20 + TAIL_20, TAIL_90, 90, 0, 800, 0, 1e4]
SIGMOID = [0.5, 0.268941421370, 0.731058578630, 2.06115361819e-9, 1 - 2.06115e-9, TAIL_90, 1, 0, 1, 0, 1]
SLOPE = [0.25, 0.196611933241, 0.196611933241, TAIL_20_SLOPE, TAIL_20_SLOPE, TAIL_90, TAIL_90, 0, 0, 0, 0]


def tolerances(dtype):
    """float64: the table's digits.  float32: rounding; 8.2e-40 is subnormal there."""
    return dict(rtol=1e-8, atol=0) if dtype == np.float64 else dict(rtol=5e-7, atol=2e-45)


@pytest.mark.parametrize("dtype", FLOATS)
def test_softplus_is_right_at_orders_0_1_and_2_from_minus_to_plus_10000(dtype):
    y, dy, ddy = orders(minigen.softplus, LOGITS, dtype)
    np.testing.assert_allclose(y, SOFTPLUS, **tolerances(dtype))
    np.testing.assert_allclose(dy, SIGMOID, **tolerances(dtype))
    np.testing.assert_allclose(ddy, SLOPE, **tolerances(dtype))
    assert dy[0] == 0.5  # exactly: a head that starts at 0 must learn


@pytest.mark.parametrize("dtype", FLOATS)
def test_sigmoid_is_right_at_orders_0_1_and_2_from_minus_to_plus_10000(dtype):
    y, dy, ddy = orders(minigen.sigmoid, LOGITS, dtype)
    np.testing.assert_allclose(y, SIGMOID, **tolerances(dtype))
    np.testing.assert_allclose(dy, SLOPE, **tolerances(dtype))
    s = np.array(SIGMOID)
    opposite = s[[0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9]]
    np.testing.assert_allclose(ddy, SLOPE * (opposite - s), rtol=1e-6, atol=1e-14)


@pytest.mark.parametrize("dtype", FLOATS)
def test_sigmoid_of_x_and_of_minus_x_add_up_to_one(dtype):
    x = np.array(LOGITS, dtype)
    np.testing.assert_allclose(minigen.sigmoid(x) + minigen.sigmoid(-x), 1, rtol=2e-7)


def test_the_third_derivative_of_sigmoid_at_0_is_minus_an_eighth():
    x = y = leaf([0.0])
    y = minigen.sigmoid(x)
    for value in (0.25, 0, -0.125):
        (y,) = grad(y, [x], [1.0], create_graph=True)
        assert y.item() == value


@pytest.mark.parametrize("dtype", FLOATS)
def test_log_of_one_minus_sigmoid_has_slope_minus_one_where_it_is_certain(dtype):
    x = leaf(LOGITS, dtype)
    (dx,) = grad(-minigen.softplus(x), [x], np.ones(len(LOGITS)))
    np.testing.assert_allclose(dx.numpy(), -np.array(SIGMOID), **tolerances(dtype))
    assert dx.numpy()[-1] == -1


def test_the_bends_are_finite_far_out():
    x = leaf(LOGITS, np.float32)
    for function in (minigen.tanh, minigen.silu, minigen.elu, minigen.relu, minigen.leaky_relu):
        y = function(x)
        (dx,) = grad(y, [x], np.ones(len(LOGITS)))
        assert np.isfinite(y.numpy()).all() and np.isfinite(dx.numpy()).all(), function


# Kinks and ties -----------------------------------------------------------------------------------------------------

TINY = np.finfo(np.float32).tiny


@pytest.mark.parametrize("dtype", FLOATS)
def test_the_slopes_at_a_kink_are_as_documented(dtype):
    entries = [-1, -TINY, -0.0, 0.0, TINY, 1]
    for function, slopes in [
        (minigen.relu, [0, 0, 0, 0, 1, 1]),
        (minigen.leaky_relu, [0.2, 0.2, 0.2, 0.2, 1, 1]),
        (minigen.abs, [-1, -1, 0, 0, 1, 1]),
        (lambda x: minigen.leaky_relu(x, 0.01), [0.01, 0.01, 0.01, 0.01, 1, 1]),
        (minigen.sign, None),
    ]:
        x = leaf(entries, dtype)
        if slopes is None:
            assert not function(x).requires_grad
            continue
        (dx,) = grad(function(x).sum(), [x])
        np.testing.assert_allclose(dx.numpy(), slopes, rtol=1e-6)
        assert dx.dtype == dtype


def test_clip_has_slope_one_inside_and_on_the_bounds():
    for low, high, slopes in [(-1, 1, [0, 1, 1, 1, 0]), (None, 1, [1, 1, 1, 1, 0]), (-1, None, [0, 1, 1, 1, 1])]:
        x = leaf([-1.5, -1, 0, 1, 1.5])
        y = x.clip(low, high)
        np.testing.assert_array_equal(y.numpy(), np.clip(x.numpy(), low, high))
        np.testing.assert_array_equal(grad(y.sum(), [x])[0].numpy(), slopes)
    assert minigen.clip(leaf([5.0]), high=2).item() == minigen.clip(np.array([5.0]), 0, 2)[0] == 2


@pytest.mark.parametrize("reduce, sign", [(minigen.max, 1), (minigen.min, -1)])
def test_ties_of_an_extreme_share_evenly(reduce, sign):
    x = leaf(sign * np.array([[1.0, 1.0, 0.0], [2.0, 0.0, 2.0]]))
    (dx,) = grad(reduce(x, 1), [x], [6.0, 10.0])
    np.testing.assert_array_equal(dx.numpy(), [[3, 3, 0], [5, 0, 5]])
    (dx,) = grad(reduce(x), [x])
    np.testing.assert_array_equal(dx.numpy(), sign * 0 + np.array([[0, 0, 0], [0.5, 0, 0.5]]))


@pytest.mark.parametrize("dtype", EVERY_FLOAT)
def test_70000_ties_are_counted_beyond_float16(dtype):
    x = leaf(np.ones(70_000), dtype)
    (dx,) = grad(x.max(), [x])
    np.testing.assert_allclose(dx.numpy(), np.full(70_000, 1 / 70_000).astype(dtype), rtol=1e-6)
    assert (dx.numpy() > 0).all()


def test_maximum_and_minimum_halve_a_tie():
    for function in (minigen.maximum, minigen.minimum):
        a, b = leaf([1.0, 2.0]), leaf([1.0, 3.0])
        da, db = grad(function(a, b).sum(), [a, b])
        assert da.tolist()[0] == db.tolist()[0] == 0.5
        assert sorted([da.tolist()[1], db.tolist()[1]]) == [0, 1]


def test_max_pool_gives_a_tie_to_the_first():
    x = Tensor(np.ones((1, 2, 2, 1)), requires_grad=True)
    (dx,) = grad(minigen.max_pool(x, 2).sum(), [x])
    np.testing.assert_array_equal(dx.numpy()[0, :, :, 0], [[1, 0], [0, 0]])


# Roots --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", FLOATS)
def test_norm_has_slope_0_at_0_at_every_order(dtype):
    x = leaf([[0, 0], [3, 4], [0, 0]], dtype)
    y = x.norm(1)
    (dx,) = grad(y, [x], [1.0, 1.0, 1.0], create_graph=True)
    np.testing.assert_allclose(dx.numpy(), [[0, 0], [0.6, 0.8], [0, 0]], rtol=1e-6)
    (ddx,) = grad((dx * np.array([[1.0, 0]] * 3)).sum(), [x])
    np.testing.assert_allclose(ddx.numpy(), [[0, 0], [0.128, -0.096], [0, 0]], rtol=1e-5)


def test_the_gradient_penalty_of_a_constant_critic_is_its_weight():
    x, w = leaf(np.ones((3, 2))), leaf(np.zeros(2))
    (dx,) = grad((x * w).sum(), [x], create_graph=True)
    penalty = 10 * ((dx.norm(1) - 1) ** 2).mean()
    assert penalty.item() == 10
    np.testing.assert_array_equal(grad(penalty, [w])[0].numpy(), [0, 0])


def test_sqrt_at_0_has_the_infinite_slope_it_has():
    x = leaf([0.0])
    with np.errstate(divide="ignore"):
        assert grad(x.sqrt(), [x])[0].item() == math.inf


# Powers -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "base, exponent, value, slope",
    [
        (0, 0, 1, 0),
        (0, 1, 0, 1),
        (0, 2, 0, 0),
        (0, 3, 0, 0),
        (-2, 3, -8, 12),
        (-2, 2, 4, -4),
        (-2, -1, -0.5, -0.25),
        (-2, 0, 1, 0),
        (4, 0.5, 2, 0.25),
        (4, -0.5, 0.5, -0.0625),
        (2, 1.0, 2, 1),
    ],
)
@pytest.mark.parametrize("kind", ["number", "array", "tensor", "leaf"])
def test_corners_of_powers(base, exponent, value, slope, kind):
    make = {"number": lambda b: b, "array": lambda b: np.array([b]), "tensor": lambda b: Tensor(np.array([float(b)]))}
    b = leaf([exponent]) if kind == "leaf" else make[kind](exponent)
    if kind == "array" and isinstance(exponent, int) and exponent < 0:
        b = b.astype(float)
    a = leaf([base])
    y = a**b
    (da,) = grad(y, [a], create_graph=True)
    assert (y.item(), da.item()) == (pytest.approx(value), pytest.approx(slope))
    (second,) = grad(da, [a], allow_unused=True)
    curvature = exponent * (exponent - 1)
    expected = curvature * float(base) ** (exponent - 2) if curvature else 0
    assert second is None or second.item() == pytest.approx(expected)


def test_the_slope_by_the_exponent():
    b = leaf([0.0, 1.0, 2.0])
    for a in (2.0, np.full(3, 2.0), Tensor(np.full(3, 2.0))):
        (db,) = grad((a**b).sum(), [b])
        np.testing.assert_allclose(db.numpy(), math.log(2) * np.array([1, 2, 4]))
    for zero in (0, np.zeros(3), Tensor(np.zeros(3))):
        y = minigen.power(zero, b)
        np.testing.assert_array_equal(y.numpy(), [1, 0, 0])
        np.testing.assert_array_equal(grad(y.sum(), [b])[0].numpy(), [0, 0, 0])


# The soft maximum ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", FLOATS)
def test_logsumexp_takes_the_maximum_out_first(dtype):
    x = leaf([-1001, -1002, -1005], dtype)
    y = x.logsumexp() - math.log(3)
    assert y.item() == pytest.approx(-1001.772050, rel=1e-7)
    weights = grad(y, [x])[0].numpy()
    np.testing.assert_allclose(weights, [0.72140, 0.26539, 0.01321], atol=5e-6 if dtype == np.float64 else 5e-5)
    assert leaf([1e4], dtype).logsumexp().item() == 1e4
    assert leaf([-1e4, -1e4], dtype).logsumexp().item() == pytest.approx(-1e4 + math.log(2))


def test_logsumexp_of_nothing_but_minus_infinity_is_minus_infinity_with_slope_0():
    x = leaf([[-np.inf, -np.inf], [0.0, -np.inf]])
    y = x.logsumexp(1)
    np.testing.assert_array_equal(y.numpy(), [-np.inf, 0])
    (dx,) = grad(y, [x], [1.0, 1.0], create_graph=True)
    np.testing.assert_array_equal(dx.numpy(), [[0, 0], [1, 0]])
    assert np.isfinite(grad(dx.sum(), [x])[0].numpy()).all()


def test_softmax_and_log_softmax_give_nothing_to_minus_infinity():
    x = leaf([0.0, -np.inf, 0.0])
    np.testing.assert_array_equal(x.softmax().numpy(), [0.5, 0, 0.5])
    np.testing.assert_allclose(minigen.log_softmax(x).numpy(), [-math.log(2), -np.inf, -math.log(2)])
    for function in (minigen.softmax, minigen.log_softmax):
        (dx,) = grad(function(x)[0], [x])
        np.testing.assert_allclose(dx.numpy(), [0.25 if function is minigen.softmax else 0.5, 0, dx.numpy()[2]])
        assert np.isfinite(dx.numpy()).all()


@pytest.mark.parametrize("dtype", FLOATS)
def test_softmax_does_not_overflow(dtype):
    x = leaf([1e4, -1e4, 1e4], dtype)
    np.testing.assert_array_equal(x.softmax().numpy(), [0.5, 0, 0.5])
    np.testing.assert_array_equal(minigen.log_softmax(x).numpy()[1], np.array(-2e4 - math.log(2), dtype))


# Sums ---------------------------------------------------------------------------------------------------------------


def test_float16_is_added_up_in_float32():
    half = leaf(np.full(4096, 0.1), np.float16)
    for y, expected in [
        (half.sum(), 4096 * float(np.float16(0.1))),
        (half.mean(), float(np.float16(0.1))),
        (leaf(np.ones((8192, 2)), np.float16).sum(0)[0], 8192),
        (leaf(np.ones(70_000), np.float16).mean(), 1),
        (leaf([300.0, 400.0], np.float16).norm(), 500),
        (leaf(np.zeros(5000), np.float16).logsumexp(), math.log(5000)),
        (leaf(np.zeros(4096), np.float16).softmax().sum(), 1),
        (leaf([-300.0, 300.0], np.float16).std(), 300),
    ]:
        assert y.dtype == np.float16
        assert y.item() == pytest.approx(expected, rel=1e-3)


def test_float16_broadcasting_is_undone_in_float32():
    b = leaf([0.0], np.float16)
    (db,) = grad((b + np.ones((4096, 1))).sum(), [b])
    assert db.item() == 4096


def test_sums_of_booleans_and_integers_are_whole_and_their_means_are_fractions():
    mask = minigen.tensor([True, True, False, True])
    assert (mask.sum().dtype, mask.sum().item(), mask.mean().item()) == (np.int64, 3, 0.75)
    assert minigen.tensor([1, 2]).mean().item() == 1.5
    assert minigen.sum(np.array([100, 100, 100], np.int8)).item() == 300
    assert minigen.mean(np.array([True, False])).item() == 0.5
    assert minigen.var(minigen.tensor([1, 3])).item() == 1


@pytest.mark.parametrize("shape, axis", [((200_704, 64), 0), ((4, 224, 224, 3), (0, 1, 2))])
def test_means_over_leading_axes_keep_their_digits_in_float32(shape, axis):
    x = (np.random.default_rng(0).standard_normal(shape) + 10).astype(np.float32)
    for mean in (minigen.mean(x, axis), minigen.sum(x, axis) / math.prod(shape[:-1])):
        assert mean.dtype == np.float32
        np.testing.assert_allclose(mean, x.mean(axis, dtype=np.float64), atol=5e-4 / 10)  # a tenth of what is asked


def test_two_columns_of_many_ones_are_counted_to_the_last():
    ones = np.ones((2**24 + 2**20, 2), np.float32)
    np.testing.assert_array_equal(minigen.sum(ones, 0), [2**24 + 2**20] * 2)


@pytest.mark.parametrize("shape", [(5000, 3), (4097, 2), (64, 70, 3), (5000, 0), (5000,), (5000, 3, 1)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_blocked_sums_equal_plain_ones(shape, keepdims):
    x = np.random.default_rng(1).standard_normal(shape)
    for axis in (0, tuple(range(len(shape) - 1)), None, -1, tuple(range(len(shape)))):
        for array in (x, np.asfortranarray(x)):
            np.testing.assert_allclose(
                minigen.sum(array, axis, keepdims), x.sum(axis, keepdims=keepdims), rtol=1e-10, atol=1e-10
            )


@pytest.mark.parametrize("mean", [0, 10, 100, 1000])
@pytest.mark.parametrize("dtype", FLOATS)
def test_the_variance_of_a_far_away_cloud_keeps_its_digits(mean, dtype):
    x = (np.random.default_rng(2).standard_normal((4096, 3)) * 0.01 + mean).astype(dtype)
    expected = x.astype(np.float64).var(0)
    np.testing.assert_allclose(minigen.var(x, 0), expected, rtol=1e-3)
    moments = {}
    minigen.batch_norm(leaf(x, dtype), np.ones(3), np.zeros(3), moments=moments)
    np.testing.assert_allclose(moments["var"], expected, rtol=1e-3)


# Batch normalisation ------------------------------------------------------------------------------------------------


def test_batch_norm_by_hand():
    x = leaf([[1.0, 10.0], [3.0, 30.0]])
    moments = {}
    y = minigen.batch_norm(x, np.array([2.0, 1.0]), np.array([0.0, 5.0]), eps=0.0, moments=moments)
    np.testing.assert_allclose(y.numpy(), [[-2, 4], [2, 6]])
    np.testing.assert_allclose(moments["mean"], [2, 20])
    np.testing.assert_allclose(moments["var"], [1, 100])


@pytest.mark.parametrize("kernels", [True, False])
def test_batch_norm_in_float16_survives_squares_beyond_its_range(kernels):
    x = (np.random.default_rng(3).standard_normal((64, 2)) * 400).astype(np.float16)
    expected = minigen.batch_norm(x.astype(np.float64), np.ones(2), np.zeros(2))
    with nullcontext() if kernels else minigen.autograd.kernels_off():
        y = minigen.batch_norm(leaf(x, np.float16), np.ones(2), np.zeros(2))
    assert y.dtype == np.float16
    np.testing.assert_allclose(y.numpy(), expected, atol=5e-3)
    tight = (np.random.default_rng(3).standard_normal((64, 2)) * 0.1 + 10).astype(np.float16)
    with nullcontext() if kernels else minigen.autograd.kernels_off():
        y = minigen.batch_norm(leaf(tight, np.float16), np.ones(2), np.zeros(2), eps=1e-5)
    assert y.numpy().std() == pytest.approx(1, abs=1e-2)


@pytest.mark.parametrize("shape", [(1, 3), (1, 1, 1, 3), (1, 2, 2, 3)])
def test_batch_norm_of_one_sample_is_finite(shape):
    x = leaf(np.ones(shape))
    y = minigen.batch_norm(x, np.ones(3), np.zeros(3))
    (dx,) = grad(y, [x], np.random.default_rng(4).standard_normal(shape))
    np.testing.assert_array_equal(y.numpy(), np.zeros(shape))
    assert np.isfinite(dx.numpy()).all()
    if shape[:-1] == (1,) * (len(shape) - 1):
        np.testing.assert_array_equal(dx.numpy(), np.zeros(shape))


def test_the_second_order_of_batch_norm_knows_the_variance():
    """d/dx of ½ Σ (dL/dx)² by central differences, with a random cotangent."""
    rng = np.random.default_rng(5)
    start, weights, direction = (rng.standard_normal((5, 2)) for _ in range(3))

    def loss(array):
        x = leaf(array)
        y = minigen.batch_norm(x, np.array([1.5, 0.5]), np.zeros(2))
        (dx,) = grad(y, [x], weights, create_graph=True)
        return x, 0.5 * (dx * dx).sum()

    x, value = loss(start)
    (ddx,) = grad(value, [x])
    h = 1e-5
    numeric = (loss(start + h * direction)[1].item() - loss(start - h * direction)[1].item()) / (2 * h)
    assert (ddx.numpy() * direction).sum() == pytest.approx(numeric, rel=1e-7)


# Nothing at all -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["max", "min", "mean", "argmax", "logsumexp", "softmax"])
def test_an_extreme_of_nothing_is_refused_by_name(name):
    for x in (np.zeros((0, 3)), minigen.zeros(0, 3)):
        with pytest.raises(ShapeError, match=rf"{name}: x has shape \(0, 3\); there is nothing along axis 0"):
            getattr(minigen, name)(x, axis=0)


def test_a_variance_of_too_few_is_refused():
    with pytest.raises(ShapeError, match=r"var: x has shape \(1, 2\); 1 numbers along axis 0 do not exceed ddof 1"):
        minigen.var(minigen.ones(1, 2), 0, ddof=1)


def test_empty_arrays_flow_through():
    x = leaf(np.zeros((0, 3)))
    for function in (
        minigen.exp,
        minigen.relu,
        minigen.softplus,
        lambda x: x.sum(0),
        lambda x: x.sum(1),
        lambda x: x.max(1),
        lambda x: x.softmax(),
        lambda x: x @ np.ones((3, 2)),
        lambda x: np.ones((2, 0)) @ x,
        lambda x: x.reshape(3, 0),
        lambda x: minigen.concatenate([x, x]),
        lambda x: x[:, 1],
        lambda x: minigen.pad(x, 1),
    ):
        y = function(x)
        (dx,) = grad(y.sum(), [x])
        assert dx.shape == (0, 3)
    assert leaf(np.zeros(0)).sum().item() == 0


def test_a_number_reduces_to_itself():
    x = leaf(2.0)
    for reduce in (minigen.sum, minigen.mean, minigen.max, minigen.min, minigen.logsumexp, minigen.norm):
        for keepdims in (False, True):
            y = reduce(x, keepdims=keepdims)
            assert (y.shape, y.item(), grad(y, [x])[0].item()) == ((), pytest.approx(2), pytest.approx(1))


# Dropout ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", EVERY_FLOAT)
def test_dropout_keeps_the_mean_and_scales_what_it_keeps(dtype):
    n, rate = 100_000, round(0.3 * 2**16) / 2**16  # what dropout makes of 0.3
    x = leaf(np.ones(n), dtype)
    y = minigen.dropout(x, 0.3, rng=minigen.random.generator(0))
    assert y.dtype == dtype
    values = y.numpy().astype(np.float64)
    assert set(np.unique(values)) == {0.0, float(dtype(1 / (1 - rate)))}
    variance = rate / (1 - rate)  # .428571
    assert abs(values.mean() - 1) < 4 * math.sqrt(variance / n) + 1e-3 * (dtype == np.float16)
    assert values.var() == pytest.approx(variance, abs=0.01)
    np.testing.assert_array_equal(grad(y, [x], np.ones(n))[0].numpy(), y.numpy())  # the same mask


def test_dropout_draws_a_fresh_mask_a_call_and_the_same_under_create_graph():
    x, rng = leaf(np.ones(64)), minigen.random.generator(1)
    masks = [minigen.dropout(x, 0.5, rng=rng).numpy().tobytes() for _ in range(3)]
    assert len(set(masks)) == 3
    y = minigen.dropout(x, 0.5, rng=rng) ** 2
    (dx,) = grad(y.sum(), [x], create_graph=True)
    np.testing.assert_array_equal(dx.numpy() > 0, y.numpy() > 0)
    np.testing.assert_array_equal(grad(dx.sum(), [x])[0].numpy() > 0, y.numpy() > 0)


def test_dropout_at_its_ends():
    x = leaf(np.ones(5))
    assert minigen.dropout(x, 0, rng=minigen.random.generator(2)) is x
    y = minigen.dropout(x, 1, rng=minigen.random.generator(2))
    np.testing.assert_array_equal(y.numpy(), np.zeros(5))
    np.testing.assert_array_equal(grad(y.sum(), [x])[0].numpy(), np.zeros(5))
    for rate in (-0.1, 1.1, math.nan):
        with pytest.raises(SettingError, match="it is the share dropped"):
            minigen.dropout(x, rate, rng=minigen.random.generator(2))


@pytest.mark.parametrize("dtype", [np.int64, np.uint8])
def test_the_length_of_whole_numbers_is_a_fraction(dtype):
    y = minigen.norm(Tensor(np.array([200, 1], dtype)))
    assert y.dtype == np.float32 and y.item() == pytest.approx(math.sqrt(40_001))


def test_dropout_keeps_whole_numbers_too():
    y = minigen.dropout(Tensor(np.full(1000, 3)), 0.5, rng=minigen.random.generator(0))
    assert set(y.tolist()) == {0.0, 6.0} and y.dtype == np.float32

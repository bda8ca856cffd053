"""Dense, convolutions, shapes, pooling, bends: values, shapes, messages, and what they start as."""

import functools

import numpy as np
import pytest

import minigen
from minigen import SettingError, ShapeError, nn
from minigen.check import grad_check
from minigen.nn import initialisers


def rng(seed=0):
    return minigen.random.generator(seed)


def normal(*shape, seed=1):
    return minigen.random.normal(*shape, rng=rng(seed))


LAYERS = {
    "dense": (lambda: nn.Dense(3, 4, rng=rng()), (2, 3), (2, 4)),
    "dense of frames": (lambda: nn.Dense(3, 4, bias=False, rng=rng()), (2, 5, 3), (2, 5, 4)),
    "conv1d": (lambda: nn.Conv1D(2, 3, 3, dilation=2, rng=rng()), (2, 8, 2), (2, 4, 3)),
    "conv2d": (lambda: nn.Conv2D(2, 3, (3, 2), stride=(2, 1), padding="same", rng=rng()), (2, 5, 4, 2), (2, 3, 4, 3)),
    "conv2d groups": (lambda: nn.Conv2D(4, 6, 3, groups=2, padding=1, rng=rng()), (1, 4, 4, 4), (1, 4, 4, 6)),
    "conv3d": (lambda: nn.Conv3D(1, 2, 2, rng=rng()), (1, 3, 3, 3, 1), (1, 2, 2, 2, 2)),
    "transpose 1d": (lambda: nn.Conv1DTranspose(2, 3, 4, stride=2, padding=1, rng=rng()), (2, 3, 2), (2, 6, 3)),
    "transpose 2d": (
        lambda: nn.Conv2DTranspose(2, 3, 5, stride=2, padding="same", rng=rng()),
        (2, 3, 3, 2),
        (2, 6, 6, 3),
    ),
    "transpose 2d size": (
        lambda: nn.Conv2DTranspose(2, 1, 3, stride=2, padding="same", output_size=5, rng=rng()),
        (1, 3, 3, 2),
        (1, 5, 5, 1),
    ),
    "transpose 2d groups": (lambda: nn.Conv2DTranspose(4, 6, 3, groups=2, rng=rng()), (1, 2, 2, 4), (1, 4, 4, 6)),
    "transpose 3d": (
        lambda: nn.Conv3DTranspose(2, 1, 2, stride=2, output_padding=1, rng=rng()),
        (1, 2, 2, 2, 2),
        (1, 5, 5, 5, 1),
    ),
    "transpose 1d dilated": (lambda: nn.Conv1DTranspose(2, 3, 3, dilation=2, rng=rng()), (2, 3, 2), (2, 7, 3)),
    "layer norm": (lambda: nn.LayerNorm(5), (2, 3, 5), (2, 3, 5)),
    "flatten": (nn.Flatten, (2, 3, 4), (2, 12)),
    "reshape": (lambda: nn.Reshape(2, -1), (3, 4, 2), (3, 2, 4)),
    "max pool": (lambda: nn.MaxPool(2), (1, 4, 6, 2), (1, 2, 3, 2)),
    "average pool": (lambda: nn.AveragePool(3, stride=1, padding="same"), (1, 4, 4, 2), (1, 4, 4, 2)),
    "upsample": (lambda: nn.Upsample(2), (1, 2, 3, 1), (1, 4, 6, 1)),
    "relu": (nn.ReLU, (2, 3), (2, 3)),
    "leaky relu": (nn.LeakyReLU, (2, 3), (2, 3)),
    "tanh": (nn.Tanh, (2, 3), (2, 3)),
    "sigmoid": (nn.Sigmoid, (2, 3), (2, 3)),
    "softplus": (nn.Softplus, (2, 3), (2, 3)),
    "elu": (nn.ELU, (2, 3), (2, 3)),
    "silu": (nn.SiLU, (2, 3), (2, 3)),
    "gelu": (nn.GELU, (2, 3), (2, 3)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_keeps_float32_and_has_the_promised_shape(name):
    make, given, wanted = LAYERS[name]
    layer, x = make(), minigen.tensor(normal(*given), requires_grad=True)
    y = layer(x)
    assert y.shape == wanted and y.dtype == np.float32
    for dx in minigen.grad((y * y).sum(), [x, *layer.parameters()]):
        assert dx.dtype == np.float32


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_agrees_with_finite_differences_at_orders_1_and_2(name):
    make, given, _ = LAYERS[name]
    grad_check(make(), [np.asarray(normal(*given).numpy(), np.float64)], order=2, quiet=True)


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_takes_bare_arrays_too(name):
    make, given, wanted = LAYERS[name]
    assert make()(normal(*given).numpy()).shape == wanted


@pytest.mark.parametrize("name", LAYERS)
def test_an_empty_batch_passes(name):
    make, given, wanted = LAYERS[name]
    assert make()(normal(*given)[:0]).shape == (0, *wanted[1:])


def test_dense_is_x_w_plus_b():
    layer = nn.Dense(2, 1, rng=rng())
    layer.weight.data, layer.bias.data = np.array([[2.0], [3.0]]), np.array([1.0])
    assert layer(minigen.tensor([[10.0, 100.0]])).tolist() == [[321.0]]


def test_dense_with_a_list_of_features_has_no_batch():
    assert nn.Dense(3, 2, rng=rng())(minigen.ones(3)).shape == (2,)


def test_the_transpose_is_the_adjoint_of_the_convolution():
    conv = nn.Conv2D(2, 3, 5, stride=2, padding="same", bias=False, rng=rng()).astype(np.float64)
    back = nn.Conv2DTranspose(3, 2, 5, stride=2, padding="same", bias=False, rng=rng()).astype(np.float64)
    back.weight.data = conv.weight.data  # (*window, 2, 3) in both: result before input in the transpose
    x, y = minigen.tensor(rng(3).normal(size=(2, 8, 8, 2))), minigen.tensor(rng(4).normal(size=(2, 4, 4, 3)))
    assert float((conv(x) * y).sum()) == pytest.approx(float((x * back(y)).sum()), rel=1e-12)


def test_same_is_aligned_as_in_keras():
    up = nn.Conv1DTranspose(1, 1, 5, stride=2, padding="same", bias=False, rng=rng())
    up.weight.data = np.arange(1, 6, dtype=np.float32).reshape(5, 1, 1)
    impulse = np.zeros((1, 7, 1), np.float32)
    impulse[0, 3] = 1
    assert np.flatnonzero(up(impulse).numpy()[0, :, 0]).tolist() == [5, 6, 7, 8, 9]
    assert nn.Conv1D(1, 1, 5, stride=2, padding="same", rng=rng())(impulse).shape == (1, 4, 1)


@pytest.mark.parametrize(
    "make, x, message",
    [
        (lambda: nn.Dense(3, 4, rng=rng()), (2, 5), r"Dense\(3, 4\): x has shape \(2, 5\); its last axis must be 3"),
        (
            lambda: nn.Conv2D(3, 4, 5, rng=rng()),
            (2, 8, 8, 1),
            r"Conv2D\(3, 4, 5\): x has shape \(2, 8, 8, 1\); it must be \(N, H, W, C\) with C = 3",
        ),
        (lambda: nn.Conv1D(3, 4, 5, rng=rng()), (2, 8, 8, 3), r"it must be \(N, T, C\) with C = 3"),
        (lambda: nn.Conv2DTranspose(3, 4, 5, rng=rng()), (8, 8, 3), r"Conv2DTranspose\(3, 4, 5\): x has shape"),
        (lambda: nn.Reshape(7, 7, 3), (2, 5), r"Reshape\(7, 7, 3\): .*each item must have 147 entries, not 5"),
        (lambda: nn.Reshape(4, -1), (2, 6), "must have a multiple of 4 entries, not 6"),
        (lambda: nn.BatchNorm(3), (2, 5), r"BatchNorm\(3\): x has shape \(2, 5\); its last axis must be 3"),
        (lambda: nn.LayerNorm(3), (2, 5), r"LayerNorm\(3\): x has shape \(2, 5\); its last axis must be 3"),
        (lambda: nn.MaxPool(9), (1, 4, 4, 1), "smaller than the window"),
        (nn.Flatten, (), "its first axis must be the batch"),
    ],
)
def test_a_wrong_shape_is_named_with_the_layer_and_the_shape_expected(make, x, message):
    with pytest.raises(ShapeError, match=message):
        make()(minigen.zeros(x))


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: nn.Dense(0, 4, rng=rng()), "at least 1"),
        (lambda: nn.Conv2D(3, 4, 5, groups=2, rng=rng()), "multiples of groups=2"),
        (lambda: nn.Conv2D(3, 4, (5, 5, 5), rng=rng()), r"window=\(5, 5, 5\) must be a whole number ≥ 1, or 2 of them"),
        (lambda: nn.Conv2D(3, 4, 5.0, rng=rng()), r"window=5\.0 must be a whole number"),
        (lambda: nn.Conv2D(3, 4, 5, stride=0, rng=rng()), "stride=0 must be"),
        (lambda: nn.Conv2D(3, 4, 5, padding="full", rng=rng()), 'padding \'full\' is not "same", "valid"'),
        (lambda: nn.Reshape(-1, -1), "at most one is −1"),
        (lambda: nn.BatchNorm(4, momentum=1.5), r"momentum \(the share kept\) in \[0, 1\]"),
        (lambda: nn.LayerNorm(0), "at least 1"),
    ],
)
def test_a_wrong_setting_is_refused_when_the_layer_is_made(make, message):
    with pytest.raises(SettingError, match=message):
        make()


def test_settings_are_keyword_only_so_that_none_is_taken_for_another():
    with pytest.raises(TypeError):
        nn.BatchNorm(128, 0.8)  # in PyTorch-GAN this set eps
    with pytest.raises(TypeError):
        nn.Conv2D(1, 64, 5, 2, rng=rng())


@pytest.mark.parametrize(
    "layer, text",
    [
        (nn.Dense(3, 4, bias=False, rng=rng()), "Dense(3, 4, bias=False)"),
        (nn.Conv2D(1, 64, 5, stride=2, padding="same", rng=rng()), "Conv2D(1, 64, 5, stride=2, padding='same')"),
        (
            nn.Conv1DTranspose(1, 2, 3, stride=2, output_padding=1, rng=rng()),
            "Conv1DTranspose(1, 2, 3, stride=2, output_padding=1)",
        ),
        (nn.BatchNorm(8, momentum=0.9), "BatchNorm(8, momentum=0.9)"),
        (nn.LeakyReLU(), "LeakyReLU(0.2)"),
        (nn.ELU(), "ELU()"),
        (nn.Dropout(0.3, rng=rng()), "Dropout(0.3)"),
        (nn.MaxPool(2, stride=1), "MaxPool(2, stride=1)"),
        (nn.Reshape(7, 7, 256), "Reshape(7, 7, 256)"),
        (nn.Tanh(), "Tanh()"),
    ],
)
def test_a_layer_is_shown_as_it_is_written(layer, text):
    assert repr(layer) == text


@pytest.mark.parametrize(
    "one, other, x",
    [
        (nn.LeakyReLU(0.2), nn.LeakyReLU(0.3), (2, 3)),
        (nn.ELU(1.0), nn.ELU(0.5), (2, 3)),
        (nn.Upsample(2), nn.Upsample(3), (1, 2, 2, 1)),
        (nn.MaxPool(2), nn.MaxPool(3), (1, 5, 5, 1)),
        (nn.MaxPool(2), nn.MaxPool(2, stride=1), (1, 4, 4, 1)),
        (nn.AveragePool(3), nn.AveragePool(3, padding="same"), (1, 4, 4, 1)),
        (nn.BatchNorm(3), nn.BatchNorm(3, eps=0.5), (4, 3)),
        (nn.LayerNorm(3), nn.LayerNorm(3, eps=0.5), (4, 3)),
    ],
    ids=str,
)
def test_every_setting_acts(one, other, x):
    one, other = one(normal(*x)).numpy(), other(normal(*x)).numpy()
    assert one.shape != other.shape or (one != other).any()


def test_every_name_is_documented():
    for name in nn.__all__:
        assert getattr(nn, name).__doc__, name


# What weights start as ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "layer, fans",
    [
        (lambda f: nn.Dense(30, 50, rng=rng(), initialiser=f), (30, 50)),
        (lambda f: nn.Conv2D(8, 12, (5, 3), rng=rng(), initialiser=f), (15 * 8, 15 * 12)),
        (lambda f: nn.Conv2D(8, 12, 5, groups=4, rng=rng(), initialiser=f), (25 * 2, 25 * 3)),
        (lambda f: nn.Conv2DTranspose(8, 12, 5, rng=rng(), initialiser=f), (25 * 8, 25 * 12)),
        (lambda f: nn.Conv2DTranspose(8, 12, 5, groups=4, rng=rng(), initialiser=f), (25 * 2, 25 * 3)),
        (lambda f: nn.Conv2DTranspose(8, 8, 5, rng=rng(), initialiser=f), (25 * 8, 25 * 8)),
    ],
)
def test_fans_count_what_an_output_sees_and_an_input_reaches(layer, fans):
    seen = []

    def spy(rng, shape, fans):
        seen.append(fans)
        return np.zeros(shape, np.float32)

    layer(spy)
    assert seen == [fans]


def test_the_initialisers_have_the_deviations_they_promise():
    shape, fans = (5, 5, 32, 64), (25 * 32, 25 * 64)
    assert initialisers.fans_of(shape) == fans
    assert initialisers.fans_of((7,)) == (1, 7)
    glorot = initialisers.glorot_uniform(rng(), shape)
    limit = np.sqrt(6 / sum(fans))
    assert abs(glorot).max() <= limit and abs(glorot).max() > 0.999 * limit
    assert glorot.std() == pytest.approx(limit / np.sqrt(3), rel=0.01)  # 51,200 draws: 4 s.e. = 0.8 %
    assert initialisers.he_normal(rng(), shape).std() == pytest.approx(np.sqrt(2 / fans[0]), rel=0.0126)  # 4 s.e.
    assert initialisers.normal(rng(), shape).std() == pytest.approx(0.02, rel=0.0126)
    assert (initialisers.constant(rng(), (3,), value=2.0) == 2).all() and not initialisers.zeros(rng(), (3,)).any()
    for name in ("glorot_uniform", "he_normal", "normal", "orthogonal", "constant", "zeros"):
        assert getattr(initialisers, name)(rng(), (4, 3)).dtype == np.float32


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (3, 3, 2, 5)])
def test_orthogonal_is(shape):
    q = initialisers.orthogonal(rng(), shape, gain=1.4).reshape(-1, shape[-1]).astype(np.float64)
    product = q.T @ q if q.shape[0] >= q.shape[1] else q @ q.T
    np.testing.assert_allclose(product, 1.96 * np.eye(len(product)), atol=1e-6)  # float32 weights


def test_orthogonal_matrices_are_drawn_from_all_of_them():
    corners = [initialisers.orthogonal(rng(seed), (3, 3))[0, 0] for seed in range(200)]
    assert abs(np.mean(corners)) < 4 * np.sqrt(1 / 3 / 200)  # mean 0, variance 1/3; a bare QR has only one sign


def test_another_start_is_passed_in():
    layer = nn.Dense(100, 100, rng=rng(), initialiser=functools.partial(initialisers.normal, std=0.5))
    assert layer.weight.numpy().std() == pytest.approx(0.5, rel=0.03) and not layer.bias.numpy().any()


def test_the_same_seed_gives_the_same_weights_and_equal_layers_start_unequal():
    draws = rng()
    one, two = nn.Dense(4, 4, rng=draws), nn.Dense(4, 4, rng=draws)
    assert (one.weight.numpy() == nn.Dense(4, 4, rng=rng()).weight.numpy()).all()
    assert not (one.weight.numpy() == two.weight.numpy()).any()


def test_a_weight_gradient_of_a_convolution_can_be_differentiated():
    layer = nn.Conv2D(2, 3, 3, stride=2, padding="same", rng=rng())
    x = np.asarray(normal(2, 5, 5, 2).numpy(), np.float64)

    def slope(x, w):
        y = minigen.convolve(x, w, stride=2, padding="same")
        dw = minigen.grad((y * y * y).sum(), [w], create_graph=True)[0]
        return (dw * dw).sum()

    grad_check(slope, {"x": x, "w": layer.weight.numpy().astype(np.float64)}, quiet=True)

"""Spectral normalisation: the true singular value, slopes at orders 1 and 2, what is kept and what is not."""

import numpy as np
import pytest

import minigen
from minigen import SettingError, nn, optim
from minigen.check import grad_check
from minigen.losses import gan, gradient_penalty, r1
from minigen.nn import Conv2D, Conv2DTranspose, Dense, Flatten, LeakyReLU, Module, Sequential, SpectralNorm, Tanh


def rng(seed=0):
    return minigen.random.generator(seed)


def normal(*shape, seed=0):
    return rng(seed).normal(size=shape)


LAYERS = {  # a layer, the shape of an input
    "Dense": (lambda: Dense(4, 3, rng=rng()), (5, 4)),
    "Conv1D": (lambda: nn.Conv1D(2, 3, 3, stride=2, padding="same", rng=rng()), (2, 5, 2)),
    "Conv2D": (lambda: Conv2D(2, 4, 3, padding="same", groups=2, rng=rng()), (2, 4, 3, 2)),
    "Conv3D": (lambda: nn.Conv3D(1, 2, 2, rng=rng()), (1, 3, 2, 3, 1)),
    "Conv1DTranspose": (lambda: nn.Conv1DTranspose(2, 3, 3, stride=2, rng=rng()), (2, 3, 2)),
    "Conv2DTranspose": (lambda: Conv2DTranspose(2, 3, (3, 2), stride=2, padding="same", rng=rng()), (2, 3, 2, 2)),
    "Conv3DTranspose": (lambda: nn.Conv3DTranspose(1, 2, 2, bias=False, rng=rng()), (1, 2, 2, 2, 1)),
}


def made(name, iterations=1):
    """The layer in SpectralNorm, in float64, and an input."""
    make, shape = LAYERS[name]
    return SpectralNorm(make(), iterations=iterations, rng=rng(1)).astype(np.float64), normal(*shape, seed=2)


def matrix(layer):
    return layer.weight.numpy().reshape(-1, layer.weight.shape[-1])


def largest(layer):
    return np.linalg.svd(matrix(layer), compute_uv=False)[0]


def plain(layer, weight, x):
    """What the layer gives with another weight."""
    with layer.substituted({layer.weight: weight}):
        return layer(x)


@pytest.mark.parametrize("name", LAYERS)
def test_the_weight_is_divided_by_its_largest_singular_value(name):
    spectral, x = made(name, iterations=300)
    layer = spectral.layer
    expected = plain(layer, minigen.tensor(layer.weight.numpy() / largest(layer)), x)
    np.testing.assert_allclose(spectral(x).numpy(), expected.numpy(), rtol=1e-10, atol=1e-12)


def test_one_iteration_a_call_gets_there_from_below():
    spectral, x = made("Dense")
    spectral.u.data = np.eye(3)[0]
    layer, seen = spectral.layer, []
    for _ in range(60):
        y = spectral(x).numpy() - layer.bias.numpy()
        seen.append((x @ layer.weight.numpy() / y).mean())
    truth = largest(layer)
    assert (np.diff(seen) >= -1e-12).all() and seen[0] < 0.99 * truth
    assert seen[-1] == pytest.approx(truth, rel=1e-10)


def test_the_first_call_is_near_the_truth_already():
    spectral = SpectralNorm(Dense(100, 50, rng=rng()), rng=rng(1)).eval()
    spectral.layer.bias.data = np.zeros(50, np.float32)
    y = spectral(minigen.tensor(np.eye(100, dtype=np.float32))).numpy()
    assert 1 <= np.linalg.svd(y, compute_uv=False)[0] < 1.05


def test_algorithm_1_by_hand():
    spectral, x = made("Dense", iterations=2)
    W, u = spectral.layer.weight.numpy().T, spectral.u.numpy()  # (OC, C), as in the paper
    for _ in range(2):
        v = W.T @ u / np.linalg.norm(W.T @ u)
        u = W @ v / np.linalg.norm(W @ v)
    expected = x @ (W / (u @ W @ v)).T + spectral.layer.bias.numpy()
    np.testing.assert_allclose(spectral(x).numpy(), expected, rtol=1e-12)
    np.testing.assert_allclose(spectral.u.numpy(), u, rtol=1e-12)


# What it is for: a bound on how far two answers can be apart ----------------------------------------------------------


def as_matrix(layer, *shape):
    """The linear map of a layer without bias, by its answers to the unit vectors of an input of that shape."""
    size = int(np.prod(shape))
    return layer(np.eye(size).reshape(size, *shape)).numpy().reshape(size, -1)


BOUNDS = {
    "Dense": (lambda: Dense(6, 4, bias=False, rng=rng()), (6,), 1.0),
    "windows that do not overlap": (lambda: Conv2D(2, 3, 2, stride=2, bias=False, rng=rng()), (4, 4, 2), 1.0),
    "its adjoint": (lambda: Conv2DTranspose(3, 2, 2, stride=2, bias=False, rng=rng()), (2, 2, 3), 1.0),
    "windows of 9 that do": (lambda: Conv2D(2, 3, 3, padding="same", bias=False, rng=rng()), (5, 5, 2), 3.0),
    "their adjoint": (lambda: Conv2DTranspose(3, 2, 3, padding="same", bias=False, rng=rng()), (5, 5, 3), 3.0),
}


@pytest.mark.parametrize("name", BOUNDS)
def test_the_lipschitz_constant_is_bounded(name):
    make, shape, bound = BOUNDS[name]
    spectral = SpectralNorm(make(), iterations=500, rng=rng(1)).astype(np.float64)
    constant = np.linalg.svd(as_matrix(spectral, *shape), compute_uv=False)[0]
    assert constant <= bound + 1e-9
    assert constant == pytest.approx(1, rel=1e-9) if bound == 1 else constant > 1.2, "√9 is not for nothing"


def test_a_network_of_such_layers_and_of_bends_of_slope_1_stretches_nothing():
    net = nn.spectral_norm(
        Sequential(Dense(3, 8, rng=rng()), LeakyReLU(), Dense(8, 8, rng=rng(1)), Tanh(), Dense(8, 2, rng=rng(2))),
        iterations=200,
        rng=rng(3),
    ).astype(np.float64)
    a, b = normal(200, 3), normal(200, 3, seed=1)
    apart = np.linalg.norm(net(a).numpy() - net(b).numpy(), axis=1) / np.linalg.norm(a - b, axis=1)
    assert apart.max() <= 1 and apart.max() > 0.1


# Slopes --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LAYERS)
def test_slopes_agree_with_finite_differences_at_orders_1_and_2_while_u_and_v_stay(name):
    spectral, x = made(name)
    spectral.u.data, spectral.v.data = (
        y / np.linalg.norm(y) for y in (spectral.u.numpy() + 0.2, spectral.v.numpy() + 0.1)
    )
    grad_check(spectral.eval(), [x], order=2, quiet=True)


@pytest.mark.parametrize("name", LAYERS)
def test_u_and_v_are_constants_in_training_too(name):
    spectral, x = made(name)
    weight = spectral.layer.weight
    y = spectral(x)  # which moves u and v first
    dy = minigen.tensor(normal(*y.shape, seed=3))
    (found,) = minigen.grad(y, [weight], dy)
    (expected,) = minigen.grad(spectral.eval()(x), [weight], dy)  # with the same u and v
    assert (found.numpy() == expected.numpy()).all()


def test_once_u_has_arrived_the_slope_is_that_of_the_true_singular_value():
    spectral, x = made("Dense", iterations=300)
    weight, start, direction, h = spectral.layer.weight, None, normal(4, 3, seed=4), 1e-6
    dy = normal(5, 3, seed=3)
    (slope,) = minigen.grad(spectral(x), [weight], minigen.tensor(dy))
    start, values = weight.data, []
    for sign in (1, -1):
        weight.data = start + sign * h * direction
        values.append((dy * (x @ weight.numpy() / largest(spectral.layer))).sum())
    assert (slope.numpy() * direction).sum() == pytest.approx((values[0] - values[1]) / (2 * h), rel=1e-7)


def test_penalties_on_a_critic_of_such_layers_have_their_third_derivatives():
    critic = nn.spectral_norm(
        Sequential(Conv2D(1, 3, 3, rng=rng()), Tanh(), Flatten(), Dense(12, 1, rng=rng(1))), iterations=80, rng=rng(2)
    ).astype(np.float64)
    real, fake = normal(3, 4, 4, 1), normal(3, 4, 4, 1, seed=1)

    def penalty():
        return gradient_penalty(critic, real, fake, rng(7), weight=1.0, target=0.3) + r1(critic, real, weight=0.5)

    weights = [critic[0].layer.weight, critic[3].layer.weight]
    found = minigen.grad(penalty(), weights)
    for p, g in zip(weights, found, strict=True):
        direction, start, h, values = normal(*p.shape, seed=3), p.data, 1e-5, []
        for sign in (1, -1):
            p.data = start + sign * h * direction
            values.append(penalty().item())
        p.data = start
        assert (g.numpy() * direction).sum() == pytest.approx((values[0] - values[1]) / (2 * h), rel=1e-6)


# What is kept --------------------------------------------------------------------------------------------------------


def small():
    return Sequential(Conv2D(1, 2, 3, rng=rng()), LeakyReLU(), Flatten(), Dense(8, 1, rng=rng(1)))


def test_u_and_v_move_in_training_and_stay_in_use():
    spectral = SpectralNorm(Dense(30, 20, rng=rng()), rng=rng(1))
    x = minigen.tensor(np.float32(normal(2, 30)))
    start = spectral.state_dict()
    first = spectral.eval()(x).numpy()
    assert (spectral(x).numpy() == first).all()
    assert all((spectral.state_dict()[name] == start[name]).all() for name in start)
    with minigen.no_grad():
        moved = spectral.train()(x).numpy()
    assert (moved != first).any() and (spectral.eval()(x).numpy() == moved).all()
    for name in ("u", "v"):
        now = spectral.state_dict()[name]
        assert (now != start[name]).any() and np.linalg.norm(now) == pytest.approx(1, rel=1e-6)


def test_a_loss_computed_before_u_moved_can_be_differentiated():
    net = nn.spectral_norm(small(), rng=rng(2))
    x = minigen.tensor(np.float32(normal(2, 4, 4, 1)))
    loss = net(x).sum()
    expected = minigen.grad(net.eval()(x).sum() * 0 + loss, net.parameters(), retain_graph=True)
    net.train()(x)
    for a, b in zip(minigen.grad(loss, net.parameters()), expected, strict=True):
        assert (a.numpy() == b.numpy()).all()


def trained(net, steps, adam=None):
    adam = adam or optim.Adam(net.parameters(), 0.01)
    for step in range(adam.steps, adam.steps + steps):
        x = minigen.tensor(np.float32(normal(4, 4, 4, 1, seed=step)))
        adam.update(minigen.grad((net(x) ** 2).mean() - net(x * 2).mean(), net.parameters()))
    return net, adam


def test_resume_equals_an_uninterrupted_run_bit_for_bit():
    whole, _ = trained(nn.spectral_norm(small(), rng=rng(2)), 6)
    half, adam = trained(nn.spectral_norm(small(), rng=rng(2)), 3)
    fresh = nn.spectral_norm(small(), rng=rng(99))  # another u, which the saved one must replace
    fresh.load_state_dict(half.state_dict())
    resumed = optim.Adam(fresh.parameters(), 0.01)
    resumed.load_state_dict(adam.state_dict())
    trained(fresh, 3, resumed)
    assert all((a == b).all() for a, b in zip(whole.state_dict().values(), fresh.state_dict().values(), strict=True))


def test_names_and_the_table_are_sensible():
    net = nn.spectral_norm(small(), rng=rng(2))
    parts = ("layer.weight", "layer.bias", "u", "v")
    assert list(net.state_dict()) == [f"{i}.{part}" for i in (0, 3) for part in parts]
    assert [p.name for p in net.parameters()] == ["0.layer.weight", "0.layer.bias", "3.layer.weight", "3.layer.bias"]
    before = net.state_dict()
    rows = net.summary((4, 4, 1)).rows
    assert (rows[0].layer, rows[0].trainable, rows[0].other) == ("SpectralNorm(Conv2D(1, 2, 3))", 20, 2 + 9)
    assert all((a == b).all() for a, b in zip(before.values(), net.state_dict().values(), strict=True))
    assert repr(SpectralNorm(Dense(2, 3, rng=rng()), iterations=2, rng=rng())) == (
        "SpectralNorm(Dense(2, 3), iterations=2)"
    )


def test_the_wrapped_network_shares_its_layers():
    inner = Sequential(Dense(2, 2, rng=rng()), Tanh())
    plain_net = Sequential(inner, inner[0], SpectralNorm(Dense(2, 2, rng=rng(1)), rng=rng()), Dense(2, 1, rng=rng(2)))
    net = nn.spectral_norm(plain_net, iterations=3, rng=rng(2))
    assert net[0][0] is net[1] and net[1].layer is inner[0] and net[1].iterations == 3
    assert net[2] is plain_net[2] and net[0][1] is inner[1]
    assert set(map(id, net.parameters())) == set(map(id, plain_net.parameters()))
    assert isinstance(nn.spectral_norm(Dense(2, 2, rng=rng()), rng=rng()), SpectralNorm)


def test_one_network_wrapped_with_one_seed_is_one_network():
    one, other = (nn.spectral_norm(small(), rng=rng(5)).state_dict() for _ in range(2))
    assert all((a == b).all() for a, b in zip(one.values(), other.values(), strict=True))


def test_it_works_inside_unrolled_and_gets_its_u_back():
    discriminator = nn.spectral_norm(
        Sequential(Dense(2, 4, rng=rng()), Tanh(), Dense(4, 1, rng=rng(1))), iterations=60, rng=rng(2)
    ).astype(np.float64)
    adam = optim.Adam(discriminator.parameters(), 0.05)
    real, pair, before = normal(5, 2), gan.hinge, discriminator.state_dict()
    start, direction, h = normal(5, 2, seed=1), normal(5, 2, seed=2), 1e-5

    def loss(fake):
        return gan.unrolled(
            discriminator,
            adam,
            lambda: pair.discriminator(discriminator(real), discriminator(fake)),
            lambda: pair.generator(discriminator(fake)),
            steps=2,
        )

    fake = minigen.tensor(start, requires_grad=True)
    (slope,) = minigen.grad(loss(fake), [fake])
    values = [loss(minigen.tensor(start + sign * h * direction)).item() for sign in (1, -1)]
    assert (slope.numpy() * direction).sum() == pytest.approx((values[0] - values[1]) / (2 * h), rel=1e-6)
    after = discriminator.state_dict()
    assert all((before[name] == after[name]).all() for name in before)


@pytest.mark.parametrize("name", LAYERS)
def test_float32_stays_float32_on_every_backend(name, xp):
    make, shape = LAYERS[name]
    spectral = SpectralNorm(make(), rng=rng(1))
    x = minigen.Tensor(xp.asarray(normal(*shape).astype(np.float32)), requires_grad=True)
    y = spectral(x)
    grads = minigen.grad(y, [x, spectral.layer.weight], minigen.ones(*y.shape))
    for found in (y, *grads, spectral.u, spectral.v):
        assert found.dtype == np.float32 and isinstance(found.data, xp.ndarray)


# Corners and refusals ------------------------------------------------------------------------------------------------


def test_a_weight_of_0_stays_0_and_u_and_v_are_not_lost():
    spectral, x = made("Dense")
    weight = spectral.layer.weight
    weight.data, u, v = weight.data * 0, spectral.u.numpy().copy(), spectral.v.numpy().copy()
    y = spectral(x)
    assert (y.numpy() == spectral.layer.bias.numpy()).all()
    assert (spectral.u.numpy() == u).all() and (spectral.v.numpy() == v).all()
    assert np.isfinite(minigen.grad((y * y).sum() + y.sum(), [weight])[0].numpy()).all()
    from_zeros = SpectralNorm(Dense(4, 3, initialiser=nn.initialisers.zeros, rng=rng()), rng=rng(1))
    assert all(np.linalg.norm(x.numpy()) == pytest.approx(1, rel=1e-6) for x in (from_zeros.u, from_zeros.v))


def test_an_error_in_the_layer_leaves_its_weight():
    spectral, _ = made("Dense")
    weight = spectral.layer.weight
    with pytest.raises(minigen.ShapeError, match=r"Dense\(4, 3\): x has shape"):
        spectral(minigen.ones(2, 5))
    assert spectral.layer.weight is weight


class Residual(Module):
    def __init__(self):
        self.inner = Dense(2, 2, rng=rng())

    def __call__(self, x):
        return x + self.inner(x)


def test_what_cannot_be_normalised_is_refused():
    with pytest.raises(SettingError, match="SpectralNorm: Tanh has no kernel to normalise; wrap Dense"):
        SpectralNorm(Tanh(), rng=rng())
    with pytest.raises(SettingError, match="SpectralNorm: iterations=0 must be at least 1"):
        SpectralNorm(Dense(2, 2, rng=rng()), iterations=0, rng=rng())
    with pytest.raises(SettingError, match="no Dense and no convolution to wrap"):
        nn.spectral_norm(Sequential(Tanh()), rng=rng())
    with pytest.raises(SettingError, match="spectral_norm: 1.0 is Residual, which has Dense inside"):
        nn.spectral_norm(Sequential(Dense(2, 2, rng=rng()), Sequential(Residual())), rng=rng())


# The referee ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["Dense", "Conv2D", "Conv2DTranspose"])
def test_pytorch_agrees_call_by_call(kind):
    torch = pytest.importorskip("torch", reason="PyTorch, the referee, is not installed")
    from torch.nn.utils import parametrizations

    torch.manual_seed(0)
    theirs, ours, order = {
        "Dense": (torch.nn.Linear(4, 3), Dense(4, 3, rng=rng()), (1, 0)),
        "Conv2D": (torch.nn.Conv2d(2, 3, 3), Conv2D(2, 3, 3, rng=rng()), (2, 3, 1, 0)),
        "Conv2DTranspose": (torch.nn.ConvTranspose2d(2, 3, 3), Conv2DTranspose(2, 3, 3, rng=rng()), (2, 3, 1, 0)),
    }[kind]
    x = normal(2, 4) if kind == "Dense" else normal(2, 4, 4, 2)
    theirs, spectral = theirs.double(), SpectralNorm(ours, rng=rng(1)).astype(np.float64)
    ours.weight.data = np.ascontiguousarray(theirs.weight.detach().numpy().transpose(order))
    ours.bias.data = theirs.bias.detach().numpy()
    theirs = parametrizations.spectral_norm(theirs, n_power_iterations=400, dim=0).train()
    spectral.iterations = 400
    turned = torch.tensor(x if kind == "Dense" else x.transpose(0, 3, 1, 2).copy())
    y = theirs(turned)
    expected = y.detach().numpy() if kind == "Dense" else y.detach().numpy().transpose(0, 2, 3, 1)
    found = spectral(x)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-9, atol=1e-12)
    (y * y).sum().backward()
    (slope,) = minigen.grad((found * found).sum(), [ours.weight])
    wanted = theirs.parametrizations.weight.original.grad.numpy().transpose(order)
    np.testing.assert_allclose(slope.numpy(), wanted, rtol=1e-8, atol=1e-11)

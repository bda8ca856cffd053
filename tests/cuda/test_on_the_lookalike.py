"""The stand-ins on arrays with CuPy's interface, the shim beneath: what they ask of CuPy is what CuPy has."""

import numpy as np
import pytest

import minigen
from minigen import backend
from minigen.autograd import FUSED, OPS, Parameter, kernels_off
from minigen.errors import AnomalyError
from minigen.kernels import cuda_launch
from minigen.ops import Geometry
from minigen.ops.coins import draw_coins
from minigen.ops.draws import draw_normal, draw_uniform
from minigen.optim import Adam, AdamW
from minigen.train import gan

from ..lookalike import lookalike
from ..ops.examples import EXAMPLES
from ..ops.test_draws import near
from . import shim
from .conftest import on_cupy
from .test_kernels import OPERATIONS, assert_equal, computed

pytestmark = pytest.mark.skipif(bool(shim.WHY_NOT), reason=shim.WHY_NOT)


@pytest.fixture
def device(monkeypatch):
    """The look-alike as CuPy, its kernels back in their places and run by the shim."""
    stand_ins = {name: op.kernels["cupy"] for name, op in on_cupy().items()}
    operations = on_cupy()
    kernels = shim.kernels()
    kernels.ran.clear()

    def run(name, blocks, args):
        kernels.run(name, blocks, tuple(getattr(x, "_inside", x) for x in args))

    monkeypatch.setattr(cuda_launch, "run", run)
    with lookalike.playing() as module:
        for name, op in operations.items():
            monkeypatch.setitem(op.kernels, "cupy", stand_ins[name])
        backend.use("cupy")
        yield module
        monkeypatch.undo()  # before the look-alike puts back what it found


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", OPERATIONS)
def test_a_stand_in_on_the_device_equals_the_formula_on_the_host(name, dtype, device):
    op = OPS.get(name) or FUSED[name]
    for case in EXAMPLES[name][1](np.random.default_rng(0)):
        inputs = [np.asarray(x) for x in case.inputs]
        inputs = [x.astype(dtype) if x.dtype.kind == "f" else x for x in inputs]
        with kernels_off():
            plain = computed(op, inputs, case.settings)
        fast = computed(op, [device.asarray(x) for x in inputs], case.settings)
        assert_equal(zip(fast, plain, strict=True))
    assert bool(shim.kernels().ran) == (dtype == np.float32)


@pytest.mark.parametrize("gap, together", [(0, 4), (1, 1), (4, 4)])
def test_four_numbers_move_at_once_only_where_addresses_allow_it(gap, together, device, monkeypatch):
    geometry = Geometry((5, 4), (3, 2), (3, 3), (2, 2), (1, 1), (1, 1))
    x = device.zeros(gap + 2 * 5 * 4 * 4, np.float32)[gap:].reshape(2, 5, 4, 4)
    assert x.flags.c_contiguous and x.data.ptr % 16 == 4 * gap % 16
    seen = []
    monkeypatch.setattr(cuda_launch, "run", lambda name, blocks, args: seen.append(args[3]))
    OPS["patches"](x, geometry=geometry)
    assert seen == [together]


def test_the_gradient_of_rows_chosen_on_the_device_is_one_launch_and_nobody_waits(device):
    x = minigen.Tensor(device.zeros((3, 2), np.float32), requires_grad=True)
    places, dy = device.asarray(np.array([0, 4, -1, 1])), device.asarray(np.arange(8, dtype=np.float32).reshape(4, 2))
    y = x[places]
    with lookalike.no_sync(), lookalike.counted() as counts:
        (dx,) = minigen.grad(y, [x], dy)
    assert shim.kernels().ran == {"add_rows": 1} and counts.launches == counts.uploads == 0
    np.testing.assert_array_equal(dx.numpy(), [[0, 1], [8, 10], [4, 5]])


def test_a_step_of_adam_is_three_launches(device):
    optimiser = Adam([Parameter(device.ones((3, 4), np.float32)), Parameter(device.zeros(5, np.float32))])
    optimiser.update([device.ones((3, 4), np.float32), device.ones(5, np.float32)])
    assert shim.kernels().ran == {"gather": 1, "note_faults": 1, "adam": 1}
    np.testing.assert_allclose(optimiser.parameters[0].numpy(), 0.999, rtol=1e-6)
    optimiser.release()


def test_a_faulty_gradient_is_named_and_changes_nothing(device):
    optimiser = AdamW([Parameter(device.ones(n, np.float32), name=f"p{n}") for n in (3000, 5)], 0.1)
    good = [device.ones(n, np.float32) for n in (3000, 5)]
    optimiser.update(good)
    before = [p.numpy().copy() for p in optimiser.parameters]
    bad = [device.ones(n, np.float32) for n in (3000, 5)]
    bad[1][2] = np.inf
    optimiser.update(bad)
    later = [device.ones(n, np.float32) for n in (3000, 5)]
    later[0][0] = np.nan  # in a chunk of its own, before the other's
    optimiser.update(later)
    with pytest.raises(AnomalyError, match="gradient of p5 holds a NaN or an infinity at step 2; nothing was"):
        optimiser.state_dict()
    assert optimiser.steps == 1
    assert all((a == p.numpy()).all() for a, p in zip(before, optimiser.parameters, strict=True))
    optimiser.release()


@pytest.mark.parametrize("shape", [(), (0, 3), (5, 7), (3, 14, 14, 8)])
def test_coins_are_tossed_on_the_device_and_are_the_hosts(shape, device):
    with lookalike.counted() as counts:
        found = draw_coins(np.random.default_rng(1), shape, 0.3)
    assert isinstance(found, device.ndarray) and found.shape == shape and found.flags.c_contiguous
    assert (counts.uploads, counts.syncs, counts.launches) == (1, 0, 0)  # the key
    assert shim.kernels().ran == ({"coins": 1} if found.size else {})
    np.testing.assert_array_equal(found.get(), draw_coins(np.random.default_rng(1), shape, 0.3, np))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (0, 3), (5, 7), (64, 100)])
@pytest.mark.parametrize("name, draw", [("uniforms", draw_uniform), ("normals", draw_normal)])
def test_numbers_are_made_on_the_device_of_a_key_and_are_the_hosts(name, draw, shape, dtype, device):
    rng, again = (backend.generator(1, "device") for _ in range(2))
    with lookalike.counted() as counts:
        found = draw(rng, shape, dtype)
    assert isinstance(found, device.ndarray) and found.shape == shape and found.dtype == dtype
    assert found.flags.c_contiguous
    assert (counts.uploads, counts.syncs, counts.launches) == (1, 0, 0)  # the key; of float64 the numbers
    assert shim.kernels().ran == ({name: 1} if found.size and dtype == np.float32 else {})
    expected = draw(again, shape, dtype, np)
    near(found.get(), expected) if draw is draw_normal else np.testing.assert_array_equal(found.get(), expected)
    assert str(rng.bit_generator.state) == str(again.bit_generator.state)


def one_step(width, **settings):
    """Losses and weights after a step of the article's GAN, and what the step asked of the device."""
    recipe = gan.Gan(gan.Config(width=width, batch=3, **settings))
    images = np.random.default_rng(5).uniform(-1, 1, (3, 28, 28, 1)).astype(np.float32)
    images = minigen.tensor(images)
    shim.kernels().ran.clear()
    with lookalike.counted() as counts:
        losses = recipe.step(images)
    weights = [p.numpy() for network in recipe.networks.values() for p in network.parameters()]
    for optimiser in (recipe.optimiser_g, recipe.optimiser_d):
        optimiser.release()
    return [float(loss) for loss in losses.values()], weights, counts.launches, dict(shim.kernels().ran)


def test_a_step_of_the_articles_gan_with_kernels_equals_one_without(device):
    settings = {"dropout": 0.3, "ema": 0.0, "learning_rate": 1e-4, "d_learning_rate": 1e-4}
    losses, weights, launches, ran = one_step(1 / 32, **settings)
    with kernels_off():
        plain_losses, plain_weights, plain_launches, nothing = one_step(1 / 32, **settings)
    np.testing.assert_allclose(losses, plain_losses, rtol=1e-5)
    # Adam's first step has slopes up to rate / eps = 1e4: rounding of 1e-9 in a gradient near 0 moves a weight by 1e-5.
    apart = np.concatenate([np.abs(fast - plain).ravel() for fast, plain in zip(weights, plain_weights, strict=True)])
    assert apart.max() < 1e-5 and np.mean(apart > 1e-6) < 1e-4
    assert ran["adam"] == 2 and not nothing
    assert launches + sum(ran.values()) < 0.5 * plain_launches

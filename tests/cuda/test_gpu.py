"""The kernels on a real GPU, through CuPy: the same comparisons with the formulas.  Skipped where there is none.

pytest tests/cuda/test_gpu.py --backend cupy
"""

from contextlib import nullcontext

import numpy as np
import pytest

from minigen import backend
from minigen.autograd import FUSED, OPS, Parameter, kernels_off
from minigen.errors import AnomalyError
from minigen.kernels import cuda_launch
from minigen.ops.coins import draw_coins
from minigen.ops.convolution import conv, conv_kernel_grad, conv_transpose
from minigen.ops.draws import draw_normal, draw_uniform
from minigen.optim import Adam

from ..ops.examples import EXAMPLES
from ..ops.test_draws import near
from . import test_kernels as checks

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(bool(backend.probe()), reason=backend.probe().partition("\n")[0])]

SHAPES = [*checks.SHAPES, (50_000, 64), (128, 14, 14, 64)]  # many blocks on many multiprocessors at once


@pytest.fixture
def cupy(monkeypatch):
    """CuPy, and the names of the kernels that ran.  At the end all work is waited for, so that faults show here."""
    import cupy

    launches = []

    def run(name, blocks, args):
        launches.append(name)
        cuda_launch.on_the_gpu(name, blocks, args)

    monkeypatch.setattr(cuda_launch, "run", run)
    cupy._core.set_compute_type("float32", backend._COMPUTE_TYPES["fp32"])  # whatever CUPY_TF32 says
    yield cupy, launches
    cupy.cuda.get_current_stream().synchronize()


def against_the_host(cupy, op, inputs, settings, rounding=1e-5):
    """The stand-in on the GPU beside the formula in float64 on the host."""
    wide = [x.astype(np.float64) if x.dtype.kind == "f" else x for x in inputs]
    with kernels_off():
        plain = checks.computed(op, wide, settings)
    fast = checks.computed(op, [cupy.asarray(x) for x in inputs], settings)
    checks.assert_equal([(x, y.astype(np.float32)) for x, y in zip(fast, plain, strict=True)], rounding)


@pytest.mark.parametrize("name", checks.OPERATIONS)
def test_a_stand_in_equals_its_formula(name, cupy):
    module, launches = cupy
    for case in EXAMPLES[name][1](np.random.default_rng(0)):
        inputs = [np.asarray(x) for x in case.inputs]
        inputs = [x.astype(np.float32) if x.dtype.kind == "f" else x for x in inputs]
        against_the_host(module, OPS.get(name) or FUSED[name], inputs, case.settings)
    assert launches


@pytest.mark.parametrize("seed", range(40))
def test_the_three_faces_on_drawn_geometries(seed, cupy):
    rng = np.random.default_rng(seed)
    geometry = checks.drawn_geometry(rng)
    C, OC = int(rng.choice([1, 2, 3, 4, 8])), int(rng.choice([1, 2, 4]))
    x = checks.normal(rng, 3, *geometry.sizes, C * geometry.groups)
    w = checks.normal(rng, *geometry.window, C, OC * geometry.groups)
    y = checks.normal(rng, 3, *geometry.outs, OC * geometry.groups)
    for op, inputs in ((conv, (x, w)), (conv_transpose, (y, w)), (conv_kernel_grad, (x, y))):
        against_the_host(cupy[0], op, inputs, {"geometry": geometry})


@pytest.mark.parametrize("shape", SHAPES)
def test_batch_norm(shape, cupy):
    rng = np.random.default_rng(0)
    x, gamma, beta = 3 + 2 * checks.normal(rng, *shape), checks.normal(rng, shape[-1]), checks.normal(rng, shape[-1])
    settings = {"eps": 1e-3, "moments": None}
    against_the_host(cupy[0], FUSED["batch_norm"], (x, gamma, beta), settings, 1e-4)


def test_every_launch_repeats_bit_for_bit(cupy):
    module, _ = cupy
    rng = np.random.default_rng(0)
    x, gamma = module.asarray(checks.normal(rng, 50_000, 64)), module.ones(64, np.float32)
    runs = [checks.computed(FUSED["batch_norm"], [x, gamma, gamma], {"eps": 1e-3, "moments": None}) for _ in range(3)]
    assert all(np.array_equal(a, b) for other in runs[1:] for a, b in zip(runs[0], other, strict=True))


def test_the_gradient_of_chosen_rows_repeats_bit_for_bit_and_places_come_round(cupy):
    module, launches = cupy
    rng = np.random.default_rng(0)
    places, values = rng.integers(-5000, 5000, 4000), checks.normal(rng, 4000, 32)
    given = module.asarray(values), module.asarray(places)
    runs = [OPS["put_add"](given[0], index=given[1], shape=(100, 32)).get() for _ in range(3)]
    assert launches == ["add_rows"] * 3
    expected = np.zeros((100, 32))
    np.add.at(expected, places % 100, values)
    checks.assert_equal([(runs[0], expected.astype(np.float32))], 1e-5)
    assert all(np.array_equal(runs[0], other) for other in runs[1:])


def test_ten_steps_of_adam(cupy, monkeypatch):
    _, launches = cupy
    results = []
    for name, which in (("cupy", nullcontext), ("numpy", kernels_off)):
        monkeypatch.setattr(backend, "_chosen", name)
        rng = np.random.default_rng(0)
        optimiser = Adam([Parameter(checks.normal(rng, 300, 400))])
        with which():
            for _ in range(10):
                optimiser.update([backend.to_device(checks.normal(rng, 300, 400))])
        results.append(optimiser.parameters[0].numpy().copy())
        optimiser.release()
    checks.assert_equal([tuple(results)])
    assert launches == ["gather", "note_faults", "adam"] * 10


def test_a_faulty_gradient_is_named_and_changes_nothing(cupy):
    module, _ = cupy
    sizes = {"large": 3_000_000, "small": 5}
    optimiser = Adam([Parameter(module.ones(n, np.float32), name=name) for name, n in sizes.items()])
    optimiser.update([module.ones(n, np.float32) for n in sizes.values()])
    before = [p.numpy().copy() for p in optimiser.parameters]
    for bad in ("small", "large", None):
        grads = {name: module.ones(n, np.float32) for name, n in sizes.items()}
        if bad:
            grads[bad][4] = np.inf
        optimiser.update(list(grads.values()))
    with pytest.raises(AnomalyError, match="gradient of small holds a NaN or an infinity at step 2; nothing was"):
        optimiser.state_dict()
    assert optimiser.steps == 1
    assert all((a == p.numpy()).all() for a, p in zip(before, optimiser.parameters, strict=True))
    optimiser.release()


@pytest.mark.parametrize("shape", [(7,), (256, 14, 14, 64)])
def test_coins_are_the_hosts(shape, cupy):
    module, launches = cupy
    found = draw_coins(np.random.default_rng(1), shape, 0.3, module)
    assert launches == ["coins"]
    np.testing.assert_array_equal(found.get(), draw_coins(np.random.default_rng(1), shape, 0.3, np))


@pytest.mark.parametrize("shape", [(7,), (256, 100), (256, 14, 14, 64)])
@pytest.mark.parametrize("name, draw", [("uniforms", draw_uniform), ("normals", draw_normal)])
def test_numbers_of_a_key_are_the_hosts(name, draw, shape, cupy):
    module, launches = cupy
    found = draw(backend.generator(1, "device"), shape, np.float32, module)
    assert launches == [name]
    expected = draw(backend.generator(1, "device"), shape, np.float32, np)
    near(found.get(), expected) if draw is draw_normal else np.testing.assert_array_equal(found.get(), expected)

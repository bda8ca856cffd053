"""The kernels on a real GPU, through CuPy: the same comparisons with the formulas.  Skipped where there is none.

pytest tests/cuda/test_gpu.py --backend cupy
"""

from contextlib import nullcontext

import numpy as np
import pytest

from minigen import backend
from minigen.autograd import FUSED, OPS, Parameter, kernels_off
from minigen.kernels import cuda_launch
from minigen.ops.convolution import conv, conv_kernel_grad, conv_transpose
from minigen.optim import Adam

from ..ops.examples import EXAMPLES
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
    assert launches == ["adam"] * 10

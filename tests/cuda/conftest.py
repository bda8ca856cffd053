"""`on_the_cpu`: what stands in on CuPy stands in on NumPy instead, and the shim runs its kernels."""

import numpy as np
import pytest

from minigen.autograd import FUSED, OPS
from minigen.kernels import cuda_launch
from minigen.ops.coins import toss
from minigen.ops.draws import normals, uniforms
from minigen.ops.gather import gather
from minigen.ops.steps import adam_step, watched_adam_step

from . import shim

IN_PLACE = {op.name: op for op in (adam_step, watched_adam_step, toss, uniforms, normals, gather)}


def on_cupy():
    """Every operation for which a kernel is registered on CuPy."""
    return {name: op for name, op in {**OPS, **FUSED, **IN_PLACE}.items() if "cupy" in op.kernels}


@pytest.fixture
def on_the_cpu(monkeypatch):
    """The shim; NumPy's own kernels are away, and new arrays are full of NaN, so that none is right by chance."""
    if shim.WHY_NOT:
        pytest.skip(shim.WHY_NOT)
    kernels = shim.kernels()
    kernels.ran.clear()
    monkeypatch.setattr(cuda_launch, "run", kernels.run)
    stand_ins = on_cupy()
    for name, op in {**OPS, **FUSED, **IN_PLACE}.items():
        if name in stand_ins:
            monkeypatch.setitem(op.kernels, "numpy", op.kernels["cupy"])
        else:
            monkeypatch.delitem(op.kernels, "numpy", raising=False)
    empty = np.empty

    def poisoned(shape, dtype=float, **options):
        array = empty(shape, dtype, **options)
        if array.dtype.kind == "f":
            array.fill(np.nan)
        return array

    monkeypatch.setattr(np, "empty", poisoned)
    return kernels

"""Mistakes planted in the library's own CUDA texts: every one is caught by the comparison with the formulas."""

import numpy as np
import pytest

from minigen.autograd import FUSED, OPS
from minigen.kernels import cuda_launch, cuda_source
from minigen.optim import Adam

from . import shim
from . import test_kernels as checks

MUTANTS = [
    # convolution
    ("patches", "(at0 >= 0 && at1 >= 0 && at2 >= 0)", "(at0 >= 0 && at1 >= 0)"),
    ("patches", "return at < axis.size ? max(at, -1) : -1;", "return at <= axis.size ? max(at, -1) : -1;"),
    ("patches", "o * axis.stride + k * axis.dilation", "o * axis.stride + k"),
    ("patches", "+ at2) * C + channel", "+ at2) * C"),
    ("patches", "o < axis.outs ? o : -1", "o <= axis.outs ? o : -1"),
    ("patches", "const int reach = at + axis.before;", "const int reach = at;"),
    ("patches", "if (o1 < 0) continue;", "if (o1 < -1) continue;"),
    ("patches", "k2 += step2", "k2 += 1"),
    ("patches", "% axis.stride == 0", "% axis.stride >= 0"),
    ("patches", "a.w += b.w", "a.w += b.z"),
    ("patches", "if (i >= count) return;", ""),
    # normalise
    ("normalise", "end = min(start + length, rows)", "end = start + length"),
    ("normalise", "sum_down(sum) / (end - start)", "sum_down(sum) / length"),
    ("normalise", "+ d * d * min(length, rows - chunk * length)", "+ d * d"),
    ("normalise", "row < end; row += ROWS", "row + 1 < end; row += ROWS"),
    ("normalise", "const bool ours = channel < channels;", "const bool ours = true;"),
    ("normalise", "product * r[channel]", "product"),
    ("normalise", "if (ours && threadIdx.x < LANES)", "if (ours && threadIdx.x < 2 * LANES && channel > 0)"),
    ("normalise", "- dbeta[channel] / rows - along", "- along"),
    # Adam
    ("adam", "sqrtf(square) + eps", "sqrtf(square + eps)"),
    ("adam", "rest2 * (slope * slope)", "rest1 * (slope * slope)"),
    # activations
    ("activations", "x[i] > 0.0f ? a[i]", "x[i] >= 0.0f ? a[i]"),
    ("activations", "x[i] > 0.0f ? x[i] : slope * x[i]", "x[i] > 0.0f ? x[i] : slope"),
    ("activations", "(x >= 0.0f ? 1.0f : e)", "1.0f"),
    ("activations", "expf(-fabsf(x))", "expf(-x)"),
    ("activations", "kept[i] ? scale : 0.0f", "kept[i] ? 1.0f : 0.0f"),
    ("activations", "if (i < count) y[i] = soft(x[i]);", "y[i] = soft(x[i]);"),
    # rows
    ("rows", "top = largest_of_all(top);", ""),
    ("rows", "if (isinf(top) && top < 0.0f) top = 0.0f;", ""),
    ("rows", "i < length; i += BLOCK) own_y", "i < BLOCK; i += BLOCK) own_y"),
    ("rows", "i += BLOCK) sum += own_x", "i += BLOCK - 1) sum += own_x"),
    ("rows", "(blockIdx.x % rows_of_x)", "blockIdx.x"),
    ("rows", "x[i % size_of_x]", "x[i]"),
]


def compare_everything(family, kernels):
    """The comparisons of test_kernels.py for one family."""
    if family == "patches":
        with pytest.MonkeyPatch.context() as patch:
            checks.test_four_channels_at_a_time_or_one(kernels, patch)
        for seed in range(12):
            checks.test_the_three_faces_equal_their_formulas_on_drawn_geometries(seed, kernels)
    elif family == "normalise":
        for shape in checks.SHAPES[:5]:
            checks.test_batch_norm_of_many_shapes(shape, kernels)
    elif family == "adam":
        checks.test_ten_steps_of_adam(lambda parameters: Adam(parameters, eps=1e-3), kernels)
    elif family == "activations":
        rng = np.random.default_rng(0)
        x, a, kept = 30 * checks.normal(rng, 300), checks.normal(rng, 300), rng.random(300) < 0.5
        x[:3] = [0, 800, -800]
        calls = {"leaky_relu": ([x], {"slope": 0.2}), "leaky_gate": ([a, x], {"slope": 0.2}), "sigmoid": ([x], {})}
        for name, (inputs, settings) in {
            **calls,
            "softplus": ([x], {}),
            "masked": ([x, kept], {"scale": 1.5}),
        }.items():
            checks.assert_equal(checks.both(OPS[name], inputs, settings))
    else:
        rng = np.random.default_rng(0)
        for shape in ((3, 300), (2, 3, 5)):
            x = rng.random(shape[-2:]).astype(np.float32)
            checks.assert_equal(checks.both(FUSED["bernoulli_sum"], (x, checks.normal(rng, *shape))))
            x = 100 * checks.normal(rng, *shape)
            x[0] = -np.inf
            checks.assert_equal(checks.both(OPS["logsumexp"], [x], {"axis": -1}))
            checks.assert_equal(checks.both(OPS["softmax"], [x[1:]], {"axis": -1}))


@pytest.mark.parametrize("family", ["patches", "normalise", "adam", "activations", "rows"])
def test_the_right_text_passes(family, on_the_cpu):
    compare_everything(family, on_the_cpu)


@pytest.mark.parametrize("family, right, wrong", MUTANTS)
def test_a_planted_mistake_is_caught(family, right, wrong, on_the_cpu, monkeypatch):
    families = ("common", "activations", "rows") if family == "rows" else ("common", family)
    source = cuda_source.text(*families)
    assert right in source
    mutant = shim.Shim(source.replace(right, wrong), "-O0")
    monkeypatch.setattr(cuda_launch, "run", mutant.run)
    with np.errstate(all="ignore"), pytest.raises(AssertionError):  # NumPy's warnings of wrong numbers are no catch
        compare_everything(family, mutant)

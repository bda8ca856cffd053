"""Mistakes planted in the library's own CUDA texts: every one is caught by the comparison with the formulas."""

import numpy as np
import pytest

from minigen.autograd import FUSED, OPS
from minigen.kernels import cuda_launch, cuda_source
from minigen.optim import Adam

from . import shim
from . import test_draws as draws
from . import test_kernels as checks
from . import test_steps as steps

MUTANTS = [
    # convolution
    ("patches", "(at0 < 0 || at1 < 0 || at2 < 0)", "(at0 < 0 || at1 < 0)"),
    ("patches", "return at < axis.size ? at : -1;", "return at <= axis.size ? at : -1;"),
    ("patches", "return at < axis.size ? at : -1;", "return at < axis.size ? max(at, 0) : -1;"),
    ("patches", "o * axis.stride + k * axis.dilation", "o * axis.stride + k"),
    ("patches", "+ at2) * C + channel", "+ at2) * C"),
    ("patches", "at + axis.before - k * axis.dilation;", "at - k * axis.dilation;"),
    ("patches", "at + axis.before - k * axis.dilation;", "at + axis.before - k;"),
    ("patches", "o * axis.stride == reach && ", ""),
    ("patches", " && o < axis.outs", " && o <= axis.outs"),
    ("patches", "if (o1 < 0) continue;", "if (o1 < -1) continue;"),
    ("patches", "for (int k2 = 0;", "for (int k2 = 1;"),
    ("patches", "* c.window + k2) * C + channel]", "* c.window + k2) * C]"),
    ("patches", "sum.w += one.w", "sum.w += one.z"),
    ("patches", "if (i >= count) return;", ""),
    # normalise
    ("normalise", "end = min((chunk + 1) * length, rows)", "end = (chunk + 1) * length"),
    ("normalise", "sum_down(sum) / (tile.end - tile.chunk * length)", "sum_down(sum) / length"),
    ("normalise", "+ d * d * min(length, rows - chunk * length)", "+ d * d"),
    ("normalise", "row < tile.end; row += ROWS", "row + 1 < tile.end; row += ROWS"),
    ("normalise", "first, end, channel < channels}", "first, end, true}"),
    ("normalise", "blockIdx.x % tiles * LANES", "blockIdx.x / tiles * LANES"),
    ("normalise", "if (tile.chunk == 0 && threadIdx.x < LANES)", "if (threadIdx.x < LANES)"),
    ("normalise", "if (!tile.ours) return;", ""),
    ("normalise", "product * root;", "product;"),
    ("normalise", " - sum / rows", ""),
    ("normalise", "product * root * root / rows", "product * root / rows"),
    ("normalise", "z > 0.0f ? z : slope * z", "z > 0.0f ? z : z"),
    ("normalise", "slope == 1.0f || y[i] > 0.0f ? dy", "slope == 1.0f || y[i] >= 0.0f ? dy"),
    ("normalise", "const float dz = let_through(dy[i], y, i, slope)", "const float dz = dy[i]"),
    ("normalise", "momentum == 0.0f ? rest * batch :", ""),
    ("normalise", "correction * square", "square"),
    ("normalise", "momentum * running[channel] + rest", "running[channel] + rest"),
    # Adam
    ("adam", "sqrtf(square) + eps", "sqrtf(square + eps)"),
    ("adam", "rest2 * (slope * slope)", "rest1 * (slope * slope)"),
    ("adam", "g[i] + decay * w[i]", "g[i]"),
    ("adam", "shrink * w[i]", "w[i]"),
    ("adam", "if (__syncthreads_or(faults[threadIdx.x] != 0)) return;", ""),
    ("adam", "__syncthreads_or(faults[threadIdx.x] != 0)", "faults[blockIdx.x] != 0"),
    ("adam", " && faults[blockIdx.x] == 0)", ")"),
    ("adam", "faults[blockIdx.x] = first + 1;", "faults[blockIdx.x] = first;"),
    ("adam", "(int)numbers[0]", "(int)numbers[1]"),
    ("adam", "min(length, count - start)", "length"),
    ("adam", "first = min(first, i)", "first = i"),
    ("adam", "if (!isfinite(g[i]))", "if (isnan(g[i]))"),
    ("adam", "numbers[threadIdx.x + half]);", "numbers[threadIdx.x]);"),
    # coins
    ("random", "round < 10", "round < 9"),
    ("random", "first + i + 1", "first + i"),
    ("random", "(unsigned long long)first + i", "(unsigned long long)i"),
    ("random", "(unsigned)key[0]", "key[0]"),
    ("random", "(unsigned long long)(unsigned)key[1] << 32", "(unsigned long long)(unsigned)key[1]"),
    ("random", "c = high0 ^ d ^ key1", "c = high0 ^ d"),
    ("random", ">= bound) << 8 * j;", "> bound) << 8 * j;"),
    ("random", "(b >> 16 * j & 0xffff)", "(b >> 16 * j & 0x7fff)"),
    ("random", "if (i >= count) return;", ""),
    ("random", "own[1] = eight_coins(of.c, of.d, bound)", "own[1] = eight_coins(of.d, of.c, bound)"),
    # uniform and normal numbers
    ("random", "(word >> 8) * 0x1p-24f", "(word >> 9) * 0x1p-23f"),
    ("random", "(word >> 8) * 0x1p-24f", "word * 0x1p-32f"),
    ("random", "share(a >> 32)", "share(a)"),
    ("random", "own[1] = four_shares(of.c, of.d)", "own[1] = four_shares(of.a, of.b)"),
    ("random", "own[0] = four_shares(of.a, of.b)", "own[0] = four_shares(of.b, of.a)"),
    ("random", "(float)(unsigned)number", "(float)number"),
    ("random", "(float)(unsigned)number", "(float)(int)number"),
    ("random", "-2.0f * logf(u)", "-logf(u)"),
    ("random", "logf(u)", "logf(1.0f - u)"),
    ("random", "(int)(number >> 32)", "(int)number"),
    ("random", "number >> 32) * 0x1p-31f", "number >> 32) * 0x1p-32f"),
    ("random", "&y, &x);", "&x, &y);"),
    ("random", "y *= r;", ""),
    ("random", "two_normals(b, four.z, four.w);", "two_normals(a, four.z, four.w);"),
    ("random", "own[1] = four_normals(of.c, of.d)", "own[1] = four_normals(of.d, of.c)"),
    ("random", "(float4*)y + 2 * (long long)i", "(float4*)y + (long long)i"),
    # activations
    ("activations", "x[i] > 0.0f ? a[i]", "x[i] >= 0.0f ? a[i]"),
    ("activations", "x[i] > 0.0f ? x[i] : slope * x[i]", "x[i] > 0.0f ? x[i] : slope"),
    ("activations", "(x >= 0.0f ? 1.0f : e)", "1.0f"),
    ("activations", "expf(-fabsf(x))", "expf(-x)"),
    ("activations", "kept[i] ? scale : 0.0f", "kept[i] ? 1.0f : 0.0f"),
    ("activations", "if (i < count) y[i] = soft(x[i]);", "y[i] = soft(x[i]);"),
    ("activations", "a[i] * (1.0f - t[i] * t[i])", "a[i] * (1.0f - t[i])"),
    (
        "activations",
        "b[i % channels];\n    y[i] = z > 0.0f ? z : slope * z;",
        "b[i / channels % channels];\n    y[i] = z;",
    ),
    ("activations", "(z > 0.0f ? z : slope * z) * (kept[i] ? scale", "(z > 0.0f ? z : slope * z) * (kept[0] ? scale"),
    ("activations", "(z > 0.0f ? z : slope * z) * (kept", "z * (kept"),
    ("activations", "(y[i] > 0.0f ? a[i] : slope * a[i]) * (kept[i] ? scale", "a[i] * (kept[i] ? scale"),
    ("activations", "slope * a[i]) * (kept[i] ? scale", "slope * a[i]) * (kept[i] ? 1.0f"),
    # losses
    ("losses", "soft(-a[i]) + smooth * a[i]", "soft(-a[i])"),
    ("losses", "if (i < reals)", "if (i <= reals)"),
    ("losses", "i < reals ? dy[0]", "i <= reals ? dy[0]"),
    ("losses", "smooth - sigma(-a[i])", "smooth - sigma(a[i])"),
    ("losses", "dy[0] / (count - reals) * sigma", "1.0f / (count - reals) * sigma"),
    ("losses", "fake / max(count - reals, 1)", "fake / count"),
    ("losses", "if (i >= count) return;", ""),
    ("losses", "sum += x[i];", "sum += x[0];"),
    # gather
    ("gather", "a3[i - end2]", "a3[i]"),
    ("gather", "i < end7", "i <= end7"),
    ("gather", "else if (i < end15)", "else"),
    ("gather", "if (i >= count) return;", ""),
    ("gather", "i / length, column", "i % rows, column"),
    ("gather", "column = i % length", "column = 0"),
    ("gather", "k < taken", "k + 1 < taken"),
    ("gather", "y[k * length", "y[row * length"),
    ("gather", "(int)(places[k] % rows)", "(int)places[k] % rows"),
    ("gather", "at < 0 ? at + rows : at", "at"),
    # rows
    ("rows", "own_x[i] * w[i]", "own_x[i] * w[0]"),
    ("rows", "sum + b[0]", "sum"),
    ("rows", "top = largest_of_all(top);", ""),
    ("rows", "if (isinf(top) && top < 0.0f) top = 0.0f;", ""),
    ("rows", "i < length; i += BLOCK) own_y", "i < BLOCK; i += BLOCK) own_y"),
    ("rows", "i += BLOCK) sum += own_x", "i += BLOCK - 1) sum += own_x"),
    ("rows", "(blockIdx.x % rows_of_x)", "blockIdx.x"),
    ("rows", "x[i % size_of_x]", "x[i]"),
]

BEFORE = {
    "activations": ["patches"],
    "losses": ["activations"],
    "rows": ["activations"],
    "adam": ["gather"],
}  # what a family calls, or its comparisons run


def compare_everything(family, kernels):
    """The comparisons of test_kernels.py for one family."""
    if family == "patches":
        with pytest.MonkeyPatch.context() as patch:
            checks.test_four_channels_at_a_time_or_one(kernels, patch)
        for seed in range(12):
            checks.test_the_three_faces_equal_their_formulas_on_drawn_geometries(seed, kernels)
    elif family == "normalise":
        for shape in checks.SHAPES[:5]:
            for slope in (None, 0.2):
                kernels.ran.clear()
                checks.test_batch_norm_of_many_shapes(shape, slope, kernels)
        kernels.ran.clear()
        checks.test_running_moments_move_in_the_same_launch_as_by_the_formula({"unbiased_running": True}, kernels)
        ties = np.array([[-1], [0], [1]], np.float32), np.ones(1, np.float32), np.zeros(1, np.float32)
        checks.assert_equal(
            checks.both(FUSED["batch_norm_leaky"], ties, {"eps": 0.0, "slope": 0.2})
        )  # y = 0 in the middle
    elif family == "adam":
        checks.test_ten_steps_of_adam(lambda parameters: Adam(parameters, eps=1e-3), kernels)
        for settings in ({"shrink": 0.99}, {"decay": 0.1}):
            steps.test_watched_steps_equal_the_formula(9001, settings, kernels)
        for bad in (np.nan, np.inf):
            steps.test_a_faulty_gradient_is_noted_and_nothing_moves_from_there(9001, bad, kernels)
    elif family == "random":
        for key in (0, 2**31, 2**63 + 5):
            steps.test_every_bit_of_the_key_arrives(key, kernels)
        steps.test_the_kernels_coins_are_numpys(4097, 0.3, kernels)
        with pytest.MonkeyPatch.context() as patch:
            steps.test_coins_too_many_for_one_launch_are_tossed_in_several(kernels, patch)
            draws.test_numbers_too_many_for_one_launch_are_made_in_several(kernels, patch)
        for key in (0, 2**63 + 5):
            draws.test_every_bit_of_the_key_arrives(key, kernels)
        for name in draws.DRAWS:
            draws.test_the_kernels_numbers_are_numpys(name, 4097, kernels)
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
        checks.assert_equal(checks.both(OPS["tanh_gate"], [a, x[::-1].copy() / 100]))
        checks.test_a_convolution_with_its_bend_and_its_dropout((3, 5, 4, 2), kernels)
    elif family == "losses":
        for size in (1, 257):
            kernels.ran.clear()
            checks.test_means_of_few_numbers_and_of_many(size, kernels)
    elif family == "gather":
        for count in (15, 17):
            kernels.ran.clear()
            checks.test_many_arrays_become_one_by_a_launch_for_sixteen(count, kernels)
        kernels.ran.clear()
        checks.test_the_gradient_of_chosen_rows_is_gathered_in_one_launch((300, 3), (40,), np.int64, kernels)
        checks.test_places_from_behind_and_out_of_range_come_round(kernels)
    else:
        checks.test_a_layer_with_one_output_is_a_launch_of_ours((3, 300), 1, kernels)
        rng = np.random.default_rng(0)
        for shape in ((3, 300), (2, 3, 5)):
            x = rng.random(shape[-2:]).astype(np.float32)
            checks.assert_equal(checks.both(FUSED["bernoulli_sum"], (x, checks.normal(rng, *shape))))
            x = 100 * checks.normal(rng, *shape)
            x[0] = -np.inf
            checks.assert_equal(checks.both(OPS["logsumexp"], [x], {"axis": -1}))
            checks.assert_equal(checks.both(OPS["softmax"], [x[1:]], {"axis": -1}))


@pytest.mark.parametrize("family", cuda_source.FAMILIES[1:])
def test_the_right_text_passes_and_every_kernel_of_it_is_run(family, on_the_cpu, monkeypatch):
    ran, run = set(), cuda_launch.run
    monkeypatch.setattr(cuda_launch, "run", lambda name, *launch: (ran.add(name), run(name, *launch)))
    compare_everything(family, on_the_cpu)
    assert ran >= cuda_source.signatures(cuda_source.text(family)).keys()


@pytest.mark.parametrize("family, right, wrong", MUTANTS)
def test_a_planted_mistake_is_caught(family, right, wrong, on_the_cpu, monkeypatch):
    own = cuda_source.text(family)
    assert right in own
    mutant = shim.Shim(cuda_source.text("common", *BEFORE.get(family, ())) + own.replace(right, wrong), "-O0")
    monkeypatch.setattr(cuda_launch, "run", mutant.run)
    with np.errstate(all="ignore"), pytest.raises(AssertionError):  # NumPy's warnings of wrong numbers are no catch
        compare_everything(family, mutant)

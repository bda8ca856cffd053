"""The texts that make uniform and normal numbers of a key, run on the CPU by the shim, beside NumPy's Philox."""

import math

import numpy as np
import pytest

from minigen import backend
from minigen.autograd import kernels_off
from minigen.kernels import cuda_random, cuda_source
from minigen.ops.draws import draw_normal, draw_uniform, normals, uniforms

from ..ops.test_draws import by_hand, near
from . import shim

DRAWS = {"uniforms": (draw_uniform, np.testing.assert_array_equal), "normals": (draw_normal, near)}


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 16, 17, 4096, 4097, 8 * 256 * 3 + 5])
@pytest.mark.parametrize("name", DRAWS)
def test_the_kernels_numbers_are_numpys(name, size, on_the_cpu):
    draw, equal = DRAWS[name]
    on_the_cpu.ran.clear()
    fast = draw(backend.generator(7, "device"), (size,))
    assert on_the_cpu.ran == ({name: 1} if size else {})
    with kernels_off():
        plain = draw(backend.generator(7, "device"), (size,))
    assert fast.dtype == plain.dtype == np.float32 and fast.flags.c_contiguous
    equal(fast, plain)


@pytest.mark.parametrize("key", [0, 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1, 0x0123456789ABCDEF])
def test_every_bit_of_the_key_arrives(key, on_the_cpu):
    halves = np.array([key % 2**32, key >> 32], np.uint32).view(np.int32)
    for fill, (_, equal) in zip((uniforms, normals), DRAWS.values(), strict=True):
        fast, plain = np.empty((2, 4096), np.float32)
        fill(fast, halves)
        fill.function(plain, halves)
        equal(fast, plain)


def test_numbers_too_many_for_one_launch_are_made_in_several(on_the_cpu, monkeypatch):
    on_the_cpu.ran.clear()
    monkeypatch.setattr(cuda_random, "PIECE", 5)
    test_every_bit_of_the_key_arrives(2**40 + 3, on_the_cpu)
    assert on_the_cpu.ran == {"uniforms": -(-4096 // 8 // 5), "normals": -(-4096 // 8 // 5)}


@pytest.mark.parametrize("draw", [draw_normal, draw_uniform])
def test_double_numbers_are_the_formulas(draw, on_the_cpu):
    on_the_cpu.ran.clear()
    found = draw(backend.generator(7, "device"), (300,), np.float64)
    with kernels_off():
        np.testing.assert_array_equal(found, draw(backend.generator(7, "device"), (300,), np.float64))
    assert not on_the_cpu.ran and found.dtype == np.float64


OF_GIVEN_WORDS = r"""
extern "C" __global__ void of_given_words(float* y, const int* words, int count)
{
    const int i = place();
    if (i >= count) return;
    const Number number = (unsigned)words[2 * i] | (Number)(unsigned)words[2 * i + 1] << 32;
    two_normals(number, y[2 * i], y[2 * i + 1]);
}
"""


def ends_are_right(text):
    """Are the numbers of the first and of the last words by this text those of the formula?"""
    last, half = 2**32 - 1, 2**31
    pairs = [(0, 0), (0, half), (0, half - 1), (0, last), (last, 0), (last, half), (last, last), (1, half // 2)]
    words, y = np.array(pairs, np.uint32).view(np.int32), np.full((8, 2), np.nan, np.float32)
    shim.Shim(text + OF_GIVEN_WORDS, "-O0").run("of_given_words", 1, (y, words, np.int32(8)))
    expected = np.array([by_hand(*pair, 32) for pair in pairs])
    assert expected[0, 0] == pytest.approx(math.sqrt(66 * math.log(2)))  # as far as they reach
    assert (expected[4:7, 2] == 0).all()  # u rounds to 1
    return bool((np.abs(y - expected[:, :2]) <= 3 * 2.0**-23 * expected[:, 2:]).all())


@pytest.mark.skipif(bool(shim.WHY_NOT), reason=shim.WHY_NOT)
def test_the_first_and_the_last_word_give_numbers():
    text = cuda_source.text("common", "random")
    assert ends_are_right(text)
    for right, wrong in (("+ 0.5f) * 0x1p-32f", ") * 0x1p-32f"), ("+ 0.5f) * 0x1p-32f", "+ 1.5f) * 0x1p-32f")):
        assert right in text and not ends_are_right(text.replace(right, wrong))

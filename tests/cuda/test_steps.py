"""The texts that change arrays in place, run on the CPU by the shim: Adam that looks for a NaN itself, and coins."""

from contextlib import nullcontext

import numpy as np
import pytest

from minigen.autograd import kernels_off
from minigen.kernels import cuda_adam, cuda_launch, cuda_random
from minigen.ops.coins import draw_coins, toss
from minigen.ops.steps import CHUNKS, adam_numbers, watched_adam_step

from .test_kernels import assert_equal, normal

assert CHUNKS == cuda_launch.BLOCK  # a thread of the kernel reads what was found in one chunk
SIZES = [1, 255, 2048, 2049, 9001]


class Adam:
    """Some steps of watched_adam_step, from nothing."""

    def __init__(self, size, rate=0.01, eps=1e-8, shrink=1.0, decay=0.0):
        self.w = normal(np.random.default_rng(1), size)
        self.m, self.v = np.zeros_like(self.w), np.zeros_like(self.w)
        self.faults, self.settings, self.update = np.zeros((2, CHUNKS), np.int32), (rate, eps), 0
        self.rest = shrink, decay

    def step(self, g):
        self.update += 1
        numbers = adam_numbers(*self.settings, (0.9, 0.99), self.update)
        numbers = np.array([self.update, *numbers, *self.rest], np.float32)
        spare = np.empty_like(g)
        watched_adam_step(self.w, g, spare, self.m, self.v, self.faults, numbers, beta1=0.9, beta2=0.99)

    def first(self):
        """The first update with a fault, and the place of its first fault, counted from 0."""
        places, updates = self.faults
        first = updates[places > 0].min()
        return first, places[(places > 0) & (updates == first)].min() - 1


@pytest.mark.parametrize("settings", [{}, {"shrink": 0.99, "eps": 1e-3}, {"decay": 0.1}])
@pytest.mark.parametrize("size", SIZES)
def test_watched_steps_equal_the_formula(size, settings, on_the_cpu):
    on_the_cpu.ran.clear()
    fast, plain = Adam(size, **settings), Adam(size, **settings)
    for i in range(3):
        g = normal(np.random.default_rng(i), size)
        fast.step(g.copy())
        with kernels_off():
            plain.step(g.copy())
    assert_equal([(fast.w, plain.w), (fast.m, plain.m), (fast.v, plain.v)])
    assert not fast.faults.any() and not plain.faults.any()
    assert on_the_cpu.ran == {"note_faults": 3, "adam": 3}


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("size", SIZES)
def test_a_faulty_gradient_is_noted_and_nothing_moves_from_there(size, bad, on_the_cpu):
    for which in (nullcontext, kernels_off):
        adam = Adam(size)
        with which(), np.errstate(invalid="ignore"):
            adam.step(normal(np.random.default_rng(0), size))
            before = [array.copy() for array in (adam.w, adam.m, adam.v)]
            middle, end = size // 2, size - 1
            for places in ([middle, min(middle + 256, end), end], [0, middle], []):  # the first counts; none is healed
                g = normal(np.random.default_rng(1), size)
                g[places] = bad
                adam.step(g)
        assert all(np.array_equal(a, b) for a, b in zip((adam.w, adam.m, adam.v), before, strict=True))
        assert adam.first() == (2, middle)


def test_a_gradient_is_looked_through_in_256_chunks_at_most(on_the_cpu, monkeypatch):
    monkeypatch.setattr(cuda_adam, "LENGTH", 16)
    run, blocks = cuda_launch.run, []
    monkeypatch.setattr(cuda_launch, "run", lambda name, n, args: (blocks.append((name, n)), run(name, n, args)))
    for size, chunks in ((16, 1), (17, 2), (4096, 256), (4097, 241)):
        for place in (0, size // 2, size - 1):
            adam, g = Adam(size), np.zeros(size, np.float32)
            g[place] = np.nan
            adam.step(g)
            assert adam.first() == (1, place)
        assert {n for name, n in blocks if name == "note_faults"} == {chunks}
        blocks.clear()


# Coins ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 4096, 4097, 16 * 256 * 3 + 5])
@pytest.mark.parametrize("rate", [0.3, 1 / 65536, 65535 / 65536, 0.0, 1.0])
def test_the_kernels_coins_are_numpys(size, rate, on_the_cpu):
    on_the_cpu.ran.clear()
    fast = draw_coins(np.random.default_rng(7), (size,), rate, np)
    assert ("coins" in on_the_cpu.ran) == bool(size)
    with kernels_off():
        plain = draw_coins(np.random.default_rng(7), (size,), rate, np)
    assert fast.dtype == plain.dtype == bool and fast.flags.c_contiguous
    np.testing.assert_array_equal(fast, plain)


@pytest.mark.parametrize("key", [0, 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1, 0x0123456789ABCDEF])
def test_every_bit_of_the_key_arrives(key, on_the_cpu):
    kept, plain = np.empty((2, 4096), bool)
    halves = np.array([key % 2**32, key >> 32], np.uint32).view(np.int32)
    words = np.random.Philox(key=key).random_raw(2)
    for bound in (1 << 15, int(words[0] % 2**16), int(words[1] % 2**16)):  # two coins at their very bound
        toss(kept, halves, bound=bound)
        toss.function(plain, halves, bound=bound)
        np.testing.assert_array_equal(kept, plain)


def test_coins_too_many_for_one_launch_are_tossed_in_several(on_the_cpu, monkeypatch):
    on_the_cpu.ran.clear()
    monkeypatch.setattr(cuda_random, "PIECE", 5)
    test_every_bit_of_the_key_arrives(2**40 + 3, on_the_cpu)
    assert on_the_cpu.ran["coins"] == 3 * -(-4096 // 16 // 5)


def test_the_longest_piece_can_be_counted():
    assert 16 * cuda_random.PIECE < cuda_launch.LIMIT

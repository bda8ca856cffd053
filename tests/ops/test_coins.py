"""Coins: Philox' own words, the same on every backend, at the share that was asked for, none like another's."""

import numpy as np
import pytest

import minigen
from minigen.autograd import kernels_off
from minigen.ops.coins import draw_coins, rounded, toss

FULL = 2**64 - 1


def philox(counter, key):
    """The four numbers of one counter: Salmon et al. 2011, section 4; constants of Random123's philox.h."""
    a, b, c, d = counter
    for _ in range(10):
        one, two = 0xD2E7470EE14C6C93 * a, 0xCA5A826395121157 * c
        a, b, c, d = two >> 64 ^ b ^ key[0], two & FULL, one >> 64 ^ d ^ key[1], one & FULL
        key = (key[0] + 0x9E3779B97F4A7C15) & FULL, (key[1] + 0xBB67AE8584CAA73B) & FULL
    return a, b, c, d


def test_philox_gives_the_published_numbers():
    # Random123, tests/kat_vectors: philox4x64 10
    assert philox((0, 0, 0, 0), (0, 0)) == (
        *(0x16554D9ECA36314C, 0xDB20FE9D672D0FDC),
        *(0xD7E772CEE186176B, 0x7E68B68AEC7BA23B),
    )


@pytest.mark.parametrize("key", [0, 1, 2**31 + 5, 2**32, FULL, 0x243F6A8885A308D3])
def test_coins_are_the_words_of_philox_from_counter_1(key):
    kept = np.empty(48, bool)
    toss(kept, np.array([key % 2**32, key >> 32], np.uint32).view(np.int32), bound=20_000)
    numbers = [number for counter in (1, 2, 3) for number in philox((counter, 0, 0, 0), (key, 0))]
    words = [number >> shift & 0xFFFF for number in numbers for shift in (0, 16, 32, 48)]
    assert kept.tolist() == [word >= 20_000 for word in words]


@pytest.mark.parametrize("shape", [(), (1,), (0, 3), (15,), (3, 5, 7), (64, 33)])
@pytest.mark.parametrize("rate", [0.3, np.float32(0.5), 0, 1])
def test_the_same_coins_on_every_backend(shape, rate, xp):
    found = draw_coins(np.random.default_rng(3), shape, rate)
    assert isinstance(found, xp.ndarray) and found.dtype == bool and found.shape == shape and found.flags.c_contiguous
    expected = draw_coins(np.random.default_rng(3), shape, rate, np)
    np.testing.assert_array_equal(minigen.backend.to_host(found), expected)
    with kernels_off():
        again = draw_coins(np.random.default_rng(3), shape, rate)
    np.testing.assert_array_equal(minigen.backend.to_host(again), expected)


def test_a_longer_mask_begins_as_a_shorter_one():
    long, short = (draw_coins(np.random.default_rng(1), (n,), 0.5, np) for n in (1000, 37))
    assert (long[:37] == short).all()


def test_one_key_is_drawn_whatever_the_size():
    one, other = np.random.default_rng(0), np.random.default_rng(0)
    draw_coins(one, (3,), 0.3, np)
    draw_coins(other, (100, 100), 0.3, np)
    assert one.bit_generator.state == other.bit_generator.state


@pytest.mark.parametrize("rate", [0.01, 0.3, 0.5, 0.9])
def test_the_share_is_the_rounded_rate(rate):
    n, taken = 1_000_000, rounded(rate)
    dropped = 1 - draw_coins(np.random.default_rng(0), (n,), rate, np).mean()
    assert abs(taken - rate) <= 2**-17
    assert abs(dropped - taken) < 4 * np.sqrt(taken * (1 - taken) / n)


def test_coins_know_nothing_of_each_other():
    n = 400_000
    rng = np.random.default_rng(0)
    one, two = (draw_coins(rng, (n,), 0.5, np).astype(float) - 0.5 for _ in range(2))
    far = 4 / np.sqrt(n)
    assert abs(np.mean(4 * one * two)) < far  # two calls
    for lag in (1, 2, 3, 4, 16, 17, 64):
        assert abs(np.mean(4 * one[:-lag] * one[lag:])) < far
        assert abs(np.mean(4 * one[:-lag] * two[lag:])) < far
    for lane in range(16):  # every word of a block is as fair as the others
        assert abs(np.mean(2 * one[lane::16])) < far * 4


def test_dropout_with_a_rate_that_rounds_to_an_end():
    x = minigen.ones(5)
    assert minigen.dropout(x, 1e-6, rng=np.random.default_rng(0)) is x
    assert minigen.dropout(x, 1 - 1e-6, rng=np.random.default_rng(0)).tolist() == [0] * 5

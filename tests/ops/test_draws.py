"""Normal and uniform numbers of a key: Philox' own words, the same on every backend, and distributed as they should."""

import math

import numpy as np
import pytest

import minigen
from minigen import backend, losses
from minigen.autograd import kernels_off
from minigen.errors import SettingError
from minigen.losses.vae import reparameterise
from minigen.ops import draws
from minigen.ops.draws import draw_normal, draw_uniform, normals, uniforms

from .test_coins import FULL, philox

WIDTHS = [(np.float32, 32), (np.float64, 64)]
KEYS = [0, 1, 2**31 + 5, 2**32, FULL, 0x243F6A8885A308D3]


def device(seed=0):
    return backend.generator(seed, "device")


def filled(fill, size, key, dtype):
    y = np.full(size, np.nan, dtype)
    fill(y, np.array([key % 2**32, key >> 32], np.uint32).view(np.int32))
    return y


def words(count, key, width):
    """The first words of a key, by the test's own Philox."""
    numbers = [number for j in range(count * width // 256) for number in philox((j + 1, 0, 0, 0), (key, 0))]
    return [number >> shift & 2**width - 1 for number in numbers for shift in range(0, 64, width)]


def by_hand(one, other, width):
    """Two normal numbers of two words and their radius: with u and the angle as they round, all else exact."""
    dtype = dict((w, d) for d, w in WIDTHS)[width]
    u = float((dtype(one) + dtype(0.5)) * dtype(2.0**-width))
    half_turns = float(dtype(other - (other >> width - 1 << width))) * 2.0 ** (1 - width)
    r = math.sqrt(-2 * math.log(u))
    return r * math.cos(math.pi * half_turns), r * math.sin(math.pi * half_turns), r


def near(found, expected):
    """Normal numbers that differ by rounding: by at most 6 units of 2⁻²³, or of 2⁻⁵², of the radius of their pair."""
    assert found.dtype == expected.dtype and found.shape == expected.shape
    wide = np.resize(expected.astype(np.float64).ravel(), -(-expected.size // 2) * 2)
    r = np.repeat(np.hypot(wide[::2], wide[1::2]), 2)[: expected.size]
    if expected.size % 2:
        r[-1] = 6.8  # the other of its pair is not there
    apart = np.abs(found.astype(np.float64).ravel() - expected.ravel())
    assert (apart <= 6 * np.finfo(found.dtype).eps * r).all()


# Words ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype, width", WIDTHS)
@pytest.mark.parametrize("key", KEYS)
def test_uniform_numbers_are_the_words_of_philox_from_counter_1(key, dtype, width):
    digits = np.finfo(dtype).nmant + 1
    expected = [(word >> width - digits) * 2.0**-digits for word in words(48, key, width)]
    assert filled(uniforms, 48, key, dtype).tolist() == expected


@pytest.mark.parametrize("dtype, width", WIDTHS)
@pytest.mark.parametrize("key", KEYS)
def test_normal_numbers_are_those_of_box_and_muller_of_the_same_words(key, dtype, width):
    of = words(480, key, width)
    expected = np.array([by_hand(*pair, width) for pair in zip(of[::2], of[1::2], strict=True)])
    found = filled(normals, 480, key, dtype).reshape(-1, 2)
    assert (np.abs(found - expected[:, :2]) <= 4 * np.finfo(dtype).eps * expected[:, 2:]).all()


@pytest.mark.parametrize("dtype, width", WIDTHS)
def test_the_first_and_the_last_word_give_numbers(dtype, width, monkeypatch):
    last, half = 2**width - 1, 2 ** (width - 1)
    pairs = [(0, 0), (0, half), (0, half - 1), (0, last), (last, 0), (last, half), (last, last), (1, half // 2)]
    given = np.array(pairs, f"<u{width // 8}")

    class Chosen:
        def random_raw(self, count):
            return given.reshape(-1).view("<u8")[:count]

    monkeypatch.setattr(draws, "philox", lambda key: Chosen())
    found = filled(normals, 16, 0, dtype)
    expected = np.array([by_hand(*pair, width) for pair in pairs])
    assert (np.abs(found.reshape(-1, 2) - expected[:, :2]) <= 4 * np.finfo(dtype).eps * expected[:, 2:]).all()
    assert (found[8:14] == 0).all()  # u rounds to 1
    assert found[0] == pytest.approx(math.sqrt(2 * (width + 1) * math.log(2)), rel=1e-6)  # as far as they reach


@pytest.mark.parametrize("size", [64, 2048 + 16])
@pytest.mark.parametrize("dtype, width", WIDTHS)
def test_what_is_computed_at_once_makes_no_difference(size, dtype, width, monkeypatch):
    expected = filled(normals, size, 3, dtype)
    monkeypatch.setattr(draws, "AT_ONCE", 32)
    near(filled(normals, size, 3, dtype), expected)


# Which generator draws where ------------------------------------------------------------------------------------------


def test_a_generator_draws_on_the_host_unless_it_is_asked_for_another():
    assert backend.generator([5, 1]).bit_generator.state == np.random.PCG64([5, 1]).state
    found = minigen.random.generator([5, 1], draws="device").bit_generator
    assert isinstance(found, np.random.Philox) and str(found.state) == str(np.random.Philox([5, 1]).state)
    with pytest.raises(SettingError, match="draws 'gpu' is unknown; it is host or device."):
        minigen.random.generator(0, draws="gpu")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_that_are_drawn_on_the_host_are_numpys_as_ever(dtype):
    rng, numpys = backend.generator(3), np.random.Generator(np.random.PCG64(3))
    assert np.array_equal(draw_normal(rng, (3, 5), dtype, np), numpys.standard_normal((3, 5), dtype))
    assert np.array_equal(draw_uniform(rng, (3, 5), dtype, np), numpys.random((3, 5), dtype))


@pytest.mark.parametrize("shape", [(), (1,), (0, 3), (15,), (3, 5, 7), (64, 33)])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_same_numbers_on_every_backend(shape, dtype, xp):
    for draw in (draw_normal, draw_uniform):
        expected = draw(device(3), shape, dtype, np)
        found = draw(device(3), shape, dtype)
        assert isinstance(found, xp.ndarray) and found.dtype == dtype and found.shape == shape
        assert found.flags.c_contiguous
        with kernels_off():
            again = draw(device(3), shape, dtype)
        for numbers in (backend.to_host(found), backend.to_host(again)):
            if draw is draw_uniform:
                np.testing.assert_array_equal(numbers, expected)
            else:
                near(numbers, expected)


def a_draw_of(name, rng):
    x = np.full((6, 4), 0.5, np.float32)
    calls = {
        "normal": lambda: minigen.random.normal(1000, rng=rng),
        "uniform": lambda: minigen.random.uniform(3, 2, rng=rng, low=-1.0),
        "of no size": lambda: minigen.random.normal(0, rng=rng),
        "of a posterior": lambda: reparameterise(minigen.tensor(x), minigen.tensor(x), rng=rng, k=3),
        "of a penalty": lambda: losses.gradient_penalty(lambda y: (y * y).sum(axis=1), x, -x, rng=rng),
        "of dropout": lambda: minigen.dropout(minigen.tensor(x), 0.5, rng=rng),
    }
    return calls[name]()


@pytest.mark.parametrize("name", ["normal", "uniform", "of no size", "of a posterior", "of a penalty", "of dropout"])
def test_every_draw_takes_one_key_and_no_more(name):
    rng, other = device(), device()
    a_draw_of(name, rng)
    other.integers(0, 2**64, size=1, dtype=np.uint64)
    assert str(rng.bit_generator.state) == str(other.bit_generator.state)


def test_longer_draws_begin_as_shorter_ones():
    for draw in (draw_normal, draw_uniform):
        near(draw(device(1), (1000,), np.float32, np)[:36], draw(device(1), (36,), np.float32, np))


# Distribution ---------------------------------------------------------------------------------------------------------

N = 1 << 20


def kolmogorov(sample, distribution):
    """√n times the largest distance of the empirical distribution from its own: above 1.95 once in a thousand."""
    x = np.sort(sample.astype(np.float64))
    at, n = distribution(x), len(x)
    steps = np.arange(n + 1) / n
    return math.sqrt(n) * max(np.max(steps[1:] - at), np.max(at - steps[:-1]))


def gauss(x):
    return np.array([0.5 * math.erfc(-a / math.sqrt(2)) for a in x.tolist()])


def test_the_distance_notices_a_wrong_distribution():
    x = draw_normal(device(), (100_000,), np.float64, np)
    for wrong in (1.05 * x, x + 0.03, np.abs(x), np.clip(x, -2, 2)):
        assert kolmogorov(wrong, gauss) > 1.95


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_normal_numbers_are_normal(dtype):
    y = draw_normal(device(), (N,), dtype, np)
    assert kolmogorov(y[: N // 4], gauss) < 1.95 and kolmogorov(y[1 : N // 2 : 2], gauss) < 1.95
    wide = y.astype(np.float64)
    for power, moment, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs(np.mean(wide**power) - moment) < 4 * math.sqrt(variance / N)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_tails_are_there_as_often_as_they_should(dtype):
    y = draw_normal(device(), (4 * N,), dtype, np)
    for beyond in (3.0, 4.0):
        expected = 4 * N * 0.5 * math.erfc(beyond / math.sqrt(2))
        for count in ((y > beyond).sum(), (y < -beyond).sum()):
            assert abs(count - expected) < 4 * math.sqrt(expected)
    assert np.abs(y).max() > 4.9  # once in a million are they farther


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_uniform_numbers_are_uniform(dtype):
    y = draw_uniform(device(), (N,), dtype, np)
    assert y.min() >= 0 and y.max() < 1 and kolmogorov(y, lambda x: x) < 1.95
    for part in (y, y * 2**16 % 1):  # the upper bits, and those below
        counts = np.bincount((part * 256).astype(int), minlength=256)
        squares = ((counts - N / 256) ** 2 / (N / 256)).sum()
        assert abs(squares - 255) < 4 * math.sqrt(2 * 255)


@pytest.mark.parametrize("draw", [draw_normal, draw_uniform])
def test_numbers_know_nothing_of_each_other(draw):
    rng, far = device(), 4 / math.sqrt(N)
    calls = [draw(rng, (N,), np.float32, np).astype(np.float64) for _ in range(2)]
    one, two = ((y - y.mean()) / y.std() for y in calls)
    for a, b in ((one, two), (one**2 - 1, two**2 - 1)):
        size = np.mean(a**2)
        assert abs(np.mean(a * b)) < far * size  # two calls
        for lag in (1, 2, 3, 7, 8, 16, draws.AT_ONCE):
            assert abs(np.mean(a[:-lag] * a[lag:])) < far * size
            assert abs(np.mean(a[:-lag] * b[lag:])) < far * size
        assert abs(np.mean(a[::2] * a[1::2])) < 1.5 * far * size  # the two of a pair
    for lane in range(8):  # every word of a counter is as fair as the others
        assert abs(np.mean(one[lane::8])) < 3 * far


def test_no_number_comes_twice():
    rng = device()
    drawn = [draw_normal(rng, (100_000,), np.float64, np) for _ in range(3)]
    assert len(np.unique(np.concatenate(drawn))) == 300_000

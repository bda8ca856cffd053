"""Active units against the paper's definition, and three ways to miscount them."""

import numpy as np
import pytest

from minigen import DataError, SettingError, ShapeError
from minigen.metrics import active_units


def codes(*deviations, N=400, seed=0):
    """(N, Z) with exactly these deviations over N, around means far from 0."""
    z = np.random.default_rng(seed).normal(size=(N, len(deviations)))
    z = (z - z.mean(axis=0)) / z.std(axis=0)
    return z * np.array(deviations) + np.linspace(-3, 5, len(deviations))


def check(count):
    """What an active_units must do; fails for each planted mistake below."""
    # variances 1, 0.0121, 0.0081, 0: two above 0.01, though three deviations are, and though four means are not 0
    assert count(codes(1, 0.11, 0.09, 0)) == 2
    assert count(codes(*[1] * 3, N=5)) == 3  # latents are counted, not items
    assert count(codes(*[0.0] * 3, N=50)) == 0  # the same code for every x, whatever it is
    noisy = codes(0.05, 0.05, 0.05, 0.05)
    assert count(noisy + np.array([0, 2, 4, 6])) == 0  # latents that differ from each other do not vary with x


@pytest.mark.parametrize(
    "wrong",
    [
        lambda mu: int((mu.std(axis=0) > 0.01).sum()),
        lambda mu: int((mu.var(axis=1) > 0.01).sum()),
        lambda mu: int(((mu**2).mean(axis=0) > 0.01).sum()),
    ],
    ids=["deviation for variance", "over the latents", "second moment for variance"],
)
def test_the_check_catches_a_wrong_count(wrong):
    check(active_units)
    with pytest.raises(AssertionError):
        check(wrong)


def test_a_count_is_an_int_and_its_threshold_can_be_set():
    mu = codes(1, 0.11, 0.09, 0)
    assert type(active_units(mu)) is int
    assert [active_units(mu, t) for t in (0, 0.008, 0.0125, 2)] == [3, 3, 1, 0]
    assert active_units(np.array([[0.0], [0.5]]), 0.0625) == 0  # just that, divided by N: not above
    assert active_units(mu[:1]) == 0  # one item alone varies by nothing


def test_float32_codes_far_from_0_lose_nothing():
    """A float32 mean of 100,000 rows near 1000 may drift, and the square of that be taken for a variance: 2 units."""
    assert active_units((codes(0.11, 0.09, N=100_000) + 1000).astype(np.float32)) == 1


def test_what_is_no_code_is_refused():
    with pytest.raises(ShapeError, match=r"active_units: mu has shape \(4,\); it must be \(N, Z\)"):
        active_units(np.zeros(4))
    with pytest.raises(ShapeError, match=r"shape \(0, 3\)"):
        active_units(np.zeros((0, 3)))
    with pytest.raises(SettingError, match="threshold=-1 must be at least 0; the paper's is 0.01"):
        active_units(np.zeros((4, 3)), -1)
    with pytest.raises(DataError, match="codes that are not finite"):
        active_units(np.array([[0.0, np.nan], [1, 1]]))

"""How often the checker is wrong is told with its exact interval."""

import pytest

from benchmarks.gradient_checks_table import rate


@pytest.mark.parametrize(
    "alarms, cases, interval",
    [
        (0, 10_000, "0.0 to 3.7"),  # −ln 0.025 = 3.69
        (6, 20_000, "1.1 to 6.5"),  # 2.20 to 13.06 events, of Poisson's law
        (5, 50, "332.8 to 2181.4"),  # 0.03328 to 0.21814: the interval of 5 in 50
    ],
)
def test_a_rate_has_the_interval_of_clopper_and_pearson(alarms, cases, interval):
    assert f"(95 % interval {interval})" in rate(alarms, cases)

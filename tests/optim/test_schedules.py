"""Learning rates by step, against their formulas."""

import numpy as np
import pytest

from minigen import Parameter, SettingError, optim

TABLE = [
    (optim.constant(0.1), {0: 0.1, 99: 0.1}),
    (optim.linear_decay(1.0, 10), {0: 1.0, 5: 0.5, 10: 0.0, 20: 0.0}),
    (optim.linear_decay(1.0, 10, end=0.2), {5: 0.6, 30: 0.2}),
    (optim.cosine(1.0, 10), {0: 1.0, 5: 0.5, 10: 0.0, 11: 0.0}),
    (optim.cosine(1.0, 6, end=0.1), {2: 0.1 + 0.45 * 1.5, 6: 0.1}),
    (optim.exponential(1.0, 0.5), {0: 1.0, 3: 0.125}),
    (optim.step_decay(1.0, 10), {9: 1.0, 10: 0.1, 25: 0.01}),
    (optim.warmup(0.4, 4), {0: 0.1, 1: 0.2, 3: 0.4, 4: 0.4, 9: 0.4}),
    (optim.warmup(optim.linear_decay(1.0, 10), 2), {0: 0.5, 1: 1.0, 2: 1.0, 7: 0.5}),
]


@pytest.mark.parametrize("schedule, table", TABLE, ids=lambda x: repr(x) if callable(x) else "")
def test_a_schedule_is_its_formula(schedule, table):
    assert {step: schedule(step) for step in table} == pytest.approx(table)
    assert "lambda" not in repr(schedule)


def test_an_optimiser_asks_its_schedule_with_the_updates_done_so_far():
    w = Parameter(np.zeros(1))
    sgd = optim.SGD([w], optim.linear_decay(1.0, 2))
    rates = []
    for _ in range(3):
        rates.append(sgd.rate)
        sgd.update([np.ones(1)])
    assert rates == [1.0, 0.5, 0.0] and w.item() == -1.5
    sgd.learning_rate = 0.25
    assert sgd.rate == 0.25


def test_a_schedule_that_gives_no_rate_is_refused_before_anything_changes():
    w = Parameter(np.zeros(1))
    sgd = optim.SGD([w], lambda step: 1.0 - 2 * step)
    sgd.update([np.ones(1)])
    with pytest.raises(SettingError, match="learning rate -1.0 at step 1 must be a number ≥ 0"):
        sgd.update([np.ones(1)])
    assert w.item() == -1 and sgd.steps == 1


@pytest.mark.parametrize(
    "make", [lambda: optim.cosine(1.0, 0), lambda: optim.warmup(1.0, 0), lambda: optim.step_decay(1, 0)]
)
def test_a_schedule_over_no_steps_is_refused(make):
    with pytest.raises(SettingError, match="must be at least 1"):
        make()

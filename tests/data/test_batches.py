"""Batches: every item once an epoch, and resumption to the very item."""

import itertools

import numpy as np
import pytest

from minigen.data import Batches
from minigen.errors import DataError, SettingError


def numbered(n):
    """Points whose coordinates are their own number, so that a batch says which items it holds."""
    return np.repeat(np.arange(n, dtype=np.float32)[:, None], 2, axis=1)


def taken(batches, steps):
    return [next(batches)[:, 0].astype(int).tolist() for _ in range(steps)]


@pytest.mark.parametrize("n, batch, sizes", [(12, 4, [4, 4, 4]), (10, 4, [4, 4, 2]), (9, 4, [4, 4]), (3, 64, [3])])
def test_an_epoch_has_the_batches_it_says(n, batch, sizes):
    batches = Batches(numbered(n), batch, seed=1)
    assert batches.steps_per_epoch == len(sizes)
    for epoch in range(3):
        assert batches.epoch == epoch
        seen = taken(batches, len(sizes))
        assert [len(items) for items in seen] == sizes
        assert len(set(itertools.chain(*seen))) == sum(sizes)


def test_every_item_comes_once_an_epoch_in_an_order_of_that_epoch():
    batches = Batches(numbered(10), 4, seed=7)
    orders = [list(itertools.chain(*taken(batches, 3))) for _ in range(3)]
    assert all(sorted(order) == list(range(10)) for order in orders)
    assert orders[0] != orders[1] != orders[2]
    assert orders[2] == np.random.default_rng([7, 2]).permutation(10).tolist()


def test_a_batch_of_one_is_kept_when_asked_for():
    batches = Batches(numbered(9), 4, smallest=1)
    assert [len(items) for items in taken(batches, 4)] == [4, 4, 1, 4]


def test_bytes_become_floats_and_floats_stay():
    items = np.random.default_rng(0).integers(0, 256, (6, 28, 28, 1), dtype=np.uint8)
    batches = Batches(items, 4, seed=0)
    x = next(batches)
    assert x.dtype == np.float32 and x.shape == (4, 28, 28, 1) and -1 <= x.min() < -0.9 and 0.9 < x.max() <= 1
    assert batches.items is items
    assert next(Batches(numbered(5), 4)).dtype == np.float32


@pytest.mark.parametrize("before", range(9))
def test_resuming_equals_never_having_stopped(before):
    whole = Batches(numbered(10), 4, seed=3)
    expected = taken(whole, 20)
    first = Batches(numbered(10), 4, seed=3)
    taken(first, before)
    second = Batches(numbered(10), 4, seed=3, start=first.state())
    assert taken(second, 20 - before) == expected[before:]
    second.restore({"epoch": 0, "index": 0})
    assert taken(second, 20) == expected


def test_changing_a_batch_leaves_the_items_alone():
    items = numbered(4)
    x = next(Batches(items, 4))
    x += 1
    assert (items == numbered(4)).all()


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        ({"batch": 0}, SettingError, "batch is 0; it must be at least 1"),
        ({"batch": 2.5}, SettingError, "batch is 2.5; it must be a whole number"),
        ({"batch": 1}, SettingError, "batch is 1; a batch must have at least 2 items"),
        ({"batch": 4, "seed": -1}, SettingError, "seed is -1"),
        ({"batch": 4, "smallest": 11}, SettingError, "batch is 4; a batch must have at least 11"),
        ({"batch": 16, "smallest": 11}, DataError, "only 10 items; a batch must have at least 11"),
        ({"batch": 4, "start": {"epoch": 0, "index": 3}}, SettingError, "index is 3; it must be between 0 and 2"),
        ({"batch": 4, "start": {"epoch": 0}}, SettingError, "a state has epoch and index; this one has epoch"),
    ],
)
def test_a_wrong_setting_is_named(arguments, error, message):
    with pytest.raises(error, match=message):
        Batches(numbered(10), **arguments)


def test_other_types_are_refused():
    with pytest.raises(DataError, match="Batches: items are float64; they must be uint8 or float32"):
        Batches(np.zeros((4, 2)), 2)

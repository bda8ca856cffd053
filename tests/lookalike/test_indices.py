"""Places out of range on the device: refused where they come from the host, defined where only the device has them."""

import numpy as np
import pytest

import minigen
from minigen import ShapeError, Tensor, backend, grad
from minigen.autograd import OPS

from . import lookalike

X = np.arange(12, dtype=np.float32).reshape(3, 4)

OUTSIDE = {  # what is asked of x, and the place, the axis and its size that the error names
    "array": (lambda x: x[np.array([0, 3])], 3, 0, 3),
    "negative place": (lambda x: x[np.array([-4, 0])], -4, 0, 3),
    "list": (lambda x: x[[2, 9]], 9, 0, 3),
    "list of lists": (lambda x: x[[[0, 1], [1, 3]]], 3, 0, 3),
    "last axis": (lambda x: x[..., np.array([4])], 4, 1, 4),
    "behind a new axis": (lambda x: x[None, :, [0, -5]], -5, 1, 4),
    "behind a mask": (lambda x: x[np.array([True, False, True]), np.array([1, 4])], 4, 1, 4),
    "behind a mask of two axes": (lambda x: x[:, :, None][X > 3, [1]], 1, 2, 1),
    "beside an array of the device": (lambda x: x[minigen.tensor([0, 1]), np.array([1, 4])], 4, 1, 4),
    "take": (lambda x: minigen.take(x, [0, 12]), 12, 0, 12),
    "take along an axis": (lambda x: x.take(np.array([[0], [4]]), axis=-1), 4, 1, 4),
    "take_along_axis": (lambda x: OPS["take_along_axis"](x, indices=np.array([[0], [1], [4]]), axis=1), 4, 1, 4),
    "put_along_axis": (lambda x: OPS["put_along_axis"](x, indices=0 * X.astype(int) + 5, axis=-1, length=5), 5, 1, 5),
    "put_add": (lambda x: OPS["put_add"](x, index=[0, 1, 7], shape=(7, 4)), 7, 0, 7),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_place_of_the_host_that_is_not_there_is_refused_before_anything_is_sent(name, device):
    ask, place, axis, size = OUTSIDE[name]
    x = minigen.tensor(X)
    with lookalike.counted() as counts:
        with pytest.raises(ShapeError, match=f": index {place} is out of bounds for axis {axis} with size {size}"):
            ask(x)
    assert not counts.launches and not counts.syncs


PLACES = [[], [0, -3, 2], np.array([2, 2], np.uint8), (Ellipsis, [-4, 3]), ([0, -3], slice(None)), (0, [3, -4])]
MASKS = [[True, False, True], X > 3, True, (X[:, 0] > 3, [0, 3]), (slice(1), np.array([True] * 4))]


@pytest.mark.parametrize("index", [*PLACES, *MASKS, (None, [2])])
def test_places_that_are_there_are_found(index, device):
    np.testing.assert_array_equal(minigen.tensor(X)[index].numpy(), X[index])


def test_a_mask_is_no_place(device):
    assert minigen.tensor(X[:1])[[True]].shape == (1, 4)


def test_nothing_may_be_asked_of_an_empty_axis(device):
    x = minigen.tensor(np.zeros((0, 2), np.float32))
    assert x[np.zeros(0, int)].shape == (0, 2)
    with pytest.raises(ShapeError, match="index 0 is out of bounds for axis 0 with size 0"):
        x[[0]]


@pytest.mark.parametrize("name", ["getitem", "take", "take_along_axis"])
def test_places_of_the_device_come_round_with_their_gradients_and_nobody_waits(name, device):
    places, weights = np.array([4, -4, 0, 1]), np.array([1, 10, 100, 1000], np.float32)
    on_the_device = minigen.tensor(places)
    x = Tensor(device.asarray(X[:, 0]), requires_grad=True)
    dy = device.asarray(weights)
    with lookalike.no_sync():
        if name == "take_along_axis":
            y = OPS[name](x, indices=on_the_device, axis=0)
        else:
            y = OPS[name](x, index=on_the_device) if name == "getitem" else minigen.take(x, on_the_device)
        (dx,) = grad(y, [x], dy)
    np.testing.assert_array_equal(y.numpy(), X[places % 3, 0])
    assert dx.tolist() == [100, 1001, 10]


def test_the_same_places_are_an_error_on_the_host():
    for places in ([4, -4, 0], minigen.tensor([4])):
        with pytest.raises(ShapeError, match="out of bounds"):
            minigen.take(X[:, 0], places)
    assert backend.current() is np

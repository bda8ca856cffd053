"""Operators and methods are the operations of the same name."""

import numpy as np
import pytest

import minigen
from minigen import Tensor, grad

A = np.array([[1.0, 2.0], [3.0, 4.0]])


def leaf(array=A):
    return Tensor(array.copy(), requires_grad=True)


@pytest.mark.parametrize(
    "ours",
    [
        lambda x: x + 2,
        lambda x: 2 + x,
        lambda x: x - 2,
        lambda x: 2 - x,
        lambda x: x * 3,
        lambda x: 3 * x,
        lambda x: x / 2,
        lambda x: 2 / x,
        lambda x: x**2,
        lambda x: 2**x,
        lambda x: -x,
        lambda x: abs(x),
        lambda x: x @ A,
        lambda x: A @ x,
        lambda x: x[0],
        lambda x: x.T,
        lambda x: x > 2,
        lambda x: x >= 2,
        lambda x: 2 < x,
        lambda x: x <= A,
        lambda x: x == 2,
        lambda x: x != 2,
        lambda x: (x > 1) & (x < 4),
        lambda x: (x > 3) | (x < 2),
        lambda x: ~(x > 2),
        lambda x: (A > 1) & (x < 4),
        lambda x: (A > 3) | (x < 2),
    ],
)
def test_operators_mean_what_they_mean_for_arrays(ours):
    y = ours(leaf())
    assert isinstance(y, Tensor)
    np.testing.assert_allclose(y.numpy(), ours(A))


@pytest.mark.parametrize(
    "name",
    "exp sqrt sin cos log1p expm1 log abs tanh sigmoid relu softplus sum mean var std max min norm logsumexp".split(),
)
def test_methods_are_the_functions(name):
    x = leaf()
    function, method = getattr(minigen, name)(x), getattr(x, name)()
    np.testing.assert_array_equal(method.numpy(), function.numpy())
    ours, its = (grad(y.sum(), [x])[0].numpy() for y in (function, method))
    np.testing.assert_array_equal(ours, its)


def test_methods_take_settings_by_place_and_by_name():
    x = leaf()
    assert x.sum(0).tolist() == x.sum(axis=0).tolist() == [4, 6]
    assert x.max(1, True).shape == x.max(axis=1, keepdims=True).shape == (2, 1)
    assert x.softmax(0).shape == (2, 2) and x.argmax(0).tolist() == [1, 1]
    assert x.clip(2, 3).tolist() == x.clip(low=2, high=3).tolist() == [[2, 2], [3, 3]]
    assert x.reshape(4).shape == x.reshape((4,)).shape == x.reshape([2, 2]).flatten().shape == (4,)
    assert x.transpose().shape == x.transpose(None).shape == x.transpose([1, 0]).shape == (2, 2)
    assert x.astype(np.float32).dtype == np.float32 and x[None].squeeze(0).shape == (2, 2)


def test_a_cast_gives_the_gradient_back_in_the_leafs_dtype():
    x = leaf()
    (dx,) = grad((x.astype(np.float32) * 2).sum(), [x])
    assert dx.dtype == np.float64 and dx.tolist() == [[2, 2], [2, 2]]


def test_what_every_array_tells():
    x = leaf()
    assert (x.shape, x.ndim, x.size, x.dtype, len(x), x.is_leaf) == ((2, 2), 2, 4, np.float64, 2, True)
    assert not (x + 1).is_leaf


def test_help_shows_the_text_of_the_operation():
    assert minigen.tanh.__doc__ == "y = tanh x"
    assert Tensor.tanh.__doc__ == "y = tanh x"
    assert repr(minigen.tanh) == "<minigen.tanh>"

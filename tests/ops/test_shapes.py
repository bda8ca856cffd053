"""Arrangements: every form of index and argument that NumPy knows, its value and its gradient."""

import numpy as np
import pytest

import minigen
from minigen import ShapeError, Tensor, grad

X = np.random.default_rng(0).standard_normal((3, 4, 5))


def leaf(array=X):
    return Tensor(np.array(array, np.float64), requires_grad=True)


def assert_arranged(ours, numpys, array=X):
    """ours(tensor) has numpys(array)'s entries, and a gradient that counts each entry's weight where it came from."""
    x = leaf(array)
    y = ours(x)
    np.testing.assert_array_equal(y.numpy(), numpys(np.array(array, np.float64)))
    weights = np.random.default_rng(1).standard_normal(y.shape)
    places = numpys(np.arange(np.size(array)).reshape(np.shape(array)))
    expected = np.zeros(np.size(array))
    np.add.at(expected, np.asarray(places, int).ravel(), weights.ravel())
    expected = expected.reshape(np.shape(array))
    (dx,) = grad(y, [x], weights, retain_graph=True)
    np.testing.assert_allclose(dx.numpy(), expected, rtol=1e-14, atol=1e-15)
    dy = Tensor(weights, requires_grad=True)
    (dx,) = grad(y, [x], dy, create_graph=True)
    np.testing.assert_allclose(dx.numpy(), expected, rtol=1e-14, atol=1e-15)
    (back,) = grad(dx, [dy], x.numpy())  # the adjoint of the adjoint is the arrangement itself
    np.testing.assert_array_equal(back.numpy(), y.numpy())


# Indexing -----------------------------------------------------------------------------------------------------------

MASK = X[..., 0] > 0
INDICES = {
    "number": 1,
    "negative number": -1,
    "NumPy integer": np.int64(1),
    "slice": slice(1, 3),
    "negative step": slice(None, None, -2),
    "empty slice": slice(2, 2),
    "None": None,
    "ellipsis": Ellipsis,
    "numbers": (1, 2, 3),
    "ellipsis and number": (Ellipsis, 0),
    "None between": (slice(None), None, 1),
    "mixed basic": (slice(None, None, -1), Ellipsis, slice(1, None, 2)),
    "list": [2, 0, 2, 2],
    "empty list": [],
    "array": np.array([[0, 1], [1, 1]]),
    "negative places": np.array([-1, -1, 0]),
    "two arrays": (np.array([0, 1, 0]), np.array([2, 2, 2])),
    "arrays apart": (np.array([0, 1, 1]), slice(None), np.array([2, 2, 2])),
    "arrays that broadcast": (np.array([[0], [1]]), np.array([2, 2, 3])),
    "array and slice": (slice(None, None, -1), [0, 0, 1], slice(None, 2)),
    "array and None": (None, [0, 0]),
    "array and number": (1, [0, 0, 3]),
    "whole mask": X > 0,
    "leading mask": MASK,
    "mask on an axis": (slice(None), np.array([True, False, True, True])),
    "list of booleans": [True, False, True],
    "nothing chosen": X > 100,
    "True": True,
    "False": False,
}


@pytest.mark.parametrize("name", INDICES)
def test_indexing_is_numpys(name):
    index = INDICES[name]
    assert_arranged(lambda x: x[index], lambda a: a[index])


def test_tensors_are_indices_too():
    places, mask = minigen.tensor([2, 0, 2]), leaf() > 0
    assert_arranged(lambda x: x[places], lambda a: a[[2, 0, 2]])
    assert_arranged(lambda x: x[:, places, 1], lambda a: a[:, [2, 0, 2], 1])
    assert_arranged(lambda x: x[mask], lambda a: a[X > 0])
    assert_arranged(lambda x: minigen.getitem(x, index=places), lambda a: a[[2, 0, 2]])
    assert_arranged(lambda x: x[[minigen.tensor(1), 0]], lambda a: a[[1, 0]])


def test_a_repeated_place_collects_every_share():
    x = leaf([1.0, 2.0, 3.0])
    (dx,) = grad(x[[1, 1, 1, 2]], [x], [1.0, 10.0, 100.0, 5.0])
    assert dx.tolist() == [0, 111, 5]


def test_an_index_out_of_range_names_the_operation():
    with pytest.raises(ShapeError, match=r"getitem: shapes \(3, 4, 5\) do not fit: index 3 is out of bounds"):
        leaf()[3]
    with pytest.raises(ShapeError, match=r"getitem: .*out of bounds"):
        leaf()[[0, 7]]
    with pytest.raises(ShapeError, match=r"getitem: .*too many indices"):
        leaf()[0, 0, 0, 0]


# Reductions' axes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2), (-1, 0), (0, 1, 2), ()])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "var", "std", "norm", "logsumexp"])
def test_reductions_take_numpys_axes(name, axis, keepdims):
    if axis == () and name == "std":
        pytest.skip("the slope of a root at 0 is infinite")
    reference = {
        "norm": lambda a, **settings: np.sqrt((a * a).sum(**settings)),
        "logsumexp": lambda a, **settings: np.log(np.exp(a).sum(**settings)),
    }.get(name, getattr(np, name, None))
    x = leaf()
    y = getattr(minigen, name)(x, axis=axis, keepdims=keepdims)
    np.testing.assert_allclose(y.numpy(), reference(X, axis=axis, keepdims=keepdims), rtol=1e-12, atol=1e-12)
    weights = np.random.default_rng(2).standard_normal(y.shape)
    direction = np.random.default_rng(3).standard_normal(X.shape)
    (dx,) = grad(y, [x], weights)
    h = 1e-6
    up, down = (reference(X + s * h * direction, axis=axis, keepdims=keepdims) for s in (1, -1))
    assert (dx.numpy() * direction).sum() == pytest.approx(((up - down) * weights).sum() / (2 * h), rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("axis", [0, -1, (0, 1), None])
def test_softmax_takes_any_axis(axis):
    np.testing.assert_allclose(minigen.softmax(leaf(), axis).numpy().sum(axis), 1)
    np.testing.assert_allclose(minigen.log_softmax(leaf(), axis).exp().numpy().sum(axis), 1)


def test_argmax_is_a_tensor_of_places_without_a_gradient():
    x = leaf()
    places = x.argmax(1)
    assert isinstance(places, Tensor) and places.dtype == np.int64 and not places.requires_grad
    np.testing.assert_array_equal(places.numpy(), X.argmax(1))
    assert x.argmax().item() == X.argmax() and minigen.argmax(X, -1).shape == (3, 4)


# Rearranging --------------------------------------------------------------------------------------------------------

FORMS = {
    "reshape": (lambda x: x.reshape(6, -1), lambda a: a.reshape(6, -1)),
    "reshape to a tuple": (lambda x: minigen.reshape(x, (2, 30)), lambda a: a.reshape(2, 30)),
    "flatten": (lambda x: x.flatten(), lambda a: a.ravel()),
    "transpose": (lambda x: x.transpose(), lambda a: a.transpose()),
    "T": (lambda x: x.T, lambda a: a.T),
    "transpose by axes": (lambda x: x.transpose(1, 2, 0), lambda a: a.transpose(1, 2, 0)),
    "transpose by negative axes": (lambda x: x.transpose((-1, 0, -2)), lambda a: a.transpose(-1, 0, -2)),
    "moveaxis": (lambda x: x.moveaxis(0, -1), lambda a: np.moveaxis(a, 0, -1)),
    "moveaxis of tuples": (lambda x: x.moveaxis((0, 1), (-1, 0)), lambda a: np.moveaxis(a, (0, 1), (-1, 0))),
    "expand_dims": (lambda x: minigen.expand_dims(x, 1), lambda a: np.expand_dims(a, 1)),
    "expand_dims by a tuple": (lambda x: minigen.expand_dims(x, (0, -1)), lambda a: np.expand_dims(a, (0, -1))),
    "squeeze": (lambda x: x[:, :1].squeeze(), lambda a: a[:, :1].squeeze()),
    "squeeze an axis": (lambda x: x[:1, :1].squeeze(-2), lambda a: a[:1, :1].squeeze(-2)),
    "broadcast_to": (lambda x: minigen.broadcast_to(x, (2, 3, 4, 5)), lambda a: np.broadcast_to(a, (2, 3, 4, 5))),
    "flip": (lambda x: minigen.flip(x), lambda a: np.flip(a)),
    "flip an axis": (lambda x: minigen.flip(x, -1), lambda a: np.flip(a, -1)),
    "flip two axes": (lambda x: minigen.flip(x, (0, 2)), lambda a: np.flip(a, (0, 2))),
    "roll": (lambda x: minigen.roll(x, 7), lambda a: np.roll(a, 7)),
    "roll an axis": (lambda x: minigen.roll(x, -2, 1), lambda a: np.roll(a, -2, 1)),
    "roll two axes": (lambda x: minigen.roll(x, (1, -2), (0, 2)), lambda a: np.roll(a, (1, -2), (0, 2))),
    "roll by a list": (lambda x: minigen.roll(x, [1, 2], [0, 1]), lambda a: np.roll(a, [1, 2], [0, 1])),
    "roll two axes alike": (lambda x: minigen.roll(x, 1, (0, 2)), lambda a: np.roll(a, 1, (0, 2))),
    "take": (lambda x: x.take([0, 59, 0]), lambda a: a.take([0, 59, 0])),
    "take along an axis": (lambda x: x.take([[0, 1], [1, 1]], -2), lambda a: a.take([[0, 1], [1, 1]], -2)),
    "take one": (lambda x: minigen.take(x, 2, 0), lambda a: a.take(2, 0)),
    "concatenate": (lambda x: minigen.concatenate([x, x[:1]]), lambda a: np.concatenate([a, a[:1]])),
    "concatenate arguments": (
        lambda x: minigen.concatenate(x, x[..., ::-1], axis=-1),
        lambda a: np.concatenate([a, a[..., ::-1]], -1),
    ),
    "concatenate by place": (lambda x: minigen.concatenate((x, x), 1), lambda a: np.concatenate([a, a], 1)),
    "concatenate one": (lambda x: minigen.concatenate([x]), lambda a: a),
    "stack": (lambda x: minigen.stack([x, x, x]), lambda a: np.stack([a, a, a])),
    "stack arguments": (lambda x: minigen.stack(x, x, axis=-1), lambda a: np.stack([a, a], -1)),
    "stack by place": (lambda x: minigen.stack([x, x], 1), lambda a: np.stack([a, a], 1)),
}


@pytest.mark.parametrize("name", FORMS)
def test_rearranging_is_numpys(name):
    assert_arranged(*FORMS[name])


@pytest.mark.parametrize("widths", [1, (1, 2), ((1, 2),), ((1, 0), (0, 2), (3, 1)), np.int64(2), 0])
def test_pad_takes_numpys_short_forms(widths):
    x = leaf()
    y = minigen.pad(x, widths, 7.0)
    np.testing.assert_array_equal(y.numpy(), np.pad(X, widths, constant_values=7.0))
    weights = np.random.default_rng(4).standard_normal(y.shape)
    (dx,) = grad(y, [x], weights)
    inside = np.pad(np.ones(X.shape, bool), widths)
    np.testing.assert_array_equal(dx.numpy(), weights[inside].reshape(X.shape))


@pytest.mark.parametrize("sections, axis", [(3, 0), (2, 1), ([1, 3], -1), (np.int64(5), 2), ([], 0), ((2,), 0)])
def test_split_gives_numpys_parts(sections, axis):
    x = leaf()
    parts = minigen.split(x, sections, axis)
    for ours, numpys in zip(parts, np.split(X, sections, axis), strict=True):
        np.testing.assert_array_equal(ours.numpy(), numpys)
    (dx,) = grad(sum((k + 1.0) * part.sum() for k, part in enumerate(parts)), [x])
    weights = [np.full(part.shape, k + 1.0) for k, part in enumerate(np.split(X, sections, axis))]
    np.testing.assert_array_equal(dx.numpy(), np.concatenate(weights, axis))


def test_lists_may_mix_tensors_and_arrays_and_lists():
    x = Tensor(np.ones(2, np.float32), requires_grad=True)
    y = minigen.concatenate([np.zeros(1), x, [5.0]])
    assert y.tolist() == [0, 1, 1, 5] and y.dtype == np.float32
    assert grad(y.sum(), [x])[0].tolist() == [1, 1]
    assert minigen.concatenate([np.zeros(1), np.ones(1)]).tolist() == [0, 1]
    assert isinstance(minigen.stack([np.zeros(1), np.ones(1)]), np.ndarray)


def test_where_takes_numbers_arrays_and_tensors():
    x = leaf([1.0, -2.0])
    for condition in (x > 0, x.numpy() > 0, [True, False]):
        y = minigen.where(condition, x, -1)
        assert y.tolist() == [1, -1] and grad(y.sum(), [x])[0].tolist() == [1, 0]
        assert minigen.where(condition, 0.5, x).tolist() == [0.5, -2]
    y = minigen.where(x > 0, x.sum(), np.zeros((3, 1)))
    assert y.shape == (3, 2) and grad(y.sum(), [x])[0].tolist() == [3, 3]


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda x: x.reshape(7, -1), r"reshape: shapes \(3, 4, 5\) do not fit"),
        (lambda x: x.transpose(0, 1), r"transpose: shapes \(3, 4, 5\) do not fit"),
        (lambda x: minigen.concatenate([x, np.ones((2, 2))]), r"concatenate: shapes \(3, 4, 5\) and \(2, 2\)"),
        (lambda x: minigen.concatenate([]), "concatenate: .* need at least one array"),
        (lambda x: minigen.stack([x, x[0]]), r"stack: shapes \(3, 4, 5\) and \(4, 5\) do not fit"),
        (lambda x: minigen.split(x, 2), "split: an axis of length 3 does not divide into 2 equal parts"),
        (
            lambda x: minigen.pad(x, (1, 2, 3)),
            r"pad: widths \(1, 2, 3\) must be a number, a \(before, after\) pair, or 3",
        ),
        (lambda x: minigen.pad(x, ((1, 1), (2, 2))), "pad: widths"),
        (lambda x: minigen.pad(x, -1), "pad: .*negative"),
        (lambda x: x.squeeze(0), r"squeeze: shapes \(3, 4, 5\) do not fit"),
        (lambda x: minigen.broadcast_to(x, (3, 4)), r"broadcast_to: shapes \(3, 4, 5\) do not fit"),
        (lambda x: minigen.einsum("ii,ij->j", x[0], x[0]), "einsum: 'ii,ij->j' must name each axis"),
        (lambda x: minigen.einsum("i...,ij->j", x[0], x[0]), "einsum: .* must name each axis"),
        (lambda x: minigen.einsum("ij->j", x[0], x[0]), r"einsum: '' names 0 axes; that operand has shape \(4, 5\)"),
        (lambda x: minigen.einsum("ijk,jl->il", x, x[0].T), "einsum: 'j' in 'ijk,jl->il' is 4 in one operand and 5"),
        (lambda x: minigen.einsum("ijk,jl->iz", x, x[0]), "einsum: the result 'iz' .* must be made of"),
        (lambda x: minigen.einsum("ijk,jl->ii", x, x[0]), "einsum: the result 'ii'"),
        (
            lambda x: x @ np.ones((4, 2)),
            r"matmul: shapes \(3, 4, 5\) and \(4, 2\) do not fit: the inner lengths differ",
        ),
        (lambda x: x @ 2.0, r"matmul: a number has no rows; use \* to multiply by it"),
        (lambda x: minigen.max_pool(x, 2, stride=0), "stride 0 must be a whole number"),
        (lambda x: minigen.max_pool(x, 9), r"max_pool: sizes \(4,\) .* smaller than the window \(9,\)"),
        (lambda x: minigen.upsample(x[0], 2), r"upsample: x has shape \(4, 5\); it must be \(N, \*sizes, C\)"),
    ],
)
def test_a_misfit_names_the_operation_the_shapes_and_the_remedy(call, message):
    with pytest.raises(ShapeError, match=message):
        call(leaf())


# Products -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "a, b",
    [
        ((3,), (3,)),
        ((3,), (3, 2)),
        ((4, 3), (3,)),
        ((4, 3), (3, 2)),
        ((5, 4, 3), (3, 2)),
        ((5, 4, 3), (3,)),
        ((3,), (5, 3, 2)),
        ((5, 4, 3), (5, 3, 2)),
        ((1, 4, 3), (5, 3, 2)),
        ((4, 3), (5, 3, 2)),
        ((2, 1, 4, 3), (5, 3, 2)),
        ((0, 3), (3, 2)),
        ((4, 0), (0, 2)),
        ((2, 4, 0), (0, 2)),
        ((0,), (0,)),
        ((0,), (0, 2)),
    ],
)
def test_matmul_takes_every_form_of_numpys(a, b):
    rng = np.random.default_rng(5)
    a, b = leaf(rng.standard_normal(a)), leaf(rng.standard_normal(b))
    y = a @ b
    np.testing.assert_allclose(y.numpy(), a.numpy() @ b.numpy(), rtol=1e-13)
    weights = rng.standard_normal(y.shape)
    da, db = grad(y, [a, b], weights)
    scalar = (y.numpy() * weights).sum()  # bilinear: each gradient against its own input is the value again
    assert (da.numpy() * a.numpy()).sum() == pytest.approx(scalar, abs=1e-12)
    assert (db.numpy() * b.numpy()).sum() == pytest.approx(scalar, abs=1e-12)


@pytest.mark.parametrize(
    "text, a, b",
    [
        ("ij,jk->ik", (2, 3), (3, 4)),
        ("ij,jk", (2, 3), (3, 4)),
        ("i,i->", (3,), (3,)),
        ("i,j->ij", (2,), (3,)),
        ("bij,bjk->bki", (2, 3, 4), (2, 4, 3)),
        ("ij,k->k", (2, 3), (4,)),
        ("ij,ij->j", (2, 3), (2, 3)),
        ("i j , j -> i", (2, 3), (3,)),
        (",i->i", (), (3,)),
        ("ij,ij->ji", (2, 3), (2, 3)),
    ],
)
def test_einsum_is_numpys(text, a, b):
    rng = np.random.default_rng(6)
    a, b = leaf(rng.standard_normal(a)), leaf(rng.standard_normal(b))
    y = minigen.einsum(text, a, b)
    np.testing.assert_allclose(y.numpy(), np.einsum(text, a.numpy(), b.numpy()), rtol=1e-12)
    weights = rng.standard_normal(y.shape)
    da, db = grad(y, [a, b], weights)
    scalar = (y.numpy() * weights).sum()
    assert (da.numpy() * a.numpy()).sum() == pytest.approx(scalar)
    assert (db.numpy() * b.numpy()).sum() == pytest.approx(scalar)


# Pooling ------------------------------------------------------------------------------------------------------------


def test_pooling_by_hand():
    x = leaf(np.arange(16.0).reshape(1, 4, 4, 1))
    assert minigen.max_pool(x, 2).numpy().ravel().tolist() == [5, 7, 13, 15]
    assert minigen.average_pool(x, 2).numpy().ravel().tolist() == [2.5, 4.5, 10.5, 12.5]
    assert minigen.max_pool(x, 3, stride=2, padding="same").numpy().ravel().tolist() == [10, 11, 14, 15]
    corner = minigen.average_pool(x, 3, stride=2, padding="same").numpy()[0, 1, 1, 0]
    assert corner == np.arange(16.0).reshape(4, 4)[2:, 2:].mean()  # padding does not count
    assert minigen.upsample(x[:, :1, :2], (1, 3)).numpy().ravel().tolist() == [0, 0, 0, 1, 1, 1]
    assert minigen.max_pool(-x - 1, 2, padding=1).numpy().max() == -1  # padding counts as −∞

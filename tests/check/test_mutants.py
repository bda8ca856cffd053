"""Wrong derivatives: the table of mutations, wrong rules, and what is wrong only for the length of a with-block."""

import contextlib

import numpy as np
import pytest

import minigen
from minigen import Tensor, nn, ops
from minigen.autograd import OPS
from minigen.check import grad_check
from minigen.check.mutants import MUTATIONS, plant, planted
from minigen.check.verdict import GradCheckError
from minigen.errors import SettingError
from minigen.losses.vae import gaussian_kl

rng = np.random.default_rng(3)
X, W, B = rng.normal(size=(4, 3)), rng.normal(size=(3, 2)), rng.normal(size=2)
DY = rng.normal(size=(4, 2))


def dense(x, w, b):
    return x @ w + b


def dense_backward(dy, y, x, w, b):
    return dy @ w.T, x.T @ dy, dy.sum(0)


# The table ------------------------------------------------------------------------------------------------------------

G = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, -6.0]])
CHANGED = {  # what becomes of the gradient G
    "zeros": 0 * G,
    "sign": -G,
    "times 2": G + G,
    "times 1/2": G / 2,
    "times 1.001": G + G / 1000,
    "times N": 2 * G,
    "over N": G / 2,
    "one entry times 1.01": [[1, 2, 3], [4, 5, -6.06]],
    "one entry 0": [[1, 2, 3], [4, 5, 0]],
    "one entry NaN": [[1, 2, 3], [4, 5, np.nan]],
    "neighbours swapped": [[2, 1, 4], [3, -6, 5]],
    "transposed": [[1, 4, 2], [5, 3, -6]],
    "flipped": [[-6, 5, 4], [3, 2, 1]],
    "rolled": [[-6, 1, 2], [3, 4, 5]],
    "mean taken out": G - 1.5,
    "constant added": G + 0.06,
    "not summed": [G, G],
    "in float32": G.astype(np.float32),
    "dy ignored": np.ones((2, 3)),
    "changes an input": G,
    "changes dy": G,
}


def test_the_table_is_tested_whole():
    assert set(CHANGED) == {name for name, row in MUTATIONS.items() if row.order == 1}
    assert all(row.says for row in MUTATIONS.values())


@pytest.mark.parametrize("kind", [np.array, Tensor])
@pytest.mark.parametrize("name", CHANGED)
def test_a_mutation_does_what_it_says_to_arrays_and_tensors_alike(name, kind):
    dx = MUTATIONS[name].plant(lambda dy, y, x: dy * 1)(kind(G.copy()), kind(G.copy()), kind(G.copy()))
    assert isinstance(dx, Tensor) == (kind is Tensor)
    np.testing.assert_allclose(dx.data if kind is Tensor else dx, CHANGED[name], rtol=1e-15)
    assert dx.dtype == (np.float32 if name == "in float32" else np.float64)


@pytest.mark.parametrize("kind", [np.array, Tensor])
def test_two_mutations_change_their_arguments_in_place(kind):
    dy, y, x = kind(G.copy()), kind(G.copy()), kind(G.copy())
    MUTATIONS["changes an input"].plant(lambda dy, y, x: dy * 1)(dy, y, x)
    entries = [a.data if kind is Tensor else a for a in (dy, y, x)]
    np.testing.assert_array_equal(entries, [G, G, G + 1])
    MUTATIONS["changes dy"].plant(lambda dy, y, x: dy * 1)(dy, y, x)
    np.testing.assert_array_equal(dy.data if kind is Tensor else dy, G + 1)


@pytest.mark.parametrize("name, by_dy, by_x", [("factor a constant", 3.0, 0.0), ("dy a constant", 0.0, 2.0)])
def test_some_mutations_are_wrong_in_the_second_derivative_only(name, by_dy, by_x):
    dy, x = Tensor(np.array(2.0), requires_grad=True), Tensor(np.array(3.0), requires_grad=True)
    dx = MUTATIONS[name].plant(lambda dy, y, x: dy * x)(dy, x, x)
    assert float(dx) == 6
    found = minigen.grad(dx, [dy, x], allow_unused=True)
    assert [0.0 if d is None else float(d) for d in found] == [by_dy, by_x]


def test_one_mutation_is_wrong_on_tensors_only():
    wrong = MUTATIONS["wrong when recorded"].plant(lambda dy, y, x: dy * x)
    np.testing.assert_array_equal(wrong(G, G, G), G * G)
    np.testing.assert_allclose(wrong(Tensor(G), Tensor(G), Tensor(G)).data, G * G + 0.01)


def test_a_gradient_of_nothing_stays_nothing():
    for row in MUTATIONS.values():
        assert row.plant(lambda dy, y, x: dy * 1)(*[np.zeros((0, 2))] * 3).size == 0
        assert row.plant(lambda dy, y, x: None)(*[np.zeros(2)] * 3) is None


def test_a_gradient_that_is_a_bare_number_can_be_mutated():
    for name, row in MUTATIONS.items():
        dx = row.plant(lambda dy, y, x: 2.0 * dy)(np.array(1.5), np.array(1.0), np.array(1.0))
        assert np.shape(dx) == ((2,) if name == "not summed" else ())


# plant: wrong rules by themselves -------------------------------------------------------------------------------------


def test_plant_makes_one_gradient_wrong_and_leaves_the_others():
    y = dense(X, W, B)
    right = dense_backward(DY, y, X, W, B)
    wrong = dict(plant(dense_backward, (DY, y, X, W, B)))
    assert len(wrong) == 19 + 19 + 18 + 2  # b is a vector: "transposed" cannot apply; two concern the rule as a whole
    assert "transposed for w" in wrong and "transposed for b" not in wrong
    dx, dw, db = wrong["times N for w"](DY, y, X, W, B)
    np.testing.assert_array_equal(dx, right[0])
    np.testing.assert_array_equal(dw, 3 * right[1])
    np.testing.assert_array_equal(db, right[2])


def test_plant_takes_a_backward_with_a_cache():
    def backward(dy, cache):
        (x, w), shape = cache["arrays"], cache["shape"]
        return dy @ w.T, (x.T @ dy).reshape(shape)

    cache = {"arrays": (X.copy(), W), "shape": (3, 2)}
    wrong = dict(plant(backward, (DY, cache)))
    np.testing.assert_array_equal(wrong["sign for gradient 2"](DY, cache)[1], -(X.T @ DY))
    wrong["changes an input"](DY, cache)
    np.testing.assert_array_equal(cache["arrays"][0], X + 1)


def test_plant_leaves_out_what_cannot_apply():
    one_row = set(dict(plant(lambda dy, y, x: dy * x, (X[:1], X[:1], X[:1]))))
    assert set(CHANGED) - one_row == {"times N", "over N", "transposed"}
    number = set(dict(plant(lambda dy, y, x: dy * x, (np.array(2.0),) * 3)))
    assert set(CHANGED) - number == {
        *("times N", "over N", "transposed", "flipped", "rolled", "neighbours swapped"),
    }
    small = (X.astype(np.float32),) * 3
    assert "in float32" not in dict(plant(lambda dy, y, x: dy * x, small))
    two_cases = [(X[:1],) * 3, (X,) * 3]
    assert set(CHANGED) == set(dict(plant(lambda dy, y, x: dy * x, two_cases)))  # one of them will do
    assert set(MUTATIONS) == set(dict(plant(lambda dy, y, x: dy * x, (X,) * 3, order=2)))


def test_plant_knows_gradients_that_are_none():
    wrong = dict(plant(lambda dy, y, scores, labels: (dy * scores, None), (X, X, X, np.arange(4))))
    assert not [name for name in wrong if "labels" in name]
    assert wrong["sign for scores"](X, X, X, np.arange(4))[1] is None


def test_plant_refuses_cases_that_are_no_arguments():
    for like in ([], [X, X]):
        with pytest.raises(SettingError, match="like is a tuple of arguments, \\(dy, y, \\*inputs\\)"):
            list(plant(dense_backward, like))


# planted: an operation, a layer, a function made wrong for a while ----------------------------------------------------


def gradients(f, *inputs):
    leaves = [Tensor(x, requires_grad=True) for x in inputs]
    return [dx.data for dx in minigen.grad(f(*leaves), leaves, np.ones(f(*leaves).shape))]


@pytest.mark.parametrize("target", ["multiply", ops.multiply])
def test_an_operation_is_wrong_inside_the_block_and_right_after_it(target):
    a, b = X, X + 2
    with planted(target, "sign", "b") as op:
        assert op is ops.multiply
        np.testing.assert_array_equal(ops.multiply(a, b), a * b)
        np.testing.assert_array_equal(gradients(ops.multiply, a, b), [b, -a])
        with planted(target, "times 2"):
            np.testing.assert_array_equal(gradients(ops.multiply, a, b), [2 * b, -2 * a])
        np.testing.assert_array_equal(gradients(ops.multiply, a, b), [b, -a])
    np.testing.assert_array_equal(gradients(ops.multiply, a, b), [b, a])


def test_an_operation_gets_its_gradient_in_the_shape_of_the_input():
    with planted("add", "times N", 1):  # of b, which has 3 rows where the result has 4
        np.testing.assert_array_equal(gradients(ops.add, X, X[0])[1], np.full(3, 12.0))
    with planted("concatenate", "times N"):
        np.testing.assert_array_equal(gradients(ops.concatenate, X[0], B)[1], np.full(2, 2.0))


def test_a_mutation_of_ones_own_takes_the_right_rule():
    def forgets_the_square(rule):
        return lambda dy, y, x: dy * (1 - y)

    with planted("tanh", forgets_the_square), pytest.raises(GradCheckError, match="with respect to x is wrong"):
        grad_check(ops.tanh, [X], quiet=True)
    grad_check(ops.tanh, [X], quiet=True)


def test_whatever_happens_inside_everything_is_restored():
    layer = nn.Dense(3, 2, rng=minigen.random.generator(0))
    rules, call, weight = dict(OPS["tanh"].rules), nn.Dense.__call__, layer.weight
    for target in ("tanh", nn.Dense, layer):
        with pytest.raises(ZeroDivisionError), planted(target, "zeros"):
            layer(Tensor(X))
            raise ZeroDivisionError
    with pytest.raises(minigen.ShapeError), planted(layer, "zeros"):
        layer(Tensor(W))
    assert OPS["tanh"].rules == rules and nn.Dense.__call__ is call and layer.weight is weight
    assert "__call__" in vars(nn.Dense)


def test_an_inherited_call_stays_inherited():
    with planted(nn.Conv2D, "zeros"), pytest.raises(GradCheckError):
        grad_check(nn.Conv2D(1, 1, 2, rng=minigen.random.generator(0)), [X[None, :, :, None]], quiet=True)
    assert "__call__" not in vars(nn.Conv2D)


def gradients_of(layer):
    x = Tensor(X, requires_grad=True)
    return [dx.data for dx in minigen.grad((layer(x) * DY).sum(), [x, *layer.parameters()])]


@pytest.mark.parametrize("which", ["class", "instance"])
@pytest.mark.parametrize(
    "input, wrong",
    [("x", [0]), (0, [0]), ("weight", [1]), ("bias", [2]), ("result", [0, 1, 2]), (None, [0, 1, 2])],
)
def test_a_layer_is_wrong_at_one_input_or_parameter(which, input, wrong):
    layer, other = (nn.Dense(3, 2, rng=minigen.random.generator(i)).astype(np.float64) for i in range(2))
    right, beside = gradients_of(layer), gradients_of(other)
    with planted(nn.Dense if which == "class" else layer, "sign", input):
        np.testing.assert_array_equal(layer(Tensor(X)).data, X @ layer.weight.data + layer.bias.data)
        for i in range(3):
            np.testing.assert_array_equal(gradients_of(layer)[i], -right[i] if i in wrong else right[i])
            changed = which == "class" and i in wrong
            np.testing.assert_array_equal(gradients_of(other)[i], -beside[i] if changed else beside[i])
    for i in range(3):
        np.testing.assert_array_equal(gradients_of(layer)[i], right[i])


class Deep(nn.Module):
    """Parameters in a list, a tuple, a dict, and in modules inside those."""

    def __init__(self):
        self.listed = [minigen.Parameter(np.array([2.0]))]
        self.paired = (minigen.Parameter(np.array([3.0])), nn.Dense(1, 1, rng=minigen.random.generator(0)))
        self.named = {"last": minigen.Parameter(np.array([5.0]))}

    def __call__(self, x):
        return self.paired[1](x * self.listed[0] * self.paired[0] * self.named["last"])


@pytest.mark.parametrize("name", ["listed.0", "paired.0", "paired.1.weight", "paired.1.bias", "named.last"])
def test_parameters_are_found_wherever_a_module_keeps_them(name):
    net, x = Deep(), np.array([[1.5]])
    kept = [net.listed[0], net.paired, net.named["last"], net.paired[1].weight]
    with planted(net, "sign", name), pytest.raises(GradCheckError, match=f"with respect to {name} is wrong"):
        grad_check(net, [x], quiet=True)
    grad_check(net, [x], quiet=True)
    now = [net.listed[0], net.paired, net.named["last"], net.paired[1].weight]
    assert all(a is b for a, b in zip(kept, now, strict=True))


def test_a_parameter_that_is_used_twice_is_wrong_in_both_places():
    net = nn.Sequential(*[nn.Dense(2, 2, bias=False, rng=minigen.random.generator(0))] * 2)
    with planted(net, "times 2", "0.weight"), pytest.raises(GradCheckError, match="every ratio is 2"):
        grad_check(net, [DY], quiet=True)


def test_a_fused_formula_is_wrong_with_its_kernel_and_without():
    x, ones, zeros = (Tensor(a) for a in (X, np.ones(3), np.zeros(3)))
    right = ops.batch_norm(x, ones, zeros).data
    with planted("batch_norm", "sign", "gamma"):
        np.testing.assert_array_equal(ops.batch_norm(x, ones, zeros).data, right)
        for kernels in (contextlib.nullcontext(), minigen.autograd.kernels_off()):
            with kernels, pytest.raises(GradCheckError, match="with respect to gamma is wrong"):
                grad_check(ops.batch_norm, [X, np.ones(3), np.zeros(3)], quiet=True)
    grad_check(ops.batch_norm, [X, np.ones(3), np.zeros(3)], order=2, quiet=True)


def test_a_function_gets_a_stand_in_and_stays_as_it_is():
    inputs = {"mu": X, "logvar": X / 2}
    with planted(gaussian_kl, "times 1/2", "logvar") as kl:
        assert kl(**inputs) == gaussian_kl(**inputs)
        with pytest.raises(GradCheckError, match="with respect to logvar is wrong[^$]*1/2"):
            grad_check(kl, inputs, quiet=True)
        grad_check(gaussian_kl, inputs, quiet=True)


def test_unknown_names_are_refused():
    for target, mutation, input, message in (
        ("add", "signs", None, "there is no mutation 'signs'; there are zeros, sign, "),
        ("plus", "sign", None, "there is no operation 'plus'"),
        ("add", 3, None, "a mutation is a name or a function of the right rule; this is int"),
        ("add", "sign", "c", "add has no input or parameter 'c'; it has a, b"),
    ):
        with pytest.raises(SettingError, match=message), planted(target, mutation, input):
            pass
    layer = nn.Dense(3, 2, rng=minigen.random.generator(0))
    with pytest.raises(SettingError, match="Dense has no input or parameter 'kernel'; it has weight, bias, x"):
        with planted(layer, "sign", "kernel"):
            layer(Tensor(X))
    with pytest.raises(SettingError, match="it has nothing, for it was not called"), planted(layer, "sign", "weight"):
        pass

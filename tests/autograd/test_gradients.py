"""grad and backward: what they return, what they store, what they refuse."""

import numpy as np
import pytest

import minigen
from minigen import GraphError, Parameter, ShapeError, Tensor, grad
from minigen.autograd import OPS, backward
from minigen.autograd.gradients import unbroadcast
from minigen.autograd.op import op


def leaf(*entries, dtype=np.float64, name=None):
    return Tensor(np.array(entries, dtype), requires_grad=True, name=name)


# What comes out -----------------------------------------------------------------------------------------------------


def test_grad_returns_values_and_touches_no_grad():
    x = leaf(1.0, 2.0)
    (dx,) = grad((x * x).sum(), [x])
    np.testing.assert_array_equal(dx.numpy(), [2, 4])
    assert x.grad is None


def test_grad_takes_one_tensor_or_many():
    x = leaf(3.0)
    assert grad((x * x).sum(), x)[0].item() == 6
    assert grad((x * x).sum(), (x for x in [x]))[0].item() == 6
    assert grad((x * x).sum(), []) == ()


def test_backward_is_grad_and_storing():
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    dx, dw = grad((x * w).sum(), [x, w])
    (x * w).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), dx.numpy())
    np.testing.assert_array_equal(w.grad.numpy(), dw.numpy())


def test_two_graphs_over_one_leaf_add():
    x = leaf(2.0)
    for _ in range(2):
        (x * x).backward()
    np.testing.assert_array_equal(x.grad.numpy(), [8.0])


def test_one_graph_walked_twice_with_retain_graph_adds():
    x = leaf(2.0)
    y = x * x
    y.backward(retain_graph=True)
    y.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [8.0])


def test_backward_stores_nothing_on_results_between():
    x = leaf(2.0)
    h = x * x
    (h * h).backward()
    assert h.grad is None and x.grad.item() == 32


def test_a_leaf_is_its_own_derivative():
    x = leaf(5.0)
    assert grad(x, [x])[0].item() == 1
    x.backward()
    assert x.grad.item() == 1


def test_fan_out_of_three_and_x_plus_x():
    x = leaf(2.0, 3.0)
    (dx,) = grad((x + x).sum(), [x])
    np.testing.assert_array_equal(dx.numpy(), [2, 2])
    (dx,) = grad((x * x + x.exp() * 0 + x).sum(), [x])
    np.testing.assert_array_equal(dx.numpy(), [5, 7])


def test_the_same_input_twice_gets_the_same_gradient_twice():
    x = leaf(2.0)
    a, b = grad(x * x, [x, x])
    a.data[0] = 7
    assert b.item() == 4


def test_results_between_can_be_targets_and_lie_beneath_each_other():
    x = leaf(2.0)
    h = x * x
    k = h * 3
    dk, dx, dh = grad((k * k).sum(), [k, x, h])
    assert (dk.item(), dh.item(), dx.item()) == (24, 72, 288)


def test_a_result_between_is_reached_through_every_way():
    x = leaf(2.0)
    h = x * x
    (dh,) = grad((h * h * h + h).sum(), [h])
    assert dh.item() == 3 * 16 + 1


def test_dy_weighs_the_entries_and_takes_the_results_dtype():
    x = leaf(1.0, 2.0, dtype=np.float32)
    for dy in ([10.0, 100.0], np.array([10.0, 100.0]), minigen.tensor(np.array([10.0, 100.0]))):
        (dx,) = grad(x * 2, [x], dy)
        np.testing.assert_array_equal(dx.numpy(), [20, 200])
        assert dx.dtype == np.float32


def test_a_tensor_of_size_one_needs_no_dy_whatever_its_shape():
    x = Tensor(np.ones((1, 1)), requires_grad=True)
    assert grad(x * 3, [x])[0].shape == (1, 1)


@pytest.mark.parametrize("shape", [(2, 3), (3,), (1, 3), (2, 1), (1, 1), ()])
def test_broadcasting_is_undone(shape):
    x = Tensor(np.ones(shape), requires_grad=True)
    (dx,) = grad((x * np.arange(6.0).reshape(2, 3)).sum(), [x])
    expected = np.broadcast_to(np.arange(6.0).reshape(2, 3), (2, 3))
    np.testing.assert_array_equal(dx.numpy(), unbroadcast(expected, shape))
    assert dx.numpy().sum() == 15


# Higher orders ------------------------------------------------------------------------------------------------------


def test_create_graph_reaches_the_third_order():
    x = leaf(2.0)
    y = x**4
    expected = [32, 48, 48, 24]
    for value in expected:
        (y,) = grad(y, [x], create_graph=True)
        assert y.item() == value


def test_the_derivative_by_dy_is_there_too():
    x = leaf(3.0)
    dy = leaf(5.0)
    (dx,) = grad(x * x, [x], dy, create_graph=True)
    assert grad(dx, [dy])[0].item() == 6


def test_without_create_graph_the_gradient_is_a_constant():
    x = leaf(2.0)
    (dx,) = grad(x * x, [x])
    assert not dx.requires_grad and dx.node is None
    (dx,) = grad(x * x, [x], create_graph=True)
    assert dx.requires_grad


def test_create_graph_records_even_under_no_grad():
    x = leaf(2.0)
    y = x * x * x
    with minigen.no_grad():
        (dx,) = grad(y, [x], create_graph=True)
    assert grad(dx, [x])[0].item() == 12


def test_backward_with_create_graph_stores_differentiable_gradients():
    x = leaf(2.0)
    (x * x * x).backward(create_graph=True)
    stored, x.grad = x.grad, None
    assert grad(stored, [x])[0].item() == 12


def test_a_path_through_which_nothing_flows_gives_zeros():
    x, w = leaf(2.0, 3.0), leaf(1.0)

    @op
    def nothing_test(x):
        return x * 1

    nothing_test.vjp(x=lambda dy, y, x: None)
    try:
        for create_graph in (False, True):
            (dx,) = grad((nothing_test(x) + w).sum(), [x], create_graph=create_graph)
            np.testing.assert_array_equal(dx.numpy(), [0, 0])
    finally:
        del OPS["nothing_test"]


# Refusals -----------------------------------------------------------------------------------------------------------


def test_a_released_graph_says_retain_graph():
    x = leaf(2.0)
    y = x * x
    grad(y, [x])
    for call in (lambda: grad(y, [x]), y.backward, lambda: grad(y * 2, [x])):
        with pytest.raises(GraphError, match="retain_graph=True"):
            call()
    assert x.grad is None


def test_retain_graph_keeps_it_and_create_graph_implies_it():
    x = leaf(2.0)
    y = x * x
    for settings in ({"retain_graph": True}, {"create_graph": True}, {}):
        assert grad(y, [x], **settings)[0].item() == 4
    with pytest.raises(GraphError, match="released"):
        grad(y, [x])


def test_a_rejected_call_changes_nothing():
    x, w, unused = leaf(2.0), leaf(3.0), leaf(1.0)
    y = x * w * [1.0]
    for arguments in ([[x, unused]], [[x], [1.0, 2.0]], [[x, np.ones(1)]]):
        with pytest.raises((GraphError, ShapeError)):
            grad(y, *arguments)
    w.data = w.data * 1
    with pytest.raises(GraphError, match="changed"):
        y.backward()
    w.version -= 1  # as if it had never been changed
    y.backward()
    assert (x.grad.item(), w.grad.item(), unused.grad) == (3, 2, None)


def test_an_unused_input_is_an_error_that_names_it_or_none():
    x, unused = leaf(2.0), leaf(1.0, name="encoder.weight")
    with pytest.raises(GraphError, match="encoder.weight takes no part .* allow_unused=True"):
        grad(x * x, [x, unused])
    dx, nothing = grad(x * x, [x, unused], allow_unused=True)
    assert dx.item() == 4 and nothing is None


def test_inputs_without_requires_grad_or_that_are_no_tensors_are_named():
    x, constant = leaf(2.0), Tensor(np.ones(1), name="images")
    with pytest.raises(GraphError, match="images does not require a gradient"):
        grad(x * constant, [constant])
    with pytest.raises(GraphError, match=r"inputs\[0\] is ndarray"):
        grad(x * constant, [np.ones(1)])
    with pytest.raises(GraphError, match="start from; this is float"):
        grad(1.0, [x])


def test_many_entries_need_dy_of_their_shape():
    x = leaf(1.0, 2.0)
    with pytest.raises(GraphError, match=r"shape \(2,\); reduce it to one number, or pass dy"):
        grad(x * x, [x])
    with pytest.raises(ShapeError, match=r"dy has shape \(3,\); the result has \(2,\)"):
        grad(x * x, [x], np.ones(3))
    with pytest.raises(ShapeError, match=r"dy has shape \(2, 1\)"):
        grad(x * x, [x], minigen.ones(2, 1))


def test_backward_of_a_constant_is_refused():
    with pytest.raises(GraphError, match="nothing below this result requires a gradient"):
        backward(Tensor(np.ones(())) * 2)
    with minigen.no_grad():
        y = leaf(1.0) * 2
    with pytest.raises(GraphError, match="nothing below"):
        y.backward()


def test_a_rule_with_the_wrong_shape_is_a_graph_error(monkeypatch):
    x = leaf(1.0, 2.0)
    monkeypatch.setitem(OPS["tanh"].rules, "x", lambda dy, y, x: np.ones((3, 4)))
    with pytest.raises(
        GraphError, match=r"tanh, input x: the rule returned shape \(3, 4\) for an input of shape \(2,\)"
    ):
        grad(x.tanh().sum(), [x])
    monkeypatch.setitem(OPS["tanh"].rules, "x", lambda dy, y, x: np.ones(()))
    with pytest.raises(GraphError, match=r"the rule returned shape \(\)"):
        grad(x.tanh().sum(), [x])


def test_an_operation_without_a_rule_is_named():
    @op
    def ruleless_test(x, w):
        return x * w

    ruleless_test.vjp(x=lambda dy, y, x, w: dy * w)
    x, w = leaf(1.0), leaf(2.0)
    try:
        assert grad(ruleless_test(x, w), [x])[0].item() == 2
        with pytest.raises(GraphError, match="ruleless_test has no derivative with respect to w"):
            grad(ruleless_test(x, w), [w])
        with pytest.raises(TypeError, match="ruleless_test has no input z"):
            ruleless_test.vjp(z=None)
    finally:
        del OPS["ruleless_test"]


# Changed since ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", ["assign", "in place"])
def test_a_changed_parameter_is_named(change):
    x = leaf(1.0, 2.0)
    w = Parameter(np.array([3.0, 4.0]), name="generator.0.weight")
    loss = (x * w).sum()
    if change == "assign":
        w.data = w.data * 0.9
    else:
        w.data *= 0.9
    with pytest.raises(GraphError, match="generator.0.weight changed after this loss .* compute the loss again"):
        grad(loss, [x])
    grad((x * w).sum(), [x])


def test_a_discriminator_stepped_between_loss_and_gradient_is_found():
    z, w_g = leaf(1.0), Parameter(np.array([2.0]), name="generator.weight")
    w_d = Parameter(np.array([3.0]), name="discriminator.weight")
    loss_g = (z * w_g * w_d).sum()
    w_d.data = w_d.data - 0.1
    with pytest.raises(GraphError, match="discriminator.weight changed"):
        grad(loss_g, [w_g])


def test_a_changed_result_between_is_found_too():
    x = leaf(2.0)
    h = x * x
    y = h * h
    h.data = np.ones(1)
    with pytest.raises(GraphError, match=r"a tensor of shape \(1,\) changed"):
        grad(y, [x])


def test_a_change_beside_the_asked_for_way_does_not_matter():
    x, w = leaf(2.0), leaf(3.0)
    y = x * x + w * w
    w.data = w.data * 2
    assert grad(y, [x])[0].item() == 4


# Only what was asked for --------------------------------------------------------------------------------------------


def test_a_generator_step_computes_no_discriminator_weight_gradient(monkeypatch):
    calls = []

    def counted(name, rule):
        def call(*arguments, **settings):
            calls.append(name)
            return rule(*arguments, **settings)

        return call

    for name, rule in list(OPS["matrix_product"].rules.items()):
        monkeypatch.setitem(OPS["matrix_product"].rules, name, counted(name, rule))
    rng = np.random.default_rng(0)
    z = Tensor(rng.standard_normal((4, 2)))
    G, D = (Parameter(rng.standard_normal(shape)) for shape in ((2, 3), (3, 1)))
    grad(((z @ G).tanh() @ D).sum(), [G])
    assert sorted(calls) == ["a", "b"]  # through D to its input, into G's weight; neither D's weight nor z
    calls.clear()
    grad(((z @ G).detach() @ D).sum(), [D])
    assert calls == ["b"]


def test_a_branch_that_leads_to_no_target_is_not_walked(monkeypatch):
    x, w = leaf(2.0), leaf(3.0)

    def refuse(*arguments):
        raise AssertionError("nobody asked for this")

    monkeypatch.setitem(OPS["exp"].rules, "x", refuse)
    assert grad(w.exp() * x, [x])[0].item() == pytest.approx(np.exp(3))


# Aliasing -----------------------------------------------------------------------------------------------------------


def assert_own(*gradients):
    for dx in gradients:
        assert dx.data.flags.writeable and dx.data.flags.owndata
        dx.data[...] = 7
    for i, a in enumerate(gradients):
        assert not any(np.shares_memory(a.data, b.data) for b in gradients[i + 1 :])


def test_the_user_owns_each_gradient_alone():
    a, b, c = (leaf(1.0, 2.0) for _ in range(3))
    dy = np.array([5.0, 6.0])
    assert_own(*grad(a + b + c, [a, b, c], dy))
    np.testing.assert_array_equal(dy, [5, 6])


def test_what_backward_stores_is_owned_too():
    a, b = leaf(1.0, 2.0), leaf(1.0, 2.0)
    (a + b).sum().backward()
    assert_own(a.grad, b.grad)


def test_a_gradient_beside_its_result_between_is_not_shared():
    x = leaf(1.0, 2.0)
    h = x + 1
    y = h.reshape(2, 1)
    assert_own(*grad(y.sum(), [x, h, y]))


def test_sums_cotangents_of_stride_zero_come_out_writable():
    x = Tensor(np.ones((3, 4)), requires_grad=True)
    assert_own(*grad(x.sum(), [x]))
    assert_own(*grad(x.T[::-1].sum(0).sum(), [x]))


@pytest.mark.parametrize("view", ["stride 0", "negative", "transposed"])
def test_rules_accept_any_strides_of_dy(view):
    dense = np.arange(12.0).reshape(3, 4)
    dy = {
        "stride 0": np.broadcast_to(np.float64(2), (3, 4)),
        "negative": dense[::-1, ::-1],
        "transposed": dense.T.copy().T,
    }
    rng = np.random.default_rng(1)
    for function in (
        lambda x: x * x,
        lambda x: x.tanh(),
        lambda x: x.reshape(2, 6).reshape(3, 4),
        lambda x: x @ np.eye(4),
        lambda x: minigen.batch_norm(x, np.ones(4), np.zeros(4)),
        lambda x: x.softmax(),
        lambda x: x[[2, 1, 0]],
    ):
        x = Tensor(rng.standard_normal((3, 4)), requires_grad=True)
        got = grad(function(x), [x], dy[view])[0].numpy()
        np.testing.assert_allclose(got, grad(function(x), [x], dy[view].copy())[0].numpy(), rtol=1e-13)


@pytest.mark.parametrize("create_graph", [False, True])
def test_whoever_writes_to_a_gradient_does_not_change_the_next_one(create_graph):
    x = minigen.tensor(2.0, requires_grad=True)
    for _ in range(2):
        (dx,) = grad(x + 1, [x], create_graph=create_graph)  # a rule that hands on what the walk began with
        assert float(dx) == 1
        dx.data[...] = 5

"""A module is its attributes: names, saving, loading, freezing, counting."""

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigen
from minigen import DataError, GraphError, Parameter, SettingError
from minigen.nn import BatchNorm, Buffer, Conv2D, Dense, Dropout, LeakyReLU, Module, Sequential, Tanh


def rng(seed=0):
    return minigen.random.generator(seed)


def small():
    return Sequential(Dense(3, 4, rng=rng()), BatchNorm(4), LeakyReLU(), Dense(4, 2, rng=rng(1)))


class Pair(Module):
    """Two branches and a weight of its own."""

    def __init__(self):
        self.scale = Parameter(np.ones(3, np.float32))
        self.branches = [Dense(3, 2, rng=rng()), Dense(3, 2, rng=rng(1))]
        self.named = {"head": Dense(2, 1, rng=rng(2))}
        self.steps = Buffer(np.zeros(1, np.float32))
        self.note = "not a part"
        self.constant = minigen.ones(3)

    def __call__(self, x):
        return self.named["head"](self.branches[0](x * self.scale) + self.branches[1](x))


def test_names_join_attributes_with_dots_in_definition_order():
    assert [name for name, _ in Pair().named_parameters()] == [
        "scale",
        "branches.0.weight",
        "branches.0.bias",
        "branches.1.weight",
        "branches.1.bias",
        "named.head.weight",
        "named.head.bias",
    ]
    assert list(Pair().state_dict())[-1] == "steps"
    assert [name for name, _ in small().named_parameters("generator")][:2] == ["generator.0.weight", "generator.0.bias"]


def test_named_parameters_gives_each_parameter_its_name():
    net = small()
    net.named_parameters("critic")
    net.parameters()  # asking for the list renames nothing
    assert net[0].weight.name == "critic.0.weight"


def test_parameters_name_themselves_where_nobody_has():
    assert [p.name for p in small().parameters()][:3] == ["0.weight", "0.bias", "1.gamma"]


def test_a_layer_used_twice_counts_once():
    layer = Dense(3, 3, rng=rng())
    net = Sequential(layer, Tanh(), layer)
    assert len(net.parameters()) == 2
    assert net.summary((3,)).trainable == 12


def test_a_module_that_holds_its_parent_does_not_loop():
    net = small()
    net[0].parent = net
    assert len(net.modules()) == 5
    assert len(net.parameters()) == 6


def test_train_and_eval_reach_every_layer_and_return_self():
    net = small()
    assert net.eval() is net and not any(m.training for m in net.modules())
    assert net.train() is net and all(m.training for m in net.modules())


def test_frozen_parameters_leave_the_list_but_not_the_file():
    net = small()
    net[0].freeze()
    assert len(net.parameters()) == 4
    assert len(net.named_parameters()) == 6 and len(net.state_dict()) == 8
    loss = net(minigen.ones(5, 3)).sum()
    assert len(minigen.grad(loss, net.parameters())) == 4
    assert len(net.unfreeze().parameters()) == 6


def test_state_dict_copies():
    net = small()
    state = net.state_dict()
    state["0.weight"][...] = 7
    assert not (net[0].weight.numpy() == 7).any()
    assert all(isinstance(a, np.ndarray) and a.dtype == np.float32 for a in state.values())


def test_save_and_load_give_the_same_network():
    one, other = small(), small()
    one(minigen.random.normal(9, 3, rng=rng(5)))  # moves the running statistics
    for p in one.parameters():
        p.data = p.data + 1
    other.load_state_dict(one.state_dict())
    x = minigen.random.normal(4, 3, rng=rng(6))
    assert (one.eval()(x).numpy() == other.eval()(x).numpy()).all()


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(1, 5), min_size=2, max_size=5), st.booleans(), st.integers(0, 99))
def test_any_stack_survives_saving_and_loading(sizes, bias, seed):
    def build(seed):
        return Sequential(*(Dense(a, b, bias=bias, rng=rng(seed)) for a, b in zip(sizes, sizes[1:], strict=False)))

    one, other = build(seed), build(seed + 1)
    other.load_state_dict(one.state_dict())
    assert all((a == b).all() for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


def test_loading_writes_in_place_and_keeps_the_dtype():
    net = small()
    array = net[0].weight.data
    net.load_state_dict({name: a.astype(np.float64) for name, a in net.state_dict().items()})
    assert net[0].weight.data is array and array.dtype == np.float32


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda s: s.pop("0.weight"), "missing 0.weight"),
        (lambda s: s.update(extra=np.zeros(1)), "unexpected extra"),
        (lambda s: s.update({"3.bias": np.zeros(5)}), r"3.bias has shape \(5,\), not \(2,\)"),
        (lambda s: s.update({"3.bias": np.array(["a", "b"])}), "3.bias holds <U1, not numbers"),
    ],
)
def test_a_state_that_does_not_fit_is_refused_whole(change, message):
    net = small()
    before = net.state_dict()
    state = {name: a + 1 for name, a in before.items()}
    change(state)
    with pytest.raises(DataError, match=message):
        net.load_state_dict(state)
    assert all((a == b).all() for a, b in zip(before.values(), net.state_dict().values(), strict=True))


def test_all_that_does_not_fit_is_named_at_once():
    state = small().state_dict()
    del state["0.weight"], state["1.gamma"]
    with pytest.raises(DataError, match="missing 0.weight; missing 1.gamma"):
        small().load_state_dict(state)


def test_a_loss_computed_before_loading_refuses_its_derivative():
    net = small()
    net.named_parameters("generator")
    loss = net(minigen.ones(2, 3)).sum()
    net.load_state_dict(net.state_dict())
    with pytest.raises(GraphError, match="generator.* changed after this loss was computed"):
        minigen.grad(loss, net.parameters())


def test_astype_casts_parameters_and_buffers():
    net = small().astype(np.float64)
    assert {x.dtype for _, x in net.named_tensors()} == {np.dtype(np.float64)}
    assert net(minigen.tensor(np.ones((2, 3)))).dtype == np.float64


def test_a_copy_has_weights_of_its_own():
    net = small()
    other = copy.deepcopy(net)
    other[0].weight.data[...] = 0
    assert net[0].weight.numpy().any()


def test_summary_counts_shapes_and_changes_nothing():
    draws = rng()
    net = Sequential(Conv2D(1, 4, 3, rng=rng()), BatchNorm(4), Dropout(0.5, rng=draws), Sequential(Tanh())).train()
    net[3].eval()
    net[0].freeze()
    before, state = net.state_dict(), draws.bit_generator.state
    summary = net.summary((8, 8, 1))
    assert [row.output_shape for row in summary.rows] == [(6, 6, 4)] * 4
    assert [row.name for row in summary.rows] == ["0", "1", "2", "3.0"]
    assert (summary.trainable, summary.other) == (8, 40 + 8)
    assert all((a == b).all() for a, b in zip(before.values(), net.state_dict().values(), strict=True))
    assert draws.bit_generator.state == state
    assert net.training and net[0].training and not net[3].training
    text = str(summary)
    assert "Conv2D(1, 4, 3)" in text and "6×6×4" in text and text.splitlines()[-1].split() == ["total", "8", "48"]


def test_any_module_can_be_summarised():
    summary = Pair().summary((3,))
    assert [(r.layer, r.output_shape, r.trainable, r.other) for r in summary.rows] == [("Pair", (1,), 22, 1)]


def test_sequential_is_a_sequence():
    net = small()
    assert len(net) == 4 and net[-1] is net.layers[3] and list(net) == net.layers
    assert isinstance(net[1:], Sequential) and net[1:][0] is net[1]
    assert repr(net).splitlines()[1:3] == ["  0: Dense(3, 4)", "  1: BatchNorm(4)"]
    assert repr(Pair()).splitlines()[1] == "  branches.0: Dense(3, 2)"


def test_sequential_refuses_what_cannot_be_called():
    with pytest.raises(SettingError, match="layer 0 is .*pass layers one by one"):
        Sequential([Tanh(), Tanh()])


def test_a_plain_function_may_stand_in_a_sequential():
    assert Sequential(minigen.tanh)(minigen.zeros(2)).tolist() == [0, 0]


def test_a_module_without_a_call_says_so():
    with pytest.raises(NotImplementedError, match="does not define __call__"):
        Module()(1)

"""Averaged weights: the average, the exchange there and back, saving."""

import numpy as np
import pytest

import minigen
from minigen import DataError, GraphError, SettingError, optim
from minigen.nn import BatchNorm, Dense, Sequential


def rng(seed=0):
    return minigen.random.generator(seed)


def network():
    return Sequential(Dense(2, 3, rng=rng()), BatchNorm(3))


def test_it_is_the_running_mean_of_the_weights_and_a_copy_of_the_buffers():
    net = network()
    average = optim.Average(net, 0.9)
    expected = net[0].weight.numpy().astype(np.float64)
    for step in range(5):
        net[0].weight.data = net[0].weight.data + 1
        net(minigen.random.normal(8, 2, rng=rng(step)))
        average.update()
        expected = 0.9 * expected + 0.1 * net[0].weight.numpy()
    state = average.state_dict()
    np.testing.assert_allclose(state["0.weight"], expected, rtol=1e-6)
    assert (state["1.running_mean"] == net[1].running_mean.numpy()).all() and state["1.running_mean"].any()
    assert state["0.weight"].dtype == np.float32


def test_applied_exchanges_and_puts_back_exactly_through_an_optimisers_views():
    net = network()
    adam = optim.Adam(net.parameters(), 0.1)
    average = optim.Average(net, 0.5)
    adam.update([np.ones(p.shape) for p in net.parameters()])
    average.update()
    before, averaged = net.state_dict(), average.state_dict()
    with average.applied():
        inside = net.state_dict()
    assert all((inside[name] == averaged[name]).all() for name in averaged)
    assert any((inside[name] != before[name]).any() for name in before)
    assert all((a == before[name]).all() for name, a in net.state_dict().items())
    assert all(np.shares_memory(p.data, adam._flats[0].weights) for p in net.parameters())


def test_the_weights_come_back_after_an_error_too():
    net = network()
    average = optim.Average(net)
    net[0].bias.data = net[0].bias.data + 1
    before = net.state_dict()
    with pytest.raises(ZeroDivisionError), average.applied():
        _ = 1 / 0
    assert all((a == before[name]).all() for name, a in net.state_dict().items())
    with average.applied():
        assert not net[0].bias.numpy().any()


def test_inside_nothing_is_averaged_or_applied_twice():
    average = optim.Average(network())
    with average.applied():
        with pytest.raises(SettingError, match="leave that with-block first"):
            average.update()
        with pytest.raises(SettingError, match="leave that with-block first"), average.applied():
            pass


def test_a_loss_from_inside_refuses_its_derivative_outside():
    net = network().eval()
    average = optim.Average(net)
    net.named_parameters("generator")
    with average.applied():
        loss = net(minigen.ones(1, 2)).sum()
    with pytest.raises(GraphError, match="generator.* changed after"):
        minigen.grad(loss, net.parameters())


def test_save_and_load():
    one, other = optim.Average(network(), 0.5), optim.Average(network(), 0.5)
    state = {name: a + 1 for name, a in one.state_dict().items()}
    other.load_state_dict(state)
    assert all((a == state[name]).all() for name, a in other.state_dict().items())
    del state["0.weight"]
    with pytest.raises(DataError, match="missing 0.weight"):
        other.load_state_dict(state)


def test_it_renames_nothing():
    net = network()
    net.named_parameters("generator")
    optim.Average(net)
    assert net[0].weight.name == "generator.0.weight"


@pytest.mark.parametrize("decay", [-0.1, 1.0, float("nan")])
def test_a_decay_that_forgets_nothing_or_too_much_is_refused(decay):
    with pytest.raises(SettingError, match=r"must lie in \[0, 1\)"):
        optim.Average(network(), decay)

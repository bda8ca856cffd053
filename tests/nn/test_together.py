"""Neighbouring layers as one operation give what the layers give one after the other, wherever they stand."""

import numpy as np
import pytest

import minigen
from minigen import Tensor, grad, nn
from minigen.autograd import draw_graph, kernels_off
from minigen.errors import ShapeError
from minigen.nn.together import steps
from minigen.random import generator


def network(dropout=0.3, bias=True, slope=0.2):
    """Every run that is computed together, and a bend that stands alone."""
    rng = generator(0)
    return nn.Sequential(
        nn.Conv2D(2, 3, 3, bias=bias, rng=rng),
        nn.LeakyReLU(slope),
        nn.Dropout(dropout, rng=generator(1)),
        nn.Conv2D(3, 4, 2, bias=bias, rng=rng),
        nn.LeakyReLU(slope),
        nn.BatchNorm(4),
        nn.LeakyReLU(slope),
        nn.Flatten(),
        nn.Dense(16, 1, rng=rng),
        nn.LeakyReLU(slope),
    )


def lengths(net):
    """How many layers each step of a Sequential computes."""
    return [len(step.args) if hasattr(step, "args") else 1 for step in steps(net.layers)]


def one_by_one(net, x):
    for layer in net:
        x = layer(x)
    return x


def computed(apart, mode=True, dtype=np.float32, **settings):
    """All that comes of two calls and a derivative, and what they leave behind."""
    net = network(**settings).astype(dtype).train(mode)
    x = Tensor(np.random.default_rng(2).normal(size=(5, 5, 5, 2)).astype(dtype), requires_grad=True)
    call = one_by_one if apart else type(net).__call__
    call(net, x)
    y = call(net, x)
    slopes = grad((y * y).sum(), [x, *net.parameters()])
    drawn = net[2].rng.bit_generator.state["state"]["state"]
    return [array.numpy() for array in (y, *slopes)], net.state_dict(), drawn


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
@pytest.mark.parametrize(
    "settings",
    [{}, {"mode": False}, {"dropout": 0.0}, {"dropout": 1.0}, {"bias": False}, {"slope": 0.0}, {"slope": -0.5}],
)
def test_together_and_apart_are_the_same_to_the_last_bit(settings, dtype):
    (together, kept, drawn), (apart, also_kept, also_drawn) = (computed(one, dtype=dtype, **settings) for one in (0, 1))
    for one, other in zip(together, apart, strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype
    assert drawn == also_drawn and kept.keys() == also_kept.keys()
    for name, array in kept.items():
        np.testing.assert_array_equal(array, also_kept[name])


def test_which_layers_go_together():
    net = network()
    assert lengths(net) == [3, 2, 2, 1, 2]
    assert lengths(nn.Sequential(*net.layers[1:])) == [1, 1, 2, 2, 1, 2]
    assert lengths(nn.Sequential(net[3:6], net[6])) == [1, 1]  # not across the edge of a Sequential
    assert lengths(nn.Sequential(net[0], net[1], np.tanh, net[2])) == [2, 1, 1]


def test_a_layer_with_a_call_of_its_own_stands_alone(monkeypatch):
    class Loud(nn.LeakyReLU):
        def __call__(self, x):
            return 100 * super().__call__(x)

    class Renamed(nn.LeakyReLU):
        pass

    conv, x = network()[0], minigen.ones(1, 3, 3, 2)
    assert lengths(nn.Sequential(conv, Renamed())) == [2]
    assert lengths(nn.Sequential(conv, Loud())) == [1, 1]
    np.testing.assert_allclose(nn.Sequential(conv, Loud())(x).numpy(), 100 * nn.Sequential(conv, Renamed())(x).numpy())
    monkeypatch.setattr(nn.LeakyReLU, "__call__", Loud.__call__)  # as `minigen.check` plants its mistakes
    assert lengths(network()) == [1] * 10


def test_the_graph_names_and_errors_are_those_of_the_layers():
    net = network()
    x = minigen.ones(2, 5, 5, 2)
    with kernels_off():
        picture = draw_graph(net(x).sum())
    assert str(picture).count("leaky_relu") == 4 and "affine_leaky" not in str(picture)
    assert "affine_leaky" in str(draw_graph(net(x).sum()))
    assert [row.name for row in net.summary((5, 5, 2)).rows] == [str(i) for i in range(10)]
    with pytest.raises(ShapeError, match=r"Conv2D\(2, 3, 3\): x has shape \(2, 5, 5, 7\)"):
        net(minigen.ones(2, 5, 5, 7))
    with pytest.raises(ShapeError, match="has 1 value a channel"):
        nn.Sequential(nn.BatchNorm(2), nn.LeakyReLU())(minigen.ones(1, 2))
    with pytest.raises(minigen.AnomalyError, match="conv_affine was given a NaN"), minigen.detect_anomaly():
        net(Tensor(np.full((2, 5, 5, 2), np.nan, np.float32)))

"""Neighbouring layers as one operation, where there is one: their numbers are then passed over once, and kept once.

Each such operation is defined as the layers one after the other, and where no kernel stands in for it, it is just that.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from minigen.autograd.switches import anomaly
from minigen.backend import array_module
from minigen.nn.activations import LeakyReLU
from minigen.nn.convolution import Conv1D
from minigen.nn.dense import Dense
from minigen.nn.dropout import Dropout
from minigen.nn.normalisation import BatchNorm
from minigen.ops.coins import draw_coins, rounded
from minigen.ops.convolution import conv_leaky, conv_leaky_masked
from minigen.ops.normalise import batch_norm_leaky
from minigen.ops.products import affine_leaky
from minigen.ops.shapes import bare


def _normalise_bend(norm: Any, bend: Any, x: Any) -> Any:
    return norm.normalised(x, functools.partial(batch_norm_leaky, slope=bend.slope)) if norm.training else bend(norm(x))


def _dense_bend(dense: Any, bend: Any, x: Any) -> Any:
    if dense.bias is None:
        return bend(dense(x))
    return affine_leaky(dense.fitting(x), dense.weight, dense.bias, slope=bend.slope)


def _convolve_bend(conv: Any, bend: Any, x: Any) -> Any:
    if conv.bias is None:
        return bend(conv(x))
    return conv_leaky(x, conv.weight, conv.bias, geometry=conv.geometry(x), slope=bend.slope)


def _convolve_bend_drop(conv: Any, bend: Any, drop: Any, x: Any) -> Any:
    rate = rounded(drop.rate)
    if conv.bias is None or not drop.training or rate in (0, 1):
        return drop(_convolve_bend(conv, bend, x))
    geometry = conv.geometry(x)
    kept = draw_coins(drop.rng, (len(x), *geometry.outs, conv.outputs), rate, array_module(bare(x)))
    settings = {"geometry": geometry, "slope": bend.slope, "scale": 1 / (1 - rate)}
    return conv_leaky_masked(x, conv.weight, conv.bias, kept, **settings)


# Layers are known by the function that computes them: a subclass with one of its own stands by itself.
_NORM, _CONV, _DENSE, _BEND, _DROP = (layer.__call__ for layer in (BatchNorm, Conv1D, Dense, LeakyReLU, Dropout))

TOGETHER: dict[Any, list[tuple[tuple[Any, ...], Callable[..., Any]]]] = {  # by the first of a run; longer runs first
    _NORM: [((_BEND,), _normalise_bend)],
    _DENSE: [((_BEND,), _dense_bend)],
    _CONV: [((_BEND, _DROP), _convolve_bend_drop), ((_BEND,), _convolve_bend)],
}


def steps(layers: Sequence[Any]) -> Iterator[Callable[[Any], Any]]:
    """The layers in their order as functions of x, those of a run in TOGETHER as one.

    Under detect_anomaly each stands by itself, so that an error names the operation in which a NaN was born.
    """
    if anomaly.on():
        yield from layers
        return
    calls = [type(layer).__call__ for layer in layers]
    i = 0
    while i < len(calls):
        step, end = layers[i], i + 1
        for rest, function in TOGETHER.get(calls[i], ()):
            if tuple(calls[i + 1 : i + 1 + len(rest)]) == rest:
                end += len(rest)
                step = functools.partial(function, *layers[i:end])
                break
        yield step
        i = end

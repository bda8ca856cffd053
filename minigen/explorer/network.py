"""From a run to a program: the decoder with which it draws, layer by layer, as steps that the page can do."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minigen import backend
from minigen.errors import SettingError
from minigen.explorer.program import GEOMETRY, Program, Shape
from minigen.models.vae import TwoLayerVae, Vae
from minigen.nn import (
    BatchNorm,
    Conv1D,
    Conv1DTranspose,
    Conv2D,
    Conv2DTranspose,
    Conv3D,
    Conv3DTranspose,
    Dense,
    Dropout,
    Flatten,
    LeakyReLU,
    ReLU,
    Reshape,
    Sequential,
    Sigmoid,
    Tanh,
)
from minigen.ops.convolution import paddings, per_axis

AXES = 3  # of every convolution in the page: images have one frame, windows of motion one frame and one row


def program_of(recipe: Any) -> Program:
    """The network with which a run draws: z and what it is told (class or factors) → pictures, or scaled features.

    With the averaged weights where the recipe draws with them.  SettingError naming the first layer that the page has
    no step for.
    """
    inputs = recipe.config.latent + recipe.condition.numbers
    program = Program(inputs, (inputs,))
    if isinstance(model := getattr(recipe, "model", None), Vae):
        _add_vae(program, model)
    elif average := (recipe.average if recipe.draw_averaged else None):
        with average.applied():
            add_layers(program, recipe.generator)
    else:
        add_layers(program, recipe.generator)
    return program


def _add_vae(program: Program, model: Vae) -> None:
    """The decoder, and what makes the mean of p(x|z) of its logits: 2 σ(a) − 1 = tanh(a / 2)."""
    if isinstance(model, TwoLayerVae):  # p(h₁|h₂) gives its mean
        add_layers(program, model.decoder2)
        program.add("take", count=model.lower_latent)
        program.shape = (model.lower_latent,)
    add_layers(program, model.decoder)  # type: ignore[attr-defined]
    program.shape = model.item
    if model.likelihood == "bernoulli":
        program.add("multiply", by=0.5)
        program.add("tanh")


def add_layers(program: Program, network: Any) -> None:
    """Add the steps of a network's layers; SettingError naming the first one that there is no step for."""
    for layer in _layers(network):
        if type(layer) not in TRANSLATED:
            known = ", ".join(sorted({kind.__name__ for kind in TRANSLATED}))
            raise SettingError(f"the explorer has no JavaScript for {layer!r}; the layers it knows are {known}.")
        TRANSLATED[type(layer)](program, layer)


def _layers(network: Any) -> Iterator[Any]:
    if isinstance(network, Sequential):
        for layer in network:
            yield from _layers(layer)
    else:
        yield network


def _shaped(program: Program, layer: Any) -> Shape:
    """What a layer makes of the shape that the program has so far."""
    xp = backend.array_module(*(tensor.data for _, tensor in layer.named_tensors()))
    return tuple(layer(xp.zeros((1, *program.shape), "float32")).shape[1:])


def _dense(program: Program, layer: Dense) -> None:
    w = backend.to_host(layer.weight.data)
    if len(program.shape) != 1:
        raise SettingError(
            f"the explorer has no JavaScript for {layer!r} on maps, {program.shape}; put Flatten before it."
        )
    program.add("dense", inputs=w.shape[0], outputs=w.shape[1], weight=program.keep(w.T), bias=_bias(program, layer))
    program.shape = (w.shape[1],)


def _convolution(program: Program, layer: Any) -> None:
    """A convolution, or its transpose, over up to three axes; those it lacks are put in front, of length 1."""
    if layer.groups != 1:
        raise SettingError(f"the explorer has no JavaScript for groups, as in {layer!r}.")
    transposed = type(layer).__name__.endswith("Transpose")
    n, shape = layer.axes, _shaped(program, layer)
    wide, narrow = (shape[:-1], program.shape[:-1]) if transposed else (program.shape[:-1], shape[:-1])
    window, stride, dilation = (per_axis(name, getattr(layer, name), n) for name in ("window", "stride", "dilation"))
    before = tuple(first for first, _ in paddings(layer.padding, wide, window, stride, dilation))
    lengths = dict(zip(GEOMETRY, (wide, narrow, window, stride, dilation, before), strict=True))
    lacking = {name: [0 if name == "before" else 1] * (AXES - n) for name in GEOMETRY}
    w = backend.to_host(layer.weight.data)
    if not transposed:
        w = np.swapaxes(w, -1, -2)
    program.add(
        "convTranspose" if transposed else "conv",
        **{name: lacking[name] + list(lengths[name]) for name in GEOMETRY},
        inputs=layer.inputs,
        outputs=layer.outputs,
        weight=program.keep(w),
        bias=_bias(program, layer),
    )
    program.shape = shape


def _bias(program: Program, layer: Any) -> int | None:
    return None if layer.bias is None else program.keep(backend.to_host(layer.bias.data))


def _batch_norm(program: Program, layer: BatchNorm) -> None:
    """gamma (x − μ) / √(σ² + eps) + beta, μ and σ² the running ones, as scale · x + shift: computed in float64."""
    gamma, beta, mean, variance = (
        backend.to_host(t.data).astype(np.float64)
        for t in (layer.gamma, layer.beta, layer.running_mean, layer.running_var)
    )
    scale = gamma / np.sqrt(variance + layer.eps)
    program.add("scale", channels=len(scale), scale=program.keep(scale), shift=program.keep(beta - mean * scale))


def _reshaped(program: Program, layer: Any) -> None:
    program.shape = _shaped(program, layer)  # numbers lie in row order, so there is nothing to do


TRANSLATED: dict[type, Callable[[Program, Any], None]] = {
    Dense: _dense,
    **dict.fromkeys((Conv1D, Conv2D, Conv3D, Conv1DTranspose, Conv2DTranspose, Conv3DTranspose), _convolution),
    BatchNorm: _batch_norm,
    LeakyReLU: lambda program, layer: program.add("leakyRelu", slope=layer.slope),
    ReLU: lambda program, layer: program.add("leakyRelu", slope=0),
    Tanh: lambda program, layer: program.add("tanh"),
    Sigmoid: lambda program, layer: program.add("sigmoid"),
    Reshape: _reshaped,
    Flatten: _reshaped,
    Dropout: lambda program, layer: None,  # in use it does nothing
}

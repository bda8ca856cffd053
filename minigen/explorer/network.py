"""From a run to a program: the decoder with which it draws, layer by layer, as steps that the page can do."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from minigen import backend
from minigen.errors import SettingError
from minigen.explorer.program import GEOMETRY, Program, Shape
from minigen.models.clip_gan import GeneratorFactorised
from minigen.models.clip_gan_layers import CUT, AroundTime, CircularConv3DTranspose, HeldEnds
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
    program.add(
        "dense", inputs=w.shape[0], outputs=w.shape[1], weight=program.keep(w.T), bias=_bias(program, layer.bias)
    )
    program.shape = (w.shape[1],)


def _convolution(program: Program, layer: Any) -> None:
    """A convolution, or its transpose, over up to three axes."""
    if layer.groups != 1:
        raise SettingError(f"the explorer has no JavaScript for groups, as in {layer!r}.")
    _add_convolution(program, layer, _shaped(program, layer), layer.padding, layer.bias)


def _circular(program: Program, layer: CircularConv3DTranspose) -> None:
    """Of a clip with its last frame put in front too, and the first one behind; what falls beyond the ends is cut."""
    shape = _shaped(program, layer)
    T = program.shape[0]
    _add_frames(program, [T - 1, *range(T), 0])
    _add_convolution(program, layer.conv, shape, CUT, layer.bias)


def _add_convolution(program: Program, layer: Any, shape: Shape, padding: Any, bias: Any) -> None:
    """Axes that a convolution lacks are put in front, of length 1.  shape: of what comes out."""
    transposed = type(layer).__name__.endswith("Transpose")
    n = layer.axes
    wide, narrow = (shape[:-1], program.shape[:-1]) if transposed else (program.shape[:-1], shape[:-1])
    window, stride, dilation = (per_axis(name, getattr(layer, name), n) for name in ("window", "stride", "dilation"))
    before = tuple(first for first, _ in paddings(padding, wide, window, stride, dilation))
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
        bias=_bias(program, bias),
    )
    program.shape = shape


def _bias(program: Program, bias: Any) -> int | None:
    return None if bias is None else program.keep(backend.to_host(bias.data))


def _repeated_frames(program: Program, layer: AroundTime | HeldEnds) -> None:
    """A layer that only says which frames come one after another: the numbers of the frames tell in what order."""
    numbers = np.arange(program.shape[0], dtype=np.float32).reshape(1, -1, 1, 1, 1)
    _add_frames(program, layer(numbers).ravel().astype(int).tolist())


def _add_frames(program: Program, order: Sequence[int]) -> None:
    program.add("frames", count=program.shape[0], order=order)
    program.shape = (len(order), *program.shape[1:])


def _factorised(program: Program, layer: GeneratorFactorised) -> None:
    """The codes of all frames, and of each of them an image by the same network."""
    T, motion = layer.frames, layer.motion
    turn, last = (2 * math.pi, T) if layer.loops else (math.pi, max(1, T - 1))
    program.add(
        "codes",
        motion=motion,
        ahead=not layer.loops,
        radius=math.sqrt(motion / 2),
        angles=[turn * t / last for t in range(T)],
    )
    outer, program.steps, program.shape = program.steps, [], (layer.content + motion,)
    add_layers(program, layer.image)
    outer.append({"op": "each", "count": T, "steps": program.steps})
    program.steps, program.shape = outer, (T, *program.shape)


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
    GeneratorFactorised: _factorised,
    **dict.fromkeys((Conv1D, Conv2D, Conv3D, Conv1DTranspose, Conv2DTranspose, Conv3DTranspose), _convolution),
    CircularConv3DTranspose: _circular,
    **dict.fromkeys((AroundTime, HeldEnds), _repeated_frames),
    BatchNorm: _batch_norm,
    LeakyReLU: lambda program, layer: program.add("leakyRelu", slope=layer.slope),
    ReLU: lambda program, layer: program.add("leakyRelu", slope=0),
    Tanh: lambda program, layer: program.add("tanh"),
    Sigmoid: lambda program, layer: program.add("sigmoid"),
    Reshape: _reshaped,
    Flatten: _reshaped,
    Dropout: lambda program, layer: None,  # in use it does nothing
}

"""Layers in a row."""

from collections.abc import Iterator
from typing import Any

from minigen.errors import SettingError
from minigen.nn.module import Module, _indented
from minigen.nn.together import steps


class Sequential(Module):
    """y = layerₙ(… layer₂(layer₁(x))): what one layer returns is what the next takes.

    Layers are numbered from 0, and so are the names of their parameters ("0.weight"); index, slice or iterate to reach
    them.  SettingError where something that cannot be called is given.

    >>> from minigen.nn import Dense, Tanh
    >>> from minigen.random import generator
    >>> net = Sequential(Dense(2, 3, rng=generator(0)), Tanh())
    >>> [name for name, _ in net.named_parameters()]
    ['0.weight', '0.bias']
    >>> print(net.summary((2,)))
       layer        output  trainable  other
    ────────────────────────────────────────
    0  Dense(2, 3)  3               9      0
    1  Tanh()       3               0      0
    ────────────────────────────────────────
       total                        9      0
    """

    def __init__(self, *layers: Any):
        for i, layer in enumerate(layers):
            if not callable(layer):
                raise SettingError(
                    f"Sequential: layer {i} is {layer!r}, which cannot be called; pass layers one by one."
                )
        self.layers = list(layers)

    def __call__(self, x: Any) -> Any:
        for step in steps(self.layers):
            x = step(x)
        return x

    def parts(self) -> Iterator[tuple[str, Any]]:
        """(number, layer) for each layer that is a Module."""
        return ((str(i), layer) for i, layer in enumerate(self.layers) if isinstance(layer, Module))

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.layers)

    def __getitem__(self, i: int | slice) -> Any:
        """A layer; for a slice, a Sequential that shares those layers."""
        return Sequential(*self.layers[i]) if isinstance(i, slice) else self.layers[i]

    def __repr__(self) -> str:
        lines = [f"  {i}: {_indented(layer)}" for i, layer in enumerate(self.layers)]
        return "\n".join([f"{type(self).__name__}(", *lines, ")"])

"""The table of a network: its layers, what they return, and how many numbers they hold."""

from dataclasses import dataclass
from typing import Any

from minigen import backend
from minigen.autograd import Parameter, Tensor, no_grad
from minigen.nn.module import Module
from minigen.nn.sequential import Sequential


@dataclass(frozen=True)
class Row:
    """One layer: its name, how it is written, the shape of one item it returns, and its counts."""

    name: str
    layer: str
    output_shape: tuple[int, ...]
    trainable: int  # numbers in parameters that require a gradient
    other: int  # frozen parameters and buffers


@dataclass(frozen=True)
class Summary:
    """The rows of a network; print it for the table.  Numbers reached twice count once."""

    rows: tuple[Row, ...]

    @property
    def trainable(self) -> int:
        """How many numbers training changes by gradients."""
        return sum(row.trainable for row in self.rows)

    @property
    def other(self) -> int:
        """How many further numbers are kept: frozen parameters and running statistics."""
        return sum(row.other for row in self.rows)

    def __str__(self) -> str:
        table = [("", "layer", "output", "trainable", "other")]
        for row in self.rows:
            shape = "×".join(map(str, row.output_shape)) or "one number"
            table.append((row.name, row.layer, shape, f"{row.trainable:,}", f"{row.other:,}"))
        table.append(("", "total", "", f"{self.trainable:,}", f"{self.other:,}"))
        widths = [max(len(line[k]) for line in table) for k in range(5)]
        lines = [
            "  ".join(
                cell.ljust(width) if k < 3 else cell.rjust(width)
                for k, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in table
        ]
        rule = "─" * max(map(len, lines))
        return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])


def summarise(module: Module, input_shape: tuple[int, ...]) -> Summary:
    """The table for one item of `input_shape`: one evaluation on zeros, after which all is as it was."""
    tensors = module.named_tensors()
    like = tensors[0][1].data if tensors else backend.current().zeros(0, "float32")
    x = Tensor(backend.array_module(like).zeros((1, *input_shape), like.dtype))
    modes = [(part, part.training) for part in module.modules()]
    rows: list[Row] = []
    try:
        with no_grad():
            module.eval()
            _follow(module, "", x, rows, set())
    finally:
        for part, mode in modes:
            part.training = mode
    return Summary(tuple(rows))


def _follow(module: Any, name: str, x: Any, rows: list[Row], counted: set[int]) -> Any:
    """Pass x through a module, adding its row, or one for each layer of a Sequential; returns what came out."""
    if isinstance(module, Sequential):
        for i, layer in enumerate(module):
            x = _follow(layer, f"{name}.{i}" if name else str(i), x, rows, counted)
        return x
    y = module(x)
    trainable = other = 0
    for _, tensor in module.named_tensors() if isinstance(module, Module) else ():
        if id(tensor) not in counted:
            counted.add(id(tensor))
            trains = isinstance(tensor, Parameter) and tensor.requires_grad
            trainable, other = trainable + trains * tensor.size, other + (not trains) * tensor.size
    title = repr(module) if "\n" not in repr(module) else type(module).__name__
    rows.append(Row(name, title, tuple(y.shape[1:]), trainable, other))
    return y

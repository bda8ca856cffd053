"""A module is its attributes: parameters, buffers, and modules that have some of their own."""

import contextlib
import copy
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from minigen import backend
from minigen.autograd import Parameter, Tensor
from minigen.autograd.op import alias
from minigen.errors import DataError, SettingError, ShapeError

if TYPE_CHECKING:
    from minigen.nn.summary import Summary


class Buffer(Tensor):
    """Numbers a module keeps and saves but does not train: the running statistics of batch normalisation.

    It is made on the backend in use.  Assigning `data` counts as a change, as for every leaf.
    """

    def __init__(self, data: Any, *, name: str | None = None):
        super().__init__(backend.to_device(data), name=name)


_PLAIN = (int, float, str, type(None))  # settings: what most attributes are, and never a part


class Module:
    """Something with parameters that maps a tensor to a tensor.

    Every attribute that is a Parameter, a Buffer or a Module belongs to it, and so do those in its lists, tuples and
    dicts; there is nothing to register.  A subclass sets its attributes in `__init__` and computes in `__call__`.
    Names join attributes with dots ("generator.0.weight"); what is reached twice counts once, under its first name.
    """

    training: bool = True

    def __call__(self, x: Any) -> Any:
        """What the module computes; a subclass defines it."""
        raise NotImplementedError(f"{type(self).__name__} does not define __call__(self, x).")

    # What it is made of ---------------------------------------------------------------------------------------------

    def parts(self) -> Iterator[tuple[str, Any]]:
        """(name, Parameter | Buffer | Module) for each attribute that is one, in the order they were set."""
        for name, value in vars(self).items():
            if not isinstance(value, _PLAIN):
                yield from _parts_of(name, value)

    def modules(self) -> list["Module"]:
        """This module and all modules below it, each once."""
        found: dict[int, Module] = {}
        _gather_modules(self, found)
        return list(found.values())

    def named_tensors(self, prefix: str = "") -> list[tuple[str, Tensor]]:
        """(name, tensor) for every parameter and buffer, frozen or not, in definition order: all that is saved."""
        found: dict[int, tuple[str, Tensor]] = {}
        _gather_tensors(self, prefix, found, set())
        return list(found.values())

    def named_parameters(self, prefix: str = "") -> list[tuple[str, Parameter]]:
        """(name, parameter) for every parameter, frozen or not, in definition order.

        Each parameter takes its name here, and errors then call it by that name: ask the outermost module last.
        """
        found = [(name, x) for name, x in self.named_tensors(prefix) if isinstance(x, Parameter)]
        for name, parameter in found:
            parameter.name = name
        return found

    def parameters(self) -> list[Parameter]:
        """The parameters that require a gradient, in definition order: what `minigen.grad` and optimisers take."""
        found = [(name, x) for name, x in self.named_tensors() if isinstance(x, Parameter)]
        for name, parameter in found:
            parameter.name = parameter.name or name
        return [parameter for _, parameter in found if parameter.requires_grad]

    # Training and evaluating ----------------------------------------------------------------------------------------

    def train(self, mode: bool = True) -> Self:
        """Behave as in training: batch statistics, dropout.  Returns self."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Behave as in use: running statistics, no dropout.  Returns self."""
        return self.train(False)

    def freeze(self) -> Self:
        """Let no parameter require a gradient; `training` stays as it is.  Returns self."""
        return self._require_grad(False)

    def unfreeze(self) -> Self:
        """Let every parameter require a gradient.  Returns self."""
        return self._require_grad(True)

    def _require_grad(self, wanted: bool) -> Self:
        for _, x in self.named_tensors():
            if isinstance(x, Parameter):
                x.requires_grad = wanted
        return self

    def astype(self, dtype: Any) -> Self:
        """Bring every parameter and buffer to `dtype`: float32 to train, float64 to check.  Returns self.

        Before an optimiser is made, not after: it holds the arrays in the dtype they had.
        """
        for _, x in self.named_tensors():
            x.data = x.data.astype(dtype)
        return self

    @contextlib.contextmanager
    def substituted(self, tensors: Mapping[Tensor, Tensor]) -> Iterator[None]:
        """Inside the with-block the module computes with `tensors[p]` in place of its parameter or buffer p.

        Gradients flow to `tensors[p]` and to whatever it was made from.  The parameters and buffers are not touched;
        losses computed from them before can still be differentiated.  After the block, and after an error in it, the
        module has them back.  `parameters()` gives the substitutes meanwhile.  SettingError where a key is not of this
        module, ShapeError where a substitute has another shape.
        """
        own = dict.fromkeys(x for _, x in self.named_tensors())
        for x, other in tensors.items():
            if x not in own:
                raise SettingError(
                    f"{type(self).__name__}.substituted: {x.name or f'a tensor of shape {x.shape}'} is neither a "
                    "parameter nor a buffer of this module; leave it out."
                )
            if x.shape != other.shape:
                raise ShapeError(
                    f"{type(self).__name__}.substituted: {x.name or 'a tensor'} has shape {x.shape}, and what should "
                    f"stand in for it {other.shape}."
                )
        stand_ins = {x: _stand_in(x, other) for x, other in tensors.items()}
        exchanged = [
            (module, name, value, other)
            for module in self.modules()
            for name, value in vars(module).items()
            if not isinstance(value, _PLAIN) and (other := _exchanged(value, stand_ins)) is not value
        ]
        try:
            for module, name, _, other in exchanged:
                vars(module)[name] = other
            yield
        finally:
            for module, name, value, _ in exchanged:
                vars(module)[name] = value

    # Saving and loading ---------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, np.ndarray]:
        """name → a copy on the host, for every parameter and buffer."""
        return {name: np.array(backend.to_host(x.data)) for name, x in self.named_tensors()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Write saved numbers into the parameters and buffers, in place and in the dtypes they have.

        DataError naming every entry that is missing, unexpected, of another shape or no number; nothing is changed
        then.  Losses computed before refuse a derivative afterwards.
        """
        arrays = self.checked_state(state)
        for name, x in self.named_tensors():
            x.data[...] = backend.to_device(arrays[name].astype(x.dtype), backend.array_module(x.data))
            x.version += 1

    def checked_state(self, state: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """`state` as host arrays, if it has exactly our names and shapes; else DataError naming all that differs."""
        own = dict(self.named_tensors())
        arrays = {name: backend.to_host(x.data if isinstance(x, Tensor) else x) for name, x in state.items()}
        faults = [f"missing {name}" for name in own if name not in arrays]
        faults += [f"unexpected {name}" for name in arrays if name not in own]
        for name in (name for name in own if name in arrays):
            if arrays[name].shape != own[name].shape:
                faults.append(f"{name} has shape {arrays[name].shape}, not {own[name].shape}")
            elif arrays[name].dtype.kind not in "fiu":
                faults.append(f"{name} holds {arrays[name].dtype}, not numbers")
        if faults:
            raise DataError(
                f"{type(self).__name__}.load_state_dict: {'; '.join(faults)}. Nothing was loaded; build the module "
                "as it was when it was saved."
            )
        return arrays

    # Showing --------------------------------------------------------------------------------------------------------

    def summary(self, input_shape: tuple[int, ...]) -> "Summary":
        """A table of layers, output shapes and counts; print it.  input_shape: of one item, without the batch axis.

        One line a layer of a Sequential; any other module is one line.  Evaluates once on zeros and changes nothing.
        """
        from minigen.nn.summary import summarise  # its neighbour, which needs this class first

        return summarise(self, input_shape)

    def __repr__(self) -> str:
        lines = [f"  {name}: {_indented(part)}" for name, part in self.parts() if isinstance(part, Module)]
        return "\n".join([f"{type(self).__name__}(", *lines, ")"]) if lines else f"{type(self).__name__}()"


def _parts_of(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """What belongs to a module in one of its attributes."""
    if isinstance(value, Parameter | Buffer | Module):
        yield name, value
    elif isinstance(value, list | tuple):
        for i, entry in enumerate(value):
            yield from _parts_of(f"{name}.{i}", entry)
    elif isinstance(value, dict):
        for key, entry in value.items():
            yield from _parts_of(f"{name}.{key}", entry)


def _stand_in(x: Tensor, other: Tensor) -> Tensor:
    """`other` itself if it is of x's kind; else the same numbers and history as a Parameter or Buffer named as x is."""
    if isinstance(other, type(x)):
        return other
    twin = type(x).__new__(type(x))
    fresh = {"grad": None, "requires_grad": False, "version": 0}
    twin.__dict__.update({**x.__dict__, **fresh, **alias(other).__dict__})
    return twin


def _exchanged(value: Any, stand_ins: Mapping[Tensor, Tensor]) -> Any:
    """An attribute with its parameters and buffers exchanged, in copies of its lists, tuples and dicts; or itself."""
    if isinstance(value, Parameter | Buffer):
        return stand_ins.get(value, value)
    if not isinstance(value, list | tuple | dict):
        return value
    entries = list(value.values() if isinstance(value, dict) else value)
    others = [_exchanged(entry, stand_ins) for entry in entries]
    if all(a is b for a, b in zip(entries, others, strict=True)):
        return value
    if isinstance(value, tuple):
        return value._make(others) if hasattr(value, "_make") else tuple(others)  # a named tuple stays one
    twin = copy.copy(value)
    for key, other in zip(value if isinstance(value, dict) else range(len(value)), others, strict=True):
        twin[key] = other
    return twin


def _gather_modules(module: Module, found: dict[int, Module]) -> None:
    if id(module) in found:
        return
    found[id(module)] = module
    for _, part in module.parts():
        if isinstance(part, Module):
            _gather_modules(part, found)


def _gather_tensors(module: Module, prefix: str, found: dict[int, tuple[str, Tensor]], seen: set[int]) -> None:
    if id(module) in seen:
        return
    seen.add(id(module))
    for name, part in module.parts():
        name = f"{prefix}.{name}" if prefix else name
        if isinstance(part, Module):
            _gather_tensors(part, name, found, seen)
        else:
            found.setdefault(id(part), (name, part))


def _indented(part: Any) -> str:
    return repr(part).replace("\n", "\n  ")


def written(layer: Module, *positional: Any, **settings: tuple[Any, Any]) -> str:
    """A layer as one would write it: settings are (value, default) pairs, and defaults are left out."""
    changed = [f"{name}={value!r}" for name, (value, default) in settings.items() if value != default]
    return f"{type(layer).__name__}({', '.join([*map(repr, positional), *changed])})"

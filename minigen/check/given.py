"""What the caller gave: inputs and parameters by name, copies in float64, and everything put back afterwards."""

import contextlib
import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from minigen.autograd import Tensor
from minigen.backend import Array, array_module
from minigen.errors import SettingError


def draw(inputs: Any, seed: int) -> Any:
    """The inputs themselves, or what the function that draws them gives for this seed."""
    drawn_from = callable(inputs) and not hasattr(inputs, "dtype") and not isinstance(inputs, Mapping)
    return inputs(np.random.default_rng(seed)) if drawn_from else inputs


def listed(names: Any) -> tuple[str, ...]:
    """Names as a tuple; one alone may come as it is."""
    return (names,) if isinstance(names, str) else tuple(names)


def name_inputs(f: Any, inputs: Any) -> dict[str, Any]:
    """The inputs by name, in the order in which f takes them."""
    try:
        parameters = inspect.signature(f).parameters.values()
        own = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        takes_more = any(p.kind == p.VAR_POSITIONAL for p in parameters)
    except (TypeError, ValueError):  # a built-in without a signature
        own, takes_more = [], True
    if isinstance(inputs, Mapping):
        if set(inputs) <= set(own):
            return {name: inputs[name] for name in own if name in inputs}
        unknown = [name for name in inputs if name not in own]
        if any(name in own for name in inputs) and not takes_more:
            raise SettingError(f"inputs names {', '.join(unknown)}, but the function takes {', '.join(own)}.")
        return dict(inputs)
    if isinstance(inputs, Tensor) or hasattr(inputs, "dtype"):
        inputs = [inputs]
    if not isinstance(inputs, list | tuple):
        raise SettingError(f"inputs is {inputs!r:.80}; it must be a list of arrays, or a dict of them by name.")
    if own and len(inputs) > len(own) and not takes_more:
        one = "; one array goes in as [np.array([…])]" if all(isinstance(x, int | float) for x in inputs) else ""
        raise SettingError(f"inputs holds {len(inputs)}, but the function takes {len(own)} ({', '.join(own)}){one}.")
    return {own[i] if i < len(own) else f"input {i}": x for i, x in enumerate(inputs)}


def name_parameters(params: Any) -> dict[str, Tensor]:
    """The parameters by name: of a module, a dict, or a list of tensors.  Frozen ones are left out."""
    if params is None:
        return {}
    if hasattr(params, "named_parameters"):
        named = dict(params.named_parameters())
    elif isinstance(params, Mapping):
        named = dict(params)
    else:
        named = {p.name or f"params[{i}]": p for i, p in enumerate(params)}
    for name, p in named.items():
        if not isinstance(p, Tensor) or p.node is not None:
            raise SettingError(f"grad_check: params: {name} is no leaf tensor; pass parameters or a module.")
    first = {id(p): name for name, p in reversed(named.items())}  # what is given twice counts once
    return {name: p for name, p in named.items() if p.requires_grad and first[id(p)] == name}


def as_input(name: str, x: Any) -> Any:
    """A float64 copy of a floating input; integers and booleans as they came."""
    bare = x.data if isinstance(x, Tensor) else x
    if not hasattr(bare, "dtype"):
        bare = np.asarray(bare)
    if bare.dtype.kind in "iub":
        return x if hasattr(x, "dtype") else bare
    if bare.dtype.kind != "f":
        raise SettingError(f"grad_check: input {name} is of dtype {bare.dtype}; it must hold numbers.")
    xp = array_module(bare)
    if bool(xp.isnan(bare).any()):
        raise SettingError(f"grad_check: input {name} holds NaN, where nothing can be checked; choose other numbers.")
    return xp.array(bare, dtype=np.float64, order="C")


@contextlib.contextmanager
def kept(named: dict[str, Tensor], module: Any, rngs: list[np.random.Generator]) -> Iterator[None]:
    """Whatever happens inside, parameters, running statistics and generators are afterwards what they were."""
    leaves = [(p, p.data, p.version, p.grad) for p in named.values()]
    buffers = [(owner, key, value, value.copy()) for owner, key, value in _buffers(module)]
    states = [rng.bit_generator.state for rng in rngs]
    try:
        yield
    finally:
        for p, data, version, gradient in leaves:
            p.data, p.version, p.grad = data, version, gradient
        for owner, key, value, copy in buffers:
            value[...] = copy
            owner[key] = value
        for rng, state in zip(rngs, states, strict=True):
            rng.bit_generator.state = state


def _buffers(module: Any) -> Iterator[tuple[dict[str, Any], str, Array]]:
    """(the dictionary that holds it, key, array) of every array found in a module that is no parameter."""
    seen: set[int] = set()
    queue = [module] if hasattr(module, "named_parameters") else []
    while queue:
        entry = queue.pop()
        if id(entry) in seen:
            continue
        seen.add(id(entry))
        if isinstance(entry, list | tuple):
            queue += entry
            continue
        fields = entry if isinstance(entry, dict) else getattr(entry, "__dict__", {})
        for key, value in list(fields.items()):
            if hasattr(value, "named_parameters") or isinstance(value, list | tuple | dict):
                queue.append(value)
            elif isinstance(value, Tensor):
                yield value.__dict__, "_data", value.data
            elif hasattr(value, "dtype") and hasattr(value, "copy"):
                yield fields, key, value


def is_numbers(x: Any) -> bool:
    """Is x one bare array, or a number?"""
    return not isinstance(x, Tensor) and (hasattr(x, "dtype") or isinstance(x, int | float))


def is_float(x: Any) -> bool:
    """Is x a floating-point array (or tensor), and so differentiable?"""
    return hasattr(x, "dtype") and x.dtype.kind == "f"

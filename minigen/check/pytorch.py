"""A function or module of PyTorch as something to differentiate, so that its autograd is checked as minigen's is.

PyTorch is never imported here: whoever brings a tensor or a module of it has done so.
"""

import contextlib
import functools
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from minigen.check.given import name_inputs
from minigen.check.problem import Variable
from minigen.check.torch_graph import TorchGraph, as_tensor, wide
from minigen.errors import SettingError

PLAIN = (bool, int, float, complex, str, type(None))  # arguments that PyTorch cannot differentiate by


def is_torch(f: Any, inputs: Any, params: Any = None) -> bool:
    """Does f, one of its inputs or one of the parameters come from PyTorch?"""
    torch: Any = sys.modules.get("torch")
    if torch is None:
        return False
    given = [*_values(inputs), *_values(params)]
    return (
        _module_of(f) is not None
        or _function_of(f) is not None
        or any(isinstance(x, torch.Tensor | torch.nn.Module) for x in given)
    )


def applied(f: Any) -> Any:
    """The `apply` of a torch.autograd.Function that was passed as a class; anything else as it is."""
    torch: Any = sys.modules.get("torch")
    by_class = torch is not None and isinstance(f, type) and issubclass(f, torch.autograd.Function)
    return f.apply if by_class else f


def torch_problem(
    f: Any, inputs: Any, params: Any, rngs: Iterable[Any], fixed: Iterable[str] = ()
) -> tuple[TorchGraph, contextlib.AbstractContextManager[None]]:
    """What is to be differentiated, and the context in which it may run and after which all is what it was.

    Inside, the parameters and buffers of f (if it is a module, or a method of one) and of params are float64 copies.
    They are put back before every evaluation, as are the generators: `rngs` and PyTorch's global one, so that dropout
    holds still.  Frozen parameters, integers, plain numbers and the inputs named in `fixed` are not differentiated by.
    """
    torch: Any = sys.modules["torch"]
    module = _module_of(f)
    params = module if params is None else params
    modules = [m for m in (module, params) if isinstance(m, torch.nn.Module)]
    named = _parameters(params)
    tensors = [*(p for m in modules for p in m.parameters()), *named.values(), *_values(inputs)]
    device = next((x.device for x in tensors if isinstance(x, torch.Tensor)), torch.device("cpu"))
    if device.type == "mps":
        raise SettingError("grad_check: MPS has no float64, without which nothing can be checked. Move all to the CPU.")
    given = {name: _as_input(name, x, device) for name, x in name_inputs(_with_names(f), inputs).items()}
    unknown = [name for name in fixed if name not in given]
    if unknown:
        raise SettingError(f"grad_check: fixed={unknown[0]!r} names no input; they are {', '.join(given)}.")
    free = [name for name, x in given.items() if isinstance(x, np.ndarray) and name not in fixed]
    variables = [Variable(name, given[name]) for name in free]
    variables += [Variable(name, double(p), p) for name, p in named.items()]
    if not variables:
        raise SettingError("grad_check: there is no floating-point input or parameter to differentiate by.")
    held = {name: as_tensor(x, device) if isinstance(x, np.ndarray) else x for name, x in given.items()}
    surroundings = Surroundings(modules, list(named.values()), rngs, device)

    def function(leaves: list[Any]) -> Any:
        surroundings.rewind()
        own = iter(leaves)
        return f(*[next(own) if name in free else x for name, x in held.items()])

    return TorchGraph(function, variables, device), surroundings.kept()


class Surroundings:
    """What f reads besides its inputs: parameters, buffers and generators, as they are when this is made."""

    def __init__(self, modules: list[Any], free: list[Any], rngs: Iterable[Any], device: Any):
        self.parameters = list({id(p): p for p in [*(p for m in modules for p in m.parameters()), *free]}.values())
        self.modules = list({id(sub): sub for m in modules for sub in m.modules()}.values())
        self.frozen = [(p, wide(p)) for p in self.parameters if not any(p is other for other in free)]
        self.buffers = [
            (sub._buffers, key, b, wide(b)) for sub in self.modules for key, b in sub._buffers.items() if b is not None
        ]
        self.generators = [(put, get()) for get, put in _generators(rngs, device)]

    def rewind(self) -> None:
        """Whatever is not differentiated by, as at the start, in float64 and fresh: f may have changed it in place."""
        for p, start in self.frozen:
            p.data = start.clone()
        for owner, key, _, start in self.buffers:
            owner[key] = start.clone()
        for put, state in self.generators:
            put(state)

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Whatever happens inside, all is afterwards what it was: the very tensors, gradients and modes."""
        parameters = [(p, p.data, p.grad, p.requires_grad) for p in self.parameters]
        modes = [(sub, sub.training) for sub in self.modules]
        for p in self.parameters:
            p.grad = None
        try:
            yield
        finally:
            for p, data, gradient, flag in parameters:
                p.grad = None
                p.data, p.grad = data, gradient
                p.requires_grad_(flag)
            for owner, key, buffer, _ in self.buffers:
                owner[key] = buffer
            for sub, mode in modes:
                sub.training = mode
            for put, state in self.generators:
                put(state)


def _generators(rngs: Iterable[Any], device: Any) -> Iterator[tuple[Callable[[], Any], Callable[[Any], Any]]]:
    """(read, put back) of every generator's state: PyTorch's global ones and those given."""
    torch: Any = sys.modules["torch"]
    yield torch.get_rng_state, torch.set_rng_state
    if device.type == "cuda":
        on_gpu = torch.cuda
        yield functools.partial(on_gpu.get_rng_state, device), functools.partial(on_gpu.set_rng_state, device=device)
    for rng in rngs:
        if isinstance(rng, torch.Generator):
            yield rng.get_state, rng.set_state
        elif isinstance(rng, np.random.Generator):
            bits = rng.bit_generator
            yield functools.partial(getattr, bits, "state"), functools.partial(setattr, bits, "state")
        else:
            raise SettingError(
                f"grad_check: rng= takes generators of PyTorch or NumPy, not {type(rng).__name__}. PyTorch's global "
                "one is put back of itself; seed it with torch.manual_seed."
            )


def double(tensor: Any) -> np.ndarray:
    """A float64 copy of the tensor on the host."""
    return np.array(tensor.detach().double().numpy(force=True), order="C")


def _as_input(name: str, x: Any, device: Any) -> Any:
    """A float64 array of NumPy for what is floating; anything else as f is to get it."""
    torch: Any = sys.modules["torch"]
    if isinstance(x, PLAIN):
        return x
    x = x if isinstance(x, torch.Tensor) else torch.from_numpy(np.array(x, order="C"))
    if x.is_complex():
        raise SettingError(f"grad_check: input {name} is of dtype {x.dtype}; it must hold real numbers.")
    return double(x) if x.is_floating_point() else x.detach().to(device).clone()


def _values(inputs: Any) -> list[Any]:
    if isinstance(inputs, Mapping):
        return list(inputs.values())
    return list(inputs) if isinstance(inputs, list | tuple) else [inputs]


# What f is ------------------------------------------------------------------------------------------------------------


def _module_of(f: Any) -> Any:
    """f itself if it is a module, or the module whose method it is."""
    torch: Any = sys.modules["torch"]
    return next((m for m in (f, getattr(f, "__self__", None)) if isinstance(m, torch.nn.Module)), None)


def _function_of(f: Any) -> Any:
    """The torch.autograd.Function whose `apply` f is."""
    torch: Any = sys.modules["torch"]
    owner = getattr(f, "__self__", None)
    return owner if isinstance(owner, type) and issubclass(owner, torch.autograd.Function) else None


def _with_names(f: Any) -> Any:
    """What tells the names of f's inputs: forward, without the context of an autograd.Function."""
    torch: Any = sys.modules["torch"]
    owner = _function_of(f)
    if owner is not None:
        combined = owner.setup_context is torch.autograd.Function.setup_context
        return functools.partial(owner.forward, None) if combined else owner.forward
    return f.forward if isinstance(f, torch.nn.Module) else f


def _parameters(params: Any) -> dict[str, Any]:
    """The parameters by name: of a module, a dict, or a list of tensors.  Frozen ones are left out."""
    torch: Any = sys.modules["torch"]
    if params is None:
        return {}
    if isinstance(params, torch.nn.Module):
        named = dict(params.named_parameters())
    else:
        named = dict(params) if isinstance(params, Mapping) else {f"params[{i}]": p for i, p in enumerate(params)}
    for name, p in named.items():
        if not isinstance(p, torch.Tensor) or not p.is_leaf or not p.is_floating_point():
            raise SettingError(f"grad_check: params: {name} is no floating leaf tensor; pass parameters or a module.")
    first = {id(p): name for name, p in reversed(named.items())}  # what is given twice counts once
    return {name: p for name, p in named.items() if p.requires_grad and first[id(p)] == name}

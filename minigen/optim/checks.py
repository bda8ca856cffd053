"""What comes to an optimiser from outside, looked at before any of it is used: gradients, and a saved state."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from minigen import backend
from minigen.autograd import Parameter, Tensor
from minigen.errors import DataError, ShapeError


def checked_grads(grads: Iterable[Any], parameters: Sequence[Parameter], who: str) -> list[Any]:
    """The gradients as flat arrays, if they fit the parameters; ShapeError or BackendError otherwise."""
    bare = [g.data if isinstance(g, Tensor) else g for g in grads]
    if len(bare) != len(parameters):
        raise ShapeError(
            f"{who}.update: {len(bare)} gradients came for {len(parameters)} parameters; pass "
            "minigen.grad(loss, optimiser.parameters)."
        )
    for i, (p, g) in enumerate(zip(parameters, bare, strict=True)):
        if g is None:
            raise ShapeError(
                f"{who}: {p.name or f'parameter {i}'} has no gradient; compute one, or leave the parameter out of this "
                "optimiser."
            )
        if g.shape != p.shape:
            raise ShapeError(
                f"{who}.update: the gradient of {p.name or f'parameter {i}'} has shape {g.shape}, not {p.shape}."
            )
        backend.array_module(g, p.data)  # BackendError where they live in two places
    return [g.reshape(-1) for g in bare]


def checked_state(state: Mapping[str, Any], own: Mapping[str, Any], who: str) -> tuple[dict[str, np.ndarray], int]:
    """The arrays of a saved state on the host, and its "steps", if it has the names and shapes of `own`.

    DataError naming what does not fit otherwise.
    """
    arrays = {name: backend.to_host(x.data if isinstance(x, Tensor) else x) for name, x in state.items()}
    faults = [f"missing {name}" for name in ("steps", *own) if name not in arrays]
    faults += [f"unexpected {name}" for name in arrays if name not in own and name != "steps"]
    for name in (name for name in own if name in arrays):
        if arrays[name].shape != own[name].shape:
            faults.append(f"{name} has shape {arrays[name].shape}, not {own[name].shape}")
        elif arrays[name].dtype.kind not in "fiu":
            faults.append(f"{name} holds {arrays[name].dtype}, not numbers")
    steps = arrays.get("steps", np.array(0))
    if steps.size != 1:
        faults.append("steps is not one number")
    elif steps.dtype.kind not in "iu" or steps.item() < 0:
        faults.append(f"steps is {steps.item()}, not a whole number ≥ 0")
    if faults:
        shown = "; ".join(faults[:4]) + (f"; and {len(faults) - 4} more" if len(faults) > 4 else "")
        raise DataError(
            f"{who}.load_state_dict: {shown}. Nothing was loaded; make the optimiser for the "
            "network, and with the method, that it was saved from."
        )
    return arrays, int(steps.item())

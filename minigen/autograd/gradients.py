"""The walk from a loss down to what it was made from: `grad`, and `backward` which stores what `grad` returns."""

import functools
import operator
from collections.abc import Iterable
from typing import Any

import numpy as np

from minigen import backend
from minigen.autograd.debug import look_backward
from minigen.autograd.node import Node
from minigen.autograd.sums import add_up
from minigen.autograd.switches import anomaly, recording
from minigen.autograd.tensor import Tensor
from minigen.errors import GraphError, ShapeError

Place = Tensor | Node  # where gradients gather: a leaf, or the node that made a tensor
Step = tuple[Node, list[int], list[Place]]  # a node, its inputs whose rules will be called, and where their shares go


def grad(
    y: Tensor,
    inputs: Tensor | Iterable[Tensor],
    dy: Any = None,
    *,
    create_graph: bool = False,
    retain_graph: bool | None = None,
    allow_unused: bool = False,
) -> tuple[Any, ...]:
    """(dL/dx for x in inputs), where L = Σ dy · y; `dy` may be left out if y is one number.

    Returns a tuple of tensors; no `.grad` is touched.  With `create_graph` they can be differentiated again.  The graph
    is released on the way unless `retain_graph` (default: as `create_graph`).

    GraphError: y does not depend on an input (`allow_unused=True` returns None for it), the graph was released by an
    earlier walk, or a leaf was changed since.  A refused call changes nothing.
    """
    inputs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    start = _start(y, dy, create_graph)
    for i, x in enumerate(inputs):
        if not isinstance(x, Tensor):
            raise GraphError(f"grad: inputs[{i}] is {type(x).__name__}; derivatives are taken by tensors.")
        if not x.requires_grad:
            raise GraphError(f"grad: {_called(x, i)} does not require a gradient; make it with requires_grad=True.")
    places = [_place(x) for x in inputs]
    steps, reached = _plan(y, set(places))
    for i, (x, place) in enumerate(zip(inputs, places, strict=True)):
        if place not in reached and not allow_unused:
            raise GraphError(
                f"grad: {_called(x, i)} takes no part in this result; pass allow_unused=True to get None for it."
            )
    retain = create_graph if retain_graph is None else retain_graph
    found = _walk(y, start, steps, set(places), create_graph, retain)
    shares = []
    for x, place in zip(inputs, places, strict=True):
        if place in reached and place not in found:  # there is a path, but its rules let nothing through
            zeros = backend.array_module(x._data).zeros_like(x._data)
            found[place] = Tensor(zeros) if create_graph else zeros
        shares.append(found.get(place) if place in reached else None)
    return tuple(shares if create_graph else _own(shares, start))


def backward(y: Tensor, dy: Any = None, *, retain_graph: bool = False, create_graph: bool = False) -> None:
    """Add dL/dleaf to the `grad` of every leaf that requires one: `grad`, and storing."""
    leaves = _leaves(y)
    if not leaves:
        raise GraphError("backward: nothing below this result requires a gradient.")
    found = grad(y, leaves, dy, create_graph=create_graph, retain_graph=retain_graph or create_graph)
    for leaf, dx in zip(leaves, found, strict=True):
        leaf.grad = dx if leaf.grad is None else leaf.grad + dx


# The plan -----------------------------------------------------------------------------------------------------------


def _place(x: Tensor) -> Place:
    return x.node or x


def _called(x: Tensor, i: int) -> str:
    return x.name or f"inputs[{i}] of shape {x.shape}"


def _start(y: Tensor, dy: Any, create_graph: bool) -> Any:
    """The cotangent to begin with, in y's shape, dtype and place: an array, or a tensor under create_graph."""
    if not isinstance(y, Tensor):
        raise GraphError(f"a derivative needs a tensor to start from; this is {type(y).__name__}.")
    module = backend.array_module(y._data)
    if dy is None:
        if y.size != 1:
            raise GraphError(f"the result has shape {y.shape}; reduce it to one number, or pass dy of that shape.")
        dy = module.ones(y.shape, y.dtype) if create_graph else _one(module, y.shape, y.dtype)
    if not isinstance(dy, Tensor):
        backend.array_module(y._data, dy)  # refuses an array of the other backend
        dy = Tensor(module.asarray(dy))
    if dy.shape != y.shape:
        raise ShapeError(f"dy has shape {dy.shape}; the result has {y.shape}.")
    if dy.dtype != y.dtype:
        dy = dy.astype(y.dtype)
    return dy if create_graph else dy._data


@functools.cache
def _one(module: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """The cotangent of one number, made once, so that it costs a GPU no launch a step.

    Nobody may write to it: a plain walk's results are copied from it (`_own`), those of a recorded walk are not.
    """
    return module.ones(shape, dtype)


def _nodes_below(y: Tensor) -> list[Node]:
    """The nodes from which y was made, in the order they were made.  GraphError where one is released."""
    if y.node is None:
        return []
    nodes, seen = [y.node], {y.node}
    for node in nodes:  # grows as it is read
        if node.released:
            raise GraphError("this graph was released by an earlier walk; pass retain_graph=True to that one.")
        for x in node.inputs:
            if isinstance(x, Tensor) and x.node is not None and x.node not in seen:
                seen.add(x.node)
                nodes.append(x.node)
    nodes.sort(key=operator.attrgetter("order"))
    return nodes


def _plan(y: Tensor, targets: set[Place]) -> tuple[list[Step], set[Place]]:
    """The steps of a walk, from y downwards, and the targets that it reaches.

    The inputs in a step are those through which a target is reached: only their rules will be called.
    """
    leads = set(targets)  # places that are a target or lead to one
    reached = {_place(y)}
    steps = []
    for node in _nodes_below(y):
        still = node.op.still
        version = 0
        wanted: list[int] = []
        places: list[Place] = []
        for i, x in enumerate(node.inputs):
            if isinstance(x, Tensor):
                version += x.version
                if x.requires_grad:
                    place = x.node or x
                    if place in leads and i not in still:
                        wanted.append(i)
                        places.append(place)
        if wanted:
            if version != node.version:
                raise node.stale()
            leads.add(node)
            reached.update(places)
            steps.append((node, wanted, places))
    steps.reverse()
    return steps, reached & targets


def _leaves(y: Tensor) -> list[Tensor]:
    """Every leaf below y that requires a gradient, in the order of first use."""
    found = {y: None} if y.node is None and y.requires_grad else {}
    for node in _nodes_below(y):
        for i, x in enumerate(node.inputs):
            if isinstance(x, Tensor) and x.node is None and x.requires_grad and i not in node.op.still:
                found[x] = None
    return list(found)


# The walk -----------------------------------------------------------------------------------------------------------


def _walk(
    y: Tensor, start: Any, steps: list[Step], targets: set[Place], create_graph: bool, retain: bool
) -> dict[Place, Any]:
    """place → gradient, for every target to which something flowed.

    Nodes are visited from the loss downwards; each hands its inputs their share.  Shares are summed into new arrays,
    never in place: one array may have been handed to several.
    """
    gathered: dict[Place, Any] = {_place(y): start}
    looked_at = anomaly.on()
    with recording.set(create_graph):
        for node, wanted, places in steps:
            dy = gathered.get(node) if node in targets else gathered.pop(node, None)
            if dy is None:
                continue
            arrays = node.arrays
            if create_graph:
                result = Tensor(node.y)
                result.node, result.requires_grad = node, True
                shares = node.op.pull_back(node, dy, result, node.inputs, wanted)
            else:
                shares = node.op.pull_back(node, dy, node.y, arrays, wanted)
            for i, place, dx in zip(wanted, places, shares, strict=True):
                if dx is None:
                    continue
                if looked_at:
                    look_backward(node.op.name, node.op.input_name(i), dx, dy, node.site)
                x = arrays[i]
                if type(dx) is not type(x) or dx.shape != x.shape or dx.dtype is not x.dtype:
                    dx = _fit(dx, x, node, i)
                gathered[place] = gathered[place] + dx if place in gathered else dx
            if not retain:
                node.release()
    return gathered


def _fit(dx: Any, x: Any, node: Node, i: int) -> Any:
    """A share in the shape and dtype of its input, the array x: broadcasting is undone here and nowhere else."""
    if not hasattr(dx, "dtype") or isinstance(dx, np.generic):
        dx = backend.array_module(x).asarray(dx, dtype=x.dtype)
    if dx.shape != x.shape:
        dx = unbroadcast(dx, x.shape, f"{node.op.name}, input {node.op.input_name(i)}")
    return dx if dx.dtype == x.dtype else dx.astype(x.dtype)


def unbroadcast(dx: Any, shape: tuple[int, ...], where: str = "unbroadcast") -> Any:
    """dx summed over the axes along which an array of `shape` was repeated to meet it; arrays and tensors alike."""
    added = dx.ndim - len(shape)
    if dx.shape[added:] == shape and added > 0:  # a bias
        axes = tuple(range(added))
        return dx.sum(axis=axes) if isinstance(dx, Tensor) else add_up(dx, axes)
    repeated = tuple(added + k for k, n in enumerate(shape) if added >= 0 and n == 1 and dx.shape[added + k] != 1)
    if added < 0 or any(n not in (1, m) for n, m in zip(shape, dx.shape[added:], strict=True)):
        raise GraphError(f"{where}: the rule returned shape {dx.shape} for an input of shape {shape}.")
    axes = tuple(range(added)) + repeated
    if axes:
        dx = dx.sum(axis=axes) if isinstance(dx, Tensor) else add_up(dx, axes)
    return dx.reshape(shape)


def _own(shares: list[Any], start: Any) -> list[Tensor | None]:
    """The gradients as tensors whose arrays nobody else holds: a view, the caller's dy, or a twin is copied."""
    taken = {id(start)}
    owned: list[Tensor | None] = []
    for dx in shares:
        if dx is not None:
            if not dx.flags.owndata or id(dx) in taken:
                dx = dx.copy()
            taken.add(id(dx))
        owned.append(None if dx is None else Tensor(dx))
    return owned

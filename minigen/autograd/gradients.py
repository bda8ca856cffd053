"""The walk from a loss down to what it was made from: `grad`, and `backward` which stores what `grad` returns."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigen import backend
from minigen.autograd.op import Node, _user_line
from minigen.autograd.tensor import Tensor, state, switch
from minigen.errors import AnomalyError, GraphError, ShapeError


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
    keys = [_place(x) for x in inputs]
    for i, x in enumerate(inputs):
        if not x.requires_grad:
            raise GraphError(f"grad: {_called(x, i)} does not require a gradient; make it with requires_grad=True.")
    nodes, useful, reached = _plan(y, set(keys))
    if not allow_unused:
        for i, (x, key) in enumerate(zip(inputs, keys, strict=True)):
            if key not in reached:
                raise GraphError(
                    f"grad: {_called(x, i)} takes no part in this result; pass allow_unused=True to get None for it."
                )
    retain = create_graph if retain_graph is None else retain_graph
    found = _walk(y, start, nodes, useful, set(keys), create_graph, retain)
    seen: set[Any] = set()
    results: list[Tensor | None] = []
    for key in keys:
        results.append(_finish(found.get(key), create_graph, shared=key in seen))
        seen.add(key)
    return tuple(results)


def backward(y: Tensor, dy: Any = None, *, retain_graph: bool = False, create_graph: bool = False) -> None:
    """Add dL/dleaf to the `grad` of every leaf that requires one: `grad`, and storing."""
    leaves = _leaves(y)
    if not leaves and not y.requires_grad:
        raise GraphError("backward: nothing below this result requires a gradient.")
    found = grad(y, leaves, dy, create_graph=create_graph, retain_graph=retain_graph or create_graph)
    for leaf, dx in zip(leaves, found, strict=True):
        leaf.grad = dx if leaf.grad is None else leaf.grad + dx


# The plan -----------------------------------------------------------------------------------------------------------


def _place(x: Tensor) -> Any:
    """Where gradients for x gather: its node, or x itself if it is a leaf."""
    return x if x.node is None else x.node


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
        dy = module.ones(y.shape, y.dtype)
    if isinstance(dy, Tensor):
        if dy.shape != y.shape:
            raise ShapeError(f"dy has shape {dy.shape}; the result has {y.shape}.")
        return dy if create_graph else dy._data
    dy = module.asarray(dy, dtype=y.dtype)
    if dy.shape != y.shape:
        raise ShapeError(f"dy has shape {dy.shape}; the result has {y.shape}.")
    return Tensor(dy) if create_graph else dy


def _plan(y: Tensor, targets: set[Any]) -> tuple[list[Node], set[Any], set[Any]]:
    """The nodes below y in the order they were made, the places that lead to a target, and the targets y depends on."""
    nodes: list[Node] = []
    if y.node is not None:
        seen, stack = {y.node}, [y.node]
        while stack:
            node = stack.pop()
            nodes.append(node)
            if targets == {node}:
                continue  # the only target: nothing below it matters
            if node.released:
                raise GraphError("this graph was released by an earlier walk; pass retain_graph=True to that one.")
            for x in node.inputs:
                if isinstance(x, Tensor) and x.node is not None and x.node not in seen:
                    seen.add(x.node)
                    stack.append(x.node)
        nodes.sort(key=lambda node: node.order)
    useful, reached = set(targets), {_place(y)} & targets
    for node in nodes:
        for i in _wanted(node, useful):
            if node not in useful:
                useful.add(node)
                node.check_versions()
            reached.add(_place(node.inputs[i]))
    return nodes, useful, reached & targets


def _wanted(node: Node, useful: set[Any]) -> list[int]:
    """The inputs of a node through which a target is reached."""
    return [
        i
        for i, x in enumerate(node.inputs)
        if isinstance(x, Tensor) and x.requires_grad and _place(x) in useful and node.op.rule(i) is not None
    ]


def _leaves(y: Tensor) -> list[Tensor]:
    """Every leaf below y that requires a gradient, in the order of first use."""
    if y.node is None:
        return [y] if y.requires_grad else []
    found: dict[int, Tensor] = {}
    for node in _plan(y, set())[0]:
        for i, x in enumerate(node.inputs):
            if isinstance(x, Tensor) and x.node is None and x.requires_grad and node.op.rule(i) is not None:
                found[id(x)] = x
    return list(found.values())


# The walk -----------------------------------------------------------------------------------------------------------


def _walk(
    y: Tensor, start: Any, nodes: list[Node], useful: set[Any], targets: set[Any], create_graph: bool, retain: bool
) -> dict[Any, tuple[Any, bool]]:
    """place → (gradient, is it ours alone?) for every target reached.

    Nodes are visited from the loss downwards; each hands its inputs their share.  Shares are summed into new arrays,
    never in place: one array may have been handed to several.
    """
    gathered: dict[Any, tuple[Any, bool]] = {_place(y): (start, False)}
    with switch("recording", create_graph):
        for node in reversed(nodes):
            if node not in gathered:
                continue
            dy = gathered[node][0]
            if node not in targets:
                del gathered[node]
            if node not in useful:
                continue
            wanted = _wanted(node, useful)
            if not wanted:
                continue
            if create_graph:
                result = Tensor.__new__(Tensor)
                result._data, result.node, result.requires_grad = node.y, node, True
                shares = node.op.pull_back(dy, result, node, node.inputs, wanted)
            else:
                bare = tuple(x._data if isinstance(x, Tensor) else x for x in node.inputs)
                shares = node.op.pull_back(dy, node.y, node, bare, wanted)
            for i, dx in zip(wanted, shares, strict=True):
                if dx is None:
                    continue
                x = node.inputs[i]
                ours = dx is not dy
                if state.anomaly:
                    _look_back(node, i, dx, dy)
                dx = _fit(dx, x, node, i)
                ours = ours and not isinstance(dx, Tensor) and dx.flags.owndata
                place = _place(x)
                before = gathered.get(place)
                gathered[place] = (dx, ours) if before is None else (before[0] + dx, True)
            if not retain:
                node.release()
    return gathered


def _fit(dx: Any, x: Tensor, node: Node, i: int) -> Any:
    """The share in its input's shape and dtype: broadcasting undone, here and nowhere else."""
    if not hasattr(dx, "dtype") or isinstance(dx, np.generic):
        dx = backend.array_module(x._data).asarray(dx, dtype=x.dtype)
    if dx.shape != x.shape:
        dx = unbroadcast(dx, x.shape, f"{node.op.name}, input {node.op.input_name(i)}")
    if dx.dtype != x.dtype:
        dx = dx.astype(x.dtype)
    return dx


def unbroadcast(dx: Any, shape: tuple[int, ...], where: str = "unbroadcast") -> Any:
    """dx summed over the axes along which an array of `shape` was repeated to meet it; arrays and tensors alike."""
    added = dx.ndim - len(shape)
    repeated = tuple(added + k for k, n in enumerate(shape) if added >= 0 and n == 1 and dx.shape[added + k] != 1)
    if added < 0 or any(n not in (1, m) for n, m in zip(shape, dx.shape[added:], strict=True)):
        raise GraphError(f"{where}: the rule returned shape {dx.shape} for an input of shape {shape}.")
    axes = tuple(range(added)) + repeated
    return (dx.sum(axis=axes) if axes else dx).reshape(shape)


def _finish(found: tuple[Any, bool] | None, create_graph: bool, shared: bool) -> Tensor | None:
    """What the caller receives: under create_graph the tensor itself, else an array nobody else holds."""
    if found is None:
        return None
    dx, ours = found
    if isinstance(dx, Tensor):
        return dx
    return Tensor(dx if ours and not shared else dx.copy())


def _look_back(node: Node, i: int, dx: Any, dy: Any) -> None:
    """AnomalyError where a rule made a NaN or an infinity from a finite gradient."""
    bare, above = (a._data if isinstance(a, Tensor) else a for a in (dx, dy))
    module = backend.array_module(above)
    if not bool(module.isfinite(bare).all()) and bool(module.isfinite(above).all()):
        raise AnomalyError(
            f"the derivative of {node.op.name} with respect to {node.op.input_name(i)} made the first NaN or infinity, "
            f"backward; the operation was called {node.site or _user_line()}."
        )

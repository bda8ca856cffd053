"""A node: what one application of an operation leaves behind, so that it can be differentiated."""

import itertools
from typing import TYPE_CHECKING, Any

from minigen.autograd.debug import user_line
from minigen.autograd.switches import anomaly
from minigen.autograd.tensor import Tensor
from minigen.errors import GraphError

if TYPE_CHECKING:
    from minigen.autograd.op import Fused, Op

_clock = itertools.count()


class Node:
    """One application of an operation: what its rules will want to know.

    It holds y as a bare array, never the tensor, so a graph has no cycles: dropping the loss frees everything.
    """

    __slots__ = ("op", "inputs", "arrays", "settings", "y", "version", "order", "saved", "site")

    def __init__(
        self,
        op: "Op | Fused",
        inputs: tuple[Any, ...],
        arrays: list[Any],
        settings: dict[str, Any],
        y: Any,
        version: int,
        saved: Any = None,
    ):
        self.op = op
        self.inputs = inputs  # as they were given: tensors lead further down
        self.arrays = arrays  # the same, bare
        self.settings = settings
        self.y = y
        self.version = version  # Σ version of the inputs: their data must not change before the walk
        self.order = next(_clock)  # made later = nearer to the loss
        self.saved = saved  # what a kernel keeps for its derivative
        self.site = user_line() if anomaly.on() else ""  # the line of user code, under detect_anomaly

    @property
    def released(self) -> bool:
        """True once a walk has used it up."""
        return self.y is None

    def release(self) -> None:
        """Let go of everything; the tensors below are freed as soon as nobody else holds them."""
        self.inputs, self.arrays, self.y, self.saved = (), [], None, None

    def stale(self) -> GraphError:
        """The error for a graph whose inputs were changed since, naming those that ever were."""
        changed = [x for x in self.inputs if isinstance(x, Tensor) and x.version]
        names = " or ".join(x.name or f"a tensor of shape {x.shape}" for x in changed)
        return GraphError(f"{names} changed after this loss was computed from it; compute the loss again.")

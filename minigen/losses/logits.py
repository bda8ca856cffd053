"""The logistic loss, from a logit: the probability is never formed, so nothing overflows and no slope is lost."""

import warnings
from typing import Any

from minigen.autograd import Tensor
from minigen.backend import array_module
from minigen.errors import SettingError, ShapeError
from minigen.ops import softplus
from minigen.ops.shapes import bare

ARRANGEMENTS = {
    "alias",
    "astype",
    "concatenate",
    "expand_dims",
    "getitem",
    "moveaxis",
    "reshape",
    "squeeze",
    "transpose",
}


def binary_cross_entropy(logits: Any, targets: Any) -> Any:
    """mean of −t log σ(a) − (1 − t) log(1 − σ(a)) = mean of max(a, 0) − a t + log(1 + e^−|a|): slope σ(a) − t.

    logits: a, any shape; targets: t in [0, 1], a number or of the same shape → one number, in nats per logit.  ln 2 =
    0.6931 when a = 0; the least there is, where σ(a) = t, is the entropy of t, not 0.  ShapeError where the shapes
    differ, SettingError where a target lies outside [0, 1].  Bishop 2006, eq. 4.90.
    """
    warn_of_sigmoid(logits)
    given = bare(targets)
    if getattr(given, "shape", ()) not in ((), tuple(logits.shape)):
        raise ShapeError(
            f"binary_cross_entropy: logits have shape {tuple(logits.shape)}, targets {tuple(given.shape)}; give each "
            "logit one target, or all the same number."
        )
    inside = array_module(given).asarray(given)
    if not bool(((inside >= 0) & (inside <= 1)).all()):
        raise SettingError("binary_cross_entropy: a target lies outside [0, 1]; targets are probabilities.")
    return (targets * softplus(-logits) + (1 - targets) * softplus(logits)).mean()  # two terms ≥ 0: nothing cancels


def warn_of_sigmoid(logits: Any) -> None:
    """A UserWarning where what should be a logit is the output of a sigmoid: the graph knows."""
    node = logits.node if isinstance(logits, Tensor) else None
    while node is not None and node.op.name in ARRANGEMENTS and node.inputs:
        below = node.inputs[0]
        node = below.node if isinstance(below, Tensor) else None
    if node is not None and node.op.name == "sigmoid":
        warnings.warn(
            "this loss takes logits, but was given the output of a sigmoid: the loss of D cannot fall below 1.0064 and "
            "learning stalls. Remove the sigmoid; losses apply it themselves.",
            UserWarning,
            stacklevel=3,
        )

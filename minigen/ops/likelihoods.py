"""Logarithms of likelihoods that are worth one pass of their own; the losses are made of them."""

from minigen.autograd.op import fused
from minigen.ops.activations import softplus
from minigen.ops.reductions import sum


@fused
def bernoulli_sum(x, logits):
    """y = Σ (x a − softplus(a)) over the last axis: what `losses.vae.log_bernoulli` is, as one operation.

    x and logits a: (…, D), broadcast together → (…), in nats.
    """
    return sum(x * logits - softplus(logits), axis=-1)

"""Logarithms of likelihoods that are worth one pass of their own; the losses are made of them."""

from minigen.autograd.op import fused
from minigen.ops.activations import softplus
from minigen.ops.reductions import mean, sum


@fused
def bernoulli_sum(x, logits):
    """y = Σ (x a − softplus(a)) over the last axis: what `losses.vae.log_bernoulli` is, as one operation.

    x and logits a: (…, D), broadcast together → (…), in nats.
    """
    return sum(x * logits - softplus(logits), axis=-1)


@fused
def softplus_mean(a, *, sign=1):
    """y = E[softplus(a)], or E[softplus(−a)] with sign −1: the mean of −log(1 − σ(a)), or of −log σ(a).

    a: logits of any shape → one number, in nats: what the logistic losses of `losses.gan` are made of.
    """
    return mean(softplus(a if sign > 0 else -a))


@fused
def logistic_loss(logits, *, reals, smooth=0.0):
    """y = E[softplus(−a) + smooth · a] over the first `reals` logits + E[softplus(a)] over the others.

    logits (N, …), 0 < reals < N → a number, in nats: −E[log D(x)] − E[log(1 − D(G(z)))] where D saw both in one batch.
    """
    real, fake = logits[:reals], logits[reals:]
    y = softplus_mean(real, sign=-1) + softplus_mean(fake)
    return y + smooth * mean(real) if smooth else y

"""What a generator would lose to a discriminator that has answered first: unrolled GANs."""

import copy
from collections.abc import Callable
from typing import Any

from minigen.autograd import Parameter, grad
from minigen.errors import SettingError


def unrolled(
    discriminator: Any, optimiser: Any, loss_d: Callable[[], Any], loss_g: Callable[[], Any], *, steps: int
) -> Any:
    """L_G(θ_G, θ_D^K): loss_g() with the weights that D would have after `steps` = K more updates on loss_d().

    θ_D⁰ = θ_D and θ_D^(k+1) = θ_D^k − step of D's optimiser along ∇ loss_d, each step inside the graph, so that the
    slope by G's weights holds both terms of eq. 12: how G's loss changes, and how D's answer to it would.  Metz et al.
    2017, eqs. 7, 9, 10 and 12, there for plain ascent on f and with Adam in the experiments; ours is whatever
    `optimiser` does, from its present state and at its present rate.  D itself then learns by one ordinary update
    (eq. 11), which is the caller's.

    loss_d, loss_g: no arguments, one number; both call `discriminator`, a Module, on fakes made outside.  The fakes
    keep their history in loss_d too: with `x_fake.detach()` there the second term is lost, and nothing says so.
    `gradient_penalty` takes its images as constants: D's steps follow it, G's slope does not flow through them.  What
    the optimiser holds moves, unless it is frozen.

    Differentiate the result by G's weights.  Afterwards, and after an error, D and its optimiser are as they were, with
    running statistics and u and v of spectral normalisation; only random numbers that D drew are gone.  steps=0 is
    loss_g() itself.  SettingError where nothing can move, or where the optimiser holds weights of another module.

        loss = unrolled(D, optimiser_d, lambda: pair.discriminator(D(x_real), D(x_fake)),
                        lambda: pair.generator(D(x_fake)), steps=5)
    """
    if not isinstance(steps, int) or steps < 0:
        raise SettingError(f"unrolled: steps={steps!r} must be a whole number ≥ 0.")
    if steps == 0:
        return loss_g()
    _check(discriminator, optimiser)
    own = optimiser.parameters
    weights, progress = list(own), None
    kept = {x: copy.deepcopy(x) for _, x in discriminator.named_tensors() if not isinstance(x, Parameter)}
    for _ in range(steps):
        with discriminator.substituted({**kept, **dict(zip(own, weights, strict=True))}):
            loss = loss_d()
        free = [i for i, p in enumerate(own) if p.requires_grad]
        slopes = dict(zip(free, grad(loss, [weights[i] for i in free], create_graph=True), strict=True))
        weights, progress = optimiser.formula_step(weights, [slopes.get(i) for i in range(len(own))], progress)
    with discriminator.substituted({**kept, **dict(zip(own, weights, strict=True))}):
        return loss_g()


def _check(discriminator: Any, optimiser: Any) -> None:
    """SettingError where D's weights cannot be exchanged, or the optimiser's are not D's, or none of them can move."""
    if not hasattr(discriminator, "substituted"):
        raise SettingError(f"unrolled: the discriminator must be a Module; this is {type(discriminator).__name__}.")
    hers = {id(x) for _, x in discriminator.named_tensors()}
    for i, p in enumerate(optimiser.parameters):
        if id(p) not in hers:
            raise SettingError(
                f"unrolled: the optimiser holds {p.name or f'parameter {i}'}, which is not the discriminator's; pass "
                "the optimiser of the discriminator."
            )
    if not any(p.requires_grad for p in optimiser.parameters):
        raise SettingError("unrolled: every weight of the discriminator is frozen; unfreeze it, or pass steps=0.")

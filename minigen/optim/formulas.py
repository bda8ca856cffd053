"""One step of each method as a formula, for arrays and tensors alike.

The optimisers compute the same in place.  On tensors a step can be differentiated, as unrolled optimisation needs: the
roots below have slope 0 at 0, where √ has an infinite one and a dead unit would turn into NaN.

w: weights, g: their gradient, `step` counts from 1.  Each returns the new weights, then the new state.
"""

from typing import Any

from minigen.ops import greater, sqrt, where


def root(x: Any) -> Any:
    """√x with slope 0 at 0: both wheres are needed, for an infinite slope times 0 is NaN."""
    above = greater(x, 0)
    return where(above, sqrt(where(above, x, 1.0)), 0.0)


def sgd(w: Any, g: Any, velocity: Any, *, learning_rate: float, momentum: float = 0.0, nesterov: bool = False) -> Any:
    """v ← μ v + g; w ← w − α v, or w − α (g + μ v) with `nesterov`.  Sutskever et al. 2013, as in PyTorch."""
    velocity = momentum * velocity + g
    return w - learning_rate * (g + momentum * velocity if nesterov else velocity), velocity


def adam(
    w: Any, g: Any, m: Any, v: Any, *, step: int, learning_rate: float, betas: tuple[float, float], eps: float = 1e-8
) -> Any:
    """m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²; w ← w − α m̂ / (√v̂ + eps).  Kingma & Ba 2015, algorithm 1.

    m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ); m and v start at 0.
    """
    beta1, beta2 = betas
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * (g * g)
    m_hat, v_hat = m * (1 / (1 - beta1**step)), v * (1 / (1 - beta2**step))
    return w - learning_rate * (m_hat / (root(v_hat) + eps)), m, v


def rmsprop(w: Any, g: Any, v: Any, *, learning_rate: float, decay: float = 0.99, eps: float = 1e-8) -> Any:
    """v ← ρ v + (1 − ρ) g²; w ← w − α g / (√v + eps).  Tieleman & Hinton 2012, lecture 6e, slide 29."""
    v = decay * v + (1 - decay) * (g * g)
    return w - learning_rate * (g / (root(v) + eps)), v


def adagrad(w: Any, g: Any, total: Any, *, learning_rate: float, eps: float = 1e-10) -> Any:
    """s ← s + g²; w ← w − α g / (√s + eps).  Duchi, Hazan & Singer 2011, eq. 1 with a diagonal matrix."""
    total = total + g * g
    return w - learning_rate * (g / (root(total) + eps)), total

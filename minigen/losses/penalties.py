"""Terms that keep a discriminator smooth: its slopes with respect to images, themselves differentiated."""

from typing import Any

import numpy as np

from minigen.autograd import Tensor, grad, no_grad
from minigen.backend import array_module
from minigen.errors import ShapeError
from minigen.ops import norm
from minigen.ops.draws import draw_uniform
from minigen.ops.shapes import bare


def gradient_penalty(
    critic: Any, real: Any, fake: Any, rng: np.random.Generator, weight: float = 10.0, target: float = 1.0
) -> Any:
    """weight · E[(‖∇D(x̂)‖ − target)²], x̂ = α x + (1 − α) x̃, one α ∼ U(0, 1) an image: Gulrajani et al. 2017, eq. 3

    real x, fake x̃: (N, …), taken as constants; where one batch is longer, its end is left out.  The norm is over all
    axes but the first, with slope 0 at 0.  Returns one number to add to D's loss; 0 where every slope has norm `target`
    (two-sided: also a slope below it costs).  The paper's weight is 10, and 0.1 for points in the plane.  The critic
    must judge each image by itself: no BatchNorm in training mode.  ShapeError where images differ in shape.
    """
    n = min(len(real), len(fake))
    if real.shape[1:] != fake.shape[1:] or n == 0:
        raise ShapeError(f"gradient_penalty: real {real.shape} and fake {fake.shape} must hold images of one shape.")
    alpha = draw_uniform(rng, (n,) + (1,) * (real.ndim - 1), real.dtype, array_module(bare(real), bare(fake)))
    with no_grad():  # as operations, so that arrays take the dtype of tensors beside them
        mixed = alpha * real[:n] + (1 - alpha) * fake[:n]
    slope = _slope(critic, bare(mixed))
    distance = norm(slope, axis=tuple(range(1, slope.ndim))) - target
    return weight * (distance * distance).mean()


def r1(discriminator: Any, real: Any, weight: float = 10.0) -> Any:
    """weight / 2 · E[‖∇D(x)‖²] on real images.  Mescheder et al. 2018, eq. 9.

    real: (N, …), taken as constants.  Returns one number ≥ 0 to add to D's loss.  The paper's weight is 10.  D must
    judge each image by itself: no BatchNorm in training mode.
    """
    slope = _slope(discriminator, bare(real))
    return (0.5 * weight) * (slope * slope).sum(axis=tuple(range(1, slope.ndim))).mean()


def _slope(network: Any, images: Any) -> Any:
    """∇ network at each image, recorded so that it can be differentiated by the network's weights."""
    x = Tensor(images, requires_grad=True)
    return grad(network(x).sum(), [x], create_graph=True)[0]

"""Directions through a latent space to put under sliders: those along which what is drawn changes most."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigen import backend
from minigen.models.vae import Vae
from minigen.walks import from_normal, to_normal

BASES = 8  # latents at which directions are sought, and as many others at which their shares are measured
FEW_BASES = 4  # of clips, each of which takes as long as many images
APART = 1_000_000  # a seed that nobody looks at: along directions sought at the seeds shown, these would be extremes
STEP = 1.0  # to either side, in standard deviations of the prior
FEWEST = 1e-4  # the share of the change below which nothing can be seen of a direction


@dataclass(frozen=True, eq=False)
class Axes:
    """Orthonormal directions, the one along which most changes first.

    rows: float32 (K, Z).  shares: (K,), of the mean squared change that all Z directions together make.  names: what
    each is called.
    """

    rows: np.ndarray
    shares: np.ndarray
    names: tuple[str, ...]


def axes_of(recipe: Any, draw: Callable[[np.ndarray], np.ndarray], most: int) -> Axes:
    """At most so many directions of a run's latents; those of which nothing can be seen are left out.

    draw: z (N, Z) → (N, D).  With J the slope of what is drawn, by central differences of STEP, and M the mean of
    J Jᵀ over some latents, a direction d changes it by dᵀ M d.  A GAN's latents have no axes of their own, every
    rotation of z being as likely: its directions are the eigenvectors of M.  A VAE's have, since its posterior is
    normal with independent numbers: they are z's own.  Their shares and their order come from other latents than M.
    """
    count = FEW_BASES if getattr(recipe.config, "frames", 1) > 1 else BASES
    bases = recipe.latents(2 * count, backend.generator(APART))
    sought, measured = (_mean_change(recipe, draw, some) for some in (bases[:count], bases[count:]))
    Z = recipe.config.latent
    own = isinstance(getattr(recipe, "model", None), Vae)
    rows = np.eye(Z) if own else np.linalg.eigh(sought)[1].T[::-1]
    changes = np.einsum("kz,zy,ky->k", rows, measured, rows)
    shares = changes / max(changes.sum(), np.finfo(np.float64).tiny)
    order = np.argsort(-shares, kind="stable")[: max(1, min(most, int((shares > FEWEST).sum())))]
    rows, shares = rows[order], shares[order]
    if own:
        return Axes(rows.astype(np.float32), shares, tuple(f"z {i + 1}" for i in order))
    largest = np.take_along_axis(rows, np.abs(rows).argmax(axis=1)[:, None], axis=1)
    rows *= np.sign(largest)  # an eigenvector has no sign of its own
    return Axes(rows.astype(np.float32), shares, tuple(f"axis {i + 1}" for i in range(len(rows))))


def _mean_change(recipe: Any, draw: Callable[[np.ndarray], np.ndarray], bases: np.ndarray) -> np.ndarray:
    """M (Z, Z): the mean of J Jᵀ over the bases (N, Z), J (Z, D)."""
    prior, Z = getattr(recipe.config, "prior", "normal"), bases.shape[1]
    M = np.zeros((Z, Z))
    for z in bases:
        steps = STEP * np.eye(Z)
        n = to_normal(z, prior)
        beside = np.stack([from_normal(row, prior) for row in np.concatenate([n + steps, n - steps])])
        x = draw(beside).astype(np.float64)
        J = (x[:Z] - x[Z:]) / (2 * STEP)
        M += J @ J.T / len(bases)
    return M

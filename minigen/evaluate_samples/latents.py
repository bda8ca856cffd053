"""Which known factors a VAE's latents hold, beside PCA and an encoder that was never trained."""

from dataclasses import replace
from typing import Any

import numpy as np

from minigen.data import as_batch
from minigen.evaluate_samples.drawn import Measured
from minigen.judges import Rendered
from minigen.judges.subjects import CYCLIC
from minigen.metrics.factors import disentanglement
from minigen.train.recipes import RECIPES
from minigen.train.table import MODEL, Row, shown

KINDS = ("all latents", "best single one")
FITTED = 1000  # training items that PCA is fitted to


def disentangled(recipe: Any, source: Any, subject: Rendered) -> list[Measured]:
    """The table of R² of each factor, from all latents and from the best single one; none where items are too few."""
    held_out, Z = source.held_out, recipe.config.latent
    if held_out is None or held_out.factors is None or len(held_out) < 2 * Z + 4:
        return []
    x = as_batch(held_out.items)
    classes = recipe.condition.told(held_out, recipe.config.condition) if hasattr(recipe, "condition") else None
    other: Any = RECIPES["vae"].make(replace(recipe.config, seed=recipe.config.seed + 1), source.about)
    codes = {MODEL: recipe.codes(x, classes)[0], "untrained encoder": other.codes(x, classes)[0]}
    train = source.data.items[:: max(1, len(source.data) // FITTED)]
    if Z < min(len(train), train[0].size):
        codes["PCA"] = principal_codes(train, held_out.items, Z)
    factors = {name: held_out.factors[name] for name in subject.ranges}
    cyclic, seen = [name for name in factors if name in CYCLIC], subject.seen(held_out.factors)
    found = {column: disentanglement(z, factors, cyclic=cyclic, seen=seen) for column, z in codes.items()}
    known = [name for name in factors if np.isfinite([by_name[name] for by_name in found.values()]).all()]
    rows = [
        Row(f"{name}, {kind}", "R²", {column: by_name[name][place] for column, by_name in found.items()})
        for name in known
        for place, kind in enumerate(KINDS)
    ]
    return [
        Measured(
            "Which factors its latents hold",
            rows,
            [
                f"{len(held_out):,} images held out of the training: a linear fit to one half, R² on the other.",
                "A single latent says no place on a circle, so that time reaches 0.5 at most by one.",
                f"PCA: {Z} components of {len(train):,} training images. Untrained encoder: the model as it begins.",
            ],
            _said(found, known),
        )
    ]


def _said(found: dict[str, dict[str, tuple[float, float]]], known: list[str]) -> tuple[str, ...]:
    """What all latents and the best one explain on average, and how often the best one of the others explains more."""
    if not known:
        return ()
    every, one = ({c: float(np.mean([by_name[n][k] for n in known])) for c, by_name in found.items()} for k in (0, 1))
    said = [
        f"On average over the factors, all latents explain {shown(every[MODEL])} of the variance, the best one alone "
        f"{shown(one[MODEL])}: the nearer to each other, the more a latent has a meaning of its own."
    ]
    for column in found:
        if column != MODEL:
            more = sum(found[column][name][1] > found[MODEL][name][1] for name in known)
            said.append(
                f"{column}: all {shown(every[column])}, the best one {shown(one[column])}; its best one explains more "
                f"than the model's in {more} of {len(known)} factors."
            )
    return tuple(said)


def principal_codes(train: np.ndarray, items: np.ndarray, components: int) -> np.ndarray:
    """(x − m) V, the coordinates of items along the largest principal components of `train`: (N, components)."""
    X = train.reshape(len(train), -1).astype(np.float64)
    mean = X.mean(axis=0)
    V = np.linalg.svd(X - mean, full_matrices=False)[2][:components].T
    return (items.reshape(len(items), -1) - mean) @ V

"""The Fréchet distance of two sets of features, each taken for a normal."""

import numpy as np

from minigen.errors import DataError, ShapeError
from minigen.metrics.checking import rows


def frechet_distance(x: np.ndarray, y: np.ndarray) -> float:
    """‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2 (Σ₁^½ Σ₂ Σ₁^½)^½): how far apart two normals with these means and covariances are.

    x (N, F), y (M, F): features of items, on the host; the unit is theirs squared.  0 for equal sets; ‖a‖² where one
    is the other moved by a; Σ (σ₁ − σ₂)² for independent features.  In float64, by symmetric eigendecompositions,
    eigenvalues below 0 taken for 0, covariances divided by N − 1.
    Biased upwards: two sets drawn from one standard normal are about (F (F + 1) / 4 + F) (1/N + 1/M) apart, 5.5 for 64
    features of 400 items.  So read it beside real against real at the same sizes.  FID is its name on the features of
    one Inception network; on others it is not comparable with printed FIDs.
    ShapeError where x and y differ in F, DataError where N or M does not exceed F: a covariance of rank below F.
    Dowson & Landau 1982, "The Fréchet distance between multivariate normal distributions"; for generative models
    Heusel et al. 2017, "GANs trained by a two time-scale update rule".
    """
    x, y = rows("frechet_distance", "features x", x), rows("frechet_distance", "features y", y)
    F = x.shape[1]
    if y.shape[1] != F:
        raise ShapeError(f"frechet_distance: x {x.shape} and y {y.shape} must have as many features.")
    for name, features in (("x", x), ("y", y)):
        if len(features) <= F:
            raise DataError(
                f"frechet_distance: {name} has {len(features)} items of {F} features; their covariance needs more than "
                f"{F} items. Give more, or take fewer features."
            )
    mean = x.mean(axis=0) - y.mean(axis=0)
    A, B = covariance(x), covariance(y)
    # tr (A^½ B A^½)^½ is the sum of the singular values of A^½ B^½; if squared first, small ones drown in rounding.
    cross = np.linalg.svd(square_root(A) @ square_root(B), compute_uv=False).sum()
    return max(0.0, float(mean @ mean + np.trace(A) + np.trace(B) - 2 * cross))


def covariance(x: np.ndarray) -> np.ndarray:
    """Σ = (x − μ)ᵀ (x − μ) / (N − 1): float64 x (N, F) → (F, F)."""
    away = x - x.mean(axis=0)
    return away.T @ away / (len(x) - 1)


def square_root(A: np.ndarray) -> np.ndarray:
    """A^½ = V √λ Vᵀ of a symmetric matrix, eigenvalues below 0 taken for 0: rounding made those."""
    eigenvalues, V = np.linalg.eigh(A)
    return (V * np.sqrt(np.maximum(eigenvalues, 0))) @ V.T

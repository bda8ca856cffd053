"""What a model must beat: the mean pose, the first frame held, and PCA, as a code and as a generator.

Windows are standardised features (N, T, F) on the host; what they mean as a motion is the caller's to work out.
"""

import numpy as np

from minigen.data.checking import whole
from minigen.errors import SettingError, ShapeError
from minigen.metrics.checking import finite


def mean_pose(train: np.ndarray, like: np.ndarray) -> np.ndarray:
    """The mean frame over all of `train`, in every frame: train (N, T, F), like (M, T', F) → float64 (M, T', F)."""
    _windows("mean_pose", train)
    _windows("mean_pose", like)
    if train.shape[-1] != like.shape[-1]:
        raise ShapeError(f"mean_pose: train {train.shape} and like {like.shape} must have as many features.")
    return np.tile(np.asarray(train, np.float64).mean(axis=(0, 1)), (*like.shape[:2], 1))


def hold_first(test: np.ndarray) -> np.ndarray:
    """The first frame of each window, held: test (N, T, F) → the same shape.

    Features that are velocities are held too: a root given by its velocity goes on as it began.
    LAFAN1's zero-velocity baseline (Harvey et al. 2020, "Robust motion in-betweening") keeps its place instead.
    """
    _windows("hold_first", test)
    return np.repeat(test[:, :1], test.shape[1], axis=1)


def pca_reconstruct(train: np.ndarray, test: np.ndarray, components: int) -> np.ndarray:
    """m + V Vᵀ (x − m): each test window from its `components` largest principal components, those of `train`.

    train (N, …), test (M, …), flattened to D numbers each, standardised → float64, test's shape.  The best linear code
    of that many numbers for the training windows (Eckart & Young 1936), so what a VAE with as many latents must beat.
    By the eigenvectors of the smaller of X Xᵀ (N, N) and Xᵀ X (D, D).  SettingError where components exceed N or D.
    """
    if np.ndim(train) < 2 or np.ndim(test) < 2 or train.shape[1:] != test.shape[1:] or not train.size:
        raise ShapeError(f"pca_reconstruct: train {np.shape(train)} and test {np.shape(test)} must be (N, …), (M, …).")
    mean, V, _ = _principal("pca_reconstruct", train, components)
    Y = np.asarray(test, np.float64).reshape(len(test), -1) - mean
    finite("pca_reconstruct", Y)
    return (mean + (Y @ V) @ V.T).reshape(test.shape)


def pca_samples(train: np.ndarray, n: int, components: int, rng: np.random.Generator) -> np.ndarray:
    """m + V (σ · noise): n draws from the normal of the first `components` principal components of `train`.

    train (N, …), images, clips or windows, bytes or floats → float64 (n, …) in the same unit, beyond its range too:
    clip them.  Mean and variances, divided by N − 1, are those of the data, and components do not depend on each other:
    a generator that needs no network, so what a GAN must beat.  Draw i is the same whatever n.  It costs as the cube of
    the smaller of N and D: 3,000 items are enough for most.
    SettingError where components exceed N or D, ShapeError where train is not (N, …), DataError where a number is not
    finite.  Tipping & Bishop 1999, "Probabilistic principal component analysis", without its noise.
    """
    if np.ndim(train) < 2 or not np.size(train):
        raise ShapeError(f"pca_samples: train has shape {np.shape(train)}; it must be (N, …), and not empty.")
    mean, V, deviation = _principal("pca_samples", train, components)
    noise = rng.standard_normal((whole("pca_samples: n", n, lowest=0), components))[:, : V.shape[1]]
    return (mean + (noise * deviation) @ V.T).reshape(n, *train.shape[1:])


def _principal(name: str, train: np.ndarray, components: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(mean (D,), V (D, k), deviations (k,)) of the largest components, largest first, those of variance 0 left out."""
    N, D = len(train), int(np.prod(train.shape[1:]))
    whole("components", components, lowest=1)
    if components > min(N, D):
        remedy = "Give more windows, or ask for fewer." if N <= D else "Ask for fewer."
        raise SettingError(
            f"{name}: components is {components}, but there are {N} training windows of {D} numbers: fewer "
            f"{'windows' if N <= D else 'numbers'} than latents. {remedy}"
        )
    X = np.asarray(train, np.float64).reshape(N, D)
    finite(name, X)
    mean = X.mean(axis=0)
    X = X - mean
    variance, U = np.linalg.eigh(X @ X.T if N < D else X.T @ X)  # ascending
    largest = slice(-components, None)
    kept = variance[largest] > 1e-13 * variance[-1]  # the mean took one of N, and copies take more: those are noise
    V = U[:, largest][:, kept][:, ::-1]
    if N < D:
        V = np.linalg.qr(X.T @ V)[0]  # Xᵀu lies along v; QR, largest first, mends what rounding did
    return mean, V, np.sqrt(variance[largest][kept][::-1] / max(1, N - 1))


def _windows(name: str, x: np.ndarray) -> None:
    if np.ndim(x) != 3 or 0 in np.shape(x):
        raise ShapeError(f"{name}: windows have shape {np.shape(x)}; they must be (N, T, F), none of them 0.")

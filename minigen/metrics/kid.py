"""The kernel distance of two sets of features: unbiased, so that it is about 0 where they have one distribution."""

import numpy as np

from minigen.data.checking import whole
from minigen.errors import SettingError, ShapeError
from minigen.metrics.checking import rows


def kid(
    x: np.ndarray, y: np.ndarray, *, blocks: int = 10, rng: np.random.Generator | None = None
) -> tuple[float, float]:
    """(mean, standard error) of MMD² over disjoint blocks, with the kernel k(a, b) = (aᵀb / F + 1)³.

    x (N, F), y (M, F): features of items, on the host.  Each block has its own N // blocks and M // blocks items (what
    is left over is not used), shuffled by `rng` where one is given and else in their order: give one where the order
    means something.  MMD² = mean_{i≠j} k(x_i, x_j) + mean_{i≠j} k(y_i, y_j) − 2 mean_{ij} k(x_i, y_j) has the mean 0
    for equal distributions and may be negative; read it beside real against real.  With one block the error is NaN.
    ShapeError where x and y differ in F, SettingError where a block would have fewer than two items of each.
    Bińkowski et al. 2018, "Demystifying MMD GANs", who draw overlapping subsets; MMD² is that of Gretton et al.
    2012, "A kernel two-sample test".
    """
    x, y = rows("kid", "features x", x), rows("kid", "features y", y)
    if x.shape[1] != y.shape[1]:
        raise ShapeError(f"kid: x {x.shape} and y {y.shape} must have as many features.")
    blocks = whole("kid: blocks", blocks, lowest=1)
    fewest = min(len(x), len(y))
    if fewest < 2 * blocks:
        raise SettingError(
            f"kid: blocks is {blocks}, but there are {fewest} items of one kind; a block needs two of each. "
            "Give more items, or ask for fewer blocks."
        )
    if rng is not None:
        x, y = rng.permutation(x), rng.permutation(y)
    n, m = len(x) // blocks, len(y) // blocks
    values = [mmd2(x[k * n : (k + 1) * n], y[k * m : (k + 1) * m]) for k in range(blocks)]
    error = np.std(values, ddof=1) / np.sqrt(blocks) if blocks > 1 else np.nan
    return float(np.mean(values)), float(error)


def mmd2(x: np.ndarray, y: np.ndarray) -> float:
    """The unbiased MMD² of float64 x (n ≥ 2, F) and y (m ≥ 2, F); it holds n² + m² + nm kernel values."""
    xx, yy, xy = kernel(x, x), kernel(y, y), kernel(x, y)
    n, m = xy.shape
    within = (xx.sum() - np.trace(xx)) / (n * (n - 1)) + (yy.sum() - np.trace(yy)) / (m * (m - 1))
    return float(within - 2 * xy.mean())


def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """k(a_i, b_j) = (a_iᵀ b_j / F + 1)³: a (n, F), b (m, F) → (n, m)."""
    return (a @ b.T / a.shape[1] + 1) ** 3

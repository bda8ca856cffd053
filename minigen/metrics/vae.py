"""How many of a VAE's latents it uses."""

import numpy as np

from minigen.errors import DataError, SettingError, ShapeError

ACTIVE = 0.01  # the paper's threshold


def active_units(mu: np.ndarray, threshold: float = ACTIVE) -> int:
    """How many latents u have Cov_x(E_q[u]) > threshold: those whose mean tells one x from another.

    mu: (N, Z), the mean codes of N items, on the host.  The variance over the items, divided by N, is compared (not the
    deviation); 0 for an encoder that ignores x.  ShapeError where mu is not (N, Z), SettingError where the threshold is
    below 0, DataError where a code is not finite.  Burda et al. 2016, section 5.2; its Table 1 has 19 of 50 for a VAE.
    """
    mu = np.asarray(mu)
    if mu.ndim != 2 or not mu.size:
        raise ShapeError(f"active_units: mu has shape {mu.shape}; it must be (N, Z), neither of them 0.")
    if not threshold >= 0:
        raise SettingError(f"active_units: threshold={threshold} must be at least 0; the paper's is 0.01.")
    if not np.isfinite(mu).all():
        raise DataError("active_units: there are codes that are not finite. Look for a NaN.")
    return int((mu.astype(np.float64).var(axis=0) > threshold).sum())

"""Film stills drawn from known factors: time of day, horizon, hills, skyline, sea, haze.

Because every still says how it was made, any claim about a model of them can be checked: which factors its samples
cover, which of its latents mean what.  The pictures themselves are painted in `scene_layers.py`.
"""

import numpy as np

from minigen.data.checking import whole
from minigen.data.counters import item_keys, uniforms
from minigen.errors import DataError, SettingError

from . import scene_geometry, scene_layers

RANGES = {  # factor: (lowest, highest), uniform between them
    "time": (0.0, 1.0),  # cyclic; 0 is midnight, 0.5 is noon
    "horizon": (0.35, 0.65),  # of the height, from the top: where the sky ends
    "sun_x": (0.1, 0.9),  # of the width: sun or moon, halo, glitter on the sea
    "hills": (0.0, 0.25),  # of the height: amplitude of the ridge
    "skyline": (0.0, 1.0),  # share of the building plots that are built
    "tower": (0.1, 0.35),  # of the height: mean height of the buildings
    "lit": (0.0, 1.0),  # share of the windows lit between dusk and dawn
    "sea": (0, 1),  # 0: land, 1: sea; both equally likely
    "haze": (0.0, 1.0),  # contrast lost towards the horizon
    "nuisance": (0.0, 1.0),  # seeds whatever else varies: outlines, windows, clouds, stars, ripples
}
FACTORS = np.dtype([(name, np.uint8 if name == "sea" else np.float64) for name in RANGES])


def scenes(n: int, size: int = 28, channels: int = 1, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw n film stills and the factors they were made from.

    Returns (items, factors): items uint8 (n, size, size, channels), channels 1 (grey) or 3 (colour); factors a
    structured array (n,) of dtype `FACTORS`, each field independent and uniform on its range in `RANGES`.
    Item i depends on (seed, i) alone, so the first 100 of 1,000 are the 100.  Train and test on different seeds.

    >>> items, factors = scenes(100, seed=7)
    >>> items.shape, items.dtype.name
    ((100, 28, 28, 1), 'uint8')
    >>> bool((items[:10] == scenes(10, seed=7)[0]).all())
    True
    """
    factors = draw_factors(n, seed)
    return render(factors, size, channels), factors


def draw_factors(n: int, seed: int = 0) -> np.ndarray:
    """The factors of stills 0 … n − 1 of a seed, without painting them: a structured array (n,)."""
    n = whole("scenes: n", n, lowest=0, highest=2**40)
    seed = whole("scenes: seed", seed, lowest=0, highest=2**64 - 1)
    u = uniforms(item_keys(seed, 0, n), len(RANGES))
    factors = np.empty(n, FACTORS)
    for k, (name, (lowest, highest)) in enumerate(RANGES.items()):
        factors[name] = u[:, k] >= 0.5 if name == "sea" else lowest + (highest - lowest) * u[:, k]
    return factors


def render(factors: np.ndarray, size: int = 28, channels: int = 1) -> np.ndarray:
    """Paint the stills that `factors` describe; the same factors give the same items.

    factors: structured array (N,) of dtype `FACTORS` → uint8 (N, size, size, channels).  Between platforms a pixel
    may differ by one grey level, since exp and sin may differ in their last bit.
    """
    size = whole("scenes: size", size, lowest=8, highest=1024)
    if channels not in (1, 3):
        raise SettingError(f"scenes: channels is {channels!r}; it must be 1 (grey) or 3 (colour).")
    _check(factors)
    items = np.empty((len(factors), size, size, channels), np.uint8)
    chunk = max(1, scene_layers.PIXELS_AT_ONCE // scene_layers.painted_edge(size) ** 2)
    for first in range(0, len(factors), chunk):
        items[first : first + chunk] = scene_layers.paint(factors[first : first + chunk], size, channels)
    return items


def visible(factors: np.ndarray) -> dict[str, np.ndarray]:
    """Which factors can be seen in which stills: name → bool (N,).  Metrics count a factor only where it is seen.

    `sun_x` needs the disc above the skyline and the ridge, `hills` a ridge of half a pixel at size 28, `tower` a
    building, `lit` a building between dusk and dawn.  `nuisance` is never counted; the others always are.
    """
    _check(factors)
    always = np.ones(len(factors), bool)
    built = scene_geometry.plots_built(factors) > 0
    return {
        "time": always,
        "horizon": always.copy(),
        "sun_x": scene_geometry.disc_clear(factors),
        "hills": factors["hills"] >= 0.5 / 28,
        "skyline": always.copy(),
        "tower": built,
        "lit": built & (scene_geometry.lamps(factors["time"]) > 0.5),
        "sea": always.copy(),
        "haze": always.copy(),
        "nuisance": ~always,
    }


def _check(factors: np.ndarray) -> None:
    names = getattr(getattr(factors, "dtype", None), "names", None) or ()
    missing = [name for name in RANGES if name not in names]
    if missing:
        raise DataError(f"scenes: factors lack {', '.join(missing)}. Start from draw_factors(n) and change fields.")
    if factors.ndim != 1:
        raise DataError(f"scenes: factors have shape {factors.shape}; they must be (N,), one record a still.")
    for name, (lowest, highest) in RANGES.items():
        inside = (factors[name] >= lowest) & (factors[name] <= highest)
        if not inside.all():
            i = int(np.argmin(inside))
            raise DataError(
                f"scenes: factor {name} of item {i} is {factors[name][i]:g}; it must lie in [{lowest:g}, {highest:g}]."
            )

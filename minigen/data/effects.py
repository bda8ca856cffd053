"""Special effects drawn from known factors: fire, smoke, rain, snow and explosions on black, as clips or stills.

Because every clip says how it was made, any claim about a model of them can be checked.  How each kind looks is
written in `effects_burning.py`, `effects_smoke.py` and `effects_falling.py`.
"""

import difflib
import itertools
from collections.abc import Callable

import numpy as np

from minigen.data.checking import whole
from minigen.data.counters import item_keys, uniforms
from minigen.data.effects_burning import explosion, fire
from minigen.data.effects_falling import rain, snow
from minigen.data.effects_parts import Shot
from minigen.data.effects_smoke import smoke
from minigen.errors import DataError, SettingError

_PAINTERS: dict[str, Callable[[Shot], np.ndarray]] = {
    "fire": fire,
    "smoke": smoke,
    "rain": rain,
    "snow": snow,
    "explosion": explosion,
}
EFFECTS = tuple(_PAINTERS)
EFFECT_RANGES = {  # factor: (lowest, highest), uniform between them
    "x": (0.25, 0.75),  # of the width: where the fire or the smoke begins, or the explosion; rain and snow are all over
    "amount": (0.0, 1.0),  # heat, thickness of smoke, number of drops or flakes: the more, the brighter the clip
    "size": (0.0, 1.0),  # of the flame, the puffs, the flakes, the ball; length of the drops
    "wind": (-1.0, 1.0),  # −1 carries everything to the left, 1 to the right
    "speed": (0.0, 1.0),  # how far noise, puffs, drops and flakes travel in a loop; how suddenly a ball spreads
    "turbulence": (0.0, 1.0),  # torn flames, swirling smoke, gusts, swaying flakes, a ragged ball
    "phase": (0.0, 1.0),  # cyclic: the moment of the loop at which the clip begins; of an explosion see `effects`
    "nuisance": (0.0, 1.0),  # seeds whatever else varies: the noise, where particles are, how high an explosion is
}
EFFECT_FACTORS = np.dtype([(name, np.float64) for name in EFFECT_RANGES])
EFFECT_SEEN = {  # what a clip shows of its factors; metrics count no others.  Only an explosion has a first moment
    kind: tuple(
        name
        for name in EFFECT_RANGES
        if name != "nuisance"
        and (name != "x" or kind not in ("rain", "snow"))
        and (name != "phase" or kind == "explosion")
    )
    for kind in EFFECTS
}
_PIXELS_AT_ONCE = 1 << 16  # painted together, so that they stay in the cache


def effects(
    n: int, kind: str = "fire", size: int = 32, frames: int = 16, channels: int = 1, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Draw n clips of one of `EFFECTS` and the factors they were made from.

    Returns (items, factors): items uint8 (n, frames, size, size, channels), channels 1 (grey) or 3 (colour); factors a
    structured array (n,) of dtype `EFFECT_FACTORS`, each field independent and uniform on its range in `EFFECT_RANGES`.
    Fire, smoke, rain and snow are loops: frame t shows the moment (phase + t / frames) mod 1, and after the last frame
    comes the first.  An explosion is not: frame t shows the age (t + phase) / frames, from a flash to a veil of smoke.
    Item i depends on (seed, i) alone, so the first 100 of 1,000 are the 100.  Train and test on different seeds.

    >>> items, factors = effects(3, "smoke", seed=7)
    >>> items.shape, items.dtype.name
    ((3, 16, 32, 32, 1), 'uint8')
    """
    factors = draw_effect_factors(n, seed)
    return render_effects(factors, kind, size, frames, channels), factors


def effect_stills(
    n: int, kind: str = "fire", size: int = 32, channels: int = 1, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Draw n single frames of an effect, each a clip of one frame, at the moment or age that is its factor `phase`.

    Returns (items, factors): items uint8 (n, size, size, channels), factors as `effects` has them.

    >>> effect_stills(100, "fire", size=16)[0].shape
    (100, 16, 16, 1)
    """
    items, factors = effects(n, kind, size, 1, channels, seed)
    return items[:, 0], factors


def draw_effect_factors(n: int, seed: int = 0) -> np.ndarray:
    """The factors of clips 0 … n − 1 of a seed, of whatever kind, without painting them: a structured array (n,)."""
    n = whole("effects: n", n, lowest=0, highest=2**40)
    seed = whole("effects: seed", seed, lowest=0, highest=2**64 - 1)
    u = uniforms(item_keys(seed, 0, n), len(EFFECT_RANGES))
    factors = np.empty(n, EFFECT_FACTORS)
    for k, (name, (lowest, highest)) in enumerate(EFFECT_RANGES.items()):
        factors[name] = lowest + (highest - lowest) * u[:, k]
    return factors


def render_effects(
    factors: np.ndarray, kind: str = "fire", size: int = 32, frames: int = 16, channels: int = 1
) -> np.ndarray:
    """Paint the clips that `factors` describe; the same factors give the same clips.

    factors: structured array (N,) of dtype `EFFECT_FACTORS` → uint8 (N, frames, size, size, channels).  Between
    platforms a pixel may differ by one grey level, since exp and sin may differ in their last bit.
    """
    if kind not in EFFECTS:
        close = difflib.get_close_matches(str(kind).lower(), EFFECTS, n=1)
        hint = f"; did you mean {close[0]}?" if close else "."
        raise SettingError(f"effects: unknown kind {kind!r}{hint} It is one of {', '.join(EFFECTS)}.")
    size = whole("effects: size", size, lowest=8, highest=128)
    frames = whole("effects: frames", frames, lowest=1, highest=1024)
    if channels not in (1, 3):
        raise SettingError(f"effects: channels is {channels!r}; it must be 1 (grey) or 3 (colour).")
    _check(factors)
    steps, phase = np.arange(frames), factors["phase"][:, None]
    # The remainder comes before the functions, so that frame T is frame 0 to the last bit.
    moments = (steps + phase % 1.0) / frames if kind == "explosion" else (steps / frames + phase) % 1.0

    items = np.empty((len(factors), frames, size, size, channels), np.uint8)
    few = min(frames, max(1, _PIXELS_AT_ONCE // size**2))
    chunk = max(1, _PIXELS_AT_ONCE // (few * size**2))
    for first, start in itertools.product(range(0, len(factors), chunk), range(0, frames, few)):
        part = slice(first, first + chunk), slice(start, start + few)
        light = _PAINTERS[kind](Shot(factors[part[0]], moments[part], size, channels))
        items[part] = (light * 255 + 0.5).astype(np.uint8)
    return items


def _check(factors: np.ndarray) -> None:
    names = getattr(getattr(factors, "dtype", None), "names", None) or ()
    missing = [name for name in EFFECT_RANGES if name not in names]
    if missing:
        raise DataError(
            f"effects: factors lack {', '.join(missing)}. Start from draw_effect_factors(n) and change fields."
        )
    if factors.ndim != 1:
        raise DataError(f"effects: factors have shape {factors.shape}; they must be (N,), one record a clip.")
    for name, (lowest, highest) in EFFECT_RANGES.items():
        inside = (factors[name] >= lowest) & (factors[name] <= highest)
        if not inside.all():
            i = int(np.argmin(inside))
            raise DataError(
                f"effects: factor {name} of item {i} is {factors[name][i]:g}; it must lie in [{lowest:g}, {highest:g}]."
            )

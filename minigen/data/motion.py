"""Clips of a moving figure made from known factors: what it does, how fast, how far, how springily, how bent.

Because every clip says how it was made, and when each foot stands still, any claim about a model of them can be
checked.  What the body does is written in `motion_cycles.py`.
"""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from minigen.data.checking import whole
from minigen.data.counters import item_keys, uniforms
from minigen.data.motion_body import MOMENTS, pose, stature
from minigen.data.motion_cycles import CYCLES, SECONDS
from minigen.data.motion_feet import is_planted
from minigen.data.motion_figure import FIGURE
from minigen.data.motion_parts import Asked
from minigen.errors import DataError, SettingError
from minigen.motion.skeleton import Clip

ACTIONS = tuple(CYCLES)  # idle, walk, run, jump, wave
MOTION_RANGES = {  # factor: (lowest, highest), uniform between them; all but the nuisance are seen in every action
    "action": (0, len(ACTIONS) - 1),  # place in ACTIONS, all equally likely
    "speed": (0.7, 1.3),  # × the action's usual tempo, cycles a second: how soon everything comes round again
    "stride": (0.7, 1.3),  # × the usual length of a step (walk, run) or hop (jump), or × how far the feet stand apart
    "arm_swing": (0.0, 1.0),  # 0 arms almost still, 1 swung or waved as far as they go
    "bounce": (0.0, 1.0),  # up and down of the hips, 0 least; height of a jump; depth of a breath of those who stand
    "lean": (-0.1, 0.35),  # rad, how far the chest is bent forward, besides what the action itself asks for
    "phase": (0.0, 1.0),  # cyclic: the share of the cycle at which the clip begins; a left step lands at 0
    "nuisance": (0.0, 1.0),  # seeds whatever else varies: toes turned out, unequal arms, sway of the head
}
MOTION_FACTORS = np.dtype([(name, np.uint8 if name == "action" else np.float64) for name in MOTION_RANGES])
_AT_ONCE = 64  # clips: their matrices stay in the processor's cache


def motion(n: int, frames: int = 64, fps: int | Fraction = 30, seed: int = 0) -> tuple[list[Clip], np.ndarray]:
    """Make n clips of a moving figure and draw the factors they are made from.

    Returns (clips, factors): clips of so many frames of a figure of 21 joints, in metres, y up, facing +z, z = 0 in
    its first frame; factors a structured array (n,) of dtype `MOTION_FACTORS`, each field independent and
    uniform on its range in `MOTION_RANGES`.  Item i depends on (seed, i) alone, so the first 100 of 1,000 are the 100.
    Train and test on different seeds.

    >>> clips, factors = motion(3, seed=7)
    >>> clips[0].rotations.shape, clips[0].name, clips[0].labels
    ((64, 21, 3, 3), 'jump-0000', {'action': 'jump'})
    """
    factors = draw_motion_factors(n, seed)
    return animate(factors, frames, fps), factors


def draw_motion_factors(n: int, seed: int = 0) -> np.ndarray:
    """The factors of clips 0 … n − 1 of a seed, without making them: a structured array (n,)."""
    n = whole("motion: n", n, lowest=0, highest=2**40)
    seed = whole("motion: seed", seed, lowest=0, highest=2**64 - 1)
    u = uniforms(item_keys(seed, 0, n), len(MOTION_RANGES))
    factors = np.empty(n, MOTION_FACTORS)
    for k, (name, (lowest, highest)) in enumerate(MOTION_RANGES.items()):
        if name == "action":
            factors[name] = len(ACTIONS) * u[:, k]  # cut down to a whole number
        else:
            factors[name] = lowest + (highest - lowest) * u[:, k]
    return factors


def animate(factors: np.ndarray, frames: int = 64, fps: int | Fraction = 30) -> list[Clip]:
    """Move the figure as `factors` describe; the same factors give the same clips.

    factors: structured array (N,) of dtype `MOTION_FACTORS` → N clips of `frames` frames, the k-th called walk-000k if
    it walks, with labels {"action": "walk"}.  While `contacts` says that a foot is planted its ankle and toes stay
    where they are: a leg reaches for its foot (two-bone inverse kinematics), the foot does not follow the leg.
    """
    cycles, rate = _cycles(factors, frames, fps)
    clips: list[Clip] = [None] * len(factors)  # type: ignore[list-item]
    for action, items in _groups(factors):
        asked = Asked.of(factors[items])
        whole_cycle = np.broadcast_to(np.arange(MOMENTS) / MOMENTS, (len(items), MOMENTS))
        height = stature(CYCLES[action](asked, whole_cycle), whole_cycle)
        body = CYCLES[action](asked, cycles[items])
        rotations, hips = pose(body, height, cycles[items])
        hips[..., 2] -= hips[:, :1, 2]
        for i, R, p in zip(items, rotations, hips, strict=True):
            places = np.tile(FIGURE.offsets, (len(p), 1, 1))
            places[:, 0] = p
            clips[i] = Clip(FIGURE, R, places, rate, f"{action}-{i:04d}", {"action": action})
    return clips


def contacts(factors: np.ndarray, frames: int = 64, fps: int | Fraction = 30) -> np.ndarray:
    """Which foot is planted in which frame of the clips of `factors`: bool (N, T, 2), left and right.

    Planted means flat on the ground and still.  A foot that rolls over its ball or its heel is not planted any more, or
    not yet.
    """
    cycles, _ = _cycles(factors, frames, fps)
    planted = np.zeros(cycles.shape + (2,), bool)
    for action, items in _groups(factors):
        steps = CYCLES[action](Asked.of(factors[items]), cycles[items]).steps
        for side in (0, 1):
            planted[items, :, side] = is_planted(steps, side, cycles[items])
    return planted


def cycle_seconds(factors: np.ndarray) -> np.ndarray:
    """After how many seconds each clip's pose comes round again: float64 (N,).  Such a piece of it is a loop."""
    _check(factors)
    return np.array([SECONDS[action] for action in ACTIONS])[factors["action"].astype(np.intp)] / factors["speed"]


def _cycles(factors: np.ndarray, frames: int, fps: int | Fraction) -> tuple[np.ndarray, Fraction]:
    """The time of every frame, in cycles from the beginning of the item's first one, (N, T), and the frame rate."""
    frames = whole("motion: frames", frames, lowest=2, highest=2**24)
    try:
        rate = Fraction(fps)
    except (TypeError, ValueError, ArithmeticError):
        raise SettingError(f"motion: fps is {fps!r}; it must be a number of frames a second.") from None
    if not 1 <= rate <= 1000:
        raise SettingError(f"motion: fps is {fps}; it must be between 1 and 1000.")
    cycle = cycle_seconds(factors)
    return factors["phase"][:, None] + np.arange(frames) / (float(rate) * cycle[:, None]), rate


def _groups(factors: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """(action, places in factors), a few clips of one action at a time."""
    for k, action in enumerate(ACTIONS):
        items = np.flatnonzero(factors["action"] == k)
        for first in range(0, len(items), _AT_ONCE):
            yield action, items[first : first + _AT_ONCE]


def _check(factors: np.ndarray) -> None:
    names = getattr(getattr(factors, "dtype", None), "names", None) or ()
    missing = [name for name in MOTION_RANGES if name not in names]
    if missing:
        raise DataError(
            f"motion: factors lack {', '.join(missing)}. Start from draw_motion_factors(n) and change fields."
        )
    if factors.ndim != 1:
        raise DataError(f"motion: factors have shape {factors.shape}; they must be (N,), one record a clip.")
    for name, (lowest, highest) in MOTION_RANGES.items():
        inside = (factors[name] >= lowest) & (factors[name] <= highest)
        if not inside.all():
            i = int(np.argmin(inside))
            raise DataError(
                f"motion: factor {name} of item {i} is {factors[name][i]:g}; it must lie in [{lowest:g}, {highest:g}]."
            )
    fraction = factors["action"] != np.floor(factors["action"])
    if fraction.any():
        i = int(np.argmax(fraction))
        raise DataError(f"motion: factor action of item {i} is {factors['action'][i]:g}; it must be a whole number.")

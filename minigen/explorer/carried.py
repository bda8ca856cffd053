"""What a page carries: the network, latents by seed, directions, a skeleton, and an item to check itself by."""

import base64
from dataclasses import asdict
from typing import Any

import numpy as np

from minigen import backend
from minigen.errors import SettingError
from minigen.explorer.axes import axes_of
from minigen.explorer.body import body_of
from minigen.explorer.network import program_of
from minigen.explorer.program import Program
from minigen.sample_plan import CLIP_FPS

SEEDS = 64  # of which the page carries NumPy's own latents, 0 to 63
SHOWN, MOST = 8, 24  # sliders in view, and in all
AGREE = 1e-3  # by how much the page's network may differ from the run's, both in float32
EVERY = 7  # of a clip each seventh number is kept to check it by, so of every frame and every channel


def fit_to_show(recipe: Any, weights: str) -> Program:
    """The run's network as the page will carry it; SettingError where the page could not show what it draws."""
    program = program_of(recipe)
    rows = rows_of(recipe, np.arange(2))
    apart = float(np.abs(program(rows) - drawn(recipe, rows)).max())
    if not apart <= AGREE:
        raise SettingError(
            f"the explorer: its network and the run's differ by {apart:.2g} in what they draw; this kind of run is not "
            "supported."
        )
    return program.rounded(weights)


def carried(recipe: Any, program: Program, seed: int, weights: str) -> dict[str, Any]:
    """All that the page's scripts need, as plain JSON values."""
    seeds = [*range(SEEDS), *([seed] if seed >= SEEDS else [])]
    rows = rows_of(recipe, np.array(seeds))
    items, meant = program(rows), drawn(recipe, rows)
    Z, condition = recipe.config.latent, recipe.condition
    told = rows[seeds.index(seed), Z:]
    axes = axes_of(recipe, lambda z: program(_beside(z, told)).reshape(len(z), -1), MOST)
    moves = getattr(recipe.config, "moves", False)
    clips = getattr(recipe.config, "frames", 1) > 1
    item, every = items[seeds.index(seed)], EVERY if clips else 1
    found: dict[str, Any] = {
        "kind": "motion" if moves else "clip" if clips else "image",
        "seed": seed,
        "seeds": seeds,
        "latent": Z,
        "prior": getattr(recipe.config, "prior", "normal"),
        "latents": text_of(rows[:, :Z]),
        "axes": text_of(axes.rows),
        "names": [f"{name} ({share:.1%})" for name, share in zip(axes.names, axes.shares, strict=True)],
        "share": float(axes.shares.sum()),
        "shown": SHOWN,
        "spans": text_of(_spans(Z)),
        "classes": list(condition.classes),
        "factors": [asdict(factor) for factor in condition.factors],
        "network": {"dtype": weights, "count": program.numbers.size, "steps": program.steps},
        "weights": text_of(program.numbers, weights),
        "moved": float(np.abs(items - meant).max()),
        "reference": {
            "row": text_of(rows[seeds.index(seed)]),
            "item": text_of(item.ravel()[::every]),
            "every": every,
        },
    }
    if moves or clips:
        found |= {"frames": program.shape[0], "fps": float(recipe.fps or CLIP_FPS), "loops": clips and recipe.loops}
    if moves:
        found["body"] = body_of(recipe, recipe.scaling.from_units(meant))
    else:
        found["image"] = dict(zip(("height", "width", "channels"), program.shape[-3:], strict=True))
    return found


def text_of(numbers: np.ndarray, dtype: str = "float32") -> str:
    """Numbers as base64 text, little-endian."""
    kind = {"float16": "<f2", "float32": "<f4"}[dtype]
    return base64.b64encode(np.ascontiguousarray(numbers, kind).tobytes()).decode()


def rows_of(recipe: Any, seeds: np.ndarray) -> np.ndarray:
    """What the network takes for each seed, (N, inputs): its latent as `minigen.sample` draws it, and what it is told.

    A class is the seed modulo their number, as there; factors stand at the middle of their ranges.
    """
    z = np.concatenate([recipe.latents(1, backend.generator(int(seed))) for seed in seeds])
    condition = recipe.condition
    if condition.classes:
        return np.concatenate([z, condition.rows(seeds % len(condition.classes), len(seeds))], axis=1)
    return _beside(z, condition.row({})) if condition.factors else z


def drawn(recipe: Any, rows: np.ndarray) -> np.ndarray:
    """What the run itself draws of such rows: pictures (N, H, W, C); of motion scaled features (N, T, moving)."""
    Z = recipe.config.latent
    x = recipe.generate(rows[:, :Z], rows[:, Z:]) if recipe.condition.numbers else recipe.generate(rows)
    return recipe.scaling.to_units(x) if getattr(recipe.config, "moves", False) else x


def _beside(z: np.ndarray, told: np.ndarray) -> np.ndarray:
    """z (N, Z) with the same numbers beside each row."""
    return np.concatenate([z, np.broadcast_to(told, (len(z), len(told)))], axis=1)


def _spans(Z: int) -> np.ndarray:
    """The draws from which `minigen.walks.circle` makes its directions, (0 to 2, Z): none where there is no circle."""
    rng = backend.generator(0)
    return np.stack([rng.standard_normal(Z) for _ in range(2)]) if Z > 1 else np.zeros((0, Z))

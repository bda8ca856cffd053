"""The latent explorer: a trained run as one HTML page that draws by itself, without server, library or network."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from minigen.errors import SettingError
from minigen.explorer.carried import carried, fit_to_show
from minigen.explorer.page import page_of
from minigen.files import write_atomically

__all__ = ["write_explorer"]

LARGEST = 8_000_000  # bytes of a page that is written without being told to


def write_explorer(
    recipe: Any,
    path: Path,
    *,
    seed: int = 0,
    force: bool = False,
    notes: Mapping[str, str] | None = None,
    weights: Literal["float16", "float32"] = "float16",
) -> Path:
    """Write the page in which a run's latents can be explored; returns its path.

    recipe: what `minigen.train.runs.load` gives, of a GAN of images or clips or a VAE of images or motion.  seed: with
    which the page opens.  notes: what it says of its origin, such as run and licence, beside what the recipe knows.
    weights: how exactly the network is kept, two bytes a weight or four.  force: overwrite a file, and write more than
    8 MB.
    SettingError where the file exists, would be larger, or the run's network has a layer that the page does not know.
    """
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise SettingError(f"{path}: the explorer is a web page; end its name in .html.")
    if os.path.exists(path) and not force:
        raise SettingError(f"{path} exists already; choose another name, or overwrite it with --force.")
    if not 0 <= seed < 2**32 - 1:
        raise SettingError(f"{path}: seed {seed} must lie between 0 and 4,294,967,294 to open the explorer with.")
    program = fit_to_show(recipe, weights)
    expected = program.numbers.size * (8 if weights == "float16" else 16) // 3
    if expected > LARGEST and not force:
        raise _too_large(path, expected, program.numbers.size)
    raw = page_of(recipe, carried(recipe, program, seed, weights), notes or {}).encode()
    if len(raw) > LARGEST and not force:
        raise _too_large(path, len(raw), program.numbers.size)
    write_atomically(path, raw)
    return path


def _too_large(path: Path, size: int, count: int) -> SettingError:
    return SettingError(
        f"{path}: the page would be {size / 1e6:.1f} MB, more than {LARGEST / 1e6:.0f}, for its network has {count:,} "
        "weights; train one with a smaller --width, or write it all the same with --force."
    )

"""What a gallery shows of one run: settings, figures, pictures, and a sentence for each thing it cannot read."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minigen.errors import DataError
from minigen.train import pictures, runs

MEGABYTE = 1_000_000
ANIMATIONS = ("samples.gif", "training.gif")


@dataclass(frozen=True)
class Picture:
    """A picture as it goes into a page: the file's bytes and ending, what it shows in words, what is said under it."""

    raw: bytes
    kind: str
    alt: str
    caption: str
    style: str = ""


@dataclass(frozen=True)
class Shown:
    """A run as a page shows it.

    config: {} where it cannot be read.  seconds, rate: training time, and the median of the items a second, None where
    unknown.  evaluation: what `python -m minigen.evaluate` left, or None.  said: a sentence for each thing that is not
    there yet, or is damaged.
    """

    name: str
    config: dict[str, Any]
    steps: int
    seconds: float | None
    rate: float | None
    pictures: list[Picture]
    evaluation: dict[str, Any] | None
    said: list[str]


def read(run: Path, name: str, animations: float) -> Shown:
    """Everything there is to show of the run in that folder; raises nothing for what is damaged in it.

    animations: megabytes up to which an animation is taken whole; of a larger one, three frames.
    """
    said: list[str] = []
    config = _config(run, said)
    metrics = _metrics(run, said)
    last = metrics[-1] if metrics else {}
    rates = sorted(value for row in metrics if (value := _number(row.get("images_per_second"))) is not None)
    found = []
    for picture in _pictures(run, last.get("step", 0), animations):
        if isinstance(picture, Picture):
            found.append(picture)
        else:
            said.append(picture)
    return Shown(
        name,
        config,
        last.get("step", 0),
        _number(last.get("seconds")),
        rates[len(rates) // 2] if rates else None,
        found,
        _evaluation(run, said),
        said,
    )


# Settings and figures -----------------------------------------------------------------------------------------------


def _config(run: Path, said: list[str]) -> dict[str, Any]:
    try:
        config = runs.read_config(run)
    except (DataError, OSError):
        config = None
    if not isinstance(config, dict):
        said.append("config.json is damaged, so its settings are missing here.")
        return {}
    return config


def _metrics(run: Path, said: list[str]) -> list[dict[str, Any]]:
    try:
        metrics = runs.read_metrics(run)
    except (DataError, OSError) as error:
        said.append(f"metrics.jsonl is damaged, so steps and times are missing here: {_after_path(error, run)}")
        return []
    if not metrics:
        said.append("No step of its training is recorded yet.")
    return metrics


def _evaluation(run: Path, said: list[str]) -> dict[str, Any] | None:
    path = run / "evaluation.json"
    if not path.is_file():
        return None
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        good = all(isinstance(table["title"], str) and all(map(_is_row, table["rows"])) for table in facts["tables"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        good = False
    if not good:
        said.append("evaluation.json is damaged; measure the run again with python -m minigen.evaluate.")
        return None
    return facts


def _is_row(row: Any) -> bool:
    """Does a row of a table have a name, a unit, and numbers where there are values?"""
    numbers = [value for value in (*row["values"].values(), row.get("error")) if value is not None]
    return all(isinstance(row[key], str) for key in ("name", "unit")) and all(map(_is_number, numbers))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _number(value: Any) -> float | None:
    """A number that is one; None for whatever else a file may hold."""
    return float(value) if _is_number(value) and math.isfinite(value) else None


def _after_path(error: Exception, run: Path) -> str:
    """An error without the file's path at its beginning, which a page that travels need not tell."""
    return str(error).removeprefix(f"{run / 'metrics.jsonl'}: ")


# Pictures -----------------------------------------------------------------------------------------------------------


def _pictures(run: Path, step: int, animations: float) -> Iterator[Picture | str]:
    """The newest samples, the training, the curves; a sentence in place of each that is damaged, or not there."""
    newest = max((run / "samples").glob("step_*.png"), default=None)
    if (run / "samples.gif").is_file():
        yield _animation(
            run / "samples.gif", "Samples in motion, side by side.", f"Samples, step {step:,}.", animations
        )
    elif newest:
        at = int(number) if (number := newest.stem.removeprefix("step_")).isdigit() else step
        yield _still(newest, f"A grid of samples drawn after step {at:,}.", f"Samples, step {at:,}.")
    else:
        yield "It has no samples yet."
    if (run / "training.gif").is_file():
        alt = "The samples from the first step of the training to the last."
        yield _animation(run / "training.gif", alt, "The training: the same noise, drawn again and again.", animations)
    if (run / "curves.png").is_file():
        yield _still(run / "curves.png", "Curves of the losses against the step.", "", "drawn")


def _still(path: Path, alt: str, caption: str, style: str = "") -> Picture | str:
    try:
        reading = pictures.read_text(path).get("reading", "")
        return Picture(path.read_bytes(), "png", alt, caption or reading, style)
    except (DataError, OSError):
        return _damaged(path)


def _animation(path: Path, alt: str, caption: str, animations: float) -> Picture | str:
    """A GIF as it is, or three of its frames where it has more than `animations` megabytes."""
    try:
        pictures.read_text(path)
        raw = path.read_bytes()
        if len(raw) <= animations * MEGABYTE:
            return Picture(raw, "gif", alt, caption)
        size = f"{path.name} in the run's folder moves, and has {len(raw) / MEGABYTE:.1f} MB."
        told = f"{caption} Its first, middle and last frame; {size}"
        return Picture(strip(path), "png", f"{alt} Three frames of it, from left to right.", told)
    except (DataError, OSError):
        return _damaged(path)


def strip(path: Path) -> bytes:
    """The first, the middle and the last frame of an animated GIF side by side, as the bytes of a PNG file.

    DataError if they cannot be read.
    """
    from PIL import Image

    frames = []
    try:
        with Image.open(path) as film:
            count = getattr(film, "n_frames", 1)
            for k in (0, (count - 1) // 2, count - 1):
                film.seek(k)
                frames.append(np.asarray(film.convert("RGB")))
        three = np.stack(frames)
    except Exception as error:  # a frame that is cut short can make Pillow fail in any way
        raise DataError(f"{path}: a damaged animation ({error}).") from error
    return pictures.png(pictures.grid(three, columns=3, gap=8, scale=1))


def _damaged(path: Path) -> str:
    return f"{path.name} is damaged, so it is left out."

"""What the experiments share: seeds as one writes them, runs that go on, and results kept as lines of JSON."""

import json
import platform
import statistics
from pathlib import Path
from typing import Any

import numpy as np

import minigen
from minigen.train import command, runs


def seeds_of(text: str) -> list[int]:
    """ "0-4" or "7"."""
    first, _, last = text.partition("-")
    return list(range(int(first), int(last or first) + 1))


def lines_of(path: Path) -> list[dict[str, Any]]:
    """The results so far; none where there is no file yet."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []


def append(path: Path, row: dict[str, Any]) -> None:
    """Add a line to a file of results."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row, ensure_ascii=False) + "\n")


def train(recipe: str, flags: list[str], name: str, work: Path) -> Path:
    """One run of the recipe by that name in `work`, trained to its end, from its checkpoint where there is one."""
    found = sorted(work.glob(f"[0-9][0-9][0-9][0-9]-{name}"))
    if found:
        done = int(runs.newest_checkpoint(found[-1]).stem.removeprefix("step_"))
        if done >= runs.read_config(found[-1])["steps"]:
            return found[-1]
        flags = ["--resume", str(found[-1])]
    else:
        flags = [*flags, "--out", str(work), "--name", name, "--pictures", "4"]
    if command.main([recipe, *flags]):
        raise SystemExit(f"{name}: training stopped; the same command goes on from here")
    return sorted(work.glob(f"[0-9][0-9][0-9][0-9]-{name}"))[-1]


def row_of(
    kind: str, seed: int, run: Path, *, kept: tuple[str, ...], rate: str = "images_per_second"
) -> dict[str, Any]:
    """What a trained and measured run says, as a line of the results: of its settings those in `kept`."""
    config, metrics = runs.read_config(run), runs.read_metrics(run)
    return {
        "kind": kind,
        "seed": seed,
        "label": "own",
        "steps": metrics[-1]["step"],
        "seconds": metrics[-1]["seconds"],
        rate: round(statistics.median(m["images_per_second"] for m in metrics), 1),
        "config": {name: config[name] for name in kept},
        "evaluation": json.loads((run / "evaluation.json").read_text(encoding="utf-8")),
        "versions": f"minigen {minigen.__version__}, NumPy {np.__version__}, Python {platform.python_version()}",
    }

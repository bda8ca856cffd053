"""A run's folder: numbered, never overwritten, and how one is opened again.

runs/0001-gan-scenes/
    config.json  metrics.jsonl  reals.png  samples/step_000000.png …  checkpoints/step_00000500.safetensors …
    training.gif  curves.png  neighbours.png  report.html
"""

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from minigen.errors import DataError, SettingError
from minigen.files import write_atomically
from minigen.train import checkpoint as checkpoints
from minigen.train.recipes import RECIPES

LATER = {"drift", "per_place", "draws"}  # settings that older runs lack: their defaults are what those runs did


def create(out: Path, name: str) -> Path:
    """Make the next numbered folder in `out`, such as 0003-name.  Two programs at once get two folders."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        taken = [int(p.name[:4]) for p in out.iterdir() if p.name[:4].isdigit() and p.name[4:5] == "-"]
        number = max(taken, default=0) + 1
        while True:
            run = out / f"{number:04d}-{name}"
            try:
                run.mkdir()
                (run / "samples").mkdir()
                (run / "checkpoints").mkdir()
                return run
            except FileExistsError:
                number += 1
    except OSError as error:
        raise DataError(f"--out {out}: no run folder can be made there ({error.strerror or error}).") from error


def check_name(name: str) -> None:
    """SettingError where a name would lead out of the folder, or is longer than file systems take."""
    if "/" in name or "\\" in name or not name.isprintable():
        raise SettingError(f"--name {name!r} must be a plain name, without slashes or control characters.")
    if len(name.encode(errors="replace")) > 200:
        raise SettingError(f"--name {name[:20]}… is too long; 200 bytes are the most.")


def write_config(run: Path, recipe: str, config: Any, **facts: Any) -> None:
    """Store every setting and the facts beside it as config.json."""
    text = json.dumps({"recipe": recipe, **asdict(config), **facts}, indent=2, ensure_ascii=False)
    write_atomically(run / "config.json", (text + "\n").encode(errors="backslashreplace"))


def read_config(run: Path) -> dict[str, Any]:
    """config.json of a run; DataError where the folder is no run."""
    path = run / "config.json"
    if not os.path.isdir(run):  # Path.is_dir raises where a name is too long
        raise DataError(f"{run}: there is no such run. Runs are folders such as runs/0001-gan-scenes.")
    if not path.is_file():
        raise DataError(f"{run}: not a run of minigen; it has no config.json.")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path}: damaged ({error}). Name one of the run's checkpoints instead.") from error


def config_of(facts: dict[str, Any], where: Path) -> Any:
    """The recipe's Config among what config.json or a checkpoint holds; DataError where another version wrote it."""
    if facts.get("recipe") not in RECIPES:
        raise DataError(f"{where}: its recipe {facts.get('recipe')!r} is none of {', '.join(RECIPES)}.")
    kind = RECIPES[facts["recipe"]].config
    known = {field.name for field in fields(kind)}
    missing = known - facts.keys() - LATER
    if missing:
        raise DataError(f"{where}: it lacks the settings {', '.join(sorted(missing))}; another version wrote it.")
    return kind(**{name: value for name, value in facts.items() if name in known})


def newest_checkpoint(run: Path) -> Path:
    """The checkpoint with the most steps; DataError where there is none."""
    found = sorted(path for path in (run / "checkpoints").glob("step_*.safetensors") if path.is_file())
    if not found:
        raise DataError(f"{run}: it has no checkpoint yet, so there is nothing to go on from. Start a new run.")
    return found[-1]


def locate(where: Path) -> tuple[Path, Path]:
    """(run, checkpoint) of a run folder, whose newest checkpoint counts, or of one checkpoint file in it."""
    if where.suffix == ".safetensors":
        if not os.path.isfile(where):
            raise DataError(f"{where}: there is no such checkpoint.")
        return where.parent.parent, where
    read_config(where)
    return where, newest_checkpoint(where)


def restore(recipe: Any, saved: checkpoints.Checkpoint, where: Path) -> None:
    """Put a checkpoint's state into a recipe made from the same settings."""
    try:
        recipe.load_state(saved.arrays, saved.facts["random"])
    except (SettingError, ValueError, KeyError) as error:
        raise DataError(f"{where}: its contents do not fit the run's settings: {error}") from error
    recipe.step_count = saved.step


def load(where: Path, *, averaged: bool = True) -> Any:
    """A trained recipe, ready to `generate`: from a run folder (its newest checkpoint) or from a checkpoint file.

    `averaged` chooses the averaged weights, where the run has them.  DataError where the run is missing or damaged.
    """
    run, path = locate(where)
    saved = checkpoints.load(path)
    config = config_of(saved.facts["config"], path)
    recipe = RECIPES[saved.facts["config"]["recipe"]].make(config, saved.facts.get("about", {}))
    restore(recipe, saved, path)
    recipe.draw_averaged = averaged
    return recipe


@contextlib.contextmanager
def held(run: Path) -> Iterator[None]:
    """Inside, no other program goes on with this run; DataError where one does already.

    The lock is the system's own and ends with the process, however that ends.  Windows has no such lock: there two
    programs are not kept apart.
    """
    if not find_spec("fcntl"):
        yield
        return
    import fcntl

    with (run / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DataError(f"{run}: another program is training this run just now. Wait, or stop it.") from error
        yield


# Metrics ------------------------------------------------------------------------------------------------------------


def append_metrics(run: Path, row: dict[str, Any]) -> None:
    """Add one line to metrics.jsonl."""
    path = run / "metrics.jsonl"
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
    except OSError as error:
        raise DataError(
            f"{path}: could not be written ({error.strerror or error}). Make room, then --resume."
        ) from error


def read_metrics(run: Path) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl; a last line cut short by a crash is left out."""
    path = run / "metrics.jsonl"
    if not path.is_file():
        return []
    lines = path.read_bytes().splitlines()
    rows = []
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            if not isinstance(row, dict) or not isinstance(row.get("step"), int):
                raise ValueError("it is no object with a step")
            rows.append(row)
        except ValueError as error:
            if number < len(lines):
                raise DataError(f"{path}: line {number} is damaged ({error}). Remove that line.") from error
    return rows


def carry_metrics(source: Path, run: Path, step: int) -> None:
    """Begin metrics.jsonl of `run` with what `source` recorded up to `step`; what came after is computed anew."""
    kept = [row for row in read_metrics(source) if row["step"] <= step]
    text = "".join(json.dumps(row) + "\n" for row in kept)
    write_atomically(run / "metrics.jsonl", text.encode())

"""What the experiments share: seeds as one writes them, and results kept as lines of JSON."""

import json
from pathlib import Path
from typing import Any


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

"""Parts of a report that every recipe has: the training, the neighbours of samples, and what was measured."""

import json
import shlex
from html import escape
from pathlib import Path

from minigen.train import pictures
from minigen.train.html import code, figure, grid, paragraph
from minigen.train.table import shown

PAIRS = {  # what the picture shows, and how to read it
    "image": (
        "Pairs of images: a sample, and the training image most like it.",
        "Left of each pair a sample, right the training image nearest to it, pixel by pixel.",
    ),
    "clip": (
        "Pairs of rows of frames: a sample, and the training clip most like it.",
        "Above in each pair a sample, below the training clip nearest to it, pixel by pixel over all its frames.",
    ),
}
WHY = (
    "A network that has learnt draws {}s of the same kind that differ from all it has seen; one that repeats draws its "
    "neighbours."
)
GRIDS = "An animation of the sample grid from the first step to the last."


def training(run: Path, curves_alt: str, film_alt: str = GRIDS) -> str:
    """How it went: the animation of the samples, and the curves."""
    reading = ""
    if (run / "curves.png").is_file():
        reading = pictures.read_text(run / "curves.png").get("reading", "")
    film = figure(
        run / "training.gif",
        film_alt,
        "The same noise, drawn again and again while the network learnt.",
    )
    curves = figure(
        run / "curves.png",
        curves_alt,
        f"Pale: every step; strong: smoothed. {reading}",
        "drawn",
    )
    return f"<h2>The training</h2>\n{film}\n{curves}"


def neighbours(run: Path, item: str = "image") -> str:
    """Each sample beside the training image, or clip, nearest to it."""
    path = run / "neighbours.png"
    parts = ["<h2>Has it learnt, or does it repeat?</h2>"]
    parts.append(figure(path, PAIRS[item][0], f"{PAIRS[item][1]} {WHY.format(item)}", "wide"))
    rows = json.loads(pictures.read_text(path).get("rows", "[]")) if path.is_file() else []
    if rows:
        distances = sorted(row["distance"] for row in rows)
        marked = sum(row["marked"] for row in rows)
        ranked = rows[0]["percentile"] is not None
        meaning = (
            f"nearer to a training {item} than 99 in 100 {item}s that were kept out of training"
            if ranked
            else "an exact copy"
        )
        parts.append(
            paragraph(
                f"Distance to the nearest training {item}, root mean square, black 0 and white 1: median "
                f"{distances[len(distances) // 2]:.3f}, smallest {distances[0]:.3f}. Framed, because {meaning}: "
                f"{marked} of {len(rows)}."
            )
        )
    return "\n".join(parts)


def evaluation(run: Path) -> list[str]:
    """What `python -m minigen.evaluate` measured last, or how to have it measured."""
    path = run / "evaluation.json"
    head = "<h2>In numbers, beside what needs no network</h2>"
    if not path.is_file():
        return [head, paragraph("Not measured yet:"), code(f"python -m minigen.evaluate {shlex.quote(str(run))}")]
    facts = json.loads(path.read_text(encoding="utf-8"))
    draws = f", k = {facts['k']}" if "k" in facts else ""
    parts = [head, paragraph(f"Measured after step {facts['step']:,}{draws}, seed {facts['seed']}.")]
    for found in facts["tables"]:
        names = list(dict.fromkeys(name for row in found["rows"] for name in row["values"]))
        rows = []
        for row in found["rows"]:
            values = row["values"]
            cells = [shown(values[name]) if values.get(name) is not None else "" for name in names]
            if row["error"] is not None:
                cells[0] += f" ± {shown(row['error'])}"
            rows.append([row["name"], *cells, row["unit"]])
        parts += [f"<h3>{escape(found['title'])}</h3>", grid(["", *names, "unit"], rows)]
        parts += [paragraph(verdict) for verdict in found["verdicts"]]
        remarks = [f"{row['name'][0].upper()}{row['name'][1:]}: {row['note']}." for row in found["rows"] if row["note"]]
        parts += [paragraph(" ".join([*remarks, *found["notes"]]))]
    return parts

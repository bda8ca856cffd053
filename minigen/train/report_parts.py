"""Parts of a report that every recipe has: how the training went, and whether samples repeat what was learnt from."""

import json
from pathlib import Path

from minigen.train import pictures
from minigen.train.html import figure, paragraph


def training(run: Path, curves_alt: str) -> str:
    """How it went: the animation of the samples, and the curves."""
    reading = ""
    if (run / "curves.png").is_file():
        reading = pictures.read_text(run / "curves.png").get("reading", "")
    film = figure(
        run / "training.gif",
        "An animation of the sample grid from the first step to the last.",
        "The same noise, drawn again and again while the network learnt.",
    )
    curves = figure(
        run / "curves.png",
        curves_alt,
        f"Pale: every step; strong: smoothed. {reading}",
        "drawn",
    )
    return f"<h2>The training</h2>\n{film}\n{curves}"


def neighbours(run: Path) -> str:
    """Each sample beside the training image nearest to it."""
    path = run / "neighbours.png"
    parts = ["<h2>Has it learnt, or does it repeat?</h2>"]
    parts.append(
        figure(
            path,
            "Pairs of images: a sample, and the training image most like it.",
            "Left of each pair a sample, right the training image nearest to it, pixel by pixel. A network that has "
            "learnt draws images of the same kind that differ from all it has seen; one that repeats draws its "
            "neighbours.",
            "wide",
        )
    )
    rows = json.loads(pictures.read_text(path).get("rows", "[]")) if path.is_file() else []
    if rows:
        distances = sorted(row["distance"] for row in rows)
        marked = sum(row["marked"] for row in rows)
        ranked = rows[0]["percentile"] is not None
        meaning = (
            "nearer to a training image than 99 in 100 images that were kept out of training"
            if ranked
            else "an exact copy"
        )
        parts.append(
            paragraph(
                f"Distance to the nearest training image, root mean square, black 0 and white 1: median "
                f"{distances[len(distances) // 2]:.3f}, smallest {distances[0]:.3f}. Framed, because {meaning}: "
                f"{marked} of {len(rows)}."
            )
        )
    return "\n".join(parts)

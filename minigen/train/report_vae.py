"""The report of a VAE: what it makes of noise and of real items, what its latents cost and do, how it was trained."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from minigen.data.open import is_motion
from minigen.train import pictures
from minigen.train.html import figure, paragraph
from minigen.train.report_parts import evaluation, neighbours, training

CURVES = "Curves of the loss and its parts, and of the number of active latents, against the step."
PAIR = '<div class="pair">\n{}\n{}\n</div>'


def sections(run: Path, config: Mapping[str, Any]) -> list[str]:
    """The parts of the page between its introduction and its commands."""
    return [*(_motion if is_motion(str(config.get("data", ""))) else _images)(run), *evaluation(run)]


def _images(run: Path) -> list[str]:
    last = max((run / "samples").glob("step_*.png"), default=run / "samples" / "step_….png")
    samples = figure(last, "A grid of images decoded from noise.", "Samples: noise from the prior, decoded.")
    reals = figure(run / "reals.png", "A grid of images it learnt from.", "Images it learnt from.")
    made = run / "reconstructions.png"
    parts = [
        "<h2>Samples beside real images</h2>",
        PAIR.format(samples, reals),
        "<h2>What it keeps of an image</h2>",
        figure(made, "Images, and below each what the network makes of it.", _caption(made)),
        _latents(run, "image"),
        figure(
            run / "traversals.png",
            "Rows of images along one latent dimension each.",
            f"{_caption(run / 'traversals.png')} What changes along a row is what that dimension stands for.",
            "wide",
        ),
        figure(
            run / "interpolations.png",
            "Rows of images that change from one into another.",
            _caption(run / "interpolations.png"),
            "wide",
        ),
    ]
    if (run / "latent_map.png").is_file():
        caption = _caption(run / "latent_map.png")
        parts.append(figure(run / "latent_map.png", "A map of images over the plane of both latents.", caption))
    return [*parts, training(run, CURVES), neighbours(run)]


def _motion(run: Path) -> list[str]:
    samples = figure(run / "samples.gif", "Eight figures moving side by side.", "Samples: noise, decoded.")
    reals = figure(run / "reals.gif", "Eight figures moving side by side.", "Clips it learnt from.")
    parts = [
        "<h2>Samples beside real motion</h2>",
        PAIR.format(samples, reals),
        "<h2>What it keeps of a clip</h2>",
        figure(
            run / "reconstructions.gif",
            "Three figures from the side and from the front, each over a pale one.",
            "Grey: clips to measure on, held out where there are any. In colours: the same, encoded and decoded.",
        ),
        figure(
            run / "interpolation.gif",
            "Figures in a row whose motion changes from left to right.",
            "From one clip (left) to another (right), along a straight line between their codes.",
            "wide",
        ),
    ]
    if (run / "styles.gif").is_file():
        parts.append(
            figure(
                run / "styles.gif",
                "The same code in several styles.",
                "One code, decoded in every class in turn: what the condition changes.",
                "wide",
            )
        )
    parts += [
        figure(run / "loop.gif", "A figure moving in a loop.", "A piece of the first sample that comes round."),
        _files(run),
        _latents(run, "window"),
    ]
    return [*parts, training(run, CURVES)]


def _latents(run: Path, unit: str) -> str:
    path = run / "latents.png"
    reading = pictures.read_text(path).get("reading", "") if path.is_file() else ""
    chart = figure(path, f"Bars: what each latent dimension costs, in nats per {unit}.", reading, "drawn")
    return f"<h2>What the latents carry</h2>\n{chart}"


def _files(run: Path) -> str:
    names = sorted(path.name for path in (run / "bvh").glob("*.bvh"))
    if not names:
        return ""
    return paragraph(
        f"As BVH, in the folder bvh: {', '.join(names)}. In Blender: File, Import, Motion Capture (.bvh), with Update "
        "Scene FPS turned on, and scale 0.01 where the unit is the centimetre."
    )


def _caption(path: Path) -> str:
    return pictures.read_text(path).get("caption", "") if path.is_file() else ""

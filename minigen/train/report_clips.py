"""The report of a GAN of clips: what plays, frame by frame beside it, how it was trained, and what it repeats."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from minigen.train.html import figure
from minigen.train.report_parts import neighbours, training


def sections(run: Path, config: Mapping[str, Any]) -> list[str]:
    """The parts of the page between its introduction and its commands."""
    last = max((run / "samples").glob("step_*.png"), default=run / "samples" / "step_….png")
    step = last.stem.removeprefix("step_").lstrip("0") or "0"
    loops = " They are loops: after the last frame comes the first." if config.get("loop") == "yes" else ""
    samples = figure(run / "samples.gif", "Clips side by side that play.", f"Samples after step {step}.{loops}")
    reals = figure(run / "reals.gif", "Clips side by side that play.", "Clips it learnt from.")
    frames = figure(
        last, "Rows of frames.", "The first samples frame by frame: a row is a clip, from left to right.", "wide"
    )
    real_frames = figure(run / "reals.png", "Rows of frames.", "Clips it learnt from, frame by frame.", "wide")
    film = "Clips that play while they become what they are."
    curves = "Curves of both losses, and of the discriminator's mean answers, against the step."
    return [
        f'<h2>Samples beside real clips</h2>\n<div class="pair">\n{samples}\n{reals}\n</div>\n{frames}\n{real_frames}',
        training(run, curves, film),
        neighbours(run, "clip"),
    ]

"""A run on one page: `report.html`, a single file that needs no network, no scripts and no other file."""

import shlex
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from minigen.data.open import is_motion
from minigen.files import write_atomically
from minigen.train import report_clips, report_vae, runs
from minigen.train.html import code, figure, flat, page, paragraph, table
from minigen.train.report_parts import evaluation, neighbours, training

# Keys of config.json that are told elsewhere on the page.
TOLD = (
    *("recipe", "command", "environment", "backend", "precision", "graph"),
    *("licence", "data_name", "data_hash", "data_count"),
)


def write_report(run: Path) -> Path:
    """Write report.html into the run's folder from what stands there; returns its path.

    A picture that is not there yet is left out, and the page says so.  DataError where the folder is no run.
    """
    config, metrics = runs.read_config(run), runs.read_metrics(run)
    parts = [
        f"<h1>{escape(run.resolve().name)}</h1>",
        _introduction(config, metrics),
        *_sections(run, config),
        _commands(run, config, metrics),
        _settings(config),
        _machine(config, metrics),
    ]
    path = run / "report.html"
    write_atomically(path, page(f"{run.resolve().name} · minigen", parts).encode(errors="backslashreplace"))
    return path


def _sections(run: Path, config: Mapping[str, Any]) -> list[str]:
    if config.get("recipe") == "vae":
        return report_vae.sections(run, config)
    if _items(config) == "clips":
        return [*report_clips.sections(run, config), *evaluation(run)]
    return [
        _results(run),
        training(run, "Curves of both losses, and of the discriminator's mean answers, against the step."),
        neighbours(run),
        *evaluation(run),
    ]


# The parts of the page, from top to bottom --------------------------------------------------------------------------


def _introduction(config: Mapping[str, Any], metrics: list[dict[str, Any]]) -> str:
    recipe = str(config.get("recipe", "model"))
    kind = {"gan": "generative adversarial network", "vae": "variational autoencoder"}.get(recipe, recipe)
    count = config.get("data_count")
    items = _items(config)
    images = f"{count:,} {items}" if isinstance(count, int) else items
    source = config.get("data_name", config.get("data", "unknown data"))
    return paragraph(
        f"A {kind} that learnt from {images} ({source}; licence: {config.get('licence', 'unknown')}) "
        f"in {_steps(metrics):,} steps. The samples below were made by it: they show what it found those {items} "
        "to have in common."
    )


def _items(config: Mapping[str, Any]) -> str:
    if is_motion(str(config.get("data", ""))):
        return "windows of motion"
    return "clips" if config.get("frames", 1) > 1 else "images"


def _steps(metrics: list[dict[str, Any]]) -> int:
    return int(metrics[-1].get("step", 0)) if metrics else 0


def _results(run: Path) -> str:
    last = max((run / "samples").glob("step_*.png"), default=run / "samples" / "step_….png")
    step = last.stem.removeprefix("step_").lstrip("0") or "0"
    samples = figure(last, f"A grid of images drawn by the network after step {step}.", f"Samples after step {step}.")
    reals = figure(run / "reals.png", "A grid of images it learnt from.", "Images it learnt from.")
    return f'<h2>Samples beside real images</h2>\n<div class="pair">\n{samples}\n{reals}\n</div>'


def _commands(run: Path, config: Mapping[str, Any], metrics: list[dict[str, Any]]) -> str:
    place = shlex.quote(str(run))
    further = 2 * max(1, _steps(metrics))
    parts = ["<h2>How to go on</h2>"]
    if command := config.get("command"):
        parts += [paragraph("This run was made by"), code(str(command))]
    parts += [
        paragraph(f"Train it further, {_as_if(config)}, here to twice its steps:"),
        code(f"python -m minigen.train {config.get('recipe', 'gan')} --resume {place} --steps {further}"),
        *_drawing(place, _items(config)),
    ]
    return "\n".join(parts)


def _drawing(place: str, items: str) -> list[str]:
    sample = f"python -m minigen.sample {place}"
    if items == "clips":
        return [
            paragraph("Draw more clips, or some of them as numbered frames:"),
            code(f"{sample} --seeds 0-15\n{sample} --seeds 0-3 --out shot/clip.{{seed}}.####.png"),
        ]
    return [paragraph("Draw more, and a seamless loop:"), code(f"{sample} --seeds 0-63\n{sample} --loop")]


def _as_if(config: Mapping[str, Any]) -> str:
    if config.get("decay") == "cosine":
        return "with a step size that then falls over all the steps, so from a larger one again"
    return "exactly as if it had never stopped"


def _settings(config: Mapping[str, Any]) -> str:
    settings = flat({key: value for key, value in config.items() if key not in TOLD})
    return "<h2>Settings</h2>\n" + table(settings)


def _machine(config: Mapping[str, Any], metrics: list[dict[str, Any]]) -> str:
    facts = flat({key: config[key] for key in TOLD[2:] if key in config})
    if metrics:
        last = metrics[-1]
        speeds = sorted(row["images_per_second"] for row in metrics if row.get("images_per_second") is not None)
        if last.get("seconds") is not None:
            facts["training time"] = f"{last['seconds']:,.0f} s"
        if speeds:
            facts[f"real {_items(config)} a second (median)"] = f"{speeds[len(speeds) // 2]:,.0f}"
    return "<h2>Data, versions, machine</h2>\n" + table(facts)

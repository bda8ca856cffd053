"""A run on one page: `report.html`, a single file that needs no network, no scripts and no other file."""

import base64
import json
import shlex
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from minigen.train import pictures, runs
from minigen.train.checkpoint import write_atomically

STYLE = """
:root { color-scheme: light dark; --ink: #1c1c1c; --paper: #fcfcfa; --faint: #66665f; --line: #d9d9d2; --box: #f1f1ec }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e8e3; --paper: #17181a; --faint: #a3a39b; --line: #3a3b3e; --box: #222326 }
}
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 66rem; padding: 1.2rem; background: var(--paper); color: var(--ink);
       font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: break-word }
h1 { font-size: 1.6rem; line-height: 1.2; margin: .4rem 0 }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .5rem; border-top: 1px solid var(--line); padding-top: 1rem }
p { max-width: 44rem }
.pair { display: flex; flex-wrap: wrap; gap: 1.2rem }
.pair figure { flex: 1 1 18rem }
figure { margin: .6rem 0 }
figcaption, .missing { color: var(--faint); font-size: .9rem; max-width: 44rem }
img { display: block; max-width: 100%; height: auto; margin-bottom: .35rem }
.wide { overflow-x: auto }
.wide img { min-width: 44rem }
.drawn img { background: #fff; border-radius: 4px }
pre { background: var(--box); padding: .7rem .9rem; overflow-x: auto; border-radius: 4px; font-size: .88rem }
table { border-collapse: collapse; font-size: .9rem }
th, td { text-align: left; vertical-align: top; padding: .18rem 1.2rem .18rem 0; border-bottom: 1px solid var(--line);
         overflow-wrap: anywhere }
th { font-weight: 500; color: var(--faint); overflow-wrap: normal }
"""

# Keys of config.json that are told elsewhere on the page.
TOLD = ("recipe", "command", "environment", "backend", "licence", "data_name", "data_hash", "data_count")


def write_report(run: Path) -> Path:
    """Write report.html into the run's folder from what stands there; returns its path.

    A picture that is not there yet is left out, and the page says so.  DataError where the folder is no run.
    """
    config, metrics = runs.read_config(run), runs.read_metrics(run)
    parts = [
        f"<h1>{escape(run.resolve().name)}</h1>",
        _introduction(config, metrics),
        _results(run),
        _training(run),
        _neighbours(run),
        _commands(run, config, metrics),
        _settings(config),
        _machine(config, metrics),
    ]
    page = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(run.resolve().name)} · minigen</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )
    path = run / "report.html"
    write_atomically(path, page.encode(errors="backslashreplace"))
    return path


# The parts of the page, from top to bottom --------------------------------------------------------------------------


def _introduction(config: Mapping[str, Any], metrics: list[dict[str, Any]]) -> str:
    recipe = str(config.get("recipe", "model"))
    kind = {"gan": "generative adversarial network", "vae": "variational autoencoder"}.get(recipe, recipe)
    count = config.get("data_count")
    images = f"{count:,} images" if isinstance(count, int) else "images"
    source = config.get("data_name", config.get("data", "unknown data"))
    return _paragraph(
        f"A {kind} that learnt from {images} ({source}; licence: {config.get('licence', 'unknown')}) "
        f"in {_steps(metrics):,} steps. The samples below were drawn by it: they show what it found those images to "
        "have in common."
    )


def _steps(metrics: list[dict[str, Any]]) -> int:
    return int(metrics[-1].get("step", 0)) if metrics else 0


def _results(run: Path) -> str:
    last = max((run / "samples").glob("step_*.png"), default=run / "samples" / "step_….png")
    step = last.stem.removeprefix("step_").lstrip("0") or "0"
    samples = _figure(last, f"A grid of images drawn by the network after step {step}.", f"Samples after step {step}.")
    reals = _figure(run / "reals.png", "A grid of images it learnt from.", "Images it learnt from.")
    return f'<h2>Samples beside real images</h2>\n<div class="pair">\n{samples}\n{reals}\n</div>'


def _training(run: Path) -> str:
    reading = ""
    if (run / "curves.png").is_file():
        reading = pictures.read_text(run / "curves.png").get("reading", "")
    film = _figure(
        run / "training.gif",
        "An animation of the sample grid from the first step to the last.",
        "The same noise, drawn again and again while the network learnt.",
    )
    curves = _figure(
        run / "curves.png",
        "Curves of both losses, and of the discriminator's mean answers, against the step.",
        f"Pale: every step; strong: smoothed. {reading}",
        "drawn",
    )
    return f"<h2>The training</h2>\n{film}\n{curves}"


def _neighbours(run: Path) -> str:
    path = run / "neighbours.png"
    parts = ["<h2>Has it learnt, or does it repeat?</h2>"]
    parts.append(
        _figure(
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
            _paragraph(
                f"Distance to the nearest training image, root mean square, black 0 and white 1: median "
                f"{distances[len(distances) // 2]:.3f}, smallest {distances[0]:.3f}. Framed, because {meaning}: "
                f"{marked} of {len(rows)}."
            )
        )
    return "\n".join(parts)


def _commands(run: Path, config: Mapping[str, Any], metrics: list[dict[str, Any]]) -> str:
    place = shlex.quote(str(run))
    further = 2 * max(1, _steps(metrics))
    parts = ["<h2>How to go on</h2>"]
    if command := config.get("command"):
        parts += [_paragraph("This run was made by"), _code(str(command))]
    parts += [
        _paragraph("Train it further, exactly as if it had never stopped, here to twice its steps:"),
        _code(f"python -m minigen.train {config.get('recipe', 'gan')} --resume {place} --steps {further}"),
        _paragraph("Draw more images, and a seamless loop through some of them:"),
        _code(f"python -m minigen.sample {place} --seeds 0-63\npython -m minigen.sample {place} --loop"),
    ]
    return "\n".join(parts)


def _settings(config: Mapping[str, Any]) -> str:
    settings = _flat({key: value for key, value in config.items() if key not in TOLD})
    return "<h2>Settings</h2>\n" + _table(settings)


def _machine(config: Mapping[str, Any], metrics: list[dict[str, Any]]) -> str:
    facts = _flat({key: config[key] for key in TOLD[2:] if key in config})
    if metrics:
        last = metrics[-1]
        speeds = sorted(row["images_per_second"] for row in metrics if row.get("images_per_second") is not None)
        if last.get("seconds") is not None:
            facts["training time"] = f"{last['seconds']:,.0f} s"
        if speeds:
            facts["real images a second (median)"] = f"{speeds[len(speeds) // 2]:,.0f}"
    return "<h2>Data, versions, machine</h2>\n" + _table(facts)


# Pieces of HTML -----------------------------------------------------------------------------------------------------


def _figure(path: Path, alt: str, caption: str, kind: str = "whole") -> str:
    """The picture inside the page, with its caption; a line saying so where there is none."""
    if not path.is_file():
        return f'<p class="missing">{escape(path.name)} is not there (yet), so it is left out.</p>'
    data = base64.b64encode(path.read_bytes()).decode()
    source = f"data:image/{path.suffix[1:]};base64,{data}"
    image = f'<img alt="{escape(alt)}" src="{source}">'
    return f'<figure class="{kind}">\n{image}\n<figcaption>{escape(caption.strip())}</figcaption>\n</figure>'


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _code(text: str) -> str:
    return f"<pre><code>{escape(text)}</code></pre>"


def _table(values: Mapping[str, Any]) -> str:
    rows = (f"<tr><th scope=row>{escape(key)}</th><td>{escape(_shown(v))}</td></tr>" for key, v in values.items())
    return "<table>\n" + "\n".join(rows) + "\n</table>"


def _flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """Dictionaries among the values are opened: {"a": {"b": 1}} becomes {"a · b": 1}."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= {f"{key} · {inner}": v for inner, v in value.items()}
        else:
            flat[key] = value
    return flat


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

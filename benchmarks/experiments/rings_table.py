"""What `benchmarks.experiments.rings` left: tables with the floor of a true sampler beside, and two pictures.

python -m benchmarks.experiments.rings --table
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import minigen
from benchmarks.experiments.rings import DATA, METHODS, SAMPLES, measured
from minigen import metrics

COLOURS = {
    "averaged": "#0072B2",
    "raw": "#D55E00",
}  # Okabe & Ito's: told apart by readers with any kind of colour vision
HEAD = (
    "| method | G steps | weights | seeds | modes, seed by seed | HQ % | KL (HQ) | KL (all) | CPU s a run |",
    "|---|---|---|---|---|---|---|---|---|",
)

Rows = Sequence[dict[str, Any]]


def write(rows: Rows, folder: Path) -> None:
    """rings.md, rings_samples.png and rings_modes.png in `folder`, and the tables on the screen."""
    if not rows:
        raise SystemExit(f"{folder}/rings.jsonl: no results yet; run python -m benchmarks.experiments.rings first.")
    text = tables(rows)
    (folder / "rings.md").write_text(text + "\n", encoding="utf-8")
    print(text)
    for path in (samples(rows, folder / "rings_samples.png"), strip(rows, folder / "rings_modes.png")):
        print(f"wrote {path}")


def longest(rows: Rows, data: str) -> dict[str, list[dict[str, Any]]]:
    """method → its rows of the longest schedule there is, by seed."""
    found: dict[str, list[dict[str, Any]]] = {}
    for method in METHODS:
        own = sorted((r for r in rows if r["name"] == f"{data}-{method}"), key=lambda r: r["seed"])
        if own:
            most = max(r["steps"] for r in own)
            found[method] = [r for r in own if r["steps"] == most]
    return found


def tables(rows: Rows) -> str:
    """Markdown: for each data set all methods at the end, and once more at the shortest schedule if they differ."""
    parts = [
        "# Rings and grids: modes by method\n",
        f"2-128-128-2 against 2-128-128-1, {SAMPLES:,} samples a row; label *own*: no published figure has these "
        "networks and rates.  HQ: within 3σ of a centre.  KL in nats, to uniform, over HQ samples and over all by "
        "nearest centre; mean ± standard deviation over seeds.  A mode counts as covered by one HQ sample of 2,500, "
        "which a cloud of points reaches too: read modes beside HQ.  `averaged`: weights averaged over about 1,000 "
        "steps.",
    ]
    for data in DATA:
        methods = longest(rows, data)
        if not methods:
            continue
        parts += [f"\n## {DATA[data].title}\n", *HEAD, floor(data)]
        parts += [line for method, own in methods.items() for line in lines(method, own)]
        marks = [{point["step"] for point in own[0]["curve"]} for own in methods.values()]
        common = set.intersection(*marks)
        if common and len({own[0]["steps"] for own in methods.values()}) > 1:
            at = max(common)
            parts += [f"\nAll of them at step {at:,}:\n", *HEAD, floor(data)]
            parts += [line for method, own in methods.items() for line in lines(method, own, at)]
    return "\n".join(parts)


def floor(data: str) -> str:
    """The row of a true sampler with as many points, five draws, and what it must be on average."""
    draws = [measured(DATA[data].draw(SAMPLES, minigen.random.generator([9, i])), DATA[data]) for i in range(5)]
    exact = metrics.mode_ceilings(len(DATA[data].centres), SAMPLES)
    modes, high, kl_high, kl_all = cells(draws)
    high += f" (exact {100 * exact['high_quality']:.2f})"
    kl_all += f" (exact {exact['kl']:.4f})"
    return f"| true sampler | – | – | 5 draws | {modes} | {high} | {kl_high} | {kl_all} | – |"


def lines(method: str, own: Rows, at: int | None = None) -> list[str]:
    """A row for the averaged weights and one for the raw ones, at the end or at step `at` of each curve."""
    found = []
    for weights in ("averaged", "raw"):
        if at is None:
            results, steps = [r[weights] for r in own], f"{own[0]['steps']:,}"
            if own[0]["steps"] < METHODS[method].steps:
                steps += f" of {METHODS[method].steps:,}, truncated"
        else:
            results, steps = [next(p for p in r["curve"] if p["step"] == at)[weights] for r in own], f"{at:,}"
        seconds = f"{np.mean([r['cpu_seconds'] for r in own]):.0f}" if weights == "averaged" and at is None else ""
        seeds = " ".join(str(r["seed"]) for r in own)
        row = (METHODS[method].title, steps, weights, seeds, *cells(results), seconds)
        found.append(f"| {' | '.join(row)} |")
    return found


def cells(results: Sequence[dict[str, Any]]) -> tuple[str, str, str, str]:
    """Modes of each seed; HQ in per cent and both KLs as mean ± deviation, over the seeds where they are numbers."""

    def spread(name: str, factor: float, digits: int) -> str:
        values = [factor * r[name] for r in results if r[name] is not None]
        if not values:
            return "–"
        deviation = np.std(values, ddof=1) if len(values) > 1 else math.nan
        return (
            f"{np.mean(values):.{digits}f} ± {deviation:.{digits}f}" if len(values) > 1 else f"{values[0]:.{digits}f}"
        )

    modes = " ".join(str(r["modes"]) for r in results)
    return modes, spread("high_quality", 100, 1), spread("kl_high_quality", 1, 3), spread("kl_all", 1, 3)


# Pictures -----------------------------------------------------------------------------------------------------------


def samples(rows: Rows, path: Path) -> Path:
    """Seed 0's samples with averaged weights, a row of panels a data set; grey rings: 3σ about each centre."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.collections import EllipseCollection
    from matplotlib.figure import Figure

    shown = {data: found for data in DATA if (found := longest([r for r in rows if "samples" in r], data))}
    wide = [method for method in METHODS if any(method in found for found in shown.values())]
    figure = Figure(figsize=(2.3 * len(wide), 2.8 * len(shown)), dpi=110, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    panels = figure.subplots(len(shown), len(wide), squeeze=False)
    for line, (data, found) in zip(panels, shown.items(), strict=True):
        reach = 1.4 * abs(DATA[data].centres).max()
        for axes, method in zip(line, wide, strict=True):
            axes.set_xticks([])
            axes.set_yticks([])
            axes.set_aspect("equal")
            axes.set_xlim(-reach, reach)
            axes.set_ylim(-reach, reach)
            if method not in found:
                axes.set_axis_off()
                continue
            row = found[method][0]
            size = np.full(len(DATA[data].centres), 6 * DATA[data].sigma)
            axes.add_collection(
                EllipseCollection(
                    size, size, 0 * size, units="xy", offsets=DATA[data].centres, offset_transform=axes.transData,
                    facecolors="none", edgecolors="0.6",
                )
            )  # fmt: skip
            points = np.array(row["samples"])
            axes.plot(points[:, 0], points[:, 1], ".", color=COLOURS["averaged"], markersize=2, alpha=0.5)
            axes.set_title(METHODS[method].title, fontsize=9)
            note = f"{row['averaged']['modes']} modes, HQ {100 * row['averaged']['high_quality']:.0f} %"
            axes.set_xlabel(f"{note}\n{row['steps']:,} steps", fontsize=8)
        line[0].set_ylabel(DATA[data].title, fontsize=9)
        line[0].set_axis_on()
    canvas.print_png(path)
    return path


def strip(rows: Rows, path: Path) -> Path:
    """Modes and high quality of every seed: a dot a run, averaged and raw weights side by side."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = {data: found for data in DATA if (found := longest(rows, data))}
    figure = Figure(figsize=(9, 2.8 * len(shown)), dpi=110, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    panels = figure.subplots(len(shown), 2, squeeze=False)
    for (left, right), (data, found) in zip(panels, shown.items(), strict=True):
        for axes, name, factor, best in (
            (left, "modes", 1, len(DATA[data].centres)),
            (right, "high_quality", 100, 100 * metrics.mode_ceilings(2, 1)["high_quality"]),
        ):
            axes.axhline(best, color="0.7", linewidth=1, zorder=0)
            for weights, aside in (("averaged", -0.14), ("raw", 0.14)):
                for k, own in enumerate(found.values()):
                    values = [factor * r[weights][name] for r in own]
                    places = k + aside + 0.04 * (np.arange(len(values)) - (len(values) - 1) / 2)
                    label = f"{weights} weights" if k == 0 else None
                    axes.plot(places, values, "o", color=COLOURS[weights], markersize=4, label=label)
            axes.set_xticks(range(len(found)), [METHODS[m].title.replace(", ", ",\n") for m in found], fontsize=8)
            axes.set_ylim(0, 1.08 * best)
            axes.spines[["top", "right"]].set_visible(False)
        left.set_ylabel("modes covered")
        right.set_ylabel("high quality (%)")
        left.set_title(f"{DATA[data].title}; grey: a true sampler", fontsize=9, loc="left")
    panels[0][0].legend(fontsize=8, loc="lower left")
    canvas.print_png(path)
    return path

"""What `few_images --measure` found: a table, means and deviations over seeds, and each measure against the count."""

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.experiments.few_images_data import MEASURES
from benchmarks.experiments.results import lines_of

# measure: (what a reader is told, which way is better, for which data)
MEASURED = {
    "fid_clf": ("fid_clf", "lower", ("scenes", "mnist")),
    "kid": ("KID", "lower", ("scenes", "mnist")),
    "nn_real": ("1-NN, real", "0.5", ("scenes", "mnist")),
    "nn_fake": ("1-NN, samples", "0.5", ("scenes", "mnist")),
    "kl_pairs": ("pairs of factors, KL (nats)", "lower", ("scenes",)),
    "kl_classes": ("classes, KL (nats)", "lower", ("mnist",)),
    "twins": ("near-duplicates", "0.01", ("scenes", "mnist")),
    "copies": ("copies", "0.01", ("scenes", "mnist")),
}
WHAT = ("averaged", "raw", "training images", "PCA")
TITLES = {"averaged": "GAN, averaged weights", "raw": "GAN, raw weights", "training images": "its training images"}
COLOURS = {"averaged": "#0072B2", "training images": "#D55E00", "PCA": "#009E73"}  # Okabe & Ito's
OFFSETS = {"averaged": 1.0, "training images": 1.1, "PCA": 0.91}  # so that points do not lie on each other

HEAD = """# From few images, diverse?

Made by `python -m benchmarks.experiments.few_images`, which says how; *own* figures with a *truncated* schedule, not to
be set beside published ones.  ± is the standard deviation over seeds.  Every row is of samples, measured against as
many real images that no run learnt from, by a judge trained here.  "Real" is the floor: other real images in place of
samples.  Under each GAN stand two rivals that need no network: its training images drawn again, and a normal in their
principal components.

- `fid_clf`: the Fréchet distance of the judge's features; no FID.  KID: the kernel distance of the same.
- 1-NN: how often an item's nearest neighbour among real images and samples is of its own kind.
- Pairs of factors: KL to uniform over the 10×10 cells of each pair that the judge reads with R² ≥ 0.5; real scenes do
  not have 0.  Classes: KL to uniform over the ten digits.
- Near-duplicates: the share of samples nearer to another sample than 99 in 100 real images are to another.  Copies: the
  share nearer to a training image than 99 in 100 unseen real images are.  Both in pixels.
"""


def spread(values: Sequence[float]) -> str:
    """Mean and standard deviation over seeds, in three digits or so."""
    mean = statistics.fmean(values)
    digits = 0 if abs(mean) >= 100 else 1 if abs(mean) >= 10 else 2 if abs(mean) >= 1 else 3
    if len(values) < 2:
        return f"{mean:.{digits}f}"
    return f"{mean:.{digits}f} ± {statistics.stdev(values):.{digits}f}"


def table(kind: str, rows: list[dict[str, Any]]) -> str:
    """Markdown: the floor, then for each count the GAN and its rivals, with how many seeds are in it."""
    names = [name for name, (_, _, kinds) in MEASURED.items() if kind in kinds]
    lines = [
        f"| images | of | seeds | {' | '.join(f'{MEASURED[n][0]} ({_better(n)})' for n in names)} |",
        "|" + "---|" * (len(names) + 3),
    ]
    floor = [row for row in rows if row["what"] == "real"]
    groups = [("", "real", floor)] if floor else []
    for count in sorted({row["count"] for row in rows if "count" in row}):
        mine = [row for row in rows if row.get("count") == count]
        groups += [(f"{count:,}", what, [row for row in mine if row["what"] == what]) for what in WHAT]
    for count, what, some in groups:
        cells = [spread([row[n] for row in some]) if some and n in some[0] else "–" for n in names]
        lines.append(f"| {count} | {TITLES.get(what, what)} | {len(some) if count else '–'} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _better(name: str) -> str:
    better = MEASURED[name][1]
    return "lower is better" if better == "lower" else f"real: {better}"


def figure(path: Path, kind: str, rows: list[dict[str, Any]]) -> None:
    """Each measure against the count, a panel each: seeds as points, their median as a line, the floor dashed."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = [name for name, (_, _, kinds) in MEASURED.items() if kind in kinds]
    page = Figure(figsize=(9, 5.4), dpi=110, layout="constrained")
    canvas = FigureCanvasAgg(page)
    panels = page.subplots(2, 4).ravel()
    for axes, name in zip(panels, names, strict=False):
        _panel(axes, name, rows)
    for axes in panels[len(names) :]:
        axes.set_axis_off()
    handles, labels = panels[0].get_legend_handles_labels()
    page.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize=8)
    canvas.print_png(path)


def _panel(axes: Any, name: str, rows: list[dict[str, Any]]) -> None:
    for what, colour in COLOURS.items():
        points = [(row["count"], row[name]) for row in rows if row["what"] == what and name in row]
        counts = sorted({count for count, _ in points})
        label = TITLES.get(what, what)
        axes.plot([c * OFFSETS[what] for c, _ in points], [y for _, y in points], "o", color=colour, ms=4, alpha=0.6)
        medians = [statistics.median(y for c, y in points if c == count) for count in counts]
        axes.plot([c * OFFSETS[what] for c in counts], medians, color=colour, linewidth=1.4, label=label)
    floor = [row[name] for row in rows if row["what"] == "real" and name in row]
    if floor:
        axes.axhline(floor[0], color="0.4", linestyle="--", linewidth=1, label="real against real")
    axes.set_xscale("log")
    axes.set_title(MEASURED[name][0], fontsize=9)
    axes.set_xlabel("training images", fontsize=8)
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def newest(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines by the judge, and of the sizes and steps, of the last one: others cannot be compared with it."""
    steps = [row["steps"] for row in rows if "steps" in row][-1:]
    alike = [row for row in rows if all(row[key] == rows[-1][key] for key in ("judge", "n_fake", "n_real"))]
    return [row for row in alike if row.get("steps") in (None, *steps)]


def write(out: Path) -> int:
    """few_images.md and few_images-KIND.png beside the results; returns the exit status."""
    rows = lines_of(out / MEASURES)
    if not rows:
        print(f"{out}: nothing is measured yet; run python -m benchmarks.experiments.few_images --measure first.")
        return 2
    found = {kind: newest([row for row in rows if row["data"] == kind]) for kind in ("scenes", "mnist")}
    found = {kind: some for kind, some in found.items() if some}
    parts = [HEAD]
    for kind, some in found.items():
        one = some[-1]
        scores = ", ".join(f"{name} {score:.2f}" for name, score in one["judge_scores"].items())
        sizes = f"{one['n_real']:,} real images, {one['n_fake']:,} samples"
        said = f"{sizes}.  Judge {one['judge']}, on items it had not seen: {scores} (of factors R²; 1 is perfect)."
        parts.append(f"## {kind}\n\n{said}\n\n{table(kind, some)}\n")
    (out / "few_images.md").write_text("\n".join(parts), encoding="utf-8")
    for kind, some in found.items():
        figure(out / f"few_images-{kind}.png", kind, some)
    print(f"wrote {out / 'few_images.md'}, and a picture of each kind of data beside it")
    return 0

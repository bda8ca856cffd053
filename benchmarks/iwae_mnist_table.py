"""What `benchmarks.iwae_mnist` left, as a table beside the paper's Table 1 and as a picture of both curves.

python -m benchmarks.iwae_mnist_table
"""

import argparse
import json
from pathlib import Path

PAPER = {("vae", 1): (86.76, 19), ("iwae", 5): (85.54, 22), ("vae", 5): (86.47, 20), ("iwae", 50): (84.78, 25)}
COLOURS = {"vae": "#0072B2", "iwae": "#D55E00"}  # Okabe & Ito's: told apart by readers with any kind of colour vision


def table(results: list[dict]) -> str:
    """Markdown: a row a run, its bound with the standard error over test images, and the paper's after 3,280 passes."""
    lines = [
        "| objective, k | passes of 3,280 | test −L_5000 | −L_1 | active units | the paper: −L_5000 (active) |",
        "|---|---|---|---|---|---|",
    ]
    for r in results:
        paper = PAPER.get((r["objective"], r["k"]))
        bound = f"−L_{r['samples']}"
        error = r[f"{bound} standard error"]
        cells = [
            f"{r['objective'].upper()}, {r['k']}",
            str(r["passes"]),
            f"{r[bound]:.2f} ± {error:.2f}",
            f"{r['−L_1']:.2f}",
            str(r["active units"]),
            f"{paper[0]} ({paper[1]})" if paper else "–",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def curves(folder: Path, results: list[dict]) -> Path:
    """The training loss of every pass against the passes done, with the steps of the schedule."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4), dpi=110, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.subplots()
    longest = max(r["passes"] for r in results)
    for r in results:
        name = f"iwae_mnist-{r['objective']}-k{r['k']}-seed{r['seed']}.jsonl"
        rows = [json.loads(line) for line in (folder / name).read_text(encoding="utf-8").splitlines()]
        label = "−ELBO" if r["objective"] == "vae" else f"−L_{r['k']}"
        axes.plot(
            [row["pass"] for row in rows],
            [row["train"] for row in rows],
            color=COLOURS[r["objective"]],
            label=f"{r['objective'].upper()}, k = {r['k']}: {label} in training",
        )
    for end in (1, 4, 13, 40, 121, 364, 1093):
        if end < longest:
            axes.axvline(end + 0.5, color="0.8", linewidth=1, zorder=0)
    axes.set_xscale("log")
    axes.set_ylim(90, 112)
    axes.set_xlabel("passes over the 60,000 training images; grey: the rate falls by 10^(−1/7)")
    axes.set_ylabel("loss (nats per image)")
    axes.legend()
    axes.spines[["top", "right"]].set_visible(False)
    path = folder / "iwae_mnist.png"
    canvas.print_png(path)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    folder = parser.parse_args().out
    results = [json.loads(p.read_text(encoding="utf-8")) for p in sorted(folder.glob("iwae_mnist-*.json"))]
    if not results:
        raise SystemExit(f"{folder}: no results yet; run python -m benchmarks.iwae_mnist first.")
    results.sort(key=lambda r: (r["objective"] != "vae", r["k"]))
    print(table(results))
    print(f"wrote {curves(folder, results)}")


if __name__ == "__main__":
    main()

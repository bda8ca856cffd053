"""How the time of a step and its memory grow with the batch and with the images, in minigen and in PyTorch.

python -m benchmarks.compare_curves             # about five minutes on two cores; then the picture
python -m benchmarks.compare_curves --draw      # the picture alone, from the figures of the last run

Leaves benchmarks/results/compare_curves.json and docs/pictures/performance.png.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import compare_table, machine
from benchmarks.compare import PAUSE, RESULTS, summary, take_turns, turn
from benchmarks.machine import ROOT
from benchmarks.worker import Worker, environment
from benchmarks.workloads import PEERS, why_not
from minigen import console
from minigen.errors import DataError, SettingError

FILE = RESULTS / "compare_curves.json"
PICTURE = ROOT / "docs" / "pictures" / "performance.png"
LIBRARIES = ("minigen", "torch", "torch_channels_last")
BATCHES = (16, 32, 64, 128, 256, 512)
SIDES = (16, 28, 32, 48, 64)  # pixels; the generator begins with maps of a quarter of that
SIDES_BATCH = 64


def point(settings: dict[str, int], threads: int, rounds: int, length: float) -> dict[str, Any]:
    """The article's GAN with these settings in each library, taking turns: seconds per step, peak memory."""
    workers = {name: Worker(name, "dcgan", settings, threads) for name in LIBRARIES}
    try:
        found = summary(take_turns({name: turn(w, length) for name, w in workers.items()}, rounds, PAUSE))
        return {**settings, "libraries": {name: {**found[name], "peak": w.peak()} for name, w in workers.items()}}
    finally:
        for worker in workers.values():
            worker.close()


def measure(threads: int, rounds: int, length: float) -> dict[str, Any]:
    """Both curves, and where and when they were taken."""
    for name in LIBRARIES:
        if reason := why_not(name, "dcgan-256"):
            raise SettingError(f"{PEERS[name].title}: {reason}, and run this again.")
    load, watch = machine.load(), machine.Watch()
    curves: dict[str, list[dict[str, Any]]] = {"batch": [], "side": []}
    plan = [("batch", {"batch": n}) for n in BATCHES] + [("side", {"batch": SIDES_BATCH, "side": n}) for n in SIDES]
    for curve, settings in plan:
        curves[curve].append(point(settings, threads, rounds, length))
        ms = {name: round(1e3 * f["median"], 1) for name, f in curves[curve][-1]["libraries"].items()}
        print(settings, "ms a step:", ms, flush=True)
    taken = machine.taken(("minigen", "torch", "numpy"), threads, rounds, load, watch, environment(threads))
    print(compare_table.company(taken))
    return {"taken": taken, **curves}


def draw(figures: dict[str, Any], path: Path) -> None:
    """Three panels, both axes logarithmic: time against batch, time against side, memory against batch."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullLocator, ScalarFormatter

    figure = Figure(figsize=(12, 3.8), layout="constrained")
    panels = [
        ("batch", "images a batch", "median", 1e3, "time per step (ms)"),
        ("side", f"side of the images (pixels), batch {SIDES_BATCH}", "median", 1e3, "time per step (ms)"),
        ("batch", "images a batch", "peak", 1e-6, "peak memory of the process (MB)"),
    ]
    for axes, (curve, below, figure_of, unit, beside) in zip(figure.subplots(1, 3), panels, strict=True):
        at = [row[curve] for row in figures[curve]]
        for name, marker in zip(LIBRARIES, "os^", strict=True):
            values = [unit * row["libraries"][name][figure_of] for row in figures[curve]]
            axes.plot(at, values, marker=marker, label=PEERS[name].title)
        axes.set(xscale="log", yscale="log", xlabel=below, ylabel=beside, xticks=at)
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(ScalarFormatter())  # 200 and not 2 × 10²
            axis.set_minor_locator(NullLocator())
        axes.grid(alpha=0.3, which="both")
    figure.axes[0].legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def run(given: argparse.Namespace) -> int:
    if given.threads < 1 or given.rounds < 1:
        raise SettingError(f"--threads {given.threads} and --rounds {given.rounds} must be at least 1.")
    if not given.draw:
        figures = measure(given.threads, given.rounds, given.length)
        FILE.parent.mkdir(exist_ok=True)
        FILE.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"written to {FILE}")
    if not FILE.exists():
        raise DataError(f"--draw: there is no {FILE.name} yet; leave the flag out to measure first.")
    draw(json.loads(FILE.read_text(encoding="utf-8")), PICTURE)
    print(f"written to {PICTURE}")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--threads", type=int, default=2, help="threads for each library (default: 2)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each has its turn at a point (default: 5)")
    parser.add_argument("--length", type=float, default=0.7, help="seconds of a turn, at least one step (default: 0.7)")
    parser.add_argument("--draw", action="store_true", help="only draw what was measured before")
    given = parser.parse_args(arguments)
    return console.run(lambda: run(given), "--threads")


if __name__ == "__main__":
    sys.exit(main())

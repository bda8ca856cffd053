"""Do generated effects stay consistent in time?  Clips of fire, rain and others, learnt by the recipe as users run it.

    python -m benchmarks.experiments.effects                                 # fire and rain, seeds 0-4
    python -m benchmarks.experiments.effects --kinds rain-drift --seeds 0-2  # by --video drift
    python -m benchmarks.experiments.effects --table                         # what there is, as a table

The article (特效制作, special effects) says that a GAN makes effects that are realistic and consistent.  Here each
(kind, seed) is one `python -m minigen.train gan --data effects:KIND` with its defaults, or with what SPECIAL says, then
one `python -m minigen.evaluate`: seams, energy and flicker, distances on the features of a judge, copies; each beside
other real clips, the floor, and beside what needs no network.  Every pair is a line of effects.jsonl in `--out`; what
is there is not run again, and a run that was stopped goes on from its checkpoint.  OPENBLAS_NUM_THREADS=1 keeps to one
core.
"""

import argparse
import json
import platform
import statistics
from pathlib import Path
from typing import Any

import numpy as np

import minigen
from benchmarks.experiments.results import append, lines_of, seeds_of
from minigen import evaluate
from minigen.train import command, runs

RESULTS = "effects.jsonl"
SPECIAL = {  # names for a kind with other flags than the defaults
    "rain-drift": ["--data", "effects:rain", "--video", "drift", "--penalty", "r1", "--penalty-weight", "0.1"],
}


def row_of(kind: str, seed: int, run: Path) -> dict[str, Any]:
    """What a trained and measured run says, as a line of the results."""
    config, found = runs.read_config(run), json.loads((run / "evaluation.json").read_text(encoding="utf-8"))
    metrics = runs.read_metrics(run)
    return {
        "kind": kind,
        "seed": seed,
        "label": "own",
        "steps": metrics[-1]["step"],
        "seconds": metrics[-1]["seconds"],
        "clips_per_second": round(statistics.median(m["images_per_second"] for m in metrics), 1),
        "config": {name: config[name] for name in ("frames", "size", "width", "batch", "video", "loop", "data_hash")},
        "evaluation": found,
        "versions": f"minigen {minigen.__version__}, NumPy {np.__version__}, Python {platform.python_version()}",
    }


def run_one(kind: str, seed: int, work: Path) -> Path:
    """Train, or go on, and measure; the run's folder."""
    name = f"{kind}-seed{seed}"
    flags = [*SPECIAL.get(kind, ["--data", f"effects:{kind}"]), "--seed", str(seed)]
    flags += ["--out", str(work), "--name", name, "--pictures", "4"]
    there = sorted(work.glob(f"[0-9][0-9][0-9][0-9]-{name}"))
    if there:
        done = runs.newest_checkpoint(there[-1]).stem.removeprefix("step_")
        flags = ["--resume", str(there[-1])]
    if not there or int(done) < runs.read_config(there[-1])["steps"]:
        if command.main(["gan", *flags]):
            raise SystemExit(f"{name}: training stopped; the same command goes on from here")
    run = sorted(work.glob(f"[0-9][0-9][0-9][0-9]-{name}"))[-1]
    if evaluate.main([str(run)]):
        raise SystemExit(f"{name}: could not be measured")
    return run


def table(rows: list[dict[str, Any]]) -> str:
    """A Markdown table: of each kind and measure the mean over seeds, its deviation, and the columns beside it."""
    lines = []
    for kind in dict.fromkeys(row["kind"] for row in rows):
        some = [row for row in rows if row["kind"] == kind]
        seconds = [row["seconds"] for row in some]
        lines += [
            f"## {kind}",
            "",
            f"{len(some)} seeds ({', '.join(str(row['seed']) for row in some)}), {some[0]['steps']:,} steps each, "
            f"{statistics.fmean(seconds):,.0f} s on average ({min(seconds):,.0f} to {max(seconds):,.0f}, beside other "
            "work).  Mean ± standard deviation over seeds; in brackets the lowest and highest of the model's.",
            "",
        ]
        for title in dict.fromkeys(t["title"] for row in some for t in row["evaluation"]["tables"]):
            tables = [t for row in some for t in row["evaluation"]["tables"] if t["title"] == title]
            names = list(dict.fromkeys(n for t in tables for r in t["rows"] for n in r["values"]))
            names.sort(key=lambda n: n != "model")
            lines += [f"### {title}", "", f"| | unit | {' | '.join(names)} |", "|---|---|" + "---|" * len(names)]
            for measure in dict.fromkeys((r["name"], r["unit"]) for t in tables for r in t["rows"]):
                cells = [
                    [
                        r["values"][n]
                        for t in tables
                        for r in t["rows"]
                        if (r["name"], r["unit"]) == measure and r["values"].get(n) is not None
                    ]
                    for n in names
                ]
                shown = [_shown(values, n == "model") for values, n in zip(cells, names, strict=True)]
                lines.append(f"| {measure[0]} | {measure[1]} | {' | '.join(shown)} |")
            lines.append("")
    return "\n".join(lines)


def _shown(values: list[float], whole: bool) -> str:
    if not values:
        return "–"
    mean = f"{statistics.fmean(values):.3g}"
    if len(values) == 1 or len(set(values)) == 1:
        return mean
    spread = f"{mean} ± {statistics.stdev(values):.2g}"
    return f"{spread} [{min(values):.3g}, {max(values):.3g}]" if whole else spread


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", nargs="+", default=["fire", "rain"])
    parser.add_argument("--seeds", type=seeds_of, default=list(range(5)), help="from-to, or one")
    parser.add_argument("--work", type=Path, default=Path("runs/effects"), help="where runs are kept")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/experiments"))
    parser.add_argument("--table", action="store_true", help="run nothing; make effects.md")
    asked = parser.parse_args()
    path = asked.out / RESULTS
    if asked.table:
        head = (
            "# Effects, measured\n\nMade by `python -m benchmarks.experiments.effects --table` from effects.jsonl.\n\n"
        )
        path.with_suffix(".md").write_text(head + table(lines_of(path)), encoding="utf-8")
        return
    asked.out.mkdir(parents=True, exist_ok=True)
    for seed in asked.seeds:
        for kind in asked.kinds:
            if any((row["kind"], row["seed"]) == (kind, seed) for row in lines_of(path)):
                continue
            row = row_of(kind, seed, run_one(kind, seed, asked.work))
            append(path, row)


if __name__ == "__main__":
    main()

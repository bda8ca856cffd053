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
import statistics
from pathlib import Path
from typing import Any

from benchmarks.experiments.results import append, lines_of, row_of, seeds_of, train
from minigen import evaluate

RESULTS = "effects.jsonl"
KEPT = ("frames", "size", "width", "batch", "video", "loop", "data_hash")  # settings that each line says
SPECIAL = {  # names for a kind with other flags than the defaults
    "rain-drift": ["--data", "effects:rain", "--video", "drift", "--penalty", "r1", "--penalty-weight", "0.1"],
}


def run_one(kind: str, seed: int, work: Path) -> Path:
    """Train, or go on, and measure; the run's folder."""
    flags = [*SPECIAL.get(kind, ["--data", f"effects:{kind}"]), "--seed", str(seed)]
    run = train("gan", flags, f"{kind}-seed{seed}", work)
    if evaluate.main([str(run)]):
        raise SystemExit(f"{run}: could not be measured")
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
            run = run_one(kind, seed, asked.work)
            append(path, row_of(kind, seed, run, kept=KEPT, rate="clips_per_second"))


if __name__ == "__main__":
    main()

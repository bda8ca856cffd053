"""Does a model draw what it is asked for?  A GAN and a VAE told of two factors, by the recipes as users run them.

    python -m benchmarks.experiments.control                                 # the GAN, seeds 0-4
    python -m benchmarks.experiments.control --recipes gan vae --seeds 0-2
    python -m benchmarks.experiments.control --table                         # what there is, as a table

The article (真实感控制, control of realism) says that the realism of generated scenes is hard to control.  Here each
(recipe, seed) is one `python -m minigen.train RECIPE --condition time,haze` with its defaults, then one `python -m
minigen.evaluate`: 1,000 samples are asked for factors all over their ranges, which the judge of scenes reads off them;
beside what it reads off real scenes, which is the ceiling, and beside whoever always draws the middle.  Every pair is a
line of control.jsonl in `--out`; what is there is not run again, and a run that was stopped goes on from its
checkpoint.  OPENBLAS_NUM_THREADS=1 keeps to one core.
"""

import argparse
from pathlib import Path
from typing import Any

from benchmarks.experiments import effects
from benchmarks.experiments.results import append, lines_of, row_of, seeds_of, train
from minigen import evaluate

RESULTS = "control.jsonl"
FACTORS = "time,haze"
SHOWN = ("Whether it does what it is asked", "How close its samples are to real images")  # tables of control.md
KEPT = ("condition", "width", "latent", "batch", "learning_rate", "data_hash")  # settings that each line says


def table(rows: list[dict[str, Any]]) -> str:
    """Of each recipe the tables named in SHOWN, as Markdown: means and deviations over seeds."""
    few = []
    for row in rows:
        tables = sorted(
            (found for found in row["evaluation"]["tables"] if found["title"] in SHOWN),
            key=lambda found: SHOWN.index(found["title"]),
        )
        few.append({**row, "kind": f"{row['kind']} told of {FACTORS}", "evaluation": {"tables": tables}})
    return effects.table(few)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", nargs="+", choices=["gan", "vae"], default=["gan"])
    parser.add_argument("--seeds", type=seeds_of, default=list(range(5)), help="from-to, or one")
    parser.add_argument("--work", type=Path, default=Path("runs/control"), help="where runs are kept")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/experiments"))
    parser.add_argument("--table", action="store_true", help="run nothing; make control.md")
    asked = parser.parse_args()
    path = asked.out / RESULTS
    if asked.table:
        head = (
            "# Factors that are asked for, measured\n\nMade by `python -m benchmarks.experiments.control --table` from "
            "control.jsonl, which has all that was measured.\n\n"
        )
        path.with_suffix(".md").write_text(head + table(lines_of(path)), encoding="utf-8")
        return
    for recipe in asked.recipes:
        for seed in asked.seeds:
            if any((row["kind"], row["seed"]) == (recipe, seed) for row in lines_of(path)):
                continue
            flags = ["--condition", FACTORS, "--seed", str(seed)]
            run = train(recipe, flags, f"{recipe}-seed{seed}", asked.work)
            if evaluate.main([str(run)]):
                raise SystemExit(f"{run}: could not be measured")
            append(path, row_of(recipe, seed, run, kept=KEPT))


if __name__ == "__main__":
    main()

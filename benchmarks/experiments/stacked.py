"""How many of 1,000 modes does the article's network find?  Three digits stacked in the channels of one image.

    python -m benchmarks.experiments.stacked --data mnist:FOLDER             # pack 1 and 2, seeds 0-2
    python -m benchmarks.experiments.stacked --data mnist:FOLDER --packs 1 --seeds 0
    python -m benchmarks.experiments.stacked --table

Each channel of an image 28×28×3 is a digit of its own, so that the classes make 1,000 triples (Metz et al. 2017, Lin et
al. 2018).  The article's network at width ¼ learns from 50,000 triples of the first 10,000 digits of MNIST; the judge
of digits, which learnt from others, reads each channel of 25,600 samples, and `minigen.metrics.tuple_modes` counts.
pack 2: the discriminator judges two images at once.  Beside it real triples of the test set, which show what the judge
and unequal digits cost, PCA with as many numbers as there are latents, and a perfect sampler.

These results are *own* and *truncated*: the networks, schedules and classifiers of the papers are others, so that no
published number stands beside them.  Each run is a line of stacked.jsonl in `--out`; what is there is not run again,
and a run that was stopped goes on from its checkpoint.  OPENBLAS_NUM_THREADS=1 keeps to one core.
"""

import argparse
import dataclasses
import statistics
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.experiments import few_images
from benchmarks.experiments.few_images_data import located, name_of
from benchmarks.experiments.results import append, lines_of, seeds_of
from minigen import backend, console, metrics
from minigen.data import Images, mnist, open_data, to_uint8
from minigen.judges import Judge, judge_of
from minigen.metrics import pca_samples
from minigen.train import runs

RESULTS = "stacked.jsonl"
DIGITS = 10_000  # the judge learns from those after them
TRIPLES = 50_000  # to learn from
SAMPLES = 25_600  # as in the code of Lin et al. 2018
STEPS = 2_000
COMPONENTS = 100  # of PCA: as many as the GAN has latents
FITTED = 3_000  # triples that PCA is fitted to


def stacked(digits: np.ndarray, count: int, seed: int) -> np.ndarray:
    """`count` triples of digits drawn with replacement: digits (N, 28, 28, 1) → (count, 28, 28, 3)."""
    places = np.random.default_rng([seed, 3]).integers(len(digits), size=(count, 3))
    return np.concatenate([digits[places[:, k]] for k in range(3)], axis=-1)


def counted(triples: np.ndarray, judge: Judge) -> dict[str, Any]:
    """Modes of triples (n, 28, 28, 3), each channel read by the judge, and KL to an even spread, in nats."""
    labels = np.stack([judge.labels(np.ascontiguousarray(triples[..., k : k + 1])) for k in range(3)], axis=1)
    found = metrics.tuple_modes(labels, 10)
    return {"n": len(triples), "modes": found.covered, "kl": round(found.kl_all, 5)}


def run_one(data: str, judge: Judge, pack: int, seed: int, asked: argparse.Namespace) -> dict[str, Any] | None:
    """Train one network, or go on, and count its modes: a line of results, or None if it was stopped."""
    digits = open_data(located(data), count=DIGITS).items
    learnt = Images(stacked(digits, asked.triples, seed), name="stacked")
    config = few_images.settings(data, asked.triples, seed, asked.steps)
    config = dataclasses.replace(config, channels=3, pack=pack)
    work = asked.work / f"pack{pack}"
    row = few_images.train(config, learnt, work)
    if row is None:
        return None
    recipe: Any = runs.load(work / name_of(row))
    z = recipe.latents(asked.samples, backend.generator([seed, 4]))
    found = {}
    for weights in few_images.WEIGHTS:
        recipe.draw_averaged = weights == "averaged"
        found[weights] = counted(to_uint8(recipe.generate(z)), judge)
    for name in ("n_fake", "drawn_per_second"):  # of the samples that few_images keeps
        del row[name]
    return {**row, "data": "stacked", "kind": f"GAN, pack {pack}", "pack": pack, "judge": judge.hash, **found}


def without_network(data: str, judge: Judge, asked: argparse.Namespace) -> list[dict[str, Any]]:
    """Lines of real triples of the test set and of draws of PCA."""
    folder = located(data).partition(":")[2]
    real = stacked(mnist(folder or None, "test").items, asked.samples, 0)
    triples = stacked(open_data(located(data), count=DIGITS).items, FITTED, 0)
    drawn = pca_samples(triples, asked.samples, COMPONENTS, backend.generator([0, 5]))
    of_pca = np.clip(np.rint(drawn), 0, 255).astype(np.uint8)
    facts = {"seed": 0, "judge": judge.hash, "accuracy": judge.scores["accuracy"]}
    return [
        {"kind": kind, **facts, "averaged": counted(items, judge)}
        for kind, items in (("real triples", real), (f"PCA, {COMPONENTS} numbers", of_pca))
    ]


def table(rows: list[dict[str, Any]]) -> str:
    """Modes and KL of each kind, seed by seed, and their means, as Markdown."""
    lines = [
        "| | updates | seeds | modes of 1,000 | KL to even, nats | raw weights: modes; KL |",
        "|---|---|---|---|---|---|",
    ]
    for kind in dict.fromkeys(row["kind"] for row in rows):
        some = [row for row in rows if row["kind"] == kind]
        steps = " ".join(dict.fromkeys(f"{row['steps']:,}" for row in some if "steps" in row)) or "–"
        cells = [_shown([row["averaged"][key] for row in some], digits) for key, digits in (("modes", 1), ("kl", 4))]
        raw = [_shown([row["raw"][key] for row in some if "raw" in row], d) for key, d in (("modes", 1), ("kl", 4))]
        seeds = " ".join(str(row["seed"]) for row in some)
        lines.append(f"| {kind} | {steps} | {seeds} | {cells[0]} | {cells[1]} | {'; '.join(raw) if raw[0] else '–'} |")
    n = rows[0]["averaged"]["n"]
    best = metrics.mode_ceilings(1000, n)
    lines.append(f"| a perfect sampler, {n:,} samples | – | – | {best['covered']:.1f} | {best['kl']:.4f} | – |")
    return "\n".join(lines) + "\n"


def _shown(values: list[float], digits: int) -> str:
    """The values, and of several their mean and deviation."""
    if not values:
        return ""
    each = " ".join(f"{value:.{digits}f}".removesuffix(".0") for value in values)
    if len(values) == 1:
        return each
    return f"{each} ({statistics.fmean(values):.{digits}f} ± {statistics.stdev(values):.{digits}f})"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="mnist", help="mnist:FOLDER; mnist is the one of MINIGEN_TEST_DATA")
    parser.add_argument("--packs", nargs="+", type=int, default=[1, 2], help="images that D judges at once")
    parser.add_argument("--seeds", type=seeds_of, default=list(range(3)), help="from-to, or one")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--triples", type=int, default=TRIPLES, help="to learn from")
    parser.add_argument("--samples", type=int, default=SAMPLES, help="to count modes of")
    parser.add_argument("--work", type=Path, default=Path("runs/stacked"), help="where runs are kept")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/experiments"))
    parser.add_argument("--table", action="store_true", help="run nothing; make stacked.md")
    asked = parser.parse_args()
    path = asked.out / RESULTS

    def command() -> int:
        if asked.table:
            head = (
                "# Stacked digits\n\nMade by `python -m benchmarks.experiments.stacked --table` from stacked.jsonl.\n\n"
            )
            path.with_suffix(".md").write_text(head + table(lines_of(path)), encoding="utf-8")
            return 0
        judge = judge_of(located(asked.data), 28, 1)
        assert judge is not None
        if not any(row["kind"] == "real triples" for row in lines_of(path)):
            for row in without_network(asked.data, judge, asked):
                append(path, row)
        done = {(row["kind"], row["seed"], row.get("steps")) for row in lines_of(path)}
        for seed in asked.seeds:
            for pack in asked.packs:
                if (f"GAN, pack {pack}", seed, asked.steps) in done:
                    continue
                row = run_one(asked.data, judge, pack, seed, asked)
                if row is None:
                    print("stopped; the same command goes on from here")
                    return 130
                append(path, row)
        return 0

    return console.run(command, "--triples or --samples")


if __name__ == "__main__":
    raise SystemExit(main())

"""From few images, diverse?  The article's GAN on 100, 1,000 and 10,000 images, measured on images it never saw.

    python -m benchmarks.experiments.few_images --data scenes mnist:FOLDER
    python -m benchmarks.experiments.few_images --data scenes mnist:FOLDER --measure
    python -m benchmarks.experiments.few_images --table

The article (场景生成, scene generation) says that a GAN makes images of high quality from a small number of samples.
Here its network at width ¼ is trained for as many updates on few images as on many, through the library's own recipe
and loop, five seeds each.  A seed decides the images that are taken, the weights and the noise; 100 images are the
first of the 1,000 of that seed.  No published result is set beside these: they are our own.  Their schedule is cut:
1,200 updates of 64 images are 8 passes over 10,000, where 20 would be due.  Rates are the recipe's for short runs; with
Radford et al.'s 2e-4 for both networks the one run that was tried (scenes, 100 images) still drew grey mist after 1,600
updates.

Training leaves a line of few_images.jsonl in `--out` for each (data, count, seed, steps), and its samples in `--work`.
Whatever is done is skipped, and a run that was stopped goes on from its checkpoint, when the same command is given
again.  `--data mnist` reads the folder mnist of MINIGEN_TEST_DATA.  Set OPENBLAS_NUM_THREADS=1 to keep to one core.
"""

import argparse
import dataclasses
import functools
import hashlib
import io
import json
import os
import platform
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np

import minigen
from benchmarks import machine
from benchmarks.experiments import few_images_measure, few_images_table
from benchmarks.experiments.few_images_data import COUNTS, RESULTS, images, kind_of, name_of
from benchmarks.experiments.results import append, lines_of, seeds_of
from minigen import backend, console
from minigen.data import Batches, Images, to_uint8
from minigen.files import write_atomically
from minigen.train import checkpoint as checkpoints
from minigen.train import runs
from minigen.train.album import Album
from minigen.train.gan import Config, Gan
from minigen.train.loop import Loop, Plan
from minigen.train.progress import Progress
from minigen.train.sources import Source

BATCH = 64
STEPS = 1_200
LOSSES = ("discriminator", "generator")
WEIGHTS = ("averaged", "raw")
SAMPLES = 5_000  # drawn of each run, with averaged weights and with raw ones from the same noise


class Blank(Album):
    """Draws nothing: of a run this experiment wants its samples, which are stored as bytes."""

    shown = 2

    def begin(self) -> None:
        """Nothing."""

    def draw(self, samples: np.ndarray) -> None:
        """Nothing."""

    def finish(self, metrics: Any) -> None:
        """Nothing."""


# One run ------------------------------------------------------------------------------------------------------------


def settings(data: str, count: int, seed: int, steps: int) -> Config:
    """The article's network at width ¼; all else as the recipe has it, written out where results hang on it."""
    return Config(
        data=kind_of(data),
        count=count,
        steps=steps,
        batch=BATCH,
        width=0.25,
        loss="nonsaturating",
        learning_rate=5e-4,
        d_learning_rate=1e-3,
        beta1=0.5,
        beta2=0.99,
        ema=0.995,
        seed=seed,
    )


def train(config: Config, learnt: Images, work: Path) -> dict[str, Any] | None:
    """Train, or go on training, one network; store its samples; its line of results, or None if it was stopped."""
    batches = Batches(learnt.items, config.batch, seed=config.seed)
    recipe = Gan(config)
    recipe.planned = config.steps
    facts = {
        "config": {"recipe": "gan", **dataclasses.asdict(config)},
        "about": {},
        "data_name": learnt.name,
        "data_hash": learnt.fingerprint,
        "data_count": len(learnt),
    }
    row: dict[str, Any] = {"data": config.data, "count": len(learnt), "seed": config.seed, "steps": config.steps}
    run = work / name_of(row)
    if list((run / "checkpoints").glob("step_*.safetensors")):
        path = runs.newest_checkpoint(run)
        saved = checkpoints.load(path)
        runs.restore(recipe, saved, path)
        batches.restore(saved.facts["place"])
        facts["seconds"] = saved.facts["seconds"]
        runs.carry_metrics(run, run, recipe.step_count)
    else:
        (run / "checkpoints").mkdir(parents=True, exist_ok=True)
        (run / "metrics.jsonl").unlink(missing_ok=True)
    runs.write_config(run, "gan", config, data_name=learnt.name, data_hash=learnt.fingerprint, data_count=len(learnt))
    plan = Plan(run=run, steps=config.steps, sample_every=config.steps, save_seconds=60, keep=1)
    loop = Loop(recipe, Blank(run, recipe, Source(learnt, None, {})), batches, plan, facts)
    print(run.name, flush=True)
    with Progress(recipe.shown, recipe.step_count, config.steps, line_seconds=60) as progress:
        outcome = loop.train(progress)
    if outcome.reason != "done":
        return None
    metrics = runs.read_metrics(run)
    last = metrics[-100:]
    return row | {
        "label": "own",
        "schedule": f"truncated: {config.steps:,} updates of at most {config.batch} images",
        "passes": round(config.steps / batches.steps_per_epoch, 1),
        "config": hashlib.sha256(repr(config).encode()).hexdigest()[:12],
        "data_hash": learnt.fingerprint,
        "seconds": round(loop.seconds, 1),
        "images_per_second": round(statistics.median(m["images_per_second"] for m in metrics), 1),
        **{f"last_{key}": round(statistics.fmean(m[key] for m in last), 4) for key in LOSSES},
        **draw(recipe, work / f"{run.name}.npz"),
        "device": device(),
        "versions": f"minigen {minigen.__version__}, NumPy {np.__version__}, Python {platform.python_version()}",
    }


def draw(recipe: Gan, path: Path) -> dict[str, Any]:
    """Store samples with averaged and with raw weights, of the same noise, uint8 (n, H, W, C); how many, how fast."""
    z = recipe.latents(SAMPLES, backend.generator([recipe.config.seed, 4]))
    drawn, began = {}, time.perf_counter()
    for weights in WEIGHTS:
        recipe.draw_averaged = weights == "averaged"
        drawn[weights] = to_uint8(recipe.generate(z))
    seconds = time.perf_counter() - began
    file = io.BytesIO()
    np.savez_compressed(file, **drawn)
    write_atomically(path, file.getvalue())
    return {"n_fake": SAMPLES, "drawn_per_second": round(len(WEIGHTS) * SAMPLES / seconds)}


@functools.cache
def device() -> str:
    """The processor, and on how many threads of it products were computed."""
    threads = os.environ.get("OPENBLAS_NUM_THREADS", "all")
    return f"{machine.describe(os.environ)['cpu']}, OPENBLAS_NUM_THREADS {threads}"


# All runs -----------------------------------------------------------------------------------------------------------


def train_all(asked: argparse.Namespace) -> int:
    """Train whatever is not done yet, seed by seed, so that each seed's counts can be compared early."""
    for data in asked.data:
        for seed in asked.seeds:
            for count in asked.counts:
                config = settings(data, count, seed, asked.steps)
                path = asked.out / RESULTS
                if name_of(dataclasses.asdict(config)) in {name_of(row) for row in lines_of(path)}:
                    continue
                row = train(config, images(data, count, seed), asked.work)
                if row is None:
                    print("stopped; the same command goes on from here")
                    return 130
                append(path, row)
                print(json.dumps(row, ensure_ascii=False), flush=True)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", default=["scenes"], help="scenes, mnist:FOLDER, or both")
    parser.add_argument("--counts", nargs="+", type=int, default=list(COUNTS))
    parser.add_argument("--seeds", type=seeds_of, default=list(range(5)), help="such as 0-4")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--work", type=Path, default=Path("runs/few_images"), help="where runs and samples are kept")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/experiments"))
    parser.add_argument("--measure", action="store_true", help="measure the samples that training has left")
    parser.add_argument("--items", type=int, default=2_500, help="real images, and samples, to measure with")
    parser.add_argument("--table", action="store_true", help="what was measured, as few_images.md, with pictures")
    asked = parser.parse_args()

    def command() -> int:
        if asked.table:
            return few_images_table.write(asked.out)
        if asked.measure:
            return few_images_measure.measure_all(asked)
        return train_all(asked)

    return console.run(command, "--counts or --items")


if __name__ == "__main__":
    raise SystemExit(main())

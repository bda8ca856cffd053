"""`python -m minigen.evaluate RUN`: what a trained model is worth in numbers, each beside what needs no model."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

import minigen
from minigen import backend, console
from minigen.errors import DataError
from minigen.evaluate_bounds import bounds
from minigen.evaluate_images import image_tables
from minigen.evaluate_motion import motion_tables
from minigen.evaluate_samples import sample_tables
from minigen.files import write_atomically
from minigen.train import checkpoint as checkpoints
from minigen.train import loop, report, runs
from minigen.train.recipes import RECIPES
from minigen.train.settings import at_least
from minigen.train.table import Table

USAGE = """Measure a trained model beside baselines: its samples, and of a VAE what it makes of held-out items.

examples:
  python -m minigen.evaluate runs/0001-gan-scenes
  python -m minigen.evaluate runs/0001-vae-scenes --samples 2000
  python -m minigen.evaluate runs/0002-vae-motion
  python -m minigen.evaluate runs/0003-vae-mnist --k 5000 --items 10000      (as the IWAE paper does; hours)"""


@dataclass(frozen=True)
class Options:
    run: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RUN")]
    """A run folder, or one checkpoint in it."""
    k: int = 100
    """Of a VAE: draws of z for each item in L_k, the bound that tightens towards log p(x). The IWAE paper: 5000."""
    items: int = 300
    """Of a VAE: how many held-out items to measure bounds and reconstructions on, at most."""
    samples: int = 0
    """How many samples to draw, and real items to hold them against. 0 takes 1000, of clips 200; and of motion 200 to
    see how they move."""
    seed: int = 0
    """Decides what is drawn: binarisation, z, samples."""
    cache: Path | None = None
    """Folder of the judges, the networks that read samples. Default: $MINIGEN_CACHE/judges, or the user's cache."""
    backend: Literal["numpy", "cupy", "auto"] = "numpy"
    """Where the network runs: numpy on the CPU, cupy on an NVIDIA GPU, auto on the GPU if one can be used."""


def main(argv: list[str] | None = None) -> int:
    """The command; returns the exit status: 0 done, 2 bad input."""

    def command() -> int:
        options = console.asked(Options, "evaluate", USAGE, argv)
        for table in evaluate(options):
            print(table, end="\n\n")
            for verdict in table.verdicts():
                print(verdict)
            print()
        return 0

    return console.run(command, "--k or --items")


def evaluate(options: Options) -> list[Table]:
    """Measure, print nothing, and leave evaluation.json and a new report in the run's folder; returns the tables."""
    for name, least in {"k": 1, "items": 2, "samples": 0, "seed": 0}.items():
        at_least(name, getattr(options, name), least)
    if options.samples == 1:
        at_least("samples", options.samples, 2)
    run, path = runs.locate(options.run)
    saved = checkpoints.load(path)
    name = saved.facts["config"]["recipe"]
    backend.use(options.backend)
    recipe = runs.load(options.run)
    source = RECIPES[name].open(recipe.config)
    loop.check_same_data(saved.facts, source.data, run)
    facts: dict[str, Any] = {
        "step": recipe.step_count,
        "samples": options.samples,
        "seed": options.seed,
        "data": source.data.name,
        "data_hash": source.data.fingerprint,
        "minigen": minigen.__version__,
    }
    tables: list[Table] = []
    if name == "vae":
        tables, facts = _of_vae(recipe, source, options), {**facts, "k": options.k, "items": options.items}
    found, more = sample_tables(recipe, source, options)
    tables, facts = [*tables, *found], {**facts, **more}
    facts["tables"] = [table.as_json() for table in tables]
    text = json.dumps(facts, indent=2, ensure_ascii=False) + "\n"
    write_atomically(run / "evaluation.json", text.encode())
    report.write_report(run)
    return tables


def _of_vae(recipe: Any, source: Any, options: Options) -> list[Table]:
    """The tables of bounds and of reconstructions; DataError where too few items are held out for them."""
    measured = source.held_out or source.data
    if len(measured) < 2:
        raise DataError(
            f"{options.run}: only {len(measured)} {recipe.unit} is held out of its training, too few to measure on. "
            "Train with a smaller --stride or a larger --held-out."
        )
    if recipe.config.moves:
        return [*bounds(recipe, source, options), *motion_tables(recipe, source, options)]
    return [*bounds(recipe, source, options), *image_tables(recipe, source, options)]


if __name__ == "__main__":
    raise SystemExit(main())

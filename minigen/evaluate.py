"""`python -m minigen.evaluate RUN`: what a trained VAE is worth in numbers, each beside what needs no model."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

import minigen
from minigen import backend, console
from minigen.errors import DataError, SettingError
from minigen.evaluate_bounds import bounds
from minigen.evaluate_images import image_tables
from minigen.evaluate_motion import motion_tables
from minigen.files import write_atomically
from minigen.train import checkpoint as checkpoints
from minigen.train import loop, report, runs
from minigen.train.recipes import RECIPES
from minigen.train.settings import at_least
from minigen.train.table import Table

USAGE = """Measure a trained VAE on items held out of its training, beside baselines.

examples:
  python -m minigen.evaluate runs/0001-vae-scenes
  python -m minigen.evaluate runs/0002-vae-motion
  python -m minigen.evaluate runs/0003-vae-mnist --k 5000 --items 10000      (as the IWAE paper does; hours)"""


@dataclass(frozen=True)
class Options:
    run: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RUN")]
    """A run folder, or one checkpoint in it."""
    k: int = 100
    """Draws of z for each item in L_k, the bound that tightens towards log p(x). The IWAE paper: 5000."""
    items: int = 300
    """How many held-out items to measure on, at most."""
    samples: int = 200
    """How many samples to draw, of motion, for what is measured on samples."""
    seed: int = 0
    """Decides what is drawn: binarisation, z, samples."""
    backend: Literal["numpy", "cupy"] = "numpy"
    """Where the network runs: numpy on the CPU, cupy on an NVIDIA GPU."""


def main(argv: list[str] | None = None) -> int:
    """The command; returns the exit status: 0 done, 2 bad input."""

    def command() -> int:
        options = tyro.cli(
            Options,
            prog="python -m minigen.evaluate",
            description=USAGE,
            args=sys.argv[1:] if argv is None else argv,
            config=(tyro.conf.FlagCreatePairsOff,),
        )
        for table in evaluate(options):
            print(table, end="\n\n")
            for verdict in table.verdicts():
                print(verdict)
            print()
        return 0

    return console.run(command, "--k or --items")


def evaluate(options: Options) -> list[Table]:
    """Measure, print nothing, and leave evaluation.json and a new report in the run's folder; returns the tables."""
    for name, least in {"k": 1, "items": 2, "samples": 2, "seed": 0}.items():
        at_least(name, getattr(options, name), least)
    run, path = runs.locate(options.run)
    saved = checkpoints.load(path)
    name = saved.facts["config"]["recipe"]
    if name != "vae":
        raise SettingError(f"{options.run}: it is a run of {name}; this command measures runs of vae.")
    backend.use(options.backend)
    recipe = runs.load(options.run)
    source = RECIPES[name].open(recipe.config)
    loop.check_same_data(saved.facts, source.data, run)
    measured = source.held_out or source.data
    if len(measured) < 2:
        raise DataError(
            f"{options.run}: only {len(measured)} {recipe.unit} is held out of its training, too few to measure on. "
            "Train with a smaller --stride or a larger --held-out."
        )
    tables = [*bounds(recipe, source, options)]
    tables += (motion_tables if recipe.config.moves else image_tables)(recipe, source, options)
    facts: dict[str, Any] = {
        "step": recipe.step_count,
        "k": options.k,
        "items": options.items,
        "samples": options.samples,
        "seed": options.seed,
        "data": source.data.name,
        "data_hash": source.data.fingerprint,
        "minigen": minigen.__version__,
        "tables": [table.as_json() for table in tables],
    }
    text = json.dumps(facts, indent=2, ensure_ascii=False) + "\n"
    write_atomically(run / "evaluation.json", text.encode())
    report.write_report(run)
    return tables


if __name__ == "__main__":
    raise SystemExit(main())

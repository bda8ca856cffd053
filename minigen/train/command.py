"""`python -m minigen.train RECIPE …`: flags from the recipe's Config, checks before anything is made, then the loop."""

import dataclasses
import difflib
import math
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from minigen import backend, console
from minigen.data import Batches, Clips, Images
from minigen.data.motions import Motions
from minigen.errors import DataError, SettingError
from minigen.train import checkpoint as checkpoints
from minigen.train import loop, runs
from minigen.train.announce import describe, rehearse
from minigen.train.graph import LINE_EVERY, stepping
from minigen.train.options import Options
from minigen.train.progress import Progress
from minigen.train.recipes import RECIPES

USAGE = """Train a generative model: python -m minigen.train RECIPE [--flags]

recipes
  gan    the article's GAN (DCGAN) on film stills, MNIST, your images or a film; effects and windows of film as clips
  vae    the article's VAE on the same, and on characters in motion: built-in, or BVH files

examples
  python -m minigen.train gan                                    # built-in film stills, about three minutes
  python -m minigen.train vae                                    # the same stills, about two minutes
  python -m minigen.train vae --data motion                      # characters that walk, run, jump and wave
  python -m minigen.train vae --data bvh:clips/ --condition style
  python -m minigen.train gan --data images:my_stills/ --channels 3 --size 64
  python -m minigen.train gan --data effects:fire                # clips that come round, about three minutes
  python -m minigen.train gan --condition time,haze              # told of each still, so that it can be asked for
  python -m minigen.train gan --preset article --data mnist      # the article's exact network
  python -m minigen.train gan --resume runs/0001-gan-scenes --steps 5000
  python -m minigen.train gan --help                             # every flag, its default and its reason"""


def main(arguments: list[str] | None = None) -> int:
    """The command; returns the exit status: 0 done, 2 bad input or a stopped run, 130 after Ctrl-C."""
    given = sys.argv[1:] if arguments is None else arguments
    return console.run(lambda: _main(given), "--width, --batch, --latent or --count")


def _main(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE)
        return 0
    recipe, flags = arguments[0], arguments[1:]
    if recipe not in RECIPES:
        close = difflib.get_close_matches(recipe, RECIPES, 1)
        hint = f"did you mean {close[0]}?" if close else f"there is {', '.join(RECIPES)}."
        raise SettingError(f"{recipe!r} is no recipe; {hint}")
    config, options = parse(recipe, flags)
    options = dataclasses.replace(options, backend=backend.use(options.backend))
    backend.use_precision(options.precision)
    if options.graph and options.backend == "numpy":
        raise SettingError("--graph: NumPy has no graphs. Leave it out, or add --backend cupy.")
    command = shlex.join(["python", "-m", "minigen.train", *arguments])
    return _train(recipe, config, options, command)


# Flags --------------------------------------------------------------------------------------------------------------

LENGTH = ("steps", "epochs")  # what a resumed run may change


def parse(recipe: str, flags: list[str]) -> tuple[Any, Options]:
    """(Config, Options) of a command line; with --resume the saved settings, which flags may only lengthen."""
    import tyro

    kind = RECIPES[recipe].config
    presets = RECIPES[recipe].presets
    preset = _value_of("--preset", flags) or "default"
    if preset not in presets:
        raise SettingError(f"--preset {preset}: {recipe} has {', '.join(presets)}.")
    default = presets[preset]
    resume = _value_of("--resume", flags)
    saved = None
    if resume is not None:
        run, path = runs.locate(Path(resume))
        facts = checkpoints.load(path).facts["config"]
        saved = default = runs.config_of(facts, path)
        if facts["recipe"] != recipe:
            raise SettingError(
                f"--resume {resume}: that is a run of {facts['recipe']}, not of {recipe}; go on with "
                f"python -m minigen.train {facts['recipe']} --resume {shlex.quote(resume)}."
            )

    @dataclass(frozen=True)
    class Command:
        config: Annotated[kind, tyro.conf.arg(name="")] = default  # type: ignore[valid-type]
        options: Annotated[Options, tyro.conf.arg(name="")] = Options()

    Command.__doc__ = f"Train the recipe {recipe}."
    command = tyro.cli(Command, args=flags, prog=f"python -m minigen.train {recipe}")
    config = command.config
    if "--steps" in _names(flags) and "--epochs" in _names(flags):
        raise SettingError("--steps and --epochs both say how long to train; give one of them.")
    if "--steps" in _names(flags):
        config = dataclasses.replace(config, epochs=0.0)
    if saved is not None:
        _refuse_beside_resume(_names(flags), path == runs.newest_checkpoint(run))
        for field in dataclasses.fields(config):
            before, now = getattr(saved, field.name), getattr(config, field.name)
            if before != now and field.name not in LENGTH:
                flag = "--" + field.name.replace("_", "-")
                raise SettingError(
                    f"--resume {resume}: that run has {flag} {before}, not {now}. Leave {flag} out, or start a new run."
                )
    for name, where in getattr(config, "idle", {}).items():
        flag = "--" + name.replace("_", "-")
        if flag in _names(flags) and saved is None:
            raise SettingError(f"{flag} acts {where} only; leave it out.")
    return getattr(config, "resolved", lambda: config)(), command.options


def _refuse_beside_resume(names: list[str], in_place: bool) -> None:
    """SettingError for flags that could not act on a resumed run."""
    if "--preset" in names:
        raise SettingError("--preset gives a new run its defaults; a resumed run has its own. Leave --preset out.")
    if in_place and ("--out" in names or "--name" in names):
        raise SettingError("--resume goes on in the run's own folder; leave --out and --name out.")


def _names(flags: list[str]) -> list[str]:
    """The flags' names as tyro reads them: --d_steps is --d-steps, --steps=5 is --steps."""
    return [flag.partition("=")[0].replace("_", "-") for flag in flags if flag.startswith("--")]


def _value_of(name: str, flags: list[str]) -> str | None:
    """The value given for a flag that decides the others' defaults, before the others are read."""
    for i, flag in enumerate(flags):
        if flag == name and i + 1 < len(flags):
            return flags[i + 1]
        if flag.startswith(name + "="):
            return flag.partition("=")[2]
    return None


# The run ------------------------------------------------------------------------------------------------------------


def _train(recipe_name: str, config: Any, options: Options, command: str) -> int:
    source = RECIPES[recipe_name].open(config)
    data = source.data
    for note in data.notes:
        print(note)
    smallest = max(2, getattr(config, "pack", 1))  # batch normalisation and packing need so many at once
    batches = Batches(data.items, config.batch, seed=config.seed, smallest=smallest, labels=source.told)
    steps = total_steps(config, batches)
    recipe = RECIPES[recipe_name].make(config, source.about)
    recipe.planned = steps
    settings = {"recipe": recipe_name, **dataclasses.asdict(config)}
    facts = {
        "config": settings,
        "about": source.about,
        "data_name": data.name,
        "data_hash": data.fingerprint,
        "data_count": len(data),
    }
    resumed = _resume(options, recipe, batches, data, facts) if options.resume else None
    if recipe.step_count >= steps:
        raise SettingError(
            f"--resume {options.resume}: it is at step {recipe.step_count} already; ask for more with --steps."
        )
    print(describe(recipe, data, batches, steps, f"{options.backend} in {options.precision}"))
    if options.dry_run:
        with stepping(recipe, batches, graph=options.graph) as (step, _):
            print(rehearse(recipe, batches, steps, step))
        return 0

    run = _folder(resumed, recipe_name, data, options, recipe.step_count)
    with runs.held(run), stepping(recipe, batches, graph=options.graph) as (step, graph):
        if resumed:
            runs.carry_metrics(resumed[0], run, recipe.step_count)
        runs.write_config(
            run,
            recipe_name,
            config,
            command=command,
            backend=options.backend,
            precision=options.precision,
            graph=graph,
            licence=options.licence if options.licence != "unknown" else data.licence,
            data_name=data.name,
            data_hash=data.fingerprint,
            data_count=len(data),
            environment=loop.environment(),
        )
        plan = loop.Plan(
            run=run,
            steps=steps,
            sample_every=max(1, steps // options.pictures),
            save_seconds=options.save_minutes * 60,
            keep=options.keep,
            stop_seconds=options.max_minutes * 60 or math.inf,
            metrics_every=options.metrics_every or (LINE_EVERY if graph else 1),
        )
        print(f"{recipe.reading}\nrun folder: {run}")
        album = RECIPES[recipe_name].album(run, recipe, source)
        training = loop.Loop(recipe, album, batches, plan, facts, step)
        items = {Motions: "windows", Clips: "clips"}.get(type(data), "img")
        with Progress(recipe.shown, recipe.step_count, steps, items=items) as progress:
            outcome = training.train(progress)
        go_on = f"python -m minigen.train {recipe_name} --resume {shlex.quote(str(run))}"
        if outcome.reason != "done":
            print(f"{outcome.reason} after step {outcome.step}, saved; to go on: {go_on}")
        print(f"{outcome.step} steps in {training.seconds:.0f} s; open {run / 'report.html'}")
        for line in album.sayings():
            print(line)
        return 130 if outcome.reason == "interrupted" else 0


def total_steps(config: Any, batches: Batches) -> int:
    """The step to train until: --steps, or --epochs times the steps of one pass."""
    if not config.epochs:
        return config.steps
    return max(1, round(config.epochs * batches.steps_per_epoch / getattr(config, "d_steps", 1)))


def _resume(
    options: Options, recipe: Any, batches: Batches, data: Images | Clips | Motions, facts: dict[str, Any]
) -> tuple[Path, Path]:
    """Bring recipe and batches to where the checkpoint was taken; returns (run, checkpoint)."""
    assert options.resume is not None
    run, path = runs.locate(options.resume)
    saved = checkpoints.load(path)
    loop.check_same_data(saved.facts, data, run)
    before, now = (", ".join(f.get("about", {}).get("classes", [])) or "none" for f in (saved.facts, facts))
    if before != now:
        raise DataError(f"{run}: it was trained on other classes ({before}) than --data gives now ({now}).")
    runs.restore(recipe, saved, path)
    batches.restore(saved.facts["place"])
    facts["seconds"] = saved.facts["seconds"]
    return run, path


def _folder(
    source: tuple[Path, Path] | None, recipe_name: str, data: Images | Clips | Motions, options: Options, step: int
) -> Path:
    """The folder to write into: a new one; on resuming the old one, or a new one if that had gone further."""
    name = options.name or f"{recipe_name}-{data.name}"
    if source is None:
        return runs.create(options.out, name)
    run, path = source
    if path != runs.newest_checkpoint(run):
        return runs.create(options.out, options.name or f"{run.name[5:]}-from-{step}")
    return run

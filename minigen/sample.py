"""`python -m minigen.sample RUN`: images, clips or motion by seed, walks and loops through a trained run's latents."""

import hashlib
import io
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

import minigen
from minigen import backend, console, sample_images, sample_motion
from minigen.errors import DataError
from minigen.files import write_atomically
from minigen.motion import Clip, feature_names
from minigen.sample_plan import Options, Plan, check_html, plans
from minigen.train import runs
from minigen.walks import point

USAGE = """Draw images, clips or motion, walks and loops from a trained run.

images:
  python -m minigen.sample runs/0001-gan-scenes                               (a grid of seeds 0 to 63)
  python -m minigen.sample runs/0001-gan-scenes --seeds 3,7,12 --loop         (a seamless loop as GIF)
  python -m minigen.sample runs/0001-gan-scenes --seeds 0-5 --walk --out walk.mp4
  python -m minigen.sample runs/0001-gan-scenes --seeds 7 --loop --frames-between 96 --out shot/dawn.####.png
  python -m minigen.sample runs/0001-gan-scenes --seeds 0-999 --out images.npz
  python -m minigen.sample runs/0001-gan-scenes --html explorer.html          (sliders, in any browser; clips play)

clips:
  python -m minigen.sample runs/0004-gan-fire                                 (a film of seeds 0 to 7)
  python -m minigen.sample runs/0004-gan-fire --seeds 3 --out fire.mp4 --repeat 4
  python -m minigen.sample runs/0004-gan-fire --seeds 0-3 --alpha --out shot/fire.{seed}.####.png
  python -m minigen.sample runs/0004-gan-fire --seeds 0-3 --alpha --out fire.json   (a sprite sheet)

motion:
  python -m minigen.sample runs/0002-vae-motion                               (a film of seeds 0 to 7)
  python -m minigen.sample runs/0002-vae-motion --seeds 3 --out walk.bvh --fps 24
  python -m minigen.sample runs/0002-vae-motion --seeds 0-31 --out crowd/figure.##.bvh
  python -m minigen.sample runs/0002-vae-motion --seeds 3 --loop --out cycle.bvh
  python -m minigen.sample runs/0002-vae-motion --seeds 2,5 --walk --out between.mp4
  python -m minigen.sample runs/0003-vae-clips --label happy --out happy.gif
  python -m minigen.sample runs/0003-vae-clips --clip walk_old_001.bvh --label happy --out happier.bvh

Blender: File > Import > Motion Capture (.bvh); turn Update Scene FPS on; Scale 0.01 for clips in centimetres."""


def main(argv: list[str] | None = None) -> int:
    """The command; returns the exit status: 0 done, 2 bad input."""
    return console.run(lambda: _main(console.asked(Options, "sample", USAGE, argv)), "--seeds, --scale or --columns")


def _main(options: Options) -> int:
    paths = sample(options)
    more = f" to {paths[-1].name}, {len(paths)} files" if len(paths) > 1 else ""
    print(f"wrote {paths[0]}{more}")
    return 0


def sample(options: Options) -> list[Path]:
    """Draw what is asked and write it; returns the files.  Every flag is checked before anything is drawn."""
    if options.html is not None:
        check_html(options)
    if os.path.isfile(options.run) and options.run.suffix != ".safetensors":
        raise DataError(f"{options.run}: neither a run's folder nor a checkpoint (.safetensors). Name one of them.")
    backend.use(options.backend)
    recipe = runs.load(options.run, averaged=not options.raw)
    if options.html is not None:
        from minigen.explorer import write_explorer

        notes = _origin(options, recipe) | _licence(options.run)
        return [write_explorer(recipe, options.html, force=options.force, notes=notes)]
    planned = plans(options, recipe)
    if options.loop and planned[0].frames > 1:
        print(f"clips of this run come round by themselves: after frame {planned[0].frames} comes the first")
    return [path for asked in planned for path in _make(options, recipe, asked)]


def _make(options: Options, recipe: Any, asked: Plan) -> list[Path]:
    """Draw one plan and write it."""
    notes = _notes(options, recipe, asked)
    originals: list[Clip] = []
    if options.clip is None:
        z, classes = _latents(options, recipe, asked)
    else:
        z, classes, originals, told = sample_motion.encoded(options.clip, recipe, asked.label)
        notes |= told
    items = draw(recipe, z, classes, passing=asked.between > 0)

    if asked.moves:
        clips = sample_motion.clips(recipe, items, classes, options, asked)
        if asked.kind != "arrays":
            return sample_motion.write(clips, originals, recipe.carrier, options, asked, notes)
        items = sample_motion.features(recipe, items, clips)
    if asked.kind == "arrays":
        _save_arrays(recipe, items, z, classes, asked, notes)
        return [asked.out]
    return sample_images.write(items, getattr(recipe, "loops", False), options, asked, notes)


# What to draw -------------------------------------------------------------------------------------------------------


def latent(recipe: Any, seed: int) -> np.ndarray:
    """The z of one seed, float32 (latent,): the first draw of a generator of its own."""
    return minigen.tensor(recipe.latents(1, backend.generator(seed))).numpy()[0]


def _latents(options: Options, recipe: Any, asked: Plan) -> tuple[np.ndarray, np.ndarray | None]:
    """z of every item, those between seeds too, and their classes."""
    keys = np.stack([latent(recipe, seed) for seed in asked.seeds])
    if not asked.between:
        return keys, turns(recipe, asked)
    prior = getattr(recipe.config, "prior", "normal")
    z = [point(keys, k, asked.between, options.loop, prior) for k in range(asked.count)]
    return np.stack(z), turns(recipe, asked)


def turns(recipe: Any, asked: Plan) -> np.ndarray | None:
    """What is told of each item: class numbers (count,), rows of factors (count, Q), None where a run is told nothing.

    What is asked; else classes are seed mod classes, and factors are drawn by the seed.  So a seed has one of them
    whatever is drawn beside it; between seeds it stays that of the first.
    """
    seeds = asked.seeds[:1] * asked.count if asked.between else asked.seeds
    condition = getattr(recipe, "condition", None)
    if condition is not None and condition.factors:
        drawn = [condition.drawn(1, backend.generator([seed, 1]))[0] for seed in seeds]
        return np.stack([condition.row(asked.factors, rest=row) for row in drawn])
    K = len(getattr(recipe, "classes", []))
    if not K:
        return None
    if asked.label is not None:
        return np.full(asked.count, asked.label)
    return np.array([seed % K for seed in seeds])


def draw(recipe: Any, z: np.ndarray, classes: np.ndarray | None = None, *, passing: bool = False) -> np.ndarray:
    """What the latents (N, Z) become, images (N, H, W, C), clips (N, T, H, W, C) or features (N, T, F), each alone.

    In a batch the last bits of an item depend on how many others there are; so one seed is one item, to the bit.
    passing: of clips only the frame at which a film that passes through them is, frame i mod T of clip i, so that what
    moves in them moves on: (N, H, W, C).
    """
    from rich.console import Console
    from rich.progress import track

    shown = track(
        range(len(z)), "drawing", console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
    )
    drawn = []
    for i in shown:
        x = recipe.generate(z[i : i + 1], *(() if classes is None else (classes[i : i + 1],)))
        drawn.append(x[:, i % x.shape[1]] if passing and x.ndim == 5 else x)
    return np.concatenate(drawn)


# What to write ------------------------------------------------------------------------------------------------------


def _origin(options: Options, recipe: Any) -> dict[str, str]:
    """The run that a file comes from."""
    averaged = bool(getattr(recipe.config, "ema", 0)) and not options.raw
    return {
        "Software": f"minigen {minigen.__version__}",
        "run": options.run.resolve().name,
        "step": str(recipe.step_count),
        "settings": hashlib.sha256(repr(recipe.config).encode()).hexdigest()[:12],
        "weights": "averaged" if averaged else "raw",
    }


def _licence(run: Path) -> dict[str, str]:
    """The licence of what a run learnt from, where its folder says so; a checkpoint by itself does not."""
    folder = run.parent.parent if run.suffix == ".safetensors" else run
    try:
        return {"licence": str(runs.read_config(folder)["licence"])}
    except (DataError, KeyError):
        return {}


def _notes(options: Options, recipe: Any, asked: Plan) -> dict[str, str]:
    """What a file says about its origin, and what was asked of it."""
    notes = _origin(options, recipe)
    if options.clip is None:
        notes["seeds"] = asked.text
    if asked.between:
        unit = "clips" if asked.moves else "frames"
        notes["loop" if options.loop else "walk"] = f"{asked.between} {unit} from seed to seed"
    elif options.loop:
        notes["loop"] = "each clip as it is" if asked.frames > 1 else "the part of each clip that comes round"
    if "#" in asked.out.name and (asked.between or asked.frames > 1):
        notes["fps"] = f"{float(asked.fps):g}"
    if getattr(recipe, "classes", []) and options.clip is None:
        notes["class"] = options.label or ("the first seed's" if asked.between else "in turn, by the seed")
    if told := [factor.name for factor in getattr(getattr(recipe, "condition", None), "factors", ())]:
        by_seed = ", ".join(name for name in told if name not in asked.factors)
        notes["factors"] = " ".join([*options.set, *([f"({by_seed} by the seed)"] if by_seed else [])])
    return notes


def _save_arrays(
    recipe: Any, items: np.ndarray, z: np.ndarray, classes: np.ndarray | None, asked: Plan, notes: dict[str, str]
) -> None:
    file = io.BytesIO()
    if asked.out.suffix.lower() == ".npy":
        np.save(file, items)
    else:
        found: dict[str, Any] = {**notes, "latents": z, "seeds": np.array(asked.seeds, np.int64)}
        if classes is not None:
            found |= {"told": classes} if classes.ndim > 1 else {"classes": np.array(recipe.classes)[classes]}
        if asked.moves:
            found |= {"features": items, "names": np.array(feature_names(recipe.skeleton)), "fps": float(asked.fps)}
        elif asked.frames > 1:
            found |= {"clips": items, "fps": float(asked.fps)}
        else:
            found["images"] = items
        np.savez_compressed(file, **found)
    write_atomically(asked.out, file.getvalue())


if __name__ == "__main__":
    raise SystemExit(main())

"""`python -m minigen.sample RUN`: images by seed, walks and loops through the latent space of a trained run."""

import hashlib
import io
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import tyro

import minigen
from minigen import backend
from minigen.errors import DataError, SettingError
from minigen.train import animation, console, pictures, runs
from minigen.train.checkpoint import write_atomically
from minigen.walks import point

MOST = 1_000_000  # seeds, or frames, at a time

USAGE = """Draw images, walks and loops from a trained run.

examples:
  python -m minigen.sample runs/0001-gan-scenes                               (a grid of seeds 0 to 63)
  python -m minigen.sample runs/0001-gan-scenes --seeds 3,7,12 --loop         (a seamless loop as GIF)
  python -m minigen.sample runs/0001-gan-scenes --seeds 0-5 --walk --out walk.mp4
  python -m minigen.sample runs/0001-gan-scenes --seeds 7 --loop --frames-between 96 --out shot/dawn.####.png
  python -m minigen.sample runs/0001-gan-scenes --seeds 0-999 --out images.npz"""


@dataclass(frozen=True)
class Options:
    run: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RUN")]
    """A run folder, or one checkpoint in it."""
    seeds: str = ""
    """Which images: 7, or 0-63, or 1,5,9. One seed is one image, always. Default: 0-63; 0-7 for --walk and --loop."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """.png (a grid), .gif, .mp4, name.####.png, .npy or .npz (floats). Default: RUN/samples/, named after the seeds."""
    force: bool = False
    """Overwrite files that exist already."""
    raw: bool = False
    """Draw with the last weights and not with their average."""
    backend: Literal["numpy", "cupy"] = "numpy"
    """Where the network runs: numpy on the CPU, cupy on an NVIDIA GPU."""
    columns: Annotated[int | None, tyro.conf.arg(metavar="INT")] = None
    """Images in a row of the grid. Default: as many as there are rows."""
    scale: Annotated[int | None, tyro.conf.arg(metavar="INT")] = None
    """Repeat every pixel so many times each way. Default: until one can see something; 1 for name.####.png."""
    walk: bool = False
    """A film from seed to seed, along great circles of the latent space."""
    loop: bool = False
    """A walk that returns from the last seed to the first without a seam; of one seed, a circle through its latent."""
    frames_between: int = 24
    """Frames from one seed to the next; of a loop of one seed, its length."""
    fps: float = 24.0
    """Frames a second. 23.976 and 29.97 are taken as 24000/1001 and 30000/1001."""
    repeat: int = 1
    """Rounds in an .mp4, which cannot loop by itself."""
    start: int = 1
    """Number of the first name.####.png."""


def main(argv: list[str] | None = None) -> int:
    """The command; returns the exit status: 0 done, 2 bad input."""
    options = tyro.cli(
        Options,
        prog="python -m minigen.sample",
        description=USAGE,
        args=sys.argv[1:] if argv is None else argv,
        config=(tyro.conf.FlagCreatePairsOff,),
    )
    return console.run(lambda: _main(options), "--seeds, --scale or --columns")


def _main(options: Options) -> int:
    paths = sample(options)
    more = f" to {paths[-1].name}, {len(paths)} files" if len(paths) > 1 else ""
    print(f"wrote {paths[0]}{more}")
    return 0


def sample(options: Options) -> list[Path]:
    """Draw what is asked and write it; returns the files.  Every flag is checked before anything is drawn."""
    if os.path.isfile(options.run) and options.run.suffix != ".safetensors":
        raise DataError(f"{options.run}: neither a run's folder nor a checkpoint (.safetensors). Name one of them.")
    if options.walk and options.loop:
        raise SettingError("--walk ends at the last seed, --loop comes back to the first; give one of them.")
    moving = options.walk or options.loop
    text = (options.seeds or ("0-7" if moving else "0-63")).replace(" ", "")
    seeds = parse_seeds(text)
    count = _length(options, len(seeds)) if moving else len(seeds)
    out = options.out or _default_out(options, text, seeds)
    kind = _kind(out, moving)
    for name in ("columns", "scale"):
        if (value := getattr(options, name)) is not None:
            pictures.at_least(f"--{name}", value, 1)
    if kind == "film":
        animation.files(out, count, options.fps, repeat=options.repeat, start=options.start, force=options.force)
    else:
        animation.check_free([out], options.force)

    backend.use(options.backend)
    recipe = runs.load(options.run, averaged=not options.raw)
    keys = np.stack([latent(recipe, seed) for seed in seeds])
    if moving:
        prior = getattr(recipe.config, "prior", "normal")
        z = np.stack([point(keys, frame, options.frames_between, options.loop, prior) for frame in range(count)])
    else:
        z = keys
    images = draw(recipe, z)

    notes = _notes(options, recipe, text)
    if kind == "film":
        return animation.save_animation(
            out,
            list(images),
            options.fps,
            scale=options.scale,
            repeat=options.repeat,
            start=options.start,
            force=options.force,
            text=notes,
        )
    if kind == "grid":
        pictures.save_png(out, pictures.grid(images, options.columns, scale=options.scale), notes)
    else:
        write_atomically(out, _arrays(out, images, z, seeds, notes))
    return [out]


# What to draw -------------------------------------------------------------------------------------------------------


def parse_seeds(text: str) -> list[int]:
    """Seeds in the order written: "7", "0-63", "1,5,9-12".  SettingError for anything else.

    >>> parse_seeds("5,0-3")
    [5, 0, 1, 2, 3]
    """
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not (first.isascii() and first.isdigit()) or (dash and not (last.isascii() and last.isdigit())):
            raise SettingError(f"--seeds {text!r}: {part!r} is neither a seed nor a range; write 7, or 0-63, or 1,5,9.")
        low, high = int(first), int(last or first)
        if high < low:
            raise SettingError(f"--seeds {text!r}: the range {part} runs backwards; write {high}-{low}.")
        if len(seeds) + high - low >= MOST:
            raise SettingError(f"--seeds {text!r}: that is more than {MOST:,} seeds; ask for fewer at a time.")
        seeds.extend(range(low, high + 1))
    return seeds


def latent(recipe: Any, seed: int) -> np.ndarray:
    """The z of one seed, float32 (latent,): the first draw of a generator of its own."""
    return minigen.tensor(recipe.latents(1, backend.generator(seed))).numpy()[0]


def draw(recipe: Any, z: np.ndarray) -> np.ndarray:
    """The images of the latents, (N, H, W, C), each drawn alone.

    In a batch the last bits of an image depend on how many others there are; so one seed is one image, to the bit.
    """
    from rich.console import Console
    from rich.progress import track

    shown = track(z, "drawing", console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())
    return np.concatenate([recipe.generate(one[None]) for one in shown])


def _length(options: Options, seeds: int) -> int:
    """How many frames a walk or a loop has.  A loop's last frame is followed by its first, so that is not repeated."""
    between = pictures.at_least("--frames-between", options.frames_between, 1)
    if seeds * between > MOST:
        raise SettingError(f"--frames-between {between}: that is more than {MOST:,} frames; ask for fewer at a time.")
    if options.loop:
        return seeds * between
    if seeds < 2:
        raise SettingError("--walk needs two seeds or more; for a film of one seed write --loop.")
    return (seeds - 1) * between + 1


# What to write ------------------------------------------------------------------------------------------------------


def _kind(out: Path, moving: bool) -> str:
    """ "grid", "film" or "arrays"; SettingError where the ending is none of these, or does not fit what is drawn."""
    ending = out.suffix.lower()
    if ending in (".npy", ".npz"):
        return "arrays"
    kind = animation.kind_of(out)
    if kind is None and ending != ".png":
        raise SettingError(f"--out {out}: write .png, .gif, .mp4, name.####.png, .npy or .npz.")
    if moving and kind is None:
        raise SettingError(f"--out {out}: a film is no single picture; end it in {animation.ENDINGS}.")
    if not moving and kind in ("gif", "mp4"):
        raise SettingError(f"--out {out}: a film needs --walk or --loop; without them write .png.")
    return "grid" if kind is None else "film"


def _default_out(options: Options, text: str, seeds: list[int]) -> Path:
    run = options.run.parent.parent if options.run.suffix == ".safetensors" else options.run
    kind, ending = ("loop", "gif") if options.loop else ("walk", "gif") if options.walk else ("seeds", "png")
    label = text if len(text) <= 40 else f"{seeds[0]}-and-{len(seeds) - 1}-more"
    return run / "samples" / f"{kind}_{label}.{ending}"


def _notes(options: Options, recipe: Any, seeds: str) -> dict[str, str]:
    """What a file says about its origin."""
    averaged = bool(getattr(recipe.config, "ema", 0)) and not options.raw
    film = "loop" if options.loop else "walk" if options.walk else ""
    return {
        "Software": f"minigen {minigen.__version__}",
        "run": options.run.resolve().name,
        "step": str(recipe.step_count),
        "settings": hashlib.sha256(repr(recipe.config).encode()).hexdigest()[:12],
        "weights": "averaged" if averaged else "raw",
        "seeds": seeds,
        **({film: f"{options.frames_between} frames from seed to seed"} if film else {}),
    }


def _arrays(out: Path, images: np.ndarray, z: np.ndarray, seeds: list[int], notes: dict[str, str]) -> bytes:
    file = io.BytesIO()
    if out.suffix.lower() == ".npy":
        np.save(file, images)
    else:
        arrays: dict[str, Any] = {**notes, "images": images, "latents": z, "seeds": np.array(seeds, np.int64)}
        np.savez_compressed(file, **arrays)
    return file.getvalue()


if __name__ == "__main__":
    raise SystemExit(main())

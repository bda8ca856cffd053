"""What `python -m minigen.sample` can be asked, and what of it a run can do: every flag, checked before drawing."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from minigen.errors import SettingError
from minigen.train import animation, pictures
from minigen.train.gif import exact_fps, gif_rate

MOST = 1_000_000  # seeds, or frames, at a time
MOST_FIGURES = 100  # in one picture; more could neither be told apart nor held in memory


@dataclass(frozen=True)
class Options:
    run: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RUN")]
    """A run folder, or one checkpoint in it."""
    seeds: str = ""
    """Which items: 7, or 0-63, or 1,5,9. One seed is one item, always. Default: 0-63; 0-7 for motion and for films."""
    label: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """Of a run with --condition, the class to draw. Default: they take turns, by the seed; a walk keeps one."""
    clip: Annotated[Path | None, tyro.conf.arg(metavar="FILE.bvh")] = None
    """Motion: in place of seeds, the first window of this clip, encoded and decoded; with --label as that class."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """.png (a grid; of motion, poses in a row), .gif, .mp4, name.####.png, .npy or .npz (floats); of motion also .bvh
    or name.####.bvh. Default: RUN/samples/, named after the seeds."""
    force: bool = False
    """Overwrite files that exist already."""
    raw: bool = False
    """Draw with the last weights and not with their average."""
    backend: Literal["numpy", "cupy"] = "numpy"
    """Where the network runs: numpy on the CPU, cupy on an NVIDIA GPU."""
    columns: Annotated[int | None, tyro.conf.arg(metavar="INT")] = None
    """Images, or moving figures, in a row. Default: as many as there are rows; figures: 4 or more."""
    scale: Annotated[int | None, tyro.conf.arg(metavar="INT")] = None
    """Repeat every pixel so many times each way; draw figures so many times larger. Default: until one can see
    something; 1 for name.####.png and for figures."""
    walk: bool = False
    """From seed to seed along great circles of the latent space: a film; of motion, clip after clip."""
    loop: bool = False
    """A walk that returns from the last seed to the first without a seam; of one seed, a circle through its latent.
    Of motion: of each seed's clip the part that comes round best, made to come round without a seam."""
    frames_between: Annotated[int | None, tyro.conf.arg(metavar="INT")] = None
    """Frames from one seed to the next; of a loop of one seed, its length. Default: 24. Of motion: clips; 6."""
    fps: Annotated[float | None, tyro.conf.arg(metavar="FLOAT")] = None
    """Frames a second. 23.976 and 29.97 are taken as 24000/1001 and 30000/1001. Default: 24; of motion the run's own,
    and motion is resampled."""
    repeat: Annotated[int | None, tyro.conf.arg(metavar="INT")] = None
    """Rounds in an .mp4, which cannot loop by itself. Default: 1."""
    start: Annotated[int | None, tyro.conf.arg(metavar="INT")] = None
    """Number of the first name.####.png or name.####.bvh. Default: 1."""


@dataclass(frozen=True)
class Plan:
    """What is to be drawn and written.

    text, seeds: as asked, and as numbers.  label: the class asked for, None where they take turns.  moves: of motion.
    between, count: latents from one seed to the next (0 where there is no way between seeds), and how many there are.
    out, kind: the file, and whether it is a grid, strips, a film, bvh or arrays.  fps: frames a second.
    """

    text: str
    seeds: list[int]
    label: int | None
    moves: bool
    between: int
    count: int
    out: Path
    kind: str
    fps: Fraction
    repeat: int
    start: int


def plan(options: Options, recipe: Any) -> Plan:
    """What the flags ask of this run; SettingError for what cannot be done, or is in the way of what is there."""
    if options.walk and options.loop:
        raise SettingError("--walk ends at the last seed, --loop comes back to the first; give one of them.")
    if options.clip is not None and (options.seeds or options.walk or options.loop):
        raise SettingError("--clip takes the place of seeds; leave --seeds, --walk and --loop out.")
    moves = getattr(recipe.config, "moves", False)
    if options.clip is not None and not moves:
        raise SettingError(f"--clip {options.clip}: this run draws images; clips are for runs of motion.")
    if options.raw and not hasattr(recipe.config, "ema"):
        raise SettingError("--raw: this run has no averaged weights to choose from; leave it out.")
    moving = options.walk or options.loop
    text = (options.seeds or ("0-7" if moving or moves else "0-63")).replace(" ", "")
    seeds = parse_seeds(text) if options.clip is None else []
    between = _between(options, moves, len(seeds))
    count = _count(options, len(seeds), between) if options.clip is None else 1
    out = options.out or _default_out(options, text, seeds, moves)
    kind = _kind_of_motion(out, options.loop, count) if moves else _kind_of_images(out, moving)
    _refuse_idle_flags(options, kind, out, moves, count)
    for name in ("columns", "scale"):
        if (value := getattr(options, name)) is not None:
            pictures.at_least(f"--{name}", value, 1)
    found = Plan(
        text=text,
        seeds=seeds,
        label=class_number(recipe, options.label),
        moves=moves,
        between=between,
        count=count,
        out=out,
        kind=kind,
        fps=_rate(options, recipe, moves, out),
        repeat=1 if options.repeat is None else options.repeat,
        start=1 if options.start is None else options.start,
    )
    _check_files(found, recipe, options)
    return found


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


def class_number(recipe: Any, label: str | None) -> int | None:
    """The number of the class of that name; SettingError, with the classes there are, where there is none."""
    if label is None:
        return None
    classes = getattr(recipe, "classes", [])
    if not classes:
        raise SettingError(f"--label {label}: this run knows no classes; it was trained without --condition.")
    if label not in classes:
        some = ", ".join(classes[:20]) + (f" and {len(classes) - 20} more" if len(classes) > 20 else "")
        raise SettingError(f"--label {label}: no class of this run; choose one of {some}.")
    return classes.index(label)


def _between(options: Options, moves: bool, seeds: int) -> int:
    """Latents from one seed to the next, 0 where there is no way between seeds."""
    if not options.walk and (moves or not options.loop):
        return 0
    given = options.frames_between
    between = (6 if moves else 24) if given is None else pictures.at_least("--frames-between", given, 1)
    if seeds * between > MOST:
        raise SettingError(f"--frames-between {between}: that is more than {MOST:,} frames; ask for fewer at a time.")
    return between


def _count(options: Options, seeds: int, between: int) -> int:
    """How many items there are.  A loop's last frame is followed by its first, so that is not repeated."""
    if options.walk and seeds < 2:
        raise SettingError("--walk needs two seeds or more; for a film of one seed write --loop.")
    if not between:
        return seeds
    return seeds * between if options.loop else (seeds - 1) * between + 1


# What to write ------------------------------------------------------------------------------------------------------


def _default_out(options: Options, text: str, seeds: list[int], moves: bool) -> Path:
    run = options.run.parent.parent if options.run.suffix == ".safetensors" else options.run
    if options.clip is not None:
        name = f"clip_{options.clip.stem}" + (f"_as_{options.label}" if options.label else "")
        return run / "samples" / f"{''.join(c if c.isalnum() or c in '-_' else '_' for c in name)}.gif"
    what = "loop" if options.loop else "walk" if options.walk else "seeds"
    label = text if len(text) <= 40 else f"{seeds[0]}-and-{len(seeds) - 1}-more"
    return run / "samples" / f"{what}_{label}.{'png' if what == 'seeds' and not moves else 'gif'}"


def _kind_of_images(out: Path, moving: bool) -> str:
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


def _kind_of_motion(out: Path, loop: bool, count: int) -> str:
    """ "bvh", "film", "strips" or "arrays"; SettingError where the ending is none, or cannot hold so many clips."""
    ending = out.suffix.lower()
    several = f"--out {out}: there are {count} clips"
    if ending == ".bvh":
        if count > 1 and "#" not in out.name:
            raise SettingError(f"{several}, and a BVH file holds one; write {out.stem}.####.bvh, or ask for one seed.")
        return "bvh"
    if ending in (".npy", ".npz"):
        if loop and count > 1:
            raise SettingError(f"{several}, and loops differ in length; write {out.stem}.####.bvh, or one seed.")
        return "arrays"
    kind = animation.kind_of(out)
    if kind is None and ending != ".png":
        raise SettingError(f"--out {out}: write .bvh, name.####.bvh, .gif, .mp4, .png, name.####.png, .npy or .npz.")
    if count > MOST_FIGURES:
        raise SettingError(f"{several}, and a picture holds {MOST_FIGURES}; write name.####.bvh or .npz, or fewer.")
    return "strips" if kind is None else "film"


def _refuse_idle_flags(options: Options, kind: str, out: Path, moves: bool, count: int) -> None:
    """SettingError for a flag that could not act."""
    moving = options.walk or (options.loop and not moves)
    drawn = kind in ("grid", "strips", "film")
    for name, acts, where in (
        ("columns", kind == "grid" or (moves and kind == "film" and count > 1), "on pictures of several items in rows"),
        ("scale", drawn, "on pictures and films"),
        ("frames_between", moving, "with --walk" + ("" if moves else " and --loop")),
        ("fps", moves or kind == "film", "on films"),
        ("repeat", kind == "film", "on .mp4"),
        ("start", "#" in out.name, "on numbered files, such as name.####" + (".bvh" if kind == "bvh" else ".png")),
    ):
        value = getattr(options, name)
        if value is not None and not acts:
            raise SettingError(f"--{name.replace('_', '-')} {value:g} acts {where} only, not here; leave it out.")


def _rate(options: Options, recipe: Any, moves: bool, out: Path) -> Fraction:
    """Frames a second: as asked; else the run's own, or for a GIF, which shows at most 50, a whole part of that."""
    if options.fps is not None:
        return exact_fps(options.fps)
    if not moves:
        return Fraction(24)
    return gif_rate(recipe.fps) if animation.kind_of(out) == "gif" else recipe.fps


def _check_files(plan: Plan, recipe: Any, options: Options) -> None:
    """What writing would refuse, as far as it is known now: of a loop of motion the number of frames is not."""
    out, force = plan.out, options.force
    if plan.kind == "film":
        frames = plan.count
        if plan.moves:
            frames = 1 if options.loop else int((recipe.config.window - 1) * plan.fps / recipe.fps) + 1
        animation.files(out, frames, float(plan.fps), repeat=plan.repeat, start=plan.start, force=force)
    elif plan.kind == "bvh" and "#" in out.name:
        animation.check_free(animation.numbered(out, plan.count, plan.start), force)
    else:
        animation.check_free([out], force)

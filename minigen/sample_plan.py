"""What `python -m minigen.sample` can be asked, and what of it a run can do: every flag, checked before drawing."""

from dataclasses import dataclass, fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from minigen import sample_kinds
from minigen.errors import SettingError
from minigen.sample_exr import find_openexr
from minigen.sample_seeds import MOST, class_number, factors_of, parse_seeds
from minigen.train import animation, pictures
from minigen.train.gif import exact_fps, gif_rate

CLIP_FPS = 12  # of clips whose data have no rate of their own, such as effects; 16 frames then last 1.3 seconds


@dataclass(frozen=True)
class Options:
    run: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RUN")]
    """A run folder, or one checkpoint in it."""
    seeds: str = ""
    """Which items: 7, or 0-63, or 1,5,9. One seed is one item, always. Default: 0-63; motion, clips and films: 0-7."""
    label: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """Of a run with --condition, the class to draw. Default: they take turns, by the seed; a walk keeps one."""
    set: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME=NUMBER")] = ()
    """Of a run told of factors, what to draw, such as time=0.25 haze=0.8; the rest is drawn by the seed."""
    clip: Annotated[Path | None, tyro.conf.arg(metavar="FILE.bvh")] = None
    """Motion: in place of seeds, the first window of this clip, encoded and decoded; with --label as that class."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """.png (a grid; of clips and motion, a row of frames each), .gif, .mp4, name.####.png, name.####.exr, .json (a
    sprite sheet, with a .png beside it), .npy or .npz (floats); of motion .bvh or name.####.bvh, but no .exr or .json.
    With {seed} in its name, a file or a sequence for each seed. Default: RUN/samples/, named after the seeds."""
    html: Annotated[Path | None, tyro.conf.arg(metavar="FILE.html")] = None
    """In place of samples, one page that draws them itself, with sliders for the latents; it needs no network."""
    force: bool = False
    """Overwrite files that exist already."""
    raw: bool = False
    """Draw with the last weights and not with their average."""
    backend: Literal["numpy", "cupy", "auto"] = "numpy"
    """Where the network runs: numpy on the CPU, cupy on an NVIDIA GPU, auto on the GPU if one can be used."""
    columns: Annotated[int | None, tyro.conf.arg(metavar="INT")] = None
    """Images, moving figures, clips, or frames of a sheet in a row. Default: as many as there are rows; figures and
    clips: 4 or more; in a sheet of several clips, a row for each."""
    scale: Annotated[int | None, tyro.conf.arg(metavar="INT")] = None
    """Repeat every pixel so many times each way; draw figures so many times larger. Default: until one can see
    something; 1 for numbered files, sheets and figures."""
    alpha: bool = False
    """Light on black becomes see-through: alpha is the brightest channel, colour is divided by it. For .png,
    name.####.png and sheets; in name.####.exr colour is left multiplied by it."""
    walk: bool = False
    """From seed to seed along great circles of the latent space: a film; of motion, clip after clip; of clips that
    come round, while they play."""
    loop: bool = False
    """A walk that returns from the last seed to the first without a seam; of one seed, a circle through its latent.
    Of motion: of each seed's clip the part that comes round best, made to come round without a seam. Of clips: each
    clip as it is, if the run's clips come round by themselves."""
    frames_between: Annotated[int | None, tyro.conf.arg(metavar="INT")] = None
    """Frames from one seed to the next; of a loop of one seed, its length. Default: 24; of clips that come round, two
    rounds. Of motion: clips; 6."""
    fps: Annotated[float | None, tyro.conf.arg(metavar="FLOAT")] = None
    """Frames a second. 23.976 and 29.97 are taken as 24000/1001 and 30000/1001. Default: 24; of clips and motion the
    run's own, or 12 where clips have none; motion is resampled."""
    repeat: Annotated[int | None, tyro.conf.arg(metavar="INT")] = None
    """Rounds in an .mp4, which cannot loop by itself. Default: 1."""
    start: Annotated[int | None, tyro.conf.arg(metavar="INT")] = None
    """Number of the first name.####.png, .exr or .bvh. Default: 1."""


@dataclass(frozen=True)
class Plan:
    """What is to be drawn and written.

    text, seeds: as asked, and as numbers.  label: the class asked for, None where they take turns.  factors: those
    asked for, by name.  moves: of motion.
    frames: of each clip that is drawn; 1 where images are drawn, or a walk with one frame of each clip it passes.
    between, count: latents from one seed to the next (0 where there is no way between seeds), and how many there are.
    out, kind: the file, and whether it is a grid, strips, a film, exr, a sheet, bvh or arrays.  fps: frames a second.
    """

    text: str
    seeds: list[int]
    label: int | None
    factors: dict[str, float]
    moves: bool
    frames: int
    between: int
    count: int
    out: Path
    kind: str
    fps: Fraction
    repeat: int
    start: int


def plans(options: Options, recipe: Any) -> list[Plan]:
    """One plan, or one for each seed where the file's name has {seed} in it; every SettingError before any is begun."""
    if "{seed}" not in str(options.out):
        return [plan(options, recipe)]
    if options.walk or options.clip is not None:
        flag = "--walk" if options.walk else "--clip"
        raise SettingError(f"--out {options.out}: {flag} makes one film, not one of each seed; leave {{seed}} out.")
    return [
        plan(replace(options, seeds=str(seed), out=Path(str(options.out).replace("{seed}", str(seed)))), recipe)
        for seed in dict.fromkeys(parse_seeds(_seeds(options, recipe)))
    ]


def plan(options: Options, recipe: Any) -> Plan:
    """What the flags ask of this run; SettingError for what cannot be done, or is in the way of what is there."""
    if options.walk and options.loop:
        raise SettingError("--walk ends at the last seed, --loop comes back to the first; give one of them.")
    if options.clip is not None and (options.seeds or options.walk or options.loop):
        raise SettingError("--clip takes the place of seeds; leave --seeds, --walk and --loop out.")
    moves, length = getattr(recipe.config, "moves", False), getattr(recipe.config, "frames", 1)
    if options.clip is not None and not moves:
        raise SettingError(f"--clip {options.clip}: this run draws images; clips are for runs of motion.")
    if options.raw and not hasattr(recipe.config, "ema"):
        raise SettingError("--raw: this run has no averaged weights to choose from; leave it out.")
    if length > 1 and (options.walk or options.loop) and not recipe.loops:
        raise SettingError(
            f"--{'walk' if options.walk else 'loop'}: the clips of this run have a beginning and an end; a film that "
            f"went on after {length} frames would jump. Leave it out."
        )
    text = _seeds(options, recipe)
    seeds = parse_seeds(text) if options.clip is None else []
    between = _between(options, len(seeds), 6 if moves else 2 * length if length > 1 else 24, moves or length > 1)
    count = _count(options, len(seeds), between) if options.clip is None else 1
    frames = 1 if between else length
    out = options.out or _default_out(options, text, seeds, moves or frames > 1)
    if moves:
        kind = sample_kinds.of_motion(out, options.loop, count)
    else:
        kind = sample_kinds.of_images(out, bool(between)) if frames == 1 else sample_kinds.of_clips(out, count)
    found = Plan(
        text=text,
        seeds=seeds,
        label=class_number(recipe, options.label),
        factors=factors_of(recipe, options.set),
        moves=moves,
        frames=frames,
        between=between,
        count=count,
        out=out,
        kind=kind,
        fps=_rate(options, recipe, moves, length, out),
        repeat=1 if options.repeat is None else options.repeat,
        start=1 if options.start is None else options.start,
    )
    _refuse_idle_flags(options, found, moves or length > 1)
    for name in ("columns", "scale"):
        if (value := getattr(options, name)) is not None:
            pictures.at_least(f"--{name}", value, 1)
    _check_files(found, recipe, options)
    return found


def check_html(options: Options) -> None:
    """SettingError for a flag that says nothing to a page with sliders, seeds and a loop of its own."""
    for field in fields(Options):
        acts = field.name in ("run", "html", "force", "raw", "backend")
        if not acts and getattr(options, field.name) != field.default:
            raise SettingError(
                f"--{field.name.replace('_', '-')} does not act with --html, whose page has sliders, seeds and loops "
                "of its own; leave it out."
            )


# What to draw -------------------------------------------------------------------------------------------------------


def _seeds(options: Options, recipe: Any) -> str:
    few = options.walk or options.loop or getattr(recipe.config, "moves", False)
    return (options.seeds or ("0-7" if few or getattr(recipe.config, "frames", 1) > 1 else "0-63")).replace(" ", "")


def _between(options: Options, seeds: int, usual: int, films: bool) -> int:
    """Latents from one seed to the next, 0 where there is no way between seeds.  films: each item is one by itself."""
    if not options.walk and (films or not options.loop):
        return 0
    given = options.frames_between
    between = usual if given is None else pictures.at_least("--frames-between", given, 1)
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


def _default_out(options: Options, text: str, seeds: list[int], films: bool) -> Path:
    run = options.run.parent.parent if options.run.suffix == ".safetensors" else options.run
    if options.clip is not None:
        name = f"clip_{options.clip.stem}" + (f"_as_{options.label}" if options.label else "")
        return run / "samples" / f"{''.join(c if c.isalnum() or c in '-_' else '_' for c in name)}.gif"
    what = "loop" if options.loop else "walk" if options.walk else "seeds"
    label = text if len(text) <= 40 else f"{seeds[0]}-and-{len(seeds) - 1}-more"
    return run / "samples" / f"{what}_{label}.{'png' if what == 'seeds' and not films else 'gif'}"


def _refuse_idle_flags(options: Options, plan: Plan, films: bool) -> None:
    """SettingError for a flag that could not act.  films: what the run makes are films, be they clips or motion."""
    kind, numbered = plan.kind, "#" in plan.out.name
    wall = kind == "film" and plan.count > 1 and (plan.moves or plan.frames > 1)
    film = kind in ("film", "exr", "sheet")
    timed = film and (plan.between > 0 or plan.frames > 1)  # numbered images have no time between them
    between = options.walk or (options.loop and not films)
    for name, acts, where in (
        ("columns", kind in ("grid", "sheet") or wall, "on pictures of several items in rows"),
        ("scale", kind in ("grid", "strips") or film, "on pictures and films"),
        ("frames_between", between, "with --walk" + ("" if films else " and --loop")),
        ("fps", plan.moves or timed or (plan.frames > 1 and plan.out.suffix.lower() == ".npz"), "on films"),
        ("repeat", kind == "film", "on .mp4"),
        ("start", numbered, "on numbered files, such as name.####" + (".bvh" if kind == "bvh" else ".png")),
    ):
        value = getattr(options, name)
        if value is not None and not acts:
            raise SettingError(f"--{name.replace('_', '-')} {value:g} acts {where} only, not here; leave it out.")
    still = kind in ("grid", "strips", "exr", "sheet") or (kind == "film" and numbered)
    if options.alpha and (plan.moves or not still):
        raise SettingError(
            "--alpha acts on .png, name.####.png, name.####.exr and .json of images and clips only, not here; "
            "leave it out."
        )


def _rate(options: Options, recipe: Any, moves: bool, length: int, out: Path) -> Fraction:
    """Frames a second: as asked; else the run's own, or for a GIF, which shows at most 50, a whole part of that."""
    if options.fps is not None:
        return exact_fps(options.fps)
    own = getattr(recipe, "fps", None) if moves or length > 1 else Fraction(24)
    own = own or Fraction(CLIP_FPS)
    return gif_rate(own) if animation.kind_of(out) == "gif" else own


def _check_files(plan: Plan, recipe: Any, options: Options) -> None:
    """What writing would refuse, as far as it is known now: of a loop of motion the number of frames is not."""
    out, force = plan.out, options.force
    frames = plan.count if plan.frames == 1 else plan.frames
    if plan.kind == "film":
        if plan.moves:
            frames = 1 if options.loop else int((recipe.config.window - 1) * plan.fps / recipe.fps) + 1
        animation.files(out, frames, float(plan.fps), repeat=plan.repeat, start=plan.start, force=force)
    elif plan.kind == "exr":
        find_openexr()
        animation.check_free(animation.numbered(out, frames, plan.start), force)
    elif plan.kind == "sheet":
        animation.check_free([out, out.with_suffix(".png")], force)
    elif plan.kind == "bvh" and "#" in out.name:
        animation.check_free(animation.numbered(out, plan.count, plan.start), force)
    else:
        animation.check_free([out], force)

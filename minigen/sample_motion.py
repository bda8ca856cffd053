"""What `python -m minigen.sample` makes of a run of motion: clips, loops and restyled clips, as BVH and as films."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from minigen.errors import DataError
from minigen.files import write_atomically
from minigen.motion import Carrier, Clip, Skeleton, bvh_text, read_bvh, resample, to_features
from minigen.motion.loops import SHORTEST, seamless
from minigen.sample_plan import Options, Plan
from minigen.train import animation, pictures
from minigen.train.loop_films import in_step
from minigen.train.stick import film_wall, overlay_film, stick_film, strip_wall

WALL, LONE, STRIP = 128, 224, 160  # pixels: the side of a figure among others, alone, in a strip
POSES = 8  # in a strip


# From features to clips -----------------------------------------------------------------------------------------------


def clips(recipe: Any, x: np.ndarray, classes: np.ndarray | None, options: Options, asked: Plan) -> list[Clip]:
    """Features (N, T, F) as clips at the rate asked for, named after seed and class; with --loop made seamless."""
    found = []
    for i, one in enumerate(recipe.clips(x)):
        name, label = _name(options, asked, i), "" if classes is None else recipe.classes[classes[i]]
        clip = replace(resample(one, asked.fps), name=name)
        if options.loop:
            shortest = min(SHORTEST, 0.5 * len(clip) / float(clip.fps))
            clip = replace(seamless(clip, shortest, recipe.carrier), name=name)
        found.append(replace(clip, labels={"class": label} if label else {}))
    return found


def features(recipe: Any, x: np.ndarray, made: Sequence[Clip]) -> np.ndarray:
    """The features of the clips: x as the model made them, or anew where the clips have since been changed."""
    if all(clip.fps == recipe.fps and len(clip) == x.shape[1] for clip in made):
        return x
    return np.stack([to_features(clip, recipe.carrier) for clip in made])


def _name(options: Options, asked: Plan, i: int) -> str:
    """Where clip i comes from."""
    if options.clip is not None:
        return options.clip.stem
    if not asked.between:
        return f"seed {asked.seeds[i]}"
    key, step = divmod(i, asked.between)
    way = f" to {asked.seeds[key + 1]}, {step}/{asked.between}" if step else ""
    return f"seed {asked.seeds[key]}{way}"


def encoded(
    path: Path, recipe: Any, label: int | None
) -> tuple[np.ndarray, np.ndarray | None, list[Clip], dict[str, str]]:
    """(z, class, original, notes): the mean code of the first window of a BVH clip, and what it is to be decoded as.

    Its own class, which the encoder must be told, is the one that stands in the file's name between underscores; where
    none or several do, the one as which it is reconstructed best.  DataError where the clip does not fit the run.
    """
    clip = resample(_read(path, recipe), recipe.fps)
    window = recipe.config.window
    if len(clip) < window:
        raise DataError(
            f"--clip {path}: has {len(clip)} frames at {float(recipe.fps):g} a second, fewer than a window of this "
            f"run, {window}. Give a longer clip."
        )
    x = to_features(clip, recipe.carrier)[None, :window]
    notes, own = {"clip": path.name}, None
    original = replace(next(recipe.clips(x)), name=path.stem)
    if recipe.classes:
        own = _own_class(path, x, recipe)
        name = recipe.classes[own[0]]
        original = replace(original, labels={"class": name})
        notes |= {"class of the clip": name, "class": name if label is None else recipe.classes[label]}
    z = recipe.codes(x, own)[0]
    return z, own if label is None else np.array([label]), [original], notes


def _read(path: Path, recipe: Any) -> Clip:
    try:
        clip = read_bvh(path, unit=recipe.skeleton.metres, drop_first=recipe.config.drop_first)
    except DataError as error:
        raise DataError(f"--clip {error}") from error
    clip, ours = _in_order(clip, recipe.skeleton), recipe.skeleton
    if ours.same(clip.skeleton):
        return clip
    if (clip.skeleton.names, clip.skeleton.parents) == (ours.names, ours.parents):
        raise DataError(f"--clip {path}: its bones differ in length from those this run learnt. Give a clip of those.")
    strange = [name for name in clip.skeleton.names if name not in ours.names][:3]
    which = f"{len(clip.skeleton)} joints, {', '.join(strange)} among them" if strange else "another tree"
    raise DataError(
        f"--clip {path}: its skeleton has {which}; this run learnt one of {len(ours)} joints. "
        "Give a clip of that skeleton."
    )


def _in_order(clip: Clip, ours: Skeleton) -> Clip:
    """The clip with its joints in our order, if it has the same ones: a BVH file lists a branch to its tip first."""
    theirs = clip.skeleton
    if theirs.names == ours.names or sorted(theirs.names) != sorted(ours.names):
        return clip
    order = [theirs.names.index(name) for name in ours.names]
    parents = tuple(order.index(p) if p >= 0 else -1 for p in (theirs.parents[j] for j in order))
    if parents != ours.parents:
        return clip
    skeleton = replace(
        theirs,
        names=ours.names,
        parents=parents,
        offsets=theirs.offsets[order],
        channels=tuple(theirs.channels[j] for j in order),
        ends={order.index(j): end for j, end in theirs.ends.items()},
    )
    return Clip(skeleton, clip.rotations[:, order], clip.translations[:, order], clip.fps, clip.name)


def _own_class(path: Path, x: np.ndarray, recipe: Any) -> np.ndarray:
    named = [k for k, name in enumerate(recipe.classes) if name in path.stem.split("_")]
    if len(named) == 1:
        return np.array(named)
    every = np.arange(len(recipe.classes))
    copies = np.repeat(x, len(every), axis=0)
    units = recipe.scaling.to_units
    errors = ((units(recipe.reconstruct(copies, every)) - units(copies)) ** 2).mean(axis=(1, 2))
    best = int(errors.argmin())
    print(f"{path}: its name tells no class of this run; taken for {recipe.classes[best]}, which fits best")
    return np.array([best])


# From clips to files --------------------------------------------------------------------------------------------------


def write(
    clips: list[Clip], originals: list[Clip], body: Carrier, options: Options, asked: Plan, notes: dict[str, str]
) -> list[Path]:
    """BVH files, a film or strips, as planned; returns the files.  originals: beside what they were made from."""
    originals = [resample(clip, asked.fps) for clip in originals]
    if asked.kind == "bvh":
        paths = [asked.out]
        if "#" in asked.out.name:
            paths = animation.numbered(asked.out, len(clips), asked.start)
        texts = [bvh_text(clip).encode() for clip in clips]  # all of them, before the first is written
        for path, text in zip(paths, texts, strict=True):
            write_atomically(path, text)
        return paths
    scale = options.scale or 1
    if asked.kind == "strips":
        rows = [*originals, *clips]
        poses = min(POSES, *(len(clip) for clip in rows))
        strips = strip_wall(rows, poses, size=STRIP * scale, labels=[_title(clip) for clip in rows])
        pictures.save_png(asked.out, strips, notes)
        return [asked.out]
    return animation.save_animation(
        asked.out,
        list(_film(clips, originals, body, options, asked, scale)),
        float(asked.fps),
        scale=1,
        repeat=asked.repeat,
        start=asked.start,
        force=options.force,
        text=notes,
    )


def _film(
    clips: list[Clip], originals: list[Clip], body: Carrier, options: Options, asked: Plan, scale: int
) -> np.ndarray:
    """One clip from two sides, over its original if it has one; or all of them in rows."""
    if options.loop:
        clips = in_step(clips, body)
    if originals:
        return overlay_film(originals[0], clips[0], size=LONE * scale, label=_title(clips[0]), align=True)
    if len(clips) == 1:
        return stick_film(clips[0], size=LONE * scale, label=_title(clips[0]))
    columns = options.columns or max(4, math.ceil(math.sqrt(len(clips))))
    if asked.between and not options.columns:  # a row begins with a seed
        columns = asked.between if len(asked.seeds) > 2 else len(clips)
    kinds = [clip.labels.get("class", "") for clip in clips]
    what = f"seeds {asked.text}"
    if len(set(kinds)) > 1:
        what = ", ".join(kinds)
    elif kinds[0]:
        what = f"{kinds[0]}, {what}"
    return film_wall(clips, columns, WALL * scale, label=what)


def _title(clip: Clip) -> str:
    return ", ".join([clip.name, *clip.labels.values()])

"""How well a VAE keeps motion, and how its samples move, in centimetres and beside what needs no network."""

from typing import Any

import numpy as np

from minigen import backend
from minigen.evaluate_bounds import where
from minigen.metrics import (
    acceleration,
    bone_length_error,
    diversity,
    find_feet,
    foot_skate,
    hold_first,
    jitter,
    mean_pose,
    mpjpe,
    pca_reconstruct,
    root_aligned_mpjpe,
    rotation_error,
)
from minigen.train.album_vae import measured
from minigen.train.table import Row, Table

SAMPLES = 200  # where no number is asked for


def motion_tables(recipe: Any, source: Any, options: Any) -> list[Table]:
    """Two tables: reconstructions held against the clips, and how samples move beside how the clips do."""
    x, classes = measured(source, recipe, options.items)
    train, components = source.data.items, recipe.config.latent
    features = {"model": recipe.reconstruct(x, classes), "mean pose": mean_pose(train, x), "first frame": hold_first(x)}
    notes = ["Mean pose: of the training clips. First frame: the window's own, held, and gliding on as it began."]
    to, back = recipe.scaling.to_units, recipe.scaling.from_units
    if components < min(len(train), train[0].size):
        features["PCA"] = back(pca_reconstruct(to(train), to(x), components).astype(np.float32))
        notes.append(f"PCA: with {components} numbers a window, like the model, fitted to its {len(train):,} windows.")
    else:
        notes.append(f"No PCA: {len(train)} training windows have no {components} components.")
    moving = {name: Moving(recipe, f) for name, f in {"data": x, **features}.items()}
    truth, others = moving["data"], {name: moving[name] for name in features}
    joint = recipe.carrier.joint
    kept = [
        Row(
            "joint error, in place",
            "cm",
            {n: root_aligned_mpjpe(m.places, truth.places, joint) for n, m in others.items()},
            "lower",
        ),
        Row("joint error, in the world", "cm", {n: mpjpe(m.places, truth.places) for n, m in others.items()}, "lower"),
        Row(
            "rotation error",
            "degrees",
            {n: rotation_error(m.rotations, truth.rotations) for n, m in others.items()},
            "lower",
        ),
    ]
    count = options.samples or SAMPLES
    z = recipe.latents(count, backend.generator([options.seed, 4]))
    simple = {n: m for n, m in moving.items() if n not in ("model", "data")}
    samples = {"model": Moving(recipe, recipe.generate(z)), "data": truth, **simple}
    fps, feet = float(recipe.fps), find_feet(recipe.skeleton)
    bones = recipe.carrier.translations * recipe.skeleton.metres
    moved = [
        Row(
            "foot skating",
            "share of steps",
            {n: foot_skate(m.places, feet, fps).share for n, m in samples.items()},
            note="contact below 5 cm, skating above 0.5 m/s; a swinging toe that passes low counts as well",
        ),
        Row(
            "foot skating, close",
            "share of steps",
            {n: foot_skate(m.places, feet, fps, contact_m=0.02).share for n, m in samples.items()},
            note="contact below 2 cm",
        ),
        Row("acceleration", "m/s²", {n: acceleration(m.places, fps) for n, m in samples.items()}),
        Row("jitter", "m/s³", {n: jitter(m.places, fps) for n, m in samples.items()}),
        Row(
            "diversity",
            "mean distance, scaled features",
            {n: diversity(to(m.features)) for n, m in samples.items()},
        ),
        Row(
            "bone length error",
            "cm",
            {"model": bone_length_error(samples["model"].places, recipe.skeleton.parents, bones, joint)},
            note="0 but for rounding: rotations are generated, not places",
        ),
    ]
    return [
        Table("How well it keeps a clip", kept, [f"{len(x):,} windows {where(source)}.", *notes]),
        Table(
            "How its samples move",
            moved,
            [
                f"{count} samples beside {len(x):,} real windows; good is near the data's, not the least.",
                "The others draw no samples: theirs is how they keep those real windows.",
            ],
        ),
    ]


class Moving:
    """Windows of features, and where they put every joint: places in metres, (N, T, J, 3)."""

    def __init__(self, recipe: Any, features: np.ndarray):
        clips = list(recipe.clips(features))
        self.features = features
        self.places = np.stack([clip.places for clip in clips]) * recipe.skeleton.metres
        self.rotations = np.stack([clip.rotations for clip in clips])

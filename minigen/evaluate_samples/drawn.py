"""What is measured: samples and the baselines that stand beside them, and the real items they are held against."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from minigen import backend
from minigen.data import Images, as_batch, to_uint8
from minigen.errors import DataError
from minigen.judges import Digits, Judge, Known, subject_of
from minigen.metrics.baselines import pca_samples
from minigen.train.sources import static
from minigen.train.table import MODEL, Table

RAW, DATA, COPIES = "raw weights", "data", "copies"
APART = (RAW, COPIES)  # columns that are no baselines: sentences of their own speak of them
FITTED = 1000  # training items that PCA is fitted to
FEWEST = 20  # of real items, so that a table is worth its room
WORDS = {3: "window", 4: "image", 5: "clip"}  # what an item is called, by the axes of many: of motion, images, clips


@dataclass(frozen=True)
class Measured(Table):
    """A table that begins its verdicts with sentences of its own; raw weights and copies are no baselines in it."""

    said: tuple[str, ...] = ()

    def verdicts(self) -> list[str]:
        """The sentences of its own, then one for each measure in which a baseline is better than the model."""
        rows = [replace(row, values={n: v for n, v in row.values.items() if n not in APART}) for row in self.rows]
        return [*self.said, *Table(self.title, rows).verdicts()]


@dataclass(frozen=True)
class Real:
    """Real items that were not trained on, in two sets: one to hold samples against, and another like it.

    factors: of each item of `others`, where they are known.  notes: where the items come from.  within: their places
    in the training set, where nothing else could be had.
    """

    reference: np.ndarray
    others: np.ndarray
    factors: np.ndarray | None
    notes: tuple[str, ...]
    within: np.ndarray | None = None


class Drawn:
    """Equally many items, bytes, in each column: the model's samples, and what needs no model.

    "model" draws with averaged weights where there are any, and "raw weights" then with those of the last step; "data"
    are real items that are not the reference, so that they show the floor of every measure; "copies" are items of the
    training set.  frame_judge: that of the single frames of clips, where there is one.
    """

    numbers, unit = "pixels", "levels of 255"  # what items are made of, and what their distances are measured in

    def __init__(
        self,
        columns: Mapping[str, np.ndarray],
        real: Real,
        training: np.ndarray,
        judge: Judge | None,
        frame_judge: Judge | None = None,
    ):
        self.columns, self.real, self.training = dict(columns), real, training
        self.judge, self.frame_judge = judge, frame_judge

    @property
    def count(self) -> int:
        """Items in each column."""
        return len(self.columns[MODEL])

    @property
    def word(self) -> str:
        """What one item is called."""
        return WORDS[self.training.ndim]

    @property
    def space(self) -> str:
        """What distances and features are of."""
        return self.numbers if self.judge is None else "the judge's features"

    @property
    def unjudged(self) -> str:
        """Why there is no judge, and what is compared then."""
        return f"No judge: nothing is known of what such {self.word}s show, so that pixels are compared."

    @cached_property
    def features(self) -> dict[str, np.ndarray]:
        """Features of each column and of the "reference", (n, F): the judge's, or all numbers of an item."""
        return {
            name: self.features_of(items) for name, items in [*self.columns.items(), ("reference", self.real.reference)]
        }

    @cached_property
    def frame_features(self) -> dict[str, np.ndarray]:
        """The same of every single frame of each column's clips, (n T, F)."""
        judge = self.frame_judge
        assert judge is not None
        return {
            name: judge.features(items.reshape(-1, *items.shape[2:]))
            for name, items in [*self.columns.items(), ("reference", self.real.reference)]
        }

    @cached_property
    def read(self) -> dict[str, dict[str, np.ndarray]]:
        """The factors that the judge reads off each column, and off the "reference"."""
        judge = self.judge
        assert judge is not None
        return {
            name: judge.factors(items) for name, items in [*self.columns.items(), ("reference", self.real.reference)]
        }

    def features_of(self, items: np.ndarray) -> np.ndarray:
        """Features of other items."""
        if self.judge is not None:
            return self.judge.features(items)
        return as_batch(items).reshape(len(items), -1)

    def comparable(self, items: np.ndarray) -> np.ndarray:
        """Items as numbers of one unit, by which they are near to each other or not."""
        return items

    def handed_out(self, names: np.ndarray, seed: int) -> dict[str, np.ndarray]:
        """What needs no model where classes are asked for, names (n,), by column; none where nothing is known."""
        return {}


def asked_of(config: Any) -> dict[str, Any]:
    """What `subject_of` and `judge_of` must know of the items of a run."""
    if getattr(config, "moves", False):
        return {"data": config.data, "side": 0, "channels": 0, "frames": config.window, "fps": config.fps or 30}
    frames = getattr(config, "frames", 1)
    return {"data": config.data, "side": config.size, "channels": config.channels, "frames": frames}


def draw(
    recipe: Any, source: Any, count: int, seed: int, judge: Judge | None, frame_judge: Judge | None = None
) -> Drawn:
    """Draw `count` samples of a trained recipe, or as many as there are real items of each set, and the baselines."""
    real = real_items(recipe.config, source, count, seed)
    n, training = len(real.reference), source.data.items
    made = with_all_weights(recipe, recipe.latents(n, backend.generator([seed, 4])))
    columns = {**made, DATA: real.others, **baselines(training, n, recipe.config.latent, seed)}
    return Drawn(columns, real, training, judge, frame_judge)


def with_all_weights(recipe: Any, z: np.ndarray, told: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """The recipe's samples of z as "model", and as "raw weights" where "model" are those of averaged ones."""
    found = {MODEL: recipe.generate(z, told)}
    if getattr(recipe, "average", None):
        recipe.draw_averaged = False
        found[RAW] = recipe.generate(z, told)
        recipe.draw_averaged = True
    moves = getattr(recipe.config, "moves", False)
    return found if moves else {name: to_uint8(made) for name, made in found.items()}


def baselines(training: np.ndarray, n: int, components: int, seed: int) -> dict[str, np.ndarray]:
    """n mean images, n draws of PCA with as many components as there are latents, and n training items as they are."""
    mean = np.clip(training.mean(axis=0) + 0.5, 0, 255).astype(np.uint8)
    found = {f"mean {WORDS[training.ndim]}": np.repeat(mean[None], n, axis=0)}
    fitted = training[:: max(1, len(training) // FITTED)]
    if components < min(len(fitted), fitted[0].size):
        drawn = pca_samples(fitted, n, components, backend.generator([seed, 5]))
        found["PCA"] = np.clip(np.rint(drawn), 0, 255).astype(np.uint8)
    places = backend.generator([seed, 6]).choice(len(training), n, replace=n > len(training))
    return {**found, COPIES: training[places]}


def real_items(config: Any, source: Any, count: int, seed: int) -> Real:
    """Two sets of at most `count` real items: made at the next two seeds, or drawn from what is held out.

    Where nothing is held out they are items of the training itself, and a note says so.
    """
    word = WORDS[source.data.items.ndim]
    subject = subject_of(**asked_of(config))
    is_static = getattr(config, "binarisation", "") == "static"
    if isinstance(subject, Known):
        found = [_made(subject, count, config.seed + k, is_static) for k in (1, 2)]
        note = f"Real {word}s: {count:,} of the seed after the training's, and {count:,} of the one after that."
        return Real(found[0][0], found[1][0], found[1][1], (note,))
    pool, note = source.held_out, f"Real {word}s: held out of the training."
    if pool is None and isinstance(subject, Digits):
        pool, note = subject.unseen(), "Real images: of MNIST's test set."
    if pool is None or len(pool) < 2 * FEWEST:
        pool = source.data
        few = "none are" if source.held_out is None else f"only {len(source.held_out)} are"
        note = f"Real {word}s: of the training itself, since {few} held out; a model that copies them looks perfect."
    places = backend.generator([seed, 7]).permutation(len(pool))
    n = min(count, len(pool) // (4 if pool is source.data else 2))  # of the training half is left, to compare with
    if n < 2:
        raise DataError(f"--data {config.data}: {len(pool)} {word}s are too few to measure on; it needs 8 or more.")
    one, two = pool.take(places[:n]), pool.take(places[n : 2 * n])
    notes = [note]
    if len(set(getattr(pool, "takes", range(len(pool))))) < len(pool):
        notes.append(
            f"{word.capitalize()}s of one take overlap, so that real ones are nearer to each other than others."
        )
    factors = getattr(two, "factors", None)
    return Real(one.items, two.items, factors, tuple(notes), places[: 2 * n] if pool is source.data else None)


def _made(subject: Known, count: int, seed: int, is_static: bool) -> tuple[np.ndarray, np.ndarray]:
    items, factors = subject.draw(count, seed)
    if is_static:
        items = static(Images(items), seed).items
    return items, factors

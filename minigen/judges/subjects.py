"""What a judge is taught: factors of what minigen renders, or the classes of digits, and items to teach and test it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigen.data import (
    EFFECT_RANGES,
    EFFECT_SEEN,
    RANGES,
    Frame,
    Images,
    effects,
    mnist,
    open_data,
    render,
    render_effects,
    scenes,
    visible,
)
from minigen.data.clips import LOOPING
from minigen.metrics.factors import r_squared
from minigen.train.condition import Factor

SEED = 1_785_030_759  # "judg" in ASCII, far from the seeds people choose: no run learns from a judge's items
SPARED = 10_000  # digits that a run learns from by default; the judge learns from those after them
CYCLIC = ("time",)  # factors on a circle; of effects only an explosion shows its phase, and that has ends


@dataclass(frozen=True)
class Lesson:
    """Items (N, …) uint8, what is to be said of each (N, O), and which of these numbers count (N, O), 0 or 1."""

    items: np.ndarray
    targets: np.ndarray
    counted: np.ndarray


class Subject:
    """What one judge knows.  `outputs` is how many numbers its network says of an item.

    data: the specification without its folder, such as effects:fire.  side, channels, frames: of the items, which are
    (N, side, side, channels), or clips (N, frames, side, side, channels).
    """

    data: str
    side: int
    channels: int
    frames: int = 1
    loops: bool = False  # clips that may begin at any of their frames
    outputs: int

    def lesson(self, count: int) -> Lesson:
        """Items to learn from, at most so many."""
        raise NotImplementedError(f"{type(self).__name__} does not define lesson(self, count).")

    def exam(self, count: int) -> Lesson:
        """Items to be tested on, at most so many, none of them among those to learn from."""
        raise NotImplementedError(f"{type(self).__name__} does not define exam(self, count).")

    def scores(self, said: np.ndarray, exam: Lesson) -> dict[str, float]:
        """How good some answers (N, outputs) to an exam are: 1 is perfect."""
        raise NotImplementedError(f"{type(self).__name__} does not define scores(self, said, exam).")

    @property
    def fingerprint(self) -> str:
        """Changes where the data that a judge learns from change."""
        raise NotImplementedError(f"{type(self).__name__} does not define fingerprint.")


class Rendered(Subject):
    """Scenes or effects: the factors that can be seen, each scaled to [−1, 1], a cyclic one as cosine and sine."""

    def __init__(self, data: str, side: int, channels: int, frames: int = 1):
        self.data, self.side, self.channels, self.frames = data, side, channels, frames
        self.effect = data.partition(":")[2]  # none for scenes
        self.loops = frames > 1 and self.effect in LOOPING
        ranges: Mapping[str, tuple[float, float]] = EFFECT_RANGES if self.effect else RANGES
        names = EFFECT_SEEN[self.effect] if self.effect else [name for name in RANGES if name != "nuisance"]
        self.ranges = {name: ranges[name] for name in names}
        self.columns = [(name, part) for name in names for part in (("cos", "sin") if name in CYCLIC else ("",))]
        self.outputs = len(self.columns)

    def lesson(self, count: int) -> Lesson:
        return self._drawn(count, SEED)

    def exam(self, count: int) -> Lesson:
        return self._drawn(count, SEED + 1)

    @property
    def fingerprint(self) -> str:
        items = self.draw(16, SEED)[0]
        return Images(items.reshape(-1, *items.shape[-3:])).fingerprint

    def draw(self, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """(items, factors) of a seed."""
        if not self.effect:
            return scenes(count, self.side, self.channels, seed)
        items, factors = effects(count, self.effect, self.side, self.frames, self.channels, seed)
        return (items[:, 0] if self.frames == 1 else items), factors

    def render(self, factors: np.ndarray) -> np.ndarray:
        """The items that factors describe."""
        if not self.effect:
            return render(factors, self.side, self.channels)
        items = render_effects(factors, self.effect, self.side, self.frames, self.channels)
        return items[:, 0] if self.frames == 1 else items

    def seen(self, factors: np.ndarray) -> dict[str, np.ndarray]:
        """Which factors can be seen in which items: name → bool (N,)."""
        always = np.ones(len(factors), bool)
        found = visible(factors) if not self.effect else {name: always for name in self.ranges}
        return {name: found[name] for name in self.ranges}

    def targets(self, factors: np.ndarray) -> np.ndarray:
        """Factors as the network is to say them: float32 (N, outputs)."""
        scaled = [
            Factor(name, *ends, cyclic=name in CYCLIC).columns(factors[name]) for name, ends in self.ranges.items()
        ]
        return np.concatenate(scaled, axis=1)

    def values(self, said: np.ndarray) -> dict[str, np.ndarray]:
        """What the network says (N, outputs) as factors: name → float64 (N,), each brought into its range."""
        column = {both: said[:, k].astype(np.float64) for k, both in enumerate(self.columns)}
        found = {}
        for name, (low, high) in self.ranges.items():
            if name in CYCLIC:
                share = np.arctan2(column[name, "sin"], column[name, "cos"]) / (2 * np.pi) % 1.0
            else:
                share = (np.clip(column[name, ""], -1, 1) + 1) / 2
            found[name] = low + (high - low) * share
        return found

    def records(self, values: Mapping[str, np.ndarray], nuisance: float) -> np.ndarray:
        """Factors by name as the renderer takes them; those that cannot be seen are in the middle of their range."""
        ranges: Mapping[str, tuple[float, float]] = EFFECT_RANGES if self.effect else RANGES
        count = len(next(iter(values.values())))
        found = np.empty(count, [(name, np.float64) for name in ranges])
        for name, (low, high) in ranges.items():
            found[name] = values.get(name, (low + high) / 2)
        found["nuisance"] = nuisance
        if not self.effect:
            found["sea"] = found["sea"] >= 0.5
        return found

    def scores(self, said: np.ndarray, exam: Lesson) -> dict[str, float]:
        """R² of each factor over the items in which it is seen, a cyclic one as a point on its circle."""
        truth, found = self.values(exam.targets), self.values(said)
        scores = {}
        for name in self.ranges:
            use = exam.counted[:, [column for column, _ in self.columns].index(name)] > 0
            scores[name] = r_squared(truth[name][use], found[name][use], period=1.0 if name in CYCLIC else None)
        return scores

    def _drawn(self, count: int, seed: int) -> Lesson:
        items, factors = self.draw(count, seed)
        seen = self.seen(factors)
        counted = np.stack([seen[name] for name, _ in self.columns], axis=1).astype(np.float32)
        return Lesson(items, self.targets(factors), counted)


class Digits(Subject):
    """MNIST's digits, one-hot.  The judge learns from those after the first 10,000, which a run learns from."""

    outputs = 10

    def __init__(self, folder: str, side: int, channels: int):
        self.data, self.folder, self.side, self.channels = "mnist", folder, side, channels

    def lesson(self, count: int) -> Lesson:
        digits = open_data(self._spec, size=self.side, channels=self.channels, count=None, upscale=True)
        spared = SPARED if len(digits) > 2 * SPARED else 0
        return _one_hot(digits.take(np.arange(spared, len(digits))[:count]))

    def exam(self, count: int) -> Lesson:
        return _one_hot(self.unseen().first(count))

    def unseen(self) -> Images:
        """The test set, in the shape of this judge."""
        digits = mnist(self.folder or None, "test")
        return Images(Frame(self.side, self.channels, upscale=True).take_all(digits.items), digits.factors, "mnist")

    @property
    def fingerprint(self) -> str:
        return mnist(self.folder or None).fingerprint

    def scores(self, said: np.ndarray, exam: Lesson) -> dict[str, float]:
        """The share of digits that are told right."""
        return {"accuracy": float((said.argmax(axis=1) == exam.targets.argmax(axis=1)).mean())}

    @property
    def _spec(self) -> str:
        return f"mnist:{self.folder}" if self.folder else "mnist"


def subject_of(data: str, side: int, channels: int, frames: int = 1) -> Subject | None:
    """What a judge of the data that a specification names would be taught; None where nothing is known of them.

    That is so of images, videos and arrays that are read, and of clips that are not rendered.
    """
    kind, _, place = data.partition(":")
    if kind in ("scenes", "effects"):
        return Rendered(data, side, channels, frames) if kind == "effects" or frames == 1 else None
    return Digits(place, side, channels) if kind == "mnist" and frames == 1 else None


def _one_hot(digits: Any) -> Lesson:
    targets = np.eye(10, dtype=np.float32)[digits.factors["label"]]
    return Lesson(digits.items, targets, np.ones_like(targets))

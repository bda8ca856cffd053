"""What a judge is taught: factors of what minigen renders, or the classes of digits, and items to teach and test it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import minigen
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
from minigen.judges.network import JudgeNetwork
from minigen.metrics.factors import r_squared
from minigen.nn import Module
from minigen.train.condition import Factor

SEED = 1_785_030_759  # "judg" in ASCII, far from the seeds people choose: no run learns from a judge's items
SPARED = 10_000  # digits that a run learns from by default; the judge learns from those after them
CYCLIC = ("time",)  # factors of images on a circle; of effects only an explosion shows its phase, and that has ends


@dataclass(frozen=True)
class Lesson:
    """Items (N, …), what is to be said of each (N, O), and which of these numbers count (N, O), 0 or 1."""

    items: np.ndarray
    targets: np.ndarray
    counted: np.ndarray


class Subject:
    """What one judge knows.  `outputs` is how many numbers its network says of an item.

    data: the specification without its folder, such as effects:fire.  side, channels, frames: of images uint8
    (N, side, side, channels), or clips (N, frames, side, side, channels); what is no image has an `item` of its own.
    """

    data: str
    side: int
    channels: int
    frames: int = 1
    loops: bool = False  # clips that may begin at any of their frames
    outputs: int

    @property
    def item(self) -> tuple[int, ...]:
        """The shape of one item."""
        image = (self.side, self.side, self.channels)
        return image if self.frames == 1 else (self.frames, *image)

    @property
    def facts(self) -> dict[str, Any]:
        """What sets it apart from other subjects, as plain JSON values."""
        return {"data": self.data, "side": self.side, "channels": self.channels, "frames": self.frames}

    def lesson(self, count: int) -> Lesson:
        """Items to learn from, at most so many."""
        raise NotImplementedError(f"{type(self).__name__} does not define lesson(self, count).")

    def exam(self, count: int) -> Lesson:
        """Items to be tested on, at most so many, none of them among those to learn from."""
        raise NotImplementedError(f"{type(self).__name__} does not define exam(self, count).")

    def scores(self, said: np.ndarray, exam: Lesson) -> dict[str, float]:
        """How good some answers (N, outputs) to an exam are: 1 is perfect."""
        raise NotImplementedError(f"{type(self).__name__} does not define scores(self, said, exam).")

    def loss(self, said: Any, targets: Any, counted: Any) -> Any:
        """What training makes small, one number, of answers (N, outputs)."""
        raise NotImplementedError(f"{type(self).__name__} does not define loss(self, said, targets, counted).")

    @property
    def fingerprint(self) -> str:
        """Changes where the data that a judge learns from change."""
        raise NotImplementedError(f"{type(self).__name__} does not define fingerprint.")

    def network(self, widths: Sequence[int], features: int, rng: np.random.Generator) -> Module:
        """The network before it has learnt anything: called on items (N, …) it says (N, outputs) by way of features."""
        return JudgeNetwork(
            self.side, self.channels, self.outputs, frames=self.frames, widths=widths, features=features, rng=rng
        )

    def rows(self, items: np.ndarray) -> np.ndarray:
        """Items as a linear model sees them, float64 (N, D), all numbers of one size."""
        return items.reshape(len(items), -1).astype(np.float64) / 255

    def unit(self, name: str) -> str:
        """What a score of that name is."""
        return "share told right"


class Known(Subject):
    """What is made from known factors: each scaled to [−1, 1], a cyclic one as cosine and sine.

    ranges: name → (lowest, highest) of the factors to be read.
    """

    ranges: Mapping[str, tuple[float, float]]
    cyclic: tuple[str, ...] = CYCLIC

    @property
    def columns(self) -> list[tuple[str, str]]:
        """(factor, part) of each number that its network says; a factor on a circle has the parts cos and sin."""
        return [(name, part) for name in self.ranges for part in (("cos", "sin") if name in self.cyclic else ("",))]

    def draw(self, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """(items, factors) of a seed."""
        raise NotImplementedError(f"{type(self).__name__} does not define draw(self, count, seed).")

    def lesson(self, count: int) -> Lesson:
        return self._drawn(count, SEED)

    def exam(self, count: int) -> Lesson:
        return self._drawn(count, SEED + 1)

    def seen(self, factors: np.ndarray) -> dict[str, np.ndarray]:
        """Which factors can be seen in which items: name → bool (N,)."""
        return {name: np.ones(len(factors), bool) for name in self.ranges}

    def seen_by(self, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The same of factors by name, as a judge reads them."""
        return {name: np.ones(len(values[name]), bool) for name in self.ranges}

    def targets(self, factors: np.ndarray) -> np.ndarray:
        """Factors as the network is to say them: float32 (N, outputs)."""
        return np.concatenate([self.told(name, factors[name]) for name in self.ranges], axis=1)

    def values(self, said: np.ndarray) -> dict[str, np.ndarray]:
        """What the network says (N, outputs) as factors: name → float64 (N,), each brought into its range."""
        parts: dict[str, dict[str, np.ndarray]] = {}
        for k, (name, part) in enumerate(self.columns):
            parts.setdefault(name, {})[part] = said[:, k].astype(np.float64)
        return {name: self.read(name, parts[name]) for name in self.ranges}

    def told(self, name: str, values: np.ndarray) -> np.ndarray:
        """One factor (N,) as the network is to say it: float32, a column for each part."""
        return Factor(name, *self.ranges[name], cyclic=name in self.cyclic).columns(values)

    def read(self, name: str, parts: Mapping[str, np.ndarray]) -> np.ndarray:
        """The inverse of `told`, of any numbers."""
        low, high = self.ranges[name]
        if name in self.cyclic:
            share = np.arctan2(parts["sin"], parts["cos"]) / (2 * np.pi) % 1.0
        else:
            share = (np.clip(parts[""], -1, 1) + 1) / 2
        return low + (high - low) * share

    def names(self, name: str, values: np.ndarray) -> np.ndarray:
        """Values of a factor that is a class, as the classes of a run are called, text (N,)."""
        return np.rint(values).astype(int).astype(str)

    def scores(self, said: np.ndarray, exam: Lesson) -> dict[str, float]:
        """The score of each factor over the items in which it is seen."""
        truth, found = self.values(exam.targets), self.values(said)
        scores = {}
        for name in self.ranges:
            use = exam.counted[:, [column for column, _ in self.columns].index(name)] > 0
            scores[name] = self.score(name, truth[name][use], found[name][use])
        return scores

    def score(self, name: str, truth: np.ndarray, found: np.ndarray) -> float:
        """R² of one factor, a cyclic one as a point on its circle."""
        return r_squared(truth, found, period=1.0 if name in self.cyclic else None)

    def loss(self, said: Any, targets: Any, counted: Any) -> Any:
        """The mean square error of the factors that are seen."""
        away = (said - targets) * counted
        return (away * away).sum() / max(1.0, float(counted.sum()))

    def unit(self, name: str) -> str:
        return "R²"

    def _drawn(self, count: int, seed: int) -> Lesson:
        items, factors = self.draw(count, seed)
        seen = self.seen(factors)
        counted = np.stack([seen[name] for name, _ in self.columns], axis=1).astype(np.float32)
        return Lesson(items, self.targets(factors), counted)


class Rendered(Known):
    """Scenes or effects: the factors that can be seen."""

    def __init__(self, data: str, side: int, channels: int, frames: int = 1):
        self.data, self.side, self.channels, self.frames = data, side, channels, frames
        self.effect = data.partition(":")[2]  # none for scenes
        self.loops = frames > 1 and self.effect in LOOPING
        ranges: Mapping[str, tuple[float, float]] = EFFECT_RANGES if self.effect else RANGES
        names = EFFECT_SEEN[self.effect] if self.effect else [name for name in RANGES if name != "nuisance"]
        self.ranges = {name: ranges[name] for name in names}
        self.outputs = len(self.columns)

    @property
    def fingerprint(self) -> str:
        items = self.draw(16, SEED)[0]
        return Images(items.reshape(-1, *items.shape[-3:])).fingerprint

    def draw(self, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
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
        if self.effect:
            return super().seen(factors)
        found = visible(factors)
        return {name: found[name] for name in self.ranges}

    def seen_by(self, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return self.seen(self.records(values, 0.5))

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

    def loss(self, said: Any, targets: Any, counted: Any) -> Any:
        """−log p of the right class, in nats."""
        return -(minigen.log_softmax(said) * targets).sum(axis=1).mean()

    @property
    def _spec(self) -> str:
        return f"mnist:{self.folder}" if self.folder else "mnist"


def _one_hot(digits: Any) -> Lesson:
    targets = np.eye(10, dtype=np.float32)[digits.factors["label"]]
    return Lesson(digits.items, targets, np.ones_like(targets))

"""What a model is told of each item beside its latents: its class, or some of the factors that it was made from."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from minigen.errors import SettingError
from minigen.models.vae import one_hot

CYCLIC = ("time", "phase")  # factors on a circle: midnight comes after midnight
NOISE = "nuisance"  # of every renderer: it seeds what else varies, and says nothing by its size


@dataclass(frozen=True)
class Factor:
    """A number that an item was made from: its name and range, whether the range's ends are one, and if it is whole."""

    name: str
    lowest: float
    highest: float
    cyclic: bool = False
    whole: bool = False

    def at(self, places: np.ndarray) -> np.ndarray:
        """Values at these shares of the range, places (N,) in [0, 1): as evenly as places are, so are they."""
        if self.whole:
            return np.floor(self.lowest + (self.highest - self.lowest + 1) * places)
        return self.lowest + (self.highest - self.lowest) * places

    def columns(self, values: np.ndarray) -> np.ndarray:
        """Values (N,) as a network takes them, float32 (N, 1) in [−1, 1]; cyclic ones (N, 2): cosine and sine."""
        share = (np.asarray(values, np.float64) - self.lowest) / (self.highest - self.lowest)
        if self.cyclic:
            angle = 2 * np.pi * share
            return np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
        return (2 * share - 1).astype(np.float32)[:, None]


@dataclass(frozen=True)
class Condition:
    """Either names of classes, told as one-hot rows, or factors, told as rows of scaled numbers; or neither.

    A row has `numbers` numbers.  A run keeps it as `as_facts()` among what it knows of its data.
    """

    classes: tuple[str, ...] = ()
    factors: tuple[Factor, ...] = ()

    @classmethod
    def of(cls, data: Any, asked: str) -> "Condition":
        """What --condition asks of a data set: `none`, one label, or factors such as `time,haze`.

        SettingError, with what there is, where the items have no such label or factors.
        """
        if asked == "none":
            return cls()
        labels = labels_of(data)
        if asked in labels:
            return cls(classes=tuple(sorted(set(labels[asked].tolist()))))
        known = numbers_of(data)
        names = asked.split(",")
        if not known or any(name not in known for name in names) or len(set(names)) < len(names):
            raise SettingError(f"--condition {asked}: {data.name} does not say that of its items; {_offer(data)}")
        ends = data.name == "effects-explosion"  # its phase is an age, which has a beginning and an end
        return cls(factors=tuple(_factor(name, known[name], name in CYCLIC and not ends) for name in names))

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> "Condition":
        """What `as_facts` gave, read back from a checkpoint."""
        return cls(tuple(facts.get("classes", ())), tuple(Factor(**factor) for factor in facts.get("factors", ())))

    def as_facts(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"classes": list(self.classes), "factors": [asdict(factor) for factor in self.factors]}

    @property
    def numbers(self) -> int:
        """How many numbers tell it; 0 where a model is told nothing."""
        return len(self.classes) + sum(2 if factor.cyclic else 1 for factor in self.factors)

    def told(self, data: Any, asked: str) -> np.ndarray | None:
        """Of each item the number of its class (N,), or a row of its factors, float32 (N, numbers); None for nothing.

        SettingError where an item has a class that is not among these: a held-out clip of a style never trained on.
        """
        if self.classes:
            found = labels_of(data)[asked]
            strange = sorted(set(found.tolist()) - set(self.classes))
            if strange:
                raise SettingError(
                    f"--condition {asked}: {', '.join(strange)} does not occur among the items trained on."
                )
            return np.searchsorted(np.array(self.classes), found)
        if self.factors:
            known = numbers_of(data)
            return np.concatenate([factor.columns(known[factor.name]) for factor in self.factors], axis=1)
        return None

    def rows(self, told: np.ndarray | None, count: int) -> np.ndarray | None:
        """Class numbers (N,) or rows (N, numbers) as float32 rows; by default `in_turn`.  None for no condition."""
        if not self.numbers:
            return None
        if told is None:
            return self.in_turn(count)
        told = np.asarray(told)
        return one_hot(told, len(self.classes)) if told.ndim == 1 else told.astype(np.float32)

    def in_turn(self, count: int) -> np.ndarray:
        """Rows for so many samples: the classes one after another; factors spread evenly over all their ranges.

        The spread adds a fixed step to each factor, modulo its range; the steps are powers of the root of
        x^(F+1) = x + 1, which leave no gaps whatever the count (Roberts 2018, "R sequences").
        """
        if self.classes:
            return one_hot(np.arange(count) % len(self.classes), len(self.classes))
        F, root = len(self.factors), 2.0
        for _ in range(40):
            root = (1 + root) ** (1 / (F + 1))
        places = (0.5 + np.arange(count)[:, None] * root ** -np.arange(1, F + 1)) % 1.0
        return self._at(places)

    def drawn(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Rows whose class or factors are drawn: uniform over the classes, or over each factor's range."""
        if self.classes:
            return one_hot(rng.integers(len(self.classes), size=count), len(self.classes))
        return self._at(rng.random((count, len(self.factors))))

    def row(self, values: Mapping[str, float], rest: np.ndarray | None = None) -> np.ndarray:
        """One row (numbers,) of factors by name; those not named as in the row `rest`, by default at mid range.

        SettingError for a name that is no factor of this condition, or a value outside its range.
        """
        known = {factor.name: factor for factor in self.factors}
        for name, value in values.items():
            if name not in known:
                raise SettingError(f"--set {name}={value:g}: this run was told of {', '.join(known) or 'no factors'}.")
            low, high = known[name].lowest, known[name].highest
            if not low <= value <= high:
                raise SettingError(f"--set {name}={value:g} must lie in [{low:g}, {high:g}], as in its training.")
        found, first = [], 0
        for name, factor in known.items():
            middle = (factor.lowest + factor.highest) / 2
            columns = factor.columns(np.array([values.get(name, middle)]))[0]
            kept = rest is not None and name not in values
            found.append(rest[first : first + len(columns)] if kept else columns)  # type: ignore[index]
            first += len(columns)
        return np.concatenate(found)

    def _at(self, places: np.ndarray) -> np.ndarray:
        """Rows of factors at these shares of their ranges, places (N, factors) in [0, 1)."""
        values = [factor.at(places[:, k]) for k, factor in enumerate(self.factors)]
        return np.concatenate([f.columns(v) for f, v in zip(self.factors, values, strict=True)], axis=1)


def labels_of(data: Any) -> dict[str, np.ndarray]:
    """Each label as text (N,): the labels of motion; of others the factors that are whole numbers of few values."""
    if getattr(data, "labels", None) is not None:
        return data.labels
    whole = {name: values for name, values in _fields(data).items() if values.dtype.kind in "iub"}
    return {name: values.astype(str) for name, values in whole.items() if 2 <= len(np.unique(values)) <= 256}


def numbers_of(data: Any) -> dict[str, np.ndarray]:
    """Each factor (N,) that can be told as a number: not the renderer's noise, and not one that never changes."""
    fields = {name: values for name, values in _fields(data).items() if name != NOISE and values.dtype.kind in "iubf"}
    return {name: values for name, values in fields.items() if np.ptp(values.astype(np.float64)) > 0}


def _fields(data: Any) -> dict[str, np.ndarray]:
    factors = getattr(data, "factors", None)
    return {} if factors is None else {name: factors[name] for name in factors.dtype.names or ()}


def _factor(name: str, values: np.ndarray, cyclic: bool) -> Factor:
    if cyclic:
        return Factor(name, 0.0, 1.0, cyclic=True)
    return Factor(name, float(values.min()), float(values.max()), whole=values.dtype.kind in "iub")


def _offer(data: Any) -> str:
    labels, numbers = list(labels_of(data)), list(numbers_of(data))
    if not labels and not numbers:
        return "it has no labels. Leave --condition out."
    if not numbers:
        return f"it has {', '.join(labels)}. Choose one of these."
    joined = ", ".join(numbers)
    if not labels:
        return f"it has, as numbers, {joined}. Choose some of these, with commas between."
    return f"it has {', '.join(labels)}; and as numbers {joined}. Choose one, or numbers with commas between."

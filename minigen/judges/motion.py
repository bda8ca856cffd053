"""What the judge of motion is taught: which action a window of built-in motion shows, and the factors of its making."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

import minigen
from minigen.data.motion import ACTIONS, MOTION_RANGES, animate, draw_motion_factors
from minigen.data.motion_figure import FIGURE
from minigen.data.motions import Motions
from minigen.judges.network import MotionNetwork
from minigen.judges.subjects import SEED, Known, Lesson
from minigen.motion import Carrier, Clip, Scaling, carrier, to_features
from minigen.motion.rates import as_rate
from minigen.nn import Module

AT_ONCE = 500  # clips: their matrices are large
LEARNT_FROM = 500  # windows from which the scaling of features is learnt; no judge learns from fewer
MOST = 512_000  # frames to learn from: 266 MB


class Motion(Known):
    """Windows of built-in motion as features, float32 (N, frames, 6J + 4), at a rate of frames.

    The action is told as one of five classes, the other factors as numbers; `phase` is cyclic.
    """

    data = "motion"
    cyclic = ("phase",)

    def __init__(self, frames: int = 64, fps: float = 30):
        self.frames, self.fps = frames, as_rate(fps)
        self.ranges = {name: ends for name, ends in MOTION_RANGES.items() if name != "nuisance"}
        self.outputs = len(self.columns)

    @property
    def item(self) -> tuple[int, ...]:
        return self.frames, 6 * len(FIGURE) + 4

    @property
    def facts(self) -> dict[str, Any]:
        return {"data": self.data, "frames": self.frames, "fps": str(self.fps)}

    @property
    def columns(self) -> list[tuple[str, str]]:
        """One number for each action, then those of the other factors."""
        return [("action", action) for action in ACTIONS] + [
            column for column in super().columns if column[0] != "action"
        ]

    def lesson(self, count: int) -> Lesson:
        return super().lesson(min(count, max(LEARNT_FROM, MOST // self.frames)))

    def draw(self, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        factors = draw_motion_factors(count, seed)
        items = np.empty((count, *self.item), np.float32)
        body: Carrier | None = None
        for i in range(0, count, AT_ONCE):
            clips: list[Clip] = animate(factors[i : i + AT_ONCE], self.frames, self.fps)
            body = body or carrier(FIGURE, clips)
            items[i : i + AT_ONCE] = [to_features(clip, body) for clip in clips]
        return items, factors

    @property
    def fingerprint(self) -> str:
        clips = animate(draw_motion_factors(16, SEED), self.frames, self.fps)
        body = carrier(FIGURE, clips)
        items = np.stack([to_features(clip, body) for clip in clips])
        return Motions(items, np.arange(16), FIGURE, body, self.fps).fingerprint

    @cached_property
    def scaling(self) -> Scaling:
        """Brings the features to a common size, as the recipe does for its own."""
        return Scaling.of(self.draw(LEARNT_FROM, SEED)[0], len(FIGURE))

    def network(self, widths: Sequence[int], features: int, rng: np.random.Generator) -> Module:
        return MotionNetwork(
            self.frames, self.item[1], self.outputs, scaling=self.scaling, widths=widths, features=features, rng=rng
        )

    def rows(self, items: np.ndarray) -> np.ndarray:
        return self.scaling.to_units(items).reshape(len(items), -1).astype(np.float64)

    def told(self, name: str, values: np.ndarray) -> np.ndarray:
        if name == "action":
            return np.eye(len(ACTIONS), dtype=np.float32)[values]
        return super().told(name, values)

    def read(self, name: str, parts: Mapping[str, np.ndarray]) -> np.ndarray:
        if name == "action":
            return np.stack(list(parts.values())).argmax(axis=0).astype(np.float64)
        return super().read(name, parts)

    def names(self, name: str, values: np.ndarray) -> np.ndarray:
        return np.array(ACTIONS)[np.rint(values).astype(int)] if name == "action" else super().names(name, values)

    def score(self, name: str, truth: np.ndarray, found: np.ndarray) -> float:
        return float((truth == found).mean()) if name == "action" else super().score(name, truth, found)

    def loss(self, said: Any, targets: Any, counted: Any) -> Any:
        """−log p of the right action, in nats, and the mean square error of the other factors."""
        K = len(ACTIONS)
        entropy = -(minigen.log_softmax(said[:, :K]) * targets[:, :K]).sum(axis=1).mean()
        return entropy + super().loss(said[:, K:], targets[:, K:], counted[:, K:])

    def unit(self, name: str) -> str:
        return "share told right" if name == "action" else super().unit(name)

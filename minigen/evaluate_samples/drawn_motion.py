"""What is measured of motion: sampled windows, what needs no model beside them, and real windows."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from minigen import backend
from minigen.evaluate_samples.drawn import COPIES, DATA, FITTED, Drawn, Real, real_items, with_all_weights
from minigen.judges import Judge
from minigen.metrics.baselines import hold_first, mean_pose, pca_samples
from minigen.motion import Scaling


class DrawnMotion(Drawn):
    """Windows of features, float32 (n, T, F), in each column; without a judge their scaled numbers are compared.

    labels: of each training window the class that the model is told, text; None where it is told none.  components:
    of PCA, as many as the model has latents.
    """

    numbers, unit = "scaled features", "deviations"

    def __init__(
        self,
        columns: Mapping[str, np.ndarray],
        real: Real,
        training: np.ndarray,
        judge: Judge | None,
        *,
        scaling: Scaling,
        labels: np.ndarray | None,
        components: int,
    ):
        super().__init__(columns, real, training, judge)
        self.scaling, self.labels, self.components = scaling, labels, components

    @property
    def unjudged(self) -> str:
        return (
            "No judge: that of motion knows built-in motion alone, whose figure and labels BVH files do not have, so "
            "that scaled features are compared."
        )

    def features_of(self, items: np.ndarray) -> np.ndarray:
        if self.judge is not None:
            return self.judge.features(items)
        return self.comparable(items).reshape(len(items), -1)

    def comparable(self, items: np.ndarray) -> np.ndarray:
        return self.scaling.to_units(items)

    def handed_out(self, names: np.ndarray, seed: int) -> dict[str, np.ndarray]:
        """The baselines, each made of the training windows of the class asked for; of real ones their first frame."""
        found: dict[str, np.ndarray] = {}
        parts: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
        assert self.labels is not None
        for name in np.unique(names):
            places = np.flatnonzero(names == name)
            windows = self.training[self.labels == name]
            for column, items in baselines(windows, windows, len(places), self.components, seed, self.scaling).items():
                parts.setdefault(column, []).append((places, items))
        for column, some in parts.items():
            if sum(len(places) for places, _ in some) == len(names):  # PCA needs enough windows of each class
                found[column] = np.empty((len(names), *self.training.shape[1:]), np.float32)
                for places, items in some:
                    found[column][places] = items
        return found


def draw_motion(recipe: Any, source: Any, count: int, seed: int, judge: Judge | None) -> DrawnMotion:
    """Draw `count` windows of a trained VAE of motion, or as many as there are real ones, and the baselines."""
    config = recipe.config
    real = real_items(config, source, count, seed)
    n, training = len(real.reference), source.data.items
    columns = {
        **with_all_weights(recipe, recipe.latents(n, backend.generator([seed, 4]))),
        DATA: real.others,
        **baselines(training, real.others, n, config.latent, seed, recipe.scaling),
    }
    labels = source.data.labels.get(config.condition)
    return DrawnMotion(columns, real, training, judge, scaling=recipe.scaling, labels=labels, components=config.latent)


def baselines(
    training: np.ndarray, others: np.ndarray, n: int, components: int, seed: int, scaling: Scaling
) -> dict[str, np.ndarray]:
    """n of each, float32: the mean pose, `others` with their first frame held, draws of PCA, and training windows.

    No PCA where there are no more training windows than components.
    """
    rng = backend.generator([seed, 6])
    held = others[rng.choice(len(others), n, replace=n > len(others))]
    found = {
        "mean pose": mean_pose(training, held).astype(np.float32),
        "first frame": hold_first(held),
    }
    fitted = scaling.to_units(training[:: max(1, len(training) // FITTED)])
    if components < min(len(fitted), fitted[0].size):
        drawn = pca_samples(fitted, n, components, backend.generator([seed, 5]))
        found["PCA"] = scaling.from_units(drawn.astype(np.float32))
    found[COPIES] = training[rng.choice(len(training), n, replace=n > len(training))]
    return found

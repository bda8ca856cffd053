"""What the samples of `few_images` are worth, by judges that never saw the images: a line for each run and its rivals.

Beside each run's samples, with averaged and with raw weights, stand two rivals that need no network: as many draws
from its training images (whoever only repeats them), and from a normal in their principal components, as many as the
GAN has latents.  The floor is real against real, at the same sizes.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.experiments.few_images_data import MEASURES, RESULTS, images, kind_of, located, name_of
from benchmarks.experiments.results import append, lines_of
from minigen import metrics
from minigen.data import Images, mnist, scenes, to_uint8
from minigen.errors import DataError
from minigen.judges import Judge, judge_of

REAL_SEED = 1_000_003  # scenes to measure against; of no run, and of no judge
READ = 0.5  # R² of a factor, from which on it is counted: what a judge cannot read says nothing of a sample
COMPONENTS = 100  # of the PCA: as many as the GAN has latents
FLOOR = "real"  # what the floor's line is of


class Yardstick:
    """The real images of one kind of data, what a judge says of them, and what is measured against them.

    Two halves that no run learnt from: `real`, against which all is measured, and `other`, the floor.
    """

    def __init__(self, kind: str, folder: str, n: int):
        self.kind, self.n = kind, n
        judge = judge_of(f"{kind}:{folder}" if folder else kind, 28, 1)
        assert judge is not None
        self.judge: Judge = judge
        if kind == "scenes":
            self.real, self.other = (scenes(n, seed=REAL_SEED + k)[0] for k in (0, 1))
        else:
            digits = mnist(folder or None, "test").items
            if len(digits) < 2 * n:
                raise DataError(f"--items {n}: there are {len(digits)} test digits for two halves; ask for fewer.")
            places = np.random.default_rng(REAL_SEED).permutation(len(digits))  # its halves are by other writers
            self.real, self.other = digits[places[:n]], digits[places[n : 2 * n]]
        self.features = judge.features(self.real)
        apart = metrics.nearest_distances(self.real, self.real, leave_out_self=True)[1]
        self.twins = float(np.percentile(apart, 1))  # nearer than 99 in 100 real images lie to another

    def of(self, items: np.ndarray) -> dict[str, Any]:
        """Everything that needs no training set, of n items (n, 28, 28, 1) uint8."""
        features = self.judge.features(items)
        mean, error = metrics.kid(self.features, features, rng=np.random.default_rng(0))
        real, fake = metrics.two_sample_accuracy(self.features, features)
        found = {
            "n_real": len(self.real),
            "n_fake": len(items),
            "judge": self.judge.hash,
            "judge_scores": {name: round(score, 4) for name, score in self.judge.scores.items()},
            "fid_clf": metrics.frechet_distance(self.features, features),
            "kid": mean,
            "kid_error": error,
            "nn_real": real,
            "nn_fake": fake,
            "twins": metrics.near_duplicates(items, self.twins),
        }
        return found | (self._factors(items) if self.judge.reads_factors else self._classes(items))

    def near(self, learnt: Images) -> tuple[np.ndarray, np.ndarray]:
        """(training images, distances of real images that were not learnt from to the nearest of them)."""
        return learnt.items, metrics.nearest_distances(self.real, learnt.items)[1]

    def _factors(self, items: np.ndarray) -> dict[str, float]:
        """How evenly factors read off the images fill their ranges, each and in pairs: means of those that are read."""
        subject: Any = self.judge.subject
        values = self.judge.factors(items)
        seen = subject.seen(subject.records(values, nuisance=0.5))
        ranges = {name: ends for name, ends in subject.ranges.items() if self.judge.scores[name] >= READ}
        alone = metrics.coverage(values, ranges, seen=seen).values()
        pairs = metrics.pair_coverage(values, ranges, seen=seen).values()
        return {
            "kl_factors": float(np.nanmean([c.kl for c in alone])),
            "kl_pairs": float(np.nanmean([c.kl for c in pairs])),
            "cells": float(np.nanmean([c.occupied for c in pairs])),
        }

    def _classes(self, items: np.ndarray) -> dict[str, float]:
        counts = np.bincount(self.judge.labels(items), minlength=10)
        return {"kl_classes": metrics.kl_to_uniform(counts), "classes": int((counts > 0).sum())}


def copies(items: np.ndarray, training: np.ndarray, usual: np.ndarray) -> dict[str, float]:
    """How near to the nearest training image: the median, and the share nearer than 99 in 100 unseen real images."""
    distances = metrics.nearest_distances(items, training)[1]
    return {
        "distance": float(np.median(distances)),
        "usual_distance": float(np.median(usual)),
        "copies": float((metrics.held_out_rank(distances, usual) < 1).mean()),
    }


def contenders(row: dict[str, Any], learnt: Images, work: Path, name: str, n: int) -> Iterator[tuple[str, np.ndarray]]:
    """(name, n images): the run's samples, then what needs no network."""
    with np.load(work / f"{name}.npz") as file:
        for weights in ("averaged", "raw"):
            yield weights, file[weights][:n]
    rng = np.random.default_rng([row["seed"], 5])
    yield "training images", learnt.items[rng.choice(len(learnt), n, replace=len(learnt) < n)]
    components = min(COMPONENTS, len(learnt))
    drawn = metrics.pca_samples(learnt.items, n, components, rng)
    yield "PCA", to_uint8(drawn / 127.5 - 1)


def measure_all(asked: argparse.Namespace) -> int:
    """Measure every run that is done and has not been measured; each line is added at once."""
    rows = lines_of(asked.out / RESULTS)
    path = asked.out / MEASURES
    for data in asked.data:
        kind = kind_of(data)
        waiting = [row for row in rows if row["data"] == kind]
        if not waiting:
            print(f"{kind}: no run is done yet.")
            continue
        yardstick = Yardstick(kind, located(data).partition(":")[2], asked.items)
        key = ("data", "count", "seed", "steps", "what", "judge", "n_fake")
        known = {tuple(row.get(name) for name in key) for row in lines_of(path)}

        def is_known(row: dict[str, Any], known: Any = known, y: Yardstick = yardstick, key: Any = key) -> bool:
            return tuple((row | {"judge": y.judge.hash, "n_fake": y.n}).get(name) for name in key) in known

        floor = {"data": kind, "what": FLOOR}
        if not is_known(floor):
            append(path, floor | yardstick.of(yardstick.other))
        for row in waiting:
            head = {name: row[name] for name in ("data", "count", "seed", "steps")}
            if all(is_known(head | {"what": what}) for what in ("averaged", "raw", "training images", "PCA")):
                continue
            learnt = images(data, row["count"], row["seed"])
            if learnt.fingerprint != row["data_hash"]:
                raise DataError(f"{name_of(row)}: it learnt from other images than --data {data} gives now.")
            training, usual = yardstick.near(learnt)
            for what, items in contenders(row, learnt, asked.work, name_of(row), asked.items):
                if not is_known(head | {"what": what}):
                    line = head | {"what": what} | yardstick.of(items) | copies(items, training, usual)
                    append(path, line)
            print(f"measured {name_of(row)}", flush=True)
    return 0

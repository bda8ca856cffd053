"""How a judge is made: a lesson, Adam, and an exam on items that it has not seen, beside a linear model's."""

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

import minigen
from minigen import backend, optim
from minigen.data import Batches, as_batch
from minigen.judges.judge import Judge
from minigen.judges.subjects import SEED, Digits, Lesson, Subject
from minigen.nn import Module


@dataclass(frozen=True)
class Settings:
    """Every number of a judge's training.  The defaults take about a minute on two cores."""

    items: int = 20_000  # to learn from, at most; of digits all but those spared
    clips: int = 8_000  # the same of clips, which are larger
    tested: int = 2_000  # items of the exam, at most; of digits 10,000
    shown: int = 120_000  # items in all passes together, at least
    batch: int = 64
    learning_rate: float = 2e-3  # Adam's, from which it falls to 0 along half a cosine
    widths: tuple[int, ...] = (16, 32, 48, 64)  # channels after each stage; small images have the last three
    features: int = 64  # behind the last layer; a Fréchet distance of them needs more items than that
    seed: int = SEED


SETTINGS = Settings()


def config_hash(subject: Subject, settings: Settings) -> str:
    """16 hexadecimal digits that change with any setting of a judge, with its data, and with its items' shape."""
    text = json.dumps({**subject.facts, **asdict(settings)}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def network_of(subject: Subject, settings: Settings) -> Module:
    """The network of a judge before it has learnt anything."""
    return subject.network(settings.widths, settings.features, backend.generator([settings.seed, 0]))


def learn(subject: Subject, settings: Settings) -> Judge:
    """Train a judge and test it; the same settings give the same judge on the CPU."""
    from rich.console import Console
    from rich.progress import track

    digits = isinstance(subject, Digits)
    lesson = subject.lesson(60_000 if digits else settings.clips if subject.frames > 1 else settings.items)
    network = network_of(subject, settings)
    weights = network.parameters()
    order = np.arange(len(lesson.items), dtype=np.float32)  # batches of places: targets and masks go along with items
    batches = Batches(order, min(settings.batch, len(order)), seed=settings.seed)
    steps = math.ceil(settings.shown / len(order)) * batches.steps_per_epoch
    starts = np.random.default_rng([settings.seed, 1])

    def rate(step: int) -> float:
        return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * min(step, steps) / (steps + 1)))

    optimiser = optim.Adam(weights, rate)
    console = Console(stderr=True)
    said = f"training a judge of {subject.data}"
    for _ in track(range(steps), said, console=console, transient=True, disable=not console.is_terminal):
        places = next(batches).astype(np.intp)
        items = lesson.items[places]
        items = begun_anywhere(items, starts) if subject.loops else items
        x, targets, counted = map(backend.to_device, (as_batch(items), lesson.targets[places], lesson.counted[places]))
        loss = subject.loss(network(minigen.tensor(x)), targets, counted)
        optimiser.update(minigen.grad(loss, weights))
    network.eval()
    exam = subject.exam(10_000 if digits else settings.tested)
    judge = Judge(subject, network, {})
    facts: dict[str, Any] = {
        "data": subject.data,
        "shape": list(subject.item),
        "config": asdict(settings),
        "config_hash": config_hash(subject, settings),
        "data_hash": subject.fingerprint,
        "minigen": minigen.__version__,
        "learnt_from": len(lesson.items),
        "tested_on": len(exam.items),
        "scores": subject.scores(judge.outputs(exam.items), exam),
        "baseline": subject.scores(linear(subject, lesson, exam), exam),
    }
    return Judge(subject, network, facts)


def linear(subject: Subject, lesson: Lesson, exam: Lesson, most: int = 2_000, strength: float = 1.0) -> np.ndarray:
    """What a linear model of the items says of an exam, (N, outputs): ridge regression on some items of the lesson.

    In its dual form, Y = K_test (K + λ I)⁻¹ (Y − mean) + mean with K = X Xᵀ and λ = `strength` · tr K / N.
    """
    x, y = subject.rows(lesson.items[:most]), lesson.targets[:most].astype(np.float64)
    mean_x, mean_y = x.mean(axis=0), y.mean(axis=0)
    x = x - mean_x
    K = x @ x.T
    K[np.diag_indices(len(K))] += strength * np.trace(K) / len(K)
    return (subject.rows(exam.items) - mean_x) @ (x.T @ np.linalg.solve(K, y - mean_y)) + mean_y


def begun_anywhere(clips: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Clips (N, T, …) that come round, each begun at a frame drawn anew: as true, and new to the network."""
    N, T = clips.shape[:2]
    frames = (rng.integers(T, size=(N, 1)) + np.arange(T)) % T
    return clips[np.arange(N)[:, None], frames]

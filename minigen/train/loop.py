"""The loop: batches into a recipe's step, and everything a run leaves in its folder.  It knows no model."""

import json
import math
import platform
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import minigen
from minigen.data import Batches
from minigen.errors import AnomalyError, DataError
from minigen.train import checkpoint as checkpoints
from minigen.train import report, runs
from minigen.train.album import Album
from minigen.train.measured import count, numbers, on_device
from minigen.train.progress import Progress

SNAPSHOT_SECONDS = 1.0  # how old the state may be to which a failed run is put back; each costs a copy to the host


@dataclass(frozen=True)
class Plan:
    """How long, how often, where."""

    run: Path
    steps: int  # train until this step
    sample_every: int
    save_seconds: float
    keep: int  # checkpoints; older ones are deleted
    stop_seconds: float = math.inf  # stop in good order after this long
    metrics_every: int = 1  # steps from one line of metrics, for which a GPU is waited for, to the next


@dataclass(frozen=True)
class Outcome:
    """Why the loop ended: "done", "interrupted" or "out of time", and after which step."""

    reason: str
    step: int


@dataclass
class Stretch:
    """The steps since the last line of metrics: how long they took, and the items they were shown."""

    seconds: float = 0.0
    items: int = 0


class Loop:
    """One run of training, from wherever the recipe and the batches stand."""

    def __init__(
        self,
        recipe: Any,
        album: Album,
        batches: Batches,
        plan: Plan,
        facts: dict[str, Any],
        step: Callable[..., dict[str, Any]] | None = None,  # of batches of the host; by default the recipe's own
    ):
        self.recipe, self.album, self.batches, self.plan = recipe, album, batches, plan
        self.step = step or self.plain_step
        self.facts = facts  # what a checkpoint must carry besides the state: recipe and settings, the data
        self.seconds_before = facts.get("seconds", 0.0)
        self.snapshot: Any = None  # step count, state and place: set before the first step, by save or by one_step
        self.kept_at = -math.inf
        self.looked_at = recipe.step_count  # the step whose numbers were last found to be numbers
        self.since = Stretch()
        self.began = time.monotonic()
        self.saved_at = self.began

    # What the loop does -----------------------------------------------------------------------------------------------

    def train(self, progress: Progress) -> Outcome:
        """Train until the plan's last step, Ctrl-C, or the end of its time; save and draw on the way and at the end."""
        run, recipe = self.plan.run, self.recipe
        if recipe.step_count == 0:
            self.save()  # first of all, so that a run can be resumed from its first moment
            self.draw()
        self.album.begin()
        reason = "done"
        with _ctrl_c() as asked:
            while recipe.step_count < self.plan.steps:
                if row := self.one_step():
                    runs.append_metrics(run, row)
                    progress.show(row)
                if recipe.step_count % self.plan.sample_every == 0:
                    self.draw()
                if time.monotonic() - self.saved_at > self.plan.save_seconds:
                    self.save()
                if asked:
                    reason = "interrupted"
                    break
                if time.monotonic() - self.began > self.plan.stop_seconds:
                    reason = "out of time"
                    break
        self.draw()
        self.save()
        self.finish()
        return Outcome(reason, recipe.step_count)

    def one_step(self) -> dict[str, Any]:
        """One step of the recipe; returns a line of metrics, empty where none is due.

        AnomalyError, with a state of before saved, if it fails, or if a step since the line before has failed.
        """
        recipe, every = self.recipe, self.plan.metrics_every
        if time.monotonic() - self.kept_at > SNAPSHOT_SECONDS and self.looked_at == recipe.step_count:
            self.keep_state()
        began = time.perf_counter()
        batches = [next(self.batches) for _ in range(recipe.batches_per_step)]
        due = (recipe.step_count + 1) % every == 0 or recipe.step_count + 1 == self.plan.steps
        measured: dict[str, Any] = {}
        try:
            with np.errstate(over="ignore", invalid="ignore"):  # what they would warn of is looked at here
                found = self.step(*batches)
                measured = numbers(found) if due else {}
            bad = [name for name, value in measured.items() if isinstance(value, float) and not math.isfinite(value)]
            if bad:
                raise AnomalyError(f"{bad[0]} is {measured[bad[0]]}.")
        except AnomalyError as error:
            raise self.stopped(str(error), lambda: self.plain_step(*batches)) from error
        self.since.seconds += time.perf_counter() - began
        self.since.items += sum(map(count, batches))
        recipe.step_count += 1
        if not due:
            return {}
        self.looked_at, since, self.since = recipe.step_count, self.since, Stretch()
        return {
            "step": recipe.step_count,
            "epoch": round(self.batches.epoch + self.batches.index / self.batches.steps_per_epoch, 4),
            "seconds": round(self.seconds, 3),
            "images_per_second": round(since.items / since.seconds, 1),
            **measured,
        }

    def plain_step(self, *batches: Any) -> dict[str, Any]:
        """The recipe's own step on batches of the host."""
        return self.recipe.step(*map(on_device, batches))

    def stopped(self, why: str, again: Callable[[], Any], *, between: bool = False) -> AnomalyError:
        """The error that ends a run in which a number became none; the state of a moment before is saved.

        What failed is done `again` under detect_anomaly, for the name of the operation where it went wrong.
        """
        try:
            with np.errstate(all="ignore"), minigen.detect_anomaly():
                again()
        except AnomalyError as found:
            why = str(found)
        failed = self.recipe.step_count + (not between)
        self.recipe.step_count, state, place = self.snapshot
        self.recipe.load_state(*state)
        self.batches.restore(place)
        self.save()
        return AnomalyError(
            f"step {failed}: {why} The state after step {self.recipe.step_count} is saved in {self.plan.run}. "
            f"{self.recipe.advice}"
        )

    def keep_state(self) -> Any:
        """Remember this moment as the one to which a failed run is put back; returns what the recipe gave to save."""
        try:
            state = self.recipe.save_state()
        except AnomalyError as error:  # an optimiser that had not looked at its gradients since
            raise self.stopped(str(error), lambda: None, between=True) from error
        self.snapshot = self.recipe.step_count, state, self.batches.state()
        self.kept_at = time.monotonic()
        return state

    @property
    def seconds(self) -> float:
        """Training time so far, earlier parts of a resumed run included."""
        return self.seconds_before + time.monotonic() - self.began

    # What the loop leaves ---------------------------------------------------------------------------------------------

    def save(self) -> Path:
        """Write a checkpoint of this moment and delete those beyond the number to keep."""
        arrays, random = self.keep_state()  # so that the newest checkpoint is never newer than what is remembered
        facts = {**self.facts, "random": random, "place": self.batches.state(), "seconds": self.seconds}
        path = self.plan.run / "checkpoints" / f"step_{self.recipe.step_count:08d}.safetensors"
        checkpoints.save(path, checkpoints.Checkpoint(self.recipe.step_count, arrays, facts))
        for old in sorted(path.parent.glob("step_*.safetensors"))[: -self.plan.keep]:
            old.unlink()
        self.saved_at = time.monotonic()
        return path

    def draw(self) -> None:
        """Samples on the same noise every time."""
        with np.errstate(over="ignore", invalid="ignore"):
            samples = self.album.samples()
        if not np.isfinite(samples).all():
            raise self.stopped("no numbers.", self.album.samples, between=True)
        self.album.draw(samples)

    def finish(self) -> None:
        """The pictures and the report of the whole run so far."""
        self.album.finish(runs.read_metrics(self.plan.run))
        report.write_report(self.plan.run)


@contextmanager
def _ctrl_c() -> Iterator[list[bool]]:
    """A list that is empty until Ctrl-C (or a polite kill) asks for the end; asked twice, it ends at once."""
    asked: list[bool] = []

    def ask(number: int, frame: Any) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(True)
        print("\nstopping after this step; once more to stop at once", file=sys.stderr)

    try:
        before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not the main thread: whoever started the thread has the signals
        before = {}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def environment() -> dict[str, str]:
    """Versions and machine, for config.json."""
    return {
        "minigen": minigen.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "machine": platform.platform(),
    }


def check_same_data(facts: dict[str, Any], data: Any, where: Path) -> None:
    """DataError where a resumed run would continue on other data than it began with."""
    before, now = facts["data_hash"], data.fingerprint
    if before != now:
        raise DataError(
            f"{where}: it was trained on other data ({json.dumps(facts['data_name'])}, {before}) than --data gives now "
            f"({now}). Start a new run for new data."
        )

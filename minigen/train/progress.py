"""What training shows while it runs: a bar on a terminal, a line now and then elsewhere."""

import sys
import time
from types import TracebackType
from typing import Any, Self

WIDE = 100  # columns of a terminal from which D's mean answers fit beside the bar


class Progress:
    """`with Progress(start, stop) as progress: progress.show(row)` for every row of metrics."""

    def __init__(self, start: int, stop: int, line_seconds: float = 10.0):
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self.start, self.stop, self.line_seconds = start, stop, line_seconds
        self.said_at = float("-inf")
        self.began = time.monotonic()
        self.bar = Bar(
            BarColumn(bar_width=16),
            MofNCompleteColumn(),
            TextColumn("{task.fields[numbers]}"),
            TimeRemainingColumn(),
            console=Console(file=sys.stdout),
            disable=not sys.stdout.isatty(),
        )
        self.task = self.bar.add_task("", total=stop, completed=start, numbers="")

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()

    def show(self, row: dict[str, Any]) -> None:
        """Show one step: losses, mean answers, images a second."""
        losses = f"D {row['discriminator']:.3f}  G {row['generator']:.3f}"
        answers = f"D(x) {row['d_real']:.2f}  D(G(z)) {row['d_fake']:.2f}"
        rate = f"{row['images_per_second']:.0f} img/s"
        numbers = "  ".join(
            [losses, answers, rate] if self.bar.disable or self.bar.console.width >= WIDE else [losses, rate]
        )
        if not self.bar.disable:
            self.bar.update(self.task, completed=row["step"], numbers=numbers)
            return
        now = time.monotonic()
        if now - self.said_at >= self.line_seconds or row["step"] == self.stop:
            self.said_at = now
            done = row["step"] - self.start
            left_s = (now - self.began) / done * (self.stop - row["step"])
            print(f"step {row['step']} of {self.stop}  {numbers}  {_span(left_s)} left", flush=True)


def _span(seconds: float) -> str:
    """A length of time as a person says it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"

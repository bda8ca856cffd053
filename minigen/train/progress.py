"""What training shows while it runs: a bar on a terminal, a line now and then elsewhere."""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

WIDE = 100  # columns of a terminal from which what may be added fits beside the bar


class Progress:
    """`with Progress(shown, start, stop) as progress: progress.show(row)` for every row of metrics.

    shown: a row → (what must be seen of it, what may be added where there is room), as `Recipe.shown`.  items: what is
    counted a second.
    """

    def __init__(
        self,
        shown: Callable[[Any], tuple[str, str]],
        start: int,
        stop: int,
        line_seconds: float = 10.0,
        items: str = "img",
    ):
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self.shown, self.start, self.stop, self.line_seconds, self.items = shown, start, stop, line_seconds, items
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
        """Show one step: what the recipe has to say of it, and items a second."""
        losses, answers = self.shown(row)
        rate = f"{row['images_per_second']:.0f} {self.items}/s"
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

"""Where one submission is graded: its room, its process, which is started again when it has died, and the clock."""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from minigen.check.grading.failure import SubmissionError
from minigen.check.grading.process import Limits, Process
from minigen.check.grading.room import Room, room


class Desk:
    """A submission in its room.  `visits` counts how often its process was asked for."""

    def __init__(self, room: Room, limits: Limits, prepare: Callable[[Process], None] | None = None):
        self.room, self.limits = room, limits
        self.prepare = prepare  # what is done with every new process before it is used
        self.visits = 0
        self._current: Process | None = None
        self._hopeless = ""  # why the submission cannot be executed; it is not tried twice
        self._deadline = time.monotonic() + limits.seconds
        self._heard: tuple[Process | None, int] = (None, 0)  # what was printed before this case

    def process(self) -> Process:
        """The process that now lives; SubmissionError where the submission cannot be executed."""
        self.visits += 1
        if self._hopeless:
            raise SubmissionError(self._hopeless)
        if self._current is None or self._current.over:
            started = time.monotonic()
            try:
                self._current = Process(*self.room.copy(), self.limits)
                self._current.execute()
            except SubmissionError as error:
                self._hopeless = str(error)
                raise
            if self.prepare is not None:
                self.prepare(self._current)
            self._deadline += time.monotonic() - started  # being executed has a time of its own
        self._current.deadline = self._deadline
        return self._current

    def start_clock(self) -> None:
        """A case begins: it has so much time, and what was printed before is not its."""
        self._deadline = time.monotonic() + self.limits.seconds
        if self._current is not None:
            self._heard = (self._current, self._current.printed.stat().st_size)

    def settle(self) -> None:
        """A case is over: SubmissionError where the submission has meddled with the answers."""
        if self._current is not None:
            self._current.settle()

    def printed(self) -> str:
        """What the submission printed since the clock was started."""
        if self._current is None:
            return ""
        before, size = self._heard
        return self._current.said(size if before is self._current else 0)

    def end(self) -> None:
        """End the process."""
        if self._current is not None:
            self._current.end()


@contextlib.contextmanager
def desk(path: Path, limits: Limits, prepare: Callable[[Process], None] | None = None) -> Iterator[Desk]:
    """A desk for the submission; whatever happens, its process and its room are gone afterwards."""
    with room(path) as found:
        made = Desk(found, limits, prepare)
        try:
            yield made
        finally:
            made.end()

"""The worker process as the grader sees it: started, asked, timed, and ended whatever it does."""

import contextlib
import os
import queue
import secrets
import signal
import site
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from minigen.check.grading import wire
from minigen.check.grading.failure import SubmissionError, cleaned
from minigen.errors import SettingError

SCRIPT = Path(__file__).with_name("worker.py")
KEPT = ("PATH", "LANG", "TZ", "SYSTEMROOT", "WINDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")  # of the environment
KEPT_STARTS = ("LC_", "OPENBLAS_", "MKL_", "OMP_")
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
STARTING = 60.0  # seconds for Python and NumPy to start, on a busy machine
PRINTED = 20_000  # bytes shown of what a submission prints
OUT_OF_MEMORY = ("SIGKILL", "SIGABRT", "SIGSEGV", "SIGBUS")  # how that may look from outside


@dataclass(frozen=True)
class Limits:
    """What a submission may take."""

    seconds: float = 60.0  # to be executed, and then for each case
    memory_mib: int = 4096
    processor_seconds: float = 3600.0  # in all, should nobody be left to end it
    private: tuple[str, ...] = ()  # files and folders that it may not read


class Process:
    """A worker for the submission at `path`, in whose folder it lives; what it prints goes to the file `printed`.

    deadline: when it must have answered, by time.monotonic().  SubmissionError from every method that needs an answer
    and gets none, or one to another question.
    """

    def __init__(self, path: Path, printed: Path, limits: Limits):
        self.limits, self.printed = limits, printed
        self.deadline = time.monotonic() + STARTING
        self.dropped: list[int] = []  # objects that nobody speaks of any more
        self.over = ""  # why nothing can be asked any more
        with printed.open("ab") as output:
            self._popen = subprocess.Popen(
                [sys.executable, "-I", "-B", "-u", "-X", "utf8", str(SCRIPT), *_packages_of_the_user()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                bufsize=0,
                cwd=path.parent,
                env=_environment(str(path.parent)),
                start_new_session=True,  # so that all of it can be killed
            )
        self._requests: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._replies: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._carrier = threading.Thread(target=self._carry, daemon=True)
        self._carrier.start()
        settings = {
            "path": str(path),
            "memory": limits.memory_mib,
            "seconds": limits.processor_seconds,
            "private": limits.private,
        }
        try:
            ready, _ = self._exchange(settings, [], "before it was executed")
        except SubmissionError as error:
            why = self.said(0).strip().splitlines() or [str(error)]
            raise SettingError(f"a process for submissions does not start: {why[-1]}") from error
        self.unlimited: list[str] = ready["unlimited"]  # sentences about limits that this platform does not keep
        self.hello: dict[str, Any] = {}  # what it says of itself once it is executed

    def execute(self) -> None:
        """Execute the submission."""
        self.deadline = time.monotonic() + self.limits.seconds
        self.hello, _ = self._exchange(None, [], "while it was being executed")

    def ask(self, act: str, trees: list[Any], arrays: list[np.ndarray], what: str) -> tuple[Any, list[np.ndarray]]:
        """(body, arrays) of the reply to one question; `what` says in messages when that was: "in dense"."""
        dropped, self.dropped = self.dropped, []
        return self._exchange([act, trees, dropped], arrays, what)

    def settle(self) -> None:
        """See that every answer was to its question: one that was sent unasked would now come instead of this."""
        if not self.over:
            self.ask("ping", [], [], "at the end")

    def _exchange(self, request: Any, arrays: list[np.ndarray], what: str) -> tuple[Any, list[np.ndarray]]:
        if self.over:
            raise SubmissionError(self.over)
        number = secrets.token_hex(8)
        self._requests.put(wire.to_bytes([number, request], arrays))
        try:
            reply = self._replies.get(timeout=max(0.0, self.deadline - time.monotonic()))
        except queue.Empty:
            self._give_up(f"took longer than the {self.limits.seconds:g} s it has, {what}")
        if reply is None:
            self._give_up(f"{self._how_it_ended()}, {what}")
        if isinstance(reply, wire.Garbled) or not isinstance(reply[0], dict) or reply[0].get("to") != number:
            self._give_up(f"wrote into the grader's own channel, {what}")
        return reply

    def _carry(self) -> None:
        """Requests to the pipe, replies from it; in a thread, for either may block for ever."""
        out, back = self._popen.stdin, self._popen.stdout
        assert out is not None and back is not None

        def read(n: int) -> bytearray:
            raw = bytearray()
            while len(raw) < n:
                part = os.read(back.fileno(), min(n - len(raw), 2**20))
                if not part:
                    raise EOFError
                raw += part
            return raw

        with out, back:
            while (request := self._requests.get()) is not None:
                reply: Any = None
                try:
                    left = memoryview(request)
                    while left:
                        left = left[os.write(out.fileno(), left) :]
                    reply = wire.from_stream(read, trusted=False)
                except (OSError, EOFError):
                    pass  # it has ended
                except wire.Garbled as error:
                    reply = error
                self._replies.put(reply)

    def _give_up(self, why: str) -> NoReturn:
        self.end()
        self.over = f"the submission {why}"
        raise SubmissionError(self.over)

    def end(self) -> None:
        """Kill the worker and all that it may have started."""
        self.over = self.over or "the submission's process was ended"
        with contextlib.suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(self._popen.pid, signal.SIGKILL)
        self._popen.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(10)
        self._requests.put(None)
        self._carrier.join(1)

    def _how_it_ended(self) -> str:
        try:
            status = self._popen.wait(2)
        except subprocess.TimeoutExpired:
            return "closed the grader's channel"
        if status >= 0:
            return f"ended its own process (exit status {status})"
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = f"signal {-status}"
        if name in OUT_OF_MEMORY:
            return f"was ended by {name}: perhaps it ran out of its {self.limits.memory_mib} MiB"
        return f"was ended by {name}"

    def said(self, start: int) -> str:
        """What it printed since byte `start`, cut."""
        with self.printed.open("rb") as file:
            file.seek(start)
            raw = file.read(PRINTED)
        size = self.printed.stat().st_size - start
        more = f"\n… ({size:,} bytes in all)" if size > PRINTED else ""
        return cleaned(raw.decode("utf-8", "replace")) + more


def _packages_of_the_user() -> list[str]:
    """Where `pip install --user` put packages; in the worker that would be looked for in the submission's folder."""
    return [site.getusersitepackages()] if site.ENABLE_USER_SITE else []


def _environment(home: str) -> dict[str, str]:
    """What the worker is told of the world: nothing secret, one thread, and its own folder to live in."""
    kept = {k: v for k, v in os.environ.items() if k.upper() in KEPT or k.startswith(KEPT_STARTS)}
    places = dict.fromkeys(("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP", "MPLCONFIGDIR"), home)
    return {**kept, **ONE_THREAD, **places, "MPLBACKEND": "Agg"}

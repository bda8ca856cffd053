"""A room for one submission: a temporary folder with a copy of it, gone when the grading is over."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from minigen.check.grading.failure import SubmissionError, cleaned

LEFT_OUT = {"__pycache__", ".git", ".ipynb_checkpoints", ".venv", ".DS_Store"}
MOST_BYTES = 512 * 2**20
MOST_FILES = 2000


class Room:
    """A temporary folder for one submission."""

    def __init__(self, submission: Path, top: Path):
        self.submission, self.top = submission, top
        self.beside: list[str] = []  # what else in the folder might have been meant
        self._copies = 0

    def copy(self) -> tuple[Path, Path]:
        """(the file to execute, the file for what it prints): a new copy of the submission in a folder of its own.

        A file, .py or .ipynb, is copied alone; a folder whole, but for links.  SubmissionError where it is not clear
        what to execute.
        """
        self._copies += 1
        folder = self.top / str(self._copies)
        folder.mkdir()
        chosen = _copy(self.submission, folder)
        others = sorted(path.name for path in folder.iterdir() if path.suffix in (".py", ".ipynb") and path != chosen)
        if others:
            self.beside = [f"graded {chosen.name}; beside it lies {cleaned(', '.join(others), 200)}"]
        return chosen, folder.with_suffix(".txt")


@contextlib.contextmanager
def room(submission: Path) -> Iterator[Room]:
    """A room for the submission, while the context lasts."""
    with tempfile.TemporaryDirectory(prefix="minigen-check-", ignore_cleanup_errors=True) as top:
        yield Room(submission, Path(top).resolve())


def _copy(submission: Path, folder: Path) -> Path:
    """Copy the submission into the folder; returns the copy of what is to be executed."""
    if not submission.is_dir():
        if submission.is_symlink():
            raise SubmissionError(f"{submission.name} is a link; hand in the file itself")
        if submission.suffix not in (".py", ".ipynb"):
            raise SubmissionError(f"{submission.name} is neither a module (.py) nor a notebook (.ipynb)")
        _place(submission, folder / submission.name)
        return folder / submission.name
    left, files = MOST_BYTES, 0
    for top, folders, names in os.walk(submission):
        folders[:] = [name for name in folders if name not in LEFT_OUT]
        for name in names:
            source = Path(top, name)
            if name in LEFT_OUT or source.is_symlink() or not source.is_file():
                continue
            left, files = left - source.stat().st_size, files + 1
            if left < 0 or files > MOST_FILES:
                raise SubmissionError(f"the folder is larger than {MOST_BYTES // 2**20} MiB or {MOST_FILES} files")
            _place(source, folder / source.relative_to(submission))
    return _main_file(folder)


def _place(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)  # and not its permissions


def _main_file(folder: Path) -> Path:
    """What is to be executed: submission.ipynb or submission.py, the one notebook, or the one module."""
    for suffix in (".ipynb", ".py"):
        if (folder / f"submission{suffix}").is_file():
            return folder / f"submission{suffix}"
        found = sorted(folder.glob(f"*{suffix}"))
        if len(found) == 1:
            return found[0]
        if found:
            names = cleaned(", ".join(path.name for path in found[:5]), 200)
            raise SubmissionError(
                f"the folder holds {len(found)} {suffix} files ({names}); rename the one that counts to "
                f"submission{suffix}"
            )
    raise SubmissionError("the folder holds no notebook (.ipynb) and no module (.py)")

"""`python -m minigen.gallery RUN …`: runs side by side on one page, for a class or a studio's wall."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from minigen import console
from minigen.errors import DataError, SettingError
from minigen.files import write_atomically
from minigen.gallery_page import document
from minigen.gallery_run import ANIMATIONS, MEGABYTE, read
from minigen.train.animation import check_free

USAGE = """Lay runs side by side on one page: samples, how they were trained, and in which settings they differ.

examples:
  python -m minigen.gallery runs/                                             (every run in that folder)
  python -m minigen.gallery runs/0001-gan-scenes runs/0004-gan-scenes --out losses.html
  python -m minigen.gallery class/*/runs --animations 1 --out wall.html

The page is one file, opens without a network, and has neither scripts nor links to other files."""

MOST = 30  # megabytes of a page that a phone, or a mailbox, still takes
MOVING = 21  # megabytes of all animations together; in a page they have four thirds of that


@dataclass(frozen=True)
class Options:
    runs: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="RUN")]
    """Run folders, or folders that hold runs, of which all are shown."""
    out: Annotated[Path, tyro.conf.arg(metavar="FILE.html")] = Path("gallery.html")
    """The page."""
    animations: Annotated[float | None, tyro.conf.arg(metavar="MB")] = None
    """Megabytes up to which an animation moves on the page; of a larger one three frames are shown. Default: the
    largest of 16, 8, 4, 2, … with which all that move have no more than 21 MB."""
    force: bool = False
    """Overwrite a page that exists already, and write one above 30 MB."""


def main(argv: list[str] | None = None) -> int:
    """The command; returns the exit status: 0 done, 2 bad input."""
    return console.run(lambda: _main(console.asked(Options, "gallery", USAGE, argv)), "fewer runs")


def _main(options: Options) -> int:
    count, size = gallery(options)
    print(f"wrote {options.out}: {count} run{'s' * (count > 1)}, {size / MEGABYTE:.1f} MB")
    return 0


def gallery(options: Options) -> tuple[int, int]:
    """Write the page; returns how many runs it shows and how many bytes it has.

    SettingError for a page that exists already or would have more than `MOST` megabytes, unless `force`; DataError for
    a path that is no run and holds none.  What is damaged within a run is said on its card.
    """
    if options.out.suffix.lower() not in (".html", ".htm"):
        raise SettingError(f"--out {options.out}: the page is HTML; name a file that ends in .html.")
    if options.animations is not None and not options.animations >= 0:  # so that nan is refused too
        raise SettingError(f"--animations {options.animations:g} must not be negative; with 0 nothing moves.")
    check_free([options.out], options.force)
    found = find(options.runs)
    limit = still_above(found) if options.animations is None else options.animations
    shelf = [read(run, name, limit) for run, name in zip(found, names(found), strict=True)]
    raw = document(shelf).encode(errors="backslashreplace")
    if len(raw) > MOST * MEGABYTE and not options.force:
        raise SettingError(
            f"--out {options.out}: the page would have {len(raw) / MEGABYTE:.0f} MB, more than {MOST}. Name fewer "
            "runs, let fewer animations move with --animations 1, or write it all the same with --force."
        )
    write_atomically(options.out, raw)
    return len(shelf), len(raw)


def still_above(found: list[Path]) -> float:
    """Megabytes above which an animation does not move: 16, halved until all that move have at most `MOVING`.

    So animations of about one size move together or not at all.
    """
    files = (run / name for run in found for name in ANIMATIONS)
    sizes = [file.stat().st_size / MEGABYTE for file in files if file.is_file()]
    limit = 16.0
    while sum(size for size in sizes if size <= limit) > MOVING:
        limit /= 2
    return limit


def find(paths: tuple[Path, ...]) -> list[Path]:
    """The run folders that are named, and those in the folders named, each once, in that order; in a folder by name.

    DataError where a path is neither.
    """
    if not paths:
        raise SettingError("no run is named; name run folders, or a folder that holds runs, such as runs/.")
    found: dict[Path, Path] = {}
    for path in paths:
        if not os.path.isdir(path):  # Path.is_dir raises where a name is too long
            kind = "a file, not a folder" if os.path.exists(path) else "not there"
            raise DataError(f"{path}: it is {kind}. Runs are folders such as runs/0001-gan-scenes.")
        if (path / "config.json").is_file():
            inside = [path]
        else:
            inside = sorted(file.parent for file in path.glob("*/config.json"))
        if not inside:
            raise DataError(f"{path}: neither a run of minigen, nor a folder that holds runs; there is no config.json.")
        for run in inside:
            found.setdefault(run.resolve(), run)
    return list(found.values())


def names(found: list[Path]) -> list[str]:
    """What each run is called on the page: its folder's name, after as many folders above it as tell it from others."""
    paths = [run.resolve().parts for run in found]
    said = []
    for mine in paths:
        depth = 1
        while sum(other[-depth:] == mine[-depth:] for other in paths) > 1:
            depth += 1
        said.append(str(Path(*mine[-depth:])))
    return said


if __name__ == "__main__":
    raise SystemExit(main())

"""`python -m minigen.judges scenes`: the judge of some data, trained or from the cache, and how good it is."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from minigen import backend, console
from minigen.errors import SettingError
from minigen.judges.files import judge_of
from minigen.judges.judge import Judge
from minigen.train.table import Row, Table

USAGE = """Train the judge of a kind of data, by which samples are measured, and print how good it is.

examples
  python -m minigen.judges scenes
  python -m minigen.judges mnist:FOLDER
  python -m minigen.judges effects:fire --size 32 --frames 16
  python -m minigen.judges motion"""


@dataclass(frozen=True)
class Options:
    """What is to be judged, and where the judge is kept."""

    data: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="DATA")]
    """scenes, effects:KIND, mnist or mnist:FOLDER; motion."""
    size: Literal[28, 32, 64] = 28
    """Side of the images in pixels."""
    channels: Literal[1, 3] = 1
    """1 for grey, 3 for colour."""
    frames: int = 0
    """Frames of each clip of effects, or of each window of motion. 0 takes single images, and windows of 64."""
    fps: float = 30.0
    """Frames a second of motion."""
    force: bool = False
    """Train it anew, and replace the one that is kept."""
    cache: Path | None = None
    """Folder in which judges are kept. Default: $MINIGEN_CACHE/judges, or the user's cache."""
    backend: Literal["numpy", "cupy", "auto"] = "numpy"
    """Where the network runs: numpy on the CPU, cupy on an NVIDIA GPU, auto on the GPU if there is one."""


def main(argv: list[str] | None = None) -> int:
    """The command; returns the exit status: 0 done, 2 bad input."""

    def command() -> int:
        options = console.asked(Options, "judges", USAGE, argv)
        backend.use(options.backend)
        moves = options.data == "motion"
        if options.frames < 0 or (options.frames > 1 and not moves and not options.data.startswith("effects:")):
            raise SettingError(f"--frames {options.frames}: only effects have clips. Leave it out.")
        judge = judge_of(
            options.data,
            options.size,
            options.channels,
            frames=options.frames or (64 if moves else 1),
            fps=options.fps,
            cache=options.cache,
            force=options.force,
        )
        if judge is None:
            raise SettingError(
                f"{options.data}: nothing is known of these items that a judge could learn. "
                "Judges are of scenes, effects:KIND, mnist, mnist:FOLDER and motion."
            )
        print(report(judge))
        return 0

    return console.run(command, "--size or --frames")


def report(judge: Judge) -> Table:
    """How good a judge is, beside a linear model of the items."""
    subject = judge.subject
    rows = [
        Row(name, subject.unit(name), {"model": score, "linear model": judge.facts["baseline"][name]}, "higher")
        for name, score in judge.scores.items()
    ]
    shape = "×".join(str(n) for n in subject.item if n > 1)
    return Table(
        f"The judge of {subject.data}, {shape}",
        rows,
        [
            f"Learnt from {judge.facts['learnt_from']:,} items, tested on {judge.facts['tested_on']:,} others.",
            f"Judge {judge.hash}, settings {judge.facts['config_hash']}, data {judge.facts['data_hash']}.",
        ],
    )

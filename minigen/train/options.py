"""The flags of a run that say nothing of its model: where and how it computes, what it writes, when it stops."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from minigen.errors import SettingError
from minigen.train import runs


@dataclass(frozen=True)
class Options:
    """What is decided about a run and not about the model."""

    preset: str = "default"
    """Where the defaults come from. gan: article (its exact network and batch); vae: iwae, kingma-welling."""
    backend: Literal["numpy", "cupy", "auto"] = "numpy"
    """Where arrays live: numpy on the CPU, cupy on an NVIDIA GPU, auto on the GPU if there is one that can be used."""
    precision: Literal["fp32", "tf32"] = "fp32"
    """How a GPU multiplies matrices: fp32, or tf32, which is faster and rounds factors to 10 bits."""
    graph: bool = False
    """Run each step as one CUDA graph (--backend cupy): one launch where there were hundreds. A line of metrics then
    comes every 50 steps, and what cannot be captured is trained without, saying why."""
    metrics_every: int = 0
    """Write a line of metrics every so many steps, each for that step alone. 0: every step; with --graph every 50."""
    out: Path = Path("runs")
    """The folder in which numbered run folders are made."""
    name: str = ""
    """The run folder's name after its number. Default: recipe and data, such as gan-scenes."""
    resume: Path | None = None
    """A run folder (or one of its checkpoints) to go on with, exactly as if it had never stopped."""
    max_minutes: float = 0.0
    """If above 0, stop in good order after so many minutes, saving."""
    save_minutes: float = 2.0
    """Save a checkpoint this often; also at the start and at the end."""
    keep: int = 3
    """How many checkpoints to keep, the newest."""
    pictures: int = 40
    """How many sample grids a run draws; they become the animation of the training."""
    licence: str = "unknown"
    """Licence of your data, noted in the report."""
    dry_run: bool = False
    """Print what would happen, and how long it would take, and make nothing."""

    def __post_init__(self) -> None:
        if not self.max_minutes >= 0:  # so that nan is refused too
            raise SettingError(f"--max-minutes {self.max_minutes:g} must not be negative; 0 means no limit.")
        if not self.save_minutes >= 0:
            raise SettingError(f"--save-minutes {self.save_minutes:g} must not be negative; 0 saves after every step.")
        if self.keep < 1:
            raise SettingError(f"--keep {self.keep} must be at least 1, or nothing could be resumed.")
        if self.metrics_every < 0:
            raise SettingError(f"--metrics-every {self.metrics_every} must not be negative; 0 leaves it to --graph.")
        if self.pictures < 1:
            raise SettingError(f"--pictures {self.pictures} must be at least 1.")
        runs.check_name(self.name)

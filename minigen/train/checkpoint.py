"""A checkpoint: one safetensors file, written atomically, never pickle.

Arrays stand in it by name; all else (step, settings, random state, place in the data) is JSON in its header.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minigen.errors import DataError
from minigen.files import write_atomically

FORMAT = 1


@dataclass(frozen=True)
class Checkpoint:
    """What was saved: the step it was taken after, the arrays, and the rest as plain JSON values."""

    step: int
    arrays: dict[str, np.ndarray]
    facts: dict[str, Any]


def save(path: Path, checkpoint: Checkpoint) -> None:
    """Write the file beside its place and move it there, so that a reader meets the old one or the whole new one.

    DataError where it cannot be written; whatever stood at `path` before stays.
    """
    from safetensors.numpy import save as serialise

    facts = json.dumps({"format": FORMAT, "step": checkpoint.step, **checkpoint.facts})
    raw = serialise({name: np.asarray(a, order="C") for name, a in checkpoint.arrays.items()}, {"minigen": facts})
    write_atomically(path, raw)


def load(path: Path) -> Checkpoint:
    """Read a checkpoint; DataError, naming the file, if it is missing, damaged, or not one of minigen's."""
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise DataError(f"{path}: there is no such checkpoint.")
    try:
        with safe_open(path, framework="numpy") as file:
            header = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, OSError) as error:
        raise DataError(
            f"{path}: damaged or cut short ({str(error).splitlines()[0]}). "
            "Resume from an earlier checkpoint of that folder."
        ) from error
    try:
        facts = json.loads(header["minigen"])
        step, version = facts.pop("step"), facts.pop("format")
    except (KeyError, ValueError) as error:
        raise DataError(f"{path}: a safetensors file, but not a checkpoint of minigen.") from error
    if version != FORMAT:
        raise DataError(f"{path}: written in checkpoint format {version}; this minigen reads {FORMAT}.")
    return Checkpoint(step, arrays, facts)

"""Clips from NumPy's own files, .npy and .npz, read as images are and never from a pickle."""

from pathlib import Path

import numpy as np

from minigen.data.arrays import _levels, _load
from minigen.data.fitting import Frame
from minigen.errors import DataError

_WANTED = "Save uint8 clips (N, T, H, W, C), C 1 or 3, with np.save or np.savez"


def read_clip_array(path: str | Path, frame: Frame) -> tuple[np.ndarray, np.ndarray | None, tuple[str, ...]]:
    """(items, factors, notes) of a .npy file, or of a .npz file's `items` or only array.

    items: uint8 (N, T, size, size, channels), brought to the frame where they are of another size; floats are taken
    too, if all lie in [0, 1] or all in [−1, 1].  factors: the structured array (N,) of that name in the .npz, or None.
    DataError if the file is missing or damaged, or the array has another shape or type, or holds NaN or infinity.
    """
    items, factors = _load(Path(path))
    if items.dtype == object:
        raise DataError(f"{path}: holds Python objects, which only a pickle could load. {_WANTED}.")
    if items.ndim in (3, 4):
        raise DataError(f"{path}: holds an array {items.shape}: images, which have no time. Leave --frames out.")
    if items.ndim != 5 or items.shape[4] not in (1, 3) or 0 in items.shape:
        raise DataError(f"{path}: holds an array {items.shape}, not clips. {_WANTED}.")
    levels, notes = _levels(path, items)
    N, T, *shape = levels.shape
    if tuple(shape) == (frame.size, frame.size, frame.channels):
        return levels, factors, notes
    try:
        fitted = frame.take_all(levels.reshape(N * T, *shape))
    except DataError as error:
        raise DataError(f"{path}: its frames cannot be used: {error}.") from error
    notes += (f"Frames of shape {tuple(shape)} were brought to {fitted.shape[1:]}.",)
    return fitted.reshape(N, T, *fitted.shape[1:]), factors, notes

"""Images from NumPy's own files, .npy and .npz, without ever loading a pickle."""

from pathlib import Path
from typing import Any

import numpy as np

from minigen.data.checking import is_pipe
from minigen.data.fitting import Frame
from minigen.data.images import Images
from minigen.errors import DataError

_WANTED = "Save uint8 images (N, H, W) or (N, H, W, C), C 1 or 3, with np.save or np.savez"


def read_arrays(path: str | Path, frame: Frame | None = None, *, count: int | None = None) -> Images:
    """The images in a .npy file, or in a .npz file under the name `items` or as its only array.

    uint8 (N, H, W) or (N, H, W, C), C 1 or 3; floats are taken too, if all lie in [0, 1] or all in [−1, 1].  A
    structured array `factors` in the .npz comes along.  With a frame, items of another size or number of channels are
    brought to it; with `count`, only the first that many are taken.
    DataError if the file is missing or damaged, or the array is of Python objects, of another shape or type, or holds
    NaN or infinity.
    """
    items, factors = _load(Path(path))
    if items.dtype == object:
        raise DataError(f"{path}: holds Python objects, which only a pickle could load. {_WANTED}.")
    good = items.ndim == 3 or (items.ndim == 4 and items.shape[3] in (1, 3))
    if not good or 0 in items.shape:
        clips = f" These look like clips; add --frames {items.shape[1]}." if items.ndim == 5 else ""
        raise DataError(f"{path}: holds an array {items.shape}, not images. {_WANTED}.{clips}")
    levels, notes = _levels(path, items if items.ndim == 4 else items[..., None])
    images = Images(levels, factors, Path(path).stem, notes=notes).first(count)
    if frame is None or images.items.shape[1:] == (frame.size, frame.size, frame.channels):
        return images
    try:
        fitted = frame.take_all(images.items)
    except DataError as error:
        raise DataError(f"{path}: its images cannot be used: {error}.") from error
    note = f"Items of shape {images.items.shape[1:]} were brought to {fitted.shape[1:]}."
    return Images(fitted, images.factors, images.name, notes=(*images.notes, note))


def _load(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    if is_pipe(path):
        raise DataError(f"{path}: is a pipe. Name a file.")
    try:
        with path.open("rb") as file:
            start = file.read(6)
            if start != b"\x93NUMPY" and start[:4] not in (b"PK\3\4", b"PK\5\6"):
                raise DataError(f"{path}: neither .npy nor .npz; it begins '{start[:4].hex(' ')}'. {_WANTED}.")
            file.seek(0)
            loaded = np.load(file, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return loaded, None
            with loaded:
                return _choose(path, loaded)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}). {_WANTED}.") from error
    except DataError:
        raise
    except Exception as error:  # a damaged header can make NumPy fail in any way
        if "allow_pickle" in str(error):
            raise DataError(f"{path}: holds Python objects, which only a pickle could load. {_WANTED}.") from error
        raise DataError(f"{path}: is damaged ({error}). Save it again.") from error


def _choose(path: Path, archive: Any) -> tuple[np.ndarray, np.ndarray | None]:
    names = archive.files
    others = [name for name in names if name != "factors"]
    if "items" in others:
        chosen = "items"
    elif len(others) == 1:
        chosen = others[0]
    else:
        held = ", ".join(names) if names else "nothing"
        raise DataError(f"{path}: holds {held}; which are the images? Name that array items.")
    items = archive[chosen]
    factors = archive["factors"] if "factors" in names else None
    if factors is not None and (factors.dtype.names is None or factors.shape != items.shape[:1]):
        raise DataError(f"{path}: its factors are {factors.dtype} {factors.shape}; they must be one record an item.")
    return items, factors


def _levels(path: str | Path, items: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """(N, H, W, C) of any type → uint8, and what was done."""
    if items.dtype == np.uint8:
        return items, ()
    if items.dtype.kind != "f":
        raise DataError(f"{path}: holds {items.dtype}, not uint8 or floats. {_WANTED}.")
    bad = ~np.isfinite(items)
    if bad.any():
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        raise DataError(f"{path}: {bad.sum()} of {items.size} values are NaN or infinite, the first at {first}.")
    lowest, highest = float(items.min()), float(items.max())
    if lowest < -1 or highest > 1:
        raise DataError(f"{path}: its floats lie in [{lowest:g}, {highest:g}], not in [0, 1] or [−1, 1]. {_WANTED}.")
    base = 0 if lowest >= 0 else -1
    levels = np.rint((items - base) * (255 / (1 - base))).astype(np.uint8)
    return levels, (f"Floats in [{base}, 1] were read as the levels 0 … 255.".replace("-", "−"),)

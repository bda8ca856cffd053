"""IDX files, raw or gzipped, and the MNIST digits that come in them."""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from minigen.data.images import Images
from minigen.errors import DataError, SettingError

_PARTS = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
_MIRRORS = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/")
_SHA256 = {  # of the four .gz files as their authors published them
    "train-images-idx3-ubyte": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
_WHERE_TO_GET = "Put its four files (train-images-idx3-ubyte.gz, …) into a folder and give --data mnist:FOLDER."


def read_idx(path: str | Path) -> np.ndarray:
    """The array in an IDX file, gzipped or not: uint8, (N, H, W) for images, (N,) for labels.

    Which of the two it is shows in the first bytes, not in the name.
    DataError, naming the file, if it is missing, is not IDX, is damaged, or is shorter or longer than it says.
    """
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}). Name an IDX file.") from error
    if raw[:2] == b"\x1f\x8b":  # gzip's signature
        try:
            raw = gzip.decompress(raw)
        except (EOFError, OSError, zlib.error) as error:
            raise DataError(f"{path}: damaged gzip ({error}). Fetch it again.") from error
    if len(raw) < 4 or raw[:3] != b"\0\0\x08":
        raise DataError(f"{path}: not an IDX file of bytes; it begins '{raw[:4].hex(' ')}', not '00 00 08 0n'.")
    start = 4 + 4 * raw[3]  # two zeros, the type, the number of axes
    if len(raw) < start:
        raise DataError(f"{path}: ends within its header, after {len(raw)} of {start} bytes. Fetch it again.")
    shape = tuple(int.from_bytes(raw[i : i + 4], "big") for i in range(4, start, 4))
    if len(raw) != start + math.prod(shape):
        raise DataError(f"{path}: {len(raw)} bytes, but its header announces {shape}. Fetch it again.")
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape)


def mnist(folder: str | Path | None = None, split: str = "train") -> Images:
    """The MNIST digits, 28 × 28 grey: 60,000 for split "train", 10,000 for "test"; factors: the field `label`, 0 … 9.

    With a folder, reads the standard file names there, with or without .gz.  Without one, fetches them once into the
    user's cache, checked by SHA-256.  Mean / 255 is .1307 (train) and .1325 (test).
    DataError if a file is missing, damaged, not of digits, or cannot be fetched.
    """
    if split not in _PARTS:
        raise SettingError(f"mnist: split is {split!r}; it must be train or test.")
    images_path, labels_path = (_fetch(name) if folder is None else _find(Path(folder), name) for name in _PARTS[split])
    items, labels = read_idx(images_path), read_idx(labels_path)
    if items.ndim != 3 or items.shape[1:] != (28, 28):
        raise DataError(f"{images_path}: holds an array {items.shape}, not digits (N, 28, 28).")
    if labels.ndim != 1:
        raise DataError(f"{labels_path}: holds an array {labels.shape}, not labels (N,).")
    if len(items) != len(labels):
        raise DataError(f"{images_path}: {len(items)} images, but {len(labels)} labels in {labels_path.name}.")
    factors = np.empty(len(labels), [("label", np.uint8)])
    factors["label"] = labels
    return Images(items[..., None], factors, "mnist", "CC BY-SA 3.0, Y. LeCun, C. Cortes, C. Burges")


def _find(folder: Path, name: str) -> Path:
    if not folder.is_dir():
        raise DataError(f"{folder}: is not a folder. {_WHERE_TO_GET}")
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise DataError(f"{folder}: has neither {name} nor {name}.gz. {_WHERE_TO_GET}")


def _fetch(name: str) -> Path:
    """The file in the user's cache, fetched from the first mirror that has it."""
    import pooch

    failures = []
    for mirror in _MIRRORS:
        try:
            fetched = pooch.retrieve(
                f"{mirror}{name}.gz",
                known_hash=f"sha256:{_SHA256[name]}",
                fname=f"{name}.gz",
                path=pooch.os_cache("minigen") / "mnist",
            )
        except (OSError, ValueError) as error:  # no network, no such file, another checksum
            failures.append(f"{mirror}: {type(error).__name__}")
        else:
            return Path(fetched)
    raise DataError(f"mnist: {name}.gz could not be fetched ({'; '.join(failures)}). {_WHERE_TO_GET}")

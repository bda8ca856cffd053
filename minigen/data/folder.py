"""A folder or a zip of pictures, in natural order, each brought to one size."""

import io
import os
import re
import stat
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

import numpy as np

from minigen.data.checking import is_pipe, whole
from minigen.data.fitting import Frame
from minigen.data.images import Images
from minigen.errors import DataError

ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".tga", ".ppm", ".pgm", ".jp2", ".avif")
_FORMATS = ("PNG", "JPEG", "MPO", "WEBP", "GIF", "BMP", "TIFF", "TGA", "PPM", "JPEG2000", "AVIF")
_LARGEST_MEMBER = 2**29  # bytes that one picture in a zip may unpack to
_REMEDY = "Name a folder or a zip of images."


@dataclass(frozen=True)
class _Source:
    pictures: list[str]  # names, in natural order
    others: int  # files that are no pictures by name
    read: Callable[[str], bytes]


def read_images(
    path: str | Path, frame: Frame | None = None, *, count: int | None = None, skip_bad: bool = False
) -> Images:
    """The pictures in a folder (and in the folders in it) or in a zip, which is read in place and never unpacked.

    They come in natural order (f.9 before f.10); with `count`, the first that many.  Rotation by EXIF is applied,
    alpha laid over the frame's background, palettes, CMYK and 16 bits converted; of an animation the first frame is
    taken.  Dot files, `__MACOSX` and other kinds of file are counted in the notes.
    DataError, naming the file, if a picture cannot be read or is too small for the frame (with `skip_bad` it is left
    out and listed in the notes), or if the source is missing, empty, encrypted, cut short, or unsafe to open.
    """
    frame = frame or Frame()
    if count is not None:
        whole("count", count, lowest=1)
    kept: list[np.ndarray] = []
    bad: list[str] = []
    with _opened(Path(path)) as source:
        for name in source.pictures:
            if len(kept) == count:
                break
            try:
                kept.append(_picture(source, name, frame))
            except DataError as error:
                if not skip_bad:
                    raise DataError(
                        f"{path}: {name} cannot be used: {error}. Mend or remove it, or leave it out: --skip-bad."
                    ) from error
                bad.append(f"{name} ({error})")
    if not kept:
        raise DataError(f"{path}: none of its {len(bad)} images can be used: {'; '.join(bad[:3])}. {_REMEDY}")

    notes = []
    if source.others:
        notes.append(f"{source.others} of the files in {path} are not images by name and were left out.")
    if bad:
        notes.append(f"{len(bad)} of the images in {path} could not be used and were left out: {'; '.join(bad)}.")
    if len(kept) + len(bad) < len(source.pictures):
        notes.append(f"The first {len(kept):,} of {len(source.pictures):,} images were taken.")
    return Images(np.stack(kept), None, Path(path).stem or "images", notes=tuple(notes))


def natural(name: str) -> tuple[list[str | int], str]:
    """A sorting key by which f.9 comes before f.10.

    >>> sorted(["f.10", "f.9", "F.1"], key=natural)
    ['F.1', 'f.9', 'f.10']
    """
    parts = re.split("([0-9]+)", name.casefold())  # every second part is a number
    return [int(part) if i % 2 else part for i, part in enumerate(parts)], name


@contextmanager
def _opened(path: Path) -> Iterator[_Source]:
    if path.is_dir():
        yield _folder(path)
        return
    if is_pipe(path):
        raise DataError(f"{path}: is a pipe. {_REMEDY}")
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError as error:
        raise DataError(f"{path}: does not exist. {_REMEDY}") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}). {_REMEDY}") from error
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        with path.open("rb") as file:
            if file.read(2) == b"PK":
                raise DataError(f"{path}: a damaged zip, cut short perhaps ({error}). Fetch it again.") from error
        raise DataError(f"{path}: neither a folder nor a zip. {_REMEDY}") from error
    with archive:
        yield _archive(path, archive)


def _folder(path: Path) -> _Source:
    def fail(error: OSError) -> None:
        raise DataError(f"{error.filename}: cannot be read ({error.strerror}). {_REMEDY}") from error

    names = [
        (Path(folder) / file).relative_to(path).as_posix()
        for folder, _, files in os.walk(path, onerror=fail)
        for file in files
    ]
    return _sorted(path, names, lambda name: _bytes(path / name))


def _bytes(path: Path) -> bytes:
    """The content of a file in a folder; DataError, as a clause, where it cannot be had."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise DataError("it is a pipe or a device, not a file")
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"it cannot be read: {error.strerror}") from error


def _archive(path: Path, archive: zipfile.ZipFile) -> _Source:
    members = {info.filename: info for info in archive.infolist() if not info.is_dir()}
    for name, info in members.items():
        place = PureWindowsPath(name)  # knows both kinds of slash, and drives
        if place.drive or place.root or ".." in place.parts:
            raise DataError(f"{path}: its member {name!r} points outside the archive. Do not use it.")
        if info.flag_bits & 1:
            raise DataError(f"{path}: its member {name} is encrypted. Unpack it and name the folder.")
        if info.file_size > _LARGEST_MEMBER:
            raise DataError(f"{path}: its member {name} unpacks to {info.file_size:,} bytes. Do not use it.")
    return _sorted(path, list(members), lambda name: archive.read(members[name]))


def _sorted(path: Path, names: list[str], read: Callable[[str], bytes]) -> _Source:
    pictures = [name for name in names if name.lower().endswith(ENDINGS) and not _hidden(name)]
    if not names:
        raise DataError(f"{path}: is empty. {_REMEDY}")
    if not pictures:
        files = "its one file is not" if len(names) == 1 else f"none of its {len(names)} files is"
        raise DataError(f"{path}: {files} an image (.png, .jpg, …). {_REMEDY}")
    return _Source(sorted(pictures, key=natural), len(names) - len(pictures), read)


def _hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


def _picture(source: _Source, name: str, frame: Frame) -> np.ndarray:
    """One picture of the source, fitted; DataError, as a clause, whatever is wrong with its file."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    Image.init()
    formats = [name for name in _FORMATS if name in Image.OPEN]
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(io.BytesIO(source.read(name)), formats=formats) as picture:
                picture.load()
                return frame.take(ImageOps.exif_transpose(picture))
        except DataError:
            raise
        except UnidentifiedImageError as error:
            raise DataError("it is not an image, or one that Pillow cannot read") from error
        except Exception as error:  # a damaged file can make a decoder fail in any way
            raise DataError(str(error).strip().rstrip(".") or type(error).__name__) from error

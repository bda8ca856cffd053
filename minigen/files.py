"""A file written as a whole or not at all."""

import contextlib
import os
from pathlib import Path

from minigen.errors import DataError


def write_atomically(path: Path, raw: bytes) -> None:
    """Replace the file's content as a whole or not at all; DataError saying why it could not be."""
    temporary = path.with_name(f".{path.name}.writing")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):  # it may never have come to be
            temporary.unlink()
        raise DataError(
            f"{path}: could not be written ({error.strerror or error}); what was saved before is untouched. "
            "Make room, or name another place."
        ) from error

"""Frames as OpenEXR: linear light in float32, for compositing; needs the extra `exr`."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minigen.errors import DataError, SettingError
from minigen.files import write_atomically
from minigen.train.gif import exact_fps

REC709 = (0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.3127, 0.329)  # x and y of red, green, blue and white, as sRGB has them
LINEAR = "linear light: the curve of sRGB (IEC 61966-2-1) is undone; values lie in [0, 1]"
PREMULTIPLIED = "; alpha is the brightest channel, and colour is premultiplied by it"


def save_exr(
    path: Path, x: np.ndarray, fps: float, *, alpha: bool = False, text: Mapping[str, str] | None = None
) -> None:
    """Write x (H, W, C), floats in [−1, 1], as R, G, B of linear light in [0, 1], float32; grey as three equals.

    alpha: a channel A as well, the brightest of the three.  By OpenEXR's convention colour is premultiplied by A, and
    light on black is so already: colour + (1 − A) · background lays it over anything, and over black is what it was.
    Header: the frames a second, the primaries, what was done to the values, and `text`.
    SettingError where the extra is not installed, DataError where the file cannot be written.
    """
    exr = find_openexr()
    light = linear((np.asarray(x, np.float32) + 1) / 2)
    light = np.repeat(light, 3, axis=-1) if light.shape[-1] == 1 else light
    channels = np.concatenate([light, light.max(axis=-1, keepdims=True)], axis=-1) if alpha else light
    header = {
        **(text or {}),
        "compression": exr.ZIP_COMPRESSION,
        "type": exr.scanlineimage,
        "framesPerSecond": exact_fps(fps),
        "chromaticities": REC709,
        "comments": LINEAR + (PREMULTIPLIED if alpha else ""),
    }
    with tempfile.TemporaryDirectory() as folder:  # the library writes to a name only
        whole = Path(folder) / "frame.exr"
        try:
            exr.File(header, {"RGBA" if alpha else "RGB": np.ascontiguousarray(channels)}).write(str(whole))
            raw = whole.read_bytes()
        except (OSError, RuntimeError) as error:
            raise DataError(f"{path}: OpenEXR could not write it ({error}). Try name.####.png.") from error
    write_atomically(path, raw)


def linear(v: np.ndarray) -> np.ndarray:
    """The light of sRGB values v in [0, 1]: v / 12.92 up to 0.04045, ((v + 0.055) / 1.055)^2.4 above: IEC 61966-2-1."""
    v = np.clip(v, 0, 1)
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def find_openexr() -> Any:
    """The module OpenEXR; SettingError with what to install where it is missing."""
    try:
        import OpenEXR
    except ImportError:
        raise SettingError("OpenEXR files need OpenEXR, which is not installed. pip install 'minigen[exr]'") from None
    return OpenEXR

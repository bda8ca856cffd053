"""The frames of a film as images, each marked with the shot it belongs to."""

import re
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from minigen.data.checking import is_pipe, whole
from minigen.data.fitting import Frame
from minigen.data.images import Images
from minigen.errors import DataError, SettingError

if TYPE_CHECKING:
    from PIL.Image import Image

_THUMB = 32  # rows and columns of the thumbnails by which cuts are found
_CUT, _RATIO, _AROUND = 10.0, 3.0, 6  # see `_shots`
_CUT_SHORT = ("partial file", "ended prematurely", "truncated")  # what ffmpeg says of a file without its end


def read_video(path: str | Path, frame: Frame | None = None, *, every: int = 1, count: int | None = None) -> Images:
    """Every `every`-th frame of a film, from its first; with `count`, at most that many.  Needs `minigen[film]`.

    factors: `frame`, the number of the frame in the film from 0, and `shot`, the number of its shot from 0.  A shot
    ends where the mean absolute difference of neighbouring frames jumps; every frame is looked at, also those left
    out, so frames of one number have no cut between them.
    DataError if the file is missing, is not a film, or is cut short; SettingError if the extra is not installed.
    """
    frame = frame or Frame()
    every = whole("every", every, lowest=1)
    if count is not None:
        whole("count", count, lowest=1)
    path = Path(path)
    _check(path)

    kept: list[np.ndarray] = []
    numbers: list[int] = []
    jumps: list[float] = []
    before: np.ndarray | None = None
    with closing(_pictures(path, frame.size)) as pictures:
        for number, picture in enumerate(pictures):
            thumb = _thumb(picture)
            if before is not None:
                jumps.append(float(np.abs(thumb - before).mean()))
            before = thumb
            if number % every == 0 and len(kept) != count:
                try:
                    kept.append(frame.take(picture))
                except DataError as error:
                    raise DataError(f"{path}: its frames cannot be used: {error}.") from error
                numbers.append(number)
            if len(kept) == count and number >= numbers[-1] + _AROUND:  # enough to judge the last cut
                break
    if not kept:
        raise DataError(f"{path}: has no frames. Name a film.")
    factors = np.empty(len(kept), [("frame", np.int64), ("shot", np.int64)])
    factors["frame"] = numbers
    factors["shot"] = _shots(np.array(jumps))[numbers]
    shots = len(np.unique(factors["shot"]))
    notes = [f"These frames are of {shots} shots." if shots > 1 else "These frames are of one shot."]
    if len(kept) == count:
        notes.append(f"At most {count:,} frames were asked for.")
    return Images(np.stack(kept), factors, path.stem, notes=tuple(notes))


def frame_rate(path: str | Path) -> Fraction | None:
    """How many frames a second a film has, as its file says (24000/1001 for 23.98); None where it does not say.

    DataError and SettingError as in `read_video`.
    """
    path = Path(path)
    _check(path)
    asked = [find_ffmpeg(), "-hide_banner", "-nostdin", "-i", str(path.resolve())]
    said = subprocess.run(asked, capture_output=True).stderr.decode(errors="replace")  # it then misses an output file
    found = re.search(r"Stream #0.*Video:.*?(\d+(?:\.\d+)?) fps", said)
    if not found or not float(found[1]):
        return None
    rate = Fraction(found[1])  # ffmpeg writes two decimals: 23.98 is 24000/1001
    exact = round(rate * 1001 / 1000) * Fraction(1000, 1001)
    return exact if rate.denominator > 1 and abs(exact - rate) <= Fraction(1, 200) else rate


def _thumb(picture: "Image") -> np.ndarray:
    small = picture.convert("L").resize((_THUMB, _THUMB), reducing_gap=2)
    return np.asarray(small).astype(np.float32)


def _shots(jumps: np.ndarray) -> np.ndarray:
    """The shot of each frame from the differences of neighbours, in grey levels of 255: (T − 1,) → (T,).

    A cut is a difference above `_CUT` levels and `_RATIO` times the median of up to `_AROUND` differences on either
    side of it; a fast pan or a shaken camera has neighbours as large.
    """
    cuts = np.zeros(len(jumps), np.int64)
    for t in np.flatnonzero(jumps > _CUT):
        around = np.concatenate([jumps[max(0, t - _AROUND) : t], jumps[t + 1 : t + 1 + _AROUND]])
        cuts[t] = len(around) == 0 or jumps[t] > _RATIO * np.median(around)
    return np.concatenate([[0], np.cumsum(cuts)])


def _check(path: Path) -> None:
    if not path.exists():
        raise DataError(f"{path}: does not exist. Name the file of a film.")
    if path.is_dir():
        raise DataError(f"{path}: is a folder. Name the file of a film, or a folder of stills as images:{path}.")
    if is_pipe(path):  # it could be read once only, and opening it may wait for ever
        raise DataError(f"{path}: is a pipe. Name the file of a film.")
    try:
        with path.open("rb") as file:
            start = file.read(4096)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}). Name the file of a film.") from error
    if not start:
        raise DataError(f"{path}: is empty. Name the file of a film.")
    # ffmpeg draws text files as pictures of text and follows playlists to other files: neither is a film.
    if b"\0" not in start and _is_text(start):
        raise DataError(f"{path}: is a text file. Name the file of a film.")


def _is_text(start: bytes) -> bool:
    try:
        start[:-3].decode() if len(start) == 4096 else start.decode()  # a character may be cut at the end
    except UnicodeDecodeError:
        return False
    return True


def _pictures(path: Path, size: int) -> Generator["Image", None, None]:
    """The film's frames as Pillow images, at most about four times as large as they are needed."""
    from PIL import Image

    largest = 4 * size
    shrink = f"min(1,{largest}/min(iw,ih))"
    scale = f"scale='max(1,iw*sar*{shrink})':'max(1,ih*{shrink})':flags=area"
    command = [find_ffmpeg(), "-v", "error", "-nostdin", "-i", str(path.resolve())]
    command += ["-map", "0:V:0", "-vf", scale, "-fps_mode", "passthrough", "-f", "image2pipe", "-c:v", "ppm", "-"]
    with (
        tempfile.TemporaryFile() as complaints,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints) as process,
    ):
        assert process.stdout is not None
        finished = False
        try:
            while header := _header(process.stdout):
                width, height = header
                pixels = process.stdout.read(3 * width * height)
                if len(pixels) < 3 * width * height:
                    break
                yield Image.frombytes("RGB", header, pixels)
            finished = True
        finally:
            if not finished:
                process.kill()
        status = process.wait()
        complaints.seek(0)
        said = complaints.read().decode(errors="replace").strip()
        if any(words in said.lower() for words in _CUT_SHORT):
            raise DataError(f"{path}: is cut short. Fetch it again.")
        if "moov atom not found" in said:
            raise DataError(f"{path}: is not a film, or was cut short before its index. Fetch it again.")
        if status:
            reason = said.splitlines()[0] if said else f"status {status}"
            raise DataError(f"{path}: is not a film that ffmpeg can read ({reason}). Name a film.")


def _header(stream: IO[bytes]) -> tuple[int, int] | None:
    """Width and height from a PPM header, which ffmpeg writes on three lines; None at the end of the stream."""
    lines = [stream.readline() for _ in range(3)]
    if not lines[2]:
        return None
    width, height = lines[1].split()
    return int(width), int(height)


def find_ffmpeg() -> str:
    """Where ffmpeg is; SettingError with what to install where it is not."""
    try:
        import imageio_ffmpeg
    except ImportError:
        raise SettingError("Films need ffmpeg, which is not installed. pip install 'minigen[film]'") from None
    try:
        return imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as error:
        raise SettingError(f"imageio-ffmpeg finds no ffmpeg ({error}). pip install 'minigen[film]'") from error

"""H.264 films that every player takes, read back before they are believed."""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from minigen.data.video import find_ffmpeg
from minigen.errors import DataError
from minigen.train.gif import exact_fps
from minigen.train.pictures import at_least, enlarged

# crf 0 would be lossless, in a profile (High 4:4:4) that browsers and QuickTime do not play; 1 keeps flat grey within
# 3 levels.  faststart puts the index first, so that a browser can begin before it has the whole file.
ENCODING = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", "1", "-movflags", "+faststart", "-f", "mp4"]
# A film of colours says by which matrix they became brightness and two differences.  Unsaid, players guess by the size
# of the picture, and reds and greens come out otherwise in one than in another.  Grey has no differences to guess.
MATRIX = ["-vf", "scale=out_color_matrix=bt709:out_range=tv", "-colorspace", "bt709", "-color_range", "tv"]


def save_mp4(
    path: Path, frames: Sequence[np.ndarray], fps: float, *, repeat: int = 1, text: Mapping[str, str] | None = None
) -> None:
    """Write an H.264 film at nearly lossless quality that every player takes; sides are padded to even numbers.

    repeat: how many times the frames are shown, since MP4 knows no loop.  The film is read back before it takes its
    place: DataError if a frame is missing.  SettingError where the extra `film` is not installed.
    """
    at_least("repeat", repeat, 1)
    ffmpeg = find_ffmpeg()
    rate = str(exact_fps(fps))
    pictures = [_even(picture) for picture in enlarged(frames, 1)]
    H, W, C = pictures[0].shape
    raw = ["-f", "rawvideo", "-pix_fmt", "gray" if C == 1 else "rgb24", "-s", f"{W}x{H}", "-r", rate, "-i", "-"]
    comment = "; ".join(f"{key}: {value}" for key, value in (text or {}).items())
    with _in_place_of(path) as unfinished:
        how = ENCODING if C == 1 else [*MATRIX, *ENCODING]
        command = [ffmpeg, "-v", "error", "-y", *raw, *how, "-metadata", f"comment={comment}", str(unfinished)]
        _feed(command, path, (picture for _ in range(repeat) for picture in pictures))
        _check(ffmpeg, unfinished, path, len(pictures) * repeat, f"{W}x{H}")


def _even(picture: np.ndarray) -> np.ndarray:
    """The picture with its last row and column doubled where their number is odd: yuv420p halves both."""
    H, W, _ = picture.shape
    return np.pad(picture, ((0, H % 2), (0, W % 2), (0, 0)), mode="edge")


@contextmanager
def _in_place_of(path: Path) -> Iterator[Path]:
    """A name beside `path` to write to; what stands there at the end replaces `path`, after an error nothing does."""
    unfinished = path.with_name(f".{path.stem}.writing{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield unfinished.resolve()  # absolute, so that no name is taken for an option
        os.replace(unfinished, path)
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"{path}: could not be written ({reason}). Make room, or choose another --out.") from error
    finally:
        unfinished.unlink(missing_ok=True)


def _feed(command: list[str], path: Path, pictures: Iterator[np.ndarray]) -> None:
    """Run ffmpeg on the pictures' bytes; DataError with its last words if it fails."""
    broken = False
    with (
        tempfile.TemporaryFile() as complaints,
        subprocess.Popen(command, stdin=subprocess.PIPE, stderr=complaints) as process,
    ):
        assert process.stdin is not None
        try:
            with process.stdin as pipe:
                for picture in pictures:
                    pipe.write(picture.tobytes())
        except BrokenPipeError:
            broken = True  # ffmpeg has given up, and has said why
        status = process.wait()
        complaints.seek(0)
        said = complaints.read().decode(errors="replace").strip()
    if status or broken:
        reason = said.splitlines()[-1] if said else f"status {status}"
        raise DataError(f"{path}: ffmpeg could not write it ({reason}). Try .gif or .####.png.")


def _check(ffmpeg: str, written: Path, path: Path, count: int, size: str) -> None:
    """Read the film back; DataError unless it has that many frames of that size."""
    command = [ffmpeg, "-v", "error", "-nostdin", "-i", str(written), "-fps_mode", "passthrough", "-f", "framecrc", "-"]
    read = subprocess.run(command, capture_output=True, text=True)
    lines = read.stdout.splitlines()  # '#dimensions 0: 28x28' among others, then a line a frame
    frames = sum(not line.startswith("#") for line in lines)
    found = next((line.split()[-1] for line in lines if line.startswith("#dimensions")), "unknown size")
    if (frames, found) != (count, size) or read.returncode:
        raise DataError(
            f"{path}: ffmpeg wrote {frames} frames of {found}, not {count} of {size}. Try .gif or .####.png."
        )

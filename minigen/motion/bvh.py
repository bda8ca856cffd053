"""BVH files of motion capture, read with every trap they hold: channel orders, moving joints, units, frame times."""

import dataclasses
import math
import stat
from collections.abc import Sequence
from fractions import Fraction
from itertools import chain
from pathlib import Path

import numpy as np

from minigen.errors import DataError, SettingError
from minigen.motion.hierarchy import parse_hierarchy
from minigen.motion.rates import said, snapped
from minigen.motion.rotations import from_euler
from minigen.motion.skeleton import Clip, Skeleton, forward_kinematics

UNITS = {"m": 1.0, "cm": 0.01, "mm": 0.001, "inch": 0.0254}  # metres, in the order in which they are guessed
_HUMAN = (0.5, 3.0)  # metres: sizes at which a guessed unit is believed
_AGAIN = "Fetch or export it again."


def read_bvh(path: str | Path, *, unit: float | str | None = None, drop_first: bool = False) -> Clip:
    """The clip in a BVH file.

    Rotations are the product of a joint's channels in its own order; a position channel replaces the joint's OFFSET.
    unit: how long one unit of the file is, in metres or as "m", "cm", "mm", "inch"; None: the first of these by which
    the body in the first frame is 0.5 to 3 m in size, and the guess stands in the clip's notes.  drop_first leaves
    out the first frame, which is often the capture system's rest pose.
    A Frame Time within 1e-4 of a whole number of frames a second, or of n · 1000/1001, is taken as that; another is
    kept, and noted.
    DataError, naming file and line, for whatever is not BVH or is damaged; SettingError for a unit that is none.
    """
    metres = None if unit is None else _metres(unit)
    lines = _lines(Path(path))
    skeleton, start = parse_hierarchy(str(path), lines)
    numbers, fps, notes = _motion(str(path), lines, start, [len(channels) for channels in skeleton.channels])
    if drop_first:
        if len(numbers) == 1:
            raise DataError(f"{path}: has one frame only; it cannot be dropped. Leave --drop-first out.")
        numbers = numbers[1:]
        notes.append("The first frame was left out.")
    rotations, translations = _pose(skeleton, numbers)
    if metres is None:
        metres, note = _guess(str(path), skeleton, rotations[0], translations[0])
        notes.append(note)
    skeleton = dataclasses.replace(skeleton, metres=metres)
    return Clip(skeleton, rotations, translations, fps, Path(path).stem, notes=tuple(notes))


# The file -------------------------------------------------------------------------------------------------------------


def _lines(path: Path) -> list[str]:
    """Its lines, whatever ends them; DataError where it is no file, cannot be read, or is no text."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise DataError(f"{path}: is a folder. Name a BVH file in it.")
        if not stat.S_ISREG(mode):  # to open a pipe may mean to wait for ever
            raise DataError(f"{path}: is a pipe or a device, not a file. Name a BVH file.")
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise DataError(f"{path}: does not exist. Name a BVH file.") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}). Name a BVH file.") from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError(f"{path}, line {line}: not text in UTF-8; a BVH file is. {_AGAIN}") from error
    if "\0" in text:
        raise DataError(f"{path}, line {text.count(chr(10), 0, text.index(chr(0))) + 1}: not text; a BVH file is.")
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _motion(
    path: str, lines: Sequence[str], start: int, widths: Sequence[int]
) -> tuple[np.ndarray, Fraction, list[str]]:
    """The numbers after MOTION, float64 (T, channels), the frame rate, and what to note about it."""
    rest = [(number, line) for number, line in enumerate(lines[start:], start + 1) if line and not line.isspace()]
    last = rest[-1][0] if rest else start
    count = fps = None
    while rest and (count is None or fps is None):  # the two come in this order, but need not
        number, line = rest[0]
        key, colon, value = line.partition(":")
        key, value = " ".join(key.split()).casefold(), value.strip()
        if not colon or key not in ("frames", "frame time"):
            break
        rest = rest[1:]
        if key == "frames":
            if not value.isdecimal() or int(value) == 0:
                raise DataError(
                    f"{path}, line {number}: announces {value or 'no'} frames; there must be some. {_AGAIN}"
                )
            count, count_line = int(value), number
        else:
            fps = 1 / _frame_time(path, number, value)
    if count is None or fps is None:
        missing, example = ("Frames", "Frames: 100") if count is None else ("Frame Time", "Frame Time: 0.0333333333")
        number = rest[0][0] if rest else last
        raise DataError(
            f"{path}, line {number}: {missing} is missing after MOTION. Put a line such as {example} there."
        )
    numbers = _frames(path, rest, sum(widths))
    if len(numbers) != count:
        raise DataError(f"{path}, line {count_line}: announces {count} frames, but {len(numbers)} follow. {_AGAIN}")
    rate = snapped(fps)
    odd = rate.denominator not in (1, 1001)
    return numbers, rate, [f"Its frame time makes {said(rate)} frames a second, kept as it is."] if odd else []


def _frame_time(path: str, number: int, value: str) -> Fraction:
    try:
        seconds = Fraction(value)
    except (ValueError, ZeroDivisionError):
        seconds = Fraction(0)
    if seconds <= 0:
        raise DataError(f"{path}, line {number}: Frame Time is {value or 'empty'}; it must be a positive number (s).")
    return seconds


def _frames(path: str, rest: Sequence[tuple[int, str]], C: int) -> np.ndarray:
    """One frame a line, C finite numbers in each: float64 (T, C); DataError naming the first line that is not so."""
    rows = [line.split() for _, line in rest]
    for i, row in enumerate(rows):
        if len(row) != C:
            raise DataError(f"{path}, line {rest[i][0]}: {_misfit(rows[i:], i, C)}")
    try:
        numbers = np.array([float(word) for word in chain.from_iterable(rows)], np.float64).reshape(len(rows), C)
    except ValueError:
        numbers = None
    if numbers is None or not np.isfinite(numbers).all():
        for (number, _), row in zip(rest, rows, strict=True):
            for column, word in enumerate(row, 1):
                if not _is_finite(word):
                    raise DataError(f"{path}, line {number}: channel {column} is {word[:20]!r}, not a number. {_AGAIN}")
    assert numbers is not None
    return numbers


def _misfit(rows: Sequence[Sequence[str]], frame: int, C: int) -> str:
    """Why the first of these rows is no frame, as a clause and its remedy."""
    seen, lines = 0, 0
    while seen < C and lines < len(rows):
        seen += len(rows[lines])
        lines += 1
    if seen == C and lines > 1:
        return f"frame {frame + 1} is broken over {lines} lines. Put each frame on a line of its own."
    return f"frame {frame + 1} has {len(rows[0])} numbers, but the joints have {C} channels. {_AGAIN}"


def _is_finite(word: str) -> bool:
    try:
        return math.isfinite(float(word))
    except ValueError:
        return False


# What it means --------------------------------------------------------------------------------------------------------


def _pose(skeleton: Skeleton, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rotations (T, J, 3, 3) and translations (T, J, 3) from the channels (T, C)."""
    T, J = len(numbers), len(skeleton)
    rotations = np.broadcast_to(np.eye(3), (T, J, 3, 3)).copy()
    translations = np.broadcast_to(skeleton.offsets, (T, J, 3)).copy()
    alike: dict[str, tuple[list[int], list[list[int]]]] = {}  # axes → joints that turn about them, and their columns
    column = 0
    for j, channels in enumerate(skeleton.channels):
        turns = []
        for n, channel in enumerate(channels, column):
            if channel.endswith("position"):
                translations[:, j, "XYZ".index(channel[0])] = numbers[:, n]
            else:
                turns.append(n)
        axes = "".join(numbered[0] for numbered in channels if numbered.endswith("rotation"))
        joints, columns = alike.setdefault(axes, ([], []))
        joints.append(j)
        columns.append(turns)
        column += len(channels)
    for axes, (joints, columns) in alike.items():
        if axes:
            rotations[:, joints] = from_euler(numbers[:, columns], axes)
    return rotations, translations


def _metres(unit: float | str) -> float:
    metres = UNITS.get(unit) if isinstance(unit, str) else float(unit)
    if metres is None or not 0 < metres < math.inf:
        raise SettingError(f"unit is {unit!r}; it must be one of {', '.join(UNITS)}, or metres as a positive number.")
    return metres


def _guess(path: str, skeleton: Skeleton, rotations: np.ndarray, translations: np.ndarray) -> tuple[float, str]:
    """The length of a unit by the body's size in one pose, and the sentence that says so.

    (J, 3, 3) and (J, 3).  Not by the rest pose: where positions replace them, a file's offsets may be anything.
    """
    places = forward_kinematics(skeleton.parents, rotations, translations)[1]
    size = float(np.ptp(places[skeleton.body :], axis=0).max())
    for unit, metres in UNITS.items():
        if _HUMAN[0] <= size * metres <= _HUMAN[1]:
            return metres, (
                f"The unit was guessed to be {unit}, by which the body in the first frame is {size * metres:.2f} m in "
                "size. If that is wrong, give --unit."
            )
    raise DataError(
        f"{path}: states no unit, and its body, {size:.4g} units in size, is like a human in none of "
        f"{', '.join(UNITS)}. Give --unit."
    )

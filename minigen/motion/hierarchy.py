"""The first half of a BVH file: a tree of joints, each with its offset and the names of its channels."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from minigen.errors import DataError
from minigen.motion.skeleton import Skeleton

CHANNELS = tuple(f"{axis}{kind}" for kind in ("position", "rotation") for axis in "XYZ")
_BY_NAME = {channel.casefold(): channel for channel in CHANNELS}
_END = "End Site"


@dataclass
class _Joint:
    """A joint, or the End Site of one, while its braces are open."""

    name: str
    line: int
    parent: int
    offset: tuple[float, ...] | None = None
    channels: tuple[str, ...] | None = None
    opened: bool = False


@dataclass
class _Tree:
    joints: list[_Joint] = field(default_factory=list)
    ends: dict[int, tuple[float, ...]] = field(default_factory=dict)
    open: list[_Joint] = field(default_factory=list)  # from the root down to where we are


def parse_hierarchy(path: str, lines: Sequence[str]) -> tuple[Skeleton, int]:
    """The skeleton, in units of the file, and how many lines it took: those up to and with the one that says MOTION.

    DataError, naming the line, where it is not BVH, where braces, offsets and channels do not fit together, where two
    joints have one name or there are two roots.
    """
    tree = _Tree()
    statements = _statements(lines)
    number, first = next(statements, (0, ""))
    if not first:
        raise DataError(f"{path}: is empty. Name a BVH file.")
    if first.upper() != "HIERARCHY":
        raise DataError(f"{path}, line {number}: not a BVH file; it begins {first[:40]!r}, not HIERARCHY.")
    for number, statement in statements:
        if statement.upper() == "MOTION":
            break
        try:
            _take(tree, number, statement)
        except DataError as error:
            raise DataError(f"{path}, line {number}: {error}") from None
    else:
        where = f" {_named(tree.open[-1])} is still open." if tree.open else ""
        raise DataError(f"{path}, line {number}: the file ends without MOTION.{where} Fetch or export it again.")
    if tree.open:
        raise DataError(
            f"{path}, line {number}: MOTION comes before {_named(tree.open[-1])} is closed; a }} is missing."
        )
    if not tree.joints:
        raise DataError(f"{path}, line {number}: MOTION comes before any ROOT. Fetch or export it again.")
    return _skeleton(tree), number


def _statements(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Each brace, and each run of words between braces and line ends, with the number of its line from 1."""
    for number, line in enumerate(lines, 1):
        for part in re.split(r"([{}])", line):
            if part := part.strip():
                yield number, part


def _take(tree: _Tree, number: int, statement: str) -> None:
    """One statement more; DataError, as a clause, where it cannot stand here."""
    word, *rest = statement.split()
    word = word.upper()
    here = tree.open[-1] if tree.open else None
    if here is not None and not here.opened:
        if statement != "{":
            raise DataError(f"{_named(here)} is followed by {statement[:40]!r}; a {{ must come first.")
        here.opened = True
    elif word == "ROOT":
        if tree.joints:
            raise DataError(f"a second ROOT, {' '.join(rest)}. Split the file into one for each skeleton.")
        _open(tree, " ".join(rest), number)
    elif here is None:
        raise DataError(f"{statement[:40]!r} stands outside ROOT's braces; one }} too many, perhaps.")
    elif word == "}":
        _close(tree)
    elif here.name == _END and word != "OFFSET":
        raise DataError(f"{statement[:40]!r} within an End Site, which has an OFFSET and no more.")
    elif word == "JOINT":
        _open(tree, " ".join(rest), number)
    elif word == "END":
        tree.open.append(_Joint(_END, number, _place(tree, here)))
    elif word == "OFFSET":
        here.offset = _offset(rest)
    elif word == "CHANNELS":
        here.channels = _channels(here.name, rest)
    else:
        raise DataError(f"{statement[:40]!r} is none of ROOT, JOINT, End Site, OFFSET, CHANNELS, MOTION.")


def _open(tree: _Tree, name: str, number: int) -> None:
    if not name:
        raise DataError("a joint without a name.")
    for other in tree.joints:
        if other.name == name:
            raise DataError(f"a second joint named {name}; the first is on line {other.line}. Rename one.")
    joint = _Joint(name, number, _place(tree, tree.open[-1]) if tree.open else -1)
    tree.joints.append(joint)
    tree.open.append(joint)


def _close(tree: _Tree) -> None:
    here = tree.open.pop()
    if here.offset is None:
        raise DataError(f"{_named(here)} is closed without an OFFSET.")
    if here.name == _END:
        if here.parent in tree.ends:
            raise DataError(f"joint {tree.joints[here.parent].name} has a second End Site; keep one.")
        tree.ends[here.parent] = here.offset


def _offset(words: list[str]) -> tuple[float, ...]:
    try:
        offset = tuple(float(word) for word in words)
    except ValueError:
        offset = ()
    if len(offset) != 3 or not all(map(math.isfinite, offset)):
        raise DataError(f"OFFSET must be followed by 3 numbers, not by {' '.join(words)[:60]!r}.")
    return offset


def _channels(joint: str, words: list[str]) -> tuple[str, ...]:
    count, names = (words[0], words[1:]) if words else ("", [])
    channels = tuple(_BY_NAME.get(name.casefold(), "") for name in names)
    for name, channel in zip(names, channels, strict=True):
        if not channel:
            raise DataError(f"{joint} has an unknown channel {name!r}; there are {', '.join(CHANNELS)}.")
        if channels.count(channel) > 1:
            raise DataError(f"{joint} has the channel {channel} twice.")
    if not count.isdecimal() or int(count) != len(channels):
        raise DataError(f"CHANNELS of {joint} announces {count or 'nothing'} and names {len(channels)}.")
    return channels


def _place(tree: _Tree, joint: _Joint) -> int:
    return next(j for j, other in enumerate(tree.joints) if other is joint)


def _named(joint: _Joint) -> str:
    return f"{joint.name} (line {joint.line})"


def _skeleton(tree: _Tree) -> Skeleton:
    return Skeleton(
        names=tuple(joint.name for joint in tree.joints),
        parents=tuple(joint.parent for joint in tree.joints),
        offsets=np.array([joint.offset for joint in tree.joints], np.float64),
        channels=tuple(joint.channels or () for joint in tree.joints),
        ends={j: (x, y, z) for j, (x, y, z) in tree.ends.items()},
    )

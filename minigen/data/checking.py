"""The checks that every count, size and seed, and every file, goes through."""

import operator
from pathlib import Path

from minigen.errors import SettingError


def whole(name: str, value: int, lowest: int, highest: int | None = None) -> int:
    """`value` as an int if it is a whole number from lowest to highest; SettingError, naming the setting, if not."""
    try:
        number = operator.index(value)
    except TypeError:
        raise SettingError(f"{name} is {value!r}; it must be a whole number.") from None
    if number < lowest or (highest is not None and number > highest):
        bounds = f"at least {lowest}" if highest is None else f"between {lowest} and {highest}"
        raise SettingError(f"{name} is {number}; it must be {bounds}.")
    return number


def is_pipe(path: Path) -> bool:
    """Whether a path is a named pipe, which to open may wait for ever; False where that cannot be known."""
    try:
        return path.is_fifo()
    except OSError:  # a name too long, a folder that may not be entered
        return False

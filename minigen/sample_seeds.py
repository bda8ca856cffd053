"""Seeds, classes and factors as the flags of `python -m minigen.sample` name them."""

import math
from typing import Any

from minigen.errors import SettingError

MOST = 1_000_000  # seeds, or frames, at a time


def parse_seeds(text: str) -> list[int]:
    """Seeds in the order written: "7", "0-63", "1,5,9-12".  SettingError for anything else.

    >>> parse_seeds("5,0-3")
    [5, 0, 1, 2, 3]
    """
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not (first.isascii() and first.isdigit()) or (dash and not (last.isascii() and last.isdigit())):
            raise SettingError(f"--seeds {text!r}: {part!r} is neither a seed nor a range; write 7, or 0-63, or 1,5,9.")
        low, high = int(first), int(last or first)
        if high < low:
            raise SettingError(f"--seeds {text!r}: the range {part} runs backwards; write {high}-{low}.")
        if len(seeds) + high - low >= MOST:
            raise SettingError(f"--seeds {text!r}: that is more than {MOST:,} seeds; ask for fewer at a time.")
        seeds.extend(range(low, high + 1))
    return seeds


def class_number(recipe: Any, label: str | None) -> int | None:
    """The number of the class of that name; SettingError, with the classes there are, where there is none."""
    if label is None:
        return None
    classes = getattr(recipe, "classes", [])
    if not classes:
        raise SettingError(f"--label {label}: this run knows no classes; it was trained without --condition.")
    if label not in classes:
        some = ", ".join(classes[:20]) + (f" and {len(classes) - 20} more" if len(classes) > 20 else "")
        raise SettingError(f"--label {label}: no class of this run; choose one of {some}.")
    return classes.index(label)


def factors_of(recipe: Any, asked: tuple[str, ...]) -> dict[str, float]:
    """What --set asks for, by the factor's name: ("time=0.25",) gives {"time": 0.25}.

    SettingError where one is no NAME=NUMBER, is given twice, or is nothing that the run was told of.
    """
    found: dict[str, float] = {}
    for text in asked:
        name, equals, number = text.partition("=")
        try:
            value = float(number)
        except ValueError:
            value = math.nan
        if not equals or not math.isfinite(value):
            raise SettingError(f"--set {text}: write a factor and a number, such as time=0.25.")
        if name in found:
            raise SettingError(f"--set {name} is given twice; give it once.")
        found[name] = value
    if not found:
        return {}
    condition = getattr(recipe, "condition", None)
    if condition is None or not condition.factors:
        raise SettingError(
            f"--set {' '.join(asked)}: this run was told of no factors; train one with --condition, as in time,haze."
        )
    condition.row(found)
    return found

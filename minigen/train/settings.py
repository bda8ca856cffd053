"""The checks that the settings of every recipe go through; each error names the flag."""

import math

from minigen.errors import SettingError


def at_least(name: str, value: float, least: float, why: str = "") -> None:
    """SettingError where a number is below `least`, or no number below infinity."""
    flag = name.replace("_", "-")
    if value == math.inf:
        raise SettingError(f"--{flag} {value} must be a number below infinity.")
    if not value >= least:
        raise SettingError(f"--{flag} {value:g} must be at least {least:g}{f': {why}' if why else ''}.")


def above_0(name: str, value: float, advice: str) -> None:
    """SettingError, ending in the advice, where a number is not above 0 and finite."""
    if not 0 < value < math.inf:
        raise SettingError(f"--{name.replace('_', '-')} {value:g} must be above 0; {advice}.")


def share(name: str, value: float) -> None:
    """SettingError where a number does not lie in [0, 1)."""
    if not 0 <= value < 1:
        raise SettingError(f"--{name.replace('_', '-')} {value:g} must lie in [0, 1).")

"""Frame rates as exact fractions, since a rounded one drifts: in ten minutes 0.0333 s a frame is 18 frames off."""

from fractions import Fraction

from minigen.errors import SettingError

_NEAR = Fraction(1, 10_000)  # relative: six digits of a Frame Time are nearer, 23.976 and 24 farther apart
_LARGEST = 100_000  # denominator of a rate that is kept as it is


def snapped(fps: Fraction) -> Fraction:
    """The whole number, or n · 1000/1001, within 1e-4 of a rate (30, 24000/1001); else the rate itself.

    >>> snapped(1 / Fraction("0.0333333")), snapped(1 / Fraction("0.0333")), snapped(Fraction("23.976"))
    (Fraction(30, 1), Fraction(10000, 333), Fraction(24000, 1001))
    """
    for unit in (Fraction(1), Fraction(1000, 1001)):
        nearest = round(fps / unit) * unit
        if nearest > 0 and abs(fps - nearest) <= _NEAR * nearest:
            return nearest
    return fps.limit_denominator(_LARGEST) or fps


def as_rate(fps: Fraction | float | str) -> Fraction:
    """A setting as a rate; SettingError unless it is a positive number of frames a second."""
    try:
        rate = Fraction(fps)
    except (ValueError, TypeError, OverflowError, ZeroDivisionError):
        rate = Fraction(0)
    if rate <= 0:
        raise SettingError(
            f"fps is {fps!r}; it must be a positive number of frames a second, such as 24 or 30000/1001."
        )
    return rate if isinstance(fps, Fraction | int) else snapped(rate)


def said(fps: Fraction) -> str:
    """A rate in a sentence: 30, 23.976, 30.03."""
    return f"{float(fps):.5g}"

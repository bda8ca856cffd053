"""Learning rates that change: functions of the number of updates done so far, which any optimiser takes as its rate."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from minigen.errors import SettingError


@dataclass(frozen=True)
class Schedule:
    """A learning rate for each step from 0 on; made by the functions below, and shown as it was written."""

    written: str
    formula: Callable[[int], float]

    def __call__(self, step: int) -> float:
        return self.formula(step)

    def __repr__(self) -> str:
        return self.written


def constant(rate: float) -> Schedule:
    """α(t) = rate"""
    return Schedule(f"constant({rate})", lambda step: rate)


def linear_decay(rate: float, steps: int, end: float = 0.0) -> Schedule:
    """α(t) = rate + (end − rate) t / steps, and `end` from there on."""
    _positive("linear_decay", steps=steps)
    return Schedule(f"linear_decay({rate}, {steps}, {end})", lambda step: rate + (end - rate) * min(step / steps, 1.0))


def cosine(rate: float, steps: int, end: float = 0.0) -> Schedule:
    """α(t) = end + ½ (rate − end) (1 + cos(π t / steps)), and `end` from there on.  Loshchilov & Hutter 2017, eq. 5."""
    _positive("cosine", steps=steps)
    return Schedule(
        f"cosine({rate}, {steps}, {end})",
        lambda step: end + 0.5 * (rate - end) * (1 + math.cos(math.pi * min(step / steps, 1.0))),
    )


def exponential(rate: float, decay: float) -> Schedule:
    """α(t) = rate · decayᵗ"""
    return Schedule(f"exponential({rate}, {decay})", lambda step: rate * decay**step)


def step_decay(rate: float, every: int, factor: float = 0.1) -> Schedule:
    """α(t) = rate · factor^⌊t / every⌋: multiplied by `factor` every so many steps."""
    _positive("step_decay", every=every)
    return Schedule(f"step_decay({rate}, {every}, {factor})", lambda step: rate * factor ** (step // every))


def warmup(then: float | Callable[[int], float], steps: int) -> Schedule:
    """α(t) = then(0) (t + 1) / steps for the first `steps`, then the schedule (or number) `then`, from its start."""
    _positive("warmup", steps=steps)
    rate = then if callable(then) else constant(then)
    return Schedule(
        f"warmup({then}, {steps})",
        lambda step: rate(0) * (step + 1) / steps if step < steps else rate(step - steps),
    )


def _positive(who: str, **settings: int) -> None:
    for name, value in settings.items():
        if not value >= 1:
            raise SettingError(f"{who}: {name}={value} must be at least 1.")

"""What a check found, and how it says so: findings, reports, errors."""

from dataclasses import dataclass, field
from typing import Any

from minigen.check.hints import Hint


@dataclass
class Finding:
    """Why a check failed: what its message is made of."""

    headline: str
    verdict: str  # "wrong", "inconclusive", "nan" or "broken" (a promise around the numbers)
    where: str = ""
    numbers: str = ""
    hint: Hint | None = None
    again: str = ""
    seed: int = 0
    reveal: bool = True

    def text(self) -> str:
        """At most 12 lines: where, numbers, hint in two languages, how to repeat."""
        lines = [self.headline]
        if self.where:
            lines.append(f"where    {self.where}")
        if self.numbers and self.reveal:
            lines.append(f"numbers  {self.numbers}")
        if self.hint is not None:
            lines += self.hint.lines(reveal=self.reveal)
        if self.again and self.reveal:
            lines.append(f"again    {self.again}")
        return "\n".join(lines)


class Found(Exception):
    """Ends a check early; never leaves minigen.check."""

    def __init__(self, finding: Finding):
        super().__init__(finding.headline)
        self.finding = finding


class CheckError(AssertionError):
    """A check that failed.  `where`, `numbers`, `hint` and `seed` hold the parts of its message."""

    def __init__(self, finding: Finding):
        super().__init__(finding.text())
        self.where = finding.where
        self.numbers = finding.numbers if finding.reveal else ""
        self.hint = finding.hint.shown(finding.reveal)[0] if finding.hint else ""
        self.seed = finding.seed


class GradCheckError(CheckError):
    """A gradient that is wrong, or that could not be checked."""


class AdjointCheckError(CheckError):
    """Two maps that are not each other's transpose, or a map that is not linear."""


@dataclass
class TensorReport:
    """One tensor at one order: both gradients, and what came of comparing them."""

    name: str
    shape: tuple[int, ...]
    order: int
    analytic: Any  # the gradient under test
    numeric: Any  # finite differences; NaN where none was taken
    verdict: str = "pass"  # "pass", "zero", "wrong", "inconclusive" or "nan"
    worst: int | None = None  # flat place of the entry that disagrees most, or was convicted
    spread: float = 0.0  # ± of the numeric value there
    error: float = 0.0  # |analytic − numeric| there
    tolerance: float = 0.0
    entries: int = 0  # entries looked at one by one
    disagree: int = 0
    kinks: int = 0
    inconclusive: int = 0


@dataclass
class Report:
    """What `grad_report` returns: a verdict for every tensor at every order, and why the check failed, if it did."""

    name: str
    seed: int
    tensors: list[TensorReport] = field(default_factory=list)
    failure: Finding | None = None
    zero: list[str] = field(default_factory=list)  # inputs whose true gradient is 0 here, unless expected
    warnings: list[str] = field(default_factory=list)
    evaluations: int = 0
    size: int = 0  # entries of everything that is differentiated by

    @property
    def ok(self) -> bool:
        """Did every check pass?"""
        return self.failure is None

    def __str__(self) -> str:
        if self.failure is not None:
            return self.failure.text()
        orders = max((t.order for t in self.tensors), default=1)
        kinks = sum(t.kinks for t in self.tensors)
        worst = max(self.tensors, key=lambda t: t.error / t.tolerance if t.tolerance else 0.0)
        text = (
            f"grad_check {self.name}: right{f' to order {orders}' if orders > 1 else ''}; {self.size} entries, "
            f"worst error {worst.error:.1e} (tolerance {worst.tolerance:.1e})"
        )
        if kinks:
            text += f", {kinks} kink{'s' if kinks > 1 else ''}"
        for name in self.zero:
            text += f"; {name}: the true gradient is 0 here: sign and scale untested"
        return text

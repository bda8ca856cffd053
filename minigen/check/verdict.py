"""What a check found, and how it says so: verdicts, findings, reports, errors."""

from dataclasses import dataclass, field
from typing import Any

from minigen.check.hints import Hint

VERDICTS = {
    "right": "agrees with finite differences",
    "kink": "right, and some entries lie on a kink, where any slope between the one-sided ones is accepted",
    "zero gradient": "not testable here: the true gradient is 0, so sign and scale show nowhere",
    "wrong": "disagrees with finite differences at every step",
    "inconclusive": "finite differences cannot decide here, so nothing was checked",
    "both NaN": "f itself is not finite here",
    "broken": "a promise around the numbers does not hold: a shape, a dtype, an input changed",
}
UNTESTED = "the true gradient is 0 here: sign and scale untested"
ACCEPTED = ("right", "kink", "zero gradient")  # the others raise


@dataclass
class Finding:
    """Why a check failed: what its message is made of."""

    headline: str
    verdict: str  # one of VERDICTS
    where: str = ""
    numbers: str = ""
    hint: Hint | None = None
    again: str = ""
    seed: int = 0
    reveal: bool = True
    lang: str | None = None

    def text(self, reveal: bool | None = None) -> str:
        """At most 12 lines: where, numbers, hint, how to repeat.  reveal=False leaves the numbers out."""
        reveal = self.reveal if reveal is None else reveal
        lines = [self.headline]
        if self.where:
            lines.append(f"where    {self.where}")
        if self.numbers and reveal:
            lines.append(f"numbers  {self.numbers}")
        if self.hint is not None:
            lines += self.hint.lines(self.lang, reveal)
        if self.again and reveal:
            lines.append(f"again    {self.again}")
        return "\n".join(lines)


class Found(Exception):
    """Ends a check early; never leaves minigen.check."""

    def __init__(self, finding: Finding):
        super().__init__(finding.headline)
        self.finding = finding


class CheckError(AssertionError):
    """A check that failed.  `verdict`, `where`, `numbers`, `hint` and `seed` hold the parts of its message.

    `report` holds both gradients where the check was grad_check and its numbers may be shown; else None.
    """

    __module__ = "minigen.check"  # as tracebacks call it, and as users import it

    def __init__(self, finding: Finding, report: "Report | None" = None):
        super().__init__(finding.text())
        self.finding = finding
        self.verdict = finding.verdict
        self.where = finding.where
        self.numbers = finding.numbers if finding.reveal else ""
        self.hint = finding.hint.shown(finding.reveal)[0] if finding.hint else ""
        self.seed = finding.seed
        self.report = report if finding.reveal else None


class GradCheckError(CheckError):
    """A gradient that is wrong, or that could not be checked."""

    __module__ = "minigen.check"


class ValueCheckError(CheckError):
    """A value that differs from its closed form, or has another shape or dtype, or is not finite."""

    __module__ = "minigen.check"


class AdjointCheckError(CheckError):
    """Two maps that are not each other's transpose, or a map that is not linear."""

    __module__ = "minigen.check"


class InvariantCheckError(CheckError):
    """Something that always holds, and here does not."""

    __module__ = "minigen.check"


@dataclass
class TensorReport:
    """One tensor at one order: both gradients, and what came of comparing them."""

    name: str
    shape: tuple[int, ...]
    order: int
    analytic: Any  # the gradient under test
    numeric: Any  # finite differences; NaN where none was taken
    verdict: str = "right"  # one of VERDICTS
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
    value_size: int = 0  # entries of f's result

    @property
    def ok(self) -> bool:
        """Did every check pass?"""
        return self.failure is None

    @property
    def verdict(self) -> str:
        """The whole in one word of VERDICTS; "zero gradient" where no tensor's gradient could be tested."""
        if self.failure is not None:
            return self.failure.verdict
        seen = {t.verdict for t in self.tensors if t.analytic.size}
        return next((v for v in ("kink", "right", "zero gradient") if v in seen), "zero gradient")

    def __str__(self) -> str:
        if self.failure is not None:
            return self.failure.text()
        orders = max((t.order for t in self.tensors), default=1)
        kinks = sum(t.kinks for t in self.tensors)
        worst = max(self.tensors, key=lambda t: t.error / t.tolerance if t.tolerance else 0.0)
        if not self.size:
            return f"grad_check {self.name}: every input is empty; nothing was checked"
        text = (
            f"grad_check {self.name}: right{f' to order {orders}' if orders > 1 else ''}; {self.size} entries, "
            f"worst error {worst.error:.1e} (tolerance {worst.tolerance:.1e})"
        )
        if kinks:
            text += f", {kinks} kink{'s' if kinks > 1 else ''}"
        for name in self.zero:
            text += f"; {name}: {UNTESTED}"
        return text

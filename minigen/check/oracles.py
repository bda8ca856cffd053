"""value_check and invariant_check: what no gradient check can see, since a wrong formula has a right derivative.

value_check(gaussian_kl, [([mu, logvar], 0.818147)])                                   # a closed form
value_check(softplus, [(x, lambda x: np.logaddexp(0, x))], no_warnings=True)           # a reference; no overflow
invariant_check(gaussian_kl, draw, says="KL is never negative")                        # draw(rng) → (mu, logvar)
"""

import contextlib
import math
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minigen.check.hints import Hint, hint, language
from minigen.check.speak import name_of, say
from minigen.check.values import Case, explain, result, worst_of
from minigen.check.verdict import CheckError, Finding, Found, InvariantCheckError, ValueCheckError
from minigen.errors import SettingError


def value_check(
    f: Callable[..., Any],
    cases: Any,
    *,
    name: str | None = None,
    rtol: float = 1e-6,
    atol: float = 0.0,
    within: Any = None,
    no_warnings: bool = False,
    reveal: bool = True,
    quiet: bool = False,
    lang: str | None = None,
) -> None:
    """Raise ValueCheckError unless |a − e| ≤ rtol · max(|a|, |e|) + atol for every entry a of f's results.

    cases: a list of (inputs, expected).  inputs: a list, a dict of names, or one array; f gets copies, arrays as arrays
    and tensors as tensors.  expected: a number, an array, or a reference that is called as f is.
    f returns one array, tensor or number of the expected shape.  Equal infinities agree, NaN agrees with nothing.
    dtype: from a float64 input comes no float32; float32 comes where it is expected, bool where it is.  (A number, a
    list or a float64 array, NumPy's default, does not insist on its dtype.)  For results in float32 take rtol=1e-5.
    within: |a − e| ≤ within instead, a number or an array: 4 standard errors for a value by Monte Carlo.
    no_warnings: a warning fails too; NumPy warns where something overflows on the way.
    """
    title, lang = name or name_of(f), language(lang)
    cases = _pairs(cases)
    if within is None:
        _at_least_0("value_check", rtol=rtol, atol=atol)
    else:
        _at_least_0("value_check", within=within)
    seen: list[Case] = []
    with judging(ValueCheckError, title, reveal, quiet, lang) as caught:
        for k, (inputs, expected) in enumerate(cases):
            listening = np.errstate(divide="warn", over="warn", invalid="warn", under="ignore")
            before = len(caught)
            with listening if no_warnings else contextlib.nullcontext():
                case = Case(f, inputs, expected, f"case {k + 1} of {len(cases)}")
            if no_warnings and len(caught) > before:
                raise Found(Finding(f"f warns: {_text(caught[before])}", "broken", case.said, hint=hint("stable")))
            case.compare(rtol, atol, within)
            seen.append(case)
        if any(case.wrong.any() for case in seen):
            raise Found(explain(seen))
        error, tolerance = worst_of(seen)
        if not quiet:
            size = f"{_count(len(seen), 'case')}, {_count(sum(case.yours.size for case in seen), 'number')}"
            text = f"value_check {title}: right; {size}, worst error {error:.1e} (tolerance {tolerance:.1e})"
            empty = not any(case.yours.size for case in seen)
            say(text + "; every result is empty: nothing was compared" * empty)


def invariant_check(
    margin: Callable[..., Any],
    draw: Callable[[np.random.Generator], Any],
    *,
    n: int = 20,
    seed: int = 0,
    says: str = "the margin is never negative",
    atol: float = 0.0,
    name: str | None = None,
    reveal: bool = True,
    quiet: bool = False,
    lang: str | None = None,
) -> None:
    """Raise InvariantCheckError unless min margin(*draw(rng)) ≥ −atol for n draws: KL ≥ 0, ELBO ≤ log p, …

    draw(rng) gives the arguments of margin, a tuple or list of them or one alone.  The k-th draw gets
    default_rng(seed + k), so that the one which a message names is repeated by that seed with n=1.  margin gives a
    number or an array: how far the draw is from breaking what is claimed; an equality has the margin −|difference|.
    NaN and +∞ fail, since nothing can be said of them.  A margin that is the same positive number at every draw passes
    with a question on stdout: such a check can hardly fail.
    """
    title, lang = name or name_of(margin), language(lang)
    if n < 1:
        raise SettingError(f"invariant_check: n={n} must be at least 1; without a draw nothing is checked.")
    _at_least_0("invariant_check", atol=atol)
    with judging(InvariantCheckError, title, reveal, quiet, lang):
        margins = [_smallest(margin, draw, seed + k, says) for k in range(n)]
        low = int(np.argmin(margins))
        least, below = margins[low], sum(m < -atol for m in margins)
        if below:
            raise Found(
                Finding(
                    f"this does not hold: {says}",
                    "wrong",
                    f"the draw of seed {seed + low}; {below} of {_count(n, 'draw')} violate it",
                    f"smallest margin {least:.6g}   largest {max(margins):.6g}",
                    _below(margins, below),
                    f"invariant_check(…, seed={seed + low}, n=1)",
                    seed + low,
                )
            )
        if not quiet:
            text = f"invariant_check {title}: right; smallest margin {least:.3g} over {_count(n, 'draw')}"
            still = n > 1 and least > 0 and least == max(margins)
            say(text + "; the margin never moved: does it depend on the draw?" * still)


def _smallest(margin: Any, draw: Any, seed: int, says: str) -> float:
    """The smallest entry of the margin at the draw of one seed."""
    drawn = draw(np.random.default_rng(seed))
    where = f"the draw of seed {seed}"
    found = margin(*drawn) if isinstance(drawn, tuple | list) else margin(drawn)
    m = result(found, "the margin", where)
    if not m.size or m.dtype.kind in "bc":
        what = f"{m.dtype} of shape {m.shape}"
        raise SettingError(f"invariant_check: the margin is {what}; return the number itself (kl, not kl >= 0).")
    least = float(m.min())  # NaN if any entry is
    if math.isnan(least) or least == math.inf:
        raise Found(
            Finding(f"the margin is {least}: whether this holds, nobody can say: {says}", "broken", where, seed=seed)
        )
    return least


def _below(margins: list[float], below: int) -> Hint | None:
    """What the margins have in common."""
    if math.isfinite(min(margins)) and -min(margins) <= 1e-9 * max(map(abs, margins)) or min(margins) > -1e-12:
        return hint("rounding")
    return hint("everywhere") if below == len(margins) > 1 else None


# What both have in common ---------------------------------------------------------------------------------------------


@contextlib.contextmanager
def judging(error: type[CheckError], title: str, reveal: bool, quiet: bool, lang: str) -> Iterator[list[Any]]:
    """Nothing on stderr: warnings are collected, and told on stdout where it passes.  What was Found raises `error`."""
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="ignore"):
        warnings.simplefilter("always")
        try:
            yield caught
        except Found as found:
            finding = found.finding
            finding.headline = f"{title}: {finding.headline}"
            finding.reveal, finding.lang = reveal, lang
            raise error(finding) from None
    for text in dict.fromkeys(map(_text, caught)) if not quiet else ():
        say(f"  warned: {text}")


def _text(warning: Any) -> str:
    return f"{warning.category.__name__}: {warning.message}"


def _pairs(cases: Any) -> list[tuple[Any, Any]]:
    """The cases as a list of pairs."""
    cases = list(cases)
    if not cases:
        raise SettingError("value_check: cases is empty; without one nothing is checked.")
    for case in cases:
        if not isinstance(case, tuple | list) or len(case) != 2:
            what = f"a {type(case).__name__}" + (f" of {len(case)}" if isinstance(case, tuple | list) else "")
            raise SettingError(f"value_check: cases is a list of (inputs, expected) pairs; it holds {what}.")
    return cases


def _at_least_0(check: str, **settings: Any) -> None:
    for name, value in settings.items():
        if not (np.isfinite(value).all() and np.greater_equal(value, 0).all()):
            raise SettingError(f"{check}: {name}={value} must be finite and at least 0.")


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"

"""op_check: a forward and a backward written by hand, as plain NumPy functions; value, then gradient, at several seeds.

op_check(dense, dense_backward, [x, w, b])                            # backward(dy, y, x, w, b)
op_check(affine_forward, affine_backward, draw, style="cache")        # forward → (out, cache); backward(dout, cache)
op_check(softmax_loss, None, [scores, labels], style="loss")          # → (loss, gradient)
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from minigen.check.given import draw, is_numbers, name_inputs
from minigen.check.gradient import grad_report
from minigen.check.hints import hint, language
from minigen.check.oracles import value_check
from minigen.check.speak import name_of, refuse_unknown, say
from minigen.check.verdict import UNTESTED, Finding, Found, GradCheckError, Report
from minigen.errors import SettingError

STYLES = ("rule", "cache", "loss")


def op_check(
    forward: Callable[..., Any],
    backward: Callable[..., Any] | None,
    inputs: Any,
    *,
    style: str = "rule",
    value: Callable[..., Any] | None = None,
    seeds: Iterable[int] = (0, 1, 2),
    name: str | None = None,
    reveal: bool = True,
    quiet: bool = False,
    lang: str | None = None,
    **settings: Any,
) -> None:
    """Raise a CheckError unless the backward is the derivative of the forward, for every seed.

    inputs: a list or a dict of arrays, or draw(rng), which gives either and is called afresh for every seed with
    np.random.default_rng(seed).  Floating arrays are differentiated by; integers (labels) are held fixed.
    style, what the two functions take and give:

    | style | forward(*inputs) | backward |
    |---|---|---|
    | "rule" | y | backward(dy, y, *inputs) → a gradient, or a tuple with one for each input |
    | "cache" | (y, cache) | backward(dy, cache) → the same; what the cache holds is the author's affair |
    | "loss" | (loss, gradient or tuple) | None: the forward gives both |

    value: a reference for the forward, value(*inputs), looked at first.  seeds: of the inputs drawn and of the random
    dy.  settings: those of grad_check (rtol, full, expect_zero, …).  Raises ValueCheckError or GradCheckError,
    SettingError for misuse.  The gradient must also keep its input's shape and dtype, be linear in dy, change nothing
    it is given, and be a formula: finite differences handed in as a backward fail.
    """
    if style not in STYLES:
        raise SettingError(f'op_check: style={style!r} must be "rule", "cache" or "loss".')
    if (backward is None) != (style == "loss"):
        needs = "takes no backward: the forward returns the gradient" if style == "loss" else "needs a backward"
        raise SettingError(f'op_check: style="{style}" {needs}.')
    refuse_unknown("op_check", settings, grad_report, without=("params", "order", "rng", "backward", "seed"))
    if not isinstance(seeds, Iterable):
        raise SettingError(f"op_check: seeds={seeds!r} must be a list of whole numbers, such as (0, 1, 2).")
    seeds = list(seeds)
    if not seeds:
        raise SettingError("op_check: seeds is empty; without one nothing is checked.")
    title = name or name_of(forward)
    f, rule = _as_rule(forward, backward, style)
    reports: list[Report] = []
    for seed in seeds:
        given = name_inputs(forward, draw(inputs, seed))
        _refuse(given)
        if value is not None:
            value_check(f, [(list(given.values()), value)], name=title, reveal=reveal, quiet=True, lang=lang)
        report = grad_report(f, given, backward=rule, seed=seed, name=title, reveal=reveal, lang=lang, **settings)
        if report.failure is not None:
            raise GradCheckError(report.failure, report)
        if not report.value_size:
            raise GradCheckError(Finding(f"{title}: the result is empty, so nothing could be tested", "broken"), report)
        if report.verdict == "zero gradient" and report.zero:
            text = f"{title}: every gradient is 0 here, so nothing could be tested"
            raise GradCheckError(
                Finding(text, "inconclusive", hint=hint("flat"), seed=seed, reveal=reveal, lang=language(lang)), report
            )
        reports.append(report)
    if not quiet:
        say(_pass_line(title, reports, value is not None))
        for text in dict.fromkeys(text for report in reports for text in report.warnings):
            say(f"  warned: {text}")


def _refuse(given: dict[str, Any]) -> None:
    """SettingError for inputs on which nothing would be checked, or that are no arrays of NumPy."""
    for name, x in given.items():
        if type(x).__module__.partition(".")[0] == "torch":
            raise SettingError(
                f"op_check: {name} is a torch.{type(x).__name__}, and op_check takes arrays of NumPy: pass "
                f"{name}.numpy(), or check a module or function of PyTorch with grad_check."
            )
    if given and not any(np.size(x) for x in given.values()):
        raise SettingError("op_check: every input is empty; nothing would be checked.")


def _as_rule(forward: Any, backward: Any, style: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The pair in the style "rule"."""
    if style == "rule":
        return forward, backward

    def pair(inputs: tuple[Any, ...]) -> tuple[Any, Any]:
        found = forward(*inputs)
        if not isinstance(found, tuple) or len(found) != 2:
            what = "(y, cache)" if style == "cache" else "(loss, gradient)"
            got = f"a tuple of {len(found)}" if isinstance(found, tuple) else type(found).__name__
            raise Found(Finding(f"the forward must return {what}; it returned {got}", "broken"))
        return found

    def f(*inputs: Any) -> Any:
        return pair(inputs)[0]

    def rule(dy: Any, y: Any, *inputs: Any) -> Any:
        _, second = pair(inputs)
        if style == "cache":
            return backward(dy, second)
        if isinstance(second, dict):
            return second
        gradients = second if isinstance(second, tuple | list) else (second,)
        return tuple(dy * dx if is_numbers(dx) else dx for dx in gradients)  # one loss: dy is a number

    if hasattr(backward, "called_nearby"):  # it runs in another process, which watches it there
        rule.called_nearby = lambda dy, y, *inputs: backward.called_nearby(dy, pair(inputs)[1])  # type: ignore
    return f, rule


def _pass_line(title: str, reports: list[Report], valued: bool) -> str:
    """What passed, in one line."""
    compared = [t for report in reports for t in report.tensors]
    worst = max(compared, key=lambda t: t.error / t.tolerance if t.tolerance else 0.0)
    what = "value and gradient right" if valued else "gradient right"
    text = f"op_check {title}: {what} at {len(reports)} seed{'s' if len(reports) > 1 else ''}; "
    text += f"worst error {worst.error:.1e} (tolerance {worst.tolerance:.1e})"
    kinks = sum(t.kinks for t in compared)
    if kinks:
        text += f", {kinks} kink{'s' if kinks > 1 else ''}"
    for name in dict.fromkeys(name for report in reports for name in report.zero):
        text += f"; {name}: {UNTESTED}"
    return text

"""The pytest plugin: gradient checks as fixtures and a mark, for courses that grade with pytest.

def test_softplus(grad_check):
    grad_check(softplus, [x])              # named after the test, with the session's seed and thoroughness

@pytest.mark.gradcheck(order=2, rtol=1e-6)  # settings of this test's checks; `pytest -m gradcheck` selects such tests
def test_elbo(grad_check):
    grad_check(elbo, {"mu": mu, "logvar": logvar})

It stands beside the package, not in it: pytest loads every installed plugin before anything is measured, so this file
imports nothing of minigen until a test asks (what is imported that early counts as never run in a coverage report).
`-p no:minigen` leaves it out.
"""

import difflib
import inspect
import math
import random
import sys
from collections.abc import Callable, Generator
from types import TracebackType
from typing import Any, NamedTuple

import pytest


class Level(NamedTuple):
    """One level of thoroughness."""

    seeds: dict[str, int]  # how many, for each of the fixtures
    settings: dict[str, int]  # of either check
    words: str


LEVELS = {
    "quick": Level(
        {"grad_check": 1, "op_check": 1},
        {"full": 100, "projections": 1, "samples": 5},
        "every entry, up to 100 in all; beyond, 1 random direction and 5 entries of each array; 1 seed",
    ),
    "default": Level(
        {"grad_check": 1, "op_check": 3},
        {},  # the checks' own
        "every entry, up to 2000 in all; beyond, 3 directions and 20 entries of each array; 1 seed (op_check 3)",
    ),
    "full": Level(
        {"grad_check": 3, "op_check": 9},
        {"full": sys.maxsize},
        "every entry of every array, whatever its size; 3 seeds (op_check 9)",
    ),
}
LANGUAGES = ("en", "zh", "both")
DEFAULTS = {"seed": 0, "thoroughness": "default", "lang": None}
METAVARS = {"seed": "N", "thoroughness": "|".join(LEVELS), "lang": "|".join(LANGUAGES)}
HELP = {
    "seed": "first seed of the checks, N, N + 1 and so on: of dy, of a draw(rng) and of the sampling, not of numbers "
    "that a test draws by itself (default: 0); 'random' draws one and prints it in the header",
    "thoroughness": "how closely the checks look (default: default)",
    "lang": "language of the hints: en, zh or both (default: what the environment variable MINIGEN_LANG says, or en)",
}
ROWS = 8  # of the table of worst entries


def pytest_addoption(parser: pytest.Parser) -> None:
    """--gradcheck-seed, --gradcheck-thoroughness and --gradcheck-lang; gradcheck_seed and so on in an ini file."""
    group = parser.getgroup("gradcheck", "gradient checks: the fixtures grad_check and op_check (minigen)")
    table = "".join(f"\n{name}: {level.words}" for name, level in LEVELS.items())
    for what, text in HELP.items():
        more = table if what == "thoroughness" else ""
        group.addoption(f"--gradcheck-{what}", dest=f"gradcheck_{what}", metavar=METAVARS[what], help=text + more)
        parser.addini(f"gradcheck_{what}", text)


def pytest_configure(config: pytest.Config) -> None:
    """Read the options once; config.option holds the outcome."""
    config.addinivalue_line(
        "markers",
        "gradcheck(**settings): settings of the fixtures grad_check and op_check in this test; "
        "a test that takes one of them carries the mark by itself.",
    )
    for what in DEFAULTS:
        setattr(config.option, f"gradcheck_{what}", _read(config, what))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Under xdist each worker reads the command line again, and would draw a seed of its own: it is given this one."""
    node.workerinput["gradcheck_seed"] = node.config.getoption("gradcheck_seed")


def _read(config: pytest.Config, what: str) -> Any:
    """One option: the command line's, else the ini file's, else the default; UsageError where it makes no sense."""
    name = f"gradcheck_{what}"
    place, value = f"--gradcheck-{what}", getattr(config, "workerinput", {}).get(name, config.getoption(name))
    if value is None:
        place, value = f"ini option {name}", config.getini(name)
    if value in ("", None):
        return DEFAULTS[what]
    if what == "seed":
        if value == "random":
            return random.SystemRandom().randrange(1, 2**32)
        if not str(value).isdecimal():
            raise pytest.UsageError(f"{place}: {value!r} is no seed. Pass a whole number from 0 up, or random.")
        return int(value)
    allowed = tuple(LEVELS) if what == "thoroughness" else LANGUAGES
    if value not in allowed:
        raise pytest.UsageError(f"{place}: {value!r} is not known. Pass {', '.join(allowed[:-1])} or {allowed[-1]}.")
    return value


def pytest_report_header(config: pytest.Config) -> str | None:
    """The flags that repeat this run, where they are not the defaults."""
    said = {what: config.getoption(f"gradcheck_{what}") for what in DEFAULTS}
    flags = [f"--gradcheck-{what} {value}" for what, value in said.items() if value != DEFAULTS[what]]
    return f"gradient checks: {' '.join(flags)}" if flags else None


def pytest_itemcollected(item: pytest.Item) -> None:
    """A test that takes one of the fixtures carries the mark, so that `-m gradcheck` selects it."""
    if _takes_a_fixture(item) and item.get_closest_marker("gradcheck") is None:
        item.add_marker("gradcheck")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Settings of a mark that nothing would read fail the test."""
    unread = [name for mark in item.own_markers if mark.name == "gradcheck" for name in mark.kwargs]
    if unread and not _takes_a_fixture(item):
        pytest.fail(
            f"{item.name}: @pytest.mark.gradcheck sets {', '.join(unread)}, which only the fixtures grad_check and "
            "op_check read, and the test takes neither. Name one among its arguments.",
            pytrace=False,
        )


def _takes_a_fixture(item: pytest.Item) -> bool:
    return not {"grad_check", "op_check"}.isdisjoint(getattr(item, "fixturenames", ()))


@pytest.fixture
def grad_check(request: pytest.FixtureRequest) -> Callable[..., None]:
    """minigen.check.grad_check with the session's seed, thoroughness and language, and the test's name.

    Settings of the mark `gradcheck` go before these, and a call's own before both.  At thoroughness full it runs with
    three seeds, unless the mark or the call names one.
    """
    from minigen import check

    prepared, seeds = _prepared(request, check.grad_check)

    def checked(*arguments: Any, **own: Any) -> None:
        __tracebackhide__ = True
        settings = {**prepared, **own}
        for seed in [settings.pop("seed")] if "seed" in settings else seeds:
            check.grad_check(*arguments, seed=seed, **settings)

    return checked


@pytest.fixture
def op_check(request: pytest.FixtureRequest) -> Callable[..., None]:
    """minigen.check.op_check with the session's seeds, thoroughness and language, and the test's name.

    One seed at thoroughness quick, three by default, nine at full.  Settings of the mark `gradcheck` go before these,
    and a call's own before both.
    """
    from minigen import check

    prepared, seeds = _prepared(request, check.op_check)

    def checked(*arguments: Any, **own: Any) -> None:
        __tracebackhide__ = True
        check.op_check(*arguments, **{"seeds": seeds, **prepared, **own})

    return checked


def _prepared(request: pytest.FixtureRequest, function: Callable[..., None]) -> tuple[dict[str, Any], range]:
    """What stands before a call: settings, of the session and then of the marks, the test's own last; and the seeds."""
    config, test = request.config, request.node
    level, first = LEVELS[config.getoption("gradcheck_thoroughness")], config.getoption("gradcheck_seed")
    settings: dict[str, Any] = {"name": test.name, **level.settings}
    if config.getoption("gradcheck_lang") is not None:
        settings["lang"] = config.getoption("gradcheck_lang")
    for mark in reversed(list(test.iter_markers("gradcheck"))):
        if mark.args:
            pytest.fail(
                f"{test.name}: @pytest.mark.gradcheck was given {mark.args[0]!r} without a name. "
                "Settings have names: @pytest.mark.gradcheck(order=2).",
                pytrace=False,
            )
        _known(mark.kwargs, function, test.name)
        settings |= mark.kwargs
    return settings, range(first, first + level.seeds[function.__name__])


def _known(given: Any, function: Callable[..., None], test: str) -> None:
    """Fail the test unless every name is a setting of the check; op_check hands those of grad_check on."""
    from minigen import check

    def settings(one: Callable[..., None]) -> set[str]:
        return {p.name for p in inspect.signature(one).parameters.values() if p.kind is p.KEYWORD_ONLY}

    handed_on = settings(check.grad_check) - {"params", "order", "rng", "backward", "seed"}  # as op_check does
    known = settings(function) | (handed_on if function is check.op_check else set())
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            remedy = f"Did you mean {near[0]}?" if near else f"It knows {', '.join(sorted(known))}."
            pytest.fail(
                f"{test}: @pytest.mark.gradcheck sets {name}, which {function.__name__} does not know. {remedy}",
                pytrace=False,
            )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed or misused check ends at the user's line, not inside minigen; its worst entries stand in a section."""
    check = sys.modules.get("minigen.check")  # where nobody imported it, no check can have failed
    error = call.excinfo.value if call.excinfo else None
    misuse = getattr(sys.modules.get("minigen.errors"), "SettingError", ())
    if check is None or not isinstance(error, (check.CheckError, misuse)):
        return (yield)
    assert call.excinfo is not None and error is not None
    if not item.config.getoption("fulltrace"):
        call.excinfo = pytest.ExceptionInfo.from_exception(error.with_traceback(_outside(error.__traceback__)))
    report = yield
    table = _worst_entries(error) if isinstance(error, check.CheckError) else ""
    if table:
        report.sections.append(("gradient check", table))
    return report


def _outside(traceback: TracebackType | None) -> TracebackType | None:
    """The traceback without its frames in minigen.check."""
    if traceback is None:
        return None
    rest = _outside(traceback.tb_next)
    if str(traceback.tb_frame.f_globals.get("__name__")).startswith("minigen.check"):
        return rest
    return TracebackType(rest, traceback.tb_frame, traceback.tb_lasti, traceback.tb_lineno)


def _worst_entries(error: Any) -> str:
    """A table of the entries that disagree most; "" where there are no gradients, or their numbers stay hidden."""
    if error.report is None:
        return ""
    import numpy as np

    from minigen.backend import to_host
    from minigen.check.diagnose import place_of

    found: list[tuple[float, tuple[str, str, str, str]]] = []
    for tensor in error.report.tensors:
        if tensor.verdict != "wrong":
            continue
        yours, numerical = (np.asarray(to_host(x), float).reshape(-1) for x in (tensor.analytic, tensor.numeric))
        looked_at = np.flatnonzero(~np.isnan(numerical)).tolist()
        noise = 1e-7 * max((abs(float(numerical[i])) for i in looked_at), default=0.0)
        for i in looked_at:
            a, n = float(yours[i]), float(numerical[i])
            # What an eye would call different will do: only the checker knows the noise of f, and it convicted `worst`.
            if i == tensor.worst or not abs(a - n) <= 1e-5 * max(abs(a), abs(n)) + noise:
                order = math.inf if i == tensor.worst or not math.isfinite(a) else abs(a - n)
                ratio = f"{a / n:.4f}" if n and math.isfinite(a) else "-"
                place = place_of(tensor.name, np.unravel_index(i, tensor.shape))
                found.append((order, (place, f"{a:.6g}", f"{n:.6g}", ratio)))
    found.sort(key=lambda row: -row[0])
    rows = [("place", "yours", "numerical", "ratio"), *(row for _, row in found[:ROWS])]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["   ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines += [f"and {len(found) - ROWS} more"] * (len(found) > ROWS)
    return "\n".join(lines) + "\n" if found else ""

"""What `benchmarks.gradient_checks` left, as docs/checking_figures.md.

python -m benchmarks.gradient_checks_table
"""

import collections
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.wrong_entries import LARGE, MISTAKES

RESULTS = Path(__file__).parent / "results"
PAGE = Path(__file__).parent.parent / "docs" / "checking_figures.md"
FRESH = (5, 6)  # seeds of right derivatives after which no change to the checker was made
COMMAND = "python -m benchmarks.gradient_checks"

HEAD = """# The gradient checker in figures

Does `grad_check` reject right derivatives, and does it pass wrong ones?  Every table was made by the command above it;
`python -m benchmarks.gradient_checks_table` made this page from what the commands left in `benchmarks/results/`.  All
settings of the checks are the defaults.  Below each table stands the version it was taken with.
"""


def read(name: str) -> dict[str, Any]:
    """The figures of one part."""
    return json.loads((RESULTS / f"gradient_checks-{name}.json").read_text(encoding="utf-8"))


def table(head: list[str], rows: list[list[Any]]) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows)])


def taken(figures: dict[str, Any]) -> str:
    """Where and when."""
    t = figures["taken"]
    versions = ", ".join(f"{name} {t[name]}" for name in ("python", "numpy", "minigen", "torch") if t.get(name))
    return f"{t['date']}, {t['machine']}, {t['cores']} cores, threads: {t['threads']}, load {t['load']}; {versions}"


def short(x: float) -> str:
    """0.00003 as 3e-5, and so on."""
    return f"{x:g}".replace("e-0", "e-")


def rate(alarms: int, cases: int) -> str:
    """How often a right derivative is called wrong, with the exact 95 % interval of Clopper & Pearson 1934."""

    def at_most(p: float) -> float:  # the chance of so few alarms or fewer
        return sum(math.comb(cases, k) * p**k * (1 - p) ** (cases - k) for k in range(alarms + 1))

    def solved(tail: Callable[[float], float], share: float) -> float:
        low, high = 0.0, 1.0
        for _ in range(60):
            low, high = ((low + high) / 2, high) if tail((low + high) / 2) > share else (low, (low + high) / 2)
        return 1e4 * low

    def fewer(p: float) -> float:
        return sum(math.comb(cases, k) * p**k * (1 - p) ** (cases - k) for k in range(alarms))

    low, high = solved(fewer, 0.975) if alarms else 0.0, solved(at_most, 0.025)
    text = f"{1e4 * alarms / cases:.1f} of 10,000 (95 % interval {low:.1f} to {high:.1f})"
    return f"{alarms} of {cases:,} called wrong or broken, {text}."


def right() -> str:
    """Verdicts on right derivatives, summed over seeds, and every alarm."""
    parts = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(RESULTS.glob("gradient_checks-right-*"))]
    verdicts: collections.Counter[str] = collections.Counter()
    doors: collections.Counter[str] = collections.Counter()
    for part in parts:
        verdicts.update(part["verdicts"])
        doors.update(part["doors"])
    total = sum(part["cases"] for part in parts)
    order = ["right", "right, an input with zero gradient", "zero gradient", "kink"]
    order += sorted(set(verdicts) - set(order) - {"wrong", "broken"})
    rows = [[verdict, f"{verdicts[verdict]:,}"] for verdict in [*order, "wrong", "broken"]]
    alarms = [row for part in parts for row in part["listed"] if row["verdict"] in ("wrong", "broken")]
    fresh = [row for row in alarms if row["seed"] in FRESH]
    drawn_fresh = sum(part["cases"] for part in parts if part["seed"] in FRESH)
    told = "\n".join(f"- seed {row['seed']}, case {row['number']}, {row['family']}: {row['says']}" for row in alarms)
    commands = "\n".join(f"{COMMAND} right --cases {part['cases']} --seed {part['seed']}" for part in parts)
    drawn = "; ".join(f"{count:,} by {door}" for door, count in doors.items())
    return f"""## {total:,} right derivatives at random

```bash
{commands}
```

Every differentiable operation, the losses, small networks, and 26 exercises in plain NumPy with their backwards (some
of them naive); 0 to 4 axes, lengths of 1 and broadcasting; every input with a scale of its own from 1e-6 to 1e6,
float16, float32 or float64, a tenth with an offset, one in thirty nothing but zeros.  {drawn}.

{table(["verdict", "cases"], rows)}

{rate(len(alarms), total)}
{told}

Seeds 1 and 2 had alarms, of which the causes were mended; nothing was changed for seeds 5 and 6, so it is they that say
how often an alarm is to be expected: {rate(len(fresh), drawn_fresh)}
Those that remain were not mended; the causes seen are gradients that cancel so far that rounding is most of them, as
p − x where p is 1 to the last bit (logits of 36 and of 87), or through a batch norm that its input's scale does not
change.

"Both NaN" is where f overflows, or divides by 0.  "Inconclusive" raises, and says so: an input of zeros puts `relu`,
`abs`, `sign` or a norm on its kink; the others are saturated, or lose f's last digits to cancellation.
{parts[0]["cpu_s"]} s of one core for {parts[0]["cases"]:,} cases.  ({taken(parts[0])})
"""


def wrong() -> str:
    """One wrong entry: found, named, and at what cost."""
    figures = read("wrong")
    by = {(row["function"], row["n"], row["mistake"]): row for row in figures["rows"]}
    sizes = sorted({row["n"] for row in figures["rows"]})
    rows = []
    for n in sizes:
        for name in LARGE:
            plain = by.get((name, n, "right"))
            if plain is None:
                continue
            found = [by[name, n, mistake] for mistake in MISTAKES]
            cells = [f"{row['found']} of {row['trials']}" for row in found]
            worst = max(row["seconds"][1] for row in found)
            median = sorted(row["seconds"][0] for row in found)[len(found) // 2]
            cost = f"{plain['seconds'][0]:.2f} s; {median:.2f} s ({worst:.2f})"
            rows.append([f"{n:,}", name, f"{plain['passed']} of {plain['trials']}", *cells, cost])
    trials = [row for row in figures["rows"] if row["mistake"] != "right"]
    passed, named = sum(row["passed"] for row in trials), sum(row["entry named"] for row in trials)
    total, caught = sum(row["trials"] for row in trials), sum(row["found"] for row in trials)
    most = max(row["trials"] for row in figures["rows"])
    asked = sorted({10 ** round(math.log10(n / 2)) * 2 if n < 900_000 else 10**6 for n in sizes})  # layers round
    blunt = [[short(row["tolerance"]), f"{row['found']} of {row['trials']}"] for row in figures["blunt"]]
    return f"""## One wrong entry among many

```bash
{COMMAND} wrong --trials {most} --sizes {" ".join(map(str, asked))}
```

One random entry of the largest gradient is wrong ("+1 % and −1 %": two are, by a hundredth of the gradient's root mean
square), of a hand-written backward.  Of {total:,} wrong ones {caught:,} were called wrong and {passed:,} passed; the
message named the entry in {named:,}.  Up to 2,000 entries each one is tried; beyond, three directions and 20 samples a
tensor.

{table(["entries", "function", "right: passes", *MISTAKES, "right; wrong (the slowest)"], rows)}

That the counter can fail: the same check with a blunter tolerance of its directions, in units of ‖a‖₂ (it is 1e-12 and
what noise and curvature measure), on tanh with 200,000 entries, one of them ×1.01:

{table(["tolerance / ‖a‖₂", "found"], blunt)}

({taken(figures)}; times on a machine that others used as well)
"""


def limit() -> str:
    """The smallest error that was always found."""
    figures = read("limit")
    rows = []
    quantiles = sorted({row["quantile"] for row in figures["rows"]})
    for name in LARGE:
        own = {row["quantile"]: row for row in figures["rows"] if row["function"] == name}
        if own:
            rows.append([name, *("none" if own[q]["least"] is None else short(own[q]["least"]) for q in quantiles)])
    first = figures["rows"][0]
    head = ["function", *(f"larger than {100 * q:g} % of all" for q in quantiles)]
    return f"""## How small an error of one entry is found

```bash
{COMMAND} limit --trials {first["trials"]}
```

Of {first["n"]:,} entries one is off by a relative error: {", ".join(map(short, figures["errors"]))}.  In the table the
smallest that was found in {first["trials"]} trials of {first["trials"]}, by how large that entry's gradient is beside
the others'.  Errors below rtol = 1e-5 count as right.

{table(head, rows)}

({taken(figures)})
"""


def planted() -> str:
    """28 planted errors: minigen's check beside others' conventions."""
    figures = read("planted")
    rows = []
    for row in figures["rows"]:
        low, high = row["caught"]
        rejected = ", ".join(f"{what} ({count})" for what, count in row["rejected"].items()) or "none"
        rows.append([row["convention"], f"{low}" if low == high else f"{low} to {high}", rejected])
    return f"""## 28 planted errors, beside others' conventions

```bash
{COMMAND} planted --seeds {figures["seeds"]}
```

Eight functions in plain NumPy with 28 wrong backwards (`benchmarks/planted_errors.py`), inputs and cotangents of
{figures["seeds"]} seeds.  The conventions are written anew in `benchmarks/check_conventions.py` after the sources named
there; they are not the peers' own suites.  In brackets: with how many seeds that right function was rejected.

{table(["convention", "caught of 28", "right code rejected"], rows)}

({taken(figures)})
"""


def mutants() -> str:
    """minigen's own rules, made wrong."""
    figures = read("mutants")
    rows = []
    for what, count in figures["counts"].items():
        wrong = count["caught"] + count["survived"] + count["equivalent"]
        rows.append([what, count["tests"], wrong, count["caught"], count["survived"], count["equivalent"]])
    caught, total = sum(row[3] for row in rows), sum(row[2] for row in rows)
    return f"""## minigen's own derivatives, made wrong

```bash
{COMMAND} mutants
```

{total:,} wrong derivatives of {rows[0][1]} operations, {rows[1][1]} layers and {rows[2][1]} losses; {caught:,} caught,
{sum(row[4] for row in rows)} let through.  Equivalent ones give the same numbers as the right one on every example.

{table(["", "how many", "made wrong", "caught", "let through", "equivalent"], rows)}

({taken(figures)})
"""


def cost() -> str:
    """What a check costs."""
    figures = read("cost")
    exercises = [[row["what"], row["entries"], row["ms"], row["evaluations"]] for row in figures["rows"]]
    rows = []
    for row in figures["beside"]:
        ours = row["minigen"]
        others = [f"{1e3 * row[k]:.1f} ms ({ours / row[k]:.2g})" if k in row else "–" for k in ("torch", "torch fast")]
        shape = " × ".join(map(str, row["shape"]))
        rows.append([shape, f"{row['entries']:,}", f"{1e3 * ours:.1f} ms", *others])
    return f"""## What a check costs

```bash
{COMMAND} cost
```

Exercises of a lesson, the backward written by hand:

{table(["function", "entries", "ms", "evaluations of f"], exercises)}

tanh(x w + b), checked by turns; in brackets minigen's time as a multiple of the other's.  PyTorch's full mode compares
the whole Jacobian, its fast mode one number; minigen's also tries float32, other arrangements of memory, and linearity.

{table(["n × in × out", "entries", "grad_check", "torch gradcheck", "torch gradcheck, fast"], rows)}

({taken(figures)}; times on a machine that others used as well)
"""


def main() -> None:
    PAGE.write_text("\n".join([HEAD, right(), wrong(), limit(), planted(), mutants(), cost()]), encoding="utf-8")
    print(f"written to {PAGE}")


if __name__ == "__main__":
    main()

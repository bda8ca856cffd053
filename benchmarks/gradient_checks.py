"""What the gradient checker is worth: right derivatives it rejects, wrong ones it passes, and what a check costs.

python -m benchmarks.gradient_checks right --cases 10000 --seed 0     # right derivatives at random: false alarms
python -m benchmarks.gradient_checks wrong --trials 240               # one wrong entry among up to 1,000,000
python -m benchmarks.gradient_checks limit --trials 24                # the smallest error of one entry that is found
python -m benchmarks.gradient_checks planted --seeds 20               # 28 planted errors; others' conventions beside
python -m benchmarks.gradient_checks mutants                          # minigen's own rules and layers, made wrong
python -m benchmarks.gradient_checks cost                             # seconds and evaluations, beside PyTorch's
python -m benchmarks.gradient_checks_table                            # writes docs/checking_figures.md from all these

Each leaves a file in benchmarks/results/.  Run them from the repository's root with OPENBLAS_NUM_THREADS=1.
"""

import argparse
import collections
import datetime
import json
import os
import platform
import statistics
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import check_conventions, check_costs, planted_errors, wrong_entries
from benchmarks.right_derivatives import Case, case
from minigen.check import Report, grad_check, grad_report, projections

RESULTS = Path(__file__).parent / "results"
SIZES = (2_000, 20_000, 200_000, 1_000_000)
QUANTILES = (0.0001, 0.01, 0.1, 0.5)
ERRORS = (0.1, 0.01, 1e-3, 1e-4, 3e-5)  # rtol is 1e-5: what is smaller counts as right


def save(name: str, figures: dict[str, Any]) -> None:
    """The figures, with where and when they were taken, as benchmarks/results/gradient_checks-NAME.json."""
    model = [line for line in cpu().splitlines() if line.startswith("model name")][:1]
    taken = {
        "date": datetime.date.today().isoformat(),
        "machine": (model[0].partition(": ")[2] if model else platform.processor()) or platform.machine(),
        "cores": os.cpu_count(),
        "threads": os.environ.get("OPENBLAS_NUM_THREADS", "all"),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        **{name: found(name) for name in ("numpy", "minigen", "torch")},
    }
    path = RESULTS / f"gradient_checks-{name}.json"
    path.write_text(json.dumps({"taken": taken, **figures}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"written to {path}")


def cpu() -> str:
    """What Linux says of the processor."""
    path = Path("/proc/cpuinfo")
    return path.read_text(encoding="utf-8") if path.exists() else ""


def found(name: str) -> str | None:
    """The version of a package, if it is there."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


# Right derivatives ----------------------------------------------------------------------------------------------------


def judged(c: Case) -> tuple[str, Report]:
    """The verdict on a case, and where it is neither right nor an alarm, why."""
    report = grad_report(c.f, c.inputs, backward=c.backward, **c.settings)
    verdict = report.verdict
    if verdict == "right" and report.zero:
        verdict = "right, an input with zero gradient"
    elif verdict == "both NaN":
        with np.errstate(all="ignore"):
            y = c.f(*[x.astype(np.float64) if x.dtype.kind == "f" else x for x in c.inputs.values()])
        finite = np.isfinite(getattr(y, "data", y)).all()
        verdict = "both NaN, though f is finite" if finite and not c.settings["order"] > 1 else "both NaN: f overflows"
    elif verdict == "inconclusive":
        zeros = any(x.dtype.kind == "f" and not x.any() for x in c.inputs.values())
        verdict = "inconclusive: an input is all zeros" if zeros else "inconclusive"
    return verdict, report


def right(cases: int, seed: int) -> None:
    """Counts of verdicts on right derivatives; every one that is no plain pass is listed."""
    count: collections.Counter[str] = collections.Counter()
    doors: collections.Counter[str] = collections.Counter()
    listed = []
    started = time.process_time()
    for number in range(cases):
        c = case(number, seed)
        doors["a backward of arrays" if c.backward else f"the engine, order {c.settings['order']}"] += 1
        verdict, report = judged(c)
        count[verdict] += 1
        if report.failure is not None:
            scales = {key: f"{float(np.abs(x.astype(float)).max(initial=0)):.0e}" for key, x in c.inputs.items()}
            says = f"{report.failure.headline}; {report.failure.where}"
            row = {"seed": seed, "number": number, "family": c.family, "verdict": verdict, "says": says}
            listed.append({**row, "scales": scales})
    for row in listed:
        print(f"#{row['number']} {row['family']}: {row['verdict']}: {row['says']} {row['scales']}")
    print(json.dumps(count, indent=1))
    seconds = round(time.process_time() - started)
    save(
        f"right-seed{seed}",
        {"cases": cases, "seed": seed, "verdicts": count, "doors": doors, "cpu_s": seconds, "listed": listed},
    )


# One wrong entry ------------------------------------------------------------------------------------------------------


def tried(name: str, n: int, mistake: Any, trials: int, quantile: float | None = None) -> dict[str, Any]:
    """So many trials of one mistake in one function: what became of them, and what they cost."""
    count: collections.Counter[str] = collections.Counter()
    seconds, evaluations, placed = [], [], 0
    for seed in range(trials):
        started = time.perf_counter()
        outcome = wrong_entries.trial(name, n, mistake, seed, quantile)
        seconds.append(time.perf_counter() - started)
        evaluations.append(outcome.evaluations)
        count[outcome.verdict] += 1
        placed += outcome.placed
    return {
        "function": name,
        "n": n,
        "mistake": mistake,
        "trials": trials,
        "found": count["wrong"],
        "inconclusive": count["inconclusive"],
        "passed": trials - count["wrong"] - count["inconclusive"],
        "entry named": placed,
        "seconds": [round(statistics.median(seconds), 2), round(max(seconds), 2)],
        "evaluations": [round(statistics.median(evaluations)), max(evaluations)],
    }


def wrong(trials: int, sizes: list[int], functions: list[str]) -> None:
    """False passes: every mistake, in every function and size; and as the proof that they would show, a blunt check."""
    rows = []
    for n in sizes:
        for name in functions:
            for mistake in ("right", *wrong_entries.MISTAKES):
                rows.append(tried(name, n, mistake, max(trials // (10 if n > 500_000 else 1), 1)))
                print(json.dumps(rows[-1], ensure_ascii=False), flush=True)
    sharp, blunt = projections.ROUNDING, []
    for tolerance in (1e-7, 1e-4, 1e-3):
        projections.ROUNDING = tolerance
        blunt.append({"tolerance": tolerance, **tried("tanh", 200_000, "×1.01", trials // 10 or 1)})
        print(json.dumps(blunt[-1], ensure_ascii=False), flush=True)
    projections.ROUNDING = sharp
    save("wrong", {"rows": rows, "blunt": blunt})


def limit(trials: int, n: int, functions: list[str]) -> None:
    """For entries at quantiles of |gradient|: the smallest relative error that was found in every trial."""
    rows = []
    for name in functions:
        for quantile in QUANTILES:
            least = None
            for error in ERRORS:
                row = tried(name, n, 1 + error, trials, quantile)
                if row["found"] < trials:
                    break
                least = error
            rows.append({"function": name, "n": n, "quantile": quantile, "trials": trials, "least": least})
            print(json.dumps(rows[-1], ensure_ascii=False), flush=True)
    save("limit", {"rows": rows, "errors": ERRORS})


# Planted errors, and others' conventions ------------------------------------------------------------------------------


def planted(seeds: int) -> None:
    """Of the 28 planted errors how many each convention catches, over seeds; and which right code it rejects."""
    rows = []
    for name in check_conventions.CONVENTIONS:
        caught, rejected = [], collections.Counter()
        for seed in range(seeds):
            caught.append(0)
            for what, exercise in planted_errors.exercises(seed).items():
                inputs = list(exercise.inputs.values())
                if not check_conventions.passes(name, exercise.f, exercise.backward, inputs, seed):
                    rejected[what] += 1
                for backward in exercise.wrong.values():
                    caught[-1] += not check_conventions.passes(name, exercise.f, backward, inputs, seed)
        rows.append({"convention": name, "caught": [min(caught), max(caught)], "rejected": rejected})
        print(json.dumps(rows[-1], ensure_ascii=False), flush=True)
    save("planted", {"seeds": seeds, "rows": rows})


def mutants() -> None:
    """Every rule of every operation, layer and loss made wrong in many ways, on the examples of minigen's own tests."""
    from minigen.check.mutants import prove
    from tests.check import test_mutants_layers as layers
    from tests.ops import test_mutants as operations

    counts = {}
    proofs = {"operations": [], "layers": [], "losses": []}
    for name in sorted(operations.own(operations.OPS) - operations.FACTS - {"sign"}):
        proofs["operations"].append(prove(lambda name=name: operations.check_the_table(name), name, order=2))
    for name, (make, shape, _) in layers.LAYERS.items():
        layer, x = make(), layers.away(*shape)

        def test(layer=layer, x=x, name=name):
            rng = getattr(layer, "rng", None)
            grad_check(layer, {"x": x}, order=layers.plan(name)["order"], rng=rng, quiet=True)

        proofs["layers"].append(prove(test, layer, **layers.plan(name)))
    for name, loss in layers.LOSSES.items():

        def test(f, loss=loss, name=name):
            grad_check(f, loss.inputs, order=layers.plan(name)["order"], rng=loss.rng, quiet=True)

        proofs["losses"].append(prove(test, loss.f, **layers.plan(name)))
    for what, found in proofs.items():
        kinds = {kind: sum(len(getattr(p, kind)) for p in found) for kind in ("caught", "survived", "equivalent")}
        counts[what] = {"tests": len(found), **kinds, "rejected": [p.name for p in found if p.rejected]}
        counts[what]["let through"] = [f"{p.name}: {name}" for p in found for name in p.survived]
    print(json.dumps(counts, indent=1))
    save("mutants", {"counts": counts})


def cost() -> None:
    """Seconds and evaluations of typical checks, and of PyTorch's gradcheck on the same function, by turns."""
    save("cost", {"rows": check_costs.exercises(), "beside": check_costs.beside_pytorch()})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("part", choices=["right", "wrong", "limit", "planted", "mutants", "cost"])
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--trials", type=int, default=None)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--functions", nargs="+", default=list(wrong_entries.LARGE), choices=wrong_entries.LARGE)
    given = parser.parse_args()
    if given.part == "right":
        right(given.cases, given.seed)
    elif given.part == "wrong":
        wrong(given.trials or 240, given.sizes, given.functions)
    elif given.part == "limit":
        limit(given.trials or 24, 200_000, given.functions)
    elif given.part == "planted":
        planted(given.seeds)
    elif given.part == "mutants":
        mutants()
    else:
        cost()


if __name__ == "__main__":
    main()

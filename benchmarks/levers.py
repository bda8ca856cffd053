"""What each of the things that make minigen fast is worth: the time of a step without it, over the time with all.

python -m benchmarks.levers          # about four minutes on two cores

Every variant runs in a process of its own, taking turns as in `benchmarks.compare`.  Leaves
benchmarks/results/levers.json and levers.md.
"""

import json
import statistics
import sys

from benchmarks import compare_table, machine
from benchmarks.compare import RESULTS, take_turns, turn
from benchmarks.worker import Worker, environment
from benchmarks.workloads import WORKLOADS
from benchmarks.workloads.levers_ import LEVERS

CHOSEN = {
    "dcgan-256": ("kept memory", "convolution", "bends", "rectifiers", "batch norm", "every kernel"),
    "ring": ("kept memory", "bends", "rectifiers", "every kernel"),
    "iwae": ("kept memory", "likelihood", "every kernel"),
}
THREADS, ROUNDS, LENGTH = 2, 5, 1.0


def measured(name: str) -> dict[str, dict[str, float]]:
    """lever → the median ratio of a step without it to one with all, and the peak of memory."""
    workload = WORKLOADS[name]
    variants = ("nothing", *CHOSEN[name])
    workers: dict[str, Worker] = {}
    try:
        for without in variants:
            settings = {"builder": workload.builder, "without": without, **workload.settings}
            workers[without] = Worker("minigen_without", "made", settings, THREADS)
        seconds = take_turns({key: turn(worker, LENGTH) for key, worker in workers.items()}, ROUNDS)
        peaks = {key: worker.peak() for key, worker in workers.items()}
    finally:
        for worker in workers.values():
            worker.close()
    return {
        key: {
            "median": statistics.median(seconds[key]),
            "ratio": statistics.median(
                s / all_of_them for s, all_of_them in zip(seconds[key], seconds["nothing"], strict=True)
            ),
            "peak": peaks[key],
        }
        for key in variants
    }


def table(found: dict[str, dict[str, dict[str, float]]]) -> str:
    """A row for each lever: how much longer a step takes without it, and its peak of memory."""
    rows = []
    for lever in LEVERS:
        cells = []
        for entry in found.values():
            figures = entry.get(lever)
            cells.append(f"{figures['ratio']:.2f}, {figures['peak'] / 1e6:.0f} MB" if figures else "–")
        rows.append([lever, *cells])
    return compare_table.table(["without", *(f"`{name}`" for name in found)], rows)


def main() -> None:
    load, watch = machine.load(), machine.Watch()
    found = {name: measured(name) for name in CHOSEN}
    taken = machine.taken(("minigen", "numpy"), THREADS, ROUNDS, load, watch, environment(THREADS))
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps({"taken": taken, "levers": found}, indent=1, ensure_ascii=False)
    (RESULTS / "levers.json").write_text(text + "\n", encoding="utf-8")
    page = (
        "# What each lever is worth\n\nMade by `python -m benchmarks.levers`: the time of a step without the lever,\n"
        "over that of minigen as it is, and the peak of the process's memory.\n\n"
        f"{table(found)}\n\n{taken['date']}, {compare_table.company(taken)}; {machine.in_words(taken['machine'])}\n"
    )
    (RESULTS / "levers.md").write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    sys.exit(main())

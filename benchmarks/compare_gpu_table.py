"""What `benchmarks.compare_gpu` left, as tables."""

from typing import Any

from benchmarks.compare_table import megabytes, table, time
from benchmarks.gpu_worker import CONTENDERS
from minigen.doctor import cuda

APART = 0.1  # share by which the two clocks may differ before a figure is marked

HEAD = """# minigen beside PyTorch on a GPU

Made by `python -m benchmarks.compare_gpu`, which says how the figures were taken.  Times are told by CUDA events.  A
ratio is minigen's time over the other's, below 1 where minigen needs less; in brackets its quartiles over the rounds.
Host: the same step by the host's clock, as a multiple of the events' time; far from 1, the figure is not to be
trusted.  Losses: after ten steps, each contender from draws of its own.  Memory: what its pool took.
"""


def section(name: str, entry: dict[str, Any]) -> str:
    """One workload in one precision: its table, who failed and why, and how it was taken."""
    rows = []
    for contender, figures in entry["peers"].items():
        ratio = "1"
        if contender != "minigen":
            low, high = figures["quartiles"]
            ratio = f"{figures['ratio']:.2f} ({low:.2f} to {high:.2f})"
        host = f"{figures['host']:.2f}" if abs(figures["host"] - 1) <= APART else f"**{figures['host']:.2f}**"
        losses = ", ".join(f"{loss:.4g}" for loss in figures["losses"])
        title = CONTENDERS[contender].title
        rows.append([title, time(figures["median"]), ratio, host, losses, megabytes(figures["memory"])])
    parts = [f"## `{name}`"]
    parts += [table(["", "a step", "ratio", "host", "losses", "memory"], rows)] if rows else []
    failed = [f"- {CONTENDERS[contender].title}: **failed**, {why}" for contender, why in entry["failed"].items()]
    parts += ["\n".join(failed)] if failed else []
    return "\n\n".join([*parts, how(entry)]) + "\n"


def how(entry: dict[str, Any]) -> str:
    """GPU, driver, versions, precision, rounds and date in a paragraph."""
    taken = entry["taken"]
    libraries: dict[str, None] = {}
    for figures in entry["peers"].values():
        told = ", ".join(f"{key} {value}" for key, value in figures["about"].items() if value is not None)
        libraries[told] = None
    parts = [
        f"{taken['date']}, {taken['precision']} in products and convolutions, {taken['rounds']} rounds",
        f"{taken['gpu']}, compute capability {taken['compute_capability']}",
        f"driver for CUDA {cuda(taken['driver_cuda'])}" + (f" ({taken['driver']})" if taken["driver"] else ""),
        f"CUDA {cuda(taken['runtime_cuda'])} under CuPy {taken['cupy']}",
        f"minigen {taken['minigen']}, NumPy {taken['numpy']}, Python {taken['python']}, {taken['system']}",
        *libraries,
    ]
    return "; ".join(parts)


def page(entries: dict[str, dict[str, Any]]) -> str:
    """All that was measured."""
    return "\n".join([HEAD, *(section(name, entry) for name, entry in entries.items())])

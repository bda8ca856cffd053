"""What `benchmarks.compare` left, as tables that say which targets are met.

python -m benchmarks.compare_table        # benchmarks/results/compare.json → compare.md beside it
"""

import json
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.workloads import PEERS, WORKLOADS

# At most this many times PyTorch's figure, be it plain or channels last.
TARGETS = {
    "dcgan-256": 0.90,
    "dcgan-64": 0.90,
    "ring": 0.60,
    "vae": 0.80,
    "iwae": 0.90,
    "wgan_gp": 0.60,
    "op": 1.00,
    "op_chain": 1.00,
    "import": 0.20,
    "memory": 0.60,  # the peak of dcgan-256
}
AGAINST = ("torch", "torch_channels_last")
SCRATCH = 0.25  # at most this many times the figure of a library from scratch: at least four times as fast
IMPORT = 0.25  # seconds that `import minigen` may take
BUSY = 0.10  # of the cores' time in the hands of other programs, above which figures are not to be trusted
OTHER = {"numpy": "import numpy", "nothing": "a Python that imports nothing"}

HEAD = """# minigen beside other libraries

Made by `python -m benchmarks.compare`, which says how the figures were taken.  A ratio is minigen's figure over the
other library's, below 1 where minigen needs less; in brackets its quartiles over the rounds.
"""


def target(name: str, peer: str) -> float | None:
    """The ratio that minigen is to stay under beside that library; None where none was set."""
    if peer in AGAINST:
        return TARGETS.get(name)
    if name in WORKLOADS and name in TARGETS and peer in PEERS and PEERS[peer].scratch:
        return SCRATCH
    return None


def verdict(figure: float, limit: float | None) -> str:
    """A target, and whether it is met."""
    if limit is None:
        return "–"
    return f"≤ {limit:.2f}: {'met' if figure <= limit else '**missed**'}"


def title(peer: str) -> str:
    return PEERS[peer].title if peer in PEERS else OTHER[peer]


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table: names to the left, figures to the right."""
    lines = [f"| {' | '.join(head)} |", f"|---|{'---:|' * (len(head) - 1)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def time(seconds: float) -> str:
    """Three digits in the unit that suits: 812 ms, 2.84 ms, 6.31 µs."""
    for unit, name in ((1.0, "s"), (1e-3, "ms")):
        if seconds >= unit:
            return f"{seconds / unit:.3g} {name}" if seconds < 1000 * unit else f"{seconds / unit:.0f} {name}"
    return f"{seconds * 1e6:.3g} µs"


def megabytes(size: float) -> str:
    return f"{size / 1e6:,.0f} MB" if size >= 1e7 else f"{size / 1e6:.2g} MB"


# The parts ------------------------------------------------------------------------------------------------------------


def times(name: str, entry: dict[str, Any]) -> str:
    """Medians and ratios of one workload."""
    rows = []
    for peer, figures in entry["peers"].items():
        if peer == "minigen":
            own = f"≤ {IMPORT} s: {'met' if figures['median'] <= IMPORT else '**missed**'}" if name == "import" else "–"
            rows.append([title(peer), time(figures["median"]), "1", own])
            continue
        low, high = figures["quartiles"]
        ratio = f"{figures['ratio']:.2f} ({low:.2f} to {high:.2f})"
        rows.append([title(peer), time(figures["median"]), ratio, verdict(figures["ratio"], target(name, peer))])
    unit = "an operation" if name in WORKLOADS and WORKLOADS[name].builder.startswith("op") else "a step"
    return table(["", "a start" if name == "import" else unit, "ratio", "target"], rows)


def memory(entry: dict[str, Any]) -> str:
    """The peak of each process that ran the article's GAN at batch 256."""
    ours = entry["peers"]["minigen"]["peak"]
    rows = []
    for peer, figures in entry["peers"].items():
        ratio = ours / figures["peak"]
        judged = verdict(ratio, target("memory", peer))
        rows.append([title(peer), megabytes(figures["peak"]), "1" if peer == "minigen" else f"{ratio:.2f}", judged])
    return table(["", "peak memory", "ratio", "target"], rows)


def size(entry: dict[str, Any]) -> str:
    """What an install takes on disk."""
    rows = []
    for peer, f in entry["peers"].items():
        rows.append([title(peer), megabytes(f["package"]), megabytes(f["with_dependencies"]), str(f["packages"])])
    return table(["", "by itself", "with what it requires", "packages"], rows)


def section(name: str, entry: dict[str, Any]) -> str:
    """One workload: its table, who was left out and why, and how it was taken."""
    parts = [f"## `{name}`: {heading(name)}", size(entry) if name == "size" else times(name, entry)]
    if name == "dcgan-256":
        parts.append(memory(entry))
    left_out = [f"- {title(peer)}: skipped, {reason}" for peer, reason in entry["skipped"].items()]
    left_out += [f"- {title(peer)}: **failed**, {reason}" for peer, reason in entry["failed"].items()]
    parts += ["\n".join(left_out)] if left_out else []
    taken = entry["taken"]
    versions = ", ".join(f"{package} {number}" for package, number in taken["versions"].items())
    told = "" if name == "size" else f", threads: {taken['threads']}, rounds: {taken['rounds']}, {company(taken)}"
    parts.append(f"{taken['date']}{told}; {versions}; {machine.in_words(taken['machine'])}")
    return "\n\n".join(parts) + "\n"


def company(taken: dict[str, Any]) -> str:
    """What else the machine did meanwhile."""
    load = " to ".join("unknown" if x is None else f"{x:.2f}" for x in taken["load"])
    others = taken["others"]
    if others is None:
        return f"load {load}"
    told = f"load {load}, other programs used {others:.0%} of the cores"
    return told if others <= BUSY else f"**{told}: run it again when they rest**"


def heading(name: str) -> str:
    if name == "import":
        return "a fresh Python that imports the library and ends"
    return "bytes on disk, without byte code" if name == "size" else WORKLOADS[name].title


def page(entries: dict[str, dict[str, Any]]) -> str:
    """All workloads that were measured."""
    return "\n".join([HEAD, *(section(name, entry) for name, entry in entries.items())])


def main() -> None:
    path = Path(__file__).parent / "results" / "compare.json"
    entries = json.loads(path.read_text(encoding="utf-8"))["workloads"]
    path.with_suffix(".md").write_text(page(entries), encoding="utf-8")
    print(f"written to {path.with_suffix('.md')}")


if __name__ == "__main__":
    main()

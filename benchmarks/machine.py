"""The machine and the packages that figures were taken with."""

import datetime
import importlib.util
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


def describe(environment: Mapping[str, str]) -> dict[str, Any]:
    """Processor, cores, caches, memory, system, Python, and the BLAS under a NumPy that starts in that environment."""
    asked = [sys.executable, "-c", "from benchmarks import machine; print(machine.blas())"]
    found = _read("/proc/meminfo", r"MemTotal:\s*(\d+)")
    return {
        "cpu": _read("/proc/cpuinfo", r"model name\s*: (.+)") or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "caches": caches(),
        "memory_gb": round(int(found) / 1024**2, 1) if found else None,
        "system": platform.platform(),
        "python": platform.python_version(),
        "blas": subprocess.run(
            asked, capture_output=True, text=True, check=True, cwd=ROOT, env=environment
        ).stdout.strip(),
    }


def in_words(machine: dict[str, Any]) -> str:
    """The same in one line."""
    held = f", {machine['memory_gb']} GB" if machine["memory_gb"] else ""
    caches = f" ({machine['caches']})" if machine["caches"] else ""
    return (
        f"{machine['cpu']}{caches}, {machine['cores']} cores{held}; {machine['system']}; Python {machine['python']}; "
        f"NumPy with {machine['blas']}"
    )


def _read(path: str, pattern: str) -> str | None:
    """The first match in one of Linux's files about itself; None elsewhere."""
    if not Path(path).exists():
        return None
    match = re.search(pattern, Path(path).read_text(encoding="utf-8"))
    return match[1].strip() if match else None


def caches() -> str:
    """'L1 32K, L2 1024K, L3 36608K' of the first core, where Linux tells."""
    found = {}
    for cache in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        if (cache / "type").read_text().strip() != "Instruction":
            found[(cache / "level").read_text().strip()] = (cache / "size").read_text().strip()
    return ", ".join(f"L{level} {size}" for level, size in found.items())


def blas() -> str:
    """Name and version of NumPy's BLAS; with threadpoolctl, also the processor that its kernels are written for."""
    import numpy as np

    built = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    said = f"{built['name']} {built['version']}"
    if importlib.util.find_spec("threadpoolctl"):
        from threadpoolctl import threadpool_info

        kernels = {pool.get("architecture") for pool in threadpool_info() if pool["user_api"] == "blas"} - {None}
        said += f", {', '.join(sorted(kernels))} kernels" if kernels else ""
    return said


def load() -> float | None:
    """How many processes wanted a core during the last minute, where the system tells."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


class Watch:
    """How much of the machine others use, from when this is made: figures taken beside much of it are worth little."""

    def __init__(self):
        self.begun = time.monotonic(), _busy(), _own()

    def others(self) -> float | None:
        """The share of all cores' time that neither idled nor went to this process and its ended children."""
        started, busy, own = self.begun
        if busy is None:
            return None
        theirs = (_busy() or 0.0) - busy - (_own() - own)
        return round(max(0.0, theirs) / ((time.monotonic() - started) * (os.cpu_count() or 1)), 2)


def _busy() -> float | None:
    """Seconds that all cores together have worked since the start of the system, where Linux tells."""
    found = _read("/proc/stat", r"cpu +(.+)")
    if found is None:
        return None
    user, nice, system, _, _, irq, softirq, steal = map(int, found.split()[:8])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def _own() -> float:
    """Seconds that this process and its ended children have worked."""
    return sum(os.times()[:4])


def today() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")


def version(package: str) -> str | None:
    """A package's version, if it is installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


# The size of an install -----------------------------------------------------------------------------------------------


def installed_size(package: str) -> dict[str, int]:
    """Bytes on disk, without byte code: of the package by itself, and with all that it requires."""
    together = {package: own_size(package)}
    waiting = [package]
    while waiting:
        for name in required(waiting.pop()):
            if name not in together and version(name) is not None:
                together[name] = own_size(name)
                waiting.append(name)
    return {"package": together[package], "with_dependencies": sum(together.values()), "packages": len(together)}


def own_size(package: str) -> int:
    """Bytes of one distribution's files.  Of one installed in place, the files of its package."""
    installed = metadata.distribution(package)
    if '"editable": true' in (installed.read_text("direct_url.json") or ""):
        found = importlib.util.find_spec(package)
        assert found is not None and found.origin is not None
        files = [path for path in Path(found.origin).parent.rglob("*") if path.is_file()]
    else:
        files = [Path(str(path.locate())) for path in installed.files or []]
    return sum(path.stat().st_size for path in files if path.suffix != ".pyc" and path.exists())


def required(package: str) -> list[str]:
    """The distributions that one requires on this machine, without its extras."""
    from packaging.requirements import Requirement

    wanted = [Requirement(text) for text in metadata.requires(package) or []]
    return [r.name for r in wanted if r.marker is None or r.marker.evaluate({"extra": ""})]


def taken(
    packages: Iterable[str],
    threads: int,
    rounds: int,
    before: float | None,
    watch: Watch,
    environment: Mapping[str, str],
) -> dict[str, Any]:
    """When, where and with what figures were taken: what every results file says of itself."""
    return {
        "date": today(),
        "threads": threads,
        "rounds": rounds,
        "load": [before, load()],
        "others": watch.others(),
        "versions": {package: version(package) for package in packages},
        "machine": describe(environment),
    }

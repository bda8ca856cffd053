"""`python -m minigen.doctor`: what is installed, which backends work and why not, and how fast; the first thing to ask.

Its output, as text or with --json, belongs into every report of a problem.
"""

import json
import os
import platform
import re
import sys
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import tyro

import minigen
from minigen import backend, console
from minigen.check import grad_check
from minigen.errors import SettingError
from minigen.losses import gan
from minigen.models import dcgan
from minigen.nn import Dense, LeakyReLU, Sequential

USAGE = """Say what is installed, which backends work and why others do not, and how fast they are (a second each).

examples:
  python -m minigen.doctor
  python -m minigen.doctor --json > doctor.json      (to send along with a report of a problem)"""

GIB = 2**30


@dataclass(frozen=True)
class Options:
    json: bool = False
    """Print one JSON object instead of lines."""
    seconds: float = 1.0
    """How long each backend is timed; 0 leaves the timing out."""


def main(argv: list[str] | None = None) -> int:
    """The command; returns the exit status: 0 where NumPy computes rightly, 1 where it does not, 2 for bad input."""

    def command() -> int:
        options = tyro.cli(
            Options,
            prog="python -m minigen.doctor",
            description=USAGE,
            args=sys.argv[1:] if argv is None else argv,
            config=(tyro.conf.FlagCreatePairsOff,),
        )
        if not 0 <= options.seconds <= 60:
            raise SettingError(f"--seconds {options.seconds:g} must lie between 0 and 60.")
        found = examine(options.seconds)
        print(json.dumps(found, indent=2, ensure_ascii=False) if options.json else in_words(found))
        return 0 if found["backends"]["numpy"]["right"] else 1

    return console.run(command, "--seconds 0")


def examine(seconds: float = 1.0) -> dict[str, Any]:
    """Everything this command knows, as what JSON can hold; `seconds` of timing for each backend that works."""
    return {
        "minigen": minigen.__version__,
        "from": str(Path(minigen.__file__).parent),
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "memory_gib": memory(),
        "blas": blas(),
        "packages": packages(),
        "backends": {name: examine_backend(name, seconds) for name in ("numpy", "cupy")},
    }


def examine_backend(name: str, seconds: float) -> dict[str, Any]:
    """Can it be used, are its gradients right, how fast is it; of a GPU, also what it is."""
    why_not = backend.probe() if name == "cupy" else ""
    if why_not:
        return {"works": False, "why_not": why_not}
    before = backend.name_of(backend.current())
    backend.use(name)
    try:
        found: dict[str, Any] = {"works": True, "why_not": ""}
        found["wrong"] = wrong_gradient()
        found["right"] = not found["wrong"]
        if name == "cupy":
            found |= gpu()
        if seconds:
            found["images_per_second"] = round(speed(seconds))
            found["precision"] = backend.precision()
        return found
    finally:
        backend.use(before)


def wrong_gradient() -> str:
    """What is wrong with the gradients of a small network on the backend in use; empty where they are right."""
    rng = np.random.default_rng(0)
    network = Sequential(Dense(4, 8, rng=rng), LeakyReLU(0.2), Dense(8, 1, rng=rng))
    x = backend.to_device(rng.normal(size=(5, 4)))
    try:
        grad_check(lambda x: gan.nonsaturating.generator(network(x)), [x], params=network, quiet=True)
    except AssertionError as error:
        return str(error).partition("\n")[0]
    return ""


def speed(seconds: float) -> float:
    """Images a second of the article's discriminator at a quarter of its width, forward and backward, batch 64."""
    rng = np.random.default_rng(0)
    network = dcgan.Discriminator(width=0.25, rng=rng)
    x = minigen.tensor(rng.uniform(-1, 1, (64, 28, 28, 1)).astype(np.float32))

    def step() -> None:
        minigen.grad(gan.nonsaturating.generator(network(x)), network.parameters())

    for _ in range(2):  # what is made once, is made here
        step()
    backend.synchronize()
    began, images = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        step()
        backend.synchronize()
        images += 64
    return images / (time.perf_counter() - began)


# What is there --------------------------------------------------------------------------------------------------------


def packages() -> dict[str, dict[str, str | None]]:
    """{"": {package: version}, extra: {…}} for what minigen requires and may use; None where it is not installed."""
    found: dict[str, dict[str, str | None]] = {}
    required = (metadata.requires("minigen") or []) if version("minigen") else []  # none: run out of its folder
    for text in required:
        name = re.split(r"[^\w.-]", text, maxsplit=1)[0]
        extra = re.search(r"extra == ['\"]([\w-]+)['\"]", text)
        found.setdefault(extra[1] if extra else "", {})[name] = version(name)
    return {extra: versions for extra, versions in found.items() if extra not in ("dev", "referee", "graders")}


def version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def memory() -> dict[str, float] | None:
    """Free and all memory in GiB, where Linux tells."""
    path = Path("/proc/meminfo")
    if not path.exists():
        return None
    kib = dict(re.findall(r"^(\w+):\s+(\d+) kB", path.read_text(encoding="ascii"), re.MULTILINE))
    return {key: round(int(kib[name]) / 2**20, 1) for key, name in (("free", "MemAvailable"), ("all", "MemTotal"))}


def blas() -> str:
    """The library under NumPy's matrix products, and what the environment says of its threads."""
    built = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    threads = [f"{name}={os.environ[name]}" for name in names if name in os.environ]
    return " ".join([f"NumPy {np.__version__} with {built['name']} {built['version']}", *threads])


def gpu() -> dict[str, Any]:
    """Name, driver, CUDA, free and all memory of the GPU in use."""
    import cupy

    runtime, device = cupy.cuda.runtime, cupy.cuda.Device()
    free, total = runtime.memGetInfo()
    return {
        "gpu": backend.gpu_name(),
        "compute_capability": device.compute_capability,
        "cupy": cupy.__version__,
        "driver_cuda": runtime.driverGetVersion(),
        "runtime_cuda": runtime.runtimeGetVersion(),
        "gpu_memory_gib": {"free": round(free / GIB, 1), "all": round(total / GIB, 1)},
    }


# How it says so -------------------------------------------------------------------------------------------------------


def in_words(found: dict[str, Any]) -> str:
    """The same for people."""
    lines = [
        f"minigen {found['minigen']} in {found['from']}",
        f"Python {found['python']}, {found['system']}, {found['cores']} cores{_memory(found['memory_gib'])}",
        found["blas"],
    ]
    for extra, versions in found["packages"].items():
        missing = [name for name, number in versions.items() if number is None]
        there = [f"{name} {number}" for name, number in versions.items() if number is not None]
        title = f"extra {extra}" if extra else "packages"
        lines.append(f"{title}: {', '.join([*there, *(f'no {name}' for name in missing)])}")
        if missing and not extra.startswith("cuda"):
            lines.append("  " + (f"pip install 'minigen[{extra}]'" if extra else f"pip install {' '.join(missing)}"))
    for name, state in found["backends"].items():
        lines.append("")
        if not state["works"]:
            lines += [f"--backend {name}: cannot be used", *(f"  {line}" for line in state["why_not"].splitlines())]
            continue
        lines.append(f"--backend {name}: works")
        if "gpu" in state:
            capability, held = state["compute_capability"], _memory(state["gpu_memory_gib"])
            lines.append(f"  {state['gpu']}, compute capability {capability}{held}")
            lines.append(
                f"  CuPy {state['cupy']}, CUDA {cuda(state['runtime_cuda'])}; the driver supports CUDA "
                f"{cuda(state['driver_cuda'])}"
            )
        lines.append(f"  gradients: {state['wrong'] or 'right, by finite differences on a small network'}")
        if "images_per_second" in state:
            lines.append(
                f"  speed: {state['images_per_second']:,} images/s through the article's discriminator at a quarter of "
                f"its width, forward and backward, batch 64, products in {state['precision']}"
            )
    return "\n".join(lines)


def _memory(held: dict[str, float] | None) -> str:
    return f", {held['free']} of {held['all']} GiB free" if held else ""


def cuda(number: int) -> str:
    """13000 → "13.0"."""
    return f"{number // 1000}.{number % 1000 // 10}"


if __name__ == "__main__":
    raise SystemExit(main())

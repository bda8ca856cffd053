"""The CUDA texts compile for every generation of GPUs, without a warning and without a register spilt to memory."""

import functools
import re
from pathlib import Path

import pytest

from minigen.kernels import cuda_source

from . import nvrtc

pytestmark = pytest.mark.skipif(bool(nvrtc.WHY_NOT), reason=nvrtc.WHY_NOT)

ARCHITECTURES = ["sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120"]
AS_CUPY_DOES = (*cuda_source.OPTIONS, "-ftz=true", "--device-as-default-execution-space")  # CuPy 14.2, compiler.py
CHECKS = ("--ptxas-options=-v", "--ptxas-options=--warn-on-spills", "--ptxas-options=--warn-on-local-memory-usage")
MOST_REGISTERS = 64  # of a thread: four blocks of 256 threads then share a multiprocessor's 65,536


@functools.cache
def compiled(source, architecture):
    return nvrtc.compile_for(source, architecture, *AS_CUPY_DOES, *CHECKS)


def faults(log):
    """What a log complains of: warnings, errors, spills, stack frames, too many registers."""
    found = re.findall(r".*(?:warning|error).*", log, re.IGNORECASE)
    found += [line for line in log.split("\n") if re.search(r"[1-9]\d* bytes (spill|stack)", line)]
    return found + [line for line in log.split("\n") if _registers(line) > MOST_REGISTERS]


def _registers(line):
    used = re.search(r"Used (\d+) registers", line)
    return int(used[1]) if used else 0


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_kernel_compiles_without_a_complaint(architecture):
    result = compiled(cuda_source.text(), architecture)
    assert result.cubin, result.log
    assert faults(result.log) == []
    assert set(re.findall(r"Compiling entry function '(\w+)'", result.log)) == set(cuda_source.kernels())
    assert len(re.findall(r"Used \d+ registers", result.log)) == len(cuda_source.kernels())


PAGE = Path(__file__).parents[2] / "docs" / "gpu_kernels.md"


def used():
    """{kernel: (registers on each architecture, bytes of shared memory)}, as the compiler says."""
    found = {name: (set(), set()) for name in cuda_source.kernels()}
    for architecture in ARCHITECTURES:
        log = compiled(cuda_source.text(), architecture).log
        for name, registers, rest in re.findall(r"function '(\w+)'.*?Used (\d+) registers(.*?)\n", log, re.DOTALL):
            shared = re.search(r"(\d+) bytes smem", rest)
            found[name][0].add(int(registers))
            found[name][1].add(int(shared[1]) if shared else 0)
    return found


def rows(page):
    """{kernels that the page's table names first in a row: their registers, shared bytes, rungs 3 and 4, as written}"""
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.split("\n")]
    return {tuple(re.findall(r"`(\w+)`", row[0])): tuple(row[4:8]) for row in cells if len(row) == 9 and "`" in row[0]}


def test_the_page_of_kernels_has_each_of_them_with_what_it_uses():
    told, right = rows(PAGE.read_text(encoding="utf-8")), used()
    assert sorted(name for names in told for name in names) == sorted(right)
    for names, as_told in told.items():
        registers, shared = (set().union(*(right[name][i] for name in names)) for i in (0, 1))
        fewest, most = min(registers), max(registers)
        as_used = f"{fewest}–{most}" if most > fewest else f"{most}", f"{max(shared):,}" if max(shared) else "–"
        assert as_told == (*as_used, "passed", "passed"), names  # rung 4: test_mutants.py runs every one of them


KERNEL = 'extern "C" __global__ void k(float* x, int n) {{ {} }}'


@pytest.mark.parametrize(
    "body, complaint",
    [
        ("x[0] = y;", "undefined"),
        ("int unused; x[0] = 1.0f;", "warning"),
        ("volatile float a[64]; a[n] = x[0]; x[1] = a[n / 2];", "stack frame"),
    ],
)
def test_a_planted_mistake_is_reported(body, complaint):
    result = compiled(KERNEL.format(body), "sm_90")
    assert any(complaint in fault for fault in faults(result.log)), result.log


def test_spilt_registers_are_reported():
    many = "float a[200]; for (int i = 0; i < 200; ++i) a[i] = x[i * n]; "
    many += "for (int j = 0; j < n; ++j) for (int i = 0; i < 200; ++i) a[i] = a[i] * a[(i + 7) % 200] + x[j]; "
    many += "for (int i = 0; i < 200; ++i) x[i] = a[i];"
    unrolled = KERNEL.format(many.replace("for (int i", '_Pragma("unroll") for (int i'))
    result = compiled(unrolled.replace("__global__ void", "__global__ void __launch_bounds__(1024)"), "sm_90")
    assert any("spill" in fault for fault in faults(result.log)), result.log


def test_the_text_is_ascii_and_names_every_kernel_once():
    text = cuda_source.text()
    assert text.isascii()
    assert text.count("__global__") == len(cuda_source.kernels())
    for name in cuda_source.FAMILIES:
        lines = Path(cuda_source.path(name)).read_text(encoding="utf-8").split("\n")
        assert all(line.split("//")[0].isascii() for line in lines), "outside comments no letter may be lost"
        assert lines[0].startswith("// ") and len(lines) < 300 and max(map(len, lines)) <= 120

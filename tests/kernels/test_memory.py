"""Freed memory is kept where the C library is glibc and nobody forbade it, and that saves what it should."""

import ctypes
import importlib.util
import mmap
import platform
import sys
from types import SimpleNamespace

import pytest

from minigen.kernels import memory

from .behaving import in_a_process

PAGES = 200 * (1 << 20) // mmap.PAGESIZE  # in the 200 arrays of 1 MiB that `faults` makes

needs_glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
needs_resource = pytest.mark.skipif(importlib.util.find_spec("resource") is None, reason="no count of page faults")


class Library:
    """A C library that notes what it is asked and answers `answers`, one after another."""

    def __init__(self, answers):
        self.asked, self.answers = [], list(answers)

    def gnu_get_libc_version(self):
        raise AssertionError("it is enough to know that the name is there")

    def mallopt(self, parameter, value):
        self.asked.append((parameter, value))
        return self.answers.pop(0)


@pytest.fixture
def glibc(monkeypatch):
    """glibc(answers): let memory.py find Linux, nothing forbidden, and a glibc whose mallopt answers so."""

    def pretend(*answers):
        library = Library(answers)
        monkeypatch.setattr(sys, "platform", "linux")
        monkeypatch.delenv("MINIGEN_KEEP_MEMORY", raising=False)
        monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
        return library

    return pretend


def test_glibc_is_asked_for_what_malloc_h_calls_these(glibc):
    library = glibc(1, 1)
    assert memory.keep_freed_memory() is True
    # <malloc.h>: M_MMAP_THRESHOLD is -3, at most 32 MiB; M_TRIM_THRESHOLD is -1, an int.
    assert sorted(library.asked) == [(-3, 33_554_432), (-1, 2_147_483_647)]


@pytest.mark.parametrize("answers", [(0, 1), (1, 0), (0, 0)])
def test_a_refusal_is_told(glibc, answers):
    glibc(*answers)
    assert memory.keep_freed_memory() is False


@pytest.mark.parametrize("value, kept", [("0", False), ("1", True), ("", True)])
def test_the_environment_can_forbid_it(glibc, monkeypatch, value, kept):
    library = glibc(1, 1)
    monkeypatch.setenv("MINIGEN_KEEP_MEMORY", value)
    assert memory.keep_freed_memory() is kept
    assert bool(library.asked) is kept


@pytest.mark.parametrize("system", ["darwin", "win32", "emscripten", "freebsd14"])
def test_other_systems_are_left_alone(glibc, monkeypatch, system):
    library = glibc(1, 1)
    monkeypatch.setattr(sys, "platform", system)
    assert memory.keep_freed_memory() is False and library.asked == []


@pytest.mark.parametrize("names", [{}, {"mallopt": lambda parameter, value: 1}], ids=["neither name", "mallopt alone"])
def test_linux_with_another_c_library_is_left_alone(glibc, monkeypatch, names):
    """musl has no mallopt; another may have one that means something else."""
    glibc()
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace(**names))
    assert memory.keep_freed_memory() is False


@needs_glibc
@needs_resource
def test_kept_memory_is_not_fetched_again():
    found = in_a_process("faults")
    assert found["kept"] is True and found["faults"] < PAGES / 100


@needs_glibc
@needs_resource
def test_without_keeping_every_page_is_fetched_again():
    """The count above is low because of what minigen asked, not by itself; and the environment's word holds."""
    found = in_a_process("faults", environment={"MINIGEN_KEEP_MEMORY": "0"})
    assert found["kept"] is False and found["faults"] > PAGES / 2

"""Freed memory is kept for the next array of its size, where the C library can be told to.

glibc gives a freed block of 128 KiB or more back to the system, and every page of the next one is then fetched and
filled with zeros anew: in training, where each step makes and frees the same arrays, that is a quarter to a third of
the time.  So blocks up to 32 MiB, the largest for which glibc has the choice, come from its heap, and the heap is not
cut back.  Memory of that kind stays with the process until it ends: at most what it needed at its peak.

`MINIGEN_KEEP_MEMORY=0` in the environment leaves the C library as it is.  Elsewhere (macOS, Windows, musl) nothing is
changed.
"""

import ctypes
import os
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # <malloc.h>
LARGEST = 32 << 20  # HEAP_MAX_SIZE / 2 on 64-bit machines: mallopt refuses more
NEVER = 2**31 - 1


def keep_freed_memory() -> bool:
    """Ask glibc to keep freed blocks; False where it is not glibc, or was told not to by the environment."""
    if os.environ.get("MINIGEN_KEEP_MEMORY") == "0" or not sys.platform.startswith("linux"):
        return False
    c_library = ctypes.CDLL(None)
    if not hasattr(c_library, "gnu_get_libc_version"):
        return False
    return bool(c_library.mallopt(M_MMAP_THRESHOLD, LARGEST) and c_library.mallopt(M_TRIM_THRESHOLD, NEVER))


kept = keep_freed_memory()

"""What a GPU would be asked to do, counted: launches, copies, transfers, and the moments when the host waits.

The numbers are a model, read off CuPy's sources, and not a trace: what one call of CuPy starts, each call by itself.
"""

import contextlib
import dataclasses
import sys
from pathlib import Path

from . import graphs

HERE = str(Path(__file__).parent)
PLAYING = {
    str(Path(HERE, name))
    for name in ("arrays.py", "counts.py", "functions.py", "graphs.py", "indexing.py", "lookalike.py")
}


@dataclasses.dataclass
class Counts:
    """How often what was asked; `places` says for every wait and every transfer where the program asked for it."""

    kernels: int = 0  # elementwise kernels and reductions
    products: int = 0  # calls of cuBLAS
    tf32: int = 0  # of these, with factors rounded to TF32
    copies: int = 0  # of arrays on the device, to new arrays on the device
    fills: int = 0
    uploads: int = 0  # host to device
    downloads: int = 0  # device to host
    syncs: int = 0  # the host waits for the device without having said so: float(x), x.get(), if x:
    waits: int = 0  # and having said so: synchronize()
    graphs: int = 0  # launches of a captured graph, each of them one launch
    places: list = dataclasses.field(default_factory=list)

    @property
    def launches(self):
        """All that is put in the device's queue, transfers apart."""
        return self.kernels + self.products + self.copies + self.fills + self.graphs

    def places_of(self, *kinds):
        """Where these were asked for, as "minigen/optim/flat.py faulty"."""
        return [place for kind, place in self.places if kind in kinds]


_open: list[Counts] = []
_allowed = True


class DeviceSynchronized(RuntimeError):
    """cupyx's own: the host waited for the device where `allow_synchronize(False)` forbids it."""


def note(kind, times=1):
    """Something of this kind was asked for."""
    graphs.noted(kind, times)
    for counts in _open:
        setattr(counts, kind, getattr(counts, kind) + times)
        if kind in ("uploads", "downloads", "syncs"):
            counts.places.append((kind, place()))


def wait(what):
    """The host waits until the device has done everything, because of `what`."""
    graphs.refuse_to_wait()
    if not _allowed:
        raise DeviceSynchronized(f"{what} waits for the GPU, in {place()}.")
    note("syncs")


def place():
    """The innermost function outside the look-alike, and its file from the project's root."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename in PLAYING:
        frame = frame.f_back
    path = Path(frame.f_code.co_filename)
    for root in ("minigen", "tests"):
        if root in path.parts:
            path = Path(*path.parts[path.parts.index(root) :])
            break
    return f"{path.as_posix()} {frame.f_code.co_name}"


@contextlib.contextmanager
def counted():
    """with counted() as counts: what happened inside stands in `counts` afterwards."""
    counts = Counts()
    _open.append(counts)
    try:
        yield counts
    finally:
        _open.remove(counts)


@contextlib.contextmanager
def allow_synchronize(allow):
    """cupyx.allow_synchronize, as CuPy has it: with False, a wait that was not asked for is an error."""
    global _allowed
    before, _allowed = _allowed, allow
    try:
        yield
    finally:
        _allowed = before


def no_sync():
    """Inside, a hidden wait raises DeviceSynchronized."""
    return allow_synchronize(False)

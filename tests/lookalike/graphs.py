"""Streams and captured graphs: what is asked of a stream while it is captured is noted, and done at every launch.

Nothing that is captured is done at once: new arrays hold NaN until the first launch, and what is changed in place stays
as it was.  So whatever a program makes on the host in every step, and whatever it forgets to put back in its place,
shows in the numbers of the second launch.
"""

import contextlib
import itertools
import weakref

import numpy as np

IS_CAPTURING = "the current stream is capturing, so synchronous API calls are disallowed"


class CUDARuntimeError(RuntimeError):
    """The error of CUDA's runtime, its name first."""


NODES = {"kernels": 0, "products": 0, "copies": 1, "fills": 2}  # what is counted, and its kind of node in cuda.h


class Graph:
    """What was captured: `work` in its order, the memory it lies in, and the kinds of the nodes it would have.

    `graph` is its handle.
    """

    _numbers = itertools.count(1)
    by_handle = weakref.WeakValueDictionary()

    def __init__(self):
        self.work, self.kept, self.nodes, self.spoilt = [], [], [], False
        self.graph = next(self._numbers)
        self.by_handle[self.graph] = self

    def upload(self, stream=None):
        """To the device, so that the first launch is as fast as the others."""

    def launch(self, stream=None):
        from .counts import note

        note("graphs")
        with np.errstate(all="ignore"):
            for do in self.work:
                do()


class Stream:
    """A queue of the device, which does everything at once, or notes it while it is captured."""

    _numbers = itertools.count(2)

    def __init__(self, null=False, non_blocking=False, ptds=False, priority=None):
        self.ptr = 0 if null else next(self._numbers)
        self.is_non_blocking = non_blocking
        self._graph = None

    def __enter__(self):
        _current.append(self)
        return self

    def __exit__(self, *error):
        assert _current.pop() is self

    def use(self):
        _current[-1] = self
        return self

    def synchronize(self):
        from .counts import note

        if self._graph is not None:
            self._graph.spoilt = True
            raise CUDARuntimeError(
                "cudaErrorStreamCaptureUnsupported: operation not permitted when stream is capturing"
            )
        note("waits")

    def is_capturing(self):
        return self._graph is not None

    def begin_capture(self, mode=None):
        if self.ptr in (0, 1):
            raise RuntimeError("cannot capture on the default (legacy) stream")
        if self._graph is not None:
            raise CUDARuntimeError("cudaErrorIllegalState: the operation cannot be performed in the present state")
        if not self.is_non_blocking:
            raise NotImplementedError("a stream that blocks is captured, and the legacy stream then fails")
        self._graph = Graph()

    def end_capture(self):
        graph, self._graph = self._graph, None
        if graph is None:
            raise CUDARuntimeError("cudaErrorIllegalState: the operation cannot be performed in the present state")
        if graph.spoilt:
            raise CUDARuntimeError(
                "cudaErrorStreamCaptureInvalidated: operation failed due to a previous error during capture"
            )
        return graph


Stream.null = Stream(null=True)
_current = [Stream.null]
_pools = []  # from which new arrays come, the innermost last; the default pool where there is none


class MemoryPool:
    """A pool of memory of its own, of which the look-alike knows the name only."""

    def malloc(self, size):
        raise NotImplementedError("the look-alike has no memory to give")

    def total_bytes(self):
        return 0


@contextlib.contextmanager
def using_allocator(allocator=None):
    """Inside, new arrays come from this allocator, which is a pool's malloc."""
    _pools.append(allocator)
    try:
        yield
    finally:
        _pools.pop()


def current():
    """The stream of which everything is asked now."""
    return _current[-1]


def refuse_to_wait():
    """CuPy's error where something must come from the host, or go there, while the current stream is captured."""
    if current().is_capturing():
        raise RuntimeError(IS_CAPTURING)


def kept(y):
    """A new array; while a stream is captured it stays as long as the graph, and must come from a pool of its own."""
    graph = current()._graph
    if graph is not None:
        if not _pools or _pools[-1] is None:
            raise RuntimeError("memory of a captured graph came from the default pool, which gives it to others later")
        graph.kept.append(y)
    return y


def noted(kind, times):
    """So many launches of a kind: nodes of what is being captured."""
    graph = current()._graph
    if graph is not None and kind in NODES:
        graph.nodes += int(times) * [NODES[kind]]


def made(compute):
    """The new array compute(): now, or at every launch of what is being captured, and NaN until then."""
    y = np.asarray(compute())
    graph = current()._graph
    if graph is not None:
        y = kept(np.array(y, copy=True, order="K"))
        graph.work.append(lambda: np.copyto(y, compute()))
        if y.dtype.kind == "f":
            y.fill(np.nan)
    return y


def changed(change):
    """Do change(), which writes to an array: now, or at every launch of what is being captured."""
    graph = current()._graph
    if graph is None:
        change()
    else:
        graph.work.append(change)

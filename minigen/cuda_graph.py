"""A step as one CUDA graph: recorded once, then done again with a single launch, whatever it consists of.

A replay runs no Python.  So what a step changes on the device must stay at its place, what it draws or counts on the
host goes through `backend.arrival` and `backend.each_time`, and what it returns are the same arrays every time.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from minigen import backend
from minigen.autograd.switches import anomaly
from minigen.autograd.tensor import Tensor
from minigen.errors import BackendError

TRAY = 2**20  # bytes, at least, that reach the device together
APART = 512  # bytes from one array in a tray to the next: CuPy's own alignment


class Tray(NamedTuple):
    """Bytes on the host, and those on the device to which they are copied as a whole before every launch."""

    host: np.ndarray
    device: Any


@contextlib.contextmanager
def own_stream() -> Iterator[None]:
    """Inside, all is asked of the GPU on one stream that can be captured, in order; at both ends all is waited for.

    BackendError on NumPy, which has no graphs.
    """
    xp = backend.current()
    if xp is np:
        raise BackendError("NumPy computes at once and has no graphs; use the backend cupy.")
    backend.synchronize(xp)
    with xp.cuda.Stream(non_blocking=True):
        try:
            yield
        finally:
            backend.synchronize(xp)


class StepGraph:
    """A step and its graph, on the current stream, which must be one of `own_stream`.

        with own_stream():
            graph = StepGraph(step, [x for _, x in network.named_tensors()])
            graph.warm_up(batch)  # one or more eager steps: kernels are compiled, memory is taken
            graph.capture(batch)  # one more step, recorded on the way
            results = graph.replay(batch)  # and as many as are wanted

    step(*batches): batches are arrays of the device, or tuples of them.  tensors: every parameter and buffer that it
    changes; what the step leaves in a new array is written to the old place.  Batches are given as arrays of the host
    or of the device, always of the first shapes.  Whatever the step makes comes from a pool of memory that belongs to
    the graph, so results are good until the next replay.
    """

    def __init__(self, step: Callable[..., Any], tensors: Iterable[Tensor]):
        self.step, self.tensors = step, list(tensors)
        self.xp = backend.current()
        self.stream = self.xp.cuda.get_current_stream()
        self._pool = self.xp.cuda.MemoryPool()
        self._before: list[Callable[[], None]] = []  # what the host does before a replay, in order
        self._trays: list[Tray] = []  # where what arrives from the host lies, the last one filled up to `_filled`
        self._filled = 0
        self._places: list[Any] = []
        self._batches: tuple[Any, ...] = ()
        self._results: Any = None
        self._graph: Any = None

    def warm_up(self, *batches: Any) -> Any:
        """The step itself, by the memory and the products that its graph will use."""
        with self._as_in_the_graph():
            return self.step(*(_map(backend.to_device, batch) for batch in batches))

    def capture(self, *batches: Any) -> Any:
        """One step, recorded and then launched; returns its results.

        What CUDA or CuPy refuses during a capture is raised as it comes; then the host's part of the step is done, the
        device's is not, and the state before must be put back.  BackendError inside detect_anomaly(), which would see
        nothing of a replay.
        """
        if anomaly.on():
            raise BackendError("detect_anomaly() looks at every result, and a replay shows it none; leave one out.")
        self._before.clear()
        self._trays.clear()
        with self._as_in_the_graph():
            self._batches = tuple(_map(self._place_like, batch) for batch in batches)
            self._put(batches)
            self._places = [x.data for x in self.tensors]
            before, backend._capture = backend._capture, self
            try:
                self._graph = self._recorded()
            finally:
                backend._capture = before
        self._graph.upload()
        return self._launched()

    def replay(self, *batches: Any) -> Any:
        """One more step: the batches to their place, what the host has to do, and one launch."""
        self._put(batches)
        self._settle()
        for action in self._before:
            action()
        return self._launched()

    def memory(self) -> int:
        """Bytes of the GPU's memory that belong to the graph."""
        return self._pool.total_bytes()

    # What backend.each_time and backend.arrival find while the step is captured ---------------------------------------

    def each_time(self, action: Callable[[], None]) -> None:
        """Now, and again before every replay."""
        action()
        self._before.append(action)

    def arrival(self, make: Callable[[], np.ndarray], module: Any) -> Any:
        """A place on the device that holds make() now, and make() anew in every replay."""
        numbers = make()
        here, there = self._places_for(numbers)
        here[...] = numbers

        def refill() -> None:
            here[...] = make()

        self._before.append(refill)
        return there

    def _places_for(self, numbers: np.ndarray) -> tuple[np.ndarray, Any]:
        """Room for such an array on the host's side of a tray and on the device's."""
        length = -(-numbers.nbytes // APART) * APART
        if not self._trays or self._filled + length > len(self._trays[-1].host):
            size = max(TRAY, length)
            self._trays.append(Tray(np.empty(size, np.uint8), self.xp.empty(size, np.uint8)))
            self._filled = 0
        where = slice(self._filled, self._filled + numbers.nbytes)
        self._filled += length
        here, there = (side[where].view(numbers.dtype).reshape(numbers.shape) for side in self._trays[-1])
        return here, there

    # ------------------------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _as_in_the_graph(self) -> Iterator[None]:
        from minigen.kernels.cuda_products import our_products  # optional, as all kernels are

        with self.xp.cuda.using_allocator(self._pool.malloc), our_products():
            yield

    def _launched(self) -> Any:
        """One launch, with what has arrived."""
        for tray in self._trays:
            used = self._filled if tray is self._trays[-1] else len(tray.host)
            tray.device[:used] = self.xp.asarray(tray.host[:used])
        self._graph.launch()
        return self._results

    def _recorded(self) -> Any:
        """The graph of one step.  However the step ends, the stream is capturing no more."""
        self.stream.begin_capture()
        try:
            self._results = self.step(*self._batches)
            self._settle()
        except BaseException:
            with contextlib.suppress(Exception):  # spoilt by the error above, which is the one to tell
                self.stream.end_capture()
            raise
        return self.stream.end_capture()

    def _settle(self) -> None:
        """Every tensor in its old place again, with the numbers that it has now."""
        for x, place in zip(self.tensors, self._places, strict=True):
            if x.data is not place:
                place[...] = x.data
                x.data = place

    def _place_like(self, x: Any) -> Any:
        return self.xp.empty(x.shape, x.dtype)

    def _put(self, batches: Any) -> None:
        """Copy batches to where the graph reads them."""
        for place, batch in zip(self._batches, batches, strict=True):
            _map(_fill, place, batch)


def _fill(place: Any, x: Any) -> None:
    if x.shape != place.shape:  # it would be repeated to fit
        raise BackendError(f"a graph of batches of shape {place.shape} cannot take one of {x.shape}.")
    place[...] = backend.to_device(x, backend.array_module(place))


def _map(function: Callable[..., Any], *batches: Any) -> Any:
    """A function on a batch: an array, or a tuple of arrays."""
    if isinstance(batches[0], tuple):
        return tuple(map(function, *batches))
    return function(*batches)

"""The rules of the look-alike one by one, held against it and, where there is a GPU, against CuPy itself."""

import importlib.util
import json
import operator
import sys
import warnings

import numpy as np
import pytest

from minigen import backend

from . import lookalike, names
from .arrays import NAMES


@pytest.fixture(params=["lookalike", pytest.param("cupy", marks=pytest.mark.gpu)])
def cp(request):
    """The look-alike, then the real CuPy."""
    if request.param == "lookalike":
        with lookalike.playing() as module:
            yield module
        return
    if why_not := backend.probe():
        pytest.skip(why_not.partition("\n")[0])
    import cupy

    yield cupy
    cupy.cuda.get_current_stream().synchronize()


def host(x):
    return x.get()


def refusing_to_wait():
    """The context in which a hidden wait is an error, and that error: cupyx has both, but calls them old."""
    import cupyx

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return cupyx.allow_synchronize(False), cupyx.DeviceSynchronized


# Names and keywords ---------------------------------------------------------------------------------------------------


def test_the_stored_names_are_those_of_the_installed_cupy():
    if importlib.util.find_spec("cupy") is None:
        pytest.skip("CuPy is not installed")
    import cupy

    if cupy.__version__ != NAMES["cupy"]:
        pytest.skip(f"the names are those of CuPy {NAMES['cupy']}; {cupy.__version__} is installed")
    assert json.loads(json.dumps(names.found())) == NAMES


@pytest.mark.parametrize("name", ["errstate", "block", "insert", "einsum_path", "unstack"])
def test_absent_names(cp, name):
    assert not hasattr(cp, name)


@pytest.mark.parametrize("name", ["setflags", "__contains__", "__imatmul__", "__index__", "itemset"])
def test_arrays_lack(cp, name):
    assert not hasattr(cp.zeros(2), name)


def test_flags_say_nothing_of_writing(cp):
    x = cp.zeros((2, 3))
    assert x.flags.c_contiguous and x.flags.owndata and not x[1:].flags.owndata
    assert not hasattr(x.flags, "writeable")


@pytest.mark.parametrize(
    "call",
    [
        lambda cp, x, mask: x.sum(where=mask),
        lambda cp, x, mask: x.max(initial=0.0),
        lambda cp, x, mask: cp.sum(x, initial=0.0),
        lambda cp, x, mask: cp.exp(x, where=mask),
        lambda cp, x, mask: cp.take(x, cp.asarray([0]), mode="wrap"),
        lambda cp, x, mask: cp.clip(x, 0.0),
        lambda cp, x, mask: cp.clip(x, min=0.0, max=1.0),
        lambda cp, x, mask: cp.lib.stride_tricks.as_strided(x, (1,), (8,), writeable=False),
        lambda cp, x, mask: cp.asarray(x, like=x),
        lambda cp, x, mask: operator.index(x[0]),
    ],
)
def test_keywords_that_cupy_lacks_are_type_errors(cp, call):
    x = cp.ones(3)
    with pytest.raises(TypeError):
        call(cp, x, x > 0)


def test_clip_needs_both_bounds(cp):
    assert host(cp.clip(cp.asarray([-1.0, 0.5, 3.0]), 0.0, 1.0)).tolist() == [0.0, 0.5, 1.0]


# Host and device ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "mix",
    [
        lambda cp, x, h: x + h,
        lambda cp, x, h: h + x,
        lambda cp, x, h: x @ h,
        lambda cp, x, h: x < h,
        lambda cp, x, h: operator.iadd(x, h),
        lambda cp, x, h: cp.maximum(x, h),
        lambda cp, x, h: cp.add(x, x, out=h),
        lambda cp, x, h: cp.where(x > 0, x, h),
        lambda cp, x, h: cp.concatenate([x, h]),
        lambda cp, x, h: np.add(x, h),
        lambda cp, x, h: cp.exp([1.0, 2.0]),
        lambda cp, x, h: x + [1.0, 2.0, 3.0],
    ],
)
def test_arrays_of_the_host_do_not_mix_with_the_devices(cp, mix):
    with pytest.raises(TypeError):
        mix(cp, cp.ones(3), np.ones(3))


@pytest.mark.parametrize("convert", [np.asarray, np.array, lambda x: np.stack([x.T.T, np.ones(3)])])
def test_conversion_to_numpy_is_never_silent(cp, convert):
    with pytest.raises(TypeError):
        convert(cp.ones(3))


def test_assigning_an_array_of_the_host_is_an_error(cp):
    x = cp.zeros(3)
    with pytest.raises(ValueError, match="non-scalar numpy.ndarray"):
        x[...] = np.ones(3)
    with pytest.raises((TypeError, ValueError)):
        x[:2] = [1.0, 2.0]


def test_numbers_of_python_and_numpy_go_along(cp):
    x = cp.ones(2, np.float32)
    for y in (x + 1, 1 + x, np.float32(1) + x, x + np.float32(1)):
        assert isinstance(y, cp.ndarray) and y.dtype == np.float32 and host(y).tolist() == [2.0, 2.0]


def test_objects_and_words_are_no_arrays(cp):
    for thing in ("abc", [None], object()):
        with pytest.raises((ValueError, TypeError)):
            cp.asarray(thing)


# Results --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "var", "std", "prod", "all", "any", "argmax"])
def test_reductions_give_arrays_without_axes_and_no_numbers(cp, name):
    y = getattr(cp.ones((2, 3)), name)()
    assert isinstance(y, cp.ndarray) and y.shape == ()


def test_one_entry_is_an_array_without_axes_and_a_view(cp):
    x = cp.zeros(3)
    y = x[1]
    assert isinstance(y, cp.ndarray) and y.shape == ()
    y += 5
    assert host(x).tolist() == [0.0, 5.0, 0.0]


@pytest.mark.parametrize(
    "compute, dtype",
    [
        (lambda cp, x: x * 2.0, "float32"),
        (lambda cp, x: x * np.float64(2), "float64"),
        (lambda cp, x: x * cp.asarray(2.0), "float64"),
        (lambda cp, x: x + cp.ones(2, "int32"), "float64"),
        (lambda cp, x: x + cp.ones(2, "int16"), "float32"),
        (lambda cp, x: x > 0, "bool"),
        (lambda cp, x: (x > 0).sum(), "int64"),
        (lambda cp, x: x.argmax(), "int64"),
        (lambda cp, x: x.mean(), "float32"),
        (lambda cp, x: x.sum(dtype="float64"), "float64"),
        (lambda cp, x: cp.where(x > 0, x, 0.0), "float32"),
        (lambda cp, x: cp.exp(cp.ones(2, "int32")), "float64"),
        (lambda cp, x: cp.ones(2, "int32") / 2, "float64"),
        (lambda cp, x: cp.asarray([1.0]), "float64"),
        (lambda cp, x: cp.einsum("i,i->i", x, x), "float32"),
    ],
)
def test_promotion_is_that_of_numpy_2(cp, compute, dtype):
    assert compute(cp, cp.ones(2, "float32")).dtype == dtype


def test_nothing_is_ever_warned_of(cp):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x = cp.zeros(2) / cp.zeros(2)
        assert np.isnan(host(x)).all() and np.isneginf(host(cp.log(cp.zeros(1)))).all()


def test_what_changes_in_place_stays_the_same_array(cp):
    x = y = cp.ones(2)
    x += 1
    assert x is y and cp.multiply(x, 2, out=y) is y and host(x).tolist() == [4.0, 4.0]
    with pytest.raises(TypeError):
        x += 1j


def test_views_and_copies(cp):
    x = cp.arange(6.0)
    assert cp.asarray(x) is x and x.astype(x.dtype, copy=False) is x and x.T is x
    x.reshape(2, 3)[1, 2] = 9
    assert host(x)[-1] == 9
    y = x.reshape(2, 3).T.reshape(-1)  # cannot be a view
    y[0] = -1
    assert host(x)[0] == 0


def test_tensors_are_asked_when_an_array_of_the_device_stands_left(cp):
    class Other:
        __array_priority__ = 1000

        def __array_ufunc__(self, ufunc, method, *inputs, **settings):
            return ufunc.__name__

    assert cp.ones(2) * Other() == "multiply"


# Entries --------------------------------------------------------------------------------------------------------------


def test_places_out_of_range_come_round_and_numbers_out_of_range_are_an_error(cp):
    x = cp.asarray([10.0, 11.0, 12.0])
    assert host(x[cp.asarray([3, -1, 4])]).tolist() == [10.0, 12.0, 11.0]
    with pytest.raises(IndexError):
        x[3]


def test_added_at_places(cp):
    import cupyx

    x = cp.zeros(3, "float32")
    cupyx.scatter_add(x, cp.asarray([1, 1, 2]), cp.ones(3, "float32"))
    assert host(x).tolist() == [0, 2, 1]
    cupyx.scatter_add(x, cp.asarray([3, -4]), cp.ones(2, "float32"))  # out of range: they come round here too
    assert host(x).tolist() == [1, 2, 2]
    with pytest.raises(TypeError, match="scatter_add only supports"):
        cupyx.scatter_add(cp.zeros(3, "int64"), cp.asarray([1]), cp.ones(1, "int64"))


def test_choosing_along_an_axis_and_open_grids(cp):
    x = cp.asarray([[1.0, 2.0], [3.0, 4.0]])
    assert host(cp.take_along_axis(x, cp.asarray([[1], [0]]), 1)).tolist() == [[2.0], [3.0]]
    grid = list(cp.ogrid[(slice(2), slice(3))])
    assert [g.shape for g in grid] == [(2, 1), (1, 3)] and all(isinstance(g, cp.ndarray) for g in grid)


@pytest.mark.parametrize("subscripts", ["ij,jk->ik", "ij,kj->ik", "bij,bjk->bik", "i,j->ij", "ij,ij->ij", "ij,jk->ki"])
def test_contractions(cp, subscripts):
    rng = np.random.default_rng(0)
    first, second = subscripts.partition("->")[0].split(",")
    a, b = (rng.normal(size=[dict(b=2, i=3, j=4, k=5)[c] for c in letters]) for letters in (first, second))
    y = cp.einsum(subscripts, cp.asarray(a), cp.asarray(b), optimize=True)
    np.testing.assert_allclose(host(y), np.einsum(subscripts, a, b), rtol=1e-12)


def test_products_in_tf32_round_their_factors_and_products_of_stacks_do_not(cp):
    if int(cp.cuda.Device().compute_capability) < 80:
        pytest.skip("this GPU has no TF32")
    rng = np.random.default_rng(0)
    x = rng.uniform(1, 2, (64, 64)).astype("float32")
    exact = x.astype("float64") @ x
    before = cp._core.get_compute_type("float32")
    errors = {}
    try:
        for name, number in backend._COMPUTE_TYPES.items():
            cp._core.set_compute_type("float32", number)
            assert cp._core.get_compute_type(np.float32) == number
            y = cp.asarray(x)
            for how, product in (("matrices", y @ y), ("stacks", (y[None] @ y[None])[0])):
                errors[name, how] = np.abs(host(product) / exact - 1).max()
            errors[name, "turned"] = np.abs(host(y.T @ y) / (x.T.astype("float64") @ x) - 1).max()
    finally:
        cp._core.set_compute_type("float32", before)
    for how in ("matrices", "turned"):  # 2⁻¹¹ = 4.9e-4 a factor; an average of 64 is closer
        assert errors["fp32", how] < 1e-6 and 1e-6 < errors["tf32", how] < 1e-3
    assert errors["fp32", "stacks"] < 1e-6 and errors["tf32", "stacks"] < 1e-6


def test_a_way_of_computing_that_cupy_does_not_know_is_an_error(cp):
    with pytest.raises(ValueError, match="Unknown compute type"):
        cp._core.set_compute_type("float32", 99)


# Waiting --------------------------------------------------------------------------------------------------------------

WAITS = {
    "float(x)": lambda cp, x: float(x[0]),
    "int(x)": lambda cp, x: int(x[0]),
    "if x:": lambda cp, x: bool((x > 0).all()),
    "get": lambda cp, x: x.get(),
    "item": lambda cp, x: x[0].item(),
    "tolist": lambda cp, x: x.tolist(),
    "asnumpy": lambda cp, x: cp.asnumpy(x),
    "an f-string": lambda cp, x: f"{x[0]:.3f}",
    "repr": lambda cp, x: repr(x),
    "x[mask]": lambda cp, x: x[x > 0],
    "x[mask] = v": lambda cp, x: operator.setitem(x, x > 0, 1.0),
}
NO_WAITS = {
    "a sum": lambda cp, x: x.sum(),
    "a product": lambda cp, x: x.dot(x),
    "where": lambda cp, x: cp.where(x > 0, x, 0.0),
    "a transfer to the device": lambda cp, x: cp.asarray(np.ones(3)),
    "a slice": lambda cp, x: x[1:],
    "an array of places": lambda cp, x: x[cp.arange(2)],
    "assigning a number": lambda cp, x: operator.setitem(x, slice(2), 1.0),
    "assigning an array": lambda cp, x: operator.setitem(x, slice(2), x[1:]),
    "len": lambda cp, x: len(x),
    "shape": lambda cp, x: x.shape,
}


@pytest.mark.parametrize("what", WAITS)
def test_the_host_waits_in(cp, what):
    context, error = refusing_to_wait()
    x = cp.ones(3)
    with context, pytest.raises(error):
        WAITS[what](cp, x)


@pytest.mark.parametrize("what", NO_WAITS)
def test_the_host_does_not_wait_in(cp, what):
    context, _ = refusing_to_wait()
    x = cp.ones(3)
    with context:
        NO_WAITS[what](cp, x)


def test_time_between_two_events_is_told_in_milliseconds(cp):
    start, end = cp.cuda.Event(), cp.cuda.Event()
    start.record()
    cp.ones(1000).sum()
    end.record()
    end.synchronize()
    assert 0 <= cp.cuda.get_elapsed_time(start, end) < 60_000


# Capturing ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def captured(cp):
    """captured(do) → (what do() gave, the graph of it); stream and memory live as long as the test."""
    pool, streams = cp.cuda.MemoryPool(), []

    def capture(do):
        streams.append(cp.cuda.Stream(non_blocking=True))
        cp.cuda.get_current_stream().synchronize()
        with cp.cuda.using_allocator(pool.malloc), streams[-1] as stream:
            stream.begin_capture()
            assert stream.is_capturing()
            try:
                made = do()
            finally:
                graph = stream.end_capture()
            assert not stream.is_capturing()
        return made, graph

    yield capture
    for stream in streams:
        stream.synchronize()


def launched(cp, graph):
    """Launch, and wait."""
    graph.upload()
    graph.launch()
    cp.cuda.get_current_stream().synchronize()


CAPTURABLE = {
    "x + 1": lambda cp, x: x + 1,
    "a chain": lambda cp, x: cp.exp(x * 0.5).sum(axis=0),
    "a mean": lambda cp, x: x.mean(axis=(0, 1)),
    "where": lambda cp, x: cp.where(x > 1, x, 0.0),
    "turned and closed up": lambda cp, x: cp.ascontiguousarray(x.T),
    "reshape that copies": lambda cp, x: x.T.reshape(-1),
    "other dtype": lambda cp, x: x.astype("float64"),
    "copy": lambda cp, x: x.copy(),
    "concatenate": lambda cp, x: cp.concatenate([x, 2 * x]),
    "pad": lambda cp, x: cp.pad(x, 1),
    "a dot of vectors, which is no call of cuBLAS": lambda cp, x: x[0].dot(x[1]),
    "clip": lambda cp, x: cp.clip(x, 0.0, 1.5),
    "an array of places": lambda cp, x: cp.arange(3.0)[x[0].astype("int64")],
    "assigning at an array of places": lambda cp, x: (
        operator.setitem(y := cp.zeros(3), x[0, :1].astype("int64"), 5) or y
    ),
    "zeros and a slice": lambda cp, x: operator.setitem(y := cp.zeros((3, 4), "float32"), slice(1, 3), x[1:]) or y,
    "in place": lambda cp, x: operator.iadd(x.copy(), 1),
    "out=": lambda cp, x: cp.multiply(x, 3, out=cp.empty_like(x)),
}


@pytest.mark.parametrize("what", CAPTURABLE)
def test_what_is_captured_is_done_at_every_launch_with_the_numbers_of_then(cp, captured, what):
    x = cp.ones((3, 4), "float32")
    y, graph = captured(lambda: CAPTURABLE[what](cp, x))
    for n in (1, 2):
        x.fill(n)
        launched(cp, graph)
        np.testing.assert_array_equal(host(y), host(CAPTURABLE[what](cp, x)))


def test_what_is_captured_is_not_done_then(cp, captured):
    x = cp.ones(3)

    def change():
        operator.iadd(x, 1)
        x[:1] = 7
        x[1:2] = x[2:]

    _, graph = captured(change)
    assert host(x).tolist() == [1, 1, 1]
    for expected in ([7, 2, 2], [7, 3, 3]):
        launched(cp, graph)
        assert host(x).tolist() == expected


def test_views_of_a_captured_array_are_its_memory(cp, captured):
    x = cp.zeros((2, 3))
    y, graph = captured(lambda: operator.iadd(x.T[1:].reshape(2, 2), 1))
    launched(cp, graph)
    assert host(x).tolist() == [[0, 1, 1], [0, 1, 1]] and host(y).tolist() == [[1, 1], [1, 1]]


NOT_CAPTURABLE = {
    "a product of matrices": (NotImplementedError, "cuBLAS", lambda cp, x: x @ x),
    "a product of stacks": (NotImplementedError, "cuBLAS", lambda cp, x: x[None] @ x[None]),
    "an array of the host": (RuntimeError, "is capturing", lambda cp, x: cp.asarray(np.ones(3))),
    **{what: (RuntimeError, "is capturing", call) for what, call in WAITS.items()},
}


@pytest.mark.parametrize("what", NOT_CAPTURABLE)
def test_what_is_refused_during_a_capture_leaves_it_alive(cp, captured, what):
    error, said, call = NOT_CAPTURABLE[what]
    x = cp.ones((3, 3))

    def do():
        with pytest.raises(error, match=said):
            call(cp, x[0] if what in WAITS else x)
        return x + 1

    y, graph = captured(do)
    launched(cp, graph)
    assert (host(y) == 2).all()


def test_waiting_for_the_stream_spoils_the_capture(cp):
    stream = cp.cuda.Stream(non_blocking=True)
    with stream:
        stream.begin_capture()
        with pytest.raises(cp.cuda.runtime.CUDARuntimeError, match="cudaErrorStreamCaptureUnsupported"):
            stream.synchronize()
        with pytest.raises(cp.cuda.runtime.CUDARuntimeError, match="cudaErrorStreamCaptureInvalidated"):
            stream.end_capture()
    assert not stream.is_capturing()
    stream.synchronize()


def test_the_default_stream_is_not_captured(cp):
    with pytest.raises(RuntimeError, match="cannot capture on the default"):
        cp.cuda.Stream.null.begin_capture()


def test_streams_nest(cp):
    before = cp.cuda.get_current_stream().ptr
    with cp.cuda.Stream(non_blocking=True) as outer:
        with cp.cuda.Stream(non_blocking=True) as inner:
            assert cp.cuda.get_current_stream().ptr == inner.ptr != outer.ptr
        assert cp.cuda.get_current_stream().ptr == outer.ptr != before
    assert cp.cuda.get_current_stream().ptr == before


# The look-alike alone: stricter than CuPy, and counting ---------------------------------------------------------------


@pytest.fixture
def device():
    with lookalike.playing() as module:
        yield module


def test_the_numbers_by_which_cupy_knows_a_precision_are_those_of_the_library():
    known = NAMES["compute_types"]
    assert backend._COMPUTE_TYPES == {"fp32": known["DEFAULT"], "tf32": known["TF32"]}


@pytest.mark.parametrize("call", [np.exp, np.negative, np.sum, lambda x: np.concatenate([x, x]), np.zeros_like])
def test_a_function_of_numpy_on_the_devices_array_is_refused_since_cupy_would_hide_it(device, call):
    with pytest.raises(TypeError, match=r"hides a hard-coded np\.|hard-coded"):
        call(device.ones(3))


def test_hidden_transfers_in_an_index_and_undefined_assignments_are_refused(device):
    x = device.zeros(3)
    for index in (np.array([0]), [0]):
        with pytest.raises(TypeError, match="without a word"):
            x[index]
    with pytest.raises(ValueError, match="names an entry twice"):
        x[device.asarray([1, 1])] = device.ones(2)
    x[device.asarray([2, 1])] = device.ones(2)
    assert x.tolist() == [0, 1, 1]


COSTS = {
    "x + y": (lambda cp, x: x + x, dict(kernels=1)),
    "a view": (lambda cp, x: x.T[1:].reshape(-1, 1, 4)[..., None], {}),
    "reshape that copies": (lambda cp, x: x.T.reshape(-1), dict(copies=1)),
    "a turned matrix in a product": (lambda cp, x: x @ x.T, dict(products=1)),
    "a matrix with gaps in a product": (lambda cp, x: x[:, ::2] @ x[:2], dict(copies=1, products=1)),
    "a turned stack in a product": (lambda cp, x: x[None] @ x[None].transpose(0, 2, 1), dict(copies=1, products=1)),
    "zeros": (lambda cp, x: cp.zeros_like(x), dict(fills=1)),
    "empty": (lambda cp, x: cp.empty_like(x), {}),
    "pad": (lambda cp, x: cp.pad(x, 1), dict(copies=1, fills=1)),
    "pad with another number": (lambda cp, x: cp.pad(x, 1, constant_values=2.0), dict(copies=1, fills=4)),
    "variance": (lambda cp, x: x.var(axis=0), dict(kernels=2)),
    "x[s] += y": (lambda cp, x: operator.setitem(x, 0, operator.iadd(x[0], x[1])), dict(kernels=1)),
    "concatenate": (lambda cp, x: cp.concatenate([x, x, x]), dict(copies=3)),
    "repeat": (lambda cp, x: cp.repeat(x, 2, axis=0), dict(copies=4)),
    "of nothing": (lambda cp, x: x[:0] + 1, {}),
    "a transfer": (lambda cp, x: cp.asarray(np.ones(3)), dict(uploads=1)),
    "a number": (lambda cp, x: float(x[0, 0]), dict(downloads=1, syncs=1)),
    "waiting openly": (lambda cp, x: cp.cuda.get_current_stream().synchronize(), dict(waits=1)),
}


@pytest.mark.parametrize("what", COSTS)
def test_what_is_launched_by(device, what):
    call, costs = COSTS[what]
    x = device.ones((4, 4))
    with lookalike.counted() as counts:
        call(device, x)
    found = {kind: n for kind, n in vars(counts).items() if n and kind != "places"}
    assert found == costs
    assert counts.launches == sum(found.get(kind, 0) for kind in ("kernels", "products", "copies", "fills"))


def test_memory_of_a_graph_from_the_pool_of_all_is_refused_since_others_would_be_given_it(device):
    with device.cuda.Stream(non_blocking=True) as stream:
        stream.begin_capture()
        with pytest.raises(RuntimeError, match="came from the default pool"):
            device.ones(3) + 1
        stream.end_capture()


def test_a_captured_array_holds_no_numbers_before_the_first_launch(device):
    with device.cuda.using_allocator(device.cuda.MemoryPool().malloc), device.cuda.Stream(non_blocking=True) as stream:
        stream.begin_capture()
        y = device.ones(3) + 1
        graph = stream.end_capture()
    assert np.isnan(host(y)).all()
    with lookalike.counted() as counts:
        graph.launch()
    assert host(y).tolist() == [2, 2, 2] and counts.launches == counts.graphs == 1


def test_a_transfer_and_a_wait_say_where_they_were_asked_for(device):
    with lookalike.counted() as counts:
        backend.to_host(backend.to_device(np.ones(2), device))
    assert counts.places == [
        ("uploads", "minigen/backend.py to_device"),
        ("syncs", "minigen/backend.py to_host"),
        ("downloads", "minigen/backend.py to_host"),
    ]


def test_what_cupy_has_and_the_look_alike_lacks_says_so(device):
    with pytest.raises(NotImplementedError, match="CuPy has fromfile; add it to the look-alike"):
        device.fromfile("x")
    with pytest.raises(NotImplementedError, match="CuPy's arrays have cumsum"):
        device.ones(2).cumsum()


def test_afterwards_all_is_as_it_was():
    before = sys.modules.get("cupy"), dict(backend._modules), backend.current(), backend.probe()
    with lookalike.playing():
        backend.use("cupy")
        assert backend.probe() == "" and backend.current() is lookalike.cupy
    assert (sys.modules.get("cupy"), backend._modules, backend.current(), backend.probe()) == before

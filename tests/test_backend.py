"""Where arrays live: who owns them, why a GPU cannot be used, and draws that are the same everywhere."""

import sys
import types

import numpy as np
import pytest

import minigen
from minigen import BackendError, SettingError, backend
from minigen.ops.coins import draw_coins
from minigen.ops.draws import draw_normal, draw_uniform

from .lookalike import lookalike

# A stand-in for CuPy ------------------------------------------------------------------------------------------------


class CUDARuntimeError(RuntimeError):
    pass


class StubArray:
    """An array whose first use runs `kernel`."""

    def __init__(self, kernel):
        self.kernel = kernel

    def __matmul__(self, other):
        self.kernel()
        return self

    def __add__(self, other):
        return self

    def sum(self):
        return 12.0


def stub_cupy(driver=13000, count=1, kernel=lambda: None, capability="90"):
    """A module that answers as CuPy 14.2 would on some machine."""
    cupy = types.ModuleType("cupy")
    cupy.__version__ = "14.2.0"
    cupy.ndarray = StubArray
    cupy.ones = lambda shape, dtype: StubArray(kernel)

    def device_count():
        if isinstance(count, Exception):
            raise count
        return count

    runtime = types.SimpleNamespace(
        driverGetVersion=lambda: driver,
        getDeviceCount=device_count,
        CUDARuntimeError=CUDARuntimeError,
        getDeviceProperties=lambda number: {"name": b"NVIDIA Example"},
    )
    device = types.SimpleNamespace(id=0, compute_capability=capability)
    cupy.cuda = types.SimpleNamespace(runtime=runtime, Device=lambda: device)
    told = {"float32": 1}
    cupy._core = types.SimpleNamespace(set_compute_type=told.__setitem__, get_compute_type=told.__getitem__)
    return cupy


def raising(error):
    def kernel():
        raise error

    return kernel


@pytest.fixture
def machine(monkeypatch):
    """machine(cupy) puts a module (or None: nothing) where `import cupy` finds it, and forgets earlier answers."""

    def install(cupy):
        monkeypatch.setitem(sys.modules, "cupy", cupy)
        backend.probe.cache_clear()

    monkeypatch.setattr(backend, "_chosen", "numpy")
    monkeypatch.setattr(backend, "_modules", dict(backend._modules))
    yield install
    backend.probe.cache_clear()


class Importer:
    """Finds cupy, and fails to import it with the given error."""

    def __init__(self, error):
        self.error = error

    def find_spec(self, name, path=None, target=None):
        if name == "cupy":
            raise self.error


# The six sentences --------------------------------------------------------------------------------------------------


def failing_import(monkeypatch, error):
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Importer(error), *sys.meta_path])
    backend.probe.cache_clear()


def test_1_cupy_is_not_installed(machine, monkeypatch):
    failing_import(monkeypatch, ModuleNotFoundError("No module named 'cupy'", name="cupy"))
    why_not = backend.probe()
    assert why_not.startswith("CuPy is not installed.\n")
    assert "pip install 'minigen[cuda13]'" in why_not and "pip install 'minigen[cuda12]'" in why_not


@pytest.mark.parametrize(
    "error",
    [
        ImportError("libcublas.so.13: cannot open shared object file\nand more"),
        ModuleNotFoundError("No module named 'cupy_backends'", name="cupy_backends"),
        OSError("a damaged library"),
    ],
)
def test_2_cupy_does_not_import(machine, monkeypatch, error):
    failing_import(monkeypatch, error)
    first, remedy = backend.probe().split("\n")
    assert first == f"CuPy is installed but does not import: {str(error).splitlines()[0]}"
    assert remedy == "Keep exactly one CuPy package installed."


def test_3_no_driver(machine):
    machine(stub_cupy(driver=0))
    assert backend.probe().startswith("CuPy 14.2.0 is installed, but this machine has no NVIDIA driver.\n")
    assert "--backend numpy" in backend.probe()


def test_4_the_driver_is_too_old(machine):
    machine(stub_cupy(driver=12040, count=CUDARuntimeError("cudaErrorInsufficientDriver: CUDA driver version is old")))
    first, remedy = backend.probe().split("\n")
    assert first.startswith("CuPy 14.2.0 is installed, but the CUDA driver reports: cudaErrorInsufficientDriver")
    assert "supports CUDA 12.4" in remedy and "minigen[cuda12]" in remedy


@pytest.mark.parametrize("count", [0, CUDARuntimeError("cudaErrorNoDevice: no CUDA-capable device is detected")])
def test_5_no_device_is_visible(machine, count):
    machine(stub_cupy(count=count))
    assert backend.probe().startswith(
        "CuPy 14.2.0 is installed, but no CUDA device is visible (CUDA_VISIBLE_DEVICES?).\nUnset that variable"
    )


class CompileException(Exception):
    """CuPy's own, which is no RuntimeError."""


@pytest.mark.parametrize("kind", [RuntimeError, OSError, CompileException])
def test_6_the_first_kernel_fails(machine, kind):
    machine(stub_cupy(kernel=raising(kind("libnvrtc.so.13 is missing\nmany\nlines"))))
    first, remedy = backend.probe().split("\n")
    assert first == (
        f"CuPy 14.2.0 sees a GPU but cannot run a first kernel: {kind.__name__}: libnvrtc.so.13 is missing"
    )
    assert "[ctk]" in remedy


def test_a_machine_that_works_gets_no_sentence_and_is_asked_once(machine):
    asked = []
    machine(stub_cupy(kernel=lambda: asked.append(1)))
    assert backend.probe() == backend.probe() == ""
    assert asked == [1]


# Choosing -----------------------------------------------------------------------------------------------------------


def test_use_cupy_without_cupy_is_an_error_with_the_remedy_and_changes_nothing(machine, monkeypatch):
    failing_import(monkeypatch, ModuleNotFoundError("No module named 'cupy'", name="cupy"))
    with pytest.raises(
        BackendError, match=r"(?s)--backend cupy: CuPy is not installed\..*pip install 'minigen\[cuda13\]'"
    ):
        backend.use("cupy")
    assert backend.current() is np


def test_use_chooses_where_new_arrays_are_made(machine):
    cupy = stub_cupy()
    machine(cupy)
    backend.use("cupy")
    assert backend.current() is cupy
    backend.use("numpy")
    assert backend.current() is np


def test_an_unknown_backend_is_named():
    with pytest.raises(SettingError, match=r"backend 'jax' is unknown; it is numpy, cupy or auto\."):
        backend.use("jax")


def test_auto_takes_the_gpu_where_there_is_one_and_says_so(machine, capsys):
    cupy = stub_cupy()
    machine(cupy)
    assert backend.use("auto") == "cupy" and backend.current() is cupy
    assert capsys.readouterr().out == "--backend auto takes cupy: a first kernel ran on NVIDIA Example.\n"


def test_auto_without_a_gpu_takes_numpy_and_says_why(machine, capsys):
    machine(stub_cupy())
    backend.use("cupy")
    machine(stub_cupy(driver=0))
    assert backend.use("auto") == "numpy" and backend.current() is np
    assert capsys.readouterr().out == (
        "--backend auto takes numpy: CuPy 14.2.0 is installed, but this machine has no NVIDIA driver.\n"
    )


def test_numpy_is_taken_without_asking_for_a_gpu_and_in_silence(machine, capsys):
    asked = []
    machine(stub_cupy(kernel=lambda: asked.append(1)))
    assert backend.use("numpy") == "numpy" and not asked
    assert capsys.readouterr().out == ""


# Precision ------------------------------------------------------------------------------------------------------------


def test_tf32_is_refused_on_numpy_which_computes_in_fp32(machine):
    backend.use_precision("fp32")
    assert backend.precision() == "fp32"
    with pytest.raises(SettingError, match=r"--precision tf32: NumPy computes in fp32 alone\. Leave it out, or add"):
        backend.use_precision("tf32")


def test_a_precision_is_told_to_cupy_and_read_off_it(machine):
    cupy = stub_cupy()
    machine(cupy)
    backend.use("cupy")
    assert backend.precision() == "fp32"
    backend.use_precision("tf32")
    assert backend.precision() == "tf32" and cupy._core.get_compute_type("float32") == 7
    backend.use_precision("fp32")
    assert backend.precision() == "fp32" and cupy._core.get_compute_type("float32") == 1


def test_an_older_gpu_has_no_tf32(machine):
    machine(stub_cupy(capability="75"))
    backend.use("cupy")
    backend.use_precision("fp32")
    with pytest.raises(SettingError, match=r"NVIDIA Example has compute capability 7\.5, and TF32 begins at 8\.0"):
        backend.use_precision("tf32")
    assert backend.precision() == "fp32"


def test_an_environment_that_forbids_tf32_is_no_reason_to_claim_it(machine, monkeypatch):
    machine(stub_cupy())
    backend.use("cupy")
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "0")
    backend.use_precision("fp32")
    with pytest.raises(SettingError, match="--precision tf32: NVIDIA_TF32_OVERRIDE=0 turns it off .* Unset it"):
        backend.use_precision("tf32")
    assert backend.precision() == "fp32"


def test_an_unknown_precision_is_named():
    with pytest.raises(SettingError, match="precision 'fp16' is unknown; it is fp32 or tf32"):
        backend.use_precision("fp16")


# Owners -------------------------------------------------------------------------------------------------------------


class Elsewhere:
    """An array of some other library."""


def test_numbers_go_along_with_either_and_arrays_decide(tmp_path):
    assert backend.array_module(1.0, np.ones(2), None, [1], np.float32(2)) is np
    assert backend.array_module() is np
    on_disk = np.memmap(tmp_path / "map", np.float32, "w+", shape=(2,))
    assert backend.array_module(on_disk) is np


def test_arrays_of_two_backends_in_one_operation_say_where_each_came_from(machine):
    machine(stub_cupy())
    with pytest.raises(BackendError, match="arrays of numpy and of cupy meet .*to_device or to_host"):
        backend.array_module(np.ones(2), StubArray(None))
    assert backend.array_module(StubArray(None), 2.0).__name__ == "cupy"
    assert backend.name_of(backend.array_module(StubArray(None))) == "cupy"


def test_a_registered_array_type_has_its_module(machine):
    module = types.ModuleType("elsewhere")
    with pytest.raises(BackendError, match=r"Elsewhere is no array of NumPy or CuPy; make one with minigen\.tensor"):
        backend.array_module(Elsewhere())
    backend.register(Elsewhere, module)
    assert backend.array_module(Elsewhere()) is module


def test_to_host_and_to_device_copy_nothing_that_is_there_already():
    array = np.ones(3)
    assert backend.to_host(array) is array and backend.to_device(array) is array
    assert backend.to_host([1.0]).tolist() == [1.0] and backend.to_host(2.0).shape == ()
    backend.synchronize()


def test_scatter_add_counts_an_index_twice():
    target = np.zeros(3)
    backend.scatter_add(target, np.array([1, 1, 2]), np.ones(3))
    assert target.tolist() == [0, 2, 1]


# What reaches a step from the host ----------------------------------------------------------------------------------


class Kept:
    """What a capture keeps of a step: what is done before every replay, in order."""

    def __init__(self):
        self.actions = []

    def each_time(self, action):
        action()
        self.actions.append(action)

    def arrival(self, make, module):
        place = module.asarray(make())
        self.actions.append(lambda: place.__setitem__(..., module.asarray(make())))
        return place

    def again(self):
        for action in self.actions:
            action()


def step(rng, seen):
    """A step that draws of every kind, and counts on the host."""
    backend.each_time(lambda: seen.append(len(seen)))
    coins = draw_coins(rng, (40,), 0.5)
    return (
        coins,
        draw_normal(rng, (3,)),
        draw_uniform(rng, (2, 2)),
        backend.arrival(lambda: np.array([len(seen)])),
    )


@pytest.mark.parametrize("draws", ["host", "device"])
def test_what_is_drawn_and_counted_on_the_host_comes_anew_in_every_replay(draws, monkeypatch):
    with lookalike.playing():
        backend.use("cupy")
        eager, seen, expected = backend.generator(0, draws), [], []
        for _ in range(3):
            expected.append([backend.to_host(x) for x in step(eager, seen)])
        rng, kept, seen = backend.generator(0, draws), Kept(), []
        monkeypatch.setattr(backend, "_capture", kept)
        assert backend.capturing()
        places = step(rng, seen)
        monkeypatch.setattr(backend, "_capture", None)
        assert not backend.capturing()
        for i, wanted in enumerate(expected):
            if i:
                kept.again()
            for place, x in zip(places, wanted, strict=True):
                np.testing.assert_array_equal(place.get(), x)
        assert seen == [0, 1, 2] and str(rng.bit_generator.state) == str(eager.bit_generator.state)


def test_on_numpy_an_arrival_is_what_was_made(monkeypatch):
    array = np.zeros(3)
    assert backend.arrival(lambda: array) is array
    monkeypatch.setattr(backend, "_capture", Kept())
    assert backend.arrival(lambda: array, np) is array and not backend._capture.actions


# Draws --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_one_seed_gives_one_sequence_in_every_dtype(dtype):
    for draw in (minigen.random.normal, minigen.random.uniform):
        first, again = (draw(4, 3, rng=minigen.random.generator(7), dtype=dtype) for _ in range(2))
        np.testing.assert_array_equal(first.numpy(), again.numpy())
        assert first.dtype == dtype and first.shape == (4, 3)
        assert draw((4, 3), rng=minigen.random.generator(8), dtype=dtype).shape == (4, 3)


def test_two_draws_differ_and_a_generators_state_can_be_restored():
    rng = minigen.random.generator([1, 2])
    state = rng.bit_generator.state
    first, second = (minigen.random.normal(5, rng=rng).tolist() for _ in range(2))
    rng.bit_generator.state = state
    assert first != second and minigen.random.normal(5, rng=rng).tolist() == first


def test_the_first_numbers_of_seed_0_never_change():
    rng = minigen.random.generator(0)
    np.testing.assert_allclose(minigen.random.normal(2, rng=rng).numpy(), [1.117622, -1.3871249], rtol=1e-6)


def test_uniform_numbers_lie_between_their_bounds_in_the_asked_dtype():
    rng = minigen.random.generator(3)
    x = minigen.random.uniform(10_000, rng=rng, low=np.float64(-1), high=np.float64(3), requires_grad=True)
    assert x.dtype == np.float32 and x.requires_grad
    assert -1 <= x.numpy().min() < -0.99 and 2.99 < x.numpy().max() < 3

"""The comparison on a GPU without one: its whole way on the look-alike and PyTorch's CPU, and what it says without."""

import contextlib
import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest

import minigen
from benchmarks import compare_gpu, compare_gpu_table, gpu_worker
from benchmarks.compare_gpu import WORKLOADS
from benchmarks.machine import ROOT
from benchmarks.worker import WorkerError
from benchmarks.workloads import gpu_minigen, minigen_
from minigen import backend
from minigen.errors import AnomalyError, BackendError

from ..lookalike import lookalike

SMALL = {
    "dcgan": {"batch": 2},
    "dcgan64": {"batch": 2, "width": 1 / 32},
    "ring": {"batch": 8},
    "vae": {"batch": 4},
    "iwae": {"batch": 2, "k": 3},
}
DONE = [name for name in SMALL if name != "dcgan"]  # whose networks have one size, and are slow here

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")


@pytest.fixture
def small(monkeypatch):
    """The workloads with few items, and as little patience."""
    for name, settings in SMALL.items():
        monkeypatch.setitem(WORKLOADS, name, WORKLOADS[name]._replace(settings=settings))
    monkeypatch.setattr(gpu_worker, "WARM", 0.0)
    monkeypatch.setattr(gpu_worker, "FIRST", 1)


@pytest.fixture
def device():
    """The look-alike as CuPy."""
    with lookalike.playing() as module:
        yield module


class Event:
    """torch.cuda.Event on the host."""

    def __init__(self, enable_timing=False):
        assert enable_timing, "PyTorch's events tell no time unless asked"

    def record(self):
        self.at = time.perf_counter()

    def synchronize(self):
        assert self.at

    def elapsed_time(self, end):
        return 1e3 * (end.at - self.at)


class Stream:
    """torch.cuda.Stream: what was asked to wait for what."""

    def __init__(self, name, happened):
        self.name, self.happened = name, happened

    def wait_stream(self, other):
        self.happened.append(f"{self.name} waits for {other.name}")


@pytest.fixture
def torch_here(monkeypatch):
    """PyTorch's side on the CPU, the GPU's clock and recorder replaced; returns (module, what happened)."""
    torch = pytest.importorskip("torch")
    from benchmarks.workloads import gpu_torch

    happened = []
    main = Stream("main", happened)

    class Graph:
        def replay(self):
            happened.append("replayed")

    @contextlib.contextmanager
    def noted(what, name):
        happened.append(f"{name} begins")
        yield
        happened.append(f"{name} ends")

    for name, stand_in in {
        "Event": Event,
        "Stream": lambda: Stream("beside", happened),
        "CUDAGraph": Graph,
        "current_stream": lambda: main,
        "stream": lambda stream: noted(stream, "beside"),
        "graph": lambda graph: noted(graph, "recording"),
        "max_memory_reserved": lambda: 0,
    }.items():
        assert hasattr(torch.cuda, name)
        monkeypatch.setattr(torch.cuda, name, stand_in)
    monkeypatch.setattr(gpu_torch, "DEVICE", "cpu")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    flags = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32, torch.backends.cudnn.benchmark
    yield gpu_torch, happened
    torch.set_num_threads(threads)
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32, torch.backends.cudnn.benchmark = flags


# The command ----------------------------------------------------------------------------------------------------------


def test_the_whole_command_on_the_look_alike_and_the_cpu(small, device, torch_here, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(compare_gpu, "GpuWorker", gpu_worker.Running)
    monkeypatch.setattr(compare_gpu, "take_turns", lambda turns, rounds: {n: [t(), t()] for n, t in turns.items()})
    monkeypatch.setattr(compare_gpu, "turn", lambda worker, length: lambda: worker.run(1))
    run = ["--quick", "--out", str(tmp_path), "--workloads"]
    assert compare_gpu.main([*run, *DONE, "--precision", "tf32"]) == 0
    assert compare_gpu.main([*run, "ring", "--precision", "fp32"]) == 0
    entries = json.loads((tmp_path / "compare_gpu.json").read_text())["workloads"]
    assert list(entries) == ["dcgan64 tf32", "ring fp32", "ring tf32", "vae tf32", "iwae tf32"]
    for key, entry in entries.items():
        assert entry["failed"] == {} and list(entry["peers"]) == list(gpu_worker.CONTENDERS)
        assert entry["taken"]["precision"] == key.split()[1] and entry["taken"]["gpu"] == "a look-alike: no GPU"
        losses = [figures["losses"] for figures in entry["peers"].values()]
        rtol = 0.5 if "dcgan" in key or "ring" in key else 0.1  # draws differ, formulas do not; a GAN sees two images
        np.testing.assert_allclose(losses, losses[:1] * len(losses), rtol=rtol)
        for figures in entry["peers"].values():
            assert figures["about"]["precision"] == key.split()[1]
            assert figures["median"] > 0 and len(figures["rounds"]) == 2
            assert figures["host"] >= 1  # the host's clock starts before the first mark and stops after the second
    page = (tmp_path / "compare_gpu.md").read_text()
    assert page.count("\n## `") == 5 and "| minigen | " in page and "| PyTorch eager, as installed | " in page
    assert (
        "tf32 in products and convolutions, 3 rounds; a look-alike: no GPU, compute capability 90; driver for" in page
    )
    assert "## `vae tf32`" in capsys.readouterr().out


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(backend, "probe", lambda: "CuPy is not installed.\npip install it.")


def test_without_a_gpu_it_says_why_and_what_it_would_have_run(no_gpu, tmp_path, capsys):
    assert compare_gpu.main(["--workloads", "ring", "--out", str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert err.startswith("error: CuPy is not installed.\nNothing was measured; python -m minigen.doctor says")
    assert "ring in fp32: a GAN of points" in err and "ring in tf32" in err and "dcgan" not in err
    assert "minigen, the step as one CUDA graph" in err
    assert "PyTorch, the step as one CUDA graph" in err and out == "" and not list(tmp_path.iterdir())


def test_the_plan_needs_no_gpu(no_gpu, tmp_path, capsys):
    assert compare_gpu.main(["--dry-run", "--out", str(tmp_path), "--peers", "torch"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("10 tables, 7 rounds, about 1 s a turn:\n  dcgan in fp32: the article's GAN, batch 256\n")
    assert "torch: PyTorch eager" in out and "torch_graph" not in out
    assert out.endswith("dry run: nothing was measured\n") and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--workloads", "wgan"], "--workloads wgan: there is no such name; choose from dcgan, dcgan64, ring"),
        (["--precision", "fp16"], "--precision fp16: there is no such name; choose from fp32, tf32"),
        (["--rounds", "0"], "--rounds 0 must be at least 1."),
    ],
)
def test_an_unknown_name_is_one_sentence_and_status_2(arguments, said, capsys):
    assert compare_gpu.main([*arguments, "--dry-run"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: ") and said in told and told.count("\n") == 1


def test_a_contender_that_fails_is_told_and_the_others_go_on(small, device, monkeypatch, tmp_path, capsys):
    def some(contender, *rest):
        if contender.startswith("torch"):
            raise WorkerError(f"{contender} ring: it can use no GPU")
        return gpu_worker.Running(contender, *rest)

    monkeypatch.setattr(compare_gpu, "GpuWorker", some)
    arguments = ["--quick", "--out", str(tmp_path), "--workloads", "ring", "--precision", "fp32"]
    monkeypatch.setattr(compare_gpu, "turn", lambda worker, length: lambda: worker.run(1))
    assert compare_gpu.main(arguments) == 1
    assert "- PyTorch eager, as installed: **failed**, torch ring: it can use no GPU" in capsys.readouterr().out
    monkeypatch.setattr(compare_gpu, "GpuWorker", lambda *all_: some("torch"))
    assert compare_gpu.main(arguments) == 1  # and where minigen itself fails, there is no ratio but still an entry
    assert "- minigen: **failed**, torch ring" in (tmp_path / "compare_gpu.md").read_text()


def test_clocks_that_disagree_are_marked():
    figures = {"median": 1e-3, "host": 1.02, "losses": [1.386, 0.693], "memory": 2e9, "about": {"cupy": "14"}}
    other = {**figures, "ratio": 0.5, "quartiles": [0.4, 0.6], "host": 7.5, "about": {"torch": "2", "cudnn": None}}
    taken = {"date": "d", "precision": "fp32", "rounds": 3, "gpu": "G", "compute_capability": "90", "driver": "580, 1"}
    taken |= {"cupy": "14", "driver_cuda": 13010, "runtime_cuda": 13000, "minigen": "1", "numpy": "2"}
    taken |= {"python": "3", "system": "L"}
    text = compare_gpu_table.section("x", {"taken": taken, "peers": {"minigen": figures, "torch": other}, "failed": {}})
    assert "| minigen | 1 ms | 1 | 1.02 | 1.386, 0.693 | 2,000 MB |" in text
    assert "| PyTorch eager, as installed | 1 ms | 0.50 (0.40 to 0.60) | **7.50** |" in text
    assert "driver for CUDA 13.1 (580, 1); CUDA 13.0 under CuPy 14; minigen 1" in text and "None" not in text


def test_the_driver_is_told_in_nvidia_smis_words(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert compare_gpu.driver() == ""
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\necho 580.65, 1980 MHz, 700.00 W\necho 580.65, second\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    assert compare_gpu.driver() == "580.65, 1980 MHz, 700.00 W; 580.65, second"


# The worker -----------------------------------------------------------------------------------------------------------


def test_a_worker_answers_what_it_knows_then_every_command(small, device):
    running = gpu_worker.Running("minigen", "ring", {"batch": 8}, "fp32")
    answers = []
    gpu_worker.serve(running, ["run 2\n", "memory\n"], answers.append)
    told, ran, memory = answers
    assert set(told) == {"step", "host", "losses", "about"} and len(told["losses"]) == 2
    assert json.loads(json.dumps(told)) == told and ran["step"] > 0 and memory == {"memory": 0}


def test_what_would_force_a_precision_stays_behind(monkeypatch):
    seen = {}

    class Popen:
        def __init__(self, command, **settings):
            seen.update(settings["env"], command=command)
            self.stdout = io.StringIO('{"step": 1.0}\n')

    monkeypatch.setattr(gpu_worker.subprocess, "Popen", Popen)
    for name in gpu_worker.FORCING:
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    worker = gpu_worker.GpuWorker("torch_graph", "ring", {"batch": 8}, "fp32")
    worker.errors.close()
    assert not seen.keys() & set(gpu_worker.FORCING) and seen["CUDA_VISIBLE_DEVICES"] == "0"
    assert seen["command"][1:] == ["-m", "benchmarks.gpu_worker", "torch_graph", "ring", '{"batch": 8}', "fp32"]


def test_a_process_without_a_gpu_ends_with_the_probes_sentence():
    if not backend.probe():
        pytest.skip("a GPU can be used here")
    why_not = backend.probe().partition("\n")[0]
    with pytest.raises(WorkerError) as found:
        gpu_worker.GpuWorker("minigen", "ring", {}, "fp32")
    assert str(found.value) == f"minigen ring: --backend cupy: {why_not}"


def test_the_process_speaks_the_protocol_that_its_other_end_reads(small, device, monkeypatch, tmp_path):
    """The child's main in this process, its standard streams files; then the parent's side on what it wrote."""
    kept = os.dup(1)
    try:
        with open(tmp_path / "answers", "w+", encoding="utf-8") as file:
            os.dup2(file.fileno(), 1)
            monkeypatch.setattr(sys, "stdin", io.StringIO("run 3\nmemory\n"))
            assert gpu_worker.main(["minigen", "ring", '{"batch": 8}', "tf32"]) == 0
            file.seek(0)
            lines = file.read().splitlines()
    finally:
        os.dup2(kept, 1)
        os.close(kept)
    parent = object.__new__(gpu_worker.GpuWorker)

    class Process:
        stdin, stdout = io.StringIO(), io.StringIO("\n".join(lines) + "\n")

    parent.process = Process
    parent._told = parent._answer()
    assert parent.told()["about"]["precision"] == "tf32" and parent.run(3) > 0 and parent.memory() == 0
    assert Process.stdin.getvalue() == "run 3\nmemory\n"


def test_losses_that_are_no_numbers_end_a_worker(small, device, monkeypatch):
    monkeypatch.setattr(gpu_minigen, "made", lambda *args, **given: lambda: (np.float32("nan"), np.float32(0.5)))
    with pytest.raises(AnomalyError, match="minigen: the losses of ring after 1 steps are"):
        gpu_worker.Running("minigen", "ring", {}, "fp32")


def test_the_kernels_are_off_in_the_contender_without_them(small, device):
    states = []
    step = gpu_minigen.made("ring", {"batch": 8}, kernels=False)
    plain = minigen.losses.gan.nonsaturating.generator
    with pytest.MonkeyPatch.context() as patch:
        objective = type(minigen.losses.gan.nonsaturating)
        patch.setattr(objective, "generator", lambda self, y: states.append(kernels_on()) or plain(y))
        step()
        gpu_minigen.made("ring", {"batch": 8})()
    assert states == [False, True]


def kernels_on():
    from minigen.autograd.switches import kernels

    return kernels.on()


def seconds_a_step(library):
    """What a library tells of steps of 10 ms, and the most that it may tell."""
    begun = time.perf_counter()
    told = library.timed(lambda: time.sleep(0.01), 4)
    return told, (time.perf_counter() - begun) / 4


def test_time_is_told_in_seconds_a_step(device, torch_here):
    for library in (gpu_minigen, torch_here[0]):
        told, most = seconds_a_step(library)
        assert 0.01 <= told <= most


# PyTorch's side -------------------------------------------------------------------------------------------------------


@needs_torch
def test_pytorch_without_a_gpu_is_an_error_of_one_sentence(monkeypatch):
    import torch

    from benchmarks.workloads import gpu_torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(BackendError, match=r"^PyTorch .* can use no GPU; install a build for CUDA\.$"):
        gpu_torch.prepare("fp32")


def test_a_step_is_recorded_after_three_beside_and_replayed(torch_here):
    gpu_torch, happened = torch_here
    ran = []
    replay = gpu_torch.recorded(lambda: ran.append(1) or len(ran))
    assert happened == [
        *("beside waits for main", "beside begins", "beside ends", "main waits for beside"),
        *("recording begins", "recording ends"),
    ]
    assert len(ran) == 4
    assert replay() == replay() == 4 and happened[6:] == ["replayed", "replayed"] and len(ran) == 4


def test_one_precision_goes_for_products_and_convolutions(torch_here):
    gpu_torch, _ = torch_here
    for precision in ("tf32", "fp32"):
        gpu_torch.prepare(precision)
        assert gpu_torch.about()["precision"] == precision
    gpu_torch.torch.backends.cudnn.allow_tf32 = True
    assert gpu_torch.about()["precision"] == "mixed"


def test_the_dcgan_of_64_is_the_same_function_in_both(torch_here):
    """The same weights and the same noise give the same pictures, and the same logits of them."""
    gpu_torch, _ = torch_here
    torch = gpu_torch.torch
    networks = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(minigen_, "_gan", lambda generator, discriminator, *rest, **more: (generator, discriminator))
        networks = gpu_minigen.dcgan64(batch=2, width=1 / 32)
    theirs = gpu_torch.networks64([16, 8, 4, 2])
    x = np.random.default_rng(3).normal(size=(5, 100)).astype(np.float32)
    y = torch.from_numpy(x)
    found = minigen.tensor(x)
    small, C = 4, 16  # of the smallest maps
    for own, other in zip(networks, theirs, strict=True):
        mine, wanted = list(own.parameters()), list(other.parameters())
        assert len(mine) == len(wanted) and sum(p.size for p in mine) == sum(p.numel() for p in wanted)
        for p, q in zip(mine, wanted, strict=True):
            w = torch.from_numpy(p.numpy().copy())
            if w.ndim == 4:
                w = w.permute(3, 2, 0, 1)
            elif w.ndim == 2 and own is networks[0]:  # 4×4×C behind each other here, C×4×4 there
                w = w.reshape(100, small, small, C).permute(0, 3, 1, 2).reshape(100, -1).T
            elif w.ndim == 2:
                w = w.reshape(small, small, C, 1).permute(2, 0, 1, 3).reshape(-1, 1).T
            with torch.no_grad():
                assert q.shape == w.shape
                q.copy_(w)
        found, y = own(found), other(y)
    np.testing.assert_allclose(found.numpy(), y.detach().numpy(), rtol=1e-4, atol=1e-5)  # eight layers of float32
    assert np.ptp(found.numpy()) > 1e-3


def test_the_articles_gan_is_that_of_the_comparison_on_the_cpu(torch_here):
    gpu_torch, _ = torch_here
    from benchmarks.workloads import torch_

    found = []
    with pytest.MonkeyPatch.context() as patch:
        for module in (gpu_torch, torch_):
            patch.setattr(module, "_gan", lambda *given, **more: found.append((given, more)))
        gpu_torch.dcgan(None, batch=2)
        torch_.dcgan(batch=2)
    ((_, *own), numbers), (other, others) = found
    for mine, wanted in zip(own[:2], other[:2], strict=True):
        assert repr(mine) == repr(wanted)
    assert own[2].equal(other[2]) and numbers == {k: v for k, v in others.items() if k != "fused"}


@pytest.mark.parametrize("name", ["ring", "vae", "iwae"])
def test_the_losses_are_those_of_the_comparison_on_the_cpu(name, torch_here):
    """One seed, and so the same weights and noise: the same numbers to the last bit but for the order of a sum."""
    gpu_torch, _ = torch_here
    from benchmarks.workloads import torch_

    own = gpu_torch.made(name, SMALL[name])()
    other = getattr(torch_, name)(**SMALL[name]).step()
    if name == "vae":
        other = sum(other)  # told in two parts there
    pairs = zip(own, other, strict=True) if isinstance(own, tuple) else [(own, other)]
    for mine, wanted in pairs:
        assert mine.item() == pytest.approx(wanted.item(), rel=1e-6)


@pytest.mark.parametrize("graph", [False, True])
def test_a_step_trains_every_parameter(graph, torch_here):
    """Every workload but for its size, the article's GAN for all of it."""
    gpu_torch, _ = torch_here
    torch, moved = gpu_torch.torch, []

    class Seen(torch.optim.Adam):
        def step(self, *given):
            assert all(bool(group["fused"]) == graph for group in self.param_groups)
            before = [p.detach().clone() for group in self.param_groups for p in group["params"]]
            super().step(*given)
            after = [p for group in self.param_groups for p in group["params"]]
            moved.extend(not p.equal(q) for p, q in zip(before, after, strict=True))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim, "Adam", Seen)
        patch.setattr(gpu_torch, "WARM_STEPS", 0)
        for name in SMALL if graph else DONE:
            gpu_torch.made(name, SMALL[name], graph=graph)() if graph else gpu_torch.made(name, SMALL[name])()
    assert len(moved) > 40 and all(moved)


# The first hour -------------------------------------------------------------------------------------------------------

STAND_IN = r"""#!/bin/sh
printf '%s\n' "$*" >> "$CALLS"
case "$*" in
  *probe*) echo "CuPy is not installed." ;;
  *doctor*) echo fine ;;
  *compare_gpu*) mkdir -p "$4" && echo "# figures" > "$4/compare_gpu.md" && echo "{}" > "$4/compare_gpu.json" ;;
  *) printf '\033[1mbold\033[0m\nhalf\rwhole\r\nerror: --backend cupy: CuPy is not installed.\n'; exit 4 ;;
esac
"""


@pytest.fixture(scope="module")
def hour(tmp_path_factory):
    """The script, run with an interpreter that does nothing: (what ended, its folder, the report, the commands)."""
    tmp_path = tmp_path_factory.mktemp("hour")
    if shutil.which("bash") is None:
        pytest.skip("there is no bash")
    (tmp_path / "python").write_text(STAND_IN)
    (tmp_path / "python").chmod(0o755)
    own = {**os.environ, "PYTHON": str(tmp_path / "python"), "CALLS": str(tmp_path / "calls")}
    script = str(ROOT / "benchmarks" / "first_gpu_hour.sh")
    done = subprocess.run(["bash", script, "new/r.md"], cwd=tmp_path, env=own, capture_output=True, text=True)
    new, calls = tmp_path / "new", (tmp_path / "calls").read_text().splitlines()
    return done, new, (new / "r.md").read_text(encoding="utf-8"), calls


def test_the_first_hour_goes_through_every_step_and_writes_a_page_of_them(hour):
    done, new, page, calls = hour
    assert done.stderr == "" and done.returncode == 14
    assert done.stdout.splitlines()[-1] == f"14 of 16 steps failed; the report is {new}/r.md"
    assert "**There was none: CuPy is not installed.**" in page
    assert page.count("| **failed, status 4** |") == 14 and page.count("| passed |") == 2
    assert page.count("\n## ") == 16 and page.count("Status 4, ") == 14
    assert page.count("\n    bold\n    whole\n    error: --backend cupy: CuPy is not installed.\n") == 14
    assert "\x1b" not in page and "\r" not in page and "--out WORK/tf32`" in page
    assert page.endswith("\n---\n\n# figures\n") and (new / "compare_gpu.json").read_text() == "{}\n"
    assert len(calls) == 1 + 16  # the probe, and where a step's first half fails its second is not begun


def test_the_first_hours_programs_and_tests_are_where_it_looks_for_them(hour):
    _, _, page, _ = hour
    script = (ROOT / "benchmarks" / "first_gpu_hour.sh").read_text(encoding="utf-8")
    for name in ("minigen.doctor", "minigen.train", "minigen.sample", "minigen.evaluate", "benchmarks.compare_gpu"):
        assert f"python -m {name}" in script and importlib.util.find_spec(name)
    for path in ("tests/cuda/test_captured.py", "tests/cuda/test_gpu.py", "tests/lookalike/test_rules.py"):
        assert f"{path} " in page and (ROOT / path).is_file()

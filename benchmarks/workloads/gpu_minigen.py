"""The workloads on a GPU as a user of minigen writes them: those of `minigen_` on CuPy, and a DCGAN of 64×64 images."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import minigen
from benchmarks.workloads import Made, minigen_
from minigen import backend, nn
from minigen.autograd import kernels_off
from minigen.cuda_graph import StepGraph

WARM_STEPS = 3  # before recording, as for PyTorch
GRAPHS: list[StepGraph] = []  # what was recorded in this process


def prepare(precision: str) -> None:
    """Compute on the GPU, products in that precision.  BackendError or SettingError where that cannot be."""
    backend.use("cupy")
    backend.use_precision(precision)


def about() -> dict[str, Any]:
    """What is told of the library beside its figures."""
    import cupy

    return {"cupy": cupy.__version__, "precision": backend.precision()}


def made(builder: str, settings: Mapping[str, Any], *, kernels: bool = True, graph: bool = False) -> Callable[[], Any]:
    """A step of that workload; with graph=True recorded once and replayed from then on, noise drawn on the GPU.

    With kernels=False by the formulas alone, without a CUDA kernel of our own.
    """
    draws = "device" if graph else "host"
    step = (dcgan64 if builder == "dcgan64" else getattr(minigen_, builder))(**settings, draws=draws).step
    if graph:
        return recorded(step)

    def without() -> Any:
        with kernels_off():
            return step()

    return step if kernels else without


def recorded(step: Callable[[], Any]) -> Callable[[], Any]:
    """The step as one CUDA graph, after some steps as they are.  The process stays on the graph's stream."""
    import cupy

    backend.synchronize()
    cupy.cuda.Stream(non_blocking=True).use()
    graph = StepGraph(step, ())  # what these workloads change they change in place
    for _ in range(WARM_STEPS):
        graph.warm_up()
    graph.capture()
    GRAPHS.append(graph)
    return graph.replay


def timed(step: Callable[[], Any], steps: int) -> float:
    """Seconds per step between two marks in the GPU's own queue, when it has passed the second."""
    import cupy

    begin, end = cupy.cuda.Event(), cupy.cuda.Event()
    begin.record()
    for _ in range(steps):
        step()
    end.record()
    end.synchronize()
    return cupy.cuda.get_elapsed_time(begin, end) / 1e3 / steps


def memory() -> int:
    """Bytes that the library's pools have taken from the GPU, of which they give none back."""
    import cupy

    return cupy.get_default_memory_pool().total_bytes() + sum(graph.memory() for graph in GRAPHS)


def dcgan64(batch: int = 128, width: float = 1.0, draws: str = "host") -> Made:
    """Radford et al. 2016 on 64×64×3: 512-256-128-64, kernels 4×4, batch norm in both networks."""
    rng = minigen.random.generator(0)
    C = [round(n * width) for n in (512, 256, 128, 64)]
    up: list[nn.Module] = [nn.Dense(100, 16 * C[0], bias=False, rng=rng), nn.Reshape(4, 4, C[0])]
    for C_in, C_out in zip(C, [*C[1:], 3], strict=True):
        up += [nn.BatchNorm(C_in), nn.ReLU()]
        up += [nn.Conv2DTranspose(C_in, C_out, 4, stride=2, padding="same", bias=False, rng=rng)]
    down: list[nn.Module] = [nn.Conv2D(3, C[3], 4, stride=2, padding="same", rng=rng), nn.LeakyReLU(0.2)]
    for C_in, C_out in ((C[3], C[2]), (C[2], C[1]), (C[1], C[0])):
        down += [nn.Conv2D(C_in, C_out, 4, stride=2, padding="same", bias=False, rng=rng)]
        down += [nn.BatchNorm(C_out), nn.LeakyReLU(0.2)]
    down += [nn.Flatten(), nn.Dense(16 * C[0], 1, rng=rng)]
    generator, discriminator = nn.Sequential(*up, nn.Tanh()), nn.Sequential(*down)
    return minigen_._gan(generator, discriminator, stills(batch), latent=100, rate=2e-4, draws=draws)


def stills(batch: int) -> np.ndarray:
    """Noise for film stills: float32 (N, 64, 64, 3), uniform in [−1, 1]."""
    return np.random.default_rng(0).uniform(-1, 1, (batch, 64, 64, 3)).astype(np.float32)

"""The workloads on a GPU as users of PyTorch write them: eager as installed, or each step recorded as one CUDA graph.

A recorded step has what PyTorch offers for speed beside: Adam as one kernel, and cuDNN's search for the fastest
convolution.  Architectures, losses, data and Adam's settings are those of `gpu_minigen`.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.workloads import digits, images, points
from benchmarks.workloads.gpu_minigen import stills
from benchmarks.workloads.torch_ import _points_networks, _update, _vae_networks, dcgan_networks
from minigen.errors import BackendError

DEVICE = "cuda"  # tests without a GPU put "cpu" here
KERAS = {"eps": 1e-3, "momentum": 0.01}  # of batch norm, and so minigen's
WARM_STEPS = 3  # before recording, as PyTorch's manual asks for

Adam = Callable[[Iterable[nn.Parameter], float], torch.optim.Optimizer]


def prepare(precision: str) -> None:
    """Products and convolutions in that precision, whatever was set.  BackendError where PyTorch cannot use the GPU."""
    if DEVICE == "cuda" and not torch.cuda.is_available():
        raise BackendError(f"PyTorch {torch.__version__} can use no GPU; install a build for CUDA.")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"


def about() -> dict[str, Any]:
    """What is told of the library beside its figures."""
    flags = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    return {
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        "cudnn_benchmark": torch.backends.cudnn.benchmark,
        "precision": {(False, False): "fp32", (True, True): "tf32"}.get(flags, "mixed"),
    }


def made(builder: str, settings: Mapping[str, Any], *, graph: bool = False) -> Callable[[], Any]:
    """A step of that workload; with graph=True recorded once and replayed from then on."""
    torch.manual_seed(0)
    if graph:
        torch.backends.cudnn.benchmark = True
    capturable = graph and DEVICE == "cuda"

    def adam(parameters: Iterable[nn.Parameter], rate: float) -> torch.optim.Optimizer:
        return torch.optim.Adam(parameters, rate, fused=graph or None, capturable=capturable)

    with torch.device(DEVICE):
        step = BUILDERS[builder](adam, **settings)
    return recorded(step) if graph else step


def recorded(step: Callable[[], Any]) -> Callable[[], Any]:
    """The step as one CUDA graph.  The steps before it train too; the numbers it draws are new at each replay."""
    beside = torch.cuda.Stream()
    beside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(beside):
        for _ in range(WARM_STEPS):
            step()
    torch.cuda.current_stream().wait_stream(beside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        losses = step()

    def replay() -> Any:
        graph.replay()
        return losses

    return replay


def timed(step: Callable[[], Any], steps: int) -> float:
    """Seconds per step between two marks in the GPU's own queue, when it has passed the second."""
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    begin.record()
    for _ in range(steps):
        step()
    end.record()
    end.synchronize()
    return begin.elapsed_time(end) / 1e3 / steps


def memory() -> int:
    """The most bytes that the library's pool has held."""
    return torch.cuda.max_memory_reserved()


# The workloads --------------------------------------------------------------------------------------------------------


def dcgan(adam: Adam, batch: int = 256) -> Callable[[], Any]:
    generator, discriminator = dcgan_networks(28)
    return _gan(adam, generator, discriminator, _channels_first(images(batch, 28)), latent=100, rate=1e-4)


def dcgan64(adam: Adam, batch: int = 128, width: float = 1.0) -> Callable[[], Any]:
    C = [round(n * width) for n in (512, 256, 128, 64)]
    return _gan(adam, *networks64(C), _channels_first(stills(batch)), latent=100, rate=2e-4)


def networks64(C: list[int]) -> tuple[nn.Sequential, nn.Sequential]:
    """Generator and discriminator of 64×64×3 images, from the widest layer to the narrowest."""
    up: list[nn.Module] = [nn.Linear(100, 16 * C[0], bias=False), nn.Unflatten(1, (C[0], 4, 4))]
    for C_in, C_out in zip(C, [*C[1:], 3], strict=True):
        up += [nn.BatchNorm2d(C_in, **KERAS), nn.ReLU(inplace=True)]
        up += [nn.ConvTranspose2d(C_in, C_out, 4, stride=2, padding=1, bias=False)]
    down: list[nn.Module] = [nn.Conv2d(3, C[3], 4, stride=2, padding=1), nn.LeakyReLU(0.2, inplace=True)]
    for C_in, C_out in ((C[3], C[2]), (C[2], C[1]), (C[1], C[0])):
        down += [nn.Conv2d(C_in, C_out, 4, stride=2, padding=1, bias=False)]
        down += [nn.BatchNorm2d(C_out, **KERAS), nn.LeakyReLU(0.2, inplace=True)]
    down += [nn.Flatten(), nn.Linear(16 * C[0], 1)]
    return nn.Sequential(*up, nn.Tanh()), nn.Sequential(*down)


def ring(adam: Adam, batch: int = 256) -> Callable[[], Any]:
    return _gan(adam, *_points_networks(), _there(points(batch)), latent=2, rate=1e-3)


def vae(adam: Adam, batch: int = 128) -> Callable[[], Any]:
    model, x = _vae_networks(), _there(digits(batch))
    optimiser = adam(model.parameters(), 1e-3)

    def step() -> Any:
        mu, logvar = model["encoder"](x).chunk(2, dim=1)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        nll = F.binary_cross_entropy_with_logits(model["decoder"](z), x, reduction="sum") / batch
        loss = nll + 0.5 * (mu * mu + logvar.exp() - 1 - logvar).sum() / batch
        _update(optimiser, model, loss)
        return loss

    return step


def iwae(adam: Adam, batch: int = 20, k: int = 50) -> Callable[[], Any]:
    model, x = _vae_networks(), _there(digits(batch))
    optimiser = adam(model.parameters(), 1e-3)

    def step() -> Any:
        mu, logvar = (h.unsqueeze(1) for h in model["encoder"](x).chunk(2, dim=1))  # (N, 1, Z)
        noise = torch.randn(batch, k, 20, device=DEVICE)
        z = mu + torch.exp(0.5 * logvar) * noise
        logits = model["decoder"](z)
        log_px = -F.binary_cross_entropy_with_logits(logits, x.unsqueeze(1).expand_as(logits), reduction="none").sum(2)
        log_w = log_px + 0.5 * (logvar + noise * noise - z * z).sum(2)  # the two log 2π cancel
        loss = (math.log(k) - torch.logsumexp(log_w, dim=1)).mean()
        _update(optimiser, model, loss)
        return loss

    return step


def _gan(
    adam: Adam, generator: nn.Module, discriminator: nn.Module, x_real: torch.Tensor, *, latent: int, rate: float
) -> Callable[[], Any]:
    optimiser_d, optimiser_g = adam(discriminator.parameters(), rate), adam(generator.parameters(), rate)

    def step() -> Any:
        x_fake = generator(torch.randn(len(x_real), latent, device=DEVICE))

        loss_d = F.softplus(-discriminator(x_real)).mean() + F.softplus(discriminator(x_fake.detach())).mean()
        _update(optimiser_d, discriminator, loss_d)

        loss_g = F.softplus(-discriminator(x_fake)).mean()
        _update(optimiser_g, generator, loss_g)
        return loss_d, loss_g

    return step


def _there(array: Any) -> torch.Tensor:
    return torch.from_numpy(array).to(DEVICE)


def _channels_first(array: Any) -> torch.Tensor:
    return _there(array.transpose(0, 3, 1, 2).copy())


BUILDERS: dict[str, Callable[..., Callable[[], Any]]] = {
    "dcgan": dcgan,
    "dcgan64": dcgan64,
    "ring": ring,
    "vae": vae,
    "iwae": iwae,
}

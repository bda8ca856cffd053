"""What is compared: the workloads, the libraries that run them, and the data they run on.

Each library has a module here, written as its users would write it: one function a workload, which builds networks and
optimisers and returns a `Made`.  All compute in float32, on the same data, with the same architecture and with Adam.
"""

import importlib.util
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np


class Made(NamedTuple):
    """A workload ready to run: `step()` does one step, `parameters()` lists what the steps train."""

    step: Callable[[], Any]
    parameters: Callable[[], list[Any]] = list


class Workload(NamedTuple):
    """A function that each library's module has, its settings, and how many operations one step counts for."""

    title: str
    builder: str
    settings: Mapping[str, int] = {}
    per: int = 1


class Peer(NamedTuple):
    """A library: its package, its module here, and what its builders are told beyond the workload's settings.

    `only`: the builders that understand what is given, if it is not all.  `lacks`: what it cannot do, and why.
    `scratch`: written in NumPy and Python from scratch, as minigen is.
    """

    title: str
    package: str
    module: str
    given: Mapping[str, Any] = {}
    only: tuple[str, ...] = ()
    lacks: Mapping[str, str] = {}
    scratch: bool = False


CHAIN = 20  # operations in the chain of `op_chain`

WORKLOADS = {
    "dcgan-256": Workload("the article's GAN, batch 256", "dcgan", {"batch": 256}),
    "dcgan-64": Workload("the article's GAN, batch 64", "dcgan", {"batch": 64}),
    "ring": Workload("a GAN of points, 2-128-128, batch 256", "ring"),
    "vae": Workload("a VAE, 784-500-20, batch 128", "vae"),
    "iwae": Workload("the same with IWAE's bound, k = 50, batch 20", "iwae"),
    "wgan_gp": Workload("the GAN of points with a gradient penalty, batch 256", "wgan_gp"),
    "calls_ring": Workload("the GAN of points with one point: calls and hardly any arithmetic", "ring", {"batch": 1}),
    "calls_wgan_gp": Workload("the same with a gradient penalty", "wgan_gp", {"batch": 1}),
    "op": Workload("tanh of 16 numbers by itself, forward and backward", "op"),
    "op_chain": Workload(f"an operation in a chain of {CHAIN}, forward and backward", "op_chain", per=CHAIN),
}

NO_CONVOLUTION = "no convolution with strides, nor a transposed one"
BIG = "slow, and so compared at batch 64 only"
COMPILED = "a compiled step records no operations"
OLD = "its newest release asks for np.int, which NumPy no longer has"

PEERS = {
    "minigen": Peer("minigen", "minigen", "minigen_", scratch=True),
    "torch": Peer("PyTorch", "torch", "torch_"),
    "torch_channels_last": Peer("PyTorch, channels last", "torch", "torch_", {"channels_last": True}, ("dcgan",)),
    "torch_fused": Peer(
        "PyTorch, fused Adam", "torch", "torch_", {"fused": True}, ("dcgan", "ring", "vae", "iwae", "wgan_gp")
    ),
    "by_hand": Peer("NumPy by hand: the floor", "numpy", "by_hand_", only=("ring", "vae", "iwae", "wgan_gp")),
    "jax": Peer("JAX, jit", "jax", "jax_", lacks={"op": COMPILED, "op_chain": COMPILED}),
    "dezero": Peer("DeZero", "dezero", "dezero_", lacks={"dcgan-256": BIG, "import": OLD}, scratch=True),
    "autograd": Peer("HIPS autograd", "autograd", "autograd_", lacks={"dcgan": NO_CONVOLUTION}, scratch=True),
    "mygrad": Peer(
        "MyGrad",
        "mygrad",
        "mygrad_",
        lacks={"dcgan": "no transposed convolution", "wgan_gp": "no second derivatives"},
        scratch=True,
    ),
    "minigen_without": Peer("minigen with less", "minigen", "levers_", only=("made",)),  # for benchmarks.levers
}


def why_not(peer: str, name: str) -> str | None:
    """Why a library takes no part in a workload, `import` or `size`, in a few words; None where it does."""
    who = PEERS[peer]
    if importlib.util.find_spec(who.package) is None:
        return f"not installed; pip install {who.package}"
    return who.lacks.get(name) or (who.lacks.get(WORKLOADS[name].builder) if name in WORKLOADS else None)


def taking_part(peers: Iterable[str], name: str) -> tuple[list[str], dict[str, str]]:
    """Of these libraries those that run a workload, `import` or `size`; and why others, which might, do not.

    Another way of writing the same library is left out without a word where it makes no difference.
    """
    builder = WORKLOADS[name].builder if name in WORKLOADS else name
    different = [peer for peer in peers if not PEERS[peer].only or builder in PEERS[peer].only]
    skipped = {peer: reason for peer in different if (reason := why_not(peer, name))}
    return [peer for peer in different if peer not in skipped], skipped


# The data, made before anything is timed ------------------------------------------------------------------------------


def images(batch: int, side: int) -> np.ndarray:
    """Noise for images: float32 (N, side, side, 1), uniform in [−1, 1]."""
    return np.random.default_rng(0).uniform(-1, 1, (batch, side, side, 1)).astype(np.float32)


def digits(batch: int) -> np.ndarray:
    """Noise for binarised digits: float32 (N, 784), 0 or 1."""
    return np.random.default_rng(0).integers(0, 2, (batch, 784)).astype(np.float32)


def points(batch: int) -> np.ndarray:
    """Points about 8 places on a circle: float32 (N, 2)."""
    rng = np.random.default_rng(0)
    angle = rng.integers(0, 8, batch) * (np.pi / 4)
    return (np.stack([np.cos(angle), np.sin(angle)], axis=1) + rng.normal(0, 0.02, (batch, 2))).astype(np.float32)


def numbers() -> np.ndarray:
    """What `op` and `op_chain` compute with: 16 numbers, float32."""
    return np.random.default_rng(0).uniform(-1, 1, 16).astype(np.float32)

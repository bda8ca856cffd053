"""minigen without one of the things that make it fast, for `benchmarks.levers`."""

import os

from benchmarks.workloads import Made

LEVERS: dict[str, tuple[str, ...] | None] = {  # what is taken away → the operations that lose their kernel; None: all
    "nothing": (),
    "kept memory": (),
    "convolution": ("conv", "conv_transpose", "conv_kernel_grad"),
    "rectifiers": ("leaky_relu", "leaky_gate"),
    "batch norm": ("batch_norm",),
    "likelihood": ("bernoulli_sum",),
    "every kernel": None,
}


def made(builder: str, without: str, **settings: int) -> Made:
    """One of minigen's workloads, with a lever taken away.  Once a process: what is taken away stays away."""
    if without == "kept memory":
        os.environ["MINIGEN_KEEP_MEMORY"] = "0"  # read when minigen is imported, and so before the next line
    from benchmarks.workloads import minigen_
    from minigen.autograd import FUSED, OPS

    names = LEVERS[without]
    for name in [*OPS, *FUSED] if names is None else names:
        (OPS.get(name) or FUSED[name]).kernels.pop("numpy", None)
    return getattr(minigen_, builder)(**settings)

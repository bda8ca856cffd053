"""minigen without one of the things that make it fast, for `benchmarks.levers`."""

import os

from benchmarks.workloads import Made

BENT = ("affine_leaky", "conv_leaky", "conv_leaky_masked", "batch_norm_leaky")  # layers with the bend behind them

LEVERS: dict[str, tuple[str, ...] | None] = {  # what is taken away → the operations that lose their kernel; None: all
    "nothing": (),
    "kept memory": (),
    "convolution": ("conv", "conv_transpose", "conv_kernel_grad"),
    "bends": BENT,
    "rectifiers": ("leaky_relu", "leaky_gate", *BENT),
    "batch norm": ("batch_norm", "batch_norm_leaky"),
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

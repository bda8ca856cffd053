"""What a step of the VAE cannot do without, by itself: its eleven products, the likelihood, tanh, Adam; and in PyTorch.

python -m benchmarks.workloads.by_hand_parts --threads 2 --workloads vae iwae
"""

import argparse
import importlib.util
import os
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks import compare_table
from benchmarks.machine import Watch
from benchmarks.worker import THREADS, use_cores

ROUNDS, LENGTH = 9, 0.25  # turns of each part, and their seconds
QUIET = 0.05  # of the cores' time in the hands of others, above which a turn is taken again


def parts(name: str) -> dict[str, Callable[[], Any]]:
    """What is timed, by name: parts of `vae` or of `iwae`."""
    import numpy as np

    import minigen
    from benchmarks.workloads import by_hand_, by_hand_iwae, by_hand_vae, digits
    from minigen import optim
    from minigen.losses import vae as bounds

    N, k = (128, 1) if name == "vae" else (20, 50)
    rng, x = np.random.default_rng(0), digits(N)
    model, whole = by_hand_iwae.Iwae(rng, N, k), getattr(by_hand_, name)()
    w1, _, w2, _, w3, _, w4, _ = model.weights
    h1, code = (rng.standard_normal((N, n), np.float32) for n in (500, 40))
    z, h2, a = (rng.standard_normal((N * k, n), np.float32) for n in (20, 500, 784))
    d1, d2, d3, d4 = map(np.empty_like, (w1, w2, w3, w4))
    weights = [minigen.Parameter(w.copy()) for w in model.weights]
    optimiser, gradients = optim.Adam(weights, 1e-3), [np.full_like(w, 0.01) for w in model.weights]
    hidden, logits = minigen.tensor(h2, requires_grad=True), minigen.tensor(a.reshape(N, k, 784), requires_grad=True)
    slope = np.ones_like(h2)
    model.a.fill(0)

    def products():
        x @ w1, h1 @ w2, z @ w3, h2 @ w4
        np.matmul(h2.T, a, out=d4), a @ w4.T
        np.matmul(z.T, h2, out=d3), h2 @ w3.T
        np.matmul(h1.T, code, out=d2), code @ w2.T
        np.matmul(x.T, h1, out=d1)

    def likelihood():
        if name == "vae":
            by_hand_vae.bernoulli(a, x)
        else:
            model.weigh(np.zeros((N, k), np.float32), x)

    def likelihood_minigen():
        log_px = bounds.log_bernoulli(minigen.tensor(x[:, None]), logits)
        minigen.grad(-bounds.iwae_bound(log_px), [logits])  # with k = 1, −Σ log p(x|z) / N

    def tanh():
        model.dh2.fill(1)  # which the last turn has made small
        np.tanh(model.h2, out=model.h2)
        by_hand_vae.back_through_tanh(model.dh2, model.h2)

    def adam():
        model.grads.fill(0.01)  # which the last update has used up
        model.update()

    found: dict[str, Callable[[], Any]] = {
        "the step by hand": whole.step,
        "products, NumPy": products,
        "likelihood and its slope, by hand": likelihood,
        "likelihood and its slope, minigen": likelihood_minigen,
        "the decoder's tanh and its slope, by hand": tanh,
        "the decoder's tanh and its slope, minigen": lambda: minigen.grad(minigen.tanh(hidden), [hidden], slope),
        "Adam, by hand": adam,
        "Adam, minigen": lambda: optimiser.update(gradients),
    }
    if importlib.util.find_spec("torch"):
        arrays = {"x": x, "h1": h1, "code": code, "z": z, "h2": h2, "a": a}
        found |= _torch_parts(arrays, [w1, w2, w3, w4], model.weights)
    return found


def _torch_parts(arrays: Mapping[str, Any], weights: list, every: list) -> dict[str, Callable[[], Any]]:
    """The same in PyTorch, whose layers keep their weights transposed."""
    import torch
    import torch.nn.functional as F

    torch.set_num_threads(int(os.environ[THREADS[0]]))
    x, h1, code, z, h2, a = map(torch.from_numpy, arrays.values())
    w1, w2, w3, w4 = (torch.from_numpy(w).t().contiguous() for w in weights)
    parameters = [[torch.nn.Parameter(torch.from_numpy(w.copy())) for w in every] for _ in range(2)]
    for p in (*parameters[0], *parameters[1]):
        p.grad = torch.full_like(p, 0.01)
    hidden, logits = h2.clone().requires_grad_(), a.reshape(len(x), -1, 784).clone().requires_grad_()
    dh2 = torch.ones_like(h2)

    def products():
        x @ w1.t(), h1 @ w2.t(), z @ w3.t(), h2 @ w4.t()
        a.t() @ h2, a @ w4, h2.t() @ z, h2 @ w3, code.t() @ h1, code @ w2, h1.t() @ x

    def likelihood():
        nll = F.binary_cross_entropy_with_logits(logits, x[:, None].expand_as(logits), reduction="none").sum(2)
        torch.autograd.grad(-torch.logsumexp(-nll, 1).mean(), logits)

    return {
        "products, PyTorch": products,
        "likelihood and its slope, PyTorch": likelihood,
        "the decoder's tanh and its slope, PyTorch": lambda: torch.autograd.grad(torch.tanh(hidden), hidden, dh2),
        "Adam, PyTorch": torch.optim.Adam(parameters[0], 1e-3).step,
        "Adam, PyTorch, fused": torch.optim.Adam(parameters[1], 1e-3, fused=True).step,
    }


def quiet_turn(call: Callable[[], Any], tries: int = 200) -> float:
    """Seconds a call, over a turn that no other program disturbed; the last one's after so many tries."""
    count = 1
    for _ in range(tries):
        watch, started = Watch(), time.perf_counter()
        for _ in range(count):
            call()
        seconds = (time.perf_counter() - started) / count
        long_enough, count = seconds * count > LENGTH / 2, max(1, round(LENGTH / seconds))
        if long_enough and (watch.others() or 0.0) <= QUIET:
            break
        time.sleep(0.05)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--workloads", nargs="+", choices=("vae", "iwae"), default=("vae", "iwae"))
    parser.add_argument("--threads", type=int, default=2, help="threads for every library (default: 2)")
    given = parser.parse_args()
    os.environ.update({name: str(given.threads) for name in THREADS})  # before NumPy is imported
    use_cores(given.threads)
    for name in given.workloads:
        found: dict[str, list[float]] = {}
        calls = parts(name)
        for _ in range(ROUNDS):
            for part, call in calls.items():
                found.setdefault(part, []).append(quiet_turn(call))
        rows = [[part, compare_table.time(statistics.median(turns))] for part, turns in found.items()]
        print(compare_table.table([f"part of `{name}`", "median"], rows))


if __name__ == "__main__":
    main()

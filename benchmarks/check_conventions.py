"""How others compare a gradient with differences: each convention in a few lines of our own, on plain NumPy functions.

Read in the sources named; none of their code is here.  Each says whether it would let a backward pass.
"""

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np

from minigen.check import grad_report

Arrays = list[np.ndarray]
HAS_TORCH = importlib.util.find_spec("torch") is not None


def slopes(f: Callable[..., Any], inputs: Arrays, c: Any, k: int, h: float) -> np.ndarray:
    """Central differences of Σ c f for every entry of the k-th input, in the dtype of the inputs."""
    moved = [x.copy() for x in inputs]
    found = np.zeros(inputs[k].shape)
    for i in np.ndindex(*inputs[k].shape):
        here = moved[k][i]
        moved[k][i] = here + h
        above = float((f(*moved) * c).sum())
        moved[k][i] = here - h
        below = float((f(*moved) * c).sum())
        moved[k][i] = here
        found[i] = (above - below) / (2 * h)
    return found


def gradients(f: Any, backward: Any, inputs: Arrays, c: Any) -> Arrays:
    """What the backward gives for the cotangent c."""
    y = np.asarray(f(*inputs))
    found = backward(c, y, *inputs)
    return list(found) if isinstance(found, tuple) else [found]


def random(f, inputs, rng):
    return rng.normal(size=np.shape(f(*inputs)))


def ones(f, inputs, rng):
    return np.ones(np.shape(f(*inputs)))


def every_entry(f, backward, inputs, c, h, passes):
    """Do all gradients pass against differences?  Shapes must agree."""
    found = gradients(f, backward, inputs, c)
    return all(dx.shape == inputs[k].shape and passes(dx, slopes(f, inputs, c, k, h)) for k, dx in enumerate(found))


def cs231n(limit):
    """Stanford CS231n: random dy, float64, h = 1e-5, the largest |a − n| / max(1e-8, |a| + |n|) below a limit."""

    def relative(a, n):
        return (np.abs(a - n) / np.maximum(1e-8, np.abs(a) + np.abs(n))).max() < limit

    return lambda f, b, inputs, rng: every_entry(f, b, inputs, random(f, inputs, rng), 1e-5, relative)


def minitorch(f, backward, inputs, rng):
    """minitorch: ones, float64, h = 1e-6, one random entry of each input, to 1e-2 relative plus 1e-2."""
    c = ones(f, inputs, rng)
    for k, dx in enumerate(gradients(f, backward, inputs, c)):
        i = tuple(int(rng.integers(n)) for n in dx.shape)
        n = slopes(f, inputs, c, k, 1e-6)[i]
        if not abs(dx[i] - n) <= 1e-2 + 1e-2 * abs(n):
            return False
    return True


def norms(found, f, inputs, c, h):
    return sum(float(np.linalg.norm(dx - slopes(f, inputs, c, k, h))) for k, dx in enumerate(found))


def dlsys_1(f, backward, inputs, rng):
    """CMU's deep learning systems, homework 1: ones, float64, h = 1e-4, the norms of all errors sum to below 1e-6."""
    c = ones(f, inputs, rng)
    return norms(gradients(f, backward, inputs, c), f, inputs, c, 1e-4) < 1e-6


def dlsys_4(f, backward, inputs, rng):
    """The same, homework 4: random dy, float32, h = 1e-3, the norms of all errors sum to below 1e-2."""
    small = [x.astype(np.float32) for x in inputs]
    c = random(f, small, rng).astype(np.float32)
    return norms(gradients(f, backward, small, c), f, small, c, 1e-3) < 1e-2


def dezero(f, backward, inputs, rng):
    """DeZero: ones, float64, h = 1e-4, every entry to 1e-4 relative plus 1e-5."""
    close = lambda a, n: np.allclose(a, n, rtol=1e-4, atol=1e-5)  # noqa: E731
    return every_entry(f, backward, inputs, ones(f, inputs, rng), 1e-4, close)


def tinytorch(f, backward, inputs, rng):
    """TinyTorch (tests of 2026): a sum, that is ones, float32, h = 1e-3, every entry to 5e-3 relative plus 1e-4."""
    small = [x.astype(np.float32) for x in inputs]
    close = lambda a, n: np.allclose(a, n, rtol=5e-3, atol=1e-4)  # noqa: E731
    return every_entry(f, backward, small, ones(f, small, rng).astype(np.float32), 1e-3, close)


def pytorch(fast):
    """torch.autograd.gradcheck with its defaults, on the NumPy pair as a Function of PyTorch."""

    def passes(f, backward, inputs, rng):
        import torch

        class Pair(torch.autograd.Function):
            @staticmethod
            def forward(ctx, *tensors):
                ctx.save_for_backward(*tensors)
                return torch.from_numpy(np.array(f(*[x.detach().numpy() for x in tensors])))

            @staticmethod
            def backward(ctx, dy):
                arrays = [x.detach().numpy() for x in ctx.saved_tensors]
                found = gradients(f, lambda c, y, *xs: backward(dy.numpy(), y, *xs), arrays, None)
                return tuple(torch.from_numpy(np.ascontiguousarray(dx)) for dx in found)

        torch.manual_seed(int(rng.integers(2**31)))
        tensors = [torch.from_numpy(x.copy()).requires_grad_() for x in inputs]
        return torch.autograd.gradcheck(Pair.apply, tensors, fast_mode=fast, raise_exception=False)

    return passes


def minigen(f, backward, inputs, rng):
    """minigen.check.grad_check with its defaults."""
    return grad_report(f, inputs, backward=backward, seed=int(rng.integers(2**31))).ok


CONVENTIONS: dict[str, Callable[..., bool]] = {
    "CS231n, below 1e-6": cs231n(1e-6),
    "CS231n, below 1e-4": cs231n(1e-4),
    "minitorch": minitorch,
    "dlsys, homework 1": dlsys_1,
    "dlsys, homework 4": dlsys_4,
    "DeZero": dezero,
    "TinyTorch": tinytorch,
    **({"torch gradcheck": pytorch(False), "torch gradcheck, fast": pytorch(True)} if HAS_TORCH else {}),
    "minigen": minigen,
}


def passes(name: str, f: Any, backward: Any, inputs: Arrays, seed: int) -> bool:
    """Would this convention let the backward pass?  What it raises on the way, a shape or a dtype, is a no."""
    with np.errstate(all="ignore"):
        try:
            return bool(CONVENTIONS[name](f, backward, inputs, np.random.default_rng(seed)))
        except (ValueError, RuntimeError, TypeError, IndexError):
            return False

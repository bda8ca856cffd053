"""A hundred steps beside PyTorch's optimisers, in float32."""

import functools

import numpy as np
import pytest

import minigen
from minigen import Parameter, optim

torch = pytest.importorskip("torch", reason="PyTorch, the referee, is not installed")

PAIRS = {
    "sgd": (functools.partial(optim.SGD), functools.partial(torch.optim.SGD), 0.01),
    "momentum": (functools.partial(optim.SGD, momentum=0.9), functools.partial(torch.optim.SGD, momentum=0.9), 0.01),
    "nesterov": (
        functools.partial(optim.SGD, momentum=0.9, nesterov=True),
        functools.partial(torch.optim.SGD, momentum=0.9, nesterov=True),
        0.01,
    ),
    "adam": (optim.Adam, torch.optim.Adam, 1e-3),
    "adam .5": (
        functools.partial(optim.Adam, betas=(0.5, 0.999)),
        functools.partial(torch.optim.Adam, betas=(0.5, 0.999)),
        1e-3,
    ),
    "adamw": (optim.AdamW, torch.optim.AdamW, 1e-3),
    "rmsprop": (optim.RMSProp, torch.optim.RMSprop, 0.01),
    "adagrad": (optim.Adagrad, torch.optim.Adagrad, 0.01),
}


@pytest.mark.parametrize("decay", [None, 0.1])
@pytest.mark.parametrize("name", PAIRS)
def test_a_hundred_steps_equal_pytorchs(name, decay):
    ours, theirs, rate = PAIRS[name]
    settings = {} if decay is None else {"weight_decay": decay}
    draws = minigen.random.generator(0)
    start = [draws.normal(size=shape).astype(np.float32) for shape in ((30, 20), (20,), ())]
    mine = [Parameter(a.copy()) for a in start]
    yours = [torch.nn.Parameter(torch.tensor(a)) for a in start]
    made, judge = ours(mine, rate, **settings), theirs(yours, lr=rate, **settings)
    for _ in range(100):
        grads = [draws.normal(size=a.shape).astype(np.float32) for a in start]
        made.update(grads)
        for p, g in zip(yours, grads, strict=True):
            p.grad = torch.tensor(g)
        judge.step()
    for p, q in zip(mine, yours, strict=True):
        np.testing.assert_allclose(p.numpy(), q.detach().numpy(), rtol=2e-5, atol=2e-6)  # 100 roundings of 6e-8


def test_clipping_equals_pytorchs():
    grads = [np.float32([3, 4]), np.float32([[12.0]])]
    leaves = [torch.nn.Parameter(torch.zeros(g.shape)) for g in grads]
    for p, g in zip(leaves, grads, strict=True):
        p.grad = torch.tensor(g)
    norm = torch.nn.utils.clip_grad_norm_(leaves, 2.0)
    clipped, ours = optim.clip_grad_norm(grads, 2.0)
    assert ours == pytest.approx(float(norm)) == pytest.approx(13)
    for p, g in zip(leaves, clipped, strict=True):
        np.testing.assert_allclose(g, p.grad.numpy(), rtol=1e-6)

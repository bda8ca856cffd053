"""Steps of Adam on CuPy: one launch over the flat buffer where array calls take thirteen, and one that looks at it."""

import numpy as np

from minigen.backend import array_module
from minigen.kernels.cuda_launch import launch, launch_blocks, suits
from minigen.ops.steps import CHUNKS, adam_step, watched_adam_step

LENGTH = 2048  # numbers in a chunk that a block looks through, at least


def adam_step_cuda(w, g, spare, m, v, *, rate, eps, beta1, beta2):
    if not suits(w, g, m, v):
        return adam_step.function(w, g, spare, m, v, rate=rate, eps=eps, beta1=beta1, beta2=beta2)
    xp = array_module(w)
    numbers = xp.asarray(np.array([1, rate, eps, 1, 0], np.float32))
    _move(w, g, m, v, xp.zeros((2, CHUNKS), np.int32), numbers, beta1, beta2)


def watched_adam_step_cuda(w, g, spare, m, v, faults, numbers, *, beta1, beta2):
    if not suits(w, g, m, v):
        return watched_adam_step.function(w, g, spare, m, v, faults, numbers, beta1=beta1, beta2=beta2)
    length = max(LENGTH, -(-g.size // CHUNKS))
    launch_blocks("note_faults", -(-g.size // length), g, numbers, faults, np.int32(g.size), np.int32(length))
    _move(w, g, m, v, faults, numbers, beta1, beta2)


def _move(w, g, m, v, faults, numbers, beta1, beta2):
    shares = (np.float32(share) for share in (beta1, 1 - beta1, beta2, 1 - beta2))
    launch("adam", w.size, w, g, m, v, faults, numbers, np.int32(w.size), *shares)


adam_step.kernels["cupy"] = adam_step_cuda
watched_adam_step.kernels["cupy"] = watched_adam_step_cuda

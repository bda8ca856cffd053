"""One step of Adam on CuPy in one launch over the flat buffer, where array calls take thirteen."""

import math

import numpy as np

from minigen.kernels.cuda_launch import launch, suits
from minigen.ops.steps import adam_step


def adam_step_cuda(w, g, spare, m, v, *, rate, beta1, beta2, eps, steps):
    if not suits(w, g, m, v):
        return adam_step.function(w, g, spare, m, v, rate=rate, beta1=beta1, beta2=beta2, eps=eps, steps=steps)
    root = math.sqrt(1 - beta2**steps)  # in double precision: 1 − 0.999 has three digits less in single
    numbers = (beta1, 1 - beta1, beta2, 1 - beta2, root * eps, root * rate / (1 - beta1**steps))
    launch("adam", w.size, w, g, m, v, np.int32(w.size), *(np.float32(n) for n in numbers))


adam_step.kernels["cupy"] = adam_step_cuda

"""The engine: tensors that remember how they were made, and the walk that differentiates them.

| file | what |
|---|---|
| tensor.py | Tensor, Parameter |
| switches.py | no_grad, detect_anomaly, kernels_off |
| node.py, op.py, dtypes.py | the node each application leaves; `@op` and `@fused`, which make operations; weak inputs |
| gradients.py, sums.py | the walk: grad, backward; adding up many numbers |
| debug.py, drawing.py | what detect_anomaly looks at; draw_graph |
"""

from minigen.autograd.drawing import draw_graph
from minigen.autograd.gradients import backward, grad
from minigen.autograd.op import FUSED, OPS, Fused, Op, kernel
from minigen.autograd.switches import detect_anomaly, kernels_off, no_grad
from minigen.autograd.tensor import Parameter, Tensor

__all__ = [
    "FUSED",
    "OPS",
    "Fused",
    "Op",
    "Parameter",
    "Tensor",
    "backward",
    "detect_anomaly",
    "draw_graph",
    "grad",
    "kernel",
    "kernels_off",
    "no_grad",
]

"""How weights move: optimisers over flat buffers, learning rates that change, averaged weights.

| file | what |
|---|---|
| formulas.py | one step of each method, for arrays and tensors: what is computed, and differentiable |
| optimiser.py | Optimiser: what all share, from gradients to a step |
| sgd.py, adam.py, adaptive.py | SGD; Adam, AdamW; RMSProp, Adagrad |
| flat.py, owners.py | many parameters as views of one array; no parameter with two optimisers |
| watch.py, checks.py | the look for a NaN without a wait; gradients and saved states, looked at before use |
| schedules.py, clipping.py | learning rates by step; a bound on the gradient's length |
| average.py | Average: the weights that samples are drawn with |
"""

from minigen.optim import formulas, schedules
from minigen.optim.adam import Adam, AdamW
from minigen.optim.adaptive import Adagrad, RMSProp
from minigen.optim.average import Average
from minigen.optim.clipping import clip_grad_norm
from minigen.optim.optimiser import Optimiser
from minigen.optim.schedules import constant, cosine, exponential, linear_decay, step_decay, warmup
from minigen.optim.sgd import SGD

__all__ = [
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Average",
    "Optimiser",
    "RMSProp",
    "clip_grad_norm",
    "constant",
    "cosine",
    "exponential",
    "formulas",
    "linear_decay",
    "schedules",
    "step_decay",
    "warmup",
]

"""Proof by machine: is a derivative right, and if not, where and why?

Each check returns None or raises an AssertionError whose text names the place, the numbers and the likely cause.

| to hold | against | ask |
|---|---|---|
| a gradient, by minigen, PyTorch or by hand | finite differences | `grad_check`, `grad_report` |
| a forward and a backward in plain NumPy | a reference and finite differences | `op_check` |
| a value | a closed form or a reference | `value_check` |
| a linear map and its transpose | each other | `adjoint_check` |
| what must always hold (KL ≥ 0) | random draws | `invariant_check` |
| a test | planted wrong derivatives | `mutants.prove` |
| all that a lesson checked | once more, at its end | `checklist` |
| a student's notebook | an instructor's cases | `python -m minigen.check`, the folder grading/ |

| file | what |
|---|---|
| gradient.py | grad_check, grad_report: the order of events |
| operation.py | op_check: three conventions of pairs written by hand |
| problem.py, pytorch.py, torch_graph.py | what is differentiated: a function of tensors, or one and its backward |
| numeric.py | central differences, the second look, projections |
| around.py, rough.py | what else a gradient owes: shapes, dtypes, linearity in dy, nothing changed; being a formula |
| oracles.py, values.py, adjoint.py | value_check, invariant_check, adjoint_check |
| explain.py, diagnose.py, hints.py | from a pattern of errors to a cause; the table of causes, in English and Chinese |
| checklist.py | checklist: every check of a notebook once more |
| verdict.py, speak.py | what a check found, and how it says so |
"""

from minigen.check.adjoint import adjoint_check
from minigen.check.checklist import checklist
from minigen.check.gradient import grad_check, grad_report
from minigen.check.operation import op_check
from minigen.check.oracles import invariant_check, value_check
from minigen.check.verdict import (
    AdjointCheckError,
    CheckError,
    GradCheckError,
    InvariantCheckError,
    Report,
    ValueCheckError,
)

__all__ = [
    "AdjointCheckError",
    "CheckError",
    "GradCheckError",
    "InvariantCheckError",
    "Report",
    "ValueCheckError",
    "adjoint_check",
    "checklist",
    "grad_check",
    "grad_report",
    "invariant_check",
    "op_check",
    "value_check",
]

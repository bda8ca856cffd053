"""Proof by machine: is a derivative right, and if not, where and why?

`grad_check` holds a derivative against finite differences, `adjoint_check` a linear map against its transpose.  Each
returns None or raises an AssertionError whose text names the place, the numbers and the likely cause.

| file | what |
|---|---|
| gradient.py | grad_check, grad_report: the order of events |
| problem.py | what is differentiated: a function of tensors, or a function and a hand-written backward |
| numeric.py | central differences, the second look, projections |
| around.py | what else a gradient owes: shapes, dtypes, linearity in dy, nothing changed |
| adjoint.py | adjoint_check |
| diagnose.py, hints.py | from a pattern of numbers to a cause; the table of causes, in English and Chinese |
| verdict.py | what a check found, and how it says so |
"""

from minigen.check.adjoint import adjoint_check
from minigen.check.gradient import grad_check, grad_report
from minigen.check.verdict import AdjointCheckError, CheckError, GradCheckError, Report

__all__ = [
    "AdjointCheckError",
    "CheckError",
    "GradCheckError",
    "Report",
    "adjoint_check",
    "grad_check",
    "grad_report",
]

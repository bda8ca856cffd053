"""Grading: cases that an instructor writes, run on submissions that live in processes of their own.

    from minigen.check import op_check
    from minigen.check.grading import case

    @case("dense: the gradient", points=2)
    def dense_gradient(submission, rng):
        op_check(submission.dense, submission.dense_backward, [rng.normal(size=(4, 3)), rng.normal(size=(3, 2))])

`python -m minigen.check SUBMISSION --cases cases.py` runs them.

| file | what |
|---|---|
| cases.py | @case, and how a file of cases is read |
| command.py, run.py, report.py | the command; cases over a submission; tables and JSON |
| remote.py | the submission as a case sees it |
| desk.py, process.py, room.py | its process and its folder, from outside |
| wire.py | what travels between them |
| worker.py | its process, from inside |
| load.py, needs.py | how it is executed |
| guard.py, limits.py | what it may not do, and how much it may take |
| engines.py, watch.py | its functions of tensors; its backward under observation |
| mutants.py | proof that the cases tell right from wrong |
"""

from minigen.check.grading.cases import case
from minigen.check.grading.failure import SubmissionError
from minigen.check.grading.remote import as_rule, in_place

__all__ = ["SubmissionError", "as_rule", "case", "in_place"]

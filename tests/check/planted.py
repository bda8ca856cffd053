"""The eight functions and 28 planted errors of benchmarks/planted_errors.py, under the tests' name for them."""

from benchmarks.planted_errors import exercises, softmax, softmax_backward

__all__ = ["exercises", "softmax", "softmax_backward"]

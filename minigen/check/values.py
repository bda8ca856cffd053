"""A value beside what it should be: copies of the inputs go in, one array comes out, and every entry is compared."""

import copy
from typing import Any

import numpy as np

from minigen.autograd import Tensor
from minigen.backend import to_host
from minigen.check.diagnose import diagnose, place_of, sizes_of
from minigen.check.given import name_inputs
from minigen.check.hints import Hint, hint
from minigen.check.verdict import Finding, Found
from minigen.errors import SettingError

NUMBERS = (bool, int, float, complex, np.generic)


class Case:
    """One evaluation of f, its promises looked at: unchanged inputs, one array of the expected shape and dtype."""

    def __init__(self, f: Any, inputs: Any, expected: Any, said: str):
        given = name_inputs(f, [inputs] if isinstance(inputs, NUMBERS) else inputs)
        self.said = said  # "case 2 of 3"
        self.inputs = {name: on_host(x) for name, x in given.items() if hasattr(x, "dtype")}
        copies = {name: copied(x) for name, x in given.items()}
        y = f(*copies.values())
        self.yours = result(y, "f", said).copy()  # f may fill the same array again
        for name, x in self.inputs.items():
            if not np.array_equal(on_host(copies[name]), x, equal_nan=x.dtype.kind in "fc"):
                raise Found(Finding(f"f changes its input {name}", "broken", said, hint=hint("in place")))
        if callable(expected):
            expected = expected(*(copied(x) for x in given.values()))
        self.expected = on_host(expected).copy()
        if self.expected.dtype.kind not in "biufc":
            raise SettingError(f"value_check: the expected value of {said} is {self.expected.dtype}; it takes numbers.")
        if hasattr(y, "dtype"):
            self._dtype(hasattr(expected, "dtype"))
        self._shape()

    def _dtype(self, insists: bool) -> None:
        """float64 stays float64; float32 or bool where that is expected."""
        got, expected = self.yours.dtype, self.expected.dtype
        wide = any(x.dtype == np.float64 for x in self.inputs.values())
        narrow = insists and expected.kind == "f" and expected.itemsize < 8
        if insists and expected.kind == "b" or narrow and not wide or got.kind == "c" != expected.kind:
            wanted = expected
        elif wide and not narrow and got.kind == "f":
            wanted = np.dtype(np.float64)
        else:
            return
        if got != wanted:
            why = hint("float64" if got.itemsize > wanted.itemsize else "float32") if got.kind == "f" else None
            raise Found(Finding(f"the result is {got}; {wanted} is expected", "broken", self.said, hint=why))

    def _shape(self) -> None:
        got, wanted = self.yours.shape, self.expected.shape
        if got == wanted:
            return
        why = None
        if [n for n in got if n != 1] == [n for n in wanted if n != 1]:
            why = hint("length 1")
        elif got == wanted[::-1]:
            why = hint("transposed")
        elif len(got) > len(wanted):
            why = hint("reduce")
        raise Found(Finding(f"the result has shape {got}; {wanted} is expected", "broken", self.said, hint=why))

    def compare(self, rtol: float, atol: float, within: Any) -> None:
        """Fill in error, allowed and wrong, entry by entry.  An expected NaN ends the check: nothing agrees with it."""
        a, e = (x.astype(np.result_type(x, np.float64)) for x in (self.yours, self.expected))
        nan = np.isnan(e)
        if nan.any():
            place = place_of("y", np.unravel_index(nan.argmax(), e.shape))
            if not np.isnan(a[nan]).any():
                raise SettingError(f"value_check: {self.said}: the expected {place} is NaN; choose other inputs.")
            text, where = "NaN on both sides: f itself is not finite here", f"{place} of shape {e.shape}; {self.said}"
            raise Found(Finding(text, "both NaN", where, hint=hint("domain")))
        finite, equal = np.isfinite(a) & np.isfinite(e), a == e
        a, e = np.where(finite, a, 0.0), np.where(finite, e, 0.0)
        try:
            allowed = rtol * np.maximum(abs(a), abs(e)) + atol if within is None else within
            self.allowed = np.broadcast_to(allowed, e.shape)
        except ValueError:
            raise SettingError(f"value_check: within has shape {np.shape(within)}; the result has {e.shape}.") from None
        self.error = np.where(finite, abs(a - e), np.where(equal, 0.0, np.inf))
        self.wrong = ~(self.error <= self.allowed)

    def worst(self) -> int | None:
        """The flat place of the entry that comes nearest to its tolerance, or exceeds it most."""
        if not self.error.size:
            return None
        return int(np.where(self.error > 0, self.error / np.maximum(self.allowed, 1e-300), 0.0).argmax())


def worst_of(seen: list[Case]) -> tuple[float, float]:
    """The error and the tolerance of the entry that comes nearest to its tolerance."""
    pairs = [(float(c.error.flat[i]), float(c.allowed.flat[i])) for c in seen if (i := c.worst()) is not None]
    return max(pairs, key=lambda pair: pair[0] / (pair[1] or 1.0), default=(0.0, 0.0))


def copied(x: Any) -> Any:
    """A copy of the same kind: arrays stay arrays, tensors tensors."""
    if isinstance(x, Tensor):
        return Tensor(x.data.copy(), requires_grad=x.requires_grad, name=x.name)
    if hasattr(x, "detach"):  # PyTorch's
        return x.detach().clone().requires_grad_(x.requires_grad)
    return copy.deepcopy(x)


def on_host(x: Any) -> np.ndarray:
    """What was given, or came out, as an array of NumPy."""
    if isinstance(x, Tensor):
        return to_host(x.data)
    if hasattr(x, "detach"):
        return x.detach().cpu().numpy()
    return to_host(x)


def result(y: Any, who: str, where: str) -> np.ndarray:
    """The one array, tensor or number that `who` returned."""
    if y is None:
        raise Found(Finding(f"{who} returns None: is a return missing?", "broken", where))
    if not hasattr(y, "dtype") and not isinstance(y, NUMBERS):
        what = f"a {type(y).__name__}" + (f" of {len(y)}" if isinstance(y, tuple | list) else "")
        raise Found(Finding(f"{who} returns {what}; it must return one array or one number", "broken", where))
    found = on_host(y)
    if found.dtype.kind not in "biufc":
        raise Found(Finding(f"{who} returns {found.dtype}; it must return numbers", "broken", where))
    return found


# From numbers to words ------------------------------------------------------------------------------------------------


def explain(seen: list[Case]) -> Finding:
    """The finding of the first case that is wrong."""
    wrong = [case for case in seen if case.wrong.any()]
    case = wrong[0]
    flat = case.worst()
    assert flat is not None
    place = np.unravel_index(flat, case.yours.shape)
    yours, expected = case.yours[place].item(), case.expected[place].item()
    where = (
        f"{place_of('y', place)} of shape {case.yours.shape}; {case.wrong.sum()} of {case.wrong.size} entries disagree"
    )
    if not place:
        where = f"{len(wrong)} of {len(seen)} cases disagree" if len(seen) > 1 else "one number"
    numbers = f"yours {_number(yours, expected)}   expected {_number(expected, yours)}"
    if np.isfinite(yours) and np.isfinite(expected):
        numbers += f" ± {case.allowed.flat[flat]:.0e}"
        numbers += f"   ratio {yours / expected:.4f}" if expected else ""
    shapes = ", ".join(f"{name} {x.shape}" for name, x in case.inputs.items())
    return Finding(
        "the value is wrong",
        "wrong",
        f"{where}; {case.said}",
        numbers,
        _cause(case, seen),
        f"inputs {shapes}" if shapes else "",
    )


def _number(x: Any, other: Any) -> str:
    """x to six digits, or to as many as tell it from the other."""
    return next((f"{x:.{n}g}" for n in (6, 9, 12) if f"{x:.{n}g}" != f"{other:.{n}g}"), f"{x:.17g}")


def _cause(case: Case, seen: list[Case]) -> Hint | None:
    """The hint that the pattern of the entries suggests, or of all cases where each is one number."""
    numbers = [c for c in seen if c.yours.shape == ()]
    if any(c.yours.dtype.kind == "c" or c.expected.dtype.kind == "c" for c in seen):
        return None
    sizes = [size for name, x in case.inputs.items() for size in sizes_of(x.shape, name)]
    if case.yours.shape == () and len(numbers) > 1:
        a, e = (
            np.array([float(x) for x in column])
            for column in ([c.yours for c in numbers], [c.expected for c in numbers])
        )
        row = diagnose(a, e, x=e, name="y", sizes=sizes)
        if row.key in OF_CASES:
            return _said_of_values(row)
    a, e = (x.astype(np.float64) for x in (case.yours, case.expected))
    if np.isfinite(a[case.wrong]).all() and not np.isfinite(e[case.wrong]).all():
        return None
    a, e = np.where(np.isinf(e), 0.0, a), np.where(np.isinf(e), np.nan, e)  # equal infinities tell nothing
    name, x = next(((n, x) for n, x in case.inputs.items() if x.shape == a.shape and x.dtype.kind in "iuf"), ("y", e))
    row = diagnose(a, e, x=x, name=name, sizes=sizes)
    return _said_of_values(row if row.key != "none" else diagnose(a, e, x=x, name="y", sizes=[]))


OF_CASES = ("sign", "double", "half", "times", "share", "factor", "zero", "offset")


def _said_of_values(row: Hint) -> Hint:
    """The table speaks of gradients and differences; the same pattern in values has the same cause."""
    if row.key == "zero":
        return hint("zero value")
    return Hint(row.key, row.en.replace("numerical", "expected"), row.zh.replace("梯度", "结果"))

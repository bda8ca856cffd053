"""Tricks inside the rules of Python: each ends in a failed case that says why, and the grader goes on to the next."""

import math
from pathlib import Path

import numpy as np
import pytest

from minigen.check import grad_check, op_check, value_check
from minigen.check.grading import SubmissionError

SUBMISSION = Path(__file__).parent / "submissions" / "tricks.py"


def draw(rng):
    return [rng.normal(size=(4, 3)), rng.normal(size=(3, 2))]


def gradient(name):
    return lambda s, rng: op_check(s.dense, getattr(s, name), draw(rng))


def value(name):
    return lambda s, rng: value_check(getattr(s, name), [(draw(rng), lambda x, w: x @ w)])


def by_hand(name):
    """A case as an instructor may write it, without the library's checks."""

    def check(submission, rng):
        x, w = draw(rng)
        y = getattr(submission, name)(x, w)
        np.testing.assert_allclose(y, x @ w)

    return check


TRICKS = {
    "finite differences of f": (gradient("backward_by_f"), "calls a function beside its input"),
    "of a private copy of f": (gradient("backward_by_a_copy"), "calls a function beside its input"),
    "of no function at all": (gradient("backward_inline"), "the backward is uneven"),
    "with the observation turned off": (gradient("backward_unwatched"), "calls a function beside its input"),
    "zeros": (gradient("backward_zeros"), "the gradient with respect to x is wrong"),
    "the right sums only": (gradient("backward_sums"), "the gradient with respect to x is wrong"),
    "a backward that changes its input": (gradient("backward_mutates"), "changes its argument x in place"),
    "a forward that changes its input": (value("forward_mutates"), "changes its argument x in place"),
    "zeros on both sides": (by_hand("forward_mutates"), "changes its argument x in place"),
    "a check of its own, and all errors caught": (gradient("backward_catches"), "returns None: is a return missing?"),
    "nothing for a gradient": (gradient("nothing"), "returns None: is a return missing?"),
    "nothing for a value": (value("nothing"), "returns None"),
    "text for a number": (value("text"), "returns a str"),
    "an object that is equal to everything": (by_hand("evil_object"), "an object (Evil) where a number or an array"),
    "such an object in a check": (value("evil_object"), "returns a Evil"),
    "such an object for a gradient": (gradient("evil_object"), "returns 1 gradient for 2 inputs"),
    "such objects in a list": (value("evil_inside"), "returns a list"),
    "an error whose text ends the program": (value("evil_error"), "raised EvilError: (its message cannot be read)"),
    "300 MiB": (value("huge"), "huge returned 300 MiB; at most 256 MiB can be handed over"),
    "an array of objects": (value("object_array"), "object_array raised SystemExit"),
    "an array of records": (value("records"), "an array of dtype [('a', '<f8')]; numbers, booleans and text"),
    "NaN": (value("nan"), "the value is wrong"),
    "complex gradients": (gradient("complex_gradients"), "complex128"),
    "very many objects": (value("many_objects"), "many_objects gave an answer that makes no sense"),
    "lists 500 deep": (value("nested"), "lists within lists, 50 deep or more"),
    "a list in itself": (value("itself"), "lists within lists, 50 deep or more"),
    "exit": (value("leaves"), "leaves raised SystemExit: 0"),
    "no such attribute": (value("raises"), "has no attribute 'no_such_thing' (tricks.py, line"),
    "endless recursion": (value("recursion"), "raised RecursionError"),
    "a number of its own kind": (value("own_integer"), "returns a Integer"),
    "control characters": (value("control_characters"), "ValueError: \N{REPLACEMENT CHARACTER}[2Jall 10/10 passed"),
    "a boolean that is neither": (by_hand("odd_booleans"), "not equal"),
}


def a_right_one_between(submission, rng):
    value_check(submission.dense, [(draw(rng), lambda x, w: x @ w)])


@pytest.fixture(scope="module")
def tricks(graded):
    checks = {}
    for name, (check, _) in TRICKS.items():
        checks[name] = check
        checks[f"after {name}"] = a_right_one_between
    return graded(SUBMISSION, checks)


@pytest.mark.parametrize("name", TRICKS)
def test_a_trick_earns_nothing_and_is_named(tricks, name):
    assert tricks[name].score == 0 and not tricks[name].fault, tricks[name].fault
    assert TRICKS[name][1].lower() in tricks[name].message.lower()


@pytest.mark.parametrize("name", TRICKS)
def test_the_grader_is_well_afterwards(tricks, name):
    assert tricks[f"after {name}"].passed, tricks[f"after {name}"].message


def test_nothing_of_the_grader_was_touched():
    import builtins

    assert builtins.abs(-1) == 1 and np.allclose([1], [2]) is False and np.random.default_rng(0) is not None
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(1, 2)
    with pytest.raises(AssertionError):
        grad_check(lambda x: x**2, [np.ones(2)], backward=lambda dy, y, x: dy, quiet=True)


def test_a_message_of_a_hidden_case_tells_no_number(graded):
    text = """
def f(x):
    raise ValueError(f"x is {x}")

def g(x):
    raise type(f"X{int(1000 * x)}", (Exception,), {})

def h(x):
    return 2 * x
"""

    bare = {}
    exec("def check(submission, rng):\n    assert submission.h(0.125) == 0.125", bare)  # pytest adds numbers to its own
    checks = {
        "f": lambda s, rng: s.f(0.125),
        "g": lambda s, rng: s.g(0.125),
        "h": lambda s, rng: value_check(s.h, [(np.full(3, 0.125), np.full(3, 0.375))]),
        "numpy": lambda s, rng: np.testing.assert_allclose(s.h(np.full(3, 0.125)), 0.375),
        "bare": bare["check"],
    }
    shown, hidden = graded(text, checks), graded(text, checks, visibility="hidden", reveal=False)
    assert "x is 0.125" in shown["f"].message and "0.25" in shown["h"].message and "0.375" in shown["numpy"].message
    assert hidden["f"].message == "f raised ValueError (solution.py, line 3)"
    assert hidden["g"].message == "g raised an error of its own (solution.py, line 6)"
    for outcome in hidden.values():
        assert not outcome.passed and outcome.message
        assert not any(number in outcome.message for number in ("125", "0.25", "0.375")), outcome.message


def test_what_a_hidden_case_prints_is_nobodys_business(graded):
    text = "seen = []\ndef f(x):\n    seen.append(x)\n    print('seen', seen)\n    return x\n"
    checks = {"f": lambda s, rng: s.f(0.125)}

    def both(submission, rng):
        assert submission.f(0.25) == 0.25

    found = graded(text, {"both": both}, visibility="visible")
    assert "seen [0.25]" in found["both"].printed
    for visibility in ("hidden", "after_due_date", "after_published"):
        found = graded(text, {"both": both, **checks}, visibility=visibility, reveal=visibility != "hidden")
        assert found["both"].passed and "seen" not in found["both"].printed


def test_visible_cases_come_first_so_that_hidden_ones_cannot_be_told(tmp_path):
    from minigen.check.grading.cases import Case
    from minigen.check.grading.process import Limits
    from minigen.check.grading.run import grade

    path = tmp_path / "solution.py"
    path.write_text("seen = []\ndef f(x):\n    print('before me:', seen)\n    seen.append(x)\n    return x\n")

    def case(name, visibility):
        def check(submission, rng):
            assert submission.f(name) == name

        return Case(name, check, 1.0, visibility, (0,))

    result = grade(path, [case("secret", "hidden"), case("open", "visible")], Limits())
    assert [outcome.case.name for outcome in result.outcomes] == ["secret", "open"]
    assert "before me: []" in result.outcomes[1].printed and result.passed


def test_a_submission_error_says_what_the_submission_raised(graded):
    def check(submission, rng):
        try:
            submission.f(1.0)
        except SubmissionError as error:
            assert error.kind == "ZeroDivisionError"
            return
        raise AssertionError("f must refuse")

    assert graded("def f(x):\n    return x / 0\n", {"f": check})["f"].passed


def test_a_hidden_case_shows_no_sentence_of_an_assertion(graded):
    def check(submission, rng):
        raise AssertionError(f"dense(2) must be 4, and not {submission.f}")

    found = graded("f = 3\n", {"f": check}, visibility="hidden", reveal=False)
    assert found["f"].message == "it does not hold"
    assert graded("f = 3\n", {"f": check})["f"].message == "dense(2) must be 4, and not 3"


NUMBERS = {
    "equal": lambda f: f == 1,
    "above": lambda f: f > 1,
    "sum": lambda f: 1 + f,
    "array": lambda f: np.testing.assert_allclose(f, 1.0),
    "float": float,
    "complex": complex,
    "round": round,
    "format": lambda f: f"{f:.3f}",
    "next": next,
    "plus": lambda f: +f,
    "not": lambda f: ~f,
    "trunc": math.trunc,
    "floor": math.floor,
    "ceil": math.ceil,
    "in": lambda f: 1 in f,
    "length": len,
    "true": bool,
}


def test_a_function_where_a_number_is_expected_is_the_submissions_failure(graded):
    def with_(f):
        with f:
            pass

    acts = NUMBERS | {"with": with_}
    checks = {name: lambda s, rng, act=act: act(s.f) and None for name, act in acts.items()}
    checks |= {f"object {name}": lambda s, rng, act=act: act(s.o) and None for name, act in acts.items()}
    found = graded("def f(x):\n    return x\no = object()\n", checks)
    for name, outcome in found.items():
        kind = "an object (object)" if name.startswith("object") else "a function (f)"
        assert not outcome.passed and not outcome.fault, (name, outcome.fault)
        assert f"{kind} where a number or an array is expected" in outcome.message, name


GENERATORS = """
import numpy as np

class PCG64(np.random.PCG64):
    @property
    def state(self):
        return {"bit_generator": "PCG64", "state": {"state": -1, "inc": -1}, "has_uint32": 0, "uinteger": 0}

def f():
    return np.random.Generator(PCG64(1))

def g():
    PCG64.__module__ = "numpy.random._pcg64"
    return np.random.Generator(PCG64(1))
"""


@pytest.mark.parametrize("name", ["f", "g"])
def test_a_generator_that_is_none_is_the_submissions_failure(graded, name):
    found = graded(GENERATORS, {"draws": lambda s, rng: np.testing.assert_allclose(getattr(s, name)(), 1.0)})
    assert not found["draws"].passed and not found["draws"].fault, found["draws"].fault
    expected = "where a number or an array" if name == "f" else "g gave an answer that makes no sense"
    assert expected in found["draws"].message


MATRIX = """
import numpy as np

def dense(x, w):
    return x @ w

class Odd(np.ndarray):
    def __array_finalize__(self, other):
        self.unit = getattr(other, "unit", None)
        odd = List([1, 2])

    def __sub__(self, other):
        raise ValueError("units differ")

    max = None

class List(list):
    def __getitem__(self, key):
        raise ValueError("no slices")

def helper(entries, x):
    return x

def dense_backward(dy, y, x, w):
    return np.asarray(np.asmatrix(dy) * np.asmatrix(w).T), np.asarray(np.asmatrix(x).T * np.asmatrix(dy))

def odd_backward(dy, y, x, w):
    return dy @ np.asarray(helper(List([1]), w.view(Odd))).T, np.asarray(helper(List([x]), x.view(Odd))).T @ dy
"""


@pytest.mark.parametrize("name", ["dense_backward", "odd_backward"])
def test_the_observation_breaks_no_class_of_arrays(graded, name):
    found = graded(MATRIX, {"gradient": gradient(name)})
    assert found["gradient"].passed, found["gradient"].message

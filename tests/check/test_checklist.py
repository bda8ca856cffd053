"""checklist: what holds, what fails, what is still to do, and how long it took."""

import time

import pytest

from minigen.check import CheckError, checklist, value_check
from minigen.errors import SettingError


def holds():
    value_check(lambda x: 2 * x, [([1.0], 2.0)], name="twice")


def fails():
    value_check(lambda x: 3 * x, [([1.0], 2.0)], name="twice")


def breaks():
    return {}["nothing"]


def to_do():
    raise NotImplementedError("exercise A")


def test_each_check_has_a_line_and_what_it_prints_is_not_shown_again(capsys):
    checklist([holds, holds, to_do])
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "holds        holds",
        "holds        holds",
        "still to do  to_do",
        "2 holds, 1 still to do",
    ]
    assert err == ""


def test_the_first_failure_is_raised_once_every_check_was_asked(capsys):
    with pytest.raises(CheckError, match="twice: the value is wrong"):
        checklist([fails, breaks, holds, to_do])
    assert capsys.readouterr().out.splitlines() == [
        "fails        fails",
        "fails        breaks",
        "holds        holds",
        "still to do  to_do",
        "1 holds, 2 fails, 1 still to do",
    ]


def test_an_error_of_any_kind_is_no_success():
    with pytest.raises(KeyError, match="nothing"):
        checklist([breaks])


def test_the_last_line_has_the_seconds(capsys):
    checklist([holds], started=time.perf_counter() - 3.2, budget_s=8)
    assert capsys.readouterr().out.splitlines()[-1] == "1 holds; 3 s, planned 8 s"
    checklist([holds], started=time.perf_counter() - 9.2, budget_s=8)
    assert capsys.readouterr().out.splitlines()[-1] == "1 holds; 9 s, planned 8 s: this machine is slower, or busy"
    checklist([holds], started=time.perf_counter())
    assert capsys.readouterr().out.splitlines()[-1] == "1 holds; 0 s"


def test_an_empty_list_is_refused():
    with pytest.raises(SettingError, match="no check was given; hand over a list of functions"):
        checklist([])

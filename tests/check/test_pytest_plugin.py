"""The pytest plugin, run by pytest itself: fixtures, mark, options, and what a failed check looks like."""

import inspect
import re
import sys
from types import SimpleNamespace

import pytest

import pytest_minigen
from minigen import check
from pytest_minigen import LEVELS

pytest_plugins = ["pytester"]

HEAD = """
import numpy as np
import pytest

X = np.linspace(-1.0, 1.0, 12).reshape(4, 3)

def right(dy, y, x):
    return dy * np.cos(x)

def wrong(dy, y, x):
    return 2 * dy * np.cos(x)
"""


@pytest.fixture(autouse=True)
def as_at_home(monkeypatch):
    """On a CI machine pytest repeats whole messages in its summary."""
    for name in ("CI", "BUILD_NUMBER"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def course(pytester):
    """course(tests, *flags, ini=""): what pytest says about a course's test file, strict about its marks."""

    def run(tests, *flags, ini=""):
        # hypothesis's plugin, which would import hypothesis anew for every run that fails, takes no part
        addopts = "--strict-markers -p no:cacheprovider -p no:hypothesispytest"
        pytester.makeini(f"[pytest]\naddopts = {addopts}\nfilterwarnings = error\n{ini}")
        pytester.makepyfile(HEAD + inspect.cleandoc(tests))
        return pytester.runpytest_inprocess(*flags)

    return run


RIGHT = """
def test_of_sin(grad_check):
    grad_check(np.sin, {"x": X}, backward=right)
"""
WRONG = """
def test_of_sin(grad_check):
    grad_check(np.sin, {"x": X}, backward=wrong)
"""
SEEN = """
def test_a(grad_check):
    calls = []
    def f(x):
        calls.append(0)
        return np.sin(x)
    grad_check(f, {"x": np.linspace(-2.0, 2.0, 2001)}, backward=right)
    print("evaluated", len(calls))
"""
GOOD_OP = """
def test_op(op_check):
    op_check(lambda x: (np.sin(x), x), lambda dy, x: dy * np.cos(x), [X], style="cache")
"""


def test_the_fixture_checks_and_names_the_check_after_the_test(course):
    result = course(RIGHT, "-s")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*grad_check test_of_sin: right; 12 entries*"])
    result.stdout.no_fnmatch_line("gradient checks:*")


def test_a_failed_check_ends_at_the_users_line_and_says_its_message_once(course):
    result = course(WRONG)
    result.assert_outcomes(failed=1)
    out = result.stdout.str()
    result.stdout.fnmatch_lines(['>*grad_check(np.sin, {"x": X}, backward=wrong)', "E *respect to x is wrong"])
    assert out.count("12 of 12 entries disagree") == out.count("every ratio is 2:") == 1
    for inside in ("gradient.py", "pytest_minigen.py", "raise GradCheckError", "report = "):
        assert inside not in out


def test_a_failed_check_shows_its_worst_entries_in_a_section(course):
    result = course(WRONG)
    assert re.search(
        r"-+ gradient check -+\n"
        r"place +yours +numerical +ratio\n"
        r"(x\[\d, \d\] +-?\d\.\d+ +-?\d\.\d+ +2\.0000\n){8}"
        r"and 4 more\n",
        result.stdout.str(),
    )


def test_the_table_leads_with_the_convicted_entry_and_leaves_out_those_that_agree(course):
    result = course(
        """
        def test_of_sin(grad_check):
            def backward(dy, y, x):
                dx = dy * np.cos(x)
                dx[2, 1] *= 1.0001
                dx[3, 0] = np.nan
                return dx
            grad_check(lambda x: np.sin(x), {"x": X}, backward=backward)
        """
    )
    rows = result.stdout.str().partition("- gradient check -")[2].partition("===")[0].splitlines()[1:]
    assert [row.split("   ")[0] for row in rows] == ["place", "x[3, 0]", "x[2, 1]"]
    assert rows[1].split()[2] == "nan" and rows[1].split()[-1] == "-" and rows[2].endswith("1.0001")


def test_a_check_imported_directly_is_shown_alike_and_the_users_own_frames_stay(course):
    result = course(
        """
        from minigen.check import grad_check as imported

        def compare(backward):
            imported(np.sin, {"x": X}, backward=backward)

        def test_of_sin():
            compare(wrong)
        """
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([">*compare(wrong)", ">*imported(np.sin*", "E*sin: the*", "*- gradient check -*"])
    result.stdout.no_fnmatch_line("*gradient.py*")


def test_a_check_that_fails_while_a_test_is_set_up_is_shown_alike(course):
    result = course(
        """
        @pytest.fixture
        def checked(grad_check):
            grad_check(np.sin, {"x": X}, backward=wrong)

        def test_of_sin(checked):
            pass
        """
    )
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([">*backward=wrong)", "*- gradient check -*"])
    result.stdout.no_fnmatch_line("*gradient.py*")


def test_a_check_without_gradients_has_no_section(course):
    result = course(
        """
        from minigen.check import adjoint_check

        def test_flip():
            adjoint_check(lambda x: x[::-1], lambda y: 2 * y[::-1], (3,), (3,))
        """
    )
    result.stdout.fnmatch_lines([">*adjoint_check(*", "E*At is not the transpose of A*"])
    result.stdout.no_fnmatch_line("*- gradient check -*")
    result.stdout.no_fnmatch_line("*adjoint.py*")


def test_full_trace_shows_the_inside(course):
    course(WRONG, "--full-trace").stdout.fnmatch_lines(["*raise GradCheckError*"])


def test_hidden_numbers_stay_hidden(course):
    result = course("@pytest.mark.gradcheck(reveal=False)" + WRONG)
    result.assert_outcomes(failed=1)
    for line in ("*- gradient check -*", "*numerical*", "*yours*"):
        result.stdout.no_fnmatch_line(line)


def test_an_expected_failure_is_one_still(course):
    course("@pytest.mark.xfail(raises=AssertionError, strict=True)" + WRONG).assert_outcomes(xfailed=1)


def test_other_failures_are_left_alone(course):
    result = course(
        """
        def test_setting(grad_check):
            grad_check(np.sin, [X], backward=right, order=0)
        """
    )
    result.stdout.fnmatch_lines(["E*SettingError: grad_check: order 0*"])


@pytest.mark.parametrize(
    "flags, mark, own, seed",
    [
        ([], "", "", 0),
        (["--gradcheck-seed", "7"], "", "", 7),
        (["--gradcheck-seed=7"], "@pytest.mark.gradcheck(seed=8)", "", 8),
        (["--gradcheck-seed=7"], "@pytest.mark.gradcheck(seed=8)", ", seed=9", 9),
    ],
)
def test_the_seed_is_the_sessions_then_the_marks_then_the_calls(course, flags, mark, own, seed):
    result = course(mark + WRONG.replace("=wrong", f"=wrong{own}"), *flags)
    result.stdout.fnmatch_lines([f"E *seed {seed}, random dy*"])
    if flags:
        result.stdout.fnmatch_lines(["gradient checks: --gradcheck-seed 7"])


def test_a_random_seed_is_drawn_once_and_printed(course):
    drawn = []
    for _ in range(2):
        out = course(WRONG + WRONG.replace("of_sin", "again"), "--gradcheck-seed=random").stdout.str()
        (seed,) = re.findall(r"^gradient checks: --gradcheck-seed (\d+)$", out, re.MULTILINE)
        assert out.count(f"seed {seed}, random dy") == 2
        drawn.append(seed)
    assert drawn[0] != drawn[1]


def test_a_worker_of_xdist_takes_the_seed_that_was_drawn(course, pytester):
    node = SimpleNamespace(workerinput={}, config=SimpleNamespace(getoption={"gradcheck_seed": 5}.get))
    pytest_minigen.pytest_configure_node(node)
    assert node.workerinput == {"gradcheck_seed": 5}
    pytester.makeconftest(
        """
        import pytest

        @pytest.hookimpl(tryfirst=True)
        def pytest_configure(config):
            config.workerinput = {"gradcheck_seed": 5}
        """
    )
    course(WRONG, "--gradcheck-seed=random", "-p", "no:junitxml").stdout.fnmatch_lines(["E *seed 5, random dy*"])


def test_the_levels_differ_in_how_much_they_look_at(course):
    evaluated = {}
    for level in LEVELS:
        result = course(SEEN, "-s", f"--gradcheck-thoroughness={level}")
        result.assert_outcomes(passed=1)
        evaluated[level] = int(re.search(r"evaluated (\d+)", result.stdout.str())[1])
    assert evaluated["quick"] + 2 * (15 + 2) <= evaluated["default"] < 200  # 15 entries and 2 directions fewer
    assert evaluated["full"] > 3 * 2 * 2001  # two evaluations an entry, three seeds


def test_the_table_of_levels_says_what_the_checks_do():
    own = {name: p.default for name, p in inspect.signature(check.grad_check).parameters.items()}
    for name in ("default", "quick"):
        full, beyond, entries = re.search(r"up to (\d+) .* (\d+) .*direction.* (\d+) ent", LEVELS[name].words).groups()
        said = {"full": int(full), "projections": int(beyond), "samples": int(entries)}
        assert said.items() <= (own | LEVELS[name].settings).items()
    for level in LEVELS.values():
        counts = re.search(r"(\d+) seeds?(?: \(op_check (\d+)\))?$", level.words)
        assert level.seeds == {"grad_check": int(counts[1]), "op_check": int(counts[2] or counts[1])}


def test_full_looks_with_three_seeds_and_one_that_is_named_stands_alone(course):
    for own, count in (("", 3), (", seed=4", 1)):
        result = course(RIGHT.replace("right)", f"right{own})"), "-s", "--gradcheck-thoroughness=full")
        assert result.stdout.str().count("grad_check test_of_sin: right") == count


@pytest.mark.parametrize("level, seeds", [("quick", "1 seed;"), ("default", "3 seeds;"), ("full", "9 seeds;")])
def test_op_check_has_its_fixture_too(course, level, seeds):
    result = course(GOOD_OP, "-s", f"--gradcheck-thoroughness={level}")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([f"*op_check test_op: gradient right at {seeds}*"])


def test_a_failed_op_check_is_shown_alike(course):
    result = course(GOOD_OP.replace("dy * np.cos", "-dy * np.cos"), "--gradcheck-seed=6")
    result.stdout.fnmatch_lines([">*op_check(*", "E*test_op: the*", "E*seed 6*", "*- gradient check -*", "place*"])
    result.stdout.no_fnmatch_line("*operation.py*")


def test_the_nearest_mark_wins_and_the_call_before_it(course):
    result = course(
        """
        import minigen

        @pytest.mark.gradcheck(order=3, name="of the class")
        class TestTanh:
            def test_far(self, grad_check):
                grad_check(minigen.tanh, [X])

            @pytest.mark.gradcheck(order=2)
            def test_near(self, grad_check):
                grad_check(minigen.tanh, [X])
                grad_check(minigen.tanh, [X], order=1)
        """,
        "-s",
    )
    result.assert_outcomes(passed=2)
    lines = re.findall(r"grad_check of the class: right.*?;", result.stdout.str())
    assert [line.partition("right")[2] for line in lines] == [" to order 3;", " to order 2;", ";"]


@pytest.mark.parametrize(
    "mark, message",
    [
        ("ordr=2", "sets ordr, which grad_check does not know. Did you mean order?"),
        ("colour=2", "sets colour, which grad_check does not know. It knows backward, expect_zero, *"),
        ("2", "was given 2 without a name. Settings have names: @pytest.mark.gradcheck(order=2)."),
    ],
)
def test_a_mark_that_makes_no_sense_is_one_sentence(course, mark, message):
    result = course(f"@pytest.mark.gradcheck({mark})" + RIGHT)
    result.assert_outcomes(errors=1)
    sentence = f"test_of_sin: @pytest.mark.gradcheck {message}"
    result.stdout.fnmatch_lines(["*ERROR at setup of test_of_sin*", sentence, "*short test summary*"], consecutive=True)


def test_settings_that_nobody_would_read_are_an_error(course):
    result = course("@pytest.mark.gradcheck(order=2)" + RIGHT.replace("(grad_check)", "(tmp_path, grad_check=print)"))
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["test_of_sin: @pytest.mark.gradcheck sets order, which only the fixtures *"])


def test_the_mark_selects_the_tests_that_take_a_fixture_or_carry_it(course):
    more = "\n@pytest.mark.gradcheck\ndef test_carries_it():\n    pass\n\ndef test_other():\n    pass\n"
    result = course(RIGHT + GOOD_OP + more, "-m", "gradcheck", "-v")
    result.assert_outcomes(passed=3, deselected=1)
    result.stdout.no_fnmatch_line("*test_other*")


def test_the_mark_and_the_fixtures_are_listed(course):
    course(RIGHT, "--markers").stdout.fnmatch_lines(["@pytest.mark.gradcheck(?*settings): settings of the fixtures *"])
    course(RIGHT, "--fixtures").stdout.fnmatch_lines(["grad_check -- *", "op_check -- *"])


def test_the_ini_file_is_read_and_the_command_line_wins(course):
    ini = "gradcheck_seed = 3\ngradcheck_thoroughness = quick\ngradcheck_lang = zh\n"
    result = course(WRONG, ini=ini)
    header = "gradient checks: --gradcheck-seed 3 --gradcheck-thoroughness quick --gradcheck-lang zh"
    result.stdout.fnmatch_lines([header, "E *提示*", "E *seed 3,*"])
    result.stdout.no_fnmatch_line("E *hint*")
    result = course(WRONG, "--gradcheck-seed=0", "--gradcheck-lang=both", ini=ini)
    header = "gradient checks: --gradcheck-thoroughness quick --gradcheck-lang both"
    result.stdout.fnmatch_lines([header, "E *hint*", "E *提示*", "E *seed 0,*"])


@pytest.mark.parametrize(
    "flag, ini, message",
    [
        ("--gradcheck-seed=-1", "", "--gradcheck-seed: '-1' is no seed. Pass a whole number from 0 up, or random."),
        ("--gradcheck-seed=x", "", "--gradcheck-seed: 'x' is no seed. *"),
        ("--gradcheck-thoroughness=fast", "", "*-thoroughness: 'fast' is not known. Pass quick, default or full."),
        ("--gradcheck-lang=fr", "", "--gradcheck-lang: 'fr' is not known. Pass en, zh or both."),
        ("-q", "gradcheck_seed = 1.5", "ini option gradcheck_seed: '1.5' is no seed. *"),
    ],
)
def test_a_bad_option_is_one_sentence_naming_it(course, flag, ini, message):
    result = course(RIGHT, flag, ini=ini)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {message}"])


def test_the_help_holds_the_table_of_levels(course):
    out = " ".join(course(RIGHT, "--help").stdout.str().split())
    for name, level in LEVELS.items():
        assert f"{name}: {level.words}" in out


def test_a_run_that_does_not_ask_imports_nothing_and_is_told_nothing(pytester):
    pytester.makeini("[pytest]")  # whatever stands in the folders above is none of this run's
    pytester.makepyfile(
        """
        import sys

        def test_it():
            assert not {name.partition(".")[0] for name in sys.modules} & {"minigen", "numpy"}
        """
    )
    result = pytester.run(sys.executable, "-W", "error", "-m", "pytest", "-W", "error", "--strict-markers")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["plugins: *minigen-*"])
    for line in ("gradient checks:*", "*warning*"):
        result.stdout.no_fnmatch_line(line)
    assert not result.stderr.str()


def test_without_the_plugin_its_fixtures_are_unknown(course):
    result = course(RIGHT, "-p", "no:minigen")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["E *fixture 'grad_check' not found"])

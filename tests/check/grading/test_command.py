"""The command: what it prints and writes, its exit status, and one sentence for whatever is wrong with its input."""

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from minigen.check.grading.command import main

CASES = """
import numpy as np
from minigen.check import op_check, value_check
from minigen.check.grading import case


def draw(rng):
    return [rng.normal(size=(4, 3)), rng.normal(size=(3, 2))]


@case("value", points=1)
def _(submission, rng):
    value_check(submission.dense, [(draw(rng), lambda x, w: x @ w)])


@case("gradient", points=2.5, visibility="after_due_date")
def _(submission, rng):
    op_check(submission.dense, submission.dense_backward, draw(rng))
"""

HIDDEN = """
from minigen.check import op_check
from minigen.check.grading import case


@case("gradient of one row", points=3)
def _(submission, rng):
    op_check(submission.dense, submission.dense_backward, [rng.normal(size=(1, 3)), rng.normal(size=(3, 5))])
"""

RIGHT = """
def dense(x, w):
    return x @ w

def dense_backward(dy, y, x, w):
    return dy @ w.T, x.T @ dy

print("executed")
"""
WRONG = RIGHT.replace("x.T @ dy", "2 * (x.T @ dy)")


@pytest.fixture
def grade(tmp_path, monkeypatch, capsys):
    """grade(files, *arguments) → (exit status, stdout, stderr), in a folder that holds these files."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MINIGEN_LANG", raising=False)

    def run(files, *arguments):
        for name, text in files.items():
            Path(name).parent.mkdir(exist_ok=True)
            Path(name).write_text(text, encoding="utf-8")
        status = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return status, out, err

    return run


FILES = {"cases.py": CASES, "hidden.py": HIDDEN, "right.py": RIGHT, "wrong.py": WRONG}


def test_one_right_submission(grade):
    status, out, err = grade(
        FILES, "right.py", "--cases", "cases.py", "--hidden", "hidden.py", "--json", "out/results.json"
    )
    assert status == 0 and err == ""
    lines = out.splitlines()
    assert lines[0] == "right.py" and lines[-1] == f"wrote {Path('out/results.json')}"
    assert lines[1].split() == ["value", "1/1"]
    assert lines[2].split() == ["gradient", "2.5/2.5", "[after_due_date]"]
    assert lines[3].split() == ["gradient", "of", "one", "row", "3/3", "[hidden]"]
    assert lines[4].split()[:2] == ["total", "6.5/6.5"]
    results = json.loads(Path("out/results.json").read_text())
    assert set(results) == {"score", "execution_time", "output", "stdout_visibility", "tests"}
    assert results["score"] == 6.5 and results["stdout_visibility"] == "hidden" and results["execution_time"] > 0
    assert results["output"] == "printed while it was executed:\nexecuted\n"
    assert [test["visibility"] for test in results["tests"]] == ["visible", "after_due_date", "hidden"]
    assert [test["max_score"] for test in results["tests"]] == [1, 2.5, 3]
    assert set(results["tests"][0]) == {"name", "score", "max_score", "status", "output", "visibility"}
    assert "value_check dense: right" in results["tests"][0]["output"]
    assert results["tests"][2]["output"] == ""


def test_several_submissions_one_of_them_wrong(grade):
    files = FILES | {"broken.ipynb": "{", "empty.py": ""}
    names = ["right.py", "wrong.py", "broken.ipynb", "empty.py"]
    status, out, err = grade(files, *names, "--cases", "cases.py", "--hidden", "hidden.py", "--json", "all.json")
    assert status == 1 and err == ""
    summary = out[out.index("4 submissions") :].splitlines()
    assert summary[0] == "4 submissions, 1 with every case passed"
    assert [line.split()[1] for line in summary[1:5]] == ["6.5/6.5", "1/6.5", "0/6.5", "0/6.5"]
    found = json.loads(Path("all.json").read_text(encoding="utf-8"))["submissions"]
    assert list(found) == names
    wrong = found["wrong.py"]["tests"]
    assert "every ratio is 2" in wrong[1]["output"] and "numbers  yours" in wrong[1]["output"]
    assert "every ratio is 2" in wrong[2]["output"] and "yours" not in wrong[2]["output"]
    assert wrong[1]["output"].endswith("(at seed 0 of the case)") and "seed" not in wrong[2]["output"]
    assert "broken.ipynb is damaged" in found["broken.ipynb"]["output"]
    assert "the submission defines no dense" in found["empty.py"]["tests"][0]["output"]


def test_hints_speak_the_language_asked_for(grade):
    status, out, _ = grade(FILES, "wrong.py", "--cases", "cases.py", "--json", "r.json", "--lang", "zh")
    assert status == 1 and "提示" in Path("r.json").read_text(encoding="utf-8")
    assert "MINIGEN_LANG" not in os.environ


def test_a_seed_is_added(grade):
    cases = """
from minigen.check.grading import case

@case("tells", seeds=(3,))
def _(submission, rng):
    print("first draw", rng.integers(10**9), submission.f)
"""
    seen = set()
    for arguments in ([], ["--seed", "7"], ["--seed", "7"]):
        grade({"cases.py": cases, "a.py": "f = 1\n"}, "a.py", "--cases", "cases.py", "--json", "r.json", *arguments)
        seen.add(Path("r.json").read_text().split("first draw ")[1].split(" ")[0])
    assert len(seen) == 2


def test_hidden_cases_have_other_seeds(grade):
    cases = """
from minigen.check.grading import case

@case("draws", seeds=(3,))
def _(submission, rng):
    assert submission.f != "fail", rng.integers(10**9)
"""
    hidden = cases.replace('"draws"', '"draws too"')
    files = {"cases.py": cases, "hidden.py": hidden, "a.py": "f = 'fail'\n"}
    status, out, _ = grade(files, "a.py", "--cases", "cases.py", "--hidden", "hidden.py")
    draws = [line.split()[-1] for line in out.splitlines() if "draws" in line]
    assert status == 1 and len(set(draws)) == 2


FAULTS = {
    "an error": ("    submission.f\n    {}['k']\n", "line 6: KeyError: 'k'"),
    "an exit": ("    submission.f\n    raise SystemExit\n", "line 6: SystemExit"),
    "a setting that is none": (
        "    from minigen.check import grad_check\n    grad_check(submission.g, [1.0], order=0)\n",
        "line 6: SettingError: grad_check: order 0",
    ),
    "a value that cannot be handed over": (
        "    submission.g(lambda: 0)\n",
        "a function cannot be handed to a submission",
    ),
    "an answer": ("    return submission.f == 2\n", "it returned False; a case returns None, or raises"),
    "no question": ("    assert 1 + 1 == 2\n", "it asks nothing of the submission, so everybody would pass"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_case_at_fault_is_not_the_submissions(grade, name):
    body, why = FAULTS[name]
    cases = f"from minigen.check.grading import case\n\n@case('odd')\ndef _(submission, rng):\n{body}"
    cases += "\n@case('even')\ndef _(submission, rng):\n    assert submission.f == 1\n"
    status, out, err = grade(
        {"cases.py": cases, "a.py": "f = 1\ndef g(x):\n    return x\n"},
        "a.py",
        "--cases",
        "cases.py",
        "--json",
        "r.json",
    )
    assert status == 2
    assert err.startswith("error: a case is at fault, so its points say nothing of the submissions.\ncase 'odd': ")
    assert why in err and "(with a.py)" in err
    results = json.loads(Path("r.json").read_text())
    odd, even = results["tests"]
    assert odd["score"] == 0 and odd["output"].startswith("not judged: the case itself failed, and not the submission")
    assert why in odd["output"]
    assert even["score"] == 1 and even["status"] == "passed"
    assert results["output"].startswith("1 of 2 cases could not be judged: the score is not final")


BAD = {
    "no submission": ({}, ["none.py"], "none.py: there is no such file or folder"),
    "one twice": ({}, ["right.py", "right.py"], "right.py is named twice"),
    "no cases": ({}, ["right.py", "--cases", "none.py"], "none.py: it cannot be read (No such file or directory)"),
    "empty cases": ({"cases.py": "x = 1\n"}, ["right.py"], "cases.py: it holds no case"),
    "a syntax error": ({"cases.py": "x = (\n"}, ["right.py"], "cases.py, line 1: '(' was never closed"),
    "an error": ({"cases.py": "\nx = 1 / 0\n"}, ["right.py"], "cases.py, line 2: ZeroDivisionError: division by zero"),
    "an exit": ({"cases.py": "raise SystemExit(0)\n"}, ["right.py"], "cases.py, line 1: SystemExit: 0"),
    "binary cases": ({"cases.py": "\0"}, ["right.py"], "cases.py, line "),
    "two of a name": (
        {"cases.py": CASES.replace('"gradient"', '"value"')},
        ["right.py"],
        "cases.py: two cases are called 'value'",
    ),
    "two of a name in two files": (
        {"hidden.py": HIDDEN.replace("gradient of one row", "value")},
        ["right.py", "--hidden", "hidden.py"],
        "cases.py and hidden.py: two cases are called 'value'",
    ),
    "no points": (
        {"cases.py": CASES.replace("2.5", "-1")},
        ["right.py"],
        "case 'gradient': points=-1 must be a number",
    ),
    "no function": (
        {"cases.py": "from minigen.check.grading import case\ncase('c')(print)\n"},
        ["right.py"],
        "case 'c': it must stand above a function of (submission, rng)",
    ),
    "no visibility": (
        {"cases.py": CASES.replace("after_due_date", "secret")},
        ["right.py"],
        "visibility='secret' must be one of visible, hidden, after_due_date, after_published",
    ),
    "no seeds": (
        {"cases.py": CASES.replace("points=1", "seeds=()")},
        ["right.py"],
        "case 'value': seeds=() must be whole numbers",
    ),
    "no name": ({"cases.py": CASES.replace('@case("value", points=1)', "@case")}, ["right.py"], "a case has a name"),
    "no seed": ({}, ["right.py", "--seed", "-1"], "--seed -1 must be 0 or more"),
    "no time": ({}, ["right.py", "--time-limit", "0"], "--time-limit 0 must be above 0"),
    "nan time": ({}, ["right.py", "--time-limit", "nan"], "--time-limit nan must be above 0"),
    "no memory": ({}, ["right.py", "--memory-limit", "10"], "--memory-limit 10 must be at least 256 MiB"),
    "a folder for JSON": ({"d/x": ""}, ["right.py", "--json", "d"], "--json d is a folder"),
    "a file for a folder": (
        {"f": ""},
        ["right.py", "--json", "f/r.json"],
        "--json f/r.json: its folder cannot be made",
    ),
    "mutants of two": ({}, ["right.py", "wrong.py", "--mutants", "m.py"], "name one submission"),
    "mutants and JSON": ({}, ["right.py", "--mutants", "m.py", "--json", "r.json"], "leave --json out"),
    "no mutants": ({}, ["right.py", "--mutants", "m.py"], "m.py: it cannot be read"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_sentence_and_status_2(grade, name):
    files, arguments, why = BAD[name]
    if "--cases" not in arguments:
        arguments = [*arguments, "--cases", "cases.py"]
    kept = {"kept.json": "kept"}
    if "--json" not in arguments and "--mutants" not in arguments:
        arguments = [*arguments, "--json", "kept.json"]
    status, out, err = grade(FILES | kept | files, *arguments)
    assert status == 2 and err.startswith("error: ") and err.count("\n") == 1, err
    assert why in err and out == ""
    assert Path("kept.json").read_text() == "kept", "what was there before must stay"


def test_cases_may_import_what_lies_beside_them(grade):
    files = {"helper.py": "limit = 3\n", "a.py": "f = 3\n"}
    files["cases.py"] = """
import helper
from minigen.check.grading import case

for k in (1, 2):
    @case(f"case {k}")
    def _(submission, rng):
        assert submission.f == helper.limit
"""
    status, out, _ = grade(files, "a.py", "--cases", "cases.py")
    assert status == 0 and "case 1" in out and "case 2" in out and not Path("__pycache__", "cases.pyc").exists()


def test_a_submission_reads_neither_cases_nor_results_nor_others_nor_the_home(grade, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    text = """
def f(path):
    try:
        return open(path).read()
    except PermissionError as error:
        return "refused"
"""
    cases = f"""
from minigen.check.grading import case

@case("reads")
def _(submission, rng):
    for name in ("c/cases.py", "h/hidden.py", "c/solution.py", "h/notes.txt", "out/results.json", "in/b.py", "home/k"):
        assert submission.f({str(tmp_path)!r} + "/" + name) == "refused", name
    assert submission.f({str(tmp_path)!r} + "/in/data.txt") == "data"
"""
    files = dict.fromkeys(("c/solution.py", "h/notes.txt", "out/results.json", "home/k"), "") | {"in/data.txt": "data"}
    files |= {"c/cases.py": cases, "h/hidden.py": cases.replace('"reads"', '"too"'), "in/a.py": text, "in/b.py": text}
    arguments = ["--cases", "c/cases.py", "--hidden", "h/hidden.py", "--json", "out/results.json"]
    status, out, err = grade(files, "in/a.py", "in/b.py", *arguments)
    assert status == 0, out + err


def test_as_a_command_in_a_process_of_its_own(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    command = [sys.executable, "-W", "error", "-m", "minigen.check", "wrong.py", "--cases", "cases.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 1 and done.stderr == ""
    assert "dense: the gradient with respect to w is wrong" in done.stdout
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cases.py", "hidden.py", "right.py", "wrong.py"]


def test_the_help_says_that_it_executes_and_that_it_is_no_jail(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    out = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "It EXECUTES what it grades" in out and "isolation is the platform's task" in out


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
@pytest.mark.parametrize("name, status", [("SIGTERM", 143), ("SIGINT", 130)])
def test_a_command_that_is_stopped_leaves_nothing_behind(tmp_path, name, status):
    (tmp_path / "a.py").write_text("import os, time\nprint(os.getpid())\ntime.sleep(60)\n")
    (tmp_path / "cases.py").write_text(CASES)
    (tmp_path / "kept.json").write_text("kept")
    (tmp_path / "room").mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "minigen.check", "a.py", "--cases", "cases.py", "--json", "kept.json"],
        cwd=tmp_path,
        env=dict(os.environ, TMPDIR=str(tmp_path / "room")),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # ignored in the background
    )
    pid = ""
    for _ in range(400):
        pid = "".join(path.read_text() for path in (tmp_path / "room").glob("*/1.txt")).strip()
        if pid:
            break
        time.sleep(0.05)
    process.send_signal(getattr(signal, name))
    process.communicate(timeout=20)
    assert process.returncode == status
    assert list((tmp_path / "room").iterdir()) == [] and (tmp_path / "kept.json").read_text() == "kept"
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)


def test_import_minigen_check_brings_neither_command_line_nor_grading():
    for module, without in (("minigen.check", ["tyro", "minigen.check.grading"]), ("minigen.check.grading", ["tyro"])):
        code = f"import sys, {module}; print([name for name in {without} if name in sys.modules])"
        assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_a_submission_in_the_folder_that_python_searches_first_is_not_imported_by_the_grader(tmp_path):
    (tmp_path / "cases.py").write_text(CASES)
    (tmp_path / "tyro.py").write_text(RIGHT + "open('executed', 'a').close()\n")
    module, case = ["-m", "minigen.check"], ["tyro.py", "--cases", "cases.py"]
    for flags, status in (([], 2), (["-P"], 0)):
        command = [sys.executable, *flags, *module, *case]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8")
        assert done.returncode == status, done.stdout + done.stderr
        assert not (tmp_path / "executed").exists()
        if status == 2:
            assert done.stderr.startswith("error: tyro.py lies in the folder that Python searches first")
            assert "python -P -m minigen.check" in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["random.py", "numpy/__init__.py", "matplotlib.py"])
def test_whatever_shadows_a_module_beside_a_submission_is_refused(grade, tmp_path, capsys, name):
    files = FILES | {name: ""}
    grade(files, "none.py", "--cases", "cases.py")  # writes the files
    assert main(["right.py", "--cases", "cases.py"], searched=str(tmp_path)) == 2
    assert capsys.readouterr().err.startswith(f"error: {name.split('/')[0]} lies in the folder that Python searches")


def test_harmless_names_beside_a_submission_are_not_refused(grade, tmp_path):
    grade(FILES | {"numbers/data.txt": "", "random.ipynb": ""}, "none.py", "--cases", "cases.py")
    assert main(["right.py", "--cases", "cases.py"], searched=str(tmp_path)) == 0
    grade({"random.py": "", "elsewhere/right.py": RIGHT}, "none.py", "--cases", "cases.py")
    assert main(["elsewhere/right.py", "--cases", "cases.py"], searched=str(tmp_path)) == 0


def test_a_submission_beside_the_cases_takes_no_modules_place(grade):
    files = {"random.py": "raise SystemExit\nf = 3\n", "a.py": "f = 3\n"}
    files["cases.py"] = "import colorsys\nfrom minigen.check.grading import case\n"
    files["cases.py"] += "assert colorsys.rgb_to_hsv(0, 0, 0) == (0.0, 0.0, 0)\n"
    files["cases.py"] += "@case('c')\ndef _(submission, rng):\n    assert submission.f == 3\n"
    files["colorsys.py"] = "raise SystemExit\n"
    sys.modules.pop("colorsys", None)
    before = list(sys.path)
    status, _, err = grade(files, "a.py", "--cases", "cases.py")
    assert status == 0, err
    assert sys.path == before


def test_the_script_is_the_command():
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, _, name = project["scripts"]["minigen-check"].partition(":")
    assert getattr(sys.modules[module], name) is main


def test_the_instructors_files_may_be_in_any_encoding(grade, tmp_path):
    grade({"a.py": "f = 1\n"}, "a.py", "--cases", "cases.py")
    text = "# coding: latin-1\nfrom minigen.check.grading import case\n@case('c')\ndef _(submission, rng):\n"
    (tmp_path / "cases.py").write_bytes((text + "    assert submission.f == 'gr\xfc\xdfe'\n").encode("latin-1"))
    (tmp_path / "mutants.py").write_bytes("# coding: latin-1\nMUTANTS = {'\xfc': {'f': 2}}\n".encode("latin-1"))
    status, out, err = grade({}, "a.py", "--cases", "cases.py", "--json", "r.json")
    assert (status, err) == (1, "")
    assert "this does not hold: assert submission.f == 'gr\xfc\xdfe' (cases.py, line 5)" in out
    (tmp_path / "a.py").write_text("f = 'gr\xfc\xdfe'\n", encoding="utf-8")
    status, out, _ = grade({}, "a.py", "--cases", "cases.py", "--mutants", "mutants.py")
    assert status == 0 and "\xfc: caught by 'c'" in out


def test_a_file_of_cases_that_became_shorter_is_no_fault(grade):
    text = "import pathlib\nfrom minigen.check.grading import case\n@case('c')\ndef _(submission, rng):\n"
    text += "    pathlib.Path(__file__).write_text('')\n    assert submission.f == 2\n"
    status, out, err = grade({"cases.py": text, "a.py": "f = 1\n"}, "a.py", "--cases", "cases.py")
    assert (status, err) == (1, "") and "this does not hold: AssertionError" in out

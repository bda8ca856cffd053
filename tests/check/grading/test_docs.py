"""The examples of docs/grading.md run."""

import re
from pathlib import Path

from minigen.check.grading.command import main

TEXT = (Path(__file__).parents[3] / "docs" / "grading.md").read_text(encoding="utf-8")
MORE = """
def loss(x, w):
    return float((dense(x, w) ** 2).mean())
"""
LOSS = """
@case("loss")
def loss(submission, rng):
    x, w = rng.normal(size=(4, 3)), rng.normal(size=(3, 2))
    value_check(submission.loss, [([x, w], lambda x, w: ((x @ w) ** 2).mean())])
"""


def test_the_examples_grade_and_prove(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    solution, cases, mutants = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    for name, text in {"cases.py": cases, "solution.py": solution}.items():
        Path(name).write_text(text, encoding="utf-8")
    assert main(["solution.py", "--cases", "cases.py"]) == 0
    assert re.search(r"dense: the gradient +2/2", capsys.readouterr().out)
    for name, text in {"cases.py": cases + LOSS, "mutants.py": mutants, "solution.py": solution + MORE}.items():
        Path(name).write_text(text, encoding="utf-8")
    assert main(["solution.py", "--cases", "cases.py", "--mutants", "mutants.py"]) == 0
    assert "sum for mean: caught by 'loss'" in capsys.readouterr().out


def test_every_flag_is_told(capsys):
    try:
        main(["--help"])
    except SystemExit:
        pass
    flags = set(re.findall(r"--[a-z]+(?:-[a-z]+)*", capsys.readouterr().out)) - {"--help"}
    assert flags and flags == set(re.findall(r"^\| `(--[a-z-]+)", TEXT, re.MULTILINE))

"""Makes every edition of the assignment from backward.py, cases.py and hidden.py: `python make.py`.

| made | what |
|---|---|
| assignment/solution.ipynb | the source notebook of nbgrader: answers, checks, hidden checks |
| assignment/student.ipynb | what students get: neither answers nor hidden checks |
| classroom/answers.py | the same as a Python module |
| classroom/test_answers.py | its public checks, for pytest with minigen's plugin |
| otter/backward.ipynb | the source notebook of `otter assign` |
"""

import ast
import json
import re
import symtable
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
STUB = "# YOUR CODE HERE\nraise NotImplementedError()"  # nbgrader's own, so that what it releases is student.ipynb
SOLUTION = re.compile(r"^( *)### BEGIN SOLUTION\n.*?^ *### END SOLUTION$", re.MULTILINE | re.DOTALL)
HIDDEN = re.compile(r"^### BEGIN HIDDEN TESTS\n.*?^### END HIDDEN TESTS$", re.MULTILINE | re.DOTALL)
HIDDEN_SEEDS = 1000  # where minigen.check.grading begins to count them
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


@dataclass
class Cell:
    """One cell of backward.py."""

    kind: str  # "markdown", "setup", "answer", "checks" or "hidden"
    name: str
    text: str


@dataclass
class Case:
    """One case of a case file, as text."""

    name: str  # of its function
    title: str
    points: int
    hidden: bool
    body: str  # of its function
    answers: list[str]  # the functions of the submission that it calls
    imports: list[tuple[str, str]]  # what it needs: (module, name)

    @property
    def heading(self) -> str:
        return f"# {self.title} ({self.points} point{'s' if self.points > 1 else ''})"

    def calling(self, owner: str) -> str:
        """The body, with the submission's functions found in `owner`: "" for the notebook itself, "answers."."""
        return self.body.replace("submission.", owner)


def read_cells(path: Path) -> list[Cell]:
    """The cells of backward.py; what stands before the first one is left out."""
    cells = []
    for part in re.split(r"^# %% ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        header, _, text = part.partition("\n")
        kind, _, name = header.partition(" ")
        if kind == "[markdown]":
            text = re.sub(r"^# ?", "", text, flags=re.MULTILINE)
        cells.append(Cell(kind.strip("[]"), name, text.strip("\n")))
    return cells


def read_cases(path: Path, hidden: bool = False) -> list[Case]:
    """The cases of cases.py or hidden.py, in their order."""
    seed = HIDDEN_SEEDS if hidden else 0
    text = path.read_text(encoding="utf-8")
    scopes = {scope.get_name(): scope for scope in symtable.symtable(text, path.name, "exec").get_children()}
    known: dict[str, tuple[str, str]] = {}  # what is imported, by the name it goes by
    cases = []
    for node in ast.parse(text).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = getattr(node, "module", "")  # "" for a plain import
            known |= {alias.asname or alias.name: (module, ast.unparse(alias)) for alias in node.names}
        if not isinstance(node, ast.FunctionDef):
            continue
        (decorator,) = node.decorator_list
        assert isinstance(decorator, ast.Call)
        settings = {k.arg: ast.literal_eval(k.value) for k in decorator.keywords}
        body = textwrap.dedent("\n".join(text.splitlines()[node.lineno : node.end_lineno]))
        answers = list(dict.fromkeys(re.findall(r"\bsubmission\.(\w+)", body)))
        scope = scopes[node.name]
        if scope.lookup("rng").is_referenced() or any("rng" in inner.get_frees() for inner in scope.get_children()):
            body = f"rng = np.random.default_rng({seed})\n{body}"
        imports = [pair for name, pair in known.items() if re.search(rf"\b{name}\b", body)]
        title = ast.literal_eval(decorator.args[0])
        cases.append(Case(node.name, title, settings["points"], hidden, body, answers, imports))
    return cases


def import_lines(imports: Iterable[tuple[str, str]]) -> list[str]:
    """The statements that import (module, name) pairs, one for a module; plain imports first."""
    names: dict[str, set[str]] = {}
    for module, name in imports:
        names.setdefault(module, set()).add(name)
    plain = [f"import {name}" for name in sorted(names.pop("", ()))]
    return plain + [f"from {module} import {', '.join(sorted(names[module]))}" for module in names]


def cell(kind: str, name: str, text: str, **nbgrader: Any) -> dict[str, Any]:
    """A cell of a notebook, with nbgrader's metadata where any are given."""
    metadata = {"nbgrader": {"grade_id": name, "schema_version": 3, "task": False, **nbgrader}} if nbgrader else {}
    made = {"cell_type": kind, "id": name.replace("_", "-"), "metadata": metadata, "source": text.splitlines(True)}
    return {**made, "execution_count": None, "outputs": []} if kind == "code" else made


def notebook(cells: list[dict[str, Any]]) -> str:
    """A notebook as text, always the same for the same cells."""
    metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    whole = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def without_answers(text: str) -> str:
    """The text with the stub in the place of each solution."""
    return SOLUTION.sub(lambda found: textwrap.indent(STUB, found[1]), text)


def solution(cells: list[Cell], cases: list[Case]) -> str:
    """The edition with answers and every check, as nbgrader wants a source notebook."""
    (setup,) = (each.text for each in cells if each.kind == "setup")
    made = []
    for each in cells:
        if each.kind == "markdown":
            made.append(cell("markdown", each.name, each.text))
        elif each.kind == "setup":
            made.append(cell("code", "setup", each.text))
        elif each.kind == "answer":
            made.append(cell("code", each.name, each.text, grade=False, locked=False, solution=True))
        elif each.kind == "checks":
            for case in (case for case in cases if not case.hidden and case.title.startswith(f"{each.name}:")):
                made.append(graded(case, f"{case.heading}\n{case.calling('')}"))
        else:
            for case in (case for case in cases if case.hidden):
                imports = import_lines((module, name) for module, name in case.imports if name not in setup)
                body = "\n".join([*imports, case.calling("")])
                text = f"{case.heading}\n### BEGIN HIDDEN TESTS\n{body}\n### END HIDDEN TESTS"
                made.append(graded(case, text))
    return notebook(made)


def graded(case: Case, text: str) -> dict[str, Any]:
    return cell("code", case.name, text, grade=True, locked=True, solution=False, points=case.points)


def student(text: str) -> str:
    """The student edition of the text of solution.ipynb."""
    cells = json.loads(text)["cells"]
    for each in cells:
        each["source"] = HIDDEN.sub("", without_answers("".join(each["source"]))).rstrip("\n").splitlines(True)
    return notebook(cells)


def module(cells: list[Cell]) -> str:
    """The student edition as a module: what is to be written, each below its explanation."""
    parts = []
    for each in cells:
        if each.kind == "markdown" and each.name not in ("end", "hidden-text"):
            parts.append("# %% [markdown]\n" + re.sub("^", "# ", each.text, flags=re.MULTILINE).replace("# \n", "#\n"))
        elif each.kind == "setup":
            parts.append("# %%\nimport numpy as np  # noqa: F401")
        elif each.kind == "answer":
            parts.append(f"\n# %%\n{without_answers(each.text)}\n")
    return "\n\n".join(parts)


def tests(cases: list[Case]) -> str:
    """The public cases as tests of answers.py, with op_check as the fixture of minigen's plugin."""
    cases = [case for case in cases if not case.hidden]
    imports = import_lines(pair for case in cases for pair in case.imports if pair[1] != "op_check")
    title = '"""The public checks of answers.py: `python -m pytest` runs them."""'
    parts = [title, "\n".join(imports), "import answers"]
    for case in cases:
        body = case.calling("answers.")
        fixture = "op_check" if "op_check(" in body else ""
        parts.append(f"\n{case.heading}\ndef test_{case.name}({fixture}):\n{textwrap.indent(body, '    ')}")
    return "\n\n".join(parts) + "\n"


def otter(cells: list[Cell], cases: list[Case]) -> str:
    """The source notebook of `otter assign`, with exception-based tests: the message of a check is the feedback."""
    config = "# ASSIGNMENT CONFIG\nname: backward\nexport_cell: false\ntests:\n  ok_format: false"
    made = [cell("raw", "config", config)]
    for each in cells:
        if each.kind == "markdown" and each.name != "hidden-text":
            made.append(cell("markdown", each.name, each.text))
        elif each.kind == "setup":
            made.append(cell("code", "setup", "import numpy as np"))
        elif each.kind == "answer":
            name = each.name
            own = [case for case in cases if case.title.startswith(f"{name}:")]
            begin = f"# BEGIN QUESTION\nname: {name}\npoints: {sum(case.points for case in own)}"
            made.append(cell("raw", f"{name}-question", begin))
            made.append(cell("raw", f"{name}-solution", "# BEGIN SOLUTION"))
            made.append(cell("code", name, SOLUTION.sub(otter_answer, each.text)))
            made.append(cell("raw", f"{name}-solution-end", "# END SOLUTION"))
            made.append(cell("raw", f"{name}-tests", "# BEGIN TESTS"))
            made += [cell("code", case.name, otter_test(case)) for case in own]
            made.append(cell("raw", f"{name}-tests-end", "# END TESTS"))
            made.append(cell("raw", f"{name}-question-end", "# END QUESTION"))
    return notebook(made)


def otter_answer(found: re.Match[str]) -> str:
    """A solution between otter's marks, followed by what a student gets in its place."""
    answer = found[0].replace("### BEGIN SOLUTION", "# BEGIN SOLUTION NO PROMPT")
    prompt = textwrap.indent(f'""" # BEGIN PROMPT\n{STUB}\n""" # END PROMPT', found[1])
    return answer.replace("### END SOLUTION", "# END SOLUTION") + "\n" + prompt


def otter_test(case: Case) -> str:
    """A case as a test of otter's: a function that is given what the notebook defines, and imports what it needs."""
    settings = f"points: {case.points}\nhidden: {str(case.hidden).lower()}"
    body = textwrap.indent("\n".join([*import_lines(case.imports), "", case.calling("")]), "    ")
    return (
        f'""" # BEGIN TEST CONFIG\n{settings}\n""" # END TEST CONFIG\n'
        f"def test_{case.name}({', '.join(case.answers)}):\n{body}"
    )


def editions() -> dict[Path, str]:
    """Every file that is made, and its text."""
    cells = read_cells(HERE / "backward.py")
    cases = [*read_cases(HERE / "cases.py"), *read_cases(HERE / "hidden.py", hidden=True)]
    source = solution(cells, cases)
    return {
        HERE / "solution.ipynb": source,
        HERE / "student.ipynb": student(source),
        HERE.parent / "classroom" / "answers.py": module(cells),
        HERE.parent / "classroom" / "test_answers.py": tests(cases),
        HERE.parent / "otter" / "backward.ipynb": otter(cells, cases),
    }


if __name__ == "__main__":
    for path, text in editions().items():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(HERE.parent))

"""From one source, lessons/src/NN_name.py, to three notebooks without outputs and a page for instructors.

A source is a percent script of jupytext.  Its header has the lesson's facts under `minigen:`; the tags of its cells say
what each is for:

| tag | what | exercise | solved | instructor |
|---|---|---|---|---|
| exercise | a function; its answer stands between nbgrader's marks | a stub | the answer | with the marks |
| check | a function check_…(seed=0), called | yes | yes | and called at a hidden seed |
| wrong | (raw) a whole exercise cell with a planted mistake, and `says`, what it is | no | no | on the page |
| rubric | (markdown) what a good answer to the question in words says | no | no | on the page |

Everything else stands in every edition, word for word.
"""

import re
import textwrap
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jupytext
import nbformat

HERE = Path(__file__).resolve().parent
SOLUTION = re.compile(r"^( *)### BEGIN SOLUTION\n(.*?)^ *### END SOLUTION$", re.MULTILINE | re.DOTALL)
CHECK = re.compile(r"^def (check_\w+)\(seed", re.MULTILINE)
CAPTION = re.compile(r"\*\*Figure (\d+)\.\*\* ")
HIDDEN_SEED = 1001  # public checks use 0
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
KINDS = ("exercise", "check", "wrong", "rubric")


@dataclass
class Lesson:
    """One source, read."""

    path: Path
    facts: dict[str, Any]  # title, zh, budget_s, covers, needs, picture, terms
    cells: list[Any] = field(repr=False)

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def number(self) -> str:
        return self.name[:2]

    @property
    def heading(self) -> str:
        return f"{self.number} · {self.facts['title']} · {self.facts['zh']}"

    def of_kind(self, kind: str) -> list[Any]:
        return [cell for cell in self.cells if kind_of(cell) == kind]


def sources() -> list[Path]:
    return sorted((HERE / "src").glob("[0-9][0-9]_*.py"))


def read(path: Path) -> Lesson:
    """The lesson in a source; ids are given to cells that have no name of their own."""
    made = jupytext.read(path, fmt="py:percent")
    facts = made.metadata["minigen"]
    for place, cell in enumerate(made.cells):
        cell["id"] = cell.metadata.pop("name", f"cell-{place:02}")
        if kind_of(cell) in ("wrong", "rubric"):
            cell["id"] += f"-{place:02}"
    return Lesson(path, facts, made.cells)


def kind_of(cell: Any) -> str:
    """One of KINDS, or "" for the cells that stand in every edition."""
    return next((kind for kind in KINDS if kind in cell.metadata.get("tags", ())), "")


def solution_of(cell: Any) -> str:
    """What stands between the marks of an exercise cell."""
    return "\n".join(found[2] for found in SOLUTION.finditer(cell.source))


def without_answer(source: str, name: str) -> str:
    """The exercise cell with a stub in the place of its answer; `name` is exercise-a, and says so when it is run."""
    title = name.replace("-", " ").replace(" a", " A").replace(" b", " B").replace(" c", " C")
    return SOLUTION.sub(lambda found: textwrap.indent(f'raise NotImplementedError("{title}")', found[1]), source)


def without_marks(source: str) -> str:
    return SOLUTION.sub(lambda found: found[2].rstrip("\n"), source)


def notebook(lesson: Lesson, edition: str) -> Any:
    """An edition, "exercise", "solved" or "instructor", without outputs; always the same for the same source."""
    cells = []
    for cell in lesson.cells:
        kind = kind_of(cell)
        if kind not in ("wrong", "rubric"):  # nbgrader would hand them out
            cells.append(_edited(cell, kind, edition))
    made = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL, "language_info": {"name": "python"}})
    made.nbformat_minor = 5
    return made


def _edited(cell: Any, kind: str, edition: str) -> Any:
    source, metadata = cell.source, _metadata(cell, kind)
    if kind == "exercise" and edition != "instructor":
        source = without_answer(source, cell.id) if edition == "exercise" else without_marks(source)
    elif kind == "check" and edition == "instructor":
        calls = "\n".join(f"{name}(seed={HIDDEN_SEED})" for name in CHECK.findall(source))
        source = f"{source}\n\n### BEGIN HIDDEN TESTS\n{calls}\n### END HIDDEN TESTS"
    new = nbformat.v4.new_markdown_cell if cell.cell_type == "markdown" else nbformat.v4.new_code_cell
    return new(source, id=cell.id, metadata=metadata)


def _metadata(cell: Any, kind: str) -> dict[str, Any]:
    """Tags, and nbgrader's metadata for what is written by students and for what grades it."""
    made: dict[str, Any] = {"tags": deepcopy(cell.metadata.tags)} if "tags" in cell.metadata else {}
    if kind not in ("exercise", "check"):
        return made
    checks = kind == "check"
    made["nbgrader"] = {
        "grade_id": cell.id,
        "schema_version": 3,
        "task": False,
        "grade": checks,
        "locked": checks,
        "solution": not checks,
    }
    if checks:
        made["nbgrader"]["points"] = cell.metadata["points"]
    return made


def page(lesson: Lesson) -> str:
    """What instructors have beside the notebook: points, wrong answers that the checks catch, the rubric."""
    parts = [f"# {lesson.heading}: for instructors"]
    for exercise in lesson.of_kind("exercise"):
        letter = exercise.id.removeprefix("exercise-")
        points = sum(c.metadata["points"] for c in lesson.of_kind("check") if c.id.startswith(f"check-{letter}"))
        parts.append(f"## Exercise {letter.upper()}: {points} points\n\nWrong answers, each of which fails the check:")
        for wrong in lesson.of_kind("wrong"):
            if wrong.id.startswith(exercise.id):
                parts.append(f"{wrong.metadata['says']}\n\n```python\n{wrong.source}\n```")
    place = next(place for place, cell in enumerate(lesson.cells) if kind_of(cell) == "rubric")
    parts += [lesson.cells[place - 1].source, *(cell.source for cell in lesson.of_kind("rubric"))]
    return "\n\n".join(parts) + "\n"


def text_of(made: Any) -> str:
    """A notebook as the text of its file."""
    return str(nbformat.writes(made, version=4, ensure_ascii=False, sort_keys=True)) + "\n"


def caption_after(lesson_cells: list[Any], place: int) -> str | None:
    """The words of the caption beneath the code cell at `place`, without marks; None where there is none."""
    following = lesson_cells[place + 1] if place + 1 < len(lesson_cells) else None
    if following is None or following.cell_type != "markdown" or not CAPTION.match(following.source):
        return None
    paragraph = CAPTION.sub("", following.source, count=1).split("\n\n")[0]
    return re.sub(r"[*`$]", "", " ".join(paragraph.split()))

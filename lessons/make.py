"""Makes the editions of the lessons out of lessons/src: `python lessons/make.py [NN …] [--no-run] [--html FOLDER]`.

| made | what |
|---|---|
| lessons/NN_name.ipynb | what learners open: no outputs, exercises unanswered |
| lessons/solved/NN_name.ipynb | answered and executed, with outputs and pictures |
| lessons/instructor/lessons/NN_name.ipynb | nbgrader's source: answers, hidden checks |
| lessons/instructor/lessons/NN_name.md | points, wrong answers that the checks catch, rubric |
| lessons/pictures/NN_name.png | the picture of the lesson in the table of contents |
| lessons/README.md (its table), lessons/GLOSSARY.md | from the headers of all sources, when all are made |
"""

import argparse
import base64
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
import contents  # noqa: E402
import editions  # noqa: E402
from editions import HERE, Lesson  # noqa: E402

WHERE = {"exercise": HERE, "solved": HERE / "solved", "instructor": HERE / "instructor" / "lessons"}


def path_of(lesson: Lesson, edition: str) -> Path:
    return WHERE[edition] / f"{lesson.name}.ipynb"


def executed(lesson: Lesson) -> Any:
    """The solved edition with its outputs; pictures carry the caption beneath them as their alternative text."""
    from running import Run

    with Run(editions.notebook(lesson, "solved")) as run:
        seconds = run.all_cells()
        if run.failed or run.stderr():
            raise SystemExit(f"{lesson.name}: {run.failed or run.stderr()}")
    for place, cell in enumerate(run.notebook.cells):
        for output in cell.get("outputs", ()):
            if any(kind.startswith("image/") for kind in output.get("data", ())):
                text = editions.caption_after(run.notebook.cells, place) or ""
                output.metadata.update({kind: {"alt": text} for kind in output.data if kind.startswith("image/")})
    print(f"{lesson.name}: {seconds:.0f} s of {lesson.facts['budget_s']} s")
    return run.notebook


def pictures(made: Any) -> list[bytes]:
    """The figures of an executed notebook, in their order."""
    outputs = [output for cell in made.cells for output in cell.get("outputs", ())]
    return [base64.b64decode(output.data["image/png"]) for output in outputs if "image/png" in output.get("data", ())]


def make(lesson: Lesson, run: bool, html: Path | None) -> None:
    for edition in ("exercise", "instructor"):
        path_of(lesson, edition).parent.mkdir(exist_ok=True)
        path_of(lesson, edition).write_text(editions.text_of(editions.notebook(lesson, edition)), encoding="utf-8")
    path_of(lesson, "instructor").with_suffix(".md").write_text(editions.page(lesson), encoding="utf-8")
    if not run:
        return
    made = executed(lesson)
    path_of(lesson, "solved").write_text(editions.text_of(made), encoding="utf-8")
    (HERE / "pictures" / f"{lesson.name}.png").write_bytes(pictures(made)[lesson.facts["picture"] - 1])
    if html:
        from nbconvert import HTMLExporter

        html.mkdir(exist_ok=True)
        (html / f"{lesson.name}.html").write_text(HTMLExporter().from_notebook_node(made)[0], encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the editions of the lessons.")
    parser.add_argument("numbers", nargs="*", help="which lessons, as 00 10; all without")
    parser.add_argument("--no-run", action="store_true", help="leave the solved editions and their pictures alone")
    parser.add_argument("--html", type=Path, help="a folder for the solved editions as HTML pages, to look at")
    flags = parser.parse_args()
    wanted = [path for path in editions.sources() if not flags.numbers or path.name[:2] in flags.numbers]
    lessons = [editions.read(path) for path in wanted]
    for lesson in lessons:
        make(lesson, not flags.no_run, flags.html)
    if not flags.numbers:
        contents.write(lessons)


if __name__ == "__main__":
    main()

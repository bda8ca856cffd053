"""The table of contents in lessons/README.md and the whole of lessons/GLOSSARY.md, from the headers of the sources."""

import re

from editions import HERE, Lesson

TABLE = re.compile(r"(?<=<!-- table -->\n).*?(?=<!-- end of table -->)", re.DOTALL)
SHORT = ("00", "01", "02", "06", "07", "08", "10", "11", "12", "13")


def table(lessons: list[Lesson]) -> str:
    rows = ["| | lesson | picture | minutes to read | seconds to run | after |", "|---|---|---|---|---|---|"]
    for lesson in lessons:
        mark = " ★" if lesson.number in SHORT else ""
        facts, name = lesson.facts, lesson.name
        title = f"[{facts['title']} · {facts['zh']}]({name}.ipynb) ([solved](solved/{name}.ipynb))<br>{facts['says']}"
        alt = f"A figure of lesson {lesson.number}, {facts['title']}"
        picture = f'<img src="pictures/{name}.png" width="240" alt="{alt}">'
        needs = " ".join(facts["needs"]) or "–"
        row = (lesson.number + mark, title, picture, facts["minutes"], facts["budget_s"], needs)
        rows.append(f"| {' | '.join(str(cell) for cell in row)} |")
    return "\n".join(rows) + "\n"


def readme(lessons: list[Lesson]) -> str:
    """README.md with its table made anew."""
    text = (HERE / "README.md").read_text(encoding="utf-8")
    return TABLE.sub(lambda found: table(lessons), text)


def glossary(lessons: list[Lesson]) -> str:
    """Every term with its Chinese words, symbol, variable, the lesson that brings it, and the article's formula."""
    head = (
        "# Glossary · 术语表\n\n"
        "Made by `python lessons/make.py` from the headers of the lessons.  Where the article's word and the usual\n"
        "one differ, both stand there, the article's first.\n\n"
        "| term | 术语 | symbol | variable | lesson | article |\n|---|---|---|---|---|---|\n"
    )
    rows = []
    for lesson in lessons:
        for term, zh, symbol, variable, ids in lesson.facts["terms"]:
            code = f"`{variable}`" if variable else ""
            row = (term, zh, symbol, code, f"[{lesson.number}]({lesson.name}.ipynb)", ids)
            rows.append((term.lower(), f"| {' | '.join(row)} |"))
    return head + "\n".join(row for _, row in sorted(rows)) + "\n"


def write(lessons: list[Lesson]) -> None:
    (HERE / "README.md").write_text(readme(lessons), encoding="utf-8")
    (HERE / "GLOSSARY.md").write_text(glossary(lessons), encoding="utf-8")

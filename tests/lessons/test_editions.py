"""The editions of the lessons: fresh, alike where they must be, without answers, complete, in two languages."""

import json
import re

import contents
import editions
import nbformat
import pytest
from editions import HERE

# Every entry of the inventory of the article: formulas, code, claims, applications, papers, what it leaves out, test
# models, errata.
INVENTORY = {
    f"{letter}{number}"
    for letter, last in {"F": 16, "C": 4, "S": 21, "A": 3, "P": 4, "M": 3, "T": 2, "E": 14}.items()
    for number in range(1, last + 1)
}
ALLOWED = {"IPython", "PIL", "ipywidgets", "matplotlib", "minigen", "numpy"}
CHINESE = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")
EDITIONS = {"exercise": HERE, "solved": HERE / "solved", "instructor": HERE / "instructor" / "lessons"}


def stored(lesson, edition):
    return nbformat.read(EDITIONS[edition] / f"{lesson.name}.ipynb", as_version=4)


def code(made):
    return {cell.id: cell.source for cell in made.cells if cell.cell_type == "code"}


def markdown(lesson):
    return [cell.source for cell in lesson.cells if cell.cell_type == "markdown"]


def pictures(made):
    """(cell, its place, output) of every picture."""
    for place, cell in enumerate(made.cells):
        for output in cell.get("outputs", ()):
            if any(kind.startswith("image/") for kind in output.get("data", ())):
                yield cell, place, output


# Made from one source -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("edition", ["exercise", "instructor"])
def test_an_edition_is_what_its_source_makes(lesson, edition):
    text = (EDITIONS[edition] / f"{lesson.name}.ipynb").read_text(encoding="utf-8")
    assert text == editions.text_of(editions.notebook(lesson, edition)), "run lessons/make.py"


def test_the_page_for_instructors_is_what_its_source_makes(lesson):
    text = (EDITIONS["instructor"] / f"{lesson.name}.md").read_text(encoding="utf-8")
    assert text == editions.page(lesson), "run lessons/make.py"
    for cell in (*lesson.of_kind("wrong"), *lesson.of_kind("rubric")):
        assert cell.source in text


def test_nbgrader_would_hand_out_neither_wrong_answers_nor_rubric(lesson):
    text = (EDITIONS["instructor"] / f"{lesson.name}.ipynb").read_text(encoding="utf-8")
    assert not re.search(r"What a good answer|\"wrong\"|\"rubric\"", text)


def test_the_solved_edition_is_what_its_source_makes_and_has_been_run(lesson):
    made = stored(lesson, "solved")
    assert all(cell.execution_count for cell in made.cells if cell.cell_type == "code")
    for cell in made.cells:
        if cell.cell_type == "code":
            cell.update(outputs=[], execution_count=None)
    assert editions.text_of(made) == editions.text_of(editions.notebook(lesson, "solved")), "run lessons/make.py"


def test_no_edition_is_left_over(lessons):
    expected = {f"{lesson.name}.ipynb" for lesson in lessons}
    for folder in EDITIONS.values():
        assert {path.name for path in folder.glob("*.ipynb")} == expected
    assert {path.stem for path in EDITIONS["instructor"].glob("*.md")} == {lesson.name for lesson in lessons}


def test_code_is_the_same_in_all_editions_but_for_answers_and_hidden_checks(lesson):
    exercise, solved, instructor = (code(editions.notebook(lesson, edition)) for edition in EDITIONS)
    differ = {name for name in exercise if exercise[name] != solved[name]}
    assert differ == {cell.id for cell in lesson.of_kind("exercise")}
    differ = {name for name in solved if solved[name] != instructor[name]}
    assert differ == {cell.id for kind in ("exercise", "check") for cell in lesson.of_kind(kind)}
    for cell in lesson.of_kind("check"):
        assert instructor[cell.id].startswith(cell.source) and "### BEGIN HIDDEN TESTS" in instructor[cell.id]


def test_the_exercise_edition_has_no_answers_and_no_outputs(lesson):
    text = (HERE / f"{lesson.name}.ipynb").read_text(encoding="utf-8")
    assert not re.search(r"(BEGIN|END) (SOLUTION|HIDDEN)|What a good answer", text)
    made = stored(lesson, "exercise")
    assert not any(cell.get("outputs") for cell in made.cells)
    everything = "\n".join(cell.source for cell in made.cells)
    for cell in lesson.of_kind("exercise"):
        answer = editions.solution_of(cell)
        assert answer.strip()
        for line in answer.splitlines():
            assert len(line.strip()) < 25 or line.strip() not in everything, f"{cell.id} is answered in the lesson"


def test_an_answer_that_is_left_in_is_seen(lessons):
    """The test above is none if it cannot fail."""
    exercise = next(cell for lesson in lessons for cell in lesson.of_kind("exercise"))
    assert editions.solution_of(exercise).strip() in editions.without_marks(exercise.source)
    assert editions.solution_of(exercise).strip() not in editions.without_answer(exercise.source, exercise.id)


def test_every_exercise_has_a_check_wrong_answers_and_points(lesson):
    made = {cell.id: cell for cell in lesson.cells}
    exercises = [cell.id for cell in lesson.of_kind("exercise")]
    assert exercises == [f"exercise-{letter}" for letter in "abc"[: len(exercises)]] and len(exercises) >= 2
    order = [cell.id for cell in lesson.cells]
    for name in exercises:
        check = made[name.replace("exercise", "check")]
        assert check.metadata["points"] >= 1 and editions.CHECK.findall(check.source)
        assert order.index(check.id) == order.index(name) + 1, "an exercise is followed at once by its check"
        assert sum(cell.id.startswith(name) for cell in lesson.of_kind("wrong")) >= 2
    assert lesson.of_kind("rubric")


# What each lesson must have -------------------------------------------------------------------------------------------


def test_every_entry_of_the_inventory_is_covered(lessons):
    covered = {entry for lesson in lessons for entry in lesson.facts["covers"]}
    assert sorted(INVENTORY - covered) == []
    assert sorted(covered - INVENTORY) == []


def test_a_lesson_speaks_of_what_it_says_it_covers(lesson):
    text = "\n".join(markdown(lesson))
    for entry in lesson.facts["covers"]:
        assert re.search(rf"\b{entry}\b", text), f"{entry} is not in the text"


def test_headings_are_in_two_languages(lesson):
    assert markdown(lesson)[0].startswith(f"# {lesson.heading}\n")
    headings = re.findall(r"^#+ .*$", "\n".join(markdown(lesson)), re.MULTILINE)
    assert len(headings) >= 6
    for heading in headings:
        assert re.search(r"[A-Za-z].* · .*[\u4e00-\u9fff]", heading), heading


def test_chinese_stands_in_markdown_only(lesson):
    for cell in lesson.cells:
        if cell.cell_type != "markdown":
            assert not CHINESE.search(cell.source), f"{cell.id}: figures would show boxes"


def test_a_lesson_has_its_table_of_symbols_a_question_and_a_last_checklist(lesson):
    assert any("| symbol | meaning | 含义 | variable | shape | article |" in text for text in markdown(lesson))
    assert any("**New terms**" in text and "**Read next**" in text for text in markdown(lesson))
    last = lesson.cells[-1].source
    checks = re.findall(r"^def (check_\w+)\(seed=0\):", "\n".join(cell.source for cell in lesson.cells), re.MULTILINE)
    assert "checklist(" in last and checks
    assert [name for name in checks if not re.search(rf"\b{name}\b", last)] == []
    assert f"budget_s={lesson.facts['budget_s']}" in last


def test_the_variables_of_the_glossary_are_in_the_code(lesson):
    text = "\n".join(cell.source for cell in lesson.cells if cell.cell_type == "code")
    assert lesson.facts["terms"]
    for term, zh, _, variable, ids in lesson.facts["terms"]:
        assert term and CHINESE.search(zh)
        assert not variable or re.search(rf"\b{re.escape(variable)}\b", text), f"{term}: no {variable} in the code"
        assert set(re.findall(r"\b[A-Z]\d+\b", ids)) <= INVENTORY


def test_a_lesson_brings_only_what_learners_have(lesson):
    text = "\n".join(cell.source for cell in lesson.cells if cell.cell_type == "code")
    found = set(re.findall(r"^\s*(?:from|import) (\w+)", text, re.MULTILINE))
    allowed = {
        "base64",
        "io",
        "itertools",
        "math",
        "time",
        "IPython",
        "PIL",
        "ipywidgets",
        "matplotlib",
        "minigen",
        "numpy",
    }
    assert found <= allowed
    assert not re.search(r"^\s*[!%]|sys\.path|np\.random\.seed|import threading|multiprocessing", text, re.MULTILINE)
    assert not re.search(r"minigen[\w.]*\._|import _", text), "public names only"


# Pictures -------------------------------------------------------------------------------------------------------------


def test_every_picture_has_its_caption_as_alternative_text(lesson):
    made = stored(lesson, "solved")
    seen = list(pictures(made))
    assert len(seen) >= 2
    for cell, place, output in seen:
        caption = editions.caption_after(made.cells, place)
        assert caption and len(caption) > 40, f"{cell.id}: no **Figure N.** beneath its picture"
        assert {meta["alt"] for meta in output.metadata.values()} == {caption}
    numbers = [
        int(found) for found in re.findall(r"^\*\*Figure (\d+)\.\*\* ", "\n".join(markdown(lesson)), re.MULTILINE)
    ]
    assert numbers == list(range(1, len(numbers) + 1))


def test_pictures_and_notebooks_are_small(lesson):
    made = stored(lesson, "solved")
    for cell, _, output in pictures(made):
        for kind, data in output.data.items():
            assert not kind.startswith("image/") or len(data) * 3 / 4 <= 150_000, cell.id
    assert len(json.dumps(made)) <= 500_000
    assert (HERE / "pictures" / f"{lesson.name}.png").stat().st_size <= 150_000


def test_a_solved_lesson_printed_no_warning(lesson):
    for cell in stored(lesson, "solved").cells:
        for output in cell.get("outputs", ()):
            assert output.output_type != "error" and output.get("name") != "stderr", cell.id


# The pages around them ------------------------------------------------------------------------------------------------


def test_the_table_of_contents_and_the_glossary_are_fresh(lessons):
    assert (HERE / "README.md").read_text(encoding="utf-8") == contents.readme(lessons), "run lessons/make.py"
    assert (HERE / "GLOSSARY.md").read_text(encoding="utf-8") == contents.glossary(lessons), "run lessons/make.py"


def test_there_are_sixteen_lessons_and_a_lesson_needs_earlier_ones(lessons):
    assert [lesson.number for lesson in lessons] == [f"{number:02}" for number in range(16)]
    for lesson in lessons:
        assert all(need < lesson.number for need in lesson.facts["needs"])
    known = {lesson.number: lesson for lesson in lessons}
    for number in contents.SHORT:
        assert set(known[number].facts["needs"]) <= set(contents.SHORT), "the short course stands by itself"


def test_no_term_stands_twice_in_the_glossary(lessons):
    terms = [term.lower() for lesson in lessons for term, *_ in lesson.facts["terms"]]
    assert sorted({term for term in terms if terms.count(term) > 1}) == []

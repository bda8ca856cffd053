"""The page of a gallery: what sets the runs apart, a card for each, what was measured, and what they share."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from minigen.gallery_run import Picture, Shown
from minigen.train.html import STYLE, code, flat, paragraph
from minigen.train.html import table as facts_table
from minigen.train.table import MODEL, shown

TOLD = ("command", "licence", "data_name", "data_count")  # of config.json, told elsewhere on the page
KINDS = {"gan": "generative adversarial network", "vae": "variational autoencoder"}
NONE = "–"  # in a cell: that run has no such setting or measure

OWN_STYLE = """
body { max-width: none }
h1, h3, p, pre { max-width: 66rem }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); gap: 1.2rem }
.card { background: var(--box); border-radius: 6px; padding: .9rem 1.1rem; min-width: 0 }
.card h3 { font-size: 1.1rem; margin: 0 0 .4rem }
.card:target { grid-column: 1 / -1 }
.card:target .pictures { display: flex; flex-wrap: wrap; gap: 1.2rem }
.card .back { display: none }
.card:target .back { display: inline }
.card table { width: 100%; margin-top: .6rem }
.fault { border-left: 3px solid #d55e00; padding-left: .6rem; font-size: .95rem }
.side { overflow-x: auto; margin: .6rem 0 1.2rem }
.side th[scope=row] { position: sticky; left: 0; background: var(--paper); min-width: 9rem; max-width: 16rem }
.side td { min-width: 8rem; font-variant-numeric: tabular-nums }
.side .beside th, .side .beside td { color: var(--faint); font-size: .84rem }
.side .beside th { padding-left: 1rem }
a { color: inherit }
@media (max-width: 40rem) {
  body { padding: .8rem }
  .card .drawn { overflow-x: auto }
  .card .drawn img { min-width: 34rem }
  .side th[scope=row] { min-width: 7rem; max-width: 9rem }
}
"""


def document(shelf: Sequence[Shown]) -> str:
    """The whole page of these runs, one file that needs no other."""
    title = f"{len(shelf)} runs side by side" if len(shelf) > 1 else escape(shelf[0].name)
    settings = compared([run.config for run in shelf])
    parts = [f'<h1 id="top">{title}</h1>', paragraph(_introduction(shelf))]
    if len(shelf) > 1:
        parts += ["<h2>What sets them apart</h2>", _differences(shelf, settings)]
    parts += ["<h2>The runs</h2>", '<div class="cards">', *(_card(run, k) for k, run in enumerate(shelf, 1)), "</div>"]
    parts += _measures(shelf)
    parts += _shared(shelf, settings)
    parts += ["<h2>The commands that made them</h2>", *map(_command, shelf)]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title} · minigen</title>\n<style>{STYLE}{OWN_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(part for part in parts if part)
        + "\n</body>\n</html>\n"
    )


def _introduction(shelf: Sequence[Shown]) -> str:
    if len(shelf) == 1:
        return "What this run learnt from, what it makes, and how it was trained."
    return (
        "Each card is one run of training: samples that it made, how they came about, and what it cost. A name in a "
        "table leads to its card and lets it fill the width."
    )


# Settings -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Settings:
    """Settings of several runs.  differing: name → value in every run, `NONE` where it has no such setting.

    equal: name → the one value in all runs.  partial: name → (the one value, the places of the runs that have it),
    such as what one recipe alone can be told.
    """

    differing: dict[str, list[Any]]
    equal: dict[str, Any]
    partial: dict[str, tuple[Any, list[int]]]


def compared(configs: Sequence[Mapping[str, Any]]) -> Settings:
    """Sort the settings of these runs; one whose settings could not be read, {}, takes no part."""
    flattened = [flat({key: value for key, value in config.items() if key not in TOLD}) for config in configs]
    read = sum(bool(settings) for settings in flattened)
    found = Settings({}, {}, {})
    for name in dict.fromkeys(name for settings in flattened for name in settings):
        having = [k for k, settings in enumerate(flattened) if name in settings]
        first = flattened[having[0]][name]
        if any(flattened[k][name] != first for k in having):
            found.differing[name] = [settings.get(name, NONE) for settings in flattened]
        elif len(having) == read:
            found.equal[name] = first
        else:
            found.partial[name] = first, having
    return found


def _differences(shelf: Sequence[Shown], settings: Settings) -> str:
    if not settings.differing:
        return paragraph("Nothing: where two have the same setting, it has the same value.")
    rows = [(name, [_setting(value) for value in values], "") for name, values in settings.differing.items()]
    lacking = any(value == NONE for values in settings.differing.values() for value in values)
    return _side_by_side(shelf, rows) + (
        paragraph(f"{NONE}: that run has no such setting, or it cannot be read.") if lacking else ""
    )


def _shared(shelf: Sequence[Shown], settings: Settings) -> list[str]:
    """What is told once: the settings that all have in common, then those that some of the runs alone have."""
    head = "What they share" if len(shelf) > 1 else "Settings"
    parts = [f"<h2>{head}</h2>"]
    parts += [facts_table(settings.equal) if settings.equal else paragraph("No setting is the same in all of them.")]
    groups: dict[tuple[int, ...], dict[str, Any]] = {}
    for name, (value, having) in settings.partial.items():
        groups.setdefault(tuple(having), {})[name] = value
    for places, values in groups.items():
        only = ", ".join(shelf[k].name for k in places)
        parts += [f"<h3>{escape(f'Only in {only}')}</h3>", facts_table(values)]
    return parts


def _setting(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return (value or "(empty)") if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


# Measures -----------------------------------------------------------------------------------------------------------


def _measures(shelf: Sequence[Shown]) -> list[str]:
    """The tables of every run's evaluation, a column a run; nothing where no run was measured."""
    found = [run.evaluation for run in shelf]
    if not any(found):
        return []
    how = "; ".join(f"{run.name}: {_conditions(run.evaluation)}" for run in shelf if run.evaluation)
    parts = ["<h2>Measured, beside what needs no network</h2>", paragraph(f"By python -m minigen.evaluate. {how}.")]
    titles = dict.fromkeys(table["title"] for facts in found if facts for table in facts["tables"])
    for title in titles:
        having = [k for k, facts in enumerate(found) if facts and any(t["title"] == title for t in facts["tables"])]
        rows = measured([found[k] for k in having], title)
        if rows:
            parts += [f"<h3>{escape(str(title))}</h3>", _side_by_side(shelf, rows, having)]
    return parts


def _conditions(facts: Mapping[str, Any]) -> str:
    """At which step, on how many items and with which seed: every number of the file but its tables."""
    return ", ".join(f"{key} {value:,}" for key, value in facts.items() if type(value) is int)


def measured(found: Sequence[Mapping[str, Any] | None], title: str) -> list[tuple[str, list[str], str]]:
    """Rows of one table over all runs: (measure or what stands beside it, a cell for each run, its style).

    A measure's row has the models' values; below it a row for each baseline, floor or other column of its own.
    """
    cells: dict[tuple[str, str], dict[int, str]] = {}  # (measure, column) → run → cell
    for k, facts in enumerate(found):
        for table in facts["tables"] if facts else []:
            if table["title"] != title:
                continue
            for row in table["rows"]:
                columns = dict.fromkeys([MODEL, *row["values"]])
                for column in columns:
                    cells.setdefault((_measure(row), column), {})[k] = _value(row, column)
    rows = []
    for measure in dict.fromkeys(measure for measure, _ in cells):
        for column in (column for name, column in cells if name == measure):
            line = [cells[measure, column].get(k, NONE) or NONE for k in range(len(found))]
            rows.append((measure, line, "") if column == MODEL else (column, line, "beside"))
    return rows


def _measure(row: Mapping[str, Any]) -> str:
    notes = [str(row["unit"])] if row["unit"] else []
    notes += [f"{row['better']} is better"] if row.get("better") else []
    return f"{row['name']} ({', '.join(notes)})" if notes else str(row["name"])


def _value(row: Mapping[str, Any], column: str) -> str:
    value = row["values"].get(column)
    if value is None:
        return ""
    error = row.get("error") if column == MODEL else None
    return shown(float(value)) + (f" ± {shown(float(error))}" if error is not None else "")


# Cards and tables ---------------------------------------------------------------------------------------------------


def _card(run: Shown, number: int) -> str:
    figures = '<div class="pictures">\n' + "\n".join(map(_figure, run.pictures)) + "\n</div>"
    faults = "\n".join(f'<p class="fault">{escape(text)}</p>' for text in run.said)
    back = '<a class="back" href="#top">back to all</a>'
    head = f"<h3>{escape(run.name)}</h3>{back}"
    return (
        f'<article class="card" id="run-{number}">\n{head}\n{faults}\n{figures}\n{facts_table(_facts(run))}\n</article>'
    )


def _facts(run: Shown) -> dict[str, str]:
    """What a card tells in words; what is not known is left out."""
    config = run.config
    recipe, count = str(config.get("recipe", "unknown")), config.get("data_count")
    source = str(config.get("data_name", config.get("data", "unknown")))
    facts = {
        "kind": KINDS.get(recipe, recipe),
        "learnt from": f"{source}, {count:,} items" if isinstance(count, int) else source,
        "licence": str(config.get("licence", "unknown")),
        "steps": f"{run.steps:,}",
    }
    if run.seconds is not None:
        facts["training time"] = f"{run.seconds:,.0f} s"
    if run.rate is not None:
        facts["items a second"] = f"{run.rate:,.0f} (median)"
    return facts if config else {key: facts[key] for key in facts if key not in ("kind", "learnt from", "licence")}


def _figure(picture: Picture) -> str:
    source = f"data:image/{picture.kind};base64,{base64.b64encode(picture.raw).decode()}"
    image = f'<img alt="{escape(picture.alt)}" src="{source}">'
    return f'<figure class="{picture.style}">\n{image}\n<figcaption>{escape(picture.caption)}</figcaption>\n</figure>'


def _command(run: Shown) -> str:
    made = run.config.get("command")
    return f"<h3>{escape(run.name)}</h3>\n" + (code(str(made)) if made else paragraph("It is not recorded."))


def _side_by_side(
    shelf: Sequence[Shown], rows: Sequence[tuple[str, Sequence[str], str]], places: Sequence[int] | None = None
) -> str:
    """A table with a column for each run, or for those at `places`; a name leads to the run's card.

    Wide ones scroll, their first column stays.
    """
    places = range(len(shelf)) if places is None else places
    names = (f'<th scope=col><a href="#run-{k + 1}">{escape(shelf[k].name)}</a></th>' for k in places)
    lines = [
        f'<tr class="{style}"><th scope=row>{escape(head)}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        + "</tr>"
        for head, cells, style in rows
    ]
    return f'<div class="side"><table>\n<tr><th></th>{"".join(names)}</tr>\n' + "\n".join(lines) + "\n</table></div>"

"""Measurements in rows: a model beside what needs no model, and the sentence that says where the model loses."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MODEL = "model"


@dataclass(frozen=True)
class Row:
    """One measure: its values by column ("model", and the baselines that it has), and which way is better.

    better: "lower", "higher", or "" where a value is good that is near the data's.  error: the standard error of the
    model's value, where it is an estimate.
    """

    name: str
    unit: str
    values: Mapping[str, float]
    better: str = ""
    error: float | None = None
    note: str = ""

    def losses(self) -> list[str]:
        """The baselines that are better than the model."""
        if not self.better or MODEL not in self.values:
            return []
        sign = 1 if self.better == "lower" else -1
        mine = sign * self.values[MODEL]
        return [name for name, value in self.values.items() if name not in (MODEL, "data") and sign * value < mine]


@dataclass(frozen=True)
class Table:
    """Rows under a title; `verdicts` are the honest sentences, one for each row in which a baseline wins."""

    title: str
    rows: Sequence[Row]
    notes: Sequence[str] = field(default_factory=tuple)

    @property
    def columns(self) -> list[str]:
        """All columns of all rows: the model first, then in the order of first use."""
        found = dict.fromkeys(name for row in self.rows for name in row.values)
        return [MODEL, *(name for name in found if name != MODEL)]

    def verdicts(self) -> list[str]:
        """A sentence for each measure in which something simpler is better; one that says so where nothing is."""
        said = []
        for row in self.rows:
            for name in row.losses():
                said.append(
                    f"{row.name}: {name} is better than the model, {shown(row.values[name])} against "
                    f"{shown(row.values[MODEL])} {row.unit}.".replace(" .", ".")
                )
        compared = any(row.better and len([n for n in row.values if n != "data"]) > 1 for row in self.rows)
        return said or (["In nothing measured here is a baseline better than the model."] if compared else [])

    def __str__(self) -> str:
        head = ["", *self.columns, "unit", "better"]
        lines = [head]
        for row in self.rows:
            cells = [shown(row.values[name]) if name in row.values else "" for name in self.columns]
            if row.error is not None:
                cells[0] += f" ± {shown(row.error)}"
            lines.append([row.name, *cells, row.unit, row.better])
        widths = [max(len(line[k]) for line in lines) for k in range(len(head))]
        text = [
            "  ".join(
                cell.ljust(width) if k in (0, len(head) - 2, len(head) - 1) else cell.rjust(width)
                for k, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        ]
        notes = [f"{row.name}: {row.note}" for row in self.rows if row.note]
        return "\n".join([self.title, text[0], "─" * max(map(len, text)), *text[1:], *notes, *self.notes])

    def as_json(self) -> dict[str, Any]:
        """Plain values, for evaluation.json."""
        return {
            "title": self.title,
            "rows": [
                {
                    "name": row.name,
                    "unit": row.unit,
                    "better": row.better,
                    "values": {name: _plain(value) for name, value in row.values.items()},
                    "error": None if row.error is None else _plain(row.error),
                    "note": row.note,
                }
                for row in self.rows
            ],
            "notes": list(self.notes),
            "verdicts": self.verdicts(),
        }


def _plain(value: float) -> float | None:
    """A number as JSON can hold it: what is none becomes null."""
    return float(value) if math.isfinite(value) else None


def shown(value: float) -> str:
    """A number in four digits or so, with a minus sign, and in powers of ten only where a person would."""
    if not math.isfinite(value):
        return str(value)
    size = abs(value)
    sign = "−" if value < 0 else ""
    if size >= 1000 or size == round(size):
        return f"{sign}{size:,.0f}"
    if size >= 1:
        return f"{sign}{size:.{1 if size >= 100 else 2}f}"
    return f"{sign}{size:.3f}" if size >= 0.001 else f"{sign}{size:.1e}"

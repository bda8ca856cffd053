"""Whether samples are copies: of items that were learnt from, or of each other."""

import numpy as np

from minigen.evaluate_samples.drawn import DATA, Drawn, Measured
from minigen.metrics.neighbours import held_out_rank, near_duplicates, nearest_distances
from minigen.train.table import MODEL, Row

MOST, FEWEST = 500, 100  # items of each column that are looked at
PRODUCTS = 4_000_000_000  # of pixels for each column: about a second; larger images are looked at in smaller number
MARKED = 1.0  # a percentile: nearer to a training item than all but 1 of 100 real items that were not trained on


def copied(drawn: Drawn) -> Measured:
    """The table of distances to the nearest training item, beside those of real items that were not trained on."""
    n = min(drawn.count, MOST, max(FEWEST, PRODUCTS // drawn.training.size))
    columns = {name: items[:n] for name, items in drawn.columns.items() if not name.startswith("mean ")}
    plain = {name: drawn.comparable(items) for name, items in columns.items()}
    plain["reference"] = drawn.comparable(drawn.real.reference[:n])
    spaces = {drawn.numbers: (plain, drawn.comparable(drawn.training))}
    if drawn.judge is not None:
        some = {name: drawn.features[name][:n] for name in (*columns, "reference")}
        spaces["features"] = some, drawn.features_of(drawn.training)
    rows = [row for name, (some, known) in spaces.items() for row in _rows(name, some, known, drawn)]
    notes = [
        f"The first {n} of each beside the {len(drawn.training):,} {drawn.word}s that were learnt from. Data: "
        + ("others, which were not." if drawn.real.within is None else "some of these beside the rest of them."),
        f"Marked: nearer to a training {drawn.word} than all but 1 in 100 of such real {drawn.word}s are.",
        f"Near doubles: samples as near to another sample as 1 in 100 real {drawn.word}s are to another real one.",
        f"Smooth {drawn.word}s are near to everything by {drawn.numbers}: what shows there alone need be no copy.",
    ]
    return Measured("Whether its samples are copies", rows, notes, _said(rows, drawn))


def _rows(space: str, some: dict[str, np.ndarray], training: np.ndarray, drawn: Drawn) -> list[Row]:
    """The measures of some items, or of their features: to the training set, and among each other."""
    reference = some["reference"]
    columns = {name: x for name, x in some.items() if name != "reference"}
    distances, usual = _distances(columns, reference, training, drawn)
    unit = drawn.unit if space == drawn.numbers else "features"
    marked = {name: float((held_out_rank(d, usual) < MARKED).mean()) for name, d in distances.items()}
    rows = [
        Row(f"distance, {space}", f"{unit}, median", {c: float(np.median(d)) for c, d in distances.items()}),
        Row(f"marked, {space}", "share", marked),
    ]
    if space == drawn.numbers:
        rows.append(Row("exact copies", "share", {c: float((d == 0).mean()) for c, d in distances.items()}))
    among = nearest_distances(reference, reference, leave_out_self=True)[1]
    if among.max() > 0:
        threshold = float(np.percentile(among, 1)) or float(among[among > 0].min())
        doubles = {name: near_duplicates(x, threshold) for name, x in columns.items()}
        rows.append(Row(f"near doubles, {space}", "share", doubles))
    return rows


def _distances(
    columns: dict[str, np.ndarray], reference: np.ndarray, training: np.ndarray, drawn: Drawn
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """(each column's distances to the nearest training item, those of the reference); real ones never to themselves."""
    within = drawn.real.within
    rest = training if within is None else np.delete(training, within, axis=0)
    found = {name: nearest_distances(x, rest if name == DATA else training)[1] for name, x in columns.items()}
    return found, nearest_distances(reference, rest)[1]


def _said(rows: list[Row], drawn: Drawn) -> tuple[str, ...]:
    by_name = {row.name: row.values for row in rows}
    space = drawn.numbers if drawn.judge is None else "features"
    marked, doubles = by_name[f"marked, {space}"], by_name.get(f"near doubles, {space}")
    share, real, copies = marked[MODEL], marked[DATA], by_name["exact copies"][MODEL]
    look = "" if drawn.word == "window" else ": look at the pairs of neighbours.png"
    if copies > 0.01:
        judgement = f"It repeats what it learnt from: {100 * copies:.0f} of 100 samples are exact copies."
    elif share > 0.2:
        judgement = f"It repeats what it learnt from, or nearly so{look}."
    elif share > max(0.05, 3 * real):
        judgement = f"Some may be copies{look}."
    else:
        judgement = "There is no sign that it copies."
    said = [
        f"{judgement} Marked by {space} are {100 * share:.1f} of 100 samples and {100 * real:.1f} real {drawn.word}s."
    ]
    if doubles and doubles[MODEL] > max(0.05, 3 * doubles[DATA]):
        said.append(f"It repeats itself: {100 * doubles[MODEL]:.0f} of 100 samples have a near double by {space}.")
    return tuple(said)

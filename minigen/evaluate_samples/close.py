"""How close samples are to real items as a whole: fid_clf, KID, and whether a nearest neighbour tells them apart."""

import numpy as np

from minigen import backend
from minigen.evaluate_samples.drawn import DATA, RAW, Drawn, Measured
from minigen.metrics.frechet import frechet_distance
from minigen.metrics.kid import kid
from minigen.metrics.neighbours import two_sample_accuracy
from minigen.train.table import MODEL, Row, shown

BLOCKS = 10  # of KID


def closeness(drawn: Drawn, seed: int) -> Measured:
    """The table of distances between all samples and all real items of the reference, column by column."""
    features = {name: drawn.features[name] for name in drawn.columns}
    real = drawn.features["reference"]
    n, F = real.shape
    rows, notes = [], list(drawn.real.notes)
    name = "Fréchet distance" if drawn.judge is None else "fid_clf"
    if n > F:
        distances = {column: frechet_distance(real, x) for column, x in features.items()}
        rows.append(Row(name, "features squared", distances, "lower"))
    else:
        notes.append(f"No {name}: {n} {drawn.word}s of {F:,} features have no covariance; it needs more than {F:,}.")
    if n >= 2 * BLOCKS:
        found = {c: kid(real, x, blocks=BLOCKS, rng=backend.generator([seed, 8])) for c, x in features.items()}
        rows.append(Row("KID", "", {c: mean for c, (mean, _) in found.items()}, "lower", found[MODEL][1]))
    else:
        notes.append(f"No KID: {n} {drawn.word}s are too few; it needs {2 * BLOCKS}.")
    told = {column: two_sample_accuracy(real, x) for column, x in features.items()}
    rows += [
        Row("1-NN accuracy, real", "share; 0.5 is best", {column: share for column, (share, _) in told.items()}),
        Row("1-NN accuracy, fake", "share; 0.5 is best", {column: share for column, (_, share) in told.items()}),
    ]
    if drawn.frame_judge is not None:
        frames = drawn.frame_features
        distances = {column: frechet_distance(frames["reference"], frames[column]) for column in features}
        rows.append(Row("fid_clf of frames", "features squared", distances, "lower"))
        notes.append(
            f"fid_clf of frames: of all {len(frames['reference']):,} single frames, whatever their order, by the judge "
            f"{drawn.frame_judge.hash} of stills."
        )
    notes += [
        f"{n:,} samples against {n:,} real {drawn.word}s, by {drawn.space}; data: other real {drawn.word}s, the floor.",
        *(["Model: averaged weights. Raw weights: those of the last step."] if RAW in features else []),
        f"{name} is 0 only between equal sets and falls with their size: read it beside the data's.",
        "1-NN accuracy: how often the nearest neighbour of a real (a fake) one is real (fake) too; 1: told apart.",
        f"Copies are training {drawn.word}s handed out as samples: this table takes them for a perfect model.",
    ]
    notes += _judged_by(drawn)
    return Measured(f"How close its samples are to real {drawn.word}s", rows, notes, _said(rows, told, drawn))


def _judged_by(drawn: Drawn) -> list[str]:
    judge = drawn.judge
    if judge is None:
        return [drawn.unjudged]
    scores = dict(judge.scores)
    told = f"actions told right: {scores.pop('action'):.3f}; " if "action" in scores else ""
    right = "R² of the factors it reads" if judge.reads_factors else "accuracy"
    return [
        f"Judge {judge.hash}; {told}{right}, on average: {np.mean(list(scores.values())):.3f}.",
        "fid_clf is no FID: another network finds its features, so that no published value compares.",
    ]


def _said(rows: list[Row], told: dict[str, tuple[float, float]], drawn: Drawn) -> tuple[str, ...]:
    said = []
    first = rows[0]
    if first.better:  # a distance could be measured
        mine, floor = first.values[MODEL], first.values[DATA]
        what = f"{first.name} is {shown(mine)} for the samples and {shown(floor)} for other real {drawn.word}s"
        if floor > 0 and first.name != "KID":  # of which the floor is 0
            what += f": {_times(mine / floor)} as far from the real ones"
        said.append(f"{what}.")
        raw = first.values.get(RAW, mine)
        if raw < mine:
            said.append(
                f"Raw weights are closer, {shown(raw)}: the average still holds what they were early in the training, "
                "which a longer run or a smaller --ema forgets."
            )
    share = float(np.mean(told[MODEL]))
    error = 0.5 / np.sqrt(2 * drawn.count)
    if share > 0.5 + 3 * error:
        meaning = "they can be told from real ones" if share < 0.9 else "nearly all of them can be told from real ones"
    else:
        meaning = "they cannot be told from real ones" if share > 0.5 - 3 * error else "they repeat the real ones"
    said.append(
        f"By its nearest neighbour a sample or a real one is told right in {100 * share:.0f} of 100: {meaning}."
    )
    return tuple(said)


def _times(ratio: float) -> str:
    return f"{ratio:.1f} times" if ratio < 10 else f"{ratio:,.0f} times"

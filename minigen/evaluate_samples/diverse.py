"""Whether samples are as varied as real items: which factors or digits they cover, and whether they are valid."""

import numpy as np

from minigen.evaluate_samples.drawn import DATA, Drawn, Measured
from minigen.judges import Known, Rendered
from minigen.metrics.factors import Coverage, coverage, pair_coverage, validity
from minigen.metrics.modes import mode_ceilings
from minigen.metrics.motion import diversity as mean_distance
from minigen.train.table import MODEL, Row, shown

BINS = 10
RENDERED = 400  # items that are rendered again
NUISANCES = (0.1, 0.3, 0.5, 0.7)  # nobody reads it off an item: the mean over some of them stands for all


def diversity(drawn: Drawn) -> list[Measured]:
    """The tables of coverage by the judge's reading, none where there is no judge; of motion one of distances too."""
    tables = [_apart(drawn)] if drawn.word == "window" else []
    if drawn.judge is None:
        return tables
    if not drawn.judge.reads_factors:
        return [_classes(drawn)]
    tables.append(_factors(drawn))
    return [*tables, _valid(drawn)] if isinstance(drawn.judge.subject, Rendered) else tables


def _apart(drawn: Drawn) -> Measured:
    """How far apart the items of each column are on average."""
    apart = {column: mean_distance(drawn.features[column]) for column in drawn.columns}
    return Measured(
        "How varied its samples are",
        [Row("diversity", f"mean distance, {drawn.space}", apart)],
        [f"Over all pairs of {drawn.count:,} {drawn.word}s; good is near the data's, not the most."],
        (f"Samples are {shown(apart[MODEL] / apart[DATA])} times as far from each other as real {drawn.word}s are.",)
        if apart[DATA] > 0
        else (),
    )


def _factors(drawn: Drawn) -> Measured:
    judge, subject = drawn.judge, drawn.judge.subject if drawn.judge else None
    assert judge is not None and isinstance(subject, Known)
    single: dict[str, dict[str, Coverage]] = {}
    pairs: dict[str, list[Coverage]] = {}
    for column in drawn.columns:
        values = drawn.read[column]
        seen = subject.seen_by(values)
        single[column] = coverage(values, subject.ranges, bins=BINS, seen=seen)
        pairs[column] = list(pair_coverage(values, subject.ranges, bins=BINS, seen=seen).values())
    rows = []
    for name in subject.ranges:
        label = f"{name} ({subject.unit(name)} {shown(judge.scores[name])})"
        rows.append(Row(f"{label}, bins", "share occupied", _each(single, name, "occupied")))
        rows.append(Row(f"{label}, KL", "nats", _each(single, name, "kl")))
    rows.append(Row("pairs, bins", "share occupied, mean", _mean(pairs, "occupied")))
    rows.append(Row("pairs, KL", "nats, mean", _mean(pairs, "kl")))
    n = drawn.count
    floor = mode_ceilings(BINS, n)["kl"]
    pair_floor = mode_ceilings(BINS * BINS, n)["kl"]
    notes = [
        f"Each factor is read off {n:,} {drawn.word}s by the judge and counted in {BINS} equal bins, where it is seen.",
        "R²: how well the judge reads it off unseen items; below 0.5 believe little. KL: from an even spread.",
        f"The floor of KL, {n:,} even draws: {shown(floor)} nats, of pairs {shown(pair_floor)}.",
        "What it cannot read a judge puts in the middle: good is near the data's, which it reads as badly.",
    ]
    return Measured("Which factors its samples cover", rows, notes, _said(single, list(subject.ranges)))


def _said(single: dict[str, dict[str, Coverage]], names: list[str]) -> tuple[str, ...]:
    """The factor that is spread least evenly beside the data, and whether PCA spreads its own more evenly."""
    mine, data = single[MODEL], single[DATA]
    known = [name for name in names if np.isfinite(mine[name].kl) and np.isfinite(data[name].kl)]
    if not known:
        return ()
    worst = max(known, key=lambda name: mine[name].kl - data[name].kl)
    said = [
        f"Least evenly spread beside the data: {worst}, {100 * mine[worst].occupied:.0f} % of its bins occupied and KL "
        f"{shown(mine[worst].kl)} nats; of the data {100 * data[worst].occupied:.0f} % and {shown(data[worst].kl)}."
    ]
    if "PCA" in single:
        more = sum(single["PCA"][name].kl < mine[name].kl for name in known)
        said.append(f"In {more} of {len(known)} factors PCA is spread more evenly than the model.")
    return tuple(said)


def _valid(drawn: Drawn) -> Measured:
    """Factors read off an item, rendered, against the item: large where it is no scene at all."""
    judge = drawn.judge
    assert judge is not None and isinstance(judge.subject, Rendered)
    subject = judge.subject
    errors, explained = {}, {}
    for column, items in drawn.columns.items():
        few, items = {name: values[:RENDERED] for name, values in drawn.read[column].items()}, items[:RENDERED]
        again = np.mean([subject.render(subject.records(few, u)) for u in NUISANCES], axis=0)
        off = validity(again / 127.5 - 1, items)
        contrast = items.reshape(len(items), -1).std(axis=1)
        errors[column] = float(off.mean())
        explained[column] = float(np.median(np.maximum(0, 1 - (off / np.maximum(contrast, 1)) ** 2)))
    word = f"{drawn.word}s"
    return Measured(
        "Whether they are what they should be",
        [
            Row("re-render error", "levels of 255", errors),
            Row("explained", "share of an item's contrast, median", explained),
        ],
        [
            f"The first {min(RENDERED, drawn.count)} of each, against the mean over {len(NUISANCES)} values of the "
            "nuisance, which nobody can read off.",
            f"Good is near the data's: {word} without contrast are near to that mean, but it explains nothing in them.",
        ],
        (
            f"Rendered again from what is read off them, samples are {shown(errors[MODEL])} levels off, real {word} "
            f"{shown(errors[DATA])}; of a sample's contrast {100 * explained[MODEL]:.0f} % is explained so, of "
            f"a real one's {100 * explained[DATA]:.0f} %.",
        ),
    )


def _classes(drawn: Drawn) -> Measured:
    judge = drawn.judge
    assert judge is not None
    K = len(judge.classes)
    items = [*drawn.columns.items(), ("reference", drawn.real.reference)]
    shares = {name: np.bincount(judge.labels(x), minlength=K) / len(x) for name, x in items}
    expected = shares.pop("reference")
    rows = [
        Row(f"digit {name}", "share", {column: float(share[k]) for column, share in shares.items()})
        for k, name in enumerate(judge.classes)
    ]
    kl = {column: kl_to(share, expected) for column, share in shares.items()}
    rows.append(Row("KL to the data's digits", "nats", kl, "lower"))
    n, least = drawn.count, int(shares[MODEL].argmin())
    return Measured(
        "Which digits its samples cover",
        rows,
        [
            f"Told by the judge, which is right in {100 * judge.scores['accuracy']:.1f} of 100 real digits.",
            f"Two sets of {n:,} digits of one frequency differ by about {shown((K - 1) / n)} nats: the floor of KL.",
        ],
        (
            f"Rarest: {judge.classes[least]}, {100 * shares[MODEL][least]:.1f} of 100 samples beside "
            f"{100 * expected[least]:.1f} real digits; KL {shown(kl[MODEL])} nats, the data's {shown(kl[DATA])}.",
        ),
    )


def kl_to(shares: np.ndarray, expected: np.ndarray) -> float:
    """KL(p ‖ q) = Σ p log(p / q) in nats, p (K,) and q (K,) shares; infinite where p has what q lacks."""
    some = shares > 0
    with np.errstate(divide="ignore"):
        return max(0.0, float((shares[some] * np.log(shares[some] / expected[some])).sum()))


def _each(found: dict[str, dict[str, Coverage]], name: str, field: str) -> dict[str, float]:
    """Of one factor a number by column, without those in which it is never seen."""
    values = {column: float(getattr(by_name[name], field)) for column, by_name in found.items()}
    return {column: value for column, value in values.items() if np.isfinite(value)}


def _mean(found: dict[str, list[Coverage]], field: str) -> dict[str, float]:
    values = {column: [getattr(c, field) for c in pairs if c.n] for column, pairs in found.items()}
    return {column: float(np.mean(some)) for column, some in values.items() if some}

"""Whether a conditional model does what it is asked: by class, or by factors that are numbers."""

from typing import Any

import numpy as np

from minigen import backend
from minigen.evaluate_samples.drawn import DATA, Drawn, Measured, with_all_weights
from minigen.judges import Known
from minigen.metrics.factors import control
from minigen.metrics.frechet import frechet_distance
from minigen.metrics.motion import diversity as mean_distance
from minigen.train.table import MODEL, Row, shown


def obedience(recipe: Any, drawn: Drawn, seed: int) -> list[Measured]:
    """The table of what was asked against what the judge finds; none for a model that is not asked, or not judged."""
    condition = getattr(recipe, "condition", None)
    if drawn.judge is None or condition is None:
        return []
    if recipe.classes:
        return _classes(recipe, drawn, seed)
    return _numbers(recipe, condition.factors, drawn, seed) if condition.factors else []


def _classes(recipe: Any, drawn: Drawn, seed: int) -> list[Measured]:
    name = recipe.config.condition
    K = len(recipe.classes)
    asked = np.arange(drawn.count) % K
    made = with_all_weights(recipe, _noise(recipe, drawn, seed), asked)
    names = np.array(recipe.classes)
    made |= drawn.handed_out(names[asked], seed)
    found = {column: _named(drawn, items, name) for column, items in made.items()}
    if not found or found[MODEL] is None:
        return []
    wanted = {column: names[asked] for column in found}
    factors = drawn.real.factors
    if factors is not None and name in (factors.dtype.names or ()):
        made[DATA], found[DATA] = drawn.real.others, _named(drawn, drawn.real.others, name)
        wanted[DATA] = _text(drawn, factors[name], name)
    accuracy = {column: float((labels == wanted[column]).mean()) for column, labels in found.items()}
    accuracy["by chance"] = 1 / K
    right = [(float((found[MODEL][asked == k] == names[k]).mean()), names[k]) for k in range(K)]
    worst = min(right)
    rows = [Row("conditional accuracy", "share", accuracy, "higher")]
    notes = [
        f"{drawn.count:,} samples, asked for the {K} values of {name} in turn, and told by the judge.",
        "Data: the judge's own accuracy on real items, above which nothing can be shown.",
    ]
    if drawn.word == "window":
        features = {column: drawn.features_of(items) for column, items in made.items()}
        real = drawn.features["reference"]
        if len(real) > real.shape[1]:
            away = {column: frechet_distance(real, x) for column, x in features.items()}
            rows.append(Row("fid_clf of what is asked for", "features squared", away, "lower"))
        within = {column: _within(x, wanted[column]) for column, x in features.items()}
        rows.append(Row(f"diversity within one {name}", f"mean distance, {drawn.space}", within))
        notes.append(f"The others: the same made of the training windows of the {name} asked for.")
    return [
        Measured(
            "Whether it draws the class it is asked for",
            rows,
            notes,
            (
                f"Of 100 samples {100 * accuracy[MODEL]:.0f} show the {name} asked for; least often {worst[1]}, "
                f"{100 * worst[0]:.0f} of 100.",
            ),
        )
    ]


def _numbers(recipe: Any, factors: Any, drawn: Drawn, seed: int) -> list[Measured]:
    judge = drawn.judge
    assert judge is not None
    if not any(factor.name in judge.scores for factor in factors):
        return []
    places = backend.generator([seed, 9]).random((drawn.count, len(factors)))
    asked = {f.name: f.at(places[:, k]) for k, f in enumerate(factors)}
    rows_told = np.concatenate([f.columns(asked[f.name]) for f in factors], axis=1)
    made = with_all_weights(recipe, _noise(recipe, drawn, seed), rows_told)
    read = {column: judge.factors(items) for column, items in made.items()}
    truth = drawn.real.factors
    rows = []
    for factor in (factor for factor in factors if factor.name in judge.scores):
        period = 1.0 if factor.cyclic else None
        found = {
            column: control(asked[factor.name], values[factor.name], period=period) for column, values in read.items()
        }
        if truth is not None:
            found[DATA] = control(truth[factor.name], drawn.read[DATA][factor.name], period=period)
        found["mean"] = (0.0, float(np.abs(asked[factor.name] - asked[factor.name].mean()).mean()))
        label = f"{factor.name} (R² {shown(judge.scores[factor.name])})"
        rows.append(Row(f"{label}, correlation", "1 is best", {c: v[0] for c, v in found.items()}, "higher"))
        rows.append(Row(f"{label}, error", "mean, in its unit", {c: v[1] for c, v in found.items()}, "lower"))
    weakest = min(rows[::2], key=lambda row: row.values[MODEL])
    said = f"What is asked shows least in {weakest.name.split(' ')[0]}: correlation {shown(weakest.values[MODEL])}"
    said += f", the judge's own on real items {shown(weakest.values[DATA])}." if DATA in weakest.values else "."
    return [
        Measured(
            "Whether it does what it is asked",
            rows,
            [
                f"{drawn.count:,} samples, asked for factors all over their ranges, which the judge then reads off.",
                "Data: what the judge reads off real items against the truth, above which nothing can be shown.",
                "Mean: whoever always draws the middle. Items count even where a factor cannot be seen, here as there.",
            ],
            (said,),
        )
    ]


def _noise(recipe: Any, drawn: Drawn, seed: int) -> np.ndarray:
    return recipe.latents(drawn.count, backend.generator([seed, 10]))


def _named(drawn: Drawn, items: np.ndarray, name: str) -> Any:
    """The class of each item by the judge, as text; None where it does not know that class."""
    judge = drawn.judge
    assert judge is not None
    if not judge.reads_factors:
        return np.array(judge.classes)[judge.labels(items)]
    assert isinstance(judge.subject, Known)
    if name not in judge.subject.ranges:
        return None
    return judge.subject.names(name, judge.factors(items)[name])


def _text(drawn: Drawn, values: np.ndarray, name: str) -> np.ndarray:
    """True values of a factor as the classes of a run are called, (N,)."""
    subject = drawn.judge.subject if drawn.judge is not None and drawn.judge.reads_factors else None
    return subject.names(name, values) if isinstance(subject, Known) else values.astype(int).astype(str)


def _within(features: np.ndarray, names: np.ndarray) -> float:
    """The mean distance between two items of one class, the mean over classes of two items or more; NaN for none."""
    some = [features[names == name] for name in np.unique(names)]
    found = [mean_distance(x) for x in some if len(x) > 1]
    return float(np.mean(found)) if found else float("nan")

"""How sampled clips move, beside real ones and beside what needs no network: seams, energy, flicker."""

from collections.abc import Mapping

import numpy as np

from minigen.evaluate_samples.drawn import COPIES, DATA, Drawn, Measured
from minigen.metrics.clips import energy, flicker, repeat_frame, seam, seam_jerk
from minigen.metrics.neighbours import nearest_distances
from minigen.train.table import MODEL, Row, shown


def movement(drawn: Drawn) -> list[Measured]:
    """The table of clips; none for images, or for clips of fewer than three frames."""
    if drawn.training.ndim != 5 or drawn.training.shape[1] < 3:
        return []
    nearest = drawn.training[nearest_distances(drawn.columns[MODEL], drawn.training)[0]]
    columns = {name: clips for name, clips in drawn.columns.items() if name != COPIES}
    return [table({**columns, "repeated frame": repeat_frame(drawn.real.reference), "nearest clip": nearest})]


def table(columns: Mapping[str, np.ndarray]) -> Measured:
    """Seams in medians, energy and flicker over the data's: clips (N, T, H, W, C) by column, one of them "data"."""
    moves, shakes = ({name: measure(c).mean() for name, c in columns.items()} for measure in (energy, flicker))
    seams, jerks = ({name: measure(c) for name, c in columns.items()} for measure in (seam, seam_jerk))
    still = {name: float(np.isnan(s).mean()) for name, s in seams.items()}
    rows = [
        Row("seam", "median; 1 is none", _medians(seams)),
        Row("seam of the steps", "median; 1 is none", _medians(jerks)),
        Row("energy", "of the data's", _over_data(moves)),
        Row("flicker", "of the data's", _over_data(shakes)),
        Row("clips that stand still", "share", still),
    ]
    mine = rows[2].values.get(MODEL, float("nan"))
    shaking = shown(rows[3].values.get(MODEL, float("nan")))
    said = f"Samples move {shown(mine)} times as much as real clips, and flicker {shaking} times as much"
    if MODEL in rows[0].values:
        said += (
            f"; from last frame to first the step is {shown(rows[0].values[MODEL])} times one within, in real clips "
        )
        said += shown(rows[0].values[DATA]) if DATA in rows[0].values else "none"
    return Measured(
        "How its clips move",
        rows,
        [
            "Seam: the step from the last frame to the first over a step within; above 1 a jump, near 0 a held frame.",
            "Energy: how much changes from frame to frame; flicker: how that trembles. Good is near the data's, 1.",
            "Repeated frame: the first of each real clip, held. Nearest clip: of the training, to each sample.",
        ],
        (f"{said}.",),
    )


def _medians(found: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Of the clips that move; columns in which none does are left out."""
    moving = {name: values[np.isfinite(values)] for name, values in found.items()}
    return {name: float(np.median(values)) for name, values in moving.items() if len(values)}


def _over_data(values: Mapping[str, float]) -> dict[str, float]:
    return {name: float(value / values[DATA]) for name, value in values.items()} if values[DATA] > 0 else {}

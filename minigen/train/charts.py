"""Charts of a VAE's training: the parts of its loss against the step, and what each latent dimension costs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minigen.train.pictures import column, draw_curves, save_figure

# Okabe & Ito's colours, told apart by readers with any kind of colour vision.
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#999999"
LOSS = {"loss": ("loss", "#000000"), "reconstruction": ("reconstruction", BLUE)}
BOUND = {"negative_elbo": ("−ELBO", GREEN)}
KL = {"kl": ("KL", ORANGE)}
ACTIVE = {"active": ("active latents", BLUE)}
COLLAPSED = 0.05  # nats: a dimension that costs less carries next to nothing


def vae_curves(path: Path, metrics: Sequence[Mapping[str, Any]], reading: str, unit: str) -> None:
    """Draw loss and reconstruction, below them the KL, below it how many latents are active, against the step.

    The first twentieth of the steps, where a density falls from far above, may lie outside the upper panel.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = [{**row, "negative_elbo": -row["elbo"]} if row.get("elbo") is not None else row for row in metrics]
    steps = column(rows, "step")
    shares = [LOSS if _has(rows, "reconstruction") else {"loss": LOSS["loss"]}]
    if _has(rows, "elbo") and not np.allclose(column(rows, "loss"), column(rows, "negative_elbo"), rtol=1e-5):
        shares[0] = shares[0] | BOUND
    names = [f"nats per {unit}"]
    if _has(rows, "kl"):
        shares += [KL, ACTIVE]
        names += [f"KL (nats per {unit})", "active latents"]
    figure = Figure(figsize=(8, 2.2 + 1.9 * len(shares)), dpi=110, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    panels = np.atleast_1d(figure.subplots(len(shares), sharex=True))
    for axes, curves, name in zip(panels, shares, names, strict=True):
        draw_curves(axes, steps, rows, curves, {})
        axes.set_ylabel(name)
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        if len(curves) > 1:
            axes.legend(loc="best", fontsize=8, framealpha=0.8)
    panels[0].set_ylim(*_range(rows, list(shares[0])))
    if len(panels) > 2:
        panels[2].set_ylim(bottom=0)
    panels[-1].set_xlabel("step")
    save_figure(path, figure, canvas, reading)


def kl_bars(path: Path, kl: np.ndarray, unit: str) -> list[int]:
    """Draw what each latent dimension costs, (Z,) in nats, the dearest first; returns the collapsed dimensions."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    order = np.argsort(-kl, kind="stable")
    collapsed = sorted(int(j) for j in np.flatnonzero(kl < COLLAPSED))
    figure = Figure(figsize=(8, 3.4), dpi=110, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.subplots()
    colours = [GREY if kl[j] < COLLAPSED else BLUE for j in order]
    axes.bar(np.arange(len(kl)), kl[order], color=colours)
    axes.set_xticks(np.arange(len(kl)), [str(j) for j in order], fontsize=7 if len(kl) <= 40 else 5, rotation=90)
    axes.set_xlabel("latent dimension")
    axes.set_ylabel(f"KL (nats per {unit})")
    axes.set_ylim(bottom=0)
    axes.spines[["top", "right"]].set_visible(False)
    save_figure(path, figure, canvas, said(kl, collapsed, unit))
    return collapsed


def said(kl: np.ndarray, collapsed: Sequence[int], unit: str) -> str:
    """The chart in a sentence, with the collapsed dimensions by name."""
    head = (
        f"Together {kl.sum():.1f} nats per {unit}; {len(kl) - len(collapsed)} of {len(kl)} dimensions carry something."
    )
    if not collapsed:
        return f"{head} None has collapsed."
    names = ", ".join(map(str, collapsed))
    return f"{head} Collapsed, below {COLLAPSED} nats: {names}."


def _has(rows: Sequence[Mapping[str, Any]], name: str) -> bool:
    return bool(np.isfinite(column(rows, name)).any())


def _range(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> tuple[float, float]:
    """Limits that hold all but the first twentieth of the curves, with a little air."""
    later = rows[len(rows) // 20 :]
    values = np.concatenate([column(later, name) for name in names])
    values = values[np.isfinite(values)]
    if not len(values):
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    air = 0.06 * (high - low) or 1.0
    return low - air, high + air

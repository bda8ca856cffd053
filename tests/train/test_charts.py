"""Charts of a VAE's training: which curves they have, and that collapsed latents are named."""

import numpy as np
import pytest

from minigen.train import charts, pictures

ROWS = [
    {"step": i + 1, "loss": 200.0 - i, "reconstruction": 190.0 - i, "kl": 10.0, "elbo": i - 200.0, "active": 3.0}
    for i in range(50)
]


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """drawn(rows) → (panels as lists of labels, limits of the first panel, path)."""

    def run(rows, reading="what it means", unit="image"):
        panels, kept = [], []
        real = charts.draw_curves

        def draw(axes, steps, metrics, curves, balance):
            panels.append([label for label, _ in curves.values()])
            kept.append(axes)
            real(axes, steps, metrics, curves, balance)

        monkeypatch.setattr(charts, "draw_curves", draw)
        charts.vae_curves(tmp_path / "curves.png", rows, reading, unit)
        return panels, kept, tmp_path / "curves.png"

    return run


def test_the_loss_and_its_parts_have_their_panels(drawn):
    panels, axes, path = drawn(ROWS)
    assert panels == [["loss", "reconstruction"], ["KL"], ["active latents"]]  # −ELBO is the loss: one curve
    assert [a.get_ylabel() for a in axes] == ["nats per image", "KL (nats per image)", "active latents"]
    assert axes[-1].get_xlabel() == "step" and axes[2].get_ylim()[0] == 0
    assert pictures.read_png(path).shape[1] == 880 and pictures.read_text(path)["reading"] == "what it means"


def test_the_bound_is_a_curve_of_its_own_where_it_is_not_the_loss(drawn):
    panels, axes, _ = drawn([{**row, "loss": row["loss"] + 30} for row in ROWS])
    assert panels[0] == ["loss", "reconstruction", "−ELBO"]
    line = next(line for line in axes[0].lines if line.get_label() == "−ELBO")
    assert 150 < line.get_ydata()[-1] < 160  # minus the elbo of the last rows, smoothed


def test_a_bound_without_parts_has_one_panel(drawn):
    rows = [{"step": i + 1, "loss": 100.0 - i, "elbo": i - 103.0} for i in range(5)]
    assert drawn(rows)[0] == [["loss", "−ELBO"]]
    assert drawn([{"step": 1, "loss": 3.0}], unit="window")[0][-1:] == [["loss"]]  # grey pixels: nothing claimed


def test_the_fall_at_the_start_may_leave_the_panel(drawn):
    rows = [{**row, "loss": 1e6 if i < 2 else row["loss"]} for i, row in enumerate(ROWS)]
    low, high = drawn(rows)[1][0].get_ylim()
    assert high < 250 and low < 141
    for few in (ROWS[:1], []):
        low, high = drawn(few)[1][-3].get_ylim() if few else (0, 1)
        assert low < high and np.isfinite([low, high]).all()


@pytest.mark.parametrize("rows", [[], ROWS[:1], [{"step": 1, "loss": None}, {"step": 2, "loss": float("nan")}]])
def test_a_run_of_few_or_no_numbers_has_a_chart(tmp_path, rows):
    charts.vae_curves(tmp_path / "curves.png", rows, "none yet", "image")
    assert pictures.read_png(tmp_path / "curves.png").shape[1] == 880


def test_collapsed_dimensions_are_named_and_grey(tmp_path, monkeypatch):
    shown = []
    real = charts.save_figure
    monkeypatch.setattr(charts, "save_figure", lambda p, figure, *rest: (shown.append(figure), real(p, figure, *rest)))
    kl = np.array([0.01, 2.0, 0.0499, 0.05, 5.0])
    assert charts.kl_bars(tmp_path / "latents.png", kl, "window") == [0, 2]
    text = pictures.read_text(tmp_path / "latents.png")["reading"]
    assert text == (
        "Together 7.1 nats per window; 3 of 5 dimensions carry something. Collapsed, below 0.05 nats: 0, 2."
    )
    (axes,) = shown[0].axes
    bars = axes.patches
    assert [bar.get_height() for bar in bars] == [5.0, 2.0, 0.05, 0.0499, 0.01]  # the dearest first
    assert [label.get_text() for label in axes.get_xticklabels()] == ["4", "1", "3", "2", "0"]
    assert len({bar.get_facecolor() for bar in bars[:3]}) == 1 and bars[2].get_facecolor() != bars[3].get_facecolor()


def test_where_none_has_collapsed_that_is_said():
    said = charts.said(np.array([1.0, 2.0]), [], "image")
    assert said.endswith("2 of 2 dimensions carry something. None has collapsed.")

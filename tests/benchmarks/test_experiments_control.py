"""The experiment on control: what is done is not run again, what was stopped goes on, and the table is right."""

import json
import sys

import pytest

from benchmarks.experiments import control
from benchmarks.experiments.results import append, lines_of
from minigen.train import command, runs

TINY = "--count 40 --width 0.05 --latent 4 --batch 8 --steps 2"


def row(kind, seed, model):
    """A line of results in which haze is followed so well."""
    measured = {"name": "haze (R² 1), correlation", "unit": "1 is best", "values": {"model": model, "data": 0.75}}
    tables = [
        {"title": title, "rows": [measured]} for title in ("Which factors its samples cover", *control.SHOWN[::-1])
    ]
    return {"kind": kind, "seed": seed, "steps": 2000, "seconds": 60.0, "evaluation": {"tables": tables}}


def main(monkeypatch, *flags):
    monkeypatch.setattr(sys, "argv", ["control", *map(str, flags)])
    control.main()


def test_the_table_has_means_and_deviations_of_each_recipe_control_first():
    text = control.table([row("gan", 0, 0.25), row("gan", 1, 0.5), row("vae", 0, 1.0)])
    gan, vae = text.split("## vae told of time,haze")
    assert gan.startswith("## gan told of time,haze") and "2 seeds (0, 1), 2,000 steps each" in gan
    assert "| haze (R² 1), correlation | 1 is best | 0.375 ± 0.18 [0.25, 0.5] | 0.75 |" in gan
    assert "| haze (R² 1), correlation | 1 is best | 1 | 0.75 |" in vae
    titles = [line.removeprefix("### ") for line in vae.splitlines() if line.startswith("### ")]
    assert titles == list(control.SHOWN)


def test_what_is_done_is_not_run_again_and_the_rest_is(monkeypatch, tmp_path):
    path = tmp_path / control.RESULTS
    append(path, row("gan", 0, 0.25))
    ran = []
    monkeypatch.setattr(control, "train", lambda recipe, flags, name, work: ran.append((recipe, flags, name)))
    monkeypatch.setattr(control.evaluate, "main", lambda flags: 0)
    monkeypatch.setattr(control, "row_of", lambda recipe, seed, run, kept: row(recipe, seed, 1.0))
    main(monkeypatch, "--seeds", "0-1", "--recipes", "gan", "vae", "--out", tmp_path)
    assert [name for _, _, name in ran] == ["gan-seed1", "vae-seed0", "vae-seed1"]
    assert ran[0][1] == ["--condition", "time,haze", "--seed", "1"]
    assert [(line["kind"], line["seed"]) for line in lines_of(path)] == [("gan", 0), ("gan", 1), ("vae", 0), ("vae", 1)]
    main(monkeypatch, "--table", "--out", tmp_path)
    assert "## vae told of time,haze" in (tmp_path / "control.md").read_text(encoding="utf-8")


def test_a_run_goes_on_from_its_checkpoint_and_a_whole_one_is_left_alone(tmp_path, monkeypatch):
    flags = ["--condition", control.FACTORS, "--seed", "3", *TINY.split()]
    run = control.train("gan", flags, "gan-seed3", tmp_path)
    assert run.name == "0001-gan-seed3" and runs.read_config(run)["condition"] == "time,haze"
    line = json.loads(json.dumps({**row("gan", 3, 0), **control.row_of("gan", 3, measured(run), kept=control.KEPT)}))
    assert line["steps"] == 2 and line["config"]["condition"] == "time,haze" and line["evaluation"] == {"tables": []}
    asked = []
    monkeypatch.setattr(command, "main", lambda flags: asked.append(flags) or 0)
    assert control.train("gan", flags, "gan-seed3", tmp_path) == run and not asked
    for path in (run / "checkpoints").glob("step_*2.safetensors"):
        path.rename(path.with_name(path.name.replace("2.safe", "1.safe")))
    control.train("gan", flags, "gan-seed3", tmp_path)
    assert asked == [["gan", "--resume", str(run)]]
    monkeypatch.setattr(command, "main", lambda flags: 130)
    with pytest.raises(SystemExit, match="training stopped; the same command goes on from here"):
        control.train("gan", flags, "gan-seed3", tmp_path)


def measured(run):
    (run / "evaluation.json").write_text('{"tables": []}', encoding="utf-8")
    return run

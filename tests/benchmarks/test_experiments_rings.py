"""The experiment with rings: a line a run, nothing done twice, and a table that says what is truncated."""

import json
import sys

import numpy as np
import pytest

from benchmarks.experiments import rings, rings_table


def command(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["rings", *map(str, words)])
    rings.main()


def test_each_run_is_one_line_and_goes_on_where_it_stopped(tmp_path, monkeypatch, capsys):
    asked = ("--steps", 2, "--seeds", "0-1", "--out", tmp_path)
    command(monkeypatch, "--only", "ring05-ns", "ring05-unrolled1", *asked)
    lines = [json.loads(line) for line in (tmp_path / "rings.jsonl").read_text().splitlines()]
    assert [(r["name"], r["seed"]) for r in lines] == [
        (name, seed) for name in ("ring05-ns", "ring05-unrolled1") for seed in (0, 1)
    ]
    assert len({r["hash"] for r in lines}) == 2 and all(sum(r["raw"]["counts"]) == 2500 for r in lines)
    command(monkeypatch, "--only", "ring05-ns", "ring05-unrolled1", "ring05-pack2", *asked)
    again = [json.loads(line) for line in (tmp_path / "rings.jsonl").read_text().splitlines()]
    assert again[:4] == lines and [r["name"] for r in again[4:]] == ["ring05-pack2"] * 2

    capsys.readouterr()
    command(monkeypatch, "--table", "--out", tmp_path)
    text = capsys.readouterr().out
    assert (
        "2 of 10,000, truncated | averaged | 0 1 |" in text
        and "| true sampler | – | – | 5 draws | 8 8 8 8 8 | 98." in text
    )
    assert (tmp_path / "rings.md").read_text() in text + "\n"
    assert all((tmp_path / name).read_bytes()[1:4] == b"PNG" for name in ("rings_samples.png", "rings_modes.png"))


@pytest.mark.parametrize("method", ["wgangp", "pack4", "unrolled5"])
def test_one_seed_is_one_run_and_averages_lag_behind(method):
    games = [rings.Game(rings.DATA["grid"], rings.METHODS[method], 3) for _ in range(2)]
    for game in games:
        game.step()
    one, other = (game.samples(3) for game in games)
    assert (one["raw"] == other["raw"]).all() and (one["averaged"] == other["averaged"]).all()
    assert not np.allclose(one["raw"], one["averaged"], atol=1e-4)


def test_names_are_found_by_their_parts():
    assert rings.chosen(["ring05-ns"]) == ["ring05-ns"]
    assert rings.chosen(["pack2"]) == ["ring05-pack2", "ring02-pack2", "grid-pack2"]
    assert rings.chosen(None) == list(rings.QUEUE) and len(set(rings.QUEUE)) == 18
    with pytest.raises(SystemExit, match="--only ring07: no such run; there are ring05-ns"):
        rings.chosen(["ring07"])
    assert rings.seeds_of("1-3") == [1, 2, 3] and rings.seeds_of("7") == [7]


def test_a_table_of_nothing_says_what_to_run(tmp_path):
    with pytest.raises(SystemExit, match=r"no results yet; run python -m benchmarks.experiments.rings first"):
        rings_table.write([], tmp_path)

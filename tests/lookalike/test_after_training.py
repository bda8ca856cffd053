"""What one does with a trained run, on the look-alike: measurements, walks, loops and floats of every kind of model."""

import json

import numpy as np
import pytest

from minigen import evaluate, sample
from minigen.data import motions
from minigen.train import command, sources

from .test_programs import RUNS, SMALL, on

KINDS = ["gan", "gan told of factors, unrolled", "gan of clips", "vae of motion"]


@pytest.mark.parametrize("name", KINDS)
def test_a_trained_run_is_measured_and_drawn_from(name, tmp_path, monkeypatch):
    for place in (sources, motions):
        monkeypatch.setattr(place, "HELD_OUT", 40)
    drawn = {}
    for where in ("cupy", "numpy"):  # the same run, measured and drawn from on both
        there = ["--backend", where]
        with on(where):
            if where == "cupy":
                assert command.main(f"{RUNS[name]} {SMALL} --steps 2 --out {tmp_path} --backend cupy".split()) == 0
                (run,) = tmp_path.iterdir()
            assert evaluate.main([str(run), "--k", "2", "--items", "20", "--samples", "8", *there]) == 0
            for way in ("--loop", "--walk"):
                asked = ["--seeds", "0-1", way, "--out", str(tmp_path / f"{where}{way}.gif")]
                assert sample.main([str(run), *asked, *there]) == 0
            assert sample.main([str(run), "--seeds", "0-2", "--out", str(tmp_path / f"{where}.npz"), *there]) == 0
        with np.load(tmp_path / f"{where}.npz") as arrays:
            drawn[where] = dict(arrays)
        assert json.loads((run / "evaluation.json").read_text())["tables"]
    assert drawn["cupy"].keys() == drawn["numpy"].keys()
    for key, expected in drawn["numpy"].items():
        if expected.dtype.kind == "f":
            np.testing.assert_allclose(drawn["cupy"][key], expected, rtol=1e-4, atol=1e-4, err_msg=key)

"""`python -m minigen.sample --set`: what a run told of factors is asked to draw."""

import numpy as np
import pytest

from minigen import sample
from minigen.train import command, pictures


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A small GAN that was told of time and haze."""
    out = tmp_path_factory.mktemp("runs")
    flags = "--steps 1 --width 0.05 --latent 8 --count 20 --batch 8 --pictures 1 --condition time,haze"
    assert command.main(["gan", *flags.split(), "--out", str(out)]) == 0
    return out / "0001-gan-scenes"


def drawn(run, out, *flags):
    assert sample.main([str(run), "--seeds", "0-3", "--out", str(out), *flags]) == 0
    return np.load(out) if out.suffix == ".npz" else pictures.read_text(out)


def test_what_is_set_is_told_and_the_rest_follows_the_seed(told, tmp_path):
    free = drawn(told, tmp_path / "free.npz")
    noon = drawn(told, tmp_path / "noon.npz", "--set", "time=0.5")
    assert np.allclose(noon["told"][:, :2], [-1, 0], atol=1e-6) and np.array_equal(
        noon["told"][:, 2], free["told"][:, 2]
    )
    assert len(np.unique(free["told"][:, 2])) == 4 and abs(free["told"]).max() <= 1
    assert np.array_equal(noon["latents"], free["latents"]) and not np.allclose(noon["images"], free["images"])
    both = drawn(told, tmp_path / "both.npz", "--set", "time=0.5", "haze=0.3")
    assert np.ptp(both["told"], axis=0).max() == 0


def test_one_seed_is_one_picture_whatever_is_drawn_beside_it(told, tmp_path):
    free = drawn(told, tmp_path / "free.npz")
    assert sample.main([str(told), "--seeds", "2", "--out", str(tmp_path / "two.npz")]) == 0
    alone = np.load(tmp_path / "two.npz")
    assert np.array_equal(alone["told"][0], free["told"][2]) and np.array_equal(alone["images"][0], free["images"][2])


def test_a_walk_keeps_what_the_first_seed_is_told(told, tmp_path):
    out = tmp_path / "walk.npz"
    assert sample.main([str(told), "--seeds", "1,2", "--walk", "--frames-between", "3", "--out", str(out)]) == 0
    assert np.ptp(np.load(out)["told"], axis=0).max() == 0


def test_the_picture_says_what_was_asked(told, tmp_path):
    assert drawn(told, tmp_path / "a.png", "--set", "time=0.5")["factors"] == "time=0.5 (haze by the seed)"


@pytest.mark.parametrize(
    "flags, sentence",
    [
        ("--set time", "--set time: write a factor and a number, such as time=0.25"),
        ("--set time=noon", "--set time=noon: write a factor and a number"),
        ("--set time=nan", "--set time=nan: write a factor and a number"),
        ("--set sea=1", "--set sea=1: this run was told of time, haze"),
        ("--set time=1.5", r"--set time=1.5 must lie in [0, 1]"),
        ("--set time=0.1 time=0.2", "--set time is given twice"),
    ],
)
def test_what_cannot_be_set_is_refused_in_a_sentence(told, tmp_path, capsys, flags, sentence):
    assert sample.main([str(told), *flags.split(), "--out", str(tmp_path / "a.png")]) == 2
    shown = capsys.readouterr().err
    assert sentence in shown and "Traceback" not in shown and not (tmp_path / "a.png").exists()


def test_a_run_that_was_told_nothing_says_so(tmp_path, capsys):
    flags = "--steps 1 --width 0.05 --latent 8 --count 20 --batch 8 --pictures 1"
    assert command.main(["gan", *flags.split(), "--out", str(tmp_path)]) == 0
    assert sample.main([str(tmp_path / "0001-gan-scenes"), "--set", "time=0.5"]) == 2
    assert "--set time=0.5: this run was told of no factors" in capsys.readouterr().err

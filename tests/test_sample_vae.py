"""`python -m minigen.sample` of VAEs of images: the flags of any run, and the classes of runs with a condition."""

import numpy as np
import pytest
from PIL import Image

from minigen import sample
from minigen.train import command, pictures

SMALL = "--width 0.05 --latent 4 --count 20 --batch 8 --steps 2 --pictures 1".split()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """trained("plain"), trained("sea"): folders of tiny runs, without a condition and with one; made once."""
    folder, flags = tmp_path_factory.mktemp("runs"), {"plain": [], "sea": ["--condition", "sea"]}
    made = {}

    def run(name):
        if name not in made:
            assert command.main(["vae", *SMALL, *flags[name], "--out", str(folder / name)]) == 0
            (made[name],) = (folder / name).iterdir()
        return made[name]

    return run


@pytest.fixture
def made(tmp_path, capsys):
    """made(run, flags): the command, which must succeed, writes into the test's folder → the file's path."""

    def call(run, name, *flags):
        capsys.readouterr()
        assert sample.main([str(run), "--out", str(tmp_path / name), "--force", *flags]) == 0
        assert capsys.readouterr().err == ""
        return tmp_path / name

    return call


@pytest.fixture
def arrays(made):
    def call(run, *flags):
        return np.load(made(run, "x.npy", *flags))

    return call


def refused(run, capsys, *flags):
    capsys.readouterr()
    before = sorted(run.rglob("*"))
    assert sample.main([str(run), *flags]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.startswith("error: ") and shown.err.count("\n") == 1
    assert sorted(run.rglob("*")) == before
    return shown.err


def test_a_vae_draws_grids_walks_loops_frames_and_archives(trained, made):
    run = trained("plain")
    assert pictures.read_png(made(run, "a.png", "--seeds", "0-8", "--scale", "1")).shape == (88, 88, 1)
    assert pictures.read_text(made(run, "a.png", "--seeds", "3"))["seeds"] == "3"
    with Image.open(made(run, "a.gif", "--loop", "--seeds", "0-1", "--frames-between", "4")) as film:
        assert film.n_frames == 8 and b"seeds: 0-1" in film.info["comment"]
    made(run, "w.gif", "--walk", "--seeds", "0-1", "--frames-between", "4")
    made(run, "f.##.png", "--seeds", "0-1")
    with np.load(made(run, "a.npz", "--seeds", "4,9")) as archive:
        assert archive["images"].shape == (2, 28, 28, 1) and archive["latents"].shape == (2, 4)
        assert str(archive["weights"]) == "raw" and str(archive["step"]) == "2" and "classes" not in archive


def test_one_seed_is_one_image_to_the_bit(trained, arrays, made):
    run = trained("plain")
    alone = arrays(run, "--seeds", "7")[0]
    assert (arrays(run, "--seeds", "0-9")[7] == alone).all()
    assert (arrays(run, "--seeds", "2,7", "--loop", "--frames-between", "3")[3] == alone).all()
    first = made(run, "a.png", "--seeds", "0-3").read_bytes()
    assert made(run, "b.png", "--seeds", "0-3").read_bytes() == first


# Classes ------------------------------------------------------------------------------------------------------------


def test_a_label_chooses_the_class_and_without_one_they_take_turns(trained, arrays):
    run = trained("sea")
    land, sea = arrays(run, "--seeds", "0-3", "--label", "0"), arrays(run, "--seeds", "0-3", "--label", "1")
    assert (land != sea).any(axis=(1, 2, 3)).all()
    turns = arrays(run, "--seeds", "0-3")
    assert (turns[[0, 2]] == land[[0, 2]]).all() and (turns[[1, 3]] == sea[[1, 3]]).all()


def test_a_seed_has_the_same_class_alone_and_among_others(trained, arrays):
    run = trained("sea")
    assert (arrays(run, "--seeds", "3")[0] == arrays(run, "--seeds", "0-3")[3]).all()
    assert (arrays(run, "--seeds", "3,0")[0] == arrays(run, "--seeds", "0-3")[3]).all()


def test_a_walk_keeps_the_class_of_its_first_seed_or_the_one_asked_for(trained, arrays):
    run = trained("sea")
    walk = arrays(run, "--seeds", "1,2", "--walk", "--frames-between", "2")
    assert (walk[0] == arrays(run, "--seeds", "1")[0]).all()
    assert (walk[2] == arrays(run, "--seeds", "2", "--label", "1")[0]).all()
    walk = arrays(run, "--seeds", "1,2", "--walk", "--frames-between", "2", "--label", "0")
    assert (walk[2] == arrays(run, "--seeds", "2", "--label", "0")[0]).all()


def test_files_say_which_class_they_show(trained, made):
    run = trained("sea")
    assert pictures.read_text(made(run, "a.png", "--seeds", "0", "--label", "1"))["class"] == "1"
    assert pictures.read_text(made(run, "a.png", "--seeds", "0"))["class"] == "in turn, by the seed"
    assert "class" not in pictures.read_text(made(trained("plain"), "a.png", "--seeds", "0"))
    with np.load(made(run, "a.npz", "--seeds", "4,9")) as archive:
        assert archive["classes"].tolist() == ["0", "1"]


# Refusals -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, flags, message",
    [
        ("sea", ["--label", "2"], "--label 2: no class of this run; choose one of 0, 1."),
        ("plain", ["--label", "1"], "--label 1: this run knows no classes; it was trained without --condition."),
        ("plain", ["--clip", "a.bvh"], "--clip a.bvh: this run draws images; clips are for runs of motion."),
        ("plain", ["--clip", "a.bvh", "--seeds", "1"], "--clip takes the place of seeds; leave --seeds, --walk and"),
        ("plain", ["--out", "a.bvh"], "--out a.bvh: write .png, .gif, .mp4, name.####.png, name.####.exr,"),
        ("plain", ["--fps", "12"], "--fps 12 acts on films only, not here; leave it out."),
        ("plain", ["--frames-between", "12"], "--frames-between 12 acts with --walk and --loop only, not here;"),
        ("plain", ["--repeat", "2"], "--repeat 2 acts on .mp4 only, not here; leave it out."),
        ("plain", ["--start", "2"], "--start 2 acts on numbered files, such as name.####.png only, not here;"),
        ("plain", ["--columns", "2", "--out", "a.npz"], "--columns 2 acts on pictures of several items in rows only"),
        ("plain", ["--scale", "2", "--out", "a.npz"], "--scale 2 acts on pictures and films only, not here;"),
        ("plain", ["--columns", "2", "--loop"], "--columns 2 acts on pictures of several items in rows only, not"),
    ],
)
def test_flags_that_cannot_act_are_named(trained, capsys, name, flags, message):
    assert message in refused(trained(name), capsys, *flags)

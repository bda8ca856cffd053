"""The command line: what it leaves, what it refuses, and that every flag acts."""

import gzip
import json
import subprocess
import sys
import zipfile
from importlib.util import find_spec

import numpy as np
import pytest
from PIL import Image

from minigen import evaluate, gallery, sample
from minigen.train import command, runs, sources
from minigen.train.gan import PRESETS


def test_a_run_leaves_everything_one_looks_at(train, tmp_path):
    status, out, err = train("--steps 3")
    assert status == 0, err
    run = tmp_path / "runs" / "0001-gan-scenes"
    for name in (
        "config.json",
        "metrics.jsonl",
        "reals.png",
        "training.gif",
        "curves.png",
        "neighbours.png",
        "report.html",
    ):
        assert (run / name).stat().st_size > 0, name
    assert [row["step"] for row in runs.read_metrics(run)] == [1, 2, 3]
    assert (run / "samples" / "step_000000.png").is_file() and (run / "samples" / "step_000003.png").is_file()
    assert "1.386" in out and "python -m minigen.sample" in out


def test_runs_are_numbered_and_never_overwritten(train, tmp_path):
    train("--steps 1 --name dawn")
    train("--steps 1 --name dawn")
    assert sorted(p.name for p in (tmp_path / "runs").iterdir()) == ["0001-dawn", "0002-dawn"]


def test_the_resolved_configuration_is_stored(train, tmp_path):
    train("--steps 1 --loss hinge --out here")
    config = json.loads((tmp_path / "here" / "0001-gan-scenes" / "config.json").read_text())
    assert config["loss"] == "hinge" and config["width"] == 0.05 and config["learning_rate"] == 5e-4
    assert config["command"].startswith("python -m minigen.train gan --steps 1 --loss hinge")


def test_a_dry_run_makes_nothing(train, tmp_path):
    status, out, _ = train("--dry-run")
    assert status == 0 and "nothing was made" in out and "Conv2DTranspose" in out
    assert list(tmp_path.iterdir()) == []


def test_the_article_preset_is_the_articles_network(capsys):
    config, _ = command.parse("gan", ["--preset", "article"])
    assert (config.width, config.batch, config.latent, config.dropout, config.loss) == (
        1.0,
        256,
        100,
        0.3,
        "nonsaturating",
    )
    assert config == PRESETS["article"].resolved()
    config, _ = command.parse("gan", ["--preset", "article", "--steps", "7"])
    assert (config.steps, config.epochs) == (7, 0)


def test_epochs_count_passes_over_the_data(train, tmp_path):
    train("--epochs 2")
    rows = runs.read_metrics(tmp_path / "runs" / "0001-gan-scenes")
    assert len(rows) == 6 and rows[-1]["epoch"] == 2  # 20 images in batches of 8, 8 and 4


def test_lines_of_metrics_as_seldom_as_asked_for_and_one_at_the_end(train, tmp_path):
    train("--steps 8 --metrics-every 3")
    train("--steps 8")
    some, all_ = (runs.read_metrics(tmp_path / "runs" / f"{number}-gan-scenes") for number in ("0001", "0002"))
    assert [row["step"] for row in some] == [3, 6, 8]
    for row in some:
        wanted = all_[row["step"] - 1]
        assert all(row[name] == wanted[name] for name in ("epoch", "discriminator", "generator", "d_real", "d_fake"))


def test_max_minutes_stops_in_good_order(train, tmp_path):
    status, out, _ = train("--steps 100000 --max-minutes 0.02")
    assert status == 0 and "out of time after step" in out and "--resume" in out
    assert (tmp_path / "runs" / "0001-gan-scenes" / "report.html").is_file()


@pytest.mark.parametrize(
    "flags",
    [
        "--loss minimax",
        "--loss least_squares",
        "--loss hinge",
        "--loss wasserstein --penalty gradient",
        "--smooth 0.1",
        "--penalty gradient",
        "--penalty r1",
        "--penalty r1 --penalty-weight 1",
        "--d-steps 2",
        "--learning-rate 0.002",
        "--d-learning-rate 0.002",
        "--beta1 0.9",
        "--beta2 0.9",
        "--dropout 0.3",
        "--prior uniform",
        "--draws device",
        "--latent 9",
        "--width 0.1",
        "--batch 5",
        "--seed 1",
        "--count 19",
        "--size 32",
        "--channels 3",
    ],
)
def test_every_flag_acts(train, tmp_path, flags):
    train("--steps 2")
    status, _, err = _run_with(train, flags)
    assert status == 0, err
    plain, changed = (
        runs.read_metrics(tmp_path / "runs" / name)[-1] for name in ("0001-gan-scenes", "0002-gan-scenes")
    )
    assert (plain["discriminator"], plain["generator"]) != (changed["discriminator"], changed["generator"])


def _run_with(train, flags):
    return train(f"--steps 2 --width 0.05 --latent 8 --count 20 --batch 8 --pictures 1 {flags}", small=False)


@pytest.mark.parametrize("recipe", ["gan", "vae"])
def test_a_run_with_noise_drawn_on_the_device_is_read_like_any_other(recipe, train, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "HELD_OUT", 40)
    status, _, err = train("--steps 2 --draws device", recipe=recipe)
    assert status == 0, err
    run = tmp_path / "runs" / f"0001-{recipe}-scenes"
    assert runs.read_config(run)["draws"] == "device" and isinstance(runs.load(run).rng.bit_generator, np.random.Philox)
    assert sample.main([str(run), "--seeds", "0-3", "--out", str(tmp_path / "seeds.png")]) == 0
    assert sample.main([str(run), "--html", str(tmp_path / "explorer.html")]) == 0
    assert evaluate.main([str(run), "--samples", "8", "--items", "20"]) == 0
    assert gallery.main([str(run), "--out", str(tmp_path / "gallery.html")]) == 0
    for name in ("seeds.png", "explorer.html", "gallery.html"):
        assert (tmp_path / name).stat().st_size


def test_averaging_changes_what_is_drawn_and_nothing_else(train, tmp_path):
    _run_with(train, "--ema 0.5")
    _run_with(train, "--ema 0")
    one, two = (tmp_path / "runs" / name for name in ("0001-gan-scenes", "0002-gan-scenes"))
    assert runs.read_metrics(one)[-1]["generator"] == runs.read_metrics(two)[-1]["generator"]
    z = np.ones((2, 8), np.float32)
    assert not np.array_equal(runs.load(one).generate(z), runs.load(two).generate(z))
    assert np.array_equal(runs.load(one, averaged=False).generate(z), runs.load(two).generate(z))


# Real files -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def stills(tmp_path):
    """Eight small pictures of different shapes in a folder."""
    folder = tmp_path / "stills"
    folder.mkdir()
    for i in range(8):
        pixels = np.random.default_rng(i).integers(0, 256, (30 + i, 40, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"f{i}.png")
    return folder


def test_a_folder_of_pictures_trains(train, stills):
    status, out, err = train(f"--steps 1 --data images:{stills} --channels 3")
    assert status == 0 and "8 images of 28×28×3" in out, err


def test_a_zip_of_pictures_trains(train, stills, tmp_path):
    with zipfile.ZipFile(tmp_path / "stills.zip", "w") as archive:
        for path in stills.iterdir():
            archive.write(path, path.name)
    status, out, err = train("--steps 1 --data images:stills.zip")
    assert status == 0 and "8 images" in out, err


def test_real_digits_train(train, real_data):
    status, out, err = train(f"--steps 1 --data mnist:{real_data('mnist')}")
    assert status == 0 and "mnist" in out, err


def test_a_film_clip_trains(train, real_data):
    status, out, err = train(f"--steps 1 --data video:{real_data('film') / 'big_buck_bunny_clip.mp4'} --every 4")
    assert status == 0, err


# Refusals: one sentence, status 2, nothing made -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "flags, sentence",
    [
        ("--width 0", "--width 0 must be above 0"),
        ("--batch 1", "--batch 1 must be at least 2"),
        ("--steps 0", "--steps 0 must be at least 1"),
        ("--latent 0", "--latent 0 must be at least 1"),
        ("--d-steps 0", "--d-steps 0 must be at least 1"),
        ("--learning-rate -1", "--learning-rate -1 must be above 0"),
        ("--learning-rate nan", "--learning-rate nan must be above 0"),
        ("--dropout 1", r"--dropout 1 must lie in [0, 1)"),
        ("--loss hinge --smooth 0.1", "--smooth 0.1 has no meaning for --loss hinge"),
        ("--steps 5 --epochs 2", "--steps and --epochs both say"),
        ("--max-minutes -1", "--max-minutes -1 must not be negative"),
        ("--keep 0", "--keep 0 must be at least 1"),
        ("--metrics-every -1", "--metrics-every -1 must not be negative; 0 leaves it to --graph."),
        ("--graph", "--graph: NumPy has no graphs. Leave it out, or add --backend cupy."),
        ("--data nowhere", "--data nowhere"),
        ("--data images:nowhere", "--data images:nowhere"),
        ("--data video:nowhere.mp4", "--data video:nowhere.mp4"),
        ("--data npz:nowhere.npz", "--data npz:nowhere.npz"),
        ("--data mnist:nowhere", "--data mnist:nowhere"),
        ("--resume nowhere", "nowhere: there is no such run"),
        ("--loss wrong", "--loss"),
        ("--draws gpu", "--draws"),
        ("--width wide", "--width"),
        ("--no-such-flag 1", "--no-such-flag"),
    ],
)
def test_a_bad_flag_is_refused_in_a_sentence(train, tmp_path, flags, sentence):
    status, _, err = train(flags, small=False)
    assert status == 2 and sentence in err and "Traceback" not in err
    assert not (tmp_path / "runs").exists()


def test_an_unknown_recipe_is_refused_with_a_suggestion(train):
    status, _, err = train(recipe="gam")
    assert status == 2 and "'gam' is no recipe; did you mean gan?" in err


def _truncated_idx(folder):
    raw = b"\0\0\x08\x03" + b"".join(n.to_bytes(4, "big") for n in (10, 28, 28)) + b"\0" * 100
    for name in ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"):
        (folder / name).write_bytes(gzip.compress(raw))
    return f"mnist:{folder}"


def _empty_folder(folder):
    (folder / "notes.txt").write_text("no pictures here")
    return f"images:{folder}"


def _truncated_zip(folder):
    path = folder / "cut.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.png", b"x" * 1000)
    path.write_bytes(path.read_bytes()[:600])
    return f"images:{path}"


def _climbing_zip(folder):
    path = folder / "climbing.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../a.png", b"x")
    return f"images:{path}"


def _truncated_png(folder):
    for i in range(3):
        Image.fromarray(np.random.default_rng(i).integers(0, 256, (64, 64)).astype(np.uint8)).save(folder / f"{i}.png")
    path = folder / "1.png"
    path.write_bytes(path.read_bytes()[:500])
    return f"images:{folder}"


def _truncated_video(folder):
    path = folder / "cut.mp4"
    path.write_bytes(b"\0\0\0\x20ftypisom" + b"\0" * 200)
    return f"video:{path}"


def _nan_array(folder):
    images = np.zeros((8, 28, 28), np.float32)
    images[2, 3, 4] = np.nan
    np.savez(folder / "nan.npz", images=images)
    return f"npz:{folder / 'nan.npz'}"


def _two_channels(folder):
    np.savez(folder / "two.npz", images=np.zeros((8, 28, 28, 2), np.uint8))
    return f"npz:{folder / 'two.npz'}"


def _pickled(folder):
    np.save(folder / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    return f"npz:{folder / 'objects.npy'}"


@pytest.mark.parametrize(
    "damage",
    [
        _truncated_idx,
        _empty_folder,
        _truncated_zip,
        _climbing_zip,
        _truncated_png,
        _truncated_video,
        _nan_array,
        _two_channels,
        _pickled,
    ],
)
def test_damaged_data_is_refused_in_a_sentence_that_names_it(train, tmp_path, damage):
    folder = tmp_path / "data"
    folder.mkdir()
    spec = damage(folder)
    status, _, err = train(f"--data {spec}")
    assert status == 2 and str(folder) in err and "Traceback" not in err, err
    assert not (tmp_path / "runs").exists()


def test_an_out_folder_that_cannot_be_is_refused(train, tmp_path):
    (tmp_path / "file").write_text("in the way")
    status, _, err = train("--steps 1 --out file")
    assert status == 2 and "--out file: no run folder can be made there" in err


def test_cupy_is_refused_with_the_reason_and_the_remedy(train, tmp_path):
    if find_spec("cupy"):
        pytest.skip("CuPy is installed here; its refusals are provoked in tests/test_backend.py")
    status, _, err = train("--backend cupy")
    assert status == 2 and "error: --backend cupy: CuPy is not installed." in err and "minigen[cuda13]" in err
    assert not (tmp_path / "runs").exists()


def test_the_module_runs_as_a_program(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "minigen.train", "gan", "--width", "0"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 2 and done.stderr.startswith("error: --width 0") and done.stdout == ""

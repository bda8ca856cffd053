"""`python -m minigen.evaluate RUN`: the bounds against exact values, baselines by hand, and refusals."""

import json
import math
import tracemalloc

import numpy as np
import pytest

from minigen import backend, evaluate
from minigen.data import motions, to_float
from minigen.evaluate_bounds import baseline, likelihoods
from minigen.judges import files, training
from minigen.losses.vae import log_likelihood
from minigen.models.linear_gaussian import LinearGaussian
from minigen.train import command, runs
from minigen.train.album_vae import measured as measured_items
from minigen.train.recipes import RECIPES

SMALL = "--width 0.05 --latent 4 --batch 8 --steps 3 --pictures 1"
FAST = ["--k", "3", "--items", "12", "--samples", "6"]


@pytest.fixture(scope="module", autouse=True)
def small_judges(tmp_path_factory):
    """Judges are very small, and kept for this module alone."""
    with pytest.MonkeyPatch.context() as patch:
        small = training.Settings(items=100, tested=60, shown=100, batch=32, widths=(2, 2, 2), features=4)
        patch.setattr(training, "SETTINGS", small)
        patch.setenv(files.VARIABLE, str(tmp_path_factory.mktemp("cache")))
        yield


def trained(folder, flags):
    """The folder of a very small run."""
    assert command.main(["vae", *SMALL.split(), *flags.split(), "--out", str(folder)]) == 0
    return sorted(folder.iterdir())[-1]


@pytest.fixture(scope="module")
def image_run(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("images"), "--count 20")


@pytest.fixture(scope="module")
def motion_run(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("motion"), "--data motion --count 20")


@pytest.fixture(scope="module")
def binary_run(tmp_path_factory):
    flags = "vae --count 20 --model dense --hidden 8 --likelihood bernoulli --latent 4 --batch 8 --steps 3 --pictures 1"
    folder = tmp_path_factory.mktemp("binary")
    assert command.main([*flags.split(), "--out", str(folder)]) == 0
    return sorted(folder.iterdir())[-1]


def measured(run, capsys, *flags):
    """(status, stdout, stderr, the rows of evaluation.json by name)."""
    status = evaluate.main([str(run), *FAST, *flags])
    shown = capsys.readouterr()
    tables = json.loads((run / "evaluation.json").read_text(encoding="utf-8"))["tables"] if status == 0 else []
    rows = {row["name"]: row for table in tables for row in table["rows"] if row["unit"] != "bits per dimension"}
    return status, shown.out, shown.err, rows


def test_images_are_measured_beside_baselines(image_run, capsys):
    status, out, err, rows = measured(image_run, capsys)
    assert status == 0, err
    assert {"−ELBO", "−L_3", "reconstruction", "KL", "active units", "reconstruction error"} <= rows.keys()
    assert rows["−L_3"]["values"]["model"] < rows["−ELBO"]["values"]["model"]  # the same draws, a tighter bound
    assert set(rows["reconstruction error"]["values"]) == {"model", "mean image", "PCA"}
    parts = rows["reconstruction"]["values"]["model"] + rows["KL"]["values"]["model"]
    assert parts == pytest.approx(rows["−ELBO"]["values"]["model"], rel=1e-6)
    assert "12 images held out of the training" in out and "bits per dimension" in out


def test_motion_is_measured_in_centimetres_beside_baselines_and_the_data(motion_run, capsys):
    status, out, err, rows = measured(motion_run, capsys)
    assert status == 0, err
    assert set(rows["joint error, in place"]["values"]) == {"model", "mean pose", "first frame", "PCA"}
    assert rows["foot skating"]["values"].keys() == {"model", "data", "mean pose", "first frame", "PCA"}
    assert rows["jitter"]["values"]["first frame"] < rows["jitter"]["values"]["data"]  # a held pose hardly jerks
    assert rows["bone length error"]["values"]["model"] < 1e-9
    assert rows["acceleration"]["values"]["data"] == pytest.approx(5, abs=4)  # m/s² of people who walk, run and jump
    assert "PCA is better than the model" in out  # after three steps of training: the honest sentence


def test_the_report_shows_what_was_measured(image_run, capsys):
    measured(image_run, capsys)
    page = (image_run / "report.html").read_text(encoding="utf-8")
    assert (
        "How likely it finds what it has not seen" in page and "mean image" in page and "Not measured yet" not in page
    )


def test_the_same_seed_measures_the_same_and_another_another(binary_run, capsys):
    one, two = (measured(binary_run, capsys)[3] for _ in range(2))
    other = measured(binary_run, capsys, "--seed", "1")[3]
    assert one == two and one["−ELBO"]["values"] != other["−ELBO"]["values"]


def test_measuring_leaves_the_run_as_it_was(binary_run, capsys):
    before = {path: path.read_bytes() for path in (binary_run / "checkpoints").iterdir()}
    measured(binary_run, capsys)
    assert before == {path: path.read_bytes() for path in (binary_run / "checkpoints").iterdir()}


def test_grey_pixels_under_a_bernoulli_get_no_bound(tmp_path, capsys):
    run = trained(tmp_path, "--count 20 --likelihood bernoulli --binarise none")
    status, out, _, rows = measured(run, capsys)
    assert status == 0 and "−ELBO" not in rows and "no likelihood: no ELBO and no L_k" in out


def test_more_latents_than_training_items_leave_pca_out_and_say_so(tmp_path, capsys):
    run = trained(tmp_path, "--data motion --count 6 --latent 9")
    status, out, _, rows = measured(run, capsys)
    assert status == 0 and "PCA" not in rows["joint error, in place"]["values"]
    assert "No PCA: 6 training windows have no 9 components." in out


def test_measuring_takes_items_evenly_and_not_the_first(image_run):
    recipe = runs.load(image_run)
    source = RECIPES["vae"].open(recipe.config)
    x, _ = measured_items(source, recipe, 3)
    assert np.array_equal(x, to_float(source.held_out.items[[0, 500, 999]]))


def test_one_held_out_window_is_too_few_and_that_is_said(motion_run, monkeypatch, capsys):
    monkeypatch.setattr(motions, "HELD_OUT", 1)
    assert evaluate.main([str(motion_run), *FAST]) == 2
    assert "only 1 window is held out of its training, too few to measure on" in capsys.readouterr().err


def test_memory_does_not_grow_with_k(image_run):
    recipe = runs.load(image_run)
    x = np.zeros((10, 28, 28, 1), np.float32)
    peaks = []
    for k in (200, 2000):
        tracemalloc.start()
        likelihoods(recipe, x, None, k, backend.generator(0))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


def test_the_bounds_are_those_of_a_model_whose_likelihood_is_known():
    class Recipe:
        model = LinearGaussian(a=0.5, v=0.5)

    x = np.ones((4000, 1))
    tight, plain = likelihoods(Recipe, x, None, 50, backend.generator(0))
    error = tight.std() / math.sqrt(len(tight))
    assert tight.mean() == pytest.approx(-1.4346, abs=3 * error + 1e-4)  # L_50 of the table, itself to 1e-4
    assert plain.mean() == pytest.approx(-1.947365, abs=3 * plain.std() / math.sqrt(len(plain)))
    exact = LinearGaussian()
    draw = lambda n: exact.log_weights(x[:10], n, rng=backend.generator(1))  # noqa: E731
    assert log_likelihood(draw, 7)[0] == pytest.approx(
        -1.4305103089, abs=1e-9
    )  # at the posterior every L_k is log p(x)


def test_the_baseline_of_pixels_alone_on_real_digits(real_data):
    from minigen.data import mnist, to_float

    class Recipe:
        class config:
            likelihood = "bernoulli"

    class Source:
        data = mnist(real_data("mnist"))

    test = mnist(real_data("mnist"), "test")
    grey = (to_float(test.items) + 1) / 2  # the expectation of a dynamically binarised digit
    assert baseline(Recipe, Source, grey)["pixels alone"] == pytest.approx(205.97, abs=0.01)


@pytest.mark.parametrize(
    "flags, sentence",
    [
        ("--k 0", "--k 0 must be at least 1"),
        ("--items 1", "--items 1 must be at least 2"),
        ("--samples 1", "--samples 1 must be at least 2"),
    ],
)
def test_bad_settings_are_refused_in_a_sentence(image_run, capsys, flags, sentence):
    assert evaluate.main([str(image_run), *flags.split()]) == 2
    assert sentence in capsys.readouterr().err


def test_what_is_no_run_is_refused(tmp_path, capsys):
    assert evaluate.main([str(tmp_path / "none")]) == 2
    assert "there is no such run" in capsys.readouterr().err


def test_other_data_than_it_was_trained_on_are_refused(tmp_path, capsys):
    folder = tmp_path / "data"
    folder.mkdir()
    np.save(folder / "a.npy", np.random.default_rng(0).integers(0, 256, (20, 28, 28)).astype(np.uint8))
    run = trained(tmp_path / "runs", f"--data npz:{folder / 'a.npy'}")
    np.save(folder / "a.npy", np.zeros((20, 28, 28), np.uint8))
    assert evaluate.main([str(run), *FAST]) == 2
    assert "it was trained on other data" in capsys.readouterr().err
    assert runs.read_config(run)["recipe"] == "vae" and not (run / "evaluation.json").exists()

"""The command line of the VAE: what a run leaves, that every flag acts or is refused, and what it says of the data."""

import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from minigen.data.motion import motion
from minigen.models.conv_vae import ConvVae
from minigen.models.vae import TwoLayerVae
from minigen.motion import write_bvh
from minigen.train import command, runs
from minigen.train.vae import Vae
from minigen.train.vae_config import PRESETS, Config

ALWAYS = {"config.json", "metrics.jsonl", "report.html", "curves.png", "reals.png", "training.gif", "latents.png"}
OF_IMAGES = ALWAYS | {"neighbours.png", "reconstructions.png", "traversals.png", "interpolations.png"}
OF_MOTION = ALWAYS | {"reals.gif", "samples.gif", "reconstructions.gif", "interpolation.gif", "loop.gif"}
SAMPLES = {f"sample_{i:02d}.bvh" for i in range(8)} | {"loop_00.bvh"}


def files_of(folder):
    return {path.name for path in folder.iterdir() if path.is_file() and path.name != ".lock" and path.stat().st_size}


# What a run leaves ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "flags, files",
    [
        ("--steps 3", OF_IMAGES),
        ("--steps 3 --condition sea --latent 2 --likelihood bernoulli", OF_IMAGES | {"latent_map.png"}),
        ("--steps 3 --data motion --window 16", OF_MOTION),
        ("--steps 3 --data motion --window 16 --condition action", OF_MOTION | {"styles.gif"}),
    ],
)
def test_a_run_leaves_everything_one_looks_at(finished, flags, files):
    run, said = finished(flags)
    assert files_of(run) == files
    assert {p.name for p in (run / "samples").iterdir()} == {"step_000000.png", "step_000003.png"}
    assert len(list((run / "checkpoints").iterdir())) == 2
    rows, weight = runs.read_metrics(run), runs.load(run).config.kl_goal
    assert [row["step"] for row in rows] == [1, 2, 3] and (weight > 1) == ("motion" in flags)
    for row in rows:
        assert row["loss"] == pytest.approx(row["reconstruction"] + weight * row["kl"], rel=1e-6)
        assert row["elbo"] == pytest.approx(-row["reconstruction"] - row["kl"], rel=1e-6)
        assert sum(row["kl_per_dimension"]) == pytest.approx(row["kl"], abs=1e-3)  # four digits of each are kept
    assert runs.load(run).reading in said and f"open {run / 'report.html'}" in said
    assert "python -m minigen.sample" in said and "latents: Together" in said
    if "motion" in flags:
        styles = {f"style_{name}.bvh" for name in ("idle", "jump", "run", "walk", "wave")}
        assert files_of(run / "bvh") == SAMPLES | (styles if "--condition" in flags else set())
        assert f"for Blender: {run / 'bvh'}" in said and "windows/s" in said and "img/s" not in said
    else:
        assert not (run / "bvh").exists() and "img/s" in said


def test_the_resolved_configuration_is_stored(finished):
    run, _ = finished("--steps 3 --data motion --window 16")
    config = json.loads((run / "config.json").read_text())
    assert config["recipe"] == "vae" and config["window"] == 16 and config["latent"] == 4
    assert config["learning_rate"] == Config().learning_rate and config["data_count"] == 20
    assert config["command"].startswith("python -m minigen.train vae --steps 3 --data motion")


@pytest.mark.parametrize(
    "flags, words",
    [
        ("", ["Conv2DTranspose", "encoder", "decoder", "20 images"]),
        ("--data motion --condition action", ["Conv1DTranspose", "20 windows of 64 frames × 130 numbers"]),
    ],
)
def test_a_dry_run_makes_nothing(train, tmp_path, flags, words):
    status, out, _ = train(f"--dry-run {flags}", recipe="vae")
    assert status == 0 and "nothing was made" in out and all(word in out for word in words)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("model", ["dense", "two_layer"])
def test_a_dry_run_shows_the_layers_of_dense_models(train, model, bare):
    status, out, _ = train(f"--dry-run --model {model} --count 20 --condition none", small=False, recipe="vae")
    assert status == 0 and out.count("Dense") >= 4 and "Conv2D" not in out


def test_epochs_count_passes_over_the_data(train, tmp_path, bare):
    train("--epochs 2", recipe="vae")
    rows = runs.read_metrics(tmp_path / "runs/0001-vae-scenes")
    assert len(rows) == 6 and rows[-1]["epoch"] == 2  # 20 images in batches of 8, 8 and 4


def test_a_number_that_is_none_stops_the_run_with_the_step_and_a_remedy(train, tmp_path, bare):
    status, _, err = train("--steps 50 --learning-rate 1e30", recipe="vae")
    assert status == 2 and "Traceback" not in err and err.count("\n") == 1
    for words in ("error: step ", "is saved in runs/0001-vae-scenes", "Try a lower --learning-rate"):
        assert words in err


# The papers' networks -------------------------------------------------------------------------------------------------


def _network(*flags):
    config, _ = command.parse("vae", list(flags))
    return config, Vae(config, {}).model


def _shapes(part):
    return [p.shape for name, p in part.named_parameters() if name.endswith("weight")]


def test_the_preset_iwae_is_the_papers_network_and_settings():
    config, model = _network("--preset", "iwae")
    assert _shapes(model.encoder) == [(784, 200), (200, 200), (200, 100)]  # μ and log σ² of 50 latents
    assert _shapes(model.decoder) == [(50, 200), (200, 200), (200, 784)]
    assert (config.likelihood, config.binarisation, config.batch, config.eps) == ("bernoulli", "dynamic", 20, 1e-4)
    assert (config.beta1, config.beta2, config.aim, config.k, config.decay) == (0.9, 0.999, "elbo", 1, "none")
    assert config.data == "mnist" and config == PRESETS["iwae"]
    config, _ = _network("--preset", "iwae", "--objective", "iwae", "--k", "50", "--steps", "7")
    assert (config.objective, config.k, config.steps, config.epochs) == ("iwae", 50, 7, 0)


def test_two_layers_are_the_papers_network():
    _, model = _network("--preset", "iwae", "--model", "two_layer")
    assert isinstance(model, TwoLayerVae)
    assert _shapes(model.encoder) == [(784, 200), (200, 200), (200, 200)]  # to 100 latents
    assert _shapes(model.encoder2) == [(100, 100), (100, 100), (100, 100)]  # to 50
    assert _shapes(model.decoder2) == [(50, 100), (100, 100), (100, 200)]
    assert _shapes(model.decoder) == [(100, 200), (200, 200), (200, 784)]


def test_the_preset_kingma_welling_is_the_papers_network():
    config, model = _network("--preset", "kingma-welling")
    assert _shapes(model.encoder) == [(784, 500), (500, 40)] and _shapes(model.decoder) == [(20, 500), (500, 784)]
    assert (config.batch, config.likelihood, config.k, config.beta) == (100, "bernoulli", 1, 1)


def test_by_default_images_have_convolutions_over_images_and_motion_over_time():
    assert isinstance(_network()[1], ConvVae) and isinstance(_network("--model", "conv")[1], ConvVae)
    assert Config(data="motion").moves and Config(data="bvh:a").moves and not Config(data="scenes").moves


# Every flag acts ------------------------------------------------------------------------------------------------------

MOTION = "--data motion --window 16"
TWO_LAYERS = "--model two_layer"


def rows_of(train, tmp_path, flags):
    """What a run of three steps measures, without times."""
    status, _, err = train(f"--steps 3 {flags}", recipe="vae")
    assert status == 0, err
    run = max((tmp_path / "runs").iterdir())
    timing = ("seconds", "images_per_second")
    return [{k: v for k, v in row.items() if k not in timing} for row in runs.read_metrics(run)]


def assert_all_differ(train, tmp_path, before, flags):
    found = [rows_of(train, tmp_path, f"{before} {more}") for more in flags]
    for i, one in enumerate(found):
        for j, other in enumerate(found[:i]):
            assert one != other, f"{flags[i]!r} does what {flags[j]!r} does"


@pytest.mark.parametrize(
    "before, flags",
    [
        ("", ["", "--latent 5", "--width 0.1", "--batch 5", "--count 19", "--seed 1", "--size 32", "--channels 3"]),
        (
            "",
            ["", "--learning-rate 0.01", "--decay none", "--beta1 0.5", "--beta2 0.9", "--eps 0.1", "--condition sea"],
        ),
        ("", ["", "--objective iwae --k 2", "--objective iwae --k 3", "--k 3", "--warm-up 5", "--free-bits 0.5"]),
        ("", ["", *(f"--objective beta --{rest}" for rest in ("beta 4", "beta 0.5", "lam 0.5"))]),
        ("", ["", "--alternate", "--alternate --alternate-on whole", "--model dense", "--likelihood bernoulli"]),
        ("--likelihood bernoulli", [f"--binarise {how}" for how in ("dynamic", "static", "none")]),
        ("--model dense", ["", "--hidden 13", "--hidden 13 13", "--likelihood bernoulli", "--condition sea"]),
        (TWO_LAYERS, ["", "--k 2", "--objective iwae --k 2", "--likelihood bernoulli"]),
        (MOTION, ["", "--condition action", "--fps 24", "--seed 1", "--alternate", "--objective elbo"]),
        ("--data motion", ["--window 16", "--window 24"]),
    ],
)
def test_every_flag_acts(train, tmp_path, bare, before, flags):
    assert_all_differ(train, tmp_path, before, flags)


def test_every_flag_of_bvh_files_acts(train, tmp_path, bare, clips):
    ways = ["", "--stride 4", "--fps 24", "--unit cm", "--drop-first", "--held-out 0.5", "--count 5", "--seed 1"]
    assert_all_differ(train, tmp_path, f"--data bvh:{clips} --window 16", ways)


def test_every_flag_of_images_acts(train, tmp_path, bare):
    folder = tmp_path / "stills"
    folder.mkdir()
    for i in range(8):
        pixels = np.random.default_rng(i).integers(0, 256, (30 + i, 44, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"f{i}.png")
    assert_all_differ(train, tmp_path, f"--data images:{folder}", ["", "--fit pad", "--fit stretch", "--channels 3"])
    Image.fromarray(pixels[:20, :20]).save(folder / "small.png")
    assert train(f"--data images:{folder}", recipe="vae")[0] == 2
    assert_all_differ(train, tmp_path, f"--data images:{folder}", ["--upscale", "--skip-bad"])


@pytest.mark.parametrize(
    "flags, sentence",
    [
        ("--hidden 100", "--hidden acts with --model dense only; leave it out."),
        ("--model dense --width 0.5", "--width acts on convolutions only"),
        ("--window 32", "--window acts on motion only"),
        ("--fps 24", "--fps acts on motion only"),
        ("--every 2", "--every acts with --data video:FILE only"),
        ("--held-out 0.2", "--held-out acts with --data bvh:PATH only"),
        ("--data motion --stride=4", "--stride acts with --data bvh:PATH only"),
        ("--data motion --drop_first", "--drop-first acts with --data bvh:PATH only"),
        ("--data motion --size 32", "--size acts on images only"),
        ("--data motion --fit pad", "--fit acts on images only"),
    ],
)
def test_a_flag_that_could_not_act_is_refused(train, tmp_path, flags, sentence):
    status, _, err = train(flags, small=False, recipe="vae")
    assert status == 2 and sentence in err and "Traceback" not in err
    assert not (tmp_path / "runs").exists()


# Refusals: one sentence, status 2, nothing made -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "flags, sentence",
    [
        ("--preset vgg", "--preset vgg: vae has default, iwae, kingma-welling."),
        ("--k 0", "--k 0 must be at least 1"),
        ("--objective iwae", "--k 1: --objective iwae needs 2 draws or more"),
        ("--objective iwae --k 5 --warm-up 10", "--warm-up, --free-bits and --alternate need the KL by itself"),
        ("--objective iwae --k 5 --alternate", "--warm-up, --free-bits and --alternate need the KL by itself"),
        ("--beta 4", "--beta 4 and --lam 1 act under --objective beta only; add that flag."),
        ("--lam 2", "--beta 1 and --lam 2 act under --objective beta only"),
        ("--objective beta", "--objective beta needs one of --beta and --lam other than 1"),
        ("--objective beta --beta 2 --lam 2", "--objective beta needs one of --beta and --lam"),
        ("--objective beta --lam 0", "--lam 0 must be above 0"),
        ("--objective beta --beta -1", "--beta -1 must be at least 0"),
        ("--binarise dynamic", "--binarise dynamic is for --likelihood bernoulli"),
        ("--binarise static", "--binarise static is for --likelihood bernoulli"),
        ("--alternate-on whole", "--alternate-on whole acts with --alternate only"),
        ("--alternate --free-bits 1", "--alternate performs the article's case as it is"),
        ("--model two_layer --free-bits 1", "--model two_layer has no KL in closed form"),
        ("--model two_layer --objective beta --beta 2", "--model two_layer has no KL in closed form"),
        ("--model two_layer --condition sea", "--model two_layer takes no --condition"),
        ("--data motion --model dense", "--data motion: motion has its own network and a gaussian likelihood"),
        ("--data motion --likelihood bernoulli", "motion has its own network and a gaussian likelihood"),
        ("--data motion --window 20", "--window 20 must be a multiple of 8, such as 64."),
        ("--data motion --window 0", "--window 0 must be a multiple of 8"),
        ("--data motion:clips", "built-in motion is made, not read; write --data motion, or bvh:clips."),
        ("--data bvh:", "--data bvh:: a path must follow, as in bvh:PATH."),
        ("--data bvh:nowhere", "--data bvh:nowhere: does not exist."),
        ("--data motion --count 1", "count is 1; it must be at least 2"),
        ("--data bvh:x --held-out 1", "--held-out 1 must lie in [0, 1)"),
        ("--data bvh:x --held-out -0.1", "--held-out -0.1 must lie in [0, 1)"),
        ("--data bvh:x --stride 0", "--stride 0 must be at least 1"),
        ("--data motion --fps nan", "--fps nan must be at least 0"),
        ("--data motion --count 9 --condition style", "motion does not say that of its items; it has action."),
        (
            "--condition action --count 9",
            "--condition action: scenes does not say that of its items; it has sea; and as numbers time,",
        ),
        ("--model dense --hidden 0", "--hidden 0 must be widths of at least 1"),
        ("--latent 0", "--latent 0 must be at least 1"),
        ("--batch 1", "--batch 1 must be at least 2"),
        ("--steps 5 --epochs 2", "--steps and --epochs both say"),
        ("--objective vae", "--objective"),
        ("--data nowhere", "--data nowhere"),
    ],
)
def test_a_bad_flag_is_refused_in_a_sentence(train, tmp_path, bare, flags, sentence):
    status, _, err = train(f"{flags} --max-minutes 1e-9", small=False, recipe="vae")  # what is not refused ends soon
    assert status == 2 and sentence in err and "Traceback" not in err
    assert not (tmp_path / "runs").exists()


def test_an_array_that_knows_nothing_of_its_items_has_no_condition(train, tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((6, 28, 28), np.uint8))
    status, _, err = train("--data npz:x.npy --condition label", recipe="vae")
    assert status == 2 and "it has no labels. Leave --condition out." in err


# BVH files ------------------------------------------------------------------------------------------------------------


def test_a_folder_and_a_file_of_bvh_train(train, tmp_path, bare, clips):
    status, out, err = train(f"--steps 1 --data bvh:{clips} --window 16 --count 5", recipe="vae")
    assert status == 0, err
    assert "data: clips, 5 windows of 16 frames × 130 numbers of " in out and "Held out, to measure on: " in out
    assert re.search("The first 5 of [0-9]+ windows were taken.", out)
    assert (tmp_path / "runs/0001-vae-clips").is_dir()
    one = sorted(clips.iterdir())[0]
    status, out, err = train(f"--steps 1 --data bvh:{one} --window 8 --stride 4 --condition style", recipe="vae")
    assert status == 0 and "of 1 clip," in out and "Held out" not in out, err
    assert (tmp_path / f"runs/0002-vae-{one.stem}").is_dir()


def test_more_latents_than_windows_can_be_trained(train, bare, clips):
    status, _, err = train(f"--steps 1 --data bvh:{clips} --window 24 --latent 64 --count 4", recipe="vae")
    assert status == 0, err


def test_clips_shorter_than_a_window_are_left_out_and_named(train, bare, clips, tmp_path):
    for n, frames in ((1, 12), (2, 40)):
        write_bvh(tmp_path / "some" / f"{n}.bvh", motion(1, frames)[0][0])
    write_bvh(tmp_path / "some" / "3.bvh", motion(1, 33)[0][0])
    status, out, err = train("--steps 1 --data bvh:some --window 32 --stride 1", recipe="vae")
    assert status == 0 and "Left out, being shorter than a window of 32: 1 has 12 frames." in out, err
    status, _, err = train("--steps 1 --data bvh:some --window 48", recipe="vae")
    assert status == 2 and "no clip is as long as a window of 48: 1 has 12 frames, 2 has 40 frames" in err
    assert "Choose a smaller --window" in err and len(list((tmp_path / "runs").iterdir())) == 1


def _damaged(text, how):
    lines = text.splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("Frame Time")) + 1
    if how == "nan":
        lines[first + 2] = lines[first + 2].replace(lines[first + 2].split()[4], "nan", 1)
    elif how == "short":
        lines[first + 2] = " ".join(lines[first + 2].split()[:-1])
    elif how == "word":
        lines[3] = "  OFFSET 1 2"
        return "\n".join(lines), 4
    return "\n".join(lines), first + 3


@pytest.mark.parametrize("how", ["nan", "short", "word"])
def test_damaged_bvh_is_refused_with_its_file_and_line(train, tmp_path, clips, how):
    shutil.copytree(clips, tmp_path / "some")
    path = sorted((tmp_path / "some").iterdir())[2]
    text, line = _damaged(path.read_text(), how)
    path.write_text(text)
    for spec in (f"some/{path.name}", "some"):
        status, _, err = train(f"--steps 1 --data bvh:{spec} --window 16", recipe="vae")
        assert status == 2 and err.startswith(f"error: --data bvh:{spec}") and "Traceback" not in err
        assert path.name in err and f"line {line}" in err and err.count("\n") == 1, err
    assert not (tmp_path / "runs").exists()


def test_two_skeletons_in_a_folder_are_refused(train, tmp_path, clips):
    shutil.copytree(clips, tmp_path / "some")
    path = sorted((tmp_path / "some").iterdir())[2]
    path.write_text(path.read_text().replace("JOINT Head", "JOINT Antenna").replace("JOINT head", "JOINT antenna"))
    status, _, err = train("--steps 1 --data bvh:some --window 16", recipe="vae")
    assert status == 2 and "have different skeletons" in err and path.name in err
    assert not (tmp_path / "runs").exists()


def test_an_empty_folder_has_no_motion(train, tmp_path):
    (tmp_path / "empty").mkdir()
    status, _, err = train("--data bvh:empty", recipe="vae")
    assert status == 2 and "--data bvh:empty: has no files" in err


def test_a_style_that_is_only_held_out_is_left_out_of_what_is_measured(train, tmp_path, bare):
    for i, clip in enumerate(motion(6, 24)[0]):
        write_bvh(tmp_path / "some" / f"walk_style{i}_1.bvh", clip)  # each style once: one is held out
    status, out, err = train("--steps 2 --data bvh:some --window 16 --condition style", recipe="vae")
    assert status == 0, err
    assert "Not measured on, since its style does not occur among the items trained on: style" in out


# Real files -----------------------------------------------------------------------------------------------------------


def test_real_digits_train_in_the_presets_way(train, real_data, bare):
    flags = f"--preset iwae --data mnist:{real_data('mnist')} --condition label --steps 2 --count 200"
    status, out, err = train(flags, small=False, recipe="vae")
    assert status == 0 and "mnist" in out, err


def test_real_motion_trains(train, real_data, bare):
    flags = f"--steps 1 --data bvh:{real_data('motion')} --condition style --count 0"
    status, out, err = train(flags, recipe="vae")
    assert status == 0, err
    for words in ("shorter than a window of 64: run_masculinity_001", "Held out, to measure on: ", "136 numbers"):
        assert words in out


def test_of_a_real_film_every_nth_frame_is_taken(train, real_data, bare, tmp_path):
    film = real_data("film") / "big_buck_bunny_clip.mp4"
    assert_all_differ(train, tmp_path, f"--data video:{film}", ["--every 2", "--every 3"])

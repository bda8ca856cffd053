"""A VAE that stops and goes on: the same to the bit, and what is said where it cannot be."""

import shutil
import signal

import numpy as np
import pytest

from minigen import backend
from minigen.motion import read_bvh, write_bvh
from minigen.train import checkpoint, runs
from minigen.train.vae import Vae
from minigen.train.vae_config import Config

KINDS = {
    "images, dynamic": "--likelihood bernoulli",
    "static": "--likelihood bernoulli --binarise static",
    "motion": "--data motion --window 16",
    "condition": "--condition sea --warm-up 6",
    "motion told of classes": "--data motion --window 16 --condition action",
    "iwae": "--objective iwae --k 3 --likelihood bernoulli",
    "two_layer": "--model two_layer --likelihood bernoulli",
    "drawn on the device": "--likelihood bernoulli --draws device",
    "alternate": "--alternate",
    "alternate on the whole": "--alternate --alternate-on whole --likelihood bernoulli",
}


def newest(run):
    return checkpoint.load(runs.newest_checkpoint(run))


def assert_same_state(one, two):
    """Every array, the random state and the place in the data are equal, bit for bit."""
    assert one.step == two.step and one.arrays.keys() == two.arrays.keys()
    for name in one.arrays:
        assert one.arrays[name].tobytes() == two.arrays[name].tobytes(), name
        assert one.arrays[name].dtype == two.arrays[name].dtype, name
    assert one.facts["random"] == two.facts["random"] and one.facts["place"] == two.facts["place"]


def measured(run):
    timing = ("seconds", "images_per_second")
    return [{k: v for k, v in row.items() if k not in timing} for row in runs.read_metrics(run)]


@pytest.mark.parametrize("kind", KINDS)
def test_ten_steps_and_ten_more_are_twenty(train, tmp_path, bare, kind):
    flags = f"{KINDS[kind]} --decay none"
    train(f"--steps 20 --name whole {flags}", recipe="vae")
    train(f"--steps 10 --name parts {flags}", recipe="vae")
    status, _, err = train("--resume runs/0002-parts --steps 20", recipe="vae")
    assert status == 0, err
    whole, parts = tmp_path / "runs/0001-whole", tmp_path / "runs/0002-parts"
    assert_same_state(newest(whole), newest(parts))
    assert measured(whole) == measured(parts)


@pytest.mark.parametrize("kind", KINDS)
def test_with_a_falling_step_size_a_stopped_run_that_goes_on_equals_one_that_never_stopped(train, tmp_path, bare, kind):
    flags = KINDS[kind]
    train(f"--steps 5 --name whole {flags}", recipe="vae")
    _, out, _ = train(f"--steps 5 --name parts {flags} --max-minutes 1e-9", recipe="vae")
    assert "out of time after step 1" in out
    status, _, err = train("--resume runs/0002-parts", recipe="vae")  # to the steps that were planned
    assert status == 0, err
    whole, parts = tmp_path / "runs/0001-whole", tmp_path / "runs/0002-parts"
    assert newest(parts).step == 5
    assert_same_state(newest(whole), newest(parts))
    assert measured(whole) == measured(parts)


def test_lengthening_a_run_with_a_falling_step_size_makes_another_run_and_the_help_says_so(train, tmp_path, bare):
    train("--steps 6 --name whole", recipe="vae")
    train("--steps 3 --name parts", recipe="vae")
    train("--resume runs/0002-parts --steps 6", recipe="vae")
    whole, parts = measured(tmp_path / "runs/0001-whole"), measured(tmp_path / "runs/0002-parts")
    assert whole[1] == parts[1] and whole[-1] != parts[-1]  # the first update has the first step size in both
    status, out, _ = train("--help", small=False, recipe="vae")
    said = " ".join(out.replace("│", " ").split())
    assert status == 0 and "a run lengthened with --steps differs from one planned so long" in said


def test_epochs_are_planned_the_same_when_a_run_goes_on(train, tmp_path, bare):
    train("--epochs 2 --name whole", recipe="vae")
    train("--epochs 2 --name parts --max-minutes 1e-9", recipe="vae")
    train("--resume runs/0002-parts", recipe="vae")
    train("--steps 6 --name steps", recipe="vae")  # two passes over three batches: the same step sizes
    for name in ("0002-parts", "0003-steps"):
        assert_same_state(newest(tmp_path / "runs/0001-whole"), newest(tmp_path / "runs" / name))


def test_a_whole_run_with_its_pictures_goes_on_to_the_bit(train, tmp_path):
    flags = "--likelihood bernoulli --condition sea --latent 2 --decay none --count 12"
    train(f"--steps 3 --name whole {flags}", recipe="vae")
    train(f"--steps 1 --name parts {flags}", recipe="vae")
    status, _, err = train("--resume runs/0002-parts --steps 3", recipe="vae")
    assert status == 0, err
    whole, parts = tmp_path / "runs/0001-whole", tmp_path / "runs/0002-parts"
    assert_same_state(newest(whole), newest(parts))
    for name in ("samples/step_000003.png", "reconstructions.png", "traversals.png", "latent_map.png", "latents.png"):
        assert (whole / name).read_bytes() == (parts / name).read_bytes(), name


def test_ctrl_c_saves_and_going_on_equals_never_having_stopped(train, tmp_path, bare, monkeypatch):
    real = Vae.step

    def interrupted(self, *batches):
        if self.step_count == 4:
            signal.raise_signal(signal.SIGINT)
        return real(self, *batches)

    run = tmp_path / "runs/0001-vae-scenes"
    with monkeypatch.context() as patch:
        patch.setattr(Vae, "step", interrupted)
        status, out, err = train("--steps 12 --likelihood bernoulli", recipe="vae")
    assert status == 130 and "interrupted after step 5" in out and newest(run).step == 5, err
    assert f"--resume {run.relative_to(tmp_path)}" in out
    assert train("--resume runs/0001-vae-scenes", recipe="vae")[0] == 0
    assert train("--steps 12 --likelihood bernoulli --name whole", recipe="vae")[0] == 0
    assert_same_state(newest(run), newest(tmp_path / "runs/0002-whole"))


@pytest.mark.parametrize("first, then", [("vae", "gan"), ("gan", "vae")])
def test_a_run_goes_on_with_its_own_recipe_only(train, bare, first, then):
    train("--steps 1", recipe=first)
    status, _, err = train(f"--resume runs/0001-{first}-scenes --steps 2", recipe=then)
    assert status == 2 and f"that is a run of {first}, not of {then}; go on with python -m minigen.train {first}" in err


@pytest.mark.parametrize(
    "flags, sentence",
    [
        ("--latent 5", "that run has --latent 4, not 5"),
        ("--likelihood bernoulli", "that run has --likelihood gaussian, not bernoulli"),
        ("--decay none", "that run has --decay cosine, not none"),
        ("--condition sea", "that run has --condition none, not sea"),
        ("--hidden 7", "that run has --hidden (200, 200), not (7,)"),
        ("--steps 1", "it is at step 2 already"),
    ],
)
def test_a_resumed_run_refuses_other_settings(train, tmp_path, bare, flags, sentence):
    train("--steps 2", recipe="vae")
    run = tmp_path / "runs/0001-vae-scenes"
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    status, _, err = train(f"--resume {run} {flags}", recipe="vae")
    assert status == 2 and sentence in err
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_clips_that_have_changed_are_refused(train, tmp_path, bare, clips):
    shutil.copytree(clips, tmp_path / "some")
    train("--steps 1 --data bvh:some --window 16 --count 0 --name own", recipe="vae")
    assert train("--resume runs/0001-own --steps 2", recipe="vae")[0] == 0
    sorted((tmp_path / "some").iterdir())[-1].unlink()
    status, _, err = train("--resume runs/0001-own --steps 3", recipe="vae")
    assert status == 2 and "it was trained on other data" in err


def test_a_resumed_run_refuses_data_whose_classes_have_other_names(train, tmp_path, bare, clips):
    shutil.copytree(clips, tmp_path / "some")
    train("--steps 1 --data bvh:some --window 16 --condition style --name own", recipe="vae")
    for path in (tmp_path / "some").iterdir():
        path.rename(path.with_name(path.name.replace("_old_", "_ole_")))  # the order stays, and so the numbers
    status, _, err = train("--resume runs/0001-own --steps 2", recipe="vae")
    assert status == 2 and "other classes" in err and "Traceback" not in err


# A run without its data -----------------------------------------------------------------------------------------------


def test_a_run_is_drawn_from_after_its_data_were_deleted(train, tmp_path, bare, clips):
    shutil.copytree(clips, tmp_path / "some")
    train("--steps 2 --data bvh:some --window 16 --condition style --name own", recipe="vae")
    shutil.rmtree(tmp_path / "some")
    recipe = runs.load(tmp_path / "runs/0001-own")
    assert recipe.classes == ["calm", "old", "proud"] and recipe.step_count == 2
    z = recipe.latents(3, backend.generator(0))
    features = recipe.generate(z)
    assert features.shape == (3, 16, 130)
    theirs = read_bvh(sorted(clips.iterdir())[0])
    for i, clip in enumerate(recipe.clips(features)):
        write_bvh(tmp_path / f"{i}.bvh", clip)
        back = read_bvh(tmp_path / f"{i}.bvh", unit="m")
        assert len(back) == 16 and back.fps == theirs.fps and back.skeleton.names == theirs.skeleton.names
        assert np.allclose(back.places, clip.places, atol=1e-4)  # metres: six decimals of degrees


def test_what_a_run_draws_is_the_same_before_and_after_it_is_loaded(train, tmp_path, bare):
    train("--steps 2 --likelihood bernoulli --condition sea", recipe="vae")
    one, two = (runs.load(tmp_path / "runs/0001-vae-scenes") for _ in range(2))
    assert isinstance(one.config, Config) and one.config.hidden == (200, 200)  # a tuple, though JSON has lists
    z = one.latents(4, backend.generator(3))
    assert np.array_equal(one.generate(z), two.generate(z)) and one.classes == ["0", "1"]

"""Going on: exact resume, and what survives a kill, Ctrl-C, a full disk and a number that is none."""

import dataclasses
import errno
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from minigen.errors import DataError
from minigen.train import checkpoint, recipes, runs

TINY = "--width 0.05 --latent 8 --count 20 --batch 8"
SMALL = f"{TINY} --pictures 1".split()


def newest(run):
    return checkpoint.load(runs.newest_checkpoint(run))


def assert_same_state(one, two):
    """Every array, the random state and the place in the data are equal, bit for bit."""
    assert one.step == two.step and one.arrays.keys() == two.arrays.keys()
    for name in one.arrays:
        assert one.arrays[name].tobytes() == two.arrays[name].tobytes(), name
        assert one.arrays[name].dtype == two.arrays[name].dtype, name
    assert one.facts["random"] == two.facts["random"] and one.facts["place"] == two.facts["place"]


@pytest.mark.parametrize("flags", ["", "--penalty gradient --d-steps 2", "--ema 0", "--draws device --dropout 0.3"])
@pytest.mark.parametrize("first, more", [(2, 3), (4, 1)])
def test_resume_equals_an_uninterrupted_run(train, tmp_path, flags, first, more):
    train(f"--steps {first + more} --name whole {flags}")
    train(f"--steps {first} --name parts {flags}")
    status, out, err = train(f"--resume runs/0002-parts --steps {first + more}")
    assert status == 0, err
    whole, parts = tmp_path / "runs/0001-whole", tmp_path / "runs/0002-parts"
    assert_same_state(newest(whole), newest(parts))
    last = f"samples/step_{first + more:06d}.png"
    assert (whole / last).read_bytes() == (parts / last).read_bytes()
    timing = ("seconds", "images_per_second")
    rows = [[{k: v for k, v in row.items() if k not in timing} for row in runs.read_metrics(r)] for r in (whole, parts)]
    assert rows[0] == rows[1]


def test_the_same_seed_gives_the_same_run_whatever_the_hash_seed(tmp_path):
    states = []
    for hash_seed in ("0", "1"):
        folder = tmp_path / hash_seed
        folder.mkdir()
        subprocess.run(
            [sys.executable, "-m", "minigen.train", "gan", "--steps", "2", *SMALL],
            cwd=folder,
            check=True,
            capture_output=True,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
        )
        states.append(newest(folder / "runs/0001-gan-scenes"))
    assert_same_state(*states)


def test_resuming_an_earlier_checkpoint_branches_and_keeps_the_run(train, tmp_path):
    train("--steps 3 --save-minutes 0 --keep 9 --name long")
    run = tmp_path / "runs/0001-long"
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    status, _, err = train("--resume runs/0001-long/checkpoints/step_00000001.safetensors --steps 3")
    assert status == 0, err
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    assert_same_state(newest(run), newest(tmp_path / "runs/0002-long-from-1"))


@pytest.mark.parametrize(
    "flags, sentence",
    [
        ("--width 0.1", "that run has --width 0.05, not 0.1"),
        ("--loss hinge", "that run has --loss nonsaturating, not hinge"),
        ("--data mnist", "that run has --data scenes, not mnist"),
        ("--seed 3", "that run has --seed 0, not 3"),
        ("--draws device", "that run has --draws host, not device"),
        ("--steps 1", "it is at step 2 already"),
        ("--preset article", "--preset gives a new run its defaults"),
        ("--name other", "leave --out and --name out"),
    ],
)
def test_a_resumed_run_refuses_other_settings(train, tmp_path, flags, sentence):
    train("--steps 2")
    run = tmp_path / "runs/0001-gan-scenes"
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    status, _, err = train(f"--resume {run} {flags}")
    assert status == 2 and sentence in err
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_one_run_is_not_trained_by_two_programs_at_once(train, tmp_path):
    train("--steps 1")
    run = tmp_path / "runs/0001-gan-scenes"
    with runs.held(run):
        status, _, err = train(f"--resume {run} --steps 2")
    assert status == 2 and "another program is training this run just now" in err
    assert [row["step"] for row in runs.read_metrics(run)] == [1]
    assert train(f"--resume {run} --steps 2")[0] == 0


def test_settings_that_came_later_are_at_their_defaults_in_older_runs_and_others_are_asked_for(tmp_path):
    config = recipes.RECIPES["gan"].config()
    facts = {"recipe": "gan", **dataclasses.asdict(config)}
    older = {name: value for name, value in facts.items() if name not in runs.LATER}
    assert len(older) < len(facts) and runs.config_of(older, tmp_path) == config
    del older["width"]
    with pytest.raises(DataError, match="lacks the settings width; another version wrote it"):
        runs.config_of(older, tmp_path)


def test_a_run_from_before_noise_could_be_drawn_on_the_device_goes_on_as_it_was(train, tmp_path):
    train("--steps 1")
    run = tmp_path / "runs/0001-gan-scenes"
    path = runs.newest_checkpoint(run)
    saved = checkpoint.load(path)
    del saved.facts["config"]["draws"]
    checkpoint.save(path, saved)
    status, _, err = train(f"--resume {run} --steps 2")
    assert status == 0, err
    assert newest(run).facts["config"]["draws"] == "host"
    assert newest(run).facts["random"]["rng"]["bit_generator"] == "PCG64"


def test_a_resumed_run_refuses_other_data(train, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 28, 28)).astype(np.uint8)
    np.save(tmp_path / "x.npy", pixels)
    train("--steps 1 --data npz:x.npy --name own")
    np.save(tmp_path / "x.npy", pixels[::-1])
    status, _, err = train("--resume runs/0001-own --steps 2")
    assert status == 2 and "it was trained on other data" in err


@pytest.mark.parametrize("cut", [0, 7, 500, -1])
def test_a_damaged_checkpoint_is_refused_by_name(train, tmp_path, cut):
    train("--steps 1")
    path = runs.newest_checkpoint(tmp_path / "runs/0001-gan-scenes")
    path.write_bytes(path.read_bytes()[:cut])
    status, _, err = train("--resume runs/0001-gan-scenes --steps 2")
    assert status == 2 and path.name in err and "damaged" in err and "Traceback" not in err


def test_a_foreign_safetensors_file_is_no_checkpoint(tmp_path):
    from safetensors.numpy import save_file

    save_file({"a": np.zeros(2, np.float32)}, tmp_path / "other.safetensors")
    with pytest.raises(checkpoint.DataError, match="not a checkpoint of minigen"):
        checkpoint.load(tmp_path / "other.safetensors")


def test_a_full_disk_leaves_the_last_checkpoint(train, tmp_path, monkeypatch):
    train("--steps 1")
    run = tmp_path / "runs/0001-gan-scenes"
    before = newest(run)

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    real = checkpoint.write_atomically

    def write(path, raw):
        with monkeypatch.context() as patch:
            if path.suffix == ".safetensors":
                patch.setattr(os, "fsync", full)
            real(path, raw)

    monkeypatch.setattr(checkpoint, "write_atomically", write)
    status, _, err = train(f"--resume {run} --steps 2")
    assert status == 2 and "No space left on device" in err and "what was saved before is untouched" in err
    assert_same_state(newest(run), before)
    assert not list((run / "checkpoints").glob(".*"))


def _start(folder, *flags):
    return subprocess.Popen(
        [sys.executable, "-m", "minigen.train", "gan", "--steps", "100000", *SMALL, *flags],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _wait_for_step(run, step):
    for _ in range(600):
        if (run / "metrics.jsonl").is_file() and len(runs.read_metrics(run)) >= step:
            return
        time.sleep(0.05)
    raise AssertionError("the run did not start")


@pytest.mark.parametrize("steps", [1, 6])
def test_a_killed_run_leaves_a_loadable_checkpoint(train, tmp_path, steps):
    process = _start(tmp_path, "--save-minutes", "0")
    run = tmp_path / "runs/0001-gan-scenes"
    _wait_for_step(run, steps)
    process.kill()
    process.communicate()
    step = newest(run).step
    status, _, err = train(f"--resume {run} --steps {step + 2}")
    assert status == 0, err
    train(f"--steps {step + 2} --name whole")
    assert_same_state(newest(run), newest(tmp_path / "runs/0002-whole"))


def test_ctrl_c_saves_and_says_how_to_go_on(tmp_path):
    process = _start(tmp_path)
    run = tmp_path / "runs/0001-gan-scenes"
    _wait_for_step(run, 2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in err
    assert "interrupted after step" in out and "python -m minigen.train gan --resume runs/0001-gan-scenes" in out
    assert newest(run).step == runs.read_metrics(run)[-1]["step"] and (run / "report.html").is_file()


@pytest.mark.parametrize("pictures", [1, 50])  # met by a step, or by a picture drawn after each
def test_a_number_that_is_none_stops_the_run_with_the_operation_and_the_step(train, tmp_path, pictures):
    status, _, err = train(f"--steps 50 --learning-rate 1e30 {TINY} --pictures {pictures}", small=False)
    assert status == 2 and "Traceback" not in err and err.count("\n") == 1
    for words in ("error: step ", "made the first", "train/gan.py", "lower --learning-rate", "--penalty gradient"):
        assert words in err
    saved = newest(tmp_path / "runs/0001-gan-scenes")
    assert all(np.isfinite(a).all() for a in saved.arrays.values())


def test_the_state_that_a_failed_run_names_is_the_newest_checkpoint(train, tmp_path):
    _, _, err = train(f"--steps 50 --learning-rate 1e30 {TINY} --pictures 1 --save-minutes 0 --keep 1", small=False)
    named = re.search(r"The state after step (\d+) is saved", err)
    assert named is not None and newest(tmp_path / "runs/0001-gan-scenes").step == int(named[1])

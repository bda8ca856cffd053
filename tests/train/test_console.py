"""The edges of both commands: pipes, signals, consoles without Unicode, names, and numbers that are none."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from minigen import sample
from minigen.train import command, runs, sources

SMALL = "--width 0.05 --latent 8 --count 20 --batch 8 --pictures 1".split()


def program(folder, *flags, **settings):
    return subprocess.Popen(
        [sys.executable, "-m", "minigen.train", "gan", *SMALL, *flags],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **settings,
    )


def test_a_closed_pipe_ends_a_run_without_a_traceback(tmp_path):
    with program(tmp_path, "--steps", "3") as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


@pytest.mark.parametrize("name", ["sample", "evaluate", "gallery", "judges"])
def test_help_into_a_closed_pipe_is_no_traceback(name):
    command = [sys.executable, "-m", f"minigen.{name}", "--help"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_ctrl_c_while_the_data_are_made_is_no_traceback(tmp_path, monkeypatch, train):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(sources, "open_data", interrupt)
    status, _, err = train("--steps 1")
    assert status == 130 and "interrupted" in err and not (tmp_path / "runs").exists()


def test_a_console_without_unicode_is_enough(tmp_path):
    process = program(tmp_path, "--steps", "1", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    out, err = process.communicate()
    assert process.returncode == 0 and rb"28\xd728" in out, err


def test_a_program_without_standard_output_trains(tmp_path):
    flags = ["-m", "minigen.train", "gan", *SMALL, "--steps", "1"]
    status = subprocess.run(["sh", "-c", '"$0" "$@" >&-', sys.executable, *flags], cwd=tmp_path).returncode
    assert status == 0 and (tmp_path / "runs/0001-gan-scenes/report.html").is_file()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_folder_whose_name_is_not_utf8_trains_and_resumes(train, tmp_path):
    folder = tmp_path / os.fsdecode(b"f\xff")
    folder.mkdir()
    for i in range(4):
        Image.fromarray(np.random.default_rng(i).integers(0, 256, (30, 30)).astype(np.uint8)).save(folder / f"{i}.png")
    status, _, err = train(f"--steps 1 --data 'images:{folder}' --name f")
    assert status == 0, err
    status, _, err = train("--resume runs/0001-f --steps 2")
    assert status == 0, err
    assert runs.read_config(tmp_path / "runs/0001-f")["data"] == f"images:{folder}"


@pytest.mark.parametrize("name", ["a/b", "../a", "/../../a", "a\\b", "'a\nb'", "n" * 300])
def test_a_name_that_is_none_is_refused(train, tmp_path, name):
    status, _, err = train(f"--steps 1 --name {name!r}")
    assert status == 2 and err.startswith("error: --name ") and err.count("\n") == 1
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    "flag",
    ["--width inf", "--learning-rate inf", "--d-learning-rate 1e400", "--penalty-weight inf", "--epochs inf"]
    + ["--max-minutes nan", "--save-minutes nan", "--width nan"],
)
def test_numbers_that_are_none_are_refused_by_their_flag(train, tmp_path, flag):
    status, _, err = train(flag, small=False)
    assert status == 2 and f"error: {flag.split()[0]} " in err and not (tmp_path / "runs").exists()


def test_a_network_that_memory_cannot_hold_is_refused_in_a_sentence(train, tmp_path):
    status, _, err = train("--width 1e10", small=False)
    assert status == 2 and "there is not enough memory" in err and "--width" in err and err.count("\n") == 1
    assert not (tmp_path / "runs").exists()


def test_count_0_of_scenes_is_the_default_number(monkeypatch):
    asked = []
    monkeypatch.setattr(sources, "open_data", lambda *_, count, **__: asked.append(count) or [0, 0])
    for data in ("scenes", "mnist"):
        sources.open_images(command.parse("gan", ["--count", "0", "--data", data])[0])
    assert asked == [10_000, None]


def test_a_single_image_is_refused_by_its_flag(train, tmp_path):
    status, _, err = train("--steps 1 --count 1", small=False)
    assert status == 2 and err.startswith("error: --data scenes: gives only 1 image (--count 1)")


@pytest.mark.parametrize("line", [b"[]", b"{}", b"garbage", b"\xff\xfe", b'{"step": "1"}'])
def test_damaged_metrics_are_refused_with_their_line(train, tmp_path, line):
    train("--steps 2")
    path = tmp_path / "runs/0001-gan-scenes/metrics.jsonl"
    first, second = path.read_bytes().splitlines()
    path.write_bytes(first + b"\n" + line + b"\n" + second + b"\n")
    before = path.read_bytes()
    status, _, err = train("--resume runs/0001-gan-scenes --steps 3")
    assert status == 2 and "metrics.jsonl: line 2 is damaged" in err and "Remove that line." in err
    assert path.read_bytes() == before


def test_a_folder_named_like_a_checkpoint_is_passed_over(train, tmp_path):
    train("--steps 1")
    (tmp_path / "runs/0001-gan-scenes/checkpoints/step_99999999.safetensors").mkdir()
    status, _, err = train("--resume runs/0001-gan-scenes --steps 2")
    assert status == 0, err


def test_sampling_refuses_what_is_no_run_in_a_sentence(train, tmp_path, capsys):
    train("--steps 1")
    run = tmp_path / "runs/0001-gan-scenes"
    for where, flags, sentence in (
        (run / "config.json", [], "config.json: neither a run's folder nor a checkpoint"),
        ("n" * 300, [], "there is no such run"),
        (run, ["--out", "n" * 300 + ".png"], "could not be written (File name too long)"),
        (run, ["--loop", "--frames-between", "1000000000"], "more than 1,000,000 frames"),
        (run, ["--seeds", "0", "--scale", "1000000"], "there is not enough memory"),
    ):
        assert sample.main([str(where), *flags]) == 2
        err = capsys.readouterr().err
        assert err.startswith("error: ") and sentence in err and err.count("\n") == 1

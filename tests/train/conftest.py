"""A small training command, run inside the test's own folder."""

import shlex

import pytest

from minigen.train import command

SMALL = "--width 0.05 --latent 8 --count 20 --batch 8 --pictures 1"  # 20 images: the last batch of an epoch has 4


@pytest.fixture
def train(tmp_path, monkeypatch, capsys):
    """train("--steps 2") runs `minigen.train gan` on a very small network → (status, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def run(flags="", *, small=True, recipe="gan"):
        arguments = [recipe, *shlex.split(flags)]
        if small and "--resume" not in flags:
            arguments += shlex.split(SMALL)
        try:
            status = command.main(arguments)
        except SystemExit as stop:  # how tyro refuses a flag
            status = stop.code
        shown = capsys.readouterr()
        return status, shown.out, shown.err

    return run

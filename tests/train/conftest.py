"""Small training commands, run inside the test's own folder, and whole runs that many tests look at."""

import contextlib
import io
import shlex
import tracemalloc

import numpy as np
import pytest

from minigen.data import motions
from minigen.data.motion import motion
from minigen.motion import write_bvh
from minigen.train import command, loop, sources

SMALL = {"--width": "0.05", "--latent": "8", "--count": "20", "--batch": "8", "--pictures": "1"}
# 20 items: the last batch of an epoch has 4


def small_flags(recipe, given):
    """What makes a run small, but for what is given already and for a width where no convolution has one."""
    flags = {**SMALL, "--latent": "4"} if recipe == "vae" else SMALL
    idle = {"--width"} if {"dense", "two_layer"} & set(given) else set()
    return [word for flag in flags if flag not in {*given, *idle} for word in (flag, flags[flag])]


@pytest.fixture
def train(tmp_path, monkeypatch, capsys):
    """train("--steps 2") runs `minigen.train gan` on a very small network → (status, stdout, stderr).

    With recipe="vae", `minigen.train vae`.  What makes it small gives way to the flags given; with small=False all of
    it is left out.
    """
    monkeypatch.chdir(tmp_path)

    def run(flags="", *, small=True, recipe="gan"):
        arguments = [recipe, *shlex.split(flags)]
        if small and "--resume" not in flags:
            arguments += small_flags(recipe, arguments)
        try:
            status = command.main(arguments)
        except SystemExit as stop:  # how tyro refuses a flag
            status = stop.code
        shown = capsys.readouterr()
        return status, shown.out, shown.err

    return run


@pytest.fixture
def bare(monkeypatch):
    """Runs draw no pictures, and few items are held out: what is looked at are metrics and checkpoints."""
    monkeypatch.setattr(loop.Loop, "draw", lambda self: None)
    monkeypatch.setattr(loop.Loop, "finish", lambda self: None)
    for place in (sources, motions):
        monkeypatch.setattr(place, "HELD_OUT", 12)


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """finished("--steps 2") → (the folder of a whole small run of the VAE, what it printed), made once for all."""
    runs = {}

    def run(flags):
        if flags not in runs:
            out, said = tmp_path_factory.mktemp("finished"), io.StringIO()
            given = shlex.split(flags)
            arguments = ["vae", *given, *small_flags("vae", given), "--out", str(out)]
            with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said):
                patch.setattr(sources, "HELD_OUT", 40)
                patch.setattr(motions, "HELD_OUT", 12)
                assert command.main(arguments) == 0
            (folder,) = out.iterdir()
            runs[flags] = folder, said.getvalue()
        return runs[flags]

    return run


@pytest.fixture(scope="session")
def clips(tmp_path_factory):
    """A folder of BVH clips of the built-in figure: action_style_take, two actions, three styles, 25 to 32 frames."""
    folder = tmp_path_factory.mktemp("data") / "clips"
    folder.mkdir()
    taken = [clip for clip in motion(40, 32, seed=5)[0] if clip.labels["action"] in ("walk", "wave")][:8]
    for i, clip in enumerate(taken):
        short = type(clip)(clip.skeleton, clip.rotations[: 32 - i], clip.translations[: 32 - i], clip.fps, clip.name)
        write_bvh(folder / f"{clip.labels['action']}_{('calm', 'old', 'proud')[i % 3]}_{i:03d}.bvh", short)
    return folder


def bytes_in_arrays():
    """What NumPy holds just now."""
    arrays = tracemalloc.DomainFilter(True, np.lib.tracemalloc_domain)
    return sum(trace.size for trace in tracemalloc.take_snapshot().filter_traces([arrays]).traces)

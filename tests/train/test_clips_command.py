"""`minigen.train gan` on clips: what a run leaves, that it can be resumed, and that stills are what they were."""

import json
import shlex

import numpy as np
import pytest
from PIL import Image

import minigen
from minigen import backend
from minigen.data import Clips
from minigen.errors import DataError
from minigen.models import clip_gan, clip_gan_drift, dcgan
from minigen.train import checkpoint, command, loop, runs, sources
from minigen.train.gan import Gan
from minigen.train.gan_config import Config
from minigen.train.gan_networks import turned

from ..data.test_clips import moving_shots

FILES = {
    *("config.json", "metrics.jsonl", "report.html", "curves.png", "reals.png", "reals.gif", "samples.gif"),
    *("training.gif", "neighbours.png"),
}
SMALL = "--width 0.05 --latent 12 --count 20 --batch 8 --pictures 1"
DRIFT = "--data effects:rain --video drift --penalty r1 --penalty-weight 0.1"
RUNS = {
    "loop": "--data effects:fire",
    "open, told": "--data effects:explosion --video factorised --channels 3 --condition wind --pack 2",
}


@pytest.fixture(autouse=True)
def few_held_out(monkeypatch):
    monkeypatch.setattr("minigen.data.clips.HELD_OUT", 12)


@pytest.fixture
def clips(tmp_path, monkeypatch, capsys):
    """clips("--data effects:fire") trains small networks → (status, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def run(flags):
        resumed = "--resume" in flags
        small = SMALL.replace("--latent 12", "--per-place 1") if "--video drift" in flags else SMALL
        try:
            status = command.main(["gan", *shlex.split(flags if resumed else f"{small} {flags}")])
        except SystemExit as stop:  # how tyro refuses a flag
            status = stop.code
        shown = capsys.readouterr()
        return status, shown.out, shown.err

    return run


@pytest.fixture
def bare(monkeypatch):
    """Runs draw no pictures."""
    monkeypatch.setattr(loop.Loop, "draw", lambda self: None)
    monkeypatch.setattr(loop.Loop, "finish", lambda self: None)


def arrays(run, step):
    return checkpoint.load(run / "checkpoints" / f"step_{step:08d}.safetensors").arrays


# What a run leaves ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("flags", RUNS.values(), ids=RUNS)
def test_a_run_leaves_films_rows_of_frames_and_a_report(clips, tmp_path, flags):
    status, out, _ = clips(f"{flags} --steps 2")
    assert status == 0 and "clips of 16 frames of 32×32" in out
    (run,) = (tmp_path / "runs").iterdir()
    assert {path.name for path in run.iterdir() if path.is_file() and path.name != ".lock"} == FILES
    assert {path.name for path in (run / "samples").iterdir()} == {"step_000000.png", "step_000002.png"}
    rest = 0 if "fire" in flags else 6  # an explosion's last frame is seen for half a second
    with Image.open(run / "reals.gif") as film:
        shown = film.n_frames + rest  # equal neighbours, such as that rest, are one frame shown longer
        assert shown >= 16 and film.size == (6 * 66 - 2, 4 * 66 - 2)
    with Image.open(run / "training.gif") as film:
        assert 16 < film.n_frames <= 2 * 4 + 2 * 16  # the samples of two moments of the training, then the last go on
    with Image.open(run / "samples/step_000002.png") as rows:
        assert rows.size == (16 * 66 - 2, 6 * 66 - 2)
    config = json.loads((run / "config.json").read_text())
    assert (config["frames"], config["size"]) == (16, 32) and config["loop"] == ("yes" if "fire" in flags else "no")
    report = (run / "report.html").read_text()
    assert "learnt from 20 clips" in report and "clips a second" in report and "nearest training clip" in report
    assert ("after the last frame comes the first" in report) == ("fire" in flags)
    assert [row["step"] for row in runs.read_metrics(run)] == [1, 2]


def test_a_trained_run_generates_clips(clips, tmp_path, bare):
    clips("--data effects:fire --steps 1")
    (run,) = (tmp_path / "runs").iterdir()
    recipe = runs.load(run)
    assert recipe.loops
    z = recipe.latents(40, backend.generator(3))
    made = recipe.generate(z)
    assert made.shape == (40, 16, 32, 32, 1) and made.dtype == np.float32 and abs(made).max() <= 1
    # More than are generated at once; a product of fewer rows may add up in another order.
    np.testing.assert_allclose(recipe.generate(z[37:]), made[37:], atol=1e-5)


def test_resuming_equals_an_uninterrupted_run(clips, tmp_path, bare):
    clips("--data effects:rain --steps 4 --name whole")
    clips("--data effects:rain --steps 2 --name parts")
    status, _, err = clips("--resume runs/0002-parts --steps 4")
    assert status == 0, err
    whole, parts = (arrays(tmp_path / "runs" / name, 4) for name in ("0001-whole", "0002-parts"))
    assert whole.keys() == parts.keys() and all((whole[name] == parts[name]).all() for name in whole)


@pytest.mark.parametrize("told", ["", "--condition wind,amount"])
def test_a_run_of_a_picture_that_drifts_goes_on_and_draws_loops(clips, tmp_path, bare, told):
    for flags in ("--steps 3 --name whole", "--steps 2 --name parts"):
        status, _, err = clips(f"{DRIFT} {told} {flags}")
        assert status == 0, err
    status, _, err = clips("--resume runs/0002-parts --steps 3")
    assert status == 0, err
    whole, parts = (arrays(tmp_path / "runs" / name, 3) for name in ("0001-whole", "0002-parts"))
    assert whole.keys() == parts.keys() and all((whole[name] == parts[name]).all() for name in whole)
    recipe = runs.load(tmp_path / "runs/0001-whole")
    assert recipe.loops and recipe.config.latent == 45 and recipe.generator.told == (2 if told else 0)
    assert recipe.generate(recipe.latents(3, backend.generator(3))).shape == (3, 16, 32, 32, 1)


def test_a_run_on_a_film_learns_from_its_windows(clips, tmp_path, bare):
    pytest.importorskip("imageio_ffmpeg", reason="the extra minigen[film] is not installed")
    from ..data.test_video import write_film

    write_film(tmp_path / "cuts.mp4", moving_shots([30, 20]))
    status, out, _ = clips("--data video:cuts.mp4 --frames 8 --stride 3 --steps 1")
    assert (
        status == 0 and "data: cuts, 10 clips of 8 frames of 32×32×1" in out and "These frames are of 2 shots." in out
    )


def test_a_dry_run_makes_nothing(clips, tmp_path):
    status, out, _ = clips("--data effects:fire --dry-run")
    assert status == 0 and "CircularConv3DTranspose" in out and "nothing was made" in out
    assert list(tmp_path.iterdir()) == []


# What is refused ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "flags, words",
    [
        ("--data effects:fire --frames 12", "--frames 12 must be 1, or a multiple of 8, such as 16"),
        ("--data effects:fire --size 28", "--size 28 is of stills"),
        ("--data effects:fier --frames 16", "--data effects:fier: there is no effect 'fier'"),
        ("--data scenes --frames 16", "--data scenes holds stills"),
        ("--data video:absent.mp4 --frames 16", "--data video:absent.mp4: does not exist"),
        ("--data npz:short.npy --frames 16", "--data npz:short.npy: its clips have 8 frames, fewer than 16"),
        ("--data effects:fire --video factorised --latent 8", "--latent 8 must be at least 12 with --video factorised"),
        ("--data effects:fire --video 2d", "video"),
        ("--data effects:fire --drift 4", "--drift acts with --video drift only"),
        (f"{DRIFT} --latent 9", "--latent acts without --video drift only"),
        (f"{DRIFT} --loop no", "--video drift always comes round; leave --loop no out"),
        (f"{DRIFT} --penalty gradient", "gives many; take --penalty r1"),
        (f"{DRIFT} --drift 1", "--drift 1 moves 16 frames by 16 rows, fewer than the 32 of a frame; take 2 or more"),
        (f"{DRIFT} --per-place 0", "--per-place 0 must be at least 1"),
        ("--data scenes --video drift", "--video acts on clips only"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(clips, tmp_path, flags, words):
    np.save(tmp_path / "short.npy", np.zeros((9, 8, 32, 32, 1), np.uint8))
    status, _, err = clips(flags)
    assert status == 2 and words in err and "Traceback" not in err
    assert not (tmp_path / "runs").exists()


# Which networks -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings, loops, around",
    [
        ({"data": "effects:snow"}, True, True),
        ({"data": "effects:snow", "loop": "no"}, False, False),
        ({"data": "effects:snow", "video": "factorised"}, True, True),
        ({"data": "effects:snow", "video": "drift"}, True, True),
        ({"data": "effects:explosion", "video": "drift"}, True, False),
        ({"data": "effects:explosion"}, False, False),
        ({"data": "effects:explosion", "loop": "yes"}, True, False),
        ({"data": "npz:loops.npz", "frames": 16, "loop": "yes"}, True, True),
        ({"data": "npz:loops.npz", "frames": 16}, False, False),
        ({"data": "video:x.mp4", "frames": 16, "loop": "yes"}, True, False),
    ],
)
def test_the_generator_goes_round_where_asked_and_the_discriminator_where_the_data_do_too(settings, loops, around):
    recipe = Gan(Config(width=0.05, latent=12, **settings))
    kinds = {"drift": clip_gan_drift.GeneratorDrift, "factorised": clip_gan.GeneratorFactorised}
    assert type(recipe.generator) is kinds.get(settings.get("video"), clip_gan.Generator3D) and recipe.loops == loops
    assert recipe.discriminator.local == (settings.get("video") == "drift")
    assert (recipe.generator.loops, recipe.discriminator.loops) == (loops, around)
    assert ("AroundTime" in repr(recipe.discriminator)) == around
    assert recipe.generator.width == 2 * recipe.discriminator.width == (0.2 if recipe.discriminator.local else 0.1)


def test_loops_of_data_that_do_not_loop_are_begun_anywhere_when_they_are_judged():
    rng, x = backend.generator(0), np.arange(2 * 16).reshape(2, 16, 1, 1, 1)
    config = Config(data="video:x.mp4", frames=16, loop="yes").resolved()
    starts = {turned(x, config, rng)[0, 0].item() for _ in range(200)}
    assert starts == set(range(16))  # 200 draws leave one out once in 40,000 seeds
    moved = turned(x, config, rng)[:, :, 0, 0, 0]
    assert (np.diff(moved, axis=1) % 16 == 1).all() and (moved[1] == moved[0] + 16).all()  # whole clips, in order
    for other in ({"data": "effects:fire"}, {"data": "video:x.mp4", "frames": 16}, {"data": "scenes"}):
        assert turned(x, Config(**other).resolved(), rng) is x


@pytest.mark.parametrize("data", ["scenes", "effects:fire"])
def test_stills_have_the_networks_they_had(data):
    recipe = Gan(Config(data=data, frames=1, width=0.05))
    assert isinstance(recipe.generator, dcgan.Generator) and not recipe.loops
    assert recipe.generate(recipe.latents(2, backend.generator(0))).shape == (2, 28, 28, 1)


def test_a_step_shows_the_discriminator_clips_as_turned(monkeypatch):
    recipe = Gan(Config(data="effects:fire", width=0.05, latent=12))
    seen, discriminator = [], recipe.discriminator
    monkeypatch.setattr("minigen.train.gan.turned", lambda x, config, rng: 0 * x + 0.25)
    monkeypatch.setattr(type(discriminator), "__call__", watched(type(discriminator).__call__, discriminator, seen))
    recipe.step(minigen.zeros(2, 16, 32, 32, 1))
    assert [[set(clip.ravel().tolist()) for clip in x] for x in seen] == [
        [{0.0}, {0.0}, {0.25}, {0.25}],  # real, and fake
        [{0.25}, {0.25}],  # fake for the generator
    ]


def watched(call, network, seen):
    """The call of a class, which notes what one network is given."""

    def noting(self, x):
        if self is network:
            seen.append(x.numpy())
        return call(self, x)

    return noting


def test_what_is_left_open_suits_clips():
    clips, stills = Config(data="effects:fire").resolved(), Config().resolved()
    assert (clips.count, clips.batch, clips.learning_rate) == (2_000, 8, 1e-3)
    assert (stills.count, stills.batch, stills.learning_rate) == (10_000, 32, 5e-4)
    assert Config(data="video:x.mp4", frames=16).resolved().count == 0  # all of its clips
    rain = Config(data="effects:rain", video="drift").resolved()
    assert (rain.latent, rain.learning_rate, clips.latent) == (325, 5e-4, 100) and rain.resolved() == rain
    given = Config(data="effects:fire", count=0, batch=32, learning_rate=5e-4).resolved()
    assert (given.count, given.batch, given.learning_rate) == (0, 32, 5e-4)


def test_every_setting_of_the_data_reaches_their_reader(monkeypatch):
    asked = {}

    def reader(spec, **settings):
        asked.update(settings, spec=spec)
        return Clips(np.zeros((2, 8, 64, 64, 3), np.uint8)), None

    monkeypatch.setattr(sources, "open_clips", reader)
    given = {"frames": 8, "size": 64, "channels": 3, "count": 7, "seed": 5, "fit": "pad", "upscale": True}
    source = sources.open_gan(Config(data="video:x.mp4", every=3, stride=2, **given))
    assert asked == {"spec": "video:x.mp4", "every": 3, "stride": 2, **given}
    assert len(source.data) == 2 and source.held_out is None and source.told is None
    monkeypatch.setattr(sources, "open_clips", lambda *a, **k: (Clips(np.zeros((1, 8, 64, 64, 3), np.uint8)), None))
    with pytest.raises(
        DataError, match="--data video:x.mp4: gives only 1 clip; training needs 2 or more. Choose a sma"
    ):
        sources.open_gan(Config(data="video:x.mp4", frames=8))

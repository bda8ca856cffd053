"""`python -m minigen.sample` of runs of clips: films, strips, frames and sheets by seed, walks while they play."""

import json
from dataclasses import dataclass
from fractions import Fraction
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from minigen import sample, sample_exr
from minigen.errors import DataError, SettingError
from minigen.sample_images import WALL
from minigen.train import pictures, runs

T = 6


@dataclass(frozen=True)
class Config:
    latent: int = 5
    frames: int = T
    channels: int = 3
    prior: str = "normal"
    ema: float = 0.99


class Recipe:
    """Clips (n, T, 8, 8, C) = tanh(z a cos θ + z b sin θ + z c), θ = 2π (t mod T) / T: they come round."""

    step_count = 40

    def __init__(self, config, loops):
        self.config, self.loops = config, loops
        self.w = np.random.default_rng(3).normal(size=(3, config.latent, 64 * config.channels))

    def latents(self, n, rng):
        return rng.standard_normal((n, self.config.latent)).astype(np.float32)

    def generate(self, z, classes=None):
        assert classes is None and z.dtype == np.float32
        theta = 2 * np.pi * np.arange(self.config.frames)[:, None] / self.config.frames
        a, b, c = (z @ w for w in self.w)
        x = np.tanh(a[:, None] * np.cos(theta) + b[:, None] * np.sin(theta) + c[:, None]).astype(np.float32)
        x = x.reshape(len(z), self.config.frames, 8, 8, self.config.channels)
        return x if self.config.frames > 1 else x[:, 0]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run's folder, and a small recipe in place of the one in it; run_is(…) changes that."""
    folder = tmp_path / "0004-gan-fire"
    folder.mkdir()
    config, loops = Config(), True

    def load(where, *, averaged=True):
        if where != folder:
            raise DataError(f"{where}: there is no such run.")
        return Recipe(config, loops)

    def change(loop=True, **settings):
        nonlocal config, loops
        config, loops = Config(**settings), loop

    monkeypatch.setattr(runs, "load", load)
    monkeypatch.setattr(sample, "run_is", change, raising=False)
    return folder


def made(run, capsys, *flags):
    """Run the command, which must succeed; what it says."""
    status = sample.main([str(run), *flags])
    shown = capsys.readouterr()
    assert (status, shown.err) == (0, "")
    return shown.out.splitlines()


def refused(run, capsys, *flags):
    """Run the command, which must refuse in one sentence and leave nothing; that sentence."""
    before = sorted(run.parent.rglob("*"))
    assert sample.main([str(run), *flags]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.startswith("error: ") and shown.err.count("\n") == 1
    assert sorted(run.parent.rglob("*")) == before
    return shown.err


def clips(run, capsys, *flags):
    """The floats of what the flags ask for."""
    made(run, capsys, *flags, "--out", str(run / "x.npy"), "--force")
    return np.load(run / "x.npy")


def film(path):
    """The frames of a GIF (T, H, W, 3) and their delays."""
    with Image.open(path) as image:
        frames, shown = [], []
        for k in range(image.n_frames):
            image.seek(k)
            frames.append(np.asarray(image.convert("RGB")))
            shown.append(image.info["duration"])
        return np.stack(frames), shown


# By seed --------------------------------------------------------------------------------------------------------------


def test_without_flags_eight_clips_play_side_by_side(run, capsys):
    sample.run_is(channels=1)  # a GIF has grey exactly
    assert made(run, capsys) == [f"wrote {run / 'samples' / 'seeds_0-7.gif'}"]
    frames, shown = film(run / "samples" / "seeds_0-7.gif")
    scale = WALL // 8
    assert frames.shape == (T, 2 * WALL + 2, 4 * WALL + 6, 3)
    assert sum(shown) == 1000 * T / 12  # twelve frames a second
    x = pictures.to_pixels(clips(run, capsys))
    assert x.shape == (8, T, 8, 8, 1)
    for i in range(8):
        top, left = i // 4 * (WALL + 2), i % 4 * (WALL + 2)
        cell = frames[:, top : top + WALL : scale, left : left + WALL : scale]
        assert (cell == x[i]).all()


def test_clips_play_at_the_rate_of_their_data_where_that_is_known(run, capsys, monkeypatch):
    monkeypatch.setattr(Recipe, "fps", Fraction(100), raising=False)
    made(run, capsys, "--seeds", "0-3", "--out", str(run / "a.gif"))
    assert sum(film(run / "a.gif")[1]) == 20 * T  # a GIF shows 50 frames a second at most
    made(run, capsys, "--seeds", "0-3", "--out", str(run / "a.json"))
    assert json.loads((run / "a.json").read_text())["fps"] == 100


def test_one_seed_is_one_clip_whatever_else_is_asked(run, capsys):
    alone = clips(run, capsys, "--seeds", "3")
    assert alone.shape == (1, T, 8, 8, 3)
    assert (clips(run, capsys, "--seeds", "1,3,0")[1] == alone[0]).all()
    assert (clips(run, capsys, "--seeds", "4") != alone).any()
    made(run, capsys, "--seeds", "3", "--out", str(run / "a.gif"))
    assert film(run / "a.gif")[0].shape == (T, 256, 256, 3)


def test_a_strip_holds_the_frames_of_each_clip_in_a_row(run, capsys):
    made(run, capsys, "--seeds", "2,5", "--scale", "1", "--out", str(run / "a.png"))
    picture, x = pictures.read_png(run / "a.png"), pictures.to_pixels(clips(run, capsys, "--seeds", "2,5"))
    assert picture.shape == (18, 10 * T - 2, 3)
    for i in range(2):
        for t in range(T):
            assert (picture[10 * i : 10 * i + 8, 10 * t : 10 * t + 8] == x[i, t]).all()


def test_an_archive_holds_clips_their_rate_and_their_origin(run, capsys):
    made(run, capsys, "--seeds", "4,9", "--fps", "8", "--out", str(run / "a.npz"))
    with np.load(run / "a.npz") as archive:
        assert archive["clips"].shape == (2, T, 8, 8, 3) and archive["fps"] == 8 and "images" not in archive
        assert archive["seeds"].tolist() == [4, 9] and str(archive["run"]) == "0004-gan-fire"


def test_an_mp4_goes_round_as_often_as_asked(run, capsys):
    said = made(run, capsys, "--seeds", "0-3", "--repeat", "3", "--out", str(run / "a.mp4"))
    assert said == [f"wrote {run / 'a.mp4'}"]  # that it has 18 frames was checked when it was written


def test_numbered_frames_are_those_of_one_clip(run, capsys):
    made(run, capsys, "--seeds", "3", "--out", str(run / "a.###.png"), "--start", "10", "--fps", "24")
    x = pictures.to_pixels(clips(run, capsys, "--seeds", "3"))[0]
    for t in range(T):
        path = run / f"a.{10 + t:03d}.png"
        assert (pictures.read_png(path) == x[t]).all()
        assert pictures.read_text(path)["frame"] == str(10 + t) and pictures.read_text(path)["fps"] == "24"


# A file for each seed -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name, first", [("a.{seed}.##.png", "a.2.01.png"), ("{seed}/a.##.png", "2/a.01.png")])
def test_with_seed_in_the_name_each_clip_has_frames_of_its_own(run, capsys, name, first):
    (said,) = made(run, capsys, "--seeds", "2,7", "--out", str(run / "shot" / name))
    assert said.startswith(f"wrote {run / 'shot' / first} to ") and said.endswith(f", {2 * T} files")
    for seed in (2, 7):
        x = pictures.to_pixels(clips(run, capsys, "--seeds", str(seed)))[0]
        for t in range(T):
            path = run / "shot" / name.replace("{seed}", str(seed)).replace("##", f"{t + 1:02d}")
            assert (pictures.read_png(path) == x[t]).all() and pictures.read_text(path)["seeds"] == str(seed)


def test_with_seed_in_the_name_any_kind_is_a_file_for_each_seed(run, capsys):
    for ending in ("gif", "png", "json", "npy"):
        made(run, capsys, "--seeds", "1-2,1", "--out", str(run / ending / f"a.{{seed}}.{ending}"))
        assert all((run / ending / f"a.{seed}.{ending}").is_file() for seed in (1, 2))
    sample.run_is(frames=1)
    made(run, capsys, "--seeds", "0-1", "--loop", "--frames-between", "4", "--out", str(run / "loop.{seed}.gif"))
    assert len(film(run / "loop.1.gif")[0]) == 4


def test_where_a_file_of_the_second_seed_is_in_the_way_nothing_is_written(run, capsys):
    (run / "a.5.gif").write_bytes(b"mine")
    message = refused(run, capsys, "--seeds", "4-5", "--out", str(run / "a.{seed}.gif"))
    assert "a.5.gif exists already" in message
    assert (run / "a.5.gif").read_bytes() == b"mine"


# Loops and walks ------------------------------------------------------------------------------------------------------


def test_clips_that_come_round_loop_as_they_are_and_it_is_said(run, capsys):
    said = made(run, capsys, "--seeds", "0-3", "--loop", "--out", str(run / "a.gif"))
    assert said == [
        f"clips of this run come round by themselves: after frame {T} comes the first",
        f"wrote {run / 'a.gif'}",
    ]
    made(run, capsys, "--seeds", "0-3", "--out", str(run / "b.gif"))
    assert (film(run / "a.gif")[0] == film(run / "b.gif")[0]).all()
    with Image.open(run / "a.gif") as image:
        assert "loop: each clip as it is" in image.info["comment"].decode()


@pytest.mark.parametrize("flag", ["--loop", "--walk"])
def test_clips_with_a_beginning_and_an_end_do_not_go_on(run, capsys, flag):
    sample.run_is(loop=False)
    assert f"{flag}: the clips of this run have a beginning and an end" in refused(run, capsys, flag)
    made(run, capsys, "--seeds", "0", "--out", str(run / "a.json"))
    assert json.loads((run / "a.json").read_text())["loop"] is False
    made(run, capsys, "--seeds", "0", "--out", str(run / "a.gif"))
    assert film(run / "a.gif")[1] == [80, 90, 80, 80, 90, 580]  # half a second of rest before it begins again


def test_a_walk_goes_from_clip_to_clip_while_they_play(run, capsys):
    walk = clips(run, capsys, "--seeds", "2,5,6", "--walk", "--frames-between", "9")
    keys = clips(run, capsys, "--seeds", "2,5,6")
    assert walk.shape == (19, 8, 8, 3)
    assert (walk[0] == keys[0, 0]).all() and (walk[9] == keys[1, 9 % T]).all() and (walk[18] == keys[2, 0]).all()
    made(run, capsys, "--seeds", "2,5", "--walk", "--out", str(run / "a.gif"))
    frames, shown = film(run / "a.gif")
    assert len(frames) == 2 * T + 1 and abs(sum(shown) - 1000 * (2 * T + 1) / 12) <= 5


# Alpha, sheets, OpenEXR -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 3])
def test_alpha_makes_the_light_see_through(run, capsys, channels):
    sample.run_is(channels=channels)
    made(run, capsys, "--seeds", "3", "--alpha", "--out", str(run / "a.##.png"))
    made(run, capsys, "--seeds", "2-3", "--alpha", "--scale", "1", "--out", str(run / "strip.png"))
    x = pictures.to_pixels(clips(run, capsys, "--seeds", "3"))[0]
    for t in range(T):
        frame = pictures.read_png(run / f"a.{t + 1:02d}.png")
        assert (frame == pictures.with_alpha(x[t])).all()
        assert (pictures.read_png(run / "strip.png")[10:18, 10 * t : 10 * t + 8] == frame).all()
    sample.run_is(channels=channels, frames=1)
    made(run, capsys, "--seeds", "3", "--alpha", "--scale", "1", "--out", str(run / "still.png"))
    assert pictures.read_png(run / "still.png").shape == (8, 8, 4)


def test_a_sheet_of_clips_has_a_row_and_an_animation_for_each(run, capsys):
    said = made(run, capsys, "--seeds", "3,8", "--alpha", "--out", str(run / "fire.json"))
    assert said == [f"wrote {run / 'fire.json'} to fire.png, 2 files"]
    facts, picture = json.loads((run / "fire.json").read_text()), pictures.read_png(run / "fire.png")
    assert (facts["rows"], facts["columns"], facts["count"]) == (2, T, 2 * T)
    assert facts["loop"] is True and facts["alpha"] is True and facts["fps"] == 12 and facts["seeds"] == [3, 8]
    assert facts["about"]["run"] == "0004-gan-fire" and facts["about"]["step"] == "40"
    names = [str(k) for k in range(2 * T)]
    assert facts["animations"] == {"fire 3": names[:T], "fire 8": names[T:]}
    x = pictures.with_alpha(clips(run, capsys, "--seeds", "3,8"))
    assert (picture == x.transpose(0, 2, 1, 3, 4).reshape(16, 8 * T, 4)).all()
    made(run, capsys, "--seeds", "3,8", "--columns", "4", "--out", str(run / "four.json"))
    assert json.loads((run / "four.json").read_text())["columns"] == 4


def test_a_sheet_of_one_clip_or_of_a_loop_through_images_is_one_animation(run, capsys):
    made(run, capsys, "--seeds", "3", "--columns", "4", "--fps", "8", "--out", str(run / "a.json"))
    facts = json.loads((run / "a.json").read_text())
    assert (facts["rows"], facts["columns"], facts["fps"]) == (2, 4, 8) and list(facts["animations"]) == ["a"]
    made(run, capsys, "--seeds", "3,4", "--walk", "--out", str(run / "w.json"))
    facts = json.loads((run / "w.json").read_text())
    assert facts["loop"] is False and facts["animations"] == {"w": [str(k) for k in range(2 * T + 1)]}
    sample.run_is(frames=1)
    made(run, capsys, "--seeds", "3,4", "--loop", "--frames-between", "2", "--scale", "2", "--out", str(run / "b.json"))
    facts = json.loads((run / "b.json").read_text())
    assert facts["loop"] is True and facts["count"] == 4 and facts["frame_width"] == 16 and facts["fps"] == 24


def test_openexr_frames_are_the_floats_the_network_made(run, capsys):
    OpenEXR = pytest.importorskip("OpenEXR", reason="the extra exr is not installed")
    made(run, capsys, "--seeds", "3", "--alpha", "--scale", "2", "--out", str(run / "a.##.exr"), "--start", "7")
    x = clips(run, capsys, "--seeds", "3")[0]
    for t in range(T):
        with OpenEXR.File(str(run / f"a.{7 + t:02d}.exr")) as file:
            found, header = file.channels()["RGBA"].pixels.copy(), dict(file.header())
        assert (found[::2, ::2, :3] == sample_exr.linear((x[t] + 1) / 2)).all() and found.shape == (16, 16, 4)
        assert header["framesPerSecond"] == 12 and header["frame"] == str(7 + t) and header["seeds"] == "3"


def test_openexr_that_is_not_installed_is_told_before_anything_is_drawn(run, capsys, monkeypatch):
    def missing():
        raise SettingError("OpenEXR files need OpenEXR, which is not installed. pip install 'minigen[exr]'")

    monkeypatch.setattr("minigen.sample_plan.find_openexr", missing)
    monkeypatch.setattr(Recipe, "generate", lambda *given: pytest.fail("drawn"))
    message = refused(run, capsys, "--seeds", "3", "--out", str(run / "a.##.exr"))
    assert "pip install 'minigen[exr]'" in message


# The explorer ---------------------------------------------------------------------------------------------------------


def test_html_asks_the_explorer_for_a_page(run, capsys, monkeypatch):
    asked = []

    def write_explorer(recipe, path, *, seed=0, force=False, notes=None):
        asked.append((recipe.step_count, path, seed, force, notes["run"], notes.get("licence")))
        return path

    stand_in = ModuleType("minigen.explorer")
    stand_in.write_explorer = write_explorer
    monkeypatch.setitem(__import__("sys").modules, "minigen.explorer", stand_in)
    out = run / "explorer.html"
    assert made(run, capsys, "--html", str(out), "--force") == [f"wrote {out}"]
    assert asked == [(40, out, 0, True, "0004-gan-fire", None)]
    (run / "config.json").write_text(json.dumps({"licence": "mine"}))
    made(run, capsys, "--html", str(out), "--force")
    assert asked[1][-1] == "mine"


@pytest.mark.parametrize(
    "flags",
    [
        ["--seeds", "3"],
        ["--walk"],
        ["--loop"],
        ["--out", "a.gif"],
        ["--alpha"],
        ["--columns", "2"],
        ["--scale", "2"],
        ["--fps", "12"],
        ["--start", "2"],
        ["--repeat", "2"],
        ["--frames-between", "3"],
        ["--label", "x"],
        ["--clip", "a.bvh"],
    ],
    ids=lambda flags: flags[0],
)
def test_flags_that_say_nothing_to_the_explorer_are_refused(run, capsys, flags):
    message = refused(run, capsys, "--html", "a.html", *flags)
    assert f"{flags[0]} does not act with --html" in message


# Refusals -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "flags, message",
    [
        (
            ["--out", "a.##.png"],
            "there are 8 clips, and numbered frames are of one; put {seed} into the name, as in a.{se",
        ),
        (["--out", "a.##.exr"], "as in a.{seed}.####.exr, or ask for one seed."),
        (["--out", "a.bvh"], "--out a.bvh: write .png, .gif, .mp4, name.####.png, name.####.exr, .json, .npy or .npz."),
        (["--walk", "--out", "a.png"], "a film is no single picture; end it in"),
        (["--walk", "--out", "a.{seed}.gif"], "--walk makes one film, not one of each seed; leave {seed} out."),
        (["--seeds", "3", "--out", "a.exr"], "a.exr: needs one group of #"),
        (["--seeds", "3", "--columns", "2"], "--columns 2 acts on pictures of several items in rows only, not here"),
        (["--columns", "2", "--out", "a.png"], "--columns 2 acts on pictures of several items in rows only, not here"),
        (["--walk", "--columns", "2"], "--columns 2 acts on pictures of several items in rows only, not here"),
        (["--loop", "--frames-between", "2"], "--frames-between 2 acts with --walk only, not here; leave it out."),
        (["--fps", "12", "--out", "a.png"], "--fps 12 acts on films only, not here; leave it out."),
        (["--fps", "12", "--out", "a.npy"], "--fps 12 acts on films only, not here; leave it out."),
        (["--repeat", "2"], "repeat 2 is for .mp4"),
        (["--repeat", "2", "--out", "a.json"], "--repeat 2 acts on .mp4 only, not here; leave it out."),
        (["--start", "2"], "--start 2 acts on numbered files, such as name.####.png only, not here; leave it out."),
        (["--scale", "2", "--out", "a.npz"], "--scale 2 acts on pictures and films only, not here; leave it out."),
        (
            ["--alpha"],
            "--alpha acts on .png, name.####.png, name.####.exr and .json of images and clips only, not here",
        ),
        (["--alpha", "--out", "a.mp4"], "--alpha acts on .png"),
        (["--alpha", "--out", "a.npz"], "--alpha acts on .png"),
        (["--clip", "a.bvh"], "--clip a.bvh: this run draws images; clips are for runs of motion."),
        (["--label", "x"], "--label x: this run knows no classes"),
    ],
)
def test_what_a_run_of_clips_cannot_do_is_said(run, capsys, monkeypatch, flags, message):
    monkeypatch.setattr("minigen.sample_plan.find_openexr", lambda: None)
    assert message in refused(run, capsys, *flags)


def test_a_sheet_of_images_needs_a_walk_or_a_loop(run, capsys):
    sample.run_is(frames=1)
    assert "a.json: a sprite sheet is a film; add --walk or --loop" in refused(run, capsys, "--out", "a.json")


def test_neither_file_of_a_sheet_is_overwritten_without_force(run, capsys):
    (run / "a.png").write_bytes(b"mine")
    assert "a.png exists already" in refused(run, capsys, "--out", str(run / "a.json"))
    made(run, capsys, "--out", str(run / "a.json"), "--force")
    assert (run / "a.png").read_bytes() != b"mine"

"""`python -m minigen.sample`: one seed, one image; walks and loops; and refusals."""

from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image

from minigen import sample
from minigen.errors import DataError
from minigen.train import pictures, runs


@dataclass(frozen=True)
class Config:
    latent: int = 12
    size: int = 8
    channels: int = 1
    prior: str = "normal"
    ema: float = 0.99


class Recipe:
    """A network of one layer: images (n, 8, 8, C) = tanh(z w)."""

    step_count = 40

    def __init__(self, config, weight=1.0):
        self.config = config
        shape = (config.latent, config.size * config.size * config.channels)
        self.w = weight * np.random.default_rng(5).normal(size=shape) / np.sqrt(config.latent)
        self.drawn = []

    def latents(self, n, rng):
        shape = (n, self.config.latent)
        z = rng.standard_normal(shape) if self.config.prior == "normal" else rng.uniform(-1, 1, shape)
        return z.astype(np.float32)

    def generate(self, z):
        assert isinstance(z, np.ndarray) and z.dtype == np.float32
        self.drawn.append(z)
        x = np.tanh(z @ self.w).astype(np.float32)
        return x.reshape(len(z), self.config.size, self.config.size, self.config.channels)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run's folder, and a small recipe in place of the one in it; run.config(…) changes that."""
    folder = tmp_path / "0001-gan-test"
    folder.mkdir()
    config = Config()

    def load(where, *, averaged=True):
        if where != folder:
            raise DataError(f"{where}: there is no such run.")
        return Recipe(config, 1.0 if averaged else 0.5)

    def change(**settings):
        nonlocal config
        config = Config(**settings)

    monkeypatch.setattr(runs, "load", load)
    monkeypatch.setattr(sample, "test_config", change, raising=False)
    return folder


def made(run, capsys, *flags):
    """Run the command, which must succeed; what it says it wrote."""
    status = sample.main([str(run), *flags])
    shown = capsys.readouterr()
    assert (status, shown.err) == (0, "")
    return [line.removeprefix("wrote ") for line in shown.out.splitlines()]


def refused(run, capsys, *flags):
    """Run the command, which must refuse in one sentence and leave nothing; that sentence."""
    before = sorted(run.parent.rglob("*"))
    status = sample.main([str(run), *flags])
    shown = capsys.readouterr()
    assert status == 2 and shown.out == "" and shown.err.startswith("error: ") and shown.err.count("\n") == 1
    assert sorted(run.parent.rglob("*")) == before
    return shown.err


def arrays(run, capsys, *flags):
    (path,) = made(run, capsys, *flags, "--out", str(run / "x.npy"), "--force")
    return np.load(path)


# Images by seed -----------------------------------------------------------------------------------------------------


def test_without_flags_it_draws_64_seeds_into_the_run(run, capsys):
    (path,) = made(run, capsys)
    assert path == str(run / "samples" / "seeds_0-63.png")
    assert pictures.read_png(run / "samples" / "seeds_0-63.png").shape == (8 * 58 - 2, 8 * 58 - 2, 1)
    text = pictures.read_text(run / "samples" / "seeds_0-63.png")
    assert text["seeds"] == "0-63" and text["run"] == "0001-gan-test" and text["step"] == "40"
    assert text["weights"] == "averaged" and len(text["settings"]) == 12 and text["Software"].startswith("minigen ")


def test_one_seed_is_one_image_whatever_else_is_asked(run, capsys):
    alone = arrays(run, capsys, "--seeds", "7")[0]
    assert (arrays(run, capsys, "--seeds", "0-9")[7] == alone).all()
    assert (arrays(run, capsys, "--seeds", "3,7,1")[1] == alone).all()
    assert (arrays(run, capsys, "--seeds", "7,2", "--walk")[0] == alone).all()
    assert (arrays(run, capsys, "--seeds", "2,7", "--loop", "--frames-between", "5")[5] == alone).all()
    assert (arrays(run, capsys, "--seeds", "7", "--loop")[0] == alone).all()
    assert (arrays(run, capsys, "--seeds", "8")[0] != alone).any()


def test_the_grid_shows_the_seeds_in_the_order_asked(run, capsys):
    made(run, capsys, "--seeds", "5,0-1", "--columns", "3", "--scale", "1", "--out", str(run / "g.png"))
    picture = pictures.read_png(run / "g.png")
    images = pictures.to_pixels(arrays(run, capsys, "--seeds", "5,0,1"))
    assert picture.shape == (8, 28, 1)
    for i in range(3):
        assert (picture[:, 10 * i : 10 * i + 8] == images[i]).all()


def test_raw_weights_draw_other_images_and_say_so(run, capsys):
    assert (arrays(run, capsys, "--seeds", "0", "--raw") != arrays(run, capsys, "--seeds", "0")).any()
    (path,) = made(run, capsys, "--seeds", "0", "--raw", "--out", str(run / "a.png"))
    assert pictures.read_text(run / "a.png")["weights"] == "raw"


def test_a_run_without_averaged_weights_does_not_claim_them(run, capsys):
    sample.test_config(ema=0.0)
    made(run, capsys, "--seeds", "0", "--out", str(run / "a.png"))
    assert pictures.read_text(run / "a.png")["weights"] == "raw"


@pytest.mark.parametrize("size, channels", [(1, 1), (8, 3), (1, 3)])
def test_images_of_any_size_and_colour_are_drawn(run, capsys, size, channels):
    sample.test_config(size=size, channels=channels)
    made(run, capsys, "--seeds", "0-2", "--out", str(run / "a.png"))
    assert pictures.read_png(run / "a.png").shape[2] == channels
    made(run, capsys, "--seeds", "0-2", "--loop", "--out", str(run / "a.gif"))
    made(run, capsys, "--seeds", "0-1", "--loop", "--out", str(run / "a.mp4"))


def test_an_archive_holds_images_latents_seeds_and_their_origin(run, capsys):
    (path,) = made(run, capsys, "--seeds", "4,9", "--out", str(run / "new" / "x.npz"))
    with np.load(path) as archive:
        assert archive["seeds"].tolist() == [4, 9] and archive["latents"].shape == (2, 12)
        assert archive["images"].shape == (2, 8, 8, 1) and archive["images"].dtype == np.float32
        assert str(archive["run"]) == "0001-gan-test" and str(archive["step"]) == "40"


def test_every_seed_can_be_a_file_of_its_own(run, capsys):
    paths = made(run, capsys, "--seeds", "3,8", "--out", str(run / "shot" / "a.###.png"), "--start", "10")
    assert paths == [f"{run / 'shot' / 'a.010.png'} to a.011.png, 2 files"]
    assert (
        pictures.read_png(run / "shot" / "a.011.png") == pictures.to_pixels(arrays(run, capsys, "--seeds", "8"))
    ).all()


# Walks and loops ----------------------------------------------------------------------------------------------------


def test_a_walk_ends_at_its_last_seed_and_a_loop_before_its_first(run, capsys):
    walk = arrays(run, capsys, "--seeds", "1-3", "--walk", "--frames-between", "6")
    loop = arrays(run, capsys, "--seeds", "1-3", "--loop", "--frames-between", "6")
    keys = arrays(run, capsys, "--seeds", "1-3")
    assert len(walk) == 13 and len(loop) == 18
    assert (walk[::6] == keys).all() and (loop[::6] == keys).all() and (loop[:13] == walk).all()
    steps = np.sqrt(((np.roll(loop, -1, axis=0) - loop) ** 2).mean(axis=(1, 2, 3)))
    assert steps[-1] < 1.5 * steps[-2]  # the way back to frame 0 is a step like the one before it


def test_a_loop_of_one_seed_is_a_smooth_circle(run, capsys):
    loop = arrays(run, capsys, "--seeds", "7", "--loop", "--frames-between", "48")
    steps = np.sqrt(((np.roll(loop, -1, axis=0) - loop) ** 2).mean(axis=(1, 2, 3)))
    assert len(loop) == 48 and 0 < steps.min() and steps.max() < 4 * steps.min()


@pytest.mark.parametrize("ending", ["gif", "mp4"])
def test_a_loop_is_written_as_a_film(run, capsys, ending):
    out = run / f"a.{ending}"
    more = ["--repeat", "2"] if ending == "mp4" else []
    flags = ["--seeds", "0-1", "--loop", "--frames-between", "4", "--fps", "12", "--out", str(out), *more]
    assert made(run, capsys, *flags) == [str(out)]
    if ending == "gif":
        with Image.open(out) as image:
            assert image.n_frames == 8 and image.size == (256, 256)
            assert (
                "seeds: 0-1" in image.info["comment"].decode()
                and "run: 0001-gan-test" in image.info["comment"].decode()
            )


def test_without_a_name_a_loop_becomes_a_gif_of_eight_seeds_in_the_run(run, capsys):
    assert made(run, capsys, "--loop", "--frames-between", "2") == [str(run / "samples" / "loop_0-7.gif")]
    assert made(run, capsys, "--walk", "--seeds", "3,1", "--frames-between", "2") == [
        str(run / "samples" / "walk_3,1.gif")
    ]


def test_a_long_list_of_seeds_makes_a_short_name(run, capsys):
    seeds = ",".join(str(1000 + i) for i in range(100))
    assert made(run, capsys, "--seeds", seeds) == [str(run / "samples" / "seeds_1000-and-99-more.png")]


# Refusals -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["x", "1-", "1--3", "1,,2", "0x10", "1.5", "²", "1-2-3", ","])
def test_seeds_that_are_none_are_refused(run, capsys, text):
    assert "is neither a seed nor a range; write 7, or 0-63, or 1,5,9." in refused(run, capsys, "--seeds", text)


@pytest.mark.parametrize(
    "flags, message",
    [
        (["--seeds", "9-3"], "the range 9-3 runs backwards; write 3-9."),
        (["--seeds", "0-99999999999"], "more than 1,000,000 seeds"),
        (
            ["--out", "a.webm"],
            "--out a.webm: write .png, .gif, .mp4, name.####.png, name.####.exr, .json, .npy or .npz.",
        ),
        (["--out", "a"], "--out a: write .png"),
        (["--out", "a.gif"], "a film needs --walk or --loop"),
        (["--out", "a.##.png", "--fps", "12"], "--fps 12 acts on films only, not here; leave it out."),
        (["--loop", "--out", "a.png"], "a film is no single picture; end it in .gif, .mp4 or .####.png"),
        (["--walk", "--seeds", "3"], "--walk needs two seeds or more; for a film of one seed write --loop."),
        (["--loop", "--frames-between", "0"], "--frames-between is 0; it must be at least 1"),
        (["--walk", "--loop"], "give one of them."),
        (["--columns", "0"], "--columns is 0; it must be at least 1"),
        (["--scale", "0"], "--scale is 0; it must be at least 1"),
        (["--loop", "--fps", "0"], "fps is 0; it must lie between"),
        (["--loop", "--fps", "60"], "at most 50 frames a second"),
        (["--loop", "--repeat", "2"], "repeat 2 is for .mp4"),
        (["--loop", "--out", "a.##.png"], "frame 192 has more digits than there are #. Write ###."),
        (["--backend", "cupy"], "--backend cupy"),
    ],
)
def test_flags_that_cannot_be_met_are_named(run, capsys, monkeypatch, flags, message):
    if "cupy" in flags:
        monkeypatch.setattr(sample.backend, "probe", lambda: "CuPy is not installed.")
    assert message in refused(run, capsys, *flags)


def test_a_run_that_is_not_there_is_named(run, capsys):
    assert "none: there is no such run." in refused(run.parent / "none", capsys)


def test_nothing_is_overwritten_without_force(run, capsys):
    for flags in (["--out", "a.png"], ["--out", "a.npy"], ["--loop", "--out", "a.gif"], ["--out", "a.##.png"]):
        out = run / flags[-1]
        existing = run / flags[-1].replace("##", "02")
        existing.write_bytes(b"mine")
        flags = [*flags[:-1], str(out), "--seeds", "0-3"]
        assert "exists already; choose another --out, or overwrite with --force." in refused(run, capsys, *flags)
        assert existing.read_bytes() == b"mine"
        made(run, capsys, *flags, "--force")
        assert existing.read_bytes() != b"mine"


def test_a_folder_that_is_a_file_is_named(run, capsys):
    (run / "file").write_bytes(b"")
    assert "file is a file, not a folder; choose another --out." in refused(
        run, capsys, "--seeds", "0", "--out", str(run / "file" / "a.png")
    )


def test_an_unknown_flag_ends_with_status_2(run, capsys):
    with pytest.raises(SystemExit) as stop:
        sample.main([str(run), "--sedes", "1"])
    assert stop.value.code == 2

"""GIF, MP4 and numbered frames: what is read back is what was given."""

import builtins
import re
import subprocess
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from minigen.data import effects
from minigen.data.video import find_ffmpeg
from minigen.errors import DataError, SettingError, ShapeError
from minigen.train import animation, mp4, pictures
from minigen.train.gif import delays, exact_fps, gif_rate


def film(T, H=12, W=10, C=1, seed=0):
    return list(np.random.default_rng(seed).integers(0, 256, (T, H, W, C), dtype=np.uint8))


def read_gif(path):
    """(frames as RGB, their delays in ms, the comment, the loop count or None)."""
    with Image.open(path) as image:
        loop, comment = image.info.get("loop"), image.info.get("comment", b"").decode()
        frames, shown = [], []
        for i in range(image.n_frames):
            image.seek(i)
            frames.append(np.asarray(image.convert("RGB")))
            shown.append(image.info["duration"])
    return np.array(frames), shown, comment, loop


# Time ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fps", [1, 6, 10, 12.5, 23.976, 24, 25, 29.97, 30, 48, 50])
def test_the_delays_of_a_gif_add_up_to_the_exact_time(fps):
    for count in (1, 7, 24, 240):
        shown = delays(count, fps)
        assert abs(sum(shown) - 1000 * count / exact_fps(fps)) <= 5 and all(ms % 10 == 0 and ms >= 20 for ms in shown)
    assert sum(delays(24, 24)) == 1000 and sum(delays(30, 30)) == 1000


def test_the_rates_of_television_are_fractions():
    assert exact_fps(23.976) == exact_fps(24000 / 1001) == Fraction(24000, 1001)
    assert exact_fps(29.97) == Fraction(30000, 1001) and exact_fps(59.94) == Fraction(60000, 1001)
    assert exact_fps(24) == 24 and exact_fps(12.5) == Fraction(25, 2) and exact_fps(0.1) == Fraction(1, 10)


@pytest.mark.parametrize("fps", [0, -24, float("nan"), float("inf"), 1e-5])
def test_an_impossible_rate_is_refused(tmp_path, fps):
    with pytest.raises(SettingError, match="fps is .*; it must lie between"):
        animation.save_gif(tmp_path / "a.gif", film(2), fps)


def test_a_gif_faster_than_viewers_show_is_refused(tmp_path):
    with pytest.raises(SettingError, match="at most 50 frames a second"):
        animation.save_gif(tmp_path / "a.gif", film(2), 60)


# GIF ----------------------------------------------------------------------------------------------------------------


def test_a_grey_gif_is_exact(tmp_path):
    frames = film(24)
    frames[3] = np.arange(120, dtype=np.uint8).reshape(12, 10, 1) * 2  # every other level
    frames[4] = frames[3].copy()
    frames[4][5:7, 2:4] = 0  # a small change
    animation.save_gif(tmp_path / "a.gif", frames, 24, text={"seeds": "0-3", "run": "Straße"})
    back, shown, comment, loop = read_gif(tmp_path / "a.gif")
    assert back.shape == (24, 12, 10, 3) and (back == np.array(frames)).all()
    assert sum(shown) == 1000 and loop == 0 and comment == "seeds: 0-3\nrun: Straße"


def test_a_gif_of_few_colours_is_exact(tmp_path):
    colours = np.random.default_rng(1).integers(0, 256, (200, 3), dtype=np.uint8)
    frames = [colours[np.random.default_rng(i).integers(0, 200, (16, 16))] for i in range(5)]
    animation.save_gif(tmp_path / "a.gif", frames, 12)
    assert (read_gif(tmp_path / "a.gif")[0] == np.array(frames)).all()


def test_one_palette_serves_all_frames_of_a_gif(tmp_path):
    frames = film(6, 32, 32, 3)
    frames = [frame // 2 + 20 * i for i, frame in enumerate(frames)]
    for frame in frames:
        frame[:8, :8] = (200, 40, 90)  # a patch that does not change must not flicker
    animation.save_gif(tmp_path / "a.gif", frames, 12)
    back, _, _, _ = read_gif(tmp_path / "a.gif")
    assert len(np.unique(back.reshape(-1, 3), axis=0)) <= 256
    assert len(np.unique(back[:, :8, :8].reshape(-1, 3), axis=0)) == 1
    assert np.abs(back.astype(int) - np.array(frames)).mean() < 14  # random colours are the worst there is


def test_equal_frames_keep_their_time(tmp_path):
    a, b = film(2)
    frames = [a] * 5 + [b] * 3 + [a] + [b] * 15
    animation.save_gif(tmp_path / "a.gif", frames, 24)
    back, shown, _, _ = read_gif(tmp_path / "a.gif")
    full = delays(24, 24)
    assert shown == [sum(full[:5]), sum(full[5:8]), full[8], sum(full[9:])] and sum(shown) == 1000
    assert (back == np.array([a, b, a, b])).all()


@pytest.mark.parametrize("frames", [film(1), film(1) * 10, film(1, 1, 1)], ids=["one", "ten equal", "one pixel"])
def test_a_gif_that_does_not_move_keeps_its_time(tmp_path, frames):
    animation.save_gif(tmp_path / "a.gif", frames, 10)
    back, shown, _, _ = read_gif(tmp_path / "a.gif")
    assert len(back) == 1 and shown == [100 * len(frames)] and (back[0] == frames[0]).all()


def test_a_gif_can_play_once(tmp_path):
    animation.save_gif(tmp_path / "a.gif", film(3), 10, loop=False)
    assert read_gif(tmp_path / "a.gif")[3] is None


def test_floats_are_taken_as_generators_give_them(tmp_path):
    frames = [np.full((4, 4, 1), level, np.float32) for level in (-1.0, 0.0, 1.0)]
    animation.save_gif(tmp_path / "a.gif", frames, 10)
    assert read_gif(tmp_path / "a.gif")[0][:, 0, 0, 0].tolist() == [0, 128, 255]


def test_frames_of_two_sizes_and_no_frames_are_refused(tmp_path):
    with pytest.raises(ShapeError, match=r"frame 1 has shape \(6, 6, 1\), frame 0 \(5, 5, 1\)"):
        animation.save_gif(tmp_path / "a.gif", [*film(1, 5, 5), *film(1, 6, 6)], 10)
    with pytest.raises(ShapeError, match="at least one frame"):
        animation.save_gif(tmp_path / "a.gif", [], 10)
    assert not list(tmp_path.iterdir())


# MP4 ----------------------------------------------------------------------------------------------------------------


def read_mp4(path):
    """(frames as RGB, what ffmpeg says about the file)."""
    ffmpeg = find_ffmpeg()
    said = subprocess.run([ffmpeg, "-i", path], capture_output=True, text=True).stderr
    W, H = map(int, re.search(r", (\d+)x(\d+)", said).groups())
    command = [ffmpeg, "-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, H, W, 3), said


@pytest.mark.parametrize("size", [(28, 28), (27, 31), (1, 1)])
def test_an_mp4_has_every_frame_and_even_sides(tmp_path, size):
    frames = film(10, *size)
    animation.save_mp4(tmp_path / "a.mp4", frames, 24)
    back, said = read_mp4(tmp_path / "a.mp4")
    H, W = size
    assert back.shape == (10, H + H % 2, W + W % 2, 3)
    assert np.abs(back[:, :H, :W].astype(int) - np.array(frames)).max() <= 6
    assert "yuv420p" in said and "24 fps" in said
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]


def test_an_mp4_plays_everywhere(tmp_path):
    animation.save_mp4(tmp_path / "a.mp4", film(3, 28, 28, 3), 24)
    said = read_mp4(tmp_path / "a.mp4")[1]
    assert "h264 (High)" in said  # not High 4:4:4, which browsers refuse


@pytest.mark.parametrize("channels, scale, worst", [(1, 1, 5), (1, 8, 3), (3, 2, 24), (3, 8, 14)])
def test_every_frame_of_a_clip_comes_back_from_an_mp4(tmp_path, channels, scale, worst):
    """H.264 keeps one colour for four pixels; enlarged by an even factor, these are one pixel of the clip.

    Measured on fire: grey at most 4 levels of 255 at scale 1 and 2 at scale 8, colour 19 and 10; on average 0.3.
    """
    clip = effects(1, "fire", channels=channels, seed=3)[0][0]
    frames = pictures.enlarged(clip, scale)
    animation.save_mp4(tmp_path / "a.mp4", frames, 12)
    back, said = read_mp4(tmp_path / "a.mp4")
    assert back.shape == (16, 32 * scale, 32 * scale, 3) and ", 12 fps" in said
    errors = np.abs(back.astype(int) - np.array(frames))
    assert errors.max() <= worst and errors.mean() < 0.5
    means = errors.mean(axis=(1, 2, 3))
    others = np.abs(back.astype(int) - np.roll(np.array(frames), 1, axis=0)).mean(axis=(1, 2, 3))
    assert (4 * means < others).all()  # each is itself and not its neighbour


def test_the_colours_of_an_mp4_are_those_given_and_the_file_says_how_they_are_kept(tmp_path):
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (200, 120, 40)]
    animation.save_mp4(tmp_path / "a.mp4", [np.full((16, 16, 3), colour, np.uint8) for colour in colours], 12)
    back, said = read_mp4(tmp_path / "a.mp4")
    # 8 bits of brightness and colour differences, in 219 and 224 levels: 2 levels of 255 measured
    assert np.abs(back - np.array(colours)[:, None, None]).max() <= 3
    assert re.search(r"yuv420p\(tv, bt709", said)


def test_an_mp4_has_the_exact_rate_its_rounds_and_its_notes(tmp_path):
    animation.save_mp4(tmp_path / "a.mp4", film(4, 16, 16), 23.976, repeat=3, text={"seeds": "0-3"})
    back, said = read_mp4(tmp_path / "a.mp4")
    assert len(back) == 12 and "23.98 fps" in said and "24k tbn" in said and "seeds: 0-3" in said


@pytest.mark.parametrize("broken", ["odd sides", "a frame lost"])
def test_a_film_that_went_wrong_is_not_kept(tmp_path, monkeypatch, broken):
    (tmp_path / "a.mp4").write_bytes(b"older")
    if broken == "odd sides":  # ffmpeg refuses them
        monkeypatch.setattr(mp4, "_even", lambda picture: picture)
        message = r"a\.mp4: ffmpeg could not write it \(.*\). Try .gif"
    else:
        monkeypatch.setattr(mp4, "_feed", lambda *given, feed=mp4._feed: feed(*given[:2], list(given[2])[1:]))
        message = r"a\.mp4: ffmpeg wrote 2 frames of 6x6, not 3 of 6x6"
    with pytest.raises(DataError, match=message):
        animation.save_mp4(tmp_path / "a.mp4", film(3, 5, 5), 24)
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"] and (tmp_path / "a.mp4").read_bytes() == b"older"


def test_without_the_extra_an_mp4_says_what_to_install(tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **more):
        if name.startswith("imageio_ffmpeg"):
            raise ModuleNotFoundError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SettingError, match=r"pip install 'minigen\[film\]'"):
        animation.save_mp4(tmp_path / "a.mp4", film(2), 24)


# Numbered frames ----------------------------------------------------------------------------------------------------


def test_numbered_frames_are_padded_and_keep_their_pixels(tmp_path):
    frames = film(3, C=3)
    paths = animation.save_frames(tmp_path / "new" / "dawn.####.png", frames, start=1001, text={"seeds": "7"})
    assert [p.name for p in paths] == ["dawn.1001.png", "dawn.1002.png", "dawn.1003.png"]
    for number, (path, frame) in enumerate(zip(paths, frames, strict=True), 1001):
        assert (pictures.read_png(path) == frame).all()
        assert pictures.read_text(path) == {"seeds": "7", "frame": str(number)}


def test_frames_that_exist_are_not_overwritten_and_nothing_is_written(tmp_path):
    (tmp_path / "a.02.png").write_bytes(b"mine")
    with pytest.raises(SettingError, match=r"a\.02\.png exists already; .* --force"):
        animation.save_frames(tmp_path / "a.##.png", film(3))
    assert [p.name for p in tmp_path.iterdir()] == ["a.02.png"]
    animation.save_frames(tmp_path / "a.##.png", film(3), force=True)
    assert len(list(tmp_path.iterdir())) == 3 and (tmp_path / "a.02.png").read_bytes() != b"mine"


@pytest.mark.parametrize(
    "name, count, start, message",
    [
        ("a.png", 2, 1, "needs one group of #"),
        ("a.##.##.png", 2, 1, "needs one group of #"),
        ("a.#.png", 10, 1, "frame 10 has more digits than there are #. Write ##"),
        ("a.###.png", 2, 999, "frame 1000 has more digits"),
        ("a.#.png", 2, -1, "start is -1; it must be at least 0"),
    ],
)
def test_a_pattern_that_cannot_number_the_frames_is_refused(tmp_path, name, count, start, message):
    with pytest.raises(SettingError, match=message):
        animation.save_frames(tmp_path / name, film(count), start=start)
    assert not list(tmp_path.iterdir())


# Choosing by the name -----------------------------------------------------------------------------------------------


def test_the_ending_chooses_the_kind(tmp_path):
    frames = film(4, 28, 28)
    assert animation.save_animation(tmp_path / "a.GIF", frames, 24) == [tmp_path / "a.GIF"]
    assert animation.save_animation(tmp_path / "a.mp4", frames, 24, scale=2, repeat=2) == [tmp_path / "a.mp4"]
    assert len(animation.save_animation(tmp_path / "a.##.png", frames, 24)) == 4
    assert read_gif(tmp_path / "a.GIF")[0].shape == (4, 280, 280, 3)  # enlarged until one can see something
    assert read_mp4(tmp_path / "a.mp4")[0].shape == (8, 56, 56, 3)
    assert pictures.read_png(tmp_path / "a.01.png").shape == (28, 28, 1)  # as the network made it


@pytest.mark.parametrize("name", ["a.png", "a.webm", "a", "a.gif.txt"])
def test_another_ending_is_refused(tmp_path, name):
    with pytest.raises(SettingError, match="not a kind of animation; name a file that ends in .gif, .mp4 or"):
        animation.save_animation(tmp_path / name, film(2), 24)


def test_settings_that_mean_nothing_and_existing_files_are_refused(tmp_path):
    with pytest.raises(SettingError, match="repeat 3 is for .mp4"):
        animation.save_animation(tmp_path / "a.gif", film(2), 24, repeat=3)
    with pytest.raises(SettingError, match="repeat is 0; it must be at least 1"):
        animation.save_animation(tmp_path / "a.mp4", film(2), 24, repeat=0)
    (tmp_path / "a.gif").write_bytes(b"mine")
    with pytest.raises(SettingError, match="a.gif exists already"):
        animation.save_animation(tmp_path / "a.gif", film(2), 24)
    animation.save_animation(tmp_path / "a.gif", film(2), 24, force=True)
    assert len(read_gif(tmp_path / "a.gif")[0]) == 2


@pytest.mark.parametrize(
    "fps, rate", [(24, 24), (50, 50), (60, 30), (120, 40), (Fraction(30000, 1001), Fraction(30000, 1001))]
)
def test_a_gif_shows_a_whole_part_of_a_rate_above_50(fps, rate):
    assert gif_rate(Fraction(fps)) == rate

"""Films: frames in order, shots told apart, and every way a film can be missing."""

import sys

import numpy as np
import pytest

from minigen.data import Frame, open_data, read_video
from minigen.errors import DataError, SettingError

imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg", reason="the extra minigen[film] is not installed")


def write_film(path, frames):
    """frames uint8 (T, H, W, 3), stored without visible loss."""
    height, width = frames.shape[1:3]
    writer = imageio_ffmpeg.write_frames(
        str(path), (width, height), fps=10, macro_block_size=2, quality=10, output_params=["-movflags", "faststart"]
    )
    writer.send(None)
    for frame in frames:
        writer.send(np.ascontiguousarray(frame))
    writer.close()
    return path


def flat(levels, height=32, width=48):
    frames = np.empty((len(levels), height, width, 3), np.uint8)
    frames[:] = np.array(levels, np.uint8)[:, None, None, None]
    return frames


def test_every_nth_frame_comes_in_order(tmp_path):
    path = write_film(tmp_path / "fade.mp4", flat(range(20, 220, 10)))
    images = read_video(path)
    assert images.items.shape == (20, 28, 28, 1) and images.name == "fade"
    assert np.abs(images.items.mean(axis=(1, 2, 3)) - np.arange(20, 220, 10)).max() < 3  # what the codec loses
    third = read_video(path, every=3, count=4)
    assert third.factors["frame"].tolist() == [0, 3, 6, 9]
    assert (third.items == images.items[:12:3]).all()
    assert "At most 4 frames were asked for." in third.notes


def test_shots_are_numbered_also_where_the_cut_falls_between_frames_taken(tmp_path):
    rng = np.random.default_rng(0)
    shots = [np.kron(rng.integers(0, 256, (4, 6, 3)), np.ones((8, 8, 1))) for _ in range(3)]
    frames = np.stack([shots[k] for k in [0] * 7 + [1] * 5 + [2] * 8]).astype(np.uint8)
    frames = frames + rng.integers(0, 3, frames.shape, dtype=np.uint8)
    path = write_film(tmp_path / "cuts.mp4", frames)
    images = read_video(path, Frame(channels=3))
    assert images.factors["shot"].tolist() == [0] * 7 + [1] * 5 + [2] * 8
    assert images.notes == ("These frames are of 3 shots.",)
    assert read_video(path, every=4).factors["shot"].tolist() == [0, 0, 1, 2, 2]


def test_movement_and_fades_are_no_cuts(tmp_path):
    x = np.arange(48)
    frames = np.stack([np.broadcast_to(127 + 120 * np.sin((x + 3 * t) / 6), (32, 48)) for t in range(20)])
    path = write_film(tmp_path / "pan.mp4", np.repeat(frames[..., None], 3, axis=3).astype(np.uint8))
    assert set(read_video(path).factors["shot"]) == {0}


def test_colour_and_shape_are_kept_and_large_frames_are_reduced(tmp_path):
    frames = flat([0] * 4, height=180, width=322)
    frames[:, :, :161] = [250, 20, 30]
    path = write_film(tmp_path / "wide.mp4", frames)
    item = read_video(path, Frame(16, 3, "stretch")).items[2].astype(int)
    assert np.abs(item[:, 2] - [250, 20, 30]).max() < 12 and item[:, 13].max() < 12
    padded = read_video(path, Frame(16, 1, "pad", background=99)).items[0, :, 8, 0]
    assert padded[[0, 15]].tolist() == [99, 99]


def test_small_frames_are_refused_unless_they_may_be_enlarged(tmp_path):
    path = write_film(tmp_path / "small.mp4", flat([50] * 3))
    with pytest.raises(DataError, match="small.mp4: its frames cannot be used: it is 48×32, smaller than 64×64"):
        read_video(path, Frame(64))
    assert read_video(path, Frame(64, upscale=True)).items.shape == (3, 64, 64, 1)


def test_each_bad_file_has_its_own_sentence(tmp_path):
    (tmp_path / "text.mp4").write_text("this is no film\n" * 500)
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "noise.mp4").write_bytes(np.random.default_rng(0).bytes(20_000))
    for name, message in [
        ("absent.mp4", r"does not exist\. Name the file of a film"),
        ("text.mp4", "is a text file"),
        ("empty.mp4", "is empty"),
        ("noise.mp4", "is not a film"),
        (".", "is a folder. Name the file of a film, or a folder of stills"),
    ]:
        with pytest.raises(DataError, match=rf"^--data video:\S+: {message}"):
            open_data(f"video:{tmp_path / name}")


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_film_that_is_cut_short_is_refused(ending, share, tmp_path):
    frames = np.random.default_rng(0).integers(0, 256, (20, 32, 48, 3), dtype=np.uint8)
    path = write_film(tmp_path / f"film.{ending}", frames)
    raw = path.read_bytes()
    path.write_bytes(raw[: int(share * len(raw))])
    with pytest.raises(DataError, match="is cut short. Fetch it again"):
        read_video(path)


def test_a_film_without_its_index_is_refused(tmp_path):
    path = write_film(tmp_path / "film.mp4", flat([50] * 3))
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataError, match="is not a film"):
        read_video(path)


def test_without_the_extra_the_remedy_is_named(tmp_path, monkeypatch):
    path = write_film(tmp_path / "film.mp4", flat([50] * 3))
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(SettingError, match=r"pip install 'minigen\[film\]'"):
        read_video(path)


def test_a_wrong_setting_is_named(tmp_path):
    with pytest.raises(SettingError, match="every is 0; it must be at least 1"):
        read_video(tmp_path / "film.mp4", every=0)


def test_the_real_clip_has_132_frames_of_720_rows_in_one_shot(real_data):
    path = real_data("film") / "big_buck_bunny_clip.mp4"
    images = read_video(path, Frame(32, 3))
    assert images.items.shape == (132, 32, 32, 3) and set(images.factors["shot"]) == {0}
    with pytest.raises(DataError, match="it is 1280×720, smaller than 721×721"):
        read_video(path, Frame(721))

"""Folders and zips of pictures: every kind of picture, and every way a source can be wrong."""

import io
import os
import zipfile

import numpy as np
import pytest
from PIL import Image

from minigen.data import Frame, open_data, read_arrays, read_images, read_video
from minigen.errors import DataError, SettingError


def grey(level, size=(32, 32)):
    return Image.new("L", size, level)


def save(folder, name, picture, **settings):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, **settings)
    return path


def png(picture):
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def noise(size=(64, 64)):
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, size, dtype=np.uint8))


def levels(images):
    return [int(item.mean()) for item in images.items]


def test_pictures_come_in_natural_order_also_from_folders_within(tmp_path):
    for name, level in [("f.10.png", 3), ("f.9.png", 2), ("F.1.png", 1), ("sub/a.png", 4)]:
        save(tmp_path, name, grey(level))
    images = read_images(tmp_path)
    assert levels(images) == [1, 2, 3, 4] and images.items.shape == (4, 28, 28, 1)
    assert images.name == tmp_path.name and images.notes == () and images.licence == "unknown"
    first = read_images(tmp_path, count=2)
    assert levels(first) == [1, 2] and first.notes == ("The first 2 of 4 images were taken.",)


def test_a_zip_is_read_in_place(tmp_path):
    path = tmp_path / "stills.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, level in [("stills/10.png", 3), ("stills/9.png", 2), ("__MACOSX/._9.png", 9), ("stills/.x.png", 9)]:
            archive.writestr(name, png(grey(level)))
        archive.writestr("stills/read.me", "text")
    images = open_data(f"images:{path}")
    assert levels(images) == [2, 3] and images.name == "stills"
    assert images.notes == (f"3 of the files in {path} are not images by name and were left out.",)
    assert [file.name for file in tmp_path.iterdir()] == ["stills.zip"]


@pytest.mark.parametrize("fit, expected", [("crop", [200] * 3), ("pad", [7, 200, 7]), ("stretch", [100, 200, 150])])
def test_a_wide_picture_is_cropped_padded_or_stretched(fit, expected, tmp_path):
    picture = Image.new("L", (90, 30), 200)
    picture.paste(100, (0, 0, 30, 30))
    picture.paste(150, (60, 0, 90, 30))
    save(tmp_path, "wide.png", picture)
    item = read_images(tmp_path, Frame(30, 1, fit, background=7)).items[0, :, :, 0]
    along = item[:, 15] if fit == "pad" else item[15]
    assert along[[4, 15, 25]].tolist() == expected


def test_mixed_sizes_are_brought_to_one(tmp_path):
    for i, size in enumerate([(28, 28), (100, 40), (33, 71)]):
        save(tmp_path, f"{i}.png", grey(50, size))
    assert levels(read_images(tmp_path)) == [50, 50, 50]


def test_a_small_picture_is_refused_unless_it_may_be_enlarged(tmp_path):
    save(tmp_path, "small.png", grey(80, (40, 20)))
    with pytest.raises(DataError, match="small.png cannot be used: it is 40×20, smaller than 28×28"):
        read_images(tmp_path)
    assert levels(read_images(tmp_path, Frame(upscale=True))) == [80]
    assert read_images(tmp_path, Frame(fit="pad")).items.shape == (1, 28, 28, 1)  # its longer side is long enough


def test_depths_and_palettes_are_converted(tmp_path):
    save(tmp_path, "1 sixteen bits.png", Image.fromarray(np.full((32, 32), 100 * 257, np.uint16)))
    palette = Image.new("P", (32, 32), 1)
    palette.putpalette([0, 0, 0, 100, 100, 100])
    save(tmp_path, "2 palette.png", palette)
    save(tmp_path, "3 cmyk.tif", Image.new("CMYK", (32, 32), (0, 0, 0, 155)))
    save(tmp_path, "4 one bit.png", Image.new("1", (32, 32), 1))
    save(tmp_path, "5 colour.png", Image.new("RGB", (32, 32), (100, 100, 100)))
    save(tmp_path, "6 32 bits.tif", Image.fromarray(np.full((32, 32), 100 * 257, np.int32)))
    for channels in (1, 3):
        images = read_images(tmp_path, Frame(channels=channels))
        assert levels(images) == [100, 100, 100, 255, 100, 100] and images.items.shape[3] == channels


def test_grey_from_colour_is_the_luma(tmp_path):
    save(tmp_path, "red.png", Image.new("RGB", (32, 32), (255, 0, 0)))
    assert levels(read_images(tmp_path)) == [76]  # .299 × 255


def test_transparency_lets_the_background_through(tmp_path):
    save(tmp_path, "1 clear.png", Image.new("RGBA", (32, 32), (255, 255, 255, 0)))
    save(tmp_path, "2 half.png", Image.new("LA", (32, 32), (200, 128)))
    palette = Image.new("P", (32, 32), 0)
    palette.putpalette([255, 255, 255])
    save(tmp_path, "3 palette.png", palette, transparency=0)
    assert levels(read_images(tmp_path)) == [0, 100, 0]
    assert levels(read_images(tmp_path, Frame(background=100))) == [100, 150, 100]


def test_rotation_by_exif_is_applied(tmp_path):
    picture = Image.new("L", (40, 40), 0)
    picture.paste(255, (0, 0, 40, 20))  # bright above
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by 90° clockwise: bright on the right
    save(tmp_path, "turned.jpg", picture, exif=exif, quality=95)
    item = read_images(tmp_path).items[0, :, :, 0]
    assert item[:, :10].max() < 20 and item[:, 18:].min() > 235


def test_the_first_frame_of_an_animation_is_taken(tmp_path):
    save(tmp_path, "moving.gif", grey(40), save_all=True, append_images=[grey(200)])
    assert levels(read_images(tmp_path)) == [40]


def test_an_unreadable_picture_is_refused_by_name_or_left_out(tmp_path):
    save(tmp_path, "1 good.png", grey(60))
    (tmp_path / "2 cut.png").write_bytes(png(noise())[:2000])
    (tmp_path / "3 text.jpg").write_text("not a picture")
    with pytest.raises(DataError, match="2 cut.png cannot be used: .*truncated"):
        read_images(tmp_path)
    images = read_images(tmp_path, skip_bad=True)
    assert levels(images) == [60]
    assert (
        "2 of the images" in images.notes[0] and "2 cut.png" in images.notes[0] and "3 text.jpg (it" in images.notes[0]
    )
    (tmp_path / "1 good.png").unlink()
    with pytest.raises(DataError, match="none of its 2 images can be used: 2 cut.png"):
        read_images(tmp_path, skip_bad=True)


def test_damage_anywhere_raises_data_errors_only(tmp_path):
    rng = np.random.default_rng(0)
    for ending in ("png", "jpg", "gif", "bmp", "tif", "webp", "tga", "ppm"):
        path = save(tmp_path, f"x.{ending}", noise().convert("RGB"))
        good = path.read_bytes()
        for _ in range(12):
            raw = bytearray(good[: rng.integers(1, len(good))])
            raw[rng.integers(len(raw))] = rng.integers(256)
            path.write_bytes(raw)
            try:
                assert read_images(tmp_path).items.shape == (1, 28, 28, 1)
            except DataError as error:
                assert f"x.{ending} cannot be used" in str(error)
        path.unlink()


@pytest.mark.parametrize("limit", [300, 700])  # Pillow raises above twice its limit and warns above it
def test_an_image_bomb_is_refused(limit, monkeypatch, tmp_path):
    save(tmp_path, "bomb.png", grey(0))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(DataError, match="bomb.png cannot be used: .*decompression bomb"):
        read_images(tmp_path)


def test_an_unreadable_file_and_floats_are_refused_by_name(tmp_path):
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere")
    with pytest.raises(DataError, match="gone.png cannot be used: .*No such file"):
        read_images(tmp_path)
    (tmp_path / "gone.png").unlink()
    save(tmp_path, "float.tif", Image.fromarray(np.zeros((32, 32), np.float32)))
    with pytest.raises(DataError, match="float.tif cannot be used: its pixels are floating-point numbers"):
        read_images(tmp_path)


def test_a_source_without_pictures_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"absent: does not exist\. Name a folder or a zip of images\."):
        read_images(tmp_path / "absent")
    with pytest.raises(DataError, match="is empty. Name a folder or a zip"):
        read_images(tmp_path)
    for k in range(14):
        (tmp_path / f"{k}.txt").write_text("x")
    with pytest.raises(DataError, match=r"none of its 14 files is an image \(\.png, \.jpg, …\)\. Name a folder"):
        read_images(tmp_path)
    with pytest.raises(DataError, match="3.txt: neither a folder nor a zip"):
        read_images(tmp_path / "3.txt")


@pytest.mark.parametrize("name", ["../up.png", "a/../../up.png", "/root.png", "..\\up.png", "C:\\up.png"])
def test_a_member_outside_the_zip_is_refused(name, tmp_path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, png(grey(0)))
    with pytest.raises(DataError, match="points outside the archive. Do not use it"):
        read_images(path)


def test_an_encrypted_zip_is_refused(tmp_path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.png", png(grey(0)))
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"PK\1\2") + 8] |= 1  # the flag, in the central directory
    path.write_bytes(raw)
    with pytest.raises(DataError, match="its member a.png is encrypted. Unpack it and name the folder"):
        read_images(path)


def test_a_zip_that_is_cut_short_or_damaged_is_refused(tmp_path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.png", png(noise()))
    raw = bytearray(path.read_bytes())
    path.write_bytes(raw[:-30])
    with pytest.raises(DataError, match="a damaged zip, cut short perhaps"):
        read_images(path)
    raw[1500] ^= 255
    path.write_bytes(raw)
    with pytest.raises(DataError, match="a.png cannot be used: Bad CRC-32"):
        read_images(path)


def test_a_member_that_unpacks_to_too_much_is_refused(tmp_path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.png", png(grey(0)))
    raw = bytearray(path.read_bytes())
    at = raw.index(b"PK\1\2") + 24  # its size unpacked, in the central directory
    raw[at : at + 4] = (2**31).to_bytes(4, "little")
    path.write_bytes(raw)
    with pytest.raises(DataError, match="a.png unpacks to 2,147,483,648 bytes"):
        read_images(path)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"size": 0}, "size is 0; it must be between 1 and"),
        ({"channels": 4}, "channels is 4"),
        ({"fit": "cover"}, "fit is 'cover'; it must be crop, pad or stretch"),
        ({"background": 300}, "background is 300"),
    ],
)
def test_a_wrong_frame_is_named(settings, message):
    with pytest.raises(SettingError, match=message):
        Frame(**settings)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("read", [read_images, read_video, read_arrays])
def test_a_pipe_is_refused_and_not_waited_for(tmp_path, read):
    os.mkfifo(tmp_path / "x.png")
    with pytest.raises(DataError, match="is a pipe"):
        read(tmp_path / "x.png")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_or_a_loop_among_pictures_is_refused_by_its_name(tmp_path):
    os.mkfifo(tmp_path / "x.png")
    with pytest.raises(DataError, match=r"x.png cannot be used: it is a pipe or a device, not a file\. Mend"):
        read_images(tmp_path)
    (tmp_path / "x.png").unlink()
    (tmp_path / "x.png").symlink_to("x.png")
    with pytest.raises(
        DataError, match=r"x.png cannot be used: it cannot be read: Too many levels of symbolic links\."
    ):
        read_images(tmp_path)

"""OpenEXR frames: linear light, as a reader of the format finds it."""

import builtins
from fractions import Fraction

import numpy as np
import pytest

from minigen.errors import DataError, SettingError
from minigen.sample_exr import LINEAR, REC709, linear, save_exr


def read(path):
    """(channels by name, header)."""
    OpenEXR = pytest.importorskip("OpenEXR", reason="the extra exr is not installed")
    with OpenEXR.File(str(path), separate_channels=True) as file:
        return {name: channel.pixels.copy() for name, channel in file.channels().items()}, dict(file.header())


def random_floats(*shape):
    return np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)


def test_the_curve_is_that_of_srgb():
    v = np.array([0, 0.04045, 0.5, 1.0])
    assert np.allclose(linear(v), [0, 0.0031308, 0.21404114, 1], rtol=1e-5)  # mid grey of sRGB is 21.4 % of the light
    assert (np.diff(linear(np.linspace(0, 1, 1000))) > 0).all()
    encoded = np.where((light := linear(v)) <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    assert np.allclose(encoded, v, atol=1e-5)
    assert linear(np.array([-0.2, 1.3])).tolist() == [0, 1]
    assert linear(np.ones(2, np.float32)).dtype == np.float32


@pytest.mark.parametrize("channels", [1, 3])
def test_frames_are_linear_float32_and_say_so(tmp_path, channels):
    pytest.importorskip("OpenEXR", reason="the extra exr is not installed")
    x, path = random_floats(5, 7, channels), tmp_path / "new" / "a.0001.exr"
    save_exr(path, x, 23.976, text={"run": "0004-gan-fire", "seeds": "3"})
    found, header = read(path)
    assert sorted(found) == ["B", "G", "R"] and {array.dtype for array in found.values()} == {np.dtype(np.float32)}
    light = linear((x + 1) / 2)
    for k, name in enumerate("RGB"):
        assert (found[name] == light[..., k if channels == 3 else 0]).all()
    assert header["comments"] == LINEAR and header["run"] == "0004-gan-fire" and header["seeds"] == "3"
    assert header["framesPerSecond"] == Fraction(24000, 1001)
    assert np.allclose(header["chromaticities"], REC709)
    assert [p.name for p in path.parent.iterdir()] == ["a.0001.exr"]


@pytest.mark.parametrize("channels", [1, 3])
def test_alpha_is_the_brightest_channel_and_colour_is_premultiplied(tmp_path, channels):
    pytest.importorskip("OpenEXR", reason="the extra exr is not installed")
    x = random_floats(5, 7, channels)
    x[0] = -1
    save_exr(tmp_path / "a.exr", x, 12, alpha=True)
    found, header = read(tmp_path / "a.exr")
    assert sorted(found) == ["A", "B", "G", "R"] and "premultiplied" in header["comments"]
    colour = np.stack([found[name] for name in "RGB"], axis=-1)
    assert (found["A"] == colour.max(axis=-1)).all() and (found["A"][0] == 0).all() and (colour[0] == 0).all()
    over_black = colour + (1 - found["A"][..., None]) * 0
    assert (over_black == linear((x + 1) / 2)).all()  # no level is lost
    assert (colour <= found["A"][..., None]).all()  # what a premultiplied colour never exceeds


def test_without_the_extra_it_says_what_to_install(tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **more):
        if name == "OpenEXR":
            raise ModuleNotFoundError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SettingError, match=r"pip install 'minigen\[exr\]'"):
        save_exr(tmp_path / "a.exr", random_floats(2, 2, 1), 12)
    assert not list(tmp_path.iterdir())


def test_what_openexr_refuses_is_named(tmp_path):
    pytest.importorskip("OpenEXR", reason="the extra exr is not installed")
    with pytest.raises(DataError, match=r"a\.exr: OpenEXR could not write it \(.*\)\. Try name\.####\.png\."):
        save_exr(tmp_path / "a.exr", random_floats(0, 3, 1), 12)
    assert not list(tmp_path.iterdir())

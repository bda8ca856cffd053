"""Images from .npy and .npz files, and every array that is refused."""

import numpy as np
import pytest

from minigen.data import Frame, draw_factors, open_data, read_arrays, render
from minigen.errors import DataError


def stored(tmp_path, array, name="x.npy"):
    path = tmp_path / name
    np.save(path, array, allow_pickle=True)
    return path


BYTES = np.random.default_rng(0).integers(0, 256, (6, 28, 28, 3), dtype=np.uint8)


def test_bytes_are_read_as_they_are(tmp_path):
    images = read_arrays(stored(tmp_path, BYTES))
    assert (images.items == BYTES).all() and images.name == "x" and images.notes == ()
    grey = read_arrays(stored(tmp_path, BYTES[..., 0]))
    assert (grey.items == BYTES[..., :1]).all()
    assert len(read_arrays(stored(tmp_path, BYTES), count=2)) == 2


@pytest.mark.parametrize("lowest, kind", [(0, "f4"), (-1, "f8"), (0, "f2")])
def test_floats_in_either_range_become_bytes(lowest, kind, tmp_path):
    floats = (BYTES / 255 * (1 - lowest) + lowest).astype(kind)
    images = read_arrays(stored(tmp_path, floats))
    assert (images.items == BYTES).all()
    assert images.notes == (f"Floats in [{'−1' if lowest else '0'}, 1] were read as the levels 0 … 255.",)


def test_an_npz_gives_its_items_and_their_factors(tmp_path):
    factors = draw_factors(6)
    items = render(factors)
    np.savez(tmp_path / "a.npz", items=items, factors=factors, other=np.zeros(3))
    images = open_data(f"npz:{tmp_path / 'a.npz'}")
    assert (images.items == items).all() and (images.factors == factors).all()
    np.savez_compressed(tmp_path / "b.npz", anything=items)
    assert (read_arrays(tmp_path / "b.npz").items == items).all()


def test_a_frame_changes_size_and_channels_and_says_so(tmp_path):
    images = read_arrays(stored(tmp_path, BYTES), Frame(16, 1))
    assert images.items.shape == (6, 16, 16, 1)
    assert images.notes == ("Items of shape (28, 28, 3) were brought to (16, 16, 1).",)
    with pytest.raises(DataError, match="its images cannot be used: it is 28×28, smaller than 32×32"):
        read_arrays(stored(tmp_path, BYTES), Frame(32))


def with_bad(value):
    floats = np.zeros((3, 8, 8), np.float32)
    floats[1, 2, 3] = floats[2, 0, 0] = value
    return floats


@pytest.mark.parametrize(
    "array, message",
    [
        (with_bad(np.nan), r"2 of 192 values are NaN or infinite, the first at \(1, 2, 3, 0\)"),
        (with_bad(np.inf), "2 of 192 values are NaN or infinite"),
        (with_bad(255), r"its floats lie in \[0, 255\], not in \[0, 1\] or \[−1, 1\]"),
        (np.zeros((4, 4), np.uint8), r"holds an array \(4, 4\), not images"),
        (np.zeros((4, 8, 8, 2), np.uint8), r"holds an array \(4, 8, 8, 2\), not images"),
        (np.zeros((0, 8, 8), np.uint8), r"holds an array \(0, 8, 8\), not images"),
        (np.zeros((4, 8, 8), np.int64), "holds int64, not uint8 or floats"),
        (np.array([None, "x"], object), "holds Python objects, which only a pickle could load"),
    ],
)
def test_other_arrays_are_refused(array, message, tmp_path):
    with pytest.raises(DataError, match=message):
        read_arrays(stored(tmp_path, array))


def test_an_npz_of_objects_or_of_many_arrays_is_refused(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, items=np.array([None], object))
    with pytest.raises(DataError, match="holds Python objects"):
        read_arrays(path)
    np.savez(path, a=BYTES, b=BYTES)
    with pytest.raises(DataError, match="holds a, b; which are the images"):
        read_arrays(path)
    np.savez(path)
    with pytest.raises(DataError, match="holds nothing; which are the images"):
        read_arrays(path)
    np.savez(path, items=BYTES, factors=draw_factors(5))
    with pytest.raises(DataError, match="they must be one record an item"):
        read_arrays(path)


def test_damaged_files_raise_data_errors_only(tmp_path):
    rng = np.random.default_rng(0)
    np.savez_compressed(tmp_path / "x.npz", items=BYTES)
    for path in (stored(tmp_path, BYTES), tmp_path / "x.npz"):
        good = path.read_bytes()
        for _ in range(25):
            path.write_bytes(good[: rng.integers(len(good))])
            with pytest.raises(DataError, match=r"x\.np[yz]: (is damaged|neither)"):
                read_arrays(path)
            raw = bytearray(good)
            raw[rng.integers(150)] = rng.integers(256)
            path.write_bytes(raw)
            try:
                read_arrays(path)
            except DataError as error:
                assert "x.np" in str(error)


def test_what_is_no_array_file_is_refused(tmp_path):
    (tmp_path / "x.npy").write_text("hello")
    with pytest.raises(DataError, match="neither .npy nor .npz; it begins '68 65 6c 6c'"):
        read_arrays(tmp_path / "x.npy")
    with pytest.raises(DataError, match=r"absent.npy: cannot be read \(No such file"):
        read_arrays(tmp_path / "absent.npy")
    with pytest.raises(DataError, match="cannot be read"):
        read_arrays(tmp_path)


def test_an_array_of_clips_is_told_how_it_can_be_learnt_from(tmp_path):
    np.save(tmp_path / "clips.npy", np.zeros((3, 16, 32, 32, 1), np.uint8))
    with pytest.raises(DataError, match=r"not images\..* These look like clips; add --frames 16\."):
        read_arrays(tmp_path / "clips.npy", Frame(32))

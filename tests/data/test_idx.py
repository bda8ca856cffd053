"""IDX files: what is read, and every way a file can be wrong."""

import gzip

import numpy as np
import pytest

from minigen.data import mnist, open_data, read_idx
from minigen.errors import DataError, SettingError


def idx(array):
    sizes = b"".join(n.to_bytes(4, "big") for n in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


def digits(n=5, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, 28, 28), dtype=np.uint8)


def save_mnist(folder, items, labels, split="train", ending=""):
    prefix = "train" if split == "train" else "t10k"
    pack = gzip.compress if ending else bytes
    (folder / f"{prefix}-images-idx3-ubyte{ending}").write_bytes(pack(idx(items)))
    (folder / f"{prefix}-labels-idx1-ubyte{ending}").write_bytes(pack(idx(labels)))


@pytest.mark.parametrize("array", [digits(), np.arange(7, dtype=np.uint8), np.zeros((0, 28, 28), np.uint8)])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_raw_and_gzip_are_told_by_their_bytes_and_not_by_the_name(array, pack, tmp_path):
    path = tmp_path / "anything.gz"
    path.write_bytes(pack(idx(array)))
    read = read_idx(path)
    assert read.dtype == np.uint8 and read.shape == array.shape and (read == array).all()


@pytest.mark.parametrize(
    "raw, message",
    [
        (b"", "not an IDX file of bytes; it begins ''"),
        (b"hello, I am text", "it begins '68 65 6c 6c', not '00 00 08 0n'"),
        (b"\0\0\x0d\1\0\0\0\0", "it begins '00 00 0d 01'"),  # floats
        (idx(digits())[:-1], r"3935 bytes, but its header announces \(5, 28, 28\)"),
        (idx(digits()) + b"\0", r"3937 bytes, but its header announces \(5, 28, 28\)"),
        (idx(digits())[:9], "ends within its header, after 9 of 16 bytes"),
        (gzip.compress(idx(digits()))[:-40], "damaged gzip"),
        (gzip.compress(idx(digits()))[:100] + b"\xff" * 100, "damaged gzip"),
        (b"\x1f\x8b", "damaged gzip"),
    ],
)
def test_a_damaged_file_is_refused_by_name(raw, message, tmp_path):
    path = tmp_path / "digits"
    path.write_bytes(raw)
    with pytest.raises(DataError, match=rf"digits: .*{message}"):
        read_idx(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"nothing: cannot be read \(No such file"):
        read_idx(tmp_path / "nothing")
    with pytest.raises(DataError, match="cannot be read"):
        read_idx(tmp_path)


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_mnist_is_read_from_a_folder(ending, tmp_path):
    items, labels = digits(5), np.arange(5, dtype=np.uint8)
    save_mnist(tmp_path, items, labels, "test", ending)
    images = mnist(tmp_path, "test")
    assert (images.items[..., 0] == items).all() and images.factors["label"].tolist() == [0, 1, 2, 3, 4]
    assert images.name == "mnist" and "CC BY-SA" in images.licence
    with pytest.raises(DataError, match=r"has neither train-images-idx3-ubyte nor .*\.gz\. Put its four files"):
        mnist(tmp_path, "train")


def test_mnist_refuses_what_does_not_fit_together(tmp_path):
    save_mnist(tmp_path, digits(5), np.zeros(4, np.uint8))
    with pytest.raises(DataError, match="5 images, but 4 labels in train-labels-idx1-ubyte"):
        mnist(tmp_path)
    save_mnist(tmp_path, digits(5)[:, :20], np.zeros(5, np.uint8))
    with pytest.raises(DataError, match=r"holds an array \(5, 20, 28\), not digits"):
        mnist(tmp_path)
    save_mnist(tmp_path, digits(5), np.zeros((5, 1), np.uint8))
    with pytest.raises(DataError, match=r"holds an array \(5, 1\), not labels"):
        mnist(tmp_path)


def test_mnist_refuses_a_wrong_split_and_a_folder_that_is_none(tmp_path):
    with pytest.raises(SettingError, match="split is 'val'; it must be train or test"):
        mnist(tmp_path, "val")
    with pytest.raises(DataError, match="absent: is not a folder. Put its four files"):
        mnist(tmp_path / "absent")


def test_mnist_offline_says_what_to_put_where(monkeypatch):
    import pooch

    asked = []

    def offline(url, known_hash, **_):
        asked.append((url, known_hash))
        raise ConnectionError("no network")

    monkeypatch.setattr(pooch, "retrieve", offline)
    with pytest.raises(
        DataError, match=r"^--data mnist: train-images-idx3-ubyte\.gz could not be fetched .*mnist:FOLD"
    ):
        open_data("mnist")
    assert len(asked) == 2 and all(url.startswith("https://") for url, _ in asked)
    assert all(known.startswith("sha256:440fcabf") for _, known in asked)


def test_mnist_fetched_is_read_from_the_cache(monkeypatch, tmp_path):
    import pooch

    save_mnist(tmp_path, digits(3), np.arange(3, dtype=np.uint8), "train", ".gz")
    monkeypatch.setattr(pooch, "retrieve", lambda url, known_hash, fname, path: str(tmp_path / fname))
    assert len(mnist()) == 3


def test_mnist_is_brought_to_another_size(tmp_path):
    save_mnist(tmp_path, digits(5), np.zeros(5, np.uint8))
    small = open_data(f"mnist:{tmp_path}", size=16, channels=3, count=2)
    assert small.items.shape == (2, 16, 16, 3) and len(small.factors) == 2
    with pytest.raises(DataError, match="its images cannot be used: it is 28×28, smaller than 32×32"):
        open_data(f"mnist:{tmp_path}", size=32)
    assert open_data(f"mnist:{tmp_path}", size=32, upscale=True).items.shape == (5, 32, 32, 1)


@pytest.mark.parametrize(
    "split, n, mean, deviation", [("train", 60_000, 0.13066, 0.30811), ("test", 10_000, 0.13251, 0.31048)]
)
def test_the_real_mnist_has_its_known_statistics(split, n, mean, deviation, real_data):
    images = mnist(real_data("mnist"), split)
    assert images.items.shape == (n, 28, 28, 1) and set(images.factors["label"]) == set(range(10))
    assert abs(images.items.mean() / 255 - mean) < 1e-5
    assert abs(images.items.std() / 255 - deviation) < 1e-5

"""The experiment with stacked digits: what is stacked, what is counted, and that nothing is run twice."""

import gzip
import sys

import numpy as np
import pytest

from benchmarks.experiments import few_images, stacked
from benchmarks.experiments.results import lines_of


class Teller:
    """A judge that reads the class off the first pixel of an image of one channel."""

    def labels(self, items):
        assert items.shape[3] == 1
        return items[:, 0, 0, 0].astype(int)


def digits_of(labels):
    items = np.zeros((len(labels), 28, 28, 1), np.uint8)
    items[:, 0, 0, 0] = labels
    return items


def test_each_channel_is_a_digit_of_its_own():
    triples = stacked.stacked(digits_of(np.arange(10)), 5000, 0)
    assert triples.shape == (5000, 28, 28, 3) and triples.dtype == np.uint8
    found = triples[:, 0, 0].astype(int)
    counts = np.bincount(found @ [100, 10, 1], minlength=1000)
    assert (counts > 0).sum() > 980  # 1,000 (1 − e^−5) = 993 of 5,000 even draws
    assert np.array_equal(triples[:7], stacked.stacked(digits_of(np.arange(10)), 7, 0))
    assert not np.array_equal(triples[:7], stacked.stacked(digits_of(np.arange(10)), 7, 1))


def test_modes_are_triples_of_what_is_read_in_order():
    labels = np.array([[1, 2, 3], [3, 2, 1], [1, 2, 3], [1, 2, 4], [1, 5, 3]])  # each place and the order count
    triples = np.concatenate([digits_of(labels[:, k]) for k in range(3)], axis=-1)
    kl = 0.4 * np.log(400) + 0.6 * np.log(200)  # one mode has two fifths of all, three a fifth each
    assert stacked.counted(triples, Teller()) == {"n": 5, "modes": 4, "kl": pytest.approx(kl, abs=1e-5)}


def test_the_table_says_each_seed_and_the_floors():
    runs = [
        {
            "kind": "GAN, pack 2", "seed": seed, "steps": 2000,
            "averaged": {"n": 25600, "modes": modes, "kl": 1.0}, "raw": {"modes": 9, "kl": 2.5},
        }
        for seed, modes in ((0, 500), (1, 700))
    ]  # fmt: skip
    text = stacked.table(
        [{"kind": "real triples", "seed": 0, "averaged": {"n": 25600, "modes": 1000, "kl": 0.02}}, *runs]
    )
    assert "| real triples | – | 0 | 1000 | 0.0200 | – |" in text
    assert "| GAN, pack 2 | 2,000 | 0 1 | 500 700 (600.0 ± 141.4) | 1.0000 1.0000 (1.0000 ± 0.0000) | 9 9" in text
    assert "| a perfect sampler, 25,600 samples | – | – | 1000.0 | 0.0196 | – |" in text


@pytest.fixture
def digits(tmp_path):
    """MNIST's four files, of a few digits that are rows of light."""
    for part, count in (("train", 120), ("t10k", 60)):
        labels = (np.arange(count) % 10).astype(np.uint8)
        images = np.zeros((count, 28, 28), np.uint8)
        images[np.arange(count), 2 + 2 * labels] = 255
        for name, array in (("images-idx3", images), ("labels-idx1", labels)):
            head = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
            (tmp_path / f"{part}-{name}-ubyte.gz").write_bytes(gzip.compress(head + array.tobytes()))
    return tmp_path


def test_each_run_is_one_line_and_is_not_run_again(digits, tmp_path, monkeypatch):
    monkeypatch.setattr(few_images, "SAMPLES", 8)
    monkeypatch.setattr(stacked, "FITTED", 200)
    out = tmp_path / "out"
    flags = f"--data mnist:{digits} --steps 2 --triples 70 --samples 40 --seeds 0 --work {tmp_path / 'w'} --out {out}"

    def run(*more):
        monkeypatch.setattr(sys, "argv", ["stacked", *flags.split(), *more])
        assert stacked.main() == 0
        return lines_of(out / stacked.RESULTS)

    lines = run("--packs", "1")
    assert [line["kind"] for line in lines] == ["real triples", "PCA, 100 numbers", "GAN, pack 1"]
    assert all(line["averaged"]["n"] == 40 for line in lines) and lines[2]["raw"]["n"] == 40
    assert lines[2]["steps"] == 2 and lines[2]["label"] == "own" and len({line["judge"] for line in lines}) == 1
    again = run("--packs", "1", "2")
    assert again[:3] == lines and [line["kind"] for line in again[3:]] == ["GAN, pack 2"]
    run("--table")
    assert "GAN, pack 2" in (out / "stacked.md").read_text(encoding="utf-8")

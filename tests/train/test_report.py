"""The report: one file, complete, and safe whatever the settings hold."""

import json
import math
import shlex
from html.parser import HTMLParser

import numpy as np
import pytest

from minigen.errors import DataError
from minigen.train import animation, neighbours, pictures, report

CONFIG = {
    "recipe": "gan",
    "data": "images:my <stills> & more",
    "size": 28,
    "learning_rate": 0.0002,
    "skip_bad": False,
    "command": "python -m minigen.train gan --data 'images:my <stills> & more'",
    "backend": "numpy",
    "licence": "<script>alert(1)</script>",
    "data_name": "stills",
    "data_hash": "0123",
    "data_count": 1234,
    "environment": {"minigen": "0.1.0", "python": "3.13.0", "machine": 'a "quoted" machine'},
}


def make_run(folder, *, leave_out=()):
    """A run's folder as training leaves it, with pictures of noise."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG))
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (64, 28, 28, 1), dtype=np.uint8)
    metrics = [
        {"step": i + 1, "seconds": 2.0 * i, "images_per_second": 900.0, "discriminator": 1.386, "generator": 0.69}
        for i in range(40)
    ]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in metrics))
    for step in (0, 40, 1000):
        pictures.save_png(folder / "samples" / f"step_{step:06d}.png", pictures.grid(images[: 16 + step % 3]))
    pictures.save_png(folder / "samples" / "seeds_0-3.png", pictures.grid(images[:4]))
    pictures.save_png(folder / "reals.png", pictures.grid(images[16:32]))
    animation.save_gif(folder / "training.gif", [pictures.grid(images[i:]) for i in range(0, 3)][:1] * 2, 6)
    balance = {"discriminator": 2 * math.log(2), "generator": math.log(2)}
    pictures.curves(folder / "curves.png", metrics, "D near 1.386 < guessing", balance)
    neighbours.save_panel(folder / "neighbours.png", images[:8], images[4:])
    for name in leave_out:
        (folder / name).unlink()
    return folder


class Page(HTMLParser):
    """Tags in order, images, text; every tag that is opened must be closed."""

    VOID = {"meta", "img", "link", "br"}

    def __init__(self, text):
        super().__init__()
        self.tags, self.images, self.words, self.open = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag == "img":
            self.images.append(dict(attributes))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def test_the_report_shows_every_picture_and_needs_nothing_else(tmp_path):
    run = make_run(tmp_path / "0001-gan-stills")
    assert report.write_report(run) == run / "report.html"
    page = Page((run / "report.html").read_text(encoding="utf-8"))
    kinds = [image["src"].partition(";")[0] for image in page.images]
    assert kinds == ["data:image/png"] * 2 + ["data:image/gif"] + ["data:image/png"] * 2
    assert all(len(image["alt"]) > 20 for image in page.images)
    for tag, attributes in page.tags:
        assert tag not in ("script", "link", "iframe", "object")
        assert not any(name.startswith("on") for name in attributes)
        assert all(attributes.get(name, "data:").startswith("data:") for name in ("src", "href"))
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in page.tags
    assert "prefers-color-scheme: dark" in (run / "report.html").read_text()


def test_the_report_says_what_was_trained_and_how_to_go_on(tmp_path):
    run = make_run(tmp_path / "0001 gan")
    report.write_report(run)
    text = Page((run / "report.html").read_text()).text
    for expected in (
        "0001 gan",
        "1,234 images (stills; licence:",
        "in 40 steps",
        "Samples after step 1000",  # the last grid, and not one that was drawn by seed
        "D near 1.386 < guessing",
        CONFIG["command"],
        f"python -m minigen.train gan --resume {shlex.quote(str(run))} --steps 80",
        f"python -m minigen.sample {shlex.quote(str(run))} --loop",
        "learning_rate 0.0002",
        "skip_bad no",
        "environment · python 3.13.0",
        "training time 78 s",
        "Framed, because an exact copy: 4 of 8",
    ):
        assert expected in text


def test_nothing_in_the_settings_becomes_html(tmp_path):
    run = make_run(tmp_path / "<b>run")
    report.write_report(run)
    raw = (run / "report.html").read_text()
    assert "<script" not in raw and "<stills>" not in raw and "<b>" not in raw
    assert "<script>alert(1)</script>" in Page(raw).text


@pytest.mark.parametrize("name", ["reals.png", "training.gif", "curves.png", "neighbours.png", "metrics.jsonl"])
def test_a_missing_file_is_left_out_and_the_page_says_so(tmp_path, name):
    run = make_run(tmp_path / "run", leave_out=[name])
    report.write_report(run)
    page = Page((run / "report.html").read_text())
    if name == "metrics.jsonl":
        assert len(page.images) == 5 and "in 0 steps" in page.text
    else:
        assert len(page.images) == 4 and f"{name} is not there (yet), so it is left out." in page.text


def test_a_run_that_has_only_begun_has_a_report(tmp_path):
    (tmp_path / "config.json").write_text('{"recipe": "gan"}')
    report.write_report(tmp_path)
    page = Page((tmp_path / "report.html").read_text())
    assert not page.images and page.text.count("is not there (yet)") == 5


def test_a_panel_without_rows_has_no_numbers(tmp_path):
    run = make_run(tmp_path / "run")
    pictures.save_png(run / "neighbours.png", np.zeros((8, 8, 1), np.uint8))
    report.write_report(run)
    assert "Framed" not in Page((run / "report.html").read_text()).text


def test_a_folder_that_is_no_run_is_named(tmp_path):
    with pytest.raises(DataError, match="there is no such run"):
        report.write_report(tmp_path / "none")
    with pytest.raises(DataError, match="not a run of minigen"):
        report.write_report(tmp_path)
    assert not list(tmp_path.iterdir())

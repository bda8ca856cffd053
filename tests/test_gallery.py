"""`python -m minigen.gallery`: many runs on one page, what sets them apart, and what is said of damaged ones."""

import base64
import io
import json
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minigen import gallery
from minigen.gallery_page import compared, measured
from minigen.train import command, pictures
from minigen.train.gif import save_gif

CONFIG = {
    "recipe": "gan",
    "data": "images:stills",
    "learning_rate": 0.0002,
    "skip_bad": False,
    "seed": 0,
    "command": "python -m minigen.train gan --data images:stills",
    "licence": "CC0",
    "data_name": "stills",
    "data_hash": "0123",
    "data_count": 1234,
    "environment": {"minigen": "0.1.0", "python": "3.13.0"},
}
ROW = {"name": "KID", "unit": "", "better": "lower", "values": {"model": 0.25, "PCA": 0.5}, "error": 0.0125}


def make_run(folder, *, steps=3, leave_out=(), **settings):
    """A run's folder as training leaves it, with pictures of noise; settings stand beside those of CONFIG."""
    (folder / "samples").mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(CONFIG | settings))
    rng = np.random.default_rng(0)
    shots = [rng.integers(0, 256, (9, 9, 1), dtype=np.uint8) for _ in range(steps)]
    rows = [{"step": k + 1, "seconds": 20.0 * k, "images_per_second": 100.0 + k} for k in range(steps)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for step in (0, steps):
        pictures.save_png(folder / "samples" / f"step_{step:06d}.png", shots[step % steps])
    pictures.save_png(folder / "samples" / "walk_0-3.png", shots[0])
    pictures.save_png(folder / "curves.png", shots[1], {"reading": "D near 1.386 < guessing"})
    save_gif(folder / "training.gif", shots, 6)
    for name in leave_out:
        (folder / name).unlink()
    return folder


def evaluated(folder, **row):
    tables = [{"title": "How alike", "rows": [ROW | row], "notes": [], "verdicts": []}]
    (folder / "evaluation.json").write_text(json.dumps({"step": 3, "seed": 7, "data": "stills", "tables": tables}))
    return folder


class Page(HTMLParser):
    """Tags, images, the rows of tables, the text of each card and of the whole; every tag opened must be closed."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.images, self.rows, self.cards, self.words, self.open = [], [], [], [], [], []
        self.raw = path.read_text(encoding="utf-8")
        self.feed(self.raw)
        self.close()
        assert not self.open
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag == "img":
            self.images.append(dict(attributes))
        elif tag == "tr":
            self.rows.append([])
        elif tag == "article":
            self.cards.append("")
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)
        if self.open and self.open[-1] in ("td", "th", "a") and "tr" in self.open:
            self.rows[-1].append(data)
        if "article" in self.open:
            self.cards[-1] += data


def page_of(tmp_path, *given, status=0):
    """The page that the command makes of these runs."""
    out = tmp_path / "page.html"
    assert gallery.main([*map(str, given), "--out", str(out)]) == status
    return Page(out)


def refusal(capsys, *given):
    """What the command says where it must not make a page."""
    assert gallery.main([*map(str, given)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ") and "Traceback" not in said
    return said


def frame(picture):
    """The pixels of an image in the page, its first frame."""
    raw = base64.b64decode(picture["src"].partition("base64,")[2])
    with Image.open(io.BytesIO(raw)) as image:
        return np.asarray(image.convert("L"))


def test_the_page_needs_nothing_else_and_every_picture_is_described(tmp_path):
    page = page_of(tmp_path, make_run(tmp_path / "a"), make_run(tmp_path / "b", seed=1))
    assert [image["src"].partition(";")[0] for image in page.images] == 2 * [
        "data:image/png",
        "data:image/gif",
        "data:image/png",
    ]
    assert all(len(image["alt"]) > 20 for image in page.images)
    for tag, attributes in page.tags:
        assert tag not in ("script", "link", "iframe", "object")
        assert not any(name.startswith("on") for name in attributes)
        assert attributes.get("src", "data:").startswith("data:") and attributes.get("href", "#").startswith("#")
    places = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    assert {attributes["href"][1:] for tag, attributes in page.tags if tag == "a"} == places
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in page.tags
    assert "prefers-color-scheme: dark" in page.raw and "url(" not in page.raw


def test_a_card_tells_what_it_learnt_from_how_long_and_how_fast(tmp_path):
    (card,) = page_of(tmp_path, make_run(tmp_path / "0001-gan-stills")).cards
    for expected in ("0001-gan-stills", "Samples, step 3.", "stills, 1,234 items", "CC0", "40 s", "101 (median)"):
        assert expected in card
    assert "D near 1.386 < guessing" in card


def test_the_newest_grid_is_shown_and_not_a_walk(tmp_path):
    run = make_run(tmp_path / "run")
    pictures.save_png(run / "samples" / "step_1000000.png", np.full((9, 9, 1), 7, np.uint8))
    page = page_of(tmp_path, run)
    assert (frame(page.images[0]) == 7).all() and "Samples, step 1,000,000." in page.text


def test_only_what_differs_stands_above_and_what_is_shared_is_told_once(tmp_path):
    page = page_of(tmp_path, make_run(tmp_path / "a"), make_run(tmp_path / "b", learning_rate=0.001, skip_bad=True))
    assert page.rows[:3] == [["a", "b"], ["learning_rate", "0.0002", "0.001"], ["skip_bad", "no", "yes"]]
    shared = [row for row in page.rows if row[0] in ("seed", "environment · python")]
    assert shared == [["seed", "0"], ["environment · python", "3.13.0"]]
    assert page.text.index("What sets them apart") < page.text.index("What they share")


def test_settings_of_some_runs_are_told_with_their_names():
    settings = compared([{"a": 1, "b": 2, "licence": "x"}, {"a": 1, "c": 3, "b": 4}, {}, {"a": 1, "c": 3}])
    assert settings.equal == {"a": 1}  # the run without any takes no part
    assert settings.differing == {"b": [2, 4, "–", "–"]}
    assert settings.partial == {"c": (3, [1, 3])}


def test_settings_of_one_recipe_are_told_below(tmp_path):
    page = page_of(tmp_path, make_run(tmp_path / "a"), make_run(tmp_path / "b", recipe="vae", beta=0.5))
    assert "Only in b beta 0.5" in page.text and page.rows[1] == ["recipe", "gan", "vae"]
    assert "variational autoencoder" in page.cards[1]


def test_two_equal_runs_are_said_to_be_equal(tmp_path):
    page = page_of(tmp_path, make_run(tmp_path / "a"), make_run(tmp_path / "b"))
    assert "Nothing: where two have the same setting" in page.text


def test_measures_stand_side_by_side_above_their_baselines(tmp_path):
    a, b, c = (make_run(tmp_path / name) for name in "abc")
    evaluated(a)
    evaluated(c, values={"model": 0.125, "mean image": 2.0}, error=None)
    page = page_of(tmp_path, a, b, c)
    k = page.rows.index(["KID (lower is better)", "0.250 ± 0.013", "0.125"])
    assert page.rows[k - 1 : k + 3] == [["a", "c"], page.rows[k], ["PCA", "0.500", "–"], ["mean image", "–", "2"]]
    assert "a: step 3, seed 7; c: step 3, seed 7." in page.text


def test_a_measure_without_a_model_still_has_its_row():
    rows = measured([{"tables": [{"title": "t", "rows": [ROW | {"values": {"data": 0.125}}]}]}], "t")
    assert rows == [("KID (lower is better)", ["–"], ""), ("data", ["0.125"], "beside")]


def test_every_command_is_there(tmp_path):
    page = page_of(tmp_path, make_run(tmp_path / "a"), make_run(tmp_path / "b", command=None))
    assert f"The commands that made them a {CONFIG['command']} b It is not recorded." in page.text


def test_nothing_in_a_run_becomes_html(tmp_path):
    bad = "<script>alert(1)</script>"
    run = make_run(tmp_path / "<b>run", licence=bad, data=bad, data_name=bad, command=bad, recipe=bad)
    evaluated(run, name=bad, unit=bad)
    page = page_of(tmp_path, run, make_run(tmp_path / "other", seed=bad))
    assert "<script" not in page.raw and "<b>" not in page.raw and page.text.count(bad) >= 6


# What is missing or damaged -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, said",
    [
        ("config.json", "config.json is damaged, so its settings are missing here."),
        ("metrics.jsonl", "metrics.jsonl is damaged, so steps and times are missing here: line 1 is damaged"),
        ("samples/step_000003.png", "step_000003.png is damaged, so it is left out."),
        ("training.gif", "training.gif is damaged, so it is left out."),
        ("curves.png", "curves.png is damaged, so it is left out."),
        ("evaluation.json", "evaluation.json is damaged; measure the run again"),
    ],
)
def test_a_damaged_file_is_named_on_its_card_and_the_rest_is_shown(tmp_path, name, said):
    good, bad = evaluated(make_run(tmp_path / "good")), evaluated(make_run(tmp_path / "bad"))
    (bad / name).write_bytes(b"{\xff\n[]\n" + (bad / name).read_bytes()[: len((bad / name).read_bytes()) // 2])
    page = page_of(tmp_path, good, bad)
    assert said in page.cards[1] and "damaged" not in page.cards[0]
    assert len(page.images) == (5 if name.endswith(("png", "gif")) else 6)
    assert page.raw.count('class="fault"') == 1


ROWS = '{"tables": [{"title": "t", "rows": [%s]}]}'
BAD = ["3", '{"name": "n", "unit": "", "values": {"model": "x"}}', '{"name": "n", "unit": "", "values": [1]}']
OTHER = ["[]", "null", '{"tables": 7}', '{"tables": [{"title": {}, "rows": []}]}', *(ROWS % row for row in BAD)]


@pytest.mark.parametrize("text", OTHER)
def test_an_evaluation_of_another_kind_is_damaged(tmp_path, text):
    run = make_run(tmp_path / "run")
    (run / "evaluation.json").write_text(text)
    assert "evaluation.json is damaged" in page_of(tmp_path, run).text


def test_a_run_that_has_only_begun_says_so(tmp_path):
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "config.json").write_text('{"recipe": "gan"}')
    page = page_of(tmp_path, tmp_path / "new")
    assert not page.images and "It has no samples yet." in page.text and "No step of its training" in page.text


@pytest.mark.parametrize("seconds, rate", [("null", '"many"'), ("NaN", "true"), ("[1]", "Infinity")])
def test_numbers_that_are_none_are_left_out(tmp_path, seconds, rate):
    run = make_run(tmp_path / "run")
    (run / "metrics.jsonl").write_text(f'{{"step": 2, "seconds": {seconds}, "images_per_second": {rate}}}\n')
    (card,) = page_of(tmp_path, run).cards
    assert "training time" not in card and "items a second" not in card


# Animations and size ------------------------------------------------------------------------------------------------


def test_a_large_animation_is_shown_by_three_frames(tmp_path):
    run = make_run(tmp_path / "run", steps=5)
    page = page_of(tmp_path, run, "--animations", "0")
    with Image.open(run / "training.gif") as film:
        for k, left in ((0, 0), (2, 17), (4, 34)):  # frames of 9 pixels, 8 between
            film.seek(k)
            assert (frame(page.images[1])[:, left : left + 9] == np.asarray(film.convert("L"))).all()
    assert page.images[1]["src"].startswith("data:image/png")
    assert "first, middle and last frame; training.gif in the run's folder moves" in page.text


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
@pytest.mark.parametrize("limit", ["0", "1"])
def test_an_animation_cut_short_never_stops_the_page(tmp_path, share, limit):
    run = make_run(tmp_path / "run", steps=5)
    whole = (run / "training.gif").read_bytes()
    (run / "training.gif").write_bytes(whole[: int(share * len(whole))])
    page = page_of(tmp_path, run, "--animations", limit)
    assert len(page.images) == 3 or "training.gif is damaged, so it is left out." in page.text


def test_motion_shows_its_samples_moving(tmp_path):
    run = make_run(tmp_path / "run", data="motion")
    save_gif(run / "samples.gif", [np.full((9, 9, 1), level, np.uint8) for level in (9, 99)], 10)
    page = page_of(tmp_path, run)
    assert page.images[0]["src"].startswith("data:image/gif") and (frame(page.images[0]) == 9).all()


@pytest.mark.parametrize("sizes, limit", [([5, 6, 7], 16), ([5, 6, 7, 8], 4), ([17, 1], 16), ([3] * 8, 2), ([], 16)])
def test_animations_of_one_size_move_together(tmp_path, sizes, limit):
    found = []
    for k, size in enumerate(sizes):
        found.append(tmp_path / str(k))
        found[-1].mkdir()
        with (found[-1] / "training.gif").open("wb") as file:
            file.truncate(size * 1_000_000)
    assert gallery.still_above(found) == limit


def test_a_page_too_large_is_refused_unless_forced(tmp_path, capsys, monkeypatch):
    run, out = make_run(tmp_path / "run"), tmp_path / "page.html"
    monkeypatch.setattr(gallery, "MOST", 0.001)
    assert "more than 0.001. Name fewer runs" in refusal(capsys, run, "--out", out) and not out.exists()
    assert gallery.main([str(run), "--out", str(out), "--force"]) == 0
    assert f"wrote {out}: 1 run, 0.0 MB" in capsys.readouterr().out


# What can be asked --------------------------------------------------------------------------------------------------


def test_a_folder_of_runs_means_all_of_them_and_each_is_shown_once(tmp_path, monkeypatch):
    runs = tmp_path / "runs"
    for name in ("0003-c", "0001-a", "0004-d", "0002-b"):
        make_run(runs / name)
    (runs / "notes").mkdir()
    listed = Path.glob  # a file system may list in any order
    monkeypatch.setattr(Path, "glob", lambda self, pattern: sorted(listed(self, pattern), reverse=True))
    page = page_of(tmp_path, runs / "0002-b", runs)
    assert [card.strip()[:6] for card in page.cards] == ["0002-b", "0001-a", "0003-c", "0004-d"]


def test_runs_of_one_name_are_told_apart_by_the_folders_above(tmp_path):
    found = [tmp_path / "ana" / "runs" / "1", tmp_path / "ben" / "runs" / "1", tmp_path / "ben" / "runs" / "2"]
    page = page_of(tmp_path, *(make_run(run, seed=k) for k, run in enumerate(found)))
    assert page.rows[0] == [str(Path("ana/runs/1")), str(Path("ben/runs/1")), "2"]


def test_what_is_no_run_is_refused(tmp_path, capsys):
    run = make_run(tmp_path / "run")
    out = ["--out", str(tmp_path / "page.html")]
    assert f"{tmp_path / 'none'}: it is not there" in refusal(capsys, run, tmp_path / "none", *out)
    assert "a file, not a folder" in refusal(capsys, run / "config.json", *out)
    assert "neither a run of minigen, nor a folder that holds runs" in refusal(capsys, run / "samples", *out)
    assert "name run folders" in refusal(capsys, *out)
    assert "must not be negative" in refusal(capsys, run, "--animations", "nan", *out)
    assert "name a file that ends in .html" in refusal(capsys, run, "--out", tmp_path / "page.pdf")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]


def test_a_page_that_exists_is_kept_unless_forced(tmp_path, capsys):
    run, out = make_run(tmp_path / "run"), tmp_path / "page.html"
    out.write_text("mine")
    assert "exists already" in refusal(capsys, run, "--out", out) and out.read_text() == "mine"
    assert gallery.main([str(run), "--out", str(out), "--force"]) == 0 and out.read_text() != "mine"


def test_runs_as_they_are_trained(tmp_path, capsys):
    small = "--width 0.05 --latent 4 --batch 8 --count 16 --steps 2 --pictures 1 --out".split()
    for recipe in ("gan", "vae"):
        assert command.main([recipe, *small, str(tmp_path / "runs")]) == 0
    page = page_of(tmp_path, tmp_path / "runs")
    assert [image["src"][11:14] for image in page.images] == 2 * ["png", "gif", "png"]
    assert 'class="fault"' not in page.raw and page.rows[0] == ["0001-gan-scenes", "0002-vae-scenes"]

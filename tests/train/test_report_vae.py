"""The report of a VAE: one file that has every picture, says what each shows, and counts what it learnt from."""

import json
import re
import shutil

import pytest

from minigen.train import report

from .test_report import Page

IMAGES = "--steps 3 --condition sea --latent 2 --likelihood bernoulli"
MOTION = "--steps 3 --data motion --window 16 --condition action"


def page_of(run):
    return Page((run / "report.html").read_text(encoding="utf-8"))


def copied(run, folder):
    return shutil.copytree(run, folder / run.name)


def headings(run):
    return re.findall("<h2>(.*?)</h2>", (run / "report.html").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "flags, kinds",
    [
        (IMAGES, ["png"] * 7 + ["gif"] + ["png"] * 2),
        ("--steps 3", ["png"] * 6 + ["gif"] + ["png"] * 2),
        (MOTION, ["gif"] * 6 + ["png"] + ["gif"] + ["png"]),
        ("--steps 3 --data motion --window 16", ["gif"] * 5 + ["png"] + ["gif"] + ["png"]),
    ],
)
def test_the_report_shows_every_picture_and_needs_nothing_else(finished, flags, kinds):
    run, _ = finished(flags)
    page = page_of(run)
    assert [image["src"].partition(";")[0] for image in page.images] == [f"data:image/{kind}" for kind in kinds]
    assert all(len(image["alt"]) > 20 for image in page.images)
    for tag, attributes in page.tags:
        assert tag not in ("script", "link", "iframe", "object")
        assert all(attributes.get(name, "data:").startswith("data:") for name in ("src", "href"))
    assert "is not there (yet)" not in page.text


def test_the_report_of_images_says_what_each_picture_shows(finished):
    run, _ = finished(IMAGES)
    text = page_of(run).text
    for words in (
        "A variational autoencoder that learnt from 20 images (scenes; licence: rendered by minigen) in 3 steps.",
        "Samples: noise from the prior, decoded.",
        "Odd rows: images held out of the training. Even rows: the same, encoded and decoded.",
        "What changes along a row is what that dimension stands for.",
        "dimensions carry something.",
        "between: decoded codes between theirs",
        "z₁ to the right, z₂ upwards",
        "−ELBO = reconstruction + KL bounds −log p(x) from above; nats per image",
        "real images a second (median)",
        "latent 2",
    ):
        assert words in text, words
    assert headings(run)[:4] == [
        "Samples beside real images",
        "What it keeps of an image",
        "What the latents carry",
        "The training",
    ]


def test_the_report_of_motion_speaks_of_windows_of_motion(finished):
    run, _ = finished(MOTION)
    text = page_of(run).text
    for words in (
        "A variational autoencoder that learnt from 20 windows of motion (motion; licence: made by minigen) in 3",
        "what it found those windows of motion to have in common",
        "Samples beside real motion",
        "One code, decoded in every class in turn",
        "As BVH, in the folder bvh: loop_00.bvh, sample_00.bvh,",
        "style_wave.bvh. In Blender: File, Import, Motion Capture (.bvh)",
        "real windows of motion a second (median)",
        "nats per window",
    ):
        assert words in text, words
    assert "images" not in text.partition("Settings")[0] and "does it repeat" not in text


@pytest.mark.parametrize(
    "decay, words",
    [
        ("cosine", "with a step size that then falls over all the steps, so from a larger one again,"),
        ("none", "exactly as if it had never stopped,"),
    ],
)
def test_how_to_go_on_says_whether_it_is_the_same_run(finished, tmp_path, decay, words):
    run = copied(finished("--steps 3")[0], tmp_path)
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps({**config, "decay": decay}))
    report.write_report(run)
    text = page_of(run).text
    assert (
        f"Train it further, {words} here to twice its steps: python -m minigen.train vae --resume {run} --steps 6"
        in text
    )


@pytest.mark.parametrize(
    "flags, name",
    [(IMAGES, "reconstructions.png"), (IMAGES, "latents.png"), (MOTION, "loop.gif"), (MOTION, "interpolation.gif")],
)
def test_a_missing_picture_is_left_out_and_the_page_says_so(finished, tmp_path, flags, name):
    run = copied(finished(flags)[0], tmp_path)
    before = len(page_of(run).images)
    (run / name).unlink()
    report.write_report(run)
    page = page_of(run)
    assert len(page.images) == before - 1 and f"{name} is not there (yet), so it is left out." in page.text


def test_without_bvh_files_none_are_named(finished, tmp_path):
    run = copied(finished(MOTION)[0], tmp_path)
    shutil.rmtree(run / "bvh")
    report.write_report(run)
    assert "As BVH" not in page_of(run).text


@pytest.mark.parametrize("data", ["scenes", "motion", "bvh:<b>clips</b>"])
def test_a_run_that_has_only_begun_has_a_report(tmp_path, data):
    (tmp_path / "config.json").write_text(json.dumps({"recipe": "vae", "data": data}))
    report.write_report(tmp_path)
    page = page_of(tmp_path)
    assert not page.images and page.text.count("is not there (yet)") >= 7
    assert "<b>" not in (tmp_path / "report.html").read_text()

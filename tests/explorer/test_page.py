"""The page as a file: it asks nothing of any network, says where it comes from, and is refused where it should be."""

import base64
import hashlib
import re
from html import unescape

import numpy as np
import pytest

from minigen import explorer
from minigen.errors import SettingError
from minigen.explorer import write_explorer
from minigen.explorer.carried import drawn, fit_to_show, rows_of, text_of
from minigen.nn import Module

from .small_runs import clips_of, gan_of, run, vae_of


def text(path):
    return path.read_text(encoding="utf-8")


def said(path):
    """The facts at the foot of the page."""
    return {unescape(k): unescape(v) for k, v in re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", text(path))}


def test_the_policy_forbids_requests_and_admits_only_what_stands_in_the_page(page):
    html = text(page("gan 28"))
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="(.*?)"', html)
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules.pop("default-src") == rules.pop("base-uri") == rules.pop("form-action") == "'none'"
    assert rules.pop("img-src") == "data:"
    scripts = re.findall(r"<script id=.*?>(.*?)</script>", html, re.DOTALL)
    assert rules.pop("script-src").split() == [hashed(script) for script in scripts] and len(scripts) == 6
    assert rules.pop("style-src") == hashed(*re.findall(r"<style>(.*?)</style>", html, re.DOTALL))
    assert not rules


def hashed(part):
    return f"'sha256-{base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()}'"


def test_nothing_in_the_page_points_elsewhere(page):
    html = text(page("motion"))
    assert not re.search(r"https?:|//[a-z]+\.|\bfetch\(|XMLHttpRequest|WebSocket|\bimport\b|@import|url\(", html)
    assert re.findall(r'(?:src|href)="(.*?)"', html) == ["data:,"]
    assert " style=" not in html and " onclick=" not in html  # the policy would forbid them


def test_every_control_has_a_name_that_can_be_read_aloud(page):
    html = text(page("motion"))
    for tag in re.findall(r"<(?:button|input|canvas)[^>]*>(?:[^<]*)", html):
        assert "aria-label" in tag or re.search(r">\w+", tag) or "<canvas" in tag, tag
    assert 'role="img"' in html and "<noscript>" in html and 'lang="en"' in html


def test_the_foot_says_where_the_page_comes_from(tmp_path):
    notes = {"run": "0007-gan-<b>", "licence": "CC0", "seeds": "0-3", "settings": "abc"}
    path = write_explorer(run("gan 28"), tmp_path / "a.html", notes=notes)
    facts = said(path)
    assert facts["run"] == "0007-gan-<b>" and "<b>" not in text(path)
    assert facts["licence"] == "CC0" and facts["settings"] == "abc" and "seeds" not in facts
    assert facts["step"] == "0" and facts["weights"] == "averaged" and facts["data"] == "scenes"
    assert facts["latents"] == "8, normal prior"
    assert facts["size"] == f"{path.stat().st_size / 1e6:.2f} MB, this file alone"
    rounding = r"[\d,]+ numbers in float16; no pixel of seeds 0 to 63 differs from the run's by more than 0\.\d+ of 255"
    assert re.match(rounding, facts["network"])


def test_the_rounding_is_told_as_it_is(tmp_path):
    rough = float(said(write_explorer(run("dense"), tmp_path / "a.html"))["network"].split()[-5])
    fine = float(said(write_explorer(run("dense"), tmp_path / "b.html", weights="float32"))["network"].split()[-5])
    assert fine < 1e-3 < rough < 2


def test_a_class_cannot_end_the_script(tmp_path):
    recipe = vae_of({"classes": ["</script><p>", "sea"]}, model="dense", hidden=(3,), condition="sea")
    html = text(write_explorer(recipe, tmp_path / "a.html"))
    assert html.count("</script>") == 7


def test_a_seed_beyond_63_is_carried_too(tmp_path, in_node):
    path = write_explorer(run("gan 28"), tmp_path / "a.html", seed=1000)
    found = in_node(path, "const d = unpacked(data); [d.seed, latentOf(1000, d).own, latentOf(64, d).own]")
    assert found == [1000, False, True] and "Seeds 0 to 63 and 1000 are" in text(path)


def test_the_check_passes_and_a_damaged_weight_fails_it(page, in_node, tmp_path):
    path = page("gan 28", "float16")
    assert in_node(path, "largestMiss(networkOf(data)(float32Of(data.reference.row)), data.reference)") < 1e-5
    html = text(path)
    at = html.index('"weights": "') + 12
    damaged = tmp_path / "damaged.html"
    damaged.write_text(html[:at] + "AHwA" * 40 + html[at + 160 :], encoding="utf-8")
    miss = in_node(damaged, "largestMiss(networkOf(data)(float32Of(data.reference.row)), data.reference)")
    assert isinstance(miss, str) or miss > 1e-4


@pytest.mark.parametrize("moved", [0.5, -0.5, np.nan])
def test_the_check_finds_a_single_number_that_is_too_large_too_small_or_none(moved, page, in_node):
    item = fit_to_show(run("dense"), "float32")(rows_of(run("dense"), np.arange(1)))
    item.flat[100] += moved
    code = "largestMiss(networkOf(data)(float32Of(data.reference.row)), { item: given.item, every: 1 })"
    miss = in_node(page("dense"), code, item=text_of(item))
    assert miss == ("NaN" if np.isnan(moved) else pytest.approx(0.5, abs=1e-5))


def test_of_a_clip_each_seventh_number_is_kept_to_check_it_by(page, in_node):
    recipe, path = run("clips with an end"), page("clips with an end")
    code = "const { row, item, every } = data.reference; [float32Of(row), float32Of(item), every]"
    row, kept, every = in_node(path, code)
    item = drawn(recipe, np.array([row], np.float32))[0]
    assert every == 7 and item.shape == (24, 32, 32, 3)
    np.testing.assert_allclose(kept, item.ravel()[::7], atol=1e-5)
    code = "given.item[given.at] += 0.5; largestMiss(Float32Array.from(given.item), data.reference)"
    assert in_node(path, code, item=item.ravel(), at=7 * 9000) == pytest.approx(0.5, abs=1e-5)
    assert in_node(path, code, item=item.ravel()[:-7], at=0) == "NaN"


def test_a_clip_says_its_length_its_rate_and_whether_it_comes_round(page, in_node):
    code = "[data.kind, data.frames, data.fps, data.loops, data.image]"
    assert in_node(page("clips"), code) == ["clip", 16, 12, True, {"height": 32, "width": 32, "channels": 1}]
    ends = "clips with an end, frame by frame"
    assert in_node(page(ends), code) == ["clip", 16, 25, False, {"height": 32, "width": 32, "channels": 3}]
    lead = "turns 16 numbers into clips of 16 frames of 32 × 32 pixels"
    assert f"{lead}, 12 a second, which come round. Move" in text(page("clips"))
    assert f"{lead}, 25 a second. Move" in text(page(ends))


# In a browser -------------------------------------------------------------------------------------------------------


def test_in_a_browser_it_checks_itself_and_logs_nothing_else(page, in_chromium):
    html, log = in_chromium(page("motion", "float16"))
    assert re.search(r'<p id="check"[^>]*>DEMO-OK \d\.\de-\d+</p>', html), log
    assert len(log) == 1 and "DEMO-OK" in log[0]
    assert 'aria-label="A figure in motion, seed 0, idle"' in html
    assert html.count('type="range"') == 5 and ">idle</button>" in html
    assert "as python -m minigen.sample --seeds 0" in html


@pytest.mark.parametrize("name", ["clips", "clips with an end, frame by frame"])
def test_in_a_browser_a_clip_checks_itself_and_logs_nothing_else(name, page, in_chromium):
    html, log = in_chromium(page(name, "float16"))
    assert re.search(r'<p id="check"[^>]*>DEMO-OK \d\.\de-\d+</p>', html), log
    assert len(log) == 1 and "DEMO-OK" in log[0]
    assert re.search(r'id="frame">frame \d+ of 16<', html)
    assert re.search(r'id="play" aria-pressed="true"', html) and 'aria-label="A clip, seed 0"' in html


def test_in_a_browser_damage_is_told(page, in_chromium, tmp_path):
    html = text(page("gan 32", "float16"))
    at = html.index('"weights": "') + 12
    damaged = tmp_path / "damaged.html"
    damaged.write_text(html[:at] + "AEAA" * 40 + html[at + 160 :], encoding="utf-8")
    shown, log = in_chromium(damaged)
    assert re.search(r'<p id="check"[^>]*class="wrong">DEMO-FAIL', shown) and "DEMO-FAIL" in log[0]


# Refusals -----------------------------------------------------------------------------------------------------------


def refused(match, recipe, path, **settings):
    before = sorted(path.parent.iterdir())
    with pytest.raises(SettingError, match=match):
        write_explorer(recipe, path, **settings)
    assert sorted(path.parent.iterdir()) == before


def test_another_ending_a_file_that_is_there_and_a_strange_seed_are_refused(tmp_path):
    refused("end its name in .html", run("dense"), tmp_path / "a.png")
    (tmp_path / "a.html").write_text("mine")
    refused("a.html exists already; choose another name, or overwrite it", run("dense"), tmp_path / "a.html")
    assert write_explorer(run("dense"), tmp_path / "a.html", force=True).read_text() != "mine"
    refused("seed -1 must lie between", run("dense"), tmp_path / "b.html", seed=-1)


def test_a_page_that_is_too_large_is_refused_unless_forced(tmp_path, monkeypatch):
    assert explorer.LARGEST == 8_000_000
    recipe = vae_of(model="dense", hidden=(200,))  # 200 · 784 weights and some, 8/3 bytes each
    monkeypatch.setattr(explorer, "LARGEST", 400_000)
    monkeypatch.setattr(explorer, "carried", None)  # it is known before anything is drawn
    refused(
        r"a.html: the page would be 0\.4 MB, more than 0, for its network has 158,\d\d\d weights; train one with a "
        "smaller --width, or write it all the same with --force",
        recipe,
        tmp_path / "a.html",
    )
    monkeypatch.undo()
    monkeypatch.setattr(explorer, "LARGEST", 50_000)
    small = run("dense")  # the whole page counts, not its weights alone
    refused(r"the page would be 0\.1 MB", small, tmp_path / "b.html")
    assert write_explorer(small, tmp_path / "b.html", force=True).is_file()


def test_another_generator_of_clips_is_refused_by_its_name(tmp_path):
    recipe = clips_of()
    recipe.generator = Unheard()
    refused(r"no JavaScript for Unheard\(\); the layers it knows are AroundTime, ", recipe, tmp_path / "a.html")


class Unheard(Module):
    """A generator of which the explorer knows nothing."""


def test_a_run_that_draws_by_other_means_than_its_network_is_refused(tmp_path):
    recipe = gan_of()
    recipe.generate = lambda z: np.zeros((len(z), 28, 28, 1), np.float32)
    refused("its network and the run's differ by 0", recipe, tmp_path / "a.html")

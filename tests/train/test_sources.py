"""The data of a run: what is held out, what is drawn black and white, and what a checkpoint keeps of them."""

import json
from dataclasses import replace

import numpy as np
import pytest

from minigen.data import Batches, Images, motions
from minigen.data.motions import open_motion
from minigen.errors import DataError, SettingError
from minigen.train import sources
from minigen.train.about import about, body_of
from minigen.train.condition import Condition
from minigen.train.gan import Config as GanConfig
from minigen.train.sources import open_gan, open_vae, static
from minigen.train.vae_config import Config


@pytest.fixture(autouse=True)
def few(monkeypatch):
    for place in (sources, motions):
        monkeypatch.setattr(place, "HELD_OUT", 12)


def opened(**settings):
    return open_vae(Config(**{"count": 20, **settings}))


def grey(n=40, level=None, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (n, 28, 28, 1)).astype(np.uint8)
    return Images(pixels if level is None else np.full_like(pixels, level))


# What is held out -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", ["scenes", "motion", "effects:smoke"])
def test_items_of_another_seed_are_held_out(data):
    source = opened(data=data)
    other = opened(data=data, seed=1)
    assert len(source.data) == 20 and len(source.held_out) == 12
    assert np.allclose(source.held_out.items, other.data.items[:12], atol=1e-6)
    assert source.told is None and source.about["classes"] == []


def test_the_gan_has_the_same_scenes_held_out():
    source = open_gan(GanConfig(count=20))
    assert np.array_equal(source.held_out.items, opened().held_out.items) and source.about == {
        "classes": [],
        "factors": [],
    }
    assert source.told is None


def test_of_mnist_its_test_set_is_held_out(real_data):
    folder = real_data("mnist")
    source = opened(data=f"mnist:{folder}", condition="label")
    assert len(source.held_out) == 10_000 and source.about["classes"] == list("0123456789")
    assert source.told[:5].tolist() == [5, 0, 4, 1, 9]  # the first digits of the training set
    assert opened(data=f"mnist:{folder}", size=32, upscale=True).held_out is None  # of another size there is none
    default = Config()
    assert default.count == 0 and len(opened(data=f"mnist:{folder}", count=0).data) == 60_000


def test_training_files_alone_have_nothing_held_out(real_data, tmp_path):
    for path in real_data("mnist").glob("train-*"):
        (tmp_path / path.name).symlink_to(path)
    assert opened(data=f"mnist:{tmp_path}").held_out is None


def test_an_array_has_nothing_held_out_and_needs_two_items(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((3, 28, 28), np.uint8))
    assert opened(data=f"npz:{tmp_path / 'x.npy'}").held_out is None
    with pytest.raises(DataError, match="gives only 1 image"):
        opened(data=f"npz:{tmp_path / 'x.npy'}", count=1)


def test_held_out_items_of_unknown_classes_are_left_out_and_that_is_said(clips):
    source = opened(data=f"bvh:{clips}", window=16, condition="style", count=2, held_out=0.5)
    known = set(source.about["classes"])
    assert len(known) == 1  # the first two windows are of one clip
    assert source.held_out is None or set(source.held_out.labels["style"]) == known
    all_styles = set(opened(data=f"bvh:{clips}", window=16, held_out=0.0, condition="style", count=0).about["classes"])
    (note,) = [note for note in source.data.notes if note.startswith("Not measured on")]
    left_out = set(note.removesuffix(".").rpartition(": ")[2].split(", "))
    assert left_out and left_out <= all_styles - known
    everything = opened(data=f"bvh:{clips}", window=16, condition="action", count=0)
    assert not any(note.startswith("Not measured") for note in everything.data.notes)


def test_nothing_is_held_out_where_no_class_is_known(clips, monkeypatch):
    data, held_out = open_motion(f"bvh:{clips}", window=16, unit="m")
    strange = replace(held_out, labels={"style": np.array(["new"] * len(held_out))})
    monkeypatch.setattr(sources, "open_motion", lambda *given, **settings: (data, strange))
    source = opened(data=f"bvh:{clips}", window=16, condition="style")
    assert source.held_out is None and source.data.notes[-1].endswith("trained on: new.")


# Black and white ------------------------------------------------------------------------------------------------------


def test_static_pixels_are_drawn_once_white_as_often_as_they_are_grey():
    images = grey()
    one, two = static(images, 0), static(images, 0)
    assert np.array_equal(one.items, two.items) and set(np.unique(one.items)) == {0, 255}
    assert not np.array_equal(one.items, static(images, 1).items)
    for level in (0, 64, 200, 255):
        drawn = static(grey(level=level), 0).items / 255
        p = level / 255
        assert abs(drawn.mean() - p) <= 4 * np.sqrt(p * (1 - p) / drawn.size)  # four standard errors; exact at the ends
    assert one.notes[-1] == "Pixels were drawn black or white once (static)." and images.notes == ()


def test_static_pixels_of_an_image_do_not_depend_on_the_others():
    images = grey(1003)  # more than are drawn at once
    drawn = static(images, 3).items
    assert np.array_equal(static(replace(images, items=images.items[:7]), 3).items, drawn[:7])
    alike = static(grey(1003, level=128), 3).items
    assert len(np.unique(alike.reshape(1003, -1), axis=0)) == 1003  # each has draws of its own


def test_static_is_drawn_for_the_held_out_images_too_and_dynamic_is_not():
    source = opened(likelihood="bernoulli", binarise="static")
    assert set(np.unique(source.data.items)) == set(np.unique(source.held_out.items)) == {0, 255}
    assert np.array_equal(source.data.items, opened(likelihood="bernoulli", binarise="static").data.items)
    plain = opened(likelihood="bernoulli")
    assert len(np.unique(plain.data.items)) > 100 and source.data.fingerprint != plain.data.fingerprint


# What is known of the items -------------------------------------------------------------------------------------------


def test_classes_are_sorted_and_numbered_by_their_place(clips):
    data, held_out = open_motion(f"bvh:{clips}", window=16, unit="m", held_out=0)
    known = Condition.of(data, "style")
    assert held_out is None and known.classes == ("calm", "old", "proud") and Condition.of(data, "none").classes == ()
    assert [known.classes[i] for i in known.told(data, "style")] == data.labels["style"].tolist()
    assert Condition().told(data, "none") is None
    with pytest.raises(SettingError, match="--condition style: old, proud does not occur among the items trained on"):
        Condition(("calm",)).told(data, "style")


def test_what_a_checkpoint_keeps_of_motion_comes_back_to_the_bit(clips):
    for data in (open_motion("motion", count=5, window=16)[0], open_motion(f"bvh:{clips}", window=16, unit="cm")[0]):
        facts = about(data, "action")
        skeleton, carrier, fps, scaling = body_of(json.loads(json.dumps(facts)))
        mine, theirs = data.skeleton, skeleton
        assert (theirs.names, theirs.parents, theirs.channels) == (mine.names, mine.parents, mine.channels)
        assert theirs.offsets.tobytes() == mine.offsets.tobytes() and theirs.metres == mine.metres
        assert dict(theirs.ends) == {joint: tuple(offset) for joint, offset in mine.ends.items()} and theirs.ends
        assert (carrier.joint, carrier.sides) == (data.carrier.joint, data.carrier.sides)
        assert carrier.translations.tobytes() == data.carrier.translations.tobytes() and fps == data.fps
        again = about(replace(data, skeleton=skeleton, carrier=carrier, fps=fps), "action")
        assert json.dumps(again) == json.dumps(facts)
        assert scaling.from_units(scaling.to_units(data.items)) == pytest.approx(data.items, abs=1e-4)


# Labels travel with their items ---------------------------------------------------------------------------------------


def test_items_and_labels_stay_together_over_epochs_and_when_going_on():
    items = np.arange(11, dtype=np.float32)[:, None].repeat(3, axis=1)
    labels = np.arange(11) % 4 * 10
    batches, again = (Batches(items, 4, seed=2, labels=labels) for _ in range(2))
    seen = []
    for _ in range(9):  # three epochs
        x, y = next(batches)
        assert len(x) == len(y) and (x[:, 0].astype(int) % 4 * 10 == y).all()
        seen.append(y.tolist())
    assert batches.epoch == 3 and seen[:3] != seen[3:6]
    for _ in range(4):
        next(again)
    resumed = Batches(items, 4, seed=2, labels=labels, start=again.state())
    assert [next(resumed)[1].tolist() for _ in range(5)] == seen[4:]


def test_as_many_labels_as_items():
    with pytest.raises(DataError, match="Batches: 11 items, but 10 labels"):
        Batches(np.zeros((11, 2), np.float32), 4, labels=np.zeros(10))


def test_some_of_the_images_keep_their_factors():
    images = replace(grey(5), factors=np.array([(i,) for i in range(5)], [("label", "u1")]))
    some = images.take(np.array([3, 0]))
    assert np.array_equal(some.items, images.items[[3, 0]]) and some.factors["label"].tolist() == [3, 0]
    assert grey(5).take(np.array([1])).factors is None

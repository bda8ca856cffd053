"""What a model is told: classes as one-hot rows, factors as scaled numbers, and what cannot be told is refused."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from minigen.data import Images, effects, scenes
from minigen.errors import SettingError
from minigen.train import runs
from minigen.train.condition import Condition, Factor


def stills(n=40, **more):
    items, factors = scenes(n, 28)
    return Images(items, factors, "scenes", **more)


def test_a_class_is_a_row_with_a_single_one():
    data = stills()
    known = Condition.of(data, "sea")
    assert known.classes == ("0", "1") and known.numbers == 2
    rows = known.rows(known.told(data, "sea"), len(data))
    assert rows.dtype == np.float32 and np.array_equal(rows[:, 1], data.factors["sea"])
    assert np.array_equal(rows.sum(axis=1), np.ones(len(data)))


def test_factors_are_scaled_to_their_ranges_and_cyclic_ones_stand_on_a_circle():
    data = stills()
    known = Condition.of(data, "haze,time")
    rows = known.told(data, "haze,time")
    haze, time = data.factors["haze"], data.factors["time"]
    assert rows.shape == (40, known.numbers) == (40, 3) and rows.dtype == np.float32
    assert rows[:, 0].min() == -1 and rows[:, 0].max() == 1
    assert np.allclose(rows[:, 0], 2 * (haze - haze.min()) / np.ptp(haze) - 1, atol=1e-6)
    assert np.allclose(rows[:, 1:], np.stack([np.cos(2 * np.pi * time), np.sin(2 * np.pi * time)], axis=1), atol=1e-6)
    assert known.rows(rows, 40) is not rows and np.array_equal(known.rows(rows, 40), rows)  # rows stay what they are


def test_a_factor_of_two_values_can_be_told_as_a_number_beside_others():
    known = Condition.of(stills(), "sea,time")
    assert not known.classes and [factor.name for factor in known.factors] == ["sea", "time"]


def test_an_effect_is_told_by_its_phase_on_a_circle():
    items, factors = effects(8, "rain", 16, 1)
    known = Condition.of(Images(items[:, 0], factors, "effects-rain"), "phase,wind")
    assert known.factors[0] == Factor("phase", 0.0, 1.0, cyclic=True) and known.numbers == 3
    blast = Condition.of(Images(items[:, 0], factors, "effects-explosion"), "phase")  # an age, which has ends
    assert not blast.factors[0].cyclic and blast.numbers == 1


@pytest.mark.parametrize(
    "asked, sentence",
    [
        ("mood", r"scenes does not say that of its items; it has sea; and as numbers time, horizon, .*haze\. Choose"),
        ("time,mood", "--condition time,mood: scenes does not say"),
        ("time,time", "--condition time,time: scenes does not say"),
        ("nuisance", "--condition nuisance: scenes does not say"),
    ],
)
def test_what_items_do_not_say_is_answered_with_what_they_do(asked, sentence):
    with pytest.raises(SettingError, match=sentence):
        Condition.of(stills(), asked)


def test_data_without_factors_or_with_one_kind_only_say_so():
    plain = Images(np.zeros((3, 28, 28, 1), np.uint8))
    with pytest.raises(SettingError, match=r"images does not say that of its items; it has no labels. Leave"):
        Condition.of(plain, "label")
    clips = SimpleNamespace(name="clips", labels={"action": np.array(["walk", "run"])}, factors=None)
    with pytest.raises(SettingError, match=r"it has action\. Choose one of these"):
        Condition.of(clips, "mood")
    items, factors = effects(5, "fire", 16, 1)
    with pytest.raises(SettingError, match=r"it has, as numbers, x, amount, .*phase\. Choose some"):
        Condition.of(Images(items[:, 0], factors, "effects-fire"), "mood")


def test_numbers_of_items_that_never_change_are_no_factors():
    known = [("kind", "u1"), ("x", "f8"), ("one", "u1"), ("n", "i8")]
    factors = np.array([(i % 3, 0.5, 1, i) for i in range(300)], known)
    data = Images(np.zeros((300, 28, 28, 1), np.uint8), factors)
    with pytest.raises(SettingError, match=r"it has kind; and as numbers kind, n\. Choose"):
        Condition.of(data, "x")
    assert Condition.of(data, "kind").classes == ("0", "1", "2") and Condition.of(data, "n").factors


def test_a_checkpoint_brings_the_condition_back():
    for asked in ("none", "sea", "time,haze"):
        known = Condition.of(stills(), asked)
        assert Condition.from_facts(json.loads(json.dumps(known.as_facts()))) == known


def test_by_default_classes_take_turns_and_factors_cover_their_ranges_evenly():
    assert np.argmax(Condition(("a", "b", "c")).rows(None, 7), axis=1).tolist() == [0, 1, 2, 0, 1, 2, 0]
    rows = Condition.of(stills(), "haze,hills").rows(None, 64)
    cells = {(int(a), int(b)) for a, b in np.minimum((rows + 1) * 2, 3)}
    assert len(cells) == 16  # each of 4 × 4 equal cells is met; 64 random rows would leave one empty one time in five
    assert np.array_equal(rows[:10], Condition.of(stills(), "haze,hills").in_turn(10))  # the first stay the first


def test_drawn_rows_follow_the_generator_and_stay_in_range():
    known = Condition.of(stills(), "haze,time")
    rows = known.drawn(500, np.random.default_rng(3))
    assert np.array_equal(rows, known.drawn(500, np.random.default_rng(3)))
    assert abs(rows).max() <= 1 and abs(rows.mean(axis=0)).max() < 0.15  # five standard errors of uniform rows
    assert set(np.argmax(Condition(("a", "b")).drawn(50, np.random.default_rng(0)), axis=1)) == {0, 1}


def test_a_whole_factor_is_drawn_whole_and_each_of_its_values_alike():
    known = Condition.of(stills(), "sea,haze")
    for rows in (known.drawn(400, np.random.default_rng(1)), known.in_turn(400)):
        assert set(rows[:, 0].tolist()) == {-1.0, 1.0} and abs(rows[:, 0].mean()) < 0.2  # four standard errors
    assert set(Condition(factors=(Factor("n", 2.0, 4.0, whole=True),)).in_turn(60)[:, 0].tolist()) == {-1.0, 0.0, 1.0}


def test_one_row_is_written_by_name_and_the_rest_stay_in_the_middle():
    known = Condition(factors=(Factor("haze", 0.0, 2.0), Factor("time", 0.0, 1.0, cyclic=True)))
    assert np.allclose(known.row({"time": 0.25}), [0, 0, 1], atol=1e-7)
    assert np.allclose(known.row({"haze": 2.0}), [1, -1, 0], atol=1e-7)
    assert known.row({"haze": 2.0}, rest=np.array([0.5, 0.6, 0.8])).tolist() == [1, 0.6, 0.8]
    with pytest.raises(SettingError, match=r"--set mood=1: this run was told of haze, time"):
        known.row({"mood": 1.0})
    with pytest.raises(SettingError, match=r"--set haze=3 must lie in \[0, 2\], as in its training"):
        known.row({"haze": 3.0})


@pytest.mark.parametrize("recipe", ["vae", "gan"])
def test_both_recipes_learn_what_they_are_told_and_draw_all_their_pictures(train, tmp_path, recipe):
    latent = "2" if recipe == "vae" else "8"  # with two latents a VAE also draws its map
    status, _, err = train(f"--steps 2 --condition time,haze --latent {latent} --name told", recipe=recipe)
    assert status == 0, err
    run = tmp_path / "runs" / "0001-told"
    again = runs.load(run)
    assert again.condition.numbers == 3 and again.classes == []
    z = np.repeat(again.latents(1, np.random.default_rng(0)), 2, axis=0)
    night, noon = (again.condition.row({"time": time}) for time in (0.0, 0.5))
    drawn = again.generate(z, np.stack([night, noon]))
    assert not np.array_equal(drawn[0], drawn[1])

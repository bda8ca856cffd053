"""What samples are worth: copies are exposed, the floor is one, and every table says what it must."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from minigen import evaluate
from minigen.data import Images, draw_factors, effects, render, scenes, to_float, to_uint8
from minigen.errors import DataError
from minigen.evaluate_samples import asked, close, copying, diverse, drawn, latents, moving
from minigen.judges import Judge, Rendered, files, training
from minigen.metrics.factors import disentanglement
from minigen.train import command, loop, runs, sources
from minigen.train.condition import Condition, Factor
from minigen.train.sources import Source
from minigen.train.table import Row

SMALL = training.Settings(items=200, tested=60, shown=400, batch=32, widths=(2, 3, 4, 4), features=6, clips=40)
CONFIG = SimpleNamespace(data="scenes", size=28, channels=1, seed=0, latent=5, frames=1, condition="none")


@pytest.fixture(scope="module", autouse=True)
def small(tmp_path_factory):
    """Judges are small, and kept for this module alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "SETTINGS", SMALL)
        patch.setattr(sources, "HELD_OUT", 40)
        patch.setenv(files.VARIABLE, str(tmp_path_factory.mktemp("cache")))
        yield


class Oracle(Judge):
    """A judge of scenes that looks factors up: whoever holds it knows which factors an item was made from."""

    hash = "oracle"

    def __init__(self, known):
        self.subject, self.facts = (
            Rendered("scenes", 28, 1),
            {"scores": dict.fromkeys(Rendered("scenes", 28, 1).ranges, 1.0)},
        )
        self.known = {item.tobytes(): factors for items, fs in known for item, factors in zip(items, fs, strict=True)}

    def outputs(self, items):
        items = items if items.dtype == np.uint8 else to_uint8(items)
        return self.subject.targets(np.array([self.known[item.tobytes()] for item in items]))

    def features(self, items):
        return self.outputs(items).astype(float)


class Recipe:
    """A generator that returns given images one after another."""

    classes: tuple[str, ...] = ()

    def __init__(self, items, config=CONFIG):
        self.items, self.config = items, config

    def latents(self, n, rng):
        return np.zeros((n, 1), np.float32)

    def generate(self, z, told=None):
        return to_float(self.items[np.arange(len(z)) % len(self.items)])


@pytest.fixture(scope="module")
def source():
    items, factors = scenes(400, seed=0)
    return Source(Images(items, factors), Images(*scenes(80, seed=1)), {})


def measured(items, source, count=60, judge=None):
    return drawn.draw(Recipe(items), source, count, 0, judge)


def values(table):
    return {row.name: row.values for row in table.rows}


# What is measured ---------------------------------------------------------------------------------------------------


def test_every_column_has_as_many_items_of_one_kind(source):
    found = measured(scenes(100, seed=5)[0], source)
    assert set(found.columns) == {"model", "data", "mean image", "PCA", "copies"}
    assert {(items.shape, items.dtype.name) for items in found.columns.values()} == {((60, 28, 28, 1), "uint8")}
    assert np.array_equal(found.columns["model"], scenes(60, seed=5)[0])


def test_real_items_are_of_two_other_seeds_and_none_was_learnt_from(source):
    real = drawn.real_items(CONFIG, source, 60, 0)
    assert np.array_equal(real.reference, scenes(60, seed=1)[0]) and np.array_equal(real.others, scenes(60, seed=2)[0])
    assert np.array_equal(real.factors, draw_factors(60, 2))


def test_real_items_that_are_read_are_split_and_where_none_are_held_out_that_is_said():
    items = scenes(100, seed=9)[0]
    config = SimpleNamespace(**{**vars(CONFIG), "data": "images:stills"})
    held = Source(Images(items[:50]), Images(items[50:]), {})
    real = drawn.real_items(config, held, 60, 0)
    both = np.concatenate([real.reference, real.others])
    with pytest.raises(DataError, match="7 images are too few to measure on; it needs 8 or more"):
        drawn.real_items(config, Source(Images(items[:7]), None, {}), 60, 0)
    assert len(real.reference) == len(real.others) == 25
    assert sorted(x.tobytes() for x in both) == sorted(x.tobytes() for x in items[50:])
    real = drawn.real_items(config, replace(held, held_out=None), 60, 0)
    assert "none are held out" in real.notes[0] and len(real.reference) == 12  # half of the 50 are left
    assert np.array_equal(items[:50][real.within], np.concatenate([real.reference, real.others]))


def test_baselines_are_the_mean_the_principal_components_and_training_items():
    training_items = scenes(100, seed=0)[0]
    found = drawn.baselines(training_items, 300, 3, 0)
    assert np.abs(found["mean image"][0] - training_items.mean(axis=0)).max() <= 0.5
    spread = np.linalg.matrix_rank(found["PCA"].reshape(300, -1) - found["PCA"].reshape(300, -1).mean(axis=0), tol=500)
    assert spread == 3  # what rounding and clipping add is smaller than that
    known = {x.tobytes() for x in training_items}
    assert all(x.tobytes() in known for x in found["copies"])
    assert "PCA" not in drawn.baselines(training_items[:5], 10, 5, 0)


def test_raw_weights_stand_beside_averaged_ones(source):
    class Averaged(Recipe):
        average, draw_averaged = True, True

        def generate(self, z, told=None):
            return np.full((len(z), 28, 28, 1), 0.5 if self.draw_averaged else -0.5, np.float32)

    recipe = Averaged(None)
    found = drawn.draw(recipe, source, 30, 0, None)
    assert found.columns["model"].max() == 191 and found.columns["raw weights"].max() == 64 and recipe.draw_averaged


# Closeness ----------------------------------------------------------------------------------------------------------


def test_other_real_images_are_as_close_as_the_floor_and_noise_is_far(source):
    others = scenes(300, seed=7)
    real = [scenes(300, seed=seed) for seed in (0, 1, 2)]
    judge = Oracle([others, *real, (source.data.items, source.data.factors)])
    columns = {"model": others[0], "data": real[2][0], "copies": source.data.items[:300]}
    table = close.closeness(drawn.Drawn(columns, drawn.Real(real[1][0], real[2][0], None, ()), real[0][0], judge), 0)
    found = values(table)
    assert found["fid_clf"]["model"] == pytest.approx(found["fid_clf"]["data"], rel=0.5)  # two draws of one floor
    assert found["1-NN accuracy, fake"]["model"] == pytest.approx(0.5, abs=0.12)  # 4 standard errors of 300
    assert abs(found["KID"]["model"]) < 0.05
    assert "they cannot be told from real ones" in " ".join(table.verdicts())
    ratio = found["fid_clf"]["model"] / found["fid_clf"]["data"]
    assert f": {ratio:.1f} times as far from the real ones." in table.verdicts()[0]
    assert not any("copies" in verdict or "raw" in verdict for verdict in table.verdicts()[2:])


def test_an_average_that_lags_behind_is_told_of(source):
    others = [scenes(60, seed=seed) for seed in (0, 1, 2, 7)]
    dull = (others[3][0] // 4, others[3][1][[0] * 60])
    judge = Oracle([*others, dull])
    real = drawn.Real(others[1][0], others[2][0], None, ())
    columns = {"model": dull[0], "raw weights": others[3][0], "data": others[2][0]}
    lagging = close.closeness(drawn.Drawn(columns, real, others[0][0], judge), 0)
    columns |= {"model": others[3][0], "raw weights": dull[0]}
    ahead = close.closeness(drawn.Drawn(columns, real, others[0][0], judge), 0)
    by_column = values(lagging)["fid_clf"]
    assert f": {by_column['model'] / by_column['data']:,.0f} times as far" in lagging.verdicts()[0]
    assert by_column["model"] > 10 * by_column["data"]
    assert "Raw weights are closer" in lagging.verdicts()[1] and "Raw weights" not in " ".join(ahead.verdicts())


def test_dark_images_are_far_by_pixels_and_it_is_said_that_there_is_no_judge(source):
    found = measured(np.zeros((60, 28, 28, 1), np.uint8), source)
    table = close.closeness(found, 0)
    assert values(table)["1-NN accuracy, fake"]["model"] == 1
    assert any(note.startswith("No judge") for note in table.notes)
    assert any("No Fréchet distance: 60 images of 784 features" in note for note in table.notes)
    assert table.verdicts()[0].startswith("KID is ") and "times" not in table.verdicts()[0]
    assert values(table)["KID"]["model"] > 10 * abs(values(table)["KID"]["data"])


def test_real_and_fake_neighbours_are_not_mixed_up():
    start = 8 * np.arange(30)
    real, fake = (
        np.concatenate([start + a, start + b]) for a, b in ((0, 5), (2, 3))
    )  # pairs of fakes between real ones
    real, fake = (np.broadcast_to(v.astype(np.uint8)[:, None, None, None], (60, 2, 2, 1)) for v in (real, fake))
    table = close.closeness(drawn.Drawn({"model": fake, "data": real}, drawn.Real(real, real, None, ()), real, None), 0)
    assert values(table)["1-NN accuracy, real"]["model"] == 0 and values(table)["1-NN accuracy, fake"]["model"] == 1


def test_copies_of_the_reference_are_told_as_repetitions(source):
    found = measured(scenes(60, seed=1)[0], source)
    table = close.closeness(found, 0)
    assert values(table)["1-NN accuracy, fake"]["model"] == 0
    assert "they repeat the real ones" in " ".join(table.verdicts())


def test_too_few_samples_leave_measures_out_and_say_so(source):
    table = close.closeness(measured(scenes(9, seed=5)[0], source, count=9), 0)
    assert set(values(table)) == {"1-NN accuracy, real", "1-NN accuracy, fake"}
    assert any("No KID: 9 images are too few" in note for note in table.notes)


# Copies -------------------------------------------------------------------------------------------------------------


def test_a_generator_that_returns_training_images_is_exposed(source):
    table = copying.copied(measured(source.data.items[::3], source))
    found = values(table)
    assert found["exact copies"]["model"] == found["marked, pixels"]["model"] == 1
    assert found["distance, pixels"]["model"] == 0 and found["exact copies"]["data"] == 0
    assert "It repeats what it learnt from: 100 of 100 samples are exact copies." in table.verdicts()[0]


def test_one_that_returns_training_images_a_little_changed_is_exposed_too(source):
    rng = np.random.default_rng(0)
    changed = np.clip(source.data.items[::3].astype(int) + rng.integers(-2, 3, (134, 28, 28, 1)), 0, 255).astype(
        np.uint8
    )
    table = copying.copied(measured(changed, source))
    assert values(table)["exact copies"]["model"] == 0 and values(table)["marked, pixels"]["model"] > 0.9
    assert "or nearly so" in table.verdicts()[0]


def test_new_images_are_no_copies(source):
    table = copying.copied(measured(scenes(60, seed=5)[0], source))
    found = values(table)
    assert found["marked, pixels"]["model"] < 0.1 and found["near doubles, pixels"]["model"] < 0.15  # about 1 % of 60
    assert "There is no sign that it copies." in table.verdicts()[0]


def test_copies_are_exposed_too_where_no_real_items_are_held_out():
    items = scenes(200, seed=9)[0]
    config = SimpleNamespace(**{**vars(CONFIG), "data": "images:stills"})
    real = drawn.real_items(config, Source(Images(items), None, {}), 40, 0)
    columns = {"model": np.clip(items[:40].astype(int) + 1, 0, 255).astype(np.uint8), "data": real.others}
    found = values(copying.copied(drawn.Drawn(columns, real, items, None)))
    assert found["marked, pixels"]["model"] == 1 and found["marked, pixels"]["data"] < 0.2
    assert found["exact copies"] == {"model": 0, "data": 0}


def test_one_image_again_and_again_is_found_to_repeat_itself(source):
    table = copying.copied(measured(scenes(1, seed=5)[0], source))
    assert values(table)["near doubles, pixels"]["model"] == 1
    assert "It repeats itself: 100 of 100" in " ".join(table.verdicts())


def test_doubles_among_the_samples_are_counted_by_features_where_there_is_a_judge(source):
    known = [(source.data.items, source.data.factors), *(scenes(60, seed=s) for s in (1, 2, 5))]
    real = drawn.Real(known[1][0], known[2][0], None, ())
    columns = {"model": np.repeat(known[3][0][:30], 2, axis=0), "data": known[2][0]}
    table = copying.copied(drawn.Drawn(columns, real, source.data.items, Oracle(known)))
    assert (
        values(table)["near doubles, features"]["model"] == 1 and values(table)["near doubles, features"]["data"] < 0.2
    )
    assert "100 of 100 samples have a near double by features" in table.verdicts()[1]


def test_distances_by_features_stand_beside_those_of_pixels(source):
    known = [(source.data.items, source.data.factors), *(scenes(60, seed=s) for s in (1, 2, 5))]
    judge = Oracle(known)
    columns = {"model": source.data.items[:60], "data": scenes(60, seed=2)[0]}
    real = drawn.Real(scenes(60, seed=1)[0], scenes(60, seed=2)[0], None, ())
    found = values(copying.copied(drawn.Drawn(columns, real, source.data.items, judge)))
    assert found["marked, features"]["model"] == 1 and found["distance, features"]["model"] == 0
    assert found["marked, features"]["data"] < 0.2  # 1 of 100, ± what 60 items can


# Diversity ----------------------------------------------------------------------------------------------------------


def only(factors, source, extra=()):
    """What is drawn where the samples are scenes of these factors, by a judge that reads them exactly."""
    items = render(factors)
    known = [(items, factors), (scenes(60, seed=1)), (scenes(60, seed=2)), (source.data.items, source.data.factors)]
    real = drawn.Real(known[1][0], known[2][0], known[2][1], ())
    return drawn.Drawn({"model": items, "data": known[2][0]}, real, source.data.items, Oracle([*known, *extra]))


def test_a_generator_of_nights_alone_does_not_cover_the_day(source):
    factors = draw_factors(60, 11)
    factors["time"] = 0.05 * factors["time"]
    table = diverse.diversity(only(factors, source))[0]
    found = values(table)
    assert found["time (R² 1), bins"]["model"] == 0.1
    assert found["time (R² 1), KL"]["model"] == pytest.approx(np.log(10))
    assert found["time (R² 1), KL"]["data"] < 0.3 and found["horizon (R² 1), KL"]["model"] < 0.3
    assert found["pairs, KL"]["model"] > found["pairs, KL"]["data"]
    assert "Least evenly spread beside the data: time, 10 % of its bins occupied" in table.verdicts()[0]


def test_factors_count_only_where_they_are_seen(source):
    factors = draw_factors(60, 11)
    factors["time"] = 0.5  # noon: no window is lit
    found = values(diverse.diversity(only(factors, source))[0])
    assert "model" not in found["lit (R² 1), KL"] and "data" in found["lit (R² 1), KL"]


def test_rendering_again_tells_scenes_from_what_is_none(source):
    factors = draw_factors(60, 11)
    noise = np.random.default_rng(0).integers(0, 256, (60, 28, 28, 1)).astype(np.uint8)
    found = only(factors, source, [(noise, factors)])
    found.columns["noise"] = noise
    table = values(diverse.diversity(found)[1])
    assert table["re-render error"]["noise"] > 2 * table["re-render error"]["model"]
    assert table["explained"]["noise"] < 0.1 < 0.5 < table["explained"]["model"]


class Teller:
    """A judge of digits that reads the class off the first pixel."""

    reads_factors, classes, scores, hash = False, list("0123456789"), {"accuracy": 1.0}, "teller"

    def labels(self, items):
        return items[:, 0, 0, 0].astype(int)


def images_of(labels):
    items = np.zeros((len(labels), 28, 28, 1), np.uint8)
    items[:, 0, 0, 0] = labels
    return items


def test_a_missing_digit_is_missed_and_the_divergence_is_that_of_the_shares():
    labels = np.arange(90) % 9
    real = drawn.Real(images_of(np.arange(90) % 10), images_of(np.arange(90) % 10), None, ())
    found = drawn.Drawn({"model": images_of(labels), "data": real.others}, real, real.others, Teller())
    (table,) = diverse.diversity(found)
    assert values(table)["digit 9"] == {"model": 0, "data": 0.1}
    assert values(table)["KL to the data's digits"]["model"] == pytest.approx(np.log(10 / 9))
    assert values(table)["KL to the data's digits"]["data"] == 0
    assert "Rarest: 9, 0.0 of 100 samples beside 10.0 real digits" in table.verdicts()[0]


def test_what_the_data_lack_has_an_infinite_divergence():
    assert diverse.kl_to(np.array([0.5, 0.5]), np.array([0.5, 0.5])) == 0
    assert diverse.kl_to(np.array([0.5, 0.5]), np.array([1.0, 0.0])) == float("inf")
    assert diverse.kl_to(np.array([0.25, 0.75]), np.array([0.5, 0.5])) == pytest.approx(
        0.25 * np.log(0.5) + 0.75 * np.log(1.5)
    )


# What was asked for -------------------------------------------------------------------------------------------------


class Told(Recipe):
    """A generator of digits that draws the digit it is told, or always one more."""

    condition, classes = Condition(classes=tuple("0123456789")), list("0123456789")

    def __init__(self, shift):
        super().__init__(None, SimpleNamespace(**{**vars(CONFIG), "condition": "label"}))
        self.shift = shift

    def generate(self, z, told=None):
        return to_float(images_of((told + self.shift) % 10))


@pytest.mark.parametrize("shift, share", [(0, 1.0), (1, 0.0)])
def test_conditional_accuracy_is_the_share_of_what_was_asked(shift, share):
    labels = np.arange(50) % 10
    factors = np.array([(label,) for label in labels], [("label", np.uint8)])
    real = drawn.Real(images_of(labels), images_of(labels), factors, ())
    found = drawn.Drawn({"model": images_of(labels), "data": real.others}, real, real.others, Teller())
    (table,) = asked.obedience(Told(shift), found, 0)
    row = values(table)["conditional accuracy"]
    assert row == {"model": share, "data": 1, "by chance": 0.1}
    assert any("by chance is better" in verdict for verdict in table.verdicts()) == (share == 0)


@pytest.mark.parametrize("obeys", [True, False])
def test_control_by_factors_is_held_against_what_is_read(source, obeys):
    class Asked(Recipe):
        condition = Condition(factors=(Factor("time", 0, 1, True), Factor("haze", 0, 1, False)))

        def generate(self, z, told=None):
            factors = draw_factors(len(z), 21)
            if obeys:
                factors["time"] = (np.arctan2(told[:, 1], told[:, 0]) / (2 * np.pi) + 0.05) % 1  # 72 minutes late
                factors["haze"] = np.clip((told[:, 2] + 1) / 2, 0, 1)
            items = render(factors)
            judge.known |= {item.tobytes(): f for item, f in zip(items, factors, strict=True)}
            return to_float(items)

    found = only(draw_factors(60, 11), source)
    judge = found.judge
    (table,) = asked.obedience(Asked(None), found, 0)
    rows = values(table)
    assert rows["time (R² 1), correlation"]["data"] == pytest.approx(1)
    assert (rows["time (R² 1), correlation"]["model"] > 0.99) == obeys
    assert (rows["time (R² 1), error"]["model"] == pytest.approx(0.05, abs=1e-4)) == obeys  # over midnight too
    assert (rows["haze (R² 1), error"]["model"] < 1e-3) == obeys
    assert rows["haze (R² 1), error"]["mean"] == pytest.approx(0.25, abs=0.05)  # mean distance from the middle


def test_a_whole_factor_is_asked_for_by_whole_numbers(source):
    class Asked(Recipe):
        condition = Condition(factors=(Factor("sea", 0, 1, whole=True),))

        def generate(self, z, told=None):
            assert set(told[:, 0].tolist()) == {-1.0, 1.0}  # land or sea, as it was told in training
            factors = draw_factors(len(z), 21)
            items = render(factors)
            judge.known |= {item.tobytes(): f for item, f in zip(items, factors, strict=True)}
            return to_float(items)

    found = only(draw_factors(60, 11), source)
    judge = found.judge
    (table,) = asked.obedience(Asked(None), found, 0)
    assert "sea (R² 1), correlation" in values(table)


def test_who_is_not_asked_has_no_table(source):
    recipe = Recipe(None)
    recipe.condition = Condition()
    assert asked.obedience(recipe, only(draw_factors(60, 11), source), 0) == []


# Clips --------------------------------------------------------------------------------------------------------------


def test_clips_are_held_against_repeated_frames_and_real_ones():
    fire = effects(40, "fire", size=16, frames=8, seed=0)[0]
    real, others = effects(12, "fire", size=16, frames=8, seed=1)[0], effects(12, "fire", size=16, frames=8, seed=2)[0]
    slow = np.repeat(others[:, ::2], 2, axis=1)
    baselines = drawn.baselines(fire, 12, 3, 0)
    found = drawn.Drawn({"model": slow, "data": others, **baselines}, drawn.Real(real, others, None, ()), fire, None)
    (table,) = moving.movement(found)
    rows = values(table)
    assert set(rows["energy"]) == {"model", "data", "mean clip", "PCA", "repeated frame", "nearest clip"}
    assert rows["energy"]["data"] == 1 and rows["energy"]["repeated frame"] == 0
    assert rows["clips that stand still"]["repeated frame"] == 1 and "repeated frame" not in rows["seam"]
    assert rows["seam"]["data"] == pytest.approx(1, abs=0.2)  # fire comes round
    assert 0.4 < rows["energy"]["model"] < 1 and rows["energy"]["mean clip"] < 0.3
    assert "Samples move" in table.verdicts()[0]


def test_a_clip_that_jumps_back_has_a_seam_and_steps_that_are_all_one_have_no_jerk():
    ramp = np.broadcast_to(40 * np.arange(5, dtype=np.uint8)[None, :, None, None, None], (3, 5, 2, 2, 1))
    back = np.concatenate([ramp, ramp[:, 3:0:-1]], axis=1)
    rows = values(moving.table({"model": ramp, "data": back}))
    assert rows["seam"] == {"model": 4, "data": 1}  # a step of 160 where 40 are usual; there and back again
    assert "model" not in rows["seam of the steps"] and rows["flicker"]["model"] == 0 and rows["energy"]["model"] == 1


def test_the_other_tables_take_clips_too():
    fire = effects(60, "fire", size=16, frames=4, seed=0)[0]
    real, others = (effects(25, "fire", size=16, frames=4, seed=seed)[0] for seed in (1, 2))
    found = drawn.Drawn({"model": fire[:25], "data": others}, drawn.Real(real, others, None, ()), fire, None)
    assert values(copying.copied(found))["exact copies"] == {"model": 1, "data": 0}
    assert "real clips" in close.closeness(found, 0).title and diverse.diversity(found) == []


def test_images_have_no_table_of_movement(source):
    assert moving.movement(measured(source.data.items, source)) == []


# Latents ------------------------------------------------------------------------------------------------------------


def test_principal_codes_are_coordinates_along_the_largest_components():
    rng = np.random.default_rng(0)
    train = rng.normal(size=(50, 2, 3)) * np.array([[5.0, 1, 1], [1, 3, 1]]) + 7
    codes = latents.principal_codes(train, train, 2)
    assert np.abs(codes.mean(axis=0)).max() < 1e-9 and abs(np.corrcoef(codes.T)[0, 1]) < 1e-9
    assert np.abs(np.corrcoef(codes[:, 0], train[:, 0, 0])[0, 1]) > 0.9


def test_a_latent_that_is_a_factor_is_found(source):
    class Vae(Recipe):
        def codes(self, x, classes=None):
            factors = source.held_out.factors
            haze, other = factors["haze"], factors["nuisance"]
            return np.stack([haze + other, factors["sea"], haze - other], axis=1), None

    config = SimpleNamespace(**{**vars(CONFIG), "latent": 3})
    untrained = SimpleNamespace(codes=lambda x, classes=None: (np.random.default_rng(0).normal(size=(80, 3)), None))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(latents, "replace", lambda config, seed: config)
        patch.setitem(latents.RECIPES, "vae", SimpleNamespace(make=lambda config, about: untrained))
        (table,) = latents.disentangled(Vae(None, config), source, Rendered("scenes", 28, 1))
    rows = values(table)
    assert rows["sea, best single one"]["model"] == pytest.approx(1) and rows["sea, best single one"]["PCA"] < 0.9
    assert rows["haze, all latents"]["model"] == pytest.approx(1) and rows["haze, best single one"]["model"] < 0.8
    assert rows["horizon, all latents"]["model"] < 0.3 and rows["haze, all latents"]["untrained encoder"] < 0.3
    wanted = disentanglement(Vae(None).codes(None)[0], {"haze": source.held_out.factors["haze"]})["haze"][0]
    assert rows["haze, all latents"]["model"] == wanted


# The command --------------------------------------------------------------------------------------------------------


def trained(folder, flags):
    """A very small run, without pictures."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop.Loop, "draw", lambda self: None)
        patch.setattr(loop.Loop, "finish", lambda self: None)
        assert command.main([*flags.split(), "--batch", "8", "--pictures", "1", "--out", str(folder)]) == 0
    return sorted(folder.iterdir())[-1]


@pytest.fixture(scope="module")
def gan_run(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("gan"), "gan --width 0.05 --latent 4 --count 60 --steps 2")


def test_a_run_of_the_gan_is_measured_with_everything_that_belongs_to_its_numbers(gan_run, capsys):
    assert evaluate.main([str(gan_run), "--samples", "24"]) == 0
    out = capsys.readouterr().out
    facts = json.loads((gan_run / "evaluation.json").read_text(encoding="utf-8"))
    assert facts["n_real"] == facts["n_fake"] == 24 and facts["step"] == 2 and facts["weights"] == "averaged and raw"
    assert facts["judge"].keys() >= {"hash", "scores", "config_hash", "data_hash", "minigen"}
    assert facts["data"] == "scenes" and facts["data_hash"] == runs.read_config(gan_run)["data_hash"]
    titles = [table["title"] for table in facts["tables"]]
    assert titles == [
        "How close its samples are to real images",
        "Which factors its samples cover",
        "Whether they are what they should be",
        "Whether its samples are copies",
    ]
    rows = {row["name"]: row for table in facts["tables"] for row in table["rows"]}
    columns = {"model", "raw weights", "data", "mean image", "PCA", "copies"}
    assert set(rows["fid_clf"]["values"]) == columns and rows["KID"]["error"] > 0
    assert all(table["verdicts"] for table in facts["tables"]) and "fid_clf is no FID" in out
    assert rows["fid_clf"]["values"]["model"] > 2 * rows["fid_clf"]["values"]["data"]  # after two steps


def test_the_same_seed_measures_the_same_and_the_run_stays_as_it_was(gan_run, capsys):
    before = {path: path.read_bytes() for path in (gan_run / "checkpoints").iterdir()}
    found = []
    for seed in (0, 0, 1):
        assert evaluate.main([str(gan_run), "--samples", "20", "--seed", str(seed)]) == 0
        found.append(json.loads((gan_run / "evaluation.json").read_text(encoding="utf-8"))["tables"])
    assert found[0] == found[1] != found[2]
    assert before == {path: path.read_bytes() for path in (gan_run / "checkpoints").iterdir()}


def test_a_damaged_judge_is_refused_and_nothing_is_measured(gan_run, tmp_path, capsys):
    path = files.path_of(Rendered("scenes", 28, 1), SMALL, tmp_path)
    path.write_bytes(b"nothing")
    assert evaluate.main([str(gan_run), "--cache", str(tmp_path)]) == 2
    assert "damaged or cut short" in capsys.readouterr().err
    with pytest.raises(DataError):
        evaluate.evaluate(evaluate.Options(run=gan_run, cache=tmp_path))


def test_one_sample_is_too_few(gan_run, capsys):
    assert evaluate.main([str(gan_run), "--samples", "1"]) == 2
    assert "--samples 1 must be at least 2" in capsys.readouterr().err


def test_data_without_a_judge_are_measured_by_pixels_and_that_is_said(tmp_path, capsys):
    np.save(tmp_path / "a.npy", scenes(60, seed=3)[0])
    run = trained(tmp_path / "runs", f"gan --width 0.05 --latent 4 --steps 1 --data npz:{tmp_path / 'a.npy'}")
    assert evaluate.main([str(run), "--samples", "30"]) == 0
    out = capsys.readouterr().out
    assert "No judge: nothing is known" in out and "none are held out" in out and "marked, pixels" in out
    assert json.loads((run / "evaluation.json").read_text(encoding="utf-8"))["judge"] is None


def test_a_vae_of_scenes_has_its_own_tables_and_those_of_samples(tmp_path, capsys):
    run = trained(tmp_path, "vae --width 0.05 --latent 3 --count 60 --steps 1")
    assert evaluate.main([str(run), "--samples", "20", "--k", "2", "--items", "8"]) == 0
    out = capsys.readouterr().out
    assert "−ELBO" in out and "Whether its samples are copies" in out and "Which factors its latents hold" in out
    assert "untrained encoder" in out and "raw weights" not in out


def test_a_conditional_gan_is_asked_for_its_classes(tmp_path, capsys):
    run = trained(tmp_path, "gan --width 0.05 --latent 4 --count 60 --steps 1 --condition sea")
    assert evaluate.main([str(run), "--samples", "20"]) == 0
    out = capsys.readouterr().out
    assert "Whether it draws the class it is asked for" in out and "conditional accuracy" in out


def test_verdicts_speak_of_baselines_and_not_of_raw_weights_or_copies():
    row = Row("fid_clf", "", {"model": 5.0, "raw weights": 1.0, "data": 0.1, "PCA": 2.0, "copies": 0.1}, "lower")
    verdicts = drawn.Measured("How close", [row], (), ("First.",)).verdicts()
    assert verdicts[0] == "First." and len(verdicts) == 2 and "PCA is better" in verdicts[1]

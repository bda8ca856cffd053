"""What samples of motion are worth, and single frames of clips: floors, baselines, copies, and what was asked for."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from minigen import evaluate
from minigen.data import draw_motion_factors, motions
from minigen.data.motion import ACTIONS
from minigen.data.motions import open_motion
from minigen.evaluate_samples import asked, close, copying, diverse, drawn, drawn_motion, moving
from minigen.judges import Judge, files, training
from minigen.judges.motion import Motion
from minigen.metrics import diversity as mean_distance
from minigen.metrics import frechet_distance
from minigen.motion import Scaling
from minigen.train import command, loop
from minigen.train.condition import Condition
from minigen.train.sources import Source

SMALL = training.Settings(items=60, tested=40, shown=200, batch=32, widths=(2, 3, 4), features=5, clips=60)
CONFIG = SimpleNamespace(data="motion", window=8, fps=30.0, seed=0, latent=3, condition="none", moves=True)
MOTION = Motion(8)


@pytest.fixture(scope="module", autouse=True)
def small(tmp_path_factory):
    """Judges are small, and kept for this module alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "SETTINGS", SMALL)
        patch.setattr(motions, "HELD_OUT", 40)
        patch.setenv(files.VARIABLE, str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def source():
    return Source(*open_motion("motion", count=300, window=8, seed=0), {})


class Oracle(Judge):
    """A judge of motion that looks factors up: whoever holds it knows which factors a window was made from."""

    hash = "oracle"

    def __init__(self, *known):
        self.subject, self.facts = MOTION, {"scores": {"action": 0.5, **dict.fromkeys(list(MOTION.ranges)[1:], 0.25)}}
        self.known = {x.tobytes(): f for items, fs in known for x, f in zip(items, fs, strict=True)}

    def outputs(self, items):
        return MOTION.targets(np.array([self.known[x.tobytes()] for x in items]))

    def features(self, items):
        return self.outputs(items).astype(float)


class Recipe:
    """A generator that returns given windows one after another."""

    classes: tuple[str, ...] = ()

    def __init__(self, items, source, config=CONFIG):
        self.items, self.config, self.scaling = items, config, Scaling.of(source.data.items, 21)

    def latents(self, n, rng):
        return np.zeros((n, 1), np.float32)

    def generate(self, z, told=None):
        return self.items[np.arange(len(z)) % len(self.items)]


def measured(items, source, count=60, judge=None):
    return drawn_motion.draw_motion(Recipe(items, source), source, count, 0, judge)


def values(table):
    return {row.name: row.values for row in table.rows}


# What is measured ---------------------------------------------------------------------------------------------------


def test_every_column_has_as_many_windows_and_real_ones_are_of_two_other_seeds(source):
    found = measured(MOTION.draw(60, 5)[0], source)
    assert set(found.columns) == {"model", "data", "mean pose", "first frame", "PCA", "copies"}
    assert {(x.shape, x.dtype.name) for x in found.columns.values()} == {((60, 8, 130), "float32")}
    assert np.array_equal(found.columns["model"], MOTION.draw(60, 5)[0])
    assert np.array_equal(found.real.reference, MOTION.draw(60, 1)[0])
    assert np.array_equal(found.real.others, MOTION.draw(60, 2)[0])
    assert found.word == "window" and found.real.factors["action"].tolist() == MOTION.draw(60, 2)[1]["action"].tolist()


def test_baselines_are_the_mean_a_held_pose_the_principal_components_and_training_windows(source):
    train, scaling = source.data.items, Scaling.of(source.data.items, 21)
    others = MOTION.draw(50, 2)[0]
    found = drawn_motion.baselines(train, others, 50, 3, 0, scaling)
    assert found["mean pose"] == pytest.approx(np.broadcast_to(train.mean(axis=(0, 1)), (50, 8, 130)), abs=1e-4)
    assert (found["first frame"] == found["first frame"][:, :1]).all()
    firsts = {x[0].tobytes() for x in others}
    assert {x[0].tobytes() for x in found["first frame"]} == firsts
    known = {x.tobytes() for x in train}
    assert all(x.tobytes() in known for x in found["copies"])
    spread = scaling.to_units(found["PCA"]).reshape(50, -1)
    assert np.linalg.matrix_rank(spread - spread.mean(axis=0), tol=0.1) == 3  # float32 adds less than that
    assert "PCA" not in drawn_motion.baselines(train[:3], others, 50, 3, 0, scaling)


def test_windows_of_files_are_split_by_chance_and_it_is_said_that_they_overlap():
    learnt, _ = open_motion("motion", count=90, window=8, seed=0)
    held = learnt.take(np.arange(50, 90))
    config = SimpleNamespace(**{**vars(CONFIG), "data": "bvh:mocap"})
    real = drawn.real_items(config, Source(learnt.take(np.arange(50)), held, {}), 60, 0)
    both = np.concatenate([real.reference, real.others])
    assert sorted(x.tobytes() for x in both) == sorted(x.tobytes() for x in held.items)
    assert real.factors is None and len(real.notes) == 1
    overlapping = motions.replace(held, takes=np.zeros(40, int))
    real = drawn.real_items(config, Source(learnt, overlapping, {}), 60, 0)
    assert real.notes[1].startswith("Windows of one take overlap")
    few = drawn.real_items(config, Source(learnt, held.take(np.arange(39)), {}), 20, 0)
    assert "of the training itself, since only 39 are held out" in few.notes[0] and len(few.within) == 40


# How close, how varied, whether copies ------------------------------------------------------------------------------


def test_other_real_motion_is_as_close_as_the_floor_and_a_held_pose_is_far(source):
    judge = training.learn(MOTION, training.Settings(clips=300, tested=60, shown=4000, widths=(8,), features=12))
    table = close.closeness(measured(MOTION.draw(200, 5)[0], source, 200, judge), 0)
    found = values(table)
    assert list(found) == ["fid_clf", "KID", "1-NN accuracy, real", "1-NN accuracy, fake"]
    away = found["fid_clf"]
    real = max(away["model"], away["data"], away["copies"])  # of 200 each, whose actions are not equally many
    assert real < 0.2 * away["PCA"] and real < 0.1 * away["mean pose"]  # a pose held for 8 frames hardly differs
    assert found["1-NN accuracy, fake"]["model"] == pytest.approx(0.5, abs=0.15)  # 4 standard errors of 200
    assert "real windows" in table.title and any("actions told right:" in note for note in table.notes)


def test_what_the_judge_is_worth_is_said_of_actions_and_of_factors(source):
    known = [MOTION.draw(60, seed) for seed in (1, 2, 5)]
    columns = {"model": known[2][0], "data": known[1][0]}
    found = drawn_motion.DrawnMotion(
        columns, drawn.Real(known[0][0], known[1][0], None, ()), known[2][0], Oracle(*known),
        scaling=Scaling.of(known[0][0], 21), labels=None, components=3,
    )  # fmt: skip
    assert "actions told right: 0.500; R² of the factors it reads, on average: 0.250." in " ".join(
        close.closeness(found, 0).notes
    )


def test_motion_without_a_judge_is_compared_by_scaled_features_and_that_is_said(source):
    found = measured(MOTION.draw(60, 5)[0], source)
    table = close.closeness(found, 0)
    units = Recipe(None, source).scaling.to_units(found.columns["model"])
    assert np.array_equal(found.features["model"], units.reshape(60, -1))
    assert set(values(table)) == {"KID", "1-NN accuracy, real", "1-NN accuracy, fake"}
    assert any(note.startswith("No judge: that of motion knows built-in motion alone") for note in table.notes)
    (apart,) = diverse.diversity(found)
    assert "mean distance, scaled features" in apart.rows[0].unit and moving.movement(found) == []


def test_one_window_again_and_again_has_no_diversity_and_real_ones_have_the_datas(source):
    known = [MOTION.draw(60, seed) for seed in (1, 2, 5)]
    for items, ratio in ((known[2][0][:1], 0.0), (known[1][0], 1.0)):
        found = drawn_motion.DrawnMotion(
            {"model": np.resize(items, (60, 8, 130)), "data": known[1][0]},
            drawn.Real(known[0][0], known[1][0], None, ()), source.data.items, Oracle(*known),
            scaling=Scaling.of(known[0][0], 21), labels=None, components=3,
        )  # fmt: skip
        apart, factors = diverse.diversity(found)
        row = values(apart)["diversity"]
        assert row["model"] == pytest.approx(ratio * row["data"])
        assert row["data"] == pytest.approx(mean_distance(MOTION.targets(known[1][1]).astype(float)))
        assert f"Samples are {'1' if ratio else '0'} times as far" in apart.verdicts()[0]
        assert values(factors)["action (share told right 0.500), bins"]["model"] == (1 if ratio else 0.2)
        assert "speed (R² 0.250), KL" in values(factors)


def test_training_windows_handed_out_are_exposed_and_new_ones_are_no_copies(source):
    table = copying.copied(measured(source.data.items[::5], source))
    assert values(table)["exact copies"]["model"] == values(table)["marked, scaled features"]["model"] == 1
    assert "100 of 100 samples are exact copies" in table.verdicts()[0]
    assert table.rows[0].unit == "deviations, median"
    table = copying.copied(measured(MOTION.draw(60, 5)[0], source))
    assert values(table)["marked, scaled features"]["model"] < 0.1 and values(table)["exact copies"]["model"] == 0
    assert "There is no sign that it copies." in table.verdicts()[0]
    table = copying.copied(measured(source.data.items[::5] + np.float32(1e-4), source))
    assert table.verdicts()[0].startswith("It repeats what it learnt from, or nearly so.")  # no picture to look at


# What was asked for -------------------------------------------------------------------------------------------------


class Told(Recipe):
    """A generator of windows of the action that it is told, or always of the next one."""

    condition, classes = Condition(classes=tuple(sorted(ACTIONS))), sorted(ACTIONS)

    def __init__(self, source, known, shift):
        super().__init__(None, source, SimpleNamespace(**{**vars(CONFIG), "condition": "action"}))
        self.known, self.shift = known, shift

    def generate(self, z, told=None):
        told = np.arange(len(z)) % 5 if told is None else told
        items, factors = self.known
        names = np.array(ACTIONS)[factors["action"]]
        wanted = np.array(self.classes)[(told + self.shift) % 5]
        return np.stack([items[np.flatnonzero(names == name)[k % 5]] for k, name in enumerate(wanted)])


@pytest.mark.parametrize("shift, share", [(0, 1.0), (1, 0.0)])
def test_actions_are_told_as_they_were_asked_for(source, shift, share):
    known = [MOTION.draw(100, seed) for seed in (1, 2, 5)]
    recipe = Told(source, known[2], shift)
    found = drawn_motion.draw_motion(recipe, source, 100, 0, None)
    found.columns = {"model": found.columns["model"], "data": found.columns["data"]}
    every = found.handed_out(np.array(recipe.classes)[np.arange(100) % 5], 0)
    assert set(every) == {"mean pose", "first frame", "PCA", "copies"}
    labelled = {name: draw_motion_factors(100, 9) for name in every}
    for factors in labelled.values():
        factors["action"] = [ACTIONS.index(recipe.classes[k % 5]) for k in range(100)]
    found.judge = Oracle(*known, *((every[name], labelled[name]) for name in every))
    (table,) = asked.obedience(recipe, found, 0)
    rows = values(table)
    assert rows["conditional accuracy"]["model"] == share and rows["conditional accuracy"]["by chance"] == 0.2
    assert rows["conditional accuracy"]["data"] == rows["conditional accuracy"]["copies"] == 1
    away, real = rows["fid_clf of what is asked for"], MOTION.targets(known[0][1]).astype(float)
    assert away["data"] == pytest.approx(frechet_distance(real, MOTION.targets(known[1][1]).astype(float)))
    assert away["model"] != away["PCA"] and set(away) == {"model", "data", *every}
    within = rows["diversity within one action"]
    assert set(within) == {"model", "data", *every}
    truth = known[1][1]
    by_action = [mean_distance(MOTION.targets(truth[truth["action"] == k]).astype(float)) for k in range(5)]
    assert within["data"] == pytest.approx(np.mean(by_action))


def test_what_is_handed_out_is_of_the_class_asked_for(source):
    recipe = Told(source, MOTION.draw(100, 5), 0)
    found = drawn_motion.draw_motion(recipe, source, 50, 0, None)
    names = np.array(recipe.classes)[np.arange(50) % 5]
    every = found.handed_out(names, 0)
    known = {x.tobytes(): label for x, label in zip(source.data.items, source.data.labels["action"], strict=True)}
    assert [known[x.tobytes()] for x in every["copies"]] == names.tolist()
    idle = source.data.items[source.data.labels["action"] == "idle"]
    assert every["mean pose"][names == "idle"][0, 0] == pytest.approx(idle.mean(axis=(0, 1)), abs=1e-4)
    found.components = 1000  # more than there are windows of a class
    assert set(found.handed_out(names, 0)) == {"mean pose", "first frame", "copies"}


# Single frames of clips ---------------------------------------------------------------------------------------------


class Sight:
    """A judge that sees whatever an item shows, as some of its pixels."""

    reads_factors, scores, hash, facts = False, {"accuracy": 1.0}, "sight", {}

    def features(self, items):
        return items.reshape(len(items), -1).astype(float)


def test_clips_of_the_right_frames_in_the_wrong_order_are_told_by_clips_and_not_by_frames():
    rng = np.random.default_rng(0)
    ramp = np.arange(3)[:, None, None, None] * 60
    real, others, training_clips = (
        (ramp + rng.integers(0, 60, (40, 3, 2, 1, 1))).astype(np.uint8) for _ in range(3)
    )  # grow brighter
    backwards = real[:, ::-1]
    columns = {"model": backwards, "data": others}
    found = drawn.Drawn(columns, drawn.Real(real, others, None, ()), training_clips, Sight(), Sight())
    table = close.closeness(found, 0)
    rows = values(table)
    assert rows["fid_clf of frames"]["model"] == pytest.approx(0, abs=1e-6)  # the very same frames
    assert rows["fid_clf"]["model"] > 50 * rows["fid_clf"]["data"] > 0
    assert rows["fid_clf of frames"]["data"] > 0 and "all 120 single frames" in " ".join(table.notes)


# The command --------------------------------------------------------------------------------------------------------


def trained(folder, flags):
    """A very small run, without pictures."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop.Loop, "draw", lambda self: None)
        patch.setattr(loop.Loop, "finish", lambda self: None)
        flags += " --width 0.05 --latent 3 --batch 8 --steps 1 --pictures 1"
        assert command.main([*flags.split(), "--out", str(folder)]) == 0
    return sorted(folder.iterdir())[-1]


def evaluated(run, capsys, *flags):
    """(what was printed, evaluation.json)."""
    assert evaluate.main([str(run), *flags]) == 0
    return capsys.readouterr().out, json.loads((run / "evaluation.json").read_text(encoding="utf-8"))


def test_a_vae_of_motion_told_of_actions_is_measured_whole(tmp_path, capsys):
    run = trained(tmp_path, "vae --data motion --window 8 --count 60 --condition action")
    out, facts = evaluated(run, capsys, "--samples", "30", "--k", "2", "--items", "10")
    titles = [table["title"] for table in facts["tables"]]
    assert titles[-5:] == [
        "How close its samples are to real windows",
        "How varied its samples are",
        "Which factors its samples cover",
        "Whether its samples are copies",
        "Whether it draws the class it is asked for",
    ]
    rows = {row["name"]: row["values"] for table in facts["tables"][-5:] for row in table["rows"]}
    columns = {"model", "data", "mean pose", "first frame", "PCA", "copies"}
    assert set(rows["fid_clf"]) == set(rows["diversity"]) == set(rows["diversity within one action"]) == columns
    assert set(rows["conditional accuracy"]) == columns | {"by chance"}
    assert facts["judge"]["data"] == "motion" and facts["samples"] == facts["n_real"] == 30
    assert "fid_clf is no FID" in out and "judge_of_frames" not in facts


def test_a_gan_of_clips_is_measured_by_clips_and_by_frames(tmp_path, capsys):
    run = trained(tmp_path, "gan --data effects:fire --frames 8 --size 32 --count 20")
    out, facts = evaluated(run, capsys, "--samples", "12")
    rows = {row["name"]: row["values"] for table in facts["tables"] for row in table["rows"]}
    assert set(rows["fid_clf"]) == set(rows["fid_clf of frames"])
    assert facts["judge_of_frames"]["shape"] == [32, 32, 1] and facts["judge"]["shape"] == [8, 32, 32, 1]
    assert facts["judge_of_frames"]["hash"] in out and facts["judge"]["hash"] in out

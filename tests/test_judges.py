"""Judges: what they are taught, that they learn it, how they are kept, and which files are refused."""

import gzip
import json
from dataclasses import replace

import numpy as np
import pytest

import minigen
from minigen import backend, judges
from minigen.data import MOTION_RANGES, RANGES, draw_motion_factors, scenes, to_float
from minigen.data.motion import ACTIONS
from minigen.data.motions import open_motion
from minigen.errors import DataError, SettingError, ShapeError
from minigen.judges import command, files, training
from minigen.judges.motion import Motion
from minigen.judges.network import JudgeNetwork, MotionNetwork
from minigen.judges.subjects import SEED, Digits, Lesson, Rendered
from minigen.motion import Scaling

SMALL = training.Settings(items=300, tested=100, shown=600, batch=32, widths=(2, 4, 4, 8), features=8, clips=40)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(training, "SETTINGS", SMALL)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A folder with a small judge of scenes."""
    folder = tmp_path_factory.mktemp("judges")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "SETTINGS", SMALL)
        judges.judge_of("scenes", 28, 1, cache=folder)
    return folder


@pytest.fixture
def digits(tmp_path):
    """A folder of MNIST's four files with a few easy digits: a bright row at a height that tells the digit."""
    rng = np.random.default_rng(0)
    for part, count in (("train", 120), ("t10k", 60)):
        labels = (np.arange(count) % 10).astype(np.uint8)
        images = rng.integers(0, 60, (count, 28, 28)).astype(np.uint8)
        images[np.arange(count), 2 + 2 * labels] = 255
        for name, array in (("images-idx3", images), ("labels-idx1", labels)):
            head = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
            (tmp_path / f"{part}-{name}-ubyte.gz").write_bytes(gzip.compress(head + array.tobytes()))
    return tmp_path


# What is taught -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("subject", [Rendered("scenes", 28, 1), Rendered("effects:explosion", 28, 1), Motion(8)])
def test_what_is_to_be_said_gives_back_the_factors(subject):
    _, factors = subject.draw(50, 3)
    said = subject.targets(factors)
    assert said.dtype == np.float32 and said.shape == (50, subject.outputs) and np.abs(said).max() <= 1
    for name, values in subject.values(said).items():
        assert values == pytest.approx(factors[name].astype(float), abs=1e-6)  # float32 of numbers below 1


def test_midnight_comes_after_midnight_in_what_is_taught():
    subject = Rendered("scenes", 28, 1)
    factors = subject.draw(2, 3)[1]
    factors["time"] = 0.999, 0.001
    one, two = subject.targets(factors)[:, :2]
    assert np.abs(one - two).max() < 0.02


def test_what_cannot_be_seen_is_neither_taught_nor_examined():
    subject = Rendered("scenes", 28, 1)
    lesson = subject.lesson(200)
    column = [name for name, _ in subject.columns].index("lit")
    assert 0.1 < lesson.counted[:, column].mean() < 0.6  # by day no window is lit
    wrong = lesson.targets.copy()
    wrong[lesson.counted == 0] = 1 - wrong[lesson.counted == 0]
    assert subject.scores(wrong, lesson)["lit"] == pytest.approx(1, abs=1e-9)


def test_items_to_learn_from_are_neither_those_of_the_exam_nor_of_small_seeds():
    subject = Rendered("scenes", 28, 1)
    learnt, asked = subject.lesson(20).items, subject.exam(20).items
    others = np.concatenate([asked, *(scenes(20, seed=seed)[0] for seed in range(4))])
    assert not (learnt[:, None] == others[None]).all(axis=(2, 3, 4)).any()
    assert np.array_equal(learnt, scenes(20, seed=SEED)[0])


def test_effects_are_taught_by_what_they_show():
    assert list(Rendered("effects:rain", 32, 1).ranges) == ["amount", "size", "wind", "speed", "turbulence"]
    assert Rendered("effects:fire", 32, 1, frames=16).draw(2, 0)[0].shape == (2, 16, 32, 32, 1)
    assert Rendered("effects:fire", 32, 3).draw(2, 0)[0].shape == (2, 32, 32, 3)


def test_records_render_again_what_was_read():
    subject = Rendered("scenes", 28, 1)
    items, factors = subject.draw(6, 4)
    for i in range(6):
        again = subject.render(subject.records({n: factors[n] for n in subject.ranges}, factors["nuisance"][i]))[i]
        assert np.array_equal(again, items[i])


def test_a_score_is_1_for_the_truth_and_0_for_the_mean():
    subject = Rendered("scenes", 28, 1)
    exam = subject.exam(400)
    assert min(subject.scores(exam.targets, exam).values()) == pytest.approx(1)
    used = (exam.targets * exam.counted).sum(axis=0) / exam.counted.sum(axis=0)
    scores = subject.scores(np.broadcast_to(used, exam.targets.shape), exam)
    assert [scores[name] for name in scores if name != "time"] == pytest.approx([0] * (len(scores) - 1), abs=1e-6)


def test_motion_is_taught_as_runs_learn_it_from_windows_that_no_run_learns_from():
    items, factors = Motion(16).draw(6, 3)
    learnt, _ = open_motion("motion", count=6, window=16, seed=3)
    assert items.dtype == np.float32 and items.shape[1:] == Motion(16).item
    assert items == pytest.approx(learnt.items, abs=1e-5)  # the carrier's mean of other clips differs by rounding
    assert np.array_equal(np.array(ACTIONS)[factors["action"]], learnt.labels["action"])
    assert np.array_equal(Motion(16).lesson(6).items, Motion(16).draw(6, SEED)[0])
    assert not np.array_equal(Motion(16).exam(6).items, Motion(16).lesson(6).items)


def test_motions_of_many_clips_are_those_of_few(monkeypatch):
    monkeypatch.setattr("minigen.judges.motion.AT_ONCE", 4)
    assert np.array_equal(Motion(8).draw(10, 3)[0][:6], Motion(8).draw(6, 3)[0])


def test_long_windows_are_fewer_to_learn_from(monkeypatch):
    monkeypatch.setattr("minigen.judges.motion.LEARNT_FROM", 5)
    monkeypatch.setattr("minigen.judges.motion.MOST", 80)
    assert [len(Motion(frames).lesson(8).items) for frames in (8, 10, 12, 40)] == [8, 8, 6, 5]


def test_actions_are_told_by_classes_and_the_rest_by_numbers():
    subject = Motion(8)
    factors = draw_motion_factors(40, 3)
    said = subject.targets(factors)
    assert subject.outputs == said.shape[1] == 5 + 5 + 2  # actions; five factors; phase as cosine and sine
    assert np.array_equal(said[:, :5].argmax(axis=1), factors["action"]) and (said[:, :5].sum(axis=1) == 1).all()
    assert subject.names("action", np.array([1.0, 3.0])).tolist() == ["walk", "jump"]
    exam = Lesson(np.zeros((40, 8, 130), np.float32), said, np.ones_like(said))
    scores = subject.scores(said, exam)
    assert scores.keys() == MOTION_RANGES.keys() - {"nuisance"} and min(scores.values()) == pytest.approx(1)
    wrong = said.copy()
    wrong[:10, :5] = np.roll(said[:10, :5], 1, axis=1)
    assert subject.scores(wrong, exam)["action"] == 0.75  # 10 of 40


def test_the_loss_of_motion_is_the_entropy_of_actions_and_the_squares_of_numbers():
    subject = Motion(8)
    told = subject.targets(draw_motion_factors(40, 3))
    ones = np.ones_like(told)
    nothing = minigen.tensor(np.zeros_like(told))
    expected = np.log(5) + (told[:, 5:].astype(float) ** 2).mean()  # all actions alike, all numbers 0
    assert float(subject.loss(nothing, told, ones).data) == pytest.approx(expected, rel=1e-5)  # float32
    sure = np.concatenate([50 * told[:, :5], told[:, 5:]], axis=1)
    assert float(subject.loss(minigen.tensor(sure), told, ones).data) == pytest.approx(0, abs=1e-6)


# How it learns ------------------------------------------------------------------------------------------------------


def test_actions_are_learnt_and_told():
    few = training.Settings(clips=200, tested=60, shown=2400, batch=32, widths=(4, 8, 8), features=16)
    learnt, idle = (training.learn(Motion(16), replace(few, learning_rate=rate)) for rate in (2e-3, 1e-9))
    assert learnt.scores["action"] > 0.9 and idle.scores["action"] < 0.6  # chance is 0.2
    assert learnt.facts["baseline"]["action"] > 0.8 and learnt.facts["learnt_from"] == 200
    assert 0 < learnt.scores["lean"] < 1 and idle.scores["lean"] < 0.1
    items, factors = Motion(16).draw(30, 4)
    told = learnt.factors(items)
    assert (told["action"] == factors["action"]).mean() > 0.8 and learnt.reads_factors


@pytest.mark.parametrize("frames, last", [(8, 8), (24, 6), (64, 8), (128, 8), (200, 13)])
def test_networks_of_motion_end_at_8_frames_or_so(frames, last):
    scaling = Scaling.of(np.random.default_rng(0).normal(size=(4, 8, 10)).astype(np.float32), 1)
    network = MotionNetwork(
        frames, 10, 5, scaling=scaling, widths=(2, 3, 4, 6), features=7, rng=backend.generator(0)
    ).eval()
    x = np.zeros((2, frames, 10), np.float32)
    assert network(x).shape == (2, 5) and network.features(x).shape == (2, 7)
    assert network.body.layers[-2].weight.shape[0] == last * (6 if frames > 8 else 10)


def test_motion_is_seen_scaled_and_what_never_moves_is_not_seen():
    rng = np.random.default_rng(0)
    items = rng.normal(size=(20, 8, 10)).astype(np.float32) * np.arange(1, 11, dtype=np.float32)
    items[..., 7] = 3
    scaling = Scaling.of(items, 1)
    network = MotionNetwork(8, 10, 5, scaling=scaling, widths=(), features=4, rng=backend.generator(0)).eval()
    moved = items.copy()
    moved[..., 7] += 100
    assert np.array_equal(network(items).data, network(moved).data)
    units = np.insert(scaling.to_units(items), 7, 0, axis=-1).reshape(20, -1)
    dense = network.body.layers[-2]
    hidden = units @ dense.weight.data + dense.bias.data
    expected = np.where(hidden > 0, hidden, 0.1 * hidden)
    assert network.features(items).data == pytest.approx(expected, abs=1e-4)  # float32 of sums of 80


def test_a_linear_model_learns_what_is_linear():
    rng = np.random.default_rng(0)
    items = rng.integers(0, 256, (300, 3, 3, 1)).astype(np.uint8)
    targets = (items.reshape(300, 9) / 255.0) @ rng.normal(size=(9, 2)) + 5
    learnt, asked = (Lesson(items[part], targets[part], np.ones((150, 2))) for part in (slice(150), slice(150, None)))
    subject = Rendered("scenes", 28, 1)
    assert training.linear(subject, learnt, asked, strength=1e-9) == pytest.approx(asked.targets, abs=1e-5)
    mean = np.broadcast_to(learnt.targets.mean(axis=0), (150, 2))
    assert training.linear(subject, learnt, asked, strength=1e9) == pytest.approx(mean, abs=1e-5)  # all is the ridge


def test_digits_are_learnt_and_told(digits, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "SETTINGS", training.Settings(shown=3000, widths=(4, 8, 8), features=16))
    judge = judges.judge_of(f"mnist:{digits}", 28, 1, cache=tmp_path / "judges")
    assert judge.scores["accuracy"] > 0.9 and judge.facts["tested_on"] == 60  # rows of light: learnt within seconds
    exam = judge.subject.exam(60)
    assert (judge.labels(exam.items) == np.arange(60) % 10).mean() == judge.scores["accuracy"]
    assert judge.classes == list("0123456789") and not judge.reads_factors
    assert judge.facts["baseline"]["accuracy"] > 0.5


def test_digits_that_runs_learn_from_are_spared_where_there_are_enough(monkeypatch, digits):
    monkeypatch.setattr("minigen.judges.subjects.SPARED", 50)
    lesson = Digits(str(digits), 28, 1).lesson(1000)
    assert len(lesson.items) == 70 and lesson.targets[0].argmax() == 0  # item 50 of 0 … 9, 0 …


def test_learning_lowers_the_error_of_factors():
    subject = Rendered("scenes", 28, 1)
    few = training.Settings(items=400, tested=200, shown=4000, widths=(4, 8, 8), features=16)
    learnt, idle = (training.learn(subject, replace(few, learning_rate=rate)).scores for rate in (2e-3, 1e-9))
    for name in ("sea", "horizon"):
        assert learnt[name] > 0.1 > 0 > idle[name]  # 1 is perfect, 0 the mean


def test_the_same_settings_give_the_same_judge():
    subject = Rendered("effects:fire", 28, 1)
    one, two = (training.learn(subject, SMALL) for _ in range(2))
    assert one.hash == two.hash and one.scores == two.scores


@pytest.mark.parametrize("side, last", [(28, 4), (32, 4), (64, 4)])
def test_networks_end_at_4_by_4_whatever_the_side(side, last):
    network = JudgeNetwork(side, 3, 5, widths=(2, 3, 4, 6), features=7, rng=backend.generator(0))
    x = np.zeros((2, side, side, 3), np.float32)
    assert network(x).shape == (2, 5) and network.features(x).shape == (2, 7)
    assert network.body.layers[-2].weight.shape[0] == last * last * 6


def test_a_clip_is_read_whole_and_in_order():
    network = JudgeNetwork(28, 1, 3, frames=4, widths=(2, 2, 2), features=4, rng=backend.generator(0)).eval()
    clips = to_float(Rendered("effects:fire", 28, 1, frames=4).draw(2, 0)[0])
    assert network(clips).shape == (2, 3)
    images = JudgeNetwork(28, 4, 3, widths=(2, 2, 2), features=4, rng=backend.generator(0)).eval()
    beside = np.concatenate([clips[:, t] for t in range(4)], axis=-1)  # frames as channels
    assert np.allclose(network(clips).data, images(beside).data, atol=1e-6)
    assert not np.allclose(network(clips).data, network(clips[:, ::-1].copy()).data)


def test_clips_that_come_round_are_begun_anywhere_and_an_explosion_is_not():
    clips = np.arange(4 * 6, dtype=np.uint8).reshape(4, 6, 1, 1, 1)
    turned = training.begun_anywhere(clips, np.random.default_rng(3))
    starts = turned[:, 0, 0, 0, 0] - 6 * np.arange(4)
    assert len(set(starts.tolist())) > 1
    for clip, found, start in zip(clips, turned, starts, strict=True):
        assert np.array_equal(found, np.roll(clip, -start, axis=0))
    assert Rendered("effects:fire", 28, 1, frames=4).loops and not Rendered("effects:explosion", 28, 1, frames=4).loops
    assert not Rendered("effects:fire", 28, 1).loops and not Rendered("scenes", 28, 1).loops


def test_a_judge_reads_on_every_backend_and_answers_on_the_host(xp):
    subject = Rendered("scenes", 28, 1)
    network = JudgeNetwork(28, 1, subject.outputs, widths=(2, 2, 2), features=4, rng=backend.generator(0))
    judge = judges.Judge(subject, network, {})
    items = scenes(3, seed=1)[0]
    assert type(judge.features(items)) is np.ndarray and judge.features(items).dtype == np.float64
    assert np.allclose(judge.features(items), judge.features(to_float(items)))
    for name, values in judge.factors(items).items():
        low, high = RANGES[name]
        assert values.shape == (3,) and values.min() >= low and values.max() <= high


@pytest.mark.parametrize("subject", [Rendered("effects:rain", 28, 1), Motion(16)])
def test_learning_works_on_every_backend(xp, subject):
    few = training.Settings(items=64, clips=64, tested=32, shown=64, widths=(2, 2, 2), features=4)
    judge = training.learn(subject, few)
    assert set(judge.scores) == set(judge.subject.ranges)
    assert type(judge.features(subject.exam(3).items)) is np.ndarray


def test_an_item_does_not_depend_on_the_others(kept):
    judge = judges.judge_of("scenes", 28, 1, cache=kept)
    items = scenes(9, seed=2)[0]
    assert judge.outputs(items)[:1] == pytest.approx(judge.outputs(items[:1]), abs=1e-5)


def test_items_of_another_shape_are_refused(kept):
    judge = judges.judge_of("scenes", 28, 1, cache=kept)
    with pytest.raises(ShapeError, match=r"judge of scenes: items have shape \(2, 32, 32, 1\)"):
        judge.features(np.zeros((2, 32, 32, 1), np.uint8))


# How it is kept -----------------------------------------------------------------------------------------------------


def test_a_judge_is_trained_once_and_read_afterwards(kept, monkeypatch):
    (path,) = kept.iterdir()
    monkeypatch.setattr(training, "learn", lambda *given: pytest.fail("trained again"))
    judge = judges.judge_of("scenes", 28, 1, cache=kept)
    assert judge.hash == judge.facts["hash"] and "0.5.0" not in judge.hash and path.name.startswith("scenes-28x28x1-")
    facts = judge.facts
    assert {"config_hash", "data_hash", "minigen", "scores", "baseline", "learnt_from"} <= facts.keys()


def test_force_trains_it_anew(kept, monkeypatch):
    called = []
    real = training.learn
    monkeypatch.setattr(training, "learn", lambda *given: called.append(1) or real(*given))
    judges.judge_of("scenes", 28, 1, cache=kept, force=True)
    assert called


def test_other_settings_shapes_and_data_have_files_of_their_own(monkeypatch):
    subjects = [
        Rendered("scenes", 28, 1),
        Rendered("scenes", 32, 1),
        Rendered("scenes", 28, 3),
        Rendered("effects:fire", 28, 1),
    ]
    hashes = {training.config_hash(subject, SMALL) for subject in subjects}
    hashes.add(training.config_hash(subjects[0], training.Settings()))
    assert len(hashes) == 5


def test_the_folder_is_the_users_cache_and_can_be_moved(monkeypatch, tmp_path):
    monkeypatch.setenv(files.VARIABLE, str(tmp_path))
    assert files.folder() == tmp_path / "judges" and files.folder(tmp_path / "mine") == tmp_path / "mine"
    monkeypatch.delenv(files.VARIABLE)
    assert files.folder().parts[-2:] == ("minigen", "judges")


def written(kept, tmp_path, change):
    """A copy of the judge's file in another folder, its header's facts and its arrays changed."""
    from safetensors.numpy import save

    (path,) = kept.iterdir()
    raw = path.read_bytes()
    from safetensors.numpy import load as arrays_of

    length = int.from_bytes(raw[:8], "little")
    facts = json.loads(json.loads(raw[8 : 8 + length])["__metadata__"][files.KEY])
    arrays = arrays_of(raw)
    header = change(facts, arrays) or {files.KEY: json.dumps(facts)}
    (tmp_path / path.name).write_bytes(save(arrays, header))


@pytest.mark.parametrize(
    "change, sentence",
    [
        (lambda facts, arrays: {"minigen": "{}"}, "a safetensors file, but not a judge of minigen"),
        (lambda facts, arrays: {files.KEY: "[]"}, "a safetensors file, but not a judge of minigen"),
        (lambda facts, arrays: facts.pop("scores") and None, "not a judge of minigen"),
        (lambda facts, arrays: facts.update(config_hash="0"), "of other settings"),
        (lambda facts, arrays: facts.update(minigen="0.0.1"), "of another minigen"),
        (lambda facts, arrays: facts.update(data_hash="0"), "learnt from other data than scenes has now"),
        (lambda facts, arrays: arrays.pop("head.bias") is None or None, "its network is not that of a judge of scenes"),
        (lambda facts, arrays: arrays["head.bias"].__iadd__(1) is None or None, "not those that were written"),
    ],
)
def test_foreign_files_are_refused_in_a_sentence(kept, tmp_path, change, sentence):
    written(kept, tmp_path, change)
    with pytest.raises(DataError, match=sentence) as error:
        judges.judge_of("scenes", 28, 1, cache=tmp_path)
    assert "--force" in str(error.value)


@pytest.mark.parametrize("keep", [0, 7, 100, -1])
def test_damaged_files_are_refused_and_stay(kept, tmp_path, keep):
    (path,) = kept.iterdir()
    (tmp_path / path.name).write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match="damaged or cut short"):
        judges.judge_of("scenes", 28, 1, cache=tmp_path)
    assert (tmp_path / path.name).exists()


def test_nothing_is_known_of_files_and_films_and_of_clips_that_are_read(tmp_path):
    for data in ("images:stills", "video:film.mp4", "npz:a.npz"):
        assert judges.judge_of(data, 28, 1, cache=tmp_path) is None
    assert judges.judge_of("video:film.mp4", 28, 1, frames=16, cache=tmp_path) is None
    with pytest.raises(SettingError, match="no such effect"):
        judges.judge_of("effects:fog", 28, 1, cache=tmp_path)


def test_motion_has_a_judge_for_each_length_and_rate_and_bvh_files_have_none(tmp_path):
    hashes = {training.config_hash(Motion(*some), SMALL) for some in ((64, 30), (32, 30), (64, 24), (64, 24.0))}
    assert len(hashes) == 3
    assert judges.subject_of("bvh:mocap", 0, 0, 64) is None
    kind = judges.subject_of("motion", 0, 0, 32, 24)
    assert isinstance(kind, Motion) and kind.item == (32, 130) and kind.fps == 24


def test_a_judge_of_motion_is_kept_with_its_scaling(tmp_path):
    one = judges.judge_of("motion", 0, 0, frames=8, cache=tmp_path)
    two = judges.judge_of("motion", 0, 0, frames=8, cache=tmp_path)
    (path,) = tmp_path.iterdir()
    items = Motion(8).draw(5, 2)[0]
    assert path.name.startswith("motion-8x130-") and one.hash == two.hash == two.facts["hash"]
    assert np.array_equal(one.outputs(items), two.outputs(items)) and one is not two
    with pytest.raises(ShapeError, match=r"judge of motion: items have shape \(5, 4, 130\)"):
        two.features(items[:, :4])


# The command --------------------------------------------------------------------------------------------------------


def test_the_command_trains_a_judge_of_motion(tmp_path, capsys):
    assert command.main(["motion", "--frames", "8", "--cache", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "The judge of motion, 8×130" in out and "share told right" in out and "R²" in out and "arm_swing" in out


def test_the_command_prints_how_good_it_is_beside_a_linear_model(kept, capsys):
    assert command.main(["scenes", "--cache", str(kept)]) == 0
    shown = capsys.readouterr()
    assert "The judge of scenes, 28×28" in shown.out and "linear model" in shown.out and "horizon" in shown.out
    assert "Learnt from 300 items, tested on 100 others." in shown.out


@pytest.mark.parametrize(
    "flags, sentence",
    [
        ("images:stills", "nothing is known of these items that a judge could learn"),
        ("scenes --frames 16", "--frames 16: only effects have clips"),
        ("effects:fog", "there is no such effect"),
    ],
)
def test_the_command_refuses_in_a_sentence(flags, sentence, capsys, tmp_path):
    assert command.main([*flags.split(), "--cache", str(tmp_path)]) == 2
    assert sentence in capsys.readouterr().err

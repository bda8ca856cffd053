"""Training with --graph on the look-alike, which notes what is captured and does it again at every launch."""

import json

import numpy as np
import pytest

import minigen
from minigen import backend, cuda_graph, nn, optim
from minigen.autograd import kernels_off
from minigen.cuda_graph import StepGraph, own_stream
from minigen.data import Batches, motions
from minigen.errors import BackendError
from minigen.train import checkpoint, command, gan, graph, loop, runs, sources
from minigen.train.gan import Config, Gan
from minigen.train.measured import bare, numbers, on_device

from . import lookalike

SMALL = "--latent 4 --count 20 --batch 8 --pictures 1"  # epochs of 8, 8 and 4: the last batch is another size
CAPTURED = {
    "gan": "gan --width 0.05 --dropout 0.3 --ema 0.9 --seed 3",  # in step 19 of seed 0 a number is 0 to rounding, and
    # LeakyReLU bends there: the gradients of two ways to add up then differ by 3 %, after 1e-6 in each step before
    "gan drawn on the device": "gan --width 0.05 --dropout 0.3 --prior uniform --penalty gradient --draws device",
    "gan with a penalty": "gan --width 0.05 --penalty gradient --d-steps 2 --loss hinge --smooth 0",
    "gan told of factors": "gan --width 0.05 --condition time,haze --pack 2 --spectral --penalty r1",
    "gan of clips": "gan --data effects:fire --width 0.05",
    "vae": "vae --width 0.05 --warm-up 9 --free-bits 0.01",
    "vae of black and white": "vae --width 0.05 --likelihood bernoulli --binarise dynamic",
    "vae by halves": "vae --width 0.05 --alternate --decay none",
    "iwae": "vae --model dense --objective iwae --k 3",
    "vae drawn on the device": "vae --width 0.05 --likelihood bernoulli --binarise dynamic --draws device",
}
REFUSED = {
    "gan --width 0.05 --unroll 1": "--unroll takes updates on paper, and a graph would not count them.",
    "gan --data effects:explosion --loop yes --width 0.05": "clips are begun at a frame that is drawn on the host.",
    "vae --data motion --width 0.05": "motion is scaled on the host in every step.",
    "vae --width 0.05 --condition sea": "what the model is told of an item becomes a row on the host in every step.",
}


@pytest.fixture
def train(device, tmp_path, monkeypatch):
    """train("gan …", steps) → the rows of metrics of that run, its checkpoint and its folder; without pictures."""
    monkeypatch.setattr(loop.Loop, "draw", lambda self: None)
    monkeypatch.setattr(loop.Loop, "finish", lambda self: None)
    for place in (sources, motions):
        monkeypatch.setattr(place, "HELD_OUT", 12)

    def run(flags, steps, *, resume=None):
        small = f"--resume {resume}" if resume else f"{SMALL} --out {tmp_path}"
        status = command.main([*f"{flags} {small} --steps {steps} --backend cupy".split()])
        assert status == 0
        folder = resume or max(path for path in tmp_path.iterdir() if path.name[:4].isdigit())
        return runs.read_metrics(folder), checkpoint.load(runs.newest_checkpoint(folder)), folder

    return run


def config_of(folder):
    return json.loads((folder / "config.json").read_text())


def same(found, expected, rounding=2e-5):
    """The same measurements in the steps that both have, and the same state, to rounding."""
    rows, wanted = ({row["step"]: row for row in run[0]} for run in (found, expected))
    for step in rows.keys() & wanted.keys():
        for name in rows[step].keys() - {"seconds", "images_per_second"}:
            np.testing.assert_allclose(rows[step][name], wanted[step][name], rtol=rounding, atol=2e-4, err_msg=name)
    assert found[1].facts["random"] == expected[1].facts["random"]
    assert found[1].facts["place"] == expected[1].facts["place"]
    for name, array in expected[1].arrays.items():
        if array.dtype.kind == "i":
            assert np.array_equal(found[1].arrays[name], array), name
        else:
            np.testing.assert_allclose(found[1].arrays[name], array, rtol=1e-3, atol=2e-4, err_msg=name)


@pytest.mark.parametrize("name", CAPTURED)
def test_a_run_by_a_graph_is_the_run_without_it(train, name, capsys):
    steps = 20 if name == "gan" else 9
    expected = train(CAPTURED[name], steps)
    with lookalike.counted() as counts:
        found = train(f"{CAPTURED[name]} --graph --metrics-every 1", steps)
    said = capsys.readouterr().out
    assert "graph: a step is one CUDA graph; 3 replays gave what 3 steps give\n" in said and "failed" not in said
    whole = sum(len(range(step, steps, 3)) for step in (0, 1))  # two batches of three are of full size
    if name != "gan with a penalty":  # which takes two batches a step
        assert counts.graphs == whole + graph.TIMES
    assert len(found[0]) == steps and config_of(found[2])["graph"] and not config_of(expected[2])["graph"]
    same(found, expected)


@pytest.mark.parametrize("flags", REFUSED)
def test_what_cannot_be_captured_is_trained_without_and_says_why(train, flags, capsys):
    expected = train(flags, 3)
    capsys.readouterr()
    found = train(f"{flags} --graph", 3)
    assert f"capture failed: {REFUSED[flags]} Training goes on without a graph.\n" in capsys.readouterr().out
    assert config_of(found[2])["graph"] is False and [row["step"] for row in found[0]] == [1, 2, 3]
    same(found, expected, 1e-7)


def test_what_the_device_refuses_during_the_capture_is_told_and_leaves_no_trace(train, capsys, monkeypatch):
    expected = train(CAPTURED["gan"], 4)
    plain = Gan.step

    def looks(self, *batches):
        measured = plain(self, *batches)
        float(measured["generator"])
        return measured

    monkeypatch.setattr(Gan, "step", looks)
    found = train(f"{CAPTURED['gan']} --graph", 4)
    said = "capture failed: RuntimeError: the current stream is capturing, so synchronous API calls are disallowed. Tr"
    assert said in capsys.readouterr().out
    same(found, expected, 1e-7)


def test_without_kernels_cupys_own_products_are_refused(train, capsys):
    with kernels_off():
        train(f"{CAPTURED['gan']} --graph", 2)
    said = "capture failed: NotImplementedError: calling cuBLAS API during stream capture is currently unsupported."
    assert said in capsys.readouterr().out


def test_numpy_has_no_graphs(tmp_path, capsys):
    assert command.main(f"gan --graph --out {tmp_path}".split()) == 2
    assert "--graph: NumPy has no graphs. Leave it out, or add --backend cupy." in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
    with pytest.raises(BackendError, match="NumPy computes at once and has no graphs"), own_stream():
        pass


@pytest.mark.parametrize("draws", ["", "--draws device "])
def test_a_run_by_a_graph_goes_on_with_one_or_without(train, draws):
    flags = f"{CAPTURED['gan']} {draws}--graph --metrics-every 1"
    expected = train(flags, 9)
    for more in ("gan --graph --metrics-every 1", "gan"):
        _, _, folder = train(flags, 5)
        same(train(more, 9, resume=folder), expected)


def test_a_line_of_metrics_comes_every_fiftieth_step_and_at_the_end(train, monkeypatch):
    monkeypatch.setattr(graph, "LINE_EVERY", 4)
    monkeypatch.setattr(command, "LINE_EVERY", 4)
    rows, _, _ = train(f"{CAPTURED['gan']} --graph", 10)
    assert [row["step"] for row in rows] == [4, 8, 10]
    assert all(row["images_per_second"] > 0 for row in rows)


def test_a_state_is_remembered_only_where_its_numbers_were_looked_at(train, monkeypatch):
    monkeypatch.setattr(loop, "SNAPSHOT_SECONDS", 0.0)
    kept, plain = [], loop.Loop.keep_state
    monkeypatch.setattr(loop.Loop, "keep_state", lambda self: [plain(self), kept.append(self.recipe.step_count)][0])
    train(f"{CAPTURED['gan']} --metrics-every 4", 10)
    assert kept == [0, 0, 4, 8, 10]  # and before the first step and after the last a checkpoint


def test_a_dry_run_tries_the_graph_too(train, tmp_path, capsys):
    with lookalike.counted() as counts:
        assert command.main(f"{CAPTURED['gan']} {SMALL} --out {tmp_path} --graph --backend cupy --dry-run".split()) == 0
    assert counts.graphs > graph.TIMES and "dry run: nothing was made" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


# One graph by itself --------------------------------------------------------------------------------------------------


def recipe_and_batches(**settings):
    recipe = Gan(Config(width=0.05, latent=4, batch=4, **{"dropout": 0.3, **settings}))
    rng = np.random.default_rng(0)
    return recipe, [rng.uniform(-1, 1, (4, 28, 28, 1)).astype(np.float32) for _ in range(6)]


def stepped(way, between=lambda recipe, i: None):
    """Measurements of six steps, and the state after them; way: "eager" or "graph"."""
    recipe, batches = recipe_and_batches()
    rows = []
    with own_stream():
        of = StepGraph(lambda *given: bare(recipe.step(*given)), [x for _, x in recipe.named_tensors()])
        for i, batch in enumerate(batches):
            between(recipe, i)
            if way == "eager":
                rows.append(numbers(recipe.step(on_device(batch))))
            else:
                rows.append(numbers([of.warm_up, of.capture, of.replay][min(i, 2)](batch)))
        state = recipe.save_state()
    return rows, state


def apart(found, expected):
    """How far measurements, weights and random numbers are apart at most; infinite where random numbers differ."""
    if found[1][1] != expected[1][1]:
        return np.inf
    far = [abs(a[name] - b[name]) for a, b in zip(found[0], expected[0], strict=True) for name in b]
    far += [np.abs(found[1][0][name] - array).max() for name, array in expected[1][0].items()]
    return max(far)


def test_replays_equal_steps(device):
    assert apart(stepped("graph"), stepped("eager")) < 1e-5


@pytest.mark.parametrize("size", [1, 1024])
def test_what_arrives_may_take_several_trays(device, monkeypatch, size):
    monkeypatch.setattr(cuda_graph, "TRAY", size)
    assert apart(stepped("graph"), stepped("eager")) < 1e-5


def assigned_anew(recipe, i):
    if i == 4:
        for _, x in recipe.named_tensors():
            x.data = x.data * 0.5


def test_weights_that_are_assigned_anew_between_replays_are_taken_in(device):
    assert apart(stepped("graph", assigned_anew), stepped("eager", assigned_anew)) < 1e-5


def test_a_step_that_is_captured_again_is_replayed_as_it_is_then(device):
    recipe, batches = recipe_and_batches()
    with own_stream():
        of = StepGraph(lambda *given: bare(recipe.step(*given)), [x for _, x in recipe.named_tensors()])
        of.warm_up(batches[0])
        for batch in batches[1:4]:
            of.capture(batch)
        rows = [numbers(of.replay(batch)) for batch in batches[4:]]
        found = rows, recipe.save_state()
    plain, _ = recipe_and_batches()
    rows = [numbers(plain.step(on_device(batch))) for batch in batches][4:]
    assert apart(found, (rows, plain.save_state())) < 1e-5


def test_a_replay_is_one_launch_and_waits_for_nothing(device):
    recipe, (first, *batches) = recipe_and_batches(ema=0.9)
    with own_stream():
        of = StepGraph(lambda *given: bare(recipe.step(*given)), [x for _, x in recipe.named_tensors()])
        of.warm_up(first)
        of.capture(first)
        with lookalike.no_sync():
            of.replay(first)
            with lookalike.counted() as counts:
                for batch in batches:
                    of.replay(batch)
    N = len(batches)
    assert (counts.graphs, counts.kernels, counts.products, counts.fills) == (N, 0, 0, 0)
    assert counts.uploads == counts.copies == 2 * N  # the batch; and noise, coins and Adam's numbers together


def replaced(name, instead):
    """A mistake in the graph itself."""
    return lambda monkeypatch: monkeypatch.setattr(StepGraph, name, instead)


def stale_noise(monkeypatch):
    """Every arrival stays what it was in the captured step; the host draws all the same."""
    arrival = StepGraph.arrival

    def once(self, make, module):
        place = arrival(self, make, module)
        self._before[-1] = make
        return place

    monkeypatch.setattr(StepGraph, "arrival", once)


def a_frozen_number(monkeypatch):
    """A number of the step goes into the graph as it is."""
    plain = Gan.step

    def step(self, *batches):
        measured = plain(self, *batches)
        return {**measured, "generator": measured["generator"] * (1 + self.step_count)}

    monkeypatch.setattr(Gan, "step", step)


def a_buffer_in_a_new_array(monkeypatch):
    """A step that leaves a running variance in an array it has just made."""
    plain = Gan.step

    def step(self, *batches):
        measured = plain(self, *batches)
        buffer = dict(self.generator.named_tensors())["1.running_var"]
        buffer.data = buffer.data * 0.9
        return measured

    monkeypatch.setattr(Gan, "step", step)


def lost_in_a_new_array(monkeypatch):
    """The same, and a graph that does not bring it back to its place."""
    a_buffer_in_a_new_array(monkeypatch)
    replaced("_settle", lambda self: None)(monkeypatch)


def something_drawn_on_the_host(monkeypatch):
    """A number that is drawn past `backend.arrival`, and decides by how much an image is turned."""
    monkeypatch.setattr(gan, "turned", lambda x, config, rng: minigen.roll(x, int(rng.integers(4)), axis=1))


def a_late_draw_on_the_host(monkeypatch):
    """A number that is drawn past `backend.arrival`, so late that only a fourth step would show it."""
    plain = Gan.step

    def step(self, *batches):
        measured = plain(self, *batches)
        if self.step_count == graph.TIMES - 1:
            self.rng.random()
        return measured

    monkeypatch.setattr(Gan, "step", step)


@pytest.mark.parametrize(
    "plant, said",
    [
        (replaced("_put", lambda self, batches: None), "AnomalyError: the gradient of discriminator"),
        (lost_in_a_new_array, "after 3 steps generator has not changed as by the step itself."),
        (replaced("each_time", lambda self, action: action()), "after 3 steps optimiser_g/steps is 1, and after the"),
        (stale_noise, "in step 2 of a comparison its "),
        (a_frozen_number, "in step 2 of a comparison its generator is"),
        (something_drawn_on_the_host, "in step 2 of a comparison its "),
        (a_late_draw_on_the_host, "it draws other random numbers than the step itself."),
    ],
)
def test_what_is_stale_in_a_replay_is_seen_and_such_a_graph_is_not_used(train, plant, said, monkeypatch, capsys):
    flags = CAPTURED["gan"]
    plant(monkeypatch)
    expected = train(flags, 4)
    capsys.readouterr()
    found = train(f"{flags} --graph", 4)
    assert f"capture failed: {said}" in capsys.readouterr().out and not config_of(found[2])["graph"]
    same(found, expected, 1e-7)


def test_what_a_step_leaves_in_a_new_array_is_brought_back_to_its_place(train, monkeypatch, capsys):
    a_buffer_in_a_new_array(monkeypatch)
    expected = train(CAPTURED["gan"], 6)
    found = train(f"{CAPTURED['gan']} --graph --metrics-every 1", 6)
    assert "capture failed" not in capsys.readouterr().out
    same(found, expected)


def test_a_capture_that_fails_leaves_the_stream_and_the_hooks_as_they_were(device):
    network = nn.Dense(2, 2, rng=minigen.random.generator(0))
    optimiser = optim.SGD(network.parameters(), 0.1)

    def step(x):
        optimiser.update(minigen.grad((network(x) ** 2).sum(), network.parameters()))
        return {}

    x = np.ones((3, 2), np.float32)
    with own_stream():
        of = StepGraph(step, network.parameters())
        of.warm_up(x)
        with pytest.raises(RuntimeError, match="is capturing"):  # SGD waits for the answer whether there is a NaN
            of.capture(x)
        assert not of.stream.is_capturing() and backend._capture is None
        of.warm_up(x)


def test_a_graph_says_what_it_cannot_do(device):
    recipe, batches = recipe_and_batches()
    with own_stream():
        of = StepGraph(lambda *given: bare(recipe.step(*given)), [x for _, x in recipe.named_tensors()])
        with minigen.detect_anomaly(), pytest.raises(BackendError, match="detect_anomaly.. looks at every result"):
            of.capture(batches[0])
        of.warm_up(batches[0])
        of.capture(batches[0])
        with pytest.raises(BackendError, match=r"of shape \(4, 28, 28, 1\) cannot take one of \(3, 28, 28, 1\)"):
            of.replay(batches[0][:3])


@pytest.mark.parametrize("by", ["", "--graph "])
@pytest.mark.parametrize("every", [1, 4])
def test_a_number_that_becomes_none_in_a_replay_ends_the_run_with_a_good_state_saved(
    train, every, by, tmp_path, monkeypatch, capsys
):
    plain = Batches.__next__

    def spoilt(self):
        batch = plain(self)
        return batch * np.nan if (self.epoch, self.index) == (2, 1) else batch

    monkeypatch.setattr(Batches, "__next__", spoilt)
    flags = f"{CAPTURED['gan']} {SMALL} --out {tmp_path} {by}--metrics-every {every} --steps 20 --backend cupy"
    assert command.main(flags.split()) == 2
    said = capsys.readouterr()
    assert "capture failed" not in said.out
    assert " is saved in " in said.err  # step 7 is the first of the third epoch
    if every == 1:
        assert "error: step 7: " in said.err
    else:  # the loss of step 8 is a number, since the optimiser changed nothing: it is the optimiser that tells
        assert "holds a NaN or an infinity at step 7; nothing was changed" in said.err
    (folder,) = tmp_path.iterdir()
    saved = checkpoint.load(runs.newest_checkpoint(folder))
    assert saved.step <= 6 and all(np.isfinite(array).all() for array in saved.arrays.values())

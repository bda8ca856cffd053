"""The page's network in JavaScript is the run's own: every kind of run, every layer, every number of its weights."""

import json
import re

import numpy as np
import pytest

import minigen
from minigen import backend
from minigen.errors import SettingError
from minigen.explorer.carried import carried, drawn, fit_to_show, rows_of, text_of
from minigen.explorer.network import add_layers, program_of
from minigen.explorer.program import Program
from minigen.models.clip_gan_layers import AroundTime, CircularConv3DTranspose, HeldEnds
from minigen.nn import (
    GELU,
    BatchNorm,
    Conv1D,
    Conv1DTranspose,
    Conv2D,
    Conv2DTranspose,
    Conv3D,
    Conv3DTranspose,
    Dense,
    Dropout,
    Flatten,
    LeakyReLU,
    ReLU,
    Reshape,
    Sequential,
    Sigmoid,
    Tanh,
)

from .small_runs import EVERY, every, run

SEEDS = np.array([0, 3, 64])
NETWORK = "const network = networkOf(data); given.rows.map((row) => network(Float32Array.from(row)))"


def largest(a, b):
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    assert np.isfinite(a).all()
    return np.abs(a.reshape(b.shape) - b).max()


@every
def test_in_float32_node_draws_what_the_run_draws(name, page, in_node):
    rows = rows_of(run(name), SEEDS)
    made, wanted = in_node(page(name), NETWORK, rows=rows), drawn(run(name), rows)
    assert wanted.std() > 0.01  # or there would be nothing to compare
    assert largest(made, wanted) < 1e-5  # sums of float32 in another order


@pytest.mark.parametrize("name", ["gan 28", "dense", "motion", "clips", "clips frame by frame"])
def test_in_float16_node_draws_what_the_rounded_network_draws(name, page, in_node):
    rows = rows_of(run(name), SEEDS)
    made = in_node(page(name, "float16"), NETWORK, rows=rows)
    assert largest(made, fit_to_show(run(name), "float16")(rows)) < 1e-5
    moved = largest(made, drawn(run(name), rows))
    # each weight moves by up to 2⁻¹¹ of itself; independent errors of some layers add up to a few times that
    assert 1e-6 < moved < 8 * 2**-11


@pytest.mark.parametrize("name, pauses", [("clips", 3), ("clips frame by frame", 48)])
def test_in_pieces_the_network_draws_the_same(name, pauses, page, in_node):
    code = """
        const network = networkOf(data), row = Float32Array.from(given.row);
        let count = 0;
        const other = network.pieces(row);  // two at a time do not get in each other's way
        for (let run = network.pieces(row), step = run.next(); !step.done; step = run.next()) {
          count += 1;
          other.next();
        }
        [count, other.next().value, network(row)]"""
    row = rows_of(run(name), np.array([5]))[0]
    count, pieces, whole = in_node(page(name), code, row=row)
    assert count >= pauses and pieces == whole


def test_a_clip_that_loops_moves_on_by_a_turn_of_its_smallest_map(page, in_node):
    """Turned by one place of two, the smallest map gives the clip eight frames on: also in JavaScript."""
    code = """
        const steps = data.network.steps, small = [steps[0]], rest = steps.slice(1);
        const numbers = float32Of(data.weights), row = float32Of(data.reference.row);
        const all = (run) => { let step = run.next(); while (!step.done) step = run.next(); return step.value; };
        const map = all(inTurn(small, numbers)(row)), half = map.length / 2;
        const moved = joined([map.subarray(half), map.subarray(0, half)]);
        [map, moved].map((x) => all(inTurn(rest, numbers)(x)))"""
    item, turned = (np.array(x).reshape(16, -1) for x in in_node(page("clips"), code))
    np.testing.assert_allclose(np.roll(item, 8, axis=0), turned, atol=1e-6)
    assert np.abs(item - turned).max() > 0.01


def test_every_half_is_read_as_numpy_reads_it(page, in_node):
    halves = np.arange(65536, dtype=np.uint16).view(np.float16)
    halves = halves[np.isfinite(halves)]
    read = in_node(page("dense"), "float16Of(given.text)", text=text_of(halves, "float16"))
    np.testing.assert_array_equal(np.array(read, np.float32), halves.astype(np.float32))


def test_text_is_little_endian():
    assert text_of(np.array([1.0]), "float16") == "ADw="  # bytes 00 3c
    assert text_of(np.array([1.0])) == "AACAPw=="  # bytes 00 00 80 3f


def layers(rng):
    """Networks of every layer there is a step for, in more ways than today's models use them."""

    def net(*parts):
        network = Sequential(*parts)
        for name, tensor in network.named_tensors():
            if name.endswith(("bias", "beta", "running_mean")):
                tensor.data[...] = rng.normal(size=tensor.shape)
            elif name.endswith(("gamma", "running_var")):
                tensor.data[...] = rng.uniform(0.5, 2, tensor.shape)
        return network.eval()

    return {
        "rows": net(Dense(5, 6, rng=rng), BatchNorm(6), ReLU(), Dropout(0.5, rng=rng), Dense(6, 3, bias=False, rng=rng),
                    Sigmoid()),
        "maps": net(Dense(5, 5 * 4 * 2, rng=rng), Reshape(5, -1, 2), Conv2D(2, 3, (3, 2), stride=(2, 1), padding="same",
                    rng=rng), BatchNorm(3), LeakyReLU(0.3), Conv2D(3, 2, 2, dilation=(1, 2), rng=rng), Flatten(),
                    Dense(8, 2, rng=rng), Tanh()),
        "larger maps": net(Dense(5, 3 * 2 * 2, rng=rng), Reshape(3, 2, 2), Conv2DTranspose(2, 3, (3, 4), stride=(1, 3),
                    padding=((1, 0), (2, 1)), output_padding=(0, 2), dilation=(2, 1), rng=rng)),
        "time": net(Dense(5, 4 * 3, rng=rng), Reshape(4, 3), Sequential(Conv1DTranspose(3, 2, 5, stride=2,
                    padding="same", rng=rng), LeakyReLU(0.2)), Conv1D(2, 2, 3, padding=2, rng=rng)),
        "clips": net(Dense(5, 2 * 3 * 2 * 2, rng=rng), Reshape(2, 3, 2, 2), Conv3DTranspose(2, 3, 4, stride=2,
                    padding="same", bias=False, rng=rng)),
        "a time that goes round": net(Dense(5, 2 * 3 * 2 * 2, rng=rng), Reshape(2, 3, 2, 2),
                    CircularConv3DTranspose(2, 3, rng=rng), LeakyReLU(0.1), AroundTime(),
                    Conv3D(3, 5, 4, stride=2, padding=((0, 0), (1, 1), (1, 1)), rng=rng)),
        "a time of one frame": net(Dense(5, 3 * 2 * 2, rng=rng), Reshape(1, 3, 2, 2),
                    CircularConv3DTranspose(2, 1, bias=False, rng=rng)),
        "a time with ends": net(Dense(5, 3 * 3 * 2 * 6, rng=rng), Reshape(3, 3, 2, 6), HeldEnds(),
                    Conv3DTranspose(6, 7, 4, stride=2, padding=((3, 3), (1, 1), (1, 1)), rng=rng)),
    }  # fmt: skip


@pytest.mark.parametrize("name", [*layers(np.random.default_rng(1))])
def test_every_layer_is_the_same_in_numpy_and_in_node(name, page, in_node):
    rng = np.random.default_rng(1)
    network = layers(rng)[name]
    program = Program(5, (5,))
    add_layers(program, network)
    rows = rng.normal(size=(3, 5)).astype(np.float32)
    wanted = network(minigen.tensor(rows)).numpy()
    assert program.shape == wanted.shape[1:]
    assert largest(program(rows), wanted) < 1e-5
    code = "data.network = given.network; data.weights = given.weights; " + NETWORK
    weights = {"dtype": "float32", "steps": program.steps}
    made = in_node(page("dense"), code, rows=rows, network=weights, weights=text_of(program.numbers))
    assert largest(made, wanted) < 1e-5


def test_averaged_and_raw_weights_are_told_apart_as_the_recipe_says():
    recipe = run("gan 28")
    rows = rows_of(recipe, SEEDS)
    averaged = program_of(recipe)(rows)
    recipe.draw_averaged = False
    try:
        raw = program_of(recipe)(rows)
        assert largest(raw, drawn(recipe, rows)) < 1e-5 and largest(raw, averaged) > 0.01
    finally:
        recipe.draw_averaged = True
    assert largest(averaged, drawn(recipe, rows)) < 1e-5


@pytest.fixture
def on_host(name, page):
    """What the page carries where the run is on the host; asked for before xp, which changes the backend."""
    html = page(name, "float16").read_text(encoding="utf-8")
    return json.loads(re.findall(r'id="data">(.*?)</script>', html)[0])


@pytest.mark.parametrize("name", ["gan of classes", "conv of classes", "motion"])
def test_a_run_on_any_backend_gives_the_same_page(name, on_host, xp):
    recipe = EVERY[name]()
    assert backend.array_module(recipe.named_tensors()[0][1].data) is xp
    made = carried(recipe, fit_to_show(recipe, "float16"), 0, "float16")
    for key in on_host.keys() - {"moved"}:  # by how much a GPU's sums differ from those of the page
        assert json.loads(json.dumps(made[key])) == on_host[key], key
    assert made["moved"] == pytest.approx(on_host["moved"], rel=0.1)


def test_the_run_is_left_as_it_was(page):
    before = run("gan 28").save_state()
    fit_to_show(run("gan 28"), "float16")
    after = run("gan 28").save_state()
    assert all(np.array_equal(before[0][key], after[0][key]) for key in before[0]) and before[1] == after[1]


def test_a_layer_without_a_step_is_refused_by_name():
    with pytest.raises(SettingError, match=r"no JavaScript for GELU\(\); the layers it knows are AroundTime, "):
        add_layers(Program(5, (5,)), Sequential(GELU()))


def test_groups_and_rows_of_rows_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(SettingError, match=r"no JavaScript for groups, as in Conv1D\(2, 2, 3, groups=2\)"):
        add_layers(Program(8, (4, 2)), Conv1D(2, 2, 3, groups=2, rng=rng))
    with pytest.raises(SettingError, match=r"no JavaScript for Dense\(2, 3\) on maps, \(4, 2\); put Flatten"):
        add_layers(Program(8, (4, 2)), Dense(2, 3, rng=rng))


@pytest.mark.parametrize("value, told", [(np.nan, "no numbers"), (70000.0, r"a weight of 7e\+04 is beyond float16")])
def test_weights_that_float16_cannot_hold_are_refused(value, told):
    program = Program(1, (1,), numbers=np.array([value], np.float32))
    with pytest.raises(SettingError, match=told):
        program.rounded("float16")


def test_float32_holds_what_float16_cannot():
    assert Program(1, (1,), numbers=np.array([70000.0], np.float32)).rounded("float32").numbers[0] == 70000

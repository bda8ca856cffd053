"""Optimisers: the right step, in place, all or nothing, and no parameter with two of them."""

import copy
import functools
import subprocess
import sys
import threading

import numpy as np
import pytest

import minigen
from minigen import AnomalyError, DataError, GraphError, Parameter, SettingError, ShapeError, optim
from minigen.models import mlp
from minigen.optim import formulas

METHODS = {
    "sgd": optim.SGD,
    "momentum": functools.partial(optim.SGD, momentum=0.9),
    "nesterov": functools.partial(optim.SGD, momentum=0.9, nesterov=True),
    "adam": optim.Adam,
    "adamw": optim.AdamW,
    "rmsprop": optim.RMSProp,
    "adagrad": optim.Adagrad,
}


def rng(seed=0):
    return minigen.random.generator(seed)


def parameters(dtype=np.float32):
    draws = rng()
    return [
        Parameter(draws.normal(size=shape).astype(dtype), name=name)
        for name, shape in (("w", (3, 4)), ("b", (4,)), ("s", ()))
    ]


def gradients(seed, dtype=np.float32):
    draws = rng(seed)
    return [draws.normal(size=shape).astype(dtype) for shape in ((3, 4), (4,), ())]


# The numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gradient, step", [(1e-4, 9.9990e-4), (1e-8, 5.0e-4), (3.0, 1e-3), (-3.0, -1e-3), (0.0, 0.0)])
def test_adams_first_step_adds_eps_to_the_corrected_root(gradient, step):
    w = Parameter(np.zeros(1))
    optim.Adam([w]).update([np.array([gradient])])
    assert -w.item() == pytest.approx(step, rel=1e-5)


def test_three_steps_of_adam_by_hand():
    w = Parameter(np.array([1.0]))
    adam = optim.Adam([w], 0.1, betas=(0.5, 0.75))
    expected = 1.0
    m = v = 0.0
    for t, g in enumerate((2.0, -1.0, 4.0), start=1):
        adam.update([np.array([g])])
        m, v = 0.5 * m + 0.5 * g, 0.75 * v + 0.25 * g * g
        expected -= 0.1 * (m / (1 - 0.5**t)) / (np.sqrt(v / (1 - 0.75**t)) + 1e-8)
        assert w.item() == pytest.approx(expected, rel=1e-12)


def test_state_starts_at_0():
    for make in METHODS.values():
        state = make(parameters()).state_dict()
        assert all(not a.any() for a in state.values())


def test_sgd_goes_down_the_loss():
    w = Parameter(np.array([0.0]), name="w")
    sgd = optim.SGD([w], 0.1)
    for _ in range(10):
        sgd.update(minigen.grad(((w - 3) * (w - 3)).sum(), [w]))
    assert w.item() == pytest.approx(2.678, abs=1e-3)  # up the loss it would be −15.575


FORMULAS = {
    "sgd": (formulas.sgd, 1, {}),
    "momentum": (formulas.sgd, 1, {"momentum": 0.9}),
    "nesterov": (formulas.sgd, 1, {"momentum": 0.9, "nesterov": True}),
    "adam": (formulas.adam, 2, {"betas": (0.9, 0.999)}),
    "rmsprop": (formulas.rmsprop, 1, {}),
    "adagrad": (formulas.adagrad, 1, {}),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_in_place_is_what_the_formula_says(name):
    formula, count, fixed = FORMULAS[name]
    w = Parameter(rng().normal(size=5))
    made = METHODS[name]([w], 0.1)
    value, state = w.numpy().copy(), [np.zeros(5)] * count
    for t in range(1, 6):
        g = rng(t).normal(size=5) * (np.arange(5) > 0)  # one gradient is always 0
        made.update([g])
        step = {"step": t} if name == "adam" else {}
        value, *state = formula(value, g, *state, learning_rate=0.1, **fixed, **step)
        np.testing.assert_allclose(w.numpy(), value, rtol=1e-12)


@pytest.mark.parametrize("name", FORMULAS)
def test_a_step_unrolled_has_finite_slopes_even_where_a_gradient_is_0(name):
    formula, count, fixed = FORMULAS[name]
    rate = minigen.tensor(0.1, dtype=np.float64, requires_grad=True)
    start = minigen.tensor(np.array([1.0, 5.0]), requires_grad=True)
    w, state = start, [minigen.zeros(2, dtype=np.float64)] * count
    for t in (1, 2):
        loss = (w * w * minigen.tensor(np.array([1.0, 0.0]))).sum()  # a dead unit
        g = minigen.grad(loss, [w], create_graph=True)[0]
        step = {"step": t} if name == "adam" else {}
        w, *state = formula(w, g, *state, learning_rate=rate, **fixed, **step)
    slopes = minigen.grad((w * w).sum(), [start, rate])
    assert all(np.isfinite(s.numpy()).all() for s in slopes)
    assert slopes[0].numpy()[1] == 10


def test_weight_decay_is_a_gradient_except_in_adamw():
    for make, shrunk in ((optim.SGD, 1 - 0.1 * 0.5), (optim.AdamW, 1 - 0.1 * 0.5), (optim.Adam, 1 - 0.1)):
        w = Parameter(np.ones(3))
        make([w], 0.1, weight_decay=0.5).update([np.zeros(3)])
        np.testing.assert_allclose(w.numpy(), shrunk, rtol=1e-7)


@pytest.mark.parametrize("name", METHODS)
def test_zero_gradients_are_finite_and_move_nothing(name):
    made = METHODS[name](ps := parameters(), weight_decay=0.0)
    before = [p.numpy().copy() for p in ps]
    for _ in range(3):
        made.update([np.zeros(p.shape, np.float32) for p in ps])
    assert all((p.numpy() == b).all() for p, b in zip(ps, before, strict=True))


@pytest.mark.parametrize("name", METHODS)
def test_float32_stays_float32(name):
    made = METHODS[name](ps := parameters(), np.float64(0.01), clip_norm=np.float64(0.1))
    for seed in range(3):
        made.update(gradients(seed, np.float64))
    assert {p.dtype for p in ps} == {np.dtype(np.float32)}
    assert {a.dtype for key, a in made.state_dict().items() if key != "steps"} <= {np.dtype(np.float32)}


@pytest.mark.parametrize("name", METHODS)
def test_two_dtypes_live_side_by_side(name):
    one, two = Parameter(np.full(3, 5, np.float32)), Parameter(np.full((2, 2), 5.0))
    three = Parameter(np.full(1, 5, np.float32))
    made = METHODS[name]([one, two, three], 0.1)
    made.update([np.full(3, 1.0), np.full((2, 2), 1.0), np.full(1, 1.0)])
    assert (one.dtype, two.dtype, three.dtype) == (np.float32, np.float64, np.float32)
    assert one.numpy()[0] == three.numpy()[0] == pytest.approx(two.numpy()[0, 0]) and one.numpy()[0] < 5
    state = made.state_dict()
    assert all(state[key].shape == (2, 2) for key in state if key.endswith(".1"))


def test_blocks_change_nothing(monkeypatch):
    results = []
    for block in (3, 1 << 20):
        monkeypatch.setattr(optim.flat, "BLOCK", block)
        made = optim.AdamW(ps := parameters(), 0.1)
        for seed in range(4):
            made.update(gradients(seed))
        results.append(np.concatenate([p.numpy().reshape(-1) for p in ps]))
    assert (results[0] == results[1]).all()


# All or nothing -------------------------------------------------------------------------------------------------------


def frozen_state(made, ps):
    return [p.numpy().copy() for p in ps] + list(made.state_dict().values()), [p.version for p in ps]


def same(one, other):
    return one[1] == other[1] and all((a == b).all() for a, b in zip(one[0], other[0], strict=True))


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_gradient_that_is_no_number_is_refused_before_anything_changes(name, bad):
    made = METHODS[name](ps := parameters())
    made.update(gradients(0))
    before = frozen_state(made, ps)
    grads = gradients(1)
    grads[1][2] = bad
    with pytest.raises(AnomalyError, match="gradient of b holds a NaN or an infinity at step 2; nothing was changed"):
        made.update(grads)
    assert same(before, frozen_state(made, ps)) and made.steps == 1


def test_a_huge_but_finite_gradient_is_accepted():
    w = Parameter(np.zeros(2, np.float32))
    optim.SGD([w], 1e-30).update([np.float32([1e30, 1])])  # its square overflows float32
    assert w.numpy()[0] == pytest.approx(-1)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda g: g.pop(), "2 gradients came for 3 parameters"),
        (lambda g: g.append(g[0]), "4 gradients came for 3 parameters"),
        (lambda g: g.reverse(), r"the gradient of w has shape \(\), not \(3, 4\)"),
        (lambda g: g.__setitem__(1, None), "b has no gradient; compute one"),
    ],
)
def test_gradients_that_do_not_fit_are_refused(change, message):
    made = optim.Adam(ps := parameters())
    before = frozen_state(made, ps)
    grads = gradients(0)
    change(grads)
    with pytest.raises(ShapeError, match=message):
        made.update(grads)
    assert same(before, frozen_state(made, ps))


def test_a_loss_older_than_the_step_refuses_its_derivative():
    w = Parameter(np.ones(3), name="discriminator.0.weight")
    sgd = optim.SGD([w])
    loss = (w * w).sum()
    sgd.update([np.ones(3)])
    with pytest.raises(GraphError, match="discriminator.0.weight changed after this loss was computed"):
        minigen.grad(loss, [w])


def test_gradients_handed_in_are_left_alone():
    grads = gradients(0)
    copies = [g.copy() for g in grads]
    optim.AdamW(parameters(), weight_decay=0.1, clip_norm=0.1).update(grads)
    assert all((a == b).all() for a, b in zip(grads, copies, strict=True))


# Views ----------------------------------------------------------------------------------------------------------------


def test_parameters_are_views_of_one_array():
    made = optim.Adam(ps := parameters())
    assert len(made._flats) == 1
    assert all(np.shares_memory(p.data, made._flats[0].weights) for p in ps)


def test_loading_reaches_the_flat_array():
    net = mlp.Generator(hidden=4, rng=rng())
    made = optim.SGD(net.parameters(), 0.0)
    other = mlp.Generator(hidden=4, rng=rng(1)).state_dict()
    net.load_state_dict(other)
    made.update([np.zeros(p.shape) for p in net.parameters()])
    assert all((a == b).all() for a, b in zip(net.state_dict().values(), other.values(), strict=True))
    assert all(np.shares_memory(p.data, made._flats[0].weights) for p in net.parameters())


def test_numbers_assigned_anew_are_taken_in():
    w = Parameter(np.ones(3, np.float32), name="w")
    sgd = optim.SGD([w], 1.0)
    w.data = np.float32([5, 6, 7])
    sgd.update([np.ones(3)])
    assert w.tolist() == [4, 5, 6] and np.shares_memory(w.data, sgd._flats[0].weights)


@pytest.mark.parametrize("data", [np.ones(4, np.float32), np.ones(3)])
def test_an_array_of_another_kind_assigned_later_is_refused(data):
    w = Parameter(np.ones(3, np.float32), name="w")
    sgd = optim.SGD([w], 1.0)
    w.data = data
    with pytest.raises((SettingError, ShapeError), match="w"):
        sgd.update([np.ones(3)])


# One owner ------------------------------------------------------------------------------------------------------------


def test_two_optimisers_never_hold_one_parameter():
    one = optim.Adam(ps := parameters())
    with pytest.raises(SettingError, match="w is held by Adam.*delete that one first, or call its release"):
        optim.SGD(ps)
    one.release()
    two = optim.SGD(ps, 1.0)
    two.update(gradients(0))
    with pytest.raises(ShapeError, match="3 gradients came for 0 parameters"):
        one.update(gradients(0))


def test_an_optimiser_that_is_gone_holds_nothing():
    ps = parameters()
    optim.Adam(ps).update(gradients(0))
    optim.Adam(ps).update(gradients(0))


@pytest.mark.parametrize(
    "wrong, message",
    [
        (lambda: [], "no parameters to train; is everything frozen"),
        (lambda: parameters()[0], "pass a list of parameters"),
        (lambda: parameters()[:1] * 2, "w was passed twice"),
        (lambda: [minigen.ones(3)], "parameter 0 is no leaf that requires a gradient"),
        (lambda: [parameters()[0] * 2], "parameter 0 is no leaf"),
        (lambda: [np.ones(3)], "parameter 0 is no leaf"),
    ],
)
def test_what_is_no_list_of_parameters_is_refused(wrong, message):
    with pytest.raises(SettingError, match=message):
        optim.SGD(wrong())


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda ps: optim.SGD(ps, -1.0), "learning_rate|learning rate -1.0"),
        (lambda ps: optim.SGD(ps, float("nan")), "learning rate nan at step 0 must be a number ≥ 0"),
        (lambda ps: optim.SGD(ps, nesterov=True), "needs a momentum above 0"),
        (lambda ps: optim.SGD(ps, momentum=1.0), r"momentum=1.0 must lie in \[0, 1\)"),
        (lambda ps: optim.Adam(ps, betas=(0.9, 1.0)), r"beta2=1.0 must lie in \[0, 1\)"),
        (lambda ps: optim.Adam(ps, eps=-1), "eps=-1 must be a number ≥ 0"),
        (lambda ps: optim.Adam(ps, weight_decay=-1), "weight_decay=-1"),
        (lambda ps: optim.Adam(ps, clip_norm=0), "clip_norm=0 must be above 0, or None"),
        (lambda ps: optim.RMSProp(ps, decay=2), "decay=2"),
    ],
)
def test_settings_out_of_bounds_are_refused(make, message):
    ps = parameters()
    with pytest.raises(SettingError, match=message):
        make(ps)
    optim.SGD(ps)  # a refused optimiser holds nothing


@pytest.mark.parametrize("copier", [copy.copy, copy.deepcopy])
def test_an_optimiser_is_not_copied(copier):
    with pytest.raises(TypeError, match="a parameter belongs to one optimiser"):
        copier(optim.Adam(parameters()))


def test_the_order_of_parameters_does_not_depend_on_hashes():
    code = (
        "import numpy as np, minigen; from minigen import optim; from minigen.models import mlp\n"
        "rng = minigen.random.generator(0); net = mlp.Generator(hidden=4, rng=rng)\n"
        "adam = optim.Adam(net.parameters(), 0.1)\n"
        "for _ in range(3):\n"
        "    adam.update(minigen.grad((net(minigen.ones(2, 2)) ** 2).sum(), net.parameters()))\n"
        "print([n for n, _ in net.named_parameters()], [p.tolist() for p in net.parameters()])"
    )
    outs = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PATH": "", "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    ]
    assert outs[0] == outs[1] and "0.weight" in outs[0]


# Habits, clipping, saving ---------------------------------------------------------------------------------------------


def test_backward_and_step_as_in_pytorch():
    w = Parameter(np.array([2.0]))
    sgd = optim.SGD([w], 0.1)
    for _ in range(2):
        sgd.zero_grad()
        (w * w).sum().backward()
        sgd.step()
    assert w.item() == pytest.approx(2 * 0.8 * 0.8)
    sgd.zero_grad()
    with pytest.raises(ShapeError, match="parameter 0 has no gradient"):
        sgd.step()


def test_clipping_shortens_all_by_one_factor():
    ps = [Parameter(np.zeros(2)), Parameter(np.zeros(1))]
    optim.SGD(ps, 1.0, clip_norm=1.0).update([np.array([3.0, 0.0]), np.array([4.0])])
    assert [p.tolist() for p in ps] == [[pytest.approx(-0.6), 0.0], [pytest.approx(-0.8)]]
    grads, norm = optim.clip_grad_norm([np.array([3.0, 0.0]), minigen.tensor([4.0])], 1.0)
    assert norm == pytest.approx(5) and grads[0].tolist() == pytest.approx([0.6, 0.0])
    assert grads[1].tolist() == pytest.approx([0.8])
    short = [np.array([0.3])]
    assert optim.clip_grad_norm(short, 1.0)[0][0] is short[0]


def test_clipping_what_is_no_number_is_refused():
    with pytest.raises(AnomalyError, match="a gradient holds a NaN"):
        optim.clip_grad_norm([np.array([np.nan])], 1.0)
    with pytest.raises(SettingError, match="limit=0 must be above 0"):
        optim.clip_grad_norm([np.array([1.0])], 0)


@pytest.mark.parametrize("name", METHODS)
def test_resume_equals_an_uninterrupted_run(name):
    def run(made, ps, seeds):
        for seed in seeds:
            made.update(gradients(seed))
        return [p.numpy().copy() for p in ps]

    rate = optim.linear_decay(0.1, 8)
    whole = run(METHODS[name](ps := parameters(), rate), ps, range(8))
    first = METHODS[name](ps := parameters(), rate)
    weights, state = run(first, ps, range(4)), first.state_dict()
    second = METHODS[name](ps := [Parameter(w, name=p.name) for w, p in zip(weights, ps, strict=True)], rate)
    second.load_state_dict(state)
    assert second.steps == 4
    assert all((a == b).all() for a, b in zip(whole, run(second, ps, range(4, 8)), strict=True))


def test_steps_survive_a_format_without_single_numbers():
    made = optim.SGD(parameters())
    made.load_state_dict({"steps": np.array([7])})
    assert made.steps == 7


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda s: s.pop("m.1"), "missing m.1"),
        (lambda s: s.pop("steps"), "missing steps"),
        (lambda s: s.update(extra=np.ones(1)), "unexpected extra"),
        (lambda s: s.update({"v.0": np.ones(3)}), r"v.0 has shape \(3,\), not \(3, 4\)"),
        (lambda s: s.update(steps=np.ones(3)), "steps is not one number"),
        (lambda s: s.update(steps=np.array(np.nan)), "steps is nan, not a whole number"),
        (lambda s: s.update(steps=np.array(-1)), "steps is -1, not a whole number"),
        (lambda s: s.update({"v.0": np.full((3, 4), "a")}), "v.0 holds <U1, not numbers"),
    ],
)
def test_a_state_that_does_not_fit_is_refused_whole(change, message):
    made = optim.Adam(ps := parameters())
    made.update(gradients(0))
    before = frozen_state(made, ps)
    state = {key: a + 1 for key, a in made.state_dict().items()}
    change(state)
    with pytest.raises(DataError, match=message):
        made.load_state_dict(state)
    assert same(before, frozen_state(made, ps)) and made.steps == 1


def test_an_optimiser_shows_its_size_and_rate():
    assert repr(optim.SGD(parameters(), optim.constant(0.1))) == "SGD(17 numbers, learning_rate=constant(0.1), steps=0)"


def test_threads_may_make_optimisers_at_once():
    # Each looks through those that live, for a parameter that is held already, while others join them.
    made, errors = [optim.SGD([Parameter(np.zeros(1))], 0.1) for _ in range(200)], []

    def make():
        try:
            for _ in range(60):
                made.append(optim.SGD([Parameter(np.zeros(1))], 0.1))
        except Exception as error:
            errors.append(error)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # seconds, so that threads meet in many places
    try:
        threads = [threading.Thread(target=make) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert errors == [] and len(made) == 440

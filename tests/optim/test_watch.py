"""Adam on a device looks for a NaN without a wait: what is faulty changes nothing, then or later, and is named."""

import numpy as np
import pytest

import minigen
from minigen import AnomalyError, Parameter, backend, optim
from minigen.autograd import kernels_off
from minigen.optim.watch import EVERY

from ..lookalike import lookalike

SHAPES = {"w": (3, 4), "b": (4,), "s": ()}


@pytest.fixture(autouse=True)
def device():
    with lookalike.playing() as module:
        backend.use("cupy")
        yield module


def gradients(seed, bad=None):
    """Gradients of the parameters; `bad`: the name of one that holds an infinity or a NaN."""
    rng = np.random.default_rng(seed)
    grads = {name: rng.normal(size=shape).astype(np.float32) for name, shape in SHAPES.items()}
    if bad:
        grads[bad].reshape(-1)[-1] = [np.nan, np.inf, -np.inf][seed % 3]
    return [backend.to_device(g) for g in grads.values()]


def made(method=optim.Adam, **settings):
    rng = np.random.default_rng(0)
    values = {name: rng.normal(size=shape).astype(np.float32) for name, shape in SHAPES.items()}
    return method([Parameter(backend.to_device(x), name=name) for name, x in values.items()], 0.1, **settings)


def everything(optimiser):
    return [p.numpy().copy() for p in optimiser.parameters] + list(optimiser.state_dict().values())


def assert_same(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


def refused(optimiser, good, later, bad="b"):
    """Takes so many good steps, a faulty one and some more; gives all that was there before the faulty one."""
    for seed in range(good):
        optimiser.update(gradients(seed))
    before = [p.numpy().copy() for p in optimiser.parameters]
    optimiser.update(gradients(good, bad))
    for seed in range(later):
        optimiser.update(gradients(good + 1 + seed, "w" if seed == 3 else None))
    return before


MESSAGE = r"gradient of b holds a NaN or an infinity at step 8; nothing was changed{}\. Lower"


@pytest.mark.parametrize("method", [optim.Adam, optim.AdamW])
@pytest.mark.parametrize("later", [0, 1, 6])
def test_a_faulty_gradient_changes_nothing_then_or_later(method, later):
    optimiser, twin = made(method, weight_decay=0.1), made(method, weight_decay=0.1)
    before = refused(optimiser, 7, later)
    since = rf", in it or in the {later} updates since" if later else ""
    with pytest.raises(AnomalyError, match=MESSAGE.format(since)):
        optimiser.state_dict()
    assert optimiser.steps == 7
    for seed in range(7):
        twin.update(gradients(seed))
    assert_same(before, [p.numpy() for p in optimiser.parameters])
    assert_same(everything(optimiser), everything(twin))
    for seed in (20, 21):  # and it goes on as if the faulty one had never come
        optimiser.update(gradients(seed))
        twin.update(gradients(seed))
    assert_same(everything(optimiser), everything(twin))


def test_the_look_comes_after_50_updates():
    optimiser = made()
    before = refused(optimiser, 7, EVERY - 8)
    with pytest.raises(AnomalyError, match=MESSAGE.format(f", in it or in the {EVERY - 8} updates since")):
        optimiser.update(gradients(0))
    assert optimiser.steps == 7 and EVERY == 50
    assert_same(before, [p.numpy() for p in optimiser.parameters])


def test_nobody_looks_while_a_step_is_captured(monkeypatch):
    class Capture:
        each_time = staticmethod(lambda action: action())
        arrival = staticmethod(lambda make, module: module.asarray(make()))

    optimiser = made()
    before = refused(optimiser, 7, EVERY - 8)
    monkeypatch.setattr(backend, "_capture", Capture)
    with lookalike.no_sync():
        optimiser.update(gradients(0))
    monkeypatch.setattr(backend, "_capture", None)
    with pytest.raises(
        AnomalyError, match=f"at step 8; nothing was changed, in it or in the {EVERY - 7} updates since"
    ):
        optimiser.update(gradients(0))
    assert_same(before, [p.numpy() for p in optimiser.parameters])


@pytest.mark.parametrize("good", [49, 50, 51, 120])
def test_the_step_is_named_rightly_between_any_two_looks(good):
    optimiser = made()
    with pytest.raises(AnomalyError, match=f"gradient of s holds a NaN or an infinity at step {good + 1};"):
        refused(optimiser, good, 3, bad="s")
        optimiser.state_dict()
    assert optimiser.steps == good


def test_whoever_reads_the_state_looks_and_whoever_reads_again_does_not_wait():
    readers = [
        lambda o: o.state_dict(),
        lambda o: o.formula_step([p * 1 for p in o.parameters], [None] * 3),
        lambda o: o.release(),
    ]
    for read in readers:
        optimiser = made()
        refused(optimiser, 7, 2)
        with pytest.raises(AnomalyError, match="at step 8"):
            read(optimiser)
        with lookalike.counted() as counts:
            optimiser.release()
        assert counts.syncs == 0
        assert not optimiser.parameters


def test_loading_a_state_forgets_the_fault():
    optimiser = made()
    state = optimiser.state_dict()
    refused(optimiser, 3, 2)
    optimiser.load_state_dict(state)
    assert optimiser.steps == 0
    optimiser.update(gradients(0))
    assert optimiser.state_dict()["steps"] == 1


def test_a_schedule_counts_only_what_was_done():
    rates = []
    optimiser = made()
    optimiser.learning_rate = lambda steps: rates.append(steps) or 0.1
    refused(optimiser, 7, 2)
    with pytest.raises(AnomalyError):
        optimiser.state_dict()
    rates.clear()
    optimiser.update(gradients(0))
    assert rates == [7]


@pytest.mark.parametrize(
    "make",
    [
        lambda: made(clip_norm=1.0),
        lambda: made(optim.SGD),
        lambda: made(optim.RMSProp),
        lambda: optim.Adam([Parameter(np.ones(2, np.float32)), Parameter(np.ones(2))]),
    ],
)
def test_the_others_refuse_at_once(make):
    optimiser = make()
    grads = [minigen.backend.to_device(np.full(p.shape, np.nan)) for p in optimiser.parameters]
    with pytest.raises(AnomalyError, match="holds a NaN or an infinity at step 1; nothing was changed. Lower"):
        optimiser.update(grads)


def test_a_bound_set_later_looks_at_what_came_before():
    optimiser = made()
    refused(optimiser, 7, 2)
    optimiser.clip_norm = 1.0
    with pytest.raises(AnomalyError, match="at step 8"):
        optimiser.update(gradients(0))
    optimiser.update(gradients(0))
    assert optimiser.steps == 8
    with pytest.raises(AnomalyError, match="at step 9; nothing was changed. Lower"):
        optimiser.update(gradients(1, "w"))


def test_a_huge_but_finite_gradient_is_accepted():
    optimiser = made()
    grads = gradients(0)
    grads[0] *= 1e30  # its square overflows float32
    with kernels_off():
        optimiser.update(grads)
    assert optimiser.state_dict()["steps"] == 1


def test_the_steps_of_numpy_bit_for_bit():
    results = []
    for where in ("cupy", "numpy"):
        backend.use(where)
        with kernels_off():
            for settings in ({}, {"weight_decay": 0.1}):
                for method in (optim.Adam, optim.AdamW):
                    optimiser = made(method, **settings)
                    optimiser.learning_rate = optim.linear_decay(0.1, 9)
                    for seed in range(6):
                        optimiser.update(gradients(seed))
                    results.append(everything(optimiser))
    for on_the_device, on_the_host in zip(results[:4], results[4:], strict=True):
        assert_same(on_the_device, on_the_host)

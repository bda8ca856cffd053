"""The recipe's step: the order of algorithm 1, and that each half touches its own network only."""

import gc
import math
import tracemalloc

import numpy as np
import pytest

import minigen
from minigen.errors import DataError
from minigen.train.gan import Config, Gan

from .conftest import bytes_in_arrays

SMALL = {"width": 0.05, "latent": 8, "batch": 6}


def small(**settings):
    return Gan(Config(**{**SMALL, **settings}))


def images(n=6, side=28, channels=1, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (n, side, side, channels)).astype(np.float32)


def frozen(module):
    return {name: array.copy() for name, array in module.state_dict().items()}


def same(one, two):
    return all(np.array_equal(one[name], two[name]) for name in one)


def trained(module, state):
    """The names of the entries that changed."""
    return {name for name, array in module.state_dict().items() if not np.array_equal(array, state[name])}


def test_one_step_moves_both_networks_and_the_running_statistics():
    gan = small()
    g, d = frozen(gan.generator), frozen(gan.discriminator)
    gan.step(images())
    assert trained(gan.generator, g) == set(g) and trained(gan.discriminator, d) == set(d)


def test_each_half_updates_its_own_network_only(monkeypatch):
    gan = small()
    seen = []
    for name, optimiser in (("d", gan.optimiser_d), ("g", gan.optimiser_g)):
        real = optimiser.update

        def update(gradients, name=name, real=real):
            g, d = frozen(gan.generator), frozen(gan.discriminator)
            real(gradients)
            seen.append((name, same(g, frozen(gan.generator)), same(d, frozen(gan.discriminator))))

        monkeypatch.setattr(optimiser, "update", update)
    gan.step(images())
    assert seen == [("d", True, False), ("g", False, True)]  # D first, as in algorithm 1


def test_the_generator_learns_from_the_discriminator_that_has_just_changed(monkeypatch):
    gan = small()
    shown = []
    real = gan.objective.generator
    fresh = {}

    class Spy:
        def __getattr__(self, name):
            return getattr(objective, name)

        def generator(self, logits):
            fresh["weights"] = frozen(gan.discriminator)
            shown.append(logits)
            return real(logits)

    objective, before = gan.objective, frozen(gan.discriminator)
    gan.objective = Spy()
    gan.step(images())
    assert len(shown) == 1 and not same(before, fresh["weights"])


def test_the_discriminators_half_computes_no_generator_gradient(monkeypatch):
    gan = small()
    asked = []
    real = minigen.grad

    def grad(loss, inputs, *rest, **settings):
        inputs = list(inputs)
        asked.append({p.name.partition(".")[0] for p in inputs})
        return real(loss, inputs, *rest, **settings)

    monkeypatch.setattr(minigen, "grad", grad)
    gan.step(images())
    assert asked == [{"discriminator"}, {"generator"}]


def test_the_first_loss_is_near_the_balance():
    measured = small(width=0.25).step(images(32))
    assert abs(float(measured["discriminator"]) - 2 * math.log(2)) < 0.35
    assert abs(float(measured["generator"]) - math.log(2)) < 0.35
    assert 0 < float(measured["d_real"]) < 1


@pytest.mark.parametrize(
    "settings", [{}, {"penalty": "gradient"}, {"penalty": "r1", "loss": "wasserstein"}, {"ema": 0.0}]
)
def test_a_step_leaves_everything_float32(settings):
    gan = small(**settings)
    measured = gan.step(images())
    assert all(value.dtype == np.float32 for value in measured.values())
    for name, array in gan.save_state()[0].items():
        assert array.dtype == np.float32 or array.dtype.kind == "i", name


@pytest.mark.parametrize("side, channels", [(28, 3), (32, 1), (64, 3)])
def test_other_sizes_and_colours_train(side, channels):
    gan = small(size=side, channels=channels)
    gan.step(images(4, side, channels))
    assert gan.generate(np.zeros((3, 8), np.float32)).shape == (3, side, side, channels)


def test_generating_changes_nothing():
    gan = small()
    gan.step(images())
    arrays, random = gan.save_state()
    z = np.ones((5, 8), np.float32)
    one, two = gan.generate(z), gan.generate(z)
    assert np.array_equal(one, two) and np.abs(one).max() <= 1
    after, random_after = gan.save_state()
    assert same(arrays, after) and random == random_after
    assert np.allclose(gan.generate(z[:1]), one[:1], atol=1e-6)  # an image does not depend on its neighbours


def test_several_discriminator_steps_take_several_batches():
    gan = small(d_steps=3)
    assert gan.batches_per_step == 3
    gan.step(images(6), images(6, seed=1), images(4, seed=2))


def test_memory_returns_to_where_it_was_after_a_step():
    gan, x = small(), images()
    gan.step(x)
    gc.collect()
    gc.disable()
    try:
        tracemalloc.start()
        gan.step(x)
        before = bytes_in_arrays()
        for _ in range(5):
            gan.step(x)
        assert bytes_in_arrays() == before
        assert gc.collect() == 0, "a step leaves reference cycles behind"
    finally:
        tracemalloc.stop()
        gc.enable()


def test_a_state_that_does_not_fit_changes_nothing():
    gan = small()
    gan.step(images())
    arrays, random = gan.save_state()
    other, _ = small().save_state()
    other["discriminator/0.weight"] = np.zeros((3, 3), np.float32)  # the generator's part would fit
    with pytest.raises(DataError, match="0.weight"):
        gan.load_state(other, random)
    after, _ = gan.save_state()
    assert same(arrays, after)

"""An optimiser's step as a formula: the numbers of `update`, slopes of every factor, and nothing changed."""

import functools

import numpy as np
import pytest

import minigen
from minigen import Parameter, SettingError, ShapeError, optim

METHODS = {
    "sgd": optim.SGD,
    "momentum": functools.partial(optim.SGD, momentum=0.9),
    "nesterov": functools.partial(optim.SGD, momentum=0.9, nesterov=True),
    "adam": functools.partial(optim.Adam, betas=(0.5, 0.9)),
    "adamw": optim.AdamW,
    "rmsprop": functools.partial(optim.RMSProp, decay=0.8),
    "adagrad": optim.Adagrad,
}
EXTRAS = {"plain": {}, "decay": {"weight_decay": 0.3}, "clipped": {"clip_norm": 0.7}}
SHAPES = ((3, 2), (2,), ())


def draw(seed, dtype=np.float64):
    rng = minigen.random.generator(seed)
    return [rng.normal(size=shape).astype(dtype) for shape in SHAPES]


def warm(name, extra="plain", dtype=np.float64, xp=np):
    """An optimiser that has done two updates already, so that its state is not 0."""
    made = METHODS[name]([Parameter(xp.asarray(w)) for w in draw(0, dtype)], 0.05, **EXTRAS[extra])
    for seed in (1, 2):
        made.update([xp.asarray(g) for g in draw(seed, dtype)])
    return made


def snapshot(made):
    """Weights, versions and state, to be compared entry by entry."""
    weights = [p.numpy().tolist() for p in made.parameters]
    return weights, [p.version for p in made.parameters], {k: x.tolist() for k, x in made.state_dict().items()}


@pytest.mark.parametrize("extra", EXTRAS)
@pytest.mark.parametrize("name", METHODS)
def test_three_steps_of_the_formula_are_three_updates(name, extra):
    made = warm(name, extra)
    weights, progress, before = list(made.parameters), None, snapshot(made)
    for seed in (3, 4, 5):
        grads = [minigen.tensor(g) for g in draw(seed)]
        weights, progress = made.formula_step(weights, grads, progress)
    assert before == snapshot(made), "the formula changes nothing"
    for seed in (3, 4, 5):
        made.update(draw(seed))
    for w, p in zip(weights, made.parameters, strict=True):
        np.testing.assert_allclose(w.numpy(), p.numpy(), rtol=1e-12)  # the same sums in another order
    assert progress.steps == made.steps


@pytest.mark.parametrize("extra", EXTRAS)
@pytest.mark.parametrize("name", METHODS)
def test_the_slope_through_two_steps_agrees_with_finite_differences(name, extra):
    """In float64, to 1e-6, by weights and by gradients: each factor, the clipping one too, is part of the formula."""
    made = warm(name, extra)
    start, direction = [*draw(3), *draw(4)], [*draw(5), *draw(6)]

    def loss(leaves):
        weights, progress = leaves[:3], None
        for _ in range(2):
            grads = [g * w for g, w in zip(leaves[3:], weights, strict=True)]
            weights, progress = made.formula_step(weights, grads, progress)
        return sum((w * w).sum() for w in weights)

    def at(h):
        return loss([minigen.tensor(x + h * d) for x, d in zip(start, direction, strict=True)]).item()

    leaves = [minigen.tensor(x, requires_grad=True) for x in start]
    found = minigen.grad(loss(leaves), leaves)
    slope = sum((g.numpy() * d).sum() for g, d in zip(found, direction, strict=True))
    assert slope == pytest.approx((at(1e-6) - at(-1e-6)) / 2e-6, rel=1e-6)


@pytest.mark.parametrize("name", METHODS)
def test_a_weight_without_a_gradient_stays_and_keeps_its_state(name):
    made = warm(name, "decay")
    grads = [minigen.tensor(g) for g in draw(3)]
    weights, progress = made.formula_step(made.parameters, [grads[0], None, grads[2]])
    assert weights[1] is made.parameters[1]
    kept = [made.state_dict()[f"{kind}.1"] for kind in made.state_names]
    made.update(draw(4))  # which changes the optimiser's own state in place
    assert all((a.numpy() == b).all() for a, b in zip(progress.state[1], kept, strict=True))


@pytest.mark.parametrize("name", METHODS)
def test_float32_stays_float32_on_every_backend(name, xp):
    made = warm(name, "clipped", np.float32, xp)
    weights, progress = made.formula_step(made.parameters, [minigen.Tensor(xp.asarray(g)) for g in draw(3, np.float32)])
    everything = [*weights, *(x for state in progress.state for x in state)]
    assert all(x.dtype == np.float32 and isinstance(x.data, xp.ndarray) for x in everything)


def test_a_gradient_whose_square_is_beyond_float32_is_clipped_and_not_lost():
    made = optim.SGD([Parameter(np.zeros(2, np.float32))], 1.0, clip_norm=1.0)
    weights, _ = made.formula_step(made.parameters, [minigen.tensor(np.float32([3e25, 4e25]))])
    np.testing.assert_allclose(weights[0].numpy(), [-0.6, -0.8], rtol=1e-6)


def test_a_short_gradient_is_not_lengthened_and_none_at_all_moves_nothing():
    made = optim.SGD([Parameter(np.zeros(2))], 1.0, clip_norm=1.0)
    weights, _ = made.formula_step(made.parameters, [minigen.tensor(np.array([0.3, 0.4]))])
    np.testing.assert_allclose(weights[0].numpy(), [-0.3, -0.4], rtol=1e-15)
    assert made.formula_step(made.parameters, [None])[0][0] is made.parameters[0]


def test_every_step_takes_the_present_rate():
    made = optim.SGD([Parameter(np.zeros(1))], lambda step: 10.0**-step)
    made.update([np.ones(1)])  # the next rate is 0.1
    weights, progress = made.formula_step([minigen.tensor(np.zeros(1))], [minigen.tensor(np.ones(1))])
    weights, _ = made.formula_step(weights, [minigen.tensor(np.ones(1))], progress)
    assert weights[0].item() == pytest.approx(-0.2)


def test_counts_that_differ_are_refused():
    made = warm("sgd")
    with pytest.raises(ShapeError, match=r"SGD.formula_step: 3 weights and 2 gradients came for 3 parameters"):
        made.formula_step(made.parameters, [None, None])


def test_a_method_without_a_formula_says_which_have_one():
    class Signs(optim.Optimiser):
        """w ← w − α sign(g)"""

    made = Signs([Parameter(np.zeros(1))], 0.1)
    with pytest.raises(SettingError, match="Signs has no step as a formula; SGD, Adam, AdamW, RMSProp and Adagrad"):
        made.formula_step(made.parameters, [minigen.tensor(np.ones(1))])

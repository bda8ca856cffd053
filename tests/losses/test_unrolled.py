"""Unrolled GANs: exact numbers, finite differences through D's own updates, and a D that is as it was afterwards."""

import collections
import functools
import gc
import weakref

import numpy as np
import pytest

import minigen
from minigen import GraphError, Parameter, SettingError, ShapeError, optim
from minigen.losses import gan, gradient_penalty, r1
from minigen.nn import BatchNorm, Buffer, Dense, Module, ReLU, Sequential, Tanh


def rng(seed=0):
    return minigen.random.generator(seed)


def normal(*shape, seed=0):
    return rng(seed).normal(size=shape)


# The quadratic game f(g, d) = g d − d²/2, from d = 0 with η = ½: d_K = 1 − 2⁻ᴷ ----------------------------------------

FIRST_TERM = {0: 0, 1: 0.5, 2: 0.75, 3: 0.875, 5: 0.96875}  # of eq. 12: what is left where the unrolling is detached
WHOLE = {0: 0, 1: 0.75, 2: 0.9375, 3: 0.984375, 5: 0.9990234375}


class Quadratic(Module):
    """f(g, d) = g d − d²/2 with d in one place, or half of it in each of two."""

    def __init__(self, xp=np, shared=False):
        self.d = Parameter(xp.zeros((), "float64"))
        self.twin = self.d if shared else None

    def __call__(self, g):
        d = self.d if self.twin is None else 0.5 * self.d + 0.5 * self.twin
        return g * d - 0.5 * d * d


def slope_of_the_game(steps, *, xp=np, shared=False, seen=lambda g: g):
    """(value, slope by g) at g = 1; seen: what D is shown of g."""
    game = Quadratic(xp, shared)
    sgd = optim.SGD(game.parameters(), 0.5)
    g = minigen.Tensor(xp.ones((), "float64"), requires_grad=True)
    loss = gan.unrolled(game, sgd, lambda: -game(seen(g)), lambda: game(g), steps=steps)
    return loss.item(), minigen.grad(loss, [g])[0].item()


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("steps", WHOLE)
def test_the_quadratic_games_slope_has_both_terms(steps, shared, xp):
    d = 1 - 2.0**-steps
    assert slope_of_the_game(steps, xp=xp, shared=shared) == (d - 0.5 * d * d, WHOLE[steps])


@pytest.mark.parametrize("steps", WHOLE)
def test_fakes_detached_for_d_leave_the_first_term_alone(steps):
    assert slope_of_the_game(steps, seen=lambda g: g.detach())[1] == FIRST_TERM[steps]


@pytest.mark.parametrize("steps", [1, 2, 3, 5])
def test_a_detached_unrolling_would_be_noticed(steps, monkeypatch):
    def detached(*args, create_graph):
        return minigen.grad(*args)

    monkeypatch.setattr("minigen.losses.unrolled.grad", detached)
    assert slope_of_the_game(steps)[1] == FIRST_TERM[steps] != WHOLE[steps]


# Two small networks, against finite differences ----------------------------------------------------------------------

OPTIMISERS = {
    "adam": functools.partial(optim.Adam, learning_rate=0.05, betas=(0.5, 0.9)),
    "momentum": functools.partial(optim.SGD, learning_rate=0.3, momentum=0.8),
    "adamw, clipped": functools.partial(optim.AdamW, learning_rate=0.05, clip_norm=0.2),
}


class Game:
    """G 2-4-2 and D 2-4-1 with tanh, in float64; D's optimiser has done two updates, so that its state is not 0."""

    def __init__(self, pair=gan.nonsaturating, optimiser="adam", *, extra=lambda game: 0.0, dtype=np.float64):
        self.pair, self.extra = pair, extra
        self.generator = Sequential(Dense(2, 4, rng=rng(1)), Tanh(), Dense(4, 2, rng=rng(2))).astype(dtype)
        self.discriminator = Sequential(Dense(2, 4, rng=rng(3)), Tanh(), Dense(4, 1, rng=rng(4))).astype(dtype)
        self.optimiser = OPTIMISERS[optimiser](self.discriminator.parameters())
        self.real, self.z = (minigen.tensor(normal(6, 2, seed=seed).astype(dtype)) for seed in (5, 6))
        for _ in range(2):
            self.update()

    def loss_d(self, fake):
        return self.pair.discriminator(self.discriminator(self.real), self.discriminator(fake)) + self.extra(self)

    def update(self):
        loss = self.loss_d(self.generator(self.z).detach())
        self.optimiser.update(minigen.grad(loss, self.optimiser.parameters))

    def loss_g(self):
        return self.pair.generator(self.discriminator(self.generator(self.z)))

    def unrolled(self, steps):
        fake = self.generator(self.z)
        return gan.unrolled(
            self.discriminator,
            self.optimiser,
            lambda: self.loss_d(fake),
            lambda: self.pair.generator(self.discriminator(fake)),
            steps=steps,
        )

    def snapshot(self):
        """All of D and of its optimiser, to be compared entry by entry."""
        tensors = self.discriminator.named_tensors()
        saved = {**self.discriminator.state_dict(), **self.optimiser.state_dict()}
        return [(name, id(x), x.version) for name, x in tensors], {name: x.tolist() for name, x in saved.items()}


def agrees_with_finite_differences(game, steps):
    """The slope by G's weights along a random direction, to 1e-6: h² and rounding stay well below."""
    parameters = game.generator.parameters()
    found = minigen.grad(game.unrolled(steps), parameters)
    slope, values, h = 0.0, [], 1e-5
    directions = [normal(*p.shape, seed=7 + i) for i, p in enumerate(parameters)]
    slope = sum((g.numpy() * d).sum() for g, d in zip(found, directions, strict=True))
    starts = [p.data for p in parameters]
    for sign in (1, -1):
        for p, start, direction in zip(parameters, starts, directions, strict=True):
            p.data = start + sign * h * direction
        values.append(game.unrolled(steps).item())
    for p, start in zip(parameters, starts, strict=True):
        p.data = start
    return slope == pytest.approx((values[0] - values[1]) / (2 * h), rel=1e-6)


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("name", gan.OBJECTIVES)
def test_the_slope_agrees_with_finite_differences(name, optimiser, steps):
    game = Game(gan.OBJECTIVES[name], optimiser)
    assert agrees_with_finite_differences(game, steps)
    (first, *_), (other, *_) = (minigen.grad(game.unrolled(k), game.generator.parameters()) for k in (0, steps))
    assert abs(first.numpy() - other.numpy()).max() > 1e-4, "the second term is no rounding error here"


PENALTIES = {
    "r1": lambda game: r1(game.discriminator, game.real, weight=3.0),
    "gradient penalty": lambda game: gradient_penalty(
        game.discriminator, game.real, game.real + 1.0, rng(9), weight=3.0
    ),
    "weight decay by hand": lambda game: 0.1 * sum((p * p).sum() for p in game.discriminator.parameters()),
}


@pytest.mark.parametrize("steps", [1, 2])
@pytest.mark.parametrize("name", PENALTIES)
def test_terms_on_ds_slopes_and_weights_need_third_derivatives_and_have_them(name, steps):
    game = Game(gan.wasserstein, extra=PENALTIES[name])
    assert agrees_with_finite_differences(game, steps)
    assert game.unrolled(steps).item() != pytest.approx(Game(gan.wasserstein).unrolled(steps).item(), rel=1e-3)


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_the_value_is_the_loss_after_as_many_true_updates(optimiser):
    """To 1e-12: the optimiser in place and its formula add in another order."""
    game = Game(optimiser=optimiser)
    before = game.snapshot()
    ahead = [game.unrolled(steps).item() for steps in (1, 2, 3)]
    assert game.snapshot() == before
    for value in ahead:
        game.update()
        assert game.loss_g().item() == pytest.approx(value, rel=1e-12)


def test_no_steps_are_the_loss_itself_bit_for_bit():
    game = Game(dtype=np.float32)
    parameters = game.generator.parameters()
    one, other = game.unrolled(0), game.loss_g()
    assert one.item() == other.item()
    for a, b in zip(minigen.grad(one, parameters), minigen.grad(other, parameters), strict=True):
        assert (a.numpy() == b.numpy()).all()


def test_float32_stays_float32_and_near_float64():
    small, large = Game(dtype=np.float32), Game()
    grads = minigen.grad(small.unrolled(3), small.generator.parameters())
    for a, b in zip(grads, minigen.grad(large.unrolled(3), large.generator.parameters()), strict=True):
        assert a.dtype == np.float32
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-3, atol=1e-5)  # three updates in float32


def test_a_frozen_layer_does_not_move():
    game = Game()
    free = minigen.grad(game.unrolled(2), game.generator.parameters())
    game.discriminator[0].freeze()
    assert agrees_with_finite_differences(game, 2)
    held = minigen.grad(game.unrolled(2), game.generator.parameters())
    assert abs(free[0].numpy() - held[0].numpy()).max() > 1e-5
    expected = Game()
    expected.optimiser.release()
    expected.optimiser = OPTIMISERS["adam"](expected.discriminator[2].parameters())
    state = game.optimiser.state_dict()
    own = {f"{kind}.{i}": state[f"{kind}.{i + 2}"] for kind in "mv" for i in (0, 1)}  # the last layer's, now the first
    expected.optimiser.load_state_dict({"steps": state["steps"], **own})
    assert game.unrolled(2).item() == pytest.approx(expected.unrolled(2).item(), rel=1e-14)


def test_the_rate_of_a_schedule_is_the_present_one():
    game, steady = Game(), Game()
    game.optimiser.learning_rate = lambda step: 0.04 if step == 2 else 10.0
    steady.optimiser.learning_rate = 0.04
    assert game.unrolled(3).item() == steady.unrolled(3).item()


def test_zero_gradients_behind_a_dead_unit_leave_every_slope_finite_at_orders_1_and_2():
    """√v̂ has an infinite slope at v̂ = 0: Adam's first steps, from a state of 0, with gradients that are exactly 0."""
    discriminator = Sequential(Dense(2, 3, rng=rng()), ReLU(), Dense(3, 1, rng=rng(1)))
    discriminator[0].bias.data = np.float32([-100, 0.1, 0.2])  # the first unit never answers
    adam = optim.Adam(discriminator.parameters(), 0.1)
    z = minigen.tensor(np.float32(normal(4, 2)), requires_grad=True)
    loss = gan.unrolled(
        discriminator, adam, lambda: discriminator(z).mean(), lambda: (discriminator(z) ** 2).mean(), steps=2
    )
    (slope,) = minigen.grad(loss, [z], create_graph=True)
    (second,) = minigen.grad((slope * slope).sum(), [z])
    assert np.isfinite(slope.numpy()).all() and slope.numpy().any()
    assert np.isfinite(second.numpy()).all() and second.numpy().any()


# D is as it was ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["loss_d", "loss_g", "the second loss_d"])
def test_an_error_leaves_d_and_its_optimiser_as_they_were(which):
    game, calls = Game(), []
    before = game.snapshot()

    def loss_d():
        calls.append(1)
        if which == "loss_d" or (which != "loss_g" and len(calls) == 2):
            raise RuntimeError("the power is gone")
        return game.loss_d(game.generator(game.z))

    def loss_g():
        raise RuntimeError("the power is gone")

    with pytest.raises(RuntimeError, match="the power is gone"):
        gan.unrolled(game.discriminator, game.optimiser, loss_d, loss_g, steps=2)
    assert game.snapshot() == before
    assert game.optimiser.parameters == [p for _, p in game.discriminator.named_parameters()]


def test_running_statistics_move_from_step_to_step_and_come_back():
    discriminator = Sequential(Dense(2, 3, rng=rng()), BatchNorm(3, momentum=0.5), Tanh(), Dense(3, 1, rng=rng(1)))
    sgd = optim.SGD(discriminator.parameters(), 1e-6)
    z, means = minigen.tensor(np.float32(normal(8, 2))), []

    def loss():
        answer = discriminator(z).mean()
        means.append(discriminator[1].running_mean.numpy().copy())
        return answer

    before = discriminator.state_dict()
    gan.unrolled(discriminator, sgd, loss, loss, steps=2)
    after = discriminator.state_dict()
    assert all((before[name] == after[name]).all() for name in before)
    np.testing.assert_allclose(means[1], 1.5 * means[0], rtol=1e-3)  # ½, then ¾, then ⅞ of the batch's mean
    np.testing.assert_allclose(means[2], 1.75 * means[0], rtol=1e-3)


def test_losses_computed_before_can_still_be_differentiated():
    game = Game()
    loss = game.loss_d(game.generator(game.z).detach())
    minigen.grad(game.unrolled(2), game.generator.parameters())
    assert len(minigen.grad(loss, game.discriminator.parameters())) == 4


def test_d_stepped_between_the_loss_and_its_slope_is_refused():
    game = Game()
    loss = game.unrolled(1)
    game.update()
    with pytest.raises(GraphError, match="changed after this loss was computed"):
        minigen.grad(loss, game.generator.parameters())


def test_nothing_is_kept_once_the_loss_is_gone():
    game, seen = Game(), []
    fake = game.generator(game.z)

    def loss_d():
        seen.extend(weakref.ref(layer.weight) for layer in game.discriminator if isinstance(layer, Dense))
        answer = game.loss_d(fake)
        seen.append(weakref.ref(answer))
        return answer

    gc.collect()
    gc.disable()
    try:
        loss = gan.unrolled(game.discriminator, game.optimiser, loss_d, lambda: game.loss_g(), steps=3)
        minigen.grad(loss, game.generator.parameters(), allow_unused=True)
        del loss
        alive = [ref() for ref in seen if ref() is not None]
        assert all(any(x is p for p in game.discriminator.parameters()) for x in alive)
    finally:
        gc.enable()


def test_a_step_of_training_works_on_every_backend(xp):
    game = Game(dtype=np.float32)
    game.optimiser.release()
    for network in (game.generator, game.discriminator):
        for _, p in network.named_tensors():
            p.data = xp.asarray(p.numpy())
    game.real, game.z = (minigen.Tensor(xp.asarray(x.numpy())) for x in (game.real, game.z))
    game.optimiser = optim.Adam(game.discriminator.parameters(), 0.01, clip_norm=0.1)
    grads = minigen.grad(game.unrolled(2), game.generator.parameters())
    assert all(isinstance(g.data, xp.ndarray) and bool(xp.isfinite(g.data).all()) for g in grads)


# What is refused -----------------------------------------------------------------------------------------------------


def test_what_cannot_be_unrolled_is_refused():
    game = Game()
    nothing = dict(loss_d=game.loss_g, loss_g=game.loss_g)
    for steps in (-1, 1.5):
        with pytest.raises(SettingError, match=f"unrolled: steps={steps} must be a whole number ≥ 0"):
            gan.unrolled(game.discriminator, game.optimiser, **nothing, steps=steps)
    with pytest.raises(SettingError, match="the discriminator must be a Module; this is function"):
        gan.unrolled(lambda x: x, game.optimiser, **nothing, steps=1)
    with pytest.raises(SettingError, match="the optimiser holds .*, which is not the discriminator's"):
        gan.unrolled(game.generator, game.optimiser, **nothing, steps=1)
    game.discriminator.freeze()
    with pytest.raises(SettingError, match="every weight of the discriminator is frozen"):
        gan.unrolled(game.discriminator, game.optimiser, **nothing, steps=1)


def test_a_weight_that_takes_no_part_in_ds_loss_is_named():
    game = Game()
    game.discriminator.named_parameters("discriminator")
    with pytest.raises(GraphError, match=r"discriminator\.0\.weight takes no part in this result"):
        gan.unrolled(game.discriminator, game.optimiser, lambda: (game.z * game.z).mean(), game.loss_g, steps=1)


# Module.substituted: the mechanism -----------------------------------------------------------------------------------

Pair = collections.namedtuple("Pair", "left right")


class Chest(Module):
    """A weight in every place where a module may keep one."""

    def __init__(self):
        self.plain = Parameter(np.float32([1]))
        self.listed = [Parameter(np.float32([2])), "a note", [Parameter(np.float32([3]))]]
        self.named = collections.OrderedDict(a=Parameter(np.float32([4])))
        self.pair = Pair(Parameter(np.float32([5])), None)
        self.inner = Dense(1, 1, rng=rng())
        self.kept = Buffer(np.float32([6]))
        self.again = self.plain

    def __call__(self, x):
        found = [self.plain, self.listed[0], self.listed[2][0], self.named["a"], self.pair.left, self.again, self.kept]
        return x * sum(found[1:], start=found[0]) + self.inner(x).sum()


def test_a_weight_is_exchanged_wherever_it_is_kept_and_put_back():
    chest = Chest()
    chest.named_parameters("chest")
    tensors = [x for _, x in chest.named_tensors()]
    containers = [chest.listed, chest.named, chest.pair]
    ten = {x: minigen.tensor(np.full(x.shape, 10.0, np.float32), requires_grad=True) for x in tensors}
    one = minigen.ones(1, 1)
    before = chest(one).item()
    with chest.substituted(ten):
        loss = chest(one).sum()
        assert loss.item() == 7 * 10 + 20 and type(chest.pair) is Pair and type(chest.kept) is Buffer
        assert [p.name for p in chest.parameters()] == [p.name for p in tensors if isinstance(p, Parameter)]
        assert not any(x is y for (_, x), y in zip(chest.named_tensors(), tensors, strict=True))
    assert chest(one).item() == before
    assert all(x is y for (_, x), y in zip(chest.named_tensors(), tensors, strict=True))
    assert all(a is b for a, b in zip(containers, [chest.listed, chest.named, chest.pair], strict=True))
    slopes = minigen.grad(loss, list(ten.values()))
    assert [g.item() for g in slopes] == [2, 1, 1, 1, 1, 1, 1, 1], "`plain` is there twice"


def test_a_constant_stands_in_as_a_constant():
    chest = Chest()
    chest(minigen.ones(1, 1)).sum().backward()
    with chest.substituted({chest.plain: minigen.ones(1)}):
        assert chest.plain.grad is None and not chest.plain.requires_grad
        assert len(minigen.grad(chest(minigen.ones(1, 1)).sum(), chest.parameters())) == 6
    assert chest.plain.grad.item() == 2 and chest.plain.requires_grad


def test_a_substitute_that_does_not_fit_is_refused_and_nothing_is_exchanged():
    chest = Chest()
    weight = chest.inner.weight
    with pytest.raises(ShapeError, match=r"has shape \(1,\), and what should stand in for it \(2,\)"):
        with chest.substituted({weight: weight, chest.plain: minigen.ones(2)}):
            pass
    with pytest.raises(SettingError, match="neither a parameter nor a buffer of this module"):
        with chest.substituted({Parameter(np.float32([1])): minigen.ones(1)}):
            pass
    assert chest.inner.weight is weight

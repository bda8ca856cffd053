"""Gradient penalty and R1: closed forms for a linear critic, zero slopes, and second derivatives through networks."""

import numpy as np
import pytest

import minigen
from minigen import ShapeError
from minigen.check import grad_check
from minigen.losses import gan, gradient_penalty, r1
from minigen.nn import BatchNorm, Conv2D, Conv2DTranspose, Dense, Dropout, Flatten, LeakyReLU, Sequential, Softplus


def rng(seed=0):
    return minigen.random.generator(seed)


def normal(*shape, seed=0):
    return rng(seed).normal(size=shape)


W = np.array([1.0, 2.0, 2.0])  # of norm 3


def linear(x):
    return x @ W[:, None]


@pytest.mark.parametrize("seed", range(3))
def test_of_a_linear_critic_the_penalty_is_known_whatever_alpha(seed):
    real, fake = normal(5, 3), normal(5, 3, seed=9)
    assert gradient_penalty(linear, real, fake, rng(seed)).item() == pytest.approx(10 * (3 - 1) ** 2, rel=1e-12)
    assert gradient_penalty(linear, real, fake, rng(seed), weight=0.5, target=4.0).item() == pytest.approx(0.5)
    assert r1(linear, real).item() == pytest.approx(5 * 9, rel=1e-12)
    assert r1(linear, real, weight=2.0).item() == pytest.approx(9, rel=1e-12)


def test_the_order_of_the_batch_does_not_matter():
    real, fake, order = normal(6, 3), normal(6, 3, seed=1), [3, 1, 5, 0, 2, 4]
    one = gradient_penalty(linear, real, fake, rng()).item()
    assert gradient_penalty(linear, real[order], fake[order], rng()).item() == pytest.approx(one, rel=1e-12)


def test_the_norm_is_over_a_whole_image_not_over_one_axis():
    def total(x):
        return x.sum(axis=(1, 2, 3))

    images = normal(4, 5, 6, 2)
    expected = 10 * (np.sqrt(5 * 6 * 2) - 1) ** 2
    assert gradient_penalty(total, images, images, rng()).item() == pytest.approx(expected, rel=1e-12)
    assert r1(total, images).item() == pytest.approx(5 * 60, rel=1e-12)


def test_alpha_is_uniform_and_one_number_an_image():
    seen = []

    def spy(x):
        seen.append(x.numpy())
        return x.sum(axis=(1, 2, 3))

    gradient_penalty(spy, np.ones((5000, 2, 2, 1)), np.zeros((5000, 2, 2, 1)), rng())
    alpha = seen[0][:, 0, 0, 0]
    assert (seen[0] == alpha[:, None, None, None]).all()
    assert alpha.min() >= 0 and alpha.max() <= 1
    assert alpha.mean() == pytest.approx(0.5, abs=4 * np.sqrt(1 / 12 / 5000))
    assert alpha.var() == pytest.approx(1 / 12, rel=0.06)


def test_a_critic_that_is_constantly_0_costs_the_weight_and_has_finite_slopes():
    critic = Sequential(Dense(3, 4, rng=rng()), LeakyReLU(), Dense(4, 1, rng=rng()))
    for p in critic.parameters():
        p.data = p.data * 0
    penalty = gradient_penalty(critic, np.float32(normal(5, 3)), np.float32(normal(5, 3)), rng())
    assert penalty.item() == 10 and penalty.dtype == np.float32
    grads = minigen.grad(penalty, critic.parameters(), allow_unused=True)
    assert all(np.isfinite(g.numpy()).all() for g in grads if g is not None)


@pytest.mark.parametrize("sizes", [(7, 3), (3, 7), (1, 1)])
def test_batches_of_unequal_length_meet_at_the_shorter(sizes):
    seen = []

    def spy(x):
        seen.append(len(x))
        return linear(x)

    assert gradient_penalty(spy, normal(sizes[0], 3), normal(sizes[1], 3), rng()).item() == pytest.approx(40)
    assert seen == [min(sizes)]


@pytest.mark.parametrize("real, fake", [((4, 3), (4, 2)), ((0, 3), (4, 3))])
def test_images_of_two_shapes_are_refused(real, fake):
    with pytest.raises(ShapeError, match="must hold images of one shape"):
        gradient_penalty(linear, np.ones(real), np.ones(fake), rng())


def test_the_batches_are_constants():
    fake = minigen.tensor(np.ones((2, 3)), requires_grad=True)
    weight = minigen.tensor(W[:, None].copy(), requires_grad=True)
    penalty = gradient_penalty(lambda x: x @ weight, np.ones((2, 3)), fake * 2, rng())
    assert minigen.grad(penalty, [weight, fake], allow_unused=True)[1] is None


CRITICS = {
    "conv": lambda: Sequential(
        Conv2D(2, 3, 3, stride=2, padding="same", rng=rng()), LeakyReLU(), Flatten(), Dense(12, 1, rng=rng(1))
    ),
    "transpose": lambda: Sequential(
        Conv2DTranspose(2, 2, 3, stride=2, padding="same", rng=rng()), Softplus(), Flatten(), Dense(128, 1, rng=rng(1))
    ),
    "batch norm, training": lambda: Sequential(
        Conv2D(2, 3, 3, rng=rng(), bias=False), BatchNorm(3), LeakyReLU(), Flatten(), Dense(12, 1, rng=rng(1))
    ),
    "batch norm, in use": lambda: Sequential(
        Conv2D(2, 3, 3, rng=rng()), BatchNorm(3), LeakyReLU(), Flatten(), Dense(12, 1, rng=rng(1))
    ).eval(),
}


@pytest.mark.parametrize("name", CRITICS)
def test_the_penaltys_slopes_by_the_weights_agree_with_finite_differences(name):
    """Second derivatives, in float64, to 1e-6 of each tensor's scale."""
    critic = CRITICS[name]().astype(np.float64)
    real, fake = normal(3, 4, 4, 2, seed=2), normal(3, 4, 4, 2, seed=3)
    parameters = critic.parameters()

    def penalty():
        return gradient_penalty(critic, real, fake, rng(7), weight=1.0, target=0.3) + r1(critic, real, weight=0.5)

    found = minigen.grad(penalty(), parameters, allow_unused=True)
    for p, g in zip(parameters, found, strict=True):
        g = np.zeros(p.shape) if g is None else g.numpy()
        direction = normal(*p.shape, seed=p.size)
        start, h = p.data, 1e-5
        p.data = start + h * direction
        above = penalty().item()
        p.data = start - h * direction
        slope = (above - penalty().item()) / (2 * h)
        p.data = start
        assert (g * direction).sum() == pytest.approx(slope, rel=1e-6, abs=1e-8), p.name


def test_the_penalty_agrees_with_finite_differences_entry_by_entry():
    critic = CRITICS["conv"]()
    real, fake = normal(3, 4, 4, 2, seed=2), normal(3, 4, 4, 2, seed=3)

    def penalty(w, v):
        def network(x):
            h = minigen.leaky_relu(minigen.convolve(x, w, stride=2, padding="same"), slope=0.2)
            return h.reshape(len(x), -1) @ v

        return gradient_penalty(network, real, fake, rng(7))

    w, v = (critic[i].weight.numpy().astype(np.float64) for i in (0, 3))
    grad_check(penalty, {"w": w, "v": v}, quiet=True)


def test_dropout_in_the_critic_keeps_its_mask_for_the_second_derivative():
    critic = Sequential(Dense(3, 8, rng=rng()), LeakyReLU(), Dropout(0.5, rng=rng(1)), Dense(8, 1, rng=rng(2)))
    critic.astype(np.float64)
    w = critic[3].weight

    def penalty():
        critic[2].rng = rng(1)
        return r1(critic, normal(4, 3))

    slope = minigen.grad(penalty(), [w])[0].numpy()
    start, h, direction = w.data, 1e-6, normal(8, 1)
    w.data = start + h * direction
    above = penalty().item()
    w.data = start - h * direction
    assert (slope * direction).sum() == pytest.approx((above - penalty().item()) / (2 * h), rel=1e-6)


def test_both_are_found_beside_the_losses():
    assert gan.gradient_penalty is gradient_penalty and gan.r1 is r1


def test_real_images_in_float64_do_not_widen_the_critic():
    seen = []

    def critic(x):
        seen.append(x.dtype)
        return (x * x).sum(axis=1)

    gradient_penalty(critic, np.ones((4, 2)), minigen.zeros(4, 2), minigen.random.generator(0))
    assert seen == [np.float32]

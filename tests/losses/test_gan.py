"""The pairs of GAN losses against closed forms."""

import numpy as np
import pytest

import minigen
from minigen import SettingError
from minigen.check import grad_check
from minigen.losses import gan

LN2 = np.log(2)


def tensor(*entries):
    return minigen.tensor(np.array(entries, np.float64))


def slopes(loss, *entries):
    a = minigen.tensor(np.array(entries, np.float64), requires_grad=True)
    return minigen.grad(loss(a), [a])[0].numpy()


def test_the_generators_two_logistic_losses_are_two():
    a = tensor(-2, 0.5)
    assert gan.nonsaturating.generator(a).item() == pytest.approx(1.300502, abs=1e-6)
    assert gan.minimax.generator(a).item() == pytest.approx(-0.550502, abs=1e-6)
    assert gan.nonsaturating.generator(tensor(0)).item() == pytest.approx(LN2)
    assert gan.minimax.generator(tensor(0)).item() == pytest.approx(-LN2)


@pytest.mark.parametrize("a, saturating", [(-10, -4.5398e-5), (5, -0.9933071)])
def test_the_slope_vanishes_where_d_is_sure_of_a_fake_and_only_for_minimax(a, saturating):
    assert slopes(gan.minimax.generator, a)[0] == pytest.approx(saturating, rel=1e-4)
    assert slopes(gan.nonsaturating.generator, a)[0] == pytest.approx(-1 / (1 + np.exp(a)), rel=1e-9)


@pytest.mark.parametrize("pair", [gan.nonsaturating, gan.minimax])
def test_the_discriminators_logistic_loss(pair):
    assert pair.discriminator(tensor(0), tensor(0)).item() == pytest.approx(1.386294, abs=1e-6)
    assert pair.discriminator(tensor(2, -1), tensor(-2, 0.5)).item() == pytest.approx(1.270597, abs=1e-6)
    assert pair.discriminator(tensor(1e4), tensor(-1e4)).item() == 0


def test_the_best_discriminator_of_two_known_distributions():
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.3, 0.5])
    logits, middle = np.log(p) - np.log(q), (p + q) / 2
    jsd = 0.5 * (p * np.log(p / middle)).sum() + 0.5 * (q * np.log(q / middle)).sum()
    assert jsd == pytest.approx(0.066414, abs=1e-6)
    assert logits == pytest.approx([0.916291, 0, -0.916291], abs=1e-6)
    real = tensor(*np.repeat(logits, [5, 3, 2]))  # ten images each, in the shares of p and of q
    fake = tensor(*np.repeat(logits, [2, 3, 5]))
    assert gan.minimax.discriminator(real, fake).item() == pytest.approx(2 * LN2 - 2 * jsd, rel=1e-12)  # eq. 6
    assert gan.nonsaturating.generator(fake).item() == pytest.approx(0.901620, abs=1e-6)
    assert gan.minimax.generator(fake).item() == pytest.approx(-0.626733, abs=1e-6)


@pytest.mark.parametrize("name", ["nonsaturating", "minimax", "least_squares", "hinge"])
def test_means_are_added_not_averaged_whatever_the_batch_sizes(name):
    pair = gan.objective(name)
    level = 0.5 if name == "least_squares" else 0.0
    loss = pair.discriminator(minigen.ones(96, 1) * level, minigen.ones(256, 1) * level)
    assert loss.item() == pytest.approx(pair.balance[0])
    assert pair.generator(minigen.ones(256, 1) * level).item() == pytest.approx(pair.balance[1], abs=1e-6)


@pytest.mark.parametrize("smooth", [0.0, 0.1])
@pytest.mark.parametrize("name", gan.OBJECTIVES)
def test_real_and_fake_in_one_batch_lose_what_they_lose_in_two(name, smooth):
    pair = gan.objective(name, smooth=smooth if name in ("nonsaturating", "minimax") else 0.0)
    rng = np.random.default_rng(0)
    real, fake = (minigen.tensor(rng.normal(size=(n, 1)), requires_grad=True) for n in (3, 5))
    apart = pair.discriminator(real, fake)
    together = minigen.tensor(np.concatenate([real.numpy(), fake.numpy()]), requires_grad=True)
    one = pair.both(together, 3)
    assert one.item() == pytest.approx(apart.item(), rel=1e-12)
    wanted = np.concatenate([dx.numpy() for dx in minigen.grad(apart, [real, fake])])
    np.testing.assert_allclose(minigen.grad(one, [together])[0].numpy(), wanted, rtol=1e-12)


def test_probabilities_in_one_batch_are_warned_of_too():
    with pytest.warns(UserWarning, match="this loss takes logits"):
        gan.nonsaturating.both(minigen.sigmoid(minigen.zeros(4, 1, requires_grad=True)), 2)


def test_least_squares_hinge_and_wasserstein_by_hand():
    real, fake = tensor(2, 0.5), tensor(-1.5, 0.5)
    assert gan.least_squares.discriminator(real, fake).item() == pytest.approx(0.5 * 0.625 + 0.5 * 1.25)
    assert gan.least_squares.generator(fake).item() == pytest.approx(0.5 * (6.25 + 0.25) / 2)
    assert gan.LeastSquares(a=-1, b=1, c=0).generator(fake).item() == pytest.approx(0.5 * 1.25)
    assert gan.hinge.discriminator(real, fake).item() == pytest.approx(0.25 + 0.75)
    assert gan.hinge.generator(fake).item() == pytest.approx(0.5)
    assert gan.wasserstein.discriminator(real, fake).item() == pytest.approx(-0.5 - 1.25)
    assert gan.wasserstein.generator(fake).item() == pytest.approx(0.5)


@pytest.mark.parametrize("name", ["nonsaturating", "minimax"])
def test_smoothing_makes_real_images_count_0_9_and_leaves_fakes(name):
    pair = gan.objective(name, smooth=0.1)
    assert pair.discriminator(tensor(20), tensor(-1e4)).item() == pytest.approx(2.000000002061, abs=1e-9)
    assert pair.discriminator(tensor(1e4), tensor(20)).item() == pytest.approx(1000 + 20, rel=1e-9)
    assert slopes(lambda a: pair.discriminator(a, tensor(0)), 0.0)[0] == pytest.approx(-0.4)
    assert pair.generator(tensor(0.7)).item() == gan.objective(name).generator(tensor(0.7)).item()


@pytest.mark.parametrize("name", ["least_squares", "hinge", "wasserstein"])
def test_smoothing_means_nothing_without_labels(name):
    with pytest.raises(SettingError, match=f"smooth=0.1 has no meaning for {name}"):
        gan.objective(name, smooth=0.1)


@pytest.mark.parametrize("smooth", [-0.1, 1.0, float("nan")])
def test_smoothing_out_of_bounds_is_refused(smooth):
    with pytest.raises(SettingError, match=r"must lie in \[0, 1\)"):
        gan.objective("minimax", smooth=smooth)


def test_an_unknown_name_is_met_with_a_near_one():
    with pytest.raises(SettingError, match="no GAN loss 'wasserstien'; did you mean wasserstein"):
        gan.objective("wasserstien")
    with pytest.raises(SettingError, match="there are nonsaturating, minimax"):
        gan.objective("xyz")


@pytest.mark.parametrize("name", gan.OBJECTIVES)
def test_every_pair_agrees_with_finite_differences_and_says_what_it_means(name):
    pair = gan.OBJECTIVES[name]
    real, fake = np.array([[2.3], [-0.7], [0.2]]), np.array([[-1.9], [0.4]])
    grad_check(pair.discriminator, {"real": real, "fake": fake}, order=2, quiet=True)
    grad_check(pair.generator, {"fake": fake}, order=2, quiet=True)
    assert pair.reading.endswith(".") and "\n" not in pair.reading
    assert type(pair).__doc__ and type(pair).generator.__doc__ and type(pair).discriminator.__doc__


@pytest.mark.parametrize("name", gan.OBJECTIVES)
@pytest.mark.parametrize("level", [0, 1, -1, 20, -20, 90, -90, 800, -800, 1e4, -1e4])
def test_every_pair_is_finite_in_float32_with_finite_slopes(name, level):
    pair = gan.OBJECTIVES[name]
    real = minigen.tensor(np.float32([level]), requires_grad=True)
    fake = minigen.tensor(np.float32([level]), requires_grad=True)
    for loss, leaves in ((pair.discriminator(real, fake), [real, fake]), (pair.generator(fake), [fake])):
        assert loss.dtype == np.float32 and np.isfinite(loss.item())
        assert all(np.isfinite(g.item()) and g.dtype == np.float32 for g in minigen.grad(loss, leaves))


def test_the_slope_lives_on_far_from_0():
    """−log D at a = −800 has slope −1, at a = 20 still −2e-9: no clip, no probability."""
    a = minigen.tensor(np.float32([-800, 20]), requires_grad=True)
    slope = minigen.grad(gan.nonsaturating.generator(a) * 2, [a])[0].numpy()
    np.testing.assert_allclose(slope, [-1, -2.06115362e-9], rtol=1e-5)

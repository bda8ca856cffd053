"""Layers, losses, optimisers and tools on the look-alike of CuPy: the same numbers and dtypes as on NumPy."""

import copy

import numpy as np
import pytest

import minigen
from minigen import backend, doctor, losses, nn, optim
from minigen.losses import vae as bounds
from minigen.models import conv_vae, dcgan, linear_gaussian, mlp, motion_vae, vae

from . import lookalike


def drawn(*shape, seed=1):
    return minigen.random.normal(*shape, rng=minigen.random.generator(seed))


def trained(module, x, passes=2):
    """Two passes forward and back, and one in use: what came out, the gradients, and all that the module keeps."""
    rng = minigen.random.generator(2)
    found = []
    for _ in range(passes):
        y = module(x)
        weights = minigen.random.normal(*y.shape, rng=rng)
        found += [y, *minigen.grad((y * weights).sum(), [x, *module.parameters()], allow_unused=True)]
    module.eval()
    return [*found, module(x), *module.state_dict().values(), str(module.summary(x.shape[1:]))]


def layer(make, *shape):
    def program():
        x = drawn(*shape)
        return trained(make(minigen.random.generator(0)), minigen.tensor(x.data, requires_grad=True))

    return program


LAYERS = {
    "Dense": layer(lambda rng: nn.Dense(4, 3, rng=rng), 5, 4),
    "Conv1D": layer(lambda rng: nn.Conv1D(2, 4, 3, padding="same", groups=2, rng=rng), 2, 7, 2),
    "Conv2D": layer(lambda rng: nn.Conv2D(2, 3, 3, stride=2, padding="same", rng=rng), 2, 5, 6, 2),
    "Conv3D": layer(lambda rng: nn.Conv3D(1, 2, 2, dilation=2, rng=rng), 2, 4, 5, 4, 1),
    "Conv1DTranspose": layer(lambda rng: nn.Conv1DTranspose(2, 3, 4, stride=3, rng=rng), 2, 3, 2),
    "Conv2DTranspose": layer(lambda rng: nn.Conv2DTranspose(2, 3, 5, stride=2, padding="same", rng=rng), 2, 3, 3, 2),
    "Conv3DTranspose": layer(lambda rng: nn.Conv3DTranspose(1, 2, 2, stride=2, bias=False, rng=rng), 2, 2, 3, 2, 1),
    "BatchNorm": layer(lambda rng: nn.BatchNorm(3), 4, 5, 3),
    "BatchNorm of PyTorch": layer(lambda rng: nn.BatchNorm(3, momentum=0.9, eps=1e-5, unbiased_running=True), 6, 3),
    "LayerNorm": layer(lambda rng: nn.LayerNorm(3), 4, 5, 3),
    "Dropout": layer(lambda rng: nn.Dropout(0.4, rng=rng), 4, 5),
    "MaxPool": layer(lambda rng: nn.MaxPool(2), 2, 4, 6, 3),
    "AveragePool": layer(lambda rng: nn.AveragePool(3, stride=2, padding="same"), 2, 5, 5, 3),
    "Upsample": layer(lambda rng: nn.Upsample(2), 2, 3, 2, 2),
    "bends": layer(
        lambda rng: nn.Sequential(
            *(nn.ReLU(), nn.LeakyReLU(0.2), nn.ELU(), nn.SiLU(), nn.GELU(), nn.Softplus(), nn.Sigmoid(), nn.Tanh()),
            *(nn.Reshape(2, 3), nn.Flatten()),
        ),
        *(4, 6),
    ),
    "the article's generator": layer(lambda rng: dcgan.Generator(latent=5, width=0.05, rng=rng), 3, 5),
    "the article's discriminator": layer(
        lambda rng: dcgan.Discriminator(width=0.05, rng=rng, dropout=0.3, noise=rng), 2, 28, 28, 1
    ),
    "points": layer(lambda rng: nn.Sequential(mlp.Generator(rng=rng), mlp.Discriminator(rng=rng)), 4, 2),
}


def objective(name):
    def program():
        found = losses.gan.objective(name)
        real, fake = (minigen.tensor(drawn(6, 1, seed=s).data, requires_grad=True) for s in (1, 2))
        loss_d, loss_g = found.discriminator(real, fake), found.generator(fake)
        return [loss_d, loss_g, *minigen.grad(loss_d, [real, fake]), *minigen.grad(loss_g, [fake])]

    return program


def penalties():
    rng = minigen.random.generator(0)
    critic = mlp.Discriminator(rng=rng)
    real, fake = drawn(6, 2), drawn(6, 2, seed=2)
    both = [losses.gradient_penalty(critic, real, fake, rng=rng), losses.r1(critic, real)]
    return [x for loss in both for x in (loss, *minigen.grad(loss, critic.parameters(), allow_unused=True))]


def logits():
    x = minigen.tensor(drawn(5).data, requires_grad=True)
    loss = losses.binary_cross_entropy(x, minigen.tensor([0.0, 1.0, 0.5, 1.0, 0.0]))
    return [loss, *minigen.grad(loss, [x])]


def bound(make, *item, y=None):
    def program():
        rng = minigen.random.generator(0)
        model = make(rng)
        model.named_parameters()
        x = minigen.tensor((drawn(3, *item).data > 0).astype("float32"))
        labels = None if y is None else minigen.tensor(vae.one_hot(np.arange(3) % y, y))
        log_w = model.log_weights(x, 4, rng=rng, y=labels)
        loss = -bounds.iwae_bound(log_w)
        found = [loss, bounds.normalised_weights(log_w), *minigen.grad(loss, model.parameters(), retain_graph=True)]
        found += list(bounds.log_likelihood(lambda n: model.log_weights(x, n, rng=rng, y=labels), 6, chunk=4))
        if model.analytic:
            log_px, mu, logvar = model.one_pass(x, rng=rng, k=2, y=labels)
            kl = bounds.free_bits(bounds.gaussian_kl_per_dimension(mu, logvar), 0.1)
            elbo = bounds.negative_elbo(-log_px.mean(), kl + bounds.gaussian_kl(mu, logvar), beta=0.5)
            found += [elbo, *minigen.grad(elbo, model.parameters())]
        return [*found, model.noise_logvar if model.likelihood == "gaussian" else x]

    return program


def dense(rng, **settings):
    return vae.DenseVae(item=(6,), hidden=(5,), latent=2, rng=rng, **settings)


def two_layers(rng):
    return vae.TwoLayerVae(item=(6,), hidden=(5, 4), latent=(3, 2), rng=rng)


def motion(rng):
    return motion_vae.MotionVae(features=5, frames=8, latent=2, width=0.1, labels=2, rng=rng)


def images(rng):
    return conv_vae.ConvVae(latent=2, width=0.1, likelihood="gaussian", rng=rng)


LOSSES = {
    **{name: objective(name) for name in ("nonsaturating", "minimax", "least_squares", "hinge", "wasserstein")},
    "penalties": penalties,
    "binary cross-entropy": logits,
    "dense VAE": bound(dense, 6),
    "dense VAE, gaussian, with labels": bound(lambda rng: dense(rng, likelihood="gaussian", labels=2), 6, y=2),
    "two layers": bound(two_layers, 6),
    "VAE of motion": bound(motion, 8, 5, y=2),
    "VAE of images": bound(images, 28, 28, 1),
}


def steps(make):
    """Three updates of two parameters, saved in the middle, with averages beside them."""

    def program():
        network = nn.Dense(3, 2, rng=minigen.random.generator(0))
        average = optim.Average(network, 0.9)
        optimiser = make(network.parameters())
        for i in range(3):
            loss = (network(drawn(4, 3, seed=i)) ** 2).sum()
            optimiser.update(minigen.grad(loss, network.parameters()))
            average.update()
            optimiser.load_state_dict(optimiser.state_dict())
            network.load_state_dict(network.state_dict())
            average.load_state_dict(average.state_dict())
        with average.applied():
            inside = [p.data.copy() for p in network.parameters()]
        return [*inside, *network.parameters(), *optimiser.state_dict().values()]

    return program


OPTIMISERS = {
    "SGD": steps(lambda p: optim.SGD(p, 0.1)),
    "SGD with momentum": steps(lambda p: optim.SGD(p, 0.1, momentum=0.9, nesterov=True, weight_decay=0.1)),
    "Adam": steps(lambda p: optim.Adam(p, optim.cosine(0.1, 3))),
    "AdamW, clipped": steps(lambda p: optim.AdamW(p, 0.1, clip_norm=0.5)),
    "RMSProp": steps(lambda p: optim.RMSProp(p, 0.1)),
    "Adagrad": steps(lambda p: optim.Adagrad(p, 0.1)),
}


def tools():
    """What stands beside training: printing, anomalies, drawing, copying, indexing, clipping, backward."""
    x = minigen.tensor([[0.5, -1.0], [2.0, 3.0]], requires_grad=True)
    y = (x.exp() @ x.T).softmax(axis=1)
    with pytest.raises(minigen.AnomalyError, match="log made the first NaN"), minigen.detect_anomaly():
        with np.errstate(invalid="ignore"):
            (x - 10.0).log()
    loss = (y * y).sum()
    drawing = str(minigen.draw_graph(loss))
    loss.backward()
    assert "0.5" in repr(x) and f"{loss:.3f}" and float(loss) == loss.item() and int(loss) >= 0 and bool(loss > 0)
    assert "softmax" in drawing and len(x.tolist()) == 2
    shorter, norm = optim.clip_grad_norm([x.grad], 0.1)
    found = [
        x[[1, 0]],
        x[np.array([0, 0])],
        x[x > 0],
        minigen.take(x, [1], 1),
        x[minigen.tensor([1])],
        copy.deepcopy(x),
    ]
    return [x.grad, *shorter, norm, *found, *x, minigen.ones_like(x), minigen.zeros(2), linear().elbo]


def linear():
    """The closed forms of the linear VAE."""

    class Found:
        model = linear_gaussian.LinearGaussian()
        elbo = minigen.tensor([[0.5], [1.0]])

    return Found


def here(program):
    """What a program gave, on the host."""
    return [x if isinstance(x, float | str) else None if x is None else backend.to_host(_bare(x)) for x in program()]


def _bare(x):
    return x.data if isinstance(x, minigen.Tensor) else x


@pytest.mark.parametrize("name", [*LAYERS, *LOSSES, *OPTIMISERS, "tools"])
def test_the_same_numbers_as_on_numpy(name):
    program = {**LAYERS, **LOSSES, **OPTIMISERS, "tools": tools}[name]
    with minigen.autograd.kernels_off():  # formulas on both sides: then not even rounding differs
        expected = here(program)
    with lookalike.playing(), lookalike.counted() as counts:
        backend.use("cupy")
        found = here(program)
    assert counts.launches > 0 and len(found) == len(expected)
    for got, wanted in zip(found, expected, strict=True):
        if wanted is None or isinstance(wanted, str):
            assert got == wanted
            continue
        assert np.asarray(got).dtype == np.asarray(wanted).dtype
        np.testing.assert_allclose(got, wanted, rtol=1e-7, atol=0)


def test_the_doctor_finds_right_gradients_on_it():
    with lookalike.playing():
        found = doctor.examine_backend("cupy", 0.0)
    assert found["works"] and found["right"] and found["gpu"] == "a look-alike: no GPU"

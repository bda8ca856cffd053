"""Variational autoencoders: what all share, and the dense ones of Kingma & Welling 2014 and of the IWAE paper."""

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np

from minigen.autograd import Parameter
from minigen.errors import DataError, SettingError, ShapeError
from minigen.losses import vae as losses
from minigen.nn import Dense, Module, Sequential, Tanh
from minigen.nn.initialisers import Initialiser, glorot_uniform
from minigen.ops import broadcast_to, concatenate, reshape, split
from minigen.ops.shapes import bare

Likelihood = Literal["bernoulli", "gaussian"]
IN_TWO_STAGES = "TwoLayerVae: its code is drawn in two stages; ask for log_weights(x, k, rng=rng)."


class Pass(NamedTuple):
    """What one way through a VAE gives for a batch: log p(x|z) (N, k), and the code's μ and log σ² (N, Z)."""

    log_px: Any
    mu: Any
    logvar: Any


class Vae(Module):
    """An encoder q(z|x) = N(μ(x), σ²(x)), a decoder p(x|z), and the prior p(z) = N(0, 1).

    A subclass sets `latent`, `likelihood`, `item` (the shape of one x) and `labels` (how many classes it is told of, 0
    for none), and computes `encode` and `decode`.  Everything else follows.  Where there are labels, every method takes
    them as `y`, one-hot rows (N, labels).
    """

    latent: int
    item: tuple[int, ...]
    likelihood: Likelihood
    labels: int = 0
    noise_logvar: Any  # log σ² of a gaussian p(x|z): one number for all of x
    analytic: ClassVar[bool] = True  # is the KL to the prior known in closed form?

    def encode(self, x: Any, y: Any = None) -> tuple[Any, Any]:
        """(μ, log σ²) of q(z|x), both (N, Z)."""
        raise NotImplementedError(f"{type(self).__name__} does not define encode(self, x, y).")

    def decode(self, z: Any, y: Any = None) -> Any:
        """The parameter of p(x|z), (N, *item): logits where the likelihood is bernoulli, means where it is gaussian."""
        raise NotImplementedError(f"{type(self).__name__} does not define decode(self, z, y).")

    def __call__(self, x: Any, y: Any = None) -> Any:
        """x, encoded to its mean code and decoded: a reconstruction, as `decode` gives it."""
        return self.decode(self.encode(x, y)[0], y)

    def log_px(self, x: Any, decoded: Any) -> Any:
        """log p(x|z) of each item, (N, …), in nats; x and decoded: (N, …, D), summed over the last axis."""
        if self.likelihood == "bernoulli":
            return losses.log_bernoulli(x, decoded)
        return losses.log_normal(x, decoded, self.noise_logvar)

    def one_pass(self, x: Any, *, rng: np.random.Generator, k: int = 1, y: Any = None) -> Pass:
        """k draws of z for each x (N, *item), decoded and held against x: what an ELBO needs.  x is encoded once."""
        mu, logvar = self.encode(x, y)
        z = losses.reparameterise(mu, logvar, rng=rng, k=k)
        return Pass(self._log_px_of(x, z, y), mu, logvar)

    def log_weights(self, x: Any, k: int, *, rng: np.random.Generator, y: Any = None) -> Any:
        """log p(x, z) − log q(z|x) of k draws of z for each x: (N, k).  IWAE, eq. 8; x is encoded once."""
        mu, logvar = self.encode(x, y)
        return self.weights_of_code(x, mu, logvar, k, rng=rng, y=y)

    def weights_of_code(self, x: Any, mu: Any, logvar: Any, k: int, *, rng: np.random.Generator, y: Any = None) -> Any:
        """The same where the code is known already, so that many draws need one encoding."""
        z = losses.reparameterise(mu, logvar, rng=rng, k=k)
        return losses.log_weights(self._log_px_of(x, z, y), z, mu, logvar)

    def _log_px_of(self, x: Any, z: Any, y: Any) -> Any:
        """log p(x|z) of each draw: x (N, *item), z (N, k, Z) → (N, k)."""
        (N, k, Z), L = z.shape, self.labels
        # not xp.repeat, which CuPy computes row after row
        every = None if y is None else reshape(broadcast_to(reshape(bare(y), (N, 1, -1)), (N, k, L)), (N * k, L))
        decoded = self.decode(reshape(z, (N * k, Z)), every)
        return self.log_px(reshape(x, (N, 1, -1)), reshape(decoded, (N, k, -1)))

    # What subclasses use ----------------------------------------------------------------------------------------------

    def _set(self, latent: int, item: Sequence[int], likelihood: Likelihood, labels: int = 0) -> None:
        """Check and keep what every VAE has; with a gaussian likelihood, the learnt log σ² of all pixels together."""
        who = type(self).__name__
        if latent < 1 or labels < 0 or not item or min(item) < 1:
            raise SettingError(
                f"{who}: latent={latent} and every length of item={tuple(item)} must be at least 1, labels={labels} at "
                "least 0."
            )
        if likelihood not in ("bernoulli", "gaussian"):
            raise SettingError(f"{who}: likelihood {likelihood!r} is unknown; it is bernoulli or gaussian.")
        self.latent, self.item, self.likelihood, self.labels = latent, tuple(item), likelihood, labels
        if likelihood == "gaussian":  # one number, learnt: Rybkin, Daniilidis & Levine 2021, section 3
            self.noise_logvar = Parameter(np.zeros((), np.float32))

    def _check(self, x: Any, y: Any) -> None:
        if tuple(x.shape[1:]) != self.item:
            raise ShapeError(
                f"{type(self).__name__}: x has shape {tuple(x.shape)}; it must be (N, {_listed(self.item)})."
            )
        self._check_labels(len(x), y)

    def _check_labels(self, n: int, y: Any) -> None:
        wanted = (n, self.labels) if self.labels else None
        got = None if y is None else tuple(y.shape)
        if got != wanted:
            raise ShapeError(
                f"{type(self).__name__}: y is {got}; it must be {wanted}"
                + (", one-hot rows that say the class of each item." if self.labels else ": this model has no labels.")
            )


def beside(x: Any, y: Any) -> Any:
    """x (N, C) with the labels y (N, L) beside it, (N, C + L); x itself where there are none."""
    return x if y is None else concatenate([x, y], axis=1)


def code(h: Any) -> tuple[Any, Any]:
    """(μ, log σ²) from the last layer of an encoder, (N, 2 Z).

    Nothing is clamped: in float32 a log σ² above 88 overflows, which NumPy warns of and `detect_anomaly` locates.
    """
    mu, logvar = split(h, 2, axis=1)
    return mu, logvar


def one_hot(classes: np.ndarray, labels: int) -> np.ndarray:
    """float32 (N, labels): row i is 1 at classes[i] and 0 elsewhere.  DataError where a class is not in [0, labels)."""
    classes = np.asarray(classes)
    if classes.size and not (0 <= classes.min() and classes.max() < labels):
        raise DataError(
            f"one_hot: classes {classes.min()} to {classes.max()} came for {labels} labels, 0 to {labels - 1}."
        )
    return np.eye(labels, dtype=np.float32)[classes]


def _rows(x: Any) -> Any:
    return reshape(x, (x.shape[0], -1))


def _listed(item: tuple[int, ...]) -> str:
    return ", ".join(map(str, item))


class ConvolutionalVae(Vae):
    """A VAE whose labels stand beside the encoder's last features and beside z; a subclass sets the three parts.

    encoder: x → features (N, C); to_code: features and labels → μ and log σ²; decoder: z and labels → (N, *item).
    """

    encoder: Sequential
    to_code: Dense
    decoder: Sequential

    def encode(self, x: Any, y: Any = None) -> tuple[Any, Any]:
        self._check(x, y)
        return code(self.to_code(beside(self.encoder(x), y)))

    def decode(self, z: Any, y: Any = None) -> Any:
        self._check_labels(len(z), y)
        return self.decoder(beside(z, y))


class DenseVae(Vae):
    """784-200-200-50 and its mirror, or other widths: dense layers with tanh between.

    x (N, *item) → μ, log σ² (N, latent); z → logits or means (N, *item).  hidden: widths from x to z; the decoder has
    them in reverse.  hidden (200, 200), latent 50 is the one-layer model of IWAE (Burda et al. 2016, section 5); hidden
    (500,), latent 20, `initialiser` normal with deviation 0.01 the one of Kingma & Welling 2014, section 5.
    """

    def __init__(
        self,
        *,
        item: Sequence[int] = (784,),
        hidden: Sequence[int] = (200, 200),
        latent: int = 50,
        likelihood: Likelihood = "bernoulli",
        labels: int = 0,
        rng: np.random.Generator,
        initialiser: Initialiser = glorot_uniform,
    ):
        self._set(latent, item, likelihood, labels)
        D = math.prod(item)
        self.encoder = _dense([D + labels, *hidden, 2 * latent], rng, initialiser)
        self.decoder = _dense([latent + labels, *reversed(hidden), D], rng, initialiser)

    def encode(self, x: Any, y: Any = None) -> tuple[Any, Any]:
        self._check(x, y)
        return code(self.encoder(beside(_rows(x), y)))

    def decode(self, z: Any, y: Any = None) -> Any:
        self._check_labels(len(z), y)
        return reshape(self.decoder(beside(z, y)), (len(z), *self.item))


def _dense(widths: Sequence[int], rng: np.random.Generator, initialiser: Initialiser) -> Sequential:
    """Dense layers of these widths with tanh between them."""
    layers: list[Any] = []
    for inputs, outputs in zip(widths, widths[1:], strict=False):
        layers += [Dense(inputs, outputs, rng=rng, initialiser=initialiser), Tanh()]
    return Sequential(*layers[:-1])


class TwoLayerVae(Vae):
    """IWAE's model with two stochastic layers: x → h₁ (100) → h₂ (50) and back.  Burda et al. 2016, section 5

    q(h₁, h₂|x) = q(h₁|x) q(h₂|h₁), p(x, h₁, h₂) = p(h₂) p(h₁|h₂) p(x|h₁), all normal but p(x|h₁); between them two
    dense layers with tanh: 784-200-200-100, 100-100-100-50 and the mirror.  No analytic KL exists: train it with the
    IWAE bound, k = 1 being the ELBO.  A latent for `decode` is h₂; p(h₁|h₂) then gives its mean.
    """

    analytic = False

    def __init__(
        self,
        *,
        item: Sequence[int] = (784,),
        hidden: tuple[int, int] = (200, 100),
        latent: tuple[int, int] = (100, 50),
        likelihood: Likelihood = "bernoulli",
        rng: np.random.Generator,
    ):
        D, (lower, upper), (Z1, Z2) = math.prod(item), hidden, latent
        self._set(Z2, item, likelihood)
        self.lower_latent = Z1
        self.encoder = _dense([D, lower, lower, 2 * Z1], rng, glorot_uniform)
        self.encoder2 = _dense([Z1, upper, upper, 2 * Z2], rng, glorot_uniform)
        self.decoder2 = _dense([Z2, upper, upper, 2 * Z1], rng, glorot_uniform)
        self.decoder = _dense([Z1, lower, lower, D], rng, glorot_uniform)

    def encode(self, x: Any, y: Any = None) -> tuple[Any, Any]:
        """(μ, log σ²) of q(h₂|h₁) at the mean of q(h₁|x): what of x the upper layer holds."""
        return code(self.encoder2(self._lower(x, y)[0]))

    def decode(self, z: Any, y: Any = None) -> Any:
        self._check_labels(len(z), y)
        return reshape(self.decoder(code(self.decoder2(z))[0]), (len(z), *self.item))

    def log_weights(self, x: Any, k: int, *, rng: np.random.Generator, y: Any = None) -> Any:
        N = len(x)
        mu1, logvar1 = self._lower(x, y)
        h1 = losses.reparameterise(mu1, logvar1, rng=rng, k=k)  # (N, k, Z₁)
        rows = reshape(h1, (N * k, -1))
        mu2, logvar2 = code(self.encoder2(rows))
        h2 = losses.reparameterise(mu2, logvar2, rng=rng)  # (N k, Z₂)
        prior1 = code(self.decoder2(h2))
        log_px = self.log_px(reshape(x, (N, 1, -1)), reshape(self.decoder(rows), (N, k, -1)))
        upper = losses.log_standard_normal(h2) + losses.log_normal(rows, *prior1) - losses.log_normal(h2, mu2, logvar2)
        return (
            log_px + reshape(upper, (N, k)) - losses.log_normal(h1, *(reshape(a, (N, 1, -1)) for a in (mu1, logvar1)))
        )

    def one_pass(self, x: Any, *, rng: np.random.Generator, k: int = 1, y: Any = None) -> Pass:
        raise SettingError(IN_TWO_STAGES)

    def weights_of_code(self, x: Any, mu: Any, logvar: Any, k: int, *, rng: np.random.Generator, y: Any = None) -> Any:
        raise SettingError(IN_TWO_STAGES)

    def _lower(self, x: Any, y: Any) -> tuple[Any, Any]:
        self._check(x, y)
        return code(self.encoder(_rows(x)))

"""The VAE: one step of its training, in every way its settings allow, and what it draws.

The article's sections 变分自编码器的数学模型 and 案例说明; Kingma & Welling 2014, algorithm 1.
"""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

import minigen
from minigen import backend, optim
from minigen.losses import vae as losses
from minigen.metrics.vae import ACTIVE
from minigen.motion import Clip, Scaling, from_features
from minigen.nn import Module
from minigen.ops.draws import draw_uniform
from minigen.train.about import body_of
from minigen.train.condition import Condition
from minigen.train.recipe import Recipe
from minigen.train.vae_config import Config
from minigen.train.vae_networks import build, halves, tables

NOISE_LOGVAR = -2.0  # where the learnt log σ² of a gaussian p(x|z) starts; from 0 Adam would be long on its way


class Parts(NamedTuple):
    """The two parts of −ELBO for a batch: −E log p(x|z), one number, and the KL entry by entry, (N, Z); and μ."""

    reconstruction: Any
    terms: Any
    mu: Any

    @property
    def kl(self) -> Any:
        """Summed over the latents, the mean over the batch: one number."""
        return self.terms.sum(axis=1).mean()


class Vae(Recipe):
    """Encoder, decoder, their optimiser, and how a batch is prepared for them.

    about: what `minigen.train.about.about` says of the data; it is kept in every checkpoint.
    """

    def __init__(self, config: Config, about: dict[str, Any]):
        self.config, self.about = config, about
        self.planned = config.steps
        self.condition = Condition.from_facts(about)
        start = backend.generator([config.seed, 0])
        self.rng = backend.generator([config.seed, 1], config.draws)
        self.scaling: Scaling | None = None
        if config.moves:
            self.skeleton, self.carrier, self.fps, self.scaling = body_of(about)
        self.model = build(config, self.condition.numbers, self.scaling, start)
        if self.model.likelihood == "gaussian":
            self.model.noise_logvar.data[...] = NOISE_LOGVAR
        betas = (config.beta1, config.beta2)
        rate = self._rate if config.decay == "cosine" else config.learning_rate
        groups = halves(self.model) if config.alternate else {"all": self.model.parameters()}
        self.named_parameters()  # gives each its name, so that messages say model.encoder.…
        self.optimisers = {name: optim.Adam(some, rate, betas=betas, eps=config.eps) for name, some in groups.items()}

    def _rate(self, step: int) -> float:
        """α from learning_rate to a hundredth of it, along half a cosine over the planned steps."""
        done = min(1.0, step / max(1, self.planned))
        return self.config.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))

    # What the loop asks -----------------------------------------------------------------------------------------------

    @property
    def networks(self) -> dict[str, Module]:
        """What is trained, by name."""
        return {"model": self.model}

    @property
    def width(self) -> float:
        """The share of the usual channels that its convolutions have."""
        return self.config.share

    @property
    def classes(self) -> list[str]:
        """The names of the classes that the model may be told of; none where it is told of none."""
        return list(self.condition.classes)

    @property
    def graphless(self) -> str:
        """Why its step cannot be one CUDA graph, in a sentence; empty where nothing is known against it."""
        if self.config.moves:
            return "motion is scaled on the host in every step."
        if self.condition.numbers:
            return "what the model is told of an item becomes a row on the host in every step."
        return ""

    @property
    def unit(self) -> str:
        """What one item is called."""
        return "window" if self.config.moves else "image"

    @property
    def reading(self) -> str:
        """One line on what the loss values mean."""
        if not self.config.is_likelihood:
            return (
                "Pixels are grey and not drawn black or white, so the reconstruction is a cross-entropy and no "
                "likelihood, and the loss bounds nothing. Lower is better; nats per image."
            )
        if self.config.warm_up or self.config.free_bits:
            return (
                "The loss is not −ELBO, since --warm-up or --free-bits change what the KL counts in it; −ELBO is "
                f"recorded beside it. Nats per {self.unit}, lower is better."
            )
        density = " A density: it may be negative." if self.config.likelihood == "gaussian" else ""
        if self.config.aim == "beta":
            return (
                f"The loss is {self.config.lam:g} × reconstruction + {self.config.kl_goal:g} × KL; −ELBO, with both at "
                f"1, is recorded beside it. Nats per {self.unit}, lower is better.{density}"
            )
        if self.config.aim == "iwae":
            return (
                f"The loss is −L_{self.config.k}, which bounds −log p(x) from above, more tightly than −ELBO does; "
                f"nats per {self.unit}, lower is better.{density}"
            )
        return (
            f"−ELBO = reconstruction + KL bounds −log p(x) from above; nats per {self.unit}, lower is better. A KL "
            f"near 0 means that the latents carry nothing.{density}"
        )

    def summaries(self) -> dict[str, Any]:
        """A table of layers, shapes and counts for each half."""
        return tables(self.model)

    def shown(self, row: dict[str, Any]) -> tuple[str, str]:
        """The loss and its parts; how many latents carry something."""
        if "kl" not in row:
            return f"loss {row['loss']:.2f}", f"ELBO {row['elbo']:.2f}" if "elbo" in row else ""
        return (
            f"loss {row['loss']:.2f} = {row['reconstruction']:.2f} + KL {row['kl']:.2f}"
            if self.config.aim == "elbo" and not self.config.warm_up and not self.config.free_bits
            else f"reconstruction {row['reconstruction']:.2f}  KL {row['kl']:.2f}",
            f"{row['active']:.0f} of {self.config.latent} latents active",
        )

    def holders(self) -> dict[str, Any]:
        """The model, and its optimiser or two."""
        return {"model": self.model, **{f"optimiser_{name}": o for name, o in self.optimisers.items()}}

    @property
    def kl_weight(self) -> float:
        """β, or the part of it that the warm-up has reached."""
        risen = min(1.0, (self.step_count + 1) / self.config.warm_up) if self.config.warm_up else 1.0
        return self.config.kl_goal * risen

    def step(self, batch: Any) -> dict[str, Any]:
        """One update on a batch, x or (x, what is told of it): Kingma & Welling 2014, algorithm 1.

        Returns measurements: reconstruction, KL and ELBO in nats per item; `active` counts latents whose mean varies
        over the batch, and kl_per_dimension is (Z,).
        """
        x, y = self.prepared(*batch) if isinstance(batch, tuple) else self.prepared(batch)
        if self.config.aim == "iwae" or not self.model.analytic:
            return self._step_on_the_bound(x, y)
        if self.config.alternate:
            return self._alternating_step(x, y)
        found = self.looked_at(x, y)
        self._update("all", self.total(found))
        return self._measured(found)

    def looked_at(self, x: Any, y: Any) -> "Parts":
        """What every objective but iwae is made of, from k draws of z for each item."""
        log_px, mu, logvar = self.model.one_pass(x, rng=self.rng, k=self.config.k, y=y)
        return Parts(-log_px.mean(), losses.gaussian_kl_terms(mu, logvar), mu)

    def total(self, found: "Parts") -> Any:
        """The loss: −ELBO, or with --beta, --lam, --warm-up and --free-bits what these make of it."""
        free = self.config.free_bits
        kl = losses.free_bits(found.terms.mean(axis=0), free) if free else found.kl
        return losses.article_total(self._weighed(kl), found.reconstruction, self.config.lam)

    def _weighed(self, kl: Any) -> Any:
        """The KL times its weight of now; while that rises it is a number of the step, which a graph must be given."""
        if not self.config.warm_up:
            return self.kl_weight * kl
        module = backend.array_module(kl.data)
        return kl * backend.arrival(lambda: np.asarray(self.kl_weight, kl.dtype), module)

    def _alternating_step(self, x: Any, y: Any) -> dict[str, Any]:
        """The decoder fixed, update the encoder; the encoder fixed, update the decoder: the article's F15 and F16.

        Each on its own loss, L_E the KL and L_D −E log p(x|z), with the signs of a descent; or both on the whole loss.
        """
        whole = self.config.alternate_on == "whole"
        found = self.looked_at(x, y)
        self._update("encoder", self.total(found) if whole else self._weighed(found.kl))
        found = self.looked_at(x, y)  # with the encoder that has just changed
        self._update("decoder", self.total(found) if whole else self.config.lam * found.reconstruction)
        return self._measured(found)

    def _step_on_the_bound(self, x: Any, y: Any) -> dict[str, Any]:
        log_w = self.model.log_weights(x, self.config.k, rng=self.rng, y=y)
        tight = losses.iwae_bound(log_w) if self.config.aim == "iwae" else log_w.mean()
        self._update("all", -tight)
        return {"loss": -tight, **({"elbo": log_w.mean()} if self.config.is_likelihood else {})}

    def _update(self, name: str, loss: Any) -> None:
        optimiser = self.optimisers[name]
        optimiser.update(minigen.grad(loss, optimiser.parameters))

    def _measured(self, found: "Parts") -> dict[str, Any]:
        with minigen.no_grad():
            elbo = {"elbo": -(found.reconstruction + found.kl)} if self.config.is_likelihood else {}
            return {
                "loss": self.total(found),
                "reconstruction": found.reconstruction,
                "kl": found.kl,
                **elbo,
                "active": (minigen.var(found.mu.detach(), axis=0) > ACTIVE).sum(),
                "kl_per_dimension": found.terms.mean(axis=0),
            }

    # From data to the network and back --------------------------------------------------------------------------------

    def prepared(self, x: Any, classes: Any = None, rng: np.random.Generator | None = None) -> tuple[Any, Any]:
        """(x, y) as the model takes them: images in [−1, 1] or drawn black and white, motion scaled; y rows.

        x: a batch as `Batches` gives it.  rng draws dynamic binarisation, by default the recipe's own.
        """
        y = self.condition.rows(None if classes is None else backend.to_host(classes), len(x))
        y = None if y is None else backend.to_device(y, backend.array_module(x))
        if self.scaling is not None:
            return backend.to_device(self.scaling.to_units(backend.to_host(x))), y
        if self.config.likelihood == "bernoulli":
            x = (x + 1) * 0.5
            if self.config.binarisation == "dynamic":
                drawn = draw_uniform(rng or self.rng, x.shape, x.dtype, backend.array_module(x))
                x = (drawn < x).astype(x.dtype)
        return x, y

    def latents(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """n draws of z from the prior, a host array (n, latent): what `generate` takes."""
        return minigen.random.normal(n, self.config.latent, rng=rng).numpy()

    def generate(self, z: np.ndarray, classes: np.ndarray | None = None) -> np.ndarray:
        """The decoder's means for latents z (n, latent): images (n, H, W, C) in about [−1, 1], or features (n, T, F).

        classes: what is told of each item, class numbers (n,) or rows; by default they take turns (see Condition).
        """
        return self._shown(self._decoded(z, classes))

    def reconstruct(self, x: np.ndarray, classes: np.ndarray | None = None) -> np.ndarray:
        """Batches x, encoded to their mean codes and decoded: (n, …) like `generate`."""
        return self.generate(self.codes(x, classes)[0], classes)

    def codes(self, x: np.ndarray, classes: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """(μ, log σ²) of q(z|x) for host items x as `Batches` gives them, both (n, latent)."""
        found = []
        with minigen.no_grad():
            for i in range(0, len(x), 256):
                part = None if classes is None else classes[i : i + 256]
                found.append(
                    self.model.encode(*self.prepared(backend.to_device(x[i : i + 256]), part, backend.generator(i)))
                )
        mu, logvar = zip(*found, strict=True)
        return np.concatenate([a.numpy() for a in mu]), np.concatenate([a.numpy() for a in logvar])

    def clips(self, features: np.ndarray, name: str = "sample") -> Iterator[Clip]:
        """Features (n, T, F), as `generate` gives them for motion, as moving skeletons."""
        for i, x in enumerate(features):
            yield from_features(x, self.skeleton, self.carrier, self.fps, name=f"{name}-{i}")

    def _decoded(self, z: np.ndarray, classes: np.ndarray | None) -> np.ndarray:
        parts = []
        rows = self.condition.rows(classes, len(z))
        with minigen.no_grad():
            for i in range(0, len(z), 256):
                y = None if rows is None else backend.to_device(rows[i : i + 256])
                parts.append(self.model.decode(minigen.tensor(z[i : i + 256]), y).numpy())
        return np.concatenate(parts)

    def _shown(self, decoded: np.ndarray) -> np.ndarray:
        """What p(x|z) expects, in the units of the data."""
        if self.scaling is not None:
            return self.scaling.from_units(decoded)
        if self.config.likelihood == "bernoulli":
            return np.tanh(0.5 * decoded)  # 2 σ(a) − 1
        return decoded

"""The article's GAN: its settings, one step of its training, and what it draws.

The article's section 项目实战, program C2 to C4; Goodfellow et al. 2014, algorithm 1.
"""

import contextlib
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

import minigen
from minigen import backend, losses, optim
from minigen.nn import Module
from minigen.train.condition import Condition
from minigen.train.gan_config import LOGISTIC, PRESETS, Config
from minigen.train.gan_networks import beside, build, packed, shapes, turned, turns
from minigen.train.recipe import Recipe

__all__ = ["PRESETS", "Config", "Gan"]

AT_ONCE = 256 * 28 * 28  # pixels that are generated together


class Gan(Recipe):
    """Generator, discriminator, their optimisers, and the noise between them.  A step is an update of G.

    about: what `minigen.train.about.about` says of the data; it is kept in every checkpoint.
    """

    advice = "Try a lower --learning-rate and --d-learning-rate, --penalty gradient, or look at the data."

    def __init__(self, config: Config, about: Mapping[str, Any] | None = None):
        self.config = config = config.resolved()
        self.condition = Condition.from_facts(about or {})
        self.fps = Fraction(about["fps"]) if about and "fps" in about else None  # of the film that clips are from
        self.batches_per_step = config.d_steps  # batches of real images that `step` takes
        start = backend.generator([config.seed, 0])  # for the weights; what happens later has a generator of its own
        self.rng = backend.generator([config.seed, 1], config.draws)
        self.generator, self.discriminator = build(config, self.condition.numbers, start, self.rng)
        self.objective = losses.gan.objective(config.loss, smooth=config.smooth)
        betas = (config.beta1, config.beta2)
        self.named_parameters()  # gives each its name, so that messages say generator.… and discriminator.…
        self.optimiser_g = optim.Adam(self.generator.parameters(), config.learning_rate, betas=betas)
        self.optimiser_d = optim.Adam(self.discriminator.parameters(), config.d_learning_rate, betas=betas)
        self.average = optim.Average(self.generator, config.ema) if config.ema else None

    @property
    def networks(self) -> dict[str, Module]:
        """What is trained, by name."""
        return {"generator": self.generator, "discriminator": self.discriminator}

    @property
    def classes(self) -> list[str]:
        """The names of the classes that both networks are told of; none where they are told of none."""
        return list(self.condition.classes)

    @property
    def loops(self) -> bool:
        """Whether a clip comes round: its frame T would be its frame 0."""
        return self.config.frames > 1 and self.config.loop == "yes"

    @property
    def graphless(self) -> str:
        """Why its step cannot be one CUDA graph, in a sentence; empty where nothing is known against it."""
        if self.config.unroll:
            return "--unroll takes updates on paper, and a graph would not count them."
        if turns(self.config):
            return "clips are begun at a frame that is drawn on the host."
        if self.config.frames > 1 and self.config.video == "drift":
            return "--video drift cuts its frames out by places that are made on the host."
        return ""

    @property
    def reading(self) -> str:
        """One line on what the loss values mean."""
        return self.objective.reading

    @property
    def balance(self) -> dict[str, float] | None:
        """Losses of D and G when D can only guess; None where the loss is not logistic."""
        if self.config.loss not in LOGISTIC or self.objective.balance is None:
            return None
        return dict(zip(("discriminator", "generator"), self.objective.balance, strict=True))

    def summaries(self) -> dict[str, Any]:
        """A table of layers, shapes and counts for each network."""
        entrances = shapes(self.config, self.condition.numbers)
        return {name: network.summary(entrances[name]) for name, network in self.networks.items()}

    def step(self, *batches: Any) -> dict[str, Any]:
        """Update D on each batch, then G once: Goodfellow et al. 2014, algorithm 1 (对抗训练 in the article).

        batches: real images (N, H, W, C) in [−1, 1], d_steps of them; or pairs of those and rows of what is told of
        them.  Returns losses and mean answers, not yet floats.
        """
        for batch in batches:
            x_real, rows = batch if isinstance(batch, tuple) else (batch, None)
            x_fake = self.generator(beside(self.noise(len(x_real)), rows))  # made once, used twice
            x_fake = turned(x_fake, self.config, self.rng)

            logits, reals = self.judged_together(x_real, x_fake.detach(), rows)
            loss_d = self.objective.both(logits, reals)
            real, fake = logits[:reals], logits[reals:]
            penalty = self.penalty(x_real, x_fake.detach(), rows)
            total = loss_d if penalty is None else loss_d + penalty
            self.optimiser_d.update(minigen.grad(total, self.discriminator.parameters()))

        loss_g = self.loss_g(x_real, x_fake, rows)  # D is asked anew: it has just changed
        self.optimiser_g.update(minigen.grad(loss_g, self.generator.parameters()))
        if self.average:
            self.average.update()

        measured = {"discriminator": loss_d, "generator": loss_g, **self._answers(real, fake)}
        return measured if penalty is None else {**measured, "penalty": penalty}

    def judged(self, x: Any, rows: Any) -> Any:
        """D's logits for images, of which it is told rows, and sees `pack` at once."""
        return self.discriminator(self._seen(x, rows))

    def judged_together(self, x_real: Any, x_fake: Any, rows: Any) -> tuple[Any, int]:
        """D's logits for real images, and for as many fakes behind them in one batch; and how many are of real ones."""
        both = [self._seen(x, rows) for x in (x_real, x_fake)]
        return self.discriminator(minigen.concatenate(both)), len(both[0])

    def _seen(self, x: Any, rows: Any) -> Any:
        """Images and rows as D takes them."""
        pack = self.config.pack
        return beside(packed(x, pack), packed(rows, pack))

    def loss_g(self, x_real: Any, x_fake: Any, rows: Any) -> Any:
        """G's loss before the D of now; with --unroll before the D that so many updates would make of it."""

        def loss() -> Any:
            return self.objective.generator(self.judged(x_fake, rows))

        def loss_d() -> Any:
            judged = self.objective.discriminator(self.judged(x_real, rows), self.judged(x_fake, rows))
            penalty = self.penalty(x_real, x_fake, rows)
            return judged if penalty is None else judged + penalty

        if not self.config.unroll:
            return loss()
        return losses.gan.unrolled(self.discriminator, self.optimiser_d, loss_d, loss, steps=self.config.unroll)

    def penalty(self, x_real: Any, x_fake: Any, rows: Any = None) -> Any:
        """The term that --penalty adds to the discriminator's loss; None for none.  Its slopes are those by images."""
        pack, weight = self.config.pack, self.config.penalty_weight
        told = packed(rows, pack)
        real = packed(x_real, pack)

        def critic(x: Any) -> Any:
            return self.discriminator(beside(x, told))

        if self.config.penalty == "gradient":
            return losses.gradient_penalty(critic, real, packed(x_fake, pack), rng=self.rng, weight=weight)
        if self.config.penalty == "r1":
            return losses.r1(critic, real, weight=weight)
        return None

    def _answers(self, real: Any, fake: Any) -> dict[str, Any]:
        """D(x) and D(G(z)), the mean answers: probabilities where the loss is logistic, raw scores where it is not."""
        with minigen.no_grad():
            if self.config.loss in LOGISTIC:
                real, fake = minigen.sigmoid(real), minigen.sigmoid(fake)
            return {"d_real": real.mean(), "d_fake": fake.mean()}

    def shown(self, row: dict[str, Any]) -> tuple[str, str]:
        """Both losses; D's mean answers."""
        return (
            f"D {row['discriminator']:.3f}  G {row['generator']:.3f}",
            f"D(x) {row['d_real']:.2f}  D(G(z)) {row['d_fake']:.2f}",
        )

    def holders(self) -> dict[str, Any]:
        """Both networks, both optimisers, and the averaged weights where there are any."""
        holders = {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "optimiser_g": self.optimiser_g,
            "optimiser_d": self.optimiser_d,
        }
        return {**holders, "average": self.average} if self.average else holders

    # Drawing --------------------------------------------------------------------------------------------------------

    def noise(self, n: int) -> minigen.Tensor:
        """n draws of z for training, (n, latent), from the recipe's own generator."""
        return self._draw_z(n, self.rng)

    def latents(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """n draws of z from `rng`, a host array (n, latent): what `generate` takes."""
        return self._draw_z(n, rng).numpy()

    def _draw_z(self, n: int, rng: np.random.Generator) -> minigen.Tensor:
        shape = (n, self.config.latent)
        if self.config.prior == "normal":
            return minigen.random.normal(*shape, rng=rng)
        return minigen.random.uniform(*shape, rng=rng, low=-1.0)

    def generate(self, z: np.ndarray, classes: np.ndarray | None = None) -> np.ndarray:
        """Images of the latents z (n, latent): host float32 (n, H, W, C) in [−1, 1]; of clips (n, T, H, W, C).

        classes: what is told of each, class numbers (n,) or rows; by default they take turns (see Condition).  With
        the averaged weights where there are any (and `draw_averaged`), and with the running statistics of batch
        normalisation; training is not touched.
        """
        rows = self.condition.rows(classes, len(z))
        if rows is not None:
            z = np.concatenate([z, rows], axis=1)
        n = max(1, AT_ONCE // (self.config.frames * self.config.size**2))
        averaged = self.average.applied() if self.average and self.draw_averaged else contextlib.nullcontext()
        self.generator.eval()
        try:
            with minigen.no_grad(), averaged:
                parts = [self.generator(minigen.tensor(z[i : i + n])).numpy() for i in range(0, len(z), n)]
        finally:
            self.generator.train()
        return np.concatenate(parts)

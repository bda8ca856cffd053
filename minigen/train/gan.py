"""The article's GAN: its settings, one step of its training, and what it draws.

The article's section 项目实战, program C2 to C4; Goodfellow et al. 2014, algorithm 1.
"""

import contextlib
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

import minigen
from minigen import backend, losses, optim
from minigen.errors import SettingError
from minigen.models import dcgan
from minigen.nn import Module
from minigen.train.recipe import Recipe
from minigen.train.settings import above_0, at_least, share

LOGISTIC = ("nonsaturating", "minimax")  # losses under which D's answer is a probability


@dataclass(frozen=True)
class Config:
    """Every number of the recipe.  TensorFlow's DCGAN tutorial is cited where the article leaves a number open."""

    data: str = "scenes"
    """What to learn from: scenes, effects:KIND, mnist, mnist:DIR, images:FOLDER_OR_ZIP, video:FILE, npz:FILE."""
    size: Literal[28, 32, 64] = 28
    """Side of the images in pixels. 28 is the article's; 32 and 64 begin at 8x8 instead of 7x7, and 64 adds a stage."""
    channels: Literal[1, 3] = 1
    """1 for grey (the article), 3 for colour."""
    count: int = 10_000
    """How many images to learn from, at most. 0 takes all that there are (scenes, effects: 10,000)."""
    fit: Literal["crop", "pad", "stretch"] = "crop"
    """How an image of another shape becomes square."""
    every: int = 1
    """Of a video, take every n-th frame. Neighbouring frames are nearly the same image."""
    upscale: bool = False
    """Accept images smaller than the size, enlarging them."""
    skip_bad: bool = False
    """Leave out images that cannot be read, and list them, instead of stopping."""

    steps: int = 2_000
    """How many times both networks are updated. The default takes about two and a half minutes on two cores."""
    epochs: float = 0.0
    """If above 0, train for so many passes over the data instead of counting steps (the tutorial: 50)."""
    batch: int = 32
    """Real images a step, and as many fakes. The article has 256; smaller batches give more steps a minute."""

    width: float = 0.5
    """Channels of every layer as a share of the article's (64, 128, 256). 1 is the article's own network."""
    latent: int = 100
    """Numbers in z, from which an image is made. The article: 100."""
    prior: Literal["normal", "uniform"] = "normal"
    """What z is drawn from: standard normal, or uniform on [-1, 1). The article allows both."""
    dropout: float = 0.0
    """Share of the discriminator's activations set to 0 while training. The article: 0.3, which suits longer runs."""

    loss: Literal["nonsaturating", "minimax", "least_squares", "hinge", "wasserstein"] = "nonsaturating"
    """The pair of losses. nonsaturating is the article's."""
    smooth: float = 0.0
    """One-sided label smoothing: real images count as 1 - smooth (Salimans et al. 2016, section 3.4)."""
    penalty: Literal["none", "gradient", "r1"] = "none"
    """A term that keeps the discriminator smooth: WGAN-GP's gradient penalty, or R1 (Mescheder et al. 2018)."""
    penalty_weight: float = 10.0
    """Weight of the penalty. 10 in both papers."""
    d_steps: int = 1
    """Discriminator updates a generator update. 1 in the article; 5 is WGAN-GP's."""

    learning_rate: float = 5e-4
    """Adam's step size for the generator. Radford et al. 2016 have 2e-4 for longer runs, the tutorial 1e-4."""
    d_learning_rate: float = 1e-3
    """Adam's step size for the discriminator, which helps when faster than G's (Heusel et al. 2017, section 2)."""
    beta1: float = 0.5
    """Adam's memory of the gradient (Radford et al. 2016, who found 0.9 unstable)."""
    beta2: float = 0.99
    """Adam's memory of its square. Kingma & Ba 2015 have 0.999; PacGAN's code has 0.99, which suits a short run."""
    ema: float = 0.995
    """Decay a step of the averaged generator weights that samples are drawn with. 0 draws with the raw weights."""
    seed: int = 0
    """Decides everything random: weights, order of images, noise. The same seed gives the same run."""

    def __post_init__(self) -> None:
        at_least("count", self.count, 0)
        at_least("every", self.every, 1)
        at_least("steps", self.steps, 1)
        at_least("epochs", self.epochs, 0)
        at_least("batch", self.batch, 2, "batch normalisation needs at least two images")
        at_least("latent", self.latent, 1)
        at_least("d_steps", self.d_steps, 1)
        at_least("penalty_weight", self.penalty_weight, 0)
        at_least("seed", self.seed, 0)
        above_0("width", self.width, "1 is the article's network, 0.25 a quarter of it")
        for name in ("learning_rate", "d_learning_rate"):
            above_0(name, getattr(self, name), "2e-4 to 2e-3 are usual")
        for name in ("dropout", "smooth", "beta1", "beta2", "ema"):
            share(name, getattr(self, name))
        if self.smooth and self.loss not in LOGISTIC:
            raise SettingError(
                f"--smooth {self.smooth:g} has no meaning for --loss {self.loss}, which has no labels; leave it out."
            )


PRESETS = {
    "default": Config(),
    # The article's networks and batch; Adam and the epochs from the tutorial, where the article is silent.
    "article": Config(
        epochs=50,
        width=1.0,
        batch=256,
        dropout=0.3,
        learning_rate=1e-4,
        d_learning_rate=1e-4,
        beta1=0.9,
        beta2=0.999,
        ema=0.0,
    ),
}


class Gan(Recipe):
    """Generator, discriminator, their optimisers, and the noise between them.  A step is an update of G."""

    advice = "Try a lower --learning-rate and --d-learning-rate, --penalty gradient, or look at the data."

    def __init__(self, config: Config):
        self.config = config
        self.batches_per_step = config.d_steps  # batches of real images that `step` takes
        start = backend.generator([config.seed, 0])  # for the weights; what happens later has a generator of its own
        self.rng = backend.generator([config.seed, 1])
        networks: dict[str, Any] = {"side": config.size, "channels": config.channels, "width": config.width}
        self.generator = dcgan.Generator(latent=config.latent, **networks, rng=start)
        self.discriminator = dcgan.Discriminator(**networks, dropout=config.dropout, rng=start, noise=self.rng)
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
        config = self.config
        return {
            "generator": self.generator.summary((config.latent,)),
            "discriminator": self.discriminator.summary((config.size, config.size, config.channels)),
        }

    def step(self, *batches: Any) -> dict[str, Any]:
        """Update D on each batch, then G once: Goodfellow et al. 2014, algorithm 1 (对抗训练 in the article).

        batches: real images (N, H, W, C) in [−1, 1], d_steps of them.  Returns losses and mean answers, not yet floats.
        """
        for x_real in batches:
            x_fake = self.generator(self.noise(len(x_real)))  # made once, used twice

            real, fake = self.discriminator(x_real), self.discriminator(x_fake.detach())
            loss_d = self.objective.discriminator(real, fake)
            penalty = self.penalty(x_real, x_fake.detach())
            total = loss_d if penalty is None else loss_d + penalty
            self.optimiser_d.update(minigen.grad(total, self.discriminator.parameters()))

        loss_g = self.objective.generator(self.discriminator(x_fake))  # asked anew: D has just changed
        self.optimiser_g.update(minigen.grad(loss_g, self.generator.parameters()))
        if self.average:
            self.average.update()

        measured = {"discriminator": loss_d, "generator": loss_g, **self._answers(real, fake)}
        return measured if penalty is None else {**measured, "penalty": penalty}

    def penalty(self, x_real: Any, x_fake: Any) -> Any:
        """The term that --penalty adds to the discriminator's loss; None for none."""
        weight = self.config.penalty_weight
        if self.config.penalty == "gradient":
            return losses.gradient_penalty(self.discriminator, x_real, x_fake, rng=self.rng, weight=weight)
        if self.config.penalty == "r1":
            return losses.r1(self.discriminator, x_real, weight=weight)
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

    def generate(self, z: np.ndarray) -> np.ndarray:
        """Images of the latents z (n, latent): host float32 (n, H, W, C) in [−1, 1].

        With the averaged weights where there are any (and `draw_averaged`), and with the running statistics of batch
        normalisation; training is not touched.
        """
        averaged = self.average.applied() if self.average and self.draw_averaged else contextlib.nullcontext()
        self.generator.eval()
        try:
            with minigen.no_grad(), averaged:
                parts = [self.generator(minigen.tensor(z[i : i + 256])).numpy() for i in range(0, len(z), 256)]
        finally:
            self.generator.train()
        return np.concatenate(parts)

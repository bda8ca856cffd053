"""The article's program (项目实战, C1 to C4), completed and corrected: a GAN that learns to paint film scenes.

Read it from top to bottom beside the article.  Each block says what the article's block is for and what was missing or
wrong there; the numbers E… are those of the lessons.  Run it: about two minutes on two cores, and one picture.

    python lessons/the_articles_program.py --data mnist:FOLDER --images 60000 --epochs 1     # if you have its files

Layers and sizes are the article's: 2,305,472 trained numbers in the generator, 212,865 in the discriminator.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import NoReturn

import numpy as np
from matplotlib import image

import minigen
from minigen.data import Batches, open_data
from minigen.losses.gan import nonsaturating
from minigen.nn import BatchNorm, Conv2D, Conv2DTranspose, Dense, Dropout, Flatten, LeakyReLU, Reshape, Sequential, Tanh
from minigen.optim import Adam

# C1, imports and a seed.  The article seeds one generator for the whole process (42), and whoever draws a number more
# changes all that follow.  Here whatever draws is handed an `rng`; main() makes two from --seed, one for what the
# networks start as, one for the noise of training.  NumPy and matplotlib are imported there and never used; here they
# make the picture.

LATENT = 100


# C2, the generator: noise in, picture out.  The layers stand as they stood.  What is said of them is not: a comment
# counts two deconvolutions, but there are three, and the first keeps 7×7 (E13); there is one dense layer, not several;
# and nothing here extracts features, since G never sees a picture (E9).
def make_generator(rng: np.random.Generator) -> Sequential:
    """z (N, 100) → images (N, 28, 28, 1) in (−1, 1)."""
    return Sequential(
        Dense(LATENT, 7 * 7 * 256, bias=False, rng=rng),
        BatchNorm(7 * 7 * 256),
        LeakyReLU(0.2),
        Reshape(7, 7, 256),
        Conv2DTranspose(256, 128, 5, stride=1, padding="same", bias=False, rng=rng),  # 7×7, as before
        BatchNorm(128),
        LeakyReLU(0.2),
        Conv2DTranspose(128, 64, 5, stride=2, padding="same", bias=False, rng=rng),  # 14×14
        BatchNorm(64),
        LeakyReLU(0.2),
        Conv2DTranspose(64, 1, 5, stride=2, padding="same", bias=False, rng=rng),  # 28×28
        Tanh(),
    )


# C3, the discriminator: picture in, one number out.  That number is a logit, any real number, and no probability as the
# reading has it (E4).  No sigmoid belongs at its end, because the losses below apply it themselves.
def make_discriminator(rng: np.random.Generator, noise: np.random.Generator) -> Sequential:
    """Images (N, 28, 28, 1) → logits (N, 1), above 0 for what it takes to be real.  Dropout draws from `noise`."""
    return Sequential(
        Conv2D(1, 64, 5, stride=2, padding="same", rng=rng),  # 14×14
        LeakyReLU(0.2),
        Dropout(0.3, rng=noise),
        Conv2D(64, 128, 5, stride=2, padding="same", rng=rng),  # 7×7
        LeakyReLU(0.2),
        Dropout(0.3, rng=noise),
        Flatten(),
        Dense(7 * 7 * 128, 1, rng=rng),
    )


# C4, part one: the data.  `train_images` is never defined; a buffer of 60,000 suggests MNIST.  Here it is built-in
# scenes, or what --data names.  `Batches` shuffles all of them in every epoch, and brings bytes to [−1, 1], which the
# article forgets: G ends in tanh, and D would tell the two apart by their range.  The article's batch is 256.
def make_batches(data: str, images: int, batch: int, seed: int) -> Batches:
    """Batches (N, 28, 28, 1), float32 in [−1, 1], without end."""
    return Batches(open_data(data, size=28, channels=1, count=images, seed=seed).items, batch, seed=seed)


class Gan:
    """C4, part two: both networks, what moves their weights, and the two halves of a step.

    The article has no optimiser at all.  Two gradient tapes are *named* optimisers and asked to apply gradients, which
    a tape cannot.  Each network needs one of its own, so that one half of a step cannot move the other network.
    """

    def __init__(self, seed: int):
        start, self.rng = (minigen.random.generator([seed, k]) for k in (0, 1))
        self.generator, self.discriminator = make_generator(start), make_discriminator(start, self.rng)
        # Both are in training mode, as every module of minigen is until eval().  The article calls its models without
        # training=True: batch normalisation then uses the statistics it started with, a mean of 0 and a variance of 1,
        # for ever, which only multiplies by 0.9995; and Dropout does nothing (E12).
        # The article is silent on step sizes; 0.5 is from Radford et al. 2016, section 4, the rest suits a short run.
        self.optimiser_g = Adam(self.generator.parameters(), 5e-4, betas=(0.5, 0.99))
        self.optimiser_d = Adam(self.discriminator.parameters(), 1e-3, betas=(0.5, 0.99))

    def fakes(self, count: int) -> minigen.Tensor:
        """G(z) for `count` new z, normal.

        `noise` is undefined in the article.  Made once before the loop, it would be all that G ever sees: G could
        learn those few pictures and nothing between them.  And the last batch of an epoch may be shorter than others.
        """
        return self.generator(minigen.random.normal(count, LATENT, rng=self.rng))

    def step_discriminator(self, x, x_fake) -> minigen.Tensor:
        """F2 down, by the weights of D alone.  `disc_loss_fn` is undefined in the article.

        detach() cuts G off: the fakes are numbers here, and nothing is derived by what made them.
        """
        real, fake = self.discriminator(x), self.discriminator(x_fake.detach())
        loss_d = nonsaturating.discriminator(real, fake)
        self.optimiser_d.update(minigen.grad(loss_d, self.discriminator.parameters()))
        return loss_d.detach()

    def step_generator(self, x_fake) -> minigen.Tensor:
        """F1 down, by the weights of G alone: *through* D, which is held.  `gen_loss_fn` is undefined there."""
        loss_g = nonsaturating.generator(self.discriminator(x_fake))  # asked anew: D has just moved
        self.optimiser_g.update(minigen.grad(loss_g, self.generator.parameters()))
        return loss_g.detach()

    def samples(self, z: np.ndarray) -> np.ndarray:
        """Pictures of z in use: with the running statistics, so that no picture depends on its neighbours."""
        self.generator.eval()
        with minigen.no_grad():
            pictures = self.generator(minigen.tensor(z)).numpy()
        self.generator.train()
        return pictures


# C4, part three: the loop.  D first, then G, as the article's listing and Goodfellow et al. 2014, algorithm 1, have it
# (the article's worked case, F10 and F11, has G first).  Each goes *down* its loss, where F3 and F4 print a plus (E1).
# `EPOCHS` is undefined; here it is --epochs.  The article has fakes made for each half; one batch of them serves both.
def train(gan: Gan, batches: Batches, epochs: int) -> list[tuple[float, float]]:
    """The mean losses (D's, G's) of every epoch; prints them."""
    history, began = [], time.perf_counter()
    for epoch in range(epochs):
        losses = []
        for _ in range(batches.steps_per_epoch):
            x = minigen.backend.to_device(next(batches))
            x_fake = gan.fakes(len(x))
            loss_d = gan.step_discriminator(x, x_fake)
            loss_g = gan.step_generator(x_fake)
            losses.append((loss_d, loss_g))
        # One line an epoch.  The article prints after every batch, and a GPU has to be waited for each time.
        loss_d, loss_g = (sum(loss.item() for loss in column) / len(losses) for column in zip(*losses, strict=True))
        history.append((loss_d, loss_g))
        took = f"{time.perf_counter() - began:.0f} s"
        print(f"epoch {epoch + 1} of {epochs}   D {loss_d:.3f}   G {loss_g:.3f}   {took}", flush=True)
    return history


def save_grid(path: Path, pictures: np.ndarray) -> None:
    """64 pictures (64, 28, 28, 1) as one PNG, eight rows of eight."""
    rows = pictures.reshape(8, 8, 28, 28).transpose(0, 2, 1, 3).reshape(8 * 28, 8 * 28)
    image.imsave(path, rows.repeat(3, axis=0).repeat(3, axis=1), cmap="gray", vmin=-1, vmax=1)


def stop(sentence: str) -> NoReturn:
    """Say what is wrong and end with status 2."""
    print(f"error: {sentence}", file=sys.stderr)
    raise SystemExit(2)


def read_flags(given: list[str] | None) -> argparse.Namespace:
    """The flags, checked before anything is computed."""
    flags = argparse.ArgumentParser(description="The article's GAN, completed and corrected.", allow_abbrev=False)
    flags.error = stop  # argparse would print its usage as well
    flags.add_argument("--epochs", type=int, default=14, help="passes over the images (default 14)")
    flags.add_argument("--data", default="scenes", help="scenes (built in), mnist:FOLDER, images:FOLDER, video:FILE")
    flags.add_argument("--images", type=int, default=2000, help="how many to learn from, at most (default 2000)")
    flags.add_argument("--batch", type=int, default=32, help="real images a step (default 32; the article's: 256)")
    flags.add_argument("--seed", type=int, default=42, help="decides everything random (default 42)")
    flags.add_argument("--out", type=Path, default=Path("the_articles_scenes.png"), help="replaced where it exists")
    flags.add_argument("--backend", choices=["numpy", "cupy", "auto"], default="numpy")
    options = flags.parse_args(given)
    for name, least in {"epochs": 1, "images": 2, "batch": 2, "seed": 0}.items():
        if (value := getattr(options, name)) < least:
            stop(f"--{name} {value}: it must be at least {least}.")
    if options.out.suffix != ".png" or options.out.is_dir() or not options.out.parent.is_dir():
        stop(f"--out {options.out}: name a picture, ending in .png, in a folder that exists.")
    return options


def main(given: list[str] | None = None) -> None:
    options = read_flags(given)
    minigen.backend.use(options.backend)
    gan = Gan(options.seed)
    print(gan.generator.summary((LATENT,)))
    print(gan.discriminator.summary((28, 28, 1)))
    print("Where D can only guess, its loss is 2 ln 2 = 1.386 and G's ln 2 = 0.693; judge by the picture.")
    train(gan, make_batches(options.data, options.images, options.batch, options.seed), options.epochs)
    z = np.random.default_rng([options.seed, 2]).standard_normal((64, LATENT), np.float32)
    save_grid(options.out, gan.samples(z))
    print(f"64 pictures that nobody painted: {options.out}")


if __name__ == "__main__":
    try:
        main()
    except (minigen.MinigenError, OSError) as error:
        stop(str(error))

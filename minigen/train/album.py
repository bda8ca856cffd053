"""The pictures of a run, from its first step to its last: what all albums share, and the GAN's."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from minigen import backend
from minigen.train import pictures
from minigen.train.gif import save_gif
from minigen.train.neighbours import save_panel
from minigen.train.sources import Source

SHOWN = 64  # images in a grid
Metrics = Sequence[Mapping[str, Any]]


class Album:
    """Draws into a run's folder what a recipe makes of the same noise again and again.

    `begin` once, `draw` now and then, `finish` at the end; `samples` is what `draw` shows, so that the loop can look
    whether it is numbers.  Subclasses draw; none changes the recipe.
    """

    shown: ClassVar[int] = SHOWN

    def __init__(self, run: Path, recipe: Any, source: Source):
        self.run, self.recipe, self.source = run, recipe, source
        self.noise = recipe.latents(self.shown, backend.generator([recipe.config.seed, 2]))  # the same in every picture

    def samples(self) -> np.ndarray:
        """What the recipe makes of the album's noise just now."""
        return self.recipe.generate(self.noise)

    def begin(self) -> None:
        """What is learnt from."""
        raise NotImplementedError(f"{type(self).__name__} does not define begin(self).")

    def draw(self, samples: np.ndarray) -> None:
        """The samples of this step, into samples/."""
        raise NotImplementedError(f"{type(self).__name__} does not define draw(self, samples).")

    def finish(self, metrics: Metrics) -> None:
        """The pictures of the whole run so far, of which these are the rows of metrics."""
        raise NotImplementedError(f"{type(self).__name__} does not define finish(self, metrics).")

    def sayings(self) -> Iterator[str]:
        """What a user may do next, a line each."""
        yield f"draw more: python -m minigen.sample {shlex.quote(str(self.run))} --seeds 0-63"

    def some(self, count: int) -> np.ndarray:
        """The places of so many training items, drawn from the seed."""
        return np.random.default_rng(self.recipe.config.seed).permutation(len(self.source.data))[:count]


class ImageAlbum(Album):
    """What the albums of images share: a grid of real ones, grids of samples, their animation, neighbours."""

    def begin(self) -> None:
        reals = self.source.data.items[self.some(self.shown)]
        pictures.save_png(self.run / "reals.png", pictures.grid(reals, columns=8))

    def draw(self, samples: np.ndarray) -> None:
        path = self.run / "samples" / f"step_{self.recipe.step_count:06d}.png"
        pictures.save_png(path, pictures.grid(samples, columns=8))

    def finish(self, metrics: Metrics) -> None:
        frames = [pictures.read_png(path) for path in sorted((self.run / "samples").glob("step_*.png"))]
        save_gif(self.run / "training.gif", frames + frames[-1:] * 6, fps=6)  # the end rests for a second
        samples = pictures.to_pixels(self.recipe.generate(self.noise[:32]))
        held_out = self.source.held_out.items if self.source.held_out else None
        save_panel(self.run / "neighbours.png", samples, self.source.data.items, held_out)


class GanAlbum(ImageAlbum):
    """The GAN's: with the curves of both losses and of D's answers."""

    def finish(self, metrics: Metrics) -> None:
        super().finish(metrics)
        pictures.curves(self.run / "curves.png", metrics, self.recipe.reading, self.recipe.balance)

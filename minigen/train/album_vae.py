"""The pictures of a VAE of images: what it makes of images, of noise, and of each of its latent dimensions."""

from collections.abc import Iterator
from statistics import NormalDist
from typing import Any

import numpy as np

from minigen.data import as_batch
from minigen.losses.vae import gaussian_kl_terms
from minigen.train import charts, pictures
from minigen.train.album import ImageAlbum, Metrics

MEASURED = 1000  # items of which latents are measured
TRAVERSED = 8  # dimensions that a picture walks along
REACH = 2.5  # deviations of the prior to which it walks


class VaeAlbum(ImageAlbum):
    """Reconstructions, latents and walks beside what every album of images has.

    Measured on held-out images where the source has them, else on images trained on; the captions in the PNG files say
    which.
    """

    def finish(self, metrics: Metrics) -> None:
        super().finish(metrics)
        run, recipe = self.run, self.recipe
        charts.vae_curves(run / "curves.png", metrics, recipe.reading, "image")
        x, classes = self.measured()
        mu, logvar = recipe.codes(x, classes)
        used = dimensions(recipe, mu, logvar, run, "image")
        self.reconstructions(x[:32], None if classes is None else classes[:32])
        self.traversals(mu, used, classes)
        self.interpolations(mu, classes)
        if recipe.config.latent == 2:
            self.map()

    def sayings(self) -> Iterator[str]:
        yield from latents_said(self.run)
        yield from super().sayings()

    def measured(self) -> tuple[np.ndarray, np.ndarray | None]:
        """Items to measure on, and their classes: held-out ones, where there are any of known classes."""
        return measured(self.source, self.recipe)

    def where(self) -> str:
        """Which items those are."""
        return "images held out of the training" if self.source.held_out else "images it was trained on"

    def reconstructions(self, x: np.ndarray, classes: np.ndarray | None) -> None:
        """Originals above what the network makes of them, eight to a row."""
        made = pictures.to_pixels(self.recipe.reconstruct(x, classes))
        rows = [np.concatenate([pictures.to_pixels(x[i : i + 8]), made[i : i + 8]]) for i in range(0, len(x) - 7, 8)]
        both = np.concatenate(rows) if rows else np.concatenate([pictures.to_pixels(x), made])
        text = {"caption": f"Odd rows: {self.where()}. Even rows: the same, encoded and decoded."}
        pictures.save_png(self.run / "reconstructions.png", pictures.grid(both, columns=min(8, len(x))), text)

    def traversals(self, mu: np.ndarray, used: np.ndarray, classes: np.ndarray | None) -> None:
        """One image's code, each of its dearest dimensions moved alone from −2.5 to 2.5: a row a dimension."""
        used = used[:TRAVERSED] if len(used) else np.arange(min(TRAVERSED, mu.shape[1]))
        z = np.tile(mu[:1], (len(used), 11, 1))
        for row, j in enumerate(used):
            z[row, :, j] = np.linspace(-REACH, REACH, 11)
        z = z.reshape(-1, mu.shape[1])
        images = self.recipe.generate(z.astype(np.float32), _same(classes, 0, len(z)))
        text = {"caption": f"Rows: latent dimensions {', '.join(map(str, used))}; columns: from −{REACH} to {REACH}."}
        pictures.save_png(self.run / "traversals.png", pictures.grid(images, columns=11), text)

    def interpolations(self, mu: np.ndarray, classes: np.ndarray | None) -> None:
        """From image to image, along a straight line between their codes: four pairs, a row each."""
        pairs = [(i, i + 1) for i in range(0, min(8, len(mu) - 1), 2)]
        t = np.linspace(0, 1, 11, dtype=np.float32)[:, None]
        z = np.concatenate([(1 - t) * mu[a] + t * mu[b] for a, b in pairs])
        which = None if classes is None else np.repeat([classes[a] for a, _ in pairs], 11, axis=0)
        text = {"caption": f"Left and right: reconstructions of {self.where()}; between: decoded codes between theirs."}
        pictures.save_png(
            self.run / "interpolations.png", pictures.grid(self.recipe.generate(z, which), columns=11), text
        )

    def map(self) -> None:
        """The whole latent plane: cells at quantiles of the prior, so that each is met equally often."""
        side = 15
        place = np.array([NormalDist().inv_cdf((i + 0.5) / side) for i in range(side)], np.float32)
        z = np.stack(np.meshgrid(place, place[::-1]), axis=-1).reshape(-1, 2)
        images = self.recipe.generate(z, _same(self.recipe.condition.rows(None, 1), 0, len(z)))
        text = {"caption": "z₁ to the right, z₂ upwards, each at the middle of 15 equally likely intervals."}
        pictures.save_png(self.run / "latent_map.png", pictures.grid(images, columns=side, scale=2), text)


def measured(source: Any, recipe: Any, most: int = MEASURED) -> tuple[np.ndarray, np.ndarray | None]:
    """(at most so many items, as `Batches` gives them, what is told of them) to measure on: held-out ones if any.

    They are taken evenly, so that of many clips or kinds all are among them.
    """
    data = source.held_out if source.held_out else source.data
    classes = recipe.condition.told(data, recipe.config.condition)
    places = np.linspace(0, len(data) - 1, min(most, len(data))).round().astype(np.intp)  # evenly over all clips
    return as_batch(data.items[places]), None if classes is None else classes[places]


def dimensions(recipe: Any, mu: np.ndarray, logvar: np.ndarray, run: Any, unit: str) -> np.ndarray:
    """Draw what each latent costs, and return those that carry something, the dearest first."""
    kl = np.asarray(gaussian_kl_terms(mu, logvar)).mean(axis=0)
    collapsed = charts.kl_bars(run / "latents.png", kl, unit)
    return np.array([j for j in np.argsort(-kl, kind="stable") if j not in collapsed], np.intp)


def latents_said(run: Any) -> Iterator[str]:
    """What the chart of latents says, where there is one: what they cost together, and which have collapsed."""
    if (run / "latents.png").is_file():
        yield f"latents: {pictures.read_text(run / 'latents.png')['reading']}"


def _same(classes: np.ndarray | None, i: int, n: int) -> np.ndarray | None:
    """What is told of item i, n times."""
    return None if classes is None else np.repeat(classes[i : i + 1], n, axis=0)

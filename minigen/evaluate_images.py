"""How well a VAE keeps images, beside what keeps them without a network."""

from typing import Any

import numpy as np

from minigen.evaluate_bounds import where
from minigen.metrics import pca_reconstruct
from minigen.train.album_vae import measured
from minigen.train.pictures import to_pixels
from minigen.train.table import Row, Table

FITTED = 3000  # training images that PCA is fitted to


def image_tables(recipe: Any, source: Any, options: Any) -> list[Table]:
    """Reconstruction error in grey levels, beside the mean image and PCA with as many numbers as there are latents."""
    x, classes = measured(source, recipe, options.items)
    truth = to_pixels(x).astype(np.float64)
    made = to_pixels(recipe.reconstruct(x, classes)).astype(np.float64)
    mean = source.data.items.mean(axis=0)
    items = source.data.items[:: max(1, len(source.data) // FITTED)].astype(np.float64)
    flat, wanted = items.reshape(len(items), 1, -1), truth.reshape(len(truth), 1, -1)
    columns = {"model": made, "mean image": np.broadcast_to(mean, truth.shape)}
    components = recipe.config.latent
    notes = [f"PCA has {components} numbers an image, like the model, and is fitted to {len(items):,} training images."]
    if components < min(flat.shape[0], flat.shape[2]):
        columns["PCA"] = np.clip(pca_reconstruct(flat, wanted, components), 0, 255).reshape(truth.shape)
    else:
        notes = [f"No PCA: {len(items)} training images have no {components} components."]
    error = {name: float(np.sqrt(((y - truth) ** 2).mean())) for name, y in columns.items()}
    notes = [f"{len(truth):,} images {where(source)}.", *notes]
    if recipe.config.binarisation == "dynamic":
        notes.append("The model sees each image drawn black and white once; PCA sees its grey values.")
    row = Row("reconstruction error", "levels of 255, root mean square", error, "lower")
    return [Table("How well it keeps an image", [row], notes)]

"""How likely a VAE finds items it has not seen: ELBO, L_k and what they are made of."""

import functools
import math
from typing import Any

import numpy as np

import minigen
from minigen import backend
from minigen.data import as_batch
from minigen.losses import vae as losses
from minigen.metrics.vae import active_units
from minigen.train.album_vae import measured
from minigen.train.charts import COLLAPSED, said
from minigen.train.table import Row, Table

AT_ONCE = 100  # items
NUMBERS = 800_000  # of decoded items at a time; a wide network's activations are some hundred times as many


def bounds(recipe: Any, source: Any, options: Any) -> list[Table]:
    """The table of ELBO, L_k, reconstruction and KL in nats per item, and of the units that are active."""
    x, classes = measured(source, recipe, options.items)
    rng = backend.generator([options.seed, 3])
    x, y = recipe.prepared(backend.to_device(x), classes, rng)  # drawn black and white once, where they are so drawn
    rows: list[Row] = []
    unit = f"nats per {recipe.unit}"
    mu, logvar = encoded(recipe, x, y)
    kl = np.asarray(losses.gaussian_kl_terms(mu, logvar))
    if recipe.config.is_likelihood:
        tight, plain = likelihoods(recipe, x, y, options.k, rng)
        base = baseline(recipe, source, x)
        rows += [
            Row("−ELBO", unit, {"model": -plain.mean(), **base}, "lower", _error(plain)),
            Row(f"−L_{options.k}", unit, {"model": -tight.mean(), **base}, "lower", _error(tight)),
        ]
        D = math.prod(recipe.model.item)
        if not recipe.config.moves:
            step = 2 / 255 if recipe.config.likelihood == "gaussian" else None
            bits = losses.bits_per_dimension(float(-tight.mean()), D, step=step)
            note = "the density's, at bytes" if step else "of black and white pixels"
            rows.append(Row(f"−L_{options.k}", "bits per dimension", {"model": bits}, "lower", note=note))
        if recipe.model.analytic:
            reconstruction = -plain.mean() - kl.sum(axis=1).mean()
            rows.append(Row("reconstruction", unit, {"model": reconstruction}))
    if recipe.model.analytic:
        rows.append(Row("KL", unit, {"model": kl.sum(axis=1).mean()}, "", _error(kl.sum(axis=1))))
    rows.append(Row("active units", f"of {recipe.config.latent}", {"model": active_units(mu)}))
    notes = [f"{len(x):,} {recipe.unit}s {where(source)}."]
    if recipe.config.is_likelihood:
        notes.append(f"L_{options.k} is a bound of log p(x), which k = {options.k} does not exhaust.")
    if getattr(source.held_out or source.data, "takes", None) is not None and recipe.config.data != "motion":
        notes.append("Windows of one clip overlap, so that the ± between windows is too small.")
    if recipe.config.likelihood == "bernoulli":
        notes.append(f"Binarisation: {recipe.config.binarisation}. Numbers of two binarisations cannot be compared.")
    if not recipe.config.is_likelihood:
        notes.append("Pixels are grey, of which a Bernoulli is no likelihood: no ELBO and no L_k.")
    if recipe.config.moves:
        notes.append("A density over features scaled to deviation 1; it compares with runs on the same data only.")
    if recipe.model.analytic:
        per = kl.mean(axis=0)
        notes.append(said(per, [int(j) for j in np.flatnonzero(per < COLLAPSED)], recipe.unit))
    seen = "it has not seen" if source.held_out else "it has seen"
    return [Table(f"How likely it finds what {seen}", rows, notes)]


def where(source: Any) -> str:
    """Which items are measured, for a note."""
    return "held out of the training" if source.held_out else "of the training itself: this data has none held out"


def encoded(recipe: Any, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """(μ, log σ²) of prepared items, host arrays (N, Z)."""
    found = []
    with minigen.no_grad():
        for i in range(0, len(x), AT_ONCE):
            found.append(recipe.model.encode(x[i : i + AT_ONCE], None if y is None else y[i : i + AT_ONCE]))
    return tuple(np.concatenate([backend.to_host(a.data) for a in some]) for some in zip(*found, strict=True))  # type: ignore[return-value]


def likelihoods(recipe: Any, x: Any, y: Any, k: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(L_k, L_1) of each prepared item, in pieces that fit into memory."""
    from rich.console import Console
    from rich.progress import track

    D = math.prod(recipe.model.item)
    size = max(1, min(AT_ONCE, NUMBERS // D))
    chunk = max(1, NUMBERS // (size * D))
    tight, plain = [], []
    console = Console(stderr=True)
    places = range(0, len(x), size)
    for i in track(places, "drawing", console=console, transient=True, disable=not console.is_terminal):
        part, labels = x[i : i + size], None if y is None else y[i : i + size]
        draw = functools.partial(recipe.model.log_weights, part, rng=rng, y=labels)
        if recipe.model.analytic:  # one code then serves every draw
            with minigen.no_grad():
                code = recipe.model.encode(part, labels)
            draw = functools.partial(recipe.model.weights_of_code, part, *code, rng=rng, y=labels)
        one, two = losses.log_likelihood(draw, k, chunk=chunk)
        tight.append(one)
        plain.append(two)
    return np.concatenate(tight), np.concatenate(plain)


def baseline(recipe: Any, source: Any, x: Any) -> dict[str, float]:
    """−log p(x) of every number by itself, as it is distributed over the training items, in nats per item."""
    items = source.data.items
    rows = backend.to_host(x).reshape(len(x), -1).astype(np.float64)
    if recipe.config.likelihood == "bernoulli":
        p = np.clip(items.reshape(len(items), -1).mean(axis=0) / 255, 1e-3, 1 - 1e-3)  # as the IWAE code clips it
        return {"pixels alone": float(-(rows * np.log(p) + (1 - rows) * np.log1p(-p)).sum(axis=1).mean())}
    items = items[:: max(1, len(items) // 5000)]
    u, _ = recipe.prepared(as_batch(items))
    u = backend.to_host(u).reshape(len(items), -1).astype(np.float64)
    mean, variance = u.mean(axis=0), np.maximum(u.var(axis=0), 1e-4)
    terms = 0.5 * (np.log(2 * np.pi * variance) + (rows - mean) ** 2 / variance)
    return {"numbers alone": float(terms.sum(axis=1).mean())}


def _error(values: np.ndarray) -> float:
    """The standard error of the mean over items."""
    return float(values.std(ddof=1) / math.sqrt(len(values)))
